/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-report.h"
#include "check-watch.h"

#include "check-private.h"
#include "core-view.h"
#include "peer/bus-state.h"
#include "sim-peers.h"
#include "control.pb-c.h"
#include "wire-guard.h"

#include <string.h>

#define REPORT_EVERY_US G_TIME_SPAN_SECOND /* repeats the number of the core on purpose */
#define REASONS         64u

typedef Daemoneye__Eventbus__V1__DropEvent DropEvent;
typedef Daemoneye__Eventbus__V1__PeerEvent PeerEvent;
typedef Daemoneye__Eventbus__V1__SlowEvent SlowEvent;

/* The fields of an event that are compared at the end. */
typedef struct
{
  char topic[24];
  char peer[16];
  guint32 subscription;
  char what[16];       /* system.slow */
  gboolean replaces;   /* system.peer.connected: it took over the id of another connection */
  guint64 incarnation; /* system.peer.* */
  guint64 replaced;    /* system.peer.connected: the incarnation of that connection */
  guint64 by[REASONS]; /* system.drop */
  guint64 seq;         /* of the event itself */
  gint64 time_us;
} WatchEvent;

typedef struct
{
  guint peer;
  guint32 subscription;
  char pattern[24];
  gboolean is_alive;
  guint64 begun_at;  /* accept sequence */
  guint64 announced; /* events that the broker had published then */
  guint64 last;
  guint64 missed_to;
  guint64 received;
  guint64 missed;
  GArray *events; /* of WatchEvent */
} Watcher;

struct SimWatch
{
  GPtrArray *watchers;
};

static void
watch_watcher_free (gpointer data)
{
  Watcher *watcher = data;

  g_array_unref (watcher->events);
  g_free (watcher);
}

SimWatch *
sim_watch_new (void)
{
  SimWatch *watch = g_new0 (SimWatch, 1);

  watch->watchers = g_ptr_array_new_with_free_func (watch_watcher_free);
  return watch;
}

void
sim_watch_free (SimWatch *watch)
{
  g_ptr_array_unref (watch->watchers);
  g_free (watch);
}

gboolean
sim_watch_is_watcher (const char *pattern)
{
  return g_str_has_prefix (pattern, "system.");
}

/* --- watchers --- */

static Watcher *
watch_find (const SimWatch *watch, guint peer, guint32 subscription)
{
  for (guint i = watch->watchers->len; i > 0; i--)
    {
      Watcher *watcher = g_ptr_array_index (watch->watchers, i - 1);

      if (watcher->peer == peer && watcher->subscription == subscription)
        return watcher;
    }
  return NULL;
}

gboolean
sim_watch_is_watching (const SimWatch *watch, guint peer, guint32 subscription)
{
  return watch_find (watch, peer, subscription) != NULL;
}

void
sim_watch_begin (SimWatch *watch, guint peer, guint32 subscription, const char *pattern, guint64 seq, guint64 announced)
{
  Watcher *watcher = g_new0 (Watcher, 1);

  watcher->peer = peer;
  watcher->subscription = subscription;
  g_strlcpy (watcher->pattern, pattern, sizeof watcher->pattern);
  watcher->is_alive = TRUE;
  watcher->begun_at = seq;
  watcher->announced = announced;
  watcher->events = g_array_new (FALSE, TRUE, sizeof (WatchEvent));
  g_ptr_array_add (watch->watchers, watcher);
}

void
sim_watch_end (SimWatch *watch, guint peer, guint32 subscription)
{
  Watcher *watcher = watch_find (watch, peer, subscription);

  if (watcher != NULL)
    watcher->is_alive = FALSE;
}

void
sim_watch_end_all (SimWatch *watch, guint peer)
{
  for (guint i = 0; i < watch->watchers->len; i++)
    {
      Watcher *watcher = g_ptr_array_index (watch->watchers, i);

      watcher->is_alive = watcher->is_alive && watcher->peer != peer;
    }
}

/* --- events --- */

/* TRUE if the range of the event is large enough for its count. A message that was held for several groups is lost once for each
 * of them. Messages that publishers could not send have only the sequence of their report. */
static gboolean
watch_has_room (const DropEvent *drop, const WatchEvent *event)
{
  const guint64 unsent = event->by[bus_loss_status (BUS_LOSS_UNSENT)];
  const guint64 times = drop->peer[0] == '\0' ? SIM_GROUPS * SIM_SCOPES : 1;

  return drop->count - unsent <= (drop->to - drop->from + 1) * times;
}

static void
watch_read_drop (SimWorld *world, const DropEvent *drop, WatchEvent *event)
{
  guint64 sum = 0;

  g_strlcpy (event->peer, drop->peer, sizeof event->peer);
  event->subscription = drop->subscription;
  for (gsize i = 0; i < drop->n_missed_by; i++)
    {
      event->by[drop->missed_by[i]->reason % REASONS] += drop->missed_by[i]->count;
      sum += drop->missed_by[i]->count;
    }
  if (sum != drop->count || drop->count == 0)
    sim_world_fail (world,
                    "I7: system.drop about %u of %s counts %" G_GUINT64_FORMAT ", its reasons %" G_GUINT64_FORMAT,
                    drop->subscription, drop->peer, drop->count, sum);
  if (drop->from > drop->to || drop->to > sim_view_accept_seq (world) || !watch_has_room (drop, event))
    sim_world_fail (world, "I7: system.drop about %u of %s is about messages that it cannot have missed",
                    drop->subscription, drop->peer);
}

static void
watch_read_slow (SimWorld *world, const SlowEvent *slow, WatchEvent *event)
{
  static const char *const words[] = { "queue", "demoted", "drained", "uid", "broker", NULL };

  g_strlcpy (event->peer, slow->peer, sizeof event->peer);
  g_strlcpy (event->what, slow->what, sizeof event->what);
  event->subscription = slow->subscription;
  if (!g_strv_contains (words, slow->what))
    sim_world_fail (world, "I7: system.slow contains %s", slow->what);
}

static void
watch_read_peer (const PeerEvent *peer, WatchEvent *event)
{
  g_strlcpy (event->peer, peer->id, sizeof event->peer);
  event->replaces = peer->status == 43; /* TAKEN_OVER */
  event->incarnation = peer->incarnation;
  event->replaced = peer->replaced;
}

static void
watch_read (SimWorld *world, const WireEnvelope *envelope, WatchEvent *event)
{
  const ProtobufCMessageDescriptor *type = &daemoneye__eventbus__v1__peer_event__descriptor;
  g_autoptr (WireGuard) guard = NULL;

  if (strcmp (event->topic, "system.drop") == 0)
    type = &daemoneye__eventbus__v1__drop_event__descriptor;
  else if (strcmp (event->topic, "system.slow") == 0)
    type = &daemoneye__eventbus__v1__slow_event__descriptor;
  else if (!g_str_has_prefix (event->topic, "system.peer."))
    return;
  guard = wire_guard_unpack (type, envelope->payload, 0, NULL);
  if (guard == NULL)
    sim_world_fail (world, "%s has a malformed payload", event->topic);
  else if (type == &daemoneye__eventbus__v1__drop_event__descriptor)
    watch_read_drop (world, wire_guard_message (guard), event);
  else if (type == &daemoneye__eventbus__v1__slow_event__descriptor)
    watch_read_slow (world, wire_guard_message (guard), event);
  else
    watch_read_peer (wire_guard_message (guard), event);
}

gboolean
sim_watch_event (SimWorld *world, guint peer, guint32 subscription, const WireEnvelope *envelope)
{
  Watcher *watcher = watch_find (world->watch, peer, subscription);
  WatchEvent event = { .seq = envelope->accept_seq, .time_us = (gint64) envelope->accept_time_us };

  if (watcher == NULL)
    return FALSE;
  memcpy (event.topic, envelope->topic.data, MIN (envelope->topic.len, sizeof event.topic - 1));
  if (!sim_model_matches (watcher->pattern, event.topic)
      || !wire_span_equal (envelope->sender, WIRE_SPAN_LITERAL ("bus")))
    sim_world_fail (world, "I6: %s came to a watcher of %s", event.topic, watcher->pattern);
  if (envelope->accept_seq <= watcher->last || envelope->accept_seq <= watcher->missed_to
      || envelope->accept_seq <= watcher->begun_at)
    sim_world_fail (world, "I4: event %" G_GUINT64_FORMAT " came after %" G_GUINT64_FORMAT, envelope->accept_seq,
                    MAX (watcher->last, watcher->missed_to));
  watcher->last = envelope->accept_seq;
  watcher->received++;
  watch_read (world, envelope, &event);
  g_array_append_val (watcher->events, event);
  sim_cover (world, SIM_COVER_WATCHED);
  return TRUE;
}

gboolean
sim_watch_gap (SimWorld *world, guint peer, guint32 subscription, const WireEnvelope *envelope)
{
  Watcher *watcher = watch_find (world->watch, peer, subscription);

  if (watcher == NULL)
    return FALSE;
  if (envelope->gap_count == 0 || envelope->gap_from > envelope->gap_to || envelope->gap_from <= watcher->last)
    sim_world_fail (world, "B02: a gap from %" G_GUINT64_FORMAT " came to a watcher after %" G_GUINT64_FORMAT,
                    envelope->gap_from, watcher->last);
  watcher->missed_to = MAX (watcher->missed_to, envelope->gap_to);
  watcher->missed += envelope->gap_count;
  sim_cover (world, SIM_COVER_WATCHER_MISSED);
  return TRUE;
}

/* --- at rest --- */

/* The events of that topic about one subscription (0: about its peer), after @since, in order. Of WatchEvent. */
static GPtrArray *
watch_about (const Watcher *watcher, const char *topic, const char *peer, guint32 subscription, guint64 since)
{
  GPtrArray *found = g_ptr_array_new ();

  for (guint i = 0; i < watcher->events->len; i++)
    {
      WatchEvent *event = &g_array_index (watcher->events, WatchEvent, i);

      if (strcmp (event->peer, peer) != 0)
        continue;
      /* Earlier events are about earlier connections. */
      if (strcmp (event->topic, "system.peer.connected") == 0)
        g_ptr_array_set_size (found, 0);
      if (strcmp (event->topic, topic) == 0 && event->subscription == subscription && event->seq > since)
        g_ptr_array_add (found, event);
    }
  return found;
}

static void
watch_check_drops (SimWorld *world, const Watcher *watcher, const BusSubscription *subscription, guint64 since)
{
  g_autoptr (GPtrArray) drops = watch_about (watcher, "system.drop", subscription->owner->id, subscription->id, since);
  guint64 reported[REASONS] = { 0 };
  gint64 last_us = G_MININT64 / 2;

  for (guint i = 0; i < drops->len; i++)
    {
      const WatchEvent *event = g_ptr_array_index (drops, i);

      for (guint reason = 0; reason < REASONS; reason++)
        reported[reason] += event->by[reason];
      if (event->time_us - last_us < REPORT_EVERY_US)
        sim_world_fail (world, "I7: system.drop was published twice in a second about %u of %s", subscription->id,
                        subscription->owner->id);
      last_us = event->time_us;
    }
  for (guint i = 0; i < BUS_N_LOSSES; i++)
    if (reported[bus_loss_status (i)]
        != bus_subscription_losses (subscription)->missed_by[i] - bus_subscription_losses (subscription)->unreported[i])
      sim_world_fail (world,
                      "I7: system.drop reported %" G_GUINT64_FORMAT
                      " messages that %u of %s missed for reason %u, not %" G_GUINT64_FORMAT,
                      reported[bus_loss_status (i)], subscription->id, subscription->owner->id, bus_loss_status (i),
                      bus_subscription_losses (subscription)->missed_by[i]
                          - bus_subscription_losses (subscription)->unreported[i]);
  if (drops->len > 0)
    sim_cover (world, SIM_COVER_DROP_COMPARED);
}

static void
watch_check_slow (SimWorld *world, const Watcher *watcher, const BusSubscription *subscription)
{
  g_autoptr (GPtrArray) slow = watch_about (watcher, "system.slow", subscription->owner->id, subscription->id, 0);
  const WatchEvent *last = slow->len > 0 ? g_ptr_array_index (slow, slow->len - 1) : NULL;
  gboolean is_demoted = last != NULL && strcmp (last->what, "demoted") == 0;

  if (bus_subscription_losses (subscription)->unreported_changes != 0)
    return; /* its next report is not due yet */
  if (is_demoted != bus_subscription_is_demoted (subscription))
    sim_world_fail (world, "I7: system.slow reports that %u of %s is %s, but it is %s", subscription->id,
                    subscription->owner->id, is_demoted ? "demoted" : "drained",
                    bus_subscription_is_demoted (subscription) ? "demoted" : "drained");
  if (last != NULL)
    sim_cover (world, SIM_COVER_SLOW_COMPARED);
}

static void
watch_check_peer (SimWorld *world, const Watcher *watcher, const BusPeer *peer)
{
  g_autoptr (GPtrArray) slow = watch_about (watcher, "system.slow", peer->id, 0, 0);
  gboolean is_behind = FALSE;

  for (guint i = 0; i < slow->len; i++)
    {
      const char *what = ((const WatchEvent *) g_ptr_array_index (slow, i))->what;

      if (strcmp (what, "queue") == 0 || strcmp (what, "drained") == 0)
        is_behind = strcmp (what, "queue") == 0;
    }
  if (bus_deadline_is_armed (&bus_report_losses (&peer->flow)->report_timer.deadline))
    return; /* its next report is not due yet */
  if (is_behind != (peer->flow.soft_since_us != 0))
    sim_world_fail (world, "I7: system.slow reports that the queue of %s is %s", peer->id,
                    is_behind ? "long" : "short");
}

/* @client is connected; either it was not when the watcher began, or it is the same connection. */
static void
watch_check_connected (SimWorld *world, const Watcher *watcher, const SimClient *client)
{
  g_autoptr (GArray) changes = g_array_new (FALSE, FALSE, sizeof (SimPeerEvent));
  const char *problem;
  gboolean is_known = FALSE;
  gboolean is_connected = FALSE;
  gboolean connects;

  for (guint i = 0; i < watcher->events->len; i++)
    {
      const WatchEvent *event = &g_array_index (watcher->events, WatchEvent, i);

      if (strcmp (event->peer, client->id) != 0 || !g_str_has_prefix (event->topic, "system.peer."))
        continue;
      connects = strcmp (event->topic, "system.peer.connected") == 0;
      if (is_known && is_connected != (!connects || event->replaces))
        sim_world_fail (world, "O05: %s was published twice about %s", event->topic, client->id);
      is_known = TRUE;
      is_connected = connects;
      g_array_append_vals (changes, &(const SimPeerEvent){ connects, event->incarnation, event->replaced, 0 }, 1);
    }
  if (is_known && is_connected != (client->peer != NULL && bus_peer_is_ready (client->peer)))
    sim_world_fail (world, "O05: the last event about %s reports that it is %s", client->id,
                    is_connected ? "connected" : "gone");
  problem = sim_peers_compare (world->peers, client->slot, changes, watcher->begun_at);
  if (problem != NULL)
    sim_world_fail (world, "K11: a watcher received %s of %s", problem, client->id);
  if (is_known)
    sim_cover (world, SIM_COVER_PEERS_COMPARED);
}

static void
watch_check_client (SimWorld *world, const Watcher *watcher, const SimClient *client)
{
  for (guint place = 0; place < SIM_SUBS; place++)
    {
      const BusSubscription *subscription = sim_subscription_at (client, place);

      if (subscription == NULL || client->subs[place].begun_at < watcher->begun_at
          || sim_watch_is_watcher (client->subs[place].pattern))
        continue;
      if (sim_model_matches (watcher->pattern, "system.drop"))
        watch_check_drops (world, watcher, subscription, client->subs[place].begun_at);
      if (sim_model_matches (watcher->pattern, "system.slow")
          && sim_model_matches (watcher->pattern, "system.peer.gone"))
        watch_check_slow (world, watcher, subscription);
    }
}

static void
watch_check (SimWorld *world, const Watcher *watcher)
{
  gboolean sees_all = strcmp (watcher->pattern, "system.#") == 0;

  if (sees_all && watcher->received + watcher->missed != sim_view_announced (world) - watcher->announced)
    sim_world_fail (world,
                    "I7: %" G_GUINT64_FORMAT
                    " events were published since subscription %u of peer %u, and it received %" G_GUINT64_FORMAT
                    " and gaps for %" G_GUINT64_FORMAT,
                    sim_view_announced (world) - watcher->announced, watcher->subscription, watcher->peer,
                    watcher->received, watcher->missed);
  if (watcher->missed > 0)
    return;
  for (guint i = 0; i < SIM_CLIENTS; i++)
    {
      const SimClient *client = &world->clients[i];

      if (sees_all)
        watch_check_connected (world, watcher, client);
      if (client->peer == NULL || !bus_peer_is_ready (client->peer))
        continue;
      watch_check_client (world, watcher, client);
      if (sees_all && client->begun_at >= watcher->begun_at)
        watch_check_peer (world, watcher, client->peer);
    }
}

void
sim_watch_finish (SimWorld *world)
{
  for (guint i = 0; i < world->watch->watchers->len; i++)
    {
      const Watcher *watcher = g_ptr_array_index (world->watch->watchers, i);

      if (watcher->is_alive && !sim_world_failed (world))
        watch_check (world, watcher);
    }
}

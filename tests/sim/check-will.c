/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "core-view.h"
#include "news/bus-events.h"
#include "calls/bus-will.h"
#include "peer/bus-state.h"
#include "route/bus-routes.h"
#include "sim-will.h"

/*
 * Last messages, when the core publishes them. It does so while it handles the frame or timer that ends the connection, so
 * bus_will_publish() is wrapped (linked with --wrap). Before the call, a due message is reported to the models with the
 * sequence that it must get. After the call, it must have been accepted once, and offered once to each subscription and group
 * that matches. The event system.peer.gone must not precede it.
 */

void __real_bus_will_publish (BusPeer *peer, gint64 now_us);
void __wrap_bus_will_publish (BusPeer *peer, gint64 now_us);
void __real_bus_events_gone (BusPeer *peer, const BusEnd *end, gint64 now_us);
void __wrap_bus_events_gone (BusPeer *peer, const BusEnd *end, gint64 now_us);

/* The core before the call. */
typedef struct
{
  SimEnds ends;        /* messages that were offered to its subscriptions */
  guint64 accepted;    /* messages, without those of the broker */
  guint64 published;   /* last messages */
  guint64 unretained;  /* of these last messages */
  gboolean is_closing; /* another connection ends as well: its subscriptions may or may not get the message */
} WillMoment;

static void
check_will_observe (const SimWorld *world, const BusPeer *peer, WillMoment *moment)
{
  const BusRoutes *routes = world->core->routes;

  *moment = (WillMoment){ .accepted = sim_view_accept_seq (world) - sim_view_announced (world),
                          .published = routes->wills_published,
                          .unretained = routes->wills_unretained };
  sim_check_before_end (world, NULL, 0, &moment->ends);
  for (const GList *link = world->core->peers.head; link != NULL; link = link->next)
    if (link->data != peer && bus_peer_is_closing (link->data) && !((const BusPeer *) link->data)->flushed)
      moment->is_closing = TRUE;
}

/* The models do not know yet which connections have ended. */
static void
check_will_end_models (SimWorld *world)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    if (world->clients[i].peer != NULL && world->clients[i].peer->flushed)
      sim_model_gone (world->model, world->clients[i].number);
}

/* Reports the message to the models. Returns the number of subscriptions and groups that match. */
static guint
check_will_report (SimWorld *world, const SimClient *client, const SimWill *will)
{
  const SimLineage none = { 0 };
  guint matched;

  check_will_end_models (world);
  sim_model_gone (world->model, client->number);
  matched = sim_model_publish (world->model, client->number, will->topic, will->number, will->payload_len, 0, FALSE,
                               FALSE, NULL, &none, sim_view_accept_seq (world) + 1);
  sim_model_is_last (world->model, will->number);
  memset (world->last_turns, 0, sizeof world->last_turns); /* members may be picked */
  g_hash_table_insert (world->wills->incarnations, g_memdup2 (&will->number, sizeof will->number),
                       g_memdup2 (&client->incarnation, sizeof client->incarnation));
  return matched;
}

static void
check_will_retained (SimWorld *world, const SimClient *client, const SimWill *will, guint64 seq, gboolean has_no_room)
{
  guint lane = wire_class_of (WIRE_KIND_PUBLISH, wire_span_str (will->topic), will->payload_len, 0).lane;

  if (has_no_room && !will->retain)
    sim_world_fail (world, "the last message of %s found no room in the store, but is not to be retained", client->id);
  if (has_no_room)
    sim_cover (world, SIM_COVER_WILL_UNRETAINED);
  else if (will->retain)
    {
      sim_cover (world, SIM_COVER_WILL_RETAINED);
      sim_retains_store (world->retained, client->number, FALSE, client->id, will->topic, will->number, seq, lane,
                         &(const SimLineage){ 0 }, 0);
    }
}

/* @is_due: the model has it, with @matched matching subscriptions and groups */
static void
check_will_compare (SimWorld *world,
                    const SimClient *client,
                    gboolean is_due,
                    guint matched,
                    const WillMoment *before,
                    const WillMoment *after)
{
  const guint64 offered = after->ends.others - before->ends.others;
  const guint64 expected = is_due ? 1 : 0;

  if (after->accepted - before->accepted != expected || after->published - before->published != expected)
    sim_world_fail (world, "the last message of %s was published %" G_GUINT64_FORMAT " times, not %" G_GUINT64_FORMAT,
                    client->id, after->accepted - before->accepted, expected);
  if (!before->is_closing && !after->is_closing && offered != matched)
    sim_world_fail (world,
                    "the last message of %s was offered to %" G_GUINT64_FORMAT " subscriptions and groups, %u match",
                    client->id, offered, matched);
  world->wills->published += expected;
  world->wills->offered += offered;
}

void
__wrap_bus_will_publish (BusPeer *peer, gint64 now_us)
{
  const SimClient *client = bus_peer_link (peer);
  SimWorld *world = client->world;
  SimWill *will = sim_will_of (world, client);
  guint64 seq;
  gboolean is_due;
  guint matched = 0;
  WillMoment before, after;

  sim_world_report_passing (world, client);
  is_due = sim_will_is_due (world, client);
  seq = sim_view_accept_seq (world) + 1;
  if (is_due)
    matched = check_will_report (world, client, will);
  check_will_observe (world, peer, &before);
  __real_bus_will_publish (peer, now_us);
  check_will_observe (world, peer, &after);
  sim_world_note_accepted (world);
  check_will_compare (world, client, is_due, matched, &before, &after);
  if (!is_due)
    return;
  will->was_published = TRUE;
  will->was_replaced = peer->close_status == WIRE_STATUS_TAKEN_OVER;
  sim_cover (world, SIM_COVER_WILL_PUBLISHED);
  if (matched > 0)
    sim_cover (world, SIM_COVER_WILL_MATCHED);
  check_will_retained (world, client, will, seq, after.unretained > before.unretained);
}

void
__wrap_bus_events_gone (BusPeer *peer, const BusEnd *end, gint64 now_us)
{
  const SimClient *client = bus_peer_link (peer);

  if (sim_will_is_due (client->world, client))
    sim_world_fail (client->world, "%s is reported as gone before its last message was published", client->id);
  __real_bus_events_gone (peer, end, now_us);
}

/* The bytes of the body of its PUBLISH, with the fixed cost. */
static gsize
check_will_charge (const SimWill *will)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (will->topic);
  envelope.payload.len = will->payload_len;
  return 2 * sizeof (gsize) + wire_envelope_size (&envelope) + will->payload_len;
}

/* After every step: the broker keeps the last messages that the model knows, and no others. */
void
sim_check_wills (SimWorld *world)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    {
      const SimClient *client = &world->clients[i];
      const SimWill *will = sim_will_of (world, client);
      WireSpan topic;

      if (client->peer == NULL || bus_peer_is_closing (client->peer))
        continue;
      topic = bus_will_topic (client->peer);
      if (!wire_span_equal (topic, wire_span_str (will->is_left ? will->topic : "")))
        sim_world_fail (world, "the broker keeps a last message of %s to %.*s, but the client left %s", client->id,
                        (int) topic.len, (const char *) topic.data, will->is_left ? will->topic : "none");
      else if (will->is_left && client->peer->ledger.usage.charged < check_will_charge (will))
        sim_world_fail (world, "I1: the last message of %s is not charged", client->id);
    }
}

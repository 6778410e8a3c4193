/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-standing.h"

#include "base/bus-text.h"
#include "peer/bus-account.h"
#include "peer/bus-state.h"
#include "work/bus-ask.h"
#include "work/bus-registry.h"
#include "work/bus-work.h"

typedef Daemoneye__Eventbus__V1__StandingSet StandingSet;
typedef Daemoneye__Eventbus__V1__StandingState StandingState;

BusStandings *
bus_standings_new (void)
{
  BusStandings *standings = g_new0 (BusStandings, 1);

  standings->by_collector = g_hash_table_new (bus_key_hash, bus_key_equal);
  return standings;
}

/* --- memory --- */

static gsize
standing_size (const BusStanding *standing)
{
  return sizeof *standing + standing->key.text.len + standing->len;
}

static void
standing_charge (BusCore *core, BusStanding *standing)
{
  core->work->standings->bytes += standing_size (standing);
  standing->account->task_bytes += standing_size (standing);
}

static void
standing_discharge (BusCore *core, BusStanding *standing)
{
  core->work->standings->bytes -= standing_size (standing);
  standing->account->task_bytes -= standing_size (standing);
}

static void
standing_forget (BusCore *core, BusStanding *standing)
{
  if (standing->request != NULL && standing->request->state == BUS_REQUEST_ENDED)
    bus_request_free (core, standing->request);
  else if (standing->request != NULL)
    bus_request_withdraw (core, standing->request);
  bus_deadline_disarm (&core->deadlines, &standing->timer.deadline);
  g_hash_table_remove (core->work->standings->by_collector, &standing->key);
  standing_discharge (core, standing);
  bus_account_release (core->accounts, &core->deadlines, standing->account);
  g_free (standing->set);
  g_free (standing->collector);
  g_free (standing);
}

void
bus_standings_free (BusCore *core)
{
  BusStandings *standings = core->work->standings;
  GHashTableIter iter;
  gpointer standing;

  for (;;)
    {
      g_hash_table_iter_init (&iter, standings->by_collector);
      if (!g_hash_table_iter_next (&iter, NULL, &standing))
        break;
      standing_forget (core, standing);
    }
  g_assert (standings->bytes == 0);
  g_hash_table_unref (standings->by_collector);
  g_free (standings);
}

BusStanding *
bus_standing_find (const BusCore *core, WireSpan collector)
{
  const BusKey key = bus_key (core->seed, collector);

  return g_hash_table_lookup (core->work->standings->by_collector, &key);
}

/* --- the set --- */

static guint8 *
standing_pack (const StandingSet *set, gsize *len)
{
  guint8 *bytes;

  *len = daemoneye__eventbus__v1__standing_set__get_packed_size (set);
  bytes = g_try_malloc (MAX (*len, 1));
  if (bytes != NULL)
    daemoneye__eventbus__v1__standing_set__pack (set, bytes);
  return bytes;
}

static guint64
standing_hash (const BusCore *core, const StandingSet *set)
{
  guint64 hash = set->n_set;

  for (gsize i = 0; i < set->n_set; i++)
    {
      hash = bus_hash (core->seed ^ hash, wire_span_str (set->set[i]->id));
      hash = bus_hash (core->seed ^ hash, wire_span_str (set->set[i]->operation));
      hash = bus_hash (core->seed ^ hash, wire_span_str (set->set[i]->payload_type));
      hash = bus_hash (core->seed ^ hash, wire_span (set->set[i]->payload.data, set->set[i]->payload.len));
    }
  return hash;
}

static BusStanding *
standing_new (BusCore *core, BusAccount *account, const char *collector)
{
  BusStanding *standing = g_new0 (BusStanding, 1);

  standing->collector = g_strdup (collector);
  standing->key = bus_key (core->seed, wire_span_str (standing->collector));
  standing->account = account;
  bus_account_hold (account);
  standing->timer.kind = BUS_TIMER_STANDING;
  standing->timer.owner = standing;
  g_hash_table_insert (core->work->standings->by_collector, &standing->key, standing);
  standing_charge (core, standing);
  return standing;
}

/* Replaces the set; the collector has to apply it again. @bytes: (transfer full) */
static void
standing_replace (BusCore *core, BusStanding *standing, const StandingSet *set, guint8 *bytes, gsize len)
{
  standing_discharge (core, standing);
  g_free (standing->set);
  standing->set = bytes;
  standing->len = len;
  standing_charge (core, standing);
  standing->hash = standing_hash (core, set);
  standing->revision = set->revision;
  standing->sent_to = 0;
  standing->problem[0] = '\0';
}

static gboolean
standing_is_full (const BusCore *core, const BusStanding *standing, gsize len, BusExcess *excess)
{
  const BusStandings *standings = core->work->standings;
  const guint n = g_hash_table_size (standings->by_collector) + (standing == NULL ? 1 : 0);
  const guint64 bytes = standings->bytes + len - (standing != NULL ? standing->len : 0);

  if (n > core->limits.task_standing_sets)
    *excess = (BusExcess){ BUS_LIMIT_task_standing_sets, core->limits.task_standing_sets, n };
  else if (bytes > core->limits.task_standing_bytes)
    *excess = (BusExcess){ BUS_LIMIT_task_standing_bytes, core->limits.task_standing_bytes, bytes };
  else
    return FALSE;
  return TRUE;
}

static void
standing_renew (BusCore *core, BusStanding *standing, const StandingSet *set, gint64 now_us)
{
  standing->is_over = FALSE;
  standing->ttl_us = (gint64) (set->ttl_us > 0 ? set->ttl_us : core->limits.task_standing_us);
  bus_deadline_arm (&core->deadlines, &standing->timer.deadline, now_us + standing->ttl_us);
}

/* Sends the set to its member, if the member is registered and was not sent this set in its registration. */
static void
standing_offer_now (BusCore *core, BusStanding *standing, gint64 now_us)
{
  BusMember *member = bus_registry_find (core->work, standing->key.text);

  if (member != NULL)
    bus_standing_offer (core, member, now_us);
}

BusStandingResult
bus_standing_set (BusCore *core, BusAccount *account, const StandingSet *set, BusExcess *excess, gint64 now_us)
{
  BusStanding *standing = bus_standing_find (core, wire_span_str (set->collector));
  gboolean is_same
      = standing != NULL && set->revision == standing->revision && standing->hash == standing_hash (core, set);
  guint8 *bytes;
  gsize len = 0;

  if (standing != NULL && !is_same && set->revision <= standing->revision && !standing->is_over)
    return BUS_STANDING_OLD;
  if (!is_same)
    {
      if (standing_is_full (core, standing, daemoneye__eventbus__v1__standing_set__get_packed_size (set), excess))
        return BUS_STANDING_FULL;
      bytes = standing_pack (set, &len);
      if (bytes == NULL)
        return BUS_STANDING_NO_MEMORY;
      if (standing == NULL)
        standing = standing_new (core, account, set->collector);
      standing_replace (core, standing, set, bytes, len);
    }
  else if (standing->observed != standing->revision)
    standing->sent_to = 0; /* the collector refused it, or did not answer: send it again */
  standing_renew (core, standing, set, now_us);
  standing_offer_now (core, standing, now_us);
  return BUS_STANDING_SET;
}

void
bus_standing_fill (const BusStanding *standing, StandingState *state, gint64 now_us)
{
  daemoneye__eventbus__v1__standing_state__init (state);
  state->collector = standing->collector;
  state->revision = standing->revision;
  state->observed = standing->observed;
  state->is_configuring = standing->observed != standing->revision || standing->sent_to == 0;
  state->problem = bus_text_for_packing (standing->problem);
  state->remaining_us = standing->is_over ? 0 : (guint64) MAX (standing->timer.deadline.due_us - now_us, 0);
}

/* --- Apply --- */

void
bus_standing_offer (BusCore *core, BusMember *member, gint64 now_us)
{
  BusStanding *standing = bus_standing_find (core, member->key.text);
  g_autofree char *topic = NULL;

  if (standing == NULL || standing->request != NULL || standing->sent_to == member->registration_id)
    return;
  if (standing->sent_to != 0)
    standing->observed = 0; /* in a new registration nothing is applied yet */
  topic = g_strconcat ("control.collector.standing.", member->id, NULL);
  standing->request = bus_ask (core,
                               &(const BusAsk){ .requester = { .kind = BUS_REQUESTER_STANDING, .standing = standing },
                                                .responder = member->peer,
                                                .topic = topic,
                                                .method = "Apply",
                                                .type_name = daemoneye__eventbus__v1__standing_set__descriptor.name,
                                                .payload = wire_span (standing->set, standing->len),
                                                .due_us = now_us + (gint64) core->limits.max_request_timeout_us },
                               now_us);
  if (standing->request != NULL)
    standing->sent_to = member->registration_id;
}

gboolean
bus_standing_answered (BusCore *core, BusStanding *standing, const StandingState *state, const char *problem)
{
  if (!bus_request_answered (core, standing->request))
    return FALSE;
  bus_request_complete (core, g_steal_pointer (&standing->request));
  if (state != NULL)
    standing->observed = state->observed;
  bus_text_copy (standing->problem, sizeof standing->problem, state != NULL ? state->problem : problem);
  if (standing->is_over && standing->observed == standing->revision)
    standing_forget (core, standing);
  else
    standing_offer_now (core, standing, core->now_us); /* the set has changed, or the collector has registered again */
  return TRUE;
}

void
bus_standing_ended (BusCore *core, BusStanding *standing)
{
  BusRequest *request = g_steal_pointer (&standing->request);

  bus_text_copy (standing->problem, sizeof standing->problem, request->end.detail);
  bus_request_free (core, request);
  standing_offer_now (core, standing, core->now_us);
}

/* --- time --- */

void
bus_standing_due (BusCore *core, BusStanding *standing, gint64 now_us)
{
  StandingSet set;
  guint8 *bytes = NULL;
  gsize len = 0;

  if (!standing->is_over)
    {
      daemoneye__eventbus__v1__standing_set__init (&set);
      set.collector = standing->collector;
      set.revision = standing->revision;
      bytes = standing_pack (&set, &len);
    }
  if (bytes == NULL)
    {
      standing_forget (core, standing);
      return;
    }
  standing_replace (core, standing, &set, bytes, len);
  standing->observed = 0;
  standing->is_over = TRUE;
  bus_deadline_arm (&core->deadlines, &standing->timer.deadline, now_us + standing->ttl_us);
  standing_offer_now (core, standing, now_us);
}

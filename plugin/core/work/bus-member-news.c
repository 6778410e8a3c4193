/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-member-news.h"

#include "base/bus-text.h"
#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "route/bus-retain.h"
#include "route/bus-router.h"

#define PREFIX       "system.collector."
#define FENCE_CLAIMS 64u /* claims in one event, whose size is always below the limit */

typedef Daemoneye__Eventbus__V1__CollectorEvent CollectorEvent;
typedef Daemoneye__Eventbus__V1__CollectorLifecycle CollectorLifecycle;
typedef Daemoneye__Eventbus__V1__CollectorRecord CollectorRecord;
typedef Daemoneye__Eventbus__V1__MemberState MemberState;
typedef Daemoneye__Eventbus__V1__Operation Operation;
typedef Daemoneye__Eventbus__V1__PriorityRange PriorityRange;
typedef Daemoneye__Eventbus__V1__TaskClaim TaskClaim;

/* The numbers on the wire are higher by one: 0 means none. */
static MemberState
news_state (BusMemberState state)
{
  return (MemberState) (state + 1);
}

/* --- the record --- */

static void
news_fill_operation (Operation *operation, const BusAbility *ability)
{
  daemoneye__eventbus__v1__operation__init (operation);
  operation->name = bus_text_for_packing ((const char *) ability->name.text.data);
  operation->payload_type = ability->payload_type;
  operation->idempotent = ability->idempotent;
  operation->run_limit_us = (guint64) ability->run_limit_us;
  operation->progress_us = (guint64) ability->progress_us;
  operation->without_progress = ability->progress_us == 0;
}

/* The parts of a record that do not belong to the member. */
typedef struct
{
  PriorityRange priorities;
  Operation *list[1]; /* followed by the operations */
} NewsBlock;

/* Fills the list of operations. FALSE: no memory */
static gboolean
news_fill_operations (const BusMember *member, CollectorRecord *record, gpointer *block)
{
  const guint n = member->abilities->len;
  NewsBlock *room = *block = g_try_malloc0 (sizeof *room + n * (sizeof (Operation *) + sizeof (Operation)));
  Operation *operations;

  if (room == NULL)
    return FALSE;
  operations = (gpointer) (room->list + n + 1);
  daemoneye__eventbus__v1__priority_range__init (&room->priorities);
  room->priorities.lowest = member->lowest;
  room->priorities.highest = member->highest;
  for (guint i = 0; i < n; i++)
    {
      news_fill_operation (&operations[i], g_ptr_array_index (member->abilities, i));
      room->list[i] = &operations[i];
    }
  record->n_operations = n;
  record->operations = room->list;
  record->priorities = &room->priorities;
  return TRUE;
}

gboolean
bus_member_fill_record (const BusCore *core, const BusMember *member, CollectorRecord *record, gpointer *block)
{
  const gint64 now_us = core->now_us;

  daemoneye__eventbus__v1__collector_record__init (record);
  record->id = member->id;
  record->type = member->type;
  record->incarnation = member->incarnation;
  record->registration_id = member->registration_id;
  record->state = news_state (member->state);
  record->cause = bus_text_for_packing (member->cause);
  record->held_until_us = (guint64) MAX (member->held_until_us - now_us, 0);
  record->max_concurrent = member->max_concurrent;
  record->n_tags = member->tags->len;
  record->tags = (char **) member->tags->pdata;
  record->running = member->n_running;
  record->offered = member->n_offered;
  record->zombie = member->n_zombie;
  record->completed = member->n_completed;
  record->strikes = bus_past_strikes (member->past, now_us);
  record->deaths = member->past->deaths;
  record->registered_us = (guint64) (now_us - member->registered_us);
  record->account = member->peer->account->name;
  return news_fill_operations (member, record, block);
}

/* --- published messages --- */

/* Publishes the record. @is_complete: it has its operations. If there is no memory or room for the new record, the old one,
 * which would be wrong now, is removed. */
static void
news_publish_record (BusCore *core, const BusMember *member, const CollectorRecord *record, gboolean is_complete)
{
  g_autofree char *topic = g_strconcat (PREFIX, member->id, NULL);

  if (member->state == BUS_MEMBER_GONE)
    {
      bus_retain_clear (core, wire_span_str (topic));
      bus_router_announce (core, topic, &record->base, core->now_us);
    }
  else if (!is_complete
           || !bus_router_announce_retained (core, topic, &record->base, member->peer->account, core->now_us))
    {
      bus_retain_clear (core, wire_span_str (topic));
      core->work->records_lost++;
    }
}

/* Publishes the record, and an event. @word: (nullable): last segment of the event; NULL: no event */
static void
news_publish (BusCore *core, const BusMember *member, const char *word, BusMemberState before)
{
  g_autofree gpointer block = NULL;
  CollectorRecord record;
  CollectorEvent event;
  gboolean is_complete;
  char topic[64];

  is_complete = bus_member_fill_record (core, member, &record, &block);
  news_publish_record (core, member, &record, is_complete);
  if (word == NULL)
    return;
  daemoneye__eventbus__v1__collector_event__init (&event);
  event.collector = &record;
  event.before = news_state (before);
  event.cause = record.cause;
  g_snprintf (topic, sizeof topic, PREFIX "%s", word);
  bus_router_announce (core, topic, &event.base, core->now_us);
}

void
bus_member_news_registered (BusCore *core, const BusMember *member)
{
  news_publish (core, member, "registered", BUS_MEMBER_REGISTERED);
}

void
bus_member_news_state (BusCore *core, const BusMember *member, BusMemberState before)
{
  static const gboolean has_event[BUS_MEMBER_N_STATES] = {
    [BUS_MEMBER_SUSPECT] = TRUE,
    [BUS_MEMBER_SET_ASIDE] = TRUE,
    [BUS_MEMBER_DRAINING] = TRUE,
    [BUS_MEMBER_GONE] = TRUE,
  };

  news_publish (core, member, has_event[member->state] ? bus_member_state_name (member->state) : NULL, before);
}

void
bus_member_news_record (BusCore *core, const BusMember *member)
{
  news_publish (core, member, NULL, member->state);
}

gboolean
bus_member_news_drain (BusCore *core, const BusMember *member)
{
  CollectorLifecycle lifecycle;

  daemoneye__eventbus__v1__collector_lifecycle__init (&lifecycle);
  lifecycle.action = DAEMONEYE__EVENTBUS__V1__LIFECYCLE_ACTION__LIFECYCLE_DRAIN;
  lifecycle.grace_us = (guint64) (member->drain_until_us - core->now_us);
  lifecycle.expect_exit = member->expects_exit;
  return bus_router_announce_to (core, "control.collector.lifecycle", &lifecycle.base, member->peer, core->now_us);
}

/* --- fenced claims --- */

static void
news_send_fence (BusCore *core, const BusMember *member, TaskClaim **list, gsize n)
{
  CollectorLifecycle lifecycle;

  daemoneye__eventbus__v1__collector_lifecycle__init (&lifecycle);
  lifecycle.action = DAEMONEYE__EVENTBUS__V1__LIFECYCLE_ACTION__LIFECYCLE_FENCE;
  lifecycle.fenced = list;
  lifecycle.n_fenced = n;
  if (n > 0)
    bus_router_announce_to (core, "control.collector.lifecycle", &lifecycle.base, member->peer, core->now_us);
}

static void
news_fill_claim (TaskClaim *message, const BusClaim *claim)
{
  daemoneye__eventbus__v1__task_claim__init (message);
  message->task_id = claim->task_id;
  message->attempt = claim->attempt;
  message->token = (ProtobufCBinaryData){ claim->token_len, (guint8 *) (gsize) claim->token };
  message->length = claim->length;
}

void
bus_member_news_fence (BusCore *core, const BusMember *member, const BusClaim *claims, guint n_claims)
{
  TaskClaim messages[FENCE_CLAIMS], *list[FENCE_CLAIMS];
  gsize n = 0;

  for (guint i = 0; i < n_claims && member->peer != NULL; i++)
    {
      const BusClaim *claim = &claims[i];

      if (claim->state != BUS_CLAIM_FENCED)
        continue;
      list[n] = &messages[n];
      news_fill_claim (&messages[n++], claim);
      if (n < FENCE_CLAIMS)
        continue;
      news_send_fence (core, member, list, n);
      n = 0;
    }
  if (member->peer != NULL)
    news_send_fence (core, member, list, n);
}

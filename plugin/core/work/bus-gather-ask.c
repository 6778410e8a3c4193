/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-gather-ask.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-course.h"
#include "work/bus-expiry.h"
#include "work/bus-lease.h"
#include "work/bus-operations.h"
#include "work/bus-registry.h"
#include "work/bus-task-news.h"

#define ID_PREFIX "gather."
#define ID_MAX    (sizeof ID_PREFIX + 20 + sizeof "." + 10)

/* --- refused --- */

static gboolean
ask_refuse (BusGatherEntry *entry, WireStatus status, const char *text)
{
  entry->fate = (BusGatherFate){ BUS_FATE_REFUSED, BUS_NEVER_NONE, status, TRUE, "the broker did not accept the task" };
  g_strlcpy (entry->text, text, sizeof entry->text);
  return FALSE;
}

static gboolean
ask_refuse_excess (BusGatherEntry *entry, const BusExcess *excess)
{
  char text[BUS_GATHER_TEXT_MAX];

  g_snprintf (text, sizeof text, "the broker has no room for the task: its limit is %" G_GUINT64_FORMAT " (%s)",
              excess->most, bus_limit_key (excess->limit).text);
  return ask_refuse (entry, WIRE_STATUS_LIMIT, text);
}

/* --- the task --- */

static void
ask_fill_spec (const BusGatherEntry *entry, BusTaskSpec *spec, const char *id, gint64 now_us)
{
  const BusGather *gather = entry->gather;
  const gboolean is_shard = gather->mode == BUS_GATHER_SHARDS;
  gsize len;
  gconstpointer payload = g_bytes_get_data (gather->payload, &len);

  *spec = (BusTaskSpec){ .operation = gather->question.operation.text,
                         .type = gather->question.type,
                         .target = id != NULL ? wire_span_str (id) : wire_span (NULL, 0),
                         .payload = wire_span (payload, len),
                         .payload_type = gather->question.payload_type,
                         .priority = gather->question.priority,
                         .attempts = is_shard ? (guint) gather->core->limits.task_attempts : 1,
                         .deadline_us = gather->due_us - now_us,
                         .shard = is_shard ? entry->index : 0,
                         .shards = is_shard ? gather->n_entries : 0 };
}

/* Makes the task of an entry. NULL: refused */
static BusTask *
ask_add (BusGatherEntry *entry, const BusTaskSpec *spec, gint64 now_us)
{
  BusCore *core = entry->gather->core;
  BusAccount *account = entry->gather->asker->account;
  BusTask *task;
  BusExcess excess;

  if (bus_task_store_is_full (&core->work->tasks, account, spec, &excess))
    {
      ask_refuse_excess (entry, &excess);
      return NULL;
    }
  task = bus_task_store_add (&core->work->tasks, account, spec, now_us);
  if (task == NULL)
    ask_refuse (entry, WIRE_STATUS_NO_MEMORY, "the broker has no memory for the task");
  else if (!bus_operations_join (core->work->operations, task))
    {
      bus_task_store_discard (&core->work->tasks, task);
      bus_operations_explain (core->work->operations, account->number, &excess);
      ask_refuse_excess (entry, &excess);
      return NULL;
    }
  return task;
}

/* Writes digits that end at @end. Returns their beginning. */
static char *
ask_put_number (char *end, guint64 number)
{
  do
    *--end = (char) ('0' + number % 10);
  while ((number /= 10) > 0);
  return end;
}

/* The id of a task: "gather.", the number of the question, ".", and the number of the task in it. It is written from its end on:
 * a question has as many as gather-members of them. */
static WireSpan
ask_write_id (const BusGather *gather, char *bytes)
{
  char *const end = bytes + ID_MAX;
  char *at = ask_put_number (end, gather->tasks->len);

  *--at = '.';
  at = ask_put_number (at, gather->query_id) - strlen (ID_PREFIX);
  memcpy (at, ID_PREFIX, strlen (ID_PREFIX));
  return wire_span (at, (gsize) (end - at));
}

gboolean
bus_gather_ask (BusGatherEntry *entry, char *id, gint64 now_us)
{
  BusGather *gather = entry->gather;
  BusCore *core = gather->core;
  WireSpan tags[BUS_TASK_TAGS_MAX];
  char number[ID_MAX];
  BusTaskSpec spec;
  BusTask *task;

  ask_fill_spec (entry, &spec, id, now_us);
  spec.id = ask_write_id (gather, number);
  for (; spec.n_tags < gather->tags->len; spec.n_tags++)
    tags[spec.n_tags] = wire_span_str (g_ptr_array_index (gather->tags, spec.n_tags));
  spec.tags = tags;
  task = ask_add (entry, &spec, now_us);
  if (task == NULL)
    return FALSE;
  g_ptr_array_add (gather->tasks, task);
  task->entry = entry;
  entry->task = task;
  bus_deadline_disarm (&core->deadlines, &task->deadline_timer.deadline); /* the timer of the question ends the task */
  bus_course_queue (core, task, BUS_PLACE_NEW);
  bus_task_news_queued (core, task, now_us);
  bus_gather_touch (entry);
  return TRUE;
}

/* --- the end --- */

void
bus_gather_stop (BusCore *core, BusTask *task, gboolean is_expired, gint64 now_us)
{
  if (bus_task_is_live (task) && !is_expired)
    bus_expiry_cancel (core, task, BUS_TASK_ON_CANCEL, now_us);
  if (bus_task_is_live (task))
    bus_course_on (core, task, BUS_TASK_ON_DEADLINE, task->holder, now_us); /* the answer of the holder is not needed */
}

void
bus_gather_drop_result (BusCore *core, BusTask *task)
{
  bus_task_drop_payloads (task);
  bus_task_store_recharge (&core->work->tasks, task);
}

void
bus_gather_discard (BusCore *core, BusTask *task)
{
  bus_lease_forget_task (task);
  bus_task_store_discard (&core->work->tasks, task);
}

/* --- the choice of SOME --- */

static BusMember *
ask_find_member (const BusGather *gather, const BusRosterRow *row)
{
  BusMember *member = bus_registry_find (gather->core->work, wire_span_str (row->id));

  return member != NULL && member->state != BUS_MEMBER_DRAINING && bus_roster_fits (member, &gather->question) ? member
                                                                                                               : NULL;
}

static const BusRosterRow *
ask_row_of (const BusGather *gather, const BusMember *member)
{
  for (guint i = 0; i < gather->roster->len; i++)
    {
      const BusRosterRow *row = &g_array_index (gather->roster, BusRosterRow, i);

      if (member != NULL && strcmp (row->id, member->id) == 0)
        return row;
    }
  return NULL;
}

/* The strategy of the operation selects among the members that have room now. The task does not exist yet, so an empty one
 * takes its place: it runs with others and avoids no member. */
static BusMember *
ask_pick_with_room (const BusGather *gather, const GPtrArray *members)
{
  static const BusTask any = { 0 };
  BusOperation *operation = bus_operations_get (gather->core->work->operations, &gather->question.operation,
                                                gather->asker->account->number);

  return operation != NULL ? bus_choice_pick (&operation->choice, members, &any) : NULL;
}

/* No member has room: selects the one that will probably have it first. */
static BusMember *
ask_pick_least_loaded (const GPtrArray *members)
{
  BusMember *best = NULL;

  for (guint i = 0; i < members->len; i++)
    {
      BusMember *member = g_ptr_array_index (members, i);
      const gboolean is_ready = member->state == BUS_MEMBER_READY;
      const gboolean best_is_ready = best != NULL && best->state == BUS_MEMBER_READY;

      if (best == NULL || (is_ready && !best_is_ready)
          || (is_ready == best_is_ready && bus_member_load_permille (member) < bus_member_load_permille (best)))
        best = member;
    }
  return best;
}

const BusRosterRow *
bus_gather_pick (const BusGather *gather, gboolean registered)
{
  g_autoptr (GPtrArray) members = g_ptr_array_new ();
  const BusRosterRow *rest[2] = { NULL, NULL }; /* the first that is not registered; the first that is unfit */
  BusMember *member;

  for (guint i = 0; i < gather->roster->len; i++)
    {
      const BusRosterRow *row = &g_array_index (gather->roster, BusRosterRow, i);

      if (g_hash_table_contains (gather->by_id, row->id))
        continue;
      member = row->unfit == BUS_NEVER_NONE ? ask_find_member (gather, row) : NULL;
      if (member != NULL)
        bus_members_insert (members, member);
      else if (rest[row->unfit != BUS_NEVER_NONE] == NULL)
        rest[row->unfit != BUS_NEVER_NONE] = row;
    }
  member = ask_pick_with_room (gather, members);
  if (member == NULL)
    member = ask_pick_least_loaded (members);
  if (member != NULL || registered)
    return ask_row_of (gather, member);
  return rest[0] != NULL ? rest[0] : rest[1];
}

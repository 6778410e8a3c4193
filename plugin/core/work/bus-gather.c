/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-gather.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-adoption.h"
#include "work/bus-gather-ask.h"
#include "work/bus-gather-joined.h"
#include "work/bus-gather-send.h"
#include "work/bus-lease.h"
#include "work/bus-operation.h"
#include "work/bus-registry.h"

/* --- entries --- */

static void
gather_set_absent (BusGatherEntry *entry, gboolean is_absent)
{
  if (is_absent == entry->is_absent)
    return;
  entry->is_absent = is_absent;
  if (is_absent)
    entry->gather->n_absent++;
  else
    entry->gather->n_absent--;
}

static void
gather_take_answer (BusGatherEntry *entry, gint64 now_us)
{
  BusGather *gather = entry->gather;
  const BusTaskExtent *extent = entry->task->result->extent;

  gather->n_truncated += extent != NULL && extent->is_truncated ? 1 : 0;
  gather->progress_us = now_us;
  g_queue_push_tail_link (&gather->unsent, &entry->unsent_link);
  bus_gather_send_list (gather);
}

/* Ends an entry with its final fate. */
static void
gather_end_entry (BusGatherEntry *entry, BusGatherFate fate, gint64 now_us)
{
  BusGather *gather = entry->gather;

  gather_set_absent (entry, FALSE);
  entry->fate = fate;
  entry->ended_us = now_us;
  gather->n_open--;
  gather->counts[fate.answer]++;
  if (entry->is_dirty)
    g_queue_unlink (&gather->dirty, &entry->dirty_link);
  entry->is_dirty = FALSE;
  bus_gather_mark (gather);
  if (bus_fate_has_answer (fate.answer))
    gather_take_answer (entry, now_us);
  else if (entry->task != NULL)
    bus_gather_drop_result (gather->core, entry->task);
}

/* --- the collector of an entry --- */

/* Returns the collector of an entry; NULL: it has none, or the collector is not registered. */
static BusMember *
gather_member (const BusGatherEntry *entry)
{
  if (entry->gather->mode == BUS_GATHER_SHARDS || entry->id == NULL)
    return NULL;
  return bus_registry_find (entry->gather->core->work, wire_span_str (entry->id));
}

static void
gather_set_collector (BusGatherEntry *entry, char *id, guint64 incarnation)
{
  if (entry->id != id)
    {
      g_clear_pointer (&entry->id, g_ref_string_release);
      entry->id = g_ref_string_acquire (id);
    }
  entry->incarnation = incarnation;
}

static void
gather_note_holder (BusGatherEntry *entry)
{
  const BusLease *lease = entry->task->lease;

  if (lease != NULL)
    gather_set_collector (entry, lease->member->id, lease->member->incarnation);
}

static void
gather_describe_absent (BusGatherEntry *entry, gint64 now_us)
{
  if (entry->fate.never_asked != BUS_NEVER_NOT_REGISTERED || entry->id == NULL)
    return;
  if (gather_member (entry) != NULL)
    g_strlcpy (entry->text, "it is registered, but does not serve its task topic", sizeof entry->text);
  else
    bus_roster_describe_absent (entry->gather->core, entry->id, entry->text, sizeof entry->text, now_us);
}

/* A shard without any capable collector is NOT_REGISTERED if the roster expects collectors, which may return, and otherwise
 * NO_CAPABILITY. */
static BusGatherFate
gather_fate_of (const BusGatherEntry *entry)
{
  const BusGatherFate fate = bus_fate_of (entry->task, gather_member (entry));

  if (entry->gather->mode == BUS_GATHER_SHARDS && fate.never_asked == BUS_NEVER_NO_CAPABILITY
      && entry->gather->roster->len > 0)
    return bus_fate_never_asked (BUS_NEVER_NOT_REGISTERED);
  return fate;
}

/* --- asking --- */

static void
gather_ask (BusGatherEntry *entry, const BusRosterRow *row, gint64 now_us)
{
  BusGather *gather = entry->gather;

  if (row != NULL)
    {
      gather_set_collector (entry, row->id, row->incarnation);
      g_hash_table_insert (gather->by_id, row->id, entry);
    }
  if (row != NULL && row->unfit != BUS_NEVER_NONE)
    gather_end_entry (entry, bus_fate_never_asked (row->unfit), now_us);
  else if (!bus_gather_ask (entry, row != NULL ? row->id : NULL, now_us))
    gather_end_entry (entry, entry->fate, now_us);
}

/* SOME: asks another collector in place of this one. FALSE: none is left */
static gboolean
gather_replace (BusGatherEntry *entry, gint64 now_us)
{
  BusGather *gather = entry->gather;
  const BusRosterRow *row = gather->mode == BUS_GATHER_SOME ? bus_gather_pick (gather, TRUE) : NULL;
  BusTask *task = entry->task;

  if (row == NULL)
    return FALSE;
  entry->attempts += task->attempt;
  entry->task = NULL;
  gather_set_absent (entry, FALSE);
  bus_gather_stop (gather->core, task, FALSE, now_us);
  bus_gather_drop_result (gather->core, task);
  gather_ask (entry, row, now_us);
  return TRUE;
}

static void
gather_finish_entry (BusGatherEntry *entry, gboolean is_expired, gint64 now_us)
{
  gather_end_entry (entry, gather_fate_of (entry), now_us);
  gather_describe_absent (entry, now_us);
  bus_gather_stop (entry->gather->core, entry->task, is_expired, now_us);
}

/* Ends the entry, unless it has no answer yet and another collector can be asked. */
static void
gather_conclude (BusGatherEntry *entry, gint64 now_us)
{
  const BusTaskState state = entry->task->state;

  /* If an operator cancels the task, it must not begin again at another collector. */
  if (state == BUS_TASK_SUCCEEDED || state == BUS_TASK_CANCELLED || !gather_replace (entry, now_us))
    gather_finish_entry (entry, FALSE, now_us);
}

/* --- review of entries after a change --- */

/* TRUE if no collector that may have the task is registered. */
static gboolean
gather_lacks_collector (const BusGatherEntry *entry)
{
  BusWaitReason reason;

  if (entry->task->state != BUS_TASK_QUEUED)
    return FALSE;
  if (entry->gather->mode != BUS_GATHER_SHARDS)
    return gather_member (entry) == NULL;
  reason = bus_operation_wait_reason (entry->task);
  return reason == BUS_WAIT_NO_CAPABILITY || reason == BUS_WAIT_ALL_DRAINING;
}

/* TRUE if the collector is registered, but will not take the task any more. */
static gboolean
gather_is_unfit (const BusGatherEntry *entry)
{
  const BusMember *member;

  if (entry->task->state != BUS_TASK_QUEUED || entry->task->lease != NULL)
    return FALSE;
  member = gather_member (entry);
  return member != NULL
         && (member->state == BUS_MEMBER_DRAINING || !bus_roster_fits (member, &entry->gather->question));
}

/* TRUE if the collector will not answer any more. In the mode SOME it is enough that it is late, if another one can be asked. */
static gboolean
gather_is_lost (const BusGatherEntry *entry)
{
  const BusGather *gather = entry->gather;
  const BusTask *task = entry->task;

  if (gather->mode == BUS_GATHER_SHARDS)
    return FALSE;
  if (bus_fate_is_lost (task) || gather_is_unfit (entry))
    return TRUE;
  return gather->mode == BUS_GATHER_SOME && task->state == BUS_TASK_QUEUED
         && (task->lease != NULL || gather_member (entry) == NULL) && bus_gather_pick (gather, TRUE) != NULL;
}

static void
gather_review (BusGatherEntry *entry, gint64 now_us)
{
  entry->is_dirty = FALSE;
  gather_note_holder (entry);
  if (!bus_task_is_live (entry->task) || gather_is_lost (entry))
    gather_conclude (entry, now_us);
  else
    gather_set_absent (entry, gather_lacks_collector (entry));
}

/* --- members --- */

static void
gather_touch_all (BusGather *gather)
{
  for (guint i = 0; i < gather->n_entries; i++)
    bus_gather_touch (&gather->entries[i]);
}

/* TRUE if the change of this member may affect entries, although no entry has it: in SOME it may be asked in place of another
 * collector of the roster; in SHARDS it has left or drains. Each slot that is used or free is a change as well. It has no effect in
 * SOME, and must not cost a review of all entries. */
static gboolean
gather_is_of_interest (const BusGather *gather, const BusMember *member, gboolean is_revised)
{
  const gboolean leaves = member->state == BUS_MEMBER_GONE || member->state == BUS_MEMBER_DRAINING;

  if (gather->mode == BUS_GATHER_SHARDS)
    return leaves;
  return gather->mode == BUS_GATHER_SOME && is_revised && !leaves && g_hash_table_contains (gather->known, member->id);
}

static void
gather_note_member (BusGather *gather, const BusMember *member, gboolean is_revised)
{
  BusGatherEntry *entry = g_hash_table_lookup (gather->by_id, member->id);

  if (entry != NULL)
    bus_gather_touch (entry);
  else if (gather_is_of_interest (gather, member, is_revised))
    gather_touch_all (gather);
  if (member->state != BUS_MEMBER_GONE)
    bus_gather_count_joined (gather, member);
}

void
bus_gather_on_member (BusCore *core, const BusMember *member, gboolean is_revised)
{
  for (GList *link = core->work->gathers.all.head; link != NULL; link = link->next)
    if (((const BusGather *) link->data)->phase == BUS_GATHER_ASKS)
      gather_note_member (link->data, member, is_revised);
}

/* --- the start --- */

BusExcess
bus_gather_bound (const BusLimits *limits, guint n)
{
  const guint64 room = limits->max_payload / BUS_GATHER_MEMBER_BYTES;

  if (room < limits->gather_members)
    return (BusExcess){ BUS_LIMIT_max_payload, room, n };
  return (BusExcess){ BUS_LIMIT_gather_members, limits->gather_members, n };
}

static void
gather_make_entries (BusGather *gather, guint n)
{
  gather->entries = g_new0 (BusGatherEntry, n);
  gather->n_entries = gather->n_open = n;
  bus_gather_charge (gather, n * sizeof (BusGatherEntry) + gather->roster->len * sizeof (BusRosterRow));
  for (guint i = 0; i < n; i++)
    {
      BusGatherEntry *entry = &gather->entries[i];

      entry->gather = gather;
      entry->index = i;
      entry->dirty_link.data = entry;
      entry->unsent_link.data = entry;
    }
}

static void
gather_ask_one_of_some (BusGatherEntry *entry, gint64 now_us)
{
  const BusRosterRow *row = bus_gather_pick (entry->gather, FALSE);

  if (row != NULL)
    {
      gather_ask (entry, row, now_us);
      return;
    }
  gather_end_entry (entry, bus_fate_never_asked (BUS_NEVER_NOT_REGISTERED), now_us);
  g_strlcpy (entry->text, "fewer collectors are expected than the question asks", sizeof entry->text);
}

static void
gather_ask_all (BusGather *gather, gint64 now_us)
{
  for (guint i = 0; i < gather->n_entries; i++)
    {
      BusGatherEntry *entry = &gather->entries[i];

      if (gather->mode == BUS_GATHER_ALL)
        gather_ask (entry, &g_array_index (gather->roster, BusRosterRow, i), now_us);
      else if (gather->mode == BUS_GATHER_SOME)
        gather_ask_one_of_some (entry, now_us);
      else
        gather_ask (entry, NULL, now_us);
    }
}

static void
gather_start (BusGather *gather, gint64 now_us)
{
  BusCore *core = gather->core;
  BusExcess bound;
  guint n;

  gather->roster = bus_roster_new (core, &gather->question, now_us);
  gather->roster_is_sure = now_us >= bus_adoption_end_us (core);
  gather->progress_us = now_us;
  n = gather->mode == BUS_GATHER_ALL ? gather->roster->len : gather->n;
  bound = bus_gather_bound (&core->limits, n);
  if (n > bound.most)
    {
      gather->excess = bound;
      bus_gather_send_done (gather);
      return;
    }
  gather->phase = BUS_GATHER_ASKS;
  bus_gather_know_roster (gather);
  gather_make_entries (gather, n);
  gather_ask_all (gather, now_us);
  bus_gather_mark (gather);
}

/* --- time --- */

static gint64
gather_next_us (const BusGather *gather)
{
  const gint64 half_us = gather->asked_us + (gather->due_us - gather->asked_us) / 2;
  gint64 next_us = gather->due_us;

  if (gather->phase == BUS_GATHER_WAITS)
    return MIN (bus_adoption_end_us (gather->core), half_us);
  if (gather->stall_us > 0)
    next_us = MIN (next_us, gather->progress_us + gather->stall_us);
  return gather->absent_due_us > 0 ? MIN (next_us, gather->absent_due_us) : next_us;
}

static void
gather_arm (BusGather *gather)
{
  bus_deadline_arm (&gather->core->deadlines, &gather->timer.deadline, gather_next_us (gather));
}

/* The time is over. @text: for the entries that were asked and have not answered */
static void
gather_expire (BusGather *gather, const char *text, gint64 now_us)
{
  for (guint i = 0; i < gather->n_entries; i++)
    {
      BusGatherEntry *entry = &gather->entries[i];

      if (entry->fate.answer != BUS_FATE_OPEN)
        continue;
      gather_finish_entry (entry, TRUE, now_us);
      if (entry->fate.answer == BUS_FATE_TIMED_OUT)
        g_strlcpy (entry->text, text, sizeof entry->text);
    }
}

static void
gather_give_up_absent (BusGather *gather, gint64 now_us)
{
  for (guint i = 0; i < gather->n_entries; i++)
    {
      BusGatherEntry *entry = &gather->entries[i];

      if (!entry->is_absent)
        continue;
      if (gather_lacks_collector (entry))
        gather_conclude (entry, now_us);
      else
        gather_set_absent (entry, FALSE);
    }
}

void
bus_gather_due (BusGather *gather, gint64 now_us)
{
  if (gather->phase == BUS_GATHER_WAITS)
    gather_start (gather, now_us);
  else if (now_us >= gather->due_us)
    gather_expire (gather, "it did not answer before the deadline of the question", now_us);
  else if (gather->stall_us > 0 && now_us >= gather->progress_us + gather->stall_us)
    gather_expire (gather, "no answer arrived for the longest pause that the question allows (stall_us)", now_us);
  else if (gather->absent_due_us > 0 && now_us >= gather->absent_due_us)
    {
      gather->absent_due_us = 0;
      gather_give_up_absent (gather, now_us);
    }
  bus_gather_mark (gather);
}

/* --- the end of an input call --- */

static void
gather_end (BusGather *gather, gint64 now_us)
{
  gather->phase = BUS_GATHER_OVER;
  gather->over_us = now_us;
  bus_deadline_disarm (&gather->core->deadlines, &gather->timer.deadline);
  bus_gather_send_list (gather);
}

static void
gather_check (BusGather *gather, gint64 now_us)
{
  const gboolean lacks_all = gather->n_absent == gather->n_open;

  if (gather->n_open == 0)
    {
      gather_end (gather, now_us);
      return;
    }
  if (!lacks_all)
    gather->absent_due_us = 0;
  else if (gather->absent_due_us == 0)
    gather->absent_due_us = now_us + (gint64) gather->core->limits.task_return_us;
  gather_arm (gather);
}

gboolean
bus_gather_settle (BusCore *core, gint64 now_us)
{
  GList *link;
  gboolean has_any = FALSE;

  while ((link = g_queue_pop_head_link (&core->work->gathers.dirty)) != NULL)
    {
      BusGather *gather = link->data;
      GList *entry;

      has_any = TRUE;
      while ((entry = g_queue_pop_head_link (&gather->dirty)) != NULL)
        gather_review (entry->data, now_us);
      gather->is_dirty = FALSE;
      gather_check (gather, now_us);
    }
  return has_any;
}

/* --- life --- */

static WireSpan
gather_keep_text (char **at, WireSpan text)
{
  const WireSpan kept = wire_span ((const guint8 *) *at, text.len);

  if (text.len > 0)
    memcpy (*at, text.data, text.len);
  *at += text.len;
  return kept;
}

static void
gather_keep_question (BusGather *gather, const BusGatherSpec *spec)
{
  const gsize len = spec->operation.len + spec->type.len + spec->payload_type.len;
  char *at = gather->texts = g_malloc (len + 1);

  gather->question.operation = bus_key (gather->core->seed, gather_keep_text (&at, spec->operation));
  gather->question.type = gather_keep_text (&at, spec->type);
  gather->question.payload_type = gather_keep_text (&at, spec->payload_type);
  gather->question.priority = spec->priority;
  gather->tags = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < spec->n_tags; i++)
    g_ptr_array_add (gather->tags, g_strndup ((const char *) spec->tags[i].data, spec->tags[i].len));
  gather->question.tags = gather->tags;
  gather->payload = g_bytes_new (spec->payload.data, spec->payload.len);
  bus_gather_charge (gather, sizeof *gather + len + spec->payload.len);
}

static void
gather_init (BusGather *gather)
{
  gather->timer.kind = BUS_TIMER_GATHER;
  gather->timer.owner = gather;
  gather->by_id = g_hash_table_new (g_str_hash, g_str_equal);
  gather->known = g_hash_table_new_full (g_str_hash, g_str_equal, (GDestroyNotify) g_ref_string_release, NULL);
  gather->tasks = g_ptr_array_new ();
  gather->link.data = gather;
  gather->dirty_link.data = gather;
  gather->send_link.data = gather;
}

BusGather *
bus_gather_new (BusCore *core, BusPeer *asker, guint64 request_id, const BusGatherSpec *spec, gint64 now_us)
{
  BusGather *gather = g_new0 (BusGather, 1);

  gather->core = core;
  gather->asker = asker;
  gather->request_id = request_id;
  gather->query_id = ++core->work->gathers.last_query;
  gather->mode = spec->mode;
  gather->n = spec->n;
  gather->require = spec->require;
  gather->require_n = spec->require_n;
  gather->asked_us = now_us;
  gather->due_us = now_us + spec->deadline_us;
  gather->stall_us = spec->stall_us;
  gather_init (gather);
  gather_keep_question (gather, spec);
  asker->account->gathers++;
  g_queue_push_tail_link (&core->work->gathers.all, &gather->link);
  if (now_us >= bus_adoption_end_us (core))
    gather_start (gather, now_us);
  else
    gather_arm (gather);
  return gather;
}

static void
gather_unlink (BusGather *gather)
{
  BusGathers *gathers = &gather->core->work->gathers;

  bus_deadline_disarm (&gather->core->deadlines, &gather->timer.deadline);
  bus_gather_send_forget (gather);
  if (gather->is_dirty)
    g_queue_unlink (&gathers->dirty, &gather->dirty_link);
  g_queue_unlink (&gathers->all, &gather->link);
  gather->asker->account->gathers--;
  bus_quota_unkeep (&gather->core->quota, &gather->asker->ledger.usage, gather->charged);
}

/* Detaches all tasks from their entries first, so that the end of a task does not list its entry to be checked. */
static void
gather_free_tasks (BusGather *gather, gint64 now_us)
{
  for (guint i = 0; i < gather->tasks->len; i++)
    ((BusTask *) g_ptr_array_index (gather->tasks, i))->entry = NULL;
  for (guint i = 0; i < gather->tasks->len; i++)
    {
      BusTask *task = g_ptr_array_index (gather->tasks, i);

      bus_gather_stop (gather->core, task, FALSE, now_us);
      bus_gather_discard (gather->core, task);
    }
  g_ptr_array_unref (gather->tasks);
}

void
bus_gather_free (BusGather *gather, gint64 now_us)
{
  gather_unlink (gather);
  gather_free_tasks (gather, now_us);
  for (guint i = 0; i < gather->n_entries; i++)
    g_clear_pointer (&gather->entries[i].id, g_ref_string_release);
  g_free (gather->entries);
  g_clear_pointer (&gather->roster, g_array_unref);
  g_hash_table_unref (gather->by_id);
  g_hash_table_unref (gather->known);
  g_ptr_array_unref (gather->tags);
  g_bytes_unref (gather->payload);
  g_free (gather->texts);
  g_free (gather);
}

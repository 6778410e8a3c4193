/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-task-record.h"

#include "base/bus-text.h"
#include "queue/bus-outq.h"
#include "work/bus-operation.h"
#include "wire-varint.h"

#define FIELD_PAYLOAD 3u  /* of Outcome */
#define FIELD_OUTCOME 23u /* of TaskRecord */

/* Copies a name of the task, and ends it with a NUL. */
static char *
record_keep (char *out, WireSpan name)
{
  g_assert (name.len <= BUS_TASK_ID_MAX);
  if (name.len > 0)
    memcpy (out, name.data, name.len);
  out[name.len] = '\0';
  return out;
}

static ProtobufCBinaryData
record_bytes (GBytes *bytes)
{
  gsize len = 0;
  gconstpointer data = bytes != NULL ? g_bytes_get_data (bytes, &len) : NULL;

  return (ProtobufCBinaryData){ len, (guint8 *) (gsize) data };
}

static void
record_fill_progress (BusTaskRecord *record, const BusTaskProgress *progress, BusRecordParts parts)
{
  daemoneye__eventbus__v1__progress__init (&record->progress);
  record->progress.started = TRUE;
  record->progress.done = progress->done;
  record->progress.total = progress->total;
  record->progress.text = progress->text;
  if (parts & BUS_RECORD_DETAILS)
    record->progress.details = record_bytes (progress->details);
  record->message.progress = &record->progress;
}

/* @message borrows the text of @extent. */
static void
record_fill_extent (Daemoneye__Eventbus__V1__Extent *message, const BusTaskExtent *extent)
{
  daemoneye__eventbus__v1__extent__init (message);
  message->rows = extent->rows;
  message->is_truncated = extent->is_truncated;
  message->is_uncounted = extent->is_uncounted;
  message->limit = extent->limit;
  message->from_time_us = extent->from_time_us;
  message->to_time_us = extent->to_time_us;
  message->gaps = extent->gaps;
  message->share_permille = extent->share_permille;
  message->age_us = extent->age_us;
  message->configuration = bus_text_for_packing (extent->configuration);
}

static void
record_fill_outcome (BusTaskRecord *record, const BusTaskResult *result, BusRecordParts parts)
{
  daemoneye__eventbus__v1__outcome__init (&record->outcome);
  record->outcome.kind = (Daemoneye__Eventbus__V1__OutcomeKind) result->kind;
  record->outcome.payload_type = result->payload_type;
  record->outcome.error_name = result->error_name;
  record->outcome.error_text = result->error_text;
  if (parts & BUS_RECORD_PAYLOAD)
    record->outcome.payload = record_bytes (result->payload);
  if (record->outcome.payload.len > BUS_OUTQ_COPY_MAX)
    record->large = result->payload;
  if (result->extent != NULL)
    {
      record_fill_extent (&record->extent, result->extent);
      record->outcome.extent = &record->extent;
    }
  record->message.outcome = &record->outcome;
}

static guint8 *
record_pack_key (guint8 *to, guint field, gsize len)
{
  return wire_varint_put (wire_varint_put (to, field << 3 | WIRE_TYPE_LENGTH), len);
}

static guint8 *
record_pack_outcome_front (const Daemoneye__Eventbus__V1__Outcome *outcome, guint field, guint8 *to)
{
  Daemoneye__Eventbus__V1__Outcome others = *outcome;

  others.payload.len = 0;
  to = record_pack_key (to, field, daemoneye__eventbus__v1__outcome__get_packed_size (outcome));
  to += daemoneye__eventbus__v1__outcome__pack (&others, to);
  return record_pack_key (to, FIELD_PAYLOAD, outcome->payload.len);
}

guint8 *
bus_task_record_pack_front (const Daemoneye__Eventbus__V1__TaskRecord *message, guint field, guint8 *to)
{
  Daemoneye__Eventbus__V1__TaskRecord others = *message;

  others.outcome = NULL;
  to = record_pack_key (to, field, daemoneye__eventbus__v1__task_record__get_packed_size (message));
  to += daemoneye__eventbus__v1__task_record__pack (&others, to);
  return record_pack_outcome_front (message->outcome, FIELD_OUTCOME, to);
}

static void
record_fill_steps (BusTaskRecord *record, const BusTask *task, guint n_steps, gint64 now_us)
{
  guint all = task->history != NULL ? task->history->len : 0;
  guint n = MIN (n_steps, all);

  for (guint i = 0; i < n; i++)
    {
      const BusTaskStep *step = &g_array_index (task->history, BusTaskStep, all - n + i);
      Daemoneye__Eventbus__V1__TaskHistory *message = record->step_list[i] = &record->steps[i];

      daemoneye__eventbus__v1__task_history__init (message);
      message->ago_us = (guint64) (now_us - step->at_us);
      message->state = (Daemoneye__Eventbus__V1__TaskState) step->state;
      message->attempt = step->attempt;
      message->collector = bus_text_for_packing (step->member != NULL ? step->member : "");
      message->cause = bus_text_for_packing (bus_task_event_cause (step->event));
    }
  record->message.history = record->step_list;
  record->message.n_history = n;
}

static BusWaitReason
record_reason (const BusTask *task)
{
  /* At the end of a delay the task is QUEUED before it leaves its place LATER. The delay is over then, and is not reported as the
   * reason. */
  if (task->state == BUS_TASK_QUEUED && task->place.operation != NULL && task->place.where != BUS_TASK_LATER)
    return bus_operation_wait_reason (task);
  return task->state == BUS_TASK_DELAYED ? task->wait_reason : BUS_WAIT_NONE;
}

static void
record_fill_state (Daemoneye__Eventbus__V1__TaskRecord *message, const BusTask *task, gint64 now_us)
{
  const BusTaskStep *last
      = task->history != NULL ? &g_array_index (task->history, BusTaskStep, task->history->len - 1) : NULL;

  message->state = (Daemoneye__Eventbus__V1__TaskState) task->state;
  message->reason = (Daemoneye__Eventbus__V1__WaitReason) record_reason (task);
  message->cause = bus_text_for_packing (last != NULL ? bus_task_event_cause (last->event) : "");
  message->holder = bus_text_for_packing (task->holder != NULL ? task->holder : "");
  message->attempt = task->attempt;
  message->failures = task->counts.failures;
  message->expiries = task->counts.expiries;
  message->deaths = task->counts.deaths;
  message->interruptions = task->counts.interruptions;
  message->age_us = (guint64) (now_us - task->submitted_us);
  message->remaining_us = (guint64) MAX (task->due_us - now_us, 0);
  if (task->state == BUS_TASK_DELAYED)
    message->next_us = (guint64) MAX (task->timer.deadline.due_us - now_us, 0);
  message->late = task->is_late;
  message->unconfirmed = task->is_unconfirmed;
  message->is_suspect = task->is_suspect;
  message->payload_dropped = task->payload_dropped;
}

void
bus_task_record_fill (BusTaskRecord *record, const BusTask *task, BusRecordParts parts, guint n_steps, gint64 now_us)
{
  Daemoneye__Eventbus__V1__TaskRecord *message = &record->message;

  daemoneye__eventbus__v1__task_record__init (message);
  record->large = NULL;
  message->id = record_keep (record->id, bus_task_id (task));
  message->operation = record_keep (record->operation, task->operation.text);
  message->type = record_keep (record->type, task->type);
  message->target = record_keep (record->target, task->target);
  message->priority = task->priority;
  message->account = task->account->name;
  message->payload_bytes = task->payload_len;
  record_fill_state (message, task, now_us);
  if (task->progress != NULL)
    record_fill_progress (record, task->progress, parts);
  if (task->result != NULL && !bus_task_is_live (task))
    record_fill_outcome (record, task->result, parts);
  record_fill_steps (record, task, MIN (n_steps, BUS_TASK_HISTORY_MAX), now_us);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-tasks-private.h"

#include "deye-bus-pack.h"
#include "wire-status.h"

#include <glib/gi18n-lib.h>

/*
 * The requests of the three lanes, and how their answers change the tasks.
 *
 * A task that was sent before is marked as a repetition: the broker only runs it again if no collector can be running it. But
 * if the broker was not restarted since and does not know the task, it never got the first request; then the task is submitted
 * as a new one.
 */

typedef Daemoneye__Eventbus__V1__TaskSpec TaskSpec;
typedef Daemoneye__Eventbus__V1__SubmitReply SubmitReply;
typedef Daemoneye__Eventbus__V1__TaskIdsReply TaskIdsReply;

#define TASK_TOPIC   "control.bus.task"
#define FIELD_BYTES  8u                                          /* of a field: its tag and length */
#define NEW_ID_BYTES (DEYE_BUS_TASK_NAME_MAX + FIELD_BYTES)      /* of an id that is not made yet */
#define REPEAT_BYTES (DEYE_BUS_TASK_NAME_MAX + 6u * FIELD_BYTES) /* of the fields of a repetition, and of the list */

/* --- Submit --- */

gsize
deye_bus_tasks_submit_bytes (const DeyeBusTaskSpec *spec)
{
  TaskSpec message;

  deye_bus_task_spec_fill (spec, &message);
  return daemoneye__eventbus__v1__task_spec__get_packed_size (&message) + NEW_ID_BYTES + REPEAT_BYTES;
}

static gsize
submit_size (const DeyeBusTask *task)
{
  return deye_bus_tasks_submit_bytes (task->spec);
}

/* Sets the times that are left, because they do not begin again with another broker. */
static void
submit_fill_times (const DeyeBusTask *task, TaskSpec *message)
{
  gint64 now_us = g_get_monotonic_time ();

  if (task->due_us != 0)
    message->deadline_us = (guint64) MAX (task->due_us - now_us, 1);
  if (task->start_us != 0)
    message->not_before_us = (guint64) MAX (task->start_us - now_us, 0);
}

static void
submit_fill (const DeyeBusTask *task, TaskSpec *message)
{
  deye_bus_task_spec_fill (task->spec, message);
  if (task->sent_epoch == 0)
    return;
  submit_fill_times (task, message);
  message->resubmit = TRUE;
  message->last_attempt = task->attempt;
  if (task->holder != NULL)
    message->last_holder = task->holder;
}

static GBytes *
submit_pack (const GPtrArray *batch)
{
  Daemoneye__Eventbus__V1__SubmitRequest request = DAEMONEYE__EVENTBUS__V1__SUBMIT_REQUEST__INIT;
  g_autofree TaskSpec *messages = g_new (TaskSpec, batch->len);
  g_autofree TaskSpec **list = g_new (TaskSpec *, batch->len);

  for (guint i = 0; i < batch->len; i++)
    {
      submit_fill (batch->pdata[i], &messages[i]);
      list[i] = &messages[i];
    }
  request.tasks = list;
  request.n_tasks = batch->len;
  return deye_bus_pack (&request.base);
}

static DeyeBusVerdict *const *
submit_verdicts (gconstpointer reply, gsize *n)
{
  const SubmitReply *message = reply;

  *n = message->n_verdicts;
  return message->verdicts;
}

static void
submit_note_times (DeyeBusTask *task)
{
  gint64 now_us = g_get_monotonic_time ();

  task->start_us = now_us + task->spec->delay_us;
  if (task->spec->timeout_us > 0)
    task->due_us = now_us + task->spec->timeout_us;
}

static void
submit_accepted (DeyeBusTasks *tasks, DeyeBusTask *task, const DeyeBusVerdict *verdict)
{
  if (!task->accepted)
    submit_note_times (task);
  task->accepted = TRUE;
  deye_bus_task_take_verdict (task, verdict);
  deye_bus_tasks_announce (tasks, task);
  if (task->cancel_wanted && !deye_bus_task_state_is_final (task->state))
    deye_bus_task_lane_push (&tasks->lanes[DEYE_BUS_TASK_LANE_CANCEL], task);
}

static GError *
submit_error_unknown (void)
{
  return deye_bus_error_new (
      DEYE_BUS_ERROR_UNKNOWN, "%s",
      _ ("The broker does not know the task any more, and has not run it again: find out whether it was "
         "done, and submit a new one if not"));
}

/* The state of a task that the broker of @lane refuses. UNKNOWN: an earlier broker may have accepted it, so a collector may
 * work on it. */
static DeyeBusTaskState
submit_refused_state (const DeyeBusTaskLane *lane, const DeyeBusTask *task)
{
  gboolean may_run = task->accepted || (task->sent_epoch != 0 && task->sent_epoch != lane->epoch);

  return may_run ? DEYE_BUS_TASK_STATE_UNKNOWN : DEYE_BUS_TASK_STATE_REFUSED;
}

/* The state of a task that the broker does not accept. */
static DeyeBusTaskState
submit_state_of_verdict (const DeyeBusTaskLane *lane, const DeyeBusTask *task, const DeyeBusVerdict *verdict)
{
  DeyeBusTaskState state = (DeyeBusTaskState) verdict->state;

  if (verdict->status == WIRE_STATUS_QUARANTINED)
    return DEYE_BUS_TASK_STATE_QUARANTINED;
  if (verdict->status == WIRE_STATUS_PAYLOAD_GONE && deye_bus_task_state_is_final (state)
      && state <= DEYE_BUS_TASK_STATE_QUARANTINED)
    return state;
  /* The broker has the task, for another connection, but has no room to report it to this one as well. */
  if (verdict->status == WIRE_STATUS_LIMIT && verdict->state != 0)
    return DEYE_BUS_TASK_STATE_UNKNOWN;
  return submit_refused_state (lane, task);
}

static void
submit_answered (DeyeBusTasks *tasks, const DeyeBusTaskLane *lane, DeyeBusTask *task, const DeyeBusVerdict *verdict)
{
  gboolean was_repetition = task->sent_epoch != 0;
  gboolean never_arrived = was_repetition && !task->accepted && task->sent_epoch == lane->epoch;

  if (task->sent_epoch == 0)
    task->sent_epoch = lane->epoch;
  if (verdict->status == WIRE_STATUS_OK)
    submit_accepted (tasks, task, verdict);
  else if (deye_bus_task_state_is_final (task->state))
    return;
  else if (verdict->status == WIRE_STATUS_UNKNOWN && never_arrived)
    {
      task->sent_epoch = 0;
      deye_bus_task_lane_push (&tasks->lanes[DEYE_BUS_TASK_LANE_SUBMIT], task);
    }
  else if (verdict->status == WIRE_STATUS_UNKNOWN)
    deye_bus_tasks_fail (tasks, task, DEYE_BUS_TASK_STATE_UNKNOWN, submit_error_unknown ());
  else
    deye_bus_tasks_fail (tasks, task, submit_state_of_verdict (lane, task, verdict),
                         deye_bus_task_error_of_verdict (verdict));
}

static gboolean
submit_returned (const DeyeBusTaskLane *lane, DeyeBusTask *task, gboolean sent)
{
  if (sent && task->sent_epoch == 0)
    task->sent_epoch = lane->epoch;
  return !deye_bus_task_state_is_final (task->state);
}

static void
submit_refused (DeyeBusTasks *tasks, const DeyeBusTaskLane *lane, DeyeBusTask *task, const GError *error)
{
  if (!deye_bus_task_state_is_final (task->state))
    deye_bus_tasks_fail (tasks, task, submit_refused_state (lane, task), g_error_copy (error));
}

/* --- requests about ids --- */

static gsize
ids_size (const DeyeBusTask *task)
{
  return strlen (task->spec->id) + FIELD_BYTES;
}

static GBytes *
ids_pack (const GPtrArray *batch)
{
  Daemoneye__Eventbus__V1__TaskIdsRequest request = DAEMONEYE__EVENTBUS__V1__TASK_IDS_REQUEST__INIT;
  g_autofree char **ids = g_new (char *, batch->len);

  for (guint i = 0; i < batch->len; i++)
    ids[i] = ((DeyeBusTask *) batch->pdata[i])->spec->id;
  request.ids = ids;
  request.n_ids = batch->len;
  return deye_bus_pack (&request.base);
}

static DeyeBusVerdict *const *
ids_verdicts (gconstpointer reply, gsize *n)
{
  const TaskIdsReply *message = reply;

  *n = message->n_verdicts;
  return message->verdicts;
}

/* --- Settle --- */

/* The task leaves the table after any verdict: if the broker refuses to settle it, it does not have the task. */
static void
settle_answered (DeyeBusTasks *tasks, const DeyeBusTaskLane *lane, DeyeBusTask *task, const DeyeBusVerdict *verdict)
{
  deye_bus_tasks_remove (tasks, task);
}

static gboolean
settle_returned (const DeyeBusTaskLane *lane, DeyeBusTask *task, gboolean sent)
{
  return TRUE;
}

static void
settle_refused (DeyeBusTasks *tasks, const DeyeBusTaskLane *lane, DeyeBusTask *task, const GError *error)
{
  deye_bus_tasks_remove (tasks, task);
}

/* --- Cancel --- */

/* The verdict is only logged: a push reports the new state. */
static void
cancel_answered (DeyeBusTasks *tasks, const DeyeBusTaskLane *lane, DeyeBusTask *task, const DeyeBusVerdict *verdict)
{
  g_debug ("cancel of task %s: %s", verdict->id, wire_status_name ((WireStatus) verdict->status));
}

static gboolean
cancel_returned (const DeyeBusTaskLane *lane, DeyeBusTask *task, gboolean sent)
{
  return !deye_bus_task_state_is_final (task->state);
}

static void
cancel_refused (DeyeBusTasks *tasks, const DeyeBusTaskLane *lane, DeyeBusTask *task, const GError *error)
{
  g_debug ("cancel of task %s: %s", task->spec->id, error->message);
}

/* --- the table --- */

#define IDS_REQUEST                                                                                                    \
  .topic = TASK_TOPIC, .type_name = DEYE_BUS_TYPE_PREFIX "TaskIdsRequest",                                             \
  .reply = &daemoneye__eventbus__v1__task_ids_reply__descriptor, .size = ids_size, .pack = ids_pack,                   \
  .verdicts = ids_verdicts

const DeyeBusTaskLaneKind deye_bus_task_lane_kinds[DEYE_BUS_TASK_N_LANES] = {
  [DEYE_BUS_TASK_LANE_SETTLE] = { IDS_REQUEST, .method = "Settle", .answered = settle_answered,
                                  .returned = settle_returned, .refused = settle_refused },
  [DEYE_BUS_TASK_LANE_SUBMIT] = { .topic = "control.collector.task",
                                  .method = "Submit",
                                  .type_name = DEYE_BUS_TYPE_PREFIX "SubmitRequest",
                                  .reply = &daemoneye__eventbus__v1__submit_reply__descriptor,
                                  .size = submit_size,
                                  .pack = submit_pack,
                                  .verdicts = submit_verdicts,
                                  .answered = submit_answered,
                                  .live_only = TRUE,
                                  .returned = submit_returned,
                                  .refused = submit_refused },
  [DEYE_BUS_TASK_LANE_CANCEL] = { IDS_REQUEST, .method = "Cancel", .answered = cancel_answered, .live_only = TRUE,
                                  .returned = cancel_returned, .refused = cancel_refused },
};

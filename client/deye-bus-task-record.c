/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-task-private.h"

#include "deye-bus-error-private.h"
#include "wire-status.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>

/* Changes the state of a task by the broker's records and verdicts. */

typedef Daemoneye__Eventbus__V1__TaskRecord TaskRecord;
typedef Daemoneye__Eventbus__V1__Progress Progress;
typedef Daemoneye__Eventbus__V1__Outcome Outcome;
typedef Daemoneye__Eventbus__V1__SubmitVerdict Verdict;

G_STATIC_ASSERT ((int) DEYE_BUS_TASK_STATE_QUEUED == (int) DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_QUEUED);
G_STATIC_ASSERT ((int) DEYE_BUS_TASK_STATE_SUCCEEDED == (int) DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_SUCCEEDED);
G_STATIC_ASSERT ((int) DEYE_BUS_TASK_STATE_QUARANTINED == (int) DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_QUARANTINED);
G_STATIC_ASSERT ((int) DEYE_BUS_WAIT_REASON_ADOPTION_HOLD
                 == (int) DAEMONEYE__EVENTBUS__V1__WAIT_REASON__WAIT_ADOPTION_HOLD);

/* --- errors --- */

static GError *
record_error (guint32 status, const char *detail, const char *name)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.status = status;
  envelope.detail = wire_span_str (detail);
  envelope.error_name = wire_span_str (name);
  return deye_bus_error_from_envelope (&envelope);
}

static void
record_append (GError *error, const char *text)
{
  g_autofree char *before = error->message;

  error->message = g_strconcat (before, text, NULL);
}

GError *
deye_bus_task_error_of_verdict (const Verdict *verdict)
{
  GError *error = record_error (verdict->status, verdict->detail, "");
  g_autofree char *key = deye_bus_error_setting_key (wire_span_str (verdict->setting));
  g_autofree char *limit = NULL;

  if (verdict->setting[0] == '\0')
    return error;
  limit = g_strdup_printf (_ (" (value %" PRIu64 ", setting %s)"), verdict->value, key);
  record_append (error, limit);
  return error;
}

static GError *
record_error_of_end (DeyeBusError code, const char *text, const char *cause)
{
  GError *error = deye_bus_error_new (code, "%s", text);

  if (cause[0] == '\0')
    return error;
  record_append (error, ": ");
  record_append (error, cause);
  return error;
}

GError *
deye_bus_task_error_of_record (const TaskRecord *record)
{
  const Outcome *outcome = record->outcome;

  switch ((guint) record->state)
    {
    case DEYE_BUS_TASK_STATE_SUCCEEDED:
      return record->payload_dropped ? record_error (WIRE_STATUS_PAYLOAD_GONE, "", "") : NULL;
    case DEYE_BUS_TASK_STATE_TIMED_OUT:
      return record_error_of_end (DEYE_BUS_ERROR_TIMEOUT, _ ("The deadline of the task passed before it ended"),
                                  record->cause);
    case DEYE_BUS_TASK_STATE_CANCELLED:
      return record_error_of_end (DEYE_BUS_ERROR_CANCELLED, _ ("The task was cancelled"), record->cause);
    case DEYE_BUS_TASK_STATE_QUARANTINED:
      return record_error (WIRE_STATUS_QUARANTINED, record->cause, "");
    default:
      if (outcome == NULL || outcome->error_text[0] == '\0')
        return record_error (WIRE_STATUS_FAILED, record->cause, outcome != NULL ? outcome->error_name : "");
      return record_error (WIRE_STATUS_FAILED, outcome->error_text, outcome->error_name);
    }
}

/* --- fields --- */

static void
task_note (DeyeBusTask *self, DeyeBusTaskProperty property)
{
  self->changed |= 1u << property;
}

/* @text: "": none. */
static void
task_set_text (DeyeBusTask *self, char **field, const char *text, DeyeBusTaskProperty property)
{
  const char *value = text[0] != '\0' ? text : NULL;

  if (g_strcmp0 (*field, value) == 0)
    return;
  g_free (*field);
  *field = g_strdup (value);
  task_note (self, property);
}

static void
task_set_number (DeyeBusTask *self, guint64 *field, guint64 value, DeyeBusTaskProperty property)
{
  if (*field != value)
    task_note (self, property);
  *field = value;
}

static void
task_set_flag (DeyeBusTask *self, gboolean *field, gboolean value, DeyeBusTaskProperty property)
{
  if (*field != !!value)
    task_note (self, property);
  *field = !!value;
}

static void
task_set_state (DeyeBusTask *self, DeyeBusTaskState state, DeyeBusWaitReason reason)
{
  gboolean waits = state == DEYE_BUS_TASK_STATE_QUEUED || state == DEYE_BUS_TASK_STATE_DELAYED;
  DeyeBusWaitReason shown = waits ? reason : DEYE_BUS_WAIT_REASON_NONE;

  if (self->state != state)
    task_note (self, DEYE_BUS_TASK_PROP_STATE);
  if (self->wait_reason != shown)
    task_note (self, DEYE_BUS_TASK_PROP_WAIT_REASON);
  self->state = state;
  self->wait_reason = shown;
}

static void
task_set_progress (DeyeBusTask *self, const Progress *progress)
{
  task_set_number (self, &self->progress_done, progress->done, DEYE_BUS_TASK_PROP_PROGRESS_DONE);
  task_set_number (self, &self->progress_total, progress->total, DEYE_BUS_TASK_PROP_PROGRESS_TOTAL);
  task_set_text (self, &self->progress_text, progress->text, DEYE_BUS_TASK_PROP_PROGRESS_TEXT);
}

/* --- records of the broker --- */

static gboolean
task_is_state_of_broker (guint32 state)
{
  return state >= DEYE_BUS_TASK_STATE_QUEUED && state <= DEYE_BUS_TASK_STATE_QUARANTINED;
}

static void
task_set_outcome (DeyeBusTask *self, const TaskRecord *record)
{
  const Outcome *outcome = record->outcome;

  self->error = deye_bus_task_error_of_record (record);
  if (self->error != NULL)
    return;
  self->result = outcome != NULL ? g_bytes_new (outcome->payload.data, outcome->payload.len) : g_bytes_new (NULL, 0);
  if (outcome != NULL && outcome->payload_type[0] != '\0')
    self->result_type = g_strdup (outcome->payload_type);
}

/* Keeps the last holder while no collector has the task: the next broker gets it as a field when the task is submitted again. */
static void
task_set_holder (DeyeBusTask *self, const TaskRecord *record)
{
  if (record->holder[0] != '\0')
    task_set_text (self, &self->holder, record->holder, DEYE_BUS_TASK_PROP_HOLDER);
  if (self->attempt != record->attempt)
    task_note (self, DEYE_BUS_TASK_PROP_ATTEMPT);
  self->attempt = record->attempt;
}

gboolean
deye_bus_task_take_record (DeyeBusTask *self, const TaskRecord *record, guint32 skipped)
{
  if (!task_is_state_of_broker (record->state))
    return FALSE;
  if (deye_bus_task_state_is_final (self->state))
    return TRUE;
  self->skipped += skipped;
  if (record->remaining_us > 0)
    self->due_us = g_get_monotonic_time () + (gint64) MIN (record->remaining_us, G_MAXINT64 / 4);
  task_set_holder (self, record);
  task_set_text (self, &self->cause, record->cause, DEYE_BUS_TASK_PROP_CAUSE);
  task_set_flag (self, &self->late, record->late, DEYE_BUS_TASK_PROP_LATE);
  task_set_flag (self, &self->unconfirmed, record->unconfirmed, DEYE_BUS_TASK_PROP_UNCONFIRMED);
  if (record->progress != NULL)
    task_set_progress (self, record->progress);
  task_set_state (self, (DeyeBusTaskState) record->state, (DeyeBusWaitReason) record->reason);
  if (deye_bus_task_state_is_final (self->state))
    task_set_outcome (self, record);
  return TRUE;
}

/* A verdict has no outcome, so a final state in it is ignored: a record with the outcome follows. */
void
deye_bus_task_take_verdict (DeyeBusTask *self, const Verdict *verdict)
{
  if (!deye_bus_task_state_is_final (self->state) && task_is_state_of_broker (verdict->state)
      && !deye_bus_task_state_is_final ((DeyeBusTaskState) verdict->state))
    task_set_state (self, (DeyeBusTaskState) verdict->state, (DeyeBusWaitReason) verdict->reason);
}

void
deye_bus_task_fail (DeyeBusTask *self, DeyeBusTaskState state, GError *error)
{
  self->error = error;
  task_set_state (self, state, DEYE_BUS_WAIT_REASON_NONE);
}

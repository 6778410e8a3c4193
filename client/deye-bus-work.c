/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-work-private.h"

#include "coordination.pb-c.h"
#include "deye-bus-error.h"
#include "deye-bus-locale.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>

/*
 * The work object: the handle of a run that its handler gets. When the last reference to it is released, the run is given up.
 *
 * Other languages can also construct an object by its type alone. Such an object has no run, and behaves like one that has ended.
 */

struct _DeyeBusWork
{
  GObject parent_instance;

  DeyeBusRun *run;           /* NULL: the object was constructed by its type alone */
  GCancellable *cancellable; /* used if the object has no run */
};

G_STATIC_ASSERT (DEYE_BUS_CANCEL_NONE == 0);

G_DEFINE_FINAL_TYPE (DeyeBusWork, deye_bus_work, G_TYPE_OBJECT)

static void
deye_bus_work_init (DeyeBusWork *self)
{
}

static void
deye_bus_work_finalize (GObject *object)
{
  DeyeBusWork *self = DEYE_BUS_WORK (object);

  if (self->run != NULL)
    deye_bus_run_abandon (self->run);
  g_clear_pointer (&self->run, deye_bus_run_unref);
  g_clear_object (&self->cancellable);
  G_OBJECT_CLASS (deye_bus_work_parent_class)->finalize (object);
}

static void
deye_bus_work_class_init (DeyeBusWorkClass *klass)
{
  deye_bus_locale_bind ();
  G_OBJECT_CLASS (klass)->finalize = deye_bus_work_finalize;
}

DeyeBusWork *
deye_bus_work_new (DeyeBusRun *run)
{
  DeyeBusWork *self = g_object_new (DEYE_BUS_TYPE_WORK, NULL);

  self->run = deye_bus_run_ref (run);
  return self;
}

/* --- the task --- */

const char *
deye_bus_work_get_task_id (DeyeBusWork *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_WORK (self), NULL);

  return self->run != NULL ? self->run->task.task_id : NULL;
}

const char *
deye_bus_work_get_operation (DeyeBusWork *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_WORK (self), NULL);

  return self->run != NULL ? self->run->task.operation : NULL;
}

GBytes *
deye_bus_work_get_payload (DeyeBusWork *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_WORK (self), NULL);

  return self->run != NULL ? self->run->task.payload : NULL;
}

const char *
deye_bus_work_get_payload_type (DeyeBusWork *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_WORK (self), NULL);

  return self->run != NULL && *self->run->task.payload_type != '\0' ? self->run->task.payload_type : NULL;
}

guint
deye_bus_work_get_attempt (DeyeBusWork *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_WORK (self), 0);

  return self->run != NULL ? self->run->task.attempt : 0;
}

guint
deye_bus_work_get_priority (DeyeBusWork *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_WORK (self), 0);

  return self->run != NULL ? self->run->task.priority : 0;
}

guint
deye_bus_work_get_shard (DeyeBusWork *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_WORK (self), 0);

  return self->run != NULL ? self->run->task.shard : 0;
}

guint
deye_bus_work_get_shards (DeyeBusWork *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_WORK (self), 0);

  return self->run != NULL ? self->run->task.shards : 0;
}

gint64
deye_bus_work_get_remaining (DeyeBusWork *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_WORK (self), 0);

  return self->run != NULL ? MAX (self->run->task.due_us - g_get_monotonic_time (), 0) : 0;
}

GBytes *
deye_bus_work_get_last_details (DeyeBusWork *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_WORK (self), NULL);

  return self->run != NULL ? self->run->task.last_details : NULL;
}

/* --- cancellation --- */

GCancellable *
deye_bus_work_get_cancellable (DeyeBusWork *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_WORK (self), NULL);

  if (self->run != NULL)
    return deye_bus_run_get_cancellable (self->run);
  if (self->cancellable == NULL)
    self->cancellable = g_cancellable_new ();
  return self->cancellable;
}

DeyeBusCancelReason
deye_bus_work_get_cancel_reason (DeyeBusWork *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_WORK (self), DEYE_BUS_CANCEL_NONE);

  return self->run != NULL ? (DeyeBusCancelReason) deye_bus_run_cancel_reason (self->run) : DEYE_BUS_CANCEL_NONE;
}

gboolean
deye_bus_work_is_ended (DeyeBusWork *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_WORK (self), TRUE);

  return self->run == NULL || deye_bus_run_is_ended (self->run);
}

/* --- progress --- */

static gboolean
work_refuse_ended (GError **error)
{
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CANCELLED, _ ("This work has ended already"));
  return FALSE;
}

static gboolean
work_check_details (GBytes *details, GError **error)
{
  gsize bytes = details != NULL ? g_bytes_get_size (details) : 0;

  if (bytes <= DEYE_BUS_RUN_DETAILS_MAX)
    return TRUE;
  g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT,
               _ ("The details of a progress report have %zu bytes; at most %u are kept"), bytes,
               DEYE_BUS_RUN_DETAILS_MAX);
  return FALSE;
}

gboolean
deye_bus_work_progress (DeyeBusWork *self,
                        guint64 done,
                        guint64 total,
                        const char *text,
                        GBytes *details,
                        GError **error)
{
  DeyeBusReport *report;

  g_return_val_if_fail (DEYE_BUS_IS_WORK (self), FALSE);

  if (!work_check_details (details, error))
    return FALSE;
  if (self->run == NULL)
    return work_refuse_ended (error);
  report = g_new0 (DeyeBusReport, 1);
  report->done = done;
  report->total = total;
  report->text = deye_bus_run_cut_text (text);
  report->details = details != NULL ? g_bytes_ref (details) : NULL;
  if (deye_bus_run_put_report (self->run, report))
    return TRUE;
  if (deye_bus_run_is_ended (self->run))
    return work_refuse_ended (error);
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CANCELLED,
                       _ ("This work is cancelled: its result is not needed any more"));
  return FALSE;
}

/* --- the extent of the result --- */

/* Locks the extent of the result. NULL: the work has ended. */
static DeyeBusExtent *
work_lock_extent (DeyeBusWork *self)
{
  return self->run != NULL ? deye_bus_run_lock_extent (self->run) : NULL;
}

void
deye_bus_work_set_rows (DeyeBusWork *self, guint64 rows)
{
  DeyeBusExtent *extent;

  g_return_if_fail (DEYE_BUS_IS_WORK (self));

  extent = work_lock_extent (self);
  if (extent == NULL)
    return;
  extent->is_counted = TRUE;
  extent->rows = rows;
  deye_bus_run_unlock_extent (self->run);
}

void
deye_bus_work_set_truncated (DeyeBusWork *self, guint64 limit)
{
  DeyeBusExtent *extent;

  g_return_if_fail (DEYE_BUS_IS_WORK (self));

  extent = work_lock_extent (self);
  if (extent == NULL)
    return;
  extent->is_truncated = TRUE;
  extent->limit = limit;
  deye_bus_run_unlock_extent (self->run);
}

void
deye_bus_work_set_period (DeyeBusWork *self, guint64 from_time_us, guint64 to_time_us, guint gaps)
{
  DeyeBusExtent *extent;

  g_return_if_fail (DEYE_BUS_IS_WORK (self));

  extent = work_lock_extent (self);
  if (extent == NULL)
    return;
  extent->from_time_us = from_time_us;
  extent->to_time_us = to_time_us;
  extent->gaps = gaps;
  deye_bus_run_unlock_extent (self->run);
}

void
deye_bus_work_set_share (DeyeBusWork *self, guint permille)
{
  DeyeBusExtent *extent;

  g_return_if_fail (DEYE_BUS_IS_WORK (self));

  extent = work_lock_extent (self);
  if (extent == NULL)
    return;
  deye_bus_extent_set_share (extent, permille);
  deye_bus_run_unlock_extent (self->run);
}

void
deye_bus_work_set_age (DeyeBusWork *self, guint64 age_us)
{
  DeyeBusExtent *extent;

  g_return_if_fail (DEYE_BUS_IS_WORK (self));

  extent = work_lock_extent (self);
  if (extent == NULL)
    return;
  extent->age_us = age_us;
  deye_bus_run_unlock_extent (self->run);
}

void
deye_bus_work_set_configuration (DeyeBusWork *self, const char *revision)
{
  DeyeBusExtent *extent;

  g_return_if_fail (DEYE_BUS_IS_WORK (self));

  extent = work_lock_extent (self);
  if (extent == NULL)
    return;
  deye_bus_extent_set_configuration (extent, revision);
  deye_bus_run_unlock_extent (self->run);
}

/* --- the end --- */

static gboolean
work_end (DeyeBusWork *self, DeyeBusOutcome *outcome, GError **error)
{
  if (self->run != NULL)
    return deye_bus_run_put_outcome (self->run, outcome) || work_refuse_ended (error);
  deye_bus_outcome_free (outcome);
  return work_refuse_ended (error);
}

static gboolean
work_check_result (DeyeBusWork *self, GBytes *payload, const char *payload_type, GError **error)
{
  gsize bytes = payload != NULL ? g_bytes_get_size (payload) : 0;

  if (payload_type != NULL
      && (!g_utf8_validate (payload_type, -1, NULL) || strlen (payload_type) > DEYE_BUS_RUN_TEXT_MAX))
    {
      g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
                           _ ("The type of a result must be UTF-8 text of at most 256 bytes"));
      return FALSE;
    }
  if (self->run == NULL || bytes <= self->run->task.largest)
    return TRUE;
  g_set_error (
      error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT,
      _ ("The result has %zu bytes, more than the limit of %" PRIu64 ": publish it in parts, or store it elsewhere"),
      bytes, self->run->task.largest);
  return FALSE;
}

gboolean
deye_bus_work_succeed (DeyeBusWork *self, GBytes *payload, const char *payload_type, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_WORK (self), FALSE);

  return work_check_result (self, payload, payload_type, error)
         && work_end (self,
                      deye_bus_outcome_new (DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED, payload,
                                            payload_type, NULL, NULL),
                      error);
}

gboolean
deye_bus_work_fail (DeyeBusWork *self, const char *name, const char *text, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_WORK (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  return work_end (self,
                   deye_bus_outcome_new (DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_FAILED, NULL, NULL, name, text),
                   error);
}

gboolean
deye_bus_work_retry (DeyeBusWork *self, const char *text, gint64 after_us, GError **error)
{
  DeyeBusOutcome *outcome;

  g_return_val_if_fail (DEYE_BUS_IS_WORK (self), FALSE);

  outcome = deye_bus_outcome_new (DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_RETRYABLE, NULL, NULL, "Retry", text);
  outcome->retry_after_us = MAX (after_us, 0);
  return work_end (self, outcome, error);
}

gboolean
deye_bus_work_acknowledge_cancel (DeyeBusWork *self, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_WORK (self), FALSE);

  if (self->run != NULL && !deye_bus_run_is_ended (self->run)
      && deye_bus_run_cancel_reason (self->run) == DEYE_BUS_CANCEL_NONE)
    {
      g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
                           _ ("This work is not cancelled: end it with deye_bus_work_succeed(), deye_bus_work_fail() "
                              "or deye_bus_work_retry()"));
      return FALSE;
    }
  return work_end (
      self, deye_bus_outcome_new (DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_CANCELLED, NULL, NULL, NULL, NULL),
      error);
}

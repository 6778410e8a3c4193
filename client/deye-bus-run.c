/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-run.h"

#include "coordination.pb-c.h"
#include "deye-bus-pack.h"

/* --- texts, reports, outcomes --- */

char *
deye_bus_run_cut_text (const char *text)
{
  return deye_bus_cut_text (text, DEYE_BUS_RUN_TEXT_MAX);
}

void
deye_bus_report_free (DeyeBusReport *report)
{
  g_clear_pointer (&report->details, g_bytes_unref);
  g_free (report->text);
  g_free (report);
}

DeyeBusOutcome *
deye_bus_outcome_new (guint32 kind,
                      GBytes *payload,
                      const char *payload_type,
                      const char *error_name,
                      const char *error_text)
{
  /* Most outcomes have neither name nor text of an error. */
  g_autofree char *cut_name = error_name != NULL ? deye_bus_run_cut_text (error_name) : NULL;
  g_autofree char *cut_text = error_text != NULL ? deye_bus_run_cut_text (error_text) : NULL;
  const WireSpan type = wire_span_str (payload_type);
  const WireSpan name = wire_span_str (cut_name);
  const WireSpan text = wire_span_str (cut_text);
  DeyeBusOutcome *outcome = g_malloc (sizeof *outcome + type.len + name.len + text.len + 3);
  char *at = (char *) (outcome + 1);

  *outcome = (DeyeBusOutcome){ .kind = kind, .payload = payload != NULL ? g_bytes_ref (payload) : NULL };
  outcome->payload_type = wire_span_put_text (&at, type);
  outcome->error_name = wire_span_put_text (&at, name);
  outcome->error_text = wire_span_put_text (&at, text);
  return outcome;
}

void
deye_bus_outcome_free (DeyeBusOutcome *outcome)
{
  g_clear_pointer (&outcome->payload, g_bytes_unref);
  g_clear_pointer (&outcome->extent, deye_bus_extent_unref);
  g_free (outcome);
}

/* --- life --- */

void
deye_bus_token_set (DeyeBusToken *token, WireSpan span)
{
  token->len = (guint8) MIN (span.len, sizeof token->bytes);
  if (token->len > 0)
    memcpy (token->bytes, span.data, token->len);
}

DeyeBusRunOwner *
deye_bus_run_owner_new (GMainContext *context, gpointer owner, DeyeBusRunFunc changed)
{
  DeyeBusRunOwner *self = g_new (DeyeBusRunOwner, 1);

  *self = (DeyeBusRunOwner){ .context = g_main_context_ref (context), .owner = owner, .changed = changed };
  g_atomic_ref_count_init (&self->refs);
  return self;
}

void
deye_bus_run_owner_unref (DeyeBusRunOwner *owner)
{
  if (!g_atomic_ref_count_dec (&owner->refs))
    return;
  g_main_context_unref (owner->context);
  g_free (owner);
}

DeyeBusRun *
deye_bus_run_new (const DeyeBusRunTask *task, const DeyeBusRunTexts *texts, DeyeBusRunOwner *owner)
{
  DeyeBusRun *run = g_malloc0 (sizeof *run + texts->task_id.len + texts->operation.len + texts->payload_type.len + 3);
  char *at = run->texts;

  g_atomic_ref_count_init (&run->refs);
  run->task = *task;
  run->task.task_id = wire_span_put_text (&at, texts->task_id);
  run->task.operation = wire_span_put_text (&at, texts->operation);
  run->task.payload_type = wire_span_put_text (&at, texts->payload_type);
  g_mutex_init (&run->lock);
  g_atomic_ref_count_inc (&owner->refs);
  run->owner = owner;
  return run;
}

DeyeBusRun *
deye_bus_run_ref (DeyeBusRun *run)
{
  g_atomic_ref_count_inc (&run->refs);
  return run;
}

void
deye_bus_run_unref (DeyeBusRun *run)
{
  if (!g_atomic_ref_count_dec (&run->refs))
    return;
  g_clear_pointer (&run->task.last_details, g_bytes_unref);
  g_clear_pointer (&run->task.payload, g_bytes_unref);
  g_clear_object (&run->cancellable);
  g_clear_pointer (&run->report, deye_bus_report_free);
  g_clear_pointer (&run->last_report, deye_bus_report_free);
  g_clear_pointer (&run->outcome, deye_bus_outcome_free);
  g_clear_pointer (&run->extent, deye_bus_extent_unref);
  g_clear_pointer (&run->request, deye_bus_message_unref);
  g_clear_pointer (&run->owner, deye_bus_run_owner_unref);
  g_mutex_clear (&run->lock);
  g_free (run);
}

/* --- reports and outcomes from the handler --- */

/* In the context. The collector clears the pointer to itself in its dispose, which runs in the context too: so it is alive here. */
static void
run_notify_owner (DeyeBusRun *run)
{
  g_autoptr (GObject) owner = run->owner->owner != NULL ? g_object_ref (run->owner->owner) : NULL;

  if (owner != NULL)
    run->owner->changed (owner, run);
}

static gboolean
run_on_source (gpointer data)
{
  DeyeBusRun *run = data;

  g_mutex_lock (&run->lock);
  run->is_source_attached = FALSE;
  g_mutex_unlock (&run->lock);
  run_notify_owner (run);
  return G_SOURCE_REMOVE;
}

static void
run_attach_source (DeyeBusRun *run)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_static_name (source, "DeyeBusWork");
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, run_on_source, deye_bus_run_ref (run), (GDestroyNotify) deye_bus_run_unref);
  g_source_attach (source, run->owner->context);
}

/* A report or outcome was put: notifies the owner, at once if this thread runs the context. @needs_source: no source that will
 * notify the owner is attached yet, so one is made. */
static void
run_notify (DeyeBusRun *run, gboolean needs_source)
{
  if (g_main_context_is_owner (run->owner->context))
    run_notify_owner (run);
  else if (needs_source)
    run_attach_source (run);
}

/* TRUE if the caller has to attach a source that notifies the owner in the context. The caller holds the lock. */
static gboolean
run_begin_source (DeyeBusRun *run)
{
  gboolean begins = !run->is_source_attached && !g_main_context_is_owner (run->owner->context);

  run->is_source_attached |= begins;
  return begins;
}

gboolean
deye_bus_run_put_report (DeyeBusRun *run, DeyeBusReport *report)
{
  g_autoptr (DeyeBusReport) other = report;
  gboolean needs_source = FALSE;
  gboolean is_put;

  g_mutex_lock (&run->lock);
  is_put = !run->is_ended && deye_bus_run_cancel_reason (run) == 0;
  if (is_put)
    {
      other = run->report;
      run->report = report;
      needs_source = run_begin_source (run);
    }
  g_mutex_unlock (&run->lock);
  if (is_put)
    run_notify (run, needs_source);
  return is_put;
}

gboolean
deye_bus_run_put_outcome (DeyeBusRun *run, DeyeBusOutcome *outcome)
{
  gboolean needs_source = FALSE;
  gboolean is_put;

  g_mutex_lock (&run->lock);
  is_put = !run->is_ended;
  if (is_put)
    {
      run->is_ended = TRUE;
      run->outcome = outcome;
      if (outcome->kind == DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED)
        outcome->extent = g_steal_pointer (&run->extent);
      needs_source = run_begin_source (run);
    }
  g_mutex_unlock (&run->lock);
  if (is_put)
    run_notify (run, needs_source);
  else
    deye_bus_outcome_free (outcome);
  return is_put;
}

DeyeBusExtent *
deye_bus_run_lock_extent (DeyeBusRun *run)
{
  g_mutex_lock (&run->lock);
  if (run->is_ended)
    {
      g_mutex_unlock (&run->lock);
      return NULL;
    }
  if (run->extent == NULL)
    run->extent = deye_bus_extent_new ();
  return run->extent;
}

void
deye_bus_run_unlock_extent (DeyeBusRun *run)
{
  g_mutex_unlock (&run->lock);
}

gboolean
deye_bus_run_is_ended (DeyeBusRun *run)
{
  gboolean is_ended;

  g_mutex_lock (&run->lock);
  is_ended = run->is_ended;
  g_mutex_unlock (&run->lock);
  return is_ended;
}

gint
deye_bus_run_cancel_reason (DeyeBusRun *run)
{
  return g_atomic_int_get (&run->cancel_reason);
}

GCancellable *
deye_bus_run_get_cancellable (DeyeBusRun *run)
{
  GCancellable *cancellable;

  g_mutex_lock (&run->lock);
  if (run->cancellable == NULL)
    {
      run->cancellable = g_cancellable_new ();
      if (deye_bus_run_cancel_reason (run) != 0)
        g_cancellable_cancel (run->cancellable); /* it has no callback yet */
    }
  cancellable = run->cancellable;
  g_mutex_unlock (&run->lock);
  return cancellable;
}

void
deye_bus_run_abandon (DeyeBusRun *run)
{
  gboolean is_cancelled = deye_bus_run_cancel_reason (run) != 0;

  if (deye_bus_run_is_ended (run))
    return;
  deye_bus_run_put_outcome (
      run, deye_bus_outcome_new (is_cancelled ? DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_CANCELLED
                                              : DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_RETRYABLE,
                                 NULL, NULL, "Abandoned", "the handler dropped the work without a result"));
}

/* --- for the collector --- */

DeyeBusReport *
deye_bus_run_take_report (DeyeBusRun *run)
{
  DeyeBusReport *report;

  g_mutex_lock (&run->lock);
  report = g_steal_pointer (&run->report);
  g_mutex_unlock (&run->lock);
  return report;
}

DeyeBusOutcome *
deye_bus_run_take_outcome (DeyeBusRun *run)
{
  DeyeBusOutcome *outcome;

  g_mutex_lock (&run->lock);
  outcome = g_steal_pointer (&run->outcome);
  g_mutex_unlock (&run->lock);
  return outcome;
}

/* A cancellable that is made later finds the reason, see deye_bus_run_get_cancellable(). */
void
deye_bus_run_cancel (DeyeBusRun *run, gint reason)
{
  GCancellable *cancellable;

  if (!g_atomic_int_compare_and_exchange (&run->cancel_reason, 0, reason))
    return;
  g_mutex_lock (&run->lock);
  cancellable = run->cancellable;
  g_mutex_unlock (&run->lock);
  if (cancellable != NULL)
    g_cancellable_cancel (cancellable);
}

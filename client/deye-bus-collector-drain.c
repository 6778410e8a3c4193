/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-collector-private.h"

#include "deye-bus-client-connection.h"
#include "deye-bus-pack.h"
#include "deye-bus-subscription-private.h"
#include "platform-stop.h"

#include <glib/gi18n-lib.h>

/*
 * The end of a collector. The program, the broker or a signal of the system asks it to drain; when it has drained, it
 * deregisters and closes its client.
 *
 * A public call only sets the new state; the collector's timer reports it from a dispatch.
 *
 * Invariant: a collector that drains starts no new task, and it has drained when its last work has ended.
 */

#define ACTION(name) DAEMONEYE__EVENTBUS__V1__LIFECYCLE_ACTION__LIFECYCLE_##name

typedef Daemoneye__Eventbus__V1__CollectorLifecycle Lifecycle;

#define GRACE_US     (30 * G_TIME_SPAN_SECOND)
#define DRAIN_MAX_US G_TIME_SPAN_HOUR /* the broker refuses a longer one */

static const char lifecycle_type[] = DEYE_BUS_TYPE_PREFIX "CollectorLifecycle";

/* --- drain --- */

/* Begins to drain. May be called in a public call, since only the timer emits signals. */
static void
drain_begin (DeyeBusCollector *self, gint64 grace_us)
{
  if (self->is_draining)
    return;
  self->is_draining = TRUE;
  self->drain_us = CLAMP (grace_us, 0, DRAIN_MAX_US);
  deye_bus_collector_arm (self, 0);
}

gboolean
deye_bus_collector_drain (DeyeBusCollector *self, gint64 grace_us, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_COLLECTOR (self), FALSE);

  if (!deye_bus_client_enter (self->client, error))
    return FALSE;
  if (!self->is_draining)
    {
      drain_begin (self, grace_us);
      deye_bus_collector_update (self);
    }
  deye_bus_client_leave (self->client);
  return TRUE;
}

gboolean
deye_bus_collector_is_draining (DeyeBusCollector *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_COLLECTOR (self), FALSE);

  return self->is_draining;
}

/* --- the broker asks for it --- */

/* The lifecycle message in @message. NULL: it is not valid, or not from the broker. */
static WireGuard *
lifecycle_read (DeyeBusMessage *message)
{
  if (g_strcmp0 (deye_bus_message_get_sender (message), "bus") != 0
      || g_strcmp0 (deye_bus_message_get_type_name (message), lifecycle_type) != 0)
    return NULL;
  return deye_bus_unpack (&daemoneye__eventbus__v1__collector_lifecycle__descriptor, message);
}

static gboolean
lifecycle_is_drain (const WireGuard *guard)
{
  const Lifecycle *lifecycle = guard != NULL ? wire_guard_message (guard) : NULL;

  return lifecycle != NULL && lifecycle->action == ACTION (DRAIN);
}

static void
lifecycle_drain (DeyeBusCollector *self, const Lifecycle *lifecycle)
{
  self->expects_exit |= lifecycle->expect_exit != 0;
  drain_begin (self, (gint64) MIN (lifecycle->grace_us, (guint64) G_MAXINT64));
  deye_bus_collector_arm (self, 0); /* it may have drained before, when its end was not expected */
  deye_bus_collector_set_state (self, DEYE_BUS_COLLECTOR_STATE_DRAINING);
}

void
deye_bus_collector_on_lifecycle (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer weak)
{
  g_autoptr (DeyeBusCollector) self = g_weak_ref_get (weak);
  g_autoptr (WireGuard) guard = lifecycle_read (message);
  const Lifecycle *lifecycle = guard != NULL ? wire_guard_message (guard) : NULL;

  if (self == NULL || lifecycle == NULL)
    return;
  if (lifecycle->action == ACTION (DRAIN))
    lifecycle_drain (self, lifecycle);
  else if (lifecycle->action == ACTION (FENCE))
    deye_bus_collector_fence (self, lifecycle->fenced, lifecycle->n_fenced);
}

gboolean
deye_bus_collector_has_drain_request (DeyeBusCollector *self)
{
  const DeyeBusSubscription *subscription = self->topics[DEYE_BUS_COLLECTOR_TOPIC_LIFECYCLE].subscription;
  const DeyeBusEvents *events = &self->client->events;

  for (guint i = 0; subscription != NULL && i < events->count; i++)
    {
      const DeyeBusEvent *event = deye_bus_events_peek (events, i);
      g_autoptr (WireGuard) guard = NULL;

      if (event->kind != DEYE_BUS_EVENT_MESSAGE || event->subject != subscription->channel)
        continue;
      guard = lifecycle_read (event->message);
      if (lifecycle_is_drain (guard))
        return TRUE;
    }
  return FALSE;
}

/* --- stop --- */

void
deye_bus_collector_end_stopping (DeyeBusCollector *self, const GError *error)
{
  GTask *task;

  self->is_stopping = self->is_stopped = TRUE;
  while ((task = g_queue_pop_head (&self->stopping)) != NULL)
    {
      if (error != NULL)
        g_task_return_error (task, g_error_copy (error));
      else
        g_task_return_boolean (task, TRUE);
      g_object_unref (task);
    }
  if (self->loop == NULL)
    return;
  if (error != NULL && self->failure == NULL)
    self->failure = g_error_copy (error);
  g_main_loop_quit (self->loop);
}

static void
stop_on_closed (GObject *source, GAsyncResult *result, gpointer weak)
{
  g_autoptr (DeyeBusCollector) self = g_weak_ref_get (weak);
  g_autoptr (GError) error = NULL;

  deye_bus_collector_weak_free (weak);
  (void) deye_bus_client_close_finish (DEYE_BUS_CLIENT (source), result, &error);
  if (self != NULL)
    deye_bus_collector_end_stopping (self, error);
}

GError *
deye_bus_collector_error_stopped (void)
{
  return deye_bus_error_new (DEYE_BUS_ERROR_CLOSED, "%s", _ ("The collector was stopped"));
}

static gboolean
drain_is_over (const DeyeBusCollector *self)
{
  return self->runs->len == 0 && self->arrived.length == 0;
}

/* A collector that stops also waits for results that could not be sent and need the next connection. */
static gboolean
stop_is_over (const DeyeBusCollector *self)
{
  return drain_is_over (self) && !deye_bus_collector_has_unsent (self);
}

/* The client was closed or disposed, so no result can be sent any more. */
static gboolean
stop_is_futile (const DeyeBusCollector *self)
{
  return self->client->state == DEYE_BUS_CLIENT_STATE_CLOSED;
}

/* An error if works or results are left that a closed client cannot send. */
static GError *
stop_error (DeyeBusCollector *self)
{
  GError *error = NULL;

  if (stop_is_futile (self) && !stop_is_over (self))
    (void) deye_bus_client_check_ready (self->client, &error);
  return error;
}

/* Ends the collector. A client that the program has passed in is not closed. */
static void
stop_finish (DeyeBusCollector *self)
{
  g_autoptr (GError) stopped = deye_bus_collector_error_stopped ();
  g_autoptr (GError) error = stop_error (self);

  self->stop_due_us = 0;
  deye_bus_collector_cancel_runs (self, DEYE_BUS_CANCEL_STOPPED);
  deye_bus_collector_deregister (self);
  deye_bus_collector_unhook (self);
  deye_bus_collector_end_starting (self, stopped);
  deye_bus_collector_set_state (self, DEYE_BUS_COLLECTOR_STATE_UNREGISTERED);
  if (self->is_client_given || error != NULL)
    {
      deye_bus_collector_end_stopping (self, error);
      return;
    }
  deye_bus_client_close_async (self->client, NULL, stop_on_closed, deye_bus_collector_weak_new (self));
}

static void
stop_begin (DeyeBusCollector *self, gint64 grace_us)
{
  gint64 due_us = g_get_monotonic_time () + (grace_us > 0 ? MIN (grace_us, G_MAXINT64 / 4) : GRACE_US);

  if (self->is_stopped || (self->is_stopping && self->stop_due_us == 0))
    return;
  self->stop_due_us = self->is_stopping ? MIN (self->stop_due_us, due_us) : due_us;
  self->is_stopping = TRUE;
  if (!self->is_draining)
    {
      drain_begin (self, grace_us);
      deye_bus_collector_update (self);
    }
  deye_bus_collector_arm (self, 0);
}

/* --- steps of the timer --- */

void
deye_bus_collector_check_drained (DeyeBusCollector *self)
{
  if (self->is_draining && (drain_is_over (self) || stop_is_futile (self)))
    deye_bus_collector_arm (self, 0);
}

gint64
deye_bus_collector_step_drain (DeyeBusCollector *self, gint64 now_us)
{
  if (!self->is_draining)
    return G_MAXINT64;
  if (!self->is_draining_reported)
    {
      self->is_draining_reported = TRUE;
      g_signal_emit (self, deye_bus_collector_signals[DEYE_BUS_COLLECTOR_DRAINING], 0);
    }
  if (!self->is_drained_reported && drain_is_over (self))
    {
      self->is_drained_reported = TRUE;
      g_signal_emit (self, deye_bus_collector_signals[DEYE_BUS_COLLECTOR_DRAINED], 0);
    }
  if (self->is_drained_reported && self->expects_exit && self->loop != NULL && !self->is_stopping)
    stop_begin (self, 0);
  if (self->stop_due_us == 0)
    return G_MAXINT64;
  if (now_us < self->stop_due_us && !stop_is_over (self) && !stop_is_futile (self))
    return self->stop_due_us;
  stop_finish (self);
  return G_MAXINT64;
}

/* --- public --- */

static gboolean
stop_check (DeyeBusCollector *self, GError **error)
{
  if (self->is_started)
    return TRUE;
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT, _ ("This collector was not started"));
  return FALSE;
}

void
deye_bus_collector_stop_async (DeyeBusCollector *self,
                               gint64 grace_us,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (DEYE_BUS_IS_COLLECTOR (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_collector_stop_async);
  if (!stop_check (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  if (!deye_bus_client_enter_task (self->client, task, NULL))
    return;
  if (self->is_stopped)
    g_task_return_boolean (task, TRUE);
  else
    {
      g_queue_push_tail (&self->stopping, g_object_ref (task));
      stop_begin (self, g_cancellable_is_cancelled (cancellable) ? 1 : grace_us);
    }
  deye_bus_client_leave (self->client);
}

gboolean
deye_bus_collector_stop_finish (DeyeBusCollector *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_COLLECTOR (self), FALSE);

  return deye_bus_task_check (self, result, deye_bus_collector_stop_async, error)
         && g_task_propagate_boolean (G_TASK (result), error);
}

static void
stop_keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  g_set_object ((GAsyncResult **) data, result);
}

gboolean
deye_bus_collector_stop (DeyeBusCollector *self, gint64 grace_us, GError **error)
{
  g_autoptr (GAsyncResult) result = NULL;
  GMainContext *context;

  g_return_val_if_fail (DEYE_BUS_IS_COLLECTOR (self), FALSE);

  if (!deye_bus_client_enter (self->client, error))
    return FALSE;
  context = self->client->context;
  g_main_context_push_thread_default (context);
  deye_bus_collector_stop_async (self, grace_us, NULL, stop_keep_result, &result);
  while (result == NULL)
    g_main_context_iteration (context, TRUE);
  g_main_context_pop_thread_default (context);
  deye_bus_client_leave (self->client);
  return deye_bus_collector_stop_finish (self, result, error);
}

/* --- run --- */

static gboolean
run_on_stop (gpointer data)
{
  DeyeBusCollector *self = data;

  /* A second signal stops the collector without waiting for its works. */
  stop_begin (self, self->is_stopping ? 1 : 0);
  return G_SOURCE_CONTINUE;
}

static GSource *
run_watch_stop (DeyeBusCollector *self)
{
  GSource *source = platform_stop_source_new ();

  g_source_set_callback (source, run_on_stop, self, NULL);
  g_source_attach (source, self->client->context);
  return source;
}

static gboolean
run_check (DeyeBusCollector *self, GError **error)
{
  if (self->loop == NULL)
    return TRUE;
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PENDING, _ ("This collector is running already"));
  return FALSE;
}

static void
run_loop (DeyeBusCollector *self)
{
  GMainContext *context = self->client->context;
  GSource *stop = run_watch_stop (self);

  self->loop = g_main_loop_new (context, FALSE);
  deye_bus_collector_arm (self, 0); /* it may have drained before this call */
  g_main_context_push_thread_default (context);
  if (!self->is_stopped && self->failure == NULL)
    g_main_loop_run (self->loop);
  g_main_context_pop_thread_default (context);
  g_clear_pointer (&self->loop, g_main_loop_unref);
  g_source_destroy (stop);
  g_source_unref (stop);
}

gboolean
deye_bus_collector_run (DeyeBusCollector *self, GError **error)
{
  g_autoptr (DeyeBusCollector) held = NULL;

  g_return_val_if_fail (DEYE_BUS_IS_COLLECTOR (self), FALSE);

  if (!run_check (self, error) || !deye_bus_collector_start (self, error)
      || !deye_bus_client_enter (self->client, error))
    return FALSE;
  held = g_object_ref (self);
  run_loop (self);
  deye_bus_client_leave (self->client);
  if (self->failure == NULL)
    return TRUE;
  g_propagate_error (error, g_error_copy (self->failure));
  return FALSE;
}

void
deye_bus_collector_fail (DeyeBusCollector *self, const GError *error)
{
  if (self->failure == NULL && !self->is_stopping)
    self->failure = g_error_copy (error);
  if (self->loop != NULL && self->failure != NULL)
    g_main_loop_quit (self->loop);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-sender-private.h"

#include "deye-bus-client-connection.h"
#include "deye-bus-client-private.h"
#include "deye-bus-options-private.h"

#include <glib/gi18n-lib.h>

/*
 * A flush of a sender: it waits until the client has taken all messages that were put before it, and then until the client has
 * flushed.
 *
 * The calling thread and the thread of the client share the flush. It ends with the end of the client's flush, with the
 * timeout, or with the cancellation; the first of these sets the result.
 *
 * Invariant: a flush ends once. A task returns in the context of the thread that made the call, never from inside the call.
 */

struct DeyeBusSenderFlush
{
  gatomicrefcount refs;
  DeyeBusSenderQueue *queue; /* owned */
  DeyeBusOptions *options;   /* nullable; a copy */
  gboolean want_accepted;
  guint64 until;

  /* Protected by the lock of the senders. */
  gboolean done;
  GError *error;
  GCond ended;
  GTask *task;    /* NULL: the call is synchronous, or the task is returning */
  GSource *watch; /* of the timeout and the cancellable, in the context of @task */
};

/* --- lifetime --- */

static DeyeBusSenderFlush *
sender_flush_new (DeyeBusSenderQueue *queue, const DeyeBusOptions *options, gboolean want_accepted)
{
  DeyeBusSenderFlush *flush = g_new0 (DeyeBusSenderFlush, 1);

  g_atomic_ref_count_init (&flush->refs);
  flush->queue = deye_bus_sender_queue_ref (queue);
  flush->options = options != NULL ? deye_bus_options_copy (options) : NULL;
  flush->want_accepted = want_accepted;
  g_cond_init (&flush->ended);
  return flush;
}

static DeyeBusSenderFlush *
sender_flush_ref (DeyeBusSenderFlush *flush)
{
  g_atomic_ref_count_inc (&flush->refs);
  return flush;
}

void
deye_bus_sender_flush_unref (DeyeBusSenderFlush *flush)
{
  if (!g_atomic_ref_count_dec (&flush->refs))
    return;
  g_cond_clear (&flush->ended);
  g_clear_error (&flush->error);
  g_clear_pointer (&flush->options, deye_bus_options_free);
  deye_bus_sender_queue_unref (flush->queue);
  g_free (flush);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusSenderFlush, deye_bus_sender_flush_unref)

guint64
deye_bus_sender_flush_until (const DeyeBusSenderFlush *flush)
{
  return flush->until;
}

void
deye_bus_sender_flush_set_until (DeyeBusSenderFlush *flush, guint64 n_put)
{
  flush->until = n_put;
}

/* --- the end --- */

static gboolean
sender_flush_on_return (gpointer data)
{
  GTask *task = data;
  DeyeBusSenderFlush *flush = g_task_get_task_data (task);

  if (flush->error != NULL)
    g_task_return_error (task, g_error_copy (flush->error));
  else
    g_task_return_boolean (task, TRUE);
  return G_SOURCE_REMOVE;
}

/* Takes @task. */
static void
sender_flush_return (GTask *task)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_static_name (source, "DeyeBusSenderFlushed");
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, sender_flush_on_return, task, g_object_unref);
  g_source_attach (source, g_task_get_context (task));
}

void
deye_bus_sender_flush_end (DeyeBusSenderFlush *flush, GError *error)
{
  g_autoptr (GError) unused = error;
  GTask *task;
  GSource *watch;

  g_mutex_lock (&flush->queue->senders->lock);
  if (!flush->done)
    flush->error = g_steal_pointer (&unused);
  flush->done = TRUE;
  g_cond_broadcast (&flush->ended);
  task = g_steal_pointer (&flush->task);
  watch = g_steal_pointer (&flush->watch);
  g_mutex_unlock (&flush->queue->senders->lock);
  if (watch != NULL)
    g_source_destroy (watch);
  g_clear_pointer (&watch, g_source_unref);
  if (task != NULL)
    sender_flush_return (task);
}

static GError *
sender_flush_error_overdue (DeyeBusSenderFlush *flush)
{
  guint n;

  g_mutex_lock (&flush->queue->senders->lock);
  n = flush->queue->n;
  g_mutex_unlock (&flush->queue->senders->lock);
  return deye_bus_error_new (
      DEYE_BUS_ERROR_TIMEOUT,
      _ ("The sender was not flushed within the timeout; messages that still wait in it: %u. The "
         "client's context does not run, or there is no credit: flush again later"),
      n);
}

/* --- the client's thread --- */

static void
sender_flush_on_flushed (GObject *source, GAsyncResult *result, gpointer data)
{
  DeyeBusSenderFlush *flush = data;
  GError *error = NULL;

  (void) deye_bus_client_flush_finish (DEYE_BUS_CLIENT (source), result, &error);
  deye_bus_sender_flush_end (flush, error);
  deye_bus_sender_flush_unref (flush);
}

/* The flush may begin in a synchronous call, in which another context may be the default one. Nothing may iterate that one. */
void
deye_bus_sender_flush_begin (DeyeBusSenderFlush *flush, DeyeBusClient *client)
{
  if (client == NULL)
    {
      deye_bus_sender_flush_end (flush,
                                 deye_bus_error_new (DEYE_BUS_ERROR_CLOSED, "%s", _ ("The client has been closed")));
      return;
    }
  g_main_context_push_thread_default (client->context);
  deye_bus_client_flush_async (client, flush->options, flush->want_accepted, NULL, sender_flush_on_flushed,
                               sender_flush_ref (flush));
  g_main_context_pop_thread_default (client->context);
}

/* --- the thread that asks --- */

/* TRUE: the calling thread is that of the client, and now owns the context. A thread that does not iterate the context has not
 * acquired it before. */
static gboolean
senders_acquire_own (const DeyeBusSenders *senders)
{
  return (senders->thread == g_thread_self () || g_main_context_is_owner (senders->context))
         && g_main_context_acquire (senders->context);
}

typedef struct
{
  DeyeBusSenderQueue *queue;
  guint64 until;
} SenderPosition;

/* TRUE if the messages before the flush are sent or refused, or the flush has nothing to wait for because the client has ended. */
static gboolean
sender_position_is_gone (gconstpointer data)
{
  const SenderPosition *position = data;
  DeyeBusSenders *senders = position->queue->senders;
  gboolean gone;

  g_mutex_lock (&senders->lock);
  gone = position->queue->n_gone >= position->until || senders->refusal != 0;
  g_mutex_unlock (&senders->lock);
  return gone;
}

static guint64
sender_queue_n_put (DeyeBusSenderQueue *queue)
{
  guint64 n_put;

  g_mutex_lock (&queue->senders->lock);
  n_put = queue->n_put;
  g_mutex_unlock (&queue->senders->lock);
  return n_put;
}

/* A synchronous flush in the client's own thread, which has acquired the context: it pumps, since no other thread sends. */
static gboolean
sender_flush_in_client_thread (DeyeBusSenderQueue *queue,
                               DeyeBusOptions *options,
                               gboolean want_accepted,
                               GCancellable *cancellable,
                               GError **error)
{
  gint64 due_us = g_get_monotonic_time () + deye_bus_options_timeout_us (options);
  SenderPosition position = { queue, sender_queue_n_put (queue) };
  g_autoptr (DeyeBusClient) client = NULL;
  gboolean gone;

  if (queue->senders->client == NULL)
    {
      g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED, _ ("The client has been closed"));
      return FALSE;
    }
  client = g_object_ref (queue->senders->client);
  if (!deye_bus_client_enter (client, error))
    return FALSE;
  deye_bus_senders_drain (queue->senders);
  gone = deye_bus_client_wait (client, sender_position_is_gone, &position, due_us, cancellable);
  deye_bus_client_leave (client);
  if (gone)
    return deye_bus_client_flush (client, options, want_accepted, cancellable, error);
  if (!g_cancellable_set_error_if_cancelled (cancellable, error))
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT,
                         _ ("The sender was not flushed within the timeout: the client is not connected, or there is "
                            "no credit. Flush again later"));
  return FALSE;
}

static void
sender_on_cancelled (GCancellable *cancellable, gpointer data)
{
  DeyeBusSenderFlush *flush = data;
  GError *error = NULL;

  if (g_cancellable_set_error_if_cancelled (cancellable, &error))
    deye_bus_sender_flush_end (flush, error);
}

static gboolean
sender_flush_wait (DeyeBusSenderFlush *flush, gint64 due_us)
{
  gboolean in_time = TRUE;
  gboolean done;

  g_mutex_lock (&flush->queue->senders->lock);
  while (!flush->done && in_time)
    in_time = g_cond_wait_until (&flush->ended, &flush->queue->senders->lock, due_us);
  done = flush->done;
  g_mutex_unlock (&flush->queue->senders->lock);
  return done;
}

static gboolean
sender_flush_in_other_thread (DeyeBusSenderFlush *flush, gint64 due_us, GCancellable *cancellable, GError **error)
{
  gulong id = 0;

  deye_bus_sender_queue_add_flush (flush->queue, sender_flush_ref (flush));
  if (cancellable != NULL)
    id = g_cancellable_connect (cancellable, G_CALLBACK (sender_on_cancelled), flush, NULL);
  if (!sender_flush_wait (flush, due_us))
    deye_bus_sender_flush_end (flush, sender_flush_error_overdue (flush));
  if (cancellable != NULL)
    g_cancellable_disconnect (cancellable, id);
  if (flush->error == NULL)
    return TRUE;
  g_propagate_error (error, g_error_copy (flush->error));
  return FALSE;
}

gboolean
deye_bus_sender_flush (DeyeBusSender *self,
                       DeyeBusOptions *options,
                       gboolean want_accepted,
                       GCancellable *cancellable,
                       GError **error)
{
  gint64 due_us = g_get_monotonic_time () + deye_bus_options_timeout_us (options);
  g_autoptr (DeyeBusSenderFlush) flush = NULL;
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_SENDER (self), FALSE);

  if (g_cancellable_set_error_if_cancelled (cancellable, error) || !deye_bus_options_check (options, error)
      || !deye_bus_sender_check_usable (self, error))
    return FALSE;
  if (senders_acquire_own (self->queue->senders))
    {
      ok = sender_flush_in_client_thread (self->queue, options, want_accepted, cancellable, error);
      g_main_context_release (self->queue->senders->context);
      return ok;
    }
  flush = sender_flush_new (self->queue, options, want_accepted);
  return sender_flush_in_other_thread (flush, due_us, cancellable, error);
}

/* --- asynchronous --- */

static gboolean
sender_flush_on_watch (gpointer data)
{
  GTask *task = data;
  DeyeBusSenderFlush *flush = g_task_get_task_data (task);
  GError *error = NULL;

  if (!g_cancellable_set_error_if_cancelled (g_task_get_cancellable (task), &error))
    error = sender_flush_error_overdue (flush);
  deye_bus_sender_flush_end (flush, error);
  return G_SOURCE_REMOVE;
}

/* A source that is dispatched at the timeout or when the cancellable is cancelled. */
static GSource *
sender_flush_watch (DeyeBusSenderFlush *flush, GTask *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);
  gint64 timeout_us = deye_bus_options_timeout_us (flush->options);
  GSource *source = g_timeout_source_new (0);

  g_source_set_static_name (source, "DeyeBusSenderFlush");
  g_source_set_ready_time (source, g_get_monotonic_time () + timeout_us);
  g_source_set_callback (source, sender_flush_on_watch, g_object_ref (task), g_object_unref);
  if (cancellable != NULL)
    {
      g_autoptr (GSource) child = g_cancellable_source_new (cancellable);

      g_source_set_dummy_callback (child);
      g_source_add_child_source (source, child);
    }
  g_source_attach (source, g_task_get_context (task));
  return source;
}

static void
sender_flush_start_task (DeyeBusSenderFlush *flush, GTask *task)
{
  g_task_set_task_data (task, sender_flush_ref (flush), (GDestroyNotify) deye_bus_sender_flush_unref);
  g_mutex_lock (&flush->queue->senders->lock);
  flush->task = g_object_ref (task);
  flush->watch = sender_flush_watch (flush, task);
  g_mutex_unlock (&flush->queue->senders->lock);
  deye_bus_sender_queue_add_flush (flush->queue, sender_flush_ref (flush));
}

void
deye_bus_sender_flush_async (DeyeBusSender *self,
                             DeyeBusOptions *options,
                             gboolean want_accepted,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (DeyeBusSenderFlush) flush = NULL;
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (DEYE_BUS_IS_SENDER (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_sender_flush_async);
  g_task_set_check_cancellable (task, FALSE);
  if (!deye_bus_options_check (options, &error) || !deye_bus_sender_check_usable (self, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  flush = sender_flush_new (self->queue, options, want_accepted);
  sender_flush_start_task (flush, task);
}

gboolean
deye_bus_sender_flush_finish (DeyeBusSender *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_SENDER (self), FALSE);

  return deye_bus_task_check (self, result, deye_bus_sender_flush_async, error)
         && g_task_propagate_boolean (G_TASK (result), error);
}

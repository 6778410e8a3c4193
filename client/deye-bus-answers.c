/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-answers-private.h"

#include "deye-bus-client-private.h"
#include "deye-bus-context.h"
#include "session/deye-bus-session-answer.h"
#include "session/deye-bus-session-standing.h"
#include "wire-feature.h"

#include <glib/gi18n-lib.h>

/*
 * The user's object for a request with more than one answer, and the calls that take the answers.
 *
 * The session puts answers into the stream (see deye-bus-stream). The synchronous call pumps until the stream has an answer; the
 * asynchronous call keeps its task here, and an event ANSWER wakes it. The object owns the pending call of the request, so the
 * request ends when the object is freed.
 */

#define WINDOW_MESSAGES 64u
#define WINDOW_BYTES    (1u << 20)
#define REPORT_US       G_TIME_SPAN_SECOND /* within which the broker's report of the deadline arrives */

struct _DeyeBusAnswers
{
  GObject parent_instance;

  DeyeBusClient *client;
  DeyeBusPending *pending; /* NULL: not made by request_stream() */
  GTask *next_task;        /* of next_async() */
  GSource *next_cancelled;
};

G_DEFINE_FINAL_TYPE (DeyeBusAnswers, deye_bus_answers, G_TYPE_OBJECT)

static void
deye_bus_answers_init (DeyeBusAnswers *self)
{
}

/* --- the end of the object --- */

typedef struct
{
  DeyeBusClient *client;
  DeyeBusPending *pending;
} AnswersAbandoned;

static void
answers_give_up (DeyeBusClient *client, DeyeBusPending *pending)
{
  GError *reason = g_error_new_literal (G_IO_ERROR, G_IO_ERROR_CANCELLED,
                                        _ ("The request was cancelled: no more of its answers will arrive"));

  if (client->session == NULL || pending->done)
    {
      g_error_free (reason);
      return;
    }
  deye_bus_session_cancel (client->session, pending, reason);
  deye_bus_client_settle (client);
  deye_bus_client_write (client);
}

static void
answers_abandoned_free (gpointer data)
{
  AnswersAbandoned *abandoned = data;

  deye_bus_pending_unref (abandoned->pending);
  g_object_unref (abandoned->client);
  g_free (abandoned);
}

static gboolean
answers_on_abandoned (gpointer data)
{
  AnswersAbandoned *abandoned = data;

  answers_give_up (abandoned->client, abandoned->pending);
  return G_SOURCE_REMOVE;
}

/* The last reference may be released in any thread, for example by a garbage collector. So a source in the client's context ends
 * the request. */
static void
answers_hand_over (DeyeBusClient *client, DeyeBusPending *pending)
{
  AnswersAbandoned *abandoned = g_new0 (AnswersAbandoned, 1);
  g_autoptr (GSource) source = g_idle_source_new ();

  abandoned->client = g_object_ref (client);
  abandoned->pending = pending;
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, answers_on_abandoned, abandoned, answers_abandoned_free);
  g_source_attach (source, client->context);
}

/* Takes the waiting task, which waits for @stream. NULL: none waits. Transfer full. */
static GTask *
answers_steal_next (DeyeBusAnswers *self, DeyeBusStream *stream)
{
  stream->waiting = FALSE;
  stream->owner = NULL;
  if (self->next_cancelled != NULL)
    g_source_destroy (self->next_cancelled);
  g_clear_pointer (&self->next_cancelled, g_source_unref);
  return g_steal_pointer (&self->next_task);
}

/* A waiting call has a reference to the object, so this only happens in g_object_run_dispose(). The callback of the call may run
 * now, and call next_async() again: @pending is not that of the object any more, so that call fails. */
static void
answers_end_next (DeyeBusAnswers *self, DeyeBusPending *pending)
{
  g_autoptr (GTask) task = NULL;

  if (self->next_task == NULL)
    return;
  task = answers_steal_next (self, pending->stream);
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s",
                           _ ("The request was cancelled: no more of its answers will arrive"));
}

static void
deye_bus_answers_dispose (GObject *object)
{
  DeyeBusAnswers *self = DEYE_BUS_ANSWERS (object);
  DeyeBusContextRelease release;
  DeyeBusPending *pending = g_steal_pointer (&self->pending);

  answers_end_next (self, pending);
  if (pending != NULL && deye_bus_context_begin_release (&release, self->client->context))
    {
      answers_give_up (self->client, pending);
      deye_bus_pending_unref (pending);
      deye_bus_context_end_release (&release);
    }
  else if (pending != NULL)
    answers_hand_over (self->client, pending);
  g_clear_object (&self->client);
  G_OBJECT_CLASS (deye_bus_answers_parent_class)->dispose (object);
}

static void
deye_bus_answers_class_init (DeyeBusAnswersClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = deye_bus_answers_dispose;
}

/* --- the request --- */

static DeyeBusPending *
answers_new_pending (const DeyeBusOptions *options)
{
  /* The broker ends the request at the deadline, and reports which answers are missing. The pending call gets a later deadline,
   * which only counts if the broker sends no report. */
  gint64 now_us = g_get_monotonic_time ();
  gint64 due_us = now_us + deye_bus_options_timeout_us (options) + REPORT_US;
  DeyeBusPending *pending = deye_bus_pending_new (DEYE_BUS_PENDING_ANSWERS, due_us);

  pending->waits_until_ready = deye_bus_options_waits_until_ready (options);
  pending->since_us = now_us;
  pending->stream = deye_bus_stream_new (WINDOW_MESSAGES, WINDOW_BYTES);
  return pending;
}

static gboolean
answers_check_stall (gint64 stall_us, GError **error)
{
  if (stall_us >= 0)
    return TRUE;
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
                       _ ("The stall time is negative: pass 0 for no limit"));
  return FALSE;
}

static gboolean
answers_start (DeyeBusClient *client, const DeyeBusCall *call, DeyeBusPending *pending, GError **error)
{
  if (!deye_bus_client_is_connected (client))
    return deye_bus_client_start_call (client, call, pending, error);
  return deye_bus_session_check_features (client->session, WIRE_FEATURE_STREAM, error)
         && deye_bus_client_start_call (client, call, pending, error);
}

/* Takes @pending. */
static DeyeBusAnswers *
answers_new (DeyeBusClient *client, DeyeBusPending *pending)
{
  DeyeBusAnswers *self = g_object_new (DEYE_BUS_TYPE_ANSWERS, NULL);

  self->client = g_object_ref (client);
  self->pending = pending;
  return self;
}

DeyeBusAnswers *
deye_bus_client_request_stream (DeyeBusClient *self,
                                const char *topic,
                                GBytes *payload,
                                DeyeBusOptions *options,
                                gint expect,
                                gint64 stall_us,
                                GError **error)
{
  DeyeBusCall call = { .kind = WIRE_KIND_REQUEST,
                       .topic = topic,
                       .payload = payload,
                       .options = options,
                       .deadline_us = (guint64) deye_bus_options_timeout_us (options),
                       .expect = expect > 1   ? (guint32) expect
                                 : expect < 0 ? G_MAXUINT32
                                              : 0,
                       .stall_us = (guint64) MAX (stall_us, 0),
                       .window_messages = WINDOW_MESSAGES,
                       .window_bytes = WINDOW_BYTES };
  g_autoptr (DeyeBusPending) pending = NULL;
  DeyeBusAnswers *answers = NULL;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);
  g_return_val_if_fail (topic != NULL, NULL);

  if (!answers_check_stall (stall_us, error) || !deye_bus_client_enter (self, error))
    return NULL;
  pending = answers_new_pending (options);
  if (answers_start (self, &call, pending, error))
    answers = answers_new (self, g_steal_pointer (&pending));
  deye_bus_client_leave (self);
  return answers;
}

DeyeBusAnswers *
deye_bus_answers_new_standing (DeyeBusClient *client, const DeyeBusStanding *standing, GError **error)
{
  g_autoptr (DeyeBusPending) pending = deye_bus_pending_new (DEYE_BUS_PENDING_ANSWERS, G_MAXINT64);

  pending->stream = deye_bus_stream_new (WINDOW_MESSAGES, WINDOW_BYTES);
  deye_bus_pending_set_standing (pending, standing);
  if ((!deye_bus_client_may_wait (client) && !deye_bus_client_check_ready (client, error))
      || !deye_bus_session_start_standing (client->session, pending, error))
    return NULL;
  return answers_new (client, g_steal_pointer (&pending));
}

/* --- next --- */

static gboolean
answers_check (DeyeBusAnswers *self, GError **error)
{
  if (self->pending == NULL)
    g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED,
                         _ ("This object has no request: deye_bus_client_request_stream() creates one"));
  else if (self->next_task != NULL)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_PENDING,
                         _ ("Another call is already waiting for the next answer"));
  else
    return TRUE;
  return FALSE;
}

static gboolean
answers_has_something (gconstpointer data)
{
  const DeyeBusStream *stream = data;

  return stream->inbox.length > 0 || stream->ended;
}

/* The next answer. NULL: the request has ended, with or without an error, and every answer was taken. */
static DeyeBusMessage *
answers_take (DeyeBusAnswers *self, GError **error)
{
  DeyeBusStream *stream = self->pending->stream;
  DeyeBusMessage *message = deye_bus_session_take_answer (self->client->session, stream, g_get_monotonic_time ());

  if (message == NULL && stream->error != NULL)
    g_propagate_error (error, g_error_copy (stream->error));
  return message;
}

DeyeBusMessage *
deye_bus_answers_next (DeyeBusAnswers *self, GCancellable *cancellable, GError **error)
{
  DeyeBusMessage *message = NULL;

  g_return_val_if_fail (DEYE_BUS_IS_ANSWERS (self), NULL);

  if (!answers_check (self, error) || g_cancellable_set_error_if_cancelled (cancellable, error)
      || !deye_bus_client_enter (self->client, error))
    return NULL;
  if (answers_has_something (self->pending->stream)
      || deye_bus_client_wait (self->client, answers_has_something, self->pending->stream, G_MAXINT64, cancellable))
    message = answers_take (self, error);
  else
    g_cancellable_set_error_if_cancelled (cancellable, error);
  deye_bus_client_leave (self->client);
  return message;
}

static void
answers_return (DeyeBusAnswers *self, GTask *task)
{
  GError *error = NULL;
  DeyeBusMessage *message = answers_take (self, &error);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, message, (GDestroyNotify) deye_bus_message_unref);
}

void
deye_bus_answers_wake (DeyeBusAnswers *self)
{
  g_autoptr (GTask) task = NULL;

  if (self->next_task == NULL || !answers_has_something (self->pending->stream))
    return;
  task = answers_steal_next (self, self->pending->stream);
  answers_return (self, task);
}

static gboolean
answers_on_cancelled (GCancellable *cancellable, gpointer data)
{
  DeyeBusAnswers *self = data;
  g_autoptr (GTask) task = NULL;

  if (!g_cancellable_is_cancelled (cancellable) || self->next_task == NULL)
    return G_SOURCE_REMOVE;
  task = answers_steal_next (self, self->pending->stream);
  g_task_return_new_error (task, G_IO_ERROR, G_IO_ERROR_CANCELLED, "%s", _ ("Waiting for an answer was cancelled"));
  return G_SOURCE_REMOVE;
}

/* Takes @task. */
static void
answers_wait (DeyeBusAnswers *self, GTask *task)
{
  GCancellable *cancellable = g_task_get_cancellable (task);

  self->next_task = task;
  self->pending->stream->waiting = TRUE;
  self->pending->stream->owner = self;
  if (cancellable != NULL)
    {
      self->next_cancelled = g_cancellable_source_new (cancellable);
      g_source_set_callback (self->next_cancelled, G_SOURCE_FUNC (answers_on_cancelled), g_object_ref (self),
                             g_object_unref);
      g_source_attach (self->next_cancelled, self->client->context);
    }
  if (answers_has_something (self->pending->stream))
    deye_bus_stream_wake (self->pending->stream, &self->client->events);
}

void
deye_bus_answers_next_async (DeyeBusAnswers *self,
                             GCancellable *cancellable,
                             GAsyncReadyCallback callback,
                             gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (DEYE_BUS_IS_ANSWERS (self));

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_answers_next_async);
  g_task_set_check_cancellable (task, FALSE);
  if (!answers_check (self, &error) || g_cancellable_set_error_if_cancelled (cancellable, &error)
      || !deye_bus_client_enter (self->client, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  /* No answer arrives any more, and a closed client dispatches no event that would wake the task. */
  if (self->pending->stream->ended)
    answers_return (self, task);
  else
    answers_wait (self, g_steal_pointer (&task));
  deye_bus_client_leave (self->client);
}

DeyeBusMessage *
deye_bus_answers_next_finish (DeyeBusAnswers *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_ANSWERS (self), NULL);

  if (!deye_bus_task_check (self, result, deye_bus_answers_next_async, error))
    return NULL;
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
deye_bus_answers_cancel (DeyeBusAnswers *self)
{
  g_return_if_fail (DEYE_BUS_IS_ANSWERS (self));

  if (self->pending == NULL || self->pending->done || !deye_bus_client_enter (self->client, NULL))
    return;
  answers_give_up (self->client, self->pending);
  deye_bus_client_leave (self->client);
}

/* --- state --- */

gboolean
deye_bus_answers_is_ended (DeyeBusAnswers *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_ANSWERS (self), TRUE);
  return self->pending == NULL || self->pending->stream->ended;
}

guint
deye_bus_answers_get_asked (DeyeBusAnswers *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_ANSWERS (self), 0);
  return self->pending != NULL ? self->pending->stream->asked : 0;
}

guint
deye_bus_answers_get_answered (DeyeBusAnswers *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_ANSWERS (self), 0);
  return self->pending != NULL ? self->pending->stream->answered : 0;
}

guint
deye_bus_answers_get_failed (DeyeBusAnswers *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_ANSWERS (self), 0);
  return self->pending != NULL ? self->pending->stream->failed : 0;
}

gboolean
deye_bus_answers_is_exhausted (DeyeBusAnswers *self, DeyeBusMessage **last)
{
  const DeyeBusStream *stream = self->pending != NULL ? self->pending->stream : NULL;

  if (stream == NULL || !stream->ended || stream->inbox.length > 0)
    return FALSE;
  *last = self->pending->reply != NULL ? deye_bus_message_ref (self->pending->reply) : NULL;
  return TRUE;
}

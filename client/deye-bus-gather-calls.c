/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-gather-private.h"

#include "deye-bus-client-private.h"
#include "deye-bus-gather-spec-private.h"
#include "deye-bus-pack.h"

#include <glib/gi18n-lib.h>

/*
 * The calls that wait for one answer to a question, or for all answers.
 *
 * Each call reads the stream of the request until it has something to return. The asynchronous calls begin the next read in the
 * callback of the read before.
 */

#define TOPIC    "control.bus.gather"
#define SPARE_US G_TIME_SPAN_SECOND /* after the deadline, since the broker sends the manifest at the deadline */

/* --- the request --- */

DeyeBusGather *
deye_bus_client_gather_begin (DeyeBusClient *self, DeyeBusGatherSpec *spec, GError **error)
{
  g_autoptr (DeyeBusOptions) options = NULL;
  g_autoptr (GBytes) request = NULL;
  DeyeBusAnswers *stream;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);
  g_return_val_if_fail (spec != NULL, NULL);

  request = deye_bus_gather_spec_pack (spec, error);
  if (request == NULL)
    return NULL;
  options = deye_bus_options_new ();
  deye_bus_options_set_method (options, "Gather");
  deye_bus_options_set_type_name (options, DEYE_BUS_TYPE_PREFIX "GatherRequest");
  deye_bus_options_set_timeout (options,
                                MIN (deye_bus_gather_spec_timeout_us (spec), G_MAXINT64 - SPARE_US) + SPARE_US);
  stream = deye_bus_client_request_stream (self, TOPIC, request, options, 0, 0, error);
  return stream != NULL ? deye_bus_gather_new (stream) : NULL;
}

void
deye_bus_gather_cancel (DeyeBusGather *self)
{
  g_return_if_fail (DEYE_BUS_IS_GATHER (self));

  if (self->stream != NULL)
    deye_bus_answers_cancel (self->stream);
}

/* --- synchronous --- */

static gboolean
gather_check_begun (DeyeBusGather *self, GError **error)
{
  if (self->stream != NULL)
    return TRUE;
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED,
                       _ ("This object has no question: deye_bus_client_gather_begin() creates one"));
  return FALSE;
}

/* The next answer, transfer full. NULL: the question has ended; or, with @error set, only this call has failed. */
static DeyeBusGatherAnswer *
gather_read (DeyeBusGather *self, GCancellable *cancellable, GError **error)
{
  g_autoptr (DeyeBusMessage) message = NULL;
  GError *reason = NULL;

  while ((message = deye_bus_answers_next (self->stream, cancellable, &reason)) != NULL)
    {
      DeyeBusGatherAnswer *answer = deye_bus_gather_take (self, message);

      if (answer != NULL)
        return answer;
      g_clear_pointer (&message, deye_bus_message_unref);
    }
  if (!deye_bus_gather_take_end (self, &reason))
    g_propagate_error (error, reason);
  return NULL;
}

DeyeBusGatherAnswer *
deye_bus_gather_next (DeyeBusGather *self, GCancellable *cancellable, GError **error)
{
  DeyeBusGatherAnswer *answer;
  GError *reason = NULL;

  g_return_val_if_fail (DEYE_BUS_IS_GATHER (self), NULL);

  if (!gather_check_begun (self, error))
    return NULL;
  answer = gather_read (self, cancellable, &reason);
  if (reason != NULL)
    g_propagate_error (error, reason);
  else if (answer == NULL)
    deye_bus_gather_check (self, error);
  return answer;
}

/* FALSE: the question has ended with an error, and has neither answers nor a manifest. */
static gboolean
gather_is_useful (DeyeBusGather *self, GError **error)
{
  if (self->error == NULL || self->manifest != NULL || self->kept->len > 0)
    return TRUE;
  return deye_bus_gather_check (self, error);
}

DeyeBusGather *
deye_bus_client_gather (DeyeBusClient *self, DeyeBusGatherSpec *spec, GCancellable *cancellable, GError **error)
{
  g_autoptr (DeyeBusGather) gather = NULL;
  DeyeBusGatherAnswer *answer;
  GError *reason = NULL;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);
  g_return_val_if_fail (spec != NULL, NULL);

  gather = deye_bus_client_gather_begin (self, spec, error);
  if (gather == NULL)
    return NULL;
  while ((answer = gather_read (gather, cancellable, &reason)) != NULL)
    g_ptr_array_add (gather->kept, answer);
  if (reason != NULL)
    g_propagate_error (error, reason);
  else if (gather_is_useful (gather, error))
    return g_steal_pointer (&gather);
  return NULL;
}

/* --- asynchronous --- */

typedef void (*GatherReadFunc) (GTask *task, DeyeBusGather *gather, DeyeBusGatherAnswer *answer, GError *error);

/* One read for @task. @done gets an answer, or an error of this call, or neither if the question has ended. It takes @task,
 * the answer and the error. */
typedef struct
{
  GTask *task;
  DeyeBusGather *gather;
  GatherReadFunc done;
} GatherRead;

static void gather_begin_read (DeyeBusGather *gather, GTask *task, GatherReadFunc done);

static void
gather_on_message (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autofree GatherRead *read = data;
  g_autoptr (DeyeBusGather) gather = read->gather;
  g_autoptr (DeyeBusMessage) message = NULL;
  DeyeBusGatherAnswer *answer = NULL;
  GError *error = NULL;

  message = deye_bus_answers_next_finish (DEYE_BUS_ANSWERS (source), result, &error);
  if (message != NULL)
    answer = deye_bus_gather_take (gather, message);
  if (message != NULL && answer == NULL)
    {
      gather_begin_read (gather, read->task, read->done);
      return;
    }
  if (message == NULL)
    deye_bus_gather_take_end (gather, &error);
  read->done (read->task, gather, answer, error);
}

/* Takes @task. */
static void
gather_begin_read (DeyeBusGather *gather, GTask *task, GatherReadFunc done)
{
  GError *error = NULL;
  GatherRead *read;

  if (!gather_check_begun (gather, &error)) /* it was disposed after the read before */
    {
      done (task, gather, NULL, error);
      return;
    }
  read = g_new (GatherRead, 1);
  *read = (GatherRead){ task, g_object_ref (gather), done };
  deye_bus_answers_next_async (gather->stream, g_task_get_cancellable (task), gather_on_message, read);
}

static GTask *
gather_new_task (gpointer source,
                 GCancellable *cancellable,
                 GAsyncReadyCallback callback,
                 gpointer user_data,
                 gpointer tag)
{
  GTask *task = g_task_new (source, cancellable, callback, user_data);

  g_task_set_source_tag (task, tag);
  g_task_set_check_cancellable (task, FALSE);
  return task;
}

static void
gather_return_next (GTask *task, DeyeBusGather *gather, DeyeBusGatherAnswer *answer, GError *error)
{
  if (answer == NULL && error == NULL)
    deye_bus_gather_check (gather, &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, answer, (GDestroyNotify) deye_bus_gather_answer_unref);
  g_object_unref (task);
}

void
deye_bus_gather_next_async (DeyeBusGather *self,
                            GCancellable *cancellable,
                            GAsyncReadyCallback callback,
                            gpointer user_data)
{
  g_return_if_fail (DEYE_BUS_IS_GATHER (self));

  gather_begin_read (self, gather_new_task (self, cancellable, callback, user_data, deye_bus_gather_next_async),
                     gather_return_next);
}

DeyeBusGatherAnswer *
deye_bus_gather_next_finish (DeyeBusGather *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_GATHER (self), NULL);

  if (!deye_bus_task_check (self, result, deye_bus_gather_next_async, error))
    return NULL;
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
gather_collect (GTask *task, DeyeBusGather *gather, DeyeBusGatherAnswer *answer, GError *error)
{
  if (answer != NULL)
    {
      g_ptr_array_add (gather->kept, answer);
      gather_begin_read (gather, task, gather_collect);
      return;
    }
  if (error != NULL || !gather_is_useful (gather, &error))
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_object_ref (gather), g_object_unref);
  g_object_unref (task);
}

void
deye_bus_client_gather_async (DeyeBusClient *self,
                              DeyeBusGatherSpec *spec,
                              GCancellable *cancellable,
                              GAsyncReadyCallback callback,
                              gpointer user_data)
{
  g_autoptr (GTask) task = NULL;
  g_autoptr (DeyeBusGather) gather = NULL;
  GError *error = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));
  g_return_if_fail (spec != NULL);

  task = gather_new_task (self, cancellable, callback, user_data, deye_bus_client_gather_async);
  if (!g_cancellable_set_error_if_cancelled (cancellable, &error))
    gather = deye_bus_client_gather_begin (self, spec, &error);
  if (gather != NULL)
    gather_begin_read (gather, g_steal_pointer (&task), gather_collect);
  else
    g_task_return_error (task, error);
}

DeyeBusGather *
deye_bus_client_gather_finish (DeyeBusClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);

  if (!deye_bus_task_check (self, result, deye_bus_client_gather_async, error))
    return NULL;
  return g_task_propagate_pointer (G_TASK (result), error);
}

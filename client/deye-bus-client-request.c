/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"
#include "deye-bus-client-request.h"

#include "deye-bus-message-private.h"

/* A request: a message that is answered by one other message. It always has a deadline, at which the broker ends it. */

static DeyeBusCall
request_call (const char *topic, GBytes *payload, DeyeBusOptions *options)
{
  return (DeyeBusCall){ .kind = WIRE_KIND_REQUEST,
                        .topic = topic,
                        .payload = payload,
                        .options = options,
                        .deadline_us = (guint64) deye_bus_options_timeout_us (options) };
}

DeyeBusMessage *
deye_bus_client_request (DeyeBusClient *self,
                         const char *topic,
                         GBytes *payload,
                         DeyeBusOptions *options,
                         GCancellable *cancellable,
                         GError **error)
{
  DeyeBusCall call = request_call (topic, payload, options);
  DeyeBusCallOutcome outcome = { .reply = NULL };

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);
  g_return_val_if_fail (topic != NULL, NULL);

  (void) deye_bus_client_run_sync (self, &call, DEYE_BUS_PENDING_REPLY, &outcome, cancellable, error);
  return outcome.reply;
}

static void
request_on_replied (DeyeBusPending *pending)
{
  g_autoptr (GTask) task = deye_bus_pending_steal_task_on_success (pending);

  if (task != NULL)
    g_task_return_pointer (task, g_steal_pointer (&pending->reply), (GDestroyNotify) deye_bus_message_unref);
}

void
deye_bus_client_request_async (DeyeBusClient *self,
                               const char *topic,
                               GBytes *payload,
                               DeyeBusOptions *options,
                               GCancellable *cancellable,
                               GAsyncReadyCallback callback,
                               gpointer user_data)
{
  DeyeBusCall call = request_call (topic, payload, options);
  g_autoptr (GTask) task = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));
  g_return_if_fail (topic != NULL);

  task = g_task_new (self, cancellable, callback, user_data);
  g_task_set_source_tag (task, deye_bus_client_request_async);
  deye_bus_client_run_async (self, &call, DEYE_BUS_PENDING_REPLY, task, request_on_replied);
}

DeyeBusMessage *
deye_bus_client_request_finish (DeyeBusClient *self, GAsyncResult *result, GError **error)
{
  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);

  if (!deye_bus_task_check (self, result, deye_bus_client_request_async, error))
    return NULL;
  return g_task_propagate_pointer (G_TASK (result), error);
}

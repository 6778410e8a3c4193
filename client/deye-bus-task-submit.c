/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-task-private.h"

#include "deye-bus-client-request.h"
#include "deye-bus-pack.h"
#include "deye-bus-tasks-private.h"
#include "wire-feature.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>

/* The calls that submit a task, and that fetch the result of any task by its id. */

#define WAITING_MAX       10000u /* number of tasks that may wait until the client is connected */
#define WAITING_BYTES_MAX (16u * 1024u * 1024u)

/* --- submit --- */

static gboolean
submission_check_connection (DeyeBusClient *client, GError **error)
{
  if (deye_bus_client_may_wait (client))
    return TRUE;
  return deye_bus_client_check_ready (client, error)
         && deye_bus_session_check_features (client->session, WIRE_FEATURE_TASKS | WIRE_FEATURE_STREAM, error);
}

static gboolean
submission_check_size (DeyeBusClient *client, const DeyeBusTaskSpec *spec, GError **error)
{
  guint64 largest = deye_bus_client_get_largest_payload (client);
  guint64 size = deye_bus_tasks_submit_bytes (spec);

  if (largest == 0 || size <= largest)
    return TRUE;
  g_propagate_error (error, deye_bus_error_new_limit (_ ("The payload of the task is too large: divide the task"),
                                                      largest, size, "max_payload"));
  return FALSE;
}

/* Limits the tasks that wait for a connection, since they use memory of this process only. */
static gboolean
submission_check_room (DeyeBusClient *client, const DeyeBusTaskSpec *spec, GError **error)
{
  gsize bytes = spec->payload != NULL ? g_bytes_get_size (spec->payload) : 0;

  if (client->state == DEYE_BUS_CLIENT_STATE_READY
      || (client->tasks->order.length < WAITING_MAX && client->tasks->payload_bytes + bytes <= WAITING_BYTES_MAX))
    return TRUE;
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK,
                       _ ("Too many tasks wait until the client is connected: submit more when it is ready"));
  return FALSE;
}

/* The task with the same id and content, borrowed. NULL: there is none; @error is set if the id belongs to another task. */
static DeyeBusTask *
submission_find (DeyeBusClient *client, const DeyeBusTaskSpec *spec, GError **error)
{
  DeyeBusTask *task = spec->id != NULL ? g_hash_table_lookup (client->tasks->by_id, spec->id) : NULL;
  const char *difference;

  if (task == NULL)
    return NULL;
  if (task->outcome_known)
    {
      deye_bus_tasks_remove (client->tasks, task); /* its lane still confirms it, before the next submit */
      return NULL;
    }
  difference = deye_bus_task_spec_difference (task->spec, spec);
  if (difference == NULL)
    return task;
  g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
               _ ("Another task of this client has the id %s: the two differ in %s"), spec->id, difference);
  return NULL;
}

/* Makes an id, which is unique because it contains the random incarnation of this client. */
static char *
submission_make_id (DeyeBusClient *client)
{
  char *id = NULL;

  do
    {
      g_free (id);
      id = g_strdup_printf ("%016" PRIx64 "-%" PRIu64, client->incarnation, ++client->tasks->n_made_ids);
    }
  while (g_hash_table_contains (client->tasks->by_id, id));
  return id;
}

static DeyeBusTask *
submission_add (DeyeBusClient *client, const DeyeBusTaskSpec *spec)
{
  g_autofree char *new_id = spec->id == NULL ? submission_make_id (client) : NULL;
  g_autoptr (DeyeBusTaskSpec) copy = deye_bus_task_spec_copy_with_id (spec, new_id != NULL ? new_id : spec->id);

  return deye_bus_tasks_add (client->tasks, copy);
}

/* Transfer full. */
static DeyeBusTask *
submission_run (DeyeBusClient *client, const DeyeBusTaskSpec *spec, GError **error)
{
  DeyeBusTask *task;
  GError *local = NULL;

  if (!submission_check_connection (client, error) || !submission_check_size (client, spec, error))
    return NULL;
  if (client->tasks == NULL)
    client->tasks = deye_bus_tasks_new (client);
  task = submission_find (client, spec, &local);
  if (task == NULL && local == NULL && submission_check_room (client, spec, &local))
    task = submission_add (client, spec);
  if (local != NULL)
    g_propagate_error (error, local);
  return task != NULL ? g_object_ref (task) : NULL;
}

DeyeBusTask *
deye_bus_client_submit (DeyeBusClient *self, const DeyeBusTaskSpec *spec, GError **error)
{
  DeyeBusTask *task;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);
  g_return_val_if_fail (spec != NULL, NULL);

  if (!deye_bus_task_spec_check (spec, error) || !deye_bus_client_enter (self, error))
    return NULL;
  task = submission_run (self, spec, error);
  deye_bus_client_leave (self);
  return task;
}

/* --- fetch --- */

static GBytes *
fetch_pack (const char *id)
{
  Daemoneye__Eventbus__V1__TaskRequestById request = DAEMONEYE__EVENTBUS__V1__TASK_REQUEST_BY_ID__INIT;
  g_autofree char *copy = g_strdup (id);

  request.id = copy;
  return deye_bus_pack (&request.base);
}

static DeyeBusOptions *
fetch_new_options (void)
{
  DeyeBusOptions *options = deye_bus_options_new ();

  deye_bus_options_set_method (options, "Result");
  deye_bus_options_set_type_name (options, DEYE_BUS_TYPE_PREFIX "TaskRequestById");
  return options;
}

static gboolean
fetch_check_id (const char *id, GError **error)
{
  if (deye_bus_task_is_name (id))
    return TRUE;
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
                       _ ("The id of a task is not a name: use 1 to 64 bytes of a-z, 0-9, “-” and “_”"));
  return FALSE;
}

static GBytes *
fetch_take_record (const Daemoneye__Eventbus__V1__TaskRecord *record, char **type_name, GError **error)
{
  const Daemoneye__Eventbus__V1__Outcome *outcome = record->outcome;
  GError *failure;

  if (!deye_bus_task_state_is_final ((DeyeBusTaskState) record->state))
    {
      g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK,
                           _ ("The task has not ended: ask for its result later"));
      return NULL;
    }
  failure = deye_bus_task_error_of_record (record);
  if (failure != NULL)
    {
      g_propagate_error (error, failure);
      return NULL;
    }
  if (type_name != NULL && outcome != NULL && outcome->payload_type[0] != '\0')
    *type_name = g_strdup (outcome->payload_type);
  return outcome != NULL ? g_bytes_new (outcome->payload.data, outcome->payload.len) : g_bytes_new (NULL, 0);
}

static GBytes *
fetch_take_reply (DeyeBusMessage *message, char **type_name, GError **error)
{
  g_autoptr (WireGuard) guard = deye_bus_unpack (&daemoneye__eventbus__v1__task_reply__descriptor, message);
  const Daemoneye__Eventbus__V1__TaskReply *reply = guard != NULL ? wire_guard_message (guard) : NULL;

  if (reply != NULL && reply->task != NULL)
    return fetch_take_record (reply->task, type_name, error);
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_PROTOCOL,
                       _ ("The broker's answer about a task is malformed: update the older of client and broker"));
  return NULL;
}

static void
fetch_explain (GError *error)
{
  if (!g_error_matches (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_ABSENT))
    return;
  g_free (error->message);
  error->message = g_strdup (_ ("The broker does not know a task with this id"));
}

GBytes *
deye_bus_client_fetch_result (DeyeBusClient *self,
                              const char *id,
                              char **type_name,
                              GCancellable *cancellable,
                              GError **error)
{
  g_autoptr (DeyeBusOptions) options = NULL;
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (DeyeBusMessage) reply = NULL;
  GError *local = NULL;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);
  g_return_val_if_fail (id != NULL, NULL);

  if (type_name != NULL)
    *type_name = NULL;
  if (!fetch_check_id (id, error))
    return NULL;
  options = fetch_new_options ();
  payload = fetch_pack (id);
  reply = deye_bus_client_request (self, "control.bus.task", payload, options, cancellable, &local);
  if (reply != NULL)
    return fetch_take_reply (reply, type_name, error);
  fetch_explain (local);
  g_propagate_error (error, local);
  return NULL;
}

static void
fetch_on_reply (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GTask) task = data;
  GError *error = NULL;
  DeyeBusMessage *reply = deye_bus_client_request_finish (DEYE_BUS_CLIENT (source), result, &error);

  if (reply != NULL)
    {
      g_task_return_pointer (task, reply, (GDestroyNotify) deye_bus_message_unref);
      return;
    }
  fetch_explain (error);
  g_task_return_error (task, error);
}

void
deye_bus_client_fetch_result_async (DeyeBusClient *self,
                                    const char *id,
                                    GCancellable *cancellable,
                                    GAsyncReadyCallback callback,
                                    gpointer user_data)
{
  g_autoptr (DeyeBusOptions) options = NULL;
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (GTask) task = NULL;
  GError *error = NULL;

  g_return_if_fail (DEYE_BUS_IS_CLIENT (self));
  g_return_if_fail (id != NULL);

  task = g_task_new (self, NULL, callback, user_data); /* the request watches the cancellable */
  g_task_set_source_tag (task, deye_bus_client_fetch_result_async);
  if (!fetch_check_id (id, &error))
    {
      g_task_return_error (task, error);
      return;
    }
  options = fetch_new_options ();
  payload = fetch_pack (id);
  deye_bus_client_request_async (self, "control.bus.task", payload, options, cancellable, fetch_on_reply,
                                 g_steal_pointer (&task));
}

GBytes *
deye_bus_client_fetch_result_finish (DeyeBusClient *self, GAsyncResult *result, char **type_name, GError **error)
{
  g_autoptr (DeyeBusMessage) reply = NULL;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), NULL);

  if (type_name != NULL)
    *type_name = NULL;
  if (!deye_bus_task_check (self, result, deye_bus_client_fetch_result_async, error))
    return NULL;
  reply = g_task_propagate_pointer (G_TASK (result), error);
  return reply != NULL ? fetch_take_reply (reply, type_name, error) : NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-collector-private.h"

#include "deye-bus-pack.h"
#include "wire-topic.h"

#include <glib/gi18n-lib.h>

/* The operations, tags and priorities of a collector, and the requests that announce them to the broker. */

#define TAGS_MAX       16u
#define TAG_MAX        64u
#define NAME_MAX_BYTES 64u
#define TYPE_MAX_BYTES 128u

typedef Daemoneye__Eventbus__V1__Operation WireOperation;
typedef Daemoneye__Eventbus__V1__RegisterRequest RegisterRequest;

/* --- one operation --- */

DeyeBusOperation *
deye_bus_operation_ref (DeyeBusOperation *operation)
{
  operation->refs++;
  return operation;
}

void
deye_bus_operation_unref (DeyeBusOperation *operation)
{
  if (--operation->refs > 0)
    return;
  if (operation->destroy != NULL)
    operation->destroy (operation->user_data);
  g_free (operation->name);
  g_free (operation->payload_type);
  g_free (operation);
}

DeyeBusOperation *
deye_bus_collector_find_operation (DeyeBusCollector *self, WireSpan name)
{
  for (guint i = 0; i < self->operations->len; i++)
    {
      DeyeBusOperation *operation = self->operations->pdata[i];

      if (wire_span_equal (wire_span_str (operation->name), name))
        return operation;
    }
  return NULL;
}

/* --- public --- */

static gboolean
operations_refuse (GError **error, const char *problem)
{
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT, problem);
  return FALSE;
}

static gboolean
operations_check (DeyeBusCollector *self, const DeyeBusOperation *operation, GError **error)
{
  if (!wire_segment_is_valid (wire_span_str (operation->name), NAME_MAX_BYTES))
    return operations_refuse (
        error,
        _ ("The name of an operation must be one segment of a topic: at most 64 characters of a-z, 0-9, - and _"));
  if (!g_utf8_validate (operation->payload_type, -1, NULL) || strlen (operation->payload_type) > TYPE_MAX_BYTES)
    return operations_refuse (error, _ ("The type of a payload must be UTF-8 text of at most 128 bytes"));
  if (deye_bus_collector_find_operation (self, wire_span_str (operation->name)) != NULL)
    return operations_refuse (error, _ ("This collector has an operation of that name: remove it first"));
  return TRUE;
}

gboolean
deye_bus_collector_add_operation (DeyeBusCollector *self,
                                  const char *name,
                                  const char *payload_type,
                                  DeyeBusOperationFlags flags,
                                  DeyeBusWorkHandler handler,
                                  gpointer user_data,
                                  GDestroyNotify destroy,
                                  GError **error)
{
  g_autoptr (DeyeBusOperation) operation = NULL;
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_COLLECTOR (self), FALSE);
  g_return_val_if_fail (name != NULL && handler != NULL, FALSE);

  operation = g_new (DeyeBusOperation, 1);
  *operation = (DeyeBusOperation){
    1, g_strdup (name), g_strdup (payload_type != NULL ? payload_type : ""), flags, 0, 0, handler, user_data, destroy
  };
  if (!deye_bus_client_enter (self->client, error))
    return FALSE;
  ok = operations_check (self, operation, error);
  if (ok)
    {
      g_ptr_array_add (self->operations, g_steal_pointer (&operation));
      deye_bus_collector_update (self);
    }
  deye_bus_client_leave (self->client);
  return ok;
}

/* NULL: there is no such operation, and @error is set. */
static DeyeBusOperation *
operations_get (DeyeBusCollector *self, const char *name, GError **error)
{
  DeyeBusOperation *operation = deye_bus_collector_find_operation (self, wire_span_str (name));

  if (operation == NULL)
    operations_refuse (error, _ ("This collector has no operation of that name"));
  return operation;
}

static gboolean
operations_set_limits (DeyeBusOperation *operation, gint64 run_limit_us, gint64 progress_us, GError **error)
{
  if (run_limit_us < 0 || progress_us < 0)
    return operations_refuse (
        error, _ ("A limit of an operation is negative: give microseconds, or 0 for the broker's default"));
  if (progress_us > 0 && (operation->flags & DEYE_BUS_OPERATION_WITHOUT_PROGRESS))
    return operations_refuse (
        error, _ ("This operation reports no progress, so it can't have a limit for the time without progress"));
  operation->run_limit_us = run_limit_us;
  operation->progress_us = progress_us;
  return TRUE;
}

gboolean
deye_bus_collector_set_operation_limits (DeyeBusCollector *self,
                                         const char *name,
                                         gint64 run_limit_us,
                                         gint64 progress_us,
                                         GError **error)
{
  DeyeBusOperation *operation;
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_COLLECTOR (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  if (!deye_bus_client_enter (self->client, error))
    return FALSE;
  operation = operations_get (self, name, error);
  ok = operation != NULL && operations_set_limits (operation, run_limit_us, progress_us, error);
  if (ok)
    deye_bus_collector_update (self);
  deye_bus_client_leave (self->client);
  return ok;
}

gboolean
deye_bus_collector_remove_operation (DeyeBusCollector *self, const char *name, GError **error)
{
  DeyeBusOperation *operation;

  g_return_val_if_fail (DEYE_BUS_IS_COLLECTOR (self), FALSE);
  g_return_val_if_fail (name != NULL, FALSE);

  if (!deye_bus_client_enter (self->client, error))
    return FALSE;
  operation = operations_get (self, name, error);
  if (operation != NULL)
    {
      g_ptr_array_remove (self->operations, operation);
      deye_bus_collector_update (self);
    }
  deye_bus_client_leave (self->client);
  return operation != NULL;
}

/* --- tags --- */

static gboolean
tags_check (const char *key, const char *value, GError **error)
{
  if (*key == '\0' || strchr (key, '=') != NULL || strlen (key) + strlen (value) >= TAG_MAX
      || !g_utf8_validate (key, -1, NULL) || !g_utf8_validate (value, -1, NULL))
    return operations_refuse (
        error, _ ("A tag must have a key without “=” and a value, of at most 63 bytes of UTF-8 text together"));
  return TRUE;
}

static gboolean
tags_put (DeyeBusCollector *self, const char *key, const char *value, GError **error)
{
  g_autofree char *prefix = g_strconcat (key, "=", NULL);

  for (guint i = 0; i < self->tags->len; i++)
    if (g_str_has_prefix (self->tags->pdata[i], prefix))
      {
        g_ptr_array_remove_index (self->tags, i);
        break;
      }
  if (self->tags->len < TAGS_MAX)
    {
      g_ptr_array_add (self->tags, g_strconcat (prefix, value, NULL));
      deye_bus_collector_update (self);
      return TRUE;
    }
  g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT, _ ("A collector can have at most %u tags"), TAGS_MAX);
  return FALSE;
}

gboolean
deye_bus_collector_add_tag (DeyeBusCollector *self, const char *key, const char *value, GError **error)
{
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_COLLECTOR (self), FALSE);
  g_return_val_if_fail (key != NULL && value != NULL, FALSE);

  if (!tags_check (key, value, error) || !deye_bus_client_enter (self->client, error))
    return FALSE;
  ok = tags_put (self, key, value, error);
  deye_bus_client_leave (self->client);
  return ok;
}

/* --- for the broker --- */

static void
operations_fill (WireOperation *wire, const DeyeBusOperation *operation)
{
  daemoneye__eventbus__v1__operation__init (wire);
  wire->name = operation->name;
  wire->payload_type = operation->payload_type;
  wire->idempotent = (operation->flags & DEYE_BUS_OPERATION_IDEMPOTENT) != 0;
  wire->without_progress = (operation->flags & DEYE_BUS_OPERATION_WITHOUT_PROGRESS) != 0;
  wire->run_limit_us = (guint64) operation->run_limit_us;
  wire->progress_us = (guint64) operation->progress_us;
}

/* The list of operations for a message. The caller frees the list, and @into, which contains the operations that it refers to. */
static WireOperation **
operations_list (const DeyeBusCollector *self, WireOperation **into)
{
  WireOperation *all = g_new (WireOperation, self->operations->len + 1);
  WireOperation **list = g_new (WireOperation *, self->operations->len + 1);

  for (guint i = 0; i < self->operations->len; i++)
    {
      operations_fill (&all[i], self->operations->pdata[i]);
      list[i] = &all[i];
    }
  *into = all;
  return list;
}

GBytes *
deye_bus_collector_pack_register (DeyeBusCollector *self)
{
  Daemoneye__Eventbus__V1__PriorityRange priorities = DAEMONEYE__EVENTBUS__V1__PRIORITY_RANGE__INIT;
  RegisterRequest request = DAEMONEYE__EVENTBUS__V1__REGISTER_REQUEST__INIT;
  g_autofree WireOperation *all = NULL;
  g_autofree WireOperation **list = operations_list (self, &all);
  g_auto (DeyeBusClaims) claims = { 0 };

  deye_bus_collector_list_claims (self, &claims);
  priorities.lowest = self->lowest;
  priorities.highest = self->highest;
  request.type = self->client->type;
  request.incarnation = self->client->incarnation;
  request.n_operations = self->operations->len;
  request.operations = list;
  request.max_concurrent = self->max_concurrent;
  request.priorities = &priorities;
  request.n_tags = self->tags->len;
  request.tags = (char **) self->tags->pdata;
  request.n_running = claims.n_running;
  request.running = claims.list;
  request.n_finished = claims.n_finished;
  request.finished = claims.list + claims.n_running;
  return deye_bus_pack (&request.base);
}

GBytes *
deye_bus_collector_pack_update (DeyeBusCollector *self)
{
  Daemoneye__Eventbus__V1__UpdateRequest request = DAEMONEYE__EVENTBUS__V1__UPDATE_REQUEST__INIT;
  g_autofree WireOperation *all = NULL;
  g_autofree WireOperation **list = operations_list (self, &all);

  request.change_operations = TRUE;
  request.n_operations = self->operations->len;
  request.operations = list;
  request.max_concurrent = self->max_concurrent;
  request.draining = self->is_draining;
  request.drain_us = (guint64) self->drain_us;
  request.change_tags = TRUE;
  request.n_tags = self->tags->len;
  request.tags = (char **) self->tags->pdata;
  return deye_bus_pack (&request.base);
}

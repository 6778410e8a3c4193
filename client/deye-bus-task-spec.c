/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-task-spec-private.h"

#include "deye-bus-error.h"

#include <glib/gi18n-lib.h>

/*
 * Specification of a task: a boxed value with a reference count.
 *
 * Only the form of values is checked here, when a setter is called; the broker checks them against its settings. A task refers
 * to a copy of its specification, so the user may change the original afterwards.
 */

#define TAGS_MAX      16u
#define TAG_BYTES_MAX 128u
#define TYPE_NAME_MAX 256u

G_DEFINE_BOXED_TYPE (DeyeBusTaskSpec, deye_bus_task_spec, deye_bus_task_spec_ref, deye_bus_task_spec_unref)

/* Notes a wrong value; the first one is reported. @problem: marked with N_(). */
static void
spec_refuse (DeyeBusTaskSpec *spec, const char *problem)
{
  if (spec->invalid == NULL)
    spec->invalid = problem;
}

gboolean
deye_bus_task_is_name (const char *text)
{
  gsize length = strlen (text);

  return length > 0 && length <= DEYE_BUS_TASK_NAME_MAX
         && strspn (text, "abcdefghijklmnopqrstuvwxyz0123456789-_") == length;
}

static void
spec_set_text (char **field, const char *text)
{
  g_free (*field);
  *field = g_strdup (text);
}

static void
spec_set_name (DeyeBusTaskSpec *spec, char **field, const char *name, const char *problem)
{
  if (name != NULL && !deye_bus_task_is_name (name))
    spec_refuse (spec, problem);
  else
    spec_set_text (field, name);
}

/* --- life --- */

DeyeBusTaskSpec *
deye_bus_task_spec_new (const char *operation)
{
  DeyeBusTaskSpec *spec;

  g_return_val_if_fail (operation != NULL, NULL);

  spec = g_new0 (DeyeBusTaskSpec, 1);
  g_atomic_ref_count_init (&spec->refs);
  spec->tags = g_ptr_array_new_with_free_func (g_free);
  spec_set_name (spec, &spec->operation, operation,
                 N_ ("The operation of a task is not a name: use 1 to 64 bytes of a-z, 0-9, “-” and “_”"));
  return spec;
}

DeyeBusTaskSpec *
deye_bus_task_spec_copy (const DeyeBusTaskSpec *spec)
{
  DeyeBusTaskSpec *copy;

  g_return_val_if_fail (spec != NULL, NULL);

  copy = g_memdup2 (spec, sizeof *spec);
  g_atomic_ref_count_init (&copy->refs);
  copy->id = g_strdup (spec->id);
  copy->operation = g_strdup (spec->operation);
  copy->type = g_strdup (spec->type);
  copy->target = g_strdup (spec->target);
  copy->payload_type = g_strdup (spec->payload_type);
  copy->payload = spec->payload != NULL ? g_bytes_ref (spec->payload) : NULL;
  copy->tags = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < spec->tags->len; i++)
    g_ptr_array_add (copy->tags, g_strdup (spec->tags->pdata[i]));
  return copy;
}

DeyeBusTaskSpec *
deye_bus_task_spec_copy_with_id (const DeyeBusTaskSpec *spec, const char *id)
{
  DeyeBusTaskSpec *copy = deye_bus_task_spec_copy (spec);

  spec_set_text (&copy->id, id);
  return copy;
}

DeyeBusTaskSpec *
deye_bus_task_spec_ref (DeyeBusTaskSpec *spec)
{
  g_return_val_if_fail (spec != NULL, NULL);

  g_atomic_ref_count_inc (&spec->refs);
  return spec;
}

void
deye_bus_task_spec_unref (DeyeBusTaskSpec *spec)
{
  g_return_if_fail (spec != NULL);

  if (!g_atomic_ref_count_dec (&spec->refs))
    return;
  g_free (spec->id);
  g_free (spec->operation);
  g_free (spec->type);
  g_free (spec->target);
  g_free (spec->payload_type);
  g_clear_pointer (&spec->payload, g_bytes_unref);
  g_ptr_array_unref (spec->tags);
  g_free (spec);
}

/* --- names --- */

void
deye_bus_task_spec_set_id (DeyeBusTaskSpec *spec, const char *id)
{
  g_return_if_fail (spec != NULL);

  spec_set_name (spec, &spec->id, id,
                 N_ ("The id of a task is not a name: use 1 to 64 bytes of a-z, 0-9, “-” and “_”"));
}

void
deye_bus_task_spec_set_collector_type (DeyeBusTaskSpec *spec, const char *type)
{
  g_return_if_fail (spec != NULL);

  spec_set_name (spec, &spec->type, type,
                 N_ ("The collector type of a task is not a name: use 1 to 64 bytes of a-z, 0-9, “-” and “_”"));
}

void
deye_bus_task_spec_set_target (DeyeBusTaskSpec *spec, const char *collector_id)
{
  g_return_if_fail (spec != NULL);

  spec_set_name (spec, &spec->target, collector_id,
                 N_ ("The target of a task is not the id of a collector: use 1 to 64 bytes of a-z, 0-9, “-” and “_”"));
}

/* --- other fields --- */

static gboolean
spec_is_text (const char *text, gsize most)
{
  return strlen (text) <= most && g_utf8_validate (text, -1, NULL);
}

void
deye_bus_task_spec_set_payload (DeyeBusTaskSpec *spec, GBytes *payload, const char *type_name)
{
  g_return_if_fail (spec != NULL);

  if (type_name != NULL && !spec_is_text (type_name, TYPE_NAME_MAX))
    {
      spec_refuse (spec, N_ ("The type of a task's payload is not a name: use up to 256 bytes of UTF-8"));
      return;
    }
  if (payload != NULL)
    g_bytes_ref (payload);
  g_clear_pointer (&spec->payload, g_bytes_unref);
  spec->payload = payload;
  spec_set_text (&spec->payload_type, type_name);
}

void
deye_bus_task_spec_set_priority (DeyeBusTaskSpec *spec, guint8 priority)
{
  g_return_if_fail (spec != NULL);

  spec->priority = priority;
}

static void
spec_set_time (DeyeBusTaskSpec *spec, gint64 *field, gint64 time_us)
{
  if (time_us < 0)
    spec_refuse (spec, N_ ("A time of a task is negative: give microseconds, or 0 for the default"));
  else
    *field = time_us;
}

void
deye_bus_task_spec_set_timeout (DeyeBusTaskSpec *spec, gint64 timeout_us)
{
  g_return_if_fail (spec != NULL);

  spec_set_time (spec, &spec->timeout_us, timeout_us);
}

void
deye_bus_task_spec_set_delay (DeyeBusTaskSpec *spec, gint64 delay_us)
{
  g_return_if_fail (spec != NULL);

  spec_set_time (spec, &spec->delay_us, delay_us);
}

void
deye_bus_task_spec_set_run_limit (DeyeBusTaskSpec *spec, gint64 run_limit_us)
{
  g_return_if_fail (spec != NULL);

  spec_set_time (spec, &spec->run_limit_us, run_limit_us);
}

void
deye_bus_task_spec_set_attempts (DeyeBusTaskSpec *spec, guint attempts)
{
  g_return_if_fail (spec != NULL);

  if (attempts == 0)
    spec_refuse (spec, N_ ("A task has 0 attempts: give at least 1, or set none for the broker's default"));
  else
    spec->attempts = attempts;
}

void
deye_bus_task_spec_add_tag (DeyeBusTaskSpec *spec, const char *key, const char *value)
{
  g_autofree char *tag = NULL;

  g_return_if_fail (spec != NULL);
  g_return_if_fail (key != NULL && value != NULL);

  tag = g_strconcat (key, "=", value, NULL);
  if (*key == '\0' || strchr (key, '=') != NULL)
    spec_refuse (spec, N_ ("A task has a tag whose key is empty or contains “=”"));
  else if (!spec_is_text (tag, TAG_BYTES_MAX))
    spec_refuse (spec,
                 N_ ("A task has a tag that is too long or no text: use up to 128 bytes of UTF-8 with key and “=”"));
  else if (spec->tags->len == TAGS_MAX)
    spec_refuse (spec, N_ ("A task has more than 16 tags"));
  else
    g_ptr_array_add (spec->tags, g_steal_pointer (&tag));
}

void
deye_bus_task_spec_set_exclusive (DeyeBusTaskSpec *spec, gboolean exclusive)
{
  g_return_if_fail (spec != NULL);

  spec->exclusive = !!exclusive;
}

void
deye_bus_task_spec_set_cancel_when_gone (DeyeBusTaskSpec *spec, gboolean cancel_when_gone)
{
  g_return_if_fail (spec != NULL);

  spec->cancel_when_gone = !!cancel_when_gone;
}

/* --- reading --- */

const char *
deye_bus_task_spec_get_id (const DeyeBusTaskSpec *spec)
{
  g_return_val_if_fail (spec != NULL, NULL);
  return spec->id;
}

const char *
deye_bus_task_spec_get_operation (const DeyeBusTaskSpec *spec)
{
  g_return_val_if_fail (spec != NULL, NULL);
  return spec->operation != NULL ? spec->operation : "";
}

const char *
deye_bus_task_spec_get_collector_type (const DeyeBusTaskSpec *spec)
{
  g_return_val_if_fail (spec != NULL, NULL);
  return spec->type;
}

const char *
deye_bus_task_spec_get_target (const DeyeBusTaskSpec *spec)
{
  g_return_val_if_fail (spec != NULL, NULL);
  return spec->target;
}

GBytes *
deye_bus_task_spec_get_payload (const DeyeBusTaskSpec *spec)
{
  g_return_val_if_fail (spec != NULL, NULL);
  return spec->payload;
}

const char *
deye_bus_task_spec_get_payload_type (const DeyeBusTaskSpec *spec)
{
  g_return_val_if_fail (spec != NULL, NULL);
  return spec->payload_type;
}

guint8
deye_bus_task_spec_get_priority (const DeyeBusTaskSpec *spec)
{
  g_return_val_if_fail (spec != NULL, 0);
  return spec->priority;
}

gboolean
deye_bus_task_spec_check (const DeyeBusTaskSpec *spec, GError **error)
{
  if (spec->invalid == NULL)
    return TRUE;
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT, _ (spec->invalid));
  return FALSE;
}

static gboolean
spec_same_payload (const DeyeBusTaskSpec *one, const DeyeBusTaskSpec *other)
{
  gsize one_length = 0, other_length = 0;
  const void *one_data = one->payload != NULL ? g_bytes_get_data (one->payload, &one_length) : NULL;
  const void *other_data = other->payload != NULL ? g_bytes_get_data (other->payload, &other_length) : NULL;

  return one_length == other_length && (one_length == 0 || memcmp (one_data, other_data, one_length) == 0);
}

/* TRUE if the tags are equal and in the same order, as the broker compares them. */
static gboolean
spec_same_tags (const DeyeBusTaskSpec *one, const DeyeBusTaskSpec *other)
{
  if (one->tags->len != other->tags->len)
    return FALSE;
  for (guint i = 0; i < one->tags->len; i++)
    if (strcmp (one->tags->pdata[i], other->tags->pdata[i]) != 0)
      return FALSE;
  return TRUE;
}

static const char *
spec_text (const char *text)
{
  return text != NULL ? text : "";
}

static gboolean
spec_same_text (const char *one, const char *other)
{
  return strcmp (spec_text (one), spec_text (other)) == 0;
}

const char *
deye_bus_task_spec_difference (const DeyeBusTaskSpec *one, const DeyeBusTaskSpec *other)
{
  const struct
  {
    const char *name;
    gboolean is_same;
  } fields[] = {
    { "operation", spec_same_text (one->operation, other->operation) },
    { "type", spec_same_text (one->type, other->type) },
    { "payload", spec_same_payload (one, other) },
    { "payload_type", spec_same_text (one->payload_type, other->payload_type) },
    { "priority", one->priority == other->priority },
    { "target", spec_same_text (one->target, other->target) },
    { "tags", spec_same_tags (one, other) },
    { "exclusive", one->exclusive == other->exclusive },
    { "run_limit_us", one->run_limit_us == other->run_limit_us },
    { "on_submitter_gone", one->cancel_when_gone == other->cancel_when_gone },
    { "attempts", one->attempts == other->attempts },
  };

  for (guint i = 0; i < G_N_ELEMENTS (fields); i++)
    if (!fields[i].is_same)
      return fields[i].name;
  return NULL;
}

/* The message is only packed, so its texts do not change. */
static char *
spec_for_packing (const char *text)
{
  return (char *) (guintptr) spec_text (text);
}

void
deye_bus_task_spec_fill (const DeyeBusTaskSpec *spec, Daemoneye__Eventbus__V1__TaskSpec *message)
{
  daemoneye__eventbus__v1__task_spec__init (message);
  message->id = spec_for_packing (spec->id);
  message->operation = spec_for_packing (spec->operation);
  message->type = spec_for_packing (spec->type);
  message->target = spec_for_packing (spec->target);
  message->payload_type = spec_for_packing (spec->payload_type);
  if (spec->payload != NULL)
    message->payload.data = (guint8 *) (guintptr) g_bytes_get_data (spec->payload, &message->payload.len);
  message->priority = spec->priority;
  message->deadline_us = (guint64) spec->timeout_us;
  message->not_before_us = (guint64) spec->delay_us;
  message->run_limit_us = (guint64) spec->run_limit_us;
  if (spec->attempts > 0)
    {
      message->attempts_presence_case = DAEMONEYE__EVENTBUS__V1__TASK_SPEC__ATTEMPTS_PRESENCE_ATTEMPTS;
      message->attempts = spec->attempts;
    }
  message->exclusive = spec->exclusive;
  message->tags = (char **) spec->tags->pdata;
  message->n_tags = spec->tags->len;
  if (spec->cancel_when_gone)
    message->on_submitter_gone = DAEMONEYE__EVENTBUS__V1__ON_SUBMITTER_GONE__SUBMITTER_GONE_CANCEL;
}

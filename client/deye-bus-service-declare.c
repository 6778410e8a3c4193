/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-service-private.h"

#include "descriptor-subset.pb-c.h"
#include "deye-bus-error.h"
#include "service/deye-bus-standard.h"
#include "service/deye-bus-value.h"
#include "wire-guard.h"
#include "wire-topic.h"

#include <glib/gi18n-lib.h>

/*
 * The declarations of a service. A declaration is checked as a whole before any part of it is added.
 *
 * Each function exists twice. The one with "try" in its name reports a wrong declaration as an error; in other languages it
 * has the plain name, and throws. The plain one, for C, logs a critical warning, because in C a wrong declaration is a
 * programming error.
 */

#define NAME_MAX_BYTES  128u
#define SHOWN_MAX_BYTES 64

/* --- checks --- */

/* The text of an argument, for an error message. */
static char *
declare_shown (const char *text)
{
  return g_utf8_make_valid (text != NULL ? text : "", (gssize) MIN (text != NULL ? strlen (text) : 0, SHOWN_MAX_BYTES));
}

/* A name consists of letters, digits and the characters in @more; it begins with a letter. */
static gboolean
declare_is_name (const char *name, const char *more)
{
  if (name == NULL || !g_ascii_isalpha (*name) || strlen (name) > NAME_MAX_BYTES)
    return FALSE;
  for (const char *at = name; *at != '\0'; at++)
    if (!g_ascii_isalnum (*at) && strchr (more, *at) == NULL)
      return FALSE;
  return TRUE;
}

static gboolean
declare_check_name (const char *name, const char *more, GError **error)
{
  g_autofree char *shown = declare_shown (name);

  if (declare_is_name (name, more))
    return TRUE;
  g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
               _ ("“%s” is not a valid name: a name has letters, digits and any of “%s”, begins with a letter, and has "
                  "at most %u bytes"),
               shown, more, NAME_MAX_BYTES);
  return FALSE;
}

/* @parts: the parts of the same kind; their first field is the name. */
static gboolean
declare_check_new_name (GPtrArray *parts, const char *name, const char *more, GError **error)
{
  if (!declare_check_name (name, more, error))
    return FALSE;
  if (deye_bus_service_find_part (parts, name) == NULL)
    return TRUE;
  g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DUPLICATE_ID,
               _ ("This service already declares %s: choose another name"), name);
  return FALSE;
}

static gboolean
declare_check_type_name (const char *name, GError **error)
{
  g_autofree char *shown = NULL;

  if (name == NULL || declare_is_name (name, "_."))
    return TRUE;
  shown = declare_shown (name);
  g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
               _ ("“%s” is not the full name of a protobuf type, such as org.example.Disk"), shown);
  return FALSE;
}

static gboolean
declare_check_doc (const char *doc, GError **error)
{
  if (doc == NULL || g_utf8_validate (doc, -1, NULL))
    return TRUE;
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT, _ ("A description is not UTF-8 text"));
  return FALSE;
}

static gboolean
declare_check_topic (const char *topic, gboolean pattern, GError **error)
{
  /* The largest limits that a broker can have: it may have lower ones, but the declaration only describes the topic. */
  static const WireTopicLimits limits = { WIRE_TOPIC_SEGMENTS_CEILING, G_MAXUINT16, G_MAXUINT16 };
  WireSpan text = wire_span_str (topic);
  WireTopicCheck check = pattern ? wire_pattern_check (text, &limits) : wire_topic_check (text, &limits);
  g_autofree char *shown = NULL;

  if (check.status == WIRE_STATUS_OK)
    return TRUE;
  shown = declare_shown (topic);
  if (pattern)
    g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_BAD_PATTERN, _ ("“%s” is not a valid pattern: %s"), shown,
                 check.problem);
  else
    g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_BAD_TOPIC, _ ("“%s” is not a valid topic: %s"), shown,
                 check.problem);
  return FALSE;
}

static gboolean
declare_check_group (const char *group, GError **error)
{
  g_autofree char *shown = NULL;

  if (group == NULL || wire_segment_is_valid (wire_span_str (group), G_MAXUINT16))
    return TRUE;
  shown = declare_shown (group);
  g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
               _ ("“%s” is not the name of a group: a name has the characters a-z, 0-9, - and _"), shown);
  return FALSE;
}

/* Checks the descriptors with the guard that tools use to read them. */
static gboolean
declare_check_types (GBytes *descriptor_set, GError **error)
{
  gsize len;
  gconstpointer data = g_bytes_get_data (descriptor_set, &len);
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Descriptor__FileDescriptorSet *set;
  WireGuardError problem = { 0 };
  gboolean named;

  if (len > DEYE_BUS_TYPES_MAX)
    {
      g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT,
                   _ ("The type descriptors of a client can have at most %u bytes"), DEYE_BUS_TYPES_MAX);
      return FALSE;
    }
  guard = wire_guard_unpack_lenient (&daemoneye__descriptor__file_descriptor_set__descriptor,
                                     wire_span (len > 0 ? data : "", len), (guint) MAX (len, 1), &problem);
  set = guard != NULL ? wire_guard_message (guard) : NULL;
  named = set != NULL && set->n_file > 0;
  for (gsize i = 0; named && i < set->n_file; i++)
    named = *set->file[i]->name != '\0';
  if (named)
    return TRUE;
  g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
               _ ("This is not a serialized google.protobuf.FileDescriptorSet (%s): protoc --include_imports "
                  "--descriptor_set_out creates one"),
               set != NULL ? "no named file" : problem.problem);
  return FALSE;
}

gboolean
deye_bus_service_check (DeyeBusService *self, GError **error)
{
  if (self->name != NULL)
    return declare_check_name (self->name, "_.", error) && declare_check_doc (self->doc, error);
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
                       _ ("This service has no name: construct it with one (property “name”)"));
  return FALSE;
}

/* For C: logs a critical warning as g_return_if_fail() does, with the error of the "try" function. */
static void
declare_log_mistake (const char *function, const GError *error)
{
  g_log (G_LOG_DOMAIN, G_LOG_LEVEL_CRITICAL, "%s: assertion of a valid declaration failed: %s", function,
         error->message);
}

/* --- services --- */

DeyeBusService *
deye_bus_service_try_new (const char *name, const char *doc, GError **error)
{
  g_return_val_if_fail (name != NULL, NULL);

  if (!declare_check_name (name, "_.", error) || !declare_check_doc (doc, error))
    return NULL;
  return g_object_new (DEYE_BUS_TYPE_SERVICE, "name", name, "doc", doc, NULL);
}

DeyeBusService *
deye_bus_service_new (const char *name, const char *doc)
{
  g_autoptr (GError) error = NULL;
  DeyeBusService *self;

  g_return_val_if_fail (name != NULL, NULL);

  self = deye_bus_service_try_new (name, doc, &error);
  if (self == NULL)
    declare_log_mistake (G_STRFUNC, error);
  return self;
}

/* --- methods and topics --- */

static gboolean
declare_check_method (DeyeBusService *self,
                      const char *name,
                      const char *request_type,
                      const char *reply_type,
                      const char *doc,
                      GError **error)
{
  return declare_check_new_name (self->methods, name, "_", error) && declare_check_type_name (request_type, error)
         && declare_check_type_name (reply_type, error) && declare_check_doc (doc, error);
}

static gboolean
declare_check_not_standard (const char *name, GError **error)
{
  if (!deye_bus_standard_find (name, NULL))
    return TRUE;
  g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DUPLICATE_ID,
               _ ("%s is a standard method, which the library answers: choose another name"), name);
  return FALSE;
}

gboolean
deye_bus_service_try_add_method (DeyeBusService *self,
                                 const char *name,
                                 const char *request_type,
                                 const char *reply_type,
                                 const char *doc,
                                 DeyeBusMethodCallback callback,
                                 gpointer user_data,
                                 GDestroyNotify destroy,
                                 GError **error)
{
  DeyeBusServiceMethod *method;

  g_return_val_if_fail (DEYE_BUS_IS_SERVICE (self), FALSE);
  g_return_val_if_fail (callback != NULL, FALSE);

  if (!deye_bus_service_enter (self, error))
    method = NULL;
  else
    {
      method = declare_check_method (self, name, request_type, reply_type, doc, error)
                       && declare_check_not_standard (name, error)
                   ? deye_bus_service_take_method (self, name, request_type, reply_type, doc)
                   : NULL;
      if (method != NULL)
        {
          method->callback = callback;
          method->user_data = user_data;
          method->destroy = destroy;
        }
      deye_bus_service_leave (self);
    }
  if (method == NULL && destroy != NULL)
    destroy (user_data);
  return method != NULL;
}

void
deye_bus_service_add_method (DeyeBusService *self,
                             const char *name,
                             const char *request_type,
                             const char *reply_type,
                             const char *doc,
                             DeyeBusMethodCallback callback,
                             gpointer user_data,
                             GDestroyNotify destroy)
{
  g_autoptr (GError) error = NULL;

  g_return_if_fail (DEYE_BUS_IS_SERVICE (self));
  g_return_if_fail (callback != NULL);

  if (!deye_bus_service_try_add_method (self, name, request_type, reply_type, doc, callback, user_data, destroy,
                                        &error))
    declare_log_mistake (G_STRFUNC, error);
}

gboolean
deye_bus_service_try_add_topic (DeyeBusService *self,
                                const char *name,
                                const char *topic,
                                const char *group,
                                const char *request_type,
                                const char *reply_type,
                                const char *doc,
                                GError **error)
{
  DeyeBusServiceMethod *method;
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_SERVICE (self), FALSE);
  g_return_val_if_fail (topic != NULL, FALSE);

  if (!deye_bus_service_enter (self, error))
    return FALSE;
  ok = declare_check_method (self, name, request_type, reply_type, doc, error)
       && declare_check_topic (topic, FALSE, error) && declare_check_group (group, error);
  if (ok)
    {
      method = deye_bus_service_take_method (self, name, request_type, reply_type, doc);
      method->topic = g_strdup (topic);
      method->group = g_strdup (group);
    }
  deye_bus_service_leave (self);
  return ok;
}

void
deye_bus_service_add_topic (DeyeBusService *self,
                            const char *name,
                            const char *topic,
                            const char *group,
                            const char *request_type,
                            const char *reply_type,
                            const char *doc)
{
  g_autoptr (GError) error = NULL;

  g_return_if_fail (DEYE_BUS_IS_SERVICE (self));
  g_return_if_fail (topic != NULL);

  if (!deye_bus_service_try_add_topic (self, name, topic, group, request_type, reply_type, doc, &error))
    declare_log_mistake (G_STRFUNC, error);
}

/* --- events --- */

gboolean
deye_bus_service_try_add_event (DeyeBusService *self,
                                const char *name,
                                const char *topic,
                                const char *type_name,
                                const char *doc,
                                GError **error)
{
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_SERVICE (self), FALSE);
  g_return_val_if_fail (topic != NULL, FALSE);

  if (!deye_bus_service_enter (self, error))
    return FALSE;
  ok = declare_check_new_name (self->events, name, "_", error) && declare_check_topic (topic, TRUE, error)
       && declare_check_type_name (type_name, error) && declare_check_doc (doc, error);
  if (ok)
    deye_bus_service_take_event (self, name, topic, type_name, doc);
  deye_bus_service_leave (self);
  return ok;
}

void
deye_bus_service_add_event (DeyeBusService *self,
                            const char *name,
                            const char *topic,
                            const char *type_name,
                            const char *doc)
{
  g_autoptr (GError) error = NULL;

  g_return_if_fail (DEYE_BUS_IS_SERVICE (self));
  g_return_if_fail (topic != NULL);

  if (!deye_bus_service_try_add_event (self, name, topic, type_name, doc, &error))
    declare_log_mistake (G_STRFUNC, error);
}

/* --- types --- */

gboolean
deye_bus_service_try_add_types (DeyeBusService *self, GBytes *descriptor_set, GError **error)
{
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_SERVICE (self), FALSE);
  g_return_val_if_fail (descriptor_set != NULL, FALSE);

  if (!deye_bus_service_enter (self, error))
    return FALSE;
  ok = declare_check_types (descriptor_set, error);
  if (ok)
    g_ptr_array_add (self->types, g_bytes_ref (descriptor_set));
  deye_bus_service_leave (self);
  return ok;
}

void
deye_bus_service_add_types (DeyeBusService *self, GBytes *descriptor_set)
{
  g_autoptr (GError) error = NULL;

  g_return_if_fail (DEYE_BUS_IS_SERVICE (self));
  g_return_if_fail (descriptor_set != NULL);

  if (!deye_bus_service_try_add_types (self, descriptor_set, &error))
    declare_log_mistake (G_STRFUNC, error);
}

/* --- properties --- */

static gboolean
declare_convert_value (const GValue *value, GType type, const char *name, GValue *normal, GError **error)
{
  const char *type_name = G_VALUE_TYPE_NAME (value);

  if (type == G_TYPE_INVALID)
    g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
                 _ ("The value of %s must be a string, a boolean, a double or an integer, not a %s"), name,
                 type_name != NULL ? type_name : "NULL");
  else if (deye_bus_value_convert (value, type, normal))
    return TRUE;
  else
    g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
                 _ ("The value of %s is a %s (text is UTF-8), and this %s can't be converted into one"), name,
                 deye_bus_value_kind (type), type_name != NULL ? type_name : "NULL");
  return FALSE;
}

gboolean
deye_bus_service_try_add_property (DeyeBusService *self,
                                   const char *name,
                                   const GValue *value,
                                   gboolean writable,
                                   const char *doc,
                                   GError **error)
{
  g_auto (GValue) normal = G_VALUE_INIT;
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_SERVICE (self), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);

  if (!deye_bus_service_enter (self, error))
    return FALSE;
  ok = declare_check_new_name (self->properties, name, "_-", error) && declare_check_doc (doc, error)
       && declare_convert_value (value, deye_bus_value_type (G_VALUE_TYPE (value)), name, &normal, error);
  if (ok)
    deye_bus_service_take_property (self, name, &normal, writable, doc);
  deye_bus_service_leave (self);
  return ok;
}

void
deye_bus_service_add_property (DeyeBusService *self,
                               const char *name,
                               const GValue *value,
                               gboolean writable,
                               const char *doc)
{
  g_autoptr (GError) error = NULL;

  g_return_if_fail (DEYE_BUS_IS_SERVICE (self));
  g_return_if_fail (value != NULL);

  if (!deye_bus_service_try_add_property (self, name, value, writable, doc, &error))
    declare_log_mistake (G_STRFUNC, error);
}

static gboolean
declare_change_property (DeyeBusService *self, const char *name, const GValue *value, GError **error)
{
  DeyeBusServiceProperty *property = deye_bus_service_find_property (self, name);
  g_auto (GValue) normal = G_VALUE_INIT;
  g_autofree char *shown = NULL;

  if (property == NULL)
    {
      shown = declare_shown (name);
      g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT,
                   _ ("This service has no property “%s”: add it first"), shown);
      return FALSE;
    }
  if (!declare_convert_value (value, G_VALUE_TYPE (&property->value), name, &normal, error))
    return FALSE;
  deye_bus_service_take_value (self, property, &normal);
  return TRUE;
}

gboolean
deye_bus_service_try_change_property (DeyeBusService *self, const char *name, const GValue *value, GError **error)
{
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_SERVICE (self), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);

  if (!deye_bus_service_enter (self, error))
    return FALSE;
  ok = declare_change_property (self, name, value, error);
  deye_bus_service_leave (self);
  return ok;
}

void
deye_bus_service_change_property (DeyeBusService *self, const char *name, const GValue *value)
{
  g_autoptr (GError) error = NULL;

  g_return_if_fail (DEYE_BUS_IS_SERVICE (self));
  g_return_if_fail (value != NULL);

  if (!deye_bus_service_try_change_property (self, name, value, &error))
    declare_log_mistake (G_STRFUNC, error);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-service-private.h"

#include "deye-bus-context.h"
#include "deye-bus-error.h"
#include "service/deye-bus-value.h"

#include <glib/gi18n-lib.h>

/* The service object: its parts, and the values of its properties. deye-bus-service-declare.c checks parts before they are
 * added. */

enum
{
  PROP_NAME = 1,
  PROP_DOC,
  N_PROPS
};

enum
{
  SIGNAL_REFUSE_PROPERTY,
  N_SIGNALS
};
static guint service_signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (DeyeBusService, deye_bus_service, G_TYPE_OBJECT)

/* --- parts --- */

static void
service_method_free (gpointer data)
{
  DeyeBusServiceMethod *method = data;

  if (method->destroy != NULL)
    method->destroy (method->user_data);
  g_free (method->name);
  g_free (method->topic);
  g_free (method->group);
  g_free (method->request_type);
  g_free (method->reply_type);
  g_free (method->doc);
  g_free (method);
}

static void
service_event_free (gpointer data)
{
  DeyeBusServiceEvent *event = data;

  g_free (event->name);
  g_free (event->topic);
  g_free (event->type_name);
  g_free (event->doc);
  g_free (event);
}

static void
service_property_free (gpointer data)
{
  DeyeBusServiceProperty *property = data;

  g_free (property->name);
  g_free (property->doc);
  g_value_unset (&property->value);
  g_free (property);
}

gpointer
deye_bus_service_find_part (GPtrArray *parts, const char *name)
{
  for (guint i = 0; i < parts->len; i++)
    if (g_strcmp0 (*(char **) g_ptr_array_index (parts, i), name) == 0)
      return g_ptr_array_index (parts, i);
  return NULL;
}

const DeyeBusServiceMethod *
deye_bus_service_find_method (DeyeBusService *self, const char *name)
{
  gsize prefix = strlen (self->name);

  for (guint i = 0; name != NULL && i < self->methods->len; i++)
    {
      const DeyeBusServiceMethod *method = g_ptr_array_index (self->methods, i);

      if (method->callback == NULL)
        continue;
      if (g_str_equal (method->name, name)
          || (strncmp (name, self->name, prefix) == 0 && name[prefix] == '.'
              && g_str_equal (name + prefix + 1, method->name)))
        return method;
    }
  return NULL;
}

DeyeBusServiceProperty *
deye_bus_service_find_property (DeyeBusService *self, const char *name)
{
  return deye_bus_service_find_part (self->properties, name);
}

/* --- object --- */

static void
deye_bus_service_init (DeyeBusService *self)
{
  self->methods = g_ptr_array_new_with_free_func (service_method_free);
  self->events = g_ptr_array_new_with_free_func (service_event_free);
  self->properties = g_ptr_array_new_with_free_func (service_property_free);
  self->types = g_ptr_array_new_with_free_func ((GDestroyNotify) g_bytes_unref);
}

static void
deye_bus_service_finalize (GObject *object)
{
  DeyeBusService *self = DEYE_BUS_SERVICE (object);

  g_clear_weak_pointer (&self->client);
  g_clear_pointer (&self->context, g_main_context_unref);
  g_ptr_array_unref (self->methods);
  g_ptr_array_unref (self->events);
  g_ptr_array_unref (self->properties);
  g_ptr_array_unref (self->types);
  g_free (self->name);
  g_free (self->doc);
  G_OBJECT_CLASS (deye_bus_service_parent_class)->finalize (object);
}

static void
deye_bus_service_set_property (GObject *object, guint prop_id, const GValue *value, GParamSpec *pspec)
{
  DeyeBusService *self = DEYE_BUS_SERVICE (object);

  if (prop_id == PROP_NAME)
    self->name = g_value_dup_string (value);
  else if (prop_id == PROP_DOC)
    self->doc = g_value_dup_string (value);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
deye_bus_service_get_property (GObject *object, guint prop_id, GValue *value, GParamSpec *pspec)
{
  DeyeBusService *self = DEYE_BUS_SERVICE (object);

  if (prop_id == PROP_NAME)
    g_value_set_string (value, self->name);
  else if (prop_id == PROP_DOC)
    g_value_set_string (value, self->doc);
  else
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
}

static void
deye_bus_service_class_init (DeyeBusServiceClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GParamFlags flags = G_PARAM_READWRITE | G_PARAM_CONSTRUCT_ONLY | G_PARAM_STATIC_STRINGS;

  /* The class of the client binds the text domain, which the errors of a service need even before there is a client. */
  g_type_class_unref (g_type_class_ref (DEYE_BUS_TYPE_CLIENT));
  object_class->finalize = deye_bus_service_finalize;
  object_class->set_property = deye_bus_service_set_property;
  object_class->get_property = deye_bus_service_get_property;
  g_object_class_install_property (object_class, PROP_NAME, g_param_spec_string ("name", NULL, NULL, NULL, flags));
  g_object_class_install_property (object_class, PROP_DOC, g_param_spec_string ("doc", NULL, NULL, NULL, flags));
  service_signals[SIGNAL_REFUSE_PROPERTY]
      = g_signal_new ("refuse-property", DEYE_BUS_TYPE_SERVICE, G_SIGNAL_RUN_LAST, 0, g_signal_accumulator_true_handled,
                      NULL, NULL, G_TYPE_BOOLEAN, 2, G_TYPE_STRING, G_TYPE_VALUE);
}

const char *
deye_bus_service_get_name (DeyeBusService *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_SERVICE (self), NULL);

  return self->name;
}

/* --- thread --- */

gboolean
deye_bus_service_enter (DeyeBusService *self, GError **error)
{
  if (self->context == NULL || deye_bus_context_acquire (self->context))
    return TRUE;
  g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WRONG_THREAD,
                       _ ("Another thread runs the context of this service's client: call it from that thread"));
  return FALSE;
}

void
deye_bus_service_leave (DeyeBusService *self)
{
  if (self->context != NULL)
    g_main_context_release (self->context);
}

/* --- parts are added --- */

DeyeBusServiceMethod *
deye_bus_service_take_method (DeyeBusService *self,
                              const char *name,
                              const char *request_type,
                              const char *reply_type,
                              const char *doc)
{
  DeyeBusServiceMethod *method = g_new0 (DeyeBusServiceMethod, 1);

  method->name = g_strdup (name);
  method->request_type = g_strdup (request_type);
  method->reply_type = g_strdup (reply_type);
  method->doc = g_strdup (doc);
  g_ptr_array_add (self->methods, method);
  return method;
}

void
deye_bus_service_take_event (DeyeBusService *self,
                             const char *name,
                             const char *topic,
                             const char *type_name,
                             const char *doc)
{
  DeyeBusServiceEvent *event = g_new0 (DeyeBusServiceEvent, 1);

  event->name = g_strdup (name);
  event->topic = g_strdup (topic);
  event->type_name = g_strdup (type_name);
  event->doc = g_strdup (doc);
  g_ptr_array_add (self->events, event);
}

void
deye_bus_service_take_property (DeyeBusService *self,
                                const char *name,
                                const GValue *value,
                                gboolean writable,
                                const char *doc)
{
  DeyeBusServiceProperty *property = g_new0 (DeyeBusServiceProperty, 1);

  property->name = g_strdup (name);
  property->doc = g_strdup (doc);
  property->writable = writable;
  g_value_init (&property->value, G_VALUE_TYPE (value));
  g_value_copy (value, &property->value);
  g_ptr_array_add (self->properties, property);
}

/* --- values --- */

void
deye_bus_service_take_value (DeyeBusService *self, DeyeBusServiceProperty *property, const GValue *value)
{
  gboolean same = deye_bus_value_equal (&property->value, value);

  g_value_copy (value, &property->value);
  if (!same && self->client != NULL)
    self->changed (self, property);
}

gboolean
deye_bus_service_read_property (DeyeBusService *self, const char *name, GValue *value)
{
  const DeyeBusServiceProperty *property;
  gboolean entered;

  g_return_val_if_fail (DEYE_BUS_IS_SERVICE (self), FALSE);
  g_return_val_if_fail (value != NULL && !G_IS_VALUE (value), FALSE);

  entered = deye_bus_service_enter (self, NULL);
  property = entered ? deye_bus_service_find_property (self, name) : NULL;
  /* @value is always initialised, because some language bindings read it even after a failure. */
  g_value_init (value, property != NULL ? G_VALUE_TYPE (&property->value) : G_TYPE_STRING);
  if (property != NULL)
    g_value_copy (&property->value, value);
  if (entered)
    deye_bus_service_leave (self);
  return property != NULL;
}

gboolean
deye_bus_service_ask_property (DeyeBusService *self, DeyeBusServiceProperty *property, const GValue *value)
{
  gboolean refused = FALSE;

  g_signal_emit (self, service_signals[SIGNAL_REFUSE_PROPERTY], 0, property->name, value, &refused);
  if (refused)
    return FALSE;
  deye_bus_service_take_value (self, property, value);
  return TRUE;
}

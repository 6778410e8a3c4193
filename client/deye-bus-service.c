/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-service-private.h"

#include "service/deye-bus-standard.h"
#include "service/deye-bus-value.h"

/* The object and its declarations; see deye-bus-service-private.h. */

#define NAME_MAX_BYTES 128u

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

/* A name consists of letters, digits and the characters in @more; it begins with a letter. */
static gboolean
service_is_name (const char *name, const char *more)
{
  if (name == NULL || !g_ascii_isalpha (*name) || strlen (name) > NAME_MAX_BYTES)
    return FALSE;
  for (const char *at = name; *at != '\0'; at++)
    if (!g_ascii_isalnum (*at) && strchr (more, *at) == NULL)
      return FALSE;
  return TRUE;
}

static gboolean
service_is_type_name (const char *name)
{
  return name == NULL || service_is_name (name, "_.");
}

static gboolean
service_is_text (const char *text)
{
  return text == NULL || g_utf8_validate (text, -1, NULL);
}

/* The first field of each part is its name. */
static gpointer
service_find_named (GPtrArray *parts, const char *name)
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
  return service_find_named (self->properties, name);
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
  g_ptr_array_unref (self->methods);
  g_ptr_array_unref (self->events);
  g_ptr_array_unref (self->properties);
  g_ptr_array_unref (self->types);
  g_free (self->name);
  g_free (self->doc);
  G_OBJECT_CLASS (deye_bus_service_parent_class)->finalize (object);
}

static void
deye_bus_service_class_init (DeyeBusServiceClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = deye_bus_service_finalize;
  service_signals[SIGNAL_REFUSE_PROPERTY]
      = g_signal_new ("refuse-property", DEYE_BUS_TYPE_SERVICE, G_SIGNAL_RUN_LAST, 0, g_signal_accumulator_true_handled,
                      NULL, NULL, G_TYPE_BOOLEAN, 2, G_TYPE_STRING, G_TYPE_VALUE);
}

DeyeBusService *
deye_bus_service_new (const char *name, const char *doc)
{
  DeyeBusService *self;

  g_return_val_if_fail (service_is_name (name, "_."), NULL);
  g_return_val_if_fail (service_is_text (doc), NULL);

  self = g_object_new (DEYE_BUS_TYPE_SERVICE, NULL);
  self->name = g_strdup (name);
  self->doc = g_strdup (doc);
  return self;
}

const char *
deye_bus_service_get_name (DeyeBusService *self)
{
  g_return_val_if_fail (DEYE_BUS_IS_SERVICE (self), NULL);

  return self->name;
}

/* --- declarations --- */

static DeyeBusServiceMethod *
service_add_method (DeyeBusService *self,
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
deye_bus_service_add_method (DeyeBusService *self,
                             const char *name,
                             const char *request_type,
                             const char *reply_type,
                             const char *doc,
                             DeyeBusMethodCallback callback,
                             gpointer user_data,
                             GDestroyNotify destroy)
{
  DeyeBusServiceMethod *method;

  g_return_if_fail (DEYE_BUS_IS_SERVICE (self));
  g_return_if_fail (service_is_name (name, "_") && !deye_bus_standard_find (name, NULL));
  g_return_if_fail (service_find_named (self->methods, name) == NULL);
  g_return_if_fail (service_is_type_name (request_type) && service_is_type_name (reply_type) && service_is_text (doc));
  g_return_if_fail (callback != NULL);

  method = service_add_method (self, name, request_type, reply_type, doc);
  method->callback = callback;
  method->user_data = user_data;
  method->destroy = destroy;
}

void
deye_bus_service_declare (DeyeBusService *self,
                          const char *name,
                          const char *request_type,
                          const char *reply_type,
                          const char *doc)
{
  (void) service_add_method (self, name, request_type, reply_type, doc);
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
  DeyeBusServiceMethod *method;

  g_return_if_fail (DEYE_BUS_IS_SERVICE (self));
  g_return_if_fail (service_is_name (name, "_"));
  g_return_if_fail (service_find_named (self->methods, name) == NULL);
  g_return_if_fail (service_is_type_name (request_type) && service_is_type_name (reply_type) && service_is_text (doc));
  g_return_if_fail (topic != NULL && service_is_text (topic) && service_is_text (group));

  method = service_add_method (self, name, request_type, reply_type, doc);
  method->topic = g_strdup (topic);
  method->group = g_strdup (group);
}

void
deye_bus_service_add_event (DeyeBusService *self,
                            const char *name,
                            const char *topic,
                            const char *type_name,
                            const char *doc)
{
  DeyeBusServiceEvent *event;

  g_return_if_fail (DEYE_BUS_IS_SERVICE (self));
  g_return_if_fail (service_is_name (name, "_"));
  g_return_if_fail (service_find_named (self->events, name) == NULL);
  g_return_if_fail (topic != NULL && service_is_text (topic) && service_is_type_name (type_name)
                    && service_is_text (doc));

  event = g_new0 (DeyeBusServiceEvent, 1);
  event->name = g_strdup (name);
  event->topic = g_strdup (topic);
  event->type_name = g_strdup (type_name);
  event->doc = g_strdup (doc);
  g_ptr_array_add (self->events, event);
}

void
deye_bus_service_add_types (DeyeBusService *self, GBytes *descriptor_set)
{
  g_return_if_fail (DEYE_BUS_IS_SERVICE (self));
  g_return_if_fail (descriptor_set != NULL && g_bytes_get_size (descriptor_set) <= DEYE_BUS_TYPES_MAX);

  g_ptr_array_add (self->types, g_bytes_ref (descriptor_set));
}

/* --- properties --- */

void
deye_bus_service_add_property (DeyeBusService *self,
                               const char *name,
                               const GValue *value,
                               gboolean writable,
                               const char *doc)
{
  DeyeBusServiceProperty *property;
  g_auto (GValue) normal = G_VALUE_INIT;
  gboolean converted
      = value != NULL && deye_bus_value_convert (value, deye_bus_value_type (G_VALUE_TYPE (value)), &normal);

  g_return_if_fail (DEYE_BUS_IS_SERVICE (self));
  g_return_if_fail (service_is_name (name, "_-"));
  g_return_if_fail (service_find_named (self->properties, name) == NULL);
  g_return_if_fail (converted && service_is_text (doc));

  property = g_new0 (DeyeBusServiceProperty, 1);
  property->name = g_strdup (name);
  property->doc = g_strdup (doc);
  property->writable = writable;
  g_value_init (&property->value, G_VALUE_TYPE (&normal));
  g_value_copy (&normal, &property->value);
  g_ptr_array_add (self->properties, property);
}

/* @value has the property's type. */
static void
service_take_value (DeyeBusService *self, DeyeBusServiceProperty *property, const GValue *value)
{
  gboolean same = deye_bus_value_equal (&property->value, value);

  g_value_copy (value, &property->value);
  if (!same && self->client != NULL)
    self->changed (self, property);
}

void
deye_bus_service_change_property (DeyeBusService *self, const char *name, const GValue *value)
{
  DeyeBusServiceProperty *property;
  g_auto (GValue) normal = G_VALUE_INIT;
  gboolean converted;

  g_return_if_fail (DEYE_BUS_IS_SERVICE (self));
  property = service_find_named (self->properties, name);
  g_return_if_fail (property != NULL);
  converted = value != NULL && deye_bus_value_convert (value, G_VALUE_TYPE (&property->value), &normal);
  g_return_if_fail (converted);

  service_take_value (self, property, &normal);
}

gboolean
deye_bus_service_read_property (DeyeBusService *self, const char *name, GValue *value)
{
  const DeyeBusServiceProperty *property;

  g_return_val_if_fail (DEYE_BUS_IS_SERVICE (self), FALSE);
  g_return_val_if_fail (value != NULL, FALSE);

  property = service_find_named (self->properties, name);
  if (property == NULL)
    {
      g_value_init (value, G_TYPE_STRING); /* some language bindings read it in any case */
      return FALSE;
    }
  g_value_init (value, G_VALUE_TYPE (&property->value));
  g_value_copy (&property->value, value);
  return TRUE;
}

gboolean
deye_bus_service_ask_property (DeyeBusService *self, DeyeBusServiceProperty *property, const GValue *value)
{
  gboolean refused = FALSE;

  g_signal_emit (self, service_signals[SIGNAL_REFUSE_PROPERTY], 0, property->name, value, &refused);
  if (refused)
    return FALSE;
  service_take_value (self, property, value);
  return TRUE;
}

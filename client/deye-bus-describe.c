/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-describe.h"

#include "deye-bus-pack.h"
#include "deye-bus-value.h"
#include "wire-descriptors.h"

typedef Daemoneye__Eventbus__V1__ServiceInfo ServiceInfo;
typedef Daemoneye__Eventbus__V1__MethodInfo MethodInfo;
typedef Daemoneye__Eventbus__V1__EventInfo EventInfo;
typedef Daemoneye__Eventbus__V1__PropertyInfo PropertyInfo;
typedef Daemoneye__Eventbus__V1__PropertyValue PropertyValue;

/* Structs that are packed from and then all freed together; what they point to belongs to the services. */
typedef GPtrArray Blocks;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Blocks, g_ptr_array_unref)

static Blocks *
blocks_new (void)
{
  return g_ptr_array_new_with_free_func (g_free);
}

static gpointer
block (Blocks *blocks, gsize size)
{
  gpointer new_block = g_malloc0 (MAX (size, 1));

  g_ptr_array_add (blocks, new_block);
  return new_block;
}

/* Fields that say nothing are empty. */
static char *
text (const char *value)
{
  return (char *) (value != NULL ? value : "");
}

static DeyeBusWireValue *
describe_value (Blocks *blocks, const GValue *value)
{
  DeyeBusWireValue *wire = block (blocks, sizeof *wire);

  deye_bus_value_to_wire (value, wire);
  return wire;
}

static gpointer
describe_method (Blocks *blocks, gconstpointer part)
{
  const DeyeBusServiceMethod *method = part;
  MethodInfo *info = block (blocks, sizeof *info);

  daemoneye__eventbus__v1__method_info__init (info);
  info->name = method->name;
  info->topic = text (method->topic);
  info->group = text (method->group);
  info->request_type = text (method->request_type);
  info->reply_type = text (method->reply_type);
  info->doc = text (method->doc);
  return info;
}

static gpointer
describe_event (Blocks *blocks, gconstpointer part)
{
  const DeyeBusServiceEvent *event = part;
  EventInfo *info = block (blocks, sizeof *info);

  daemoneye__eventbus__v1__event_info__init (info);
  info->name = event->name;
  info->topic = event->topic;
  info->type_name = text (event->type_name);
  info->doc = text (event->doc);
  return info;
}

static gpointer
describe_property (Blocks *blocks, gconstpointer part)
{
  const DeyeBusServiceProperty *property = part;
  PropertyInfo *info = block (blocks, sizeof *info);

  daemoneye__eventbus__v1__property_info__init (info);
  info->name = property->name;
  info->doc = text (property->doc);
  info->writable = property->writable;
  info->value = describe_value (blocks, &property->value);
  return info;
}

/* A list as protobuf-c wants it: an array of pointers. */
static gpointer
describe_all (Blocks *blocks, GPtrArray *parts, gpointer (*describe) (Blocks *blocks, gconstpointer part), size_t *n)
{
  gpointer *list = block (blocks, parts->len * sizeof (gpointer));

  for (guint i = 0; i < parts->len; i++)
    list[i] = describe (blocks, g_ptr_array_index (parts, i));
  *n = parts->len;
  return list;
}

static ServiceInfo *
describe_service (Blocks *blocks, DeyeBusService *service)
{
  ServiceInfo *info = block (blocks, sizeof *info);

  daemoneye__eventbus__v1__service_info__init (info);
  info->name = service->name;
  info->doc = text (service->doc);
  info->methods = describe_all (blocks, service->methods, describe_method, &info->n_methods);
  info->events = describe_all (blocks, service->events, describe_event, &info->n_events);
  info->properties = describe_all (blocks, service->properties, describe_property, &info->n_properties);
  return info;
}

static gboolean
is_wanted (const char *wanted, const char *name)
{
  return *wanted == '\0' || g_str_equal (wanted, name);
}

/* The library's own types first, then those of the services. */
static void
collect_types (GArray *types, GPtrArray *services, const char *wanted)
{
  WireSpan own = wire_descriptors ();
  ProtobufCBinaryData data = { own.len, (uint8_t *) (gsize) own.data };

  g_array_append_val (types, data);
  for (guint i = 0; i < services->len; i++)
    {
      const DeyeBusService *service = g_ptr_array_index (services, i);

      for (guint k = 0; k < service->types->len && is_wanted (wanted, service->name); k++)
        {
          data.data = (uint8_t *) (gsize) g_bytes_get_data (g_ptr_array_index (service->types, k), &data.len);
          g_array_append_val (types, data);
        }
    }
}

GBytes *
deye_bus_describe_services (const char *id, GPtrArray *services, const char *wanted, gboolean with_types)
{
  g_autoptr (Blocks) blocks = blocks_new ();
  g_autoptr (GArray) types = g_array_new (FALSE, FALSE, sizeof (ProtobufCBinaryData));
  Daemoneye__Eventbus__V1__IntrospectReply reply;

  daemoneye__eventbus__v1__introspect_reply__init (&reply);
  reply.id = text (id);
  reply.services = block (blocks, services->len * sizeof (gpointer));
  for (guint i = 0; i < services->len; i++)
    {
      DeyeBusService *service = g_ptr_array_index (services, i);

      if (is_wanted (wanted, service->name))
        reply.services[reply.n_services++] = describe_service (blocks, service);
    }
  if (with_types)
    collect_types (types, services, wanted);
  reply.types = (ProtobufCBinaryData *) (gpointer) types->data;
  reply.n_types = types->len;
  return deye_bus_pack (&reply.base);
}

static void
collect_properties (Blocks *blocks, GPtrArray *values, DeyeBusService *service, const char *name)
{
  for (guint i = 0; i < service->properties->len; i++)
    {
      const DeyeBusServiceProperty *property = g_ptr_array_index (service->properties, i);
      PropertyValue *value;

      if (!is_wanted (name, property->name))
        continue;
      value = block (blocks, sizeof *value);
      daemoneye__eventbus__v1__property_value__init (value);
      value->service = service->name;
      value->name = property->name;
      value->value = describe_value (blocks, &property->value);
      g_ptr_array_add (values, value);
    }
}

GBytes *
deye_bus_describe_properties (const char *id, GPtrArray *services, const char *service, const char *name)
{
  g_autoptr (Blocks) blocks = blocks_new ();
  g_autoptr (GPtrArray) values = g_ptr_array_new ();
  Daemoneye__Eventbus__V1__Properties properties;

  daemoneye__eventbus__v1__properties__init (&properties);
  properties.id = text (id);
  for (guint i = 0; i < services->len; i++)
    if (is_wanted (service, ((DeyeBusService *) g_ptr_array_index (services, i))->name))
      collect_properties (blocks, values, g_ptr_array_index (services, i), name);
  properties.values = (PropertyValue **) values->pdata;
  properties.n_values = values->len;
  return deye_bus_pack (&properties.base);
}

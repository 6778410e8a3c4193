/* SPDX-License-Identifier: Apache-2.0 */
#include "service/deye-bus-describe.h"

#include "deye-bus-pack.h"
#include "service/deye-bus-value.h"
#include "wire-descriptors.h"

typedef Daemoneye__Eventbus__V1__ServiceInfo DescribedService;
typedef Daemoneye__Eventbus__V1__MethodInfo DescribedMethod;
typedef Daemoneye__Eventbus__V1__EventInfo DescribedEvent;
typedef Daemoneye__Eventbus__V1__PropertyInfo DescribedProperty;
typedef Daemoneye__Eventbus__V1__PropertyValue DescribedPropertyValue;

/* Message structs that are packed and then freed together. They point to data of the services. */
typedef GPtrArray DescribeBlocks;
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DescribeBlocks, g_ptr_array_unref)

static DescribeBlocks *
describe_blocks_new (void)
{
  return g_ptr_array_new_with_free_func (g_free);
}

static gpointer
describe_block (DescribeBlocks *blocks, gsize size)
{
  gpointer new_block = g_malloc0 (MAX (size, 1));

  g_ptr_array_add (blocks, new_block);
  return new_block;
}

/* protobuf-c needs an empty string for an absent one. */
static char *
describe_text (const char *value)
{
  return (char *) (value != NULL ? value : "");
}

static DeyeBusWireValue *
describe_value (DescribeBlocks *blocks, const GValue *value)
{
  DeyeBusWireValue *wire = describe_block (blocks, sizeof *wire);

  deye_bus_value_to_wire (value, wire);
  return wire;
}

static gpointer
describe_method (DescribeBlocks *blocks, gconstpointer part)
{
  const DeyeBusServiceMethod *method = part;
  DescribedMethod *info = describe_block (blocks, sizeof *info);

  daemoneye__eventbus__v1__method_info__init (info);
  info->name = method->name;
  info->topic = describe_text (method->topic);
  info->group = describe_text (method->group);
  info->request_type = describe_text (method->request_type);
  info->reply_type = describe_text (method->reply_type);
  info->doc = describe_text (method->doc);
  return info;
}

static gpointer
describe_event (DescribeBlocks *blocks, gconstpointer part)
{
  const DeyeBusServiceEvent *event = part;
  DescribedEvent *info = describe_block (blocks, sizeof *info);

  daemoneye__eventbus__v1__event_info__init (info);
  info->name = event->name;
  info->topic = event->topic;
  info->type_name = describe_text (event->type_name);
  info->doc = describe_text (event->doc);
  return info;
}

static gpointer
describe_property (DescribeBlocks *blocks, gconstpointer part)
{
  const DeyeBusServiceProperty *property = part;
  DescribedProperty *info = describe_block (blocks, sizeof *info);

  daemoneye__eventbus__v1__property_info__init (info);
  info->name = property->name;
  info->doc = describe_text (property->doc);
  info->writable = property->writable;
  info->value = describe_value (blocks, &property->value);
  return info;
}

/* Makes a list as protobuf-c needs it: an array of pointers. */
static gpointer
describe_all (DescribeBlocks *blocks,
              GPtrArray *parts,
              gpointer (*describe) (DescribeBlocks *blocks, gconstpointer part),
              size_t *n)
{
  gpointer *list = describe_block (blocks, parts->len * sizeof (gpointer));

  for (guint i = 0; i < parts->len; i++)
    list[i] = describe (blocks, g_ptr_array_index (parts, i));
  *n = parts->len;
  return list;
}

static DescribedService *
describe_service (DescribeBlocks *blocks, DeyeBusService *service)
{
  DescribedService *info = describe_block (blocks, sizeof *info);

  daemoneye__eventbus__v1__service_info__init (info);
  info->name = service->name;
  info->doc = describe_text (service->doc);
  info->methods = describe_all (blocks, service->methods, describe_method, &info->n_methods);
  info->events = describe_all (blocks, service->events, describe_event, &info->n_events);
  info->properties = describe_all (blocks, service->properties, describe_property, &info->n_properties);
  return info;
}

static gboolean
describe_is_wanted (const char *wanted, const char *name)
{
  return *wanted == '\0' || g_str_equal (wanted, name);
}

/* Collects the library's own types first, then those of the services. */
static void
describe_collect_types (GArray *types, GPtrArray *services, const char *wanted)
{
  WireSpan own = wire_descriptors ();
  ProtobufCBinaryData data = { own.len, (uint8_t *) (gsize) own.data };

  g_array_append_val (types, data);
  for (guint i = 0; i < services->len; i++)
    {
      const DeyeBusService *service = g_ptr_array_index (services, i);

      for (guint k = 0; k < service->types->len && describe_is_wanted (wanted, service->name); k++)
        {
          data.data = (uint8_t *) (gsize) g_bytes_get_data (g_ptr_array_index (service->types, k), &data.len);
          g_array_append_val (types, data);
        }
    }
}

GBytes *
deye_bus_describe_services (const char *id, GPtrArray *services, const char *wanted, gboolean with_types)
{
  g_autoptr (DescribeBlocks) blocks = describe_blocks_new ();
  g_autoptr (GArray) types = g_array_new (FALSE, FALSE, sizeof (ProtobufCBinaryData));
  Daemoneye__Eventbus__V1__IntrospectReply reply;

  daemoneye__eventbus__v1__introspect_reply__init (&reply);
  reply.id = describe_text (id);
  reply.services = describe_block (blocks, services->len * sizeof (gpointer));
  for (guint i = 0; i < services->len; i++)
    {
      DeyeBusService *service = g_ptr_array_index (services, i);

      if (describe_is_wanted (wanted, service->name))
        reply.services[reply.n_services++] = describe_service (blocks, service);
    }
  if (with_types)
    describe_collect_types (types, services, wanted);
  reply.types = (ProtobufCBinaryData *) (gpointer) types->data;
  reply.n_types = types->len;
  return deye_bus_pack (&reply.base);
}

static void
describe_collect_properties (DescribeBlocks *blocks, GPtrArray *values, DeyeBusService *service, const char *name)
{
  for (guint i = 0; i < service->properties->len; i++)
    {
      const DeyeBusServiceProperty *property = g_ptr_array_index (service->properties, i);
      DescribedPropertyValue *value;

      if (!describe_is_wanted (name, property->name))
        continue;
      value = describe_block (blocks, sizeof *value);
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
  g_autoptr (DescribeBlocks) blocks = describe_blocks_new ();
  g_autoptr (GPtrArray) values = g_ptr_array_new ();
  Daemoneye__Eventbus__V1__Properties properties;

  daemoneye__eventbus__v1__properties__init (&properties);
  properties.id = describe_text (id);
  for (guint i = 0; i < services->len; i++)
    if (describe_is_wanted (service, ((DeyeBusService *) g_ptr_array_index (services, i))->name))
      describe_collect_properties (blocks, values, g_ptr_array_index (services, i), name);
  properties.values = (DescribedPropertyValue **) values->pdata;
  properties.n_values = values->len;
  return deye_bus_pack (&properties.base);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-methods.h"

#include "deye-bus-client-private.h"
#include "deye-bus-describe.h"
#include "deye-bus-pack.h"
#include "deye-bus-subscription-private.h"
#include "deye-bus-value.h"
#include "health.pb-c.h"
#include "platform-process.h"

#include <glib/gi18n-lib.h>

#define SUBSCRIPTIONS_TOLD_MAX 256u

typedef struct
{
  DeyeBusClient *client;
  DeyeBusMessage *request;
} Call;

G_GNUC_PRINTF (3, 4)
static void
fail (const Call *call, const char *name, const char *format, ...)
{
  g_autofree char *detail = NULL;
  g_autoptr (GError) error = NULL;
  va_list args;

  va_start (args, format);
  detail = g_strdup_vprintf (format, args);
  va_end (args);
  if (!deye_bus_client_respond_error (call->client, call->request, name, detail, &error))
    g_debug ("%s not answered: %s", deye_bus_message_get_method (call->request), error->message);
}

static void
respond (const Call *call, const char *type_name, GBytes *payload)
{
  guint64 largest = deye_bus_client_get_largest_payload (call->client);
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GError) error = NULL;

  deye_bus_options_set_type_name (options, type_name);
  if (g_bytes_get_size (payload) > largest)
    fail (call, "TooLarge",
          "the answer has %" G_GSIZE_FORMAT " bytes, above the largest payload (%" G_GUINT64_FORMAT
          "): ask for less, such as one service, or without types",
          g_bytes_get_size (payload), largest);
  else if (!deye_bus_client_respond (call->client, call->request, payload, options, &error))
    g_debug ("%s not answered: %s", deye_bus_message_get_method (call->request), error->message);
}

static void
respond_packed (const Call *call, const char *type_name, const ProtobufCMessage *reply)
{
  g_autoptr (GBytes) payload = deye_bus_pack (reply);

  respond (call, type_name, payload);
}

/* NULL: it was answered with an error. */
static WireGuard *
read_request (const Call *call, const ProtobufCMessageDescriptor *type)
{
  WireGuard *guard = deye_bus_unpack (type, call->request);

  if (guard == NULL)
    fail (call, "BadRequest", "the payload is not a %s", type->name);
  return guard;
}

/* --- about the peer --- */

static void
answer_ping (const Call *call)
{
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (call->request);

  respond (call, deye_bus_message_get_type_name (call->request), payload);
}

static guint64
uptime_us (const DeyeBusClient *client)
{
  return (guint64) (g_get_monotonic_time () - client->made_us);
}

static char *
health_detail (const DeyeBusClient *client)
{
  return client->health_detail != NULL ? client->health_detail : (char *) "";
}

static void
answer_health (const Call *call)
{
  DeyeBusClient *client = call->client;
  Daemoneye__Eventbus__V1__HealthReply reply;

  daemoneye__eventbus__v1__health_reply__init (&reply);
  reply.id = client->id;
  reply.health = client->health;
  reply.detail = health_detail (client);
  reply.uptime_us = uptime_us (client);
  reply.pid = platform_process_id ();
  reply.requests_served = client->requests_served;
  respond_packed (call, DEYE_BUS_TYPE_PREFIX "HealthReply", &reply.base);
}

static void
answer_info (const Call *call)
{
  DeyeBusClient *client = call->client;
  g_autofree char **services = g_new0 (char *, client->services->len + 1);
  const char *program = g_get_prgname ();
  g_autofree char *shown = g_utf8_make_valid (program != NULL ? program : "", -1);
  Daemoneye__Eventbus__V1__PeerDescription reply;

  daemoneye__eventbus__v1__peer_description__init (&reply);
  for (guint i = 0; i < client->services->len; i++)
    services[i] = ((DeyeBusService *) g_ptr_array_index (client->services, i))->name;
  reply.id = client->id;
  reply.type = client->type != NULL ? client->type : (char *) "";
  reply.software_version = (char *) DEYE_BUS_VERSION;
  reply.pid = platform_process_id ();
  reply.uptime_us = uptime_us (client);
  reply.program = shown;
  reply.services = services;
  reply.n_services = client->services->len;
  reply.health = client->health;
  reply.health_detail = health_detail (client);
  respond_packed (call, DEYE_BUS_TYPE_PREFIX "PeerDescription", &reply.base);
}

static void
fill_subscription (Daemoneye__Eventbus__V1__SubscriptionStats *stats, const DeyeBusChannel *channel)
{
  DeyeBusSubscription *subscription = channel->owner;

  daemoneye__eventbus__v1__subscription_stats__init (stats);
  stats->subscription = channel->id;
  stats->pattern = subscription->pattern;
  stats->delivered = subscription->delivered;
  stats->missed = deye_bus_subscription_get_missed (subscription);
}

static void
fill_counts (const DeyeBusClient *client, Daemoneye__Eventbus__V1__ClientStats *reply)
{
  const DeyeBusCounts *counts = deye_bus_session_counts (client->session);

  reply->published = counts->published;
  reply->requested = counts->requested;
  reply->answered = counts->answered;
  reply->received = counts->received;
  reply->missed = counts->missed;
  reply->bytes_in = client->bytes_in;
  reply->bytes_out = client->bytes_out;
  reply->pending = deye_bus_session_n_pending (client->session);
  reply->waiting = deye_bus_session_n_waiting (client->session);
  reply->connected_us = (guint64) (g_get_monotonic_time () - client->connected_us);
}

static void
answer_stats (const Call *call)
{
  g_autoptr (GPtrArray) channels = deye_bus_session_list_channels (call->client->session);
  guint n = MIN (channels->len, SUBSCRIPTIONS_TOLD_MAX);
  g_autofree Daemoneye__Eventbus__V1__SubscriptionStats *entries
      = g_new (Daemoneye__Eventbus__V1__SubscriptionStats, n + 1);
  g_autofree Daemoneye__Eventbus__V1__SubscriptionStats **list
      = g_new (Daemoneye__Eventbus__V1__SubscriptionStats *, n + 1);
  Daemoneye__Eventbus__V1__ClientStats reply;

  daemoneye__eventbus__v1__client_stats__init (&reply);
  fill_counts (call->client, &reply);
  for (guint i = 0; i < n; i++)
    {
      fill_subscription (&entries[i], g_ptr_array_index (channels, i));
      list[i] = &entries[i];
    }
  reply.subscriptions = list;
  reply.n_subscriptions = n;
  respond_packed (call, DEYE_BUS_TYPE_PREFIX "ClientStats", &reply.base);
}

/* --- about its services --- */

static void
answer_introspect (const Call *call)
{
  g_autoptr (WireGuard) guard = read_request (call, &daemoneye__eventbus__v1__introspect_request__descriptor);
  const Daemoneye__Eventbus__V1__IntrospectRequest *request;
  g_autoptr (GBytes) payload = NULL;

  if (guard == NULL)
    return;
  request = wire_guard_message (guard);
  payload = deye_bus_describe_services (call->client->id, call->client->services, request->service,
                                        !request->without_types);
  respond (call, DEYE_BUS_TYPE_PREFIX "IntrospectReply", payload);
}

static void
answer_properties (const Call *call)
{
  g_autoptr (WireGuard) guard = read_request (call, &daemoneye__eventbus__v1__properties_request__descriptor);
  const Daemoneye__Eventbus__V1__PropertiesRequest *request;
  g_autoptr (GBytes) payload = NULL;

  if (guard == NULL)
    return;
  request = wire_guard_message (guard);
  payload = deye_bus_describe_properties (call->client->id, call->client->services, request->service, request->name);
  respond (call, DEYE_BUS_TYPE_PREFIX "Properties", payload);
}

/* @service: "": the first that has it. */
static DeyeBusServiceProperty *
find_property (DeyeBusClient *client, const char *service, const char *name, DeyeBusService **owner)
{
  for (guint i = 0; i < client->services->len; i++)
    {
      DeyeBusServiceProperty *property;

      *owner = g_ptr_array_index (client->services, i);
      if (*service != '\0' && !g_str_equal (service, (*owner)->name))
        continue;
      property = deye_bus_service_find_property (*owner, name);
      if (property != NULL)
        return property;
    }
  return NULL;
}

static void
set_property (const Call *call, DeyeBusService *service, DeyeBusServiceProperty *property, const DeyeBusWireValue *wire)
{
  g_auto (GValue) asked = G_VALUE_INIT;
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GPtrArray) one = g_ptr_array_new_with_free_func (g_object_unref); /* a handler may drop the client */
  g_autoptr (GBytes) payload = NULL;

  g_ptr_array_add (one, g_object_ref (service));
  if (!deye_bus_value_from_wire (wire, &asked)
      || !deye_bus_value_convert (&asked, G_VALUE_TYPE (&property->value), &value))
    fail (call, "BadValue", "the value of %s is a %s", property->name,
          deye_bus_value_kind (G_VALUE_TYPE (&property->value)));
  else if (!property->writable)
    fail (call, "ReadOnly", "%s can't be set from outside", property->name);
  else if (!deye_bus_service_ask_property (service, property, &value))
    fail (call, "Refused", "the peer does not take this value for %s", property->name);
  else
    {
      payload = deye_bus_describe_properties (call->client->id, one, "", property->name);
      respond (call, DEYE_BUS_TYPE_PREFIX "Properties", payload);
    }
}

static void
answer_set_property (const Call *call)
{
  g_autoptr (WireGuard) guard = read_request (call, &daemoneye__eventbus__v1__set_property_request__descriptor);
  const Daemoneye__Eventbus__V1__SetPropertyRequest *request;
  DeyeBusServiceProperty *property;
  DeyeBusService *service = NULL;

  if (guard == NULL)
    return;
  request = wire_guard_message (guard);
  property = find_property (call->client, request->service, request->name, &service);
  if (property == NULL)
    fail (call, "UnknownProperty", "there is no such property: GetProperties tells which there are");
  else
    set_property (call, service, property, request->value);
}

void
deye_bus_methods_tell_change (DeyeBusClient *client, DeyeBusService *service, DeyeBusServiceProperty *property)
{
  g_autofree char *topic = g_strconcat ("health.properties.", client->id, NULL);
  g_autoptr (GPtrArray) one = g_ptr_array_new ();
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (GError) error = NULL;

  if (client->state != DEYE_BUS_CLIENT_STATE_CONNECTED)
    return;
  g_ptr_array_add (one, service);
  payload = deye_bus_describe_properties (client->id, one, "", property->name);
  if (!deye_bus_client_post (client, topic, payload, DEYE_BUS_TYPE_PREFIX "Properties", NULL, &error))
    g_message ("Change of %s not published: %s", property->name, error->message);
}

/* --- the table --- */

static const struct
{
  const char *name;
  void (*answer) (const Call *call);
  const char *request_type; /* NULL: none */
  const char *reply_type;
  const char *doc;
} methods[] = {
  { "Ping", answer_ping, NULL, NULL, "Returns the payload that it received." },
  { "GetInfo", answer_info, NULL, DEYE_BUS_TYPE_PREFIX "PeerDescription",
    "Returns the program, its pid, version and services, and its health." },
  { "Introspect", answer_introspect, DEYE_BUS_TYPE_PREFIX "IntrospectRequest", DEYE_BUS_TYPE_PREFIX "IntrospectReply",
    "Returns the services with methods, events and properties, and the types of their payloads." },
  { "GetStats", answer_stats, NULL, DEYE_BUS_TYPE_PREFIX "ClientStats",
    "Returns the counters of the peer's connection." },
  { "HealthCheck", answer_health, NULL, DEYE_BUS_TYPE_PREFIX "HealthReply",
    "Returns the peer's health by its own judgement." },
  { "GetProperties", answer_properties, DEYE_BUS_TYPE_PREFIX "PropertiesRequest", DEYE_BUS_TYPE_PREFIX "Properties",
    "Returns the values of all properties, or of the requested ones." },
  { "SetProperty", answer_set_property, DEYE_BUS_TYPE_PREFIX "SetPropertyRequest", DEYE_BUS_TYPE_PREFIX "Properties",
    "Sets a writable property and returns its value." },
};

DeyeBusService *
deye_bus_methods_new_standard (void)
{
  DeyeBusService *service
      = deye_bus_service_new ("daemoneye.eventbus.Peer", "The standard methods and events of every peer.");

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    deye_bus_service_declare (service, methods[i].name, methods[i].request_type, methods[i].reply_type, methods[i].doc);
  deye_bus_service_add_event (service, "PropertiesChanged", "health.properties.+", DEYE_BUS_TYPE_PREFIX "Properties",
                              "The value of a property has changed.");
  deye_bus_service_add_event (service, "Heartbeat", "control.health.heartbeat.+", DEYE_BUS_TYPE_PREFIX "Heartbeat",
                              "The peer is alive; contains its health.");
  return service;
}

gboolean
deye_bus_methods_is_standard (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    if (g_strcmp0 (methods[i].name, name) == 0)
      return TRUE;
  return FALSE;
}

static const DeyeBusServiceMethod *
find_method (DeyeBusClient *client, const char *name, DeyeBusService **service)
{
  const DeyeBusServiceMethod *method = NULL;

  for (guint i = 0; i < client->services->len && method == NULL; i++)
    {
      *service = g_ptr_array_index (client->services, i);
      method = deye_bus_service_find_method (*service, name);
    }
  return method;
}

static gboolean
answer_standard (const Call *call, const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    if (g_strcmp0 (methods[i].name, name) == 0)
      {
        methods[i].answer (call);
        return TRUE;
      }
  return FALSE;
}

void
deye_bus_methods_on_request (DeyeBusSubscription *subscription, DeyeBusMessage *request, gpointer data)
{
  Call call = { data, request };
  const char *name = deye_bus_message_get_method (request);
  g_autoptr (DeyeBusService) kept = NULL; /* a callback may drop the client, and so its services */
  DeyeBusService *service = NULL;
  const DeyeBusServiceMethod *method;

  call.client->requests_served++;
  if (answer_standard (&call, name))
    return;
  method = find_method (call.client, name, &service);
  if (method == NULL)
    {
      fail (&call, "UnknownMethod", "there is no method %s here: Introspect tells which there are",
            name != NULL ? name : "without a name");
      return;
    }
  kept = g_object_ref (service);
  method->callback (call.client, request, method->user_data);
}

static gboolean
is_ours (const DeyeBusClient *client, DeyeBusMessage *request)
{
  const char *topic = deye_bus_message_get_topic (request);

  return g_str_has_prefix (topic, DEYE_BUS_METHODS_PREFIX)
         && g_str_equal (topic + strlen (DEYE_BUS_METHODS_PREFIX), client->id);
}

/* Asked for each answer: most have no method at all. */
const char *
deye_bus_methods_reply_type (DeyeBusClient *client, DeyeBusMessage *request)
{
  const char *name = deye_bus_message_get_method (request);
  DeyeBusService *service = NULL;
  const DeyeBusServiceMethod *method
      = name != NULL && is_ours (client, request) ? find_method (client, name, &service) : NULL;

  return method != NULL ? method->reply_type : NULL;
}

/* --- services --- */

static gsize
types_bytes (DeyeBusService *service)
{
  gsize bytes = 0;

  for (guint i = 0; i < service->types->len; i++)
    bytes += g_bytes_get_size (g_ptr_array_index (service->types, i));
  return bytes;
}

static gboolean
check_service (DeyeBusClient *self, DeyeBusService *service, GError **error)
{
  gsize bytes = types_bytes (service);

  if (self->services->len >= DEYE_BUS_SERVICES_MAX)
    {
      g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT, _ ("A client can have at most %u services"),
                   DEYE_BUS_SERVICES_MAX);
      return FALSE;
    }
  for (guint i = 0; i < self->services->len; i++)
    {
      DeyeBusService *other = g_ptr_array_index (self->services, i);

      bytes += types_bytes (other);
      if (!g_str_equal (other->name, service->name))
        continue;
      g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DUPLICATE_ID,
                   _ ("This client already has a service %s: choose another name"), service->name);
      return FALSE;
    }
  if (bytes <= DEYE_BUS_TYPES_MAX)
    return TRUE;
  g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT,
               _ ("The type descriptors of a client can have at most %u bytes"), DEYE_BUS_TYPES_MAX);
  return FALSE;
}

gboolean
deye_bus_client_add_service (DeyeBusClient *self, DeyeBusService *service, GError **error)
{
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (DEYE_BUS_IS_SERVICE (service), FALSE);
  g_return_val_if_fail (service->client == NULL, FALSE);

  if (!deye_bus_client_enter (self, error))
    return FALSE;
  ok = check_service (self, service, error);
  if (ok)
    {
      g_set_weak_pointer (&service->client, self);
      g_ptr_array_add (self->services, g_object_ref (service));
    }
  deye_bus_client_leave (self);
  return ok;
}

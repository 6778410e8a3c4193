/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"
#include "deye-bus-client-request.h"

#include "deye-bus-pack.h"
#include "deye-bus-service-private.h"
#include "deye-bus-subscription-private.h"
#include "health.pb-c.h"
#include "platform-process.h"
#include "service/deye-bus-describe.h"
#include "service/deye-bus-services.h"
#include "service/deye-bus-standard.h"
#include "service/deye-bus-value.h"

/*
 * The methods that a client answers on control.collector.{id}: the standard ones, and those of its services.
 *
 * If the broker has the feature PEER_METHODS, the library itself serves this topic, from before connect() returns. Authors of
 * collectors need no code for it.
 *
 * Invariant: each request gets an answer or an error, unless the callback of a service keeps it.
 */

#define STATS_SUBSCRIPTIONS_MAX 256u

typedef struct
{
  DeyeBusClient *client;
  DeyeBusMessage *message;
} ClientRequest;

G_GNUC_PRINTF (3, 4)
static void
client_answer_error (const ClientRequest *request, const char *name, const char *format, ...)
{
  g_autofree char *detail = NULL;
  g_autoptr (GError) error = NULL;
  va_list args;

  va_start (args, format);
  detail = g_strdup_vprintf (format, args);
  va_end (args);
  if (!deye_bus_client_respond_error (request->client, request->message, name, detail, &error))
    g_debug ("%s not answered: %s", deye_bus_message_get_method (request->message), error->message);
}

static void
client_answer_bytes (const ClientRequest *request, const char *type_name, GBytes *payload)
{
  guint64 largest = deye_bus_client_get_largest_payload (request->client);
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GError) error = NULL;

  deye_bus_options_set_type_name (options, type_name);
  if (g_bytes_get_size (payload) > largest)
    client_answer_error (request, "TooLarge",
                         "the answer has %" G_GSIZE_FORMAT " bytes, above the largest payload (%" G_GUINT64_FORMAT
                         "): ask for less, such as one service, or without types",
                         g_bytes_get_size (payload), largest);
  else if (!deye_bus_client_respond (request->client, request->message, payload, options, &error))
    g_debug ("%s not answered: %s", deye_bus_message_get_method (request->message), error->message);
}

static void
client_answer_packed (const ClientRequest *request, const char *type_name, const ProtobufCMessage *reply)
{
  g_autoptr (GBytes) payload = deye_bus_pack (reply);

  client_answer_bytes (request, type_name, payload);
}

/* The message in the payload of the request. NULL: it is not valid, and the request was answered with an error. */
static WireGuard *
client_unpack_request (const ClientRequest *request, const ProtobufCMessageDescriptor *type)
{
  WireGuard *guard = deye_bus_unpack (type, request->message);

  if (guard == NULL)
    client_answer_error (request, "BadRequest", "the payload is not a %s", type->name);
  return guard;
}

/* --- about the peer --- */

static void
client_answer_ping (const ClientRequest *request)
{
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (request->message);

  client_answer_bytes (request, deye_bus_message_get_type_name (request->message), payload);
}

static guint64
client_uptime_us (const DeyeBusClient *client)
{
  return (guint64) (g_get_monotonic_time () - client->made_us);
}

static void
client_answer_health (const ClientRequest *request)
{
  DeyeBusClient *client = request->client;
  Daemoneye__Eventbus__V1__HealthReply reply;
  g_autofree char *detail = NULL;

  daemoneye__eventbus__v1__health_reply__init (&reply);
  reply.id = client->id;
  reply.health = deye_bus_client_dup_health (client, &detail);
  reply.detail = detail;
  reply.uptime_us = client_uptime_us (client);
  reply.pid = platform_process_id ();
  reply.requests_served = client->requests_served;
  client_answer_packed (request, DEYE_BUS_TYPE_PREFIX "HealthReply", &reply.base);
}

static void
client_answer_info (const ClientRequest *request)
{
  DeyeBusClient *client = request->client;
  g_autofree char **services = g_new0 (char *, client->services->len + 1);
  const char *program = g_get_prgname ();
  g_autofree char *detail = NULL;
  g_autofree char *shown = g_utf8_make_valid (program != NULL ? program : "", -1);
  Daemoneye__Eventbus__V1__PeerDescription reply;

  daemoneye__eventbus__v1__peer_description__init (&reply);
  for (guint i = 0; i < client->services->len; i++)
    services[i] = ((DeyeBusService *) g_ptr_array_index (client->services, i))->name;
  reply.id = client->id;
  reply.type = client->type != NULL ? client->type : (char *) "";
  reply.software_version = (char *) DEYE_BUS_VERSION;
  reply.pid = platform_process_id ();
  reply.uptime_us = client_uptime_us (client);
  reply.program = shown;
  reply.services = services;
  reply.n_services = client->services->len;
  reply.health = deye_bus_client_dup_health (client, &detail);
  reply.health_detail = detail;
  client_answer_packed (request, DEYE_BUS_TYPE_PREFIX "PeerDescription", &reply.base);
}

static void
client_fill_subscription_stats (Daemoneye__Eventbus__V1__SubscriptionStats *stats, const DeyeBusChannel *channel)
{
  DeyeBusSubscription *subscription = channel->owner;

  daemoneye__eventbus__v1__subscription_stats__init (stats);
  stats->subscription = channel->id;
  stats->pattern = subscription->pattern;
  stats->delivered = subscription->delivered;
  stats->missed = deye_bus_subscription_get_missed (subscription);
}

static void
client_fill_counts (const DeyeBusClient *client, Daemoneye__Eventbus__V1__ClientStats *reply)
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
client_answer_stats (const ClientRequest *request)
{
  g_autoptr (GPtrArray) channels = deye_bus_session_list_channels (request->client->session);
  guint n = MIN (channels->len, STATS_SUBSCRIPTIONS_MAX);
  g_autofree Daemoneye__Eventbus__V1__SubscriptionStats *entries
      = g_new (Daemoneye__Eventbus__V1__SubscriptionStats, n + 1);
  g_autofree Daemoneye__Eventbus__V1__SubscriptionStats **list
      = g_new (Daemoneye__Eventbus__V1__SubscriptionStats *, n + 1);
  Daemoneye__Eventbus__V1__ClientStats reply;

  daemoneye__eventbus__v1__client_stats__init (&reply);
  client_fill_counts (request->client, &reply);
  for (guint i = 0; i < n; i++)
    {
      client_fill_subscription_stats (&entries[i], g_ptr_array_index (channels, i));
      list[i] = &entries[i];
    }
  reply.subscriptions = list;
  reply.n_subscriptions = n;
  client_answer_packed (request, DEYE_BUS_TYPE_PREFIX "ClientStats", &reply.base);
}

/* --- about its services --- */

static void
client_answer_introspect (const ClientRequest *request)
{
  g_autoptr (WireGuard) guard
      = client_unpack_request (request, &daemoneye__eventbus__v1__introspect_request__descriptor);
  const Daemoneye__Eventbus__V1__IntrospectRequest *asked;
  g_autoptr (GBytes) payload = NULL;

  if (guard == NULL)
    return;
  asked = wire_guard_message (guard);
  payload = deye_bus_describe_services (request->client->id, request->client->services, asked->service,
                                        !asked->without_types);
  client_answer_bytes (request, DEYE_BUS_TYPE_PREFIX "IntrospectReply", payload);
}

static void
client_answer_properties (const ClientRequest *request)
{
  g_autoptr (WireGuard) guard
      = client_unpack_request (request, &daemoneye__eventbus__v1__properties_request__descriptor);
  const Daemoneye__Eventbus__V1__PropertiesRequest *asked;
  g_autoptr (GBytes) payload = NULL;

  if (guard == NULL)
    return;
  asked = wire_guard_message (guard);
  payload = deye_bus_describe_properties (request->client->id, request->client->services, asked->service, asked->name);
  client_answer_bytes (request, DEYE_BUS_TYPE_PREFIX "Properties", payload);
}

static void
client_set_property (const ClientRequest *request,
                     DeyeBusService *service,
                     DeyeBusServiceProperty *property,
                     const DeyeBusWireValue *wire)
{
  g_auto (GValue) given = G_VALUE_INIT;
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GPtrArray) one = g_ptr_array_new_with_free_func (g_object_unref); /* a handler may release the client */
  g_autoptr (GBytes) payload = NULL;

  g_ptr_array_add (one, g_object_ref (service));
  if (!deye_bus_value_from_wire (wire, &given)
      || !deye_bus_value_convert (&given, G_VALUE_TYPE (&property->value), &value))
    client_answer_error (request, "BadValue", "the value of %s is a %s", property->name,
                         deye_bus_value_kind (G_VALUE_TYPE (&property->value)));
  else if (!property->writable)
    client_answer_error (request, "ReadOnly", "%s can't be set from outside", property->name);
  else if (!deye_bus_service_ask_property (service, property, &value))
    client_answer_error (request, "Refused", "the peer refuses this value of %s", property->name);
  else
    {
      payload = deye_bus_describe_properties (request->client->id, one, "", property->name);
      client_answer_bytes (request, DEYE_BUS_TYPE_PREFIX "Properties", payload);
    }
}

static void
client_answer_set_property (const ClientRequest *request)
{
  g_autoptr (WireGuard) guard
      = client_unpack_request (request, &daemoneye__eventbus__v1__set_property_request__descriptor);
  const Daemoneye__Eventbus__V1__SetPropertyRequest *asked;
  DeyeBusServiceProperty *property;
  DeyeBusService *service = NULL;

  if (guard == NULL)
    return;
  asked = wire_guard_message (guard);
  property = deye_bus_services_find_property (request->client->services, asked->service, asked->name, &service);
  if (property == NULL)
    client_answer_error (request, "UnknownProperty", "there is no such property: GetProperties lists the properties");
  else
    client_set_property (request, service, property, asked->value);
}

/* --- requests --- */

static void (*const client_answers[DEYE_BUS_STANDARD_N_METHODS]) (const ClientRequest *request) = {
  [DEYE_BUS_STANDARD_PING] = client_answer_ping,
  [DEYE_BUS_STANDARD_INFO] = client_answer_info,
  [DEYE_BUS_STANDARD_INTROSPECT] = client_answer_introspect,
  [DEYE_BUS_STANDARD_STATS] = client_answer_stats,
  [DEYE_BUS_STANDARD_HEALTH] = client_answer_health,
  [DEYE_BUS_STANDARD_PROPERTIES] = client_answer_properties,
  [DEYE_BUS_STANDARD_SET_PROPERTY] = client_answer_set_property,
};

void
deye_bus_client_on_method (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  ClientRequest request = { data, message };
  const char *name = deye_bus_message_get_method (message);
  g_autoptr (DeyeBusService) kept = NULL; /* a callback may release the client, and so its services */
  DeyeBusService *service = NULL;
  const DeyeBusServiceMethod *method;
  DeyeBusStandardMethod standard;

  request.client->requests_served++;
  if (deye_bus_standard_find (name, &standard))
    {
      client_answers[standard](&request);
      return;
    }
  method = deye_bus_services_find_method (request.client->services, name, &service);
  if (method == NULL)
    {
      client_answer_error (&request, "UnknownMethod", "there is no method %s: Introspect lists the methods",
                           name != NULL ? name : "without a name");
      return;
    }
  kept = g_object_ref (service);
  method->callback (request.client, message, method->user_data);
}

static gboolean
client_owns_topic (const DeyeBusClient *self, const char *topic)
{
  return g_str_has_prefix (topic, DEYE_BUS_METHODS_PREFIX)
         && g_str_equal (topic + strlen (DEYE_BUS_METHODS_PREFIX), self->id);
}

/* Called for each answer, so the usual case is tested first: most requests have no method. */
const char *
deye_bus_client_reply_type (DeyeBusClient *self, DeyeBusMessage *request)
{
  const char *name = deye_bus_message_get_method (request);
  const DeyeBusServiceMethod *method = NULL;
  DeyeBusService *service = NULL;

  if (name != NULL && client_owns_topic (self, deye_bus_message_get_topic (request)))
    method = deye_bus_services_find_method (self->services, name, &service);
  return method != NULL ? method->reply_type : NULL;
}

/* --- services --- */

GPtrArray *
deye_bus_client_new_services (void)
{
  GPtrArray *services = g_ptr_array_new_with_free_func (g_object_unref);

  g_ptr_array_add (services, deye_bus_services_new_standard ());
  return services;
}

/* Publishes the new value, if the client is connected. */
static void
client_on_property_changed (DeyeBusService *service, DeyeBusServiceProperty *property)
{
  DeyeBusClient *self = service->client;
  g_autofree char *topic = g_strconcat ("health.properties.", self->id, NULL);
  g_autoptr (GPtrArray) one = g_ptr_array_new ();
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (GError) error = NULL;

  if (self->state != DEYE_BUS_CLIENT_STATE_READY)
    return;
  g_ptr_array_add (one, service);
  payload = deye_bus_describe_properties (self->id, one, "", property->name);
  if (!deye_bus_client_post (self, topic, payload, DEYE_BUS_TYPE_PREFIX "Properties", NULL, &error))
    g_message ("Change of %s not published: %s", property->name, error->message);
}

gboolean
deye_bus_client_add_service (DeyeBusClient *self, DeyeBusService *service, GError **error)
{
  gboolean ok;

  g_return_val_if_fail (DEYE_BUS_IS_CLIENT (self), FALSE);
  g_return_val_if_fail (DEYE_BUS_IS_SERVICE (service), FALSE);

  if (!deye_bus_client_enter (self, error))
    return FALSE;
  ok = deye_bus_service_check (service, error) && deye_bus_services_check (self->services, service, error);
  if (ok)
    {
      g_set_weak_pointer (&service->client, self);
      g_clear_pointer (&service->context, g_main_context_unref);
      service->context = g_main_context_ref (self->context);
      service->changed = client_on_property_changed;
      g_ptr_array_add (self->services, g_object_ref (service));
    }
  deye_bus_client_leave (self);
  return ok;
}

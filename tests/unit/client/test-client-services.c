/* SPDX-License-Identifier: Apache-2.0 */
#include "client-fixture.h"

#include "control.pb-c.h"
#include "health.pb-c.h"
#include "introspection.pb-c.h"
#include "test-system.h"
#include "wire-feature.h"
#include "wire-guard.h"

#include <math.h>

/* What a client answers without work by its author, and what services add to it. */

#define TOPIC "control.collector.tester"

/* A FileDescriptorSet of one file, called "a". */
#define TYPES "\x0a\x03\x0a\x01\x61"

typedef ClientFixture Fixture;
typedef Daemoneye__Eventbus__V1__SubscribeRequest SubscribeRequest;
typedef Daemoneye__Eventbus__V1__IntrospectReply IntrospectReply;
typedef Daemoneye__Eventbus__V1__Properties Properties;

static const ScriptWelcome with_methods = { .features = WIRE_FEATURE_PEER_METHODS };

/* --- the broker's side --- */

static GPtrArray *
hear_some (Fixture *f)
{
  GPtrArray *frames = client_fixture_hear (f);

  while (frames->len == 0)
    {
      g_ptr_array_unref (frames);
      g_main_context_iteration (f->context, TRUE);
      frames = client_fixture_hear (f);
    }
  return frames;
}

/* The client asks to serve its methods; the broker has not answered. */
static void
connect_until_asked (Fixture *f, ClientResult *result)
{
  g_autoptr (GPtrArray) hello = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (WireGuard) guard = NULL;
  const SubscribeRequest *request;

  deye_bus_client_connect_async (f->client, NULL, client_result_set, result);
  hello = hear_some (f);
  script_welcome (f->in, &with_methods);
  client_fixture_say (f);
  frames = hear_some (f);
  g_assert_cmpuint (frames->len, ==, 1);
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__subscribe_request__descriptor,
                             ((ScriptFrame *) frames->pdata[0])->envelope.payload, 0, NULL);
  g_assert_nonnull (guard);
  request = wire_guard_message (guard);
  g_assert_cmpstr (request->pattern, ==, TOPIC);
  g_assert_true (request->serve);
  g_assert_true (request->methods);
  g_assert_cmpuint (request->subscription, ==, 1);
  client_fixture_settle (f);
  g_assert_cmpuint (result->calls, ==, 0); /* connected is who can be asked */
}

static void
connect_served (Fixture *f)
{
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GError) error = NULL;

  connect_until_asked (f, &result);
  script_subscribe_reply (f->in, 2, 100, 100000);
  client_fixture_say (f);
  client_fixture_wait (f, result.calls == 1);
  g_assert_true (deye_bus_client_connect_finish (f->client, result.result, &error));
  g_assert_no_error (error);
}

/* Asks the client for @method, and has its answer, with what was sent in the same turn. */
static GPtrArray *
call (Fixture *f, const char *method, const char *payload)
{
  GPtrArray *frames;

  g_ptr_array_unref (client_fixture_hear (f));
  script_request (f->in, 1, 700, TOPIC, method, payload);
  client_fixture_say (f);
  frames = hear_some (f);
  g_assert_cmpint (((ScriptFrame *) frames->pdata[frames->len - 1])->kind, ==, WIRE_KIND_REPLY);
  return frames;
}

static const WireEnvelope *
last (GPtrArray *frames)
{
  return &((ScriptFrame *) frames->pdata[frames->len - 1])->envelope;
}

static void
assert_span (WireSpan span, const char *text)
{
  g_autofree char *got = g_strndup ((const char *) span.data, span.len);

  g_assert_cmpstr (got, ==, text);
}

static void
assert_error (Fixture *f, const char *method, const char *payload, const char *name)
{
  g_autoptr (GPtrArray) frames = call (f, method, payload);

  g_assert_cmpuint (last (frames)->status, ==, WIRE_STATUS_FAILED);
  assert_span (last (frames)->error_name, name);
  g_assert_cmpuint (last (frames)->detail.len, >, 10);
}

static WireGuard *
call_for (Fixture *f, const char *method, const char *payload, const ProtobufCMessageDescriptor *type)
{
  g_autoptr (GPtrArray) frames = call (f, method, payload);
  WireGuard *guard;

  g_assert_cmpuint (last (frames)->status, ==, 0);
  assert_span (last (frames)->type_name, type->name);
  guard = wire_guard_unpack (type, last (frames)->payload, 0, NULL);
  g_assert_nonnull (guard);
  return guard;
}

/* --- connecting --- */

static void
test_served_before_connected (Fixture *f, gconstpointer data)
{
  connect_served (f);
}

static gpointer
answer_sync (gpointer data)
{
  Fixture *f = data;
  g_autoptr (GByteArray) out = g_byte_array_new ();

  script_welcome (out, &with_methods);
  g_assert_true (raw_socket_send (f->peer, out->data, out->len));
  g_byte_array_set_size (out, 0);
  /* The second frame that comes is the question. */
  for (guint heard = 0; heard < 2;)
    {
      g_autoptr (GPtrArray) frames = client_fixture_hear (f);

      heard += frames->len;
      g_thread_yield ();
    }
  script_subscribe_reply (out, 2, 100, 100000);
  g_assert_true (raw_socket_send (f->peer, out->data, out->len));
  return NULL;
}

static void
test_connect_sync (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  GThread *thread = g_thread_new ("broker", answer_sync, f);

  g_assert_true (deye_bus_client_connect (f->client, NULL, &error));
  g_assert_no_error (error);
  g_thread_join (thread);
  frames = call (f, "Ping", "hello");
  assert_span (last (frames)->payload, "hello");
}

/* A broker that does not let it serve them is good for everything else. */
static void
test_refused (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GError) error = NULL;

  connect_until_asked (f, &result);
  script_error (f->in, 2, WIRE_STATUS_DENIED);
  client_fixture_say (f);
  client_fixture_wait (f, result.calls == 1);
  g_assert_true (deye_bus_client_connect_finish (f->client, result.result, &error));
  g_assert_no_error (error);
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_READY);
}

static void
test_lost_meanwhile (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GError) error = NULL;

  connect_until_asked (f, &result);
  client_fixture_hang_up (f);
  client_fixture_wait (f, result.calls == 1);
  g_assert_false (deye_bus_client_connect_finish (f->client, result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
}

static void
test_closed_meanwhile (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GError) error = NULL;

  connect_until_asked (f, &result);
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
  client_fixture_wait (f, result.calls == 1);
  g_assert_false (deye_bus_client_connect_finish (f->client, result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
}

static void
test_cancelled_meanwhile (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GPtrArray) hello = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  deye_bus_client_connect_async (f->client, cancellable, client_result_set, &result);
  hello = hear_some (f);
  script_welcome (f->in, &with_methods);
  client_fixture_say (f);
  frames = hear_some (f);
  g_cancellable_cancel (cancellable);
  client_fixture_wait (f, result.calls == 1);
  g_assert_false (deye_bus_client_connect_finish (f->client, result.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  /* Not half connected: the broker hears that it goes. */
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_DISCONNECTED);
  g_clear_pointer (&frames, g_ptr_array_unref);
  frames = client_fixture_hear (f);
  g_assert_nonnull (script_find (frames, WIRE_KIND_GOODBYE));
}

/* WELCOME and GOODBYE arrive together: the handshake succeeded, but there is no connection for the next step. */
static void
script_welcome_and_goodbye (Fixture *f)
{
  script_welcome (f->in, &with_methods);
  script_goodbye (f->in, WIRE_STATUS_SHUTTING_DOWN, NULL);
  client_fixture_say (f);
}

static void
test_ended_between_steps_sync (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  script_welcome_and_goodbye (f);
  g_assert_false (deye_bus_client_connect (f->client, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
  frames = client_fixture_hear_one (f, WIRE_KIND_HELLO);
}

static void
test_ended_between_steps_async (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  script_welcome_and_goodbye (f);
  deye_bus_client_connect_async (f->client, NULL, client_result_set, &result);
  client_fixture_wait (f, result.calls == 1);
  g_assert_false (deye_bus_client_connect_finish (f->client, result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_DISCONNECTED);
  frames = client_fixture_hear_one (f, WIRE_KIND_HELLO);
}

static void
cancel_on_state (GObject *client, GParamSpec *pspec, gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
}

/* The first change of the state is dispatched before the end of the handshake. */
static void
test_cancelled_between_steps (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  g_signal_connect (f->client, "notify::state", G_CALLBACK (cancel_on_state), cancellable);
  script_welcome (f->in, &with_methods);
  client_fixture_say (f);
  deye_bus_client_connect_async (f->client, cancellable, client_result_set, &result);
  client_fixture_wait (f, result.calls == 1);
  g_assert_false (deye_bus_client_connect_finish (f->client, result.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_DISCONNECTED);
  frames = client_fixture_hear (f);
  g_assert_nonnull (script_find (frames, WIRE_KIND_GOODBYE));
}

static void
test_own_topic_is_the_librarys (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  connect_served (f);
  g_assert_null (deye_bus_client_serve (f->client, TOPIC, NULL, NULL, NULL, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DUPLICATE_ID);
}

/* --- standard methods --- */

static void
test_standard (Fixture *f, gconstpointer data)
{
  connect_served (f);
  {
    g_autoptr (GPtrArray) frames = call (f, "Ping", "as sent");

    assert_span (last (frames)->payload, "as sent");
  }
  {
    g_autoptr (WireGuard) guard = call_for (f, "GetInfo", "", &daemoneye__eventbus__v1__peer_description__descriptor);
    const Daemoneye__Eventbus__V1__PeerDescription *info = wire_guard_message (guard);

    g_assert_cmpstr (info->id, ==, "tester");
    g_assert_cmpstr (info->type, ==, "procmond");
    g_assert_cmpuint (info->pid, ==, test_system_pid ());
    g_assert_cmpuint (info->health, ==, DEYE_BUS_HEALTH_HEALTHY);
    g_assert_cmpuint (info->n_services, ==, 1);
    g_assert_cmpstr (info->services[0], ==, "daemoneye.eventbus.Peer");
  }
  {
    g_autoptr (WireGuard) guard = call_for (f, "HealthCheck", "", &daemoneye__eventbus__v1__health_reply__descriptor);

    g_assert_cmpuint (((const Daemoneye__Eventbus__V1__HealthReply *) wire_guard_message (guard))->requests_served, ==,
                      3);
  }
  assert_error (f, "Dance", "", "UnknownMethod");
  assert_error (f, "Introspect", "\xff\xff", "BadRequest");
}

static void
test_stats_are_exact (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) guard = NULL;
  g_autoptr (GBytes) payload = g_bytes_new_static ("x", 1);
  const Daemoneye__Eventbus__V1__ClientStats *stats;

  connect_served (f);
  for (guint i = 0; i < 3; i++)
    g_assert_true (deye_bus_client_publish (f->client, "events.process.x", payload, NULL, NULL, NULL, NULL));
  script_deliver (f->in, 1, 0, 9, "nothing.of.ours", "x", 1);
  script_gap (f->in, 1, 10, 14, 5);
  guard = call_for (f, "GetStats", "", &daemoneye__eventbus__v1__client_stats__descriptor);
  stats = wire_guard_message (guard);
  g_assert_cmpuint (stats->published, ==, 3);
  g_assert_cmpuint (stats->requested, ==, 1); /* to serve the methods */
  g_assert_cmpuint (stats->answered, ==, 0);
  g_assert_cmpuint (stats->received, ==, 2);
  g_assert_cmpuint (stats->missed, ==, 5);
  g_assert_cmpuint (stats->pending, ==, 0);
  g_assert_cmpuint (stats->bytes_in, >, 0);
  g_assert_cmpuint (stats->bytes_out, >, stats->bytes_in / 10);
  g_assert_cmpuint (stats->n_subscriptions, ==, 1);
  g_assert_cmpstr (stats->subscriptions[0]->pattern, ==, TOPIC);
}

/* --- services --- */

typedef struct
{
  guint calls;
  guint destroyed;
} Watch;

/* Lasts longer than a test: services are freed with the client, by the fixture. */
static Watch *
new_watch (void)
{
  static Watch watch;

  watch = (Watch){ 0 };
  return &watch;
}

static void
on_call (DeyeBusClient *client, DeyeBusMessage *request, gpointer data)
{
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (request);
  g_autoptr (GError) error = NULL;

  ((Watch *) data)->calls++;
  g_assert_true (deye_bus_client_respond (client, request, payload, NULL, &error));
  g_assert_no_error (error);
}

static void
on_destroyed (gpointer data)
{
  ((Watch *) data)->destroyed++;
}

static void
add_value (DeyeBusService *service, const char *name, GType type, gint64 number, const char *text, gboolean writable)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_auto (GValue) converted = G_VALUE_INIT;

  if (type == G_TYPE_STRING)
    g_value_set_string (g_value_init (&value, type), text);
  else
    g_value_set_int64 (g_value_init (&value, G_TYPE_INT64), number);
  g_value_init (&converted, type);
  g_assert_true (g_value_transform (&value, &converted));
  deye_bus_service_add_property (service, name, &converted, writable, "doc");
}

static DeyeBusService *
new_service (Watch *watch)
{
  DeyeBusService *service = deye_bus_service_new ("org.example.Disk", "Disks.");
  g_autoptr (GBytes) types = g_bytes_new_static (TYPES, sizeof TYPES - 1);

  deye_bus_service_add_method (service, "List", "org.example.Query", "org.example.Disks", "All.", on_call, watch,
                               on_destroyed);
  deye_bus_service_add_topic (service, "Task", "control.collector.task.disk", "disks", "a.B", NULL, NULL);
  deye_bus_service_add_event (service, "Worn", "events.disk.worn", "org.example.Disk", NULL);
  add_value (service, "small", G_TYPE_INT, -3, NULL, TRUE);
  add_value (service, "large", G_TYPE_UINT, 3, NULL, TRUE);
  add_value (service, "label", G_TYPE_STRING, 0, "none", FALSE);
  add_value (service, "ratio", G_TYPE_FLOAT, 2, NULL, TRUE);
  add_value (service, "active", G_TYPE_BOOLEAN, 1, NULL, TRUE);
  deye_bus_service_add_types (service, types);
  return service;
}

static DeyeBusService *
connect_with_service (Fixture *f, Watch *watch)
{
  DeyeBusService *service = new_service (watch);
  g_autoptr (GError) error = NULL;

  g_assert_true (deye_bus_client_add_service (f->client, service, &error));
  g_assert_no_error (error);
  connect_served (f);
  return service;
}

static void
test_method (Fixture *f, gconstpointer data)
{
  Watch *watch = new_watch ();
  g_autoptr (DeyeBusService) service = connect_with_service (f, watch);
  g_autoptr (GPtrArray) by_name = call (f, "List", "one");
  g_autoptr (GPtrArray) in_full = call (f, "org.example.Disk.List", "two");

  assert_span (last (by_name)->payload, "one");
  assert_span (last (by_name)->type_name, "org.example.Disks");
  assert_span (last (in_full)->payload, "two");
  g_assert_cmpuint (watch->calls, ==, 2);
  assert_error (f, "org.example.Disk.Dance", "", "UnknownMethod");
  assert_error (f, "Task", "", "UnknownMethod"); /* a topic is served elsewhere */
  assert_error (f, "org.example.DiskXList", "", "UnknownMethod");
  g_assert_cmpuint (watch->destroyed, ==, 0);
  g_clear_object (&service);
  g_assert_finalize_object (g_steal_pointer (&f->client));
  g_assert_cmpuint (watch->destroyed, ==, 1);
}

static void
check_described (const IntrospectReply *reply)
{
  const Daemoneye__Eventbus__V1__ServiceInfo *service = reply->services[reply->n_services - 1];

  g_assert_cmpstr (reply->id, ==, "tester");
  g_assert_cmpstr (service->name, ==, "org.example.Disk");
  g_assert_cmpstr (service->doc, ==, "Disks.");
  g_assert_cmpuint (service->n_methods, ==, 2);
  g_assert_cmpstr (service->methods[0]->name, ==, "List");
  g_assert_cmpstr (service->methods[0]->request_type, ==, "org.example.Query");
  g_assert_cmpstr (service->methods[0]->topic, ==, "");
  g_assert_cmpstr (service->methods[1]->topic, ==, "control.collector.task.disk");
  g_assert_cmpstr (service->methods[1]->group, ==, "disks");
  g_assert_cmpstr (service->methods[1]->reply_type, ==, "");
  g_assert_cmpstr (service->events[0]->topic, ==, "events.disk.worn");
  g_assert_cmpuint (service->n_properties, ==, 5);
  g_assert_cmpint (service->properties[0]->value->integer, ==, -3);
  g_assert_cmpint (service->properties[1]->value->kind_case, ==, DAEMONEYE__EVENTBUS__V1__VALUE__KIND_NATURAL);
  g_assert_false (service->properties[2]->writable);
  g_assert_cmpstr (service->properties[2]->value->text, ==, "none");
  g_assert_true (service->properties[4]->value->truth);
}

/* A topic that is served otherwise has nothing to do with the methods. */
static void
on_other_topic (DeyeBusSubscription *subscription, DeyeBusMessage *request, gpointer data)
{
  g_assert_true (deye_bus_client_respond (data, request, NULL, NULL, NULL));
}

static void
test_reply_type_is_of_methods_only (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscription) serving = NULL;
  g_autoptr (GPtrArray) asked = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  g_object_unref (connect_with_service (f, new_watch ()));
  script_subscribe_reply (f->in, 4, 100, 100000);
  client_fixture_say (f);
  serving = deye_bus_client_serve (f->client, "health.disk", NULL, on_other_topic, f->client, NULL, NULL, NULL);
  g_assert_nonnull (serving);
  asked = client_fixture_hear (f);
  script_request (f->in, deye_bus_subscription_get_id (serving), 704, "health.disk", "List", "");
  client_fixture_say (f);
  frames = hear_some (f);
  g_assert_cmpuint (script_find (frames, WIRE_KIND_REPLY)->envelope.route, ==, 704);
  g_assert_cmpuint (script_find (frames, WIRE_KIND_REPLY)->envelope.type_name.len, ==, 0);
}

static void
test_introspect (Fixture *f, gconstpointer data)
{
  g_object_unref (connect_with_service (f, new_watch ()));

  {
    g_autoptr (WireGuard) guard
        = call_for (f, "Introspect", "", &daemoneye__eventbus__v1__introspect_reply__descriptor);
    const IntrospectReply *reply = wire_guard_message (guard);

    g_assert_cmpuint (reply->n_services, ==, 2);
    g_assert_cmpstr (reply->services[0]->name, ==, "daemoneye.eventbus.Peer");
    check_described (reply);
    g_assert_cmpuint (reply->n_types, ==, 2); /* the library's own, and the service's */
    g_assert_cmpmem (reply->types[1].data, reply->types[1].len, TYPES, sizeof TYPES - 1);
  }
  {
    /* service = "org.example.Disk", without_types = true */
    g_autoptr (WireGuard) guard = call_for (f, "Introspect", "\x0a\x10org.example.Disk\x10\x01",
                                            &daemoneye__eventbus__v1__introspect_reply__descriptor);
    const IntrospectReply *reply = wire_guard_message (guard);

    g_assert_cmpuint (reply->n_services, ==, 1);
    check_described (reply);
    g_assert_cmpuint (reply->n_types, ==, 0);
  }
}

/* --- properties --- */

static gboolean
refuse_negative (DeyeBusService *service, const char *name, const GValue *value, gpointer data)
{
  return g_str_equal (name, "small") && g_value_get_int64 (value) < 0;
}

#define NATURAL(n)         "\x1a\x02\x18" n
#define INTEGER(n)         "\x1a\x02\x10" n
#define NAME(length, name) "\x12" length name

static gint64
small_of (DeyeBusService *service)
{
  g_auto (GValue) value = G_VALUE_INIT;

  g_assert_true (deye_bus_service_read_property (service, "small", &value));
  return g_value_get_int64 (&value);
}

/* Of the two frames, the first tells everybody. */
static void
test_set_property (Fixture *f, gconstpointer data)
{
  Watch *watch = new_watch ();
  g_autoptr (DeyeBusService) service = connect_with_service (f, watch);
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (WireGuard) told = NULL;
  const Properties *properties;

  g_signal_connect (service, "refuse-property", G_CALLBACK (refuse_negative), NULL);
  frames = call (f, "SetProperty", NAME ("\x05", "small") NATURAL ("\x07"));
  g_assert_cmpuint (frames->len, ==, 2);
  assert_span (((ScriptFrame *) frames->pdata[0])->envelope.topic, "health.properties.tester");
  told = wire_guard_unpack (&daemoneye__eventbus__v1__properties__descriptor,
                            ((ScriptFrame *) frames->pdata[0])->envelope.payload, 0, NULL);
  g_assert_nonnull (told);
  properties = wire_guard_message (told);
  g_assert_cmpuint (properties->n_values, ==, 1);
  g_assert_cmpstr (properties->values[0]->service, ==, "org.example.Disk");
  g_assert_cmpint (properties->values[0]->value->integer, ==, 7);
  g_assert_cmpint (small_of (service), ==, 7);

  /* The same again is taken, but is no change. */
  g_clear_pointer (&frames, g_ptr_array_unref);
  frames = call (f, "SetProperty", NAME ("\x05", "small") NATURAL ("\x07"));
  g_assert_cmpuint (frames->len, ==, 1);
  assert_error (f, "SetProperty", NAME ("\x05", "small") "\x1a\x0b\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                "Refused");
  assert_error (f, "SetProperty", NAME ("\x05", "large") "\x1a\x0b\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                "BadValue");
  assert_error (f, "SetProperty", NAME ("\x05", "small") "\x1a\x0b\x18\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
                "BadValue");
  assert_error (f, "SetProperty", NAME ("\x05", "small") "\x1a\x03\x0a\x01x", "BadValue");
  assert_error (f, "SetProperty", NAME ("\x05", "small"), "BadValue");
  assert_error (f, "SetProperty", NAME ("\x05", "label") "\x1a\x03\x0a\x01x", "ReadOnly");
  assert_error (f, "SetProperty", NAME ("\x05", "other") NATURAL ("\x07"), "UnknownProperty");
  assert_error (f, "SetProperty", "\x0a\x01x" NAME ("\x05", "small") NATURAL ("\x07"), "UnknownProperty");
  g_assert_cmpint (small_of (service), ==, 7);
}

static void
test_change_property (Fixture *f, gconstpointer data)
{
  Watch *watch = new_watch ();
  g_autoptr (DeyeBusService) service = new_service (watch);
  g_auto (GValue) value = G_VALUE_INIT;
  g_auto (GValue) none = G_VALUE_INIT;
  g_autoptr (GPtrArray) frames = NULL;

  g_value_set_int (g_value_init (&value, G_TYPE_INT), 11);
  deye_bus_service_change_property (service, "small", &value); /* nobody to tell yet */
  g_assert_cmpint (small_of (service), ==, 11);
  g_assert_true (deye_bus_client_add_service (f->client, service, NULL));
  connect_served (f);
  deye_bus_service_change_property (service, "small", &value);
  frames = client_fixture_hear (f);
  g_assert_cmpuint (frames->len, ==, 0);
  g_value_set_int (&value, 12);
  deye_bus_service_change_property (service, "large", &value); /* an int that is no negative fits */
  g_clear_pointer (&frames, g_ptr_array_unref);
  frames = client_fixture_hear_one (f, WIRE_KIND_PUBLISH);
  g_assert_false (deye_bus_service_read_property (service, "other", &none));
  /* After the client it is a service of nobody. */
  g_clear_object (&f->client);
  g_value_set_int (&value, 13);
  deye_bus_service_change_property (service, "small", &value);
  g_assert_cmpint (small_of (service), ==, 13);
}

static void
change_number (Fixture *f, DeyeBusService *service, gdouble number, guint told)
{
  g_auto (GValue) value = G_VALUE_INIT;
  g_autoptr (GPtrArray) frames = NULL;

  g_value_set_double (g_value_init (&value, G_TYPE_DOUBLE), number);
  deye_bus_service_change_property (service, "ratio", &value);
  frames = client_fixture_hear (f);
  g_assert_cmpuint (frames->len, ==, told);
}

static void
test_no_number (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusService) service = connect_with_service (f, new_watch ());

  change_number (f, service, (gdouble) NAN, 1);
  change_number (f, service, (gdouble) NAN, 0);
  change_number (f, service, 5.0, 1);
  change_number (f, service, 5.0, 0);
}

static void
test_get_properties (Fixture *f, gconstpointer data)
{
  g_object_unref (connect_with_service (f, new_watch ()));

  g_autoptr (WireGuard) all = call_for (f, "GetProperties", "", &daemoneye__eventbus__v1__properties__descriptor);
  g_autoptr (WireGuard) one
      = call_for (f, "GetProperties", NAME ("\x05", "label"), &daemoneye__eventbus__v1__properties__descriptor);
  g_autoptr (WireGuard) none
      = call_for (f, "GetProperties", "\x0a\x01x", &daemoneye__eventbus__v1__properties__descriptor);

  g_assert_cmpuint (((const Properties *) wire_guard_message (all))->n_values, ==, 5);
  g_assert_cmpuint (((const Properties *) wire_guard_message (one))->n_values, ==, 1);
  g_assert_cmpstr (((const Properties *) wire_guard_message (one))->values[0]->value->text, ==, "none");
  g_assert_cmpuint (((const Properties *) wire_guard_message (none))->n_values, ==, 0);
}

/* --- limits and mistakes --- */

static void
put_varint (GByteArray *bytes, guint tag, gsize number)
{
  guint8 low;

  g_byte_array_append (bytes, (const guint8[]){ (guint8) tag }, 1);
  for (; number > 127; number >>= 7)
    {
      low = (guint8) (number & 127) | 128;
      g_byte_array_append (bytes, &low, 1);
    }
  low = (guint8) number;
  g_byte_array_append (bytes, &low, 1);
}

/* A set of one file, whose name makes it about @len bytes long. */
static GBytes *
new_large_types (gsize len)
{
  GByteArray *bytes = g_byte_array_new ();
  g_autofree char *name = g_strnfill (len, 'a');

  put_varint (bytes, 0x0a, len + 4); /* file, of so many bytes */
  put_varint (bytes, 0x0a, len);     /* its name: a tag and three bytes of length */
  g_byte_array_append (bytes, (const guint8 *) name, (guint) len);
  return g_byte_array_free_to_bytes (bytes);
}

static void
test_limits (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusService) heavy = deye_bus_service_new ("heavy", NULL);
  g_autoptr (GBytes) types = new_large_types (200000);
  g_autoptr (GError) error = NULL;

  deye_bus_service_add_types (heavy, types);
  deye_bus_service_add_types (heavy, types);
  g_assert_false (deye_bus_client_add_service (f->client, heavy, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  g_clear_error (&error);
  for (guint i = 0; i < 63; i++) /* and the standard one */
    {
      g_autofree char *name = g_strdup_printf ("service%u", i);
      g_autoptr (DeyeBusService) service = deye_bus_service_new (name, NULL);

      g_assert_true (deye_bus_client_add_service (f->client, service, &error));
      if (i == 0)
        {
          g_autoptr (DeyeBusService) again = deye_bus_service_new (name, NULL);

          g_assert_false (deye_bus_client_add_service (f->client, again, &error));
          g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DUPLICATE_ID);
          g_clear_error (&error);
        }
    }
  {
    g_autoptr (DeyeBusService) service = deye_bus_service_new ("onemore", NULL);

    g_assert_false (deye_bus_client_add_service (f->client, service, &error));
    g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  }
}

/* An answer that would be too large is an error that says so, not a closed connection. */
static void
test_too_large (Fixture *f, gconstpointer data)
{
  const ScriptWelcome small = { .features = WIRE_FEATURE_PEER_METHODS, .largest_payload = 1000 };
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GPtrArray) hello = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  deye_bus_client_connect_async (f->client, NULL, client_result_set, &result);
  hello = hear_some (f);
  script_welcome (f->in, &small);
  client_fixture_say (f);
  frames = hear_some (f);
  script_subscribe_reply (f->in, 2, 100, 100000);
  client_fixture_say (f);
  client_fixture_wait (f, result.calls == 1);
  assert_error (f, "Introspect", "", "TooLarge");
  /* service = "daemoneye.eventbus.Peer", without_types = true: still too large; another one is not. */
  assert_error (f, "Introspect",
                "\x0a\x17"
                "daemoneye.eventbus.Peer\x10\x01",
                "TooLarge");
  g_ptr_array_unref (call (f, "Ping", "fits"));
}

static void
expect_critical (void)
{
  g_test_expect_message ("DeyeBus", G_LOG_LEVEL_CRITICAL, "*assertion*failed*");
}

static void
test_mistakes (void)
{
  Watch *watch = new_watch ();
  g_autoptr (DeyeBusService) service = new_service (watch);
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_OBJECT);
  expect_critical ();
  g_assert_null (deye_bus_service_new ("9lives", NULL));
  expect_critical ();
  g_assert_null (deye_bus_service_new ("a b", NULL));
  expect_critical ();
  deye_bus_service_add_method (service, "List", NULL, NULL, NULL, on_call, watch, NULL);
  expect_critical ();
  deye_bus_service_add_method (service, "Ping", NULL, NULL, NULL, on_call, watch, NULL);
  expect_critical ();
  deye_bus_service_add_event (service, "Worn", "events.disk.worn", NULL, NULL);
  expect_critical ();
  deye_bus_service_add_event (service, "New", "events.disk.new", "no type", NULL);
  expect_critical ();
  deye_bus_service_add_property (service, "object", &value, FALSE, NULL);
  expect_critical ();
  deye_bus_service_add_property (service, "small", &value, FALSE, NULL);
  g_value_unset (&value);
  g_value_set_string (g_value_init (&value, G_TYPE_STRING), "\xff");
  expect_critical ();
  deye_bus_service_add_property (service, "text", &value, FALSE, NULL);
  expect_critical ();
  deye_bus_service_change_property (service, "label", &value);
  g_test_assert_expected_messages ();
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/services/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M23-served-before-connected", test_served_before_connected);
  ADD ("connect-sync", test_connect_sync);
  ADD ("refused", test_refused);
  ADD ("lost-meanwhile", test_lost_meanwhile);
  ADD ("closed-meanwhile", test_closed_meanwhile);
  ADD ("cancelled-meanwhile", test_cancelled_meanwhile);
  ADD ("ended-between-steps-sync", test_ended_between_steps_sync);
  ADD ("ended-between-steps-async", test_ended_between_steps_async);
  ADD ("cancelled-between-steps", test_cancelled_between_steps);
  ADD ("own-topic", test_own_topic_is_the_librarys);
  ADD ("M23-standard", test_standard);
  ADD ("M23-stats-are-exact", test_stats_are_exact);
  ADD ("M23-method", test_method);
  ADD ("reply-type-is-of-methods-only", test_reply_type_is_of_methods_only);
  ADD ("M23-introspect", test_introspect);
  ADD ("no-number", test_no_number);
  ADD ("M23-set-property", test_set_property);
  ADD ("M23-change-property", test_change_property);
  ADD ("M23-get-properties", test_get_properties);
  ADD ("limits", test_limits);
  ADD ("too-large", test_too_large);
  g_test_add_func ("/client/services/mistakes", test_mistakes);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "services-fixture.h"

/* The standard methods of a client, and the methods and the description of its services. */

/* --- standard methods --- */

static void
test_standard (Fixture *f, gconstpointer data)
{
  services_fixture_connect_served (f);
  {
    g_autoptr (GPtrArray) frames = services_fixture_call (f, "Ping", "as sent");

    services_fixture_assert_span (services_fixture_last (frames)->payload, "as sent");
  }
  {
    g_autoptr (WireGuard) guard
        = services_fixture_call_for (f, "GetInfo", "", &daemoneye__eventbus__v1__peer_description__descriptor);
    const Daemoneye__Eventbus__V1__PeerDescription *info = wire_guard_message (guard);

    g_assert_cmpstr (info->id, ==, "tester");
    g_assert_cmpstr (info->type, ==, "procmond");
    g_assert_cmpuint (info->pid, ==, test_system_pid ());
    g_assert_cmpuint (info->health, ==, DEYE_BUS_HEALTH_HEALTHY);
    g_assert_cmpuint (info->n_services, ==, 1);
    g_assert_cmpstr (info->services[0], ==, "daemoneye.eventbus.Peer");
  }
  {
    g_autoptr (WireGuard) guard
        = services_fixture_call_for (f, "HealthCheck", "", &daemoneye__eventbus__v1__health_reply__descriptor);

    g_assert_cmpuint (((const Daemoneye__Eventbus__V1__HealthReply *) wire_guard_message (guard))->requests_served, ==,
                      3);
  }
  services_fixture_assert_error (f, "Dance", "", "UnknownMethod");
  services_fixture_assert_error (f, "Introspect", "\xff\xff", "BadRequest");
}

static void
test_stats_are_exact (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) guard = NULL;
  g_autoptr (GBytes) payload = g_bytes_new_static ("x", 1);
  const Daemoneye__Eventbus__V1__ClientStats *stats;

  services_fixture_connect_served (f);
  for (guint i = 0; i < 3; i++)
    g_assert_true (deye_bus_client_publish (f->client, "events.process.x", payload, NULL, NULL, NULL, NULL));
  script_deliver (f->in, 1, 0, 9, "nothing.of.ours", "x", 1);
  script_gap (f->in, 1, 10, 14, 5);
  guard = services_fixture_call_for (f, "GetStats", "", &daemoneye__eventbus__v1__client_stats__descriptor);
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

static void
test_method (Fixture *f, gconstpointer data)
{
  Watch *watch = services_fixture_new_watch ();
  g_autoptr (DeyeBusService) service = services_fixture_connect_with_service (f, watch);
  g_autoptr (GPtrArray) by_name = services_fixture_call (f, "List", "one");
  g_autoptr (GPtrArray) in_full = services_fixture_call (f, "org.example.Disk.List", "two");

  services_fixture_assert_span (services_fixture_last (by_name)->payload, "one");
  services_fixture_assert_span (services_fixture_last (by_name)->type_name, "org.example.Disks");
  services_fixture_assert_span (services_fixture_last (in_full)->payload, "two");
  g_assert_cmpuint (watch->calls, ==, 2);
  services_fixture_assert_error (f, "org.example.Disk.Dance", "", "UnknownMethod");
  services_fixture_assert_error (f, "Task", "", "UnknownMethod"); /* a topic is served elsewhere */
  services_fixture_assert_error (f, "org.example.DiskXList", "", "UnknownMethod");
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

/* A topic that the program itself serves is independent of the methods. */
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

  g_object_unref (services_fixture_connect_with_service (f, services_fixture_new_watch ()));
  script_subscribe_reply (f->in, 4, 100, 100000);
  client_fixture_send (f);
  serving = deye_bus_client_serve (f->client, "health.disk", NULL, on_other_topic, f->client, NULL, NULL, NULL);
  g_assert_nonnull (serving);
  asked = client_fixture_receive (f);
  script_request (f->in, deye_bus_subscription_get_id (serving), 704, "health.disk", "List", "");
  client_fixture_send (f);
  frames = services_fixture_receive (f);
  g_assert_cmpuint (script_find (frames, WIRE_KIND_REPLY)->envelope.route, ==, 704);
  g_assert_cmpuint (script_find (frames, WIRE_KIND_REPLY)->envelope.type_name.len, ==, 0);
}

static void
test_introspect (Fixture *f, gconstpointer data)
{
  g_object_unref (services_fixture_connect_with_service (f, services_fixture_new_watch ()));

  {
    g_autoptr (WireGuard) guard
        = services_fixture_call_for (f, "Introspect", "", &daemoneye__eventbus__v1__introspect_reply__descriptor);
    const IntrospectReply *reply = wire_guard_message (guard);

    g_assert_cmpuint (reply->n_services, ==, 2);
    g_assert_cmpstr (reply->services[0]->name, ==, "daemoneye.eventbus.Peer");
    check_described (reply);
    g_assert_cmpuint (reply->n_types, ==, 2); /* the library's own, and the service's */
    g_assert_cmpmem (reply->types[1].data, reply->types[1].len, TYPES, sizeof TYPES - 1);
  }
  {
    /* service = "org.example.Disk", without_types = true */
    g_autoptr (WireGuard) guard = services_fixture_call_for (f, "Introspect", "\x0a\x10org.example.Disk\x10\x01",
                                                             &daemoneye__eventbus__v1__introspect_reply__descriptor);
    const IntrospectReply *reply = wire_guard_message (guard);

    g_assert_cmpuint (reply->n_services, ==, 1);
    check_described (reply);
    g_assert_cmpuint (reply->n_types, ==, 0);
  }
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

/* Returns a set of one file with a long name, of about @len bytes. */
static GBytes *
new_large_types (gsize len)
{
  GByteArray *bytes = g_byte_array_new ();
  g_autofree char *name = g_strnfill (len, 'a');

  put_varint (bytes, 0x0a, len + 4); /* the file and its length */
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

/* If an answer is too large, an error with this reason is sent instead; the connection stays open. */
static void
test_too_large (Fixture *f, gconstpointer data)
{
  const ScriptWelcome small = { .features = WIRE_FEATURE_PEER_METHODS, .largest_payload = 1000 };
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GPtrArray) hello = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  deye_bus_client_connect_async (f->client, NULL, client_result_set, &result);
  hello = services_fixture_receive (f);
  script_welcome (f->in, &small);
  client_fixture_send (f);
  frames = services_fixture_receive (f);
  script_subscribe_reply (f->in, 2, 100, 100000);
  client_fixture_send (f);
  client_fixture_wait (f, result.calls == 1);
  services_fixture_assert_error (f, "Introspect", "", "TooLarge");
  /* service = "daemoneye.eventbus.Peer", without_types = true: still too large; another one is not. */
  services_fixture_assert_error (f, "Introspect",
                                 "\x0a\x17"
                                 "daemoneye.eventbus.Peer\x10\x01",
                                 "TooLarge");
  g_ptr_array_unref (services_fixture_call (f, "Ping", "fits"));
}

static void
expect_critical (void)
{
  g_test_expect_message ("DeyeBus", G_LOG_LEVEL_CRITICAL, "*assertion*failed*");
}

static void
test_mistakes (void)
{
  Watch *watch = services_fixture_new_watch ();
  g_autoptr (DeyeBusService) service = services_fixture_new_service (watch);
  g_auto (GValue) value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_OBJECT);
  expect_critical ();
  g_assert_null (deye_bus_service_new ("9lives", NULL));
  expect_critical ();
  g_assert_null (deye_bus_service_new ("a b", NULL));
  expect_critical ();
  deye_bus_service_add_method (service, "List", NULL, NULL, NULL, services_fixture_on_call, watch, NULL);
  expect_critical ();
  deye_bus_service_add_method (service, "Ping", NULL, NULL, NULL, services_fixture_on_call, watch, NULL);
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
  ADD ("M23-standard", test_standard);
  ADD ("M23-stats-are-exact", test_stats_are_exact);
  ADD ("M23-method", test_method);
  ADD ("reply-type-is-of-methods-only", test_reply_type_is_of_methods_only);
  ADD ("M23-introspect", test_introspect);
  ADD ("limits", test_limits);
  ADD ("too-large", test_too_large);
  g_test_add_func ("/client/services/mistakes", test_mistakes);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "client-fixture.h"

/*
 * Objects that a binding has constructed without a constructor function, and arguments that only a binding passes: each function
 * reports an error or returns a neutral value. With G_DEBUG=fatal-warnings a critical or a warning fails the test.
 */

#define INVALID DEYE_BUS_ERROR_INVALID_ARGUMENT

/* Asserts the code of the error, and frees it. */
static void
assert_code (GError *error, DeyeBusError code)
{
  g_assert_error (error, DEYE_BUS_ERROR, (gint) code);
  g_assert_true (strlen (error->message) > 20);
  g_error_free (error);
}

static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  g_assert_null (*(GAsyncResult **) data);
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
wait_for (GAsyncResult *const *result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
}

/* --- clients --- */

static void
test_bare_client (void)
{
  g_autoptr (DeyeBusClient) client = g_object_new (DEYE_BUS_TYPE_CLIENT, NULL);
  g_autoptr (GAsyncResult) result = NULL;
  GError *error = NULL;

  g_assert_null (deye_bus_client_get_id (client));
  g_assert_cmpint (deye_bus_client_get_role (client), ==, DEYE_BUS_ROLE_COLLECTOR);
  g_assert_cmpuint (deye_bus_client_get_broker_epoch (client), ==, 0);
  g_assert_false (deye_bus_client_connect (client, NULL, &error));
  assert_code (g_steal_pointer (&error), INVALID);
  deye_bus_client_connect_async (client, NULL, keep_result, &result);
  wait_for (&result);
  g_assert_false (deye_bus_client_connect_finish (client, result, &error));
  assert_code (g_steal_pointer (&error), INVALID);
  g_assert_false (deye_bus_client_publish (client, "events.demo.x", NULL, NULL, NULL, NULL, &error));
  assert_code (g_steal_pointer (&error), DEYE_BUS_ERROR_NOT_CONNECTED);
  g_assert_true (deye_bus_client_set_heartbeat (client, G_TIME_SPAN_SECOND, NULL));
  deye_bus_client_set_health (client, DEYE_BUS_HEALTH_DEGRADED, "not \xff text");
  g_assert_true (deye_bus_client_close (client, NULL, NULL));
}

static void
test_client_by_properties (void)
{
  g_autoptr (DeyeBusClient) client = g_object_new (DEYE_BUS_TYPE_CLIENT, "id", "x-1", "type", "x", "role",
                                                   DEYE_BUS_ROLE_TOOL, "address", "/nowhere/bus", NULL);
  g_autoptr (DeyeBusClient) odd = g_object_new (DEYE_BUS_TYPE_CLIENT, "id", "x-1", "role", 77u, NULL);
  g_autofree char *address = NULL;
  g_autofree char *type = NULL;
  GError *error = NULL;

  g_object_get (client, "address", &address, "type", &type, NULL);
  g_assert_cmpstr (deye_bus_client_get_id (client), ==, "x-1");
  g_assert_cmpstr (address, ==, "/nowhere/bus");
  g_assert_cmpstr (type, ==, "x");
  g_assert_cmpint (deye_bus_client_get_role (client), ==, DEYE_BUS_ROLE_TOOL);
  deye_bus_client_set_reconnect (client, FALSE);
  g_assert_false (deye_bus_client_connect (client, NULL, &error));
  assert_code (g_steal_pointer (&error), DEYE_BUS_ERROR_NO_BROKER);
  g_assert_false (deye_bus_client_connect (odd, NULL, &error));
  assert_code (g_steal_pointer (&error), INVALID);
}

static void
test_no_descriptor (void)
{
  g_autoptr (DeyeBusClient) client = deye_bus_client_new_for_fd (-1, "x-1", NULL);
  GError *error = NULL;

  g_assert_nonnull (client);
  g_assert_false (deye_bus_client_connect (client, NULL, &error));
  assert_code (g_steal_pointer (&error), INVALID);
}

static gpointer
release (gpointer data)
{
  g_object_unref (data);
  return NULL;
}

/* The client is freed in the thread that runs the context, because that thread may be using it. */
static void
test_released_in_another_thread (ClientFixture *f, gconstpointer data)
{
  gpointer client = f->client;

  client_fixture_connect (f, NULL);
  g_object_add_weak_pointer (client, &client);
  g_assert_true (g_main_context_acquire (f->context));
  g_thread_join (g_thread_new ("other", release, g_steal_pointer (&f->client)));
  g_assert_nonnull (client);
  while (client != NULL)
    g_main_context_iteration (f->context, TRUE);
  g_main_context_release (f->context);
}

/* No thread runs the context, so the thread that releases the client frees it. */
static void
test_released_while_no_context_runs (void)
{
  DeyeBusClient *client = deye_bus_client_new_tool ("/nowhere/bus", "x-1");
  gpointer alive = client;

  g_object_add_weak_pointer (alive, &alive);
  g_thread_join (g_thread_new ("other", release, client));
  g_assert_null (alive);
}

/* --- services --- */

static void
on_method (DeyeBusClient *client, DeyeBusMessage *request, gpointer data)
{
  g_assert_not_reached ();
}

static void
count_destroyed (gpointer data)
{
  ++*(guint *) data;
}

static void
assert_not_added (DeyeBusService *service, DeyeBusError code)
{
  g_autoptr (DeyeBusClient) client = deye_bus_client_new_tool ("/nowhere/bus", "x-1");
  GError *error = NULL;

  g_assert_false (deye_bus_client_add_service (client, service, &error));
  assert_code (error, code);
}

static void
test_bare_service (void)
{
  g_autoptr (DeyeBusService) bare = g_object_new (DEYE_BUS_TYPE_SERVICE, NULL);
  g_autoptr (DeyeBusService) bad = g_object_new (DEYE_BUS_TYPE_SERVICE, "name", "bad name!", NULL);
  g_autoptr (DeyeBusService) no_text = g_object_new (DEYE_BUS_TYPE_SERVICE, "name", "good", "doc", "\xff", NULL);

  g_assert_null (deye_bus_service_get_name (bare));
  assert_not_added (bare, INVALID);
  assert_not_added (bad, INVALID);
  assert_not_added (no_text, INVALID);
}

static void
test_service_by_properties (void)
{
  g_autoptr (DeyeBusService) service
      = g_object_new (DEYE_BUS_TYPE_SERVICE, "name", "org.example.A", "doc", "It.", NULL);
  g_autoptr (DeyeBusClient) client = deye_bus_client_new_tool ("/nowhere/bus", "x-1");
  g_autofree char *doc = NULL;
  GError *error = NULL;

  g_object_get (service, "doc", &doc, NULL);
  g_assert_cmpstr (doc, ==, "It.");
  g_assert_true (deye_bus_client_add_service (client, service, &error));
  g_assert_no_error (error);
  g_assert_false (deye_bus_client_add_service (client, service, &error));
  assert_code (error, DEYE_BUS_ERROR_DUPLICATE_ID);
  assert_not_added (service, DEYE_BUS_ERROR_DUPLICATE_ID);
}

static void
test_service_names (void)
{
  static const char *const names[] = { "bad name!", "", "9lives", "a\xff", "ü", "-" };
  g_autofree char *long_name = g_strnfill (129, 'a');
  GError *error = NULL;

  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      g_assert_null (deye_bus_service_try_new (names[i], NULL, &error));
      assert_code (g_steal_pointer (&error), INVALID);
    }
  g_assert_null (deye_bus_service_try_new (long_name, NULL, &error));
  assert_code (g_steal_pointer (&error), INVALID);
  g_assert_null (deye_bus_service_try_new ("good", "\xff", &error));
  assert_code (error, INVALID);
}

static void
test_service_methods (void)
{
  guint destroyed = 0; /* incremented when the service is freed */
  g_autoptr (DeyeBusService) service = deye_bus_service_try_new ("org.example.A", NULL, NULL);
  GError *error = NULL;

  g_assert_true (deye_bus_service_try_add_method (service, "Get", NULL, NULL, NULL, on_method, &destroyed,
                                                  count_destroyed, &error));
  g_assert_false (deye_bus_service_try_add_method (service, "Get", NULL, NULL, NULL, on_method, &destroyed,
                                                   count_destroyed, &error));
  assert_code (g_steal_pointer (&error), DEYE_BUS_ERROR_DUPLICATE_ID);
  g_assert_false (deye_bus_service_try_add_method (service, "Ping", NULL, NULL, NULL, on_method, &destroyed,
                                                   count_destroyed, &error));
  assert_code (g_steal_pointer (&error), DEYE_BUS_ERROR_DUPLICATE_ID);
  g_assert_false (deye_bus_service_try_add_method (service, "Put", "no type", NULL, NULL, on_method, &destroyed,
                                                   count_destroyed, &error));
  assert_code (g_steal_pointer (&error), INVALID);
  g_assert_cmpuint (destroyed, ==, 3);
  g_assert_false (deye_bus_service_try_add_topic (service, "Task", "no..topic", NULL, NULL, NULL, NULL, &error));
  assert_code (g_steal_pointer (&error), DEYE_BUS_ERROR_BAD_TOPIC);
  g_assert_false (deye_bus_service_try_add_topic (service, "Task", "events.+", NULL, NULL, NULL, NULL, &error));
  assert_code (g_steal_pointer (&error), DEYE_BUS_ERROR_BAD_TOPIC);
  g_assert_false (deye_bus_service_try_add_topic (service, "Task", "events.a", "a b", NULL, NULL, NULL, &error));
  assert_code (g_steal_pointer (&error), INVALID);
  g_assert_false (deye_bus_service_try_add_event (service, "Seen", "#.no.pattern", NULL, NULL, &error));
  assert_code (g_steal_pointer (&error), DEYE_BUS_ERROR_BAD_PATTERN);
  g_assert_true (deye_bus_service_try_add_event (service, "Seen", "events.+", NULL, NULL, &error));
  g_assert_no_error (error);
}

static void
test_service_properties (void)
{
  g_autoptr (DeyeBusService) service = deye_bus_service_try_new ("org.example.A", NULL, NULL);
  g_auto (GValue) unset = G_VALUE_INIT;
  g_auto (GValue) text = G_VALUE_INIT;
  g_auto (GValue) number = G_VALUE_INIT;
  GError *error = NULL;

  g_value_set_static_string (g_value_init (&text, G_TYPE_STRING), "text");
  g_value_set_int64 (g_value_init (&number, G_TYPE_INT64), -1);
  g_assert_false (deye_bus_service_try_add_property (service, "a", &unset, FALSE, NULL, &error));
  assert_code (g_steal_pointer (&error), INVALID);
  g_assert_false (deye_bus_service_try_add_property (service, "a b", &text, FALSE, NULL, &error));
  assert_code (g_steal_pointer (&error), INVALID);
  g_assert_true (deye_bus_service_try_add_property (service, "a", &text, FALSE, NULL, &error));
  g_assert_false (deye_bus_service_try_add_property (service, "a", &text, FALSE, NULL, &error));
  assert_code (g_steal_pointer (&error), DEYE_BUS_ERROR_DUPLICATE_ID);
  g_assert_false (deye_bus_service_try_change_property (service, "a", &number, &error));
  assert_code (g_steal_pointer (&error), INVALID);
  g_assert_false (deye_bus_service_try_change_property (service, "a", &unset, &error));
  assert_code (g_steal_pointer (&error), INVALID);
  g_assert_false (deye_bus_service_try_change_property (service, "b", &text, &error));
  assert_code (g_steal_pointer (&error), INVALID);
}

static void
assert_types (DeyeBusService *service, gconstpointer data, gsize len, DeyeBusError code)
{
  g_autoptr (GBytes) types = g_bytes_new (data, len);
  GError *error = NULL;
  gboolean ok = deye_bus_service_try_add_types (service, types, &error);

  if (code == 0)
    g_assert_no_error (error);
  else
    assert_code (error, code);
  g_assert_cmpint (ok, ==, code == 0);
}

static void
test_service_types (void)
{
  static const char good[] = "\x0a\x03\x0a\x01\x61", unnamed[] = "\x0a\x00", cut[] = "\x0a\x03\x0a\x01",
                    other[] = "\x12\x01\x61";
  g_autoptr (DeyeBusService) service = deye_bus_service_try_new ("org.example.A", NULL, NULL);
  g_autofree guint8 *many = g_malloc0 (256 * 1024 + 1);

  assert_types (service, good, sizeof good - 1, 0);
  assert_types (service, unnamed, sizeof unnamed - 1, INVALID);
  assert_types (service, cut, sizeof cut - 1, INVALID);
  assert_types (service, other, sizeof other - 1, INVALID);
  assert_types (service, "garbage", 7, INVALID);
  assert_types (service, NULL, 0, INVALID);
  assert_types (service, many, 256 * 1024, INVALID);
  assert_types (service, many, 256 * 1024 + 1, DEYE_BUS_ERROR_LIMIT);
}

/* Another thread must not change data that the thread of the client reads. */
static gpointer
use_service (gpointer data)
{
  DeyeBusService *service = data;
  g_auto (GValue) value = G_VALUE_INIT;
  g_auto (GValue) number = G_VALUE_INIT;
  GError *error = NULL;

  g_value_set_int64 (g_value_init (&number, G_TYPE_INT64), 1);
  g_assert_false (deye_bus_service_try_change_property (service, "a", &number, &error));
  assert_code (g_steal_pointer (&error), DEYE_BUS_ERROR_WRONG_THREAD);
  g_assert_false (deye_bus_service_try_add_property (service, "b", &number, TRUE, NULL, &error));
  assert_code (g_steal_pointer (&error), DEYE_BUS_ERROR_WRONG_THREAD);
  g_assert_false (deye_bus_service_read_property (service, "a", &value));
  g_assert_null (g_value_get_string (&value));
  return NULL;
}

static void
test_service_in_another_thread (void)
{
  g_autoptr (DeyeBusClient) client = deye_bus_client_new_tool ("/nowhere/bus", "x-1");
  g_autoptr (DeyeBusService) service = deye_bus_service_new ("org.example.A", NULL);
  g_auto (GValue) number = G_VALUE_INIT;

  g_value_set_int64 (g_value_init (&number, G_TYPE_INT64), 0);
  deye_bus_service_add_property (service, "a", &number, TRUE, NULL);
  g_assert_true (deye_bus_client_add_service (client, service, NULL));
  g_assert_true (g_main_context_acquire (NULL));
  g_thread_join (g_thread_new ("other", use_service, service));
  g_main_context_release (NULL);
}

/* --- subscriptions --- */

static void
test_bare_subscription (void)
{
  g_autoptr (DeyeBusSubscription) bare = g_object_new (DEYE_BUS_TYPE_SUBSCRIPTION, NULL);
  g_autoptr (DeyeBusSubscribeOptions) options = deye_bus_subscribe_options_new ();
  g_autoptr (GAsyncResult) next = NULL;
  g_autoptr (GAsyncResult) adjust = NULL;
  GError *error = NULL;

  g_assert_null (deye_bus_subscription_get_pattern (bare));
  g_assert_null (deye_bus_subscription_get_group (bare));
  g_assert_cmpuint (deye_bus_subscription_get_id (bare), ==, 0);
  g_assert_cmpuint (deye_bus_subscription_get_missed (bare), ==, 0);
  g_assert_cmpint (deye_bus_subscription_get_policy (bare), ==, DEYE_BUS_POLICY_DEFAULT);
  g_assert_false (deye_bus_subscription_is_paused (bare));
  g_assert_null (deye_bus_subscription_next (bare, -1, NULL, &error));
  assert_code (g_steal_pointer (&error), DEYE_BUS_ERROR_CLOSED);
  g_assert_false (deye_bus_subscription_pause (bare, &error));
  assert_code (g_steal_pointer (&error), DEYE_BUS_ERROR_CLOSED);
  g_assert_false (deye_bus_subscription_adjust (bare, options, NULL, &error));
  assert_code (g_steal_pointer (&error), DEYE_BUS_ERROR_CLOSED);
  deye_bus_subscription_next_async (bare, NULL, keep_result, &next);
  wait_for (&next);
  g_assert_null (deye_bus_subscription_next_finish (bare, next, &error));
  assert_code (g_steal_pointer (&error), DEYE_BUS_ERROR_CLOSED);
  deye_bus_subscription_adjust_async (bare, options, NULL, keep_result, &adjust);
  wait_for (&adjust);
  g_assert_false (deye_bus_subscription_adjust_finish (bare, adjust, &error));
  assert_code (g_steal_pointer (&error), DEYE_BUS_ERROR_CLOSED);
  g_assert_true (deye_bus_subscription_unsubscribe (bare, NULL, &error));
  g_assert_no_error (error);
}

/* --- results --- */

static void
test_results (void)
{
  g_autoptr (DeyeBusClient) client = deye_bus_client_new_tool ("/nowhere/bus", "x-1");
  g_autoptr (DeyeBusClient) other = deye_bus_client_new_tool ("/nowhere/bus", "x-2");
  g_autoptr (GTask) foreign = g_task_new (client, NULL, NULL, NULL);
  g_autoptr (GAsyncResult) result = NULL;
  GError *error = NULL;

  g_assert_false (deye_bus_client_connect_finish (client, G_ASYNC_RESULT (foreign), &error));
  assert_code (g_steal_pointer (&error), INVALID);
  g_assert_false (deye_bus_client_connect_finish (client, NULL, &error));
  assert_code (g_steal_pointer (&error), INVALID);
  deye_bus_client_request_async (client, "tasks.x", NULL, NULL, NULL, keep_result, &result);
  wait_for (&result);
  g_assert_false (deye_bus_client_publish_finish (client, result, NULL, &error));
  assert_code (g_steal_pointer (&error), INVALID);
  g_assert_null (deye_bus_client_subscribe_finish (client, result, &error));
  assert_code (g_steal_pointer (&error), INVALID);
  g_assert_null (deye_bus_client_request_finish (other, result, &error));
  assert_code (g_steal_pointer (&error), INVALID);
  g_assert_null (deye_bus_client_request_finish (client, result, &error));
  assert_code (g_steal_pointer (&error), DEYE_BUS_ERROR_NOT_CONNECTED);
  g_assert_null (deye_bus_client_request_finish (client, result, &error));
  assert_code (g_steal_pointer (&error), INVALID);
  g_task_return_boolean (foreign, TRUE);
}

/* --- arguments of a connected client --- */

static void
assert_refuses (ClientFixture *f, DeyeBusOptions *options)
{
  g_autoptr (DeyeBusOptions) copy = deye_bus_options_copy (options);
  GError *error = NULL;

  deye_bus_options_set_timeout (copy, G_TIME_SPAN_SECOND);
  g_assert_false (deye_bus_client_publish (f->client, "events.demo.x", NULL, copy, NULL, NULL, &error));
  assert_code (g_steal_pointer (&error), INVALID);
  g_assert_null (deye_bus_client_request (f->client, "tasks.x", NULL, copy, NULL, &error));
  assert_code (error, INVALID);
}

static void
test_options (ClientFixture *f, gconstpointer data)
{
  g_autoptr (GBytes) short_id = g_bytes_new_static ("12345678", 8);
  g_autoptr (DeyeBusOptions) timeout = deye_bus_options_new ();
  g_autoptr (DeyeBusOptions) ttl = deye_bus_options_new ();
  g_autoptr (DeyeBusOptions) trace = deye_bus_options_new ();
  g_autoptr (DeyeBusOptions) key = deye_bus_options_new ();
  g_autoptr (DeyeBusOptions) tags = deye_bus_options_new ();

  client_fixture_connect (f, NULL);
  deye_bus_options_set_timeout (timeout, -1);
  deye_bus_options_set_ttl (ttl, G_MININT64);
  deye_bus_options_set_trace (trace, short_id, short_id);
  deye_bus_options_add_tag (key, "a=b", "c");
  for (guint i = 0; i <= 64; i++)
    deye_bus_options_add_tag (tags, "a", "b");
  assert_refuses (f, timeout);
  assert_refuses (f, ttl);
  assert_refuses (f, trace);
  assert_refuses (f, key);
  assert_refuses (f, tags);
}

static void
test_arguments (ClientFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscribeOptions) options = deye_bus_subscribe_options_new ();
  g_autoptr (GAsyncResult) result = NULL;
  GError *error = NULL;

  client_fixture_connect (f, NULL);
  g_assert_false (deye_bus_client_direct (f->client, "", "events.demo.x", NULL, NULL, FALSE, NULL, &error));
  assert_code (g_steal_pointer (&error), INVALID);
  deye_bus_client_direct_async (f->client, "", "events.demo.x", NULL, NULL, FALSE, NULL, keep_result, &result);
  while (result == NULL)
    g_main_context_iteration (f->context, TRUE);
  g_assert_false (deye_bus_client_direct_finish (f->client, result, &error));
  assert_code (g_steal_pointer (&error), INVALID);
  /* Text that is not UTF-8: the broker would end the connection. */
  g_assert_false (deye_bus_client_direct (f->client, "\xff", "events.demo.x", NULL, NULL, FALSE, NULL, &error));
  assert_code (g_steal_pointer (&error), INVALID);
  g_assert_null (deye_bus_client_subscribe (f->client, "events.\xff", NULL, NULL, NULL, NULL, NULL, &error));
  assert_code (g_steal_pointer (&error), DEYE_BUS_ERROR_BAD_PATTERN);
  g_assert_null (deye_bus_client_serve (f->client, "tasks.x", "\xff", NULL, NULL, NULL, NULL, &error));
  assert_code (g_steal_pointer (&error), DEYE_BUS_ERROR_BAD_PATTERN);
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_READY);
  deye_bus_subscribe_options_set_policy (options, (DeyeBusPolicy) 77);
  g_assert_null (deye_bus_client_subscribe_full (f->client, "events.#", NULL, options, NULL, NULL, NULL, NULL, &error));
  assert_code (error, INVALID);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/guards/" path, ClientFixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/guards/bare-client", test_bare_client);
  g_test_add_func ("/client/guards/client-by-properties", test_client_by_properties);
  g_test_add_func ("/client/guards/no-descriptor", test_no_descriptor);
  g_test_add_func ("/client/guards/released-while-no-context-runs", test_released_while_no_context_runs);
  g_test_add_func ("/client/guards/bare-service", test_bare_service);
  g_test_add_func ("/client/guards/service-by-properties", test_service_by_properties);
  g_test_add_func ("/client/guards/service-names", test_service_names);
  g_test_add_func ("/client/guards/service-methods", test_service_methods);
  g_test_add_func ("/client/guards/service-properties", test_service_properties);
  g_test_add_func ("/client/guards/service-types", test_service_types);
  g_test_add_func ("/client/guards/service-in-another-thread", test_service_in_another_thread);
  g_test_add_func ("/client/guards/bare-subscription", test_bare_subscription);
  g_test_add_func ("/client/guards/results", test_results);
  ADD ("released-in-another-thread", test_released_in_another_thread);
  ADD ("options", test_options);
  ADD ("arguments", test_arguments);
  return g_test_run ();
}

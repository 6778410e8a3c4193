/* SPDX-License-Identifier: Apache-2.0 */
#include "posix/reconnect-fixture.h"
#include "wire-feature.h"

/*
 * Verification of the subscriptions with each heartbeat: the broker counts those of the client, and if the numbers differ, a
 * new connection restores them.
 */

typedef ReconnectFixture Fixture;

/* The broker counts other subscriptions than the client has: a new connection restores them. */
static void
test_verified (Fixture *f, gconstpointer data)
{
  g_autoptr (GByteArray) answer = g_byte_array_new ();

  deye_bus_client_set_reconnect (f->client, TRUE);
  reconnect_fixture_listen (f, 4);
  deye_bus_client_connect_async (f->client, NULL, client_result_set, &f->result);
  reconnect_fixture_welcome (f, NULL);
  g_assert_true (deye_bus_client_set_heartbeat (f->client, 100000, NULL));
  script_reply (answer, reconnect_fixture_next_request (f), "\x18\x03"); /* PingReply.subscriptions = 3 */
  reconnect_fixture_send (f, answer);
  while (deye_bus_client_get_state (f->client) == DEYE_BUS_CLIENT_STATE_READY)
    g_main_context_iteration (f->context, TRUE);
  reconnect_fixture_welcome (f, NULL);
  g_assert_true (deye_bus_client_set_heartbeat (f->client, 0, NULL));
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
  reconnect_fixture_settle (f);
}

/* --- none --- */

/* A client that is ready and has one subscription. */
static DeyeBusSubscription *
start_subscribed (Fixture *f, guint64 features)
{
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GByteArray) answer = g_byte_array_new ();

  deye_bus_client_set_reconnect (f->client, TRUE);
  reconnect_fixture_listen (f, 4);
  deye_bus_client_connect_async (f->client, NULL, client_result_set, &f->result);
  reconnect_fixture_welcome (f, &(const ScriptWelcome){ .features = features });
  deye_bus_client_subscribe_async (f->client, "events.#", NULL, NULL, NULL, NULL, NULL, client_result_set, &result);
  script_subscribe_reply (answer, reconnect_fixture_next_request (f), 100, 100000);
  reconnect_fixture_send (f, answer);
  client_fixture_wait (f, result.calls > 0);
  return deye_bus_client_subscribe_finish (f->client, result.result, NULL);
}

static void
answer_heartbeat (Fixture *f, const char *reply)
{
  g_autoptr (GByteArray) answer = g_byte_array_new ();

  g_assert_true (deye_bus_client_set_heartbeat (f->client, 100000, NULL));
  script_reply (answer, reconnect_fixture_next_request (f), reply);
  reconnect_fixture_send (f, answer);
}

static void
end (Fixture *f)
{
  g_assert_true (deye_bus_client_set_heartbeat (f->client, 0, NULL));
  deye_bus_client_close (f->client, NULL, NULL);
  reconnect_fixture_settle (f);
}

/* All subscriptions are gone in the broker: the number in its answer is 0, which is not sent. */
static void
test_none (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscription) subscription = start_subscribed (f, WIRE_FEATURE_DELIVERY);

  g_assert_nonnull (subscription);
  answer_heartbeat (f, "");
  client_fixture_wait (f, deye_bus_client_get_state (f->client) != DEYE_BUS_CLIENT_STATE_READY);
  end (f);
}

/* The next heartbeat asks on the same connection. */
static void
assert_asked_again (Fixture *f, guint64 features, const char *reply)
{
  g_autoptr (DeyeBusSubscription) subscription = start_subscribed (f, features);

  g_assert_nonnull (subscription);
  answer_heartbeat (f, reply);
  g_assert_cmpuint (reconnect_fixture_next_request (f), >, 0);
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_READY);
  end (f);
}

/* A broker that does not count sends the same answer. */
static void
test_old_broker (Fixture *f, gconstpointer data)
{
  assert_asked_again (f, 0, "");
}

static void
test_same (Fixture *f, gconstpointer data)
{
  assert_asked_again (f, WIRE_FEATURE_DELIVERY, "\x18\x01"); /* PingReply.subscriptions = 1 */
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define VERIFY_TEST(name, function)                                                                                    \
  g_test_add ("/client/verify/" name, Fixture, NULL, reconnect_fixture_set_up, function, reconnect_fixture_tear_down)
  VERIFY_TEST ("M16-other-number", test_verified);
  VERIFY_TEST ("M16-none", test_none);
  VERIFY_TEST ("M16-none-by-old-broker", test_old_broker);
  VERIFY_TEST ("M16-same-number", test_same);
  return g_test_run ();
}

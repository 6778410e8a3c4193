/* SPDX-License-Identifier: Apache-2.0 */
#include "subscriptions-fixture.h"

/* Subscribing, deliveries to a callback, and messages that are taken one by one. */

/* --- deliveries --- */

static void
test_subscribe (Fixture *f, gconstpointer data)
{
  Log log;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__SubscribeRequest *request;

  subscriptions_fixture_start (f, &log, FALSE);
  frames = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__subscribe_request__descriptor,
                             ((ScriptFrame *) frames->pdata[0])->envelope.payload, 0, NULL);
  g_assert_nonnull (guard);
  request = wire_guard_message (guard);
  g_assert_cmpuint (request->subscription, ==, 1);
  g_assert_cmpstr (request->pattern, ==, "events.#");
  g_assert_false (request->serve);
  g_assert_cmpstr (deye_bus_subscription_get_pattern (log.subscription), ==, "events.#");
  g_assert_null (deye_bus_subscription_get_group (log.subscription));

  subscriptions_fixture_deliver (f, &log, "a");
  script_gap (f->in, 1, 2, 4, 3);
  subscriptions_fixture_deliver (f, &log, "b");
  client_fixture_send (f);
  client_fixture_wait (f, deye_bus_subscription_get_delivered (log.subscription) == 2);
  g_assert_cmpstr (log.got->str, ==, "a [2-4:3] b ");
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 3);
  subscriptions_fixture_log_clear (&log);
}

static void
test_subscribe_async (Fixture *f, gconstpointer data)
{
  Log log;
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, NULL);
  subscriptions_fixture_log_init (&log, f);
  deye_bus_client_subscribe_async (f->client, "events.#", "workers", subscriptions_fixture_on_message, &log,
                                   subscriptions_fixture_on_destroyed, NULL, client_result_set, &result);
  script_subscribe_reply (f->in, 2, 100, 100000);
  script_deliver (f->in, 1, 0, 1, "events.a", "first", 5);
  client_fixture_send (f);
  client_fixture_wait (f, log.got->len > 0);
  /* The answer was reported before the message that follows it. */
  g_assert_cmpuint (result.calls, ==, 1);
  log.subscription = deye_bus_client_subscribe_finish (f->client, result.result, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (deye_bus_subscription_get_group (log.subscription), ==, "workers");
  subscriptions_fixture_log_clear (&log);
}

static void
test_subscribe_refused (Fixture *f, gconstpointer data)
{
  Log log;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, NULL);
  subscriptions_fixture_log_init (&log, f);
  script_error (f->in, 2, WIRE_STATUS_DENIED);
  client_fixture_send (f);
  g_assert_null (deye_bus_client_subscribe (f->client, "system.#", NULL, subscriptions_fixture_on_message, &log,
                                            subscriptions_fixture_on_destroyed, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED);
  client_fixture_settle (f);
  g_assert_cmpuint (log.destroyed, ==, 1);
  subscriptions_fixture_log_clear (&log);
}

/* The call is cancelled, but the broker may have subscribed: the client unsubscribes. */
static void
test_subscribe_cancelled (Fixture *f, gconstpointer data)
{
  Log log;
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, NULL);
  subscriptions_fixture_log_init (&log, f);
  deye_bus_client_subscribe_async (f->client, "events.#", NULL, subscriptions_fixture_on_message, &log,
                                   subscriptions_fixture_on_destroyed, cancellable, client_result_set, &result);
  g_cancellable_cancel (cancellable);
  client_fixture_wait (f, result.calls > 0);
  g_assert_null (deye_bus_client_subscribe_finish (f->client, result.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  client_fixture_wait (f, log.destroyed > 0);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_REQUEST), ==, 2);
  subscriptions_fixture_log_clear (&log);
}

/* Messages that arrive during a synchronous call are handed out afterwards, in order, from the context. */
static void
test_sync_call_meanwhile (Fixture *f, gconstpointer data)
{
  Log log;
  g_autoptr (DeyeBusMessage) reply = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GString) expected = g_string_new (NULL);

  subscriptions_fixture_start (f, &log, FALSE);
  for (guint i = 0; i < 90; i++)
    {
      g_autofree char *payload = g_strdup_printf ("m%u", i);

      subscriptions_fixture_deliver (f, &log, payload);
      g_string_append_printf (expected, "m%u ", i);
      if (i == 70)
        script_reply (f->in, 4, "answer");
    }
  client_fixture_send (f);
  reply = deye_bus_client_request (f->client, "tasks.a", NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (log.got->str, ==, "");
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, expected->str);
  subscriptions_fixture_log_clear (&log);
}

/* --- next --- */

static void
test_next (Fixture *f, gconstpointer data)
{
  Log log;
  g_autoptr (DeyeBusMessage) message = NULL;
  g_autoptr (DeyeBusMessage) none = NULL;
  g_autoptr (GError) error = NULL;
  gsize len;

  subscriptions_fixture_start (f, &log, TRUE);
  none = deye_bus_subscription_next (log.subscription, 0, NULL, &error);
  g_assert_null (none);
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
  g_clear_error (&error);
  subscriptions_fixture_deliver (f, &log, "one");
  client_fixture_send (f);
  message = deye_bus_subscription_next (log.subscription, -1, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (deye_bus_message_get_data (message, &len), len, "one", 3);
  g_assert_cmpuint (deye_bus_subscription_get_delivered (log.subscription), ==, 1);
  subscriptions_fixture_log_clear (&log);
}

/* Credit returns when a quarter of the window has been taken. */
static void
test_next_returns_credit (Fixture *f, gconstpointer data)
{
  Log log;
  g_autoptr (GPtrArray) before = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  subscriptions_fixture_start (f, &log, TRUE);
  before = client_fixture_receive (f);
  for (guint i = 0; i < 25; i++)
    subscriptions_fixture_deliver (f, &log, "x");
  client_fixture_send (f);
  for (guint i = 0; i < 25; i++)
    {
      g_autoptr (DeyeBusMessage) message = deye_bus_subscription_next (log.subscription, -1, NULL, NULL);

      g_assert_nonnull (message);
    }
  frames = client_fixture_receive_one (f, WIRE_KIND_CREDIT);
  g_assert_cmpuint (script_find (frames, WIRE_KIND_CREDIT)->envelope.credit_messages, ==, 125);
  subscriptions_fixture_log_clear (&log);
}

static void
test_next_async (Fixture *f, gconstpointer data)
{
  Log log;
  g_auto (ClientResult) first = { NULL, 0 }, second = { NULL, 0 }, third = { NULL, 0 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (DeyeBusMessage) message = NULL;
  g_autoptr (GError) error = NULL;

  subscriptions_fixture_start (f, &log, TRUE);
  deye_bus_subscription_next_async (log.subscription, NULL, client_result_set, &first);
  subscriptions_fixture_deliver (f, &log, "one");
  client_fixture_send (f);
  client_fixture_wait (f, first.calls > 0);
  message = deye_bus_subscription_next_finish (log.subscription, first.result, &error);
  g_assert_no_error (error);
  g_assert_nonnull (message);

  deye_bus_subscription_next_async (log.subscription, cancellable, client_result_set, &second);
  g_cancellable_cancel (cancellable);
  client_fixture_wait (f, second.calls > 0);
  g_assert_null (deye_bus_subscription_next_finish (log.subscription, second.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_clear_error (&error);

  deye_bus_subscription_next_async (log.subscription, NULL, client_result_set, &third);
  client_fixture_disconnect (f);
  client_fixture_wait (f, third.calls > 0);
  g_assert_null (deye_bus_subscription_next_finish (log.subscription, third.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  subscriptions_fixture_log_clear (&log);
}

/* A waiting call does not keep the client alive. */
static void
test_next_async_and_unref (Fixture *f, gconstpointer data)
{
  Log log;
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  subscriptions_fixture_start (f, &log, TRUE);
  client_fixture_settle (f);
  deye_bus_subscription_next_async (log.subscription, NULL, client_result_set, &result);
  g_assert_finalize_object (g_steal_pointer (&f->client));
  g_assert_cmpuint (result.calls, ==, 0);
  client_fixture_wait (f, result.calls > 0);
  g_assert_null (deye_bus_subscription_next_finish (log.subscription, result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  subscriptions_fixture_log_clear (&log);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/subscriptions/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("subscribe", test_subscribe);
  ADD ("subscribe-async", test_subscribe_async);
  ADD ("subscribe-refused", test_subscribe_refused);
  ADD ("subscribe-cancelled", test_subscribe_cancelled);
  ADD ("sync-call-meanwhile", test_sync_call_meanwhile);
  ADD ("next", test_next);
  ADD ("next-returns-credit", test_next_returns_credit);
  ADD ("next-async", test_next_async);
  ADD ("next-async-and-unref", test_next_async_and_unref);
  return g_test_run ();
}

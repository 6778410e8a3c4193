/* SPDX-License-Identifier: Apache-2.0 */
#include "client-log.h"

#include "control.pb-c.h"
#include "wire-guard.h"

/*
 * M08, the client's part: policies and bounds are requested and reported, and credit returns in time. Other files test pausing,
 * publishing and lost messages.
 */

typedef ClientFixture Fixture;

/* --- policies --- */

static DeyeBusSubscribeOptions *
some_options (void)
{
  DeyeBusSubscribeOptions *options = deye_bus_subscribe_options_new ();

  deye_bus_subscribe_options_set_policy (options, DEYE_BUS_POLICY_CONFLATE);
  deye_bus_subscribe_options_set_queue_messages (options, 500);
  deye_bus_subscribe_options_set_queue_bytes (options, 65536);
  deye_bus_subscribe_options_set_window_messages (options, 10);
  deye_bus_subscribe_options_set_window_bytes (options, 4096);
  return options;
}

static WireGuard *
receive_request (Fixture *f, const ProtobufCMessageDescriptor *descriptor)
{
  g_autoptr (GPtrArray) frames = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  WireGuard *guard = wire_guard_unpack (descriptor, ((ScriptFrame *) frames->pdata[0])->envelope.payload, 0, NULL);

  g_assert_nonnull (guard);
  return guard;
}

static void
check_asked (Fixture *f)
{
  g_autoptr (WireGuard) guard = receive_request (f, &daemoneye__eventbus__v1__subscribe_request__descriptor);
  const Daemoneye__Eventbus__V1__SubscribeRequest *request = wire_guard_message (guard);

  g_assert_cmpstr (request->pattern, ==, "events.#");
  g_assert_cmpstr (request->group, ==, "workers");
  g_assert_cmpuint (request->policy, ==, 5);
  g_assert_cmpuint (request->queue_messages, ==, 500);
  g_assert_cmpuint (request->queue_bytes, ==, 65536);
  g_assert_cmpuint (request->window_messages, ==, 10);
  g_assert_cmpuint (request->window_bytes, ==, 4096);
}

static void
test_subscribe_full (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscribeOptions) options = some_options ();
  g_autoptr (GError) error = NULL;
  ClientLog log = { .f = f, .got = g_string_new (NULL) };

  client_fixture_connect (f, NULL);
  script_subscribed (f->in, 2, DEYE_BUS_POLICY_CONFLATE, 10, 4096);
  client_fixture_send (f);
  log.subscription = deye_bus_client_subscribe_full (f->client, "events.#", "workers", options, client_log_message,
                                                     &log, client_log_destroyed, NULL, &error);
  g_assert_no_error (error);
  check_asked (f);
  /* The actual values are those of the broker's answer. */
  g_assert_cmpint (deye_bus_subscription_get_policy (log.subscription), ==, DEYE_BUS_POLICY_CONFLATE);
  g_assert_cmpuint (deye_bus_subscription_get_queue_messages (log.subscription), ==, 1000);
  g_assert_cmpuint (deye_bus_subscription_get_queue_bytes (log.subscription), ==, 100000);
  client_log_finish (&log);
}

static void
test_subscribe_full_async (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GError) error = NULL;
  ClientLog log = { .f = f, .got = g_string_new (NULL) };
  DeyeBusSubscribeOptions *options = some_options ();

  client_fixture_connect (f, NULL);
  deye_bus_client_subscribe_full_async (f->client, "events.#", "workers", options, client_log_message, &log,
                                        client_log_destroyed, NULL, client_result_set, &result);
  deye_bus_subscribe_options_free (options);
  check_asked (f);
  script_subscribed (f->in, 2, DEYE_BUS_POLICY_BLOCK, 10, 4096);
  client_fixture_send (f);
  client_fixture_wait (f, result.calls > 0);
  log.subscription = deye_bus_client_subscribe_full_finish (f->client, result.result, &error);
  g_assert_no_error (error);
  g_assert_cmpint (deye_bus_subscription_get_policy (log.subscription), ==, DEYE_BUS_POLICY_BLOCK);
  client_log_finish (&log);
}

/* No values are requested, and an older broker reports none; unknown values of a newer broker are not interpreted. */
static void
test_subscribe_plain (Fixture *f, gconstpointer data)
{
  ClientLog log, newer;

  client_fixture_connect (f, NULL);
  client_log_subscribe (f, &log, 2, DEYE_BUS_POLICY_DEFAULT, FALSE, NULL);
  {
    g_autoptr (WireGuard) guard = receive_request (f, &daemoneye__eventbus__v1__subscribe_request__descriptor);
    const Daemoneye__Eventbus__V1__SubscribeRequest *request = wire_guard_message (guard);

    g_assert_cmpuint (request->policy + request->queue_messages + request->window_bytes, ==, 0);
  }
  g_assert_cmpint (deye_bus_subscription_get_policy (log.subscription), ==, DEYE_BUS_POLICY_DEFAULT);
  client_log_subscribe (f, &newer, 4, (DeyeBusPolicy) 77, FALSE, log.got);
  g_assert_cmpint (deye_bus_subscription_get_policy (newer.subscription), ==, DEYE_BUS_POLICY_DEFAULT);
  client_log_finish (&log);
  g_clear_object (&newer.subscription);
}

static void
test_adjust (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscribeOptions) options = some_options ();
  g_autoptr (GError) error = NULL;
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, FALSE);
  script_adjusted (f->in, 4, DEYE_BUS_POLICY_ERROR, 7, 8);
  client_fixture_send (f);
  g_assert_true (deye_bus_subscription_adjust (log.subscription, options, NULL, &error));
  g_assert_no_error (error);
  {
    g_autoptr (WireGuard) guard = receive_request (f, &daemoneye__eventbus__v1__adjust_request__descriptor);
    const Daemoneye__Eventbus__V1__AdjustRequest *request = wire_guard_message (guard);

    g_assert_cmpuint (request->subscription, ==, 1);
    g_assert_cmpuint (request->policy, ==, 5);
    g_assert_cmpuint (request->queue_messages, ==, 500);
    g_assert_cmpuint (request->queue_bytes, ==, 65536);
  }
  g_assert_cmpint (deye_bus_subscription_get_policy (log.subscription), ==, DEYE_BUS_POLICY_ERROR);
  g_assert_cmpuint (deye_bus_subscription_get_queue_messages (log.subscription), ==, 7);
  g_assert_cmpuint (deye_bus_subscription_get_queue_bytes (log.subscription), ==, 8);
  script_error (f->in, 6, WIRE_STATUS_DENIED);
  client_fixture_send (f);
  g_assert_false (deye_bus_subscription_adjust (log.subscription, options, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED);
  g_assert_cmpint (deye_bus_subscription_get_policy (log.subscription), ==, DEYE_BUS_POLICY_ERROR);
  client_log_finish (&log);
}

/* The task of the call keeps the client until the answer has been read. */
static void
test_adjust_async (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscribeOptions) options = some_options ();
  g_auto (ClientResult) result = { NULL, 0 }, late = { NULL, 0 };
  g_autoptr (GError) error = NULL;
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, FALSE);
  client_log_deliver (&log, "a");
  client_log_deliver (&log, "b");
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (client_fixture_receive_credit (f), ==, 0);
  deye_bus_subscription_adjust_async (log.subscription, options, NULL, client_result_set, &result);
  g_object_unref (f->client);
  script_adjusted (f->in, 4, DEYE_BUS_POLICY_BLOCK, 7, 8);
  client_fixture_send (f);
  client_fixture_wait (f, result.calls > 0);
  f->client = NULL;
  g_assert_true (deye_bus_subscription_adjust_finish (log.subscription, result.result, &error));
  g_assert_no_error (error);
  g_assert_cmpint (deye_bus_subscription_get_policy (log.subscription), ==, DEYE_BUS_POLICY_BLOCK);
  /* From now on, handled messages withhold no credit. */
  g_assert_cmpuint (client_fixture_receive_credit (f), ==, 102);
  client_result_clear (&result);
  client_fixture_settle (f);
  deye_bus_subscription_adjust_async (log.subscription, options, NULL, client_result_set, &late);
  client_fixture_wait (f, late.calls > 0);
  g_assert_false (deye_bus_subscription_adjust_finish (log.subscription, late.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  client_log_finish (&log);
}

static void
test_adjust_ended (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscribeOptions) options = some_options ();
  g_autoptr (GError) error = NULL;
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, FALSE);
  script_reply (f->in, 4, "");
  client_fixture_send (f);
  g_assert_true (deye_bus_subscription_unsubscribe (log.subscription, NULL, NULL));
  g_assert_false (deye_bus_subscription_adjust (log.subscription, options, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_false (deye_bus_subscription_pause (log.subscription, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  client_log_finish (&log);
}
/* --- credit under block --- */

/* The credit of messages that arrived together returns together, when all are handled. */
static void
test_block_callback (Fixture *f, gconstpointer data)
{
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_BLOCK, FALSE);
  for (guint i = 0; i < 5; i++)
    client_log_deliver (&log, "x");
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (client_fixture_receive_credit (f), ==, 105);
  client_log_deliver (&log, "y");
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (client_fixture_receive_credit (f), ==, 106);
  client_log_finish (&log);
}

static void
test_block_others (Fixture *f, gconstpointer data)
{
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_DROP_NEWEST, FALSE);
  for (guint i = 0; i < 24; i++)
    client_log_deliver (&log, "x");
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (client_fixture_receive_credit (f), ==, 0);
  client_log_deliver (&log, "y");
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (client_fixture_receive_credit (f), ==, 125);
  client_log_finish (&log);
}

static void
test_block_next (Fixture *f, gconstpointer data)
{
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_BLOCK, TRUE);
  client_log_deliver (&log, "x");
  client_log_deliver (&log, "y");
  client_fixture_send (f);
  client_log_take_one (&log);
  client_log_take_one (&log);
  g_assert_cmpuint (client_fixture_receive_credit (f), ==, 102);
  client_log_finish (&log);
}
#define CREDIT_EVERY_US (50 * G_TIME_SPAN_MILLISECOND)

/* Handles "slow" for longer than the return of credit may take. */
static void
handle_slowly (gpointer data, const char *payload)
{
  ClientLog *log = data;
  gint64 until_us = g_get_monotonic_time () + CREDIT_EVERY_US;
  guint64 credit = client_fixture_receive_credit (log->f);

  log->credit = MAX (credit, log->credit);
  while (g_str_equal (payload, "slow") && g_get_monotonic_time () < until_us)
    g_thread_yield ();
  if (g_str_equal (payload, "last"))
    g_assert_cmpuint (log->credit, >=, 103);
}

/* A dispatch handles messages for a long time: credit is sent before its end. */
static void
test_block_in_time (Fixture *f, gconstpointer data)
{
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_BLOCK, FALSE);
  log.act = handle_slowly;
  client_log_deliver (&log, "a");
  client_log_deliver (&log, "b");
  client_log_deliver (&log, "slow");
  client_log_deliver (&log, "last");
  client_log_deliver (&log, "not yet handled");
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (log.credit, >=, 103);
  g_assert_cmpuint (log.credit, <, 105);
  client_log_finish (&log);
}

/* The same when the slow callbacks belong to a subscription that returns no credit early. */
static void
test_block_in_time_of_others (Fixture *f, gconstpointer data)
{
  ClientLog log, other;

  client_log_start (f, &log, DEYE_BUS_POLICY_BLOCK, FALSE);
  client_log_subscribe (f, &other, 4, DEYE_BUS_POLICY_DROP_NEWEST, FALSE, NULL);
  other.act = handle_slowly;
  for (guint i = 0; i < 3; i++)
    client_log_deliver (&log, "x");
  client_log_deliver (&other, "slow");
  client_log_deliver (&other, "next");
  client_log_deliver (&other, "last");
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (other.credit, ==, 103);
  g_clear_object (&other.subscription);
  g_string_free (other.got, TRUE);
  client_log_finish (&log);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/pressure/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M08-subscribe-full", test_subscribe_full);
  ADD ("M08-subscribe-full-async", test_subscribe_full_async);
  ADD ("subscribe-plain", test_subscribe_plain);
  ADD ("M08-adjust", test_adjust);
  ADD ("M08-adjust-async", test_adjust_async);
  ADD ("adjust-ended", test_adjust_ended);
  ADD ("M08-block-returns-credit/callback", test_block_callback);
  ADD ("M08-block-returns-credit/next", test_block_next);
  ADD ("M08-block-returns-credit/in-time", test_block_in_time);
  ADD ("M08-block-returns-credit/in-time-of-others", test_block_in_time_of_others);
  ADD ("M08-block-returns-credit/others-do-not", test_block_others);
  return g_test_run ();
}

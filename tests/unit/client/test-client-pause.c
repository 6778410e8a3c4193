/* SPDX-License-Identifier: Apache-2.0 */
#include "client-log.h"

#include "deye-bus-client-private.h"
#include "deye-bus-subscription-private.h"

/*
 * M08, pausing: only the paused subscription stops, none of its messages are lost or reordered, and the credit of handled
 * messages returns.
 */

typedef ClientFixture Fixture;

/* --- pausing --- */

/* The window of the paused subscription stays full; the other subscription is dispatched, and only its credit returns. */
static void
test_pause_does_not_delay_others (Fixture *f, gconstpointer data)
{
  ClientLog one, two;
  g_autoptr (GPtrArray) frames = NULL;

  client_log_start (f, &one, DEYE_BUS_POLICY_BLOCK, FALSE);
  client_log_subscribe (f, &two, 4, DEYE_BUS_POLICY_DROP_OLDEST, FALSE, NULL);
  client_log_pause (&one);
  g_assert_true (deye_bus_subscription_is_paused (one.subscription));
  g_assert_false (deye_bus_subscription_is_paused (two.subscription));
  for (guint i = 0; i < 100; i++)
    client_log_deliver (&one, "x");
  for (guint i = 0; i < 25; i++)
    client_log_deliver (&two, "y");
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (one.got->len, ==, 0);
  g_assert_cmpuint (deye_bus_subscription_get_delivered (two.subscription), ==, 25);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_CREDIT), ==, 1);
  g_assert_cmpuint (script_find (frames, WIRE_KIND_CREDIT)->envelope.subscription, ==, 2);
  client_log_resume (&one);
  g_assert_cmpuint (one.got->len, ==, 0);
  client_fixture_settle (f);
  g_assert_cmpuint (deye_bus_subscription_get_delivered (one.subscription), ==, 100);
  g_assert_cmpuint (client_fixture_receive_credit (f), ==, 200);
  client_log_finish (&one);
  client_log_finish (&two);
}

/* A message for both subscriptions needs a confirmation: DELIVERED is sent when the last of the two callbacks has returned. */
static void
test_pause_and_delivered (Fixture *f, gconstpointer data)
{
  static const guint32 ids[] = { 1, 2 };
  guint8 packed[10];
  WireEnvelope envelope;
  ClientLog one, two;

  client_log_start (f, &one, DEYE_BUS_POLICY_DROP_OLDEST, FALSE);
  client_log_subscribe (f, &two, 4, DEYE_BUS_POLICY_DROP_OLDEST, FALSE, NULL);
  client_log_pause (&one);
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str ("events.a");
  envelope.route_id = 55;
  envelope.subscriptions = wire_span (packed, wire_envelope_pack_u32 (ids, 2, packed));
  envelope.payload = wire_span_str ("both");
  script_frame (f->in, WIRE_KIND_DELIVER, WIRE_FLAG_WANT_DELIVERED, &envelope);
  client_fixture_send_and_settle (f);
  g_assert_cmpstr (two.got->str, ==, "both ");
  {
    g_autoptr (GPtrArray) frames = client_fixture_receive (f);

    g_assert_cmpuint (script_count (frames, WIRE_KIND_DELIVERED), ==, 0);
  }
  client_log_resume (&one);
  client_fixture_settle (f);
  g_assert_cmpstr (one.got->str, ==, "both ");
  {
    g_autoptr (GPtrArray) frames = client_fixture_receive_one (f, WIRE_KIND_DELIVERED);

    g_assert_cmpuint (script_find (frames, WIRE_KIND_DELIVERED)->envelope.route, ==, 55);
  }
  client_log_finish (&one);
  client_log_finish (&two);
}

static void
pause_at_b (gpointer data, const char *payload)
{
  if (g_str_equal (payload, "b"))
    client_log_pause (data);
}

/* A callback pauses its own subscription: messages that had arrived are held as well, and gaps keep their places and may grow. */
static void
test_pause_keeps_order (Fixture *f, gconstpointer data)
{
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, FALSE);
  log.act = pause_at_b;
  client_log_deliver (&log, "a");
  client_log_deliver (&log, "b");
  client_log_gap (&log, 2, 3);
  client_log_deliver (&log, "c");
  client_log_gap (&log, 5, 5);
  client_fixture_send_and_settle (f);
  g_assert_cmpstr (log.got->str, ==, "a b ");
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 0);
  client_log_gap (&log, 6, 6);
  client_log_deliver (&log, "d");
  client_fixture_send_and_settle (f);
  client_log_gap (&log, 8, 8);
  client_fixture_send_and_settle (f);
  g_assert_cmpstr (log.got->str, ==, "a b ");
  /* A message that arrives while messages are held is delivered after all held messages. */
  client_log_deliver (&log, "e");
  client_fixture_send (f);
  client_log_resume (&log);
  client_fixture_settle (f);
  client_log_deliver (&log, "f");
  client_fixture_send_and_settle (f);
  g_assert_cmpstr (log.got->str, ==, "a b [2-3:2] c [5-6:2] d [8-8:1] e f ");
  g_assert_cmpuint (deye_bus_subscription_get_delivered (log.subscription), ==, 6);
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 5);
  client_log_finish (&log);
}

static void
pause_and_resume (gpointer data, const char *payload)
{
  client_log_pause (data);
  client_log_resume (data);
  client_log_pause (data);
  if (!g_str_equal (payload, "c"))
    client_log_resume (data);
}

/* Each callback pauses and resumes, several times. */
static void
test_pause_and_resume (Fixture *f, gconstpointer data)
{
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, FALSE);
  client_log_resume (&log);
  client_log_pause (&log);
  client_log_pause (&log);
  log.act = pause_and_resume;
  for (const char *letter = "abcde"; *letter != '\0'; letter++)
    {
      char payload[] = { *letter, '\0' };

      client_log_deliver (&log, payload);
    }
  client_fixture_send_and_settle (f);
  for (guint i = 0; i < 100; i++)
    {
      client_log_pause (&log);
      client_log_resume (&log);
    }
  g_assert_cmpuint (f->client->events.count, ==, 1);
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "a b c ");
  log.act = NULL;
  client_log_resume (&log);
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "a b c d e ");
  g_assert_false (deye_bus_subscription_is_paused (log.subscription));
  client_log_finish (&log);
}

static void
request_at_b (gpointer data, const char *payload)
{
  if (!g_str_equal (payload, "b"))
    return;
  client_log_deliver (data, "during");
  client_log_gap (data, 7, 7);
  client_log_ask (data, 6);
}

/* Messages that arrive while a callback makes a synchronous request are handed out later in order, also held ones. */
static void
test_request_meanwhile (Fixture *f, gconstpointer data)
{
  ClientLog one, two;

  client_log_start (f, &one, DEYE_BUS_POLICY_DROP_OLDEST, FALSE);
  client_log_subscribe (f, &two, 4, DEYE_BUS_POLICY_DROP_OLDEST, FALSE, NULL);
  one.act = request_at_b;
  client_log_pause (&one);
  client_log_deliver (&one, "a");
  client_log_deliver (&one, "b");
  client_log_deliver (&one, "c");
  client_fixture_send_and_settle (f);
  for (guint i = 0; i < 3; i++)
    client_log_deliver (&two, "y");
  client_fixture_send (f);
  client_log_resume (&one);
  client_fixture_settle (f);
  g_assert_cmpstr (one.got->str, ==, "a b c during [7-7:1] ");
  g_assert_cmpstr (two.got->str, ==, "y y y ");
  client_log_finish (&one);
  client_log_finish (&two);
}

static void
test_pause_pull (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, TRUE);
  g_assert_false (deye_bus_subscription_pause (log.subscription, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
  g_clear_error (&error);
  g_assert_false (deye_bus_subscription_resume (log.subscription, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
  g_assert_false (deye_bus_subscription_is_paused (log.subscription));
  client_log_finish (&log);
}
/* --- the end of a paused subscription: no callback is called, and its data is freed --- */

static void
start_paused (Fixture *f, ClientLog *log)
{
  client_log_start (f, log, DEYE_BUS_POLICY_BLOCK, FALSE);
  client_log_pause (log);
  client_log_deliver (log, "never delivered");
  client_log_gap (log, 2, 4);
  client_log_deliver (log, "never delivered");
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (log->destroyed, ==, 0);
}

static void
test_paused_unsubscribe (Fixture *f, gconstpointer data)
{
  ClientLog log;

  start_paused (f, &log);
  client_log_deliver (&log, "nor this");
  script_reply (f->in, 4, "");
  client_fixture_send (f);
  g_assert_true (deye_bus_subscription_unsubscribe (log.subscription, NULL, NULL));
  client_fixture_settle (f);
  g_assert_cmpuint (log.destroyed, ==, 1);
  g_assert_false (deye_bus_subscription_resume (log.subscription, NULL));
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "");
  client_log_finish (&log);
}

/* The subscription is resumed, and ends before its messages are handed out. */
static void
test_resumed_unsubscribe (Fixture *f, gconstpointer data)
{
  ClientLog log;

  start_paused (f, &log);
  client_log_resume (&log);
  script_reply (f->in, 4, "");
  client_fixture_send (f);
  g_assert_true (deye_bus_subscription_unsubscribe (log.subscription, NULL, NULL));
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "");
  /* No message is delivered, not even those whose subscription was resumed before. */
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 5);
  client_log_finish (&log);
}

static void
test_paused_close (Fixture *f, gconstpointer data)
{
  ClientLog log;

  start_paused (f, &log);
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "");
  client_log_finish (&log);
}

static void
test_paused_unref (Fixture *f, gconstpointer data)
{
  ClientLog log;

  start_paused (f, &log);
  client_log_resume (&log);
  g_assert_finalize_object (g_steal_pointer (&f->client));
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "");
  g_assert_false (deye_bus_subscription_resume (log.subscription, NULL));
  /* The waiting message is freed although the subscription object still exists. */
  g_assert_cmpuint (log.subscription->channel->held.count, ==, 0);
  client_log_finish (&log);
}

/* The connection is lost: held messages are counted as missed. */
static void
test_paused_lost (Fixture *f, gconstpointer data)
{
  ClientLog log;

  start_paused (f, &log);
  client_fixture_disconnect (f);
  client_fixture_wait (f, log.destroyed > 0);
  g_assert_cmpstr (log.got->str, ==, "");
  g_assert_cmpuint (deye_bus_subscription_get_delivered (log.subscription), ==, 0);
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 5);
  client_log_finish (&log);
}

/* --- credit under block --- */

/* The credit of handled messages returns without waiting for messages that the pause holds. */
static void
test_block_pause (Fixture *f, gconstpointer data)
{
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_BLOCK, FALSE);
  log.act = pause_at_b;
  client_log_deliver (&log, "a");
  client_log_deliver (&log, "b");
  client_log_deliver (&log, "c");
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (client_fixture_receive_credit (f), ==, 102);
  log.act = NULL;
  client_log_resume (&log);
  client_fixture_settle (f);
  g_assert_cmpuint (client_fixture_receive_credit (f), ==, 103);
  client_log_finish (&log);
}

/* The same if the subscription is paused between two turns of a long dispatch, not by its callback. */
static void
test_block_pause_between (Fixture *f, gconstpointer data)
{
  ClientLog log = { .f = f, .got = g_string_new (NULL) };

  client_fixture_connect (f, NULL);
  script_subscribed (f->in, 2, DEYE_BUS_POLICY_BLOCK, 6000, 100000);
  client_fixture_send (f);
  log.subscription = deye_bus_client_subscribe (f->client, "events.#", NULL, client_log_message, &log,
                                                client_log_destroyed, NULL, NULL);
  for (guint i = 0; i < 1500; i++)
    client_log_deliver (&log, "x");
  client_fixture_send (f);
  while (deye_bus_subscription_get_delivered (log.subscription) == 0)
    g_main_context_iteration (f->context, FALSE);
  g_assert_cmpuint (deye_bus_subscription_get_delivered (log.subscription), <, 1500);
  client_log_pause (&log);
  g_assert_cmpuint (client_fixture_receive_credit (f), ==,
                    6000 + deye_bus_subscription_get_delivered (log.subscription));
  client_log_finish (&log);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/pause/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M08-pause-does-not-delay-others", test_pause_does_not_delay_others);
  ADD ("M08-pause-keeps-order", test_pause_keeps_order);
  ADD ("and-delivered", test_pause_and_delivered);
  ADD ("and-resume", test_pause_and_resume);
  ADD ("request-meanwhile", test_request_meanwhile);
  ADD ("pull", test_pause_pull);
  ADD ("end/unsubscribe", test_paused_unsubscribe);
  ADD ("end/resumed-unsubscribe", test_resumed_unsubscribe);
  ADD ("end/close", test_paused_close);
  ADD ("end/unref", test_paused_unref);
  ADD ("end/lost", test_paused_lost);
  ADD ("M08-block-returns-credit/paused", test_block_pause);
  ADD ("M08-block-returns-credit/paused-between", test_block_pause_between);
  return g_test_run ();
}

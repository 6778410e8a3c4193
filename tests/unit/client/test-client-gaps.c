/* SPDX-License-Identifier: Apache-2.0 */
#include "client-log.h"

#include "deye-bus-client-private.h"
#include "deye-bus-subscription-private.h"

/*
 * M08, lost messages: a gap is reported at the place of the messages, to callbacks and to programs that take messages, and is
 * counted once. The number of gaps that are not taken is bounded.
 */

typedef ClientFixture Fixture;

/* --- reports --- */

static void
remember_error (DeyeBusClient *client, const GError *error, gpointer data)
{
  *(GError **) data = g_error_copy (error);
}

/* An ERROR about a block is reported to the application although no call waits for an answer. */
static void
test_block_over (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) reported = NULL;
  DeyeBusPublishResult result;

  client_fixture_connect (f, NULL);
  g_signal_connect (f->client, "error", G_CALLBACK (remember_error), &reported);
  script_ack (f->in, 2, 1, 1);
  client_fixture_send (f);
  g_assert_true (deye_bus_client_publish (f->client, "tasks.a", NULL, NULL, &result, NULL, NULL));
  script_block_over (f->in, 2, 3);
  client_fixture_send (f);
  client_fixture_wait (f, reported != NULL);
  g_assert_error (reported, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  g_assert_nonnull (strstr (reported->message, "send important ones again"));
}

static void
ask_in_gap (DeyeBusSubscription *subscription, guint64 from, guint64 to, guint64 n, guint reason, gpointer data)
{
  if (from != 1)
    return;
  client_log_gap (data, 7, 7);
  client_log_ask (data, 4);
}

/* A gap that arrives while another one is being reported is not lost. */
static void
test_gap_meanwhile (Fixture *f, gconstpointer data)
{
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, FALSE);
  g_signal_connect_after (log.subscription, "gap", G_CALLBACK (ask_in_gap), &log);
  client_log_gap (&log, 1, 3);
  client_fixture_send_and_settle (f);
  g_assert_cmpstr (log.got->str, ==, "[1-3:3] [7-7:1] ");
  client_log_finish (&log);
}

/* --- next() --- */

/* If no context runs, the signal is not emitted, but lost messages are counted, and the number of unreported gaps is bounded. */
static void
test_next_counts_missed (Fixture *f, gconstpointer data)
{
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, TRUE);
  for (guint64 i = 0; i < 50; i++)
    {
      client_log_deliver (&log, "x");
      client_log_gap (&log, 2 * i, 2 * i);
      client_fixture_send (f);
      client_log_take_one (&log);
    }
  client_log_deliver (&log, "x");
  client_fixture_send (f);
  client_log_take_one (&log);
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 50);
  g_assert_cmpstr (log.got->str, ==, "");
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "[0-98:50] ");
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 50);
  client_log_finish (&log);
}
/* Between two messages of next(), the count grows by the number of messages lost between them. */
static void
test_sync (Fixture *f, gconstpointer data)
{
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, TRUE);
  client_log_deliver (&log, "a");
  client_log_gap (&log, 2, 3);
  script_gap_for (f->in, deye_bus_subscription_get_id (log.subscription), 4, 4, 1, WIRE_STATUS_EXPIRED);
  client_log_gap (&log, 5, 5);
  client_log_deliver (&log, "b");
  client_log_gap (&log, 7, 7);
  client_fixture_send (f);
  client_log_take_one (&log);
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 0);
  client_log_take_one (&log);
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 4);
  g_assert_null (deye_bus_subscription_next (log.subscription, 0, NULL, NULL));
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 5);
  client_log_deliver (&log, "c");
  client_fixture_send (f);
  client_log_take_one (&log);
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 5);
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "[2-7:4] [4-4:1] ");
  client_log_finish (&log);
}

/* A program that only polls sometimes, and never waits, gets the messages in the socket. */
static void
test_next_reads_the_socket (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, TRUE);
  client_log_gap (&log, 1, 1);
  client_log_deliver (&log, "a");
  client_fixture_send (f);
  message = deye_bus_subscription_next (log.subscription, 0, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (message);
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 1);
  client_log_finish (&log);
}

static void
on_next (GObject *source, GAsyncResult *result, gpointer data)
{
  ClientLog *log = data;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusMessage) message
      = deye_bus_subscription_next_finish (DEYE_BUS_SUBSCRIPTION (source), result, &error);
  gsize len = 0;
  const guint8 *bytes = message != NULL ? deye_bus_message_get_data (message, &len) : NULL;

  if (message != NULL)
    g_string_append_printf (log->got, "%.*s ", (int) len, (const char *) bytes);
  else
    g_string_append_printf (log->got, "%s ", error->code == DEYE_BUS_ERROR_CLOSED ? "end" : error->message);
}

static void
take_one_async (ClientLog *log)
{
  deye_bus_subscription_next_async (log->subscription, NULL, on_next, log);
  client_fixture_settle (log->f);
}

/* If the context runs, the signal is emitted in order between the messages, also when no message has arrived yet. */
static void
test_async (Fixture *f, gconstpointer data)
{
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, TRUE);
  client_log_deliver (&log, "a");
  client_log_gap (&log, 2, 2);
  client_log_deliver (&log, "b");
  client_fixture_send_and_settle (f);
  g_assert_cmpstr (log.got->str, ==, "");
  take_one_async (&log);
  g_assert_cmpstr (log.got->str, ==, "a ");
  take_one_async (&log);
  g_assert_cmpstr (log.got->str, ==, "a [2-2:1] b ");
  take_one_async (&log);
  client_log_gap (&log, 4, 4);
  client_fixture_send_and_settle (f);
  client_log_gap (&log, 5, 6);
  client_fixture_send_and_settle (f);
  g_assert_cmpstr (log.got->str, ==, "a [2-2:1] b [4-4:1] [5-6:2] ");
  client_log_deliver (&log, "c");
  client_fixture_send_and_settle (f);
  g_assert_cmpstr (log.got->str, ==, "a [2-2:1] b [4-4:1] [5-6:2] c ");
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 4);
  client_log_finish (&log);
}

/* No message is taken and no context runs: there is one gap for each reason between two messages, and one event for a waiting
 * call. */
static void
test_next_gaps_bounded (Fixture *f, gconstpointer data)
{
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, TRUE);
  client_fixture_settle (f);
  deye_bus_subscription_next_async (log.subscription, NULL, on_next, &log);
  for (guint64 i = 0; i < 100; i++)
    client_log_gap (&log, i, i);
  client_log_ask (&log, 4);
  g_assert_cmpuint (log.subscription->channel->inbox_gaps.length, ==, 1);
  g_assert_cmpuint (f->client->events.count, ==, 1);
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "[0-99:100] ");
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "[0-99:100] end ");
  client_log_finish (&log);
}

/* Messages and gaps that arrived before the end are still handed out, also to an asynchronous call. */
static void
test_next_async_after_the_end (Fixture *f, gconstpointer data)
{
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, TRUE);
  client_log_deliver (&log, "a");
  client_log_gap (&log, 2, 2);
  client_log_deliver (&log, "b");
  client_log_gap (&log, 4, 4);
  client_fixture_send (f);
  client_fixture_disconnect (f);
  client_fixture_wait (f, log.destroyed > 0);
  take_one_async (&log);
  take_one_async (&log);
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 1);
  take_one_async (&log);
  g_assert_cmpstr (log.got->str, ==, "a b end ");
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 2);
  client_log_finish (&log);
}

/* The same when no context has run since the end of the connection. */
static void
test_next_after_the_end (Fixture *f, gconstpointer data)
{
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, TRUE);
  client_log_deliver (&log, "a");
  client_log_gap (&log, 2, 2);
  client_log_deliver (&log, "b");
  client_fixture_send (f);
  client_fixture_disconnect (f);
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_READY);
  client_log_take_one (&log);
  while (!log.subscription->channel->cut)
    g_assert_null (deye_bus_client_request (f->client, "tasks.a", NULL, NULL, NULL, NULL));
  client_log_take_one (&log);
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 1);
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "");
  client_log_finish (&log);
}

/* --- the end in the handler of a gap, in which every call is allowed --- */

static void
unsubscribe_in_gap (DeyeBusSubscription *subscription, guint64 from, guint64 to, guint64 n, guint reason, gpointer data)
{
  const ClientLog *log = data;

  script_reply (log->f->in, 4, "");
  client_fixture_send (log->f);
  g_assert_true (deye_bus_subscription_unsubscribe (subscription, NULL, NULL));
}

static void
test_unsubscribe_in_gap (Fixture *f, gconstpointer data)
{
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, FALSE);
  g_signal_connect_after (log.subscription, "gap", G_CALLBACK (unsubscribe_in_gap), &log);
  client_log_deliver (&log, "a");
  client_log_gap (&log, 2, 2);
  client_log_deliver (&log, "never delivered");
  client_log_gap (&log, 4, 4);
  client_fixture_send_and_settle (f);
  g_assert_cmpstr (log.got->str, ==, "a [2-2:1] ");
  g_assert_cmpuint (log.destroyed, ==, 1);
  /* Each message that had arrived was delivered or counted. */
  g_assert_cmpuint (deye_bus_subscription_get_delivered (log.subscription), ==, 1);
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 3);
  client_log_finish (&log);
}

static void
drop_client_in_gap (DeyeBusSubscription *subscription, guint64 from, guint64 to, guint64 n, guint reason, gpointer data)
{
  Fixture *f = ((ClientLog *) data)->f;

  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
  g_clear_object (&f->client);
}

/* The client is dropped while next_async() waits; the call still gets the message after the gap. */
static void
test_drop_client_in_gap (Fixture *f, gconstpointer data)
{
  ClientLog log;

  client_log_start (f, &log, DEYE_BUS_POLICY_DROP_OLDEST, TRUE);
  g_signal_connect_after (log.subscription, "gap", G_CALLBACK (drop_client_in_gap), &log);
  deye_bus_subscription_next_async (log.subscription, NULL, on_next, &log);
  client_log_gap (&log, 1, 1);
  client_log_deliver (&log, "a");
  client_log_gap (&log, 3, 3);
  client_fixture_send_and_settle (f);
  g_assert_cmpstr (log.got->str, ==, "[1-1:1] a ");
  take_one_async (&log);
  g_assert_cmpstr (log.got->str, ==, "[1-1:1] a end ");
  g_assert_cmpuint (deye_bus_subscription_get_missed (log.subscription), ==, 2);
  client_log_finish (&log);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/gaps/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("gap-meanwhile", test_gap_meanwhile);
  ADD ("M08-block-over", test_block_over);
  ADD ("M08-next-counts-missed", test_next_counts_missed);
  ADD ("M08-next-reports-gaps-in-place/sync", test_sync);
  ADD ("M08-next-reports-gaps-in-place/async", test_async);
  ADD ("M08-next-gaps-are-bounded", test_next_gaps_bounded);
  ADD ("next-reads-the-socket", test_next_reads_the_socket);
  ADD ("next-after-the-end", test_next_after_the_end);
  ADD ("next-async-after-the-end", test_next_async_after_the_end);
  ADD ("gap/unsubscribe", test_unsubscribe_in_gap);
  ADD ("gap/drop-client", test_drop_client_in_gap);
  return g_test_run ();
}

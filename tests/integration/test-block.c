/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The policy block, with real processes: a publisher waits only for credit, no message is lost during a block, and no block
 * lasts longer than longest_block_us.
 */

#include "bus-fixture.h"
#include "system-events.h"
#include "worker-talk.h"

#define RESULTS "results.procmond"
#define EVENTS  "events.process.lifecycle"
#define SIZE    1000u

#define WINDOWS "publish_window_must_keep_bytes=65536\n"

/* No block expires during these tests. */
static const BusFixtureOptions patient = { .limits = WINDOWS "longest_block_us=60000000" };
static const BusFixtureOptions own_defaults = { .limits = "longest_block_us=60000000" };
static const BusFixtureOptions hasty = { .limits = WINDOWS "longest_block_us=200000" };

static TestProcess *
blocking (BusFixture *f, const char *id, const char *type, const char *pattern)
{
  TestProcess *worker = bus_fixture_worker (f, id, type);
  g_autofree char *rest = g_strdup_printf ("%s - count block 0 0 10", pattern);

  worker_subscribe (worker, "s", rest);
  return worker;
}

/* Publishes until a message is not accepted within a short time. */
static guint64
offer (TestProcess *publisher, const char *topic, guint n)
{
  guint64 offered[2];

  test_process_send (publisher, "offer %s %u %u 200", topic, n, SIZE);
  worker_numbers (publisher, "offered", offered, 2);
  if (offered[0] < n)
    g_assert_cmpuint (offered[1], ==, DEYE_BUS_ERROR_WOULD_BLOCK);
  return offered[0];
}

static void
test_holds (BusFixture *f, gconstpointer data)
{
  TestProcess *sink = blocking (f, "sink", "procmond", RESULTS);
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");
  TestProcess *other = bus_fixture_worker (f, "other", "procmond");
  guint64 sent, more;
  WorkerGot got;

  worker_subscribe (other, "s", EVENTS " - count");
  test_process_suspend (sink);
  sent = offer (publisher, RESULTS, 5000);
  g_assert_cmpuint (sent, >, 0);
  g_assert_cmpuint (sent, <, 80);          /* its window, and one message that exceeds it */
  worker_do (publisher, "stats", "stats"); /* the broker has accepted all of them */
  {
    g_auto (BusStatsView) view = bus_fixture_stats (f->controller);
    const Daemoneye__Eventbus__V1__PeerStats *peer = bus_stats_view_peer (&view, "publisher");

    g_assert_cmpuint (view.reply->totals->blocked_publishers, ==, 1);
    g_assert_cmpuint (peer->n_publish, ==, 3);
    g_assert_cmpuint (peer->publish[1]->held_messages, ==, sent);
    g_assert_cmpuint (peer->publish[1]->blocked_us, >, 0);
    g_assert_cmpuint (peer->publish[2]->blocked_us, ==, 0);
  }
  /* Messages of another class and requests of the publisher are not blocked. Another publisher can send until its own window is
   * used up. */
  worker_publish (publisher, EVENTS, 2000, SIZE);
  worker_await (other, "s", 2000);
  worker_do (publisher, "stats", "stats");
  more = offer (other, RESULTS, 20);
  g_assert_cmpuint (more, ==, 20);
  test_process_resume (sink);
  worker_await (sink, "s", sent + more);
  worker_publish (publisher, RESULTS, 500, SIZE);
  worker_await (sink, "s", sent + more + 500);
  got = worker_report (sink, "s");
  g_assert_cmpuint (got.received, ==, sent + more + 500);
  g_assert_cmpuint (got.missed, ==, 0);
}

/* With default settings, for small and for large messages: a publisher is blocked before any message is refused. */
static void
test_defaults (BusFixture *f, gconstpointer data)
{
  static const guint sizes[] = { 8, 100, 1000, 20000, 500000 };
  TestProcess *sink = bus_fixture_worker (f, "sink", "procmond");
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");
  guint64 sent = 0;
  WorkerGot got;

  worker_subscribe (sink, "s", RESULTS " - count");
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      guint64 offered[2];

      test_process_suspend (sink);
      test_process_send (publisher, "offer " RESULTS " 100000 %u 200", sizes[i]);
      worker_numbers (publisher, "offered", offered, 2);
      g_assert_cmpuint (offered[1], ==, DEYE_BUS_ERROR_WOULD_BLOCK);
      sent += offered[0];
      test_process_resume (sink);
      worker_await (sink, "s", sent);
      got = worker_report (sink, "s");
      g_assert_cmpuint (got.missed, ==, 0);
      g_assert_cmpuint (got.received, ==, sent);
    }
}

/* Asynchronous calls keep a bounded number of messages: further ones are refused, and accepted ones are delivered. */
static void
test_started (BusFixture *f, gconstpointer data)
{
  TestProcess *sink = blocking (f, "sink", "procmond", RESULTS);
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");
  guint64 ended[2];

  test_process_suspend (sink);
  test_process_send (publisher, "start " RESULTS " 100000 %u", SIZE);
  test_process_expect_line (publisher, "started");
  test_process_resume (sink);
  worker_numbers (publisher, "ended", ended, 2);
  g_assert_cmpuint (ended[0] + ended[1], ==, 100000);
  g_assert_cmpuint (ended[0], >, 0);
  g_assert_cmpuint (ended[1], >, 0);
  worker_await (sink, "s", ended[0]);
  g_assert_cmpuint (worker_report (sink, "s").missed, ==, 0);
}

/* A subscriber blocks for too long: its waiting messages are lost, which is reported to it, to the publisher and in the
 * statistics. */
static void
test_expires (BusFixture *f, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (f);
  TestProcess *sink = blocking (f, "sink", "procmond", RESULTS);
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");
  guint64 errors[2];
  WorkerGot got;

  test_process_suspend (sink);
  worker_publish (publisher, RESULTS, 2000, SIZE);
  bus_fixture_wait (f, system_events_slow (events, "demoted", "sink") > 0);
  {
    g_auto (BusStatsView) view = bus_fixture_stats (f->controller);
    const Daemoneye__Eventbus__V1__QueueStats *queue = bus_stats_view_subscription (&view, "sink", RESULTS);

    g_assert_nonnull (queue);
    g_assert_true (queue->demoted);
    g_assert_cmpuint (queue->policy, ==, DEYE_BUS_POLICY_BLOCK);
    g_assert_cmpuint (view.reply->totals->expired, >, 0);
  }
  test_process_resume (sink);
  worker_await (sink, "s", 2000);
  got = worker_report (sink, "s");
  g_assert_cmpuint (got.received + got.missed, ==, 2000);
  g_assert_cmpuint (worker_detail (sink, "s").expired, >, 0);
  do
    {
      test_process_send (publisher, "errors");
      worker_numbers (publisher, "errors", errors, 2);
      bus_fixture_run_briefly (f);
    }
  while (errors[0] == 0);
  g_assert_cmpuint (errors[1], ==, DEYE_BUS_ERROR_WOULD_BLOCK);

  /* The subscription has drained, and blocks again. */
  bus_fixture_wait (f, system_events_slow (events, "drained", "sink") > 0);
  test_process_suspend (sink);
  worker_publish (publisher, RESULTS, 2000, SIZE);
  bus_fixture_wait (f, system_events_slow (events, "demoted", "sink") > 1);
  test_process_resume (sink);
  worker_await (sink, "s", 4000);
  got = worker_report (sink, "s");
  g_assert_cmpuint (got.received + got.missed, ==, 4000);
  bus_fixture_wait (f, system_events_dropped (events, "sink") >= got.missed);
  g_assert_cmpuint (system_events_dropped (events, "sink"), ==, got.missed);
}

/* Two clients publish to each other without handling messages: the block ends by itself, and the counts are exact. */
static void
test_two_clients_block_each_other (BusFixture *f, gconstpointer data)
{
  TestProcess *left = blocking (f, "left", "procmond", "results.netmond");
  TestProcess *right = blocking (f, "right", "netmond", RESULTS);
  WorkerGot got;

  test_process_send (left, "publish " RESULTS " 1000 %u", SIZE);
  test_process_send (right, "publish results.netmond 1000 %u", SIZE);
  test_process_expect_line (left, "published");
  test_process_expect_line (right, "published");
  worker_await (left, "s", 1000);
  worker_await (right, "s", 1000);
  got = worker_report (left, "s");
  g_assert_cmpuint (got.received + got.missed, ==, 1000);
  got = worker_report (right, "s");
  g_assert_cmpuint (got.received + got.missed, ==, 1000);
}

/* One of several subscribers is suspended: its publisher is blocked, the other subscribers get everything, and a publisher of a
 * topic to which it does not subscribe is not blocked. */
static void
test_one_suspended_of_five (BusFixture *f, gconstpointer data)
{
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");
  TestProcess *stuck = blocking (f, "stuck", "procmond", RESULTS);
  TestProcess *sinks[4];
  guint64 sent;

  for (guint i = 0; i < G_N_ELEMENTS (sinks); i++)
    {
      g_autofree char *id = g_strdup_printf ("sink-%u", i);

      sinks[i] = blocking (f, id, "procmond", i % 2 == 0 ? RESULTS : "results.#");
    }
  test_process_suspend (stuck);
  sent = offer (publisher, RESULTS, 5000);
  g_assert_cmpuint (sent, <, 80);
  for (guint i = 0; i < G_N_ELEMENTS (sinks); i++)
    {
      worker_await (sinks[i], "s", sent);
      g_assert_cmpuint (worker_report (sinks[i], "s").missed, ==, 0);
    }
  bus_fixture_kill_worker (f, stuck);
  /* A peer that disconnects releases the messages that waited for it. */
  worker_publish (publisher, RESULTS, 500, SIZE);
  for (guint i = 0; i < G_N_ELEMENTS (sinks); i++)
    worker_await (sinks[i], "s", sent + 500);
}

/* A publisher that subscribes to its own messages does not wait for itself. */
static void
test_own (BusFixture *f, gconstpointer data)
{
  TestProcess *own = bus_fixture_worker (f, "own", "procmond");
  WorkerGot got;

  worker_subscribe (own, "s", RESULTS " - count block 100 0 10");
  worker_publish (own, RESULTS, 3000, SIZE);
  worker_await (own, "s", 3000);
  got = worker_report (own, "s");
  g_assert_cmpuint (got.received + got.missed, ==, 3000);
  g_assert_cmpuint (got.received, >=, 100);
  g_assert_cmpuint (worker_detail (own, "s").refused, ==, got.missed);
}

/* The policy block needs a right. */
static void
test_right (BusFixture *f, gconstpointer data)
{
  TestProcess *worker = bus_fixture_worker (f, "worker", "procmond");
  g_autofree char *refused = NULL;

  test_process_send (worker, "subscribe s " EVENTS " - count block");
  refused = test_process_expect (worker, "refused s");
  g_assert_cmpint (atoi (refused), ==, DEYE_BUS_ERROR_DENIED);
  worker_subscribe (worker, "t", EVENTS " - count");
  test_process_send (worker, "adjust t block");
  g_free (refused);
  refused = test_process_expect (worker, "refused t");
  g_assert_cmpint (atoi (refused), ==, DEYE_BUS_ERROR_DENIED);
}

/* A paused subscriber blocks its publishers until it gets another policy. */
static void
test_other_policy_unblocks (BusFixture *f, gconstpointer data)
{
  TestProcess *sink = blocking (f, "sink", "procmond", RESULTS);
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");
  guint64 sent;
  WorkerGot got;

  worker_do (sink, "pause s", "paused s");
  sent = offer (publisher, RESULTS, 5000);
  g_assert_cmpuint (sent, <, 80);
  worker_do (sink, "adjust s drop-oldest 30", "adjusted s 2 30");
  worker_publish (publisher, RESULTS, 1000, SIZE);
  worker_do (publisher, "stats", "stats"); /* the broker has accepted all messages */
  worker_do (sink, "resume s", "resumed s");
  worker_await (sink, "s", sent + 1000);
  got = worker_report (sink, "s");
  g_assert_cmpuint (got.received + got.missed, ==, sent + 1000);
  g_assert_cmpuint (got.received, ==, 40);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, options, function)                                                                                   \
  g_test_add ("/integration/block/" path, BusFixture, options, bus_fixture_set_up, function, bus_fixture_tear_down)
  ADD ("M08-B04-holds-the-publisher", &patient, test_holds);
  ADD ("M08-B04-defaults-lose-nothing", &own_defaults, test_defaults);
  ADD ("M08-B04-started-calls-are-bounded", &patient, test_started);
  ADD ("B04-expires-and-demotes", &hasty, test_expires);
  ADD ("B05-two-clients-block-each-other", &hasty, test_two_clients_block_each_other);
  ADD ("B06-one-suspended-of-five", &patient, test_one_suspended_of_five);
  ADD ("B07-own-subscriber", &patient, test_own);
  ADD ("B04-needs-a-right", &patient, test_right);
  ADD ("B08-other-policy-unblocks", &patient, test_other_policy_unblocks);
#undef ADD
  return g_test_run ();
}

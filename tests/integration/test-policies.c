/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Each policy that drops messages, with a suspended subscriber process: the right messages are kept, and the subscriber, the
 * publisher, the statistics and system.drop report the same numbers. test-block tests the policy block.
 */

#include "bus-fixture.h"
#include "system-events.h"
#include "worker-talk.h"

#define TOPIC    "events.process.lifecycle"
#define MESSAGES 3000u
#define SIZE     1024u
#define QUEUE    50u
#define WINDOW   20u

/* A queue may stay large for as long as a test takes. */
static const BusFixtureOptions small_turns
    = { .limits = "publish_window_may_drop_bytes=131072\nqueue_soft_timeout_us=300000000" };

static const Daemoneye__Eventbus__V1__QueueStats *
queue_of (const BusStatsView *view, const char *peer, const char *pattern)
{
  const Daemoneye__Eventbus__V1__QueueStats *queue = bus_stats_view_subscription (view, peer, pattern);

  g_assert_nonnull (queue);
  return queue;
}

/* The answer to a request of the publisher shows that the broker has accepted all messages before it. */
static void
publish_all (TestProcess *publisher, guint n, guint size)
{
  worker_publish (publisher, TOPIC, n, size);
  worker_do (publisher, "stats", "stats");
}

/* Publishes @n messages while a subscriber with @policy is suspended; then the subscriber continues. */
static TestProcess *
flood_stopped (BusFixture *f, TestProcess *publisher, const char *policy, guint n)
{
  TestProcess *stopped = bus_fixture_worker (f, "stopped", "procmond");
  g_autofree char *rest = g_strdup_printf (TOPIC " - count %s %u 0 %u", policy, QUEUE, WINDOW);

  worker_subscribe (stopped, "s", rest);
  test_process_suspend (stopped);
  publish_all (publisher, n, SIZE);
  return stopped;
}

static void
assert_waits_within_bound (BusFixture *f, guint policy)
{
  g_auto (BusStatsView) view = bus_fixture_stats (f->controller);
  const Daemoneye__Eventbus__V1__QueueStats *queue = queue_of (&view, "stopped", TOPIC);

  g_assert_cmpuint (queue->policy, ==, policy);
  g_assert_cmpuint (queue->queued_messages, >, 0);
  g_assert_cmpuint (queue->queued_messages, <=, QUEUE);
  g_assert_cmpuint (queue->behind_us, >, 0);
  g_assert_cmpuint (queue->delivered + queue->queued_messages + queue->missed, ==, MESSAGES);
}

/* The broker's counter, its event, and the gap of the subscriber have the same number. */
static void
assert_all_report (BusFixture *f, SystemEvents *events, guint64 missed)
{
  g_auto (BusStatsView) view = { 0 };

  bus_fixture_wait (f, system_events_dropped (events, "stopped") >= missed);
  g_assert_cmpuint (system_events_dropped (events, "stopped"), ==, missed);
  view = bus_fixture_stats (f->controller);
  g_assert_cmpuint (queue_of (&view, "stopped", TOPIC)->missed, ==, missed);
  g_assert_cmpuint (bus_stats_view_peer (&view, "stopped")->missed, ==, missed);
  for (gsize i = 0; i < view.reply->n_domains; i++)
    if (g_str_equal (view.reply->domains[i]->domain, "events"))
      g_assert_cmpuint (view.reply->domains[i]->missed, ==, missed);
}

typedef struct
{
  const char *policy;
  guint number;
  gboolean keeps_newest;
  gboolean is_refused; /* a publisher that asks for an acknowledgement gets the error */
  const char *path;
} PolicyCase;

static const PolicyCase policy_cases[] = {
  { "drop-oldest", 2, TRUE, FALSE, "M08-B01-drop-oldest" },
  { "drop-newest", 3, FALSE, FALSE, "M08-B02-drop-newest" },
  { "error", 4, FALSE, TRUE, "M08-B03-error" },
  { "conflate", 5, TRUE, FALSE, "M08-conflate" },
};

static void
test_policy (BusFixture *f, const PolicyCase *c)
{
  g_autoptr (SystemEvents) events = system_events_new (f);
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");
  TestProcess *stopped = flood_stopped (f, publisher, c->policy, MESSAGES);
  WorkerDetail detail;
  WorkerGot got;

  assert_waits_within_bound (f, c->number);
  test_process_resume (stopped);
  worker_await (stopped, "s", MESSAGES);
  got = worker_report (stopped, "s");
  g_assert_cmpuint (got.received + got.missed, ==, MESSAGES);
  g_assert_cmpuint (got.received, >=, WINDOW);
  g_assert_cmpuint (got.missed, >, 0);
  detail = worker_detail (stopped, "s");
  if (c->keeps_newest)
    g_assert_cmpuint (detail.highest, ==, MESSAGES - 1);
  else
    g_assert_cmpuint (detail.highest, ==, got.received - 1); /* the first messages, all of them */
  g_assert_cmpuint (c->is_refused ? detail.refused : detail.full, ==, got.missed);
  assert_all_report (f, events, got.missed);
}

static void
test_drop_oldest (BusFixture *f, gconstpointer data)
{
  test_policy (f, &policy_cases[0]);
}

static void
test_drop_newest (BusFixture *f, gconstpointer data)
{
  test_policy (f, &policy_cases[1]);
}

static void
test_error (BusFixture *f, gconstpointer data)
{
  test_policy (f, &policy_cases[2]);
}

static void
test_conflate (BusFixture *f, gconstpointer data)
{
  test_policy (f, &policy_cases[3]);
}

/* A publisher that asks for an acknowledgement is notified of full subscribers: by an error if all were full, by their number if
 * some were. */
static void
test_error_is_reported (BusFixture *f, gconstpointer data)
{
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");
  TestProcess *stopped = flood_stopped (f, publisher, "error", MESSAGES);
  TestProcess *fast;
  g_autofree char *refused = NULL;
  guint64 acked[3];

  test_process_send (publisher, "acked " TOPIC);
  refused = test_process_expect (publisher, "refused");
  g_assert_cmpint (atoi (refused), ==, DEYE_BUS_ERROR_WOULD_BLOCK);
  fast = bus_fixture_worker (f, "fast", "procmond");
  worker_subscribe (fast, "s", TOPIC " - count");
  test_process_send (publisher, "acked " TOPIC);
  worker_numbers (publisher, "acked", acked, 3);
  g_assert_cmpuint (acked[0], ==, 2);
  g_assert_cmpuint (acked[1], ==, 1);
  g_assert_cmpuint (acked[2], ==, 1);
  worker_await (fast, "s", 1);
  test_process_resume (stopped);
  worker_await (stopped, "s", MESSAGES + 2);
}

/* The newest message of each topic is kept, and gaps report the others. */
static void
test_conflate_topics (BusFixture *f, gconstpointer data)
{
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");
  TestProcess *stopped = bus_fixture_worker (f, "stopped", "procmond");
  WorkerGot got;

  worker_subscribe (stopped, "s", "control.health.# - count default 0 0 1");
  test_process_suspend (stopped);
  for (guint i = 0; i < 100; i++)
    {
      worker_publish (publisher, "control.health.status", 1, 64);
      worker_publish (publisher, "control.health.diagnostics", 1, 64);
    }
  worker_do (publisher, "stats", "stats"); /* the broker has accepted all of them */
  test_process_resume (stopped);
  worker_await (stopped, "s", 200);
  got = worker_report (stopped, "s");
  /* A few messages were in transit when the subscriber was suspended; of the others, the newest of each topic arrives. */
  g_assert_cmpuint (got.received, >=, 3);
  g_assert_cmpuint (got.received, <, 200);
  g_assert_cmpuint (worker_detail (stopped, "s").highest, ==, 199);
}

/* The policy and the bounds of a full subscription are changed. */
static void
test_adjust (BusFixture *f, gconstpointer data)
{
  static const char *const to[]
      = { "drop-newest 10", "error 200", "conflate 100", "drop-oldest 5", "drop-newest 2000" };
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");
  TestProcess *paused = bus_fixture_worker (f, "paused", "procmond");
  guint64 published = 0;
  WorkerGot got;

  worker_subscribe (paused, "s", TOPIC " - count drop-oldest 500 0 20");
  worker_do (paused, "pause s", "paused s");
  for (guint i = 0; i < G_N_ELEMENTS (to); i++)
    {
      g_autofree char *command = g_strdup_printf ("adjust s %s", to[i]);

      publish_all (publisher, 700, 200);
      published += 700;
      worker_do (paused, command, "adjusted s");
    }
  {
    g_auto (BusStatsView) view = bus_fixture_stats (f->controller);
    const Daemoneye__Eventbus__V1__QueueStats *queue = queue_of (&view, "paused", TOPIC);

    g_assert_cmpuint (queue->policy, ==, 3);
    g_assert_cmpuint (queue->queue_messages, ==, 2000);
    g_assert_cmpuint (queue->queued_messages, ==, 5);
    g_assert_cmpuint (queue->delivered + queue->queued_messages + queue->missed, ==, published);
  }
  worker_do (paused, "resume s", "resumed s");
  worker_await (paused, "s", published);
  got = worker_report (paused, "s");
  g_assert_cmpuint (got.received + got.missed, ==, published);
  g_assert_cmpuint (got.received, ==, 25);
}

/* A group has one policy, which applies only when no member has room. */
static void
test_group_policy_applies_last (BusFixture *f, gconstpointer data)
{
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");
  TestProcess *members[3];
  WorkerGot got;

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("member-%u", i);

      members[i] = bus_fixture_worker (f, id, "procmond");
      worker_subscribe (members[i], "s",
                        i == 0 ? TOPIC " team count drop-newest 30 0 10" : TOPIC " team count default 0 0 10");
    }
  test_process_suspend (members[0]);
  test_process_suspend (members[1]);
  test_process_suspend (members[2]);
  publish_all (publisher, 500, SIZE);
  {
    g_auto (BusStatsView) view = bus_fixture_stats (f->controller);

    g_assert_cmpuint (view.reply->n_groups, ==, 1);
    g_assert_cmpuint (view.reply->groups[0]->policy, ==, 3);
    g_assert_cmpuint (view.reply->groups[0]->members, ==, 3);
    /* No member dropped a message while another one had room. */
    g_assert_cmpuint (view.reply->groups[0]->queued_messages, ==, 3 * 30);
    g_assert_cmpuint (view.reply->groups[0]->missed, ==, 500 - 3 * 30 - 3 * 10);
  }
  for (guint i = 0; i < 3; i++)
    test_process_resume (members[i]);
  bus_fixture_assert_idle (f);
  got = worker_await_sum (f, members, 3, "s", 500);
  g_assert_cmpuint (got.received, ==, 3 * 40);
}

/* A message that waits longer than its time to live is not delivered, and a gap reports it. */
static void
test_ttl (BusFixture *f, gconstpointer data)
{
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");
  TestProcess *paused = bus_fixture_worker (f, "paused", "procmond");
  WorkerGot got;

  worker_subscribe (paused, "s", TOPIC " - count drop-oldest 0 0 20");
  worker_do (paused, "pause s", "paused s");
  test_process_send (publisher, "publish " TOPIC " 120 64 20");
  test_process_expect_line (publisher, "published");
  publish_all (publisher, 30, 64);
  for (guint64 waits = 1; waits != 30;)
    {
      g_auto (BusStatsView) view = bus_fixture_stats (f->controller);

      waits = queue_of (&view, "paused", TOPIC)->queued_messages;
      test_watchdog_note ("only messages without a time to live wait; %" G_GUINT64_FORMAT " do", waits);
      bus_fixture_run_briefly (f);
    }
  worker_do (paused, "resume s", "resumed s");
  worker_await (paused, "s", 150);
  got = worker_report (paused, "s");
  g_assert_cmpuint (got.received, ==, 50);
  g_assert_cmpuint (got.missed, ==, 100);
  g_assert_cmpuint (worker_detail (paused, "s").expired, ==, 100);
}

/* A control message does not wait behind data: only the bytes in the kernel's buffer and those of one turn are sent before it. */
static void
test_control_passes (BusFixture *f, gconstpointer data)
{
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");
  TestProcess *stopped = bus_fixture_worker (f, "stopped", "procmond");
  const guint n = 6000;

  worker_subscribe (stopped, "data", TOPIC " - count drop-newest 0 0 6000");
  worker_subscribe (stopped, "control", "control.health.status - count");
  test_process_suspend (stopped);
  worker_publish (publisher, TOPIC, n, 1000);
  worker_publish (publisher, "control.health.status", 1, 64);
  worker_do (publisher, "stats", "stats");
  test_process_resume (stopped);
  worker_await (stopped, "control", 1);
  worker_await (stopped, "data", n);
  g_assert_cmpuint (worker_report (stopped, "data").received, >, n / 2);
  /* More than 3 MB waited; the socket buffer holds less than 1 MiB of them. */
  g_assert_cmpuint (worker_detail (stopped, "control").before, <, n / 4);
}

/* A paused subscription does not delay other subscriptions or requests of the same client. */
static void
test_pause_affects_one_subscription (BusFixture *f, gconstpointer data)
{
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");
  TestProcess *both = bus_fixture_worker (f, "both", "procmond");
  TestProcess *server = bus_fixture_worker (f, "server", "procmond");

  worker_do (server, "serve r events.process.anomaly - echo", "serving r");
  worker_subscribe (both, "p", TOPIC " - count drop-oldest 100 0 20");
  worker_subscribe (both, "s", "events.process.# - count drop-oldest 0 0 20");
  worker_do (both, "pause p", "paused p");
  worker_publish (publisher, TOPIC, 2000, SIZE);
  worker_await (both, "s", 2000);
  g_assert_cmpuint (worker_report (both, "p").received, ==, 0);
  worker_do (both, "request events.process.anomaly 20 60000", "replied 20 0 0");
  worker_do (both, "resume p", "resumed p");
  worker_await (both, "p", 2000);
  g_assert_cmpuint (worker_report (both, "p").received, ==, 120);
}

/* Requests are answered while many deliveries arrive. */
static void
test_request_in_flood (BusFixture *f, gconstpointer data)
{
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");
  TestProcess *asker = bus_fixture_worker (f, "asker", "procmond");
  TestProcess *server = bus_fixture_worker (f, "server", "procmond");
  WorkerGot got;

  worker_do (server, "serve r events.process.anomaly - echo", "serving r");
  worker_subscribe (asker, "s", TOPIC " - count drop-oldest 100 0 20");
  test_process_send (publisher, "publish " TOPIC " 20000 200");
  worker_do (asker, "request events.process.anomaly 500 60000", "replied 500 0 0");
  test_process_expect_line (publisher, "published");
  worker_await (asker, "s", 20000);
  got = worker_report (asker, "s");
  g_assert_cmpuint (got.received + got.missed, ==, 20000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                            \
  g_test_add ("/integration/policies/" path, BusFixture, &small_turns, bus_fixture_set_up, function,                   \
              bus_fixture_tear_down)
  ADD ("M08-B01-drop-oldest", test_drop_oldest);
  ADD ("M08-B02-drop-newest", test_drop_newest);
  ADD ("M08-B03-error", test_error);
  ADD ("M08-conflate", test_conflate);
  ADD ("B03-error-is-reported", test_error_is_reported);
  ADD ("M08-conflate-by-topic", test_conflate_topics);
  ADD ("B08-adjust-while-full", test_adjust);
  ADD ("M08-group-policy-applies-last", test_group_policy_applies_last);
  ADD ("R11-time-to-live", test_ttl);
  ADD ("B09-control-passes-data", test_control_passes);
  ADD ("B06-pause-affects-one-subscription", test_pause_affects_one_subscription);
  ADD ("M08-request-in-flood", test_request_in_flood);
#undef ADD
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Processes that are killed while they work: the broker frees everything that they held at once, and the other processes continue.
 */

#include "bus-fixture.h"
#include "system-events.h"
#include "worker-talk.h"

static TestProcess *
member (BusFixture *f, guint i)
{
  g_autofree char *id = g_strdup_printf ("procmond-%u", i);
  TestProcess *process = bus_fixture_worker (f, id, "procmond");

  worker_subscribe (process, "g", "tasks.procmond team count");
  worker_subscribe (process, "all", "events.process.# - count");
  return process;
}

static guint64
received (TestProcess *process, const char *sub)
{
  WorkerGot got = worker_report (process, sub);

  g_assert_cmpuint (got.missed, ==, 0);
  return got.received;
}

static void
publish_tasks (BusFixture *f, guint from, guint n, guint matched)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GBytes) payload = bus_fixture_payload (from + i, 100);
      g_autoptr (GError) error = NULL;
      DeyeBusPublishResult result = { 0 };

      g_assert_true (deye_bus_client_publish (f->controller, "tasks.procmond", payload, NULL, &result, NULL, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (result.matched, ==, matched);
    }
}

static void
test_killed_member (BusFixture *f, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (f);
  TestProcess *members[4];
  GPid victim;
  const PeerGone *gone;

  for (guint i = 0; i < 4; i++)
    members[i] = member (f, i + 1);
  publish_tasks (f, 0, 40, 1);
  victim = test_process_pid (members[1]);
  bus_fixture_kill_worker (f, members[1]);

  gone = system_events_wait_gone (events, "procmond-2");
  g_assert_cmpuint (gone->pid, ==, (guint) victim);
  g_assert_cmpuint (gone->subscriptions, ==, 2 + 1); /* one serves its methods */
  {
    g_auto (BusStatsView) view = bus_fixture_stats (f->controller);

    g_assert_null (bus_stats_view_peer (&view, "procmond-2"));
    /* Each peer has one for its methods, and the controller also that of system.#. */
    g_assert_cmpuint (view.reply->totals->subscriptions, ==, 3 * (2 + 1) + 1 + 1);
  }

  /* From here on the other three members get all messages. The broker is idle, so the earlier ones arrive before the answer to a
   * request. */
  {
    TestProcess *others[] = { members[0], members[2], members[3] };
    guint64 before = 0;

    bus_fixture_assert_idle (f);
    for (guint i = 0; i < G_N_ELEMENTS (others); i++)
      {
        worker_do (others[i], "stats", "stats");
        before += received (others[i], "g");
      }
    publish_tasks (f, 40, 300, 1);
    g_assert_cmpuint (worker_await_sum (f, others, G_N_ELEMENTS (others), "g", before + 300).missed, ==, 0);
  }
}

/* The last server is killed: requests to the topic fail at once. */
static void
test_killed_last_member (BusFixture *f, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (f);

  bus_fixture_kill_worker (f, member (f, 1));
  system_events_wait_gone (events, "procmond-1");
  publish_tasks (f, 0, 1, 0);
}

/* A publisher is killed while it publishes as fast as it can: the messages that arrive are complete and in order, and none
 * arrives twice. */
static void
test_killed_publisher (BusFixture *f, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (f);
  TestProcess *reader = member (f, 1);
  TestProcess *publisher = bus_fixture_worker (f, "procmond-2", "procmond");

  test_process_send (publisher, "publish events.process.batch 10000000 2000");
  worker_await (reader, "all", 500);
  bus_fixture_kill_worker (f, publisher);
  system_events_wait_gone (events, "procmond-2");
  bus_fixture_assert_idle (f);
  worker_do (reader, "stats", "stats");
  worker_report (reader, "all");
}

/* A peer disconnects, ten times, while requests, group messages and events are in transit to it. */
static void
test_killed_under_load (BusFixture *f, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (f);
  TestProcess *steady = member (f, 1);
  TestProcess *publisher = bus_fixture_worker (f, "procmond-99", "procmond");
  guint64 published = 0;

  for (guint round = 0; round < 10; round++)
    {
      g_autofree char *id = g_strdup_printf ("procmond-%u", round + 2);
      TestProcess *victim = member (f, round + 2);

      test_process_send (publisher, "publish events.process.batch 400 500");
      published += 400;
      worker_await (victim, "all", 50);
      bus_fixture_kill_worker (f, victim);
      system_events_wait_gone (events, id);
      test_process_expect_line (publisher, "published");
      worker_await (steady, "all", published);
    }
  g_assert_cmpuint (received (steady, "all"), ==, published);
}

/* An id can be used again as soon as its process has ended. */
static void
test_name_is_free (BusFixture *f, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (f);

  for (guint i = 0; i < 5; i++)
    {
      TestProcess *process = member (f, 1);

      bus_fixture_kill_worker (f, process);
      g_assert_cmpuint (system_events_wait_gone (events, "procmond-1")->subscriptions, ==, 2 + 1);
      system_events_forget (events);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                            \
  g_test_add ("/integration/gone/" path, BusFixture, NULL, bus_fixture_set_up, function, bus_fixture_tear_down)
  ADD ("M15-killed-member", test_killed_member);
  ADD ("M15-killed-last-member", test_killed_last_member);
  ADD ("M15-F04-killed-publisher", test_killed_publisher);
  ADD ("M15-killed-under-load", test_killed_under_load);
  ADD ("M15-name-is-free", test_name_is_free);
#undef ADD
  return g_test_run ();
}

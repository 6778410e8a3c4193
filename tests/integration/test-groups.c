/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A suspended member of a group, with real processes: the other members get its share and the messages that wait for it, and
 * requests go to other members. Messages that were already sent to it stay with it.
 */

#include "bus-fixture.h"
#include "system-events.h"
#include "worker-talk.h"

#define TASKS  "tasks.procmond"
#define EVENTS "events.process.lifecycle"
#define SERVED "health.echo"
#define SIZE   200u
#define LARGE  40000u

/* Longer than the broker tolerates a member that lags behind the others. */
#define STALLED_US 300000u

static void
start_members (BusFixture *f, TestProcess **members, const char *subscribe)
{
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("worker-%u", i);

      members[i] = bus_fixture_worker (f, id, "procmond");
      worker_subscribe (members[i], "g", subscribe);
    }
}

static void
publish_tasks (BusFixture *f, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GBytes) payload = bus_fixture_payload (i, LARGE);
      g_autoptr (GError) error = NULL;
      DeyeBusPublishResult result = { 0 };

      g_assert_true (deye_bus_client_publish (f->controller, TASKS, payload, NULL, &result, NULL, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (result.matched, ==, 1);
      g_assert_cmpuint (result.queued, ==, 1);
    }
}

static guint64
sum_of (TestProcess **members, guint n)
{
  guint64 sum = 0;

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *answer = NULL;

      test_process_send (members[i], "report g");
      answer = test_process_expect (members[i], "got g");
      sum += g_ascii_strtoull (answer, NULL, 10);
    }
  return sum;
}

/* TRUE: only the suspended member holds messages that it has not acknowledged, and it lags behind. From now on it does so by
 * more than the others, also if they wait for the CPU. */
static gboolean
is_last_stalled (const BusStatsView *view, const char *pattern)
{
  const guint64 others = bus_stats_view_subscription (view, "worker-0", pattern)->stalled_us
                         + bus_stats_view_subscription (view, "worker-1", pattern)->stalled_us;

  return others == 0 && bus_stats_view_subscription (view, "worker-2", pattern)->stalled_us > STALLED_US;
}

static const Daemoneye__Eventbus__V1__QueueStats *
queue_of (const BusStatsView *view, const char *pattern)
{
  return bus_stats_view_subscription (view, "worker-2", pattern);
}

/* The windows are so small that most messages cannot be sent to the suspended member: other members get these at the demotion. It
 * keeps those that were sent, no message is lost, and after the demotion it gets no more. At first all members are suspended, so
 * that each gets its share. The rest needs a member that is not demoted, so longest_block_us has its default of 5 s: that is
 * longer than the other two wait for the CPU. */
static void
test_demoted (BusFixture *f, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (f);
  TestProcess *members[3];
  guint64 sent, others, more = 0;

  start_members (f, members, TASKS " workers count default 0 0 10");
  for (guint i = 0; i < 3; i++)
    test_process_suspend (members[i]);
  publish_tasks (f, 90);
  {
    g_auto (BusStatsView) view = bus_fixture_stats (f->controller);

    g_assert_cmpuint (queue_of (&view, TASKS)->queued_messages, >, 0);
  }
  for (guint i = 0; i < 2; i++)
    test_process_resume (members[i]);
  bus_fixture_wait (f, system_events_slow (events, "demoted", "worker-2") > 0);
  {
    g_auto (BusStatsView) view = bus_fixture_stats (f->controller);

    g_assert_true (queue_of (&view, TASKS)->demoted);
    g_assert_cmpuint (queue_of (&view, TASKS)->queued_messages, ==, 0);
    g_assert_cmpuint (queue_of (&view, TASKS)->missed, ==, 0);
    sent = queue_of (&view, TASKS)->delivered;
  }
  publish_tasks (f, 90);
  while ((others = sum_of (members, 2)) < 180 - sent)
    bus_fixture_run_briefly (f);
  g_assert_cmpuint (others, ==, 180 - sent);
  {
    g_auto (BusStatsView) view = bus_fixture_stats (f->controller);

    g_assert_cmpuint (queue_of (&view, TASKS)->delivered, ==, sent);
    g_assert_cmpuint (queue_of (&view, TASKS)->missed, ==, 0);
  }
  g_assert_cmpuint (system_events_dropped (events, "worker-2"), ==, 0);

  /* When the member continues, it gets its share again. A member that waited for the CPU meanwhile may be owed messages, and gets
   * these first. */
  test_process_resume (members[2]);
  bus_fixture_wait (f, system_events_slow (events, "drained", "worker-2") > 0);
  while (sum_of (members, 3) < 180)
    bus_fixture_run_briefly (f);
  do
    {
      publish_tasks (f, 90);
      more += 90;
      while (sum_of (members, 3) < 180 + more)
        bus_fixture_run_briefly (f);
    }
  while (sum_of (members, 2) == others + more);
}

/* Without the policy block there is no demotion, but a member that acknowledges nothing for longer than the others gets
 * no more. */
static void
test_stalled (BusFixture *f, gconstpointer data)
{
  TestProcess *publisher = bus_fixture_worker (f, "publisher", "procmond");
  TestProcess *members[3];
  guint64 before = 0;
  gboolean is_stalled = FALSE;

  start_members (f, members, EVENTS " workers count drop-oldest");
  test_process_suspend (members[2]);
  worker_publish (publisher, EVENTS, 9, SIZE);
  while (!is_stalled)
    {
      g_auto (BusStatsView) view = bus_fixture_stats (f->controller);

      is_stalled = is_last_stalled (&view, EVENTS);
      before = queue_of (&view, EVENTS)->delivered;
      bus_fixture_run_briefly (f);
    }
  worker_publish (publisher, EVENTS, 90, SIZE);
  while (sum_of (members, 2) < 99 - before)
    bus_fixture_run_briefly (f);
  {
    g_auto (BusStatsView) view = bus_fixture_stats (f->controller);

    g_assert_cmpuint (queue_of (&view, EVENTS)->delivered, ==, before);
  }
  test_process_resume (members[2]);
  while (sum_of (members, 3) < 99)
    bus_fixture_run_briefly (f);
}

/* One request times out; from then on the two other members answer. */
static void
test_requests (BusFixture *f, gconstpointer data)
{
  TestProcess *asker = bus_fixture_worker (f, "asker", "netmond");
  TestProcess *servers[3];
  guint64 replied[3];

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("server-%u", i);

      servers[i] = bus_fixture_worker (f, id, "procmond");
      worker_do (servers[i], "serve e " SERVED " - echo", "serving e");
    }
  test_process_suspend (servers[1]);
  test_process_send (asker, "request " SERVED " 30 5000");
  worker_numbers (asker, "replied", replied, 3);
  g_assert_cmpuint (replied[0] + replied[1], ==, 30);
  g_assert_cmpuint (replied[0], >=, 29);
  test_process_resume (servers[1]);
  test_process_send (asker, "request " SERVED " 30 60000");
  worker_numbers (asker, "replied", replied, 3);
  g_assert_cmpuint (replied[0], ==, 30);
}

/* --- strategies --- */

#define N_WORKERS 4u
#define N_ROUND   30u /* messages at a time, so that a member that waits for the CPU keeps its share */

static const BusFixtureOptions least_loaded = { .limits = "\n[group workers]\nstrategy=least-loaded" };
static const BusFixtureOptions weighted = { .limits = "\n[group workers]\nweights=worker-0:3" };

/* TRUE if these members have handled every message that they were sent. */
static gboolean
has_settled_all (BusFixture *f, guint n)
{
  g_auto (BusStatsView) view = bus_fixture_stats (f->controller);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *id = g_strdup_printf ("worker-%u", i);
      const Daemoneye__Eventbus__V1__QueueStats *queue = bus_stats_view_subscription (&view, id, TASKS);

      if (queue->unreturned_messages + queue->queued_messages > 0)
        return FALSE;
    }
  return TRUE;
}

/* Starts four members, the last one with another mode, and publishes @n rounds of messages. The last member handles one message in
 * each round if it has the mode "take", and the rest at the end. Returns the number that each member got. */
static void
share_out (BusFixture *f, const char *last, guint n, guint64 *got)
{
  const gboolean takes = g_str_has_prefix (last, "take");
  TestProcess *members[N_WORKERS];
  guint64 sum = 0;

  for (guint i = 0; i < N_WORKERS; i++)
    {
      g_autofree char *id = g_strdup_printf ("worker-%u", i);
      g_autofree char *subscribe = g_strdup_printf (TASKS " workers %s", i == N_WORKERS - 1 ? last : "count");

      members[i] = bus_fixture_worker (f, id, "procmond");
      worker_subscribe (members[i], "g", subscribe);
    }
  for (guint round = 0; round < n; round++)
    {
      if (takes)
        worker_do (members[N_WORKERS - 1], "take g 1", "taking g");
      publish_tasks (f, N_ROUND);
      while (!has_settled_all (f, takes ? N_WORKERS - 1 : N_WORKERS))
        bus_fixture_run_briefly (f);
    }
  if (takes)
    worker_do (members[N_WORKERS - 1], "take g 100000", "taking g");
  while (sum < n * N_ROUND)
    {
      sum = 0;
      for (guint i = 0; i < N_WORKERS; i++)
        sum += got[i] = sum_of (&members[i], 1);
      bus_fixture_run_briefly (f);
    }
  g_assert_cmpuint (sum, ==, n * N_ROUND);
}

/* A member that handles one message while the others may handle ten gets less than a quarter of the messages of each other member.
 * The configuration sets the strategy, so it also applies to members that do not ask for it. */
static void
test_slow_member (BusFixture *f, gconstpointer data)
{
  guint64 got[N_WORKERS];

  share_out (f, "take", 14, got);
  for (guint i = 0; i < N_WORKERS - 1; i++)
    g_assert_cmpuint (got[N_WORKERS - 1] * 4, <, got[i]);
}

/* A member with the weight 3 among four members gets half of all messages. */
static void
test_weights (BusFixture *f, gconstpointer data)
{
  guint64 got[N_WORKERS];

  share_out (f, "count", 10, got);
  for (guint i = 1; i < N_WORKERS; i++)
    g_assert_cmpuint (got[0], >, got[i] * 2);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, options, function)                                                                                   \
  g_test_add ("/integration/groups/" path, BusFixture, options, bus_fixture_set_up, function, bus_fixture_tear_down)
  ADD ("M06-K04-demoted-member", NULL, test_demoted);
  ADD ("M06-K04-stalled-member", NULL, test_stalled);
  ADD ("M07-K04-stalled-server", NULL, test_requests);
  ADD ("M07-least-loaded", &least_loaded, test_slow_member);
  ADD ("M07-weights", &weighted, test_weights);
#undef ADD
  return g_test_run ();
}

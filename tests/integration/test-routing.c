/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Routing between real processes: topics and patterns, direct messages, broadcasts, groups, and a message's metadata.
 */

#include "bus-fixture.h"
#include "worker-talk.h"

static const BusFixtureOptions with_agent = { .agent_program = TRUE };

static TestProcess *
worker (BusFixture *f, guint i)
{
  return g_ptr_array_index (f->workers, i);
}

static void
spawn_workers (BusFixture *f, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *id = g_strdup_printf ("procmond-%u", i + 1);

      bus_fixture_worker (f, id, "procmond");
    }
}

/* Waits until @sub of @process has received @total messages, and asserts that there are no more, no duplicates and no disorder. */
static void
assert_got (TestProcess *process, const char *sub, guint64 total)
{
  WorkerGot got;

  if (total > 0)
    worker_await (process, sub, total);
  got = worker_report (process, sub);
  g_assert_cmpuint (got.received, ==, total);
  g_assert_cmpuint (got.missed, ==, 0);
}

static void
subscribe (TestProcess *process, const char *sub, const char *pattern, const char *group)
{
  g_autofree char *rest = g_strdup_printf ("%s %s count", pattern, group);

  worker_subscribe (process, sub, rest);
}

/* The pids that the broker got from the kernel are those of the started processes. */
static void
test_processes (BusFixture *f, gconstpointer data)
{
  g_auto (BusStatsView) view = { 0 };
  const Daemoneye__Eventbus__V1__PeerStats *agent;
  g_autofree char *account = g_strdup_printf ("%u", test_system_account ());

  spawn_workers (f, 8);
  view = bus_fixture_stats (f->controller);
  for (guint i = 0; i < 8; i++)
    {
      g_autofree char *id = g_strdup_printf ("procmond-%u", i + 1);
      const Daemoneye__Eventbus__V1__PeerStats *peer = bus_stats_view_peer (&view, id);

      g_assert_nonnull (peer);
      g_assert_cmpuint (peer->pid, ==, (guint) test_process_pid (worker (f, i)));
      g_assert_cmpuint (peer->pid, !=, test_system_pid ());
      g_assert_cmpuint (peer->uid, ==, test_system_account ());
      g_assert_cmpstr (peer->account, ==, account);
      g_assert_cmpuint (peer->role, ==, DEYE_BUS_ROLE_COLLECTOR);
      g_assert_cmpstr (peer->type, ==, "procmond");
    }
  agent = bus_stats_view_peer (&view, "daemoneye-agent");
  g_assert_nonnull (agent);
  g_assert_cmpuint (agent->role, ==, DEYE_BUS_ROLE_AGENT);
  g_assert_cmpuint (agent->pid, ==, (guint) test_process_pid (f->broker));
  test_system_assert_private (f->address);
}

static void
test_patterns (BusFixture *f, gconstpointer data)
{
  static const struct
  {
    const char *pattern;
    guint received;
  } expected[] = {
    { "events.process.lifecycle", 1 },
    { "events.process.+", 3 },
    { "events.process.#", 4 },
    { "events.+.lifecycle", 1 },
    { "events.#", 4 },
    { "events.+", 0 },
    { "#", 4 },
    { "events.process.new.#", 2 },
    { "+.process.new", 1 },
    { "events.network.#", 0 },
  };
  static const char *const topics[]
      = { "events.process.lifecycle", "events.process.metadata", "events.process.new", "events.process.new.deep" };
  TestProcess *publisher;

  spawn_workers (f, 3);
  publisher = worker (f, 2);
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autofree char *sub = g_strdup_printf ("s%u", i);

      subscribe (worker (f, i % 2), sub, expected[i].pattern, "-");
    }
  for (guint i = 0; i < G_N_ELEMENTS (topics); i++)
    {
      worker_publish (publisher, topics[i], 1, 64);
    }
  /* A request of the publisher is answered after its messages were routed. */
  worker_do (publisher, "stats", "stats");
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    {
      g_autofree char *sub = g_strdup_printf ("s%u", i);

      g_test_message ("%s", expected[i].pattern);
      assert_got (worker (f, i % 2), sub, expected[i].received);
    }
}

static void
test_bad_patterns (BusFixture *f, gconstpointer data)
{
  static const char *const bad[]
      = { "events.#.a", "events.*.a", "Events.a", "events..a", ".events", "events.", "systemx.y" };

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) error = NULL;
      DeyeBusSubscription *subscription
          = deye_bus_client_subscribe (f->controller, bad[i], NULL, NULL, NULL, NULL, NULL, &error);

      g_assert_null (subscription);
      g_test_message ("%s: %s", bad[i], error->message);
      g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_BAD_PATTERN);
    }
}

static void
test_unsubscribe (BusFixture *f, gconstpointer data)
{
  spawn_workers (f, 2);
  subscribe (worker (f, 0), "a", "events.process.#", "-");
  subscribe (worker (f, 0), "b", "events.process.#", "-");
  worker_publish (worker (f, 1), "events.process.batch", 10, 32);
  assert_got (worker (f, 0), "a", 10);
  assert_got (worker (f, 0), "b", 10);
  worker_do (worker (f, 0), "unsubscribe a", "unsubscribed a");
  test_process_send (worker (f, 1), "publish events.process.batch 5 32");
  assert_got (worker (f, 0), "b", 15);
}

static void
test_direct (BusFixture *f, gconstpointer data)
{
  g_autoptr (GBytes) payload = bus_fixture_payload (7, 100);
  g_autoptr (GError) error = NULL;

  spawn_workers (f, 3);
  for (guint i = 0; i < 3; i++)
    subscribe (worker (f, i), "tasks", "tasks.procmond", "-");

  g_assert_true (
      deye_bus_client_direct (f->controller, "procmond-2", "tasks.procmond", payload, NULL, FALSE, NULL, &error));
  g_assert_no_error (error);
  assert_got (worker (f, 1), "tasks", 1);
  assert_got (worker (f, 0), "tasks", 0);
  assert_got (worker (f, 2), "tasks", 0);
}

static void
test_direct_delivered (BusFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  spawn_workers (f, 1);
  subscribe (worker (f, 0), "tasks", "tasks.procmond", "-");
  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (GBytes) payload = bus_fixture_payload (i, 100);
      WorkerGot got;

      g_assert_true (
          deye_bus_client_direct (f->controller, "procmond-1", "tasks.procmond", payload, NULL, TRUE, NULL, &error));
      g_assert_no_error (error);
      /* Its callback has returned, so the test need not wait. */
      got = worker_report (worker (f, 0), "tasks");
      g_assert_cmpuint (got.received, ==, i + 1);
      g_assert_cmpuint (got.missed, ==, 0);
    }
}

static void
test_direct_no_route (BusFixture *f, gconstpointer data)
{
  g_autoptr (GBytes) payload = bus_fixture_payload (7, 100);
  g_autoptr (GError) error = NULL;

  spawn_workers (f, 1);
  g_assert_false (
      deye_bus_client_direct (f->controller, "nobody", "tasks.procmond", payload, NULL, FALSE, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_ABSENT);
  g_clear_error (&error);
  g_assert_false (
      deye_bus_client_direct (f->controller, "procmond-1", "tasks.procmond", payload, NULL, FALSE, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_SUBSCRIBED);
}

/* A broadcast reaches every subscriber and every member of every matching group once. */
static void
test_broadcast (BusFixture *f, gconstpointer data)
{
  g_autoptr (GBytes) payload = bus_fixture_payload (1, 64);
  g_autoptr (GError) error = NULL;
  DeyeBusPublishResult result = { 0 };

  spawn_workers (f, 6);
  for (guint i = 0; i < 5; i++)
    subscribe (worker (f, i), "config", "control.collector.config.reload", i < 2 ? "-" : "team");
  subscribe (worker (f, 5), "config", "control.collector.lifecycle", "-");
  g_assert_true (deye_bus_client_broadcast (f->controller, "control.collector.config.reload", payload, NULL, &result,
                                            NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (result.matched, ==, 5);
  g_assert_cmpuint (result.queued, ==, 5);
  g_assert_cmpuint (result.refused, ==, 0);
  for (guint i = 0; i < 6; i++)
    assert_got (worker (f, i), "config", i < 5 ? 1 : 0);
}

/* Members of a group without load take turns, so each gets exactly the same number of messages. Each round waits for the one
 * before, because a member that holds messages for much longer than the others loses its turn. */
static void
test_group_evenly (BusFixture *f, gconstpointer data)
{
  TestProcess *members[4];
  g_autoptr (GError) error = NULL;

  spawn_workers (f, 5);
  for (guint i = 0; i < 4; i++)
    subscribe (members[i] = worker (f, i), "g", "tasks.procmond", "local-procmond-workers");
  subscribe (worker (f, 4), "all", "tasks.procmond", "-");
  for (guint i = 0; i < 400; i++)
    {
      g_autoptr (GBytes) payload = bus_fixture_payload (i, 200);
      DeyeBusPublishResult result = { 0 };

      g_assert_true (deye_bus_client_publish (f->controller, "tasks.procmond", payload, NULL, &result, NULL, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (result.matched, ==, 2);
      g_assert_cmpuint (result.queued, ==, 2);
      if (i % 4 == 3)
        worker_await_sum (f, members, 4, "g", i + 1);
    }
  for (guint i = 0; i < 4; i++)
    assert_got (worker (f, i), "g", 100);
  assert_got (worker (f, 4), "all", 400);
}

/* Many more messages than the windows of all members, without a pause: each message reaches exactly one member. */
static void
test_group_exactly_once (BusFixture *f, gconstpointer data)
{
  enum
  {
    BATCHES = 20,
    BATCH = 1000,
  };
  guint64 sum = 0;

  spawn_workers (f, 5);
  for (guint i = 0; i < 4; i++)
    subscribe (worker (f, i), "g", "events.process.batch", "readers");
  subscribe (worker (f, 0), "all", "events.process.batch", "-");
  for (guint i = 0; i < BATCHES; i++)
    {
      worker_publish (worker (f, 4), "events.process.batch", BATCH, 128);
      worker_await (worker (f, 0), "all", (i + 1) * BATCH);
    }
  bus_fixture_assert_idle (f);
  for (guint i = 0; i < 4; i++)
    {
      WorkerGot got;

      /* The broker is idle, so all messages are in transit to the callback; a later request is answered after them. */
      worker_do (worker (f, i), "stats", "stats");
      got = worker_report (worker (f, i), "g");
      sum += got.received;
      g_assert_cmpuint (got.missed, ==, 0);
      g_assert_cmpuint (got.received, >, 0);
    }
  g_assert_cmpuint (sum, ==, BATCHES * BATCH);
}

static void
test_metadata (BusFixture *f, gconstpointer data)
{
  static const guint8 trace[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
  static const guint8 span[8] = { 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6, 0xa7, 0xa8 };
  g_autoptr (GBytes) trace_id = g_bytes_new_static (trace, sizeof trace);
  g_autoptr (GBytes) span_id = g_bytes_new_static (span, sizeof span);
  g_autoptr (GBytes) payload = bus_fixture_payload (3, 24);
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GError) error = NULL;
  g_autofree char *seen = NULL;
  g_autofree char *expected = NULL;

  deye_bus_options_set_correlation_id (options, "job-17");
  deye_bus_options_set_parent_id (options, "job-16");
  deye_bus_options_set_root_id (options, "job-1");
  deye_bus_options_set_trace (options, trace_id, span_id);
  deye_bus_options_set_sequence_number (options, 18446744073709551615u);
  deye_bus_options_set_stage (options, "enrich");
  deye_bus_options_set_priority (options, 200);
  deye_bus_options_set_type_name (options, "org.example.Alert");
  deye_bus_options_set_content_type (options, "application/json");
  deye_bus_options_add_tag (options, "host", "a");
  deye_bus_options_add_tag (options, "rule", "42");

  spawn_workers (f, 1);
  worker_subscribe (worker (f, 0), "m", "events.process.anomaly - meta");
  g_assert_true (
      deye_bus_client_publish (f->controller, "events.process.anomaly", payload, options, NULL, NULL, &error));
  g_assert_no_error (error);
  seen = test_process_expect (worker (f, 0), "message m");
  expected = g_strdup_printf ("topic=events.process.anomaly sender=%s type_name=org.example.Alert"
                              " content_type=application/json correlation=job-17 parent=job-16 root=job-1"
                              " trace=0102030405060708090a0b0c0d0e0f10 span=a1a2a3a4a5a6a7a8"
                              " number=18446744073709551615 stage=enrich priority=200 tags=host=a,rule=42 stamped=1",
                              deye_bus_client_get_id (f->controller));
  g_assert_cmpstr (seen, ==, expected);
}

/* Payloads of every length at which the encoding changes arrive unchanged. */
static void
test_payload_sizes (BusFixture *f, gconstpointer data)
{
  static const gsize lengths[] = { 8, 127, 128, 4096, 16383, 16384, 16385, 65535, 65536, 262144, 1048575, 1048576 };

  spawn_workers (f, 1);
  subscribe (worker (f, 0), "s", "events.process.anomaly", "-");
  for (guint i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      g_autoptr (GBytes) payload = bus_fixture_payload (i, lengths[i]);
      g_autoptr (GError) error = NULL;
      DeyeBusPublishResult result = { 0 };

      g_assert_true (
          deye_bus_client_publish (f->controller, "events.process.anomaly", payload, NULL, &result, NULL, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (result.queued, ==, 1);
      assert_got (worker (f, 0), "s", i + 1);
    }
  {
    g_autoptr (GBytes) payload = bus_fixture_payload (0, 1048577);
    g_autoptr (GError) error = NULL;

    g_assert_false (
        deye_bus_client_publish (f->controller, "events.process.anomaly", payload, NULL, NULL, NULL, &error));
    g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
    g_test_message ("%s", error->message);
  }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, options, function)                                                                                   \
  g_test_add ("/integration/routing/" path, BusFixture, options, bus_fixture_set_up, function, bus_fixture_tear_down)
  ADD ("M01-M02-M21-pids-that-the-broker-saw", &with_agent, test_processes);
  ADD ("M03-patterns", NULL, test_patterns);
  ADD ("M03-patterns-with-the-agent", &with_agent, test_patterns);
  ADD ("M03-bad-patterns", NULL, test_bad_patterns);
  ADD ("M03-unsubscribe", NULL, test_unsubscribe);
  ADD ("M04-direct", NULL, test_direct);
  ADD ("M04-direct-delivered", NULL, test_direct_delivered);
  ADD ("M04-direct-no-route", NULL, test_direct_no_route);
  ADD ("M05-broadcast", NULL, test_broadcast);
  ADD ("M06-group-evenly", NULL, test_group_evenly);
  ADD ("M06-group-exactly-once", NULL, test_group_exactly_once);
  ADD ("M24-metadata", NULL, test_metadata);
  ADD ("F03-payload-sizes", NULL, test_payload_sizes);
#undef ADD
  return g_test_run ();
}

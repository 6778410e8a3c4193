/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Rights on every path: the broker denies actions to a collector, and does not deliver forbidden messages to its wildcards.
 */

#include "bus-fixture.h"
#include "worker-talk.h"

#include <string.h>

static TestProcess *
collector (BusFixture *f, const char *id, const char *type)
{
  return bus_fixture_worker (f, id, type);
}

/* Asserts that the action is denied by that rule. */
static void
assert_denied (TestProcess *process, const char *command)
{
  g_autofree char *code = g_strdup_printf ("%d ", DEYE_BUS_ERROR_DENIED);
  g_autofree char *answer = NULL;

  test_process_send (process, "%s", command);
  answer = test_process_expect (process, "refused");
  g_test_message ("%s: %s", command, answer);
  g_assert_nonnull (strstr (answer, code));
  g_assert_nonnull (strstr (answer, "rule"));
}

static void
test_publish (BusFixture *f, gconstpointer data)
{
  static const char *const denied[] = {
    "system.peer.gone",
    "debug.anything",
    "control.collector.lifecycle",
    "control.collector.config",
    "control.collector.config.reload",
    "control.collector.task.procmond",
    "control.agent.policy",
    "control.shutdown",
    "control.shutdown.procmond-1",
    "control.unheard.of",
    "tasks.procmond",
    "results.netmond",
    "events.network.dns",
    "control.health.heartbeat.procmond-2",
  };
  static const char *const allowed[] = {
    "events.process.lifecycle",
    "events.network.anomaly",
    "results.procmond",
    "health",
    "health.disk",
    "control.health.heartbeat.procmond-1",
  };
  TestProcess *process = collector (f, "procmond-1", "procmond");

  for (guint i = 0; i < G_N_ELEMENTS (denied); i++)
    {
      g_autofree char *command = g_strdup_printf ("acked %s", denied[i]);

      assert_denied (process, command);
    }
  for (guint i = 0; i < G_N_ELEMENTS (allowed); i++)
    {
      test_process_send (process, "acked %s", allowed[i]);
      g_test_message ("%s", allowed[i]);
      test_process_expect_line (process, "acked");
    }
}

/* Only the broker may publish below system, not even the agent. */
static void
test_system (BusFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  DeyeBusPublishResult result;

  g_assert_false (deye_bus_client_publish (f->controller, "system.peer.gone", NULL, NULL, &result, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED);
}

static void
test_subscribe (BusFixture *f, gconstpointer data)
{
  TestProcess *process = collector (f, "procmond-1", "procmond");

  assert_denied (process, "subscribe a system.# - count");
  assert_denied (process, "subscribe a system.peer.gone - count");
  assert_denied (process, "subscribe a control.shutdown.procmond-2 - count");
  assert_denied (process, "serve a control.collector.procmond-2 - echo");
  assert_denied (process, "serve a control.bus.stats - echo");
}

/* A collector receives messages to its own id, but not those to another one: neither in a group nor by '#'. */
static void
test_wildcard (BusFixture *f, gconstpointer data)
{
  static const char *const topics[]
      = { "control.shutdown.procmond-1", "control.shutdown.procmond-2", "control.shutdown.procmond-3" };
  TestProcess *processes[3];

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("procmond-%u", i + 1);

      processes[i] = collector (f, id, "procmond");
      worker_do (processes[i], "subscribe plus control.shutdown.+ - meta", "subscribed plus");
      worker_do (processes[i], "subscribe all # - meta", "subscribed all");
    }
  worker_do (processes[2], "subscribe team control.shutdown.+ team meta", "subscribed team");
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (GError) error = NULL;
      DeyeBusPublishResult result = { 0 };

      g_assert_true (deye_bus_client_publish (f->controller, topics[i], NULL, NULL, &result, NULL, &error));
      g_assert_no_error (error);
      g_test_message ("%s: matched %u", topics[i], result.matched);
      g_assert_cmpuint (result.queued, <=, 2);
    }
  bus_fixture_assert_idle (f);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *plus = NULL;
      g_autofree char *all = NULL;

      worker_do (processes[i], "stats", "stats");
      test_process_send (processes[i], "report plus");
      plus = test_process_expect (processes[i], "got plus");
      g_assert_cmpstr (plus, ==, i < 2 ? "1 0 0 0" : "0 0 0 0");
      test_process_send (processes[i], "report all");
      all = test_process_expect (processes[i], "got all");
      g_assert_cmpstr (all, ==, i < 2 ? "1 0 0 0" : "0 0 0 0");
      if (i < 2)
        {
          g_autofree char *seen = test_process_expect (processes[i], "message plus");
          g_autofree char *own = g_strdup_printf ("topic=%s ", topics[i]);

          g_assert_true (g_str_has_prefix (seen, own));
        }
    }
  {
    g_autofree char *team = NULL;

    test_process_send (processes[2], "report team");
    team = test_process_expect (processes[2], "got team");
    g_assert_cmpstr (team, ==, "0 0 0 0");
  }
}

/* '#' does not match system.*, not even for the agent. */
static void
count_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  g_assert_false (g_str_has_prefix (deye_bus_message_get_topic (message), "system."));
  ++*(guint *) data;
}

static void
test_hash_is_not_system (BusFixture *f, gconstpointer data)
{
  guint n = 0;
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusSubscription) all
      = deye_bus_client_subscribe (f->controller, "#", NULL, count_message, &n, NULL, NULL, &error);
  TestProcess *process;

  g_assert_no_error (error);
  process = collector (f, "procmond-1", "procmond");
  test_process_send (process, "acked events.process.batch");
  bus_fixture_wait (f, n == 1);
  g_assert_true (deye_bus_subscription_unsubscribe (all, NULL, &error));
}

/* A tool (deyebusctl) of the broker's own uid may connect. */
static void
test_tool (BusFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusClient) tool = deye_bus_client_new_tool (f->address, "tool-1");
  g_autoptr (GError) error = NULL;

  deye_bus_client_connect (tool, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (deye_bus_client_get_role (tool), ==, DEYE_BUS_ROLE_TOOL);
  {
    g_auto (BusStatsView) view = bus_fixture_stats (tool);

    g_assert_nonnull (bus_stats_view_peer (&view, "daemoneye-agent"));
  }
  g_assert_true (deye_bus_client_close (tool, NULL, &error));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                            \
  g_test_add ("/integration/rights/" path, BusFixture, NULL, bus_fixture_set_up, function, bus_fixture_tear_down)
  ADD ("T05-publish", test_publish);
  ADD ("T05-system", test_system);
  ADD ("A08-subscribe-and-serve", test_subscribe);
  ADD ("A07-wildcard", test_wildcard);
  ADD ("A07-hash-is-not-system", test_hash_is_not_system);
  ADD ("tool", test_tool);
#undef ADD
  return g_test_run ();
}

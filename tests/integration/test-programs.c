/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The installed programs, run as a user would run them: daemoneye-agent and the example collector.
 */

#include "bus-fixture.h"
#include "worker-talk.h"

#include <string.h>

static const BusFixtureOptions with_agent = { .agent_program = TRUE };

static TestProcess *
spawn_example (BusFixture *f)
{
  g_autofree char *environment = g_strconcat ("DAEMONEYE_BROKER_SOCKET=", f->address, NULL);
  const char *argv[] = { bus_fixture_program ("TEST_EXAMPLE"), f->address, NULL };
  const char *added[] = { environment, NULL };

  return test_process_spawn (argv, -1, added);
}

/* A task of the operation of the example collector. */
static void
submit_checksum (BusFixture *f)
{
  g_autoptr (DeyeBusClient) submitter = deye_bus_client_new_tool (f->address, "submitter");
  g_autoptr (DeyeBusTaskSpec) spec = deye_bus_task_spec_new ("checksum");
  g_autoptr (GBytes) hello = g_bytes_new_static ("hello", 5);
  g_autofree char *expected = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, hello);
  g_autoptr (DeyeBusTask) task = NULL;
  g_autoptr (GBytes) result = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_true (deye_bus_client_connect (submitter, NULL, &error));
  deye_bus_task_spec_set_payload (spec, hello, NULL);
  task = deye_bus_client_submit (submitter, spec, &error);
  g_assert_no_error (error);
  result = deye_bus_task_wait (task, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (result, NULL), g_bytes_get_size (result), expected, strlen (expected));
  g_assert_true (deye_bus_client_close (submitter, NULL, &error));
}

/* The collector of the documentation runs its tasks, and stops on request. */
static void
test_example (BusFixture *f, gconstpointer data)
{
  TestProcess *example = spawn_example (f);

  bus_fixture_wait_peers (f, 3);
  {
    g_auto (BusStatsView) view = bus_fixture_stats (f->controller);
    gboolean seen = FALSE;

    for (gsize i = 0; i < view.reply->n_peers; i++)
      seen |= view.reply->peers[i]->pid == (guint) test_process_pid (example);
    g_assert_true (seen);
  }
  submit_checksum (f);
  test_process_ask_to_stop (example);
  g_assert_cmpint (test_process_end (example), ==, 0);
  test_process_free (example);
  bus_fixture_wait_peers (f, 2);
}

/* The agent ends on SIGTERM and SIGINT (the fixture sends the first); its clients receive the reason. */
static void
test_agent_stops (BusFixture *f, gconstpointer data)
{
  TestProcess *process = bus_fixture_worker (f, "procmond-1", "procmond");
  const char *argv[] = { bus_fixture_program ("TEST_AGENT"), "--address", NULL, "--ready-fd", "1", NULL };
  g_autofree char *address = g_build_filename (f->dir, "other", "eventbus.sock", NULL);
  TestProcess *agent;
  TestProcess *other;
  g_autofree char *why = NULL;

  argv[2] = address;
  agent = test_process_spawn (argv, -1, NULL);
  test_process_expect_line (agent, "");
  other = bus_fixture_worker_at (f, address, "procmond-1", "procmond");
  test_process_interrupt (agent);
  why = test_process_expect (other, "closed");
  g_test_message ("%s", why);
  g_assert_cmpint (g_ascii_strtoll (why, NULL, 10), ==, DEYE_BUS_ERROR_SHUTTING_DOWN);
  g_assert_cmpint (test_process_end (other), ==, 3);
  g_ptr_array_remove (f->workers, other);
  g_assert_cmpint (test_process_end (agent), ==, 0);
  test_process_free (agent);
  worker_do (process, "stats", "stats");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                            \
  g_test_add ("/integration/programs/" path, BusFixture, &with_agent, bus_fixture_set_up, function,                    \
              bus_fixture_tear_down)
  if (g_getenv ("TEST_EXAMPLE") != NULL)
    ADD ("M22-example-collector", test_example);
  ADD ("M01-agent-stops", test_agent_stops);
#undef ADD
  return g_test_run ();
}

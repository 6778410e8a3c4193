/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The broker inside another program: the host may block, start two brokers, stop one, and run child processes.
 */

#include "bus-fixture.h"
#include "worker-talk.h"

#include <string.h>

/* The host's main loop blocks for ten seconds, while two collectors send each other requests. */
static void
test_blocked_host (BusFixture *f, gconstpointer data)
{
  TestProcess *first = bus_fixture_worker (f, "procmond-1", "procmond");
  TestProcess *second = bus_fixture_worker (f, "procmond-2", "procmond");
  gint64 begin_us;
  guint rounds = 0;

  worker_do (first, "serve s events.process.anomaly - echo", "serving s");
  worker_do (second, "serve s events.network.anomaly - echo", "serving s");

  worker_do (f->broker, "block", "blocked");
  begin_us = g_get_monotonic_time ();
  while (g_get_monotonic_time () - begin_us < 10 * G_TIME_SPAN_SECOND)
    {
      g_autofree char *one = NULL;
      g_autofree char *other = NULL;

      /* One after the other: a collector in a synchronous request serves no requests. */
      test_process_send (first, "request events.network.anomaly 100 60000");
      one = test_process_expect (first, "replied");
      test_process_send (second, "request events.process.anomaly 100 60000");
      other = test_process_expect (second, "replied");
      g_assert_cmpstr (one, ==, "100 0 0");
      g_assert_cmpstr (other, ==, "100 0 0");
      g_assert_false (test_process_has (f->broker, "unblocked"));
      rounds++;
      bus_fixture_run_briefly (f); /* yields the processor */
    }
  /* New peers can connect as well. */
  bus_fixture_end_worker (f, bus_fixture_worker (f, "procmond-3", "procmond"));
  worker_do (f->broker, "unblock", "unblocked");
  g_test_message ("%u round trips while the host was blocked", rounds * 200);
}

/* Two brokers in one process share nothing. */
static void
test_two_brokers (BusFixture *f, gconstpointer data)
{
  g_autofree char *address = g_build_filename (f->dir, "second", "eventbus.sock", NULL);
  g_autoptr (DeyeBusClient) agent = NULL;
  TestProcess *here;
  TestProcess *there;
  WorkerGot got;
  g_autoptr (GError) error = NULL;

  test_process_send (f->broker, "start %s", address);
  test_process_expect_line (f->broker, "started 1");
  agent = bus_fixture_agent_client (f, 1);
  g_assert_cmpuint (deye_bus_client_get_broker_epoch (agent), !=, deye_bus_client_get_broker_epoch (f->controller));

  /* Both brokers have a peer with the same id. */
  here = bus_fixture_worker (f, "procmond-1", "procmond");
  there = bus_fixture_worker_at (f, address, "procmond-1", "procmond");
  worker_subscribe (here, "s", "events.process.# - count");
  worker_subscribe (there, "s", "events.process.# - count");
  test_process_send (here, "publish events.process.batch 10 100");
  worker_await (here, "s", 10);
  worker_do (there, "stats", "stats");
  got = worker_report (there, "s");
  g_assert_cmpuint (got.received + got.missed, ==, 0);

  /* One broker stops and reports it, the other one keeps running. */
  g_assert_true (deye_bus_client_close (agent, NULL, &error));
  worker_do (f->broker, "stop 1", "stopped 1");
  {
    g_autofree char *why = test_process_expect (there, "closed");
    g_autofree char *code = g_strdup_printf ("%d ", DEYE_BUS_ERROR_SHUTTING_DOWN);

    g_test_message ("%s", why);
    g_assert_true (g_str_has_prefix (why, code));
  }
  g_assert_cmpint (test_process_end (there), ==, 3);
  g_ptr_array_remove (f->workers, there);
  g_assert_false (g_file_test (address, G_FILE_TEST_EXISTS));
  test_process_send (here, "publish events.process.batch 10 100");
  worker_await (here, "s", 20);
}

/* A second broker at the same address is refused, and does not affect the first one. */
static void
test_address_in_use (BusFixture *f, gconstpointer data)
{
  TestProcess *process = bus_fixture_worker (f, "procmond-1", "procmond");
  g_autofree char *why = NULL;

  test_process_send (f->broker, "start %s", f->address);
  why = test_process_expect (f->broker, "failed");
  g_test_message ("%s", why);
  g_assert_true (g_str_has_prefix (why, "2 "));
  worker_do (process, "stats", "stats");
  bus_fixture_end_worker (f, bus_fixture_worker (f, "procmond-2", "procmond"));
}

/* A broker takes over the socket of a killed broker, but not that of a running one. */
static void
test_stale_socket (BusFixture *f, gconstpointer data)
{
  const char *argv[] = { bus_fixture_program ("TEST_HOST"), bus_fixture_program ("TEST_MODULE"), NULL };
  g_autofree char *address = g_build_filename (f->dir, "stale", "eventbus.sock", NULL);
  TestProcess *host = test_process_spawn (argv, -1, NULL);
  TestProcess *process;

  test_process_send (host, "start %s", address);
  test_process_expect_line (host, "started 0");
  test_process_kill (host);
  g_assert_cmpint (test_process_end (host), ==, TEST_SYSTEM_KILLED);
  test_process_free (host);
  g_assert_true (g_file_test (address, G_FILE_TEST_EXISTS));

  test_process_send (f->broker, "start %s", address);
  test_process_expect_line (f->broker, "started 1");
  process = bus_fixture_worker_at (f, address, "procmond-1", "procmond");
  bus_fixture_end_worker (f, process);
  worker_do (f->broker, "stop 1", "stopped 1");
}

/* A child process that closes no descriptors inherits only the three standard ones. */
static void
assert_nothing_inherited (TestProcess *process)
{
  test_process_send (process, "child-fds");
  test_process_expect_line (process, "child-done");
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *prefix = g_strdup_printf ("child-fd %u", i);

      test_process_expect_line (process, prefix);
    }
  if (test_process_has (process, "child-fd"))
    {
      g_autofree char *which = test_process_expect (process, "child-fd");

      g_error ("inherited: %s", which);
    }
}

static void
test_inheritance (BusFixture *f, gconstpointer data)
{
  TestProcess *process = bus_fixture_worker (f, "procmond-1", "procmond");

  worker_subscribe (process, "s", "events.process.# - count");
  assert_nothing_inherited (process);
  assert_nothing_inherited (f->broker);
}

/* The statistics of the module agree with control.bus.stats. */
static void
test_module_stats (BusFixture *f, gconstpointer data)
{
  g_autofree char *numbers = NULL;

  bus_fixture_worker (f, "procmond-1", "procmond");
  test_process_send (f->broker, "stats 0");
  numbers = test_process_expect (f->broker, "stats");
  g_test_message ("%s", numbers);
  g_assert_true (g_str_has_prefix (numbers, "peers=2 connections=2 queued_messages=0 "));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                            \
  g_test_add ("/integration/embedding/" path, BusFixture, NULL, bus_fixture_set_up, function, bus_fixture_tear_down)
  ADD ("H06-blocked-host", test_blocked_host);
  ADD ("H08-two-brokers", test_two_brokers);
  ADD ("A13-address-in-use", test_address_in_use);
  ADD ("A13-stale-socket", test_stale_socket);
  ADD ("H02-inheritance", test_inheritance);
  ADD ("module-stats", test_module_stats);
#undef ADD
  return g_test_run ();
}

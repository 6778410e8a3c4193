/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-fixture.h"

#include <signal.h>

/* The end of a collector: it drains, and stops. */

typedef CollectorFixture Fixture;

#define OUTCOME(kind) DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_##kind

static GPtrArray *
send_and_receive (Fixture *f)
{
  client_fixture_send_and_settle (&f->base);
  return collector_receive (f);
}

/* Starts a work under the route 700. */
static void
start_work (Fixture *f)
{
  g_autoptr (GPtrArray) frames = NULL;

  g_object_set (f->collector, "max-concurrent", 8u, NULL);
  collector_fixture_start (f);
  collector_script_execute (f->base.in, 700, "t-1", NULL);
  frames = send_and_receive (f);
  g_assert_cmpuint (f->log.calls, ==, 1);
}

static void
check_update (const ScriptFrame *frame, guint64 drain_us)
{
  g_autoptr (WireGuard) guard = collector_unpack (frame, &daemoneye__eventbus__v1__update_request__descriptor);
  const Daemoneye__Eventbus__V1__UpdateRequest *update = wire_guard_message (guard);

  g_assert_true (update->draining);
  g_assert_cmpuint (update->drain_us, ==, drain_us);
}

/* --- drain --- */

/* A draining collector accepts no new tasks, finishes the tasks that it has, and reports that it has drained. */
static void
test_drain (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) asked = NULL;
  g_autoptr (GPtrArray) declined = NULL;

  start_work (f);
  g_assert_true (deye_bus_collector_drain (f->collector, 7000000, NULL));
  g_assert_true (deye_bus_collector_is_draining (f->collector));
  g_assert_cmpuint (f->draining, ==, 0); /* no handler runs in a call */
  client_fixture_settle (&f->base);
  asked = collector_receive (f);
  check_update (collector_find_request (asked, "Update"), 7000000);
  g_assert_cmpuint (f->draining, ==, 1);
  g_assert_cmpuint (f->drained, ==, 0);
  collector_script_execute (f->base.in, 701, "t-2", NULL);
  declined = send_and_receive (f);
  g_assert_cmpuint (declined->len, ==, 1);
  collector_assert_outcome (declined->pdata[0], 701, OUTCOME (BUSY));
  g_assert_true (deye_bus_work_succeed (f->log.work, NULL, NULL, NULL));
  client_fixture_settle (&f->base);
  g_assert_cmpuint (f->drained, ==, 1);
  g_assert_true (deye_bus_collector_drain (f->collector, 0, NULL));
  client_fixture_settle (&f->base);
  g_assert_cmpuint (f->draining, ==, 1);
}

/* The broker requests the drain. */
static void
test_lifecycle (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;

  start_work (f);
  collector_script_lifecycle (f->base.in, "bus", 1000000, FALSE);
  frames = send_and_receive (f);
  g_assert_cmpuint (f->draining, ==, 1);
  g_assert_cmpuint (deye_bus_collector_get_state (f->collector), ==, DEYE_BUS_COLLECTOR_STATE_DRAINING);
  g_assert_null (collector_find_request (frames, "Update"));
}

static void
test_lifecycle_of_another (Fixture *f, gconstpointer data)
{
  start_work (f);
  collector_script_lifecycle (f->base.in, "mallory", 1000000, FALSE);
  client_fixture_send_and_settle (&f->base);
  g_assert_cmpuint (f->draining, ==, 0);
  g_assert_false (deye_bus_collector_is_draining (f->collector));
}

/* DRAIN arrives after the task in the same read: the handler is not called. */
static void
test_drain_in_same_read (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;

  collector_fixture_start (f);
  collector_script_execute (f->base.in, 700, "t-1", NULL);
  collector_script_lifecycle (f->base.in, "bus", 1000000, FALSE);
  frames = send_and_receive (f);
  g_assert_cmpuint (f->log.calls, ==, 0);
  g_assert_cmpuint (frames->len, ==, 1);
  collector_assert_outcome (frames->pdata[0], 700, OUTCOME (BUSY));
  g_assert_cmpuint (f->drained, ==, 1);
}

/* --- stop --- */

static void
assert_stopped (Fixture *f, ClientResult *result)
{
  g_autoptr (GError) error = NULL;

  client_fixture_wait (&f->base, result->calls > 0);
  g_assert_true (deye_bus_collector_stop_finish (f->collector, result->result, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (deye_bus_collector_get_state (f->collector), ==, DEYE_BUS_COLLECTOR_STATE_UNREGISTERED);
}

/* stop() waits for running works. The client belongs to the program, so it is not closed. */
static void
test_stop (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GPtrArray) asked = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  const ScriptFrame *last;

  start_work (f);
  deye_bus_collector_stop_async (f->collector, 0, NULL, client_result_set, &result);
  client_fixture_settle (&f->base);
  asked = collector_receive (f);
  check_update (collector_find_request (asked, "Update"), 0);
  g_assert_null (collector_find_request (asked, "Deregister"));
  g_assert_cmpuint (result.calls, ==, 0);
  g_assert_true (deye_bus_work_succeed (f->log.work, NULL, NULL, NULL));
  assert_stopped (f, &result);
  frames = collector_receive (f);
  collector_assert_outcome (frames->pdata[0], 700, OUTCOME (SUCCEEDED));
  g_assert_nonnull (collector_find_request (frames, "Deregister"));
  last = frames->pdata[frames->len - 1]; /* after the topics were closed */
  g_assert_true (wire_span_equal (last->envelope.topic, WIRE_SPAN_LITERAL ("control.bus.unsubscribe")));
  g_assert_cmpint (deye_bus_client_get_state (f->base.client), ==, DEYE_BUS_CLIENT_STATE_READY);
}

/* At the end of the grace time, running works are cancelled and send no outcome. */
static void
test_stop_grace (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) first = { NULL, 0 };
  g_auto (ClientResult) second = { NULL, 0 };
  g_autoptr (GPtrArray) frames = NULL;

  start_work (f);
  deye_bus_collector_stop_async (f->collector, 0, NULL, client_result_set, &first);
  client_fixture_settle (&f->base);
  g_assert_cmpuint (first.calls, ==, 0);
  deye_bus_collector_stop_async (f->collector, 1, NULL, client_result_set, &second);
  assert_stopped (f, &first);
  assert_stopped (f, &second);
  g_assert_cmpint (deye_bus_work_get_cancel_reason (f->log.work), ==, DEYE_BUS_CANCEL_STOPPED);
  frames = collector_receive (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_REPLY), ==, 0);
  g_assert_nonnull (collector_find_request (frames, "Deregister"));
  g_assert_true (deye_bus_work_succeed (f->log.work, NULL, NULL, NULL));
  client_fixture_settle (&f->base);
}

static void
stop_and_wait (DeyeBusCollector *collector, gpointer calls)
{
  g_autoptr (GError) error = NULL;

  ++*(guint *) calls;
  g_assert_true (deye_bus_collector_stop (collector, 0, &error));
  g_assert_no_error (error);
}

/* The handler of a signal calls stop(), which ends only when the timer that emits the signal has run. */
static void
test_stop_in_signal (Fixture *f, gconstpointer signal)
{
  guint calls = 0;

  collector_fixture_start (f);
  g_signal_connect (f->collector, signal, G_CALLBACK (stop_and_wait), &calls);
  g_assert_true (deye_bus_collector_drain (f->collector, 0, NULL));
  client_fixture_wait (&f->base, calls > 0);
  client_fixture_settle (&f->base);
  g_assert_cmpuint (calls, ==, 1);
  g_assert_cmpuint (f->drained, ==, 1);
  g_assert_cmpuint (deye_bus_collector_get_state (f->collector), ==, DEYE_BUS_COLLECTOR_STATE_UNREGISTERED);
}

/* The grace time is limited, because the broker refuses a longer one and would continue to give tasks. */
static void
test_drain_at_most (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) asked = NULL;

  collector_fixture_start (f);
  g_assert_true (deye_bus_collector_drain (f->collector, G_MAXINT64, NULL));
  client_fixture_settle (&f->base);
  asked = collector_receive (f);
  check_update (collector_find_request (asked, "Update"), 3600u * G_TIME_SPAN_SECOND);
}

static void
test_stop_sync (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (deye_bus_collector_stop (f->collector, 0, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  collector_fixture_start (f);
  g_assert_true (deye_bus_collector_stop (f->collector, 0, &error));
  g_assert_no_error (error);
  g_assert_true (deye_bus_collector_stop (f->collector, 0, &error));
}

/* A collector that made its own client closes it. */
static void
test_stop_own (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusCollector) own = deye_bus_collector_new ("/nowhere/bus", "own-1", "own");
  g_autoptr (GError) error = NULL;

  g_assert_true (deye_bus_collector_start (own, &error));
  g_assert_no_error (error);
  g_assert_true (deye_bus_collector_stop (own, 0, &error));
  g_assert_no_error (error);
  g_assert_cmpint (deye_bus_client_get_state (deye_bus_collector_get_client (own)), ==, DEYE_BUS_CLIENT_STATE_CLOSED);
  client_fixture_settle (&f->base);
}

/* The collector is stopped before the broker has answered its registration: the answer is discarded. */
static void
test_stop_while_starting (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  collector_fixture_begin (f);
  deye_bus_collector_start_async (f->collector, NULL, client_result_set, &result);
  g_assert_true (deye_bus_collector_stop (f->collector, 0, &error));
  g_assert_no_error (error);
  client_fixture_settle (&f->base);
  g_assert_cmpuint (result.calls, ==, 1);
  g_assert_false (deye_bus_collector_start_finish (f->collector, result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
}

/* A stopped collector cannot be started again. */
static void
test_start_stopped (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  collector_fixture_start (f);
  g_assert_true (deye_bus_collector_stop (f->collector, 0, NULL));
  g_assert_false (deye_bus_collector_start (f->collector, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  deye_bus_collector_start_async (f->collector, NULL, client_result_set, &result);
  client_fixture_settle (&f->base);
  g_assert_cmpuint (result.calls, ==, 1);
}

/* --- run --- */

/* The broker has announced the end of the process: run() returns when the collector has drained. */
static void
test_run_until_exit (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  collector_fixture_start (f);
  collector_script_lifecycle (f->base.in, "bus", 1000000, TRUE);
  client_fixture_send (&f->base);
  g_assert_true (deye_bus_collector_run (f->collector, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (f->drained, ==, 1);
}

/* The same if it has drained before its end was announced (@data: NULL), or before run() was called. */
static void
test_run_drained (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  collector_fixture_start (f);
  collector_script_lifecycle (f->base.in, "bus", 1000000, data != NULL);
  client_fixture_send_and_settle (&f->base);
  g_assert_cmpuint (f->drained, ==, 1);
  if (data == NULL)
    {
      collector_script_lifecycle (f->base.in, "bus", 1000000, TRUE);
      client_fixture_send (&f->base);
    }
  g_assert_true (deye_bus_collector_run (f->collector, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (f->drained, ==, 1);
}

static gboolean
stop_process (gpointer data)
{
  raise (SIGTERM);
  return G_SOURCE_REMOVE;
}

static void
stop_again (DeyeBusCollector *collector, gpointer data)
{
  raise (SIGTERM);
}

/* SIGTERM drains the collector; a second SIGTERM ends it without waiting for running works. */
static void
test_run_until_signal (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GSource) source = g_idle_source_new ();

  start_work (f);
  g_source_set_callback (source, stop_process, NULL, NULL);
  g_source_attach (source, f->base.context);
  g_signal_connect (f->collector, "draining", G_CALLBACK (stop_again), NULL);
  g_assert_true (deye_bus_collector_run (f->collector, &error));
  g_assert_no_error (error);
  g_assert_cmpint (deye_bus_work_get_cancel_reason (f->log.work), ==, DEYE_BUS_CANCEL_STOPPED);
}

/* The client does not connect again. */
static void
test_run_fails (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  collector_fixture_start (f);
  client_fixture_disconnect (&f->base);
  g_assert_false (deye_bus_collector_run (f->collector, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
}

/* A message waits for a connection that never comes: run() reports at its end that it was not sent. */
static void
test_run_unsent (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusCollector) own = deye_bus_collector_new ("/nowhere/bus", "own-1", "own");
  g_autoptr (GSource) source = g_idle_source_new ();
  g_autoptr (GError) error = NULL;

  g_assert_true (deye_bus_collector_start (own, &error));
  deye_bus_client_publish_async (deye_bus_collector_get_client (own), "results.own", NULL, NULL, FALSE, NULL, NULL,
                                 NULL);
  g_source_set_callback (source, stop_process, NULL, NULL);
  g_source_attach (source, f->base.context);
  g_assert_false (deye_bus_collector_run (own, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  client_fixture_settle (&f->base);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/collector-drain/" path, Fixture, NULL, collector_fixture_set_up, function,                      \
              collector_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("drain", test_drain);
  ADD ("lifecycle", test_lifecycle);
  ADD ("lifecycle-of-another", test_lifecycle_of_another);
  ADD ("drain-in-same-read", test_drain_in_same_read);
  ADD ("stop", test_stop);
  ADD ("stop-grace", test_stop_grace);
  ADD ("drain-at-most-an-hour", test_drain_at_most);
  g_test_add ("/client/collector-drain/stop-in-draining", Fixture, "draining", collector_fixture_set_up,
              test_stop_in_signal, collector_fixture_tear_down);
  g_test_add ("/client/collector-drain/stop-in-drained", Fixture, "drained", collector_fixture_set_up,
              test_stop_in_signal, collector_fixture_tear_down);
  ADD ("stop-sync", test_stop_sync);
  ADD ("stop-own-client", test_stop_own);
  ADD ("stop-while-starting", test_stop_while_starting);
  ADD ("start-stopped", test_start_stopped);
  ADD ("run-until-exit", test_run_until_exit);
  ADD ("run-drained", test_run_drained);
  g_test_add ("/client/collector-drain/run-expected-drained", Fixture, "expected", collector_fixture_set_up,
              test_run_drained, collector_fixture_tear_down);
  ADD ("run-until-signal", test_run_until_signal);
  ADD ("run-fails", test_run_fails);
  ADD ("run-unsent", test_run_unsent);
  return g_test_run ();
}

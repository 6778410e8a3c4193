/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-fixture.h"

/* The end of a collector: it is freed while works run or while its topics are opened, or its client fails to connect or is
 * disposed. */

typedef CollectorFixture Fixture;

static GPtrArray *
send_and_receive (Fixture *f)
{
  client_fixture_send_and_settle (&f->base);
  return collector_receive (f);
}

/* The collector is freed while its works run: they are cancelled, and the client continues. */
static void
test_freed (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) started = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  collector_fixture_start (f);
  collector_script_execute (f->base.in, 700, "t-1", NULL);
  started = send_and_receive (f);
  g_assert_finalize_object (g_steal_pointer (&f->collector));
  g_assert_cmpint (deye_bus_work_get_cancel_reason (f->log.work), ==, DEYE_BUS_CANCEL_STOPPED);
  g_assert_true (deye_bus_work_succeed (f->log.work, NULL, NULL, NULL));
  client_fixture_settle (&f->base);
  frames = collector_receive (f);
  g_assert_nonnull (collector_find_request (frames, "Deregister"));
  g_assert_cmpuint (script_count (frames, WIRE_KIND_REPLY), ==, 0);
  collector_script_execute (f->base.in, 701, "t-2", NULL);
  collector_script_cancel (f->base.in, 700, WIRE_STATUS_OK);
  client_fixture_send_and_settle (&f->base);
  g_assert_cmpuint (f->log.calls, ==, 1);
  g_assert_cmpint (deye_bus_client_get_state (f->base.client), ==, DEYE_BUS_CLIENT_STATE_READY);
}

/* A collector that fails to connect reports that to each call. */
static void
test_start_after_failure (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) first = { NULL, 0 };
  g_auto (ClientResult) second = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  deye_bus_collector_start_async (f->collector, NULL, client_result_set, &first);
  client_fixture_disconnect (&f->base);
  client_fixture_settle (&f->base);
  g_assert_cmpuint (first.calls, ==, 1);
  g_assert_false (deye_bus_collector_start_finish (f->collector, first.result, NULL));
  deye_bus_collector_start_async (f->collector, NULL, client_result_set, &second);
  client_fixture_settle (&f->base);
  g_assert_cmpuint (second.calls, ==, 1);
  g_assert_false (deye_bus_collector_start_finish (f->collector, second.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
}

static guint
count_unsubscribes (GPtrArray *frames)
{
  guint n = 0;

  for (guint i = 0; i < frames->len; i++)
    n += wire_span_equal (((ScriptFrame *) frames->pdata[i])->envelope.topic,
                          WIRE_SPAN_LITERAL ("control.bus.unsubscribe"));
  return n;
}

/* A collector that is freed while its topics are opened does not leave them open in the client. */
static void
test_freed_early (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;

  collector_fixture_begin (f);
  collector_script_registered (f->base.in, 2, 77);
  client_fixture_send_and_settle (&f->base);
  g_assert_finalize_object (g_steal_pointer (&f->collector));
  script_subscribe_reply (f->base.in, 4, 1000, 1048576);
  script_subscribe_reply (f->base.in, 6, 1000, 1048576);
  frames = send_and_receive (f);
  g_assert_cmpuint (count_unsubscribes (frames), ==, 2);
}

/* A binding disposes the client that it keeps, while a call waits for the registration: the call fails. */
static void
test_client_disposed (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };

  collector_fixture_begin (f);
  deye_bus_collector_start_async (f->collector, NULL, client_result_set, &result);
  client_fixture_settle (&f->base);
  g_assert_cmpuint (result.calls, ==, 0);
  g_object_run_dispose (G_OBJECT (f->base.client));
  client_fixture_settle (&f->base);
  g_assert_cmpuint (result.calls, ==, 1);
  g_assert_false (deye_bus_collector_start_finish (f->collector, result.result, NULL));
}

/* --- stop_async() --- */

static void
begin_stop (Fixture *f, ClientResult *result)
{
  deye_bus_collector_stop_async (f->collector, G_TIME_SPAN_DAY, NULL, client_result_set, result);
  client_fixture_settle (&f->base);
}

static void
assert_stop_failed (Fixture *f, ClientResult *result)
{
  g_autoptr (GError) error = NULL;

  client_fixture_settle (&f->base);
  g_assert_cmpuint (result->calls, ==, 1);
  g_assert_false (deye_bus_collector_stop_finish (f->collector, result->result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  g_assert_cmpint (deye_bus_work_get_cancel_reason (f->log.work), ==, DEYE_BUS_CANCEL_STOPPED);
}

static void
start_a_work (Fixture *f)
{
  collector_fixture_start (f);
  collector_script_execute (f->base.in, 700, "t-1", NULL);
  client_fixture_send_and_settle (&f->base);
  g_assert_nonnull (f->log.work);
}

/* The work cannot report its result to a client that was disposed, so a stop does not wait for the work. */
static void
test_stop_after_dispose (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };

  start_a_work (f);
  g_object_run_dispose (G_OBJECT (f->base.client));
  client_fixture_settle (&f->base);
  g_assert_cmpint (deye_bus_collector_get_state (f->collector), ==, DEYE_BUS_COLLECTOR_STATE_UNREGISTERED);
  begin_stop (f, &result);
  assert_stop_failed (f, &result);
}

/* The client becomes unusable while the stop waits. @data: NULL: the client is closed, otherwise disposed. */
static void
test_stop_before (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };

  start_a_work (f);
  begin_stop (f, &result);
  g_assert_cmpuint (result.calls, ==, 0);
  if (data != NULL)
    g_object_run_dispose (G_OBJECT (f->base.client));
  else
    g_assert_true (deye_bus_client_close (f->base.client, NULL, NULL));
  assert_stop_failed (f, &result);
}

/* Without a work nothing is lost: the stop succeeds. */
static void
test_stop_idle (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GError) error = NULL;

  collector_fixture_start (f);
  g_object_run_dispose (G_OBJECT (f->base.client));
  begin_stop (f, &result);
  g_assert_cmpuint (result.calls, ==, 1);
  g_assert_true (deye_bus_collector_stop_finish (f->collector, result.result, &error));
  g_assert_no_error (error);
}

static gboolean
on_dispose (gpointer object)
{
  g_object_run_dispose (object);
  return G_SOURCE_REMOVE;
}

/* run() returns when the client or the collector is disposed: nothing else would end it. @data: NULL: the collector */
static void
test_run (Fixture *f, gconstpointer data)
{
  g_autoptr (GSource) source = g_idle_source_new ();
  g_autoptr (GError) error = NULL;

  collector_fixture_start (f);
  g_source_set_callback (source, on_dispose, data != NULL ? (gpointer) f->base.client : f->collector, NULL);
  g_source_attach (source, f->base.client->context);
  g_assert_false (deye_bus_collector_run (f->collector, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
}

/* --- a disposed collector --- */

/* A binding disposes the collector while a stop waits: the call fails. */
static void
test_disposed_stopping (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };

  start_a_work (f);
  begin_stop (f, &result);
  g_assert_cmpuint (result.calls, ==, 0);
  g_object_run_dispose (G_OBJECT (f->collector));
  assert_stop_failed (f, &result);
}

static void
assert_unusable (DeyeBusCollector *collector)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *id = NULL;

  g_assert_false (deye_bus_collector_start (collector, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_false (deye_bus_collector_run (collector, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  g_object_set (collector, "max-concurrent", 3, NULL);
  g_object_get (collector, "id", &id, NULL);
  g_assert_cmpstr (id, ==, "tester");
}

/* The collector can be used after that like one that was stopped. Its client continues, and the broker is notified. */
static void
test_disposed (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) started = { NULL, 0 };
  g_auto (ClientResult) stopped = { NULL, 0 };
  g_autoptr (GPtrArray) frames = NULL;

  collector_fixture_start (f);
  g_object_run_dispose (G_OBJECT (f->collector));
  assert_unusable (f->collector);
  deye_bus_collector_start_async (f->collector, NULL, client_result_set, &started);
  begin_stop (f, &stopped);
  g_assert_cmpuint (started.calls, ==, 1);
  g_assert_false (deye_bus_collector_start_finish (f->collector, started.result, NULL));
  g_assert_cmpuint (stopped.calls, ==, 1);
  g_assert_true (deye_bus_collector_stop_finish (f->collector, stopped.result, NULL));
  frames = collector_receive (f);
  g_assert_nonnull (collector_find_request (frames, "Deregister"));
  g_assert_cmpint (deye_bus_client_get_state (f->base.client), ==, DEYE_BUS_CLIENT_STATE_READY);
}

/* A handler disposes the collector that emits the signal. */
static void
test_disposed_in_handler (Fixture *f, gconstpointer data)
{
  g_signal_connect (f->collector, data, G_CALLBACK (g_object_run_dispose), NULL);
  collector_fixture_start (f);
  g_assert_true (deye_bus_collector_drain (f->collector, 0, NULL));
  client_fixture_settle (&f->base);
  assert_unusable (f->collector);
}

/* The program has a reference to the client that the collector has made: it is closed with the collector. */
static void
test_own_client (Fixture *f, gconstpointer data)
{
  DeyeBusCollector *collector = g_object_new (DEYE_BUS_TYPE_COLLECTOR, "id", "own", "type", "procmond", NULL);
  g_autoptr (DeyeBusClient) client = g_object_ref (deye_bus_collector_get_client (collector));

  g_assert_finalize_object (collector);
  g_assert_cmpint (deye_bus_client_get_state (client), ==, DEYE_BUS_CLIENT_STATE_CLOSED);
}

static gboolean
apply_configuration (DeyeBusCollector *collector,
                     guint64 generation,
                     GBytes *payload,
                     const char *payload_type,
                     gpointer data)
{
  return TRUE;
}

/* The same in a callback of the client, whose dispose does nothing then. If it were left open, requests on the collector's topics
 * would call handlers that are freed. */
static void
test_own_client_in_handler (Fixture *f, gconstpointer data)
{
  f->collector->is_client_given = FALSE; /* as if the collector had made its client */
  g_assert_true (deye_bus_collector_set_configuration_handler (f->collector, apply_configuration, NULL, NULL, NULL));
  g_signal_connect (f->collector, "registered", G_CALLBACK (g_object_run_dispose), NULL);
  collector_fixture_begin (f);
  collector_script_registered (f->base.in, 2, 77);
  client_fixture_send_and_settle (&f->base);
  g_assert_cmpuint (f->registered, ==, 1);
  g_assert_cmpint (deye_bus_client_get_state (f->base.client), ==, DEYE_BUS_CLIENT_STATE_CLOSED);
}

#define ADD(path, function) ADD_DATA (path, NULL, function)
#define ADD_DATA(path, data, function)                                                                                 \
  g_test_add ("/client/collector/" path, Fixture, data, collector_fixture_set_up, function, collector_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("freed", test_freed);
  ADD ("freed-early", test_freed_early);
  ADD ("start-after-failure", test_start_after_failure);
  ADD ("client-disposed", test_client_disposed);
  ADD ("stop-after-dispose", test_stop_after_dispose);
  ADD_DATA ("stop-before-dispose", "dispose", test_stop_before);
  ADD_DATA ("stop-before-close", NULL, test_stop_before);
  ADD ("stop-idle-after-dispose", test_stop_idle);
  ADD_DATA ("run-until-client-disposed", "client", test_run);
  ADD ("run-until-disposed", test_run);
  ADD ("disposed-stopping", test_disposed_stopping);
  ADD ("disposed", test_disposed);
  ADD_DATA ("disposed-in-registered", "registered", test_disposed_in_handler);
  ADD_DATA ("disposed-in-draining", "draining", test_disposed_in_handler);
  ADD_DATA ("disposed-in-state", "notify::state", test_disposed_in_handler);
  ADD ("own-client", test_own_client);
  ADD ("own-client-in-handler", test_own_client_in_handler);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "bus-fixture.h"

#include "test-dir.h"

#include <string.h>

/* For clients that get no CPU for a while between their connect and their HELLO. A second value in the same file replaces it. */
#define HELLO_LIMIT "[limits]\nhello_timeout_us=60000000\n"

static const BusFixtureOptions defaults;

const char *
bus_fixture_program (const char *variable)
{
  const char *path = g_getenv (variable);

  if (path == NULL)
    g_error ("%s is not set: run this test by meson", variable);
  return path;
}

static char *
write_configuration (BusFixture *f, const BusFixtureOptions *options)
{
  g_autoptr (GError) error = NULL;
  g_autofree char *text = NULL;
  char *path;

  path = g_build_filename (f->dir, "daemoneye-eventbus.conf", NULL);
  text = g_strconcat (HELLO_LIMIT, options->limits != NULL ? options->limits : "", "\n", NULL);
  g_file_set_contents (path, text, -1, &error);
  g_assert_no_error (error);
  return path;
}

DeyeBusClient *
bus_fixture_agent_client (BusFixture *f, guint bus)
{
  g_autoptr (GError) error = NULL;
  DeyeBusClient *client;

  test_process_send (f->broker, "connect %u", bus);
  test_process_expect_line (f->broker, "connected");
  client = deye_bus_client_new_for_fd (test_channel_receive (f->channel), "daemoneye-agent", NULL);
  test_watchdog_note ("the agent's own connection");
  deye_bus_client_connect (client, NULL, &error);
  test_watchdog_note (NULL);
  g_assert_no_error (error);
  g_assert_cmpint (deye_bus_client_get_role (client), ==, DEYE_BUS_ROLE_AGENT);
  return client;
}

static void
start_host (BusFixture *f, const BusFixtureOptions *options)
{
  g_autofree char *config = write_configuration (f, options);
  const char *argv[] = { bus_fixture_program ("TEST_HOST"), bus_fixture_program ("TEST_MODULE"), NULL };
  const char *environment[] = { options->fatal_warnings ? "G_DEBUG=fatal-warnings" : "G_DEBUG=gc-friendly", NULL };
  gintptr child_end;

  f->channel = test_channel_new (&child_end);
  f->broker = test_process_spawn (argv, child_end, environment);
  test_process_send (f->broker, "start %s %s", f->address, config);
  test_process_expect_line (f->broker, "started");
  f->controller = bus_fixture_agent_client (f, 0);
}

static void
start_agent (BusFixture *f, const BusFixtureOptions *options)
{
  g_autofree char *config = write_configuration (f, options);
  g_autoptr (GError) error = NULL;
  const char *argv[]
      = { bus_fixture_program ("TEST_AGENT"), "--address", f->address, "--ready-fd", "1", "--config", config, NULL };

  f->broker = test_process_spawn (argv, -1, options->environment);
  test_process_expect_line (f->broker, "");
  f->controller = deye_bus_client_new_tool (f->address, "test-controller");
  deye_bus_client_set_reconnect (f->controller, FALSE);
  deye_bus_client_connect (f->controller, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpint (deye_bus_client_get_role (f->controller), ==, DEYE_BUS_ROLE_TOOL);
}

void
bus_fixture_kill_broker (BusFixture *f)
{
  test_process_kill (f->broker);
  g_assert_cmpint (test_process_end (f->broker), ==, TEST_SYSTEM_KILLED);
  g_clear_pointer (&f->broker, test_process_free);
  deye_bus_client_close (f->controller, NULL, NULL);
  g_clear_object (&f->controller);
}

void
bus_fixture_start_broker (BusFixture *f, const BusFixtureOptions *options)
{
  g_assert_true (options->agent_program);
  start_agent (f, options);
}

void
bus_fixture_set_up (BusFixture *f, gconstpointer data)
{
  const BusFixtureOptions *options = data != NULL ? data : &defaults;

  test_watchdog_start (g_test_get_path ());
  f->context = g_main_context_new ();
  g_main_context_push_thread_default (f->context);
  f->workers = g_ptr_array_new_with_free_func ((GDestroyNotify) test_process_free);
  f->dir = test_dir_new ();
  f->address = g_build_filename (f->dir, "bus", "eventbus.sock", NULL);
  if (options->agent_program)
    start_agent (f, options);
  else
    start_host (f, options);
}

void
bus_fixture_tear_down (BusFixture *f, gconstpointer data)
{
  const BusFixtureOptions *options = data != NULL ? data : &defaults;
  g_autoptr (GError) error = NULL;

  bus_fixture_assert_idle (f);
  while (f->workers->len > 0)
    bus_fixture_end_worker (f, g_ptr_array_index (f->workers, 0));
  bus_fixture_assert_idle (f);

  test_watchdog_note ("the controller to close");
  deye_bus_client_close (f->controller, NULL, &error);
  g_assert_no_error (error);
  g_clear_object (&f->controller);

  if (options->agent_program)
    test_process_ask_to_stop (f->broker);
  g_assert_cmpint (test_process_end (f->broker), ==, 0);
  g_clear_pointer (&f->broker, test_process_free);
  g_assert_false (g_file_test (f->address, G_FILE_TEST_EXISTS));

  g_clear_pointer (&f->channel, test_channel_free);
  g_clear_pointer (&f->workers, g_ptr_array_unref);
  g_clear_pointer (&f->dir, test_dir_remove);
  g_clear_pointer (&f->address, g_free);
  while (g_main_context_iteration (f->context, FALSE))
    ;
  g_main_context_pop_thread_default (f->context);
  g_clear_pointer (&f->context, g_main_context_unref);
  test_watchdog_stop ();
}

TestProcess *
bus_fixture_worker_at (BusFixture *f, const char *address, const char *id, const char *type)
{
  const char *argv[] = { bus_fixture_program ("TEST_WORKER"), "--address", address, "--id", id, "--type", type, NULL };
  TestProcess *worker = test_process_spawn (argv, -1, NULL);

  test_process_expect_line (worker, "connected");
  g_ptr_array_add (f->workers, worker);
  return worker;
}

TestProcess *
bus_fixture_worker (BusFixture *f, const char *id, const char *type)
{
  return bus_fixture_worker_at (f, f->address, id, type);
}

void
bus_fixture_end_worker (BusFixture *f, TestProcess *worker)
{
  g_assert_cmpint (test_process_end (worker), ==, 0);
  g_ptr_array_remove (f->workers, worker);
}

void
bus_fixture_kill_worker (BusFixture *f, TestProcess *worker)
{
  test_process_kill (worker);
  g_assert_cmpint (test_process_end (worker), ==, TEST_SYSTEM_KILLED);
  g_ptr_array_remove (f->workers, worker);
}

BusStatsView
bus_fixture_stats (DeyeBusClient *asker)
{
  Daemoneye__Eventbus__V1__StatsRequest request = DAEMONEYE__EVENTBUS__V1__STATS_REQUEST__INIT;
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (DeyeBusMessage) answer = NULL;
  WireGuardError problem = { 0 };
  BusStatsView view = { 0 };
  const guint8 *bytes;
  guint8 packed[16];
  gsize len;

  request.subscriptions = request.groups = request.domains = TRUE;
  g_assert_cmpuint (daemoneye__eventbus__v1__stats_request__get_packed_size (&request), <=, sizeof packed);
  payload = g_bytes_new (packed, daemoneye__eventbus__v1__stats_request__pack (&request, packed));
  answer = deye_bus_client_request (asker, "control.bus.stats", payload, NULL, NULL, &error);
  g_assert_no_error (error);
  bytes = deye_bus_message_get_data (answer, &len);
  view.guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__stats_reply__descriptor, wire_span (bytes, len), 0,
                                          &problem);
  if (view.guard == NULL)
    g_error ("control.bus.stats can't be read: %s", problem.problem);
  view.reply = wire_guard_message (view.guard);
  g_assert_nonnull (view.reply->totals);
  return view;
}

void
bus_stats_view_clear (BusStatsView *view)
{
  g_clear_pointer (&view->guard, wire_guard_free);
  view->reply = NULL;
}

const Daemoneye__Eventbus__V1__PeerStats *
bus_stats_view_peer (const BusStatsView *view, const char *id)
{
  for (gsize i = 0; i < view->reply->n_peers; i++)
    if (strcmp (view->reply->peers[i]->id, id) == 0)
      return view->reply->peers[i];
  return NULL;
}

const Daemoneye__Eventbus__V1__QueueStats *
bus_stats_view_subscription (const BusStatsView *view, const char *peer, const char *pattern)
{
  for (gsize i = 0; i < view->reply->n_subscriptions; i++)
    if (strcmp (view->reply->subscriptions[i]->peer, peer) == 0
        && strcmp (view->reply->subscriptions[i]->pattern, pattern) == 0)
      return view->reply->subscriptions[i];
  return NULL;
}

static gboolean
on_short_time_over (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

void
bus_fixture_run_briefly (BusFixture *f)
{
  GSource *source = g_timeout_source_new (2);
  gboolean over = FALSE;

  g_source_set_callback (source, on_short_time_over, &over, NULL);
  g_source_attach (source, f->context);
  while (!over)
    g_main_context_iteration (f->context, TRUE);
  g_source_unref (source);
}

static gboolean
is_idle (const BusStatsView *view, const char *asker)
{
  const Daemoneye__Eventbus__V1__BusTotals *totals = view->reply->totals;
  gboolean idle = totals->pending_requests <= 1 && totals->queued_messages == 0;

  for (gsize i = 0; i < view->reply->n_peers; i++)
    {
      const Daemoneye__Eventbus__V1__PeerStats *peer = view->reply->peers[i];
      gboolean asks = strcmp (peer->id, asker) == 0;

      if (peer->queued_messages != 0 || (!asks && (peer->queued_bytes != 0 || peer->pending_requests != 0)))
        idle = FALSE;
    }
  return idle;
}

void
bus_fixture_assert_idle (BusFixture *f)
{
  for (;;)
    {
      g_auto (BusStatsView) view = { 0 };

      test_watchdog_note ("the answer of control.bus.stats");
      view = bus_fixture_stats (f->controller);
      if (is_idle (&view, deye_bus_client_get_id (f->controller)))
        break;
      test_watchdog_note ("an idle bus; pending requests %u, queued messages %" G_GUINT64_FORMAT
                          ", queued bytes %" G_GUINT64_FORMAT,
                          view.reply->totals->pending_requests, (guint64) view.reply->totals->queued_messages,
                          (guint64) view.reply->totals->queued_bytes);
      bus_fixture_run_briefly (f);
    }
  test_watchdog_note (NULL);
}

void
bus_fixture_wait_peers (BusFixture *f, guint n)
{
  for (;;)
    {
      g_auto (BusStatsView) view = { 0 };

      view = bus_fixture_stats (f->controller);
      if (view.reply->totals->peers == n)
        break;
      test_watchdog_note ("%u peers, there are %u", n, view.reply->totals->peers);
      bus_fixture_run_briefly (f);
    }
  test_watchdog_note (NULL);
}

GBytes *
bus_fixture_payload (guint64 number, gsize len)
{
  guint8 *bytes = g_malloc0 (MAX (len, 1));
  guint64 le = GUINT64_TO_LE (number);

  memcpy (bytes, &le, MIN (len, sizeof le));
  for (gsize i = sizeof le; i < len; i++)
    bytes[i] = (guint8) (i * 31 + number);
  return g_bytes_new_take (bytes, len);
}

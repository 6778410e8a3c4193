/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Ids of peers with real processes: an id is taken over or kept by its holder, and clients wait for peers and watch them, also
 * while the agent is killed and started again.
 */

#include "bus-fixture.h"
#include "relay.h"
#include "test-dir.h"

#include <string.h>

#define TOPIC "health.names"

typedef struct
{
  GMainContext *context;
  char *dir;
  char *address;
  TestProcess *agent;
  DeyeBusClient *controller; /* a tool that reconnects */
  DeyeBusPeerWatch *watch;
  GString *seen; /* the changes of the peers in @only, like "twin+ twin-" */
  const char *only;
  GPtrArray *events; /* of PeerNews: system.peer.* about @only */
  gint ended;        /* code of the end of @watch; 0: it has not ended */
} NamesFixture;

typedef struct
{
  gboolean connected; /* FALSE: gone */
  guint status;
  guint pid;
  guint64 incarnation;
  guint64 replaced;
} PeerNews;

#define names_wait(f, condition)                                                                                       \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    test_watchdog_note ("%s:%d: %s", __FILE__, __LINE__, #condition);                                                  \
    while (!(condition))                                                                                               \
      g_main_context_iteration ((f)->context, TRUE);                                                                   \
    test_watchdog_note (NULL);                                                                                         \
  }                                                                                                                    \
  G_STMT_END

/* --- the agent --- */

static void
agent_start (NamesFixture *f)
{
  const char *argv[] = { bus_fixture_program ("TEST_AGENT"),  "--address", f->address, "--ready-fd", "1", "--module",
                         bus_fixture_program ("TEST_MODULE"), NULL };

  f->agent = test_process_spawn (argv, -1, NULL);
  test_process_expect_line (f->agent, "");
}

static void
agent_kill (NamesFixture *f)
{
  test_process_kill (f->agent);
  test_process_end (f->agent);
  g_clear_pointer (&f->agent, test_process_free);
}

static void
set_up (NamesFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  test_watchdog_start (g_test_get_path ());
  f->context = g_main_context_new ();
  g_main_context_push_thread_default (f->context);
  f->dir = test_dir_new ();
  f->address = g_build_filename (f->dir, "bus", "eventbus.sock", NULL);
  f->seen = g_string_new (NULL);
  f->events = g_ptr_array_new_with_free_func (g_free);
  agent_start (f);
  f->controller = deye_bus_client_new_tool (f->address, "controller");
  deye_bus_client_connect (f->controller, NULL, &error);
  g_assert_no_error (error);
}

static void
tear_down (NamesFixture *f, gconstpointer data)
{
  g_clear_object (&f->watch);
  g_assert_true (deye_bus_client_close (f->controller, NULL, NULL));
  while (g_main_context_iteration (f->context, FALSE))
    ;
  g_assert_finalize_object (g_steal_pointer (&f->controller));
  test_process_ask_to_stop (f->agent);
  g_assert_cmpint (test_process_end (f->agent), ==, 0);
  g_clear_pointer (&f->agent, test_process_free);
  g_string_free (f->seen, TRUE);
  g_ptr_array_unref (f->events);
  g_clear_pointer (&f->dir, test_dir_remove);
  g_clear_pointer (&f->address, g_free);
  g_main_context_pop_thread_default (f->context);
  g_clear_pointer (&f->context, g_main_context_unref);
  test_watchdog_stop ();
}

/* --- observed changes of an id --- */

static void
on_appeared (DeyeBusPeerWatch *watch, DeyeBusPeer *peer, gpointer data)
{
  NamesFixture *f = data;

  if (g_str_equal (deye_bus_peer_get_id (peer), f->only))
    g_string_append_c (f->seen, '+');
}

static void
on_gone (DeyeBusPeerWatch *watch, DeyeBusPeer *peer, gpointer data)
{
  NamesFixture *f = data;

  if (g_str_equal (deye_bus_peer_get_id (peer), f->only))
    g_string_append_c (f->seen, '-');
}

static void
on_ended (DeyeBusPeerWatch *watch, const GError *error, gpointer data)
{
  ((NamesFixture *) data)->ended = error->code;
}

static void
on_event (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  NamesFixture *f = data;
  gsize len;
  const guint8 *bytes = deye_bus_message_get_data (message, &len);
  g_autoptr (WireGuard) guard
      = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__peer_event__descriptor, wire_span (bytes, len), 0, NULL);
  const Daemoneye__Eventbus__V1__PeerEvent *event = wire_guard_message (guard);
  PeerNews *news;

  if (!g_str_equal (event->id, f->only))
    return;
  news = g_new0 (PeerNews, 1);
  news->connected = g_str_equal (deye_bus_message_get_topic (message), "system.peer.connected");
  news->status = event->status;
  news->pid = event->pid;
  news->incarnation = event->incarnation;
  news->replaced = event->replaced;
  g_ptr_array_add (f->events, news);
}

static const PeerNews *
news_at (NamesFixture *f, guint i)
{
  g_assert_cmpuint (i, <, f->events->len);
  return f->events->pdata[i];
}

/* Watches all peers and the events; records only those about @only. */
static void
follow (NamesFixture *f, const char *only)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusSubscription) subscription = NULL;

  f->only = only;
  subscription = deye_bus_client_subscribe (f->controller, "system.peer.+", NULL, on_event, f, NULL, NULL, &error);
  g_assert_no_error (error);
  f->watch = deye_bus_client_watch_peers (f->controller, NULL, &error);
  g_assert_no_error (error);
  g_signal_connect (f->watch, "appeared", G_CALLBACK (on_appeared), f);
  g_signal_connect (f->watch, "gone", G_CALLBACK (on_gone), f);
  g_signal_connect (f->watch, "ended", G_CALLBACK (on_ended), f);
  names_wait (f, deye_bus_peer_watch_is_complete (f->watch));
}

/* --- workers --- */

static TestProcess *
worker_spawn (NamesFixture *f, const char *id)
{
  const char *argv[] = {
    bus_fixture_program ("TEST_WORKER"), "--address", f->address, "--id", id, "--type", "procmond", NULL,
  };

  return test_process_spawn (argv, -1, NULL);
}

/* Starts a worker that is connected. */
static TestProcess *
worker_new (NamesFixture *f, const char *id)
{
  TestProcess *worker = worker_spawn (f, id);

  test_process_send (worker, "errors");
  test_process_expect_line (worker, "errors 0");
  return worker;
}

static void
worker_end (TestProcess *worker, int status)
{
  g_assert_cmpint (test_process_end (worker), ==, status);
  test_process_free (worker);
}

/* --- a client of the test --- */

typedef struct
{
  DeyeBusClient *client;
  guint interrupted;
  guint received;
} Collector;

static void
on_interrupted (DeyeBusClient *client, const GError *why, gpointer data)
{
  ((Collector *) data)->interrupted++;
}

static void
on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  ((Collector *) data)->received++;
}

static void
collector_connect (NamesFixture *f, Collector *c, const char *address, const char *id)
{
  c->client = deye_bus_client_new (address, id, "procmond");
  g_signal_connect (c->client, "interrupted", G_CALLBACK (on_interrupted), c);
  deye_bus_client_connect_async (c->client, NULL, NULL, NULL);
  names_wait (f, deye_bus_client_get_state (c->client) == DEYE_BUS_CLIENT_STATE_READY);
}

static void
collector_end (NamesFixture *f, Collector *c)
{
  deye_bus_client_close_async (c->client, NULL, NULL, NULL);
  names_wait (f, deye_bus_client_get_state (c->client) == DEYE_BUS_CLIENT_STATE_CLOSED);
  while (g_main_context_iteration (f->context, FALSE))
    ;
  g_clear_object (&c->client);
}

static void
on_subscribed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusSubscription) subscription
      = deye_bus_client_subscribe_finish (DEYE_BUS_CLIENT (source), result, &error);

  g_assert_no_error (error);
  g_assert_nonnull (subscription);
  *(gboolean *) data = TRUE;
}

/* The relay runs in this thread, so nothing may block it. */
static void
collector_subscribe (NamesFixture *f, Collector *c)
{
  gboolean done = FALSE;

  deye_bus_client_subscribe_async (c->client, TOPIC, NULL, on_message, c, NULL, NULL, on_subscribed, &done);
  names_wait (f, done);
}

static void
publish (NamesFixture *f, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GError) error = NULL;
      DeyeBusPublishResult result = { 0 };

      deye_bus_client_publish (f->controller, TOPIC, NULL, NULL, &result, NULL, &error);
      g_assert_no_error (error);
      g_assert_cmpuint (result.queued, ==, 1);
    }
}

/* --- one id, several connections --- */

/* The client has lost its connection, but the broker has not noticed it. The client reconnects: because it is the same client
 * object, it gets its id and its subscription at once, and no message arrives twice. */
static void
test_same_object (NamesFixture *f, gconstpointer data)
{
  g_autofree char *path = g_build_filename (f->dir, "relay.sock", NULL);
  g_autoptr (Relay) relay = relay_new (path, f->address);
  Collector c = { 0 };

  follow (f, "twin");
  collector_connect (f, &c, path, "twin");
  collector_subscribe (f, &c);
  names_wait (f, f->events->len == 1);
  relay_cut (relay);
  g_assert_cmpuint (relay_count_cut (relay), ==, 1);
  names_wait (f, c.interrupted == 1 && deye_bus_client_get_state (c.client) == DEYE_BUS_CLIENT_STATE_READY);
  names_wait (f, relay_count_cut (relay) == 0); /* the broker has closed the older one */
  publish (f, 20);
  names_wait (f, c.received >= 20 && f->events->len >= 2);
  g_assert_cmpuint (c.received, ==, 20);
  g_assert_true (news_at (f, 0)->connected && news_at (f, 1)->connected);
  g_assert_cmpuint (news_at (f, 0)->status, ==, 0);
  g_assert_cmpuint (news_at (f, 1)->status, ==, WIRE_STATUS_TAKEN_OVER);
  g_assert_cmpuint (news_at (f, 0)->incarnation, !=, 0);
  g_assert_cmpuint (news_at (f, 1)->incarnation, ==, news_at (f, 0)->incarnation);
  g_assert_cmpuint (news_at (f, 1)->replaced, ==, news_at (f, 0)->incarnation);
  /* The watch reports no change, because the client object never disconnected. */
  g_assert_cmpstr (f->seen->str, ==, "+");
  collector_end (f, &c);
  names_wait (f, f->events->len == 3 && f->seen->len == 2);
  g_assert_false (news_at (f, 2)->connected);
  g_assert_cmpuint (news_at (f, 2)->incarnation, ==, news_at (f, 0)->incarnation);
  g_assert_cmpstr (f->seen->str, ==, "+-");
}

/* TRUE: the broker refuses @second, which has the id of @first. FALSE: the second one has the id now, because the first one got no
 * CPU until it was too late to answer the broker's PING. The reason must be this one. */
static gboolean
is_second_refused (NamesFixture *f, TestProcess *first, TestProcess *second)
{
  g_autofree char *why = NULL;
  gboolean is_refused;

  names_wait (f, test_process_has (second, "failed") || test_process_has (second, "connected"));
  is_refused = test_process_has (second, "failed");
  why = is_refused ? test_process_expect (second, "failed") : test_process_expect (first, "closed");
  g_assert_true (g_str_has_prefix (why, "25 "));
  g_assert_true (is_refused || strstr (why, "did not answer a PING in time") != NULL);
  worker_end (is_refused ? second : first, is_refused ? 2 : 3);
  return is_refused;
}

/* A second process with the id of a live one is refused, and the first one is not affected. */
static void
test_other_process (NamesFixture *f, gconstpointer data)
{
  TestProcess *first, *second;
  guint n_taken = 0; /* processes that lost the id because they got no CPU */

  follow (f, "twin");
  second = worker_new (f, "twin");
  do
    {
      first = second;
      test_process_send (first, "subscribe s " TOPIC " - count");
      test_process_expect_line (first, "subscribed s");
      second = worker_spawn (f, "twin");
    }
  while (!is_second_refused (f, first, second) && ++n_taken > 0);
  publish (f, 10);
  test_process_send (first, "await s 10");
  test_process_expect_line (first, "reached s");
  names_wait (f, f->events->len > n_taken && f->seen->len > 2 * n_taken);
  g_assert_cmpuint (f->seen->len, ==, 1 + 2 * n_taken);
  g_assert_cmpuint (f->events->len, ==, 1 + n_taken);
  worker_end (first, 0);
  names_wait (f, f->events->len == 2 + n_taken && f->seen->len == 2 + 2 * n_taken);
}

/* A process that does not answer loses its id to another one of the same account. */
static void
test_stopped_process (NamesFixture *f, gconstpointer data)
{
  TestProcess *first, *second;
  g_autoptr (DeyeBusPeer) peer = NULL;
  g_autofree char *why = NULL;
  GPid pids[2];

  follow (f, "twin");
  first = worker_new (f, "twin");
  pids[0] = test_process_pid (first);
  names_wait (f, f->seen->len == 1);
  test_process_suspend (first);
  second = worker_new (f, "twin");
  pids[1] = test_process_pid (second);
  names_wait (f, f->seen->len == 3 && f->events->len == 2);
  g_assert_cmpstr (f->seen->str, ==, "+-+");
  g_assert_true (news_at (f, 0)->connected && news_at (f, 1)->connected);
  g_assert_cmpuint (news_at (f, 0)->pid, ==, (guint) pids[0]);
  g_assert_cmpuint (news_at (f, 1)->pid, ==, (guint) pids[1]);
  g_assert_cmpuint (news_at (f, 1)->status, ==, WIRE_STATUS_TAKEN_OVER);
  g_assert_cmpuint (news_at (f, 1)->replaced, ==, news_at (f, 0)->incarnation);
  g_assert_cmpuint (news_at (f, 1)->incarnation, !=, news_at (f, 0)->incarnation);
  peer = deye_bus_peer_watch_lookup (f->watch, "twin");
  g_assert_cmpuint (deye_bus_peer_get_pid (peer), ==, (guint) pids[1]);
  g_assert_cmpuint (deye_bus_peer_get_incarnation (peer), ==, news_at (f, 1)->incarnation);
  /* When the first one continues, it gets the reason; the second one keeps the id. */
  test_process_resume (first);
  why = test_process_expect (first, "closed");
  g_assert_true (g_str_has_prefix (why, "25 "));
  worker_end (first, 3);
  test_process_send (second, "errors");
  test_process_expect_line (second, "errors 0");
  g_assert_cmpuint (f->events->len, ==, 2);
  worker_end (second, 0);
  names_wait (f, f->events->len == 3 && f->seen->len == 4);
}

/* --- waiting --- */

static void
on_waited (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  DeyeBusPeer **peer = data;

  *peer = deye_bus_client_wait_for_peer_finish (DEYE_BUS_CLIENT (source), result, &error);
  g_assert_no_error (error);
  g_assert_nonnull (*peer);
}

static void
test_wait (NamesFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPeer) peer = NULL;
  g_autoptr (DeyeBusPeer) again = NULL;
  g_autoptr (DeyeBusPeer) seen_by_collector = NULL;
  g_autoptr (GError) error = NULL;
  Collector c = { 0 };
  TestProcess *worker;

  follow (f, "late");
  collector_connect (f, &c, f->address, "waiter");
  deye_bus_client_wait_for_peer_async (f->controller, "late", NULL, NULL, on_waited, &peer);
  deye_bus_client_wait_for_peer_async (c.client, "late", NULL, NULL, on_waited, &seen_by_collector);
  while (g_main_context_iteration (f->context, FALSE))
    ;
  g_assert_null (peer);
  worker = worker_new (f, "late");
  names_wait (f, peer != NULL && seen_by_collector != NULL && f->events->len == 1);
  g_assert_cmpuint (deye_bus_peer_get_pid (peer), ==, (guint) test_process_pid (worker));
  g_assert_cmpuint (deye_bus_peer_get_incarnation (peer), ==, news_at (f, 0)->incarnation);
  g_assert_cmpuint (deye_bus_peer_get_role (peer), ==, DEYE_BUS_ROLE_COLLECTOR);
  /* A collector gets only the data that it may have. */
  g_assert_cmpuint (deye_bus_peer_get_incarnation (seen_by_collector), ==, news_at (f, 0)->incarnation);
  g_assert_cmpuint (deye_bus_peer_get_pid (seen_by_collector), ==, 0);
  /* The peer is connected already. */
  again = deye_bus_client_wait_for_peer (f->controller, "late", NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (deye_bus_peer_get_incarnation (again), ==, deye_bus_peer_get_incarnation (peer));
  worker_end (worker, 0);
  collector_end (f, &c);
}

static void
test_wait_over_restart (NamesFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPeer) peer = NULL;
  TestProcess *worker;

  deye_bus_client_wait_for_peer_async (f->controller, "late", NULL, NULL, on_waited, &peer);
  agent_kill (f);
  names_wait (f, deye_bus_client_get_state (f->controller) == DEYE_BUS_CLIENT_STATE_CONNECTING);
  agent_start (f);
  worker = worker_new (f, "late");
  names_wait (f, peer != NULL);
  g_assert_cmpuint (deye_bus_peer_get_pid (peer), ==, (guint) test_process_pid (worker));
  worker_end (worker, 0);
}

/* The synchronous call detects the end of the connection, reconnects, and sends its request again. */
static void
test_wait_without_a_loop (NamesFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPeer) peer = NULL;
  g_autoptr (GError) error = NULL;
  TestProcess *worker;

  agent_kill (f);
  agent_start (f);
  worker = worker_spawn (f, "late");
  peer = deye_bus_client_wait_for_peer (f->controller, "late", NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (deye_bus_peer_get_pid (peer), ==, (guint) test_process_pid (worker));
  worker_end (worker, 0);
}

/* --- watching --- */

static gboolean
lists (DeyeBusPeerWatch *watch, const char *id)
{
  g_autoptr (DeyeBusPeer) peer = deye_bus_peer_watch_lookup (watch, id);

  return peer != NULL;
}

/* After the restart the list contains only the peers that have reconnected. */
static void
test_watch_over_restart (NamesFixture *f, gconstpointer data)
{
  TestProcess *leaver;
  Collector c = { 0 };

  follow (f, "leaver");
  leaver = worker_new (f, "leaver"); /* does not reconnect */
  collector_connect (f, &c, f->address, "stayer");
  names_wait (f, lists (f->watch, "leaver") && lists (f->watch, "stayer") && lists (f->watch, "controller"));
  agent_kill (f);
  names_wait (f, !deye_bus_peer_watch_is_complete (f->watch));
  g_assert_true (lists (f->watch, "leaver"));
  test_process_expect_line (leaver, "closed");
  worker_end (leaver, 3);
  agent_start (f);
  names_wait (f, deye_bus_peer_watch_is_complete (f->watch) && lists (f->watch, "stayer"));
  g_assert_false (lists (f->watch, "leaver"));
  g_assert_true (lists (f->watch, "controller"));
  g_assert_cmpstr (f->seen->str, ==, "+-");
  g_assert_cmpint (f->ended, ==, 0);
  collector_end (f, &c);
  names_wait (f, !lists (f->watch, "stayer"));
}

/* A collector may watch one peer, but not all. */
static void
test_watch_by_collector (NamesFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPeerWatch) watch = NULL;
  TestProcess *worker;
  Collector c = { 0 };

  f->only = "late";
  collector_connect (f, &c, f->address, "watcher");
  watch = deye_bus_client_watch_peers (c.client, "late", NULL);
  g_signal_connect (watch, "appeared", G_CALLBACK (on_appeared), f);
  g_signal_connect (watch, "gone", G_CALLBACK (on_gone), f);
  names_wait (f, deye_bus_peer_watch_is_complete (watch));
  g_assert_cmpstr (f->seen->str, ==, "");
  worker = worker_new (f, "late");
  names_wait (f, f->seen->len == 1);
  worker_end (worker, 0);
  names_wait (f, f->seen->len == 2);
  g_assert_cmpstr (f->seen->str, ==, "+-");
  g_clear_object (&watch);
  watch = deye_bus_client_watch_peers (c.client, "la*", NULL);
  g_signal_connect (watch, "ended", G_CALLBACK (on_ended), f);
  names_wait (f, f->ended != 0);
  g_assert_cmpint (f->ended, ==, DEYE_BUS_ERROR_DENIED);
  collector_end (f, &c);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define NAMES_TEST(name, function)                                                                                     \
  g_test_add ("/integration/names/" name, NamesFixture, NULL, set_up, function, tear_down)
  NAMES_TEST ("K11-same-object", test_same_object);
  NAMES_TEST ("K11-other-process", test_other_process);
  NAMES_TEST ("K11-stopped-process", test_stopped_process);
  NAMES_TEST ("wait", test_wait);
  NAMES_TEST ("M16-wait-over-restart", test_wait_over_restart);
  NAMES_TEST ("M16-wait-without-a-loop", test_wait_without_a_loop);
  NAMES_TEST ("M16-watch-over-restart", test_watch_over_restart);
  NAMES_TEST ("watch-by-collector", test_watch_by_collector);
  return g_test_run ();
}

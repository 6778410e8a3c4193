/* SPDX-License-Identifier: Apache-2.0 */
#include "control.pb-c.h"
#include "core-fixture.h"

/* Two connections with one id: the rules of a takeover, and its events. */

#define LIVE 9u /* incarnation of client_ready() */

typedef Daemoneye__Eventbus__V1__PeerEvent PeerEvent;

static void
expect_goodbye (Client *client, WireStatus status)
{
  g_assert_true (client->closed);
  g_assert_cmpstr (wire_status_name (client->goodbye), ==, wire_status_name (status));
}

static void
expect_welcome (Client *client)
{
  g_autoptr (Got) welcome = client_take (client, WIRE_KIND_WELCOME);

  g_assert_nonnull (welcome);
  g_assert_false (client->closed);
}

static void
answer_ping (Client *client)
{
  g_autoptr (Got) ping = client_take (client, WIRE_KIND_PING);
  WireEnvelope pong;

  g_assert_nonnull (ping);
  g_assert_cmpuint (ping->envelope.id, >, 0);
  wire_envelope_init (&pong);
  pong.id = ping->envelope.id;
  client_send (client, WIRE_KIND_PONG, 0, &pong);
}

/* Connects the agent, which watches all peers that connect after it. */
static Client *
watch (Core *core)
{
  Client *agent = agent_ready (core);

  client_subscribe (agent, 1, "system.peer.connected", NULL);
  client_subscribe (agent, 2, "system.peer.gone", NULL);
  return agent;
}

/* Takes the watcher's next event; NULL: there is none. @is_gone: (out) */
static PeerEvent *
take_event (Client *watcher, gboolean *is_gone)
{
  g_autoptr (Got) got = client_take (watcher, WIRE_KIND_DELIVER);
  PeerEvent *event;

  if (got == NULL)
    return NULL;
  *is_gone = wire_span_equal (got->envelope.topic, wire_span_str ("system.peer.gone"));
  event = daemoneye__eventbus__v1__peer_event__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  g_assert_nonnull (event);
  return event;
}

static void
expect_event (Client *watcher, gboolean gone, guint64 incarnation, guint64 replaced)
{
  gboolean is_gone;
  PeerEvent *event = take_event (watcher, &is_gone);

  g_assert_nonnull (event);
  g_assert_cmpint (is_gone, ==, gone);
  g_assert_cmpstr (event->id, ==, "same");
  g_assert_cmpuint (event->incarnation, ==, incarnation);
  g_assert_cmpuint (event->replaced, ==, replaced);
  g_assert_cmpint (event->status == WIRE_STATUS_TAKEN_OVER, ==, replaced != 0);
  daemoneye__eventbus__v1__peer_event__free_unpacked (event, NULL);
}

static void
expect_no_event (Client *watcher)
{
  g_assert_cmpuint (client_count (watcher, WIRE_KIND_DELIVER), ==, 0);
}

/* The same client object: the older connection and its subscriptions end, and the newer one gets WELCOME at once. */
static void
test_at_once (Core *core, gconstpointer data)
{
  Client *watcher = watch (core);
  Client *old = client_ready (core, "same", "procmond");
  Client *newer = client_new (core, 1000, FALSE);
  BusCoreStats stats;

  client_subscribe (old, 1, "health", NULL);
  expect_event (watcher, FALSE, LIVE, 0);
  client_hello_again (newer, "same", LIVE, NULL);
  expect_welcome (newer);
  expect_goodbye (old, WIRE_STATUS_TAKEN_OVER);
  expect_event (watcher, FALSE, LIVE, LIVE);
  expect_no_event (watcher);
  bus_core_stats (core->core, &stats);
  g_assert_cmpuint (stats.subscriptions, ==, 2);
  client_disconnect (newer);
  core_flush (core);
  expect_event (watcher, TRUE, LIVE, 0);
  expect_no_event (watcher);
}

/* Messages that the older connection got are not delivered again: the newer one begins with its own subscriptions. */
static void
test_no_double_delivery (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *old = client_ready (core, "same", "procmond");
  Client *newer = client_new (core, 1000, FALSE);
  guint64 delivered, missed;

  client_subscribe (old, 1, "health.status", NULL);
  client_publish (agent, "health.status", 0, "1", 1);
  client_hello_again (newer, "same", LIVE, NULL);
  expect_welcome (newer);
  client_subscribe (newer, 1, "health.status", NULL);
  client_publish (agent, "health.status", 0, "2", 1);
  client_sum (old, 1, &delivered, &missed);
  g_assert_cmpuint (delivered, ==, 1);
  client_sum (newer, 1, &delivered, &missed);
  g_assert_cmpuint (delivered, ==, 1);
}

/* Another process of the account: the older connection is asked, and keeps its id by answering. */
static void
test_answers (Core *core, gconstpointer data)
{
  Client *watcher = watch (core);
  Client *old = client_ready (core, "same", "procmond");
  Client *newer = client_new_process (core, 1000, 5);

  expect_event (watcher, FALSE, LIVE, 0);
  client_hello_again (newer, "same", LIVE, NULL);
  g_assert_false (newer->closed);
  g_assert_cmpuint (client_count (newer, WIRE_KIND_WELCOME), ==, 0);
  answer_ping (old);
  expect_goodbye (newer, WIRE_STATUS_DUPLICATE_ID);
  core_advance (core, 2 * G_TIME_SPAN_SECOND);
  g_assert_false (old->closed);
  expect_no_event (watcher);
}

/* Any frame counts as an answer, so a peer that publishes but does not read is alive. */
static void
test_any_frame_answers (Core *core, gconstpointer data)
{
  Client *old = client_ready (core, "same", "procmond");
  Client *newer = client_new_process (core, 1000, 5);

  client_hello_again (newer, "same", 10, NULL);
  client_publish (old, "health", 0, "x", 1);
  expect_goodbye (newer, WIRE_STATUS_DUPLICATE_ID);
  g_assert_false (old->closed);
}

static void
test_silent (Core *core, gconstpointer data)
{
  Client *watcher = watch (core);
  Client *old = client_ready (core, "same", "procmond");
  Client *newer = client_new_process (core, 1000, 5);

  expect_event (watcher, FALSE, LIVE, 0);
  client_hello_again (newer, "same", 3, NULL); /* a smaller incarnation, which has no effect */
  core_advance (core, G_TIME_SPAN_SECOND - 1);
  g_assert_false (old->closed);
  expect_no_event (watcher);
  core_advance (core, 1);
  expect_goodbye (old, WIRE_STATUS_TAKEN_OVER);
  expect_welcome (newer);
  expect_event (watcher, FALSE, 3, LIVE);
  expect_no_event (watcher);
}

/* The older connection ends while the newer one waits. The event "gone" precedes the event of the newer connection. */
static void
test_holder_ends (Core *core, gconstpointer data)
{
  Client *watcher = watch (core);
  Client *old = client_ready (core, "same", "procmond");
  Client *newer = client_new_process (core, 1000, 5);

  expect_event (watcher, FALSE, LIVE, 0);
  client_hello_again (newer, "same", 3, NULL);
  if (GPOINTER_TO_INT (data))
    client_send_frame (old, WIRE_KIND_GOODBYE, 0, WIRE_SPAN_LITERAL ("\x12\x01x"));
  else
    client_disconnect (old);
  core_flush (core);
  expect_welcome (newer);
  expect_event (watcher, TRUE, LIVE, 0);
  expect_event (watcher, FALSE, 3, 0);
  expect_no_event (watcher);
}

static void
test_holder_sends_goodbye (Core *core, gconstpointer data)
{
  test_holder_ends (core, GINT_TO_POINTER (TRUE));
}

/* Several connections wait for an id: the first one gets it, and then it is asked on behalf of the next one. */
static void
test_several (Core *core, gconstpointer data)
{
  Client *watcher = watch (core);
  Client *old = client_ready (core, "same", "procmond");
  Client *first = client_new_process (core, 1000, 5);
  Client *second = client_new_process (core, 1000, 6);

  expect_event (watcher, FALSE, LIVE, 0);
  client_hello_again (first, "same", 5, NULL);
  client_hello_again (second, "same", 6, NULL);
  g_assert_cmpuint (client_count (old, WIRE_KIND_PING), ==, 1);
  core_advance (core, G_TIME_SPAN_SECOND);
  expect_goodbye (old, WIRE_STATUS_TAKEN_OVER);
  expect_welcome (first);
  g_assert_false (second->closed);
  answer_ping (first);
  expect_goodbye (second, WIRE_STATUS_DUPLICATE_ID);
  expect_event (watcher, FALSE, 5, LIVE);
  expect_no_event (watcher);
}

/* A new connection of the same client object does not wait behind other waiting ones. Its HELLO shows that the client is alive. */
static void
test_before_others (Core *core, gconstpointer data)
{
  Client *old = client_ready (core, "same", "procmond");
  Client *other = client_new_process (core, 1000, 5);
  Client *third = client_new_process (core, 1000, 6);
  Client *back = client_new (core, 1000, FALSE);

  client_hello_again (other, "same", 5, NULL);
  client_hello_again (third, "same", 6, NULL);
  client_hello_again (back, "same", LIVE, NULL);
  expect_goodbye (old, WIRE_STATUS_TAKEN_OVER);
  expect_welcome (back);
  expect_goodbye (other, WIRE_STATUS_DUPLICATE_ID);
  expect_goodbye (third, WIRE_STATUS_DUPLICATE_ID);
}

/* If several connections of one client object wait, the newest one gets the id in the end. */
static void
test_newest_connection_of_a_client_wins (Core *core, gconstpointer data)
{
  Client *old = client_ready (core, "same", "procmond");
  Client *waiting[3];

  for (guint i = 0; i < G_N_ELEMENTS (waiting); i++)
    {
      waiting[i] = client_new_process (core, 1000, 5);
      client_hello_again (waiting[i], "same", 5, NULL);
    }
  core_advance (core, G_TIME_SPAN_SECOND);
  core_flush (core);
  expect_goodbye (old, WIRE_STATUS_TAKEN_OVER);
  expect_goodbye (waiting[0], WIRE_STATUS_TAKEN_OVER);
  expect_goodbye (waiting[1], WIRE_STATUS_TAKEN_OVER);
  expect_welcome (waiting[2]);
}

/* Connections that wait for an id do not count as connections without HELLO, although they wait longer. */
static void
test_takes_no_place (Core *core, gconstpointer data)
{
  BusLimits limits;
  Core small;
  Client *hung;

  bus_limits_init (&limits);
  limits.max_unauthenticated = 2;
  core_setup (&small, &limits);
  hung = client_ready (&small, "same", "procmond");
  for (guint i = 0; i < 3; i++)
    {
      Client *newer = client_new_process (&small, 1000, 5 + i);

      g_assert_false (newer->closed);
      client_hello_again (newer, "same", 5, NULL);
    }
  g_assert_cmpint (bus_core_accept_wait_us (small.core, small.now_us), ==, 0);
  g_assert_false (client_new (&small, 1001, FALSE)->closed);
  g_assert_false (hung->closed);
  core_teardown (&small, NULL);
}

/* The waiting connection ends: the older connection keeps the id, even if it stays silent. */
static void
test_newcomer_leaves (Core *core, gconstpointer data)
{
  Client *watcher = watch (core);
  Client *old = client_ready (core, "same", "procmond");
  Client *newer = client_new_process (core, 1000, 5);

  expect_event (watcher, FALSE, LIVE, 0);
  client_hello_again (newer, "same", 5, NULL);
  client_disconnect (newer);
  core_advance (core, 3 * G_TIME_SPAN_SECOND);
  g_assert_false (old->closed);
  expect_no_event (watcher);
}

static void
test_refused (Core *core, gconstpointer data)
{
  Client *old = client_ready (core, "same", "procmond");
  Client *other = client_new (core, 1001, FALSE);
  Client *token = client_new (core, 1000, FALSE);

  client_hello_again (other, "same", LIVE, NULL);
  expect_goodbye (other, WIRE_STATUS_DUPLICATE_ID);
  client_hello_again (token, "same", LIVE, "guess");
  expect_goodbye (token, WIRE_STATUS_DUPLICATE_ID);
  g_assert_cmpuint (client_count (old, WIRE_KIND_PING), ==, 0);
  core_advance (core, 2 * G_TIME_SPAN_SECOND);
  g_assert_false (old->closed);
}

static void
test_token (Core *core, gconstpointer data)
{
  Client *old = client_new (core, 1000, FALSE);
  Client *wrong = client_new (core, 1000, FALSE);
  Client *right = client_new (core, 1000, FALSE);

  client_hello_again (old, "same", LIVE, "secret");
  expect_welcome (old);
  client_hello_again (wrong, "same", LIVE, "secre");
  expect_goodbye (wrong, WIRE_STATUS_DUPLICATE_ID);
  client_hello_again (right, "same", LIVE, "secret");
  expect_welcome (right);
  expect_goodbye (old, WIRE_STATUS_TAKEN_OVER);
}

/* A connection waits for an id at most until the deadline for HELLO. */
static void
test_bounded (Core *core, gconstpointer data)
{
  BusLimits limits;
  Core small;
  Client *old, *newer;

  bus_limits_init (&limits);
  limits.hello_timeout_us = 500000;
  core_setup (&small, &limits);
  old = client_ready (&small, "same", "procmond");
  newer = client_new_process (&small, 1000, 5);
  client_hello_again (newer, "same", 5, NULL);
  core_advance (&small, 500000);
  expect_goodbye (newer, WIRE_STATUS_DUPLICATE_ID);
  core_advance (&small, G_TIME_SPAN_SECOND);
  g_assert_false (old->closed);
  core_teardown (&small, NULL);
}

/* Before WELCOME only GOODBYE is accepted. */
static void
test_early_frames (Core *core, gconstpointer data)
{
  Client *old = client_ready (core, "same", "procmond");
  Client *eager = client_new_process (core, 1000, 5);
  Client *polite = client_new_process (core, 1000, 6);

  client_hello_again (eager, "same", 5, NULL);
  client_hello_again (polite, "same", 6, NULL);
  client_publish (eager, "health", 0, "x", 1);
  expect_goodbye (eager, WIRE_STATUS_PROTOCOL_ORDER);
  client_send_frame (polite, WIRE_KIND_GOODBYE, 0, WIRE_SPAN_LITERAL ("\x12\x01x"));
  expect_goodbye (polite, WIRE_STATUS_OK);
  core_advance (core, 2 * G_TIME_SPAN_SECOND);
  g_assert_false (old->closed);
}

/* Requests of the older connection end with it, and those that it should have answered fail at once. */
static void
test_requests (Core *core, gconstpointer data)
{
  Client *asker = client_ready (core, "asker", "procmond");
  Client *old = client_ready (core, "same", "procmond");
  Client *newer = client_new (core, 1000, FALSE);
  guint64 id;

  client_serve (old, 1, "health.echo");
  id = client_request (asker, "health.echo", NULL, 0);
  client_hello_again (newer, "same", LIVE, NULL);
  client_expect_error (asker, id, WIRE_STATUS_RESPONDER_GONE);
  id = client_request (asker, "health.echo", NULL, 0);
  client_expect_error (asker, id, WIRE_STATUS_NO_RESPONDERS);
}

static void
test_shutdown (Core *core, gconstpointer data)
{
  Client *old = client_ready (core, "same", "procmond");
  Client *newer = client_new_process (core, 1000, 5);

  client_hello_again (newer, "same", 5, NULL);
  bus_core_shutdown (core->core, core->now_us);
  core_flush (core);
  expect_goodbye (newer, WIRE_STATUS_SHUTTING_DOWN);
  expect_goodbye (old, WIRE_STATUS_SHUTTING_DOWN);
}

#define ADD(path, function) g_test_add (path, Core, NULL, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/takeover/K11-at-once", test_at_once);
  ADD ("/core/takeover/K11-no-double-delivery", test_no_double_delivery);
  ADD ("/core/takeover/A01-answers", test_answers);
  ADD ("/core/takeover/D03-any-frame-answers", test_any_frame_answers);
  ADD ("/core/takeover/K11-silent", test_silent);
  ADD ("/core/takeover/K11-holder-ends", test_holder_ends);
  ADD ("/core/takeover/K11-holder-sends-goodbye", test_holder_sends_goodbye);
  ADD ("/core/takeover/K11-several", test_several);
  ADD ("/core/takeover/K11-before-others", test_before_others);
  ADD ("/core/takeover/K11-newest-connection-of-a-client-wins", test_newest_connection_of_a_client_wins);
  ADD ("/core/takeover/R01-takes-no-place", test_takes_no_place);
  ADD ("/core/takeover/newcomer-leaves", test_newcomer_leaves);
  ADD ("/core/takeover/A01-refused", test_refused);
  ADD ("/core/takeover/A03-token", test_token);
  ADD ("/core/takeover/F08-bounded", test_bounded);
  ADD ("/core/takeover/O08-early-frames", test_early_frames);
  ADD ("/core/takeover/O06-requests", test_requests);
  ADD ("/core/takeover/shutdown", test_shutdown);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "control.pb-c.h"
#include "core-fixture.h"
#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "wire-feature.h"

/* control.bus.wait: waiting for a peer, and watching peers. Linked with --wrap, so that replies and WELCOME can find no memory. */

typedef Daemoneye__Eventbus__V1__WaitReply WaitReply;

static guint failures; /* number of next replies for which there is no memory */

gboolean __real_bus_reply_part (BusPeer *peer, guint64 id, const ProtobufCMessage *message);
gboolean __wrap_bus_reply_part (BusPeer *peer, guint64 id, const ProtobufCMessage *message);

gboolean
__wrap_bus_reply_part (BusPeer *peer, guint64 id, const ProtobufCMessage *message)
{
  if (failures == 0)
    return __real_bus_reply_part (peer, id, message);
  failures--;
  return FALSE;
}

static gboolean refuses_welcome;

gboolean
__real_bus_outq_put (BusOutq *outq, WireLane lane, guint8 kind, guint8 flags, const WireEnvelope *stamp, WireSpan body);
gboolean
__wrap_bus_outq_put (BusOutq *outq, WireLane lane, guint8 kind, guint8 flags, const WireEnvelope *stamp, WireSpan body);

gboolean
__wrap_bus_outq_put (BusOutq *outq, WireLane lane, guint8 kind, guint8 flags, const WireEnvelope *stamp, WireSpan body)
{
  return !(refuses_welcome && kind == WIRE_KIND_WELCOME) && __real_bus_outq_put (outq, lane, kind, flags, stamp, body);
}

static void
grant (Client *client)
{
  client->peer->features |= WIRE_FEATURE_DELIVERY | WIRE_FEATURE_STREAM;
}

static Client *
watcher_ready (Core *core)
{
  Client *agent = agent_ready (core);

  grant (agent);
  return agent;
}

static guint64
ask (Client *client, const char *peer, gboolean watch, guint64 deadline_us)
{
  Daemoneye__Eventbus__V1__WaitRequest request = DAEMONEYE__EVENTBUS__V1__WAIT_REQUEST__INIT;
  guint8 payload[128];
  WireEnvelope envelope;

  request.peer = (char *) peer;
  request.watch = watch;
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str ("control.bus.wait");
  envelope.deadline_us = deadline_us;
  envelope.payload = wire_span (payload, daemoneye__eventbus__v1__wait_request__pack (&request, payload));
  return client_send (client, WIRE_KIND_REQUEST, 0, &envelope);
}

static void
cancel (Client *client, guint64 id)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.id = id;
  client_send (client, WIRE_KIND_CANCEL, 0, &envelope);
}

/* Takes the next reply, as text: "restart complete one+9 two-9 final". A peer has its incarnation, after + if it is connected
 * and after - if it is gone. */
static char *
take (Client *client, guint64 id)
{
  g_autoptr (Got) got = client_take (client, WIRE_KIND_REPLY);
  g_autoptr (GString) text = g_string_new (NULL);
  WaitReply *reply;

  if (got == NULL)
    return g_strdup ("nothing");
  g_assert_cmpuint (got->envelope.answers, ==, id);
  reply = daemoneye__eventbus__v1__wait_reply__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  g_assert_nonnull (reply);
  if (reply->restart)
    g_string_append (text, "restart ");
  if (reply->complete)
    g_string_append (text, "complete ");
  for (gsize i = 0; i < reply->n_peers; i++)
    g_string_append_printf (text, "%s%c%" G_GUINT64_FORMAT " ", reply->peers[i]->id,
                            reply->peers[i]->present ? '+' : '-', reply->peers[i]->incarnation);
  if (got->flags & WIRE_FLAG_FINAL)
    g_string_append (text, "final ");
  daemoneye__eventbus__v1__wait_reply__free_unpacked (reply, NULL);
  g_string_truncate (text, text->len > 0 ? text->len - 1 : 0);
  return g_strdup (text->str);
}

#define assert_reply(client, id, expected)                                                                             \
  do                                                                                                                   \
    {                                                                                                                  \
      g_autofree char *taken = take (client, id);                                                                      \
                                                                                                                       \
      g_assert_cmpstr (taken, ==, expected);                                                                           \
    }                                                                                                                  \
  while (0)

static void
test_answered_at_once_if_connected (Core *core, gconstpointer data)
{
  Client *collector = client_ready (core, "asker", "procmond");
  guint64 id;

  grant (collector);
  client_ready (core, "one", "procmond");
  id = ask (collector, "one", FALSE, 1000);
  assert_reply (collector, id, "restart complete one+9 final");
  core_advance (core, 2000);
  g_assert_cmpuint (client_count (collector, WIRE_KIND_ERROR), ==, 0);
}

static void
test_answered_when_it_connects (Core *core, gconstpointer data)
{
  Client *collector = client_ready (core, "asker", "procmond");
  guint64 id;

  grant (collector);
  id = ask (collector, "one", FALSE, 0);
  client_ready (core, "two", "procmond");
  core_advance (core, 3600 * G_TIME_SPAN_SECOND);
  assert_reply (collector, id, "nothing");
  client_ready (core, "one", "procmond");
  core_flush (core);
  assert_reply (collector, id, "restart complete one+9 final");
  client_disconnect (client_ready (core, "three", "procmond"));
  assert_reply (collector, id, "nothing");
}

static void
test_deadline (Core *core, gconstpointer data)
{
  Client *collector = client_ready (core, "asker", "procmond");
  guint64 id;

  grant (collector);
  id = ask (collector, "one", FALSE, 1000);
  core_advance (core, 999);
  g_assert_cmpuint (client_count (collector, WIRE_KIND_ERROR), ==, 0);
  core_advance (core, 1);
  client_expect_error (collector, id, WIRE_STATUS_TIMEOUT);
  client_ready (core, "one", "procmond");
  assert_reply (collector, id, "nothing");
}

/* A watch gets the state and each change. An id that is taken over is never reported as gone. */
static void
test_watch_one (Core *core, gconstpointer data)
{
  Client *collector = client_ready (core, "asker", "procmond");
  Client *one, *newer;
  guint64 id;

  grant (collector);
  id = ask (collector, "one", TRUE, 0);
  assert_reply (collector, id, "restart complete");
  one = client_ready (core, "one", "procmond");
  assert_reply (collector, id, "complete one+9");
  newer = client_new_process (core, 1000, 5);
  client_hello_again (newer, "one", 12, NULL);
  core_advance (core, G_TIME_SPAN_SECOND);
  g_assert_true (one->closed);
  assert_reply (collector, id, "complete one+12");
  client_disconnect (newer);
  core_flush (core);
  assert_reply (collector, id, "complete one-12");
  assert_reply (collector, id, "nothing");
  cancel (collector, id);
  client_ready (core, "one", "procmond");
  assert_reply (collector, id, "nothing");
}

static void
test_watch_all (Core *core, gconstpointer data)
{
  Client *agent = watcher_ready (core);
  Client *one = client_ready (core, "one", "procmond");
  Client *early = client_new (core, 1000, FALSE); /* connected, and ready later */
  guint64 id = ask (agent, "", TRUE, 0);

  assert_reply (agent, id, "restart complete daemoneye-agent+9 one+9");
  client_ready (core, "two", "procmond");
  assert_reply (agent, id, "complete two+9");
  client_hello_again (early, "early", 3, NULL);
  assert_reply (agent, id, "complete early+3");
  client_disconnect (one);
  core_flush (core);
  assert_reply (agent, id, "complete one-9");
  assert_reply (agent, id, "nothing");
}

/* There is no memory for the first state, so it is sent 100 ms later. */
static guint64
ask_delayed (Client *client, const char *peer)
{
  failures = 1;
  return ask (client, peer, TRUE, 0);
}

/* The state is sent in an input call that also disconnects peers: it still contains these peers, and the change follows. */
static void
test_state_contains_closing_peers (Core *core, gconstpointer data)
{
  static const guint8 part[] = { 1, 0 }; /* of a header */
  Client *agent = watcher_ready (core);
  Client *collector = client_ready (core, "asker", "procmond");
  guint64 all, one;

  grant (collector);
  client_send_bytes (client_ready (core, "one", "procmond"), part, sizeof part);
  core_advance (core, (gint64) core->core->limits.frame_timeout_us - 50 * G_TIME_SPAN_MILLISECOND);
  all = ask_delayed (agent, "");
  one = ask_delayed (collector, "one");
  core_advance (core, 100 * G_TIME_SPAN_MILLISECOND);
  assert_reply (agent, all, "restart complete daemoneye-agent+9 asker+9 one+9");
  assert_reply (agent, all, "complete one-9");
  assert_reply (agent, all, "nothing");
  assert_reply (collector, one, "restart complete one+9");
  assert_reply (collector, one, "complete one-9");
  assert_reply (collector, one, "nothing");
}

/* The same while an id is taken over: each reply contains the id. */
static void
test_state_during_takeover (Core *core, gconstpointer data)
{
  Client *agent = watcher_ready (core);
  guint64 id;

  client_ready (core, "one", "procmond");
  client_hello_again (client_new_process (core, 1000, 5), "one", 12, NULL);
  core_advance (core, G_TIME_SPAN_SECOND - 50 * G_TIME_SPAN_MILLISECOND);
  id = ask_delayed (agent, "");
  core_advance (core, 100 * G_TIME_SPAN_MILLISECOND);
  assert_reply (agent, id, "restart complete daemoneye-agent+9 one+9");
  assert_reply (agent, id, "complete one+12");
  assert_reply (agent, id, "nothing");
}

/* A peer that was reported as gone or replaced is not in a later state, although its link still exists. */
static void
test_state_without_reported_peers (Core *core, gconstpointer data)
{
  Client *agent = watcher_ready (core);
  Client *one = client_ready (core, "one", "procmond");
  guint64 id;

  client_ready (core, "two", "procmond");
  client_hello_again (client_new_process (core, 1000, 5), "two", 12, NULL);
  bus_peer_close (one->peer, WIRE_STATUS_LIMIT, NULL);
  core->now_us += G_TIME_SPAN_SECOND;
  bus_core_tick (core->core, core->now_us);
  g_assert_cmpuint (core->core->peers.length, ==, 4);
  id = ask (agent, "", TRUE, 0);
  assert_reply (agent, id, "restart complete daemoneye-agent+9 two+12");
  assert_reply (agent, id, "nothing");
}

/* A peer that is being disconnected does not satisfy a call without watch. */
static void
test_closing_peer_does_not_answer (Core *core, gconstpointer data)
{
  Client *collector = client_ready (core, "asker", "procmond");
  Client *one = client_ready (core, "one", "procmond");
  guint64 id;

  grant (collector);
  bus_peer_close (one->peer, WIRE_STATUS_LIMIT, NULL);
  id = ask (collector, "one", FALSE, 0);
  core_flush (core);
  g_assert_true (one->closed);
  assert_reply (collector, id, "nothing");
  client_ready (core, "one", "procmond");
  assert_reply (collector, id, "restart complete one+9 final");
}

/* There is no memory for WELCOME: the peer never connected, so it is not reported as gone. If it was taking over an id, that id is
 * reported as gone once. */
static void
test_no_memory_for_welcome (Core *core, gconstpointer data)
{
  Client *agent = watcher_ready (core);
  guint64 id = ask (agent, "", TRUE, 0);

  assert_reply (agent, id, "restart complete daemoneye-agent+9");
  client_subscribe (agent, 1, "system.peer.gone", NULL);
  refuses_welcome = TRUE;
  client_hello_again (client_new (core, 1000, FALSE), "one", 9, NULL);
  core_flush (core);
  assert_reply (agent, id, "nothing");
  g_assert_cmpuint (client_count (agent, WIRE_KIND_DELIVER), ==, 0);

  refuses_welcome = FALSE;
  client_ready (core, "one", "procmond");
  assert_reply (agent, id, "complete one+9");
  refuses_welcome = TRUE;
  client_hello_again (client_new_process (core, 1000, 5), "one", 12, NULL);
  core_advance (core, G_TIME_SPAN_SECOND);
  refuses_welcome = FALSE;
  assert_reply (agent, id, "complete one-9");
  assert_reply (agent, id, "nothing");
  g_assert_cmpuint (client_count (agent, WIRE_KIND_DELIVER), ==, 1);
}

/* A collector may ask for one peer by name, and gets only its id, type and incarnation. */
static void
test_rights (Core *core, gconstpointer data)
{
  Client *collector = client_ready (core, "asker", "procmond");
  Client *plain = client_ready (core, "plain", "procmond");
  g_autoptr (Got) got = NULL;
  WaitReply *reply;
  guint64 id;

  client_expect_error (plain, ask (plain, "one", TRUE, 0), WIRE_STATUS_UNSUPPORTED);
  grant (collector);
  client_expect_error (collector, ask (collector, "", TRUE, 0), WIRE_STATUS_DENIED);
  client_expect_error (collector, ask (collector, "a.b", TRUE, 0), WIRE_STATUS_BAD_MESSAGE);
  id = ask (collector, "plain", FALSE, 0);
  got = client_take (collector, WIRE_KIND_REPLY);
  g_assert_cmpuint (got->envelope.answers, ==, id);
  reply = daemoneye__eventbus__v1__wait_reply__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  g_assert_cmpuint (reply->n_peers, ==, 1);
  g_assert_cmpstr (reply->peers[0]->type, ==, "procmond");
  g_assert_cmpuint (reply->peers[0]->pid, ==, 0);
  g_assert_cmpuint (reply->peers[0]->uid, ==, 0);
  g_assert_cmpstr (reply->peers[0]->account, ==, "");
  daemoneye__eventbus__v1__wait_reply__free_unpacked (reply, NULL);
}

static void
test_all_needs_watch (Core *core, gconstpointer data)
{
  Client *agent = watcher_ready (core);

  client_expect_error (agent, ask (agent, "", FALSE, 0), WIRE_STATUS_BAD_MESSAGE);
}

/* The accept sequence of a reply covers the event about the same change. */
static void
test_sequence (Core *core, gconstpointer data)
{
  Client *agent = watcher_ready (core);
  guint64 id = ask (agent, "", TRUE, 0);
  g_autoptr (Got) event = NULL;
  g_autoptr (Got) got = NULL;
  WaitReply *reply;

  assert_reply (agent, id, "restart complete daemoneye-agent+9");
  client_subscribe (agent, 1, "system.peer.connected", NULL);
  client_ready (core, "one", "procmond");
  event = client_take (agent, WIRE_KIND_DELIVER);
  got = client_take (agent, WIRE_KIND_REPLY);
  reply = daemoneye__eventbus__v1__wait_reply__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  g_assert_cmpuint (event->envelope.accept_seq, >, 0);
  g_assert_cmpuint (reply->accept_seq, ==, event->envelope.accept_seq);
  daemoneye__eventbus__v1__wait_reply__free_unpacked (reply, NULL);
}

/* A state with more peers than fit in one reply. */
static void
test_large (Core *core, gconstpointer data)
{
  Client *agent = watcher_ready (core);
  guint n = 0;
  guint64 id;
  char *text;

  for (guint i = 0; i < 150; i++)
    {
      g_autofree char *name = g_strdup_printf ("p%u", i);

      client_ready (core, name, "procmond");
    }
  id = ask (agent, "", TRUE, 0);
  while (strcmp (text = take (agent, id), "nothing") != 0)
    {
      g_assert_true (g_str_has_prefix (text, "restart ") == (n == 0));
      g_assert_true ((strstr (text, "complete") != NULL) == (n == 2));
      g_free (text);
      n++;
    }
  g_free (text);
  g_assert_cmpuint (n, ==, 3);
}

/* A watcher that does not read is not disconnected; it gets no changes, and a new state when it reads again. */
static void
test_behind (Core *core, gconstpointer data)
{
  BusLimits limits;
  Core small;
  Client *agent, *last;
  char *text;
  guint64 id, n = 0;

  bus_limits_init (&limits);
  limits.control_queue_bytes = 65536;
  core_setup (&small, &limits);
  agent = watcher_ready (&small);
  id = ask (agent, "", TRUE, 0);
  assert_reply (agent, id, "restart complete daemoneye-agent+9");
  agent->is_stopped = TRUE;
  for (guint i = 0; i < 2000; i++)
    client_disconnect (client_ready (&small, "connects-and-disconnects", "procmond"));
  last = client_ready (&small, "last", "procmond");
  core_advance (&small, G_TIME_SPAN_SECOND);
  g_assert_false (agent->closed);
  agent->is_stopped = FALSE;
  core_flush (&small);
  while (strcmp (text = take (agent, id), "nothing") != 0)
    {
      g_assert_null (strstr (text, "last"));
      g_assert_null (strstr (text, "restart"));
      g_free (text);
      n++;
    }
  g_free (text);
  g_assert_cmpuint (n, <, 2000);
  core_advance (&small, G_TIME_SPAN_SECOND);
  assert_reply (agent, id, "restart complete daemoneye-agent+9 last+9");
  client_disconnect (last);
  core_flush (&small);
  assert_reply (agent, id, "complete last-9");
  assert_reply (agent, id, "nothing");
  core_teardown (&small, NULL);
}

/* There is no memory for the reply about a change: the watch does not end with an ERROR, and the client gets a new state. */
static void
test_no_memory_for_a_change (Core *core, gconstpointer data)
{
  Client *agent = watcher_ready (core);
  Client *one = client_ready (core, "one", "procmond");
  Client *two = client_ready (core, "two", "procmond");
  guint64 id = ask (agent, "", TRUE, 0);

  assert_reply (agent, id, "restart complete daemoneye-agent+9 one+9 two+9");
  failures = 1;
  client_disconnect (one);
  core_flush (core);
  g_assert_cmpuint (failures, ==, 0);
  assert_reply (agent, id, "nothing");
  core_advance (core, 100 * G_TIME_SPAN_MILLISECOND - 1);
  assert_reply (agent, id, "nothing");
  core_advance (core, 1);
  assert_reply (agent, id, "restart complete daemoneye-agent+9 two+9");
  client_disconnect (two);
  core_flush (core);
  assert_reply (agent, id, "complete two-9");
  assert_reply (agent, id, "nothing");
  g_assert_cmpuint (client_count (agent, WIRE_KIND_ERROR), ==, 0);
}

/* The same for a watch of one peer: the state that is sent later includes changes until then. */
static void
test_no_memory_for_one (Core *core, gconstpointer data)
{
  Client *collector = client_ready (core, "asker", "procmond");
  guint64 id;

  grant (collector);
  failures = 1;
  id = ask (collector, "one", TRUE, 0);
  g_assert_cmpuint (failures, ==, 0);
  client_ready (core, "one", "procmond");
  assert_reply (collector, id, "nothing");
  core_advance (core, 100 * G_TIME_SPAN_MILLISECOND);
  assert_reply (collector, id, "restart complete one+9");
  assert_reply (collector, id, "nothing");
  g_assert_cmpuint (client_count (collector, WIRE_KIND_ERROR), ==, 0);
}

/* A state of several replies starts again from its beginning when there is no memory for one of them, also for the last one. */
static void
test_no_memory_for_many (Core *core, gconstpointer data)
{
  static const struct
  {
    guint n_peers;
    guint n_replies;
  } rows[] = { { 20, 1 }, { 100, 2 } };
  Client *agent = watcher_ready (core);
  guint made = 0;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      guint64 id;

      for (; made < rows[i].n_peers; made++)
        {
          g_autofree char *name = g_strdup_printf ("p%u", made);

          client_ready (core, name, "procmond");
        }
      failures = 1;
      id = ask (agent, "", TRUE, 0);
      g_assert_cmpuint (failures, ==, 0);
      client_disconnect (client_ready (core, "connects-and-disconnects", "procmond"));
      g_assert_cmpuint (client_count (agent, WIRE_KIND_REPLY), ==, 0);
      core_advance (core, 100 * G_TIME_SPAN_MILLISECOND);
      g_assert_cmpuint (client_count (agent, WIRE_KIND_REPLY), ==, rows[i].n_replies);
      cancel (agent, id);
      while (client_count (agent, WIRE_KIND_REPLY) > 0)
        got_free (client_take (agent, WIRE_KIND_REPLY));
    }
}

static void
test_watcher_leaves (Core *core, gconstpointer data)
{
  Client *agent = watcher_ready (core);
  BusCoreStats stats;

  ask (agent, "", TRUE, 0);
  ask (agent, "one", FALSE, 1000);
  bus_core_stats (core->core, &stats);
  g_assert_cmpuint (stats.pending_requests, ==, 2);
  client_disconnect (agent);
  bus_core_stats (core->core, &stats);
  g_assert_cmpuint (stats.pending_requests, ==, 0);
  client_ready (core, "one", "procmond");
  core_advance (core, 2000);
}

#define ADD(path, function) g_test_add (path, Core, NULL, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/wait/answered-at-once-if-connected", test_answered_at_once_if_connected);
  ADD ("/core/wait/answered-when-it-connects", test_answered_when_it_connects);
  ADD ("/core/wait/R11-deadline", test_deadline);
  ADD ("/core/wait/K11-watch-one", test_watch_one);
  ADD ("/core/wait/watch-all", test_watch_all);
  ADD ("/core/wait/K11-state-contains-closing-peers", test_state_contains_closing_peers);
  ADD ("/core/wait/K11-state-during-takeover", test_state_during_takeover);
  ADD ("/core/wait/K11-state-without-reported-peers", test_state_without_reported_peers);
  ADD ("/core/wait/K11-closing-peer-does-not-answer", test_closing_peer_does_not_answer);
  ADD ("/core/wait/A11-rights", test_rights);
  ADD ("/core/wait/all-needs-watch", test_all_needs_watch);
  ADD ("/core/wait/K13-sequence", test_sequence);
  ADD ("/core/wait/large", test_large);
  ADD ("/core/wait/R04-behind", test_behind);
  ADD ("/core/wait/R10-no-memory/change", test_no_memory_for_a_change);
  ADD ("/core/wait/R10-no-memory/one", test_no_memory_for_one);
  ADD ("/core/wait/R10-no-memory/many", test_no_memory_for_many);
  ADD ("/core/wait/R10-no-memory/welcome", test_no_memory_for_welcome);
  ADD ("/core/wait/K02-watcher-leaves", test_watcher_leaves);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core-fixture.h"
#include "peer/bus-peer.h"
#include "wire-feature.h"

/* Answers in parts: they arrive in order and within the window of the requester; parts beyond it withhold the credit of the
 * responder. */

#define TASK "control.collector.task.process"
#define LOTS (1u << 22)

static guint64
ask_with (Client *client, guint64 messages, guint64 bytes, guint64 stall_us, guint64 deadline_us, guint32 expect)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (TASK);
  envelope.credit_messages = messages;
  envelope.credit_bytes = bytes;
  envelope.stall_us = stall_us;
  envelope.deadline_us = deadline_us;
  envelope.expect = expect;
  return client_send (client, WIRE_KIND_REQUEST, 0, &envelope);
}

static guint64
ask (Client *client, guint64 messages, guint64 bytes)
{
  return ask_with (client, messages, bytes, 0, 0, 0);
}

/* An agent with the feature. */
static Client *
asker_new (Core *core)
{
  Client *agent = agent_ready (core);

  agent->peer->features |= WIRE_FEATURE_STREAM;
  return agent;
}

static Client *
worker_new (Core *core)
{
  Client *worker = client_ready (core, "procmond-1", "procmond");

  client_serve (worker, 3, TASK);
  return worker;
}

static guint64
route_of (Client *worker)
{
  g_autoptr (Got) request = client_take (worker, WIRE_KIND_REQUEST);

  g_assert_nonnull (request);
  return request->envelope.route_id;
}

static void
reply_with (Client *worker, guint64 route, guint8 flags, const char *text)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.route = route;
  envelope.payload = wire_span_str (text);
  client_send (worker, WIRE_KIND_REPLY, flags, &envelope);
}

static void
return_credit (Client *client, guint64 id, guint64 messages, guint64 bytes)
{
  WireEnvelope credit;

  wire_envelope_init (&credit);
  credit.id = id;
  credit.credit_messages = messages;
  credit.credit_bytes = bytes;
  client_send (client, WIRE_KIND_CREDIT, 0, &credit);
}

/* The replies that have arrived, as text: "a b c!" with "!" after a final one and "+n" after one that replaced n others. */
static void
expect_replies (Client *client, const char *expected)
{
  g_autoptr (GString) text = g_string_new (NULL);
  Got *got;

  while ((got = client_take (client, WIRE_KIND_REPLY)) != NULL)
    {
      g_string_append_printf (text, "%s%.*s", text->len > 0 ? " " : "", (int) got->envelope.payload.len,
                              got->envelope.payload.len > 0 ? (const char *) got->envelope.payload.data : "");
      if (got->envelope.gap_count > 0)
        g_string_append_printf (text, "+%" G_GUINT64_FORMAT, got->envelope.gap_count);
      if (got->flags & WIRE_FLAG_FINAL)
        g_string_append_c (text, '!');
      got_free (got);
    }
  g_assert_cmpstr (text->str, ==, expected);
}

static guint
pending (const Core *core)
{
  BusCoreStats stats;

  bus_core_stats (core->core, &stats);
  return stats.pending_requests;
}

static guint64
held_of (const Client *worker)
{
  return bus_ledger_allowance (&worker->peer->ledger, WIRE_CLASS_CONTROL)->held_messages;
}

/* --- the window --- */

/* Replies beyond the window wait in the broker, in order, and withhold the credit of the responder. */
static void
test_window (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *worker = worker_new (core);
  guint64 id = ask (agent, 2, LOTS);
  guint64 route = route_of (worker);

  reply_with (worker, route, 0, "a");
  reply_with (worker, route, 0, "b");
  reply_with (worker, route, 0, "c");
  reply_with (worker, route, 0, "d");
  reply_with (worker, route, WIRE_FLAG_FINAL, "e");
  expect_replies (agent, "a b");
  g_assert_cmpuint (held_of (worker), ==, 3);
  return_credit (agent, id, 3, LOTS + 1);
  expect_replies (agent, "c");
  g_assert_cmpuint (held_of (worker), ==, 2);
  return_credit (agent, id, 3, LOTS + 1); /* the same total again: no new credit */
  expect_replies (agent, "");
  return_credit (agent, id, 5, LOTS + 3);
  expect_replies (agent, "d e!");
  g_assert_cmpuint (held_of (worker), ==, 0);
  g_assert_cmpuint (pending (core), ==, 0);
  return_credit (agent, id, 7, LOTS + 5); /* it was sent before the end arrived */
  g_assert_false (agent->closed);
}

/* Bytes close the window as well; it may become negative by one reply. */
static void
test_bytes (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *worker = worker_new (core);
  guint64 id = ask (agent, 100, 3);
  guint64 route = route_of (worker);

  reply_with (worker, route, 0, "aa");
  reply_with (worker, route, 0, "bbbb");
  reply_with (worker, route, 0, "c");
  expect_replies (agent, "aa bbbb");
  return_credit (agent, id, 101, 5);
  expect_replies (agent, "");
  return_credit (agent, id, 102, 9);
  expect_replies (agent, "c");
  reply_with (worker, route, WIRE_FLAG_FINAL, "d");
  expect_replies (agent, "d!");
}

/* After the last reply the responder has finished, even if replies wait for the requester, and may disconnect. */
static void
test_responder_leaves (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *worker = worker_new (core);
  guint64 id = ask (agent, 1, LOTS);
  guint64 route = route_of (worker);

  reply_with (worker, route, 0, "a");
  reply_with (worker, route, 0, "b");
  reply_with (worker, route, WIRE_FLAG_FINAL, "c");
  reply_with (worker, route, 0, "late");
  client_expect_error (worker, worker->next_id, WIRE_STATUS_EXPIRED);
  client_disconnect (worker);
  core_flush (core);
  expect_replies (agent, "a");
  g_assert_cmpuint (client_count (agent, WIRE_KIND_ERROR), ==, 0);
  return_credit (agent, id, 2, LOTS + 1);
  return_credit (agent, id, 3, LOTS + 2);
  expect_replies (agent, "b c!");
}

/* If the responder ends before its last reply, the request fails at once, and its waiting parts are dropped. */
static void
test_responder_gone (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *worker = worker_new (core);
  guint64 id = ask (agent, 1, LOTS);
  guint64 route = route_of (worker);

  reply_with (worker, route, 0, "a");
  reply_with (worker, route, 0, "b");
  client_disconnect (worker);
  core_flush (core);
  client_expect_error (agent, id, WIRE_STATUS_RESPONDER_GONE);
  return_credit (agent, id, 2, LOTS + 1);
  expect_replies (agent, "a");
}

/* Returning credit for replies that were never sent ends the connection, as for a subscription. */
static void
test_too_much_credit (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *worker = worker_new (core);
  guint64 id = ask (agent, 2, LOTS);

  reply_with (worker, route_of (worker), 0, "a");
  return_credit (agent, id, 4, LOTS + 1);
  core_flush (core);
  g_assert_true (agent->closed);
  g_assert_cmpuint (agent->goodbye, ==, WIRE_STATUS_CREDIT_EXCEEDED);
  g_assert_cmpuint (client_count (worker, WIRE_KIND_CANCEL), ==, 1);
}

static void
test_checked (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);

  worker_new (core);
  client_expect_error (agent, ask (agent, 1, 0), WIRE_STATUS_UNSUPPORTED);
  client_expect_error (agent, ask (agent, 0, 1), WIRE_STATUS_UNSUPPORTED);
  client_expect_error (agent, ask (agent, 65537, 1), WIRE_STATUS_LIMIT);
  client_expect_error (agent, ask (agent, 1, (1u << 26) + 1), WIRE_STATUS_LIMIT);
  agent->peer->features &= ~WIRE_FEATURE_STREAM;
  client_expect_error (agent, ask (agent, 1, 1), WIRE_STATUS_UNSUPPORTED);
  g_assert_false (agent->closed);
  g_assert_cmpuint (pending (core), ==, 0);
}

/* --- progress --- */

/* Beyond the window only the newest progress waits, with the number of reports that it replaced. It withholds no credit. */
static void
test_progress (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *worker = worker_new (core);
  guint64 id = ask (agent, 1, LOTS);
  guint64 route = route_of (worker);

  reply_with (worker, route, WIRE_FLAG_PROGRESS, "10%");
  reply_with (worker, route, WIRE_FLAG_PROGRESS, "20%");
  reply_with (worker, route, 0, "row");
  reply_with (worker, route, WIRE_FLAG_PROGRESS, "30%");
  reply_with (worker, route, WIRE_FLAG_PROGRESS, "40%");
  g_assert_cmpuint (held_of (worker), ==, 1);
  expect_replies (agent, "10%");
  return_credit (agent, id, 2, LOTS + 3);
  return_credit (agent, id, 3, LOTS + 6);
  expect_replies (agent, "row 40%+2");
  reply_with (worker, route, WIRE_FLAG_PROGRESS, "50%");
  reply_with (worker, route, WIRE_FLAG_FINAL, "end");
  return_credit (agent, id, 4, LOTS + 9);
  return_credit (agent, id, 5, LOTS + 12);
  expect_replies (agent, "50% end!");
}

/* --- blocked --- */

/* A requester that returns no credit for the longest block loses its request; the responder is cancelled and gets its credit
 * back. */
static void
test_blocked (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *worker = worker_new (core);
  guint64 id = ask (agent, 1, LOTS);
  guint64 route = route_of (worker);
  g_autoptr (Got) error = NULL;

  reply_with (worker, route, 0, "a");
  reply_with (worker, route, 0, "b");
  core_advance (core, 4999999);
  g_assert_cmpuint (client_count (agent, WIRE_KIND_ERROR), ==, 0);
  core_advance (core, 1);
  error = client_take (agent, WIRE_KIND_ERROR);
  g_assert_nonnull (error);
  g_assert_cmpuint (error->envelope.answers, ==, id);
  g_assert_cmpuint (error->envelope.status, ==, WIRE_STATUS_SLOW_CONSUMER);
  g_assert_cmpmem (error->envelope.setting.data, error->envelope.setting.len, "longest_block_us", 16);
  g_assert_cmpuint (client_count (worker, WIRE_KIND_CANCEL), ==, 1);
  g_assert_cmpuint (held_of (worker), ==, 0);
  g_assert_cmpuint (pending (core), ==, 0);
}

/* A requester that occasionally returns a little credit may take longer, up to a limit. */
static void
test_slow_but_alive (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *worker = worker_new (core);
  guint64 id = ask_with (agent, 1, LOTS, 0, 200 * G_TIME_SPAN_SECOND, 0);
  guint64 route = route_of (worker);

  for (guint i = 0; i < 30; i++)
    reply_with (worker, route, 0, "x");
  for (guint i = 1; i <= 14; i++)
    {
      core_advance (core, 4 * G_TIME_SPAN_SECOND);
      g_assert_cmpuint (client_count (agent, WIRE_KIND_ERROR), ==, 0);
      return_credit (agent, id, 1 + i, LOTS + i);
    }
  core_advance (core, 4 * G_TIME_SPAN_SECOND);
  client_expect_error (agent, id, WIRE_STATUS_SLOW_CONSUMER);
}

/* --- time --- */

/* The longest pause counts from the first reply on, but not while the closed window of the requester holds the next one. */
static void
test_stall (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *worker = worker_new (core);
  guint64 id = ask_with (agent, 2, LOTS, 1000, 0, 0);
  guint64 route = route_of (worker);

  core_advance (core, 5000);
  g_assert_cmpuint (client_count (agent, WIRE_KIND_ERROR), ==, 0);
  reply_with (worker, route, 0, "a");
  core_advance (core, 900);
  reply_with (worker, route, 0, "b");
  core_advance (core, 900);
  reply_with (worker, route, 0, "c");
  core_advance (core, 5000);
  g_assert_cmpuint (client_count (agent, WIRE_KIND_ERROR), ==, 0);
  return_credit (agent, id, 3, LOTS + 1);
  expect_replies (agent, "a b c");
  core_advance (core, 1000);
  client_expect_error (agent, id, WIRE_STATUS_TIMEOUT);
  g_assert_cmpuint (client_count (worker, WIRE_KIND_CANCEL), ==, 1);
}

/* While the window is closed, the pause has no timer: a short one would keep the broker busy. */
static void
test_stall_while_held (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *worker = worker_new (core);
  guint64 id = ask_with (agent, 1, LOTS, 1, 0, 0);
  guint64 route = route_of (worker);

  reply_with (worker, route, WIRE_FLAG_PROGRESS, "1");
  reply_with (worker, route, WIRE_FLAG_PROGRESS, "2");
  core_advance (core, 1);
  g_assert_cmpint (bus_core_next_tick_us (core->core), >, core->now_us + G_TIME_SPAN_SECOND);
  return_credit (agent, id, 2, LOTS + 1);
  g_assert_cmpint (bus_core_next_tick_us (core->core), ==, core->now_us + 1);
  expect_replies (agent, "1 2");
}

/* The pause starts again when the requester has got all waiting replies. */
static void
test_stall_after_held (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *worker = worker_new (core);
  guint64 id = ask_with (agent, 1, LOTS, 1000, 0, 0);
  guint64 route = route_of (worker);

  reply_with (worker, route, 0, "a");
  reply_with (worker, route, 0, "b");
  core_advance (core, 1000);
  core_advance (core, 900);
  return_credit (agent, id, 2, LOTS + 1);
  core_advance (core, 900);
  g_assert_cmpuint (client_count (agent, WIRE_KIND_ERROR), ==, 0);
  return_credit (agent, id, 3, LOTS + 2); /* no reply waits, so the pause is not restarted */
  core_advance (core, 100);
  client_expect_error (agent, id, WIRE_STATUS_TIMEOUT);
}

/* A request to many ends with the answers that have arrived. */
static void
test_stall_of_many (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *workers[2];
  g_autoptr (Got) end = NULL;
  guint64 id;

  for (guint i = 0; i < 2; i++)
    {
      workers[i] = client_ready (core, i == 0 ? "procmond-1" : "procmond-2", "procmond");
      client_serve (workers[i], 1, TASK);
    }
  id = ask_with (agent, 0, 0, 1000, 0, G_MAXUINT32);
  reply_with (workers[0], route_of (workers[0]), WIRE_FLAG_FINAL, "a");
  got_free (client_take (agent, WIRE_KIND_REPLY));
  core_advance (core, 1000);
  end = client_take (agent, WIRE_KIND_REPLY);
  g_assert_nonnull (end);
  g_assert_cmpuint (end->envelope.answers, ==, id);
  g_assert_cmpuint (end->flags, ==, WIRE_FLAG_FINAL);
  g_assert_cmpuint (end->envelope.status, ==, WIRE_STATUS_PARTIAL);
  g_assert_cmpuint (end->envelope.matched, ==, 2);
  g_assert_cmpuint (end->envelope.queued, ==, 1);
  g_assert_cmpuint (client_count (workers[1], WIRE_KIND_CANCEL), ==, 1);
}

/* The deadline applies also while the window is closed. */
static void
test_deadline (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *worker = worker_new (core);
  guint64 id = ask_with (agent, 1, LOTS, 0, 1000, 0);
  guint64 route = route_of (worker);

  reply_with (worker, route, 0, "a");
  reply_with (worker, route, WIRE_FLAG_FINAL, "b");
  core_advance (core, 1000);
  client_expect_error (agent, id, WIRE_STATUS_TIMEOUT);
  expect_replies (agent, "a");
  g_assert_cmpuint (client_count (worker, WIRE_KIND_CANCEL), ==, 0);
  g_assert_cmpuint (held_of (worker), ==, 0);
}

/* --- many members, one window --- */

static void
test_many (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *workers[2];
  guint64 routes[2];
  guint64 id;

  for (guint i = 0; i < 2; i++)
    {
      workers[i] = client_ready (core, i == 0 ? "procmond-1" : "procmond-2", "procmond");
      client_serve (workers[i], 1, TASK);
    }
  id = ask_with (agent, 1, LOTS, 0, 0, G_MAXUINT32);
  for (guint i = 0; i < 2; i++)
    routes[i] = route_of (workers[i]);
  reply_with (workers[0], routes[0], 0, "a1");
  reply_with (workers[0], routes[0], WIRE_FLAG_PROGRESS, "a2");
  reply_with (workers[1], routes[1], WIRE_FLAG_PROGRESS, "b1");
  reply_with (workers[0], routes[0], WIRE_FLAG_PROGRESS, "a3");
  reply_with (workers[1], routes[1], WIRE_FLAG_FINAL, "b2");
  reply_with (workers[0], routes[0], WIRE_FLAG_FINAL, "a4");
  expect_replies (agent, "a1");
  return_credit (agent, id, 2, LOTS + 2);
  return_credit (agent, id, 3, LOTS + 4);
  expect_replies (agent, "b1 a3+1");
  return_credit (agent, id, 4, LOTS + 6);
  expect_replies (agent, "b2");
  /* The end frame uses no window, but keeps its place behind the waiting replies. */
  return_credit (agent, id, 5, LOTS + 8);
  expect_replies (agent, "a4 !");
  g_assert_cmpuint (pending (core), ==, 0);
}

/* The deadline drops waiting replies, and the end frame reports them. */
static void
test_many_deadline (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *worker = worker_new (core);
  g_autoptr (Got) end = NULL;
  guint64 route;

  ask_with (agent, 1, LOTS, 0, 1000, G_MAXUINT32);
  route = route_of (worker);
  reply_with (worker, route, 0, "a");
  reply_with (worker, route, WIRE_FLAG_FINAL, "b");
  core_advance (core, 1000);
  got_free (client_take (agent, WIRE_KIND_REPLY));
  end = client_take (agent, WIRE_KIND_REPLY);
  g_assert_nonnull (end);
  g_assert_cmpuint (end->flags, ==, WIRE_FLAG_FINAL);
  g_assert_cmpuint (end->envelope.status, ==, WIRE_STATUS_TIMEOUT);
  g_assert_cmpuint (end->envelope.matched, ==, 1);
  g_assert_cmpuint (end->envelope.queued, ==, 0); /* it has never answered */
  expect_replies (agent, "");
  g_assert_cmpuint (client_count (agent, WIRE_KIND_ERROR), ==, 0);
  g_assert_cmpuint (held_of (worker), ==, 0);
  g_assert_cmpuint (pending (core), ==, 0);
}

/* --- ends --- */

/* The requester cancels or disconnects while replies wait: the credit returns, and nothing stays charged. */
static void
test_requester_ends (Core *core, gconstpointer data)
{
  Client *worker = worker_new (core);

  for (guint i = 0; i < 2; i++)
    {
      Client *agent = asker_new (core);
      WireEnvelope cancel;
      guint64 route;

      wire_envelope_init (&cancel);
      cancel.id = ask (agent, 1, LOTS);
      route = route_of (worker);
      for (guint n = 0; n < 3; n++)
        reply_with (worker, route, 0, "x");
      g_assert_cmpuint (held_of (worker), ==, 2);
      if (i == 0)
        client_send (agent, WIRE_KIND_CANCEL, 0, &cancel);
      client_disconnect (agent);
      core_flush (core);
      g_assert_cmpuint (held_of (worker), ==, 0);
      g_assert_cmpuint (client_count (worker, WIRE_KIND_CANCEL), ==, i + 1);
    }
}

/* A peer that sends a request to itself does not block itself: its replies wait without a ticket, within the bounds of
 * its queue. */
static void
test_request_to_itself (Core *core, gconstpointer data)
{
  Client *worker = client_ready (core, "procmond-1", "procmond");
  WireEnvelope envelope;
  guint64 id, route;

  worker->peer->features |= WIRE_FEATURE_STREAM;
  client_serve (worker, 1, "health.echo");
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str ("health.echo");
  envelope.credit_messages = 1;
  envelope.credit_bytes = LOTS;
  id = client_send (worker, WIRE_KIND_REQUEST, 0, &envelope);
  route = route_of (worker);
  for (guint n = 0; n < 100; n++)
    reply_with (worker, route, 0, "x");
  g_assert_cmpuint (held_of (worker), ==, 0);
  reply_with (worker, route, WIRE_FLAG_FINAL, "y");
  for (guint n = 1; n <= 100; n++)
    return_credit (worker, id, 1 + n, LOTS + n);
  g_assert_cmpuint (client_count (worker, WIRE_KIND_REPLY), ==, 101);
}

#define ADD(path, function) g_test_add (path, Core, NULL, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/stream/window", test_window);
  ADD ("/core/stream/bytes", test_bytes);
  ADD ("/core/stream/responder-leaves", test_responder_leaves);
  ADD ("/core/stream/responder-gone", test_responder_gone);
  ADD ("/core/stream/too-much-credit", test_too_much_credit);
  ADD ("/core/stream/M30-checked", test_checked);
  ADD ("/core/stream/progress", test_progress);
  ADD ("/core/stream/B04-blocked", test_blocked);
  ADD ("/core/stream/B04-slow-but-alive", test_slow_but_alive);
  ADD ("/core/stream/stall", test_stall);
  ADD ("/core/stream/R09-stall-while-held", test_stall_while_held);
  ADD ("/core/stream/stall-after-held", test_stall_after_held);
  ADD ("/core/stream/stall-of-many", test_stall_of_many);
  ADD ("/core/stream/deadline", test_deadline);
  ADD ("/core/stream/many", test_many);
  ADD ("/core/stream/many-deadline", test_many_deadline);
  ADD ("/core/stream/I16-requester-ends", test_requester_ends);
  ADD ("/core/stream/B07-request-to-itself", test_request_to_itself);
  return g_test_run ();
}

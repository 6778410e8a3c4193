/* SPDX-License-Identifier: Apache-2.0 */
#include "core-fixture.h"
#include "peer/bus-peer.h"
#include "wire-feature.h"

/* Requests to many: each server of the topic is asked and counted, and the request ends once. */

#define TASK "control.collector.task.process"
#define ALL  G_MAXUINT32

static Client *
asker_new (Core *core)
{
  Client *agent = agent_ready (core);

  agent->peer->features |= WIRE_FEATURE_STREAM;
  return agent;
}

static void
workers_new (Core *core, Client **workers, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *id = g_strdup_printf ("procmond-%u", i);

      workers[i] = client_ready (core, id, "procmond");
      client_serve (workers[i], 1, TASK);
    }
}

static guint64
ask_many (Client *client, guint expect, gint64 deadline_us)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (TASK);
  envelope.expect = expect;
  envelope.deadline_us = (guint64) deadline_us;
  return client_send (client, WIRE_KIND_REQUEST, 0, &envelope);
}

static guint64
route_of (Client *worker)
{
  g_autoptr (Got) request = client_take (worker, WIRE_KIND_REQUEST);

  g_assert_nonnull (request);
  g_assert_cmpuint (request->envelope.route_id, !=, 0);
  return request->envelope.route_id;
}

static void
reply_with (Client *worker, guint64 route, guint8 flags, const char *text, guint32 status)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.route = route;
  envelope.status = status;
  envelope.payload = wire_span_str (text);
  client_send (worker, WIRE_KIND_REPLY, flags, &envelope);
}

/* The next REPLY: "sender flags status matched/queued/refused payload". */
static void
expect_reply (Client *client, guint64 id, const char *expected)
{
  g_autoptr (Got) got = client_take (client, WIRE_KIND_REPLY);
  g_autofree char *text = NULL;
  const WireEnvelope *envelope;

  g_assert_nonnull (got);
  envelope = &got->envelope;
  g_assert_cmpuint (envelope->answers, ==, id);
  g_assert_cmpint (envelope->accept_seq > 0, ==, envelope->payload.len > 0);
  text = g_strdup_printf ("%.*s%s %s %u/%u/%u%s%.*s", (int) envelope->sender.len, (const char *) envelope->sender.data,
                          got->flags & WIRE_FLAG_FINAL ? " FINAL" : "", wire_status_name (envelope->status),
                          envelope->matched, envelope->queued, envelope->refused, envelope->payload.len > 0 ? " " : "",
                          (int) envelope->payload.len,
                          envelope->payload.len > 0 ? (const char *) envelope->payload.data : "");
  g_assert_cmpstr (text, ==, expected);
}

static void
expect_nothing (Client *client)
{
  g_assert_cmpuint (client_count (client, WIRE_KIND_REPLY), ==, 0);
  g_assert_cmpuint (client_count (client, WIRE_KIND_ERROR), ==, 0);
}

static guint
pending (const Core *core)
{
  BusCoreStats stats;

  bus_core_stats (core->core, &stats);
  return stats.pending_requests;
}

/* --- a request ends when every asked server has answered --- */

static void
test_all (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *workers[3];
  guint64 id;

  workers_new (core, workers, 3);
  id = ask_many (agent, ALL, 0);
  g_assert_cmpuint (pending (core), ==, 3);
  reply_with (workers[1], route_of (workers[1]), WIRE_FLAG_FINAL, "b", 0);
  expect_reply (agent, id, "procmond-1 OK 3/1/0 b");
  reply_with (workers[0], route_of (workers[0]), WIRE_FLAG_FINAL, "a", 0);
  expect_reply (agent, id, "procmond-0 OK 3/2/0 a");
  expect_nothing (agent);
  reply_with (workers[2], route_of (workers[2]), WIRE_FLAG_FINAL, "c", 0);
  expect_reply (agent, id, "procmond-2 OK 3/3/0 c");
  expect_reply (agent, id, "bus FINAL OK 3/3/0");
  expect_nothing (agent);
  g_assert_cmpuint (pending (core), ==, 0);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (client_count (workers[i], WIRE_KIND_CANCEL), ==, 0);
}

/* Each member may send parts before its last reply; the parts are passed on in order of arrival. */
static void
test_streams (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *workers[2];
  guint64 routes[2];
  guint64 id;

  workers_new (core, workers, 2);
  id = ask_many (agent, ALL, 0);
  for (guint i = 0; i < 2; i++)
    routes[i] = route_of (workers[i]);
  reply_with (workers[0], routes[0], 0, "a1", 0);
  reply_with (workers[1], routes[1], WIRE_FLAG_PROGRESS, "b1", 0);
  reply_with (workers[0], routes[0], WIRE_FLAG_FINAL, "a2", 0);
  reply_with (workers[1], routes[1], WIRE_FLAG_FINAL, "b2", 0);
  expect_reply (agent, id, "procmond-0 OK 0/0/0 a1");
  expect_reply (agent, id, "procmond-1 OK 0/0/0 b1");
  expect_reply (agent, id, "procmond-0 OK 2/1/0 a2");
  expect_reply (agent, id, "procmond-1 OK 2/2/0 b2");
  expect_reply (agent, id, "bus FINAL OK 2/2/0");
}

/* Two answers are wanted: after these the other members are cancelled. */
static void
test_first (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *workers[4];
  guint64 routes[4];
  guint64 id;

  workers_new (core, workers, 4);
  id = ask_many (agent, 2, 0);
  for (guint i = 0; i < 4; i++)
    routes[i] = route_of (workers[i]);
  reply_with (workers[3], routes[3], WIRE_FLAG_FINAL, "d", 0);
  reply_with (workers[1], routes[1], WIRE_FLAG_FINAL, "b", 0);
  expect_reply (agent, id, "procmond-3 OK 4/1/0 d");
  expect_reply (agent, id, "procmond-1 OK 4/2/0 b");
  expect_reply (agent, id, "bus FINAL OK 4/2/0");
  g_assert_cmpuint (client_count (workers[0], WIRE_KIND_CANCEL), ==, 1);
  g_assert_cmpuint (client_count (workers[2], WIRE_KIND_CANCEL), ==, 1);
  g_assert_cmpuint (client_count (workers[1], WIRE_KIND_CANCEL), ==, 0);
  reply_with (workers[0], routes[0], WIRE_FLAG_FINAL, "late", 0);
  client_expect_error (workers[0], workers[0]->next_id, WIRE_STATUS_EXPIRED);
  expect_nothing (agent);
}

/* The requester wants more answers than there are servers. */
static void
test_too_few (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *workers[2];
  guint64 id;

  workers_new (core, workers, 2);
  id = ask_many (agent, 3, 0);
  for (guint i = 0; i < 2; i++)
    reply_with (workers[i], route_of (workers[i]), WIRE_FLAG_FINAL, "x", 0);
  expect_reply (agent, id, "procmond-0 OK 2/1/0 x");
  expect_reply (agent, id, "procmond-1 OK 2/2/0 x");
  expect_reply (agent, id, "bus FINAL PARTIAL 2/2/0");
}

/* --- members that fail --- */

/* A member fails by an error, by declining, by disconnecting, or by unsubscribing. The other answers still count. */
static void
test_failures (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *workers[4];
  WireEnvelope cancel;
  guint64 id;

  workers_new (core, workers, 4);
  id = ask_many (agent, ALL, 0);
  reply_with (workers[0], route_of (workers[0]), WIRE_FLAG_FINAL, "no disk", WIRE_STATUS_FAILED);
  expect_reply (agent, id, "procmond-0 FAILED 4/0/1 no disk");
  wire_envelope_init (&cancel);
  cancel.route = route_of (workers[1]);
  client_send (workers[1], WIRE_KIND_CANCEL, 0, &cancel);
  expect_reply (agent, id, "procmond-1 CANCELLED 4/0/2");
  client_disconnect (workers[2]);
  core_flush (core);
  expect_reply (agent, id, "procmond-2 RESPONDER_GONE 4/0/3");
  expect_nothing (agent);
  reply_with (workers[3], route_of (workers[3]), WIRE_FLAG_FINAL, "d", 0);
  expect_reply (agent, id, "procmond-3 OK 4/1/3 d");
  expect_reply (agent, id, "bus FINAL PARTIAL 4/1/3");
  expect_nothing (agent);
}

/* The queue of a member is full: it fails at once, the others do not. */
static void
test_full_member (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *workers[2];
  guint64 id = 0;

  workers[0] = client_ready (core, "procmond-0", "procmond");
  client_subscribe_with (workers[0], .subscription = 1, .pattern = TASK, .serve = TRUE, .window_messages = 1,
                         .queue_messages = 1);
  workers[1] = client_ready (core, "procmond-1", "procmond");
  client_serve (workers[1], 1, TASK);
  for (guint i = 0; i < 3; i++)
    id = ask_many (agent, ALL, 0);
  expect_reply (agent, id, "procmond-0 WOULD_BLOCK 2/0/1");
  for (guint i = 0; i < 3; i++)
    reply_with (workers[1], route_of (workers[1]), WIRE_FLAG_FINAL, "x", 0);
  expect_reply (agent, id - 2, "procmond-1 OK 2/1/0 x");
  expect_reply (agent, id - 1, "procmond-1 OK 2/1/0 x");
  expect_reply (agent, id, "procmond-1 OK 2/1/1 x");
  expect_reply (agent, id, "bus FINAL PARTIAL 2/1/1");
}

/* All members fail in one input call: one end, and nothing is left. */
static void
test_all_gone (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *worker = client_ready (core, "procmond-0", "procmond");
  guint64 id;

  client_serve (worker, 1, TASK);
  id = ask_many (agent, ALL, 0);
  client_disconnect (worker);
  core_flush (core);
  expect_reply (agent, id, "procmond-0 RESPONDER_GONE 1/0/1");
  expect_reply (agent, id, "bus FINAL PARTIAL 1/0/1");
  client_expect_error (agent, ask_many (agent, ALL, 0), WIRE_STATUS_NO_RESPONDERS);
}

/* A server that stops serving before its request was sent is not replaced by another one. */
static void
test_stops_serving (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *workers[2];
  guint64 id;

  workers[0] = client_ready (core, "procmond-0", "procmond");
  client_subscribe_full (workers[0], 1, TASK, NULL, TRUE, 1, 0, WIRE_STATUS_OK);
  workers[1] = client_ready (core, "procmond-1", "procmond");
  client_serve (workers[1], 1, TASK);
  id = ask_many (agent, ALL, 0);
  id = ask_many (agent, ALL, 0);
  g_assert_cmpuint (client_count (workers[0], WIRE_KIND_REQUEST), ==, 1);
  client_disconnect (workers[0]);
  core_flush (core);
  g_assert_cmpuint (client_count (workers[1], WIRE_KIND_REQUEST), ==, 2);
  expect_reply (agent, id, "procmond-0 RESPONDER_GONE 2/0/1");
  expect_reply (agent, id - 1, "procmond-0 RESPONDER_GONE 2/0/1");
}

/* --- ends from outside --- */

static void
test_deadline (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *workers[3];
  guint64 id;

  workers_new (core, workers, 3);
  id = ask_many (agent, ALL, 1000);
  reply_with (workers[0], route_of (workers[0]), WIRE_FLAG_FINAL, "a", 0);
  expect_reply (agent, id, "procmond-0 OK 3/1/0 a");
  core_advance (core, 999);
  expect_nothing (agent);
  core_advance (core, 1);
  expect_reply (agent, id, "bus FINAL TIMEOUT 3/1/0");
  expect_nothing (agent);
  g_assert_cmpuint (client_count (workers[0], WIRE_KIND_CANCEL), ==, 0);
  g_assert_cmpuint (client_count (workers[1], WIRE_KIND_CANCEL), ==, 1);
  g_assert_cmpuint (client_count (workers[2], WIRE_KIND_CANCEL), ==, 1);
  g_assert_cmpuint (pending (core), ==, 0);
}

/* The requester cancels or disconnects: each working member gets CANCEL, and no other frame is sent. */
static void
test_cancel (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *workers[2];
  WireEnvelope cancel;

  workers_new (core, workers, 2);
  wire_envelope_init (&cancel);
  cancel.id = ask_many (agent, ALL, 0);
  client_send (agent, WIRE_KIND_CANCEL, 0, &cancel);
  for (guint i = 0; i < 2; i++)
    g_assert_cmpuint (client_count (workers[i], WIRE_KIND_CANCEL), ==, 1);
  g_assert_cmpuint (pending (core), ==, 0);
  expect_nothing (agent);

  ask_many (agent, ALL, 0);
  client_disconnect (agent);
  core_flush (core);
  for (guint i = 0; i < 2; i++)
    g_assert_cmpuint (client_count (workers[i], WIRE_KIND_CANCEL), ==, 2);
  g_assert_cmpuint (pending (core), ==, 0);
}

/* --- the members that are asked --- */

/* Each peer is asked once, even with several serving subscriptions; with a target only that peer is asked. */
static void
test_asked (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *workers[2];
  WireEnvelope envelope;
  guint64 id;

  workers_new (core, workers, 2);
  client_serve (workers[0], 2, TASK);
  id = ask_many (agent, ALL, 0);
  g_assert_cmpuint (client_count (workers[0], WIRE_KIND_REQUEST), ==, 1);
  for (guint i = 0; i < 2; i++)
    reply_with (workers[i], route_of (workers[i]), WIRE_FLAG_FINAL, "x", 0);
  expect_reply (agent, id, "procmond-0 OK 2/1/0 x");
  expect_reply (agent, id, "procmond-1 OK 2/2/0 x");
  expect_reply (agent, id, "bus FINAL OK 2/2/0");

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (TASK);
  envelope.target = wire_span_str ("procmond-1");
  envelope.expect = ALL;
  id = client_send (agent, WIRE_KIND_REQUEST, 0, &envelope);
  g_assert_cmpuint (client_count (workers[0], WIRE_KIND_REQUEST), ==, 0);
  reply_with (workers[1], route_of (workers[1]), WIRE_FLAG_FINAL, "x", 0);
  expect_reply (agent, id, "procmond-1 OK 1/1/0 x");
  expect_reply (agent, id, "bus FINAL OK 1/1/0");
  envelope.id = 0;
  envelope.target = wire_span_str ("procmond-9");
  client_expect_error (agent, client_send (agent, WIRE_KIND_REQUEST, 0, &envelope), WIRE_STATUS_ABSENT);
}

/* Without the feature the field is ignored: one server is asked. */
static void
test_without_feature (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *workers[2];
  guint64 id;

  agent->peer->features &= ~WIRE_FEATURE_STREAM;
  workers_new (core, workers, 2);
  id = ask_many (agent, ALL, 0);
  g_assert_cmpuint (client_count (workers[1], WIRE_KIND_REQUEST), ==, 0);
  reply_with (workers[0], route_of (workers[0]), WIRE_FLAG_FINAL, "x", 0);
  expect_reply (agent, id, "procmond-0 FINAL OK 0/0/0 x");
}

static void
test_bounded (Core *core, gconstpointer data)
{
  BusLimits limits;
  Core small;
  Client *agent;
  Client *workers[3];
  g_autoptr (Got) error = NULL;
  guint64 id;

  bus_limits_init (&limits);
  limits.max_request_members = 8;
  core_setup (&small, &limits);
  agent = asker_new (&small);
  workers_new (&small, workers, 3);
  id = ask_many (agent, ALL, 0);
  ask_many (agent, ALL, 0);
  ask_many (agent, ALL, 0);
  error = client_take (agent, WIRE_KIND_ERROR);
  g_assert_nonnull (error);
  g_assert_cmpuint (error->envelope.status, ==, WIRE_STATUS_LIMIT);
  g_assert_cmpuint (error->envelope.limit, ==, 8);
  g_assert_cmpuint (error->envelope.value, ==, 9);
  g_assert_cmpmem (error->envelope.setting.data, error->envelope.setting.len, "max_request_members", 19);
  /* Members that have answered do not count. */
  reply_with (workers[0], route_of (workers[0]), WIRE_FLAG_FINAL, "x", 0);
  ask_many (agent, ALL, 0);
  expect_reply (agent, id, "procmond-0 OK 3/1/0 x");
  g_assert_cmpuint (client_count (agent, WIRE_KIND_ERROR), ==, 0);
  core_teardown (&small, NULL);
}

/* --- order --- */

/* The end frame follows every reply, even if large ones wait in the data lane. */
static void
test_end_is_last (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *workers[2];
  g_autofree char *large = g_strnfill (200000, 'x');
  guint64 routes[2];
  guint n = 0;
  Got *got;

  workers_new (core, workers, 2);
  ask_many (agent, ALL, 0);
  for (guint i = 0; i < 2; i++)
    routes[i] = route_of (workers[i]);
  agent->is_stopped = TRUE;
  for (guint i = 0; i < 4; i++)
    reply_with (workers[0], routes[0], 0, large, 0);
  reply_with (workers[0], routes[0], WIRE_FLAG_FINAL, "small", 0);
  reply_with (workers[1], routes[1], WIRE_FLAG_FINAL, "small", 0);
  agent->is_stopped = FALSE;
  core_flush (core);
  while ((got = client_take (agent, WIRE_KIND_REPLY)) != NULL)
    {
      g_assert_cmpuint (got->envelope.payload.len, ==, n < 4 ? 200000 : n < 6 ? 5 : 0);
      g_assert_cmpint ((got->flags & WIRE_FLAG_FINAL) != 0, ==, n == 6);
      n++;
      got_free (got);
    }
  g_assert_cmpuint (n, ==, 7);
}

/* A requester that does not read: the request ends with an ERROR, once, and the members are cancelled. */
static void
test_slow_requester (Core *core, gconstpointer data)
{
  Client *agent = asker_new (core);
  Client *workers[2];
  g_autofree char *large = g_strnfill (1000000, 'x');
  guint64 routes[2];
  guint64 id;

  workers_new (core, workers, 2);
  id = ask_many (agent, ALL, 0);
  for (guint i = 0; i < 2; i++)
    routes[i] = route_of (workers[i]);
  agent->is_stopped = TRUE;
  for (guint i = 0; i < 12; i++)
    reply_with (workers[0], routes[0], 0, large, 0);
  for (guint i = 0; i < 2; i++)
    g_assert_cmpuint (client_count (workers[i], WIRE_KIND_CANCEL), ==, 1);
  agent->is_stopped = FALSE;
  core_flush (core);
  client_expect_error (agent, id, WIRE_STATUS_SLOW_CONSUMER);
  g_assert_cmpuint (pending (core), ==, 0);
}

#define ADD(path, function) g_test_add (path, Core, NULL, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/many/all", test_all);
  ADD ("/core/many/streams", test_streams);
  ADD ("/core/many/first", test_first);
  ADD ("/core/many/too-few", test_too_few);
  ADD ("/core/many/failures", test_failures);
  ADD ("/core/many/full-member", test_full_member);
  ADD ("/core/many/all-gone", test_all_gone);
  ADD ("/core/many/stops-serving", test_stops_serving);
  ADD ("/core/many/deadline", test_deadline);
  ADD ("/core/many/cancel", test_cancel);
  ADD ("/core/many/asked", test_asked);
  ADD ("/core/many/M30-without-feature", test_without_feature);
  ADD ("/core/many/R06-bounded", test_bounded);
  ADD ("/core/many/end-is-last", test_end_is_last);
  ADD ("/core/many/R04-slow-requester", test_slow_requester);
  return g_test_run ();
}

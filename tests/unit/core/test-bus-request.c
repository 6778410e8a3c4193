/* SPDX-License-Identifier: Apache-2.0 */
#include "control.pb-c.h"
#include "core-fixture.h"
#include "wire-guard.h"

/* The ends of requests: a reply, or an error with the reason. Also their bounds, and replies of other peers. */

#define TASK "control.collector.task.process"

static void
test_reply (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *worker = client_ready (core, "procmond-1", "procmond");
  g_autoptr (Got) request = NULL;
  g_autoptr (Got) reply = NULL;
  guint64 id;

  client_serve (worker, 3, TASK);
  id = client_request (agent, TASK, NULL, 5000000);
  request = client_take (worker, WIRE_KIND_REQUEST);
  g_assert_nonnull (request);
  g_assert_cmpmem (request->envelope.sender.data, request->envelope.sender.len, "daemoneye-agent", 15);
  g_assert_cmpuint (request->envelope.remaining_us, ==, 5000000);
  g_assert_cmpuint (request->envelope.route_id, !=, 0);

  client_reply (worker, request->envelope.route_id, "answer");
  reply = client_take (agent, WIRE_KIND_REPLY);
  g_assert_nonnull (reply);
  g_assert_cmpuint (reply->envelope.answers, ==, id);
  g_assert_cmpuint (reply->flags & WIRE_FLAG_FINAL, !=, 0);
  g_assert_cmpmem (reply->envelope.payload.data, reply->envelope.payload.len, "answer", 6);
  g_assert_cmpmem (reply->envelope.sender.data, reply->envelope.sender.len, "procmond-1", 10);

  /* A second reply is discarded. */
  client_reply (worker, request->envelope.route_id, "again");
  client_expect_error (worker, worker->next_id, WIRE_STATUS_EXPIRED);
  g_assert_cmpuint (client_count (agent, WIRE_KIND_REPLY), ==, 0);
}

static void
test_stream (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *worker = client_ready (core, "procmond-1", "procmond");
  g_autoptr (Got) request = NULL;
  BusCoreStats stats;

  client_serve (worker, 3, TASK);
  client_request (agent, TASK, NULL, 0);
  request = client_take (worker, WIRE_KIND_REQUEST);
  for (guint i = 0; i < 3; i++)
    {
      WireEnvelope part;

      wire_envelope_init (&part);
      part.route = request->envelope.route_id;
      client_send (worker, WIRE_KIND_REPLY, WIRE_FLAG_PROGRESS, &part);
    }
  bus_core_stats (core->core, &stats);
  g_assert_cmpuint (stats.pending_requests, ==, 1);
  client_reply (worker, request->envelope.route_id, "end");
  g_assert_cmpuint (client_count (agent, WIRE_KIND_REPLY), ==, 4);
  bus_core_stats (core->core, &stats);
  g_assert_cmpuint (stats.pending_requests, ==, 0);
}

static void
test_round_robin (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *workers[3];

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("procmond-%u", i);

      workers[i] = client_ready (core, id, "procmond");
      client_serve (workers[i], 1, TASK);
    }
  for (guint i = 0; i < 30; i++)
    client_request (agent, TASK, NULL, 0);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (client_count (workers[i], WIRE_KIND_REQUEST), ==, 10);
}

static void
test_no_responder (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *worker = client_ready (core, "procmond-1", "procmond");

  client_expect_error (agent, client_request (agent, TASK, NULL, 0), WIRE_STATUS_NO_RESPONDERS);
  /* A request is not delivered to a plain subscriber. */
  client_subscribe (worker, 1, TASK, NULL);
  client_expect_error (agent, client_request (agent, TASK, NULL, 0), WIRE_STATUS_NO_RESPONDERS);
  g_assert_cmpuint (client_count (worker, WIRE_KIND_REQUEST), ==, 0);
  client_expect_error (agent, client_request (agent, "control.collector.procmond-1", "procmond-1", 0),
                       WIRE_STATUS_NOT_SUBSCRIBED);
  client_expect_error (agent, client_request (agent, "control.collector.procmond-9", "procmond-9", 0),
                       WIRE_STATUS_ABSENT);
  client_expect_error (agent, client_request (agent, "control.bus.nothing", NULL, 0), WIRE_STATUS_NO_RESPONDERS);
}

static void
test_target (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *first = client_ready (core, "procmond-1", "procmond");
  Client *second = client_ready (core, "procmond-2", "procmond");

  client_serve (first, 1, TASK);
  client_serve (second, 1, TASK);
  for (guint i = 0; i < 4; i++)
    client_request (agent, TASK, "procmond-2", 0);
  g_assert_cmpuint (client_count (first, WIRE_KIND_REQUEST), ==, 0);
  g_assert_cmpuint (client_count (second, WIRE_KIND_REQUEST), ==, 4);
}

static void
test_responder_gone (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *worker = client_ready (core, "procmond-1", "procmond");
  guint64 id;

  client_serve (worker, 1, TASK);
  id = client_request (agent, TASK, NULL, 0);
  client_disconnect (worker);
  core_flush (core);
  client_expect_error (agent, id, WIRE_STATUS_RESPONDER_GONE);
}

static void
test_requester_gone (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *worker = client_ready (core, "procmond-1", "procmond");
  g_autoptr (Got) request = NULL;
  g_autoptr (Got) cancel = NULL;

  client_serve (worker, 1, TASK);
  client_request (agent, TASK, NULL, 0);
  request = client_take (worker, WIRE_KIND_REQUEST);
  client_disconnect (agent);
  core_flush (core);
  cancel = client_take (worker, WIRE_KIND_CANCEL);
  g_assert_nonnull (cancel);
  g_assert_cmpuint (cancel->envelope.route_id, ==, request->envelope.route_id);
  client_reply (worker, request->envelope.route_id, "late");
  client_expect_error (worker, worker->next_id, WIRE_STATUS_EXPIRED);
}

static void
test_timeout (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *worker = client_ready (core, "procmond-1", "procmond");
  guint64 id;

  client_serve (worker, 1, TASK);
  id = client_request (agent, TASK, NULL, 1000);
  core_advance (core, 999);
  g_assert_cmpuint (client_count (agent, WIRE_KIND_ERROR), ==, 0);
  core_advance (core, 1);
  client_expect_error (agent, id, WIRE_STATUS_TIMEOUT);
  g_assert_cmpuint (client_count (worker, WIRE_KIND_CANCEL), ==, 1);

  /* The default deadline, and the longest. */
  id = client_request (agent, TASK, NULL, 0);
  core_advance (core, 30 * G_TIME_SPAN_SECOND);
  client_expect_error (agent, id, WIRE_STATUS_TIMEOUT);
  id = client_request (agent, TASK, NULL, G_MAXINT64);
  core_advance (core, 300 * G_TIME_SPAN_SECOND);
  client_expect_error (agent, id, WIRE_STATUS_TIMEOUT);
}

/* A request that times out while it waits for a stopped worker is not delivered later, and uses no credit of the worker. */
static void
test_overdue_is_not_delivered (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *worker = client_ready (core, "procmond-1", "procmond");

  client_subscribe_full (worker, 1, TASK, NULL, TRUE, 1, 0, WIRE_STATUS_OK);
  client_request (agent, TASK, NULL, 1000);
  client_request (agent, TASK, NULL, 1000);
  g_assert_cmpuint (client_count (worker, WIRE_KIND_REQUEST), ==, 1);
  core_advance (core, 2000);
  client_credit (worker, 1, 2, 1u << 22);
  g_assert_cmpuint (client_count (worker, WIRE_KIND_REQUEST), ==, 1);
  client_request (agent, TASK, NULL, 1000);
  g_assert_cmpuint (client_count (worker, WIRE_KIND_REQUEST), ==, 2);
}

/* A responder cannot answer or decline a request that it was not sent, even with a guessed route. */
static void
test_guessed_route (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *worker = client_ready (core, "procmond-1", "procmond");
  g_autoptr (Got) request = NULL;
  WireEnvelope cancel;
  BusCoreStats stats;

  client_subscribe_full (worker, 1, TASK, NULL, TRUE, 1, 0, WIRE_STATUS_OK);
  client_request (agent, TASK, NULL, 0);
  client_request (agent, TASK, NULL, 0);
  request = client_take (worker, WIRE_KIND_REQUEST);
  client_reply (worker, request->envelope.route_id + 4, "guess");
  client_expect_error (worker, worker->next_id, WIRE_STATUS_EXPIRED);
  wire_envelope_init (&cancel);
  cancel.route = request->envelope.route_id + 4;
  client_send (worker, WIRE_KIND_CANCEL, 0, &cancel);
  bus_core_stats (core->core, &stats);
  g_assert_cmpuint (stats.pending_requests, ==, 2);
  g_assert_cmpuint (client_count (agent, WIRE_KIND_REPLY), ==, 0);
  g_assert_cmpuint (client_count (agent, WIRE_KIND_ERROR), ==, 0);
}

static void
test_limits (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *worker = client_ready (core, "procmond-1", "procmond");
  WireEnvelope again;

  client_serve (worker, 1, TASK);
  for (guint i = 0; i < 64; i++)
    client_request (agent, TASK, NULL, 0);
  g_assert_cmpuint (client_count (agent, WIRE_KIND_ERROR), ==, 0);
  client_request (agent, TASK, NULL, 0);
  {
    g_autoptr (Got) error = client_take (agent, WIRE_KIND_ERROR);

    g_assert_nonnull (error);
    g_assert_cmpuint (error->envelope.status, ==, WIRE_STATUS_LIMIT);
    g_assert_cmpuint (error->envelope.limit, ==, 64);
    g_assert_cmpuint (error->envelope.value, ==, 65);
    g_assert_cmpmem (error->envelope.setting.data, error->envelope.setting.len, "max_pending_requests", 20);
  }
  client_disconnect (agent);
  core_flush (core);

  agent = agent_ready (core);
  wire_envelope_init (&again);
  again.id = client_request (agent, TASK, NULL, 0);
  again.topic = wire_span_str (TASK);
  client_send (agent, WIRE_KIND_REQUEST, 0, &again);
  client_expect_error (agent, again.id, WIRE_STATUS_DUPLICATE_ID);
}

/* Requests to a responder that reads nothing: an error at once when its queue is full, and never a gap. */
static void
test_full_responder (Core *core, gconstpointer data)
{
  BusLimits limits;
  Core large;
  Client *agent, *worker;
  g_autofree guint8 *payload = g_malloc0 (1 << 20);
  guint refused = 0;
  BusCoreStats stats;
  Got *got;

  bus_limits_init (&limits);
  core_setup (&large, &limits);
  agent = agent_ready (&large);
  worker = client_ready (&large, "procmond-1", "procmond");
  client_subscribe_full (worker, 1, TASK, NULL, TRUE, 1000, 1u << 26, WIRE_STATUS_OK);
  worker->is_stopped = TRUE;
  for (guint i = 0; i < 20; i++)
    {
      WireEnvelope envelope;

      wire_envelope_init (&envelope);
      envelope.topic = wire_span_str (TASK);
      envelope.payload = wire_span (payload, 1 << 20);
      client_send (agent, WIRE_KIND_REQUEST, 0, &envelope);
    }
  while ((got = client_take (agent, WIRE_KIND_ERROR)) != NULL)
    {
      g_assert_cmpuint (got->envelope.status, ==, WIRE_STATUS_WOULD_BLOCK);
      g_assert_cmpmem (got->envelope.setting.data, got->envelope.setting.len, "subscription_queue_bytes", 24);
      g_assert_cmpuint (got->envelope.limit, ==, limits.subscription_queue_bytes);
      g_assert_cmpuint (got->envelope.value, >, limits.subscription_queue_bytes);
      refused++;
      got_free (got);
    }
  bus_core_stats (large.core, &stats);
  g_assert_cmpuint (refused, >, 5);
  g_assert_cmpuint (stats.pending_requests, ==, 20 - refused);
  worker->is_stopped = FALSE;
  core_flush (&large);
  g_assert_cmpuint (client_count (worker, WIRE_KIND_REQUEST), ==, 20 - refused);
  g_assert_cmpuint (client_count (worker, WIRE_KIND_GAP), ==, 0);
  core_teardown (&large, NULL);
}

static void
test_foreign_reply (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *worker = client_ready (core, "procmond-1", "procmond");
  Client *foreign = client_ready (core, "thief", "netmond");
  g_autoptr (Got) request = NULL;

  client_serve (worker, 1, TASK);
  client_request (agent, TASK, NULL, 0);
  request = client_take (worker, WIRE_KIND_REQUEST);
  client_reply (foreign, request->envelope.route_id, "forged");
  client_expect_error (foreign, foreign->next_id, WIRE_STATUS_EXPIRED);
  g_assert_cmpuint (client_count (agent, WIRE_KIND_REPLY), ==, 0);
  client_reply (worker, request->envelope.route_id, "real");
  g_assert_cmpuint (client_count (agent, WIRE_KIND_REPLY), ==, 1);
}

static void
test_ping (Core *core, gconstpointer data)
{
  Client *worker = client_ready (core, "procmond-1", "procmond");
  g_autoptr (Got) reply = NULL;
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__PingReply *ping;
  WireEnvelope envelope;

  core_advance (core, 5000);
  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL ("control.bus.ping");
  client_send (worker, WIRE_KIND_REQUEST, 0, &envelope);
  reply = client_take (worker, WIRE_KIND_REPLY);
  g_assert_nonnull (reply);
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__ping_reply__descriptor, reply->envelope.payload, 0, NULL);
  g_assert_nonnull (guard);
  ping = wire_guard_message (guard);
  g_assert_cmpuint (ping->epoch, ==, 77);
  g_assert_cmpuint (ping->uptime_us, ==, 5000);

  /* A malformed call is answered with an error, and the connection stays open. */
  envelope.id = 0;
  envelope.payload = WIRE_SPAN_LITERAL ("\x08\x01");
  client_expect_error (worker, client_send (worker, WIRE_KIND_REQUEST, 0, &envelope), WIRE_STATUS_UNSUPPORTED);
  g_assert_false (worker->closed);
}

static void
test_stats (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *worker = client_ready (core, "procmond-1", "procmond");
  Client *askers[] = { agent, worker };
  const gsize want_peers[] = { 2, 1 };

  for (guint i = 0; i < G_N_ELEMENTS (askers); i++)
    {
      g_autoptr (Got) reply = NULL;
      g_autoptr (WireGuard) guard = NULL;
      const Daemoneye__Eventbus__V1__StatsReply *stats;
      WireEnvelope envelope;

      wire_envelope_init (&envelope);
      envelope.topic = WIRE_SPAN_LITERAL ("control.bus.stats");
      client_send (askers[i], WIRE_KIND_REQUEST, 0, &envelope);
      reply = client_take (askers[i], WIRE_KIND_REPLY);
      g_assert_nonnull (reply);
      guard = wire_guard_unpack (&daemoneye__eventbus__v1__stats_reply__descriptor, reply->envelope.payload, 0, NULL);
      g_assert_nonnull (guard);
      stats = wire_guard_message (guard);
      g_assert_cmpuint (stats->n_peers, ==, want_peers[i]);
      g_assert_cmpuint (stats->totals->peers, ==, 2);
      g_assert_cmpuint (stats->totals->pending_requests, ==, 1);
      g_assert_cmpuint (stats->totals->queued_messages, ==, 0);
      g_assert_cmpuint (stats->peers[0]->pid, ==, 4321);
    }
}

#define ADD(path, function) g_test_add (path, Core, NULL, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/request/reply", test_reply);
  ADD ("/core/request/stream", test_stream);
  ADD ("/core/request/round-robin", test_round_robin);
  ADD ("/core/request/no-responder", test_no_responder);
  ADD ("/core/request/M04-target", test_target);
  ADD ("/core/request/responder-gone", test_responder_gone);
  ADD ("/core/request/requester-gone", test_requester_gone);
  ADD ("/core/request/timeout", test_timeout);
  ADD ("/core/request/overdue", test_overdue_is_not_delivered);
  ADD ("/core/request/O05-guessed-route", test_guessed_route);
  ADD ("/core/request/R06-O06-limits", test_limits);
  ADD ("/core/request/full-responder", test_full_responder);
  ADD ("/core/request/O05-foreign-reply", test_foreign_reply);
  ADD ("/core/request/ping", test_ping);
  ADD ("/core/request/stats", test_stats);
  return g_test_run ();
}

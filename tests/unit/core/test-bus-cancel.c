/* SPDX-License-Identifier: Apache-2.0 */
#include "core-fixture.h"

/* Requests that are cancelled, and the order of the frames of a request. */

#define TASK "control.collector.task.process"

static void
test_cancel (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *worker = client_ready (core, "procmond-1", "procmond");
  g_autoptr (Got) request = NULL;
  WireEnvelope cancel;
  BusCoreStats stats;
  guint64 id;

  client_serve (worker, 1, TASK);
  wire_envelope_init (&cancel);
  cancel.id = client_request (agent, TASK, NULL, 0);
  client_send (agent, WIRE_KIND_CANCEL, 0, &cancel);
  g_assert_cmpuint (client_count (worker, WIRE_KIND_CANCEL), ==, 1);
  bus_core_stats (core->core, &stats);
  g_assert_cmpuint (stats.pending_requests, ==, 0);
  client_send (agent, WIRE_KIND_CANCEL, 0, &cancel);
  g_assert_false (agent->closed);

  /* The responder cancels. */
  got_free (client_take (worker, WIRE_KIND_REQUEST));
  id = client_request (agent, TASK, NULL, 0);
  request = client_take (worker, WIRE_KIND_REQUEST);
  wire_envelope_init (&cancel);
  cancel.route = request->envelope.route_id;
  client_send (worker, WIRE_KIND_CANCEL, 0, &cancel);
  client_expect_error (agent, id, WIRE_STATUS_CANCELLED);
}

static void
cancel_request (Client *client, guint64 id)
{
  WireEnvelope cancel;

  wire_envelope_init (&cancel);
  cancel.id = id;
  client_send (client, WIRE_KIND_CANCEL, 0, &cancel);
}

/* A request that still waits for its responder is removed from the queue: neither the request nor a CANCEL is sent, and it
 * costs no credit. */
static void
test_cancel_queued (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *worker = client_ready (core, "procmond-1", "procmond");
  BusCoreStats stats;
  guint64 ids[4];

  client_subscribe_full (worker, 1, TASK, NULL, TRUE, 1, 0, WIRE_STATUS_OK);
  for (guint i = 0; i < 4; i++)
    ids[i] = client_request (agent, TASK, NULL, 0);
  cancel_request (agent, ids[1]);
  cancel_request (agent, ids[2]);
  bus_core_stats (core->core, &stats);
  g_assert_cmpuint (stats.pending_requests, ==, 2);
  g_assert_cmpuint (stats.queued_messages, ==, 1);
  client_credit (worker, 1, 2, 1u << 22);
  g_assert_cmpuint (client_count (worker, WIRE_KIND_REQUEST), ==, 2);
  g_assert_cmpuint (client_count (worker, WIRE_KIND_CANCEL), ==, 0);
  cancel_request (agent, ids[3]);
  g_assert_cmpuint (client_count (worker, WIRE_KIND_CANCEL), ==, 1);

  /* The same when the requester disconnects. */
  client_request (agent, TASK, NULL, 0);
  client_disconnect (agent);
  core_flush (core);
  client_credit (worker, 1, 4, 1u << 22);
  g_assert_cmpuint (client_count (worker, WIRE_KIND_REQUEST), ==, 2);
  g_assert_cmpuint (client_count (worker, WIRE_KIND_CANCEL), ==, 2);
}

/* A request that waits with credit in the lane of a responder that reads nothing is removed as well. */
static void
test_cancel_in_lane (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *worker = client_ready (core, "procmond-1", "procmond");
  g_autofree guint8 *payload = g_malloc0 (300000);
  guint64 ids[3];

  client_subscribe_full (worker, 1, TASK, NULL, TRUE, 10, 1u << 22, WIRE_STATUS_OK);
  worker->is_stopped = TRUE;
  for (guint i = 0; i < 3; i++)
    {
      WireEnvelope envelope;

      wire_envelope_init (&envelope);
      envelope.topic = wire_span_str (TASK);
      envelope.payload = wire_span (payload, 300000);
      ids[i] = client_send (agent, WIRE_KIND_REQUEST, 0, &envelope);
    }
  cancel_request (agent, ids[1]);
  worker->is_stopped = FALSE;
  core_flush (core);
  g_assert_cmpuint (client_count (worker, WIRE_KIND_REQUEST), ==, 2);
  g_assert_cmpuint (client_count (worker, WIRE_KIND_CANCEL), ==, 0);
}

/* CANCEL is sent in the lane of its request and after it, so it does not overtake even a large request. */
static void
test_cancel_does_not_overtake (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *worker = client_ready (core, "procmond-1", "procmond");
  g_autofree guint8 *payload = g_malloc0 (100000);
  guint requests = 0;
  guint cancels = 0;
  guint64 ids[2];
  Got *got;

  client_serve (worker, 1, TASK);
  worker->is_stopped = TRUE;
  for (guint i = 0; i < 2; i++)
    {
      WireEnvelope envelope;

      wire_envelope_init (&envelope);
      envelope.topic = wire_span_str (TASK);
      envelope.payload = wire_span (payload, 100000);
      ids[i] = client_send (agent, WIRE_KIND_REQUEST, 0, &envelope);
    }
  cancel_request (agent, ids[0]);
  worker->is_stopped = FALSE;
  core_flush (core);
  while ((got = g_queue_pop_head (&worker->got)) != NULL)
    {
      requests += got->kind == WIRE_KIND_REQUEST;
      cancels += got->kind == WIRE_KIND_CANCEL;
      if (got->kind == WIRE_KIND_CANCEL)
        g_assert_cmpuint (requests, ==, 2);
      got_free (got);
    }
  g_assert_cmpuint (cancels, ==, 1);
}

/* After one reply was sent in the data lane, all later ones are: a small final reply does not overtake a large part. */
static void
test_final_does_not_overtake (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *worker = client_ready (core, "procmond-1", "procmond");
  g_autofree char *large = g_strnfill (60000, 'x');
  g_autoptr (Got) request = NULL;
  guint parts = 0;
  Got *got;

  client_serve (worker, 1, TASK);
  client_request (agent, TASK, NULL, 0);
  request = client_take (worker, WIRE_KIND_REQUEST);
  agent->is_stopped = TRUE;
  for (guint i = 0; i < 10; i++)
    {
      WireEnvelope part;

      wire_envelope_init (&part);
      part.route = request->envelope.route_id;
      part.payload = wire_span_str (large);
      client_send (worker, WIRE_KIND_REPLY, 0, &part);
    }
  client_reply (worker, request->envelope.route_id, "end");
  agent->is_stopped = FALSE;
  core_flush (core);
  while ((got = client_take (agent, WIRE_KIND_REPLY)) != NULL)
    {
      g_assert_cmpint ((got->flags & WIRE_FLAG_FINAL) != 0, ==, parts == 10);
      parts++;
      got_free (got);
    }
  g_assert_cmpuint (parts, ==, 11);
}

/* A reply stays behind messages that its sender published before it in that lane. */
static void
test_reply_does_not_overtake (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *worker = client_ready (core, "procmond-1", "procmond");
  g_autofree guint8 *payload = g_malloc0 (20000);
  g_autoptr (Got) request = NULL;
  guint before = 0;
  Got *got;

  client_subscribe_full (agent, 1, "events.#", NULL, FALSE, 65536, 1u << 26, WIRE_STATUS_OK);
  client_serve (worker, 1, "tasks.process");
  client_request (agent, "tasks.process", NULL, 0);
  request = client_take (worker, WIRE_KIND_REQUEST);
  agent->is_stopped = TRUE;
  for (guint i = 0; i < 100; i++)
    client_publish (worker, "events.process.lifecycle", 0, payload, 20000);
  client_reply (worker, request->envelope.route_id, "answer");
  agent->is_stopped = FALSE;
  core_flush (core);
  while ((got = g_queue_pop_head (&agent->got)) != NULL)
    {
      if (got->kind == WIRE_KIND_REPLY && got->envelope.payload.len == 6)
        g_assert_cmpuint (before, ==, 100);
      before += got->kind == WIRE_KIND_DELIVER;
      got_free (got);
    }
  g_assert_cmpuint (before, ==, 100);
}

#define ADD(path, function) g_test_add (path, Core, NULL, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/request/cancel", test_cancel);
  ADD ("/core/request/cancel-queued", test_cancel_queued);
  ADD ("/core/request/cancel-in-lane", test_cancel_in_lane);
  ADD ("/core/request/I04-cancel-does-not-overtake", test_cancel_does_not_overtake);
  ADD ("/core/request/I04-final-does-not-overtake", test_final_does_not_overtake);
  ADD ("/core/request/order", test_reply_does_not_overtake);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "core-fixture.h"
#include "peer/bus-peer.h"
#include "wire-feature.h"

/* The stations of a message that asks for them: accept, queue and write, with the times of the test's clock. */

#define TOPIC "events.process.lifecycle"

static void
publish (Client *client, gboolean want_hops)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (TOPIC);
  envelope.payload = wire_span_str ("payload");
  envelope.want_hops = want_hops ? 1 : 0;
  client_send (client, WIRE_KIND_PUBLISH, 0, &envelope);
}

static void
assert_hops (const Got *got, guint64 accepted, guint64 queued, guint64 written)
{
  const guint64 want[] = { accepted, queued, written };
  WireSpan hops;
  guint64 number;
  guint n = 0;

  g_assert_nonnull (got);
  hops = got->envelope.hops;
  for (; wire_envelope_next_u64 (&hops, &number); n++)
    {
      g_assert_cmpuint (n, <, G_N_ELEMENTS (want));
      g_assert_cmpuint (number, ==, want[n]);
    }
  g_assert_cmpuint (n, ==, G_N_ELEMENTS (want));
}

static void
test_at_once (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *reader = client_ready (core, "reader", "netmond");
  g_autoptr (Got) first = NULL;
  g_autoptr (Got) second = NULL;

  client_subscribe (reader, 1, TOPIC, NULL);
  core_advance (core, 700);
  publish (publisher, TRUE);
  first = client_take (reader, WIRE_KIND_DELIVER);
  assert_hops (first, (guint64) core->now_us, 0, 0);
  g_assert_cmpuint (first->envelope.want_hops, ==, 1);
  publish (publisher, FALSE);
  second = client_take (reader, WIRE_KIND_DELIVER);
  g_assert_nonnull (second);
  g_assert_cmpuint (second->envelope.hops.len, ==, 0);
}

/* The time for which it waits for credit is between queue and write. */
static void
test_waits_for_credit (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *reader = client_ready (core, "reader", "netmond");
  g_autoptr (Got) first = NULL;
  g_autoptr (Got) second = NULL;
  guint64 accepted;

  client_subscribe_full (reader, 1, TOPIC, NULL, FALSE, 1, 0, WIRE_STATUS_OK);
  publish (publisher, TRUE);
  publish (publisher, TRUE);
  accepted = (guint64) core->now_us;
  first = client_take (reader, WIRE_KIND_DELIVER);
  assert_hops (first, accepted, 0, 0);
  g_assert_cmpuint (client_count (reader, WIRE_KIND_DELIVER), ==, 0);
  core_advance (core, 250000);
  client_credit (reader, 1, 2, 4194304);
  second = client_take (reader, WIRE_KIND_DELIVER);
  assert_hops (second, accepted, 0, 250000);
}

/* A message that a member of a group hands on is queued again. */
static void
test_handed_on (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *first = client_ready (core, "first", "netmond");
  Client *second = client_ready (core, "second", "netmond");
  g_autoptr (Got) sent = NULL;
  g_autoptr (Got) got = NULL;
  guint64 accepted;

  client_subscribe_full (first, 1, TOPIC, "group", FALSE, 1, 0, WIRE_STATUS_OK);
  publish (publisher, FALSE);
  sent = client_take (first, WIRE_KIND_DELIVER);
  g_assert_nonnull (sent);
  publish (publisher, TRUE); /* waits for credit */
  accepted = (guint64) core->now_us;
  core_advance (core, 1000);
  client_subscribe (second, 1, TOPIC, "group");
  core_advance (core, 2000);
  client_disconnect (first);
  core_flush (core);
  got = client_take (second, WIRE_KIND_DELIVER);
  assert_hops (got, accepted, 3000, 0);
}

/* A request has its own stations, and the answer has stations if it asks for them. */
static void
test_request_and_reply (Core *core, gconstpointer data)
{
  Client *requester = agent_ready (core);
  Client *server = client_ready (core, "procmond-1", "procmond");
  g_autoptr (Got) request = NULL;
  g_autoptr (Got) reply = NULL;
  WireEnvelope envelope;

  client_serve (server, 1, "control.collector.task");
  core_advance (core, 10);
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str ("control.collector.task");
  envelope.want_hops = 1;
  client_send (requester, WIRE_KIND_REQUEST, 0, &envelope);
  request = client_take (server, WIRE_KIND_REQUEST);
  assert_hops (request, (guint64) core->now_us, 0, 0);
  core_advance (core, 400);
  wire_envelope_init (&envelope);
  envelope.route = request->envelope.route_id;
  envelope.want_hops = 1;
  client_send (server, WIRE_KIND_REPLY, WIRE_FLAG_FINAL, &envelope);
  reply = client_take (requester, WIRE_KIND_REPLY);
  assert_hops (reply, (guint64) core->now_us, 0, 0);
}

static void
reply (Client *server, guint64 route, guint8 flags)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.route = route;
  envelope.payload = wire_span_str ("part");
  envelope.want_hops = 1;
  client_send (server, WIRE_KIND_REPLY, flags, &envelope);
}

/* A reply that waits for the window of its requester counts as queued from its acceptance on. */
static void
test_reply_waits_for_its_window (Core *core, gconstpointer data)
{
  Client *requester = agent_ready (core);
  Client *server = client_ready (core, "procmond-1", "procmond");
  g_autoptr (Got) request = NULL;
  g_autoptr (Got) first = NULL;
  g_autoptr (Got) second = NULL;
  WireEnvelope envelope;
  guint64 id;

  requester->peer->features |= WIRE_FEATURE_STREAM;
  client_serve (server, 1, "control.collector.task");
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str ("control.collector.task");
  envelope.credit_messages = 1;
  envelope.credit_bytes = 1000;
  id = client_send (requester, WIRE_KIND_REQUEST, 0, &envelope);
  request = client_take (server, WIRE_KIND_REQUEST);
  reply (server, request->envelope.route_id, 0);
  first = client_take (requester, WIRE_KIND_REPLY);
  assert_hops (first, (guint64) core->now_us, 0, 0);
  reply (server, request->envelope.route_id, WIRE_FLAG_FINAL);
  core_advance (core, 400);
  wire_envelope_init (&envelope);
  envelope.id = id;
  envelope.credit_messages = 2;
  envelope.credit_bytes = 1004;
  client_send (requester, WIRE_KIND_CREDIT, 0, &envelope);
  second = client_take (requester, WIRE_KIND_REPLY);
  assert_hops (second, (guint64) core->now_us - 400, 0, 400);
}

#define ADD(path, function) g_test_add (path, Core, NULL, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/hops/at-once", test_at_once);
  ADD ("/core/hops/waits-for-credit", test_waits_for_credit);
  ADD ("/core/hops/handed-on", test_handed_on);
  ADD ("/core/hops/request-and-reply", test_request_and_reply);
  ADD ("/core/hops/reply-waits-for-its-window", test_reply_waits_for_its_window);
  return g_test_run ();
}

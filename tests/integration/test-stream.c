/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Requests to many servers, and answers in parts within a window, over real sockets. The requester does not use the client
 * library, so the test sees each frame of the broker.
 */

#include "bus-fixture.h"
#include "control.pb-c.h"
#include "raw-peer.h"
#include "wire-feature.h"
#include "worker-talk.h"

#define TOPIC  "health.echo"
#define WINDOW (1u << 20)
#define ALL    G_MAXUINT32

static RawPeer *
asker_new (BusFixture *f, const char *id)
{
  RawPeer *peer = raw_peer_connect (f->address);

  raw_peer_hello_with (peer, id, "netmond", WIRE_FEATURE_STREAM);
  return peer;
}

/* A responder that does not use the client library, with a receive window. */
static RawPeer *
server_new (BusFixture *f, guint64 window_messages)
{
  static char topic[] = TOPIC;
  Daemoneye__Eventbus__V1__SubscribeRequest request = DAEMONEYE__EVENTBUS__V1__SUBSCRIBE_REQUEST__INIT;
  RawPeer *peer = raw_peer_connect (f->address);
  WireEnvelope envelope, reply;
  guint8 bytes[128];

  raw_peer_hello (peer, "server", "procmond");
  request.subscription = 1;
  request.pattern = topic;
  request.serve = TRUE;
  request.window_messages = window_messages;
  request.window_bytes = WINDOW;
  wire_envelope_init (&envelope);
  envelope.id = 1;
  envelope.topic = WIRE_SPAN_LITERAL ("control.bus.subscribe");
  envelope.payload = wire_span (bytes, daemoneye__eventbus__v1__subscribe_request__pack (&request, bytes));
  g_assert_true (raw_peer_send (peer, WIRE_KIND_REQUEST, 0, &envelope));
  raw_peer_expect (peer, WIRE_KIND_REPLY, &reply);
  return peer;
}

static void
ask (RawPeer *peer, guint64 id, guint32 expect, guint64 window)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.id = id;
  envelope.topic = WIRE_SPAN_LITERAL (TOPIC);
  envelope.expect = expect;
  envelope.credit_messages = window;
  envelope.credit_bytes = window > 0 ? WINDOW : 0;
  envelope.payload = WIRE_SPAN_LITERAL ("question");
  g_assert_true (raw_peer_send (peer, WIRE_KIND_REQUEST, 0, &envelope));
}

static void
reply (RawPeer *peer, guint64 route, guint8 flags, const char *text)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.route = route;
  envelope.payload = wire_span_str (text);
  g_assert_true (raw_peer_send (peer, WIRE_KIND_REPLY, flags, &envelope));
}

static void
return_credit (RawPeer *peer, guint64 id, guint64 messages, guint64 bytes)
{
  WireEnvelope credit;

  wire_envelope_init (&credit);
  credit.id = id;
  credit.credit_messages = messages;
  credit.credit_bytes = bytes;
  g_assert_true (raw_peer_send (peer, WIRE_KIND_CREDIT, 0, &credit));
}

/* Waits until the broker has handled everything that the peer sent. Returns the number of frames of @kind before the answer. */
static guint
settle (RawPeer *peer, guint8 kind)
{
  static guint64 id = 1000;
  WireEnvelope ping;
  WireFrame frame;
  guint n = 0;

  wire_envelope_init (&ping);
  ping.id = ++id;
  g_assert_true (raw_peer_send (peer, WIRE_KIND_PING, 0, &ping));
  do
    {
      g_assert_true (raw_peer_next (peer, &frame));
      n += frame.kind == kind;
    }
  while (frame.kind != WIRE_KIND_PONG);
  return n;
}

static TestProcess *
worker_new (BusFixture *f, const char *id, const char *mode)
{
  TestProcess *process = bus_fixture_worker (f, id, "procmond");

  test_process_send (process, "serve s " TOPIC " - %s", mode);
  test_process_expect_line (process, "serving s");
  return process;
}

/* The next reply to a request to many, and its counts. @text: (nullable): of its payload */
static void
expect_counts (RawPeer *peer, WireStatus status, guint matched, guint queued, guint refused, const char *text)
{
  WireEnvelope envelope;

  raw_peer_expect (peer, WIRE_KIND_REPLY, &envelope);
  g_assert_cmpuint (envelope.answers, ==, 5);
  g_assert_cmpuint (envelope.status, ==, status);
  g_assert_cmpuint (envelope.matched, ==, matched);
  g_assert_cmpuint (envelope.queued, ==, queued);
  g_assert_cmpuint (envelope.refused, ==, refused);
  if (text != NULL)
    g_assert_cmpmem (envelope.payload.data, envelope.payload.len, text, strlen (text));
  else
    g_assert_cmpuint (envelope.payload.len, ==, 0);
}

/* Three processes answer, and the end of the request is reported. */
static void
test_all (BusFixture *f, gconstpointer data)
{
  g_autoptr (RawPeer) peer = asker_new (f, "asker");

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("procmond-%u", i);

      worker_new (f, id, "echo");
    }
  ask (peer, 5, ALL, 0);
  for (guint i = 1; i <= 3; i++)
    expect_counts (peer, WIRE_STATUS_OK, 3, i, 0, "question");
  expect_counts (peer, WIRE_STATUS_OK, 3, 3, 0, NULL);
}

/* One of them is killed before it answers: it counts as failed at once. */
static void
test_killed (BusFixture *f, gconstpointer data)
{
  g_autoptr (RawPeer) peer = asker_new (f, "asker");
  TestProcess *holding = worker_new (f, "procmond-1", "hold");

  worker_new (f, "procmond-2", "echo");
  ask (peer, 5, ALL, 0);
  expect_counts (peer, WIRE_STATUS_OK, 2, 1, 0, "question");
  test_process_expect_line (holding, "holding s");
  bus_fixture_kill_worker (f, holding);
  expect_counts (peer, WIRE_STATUS_RESPONDER_GONE, 2, 1, 1, NULL);
  expect_counts (peer, WIRE_STATUS_PARTIAL, 2, 1, 1, NULL);
}

/* Parts arrive within the window and in order, and the final part is marked. */
static void
test_window (BusFixture *f, gconstpointer data)
{
  g_autoptr (RawPeer) server = server_new (f, 10);
  g_autoptr (RawPeer) peer = asker_new (f, "asker");
  WireEnvelope envelope;
  guint64 route;

  ask (peer, 5, 0, 2);
  raw_peer_expect (server, WIRE_KIND_REQUEST, &envelope);
  route = envelope.route_id;
  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *text = g_strdup_printf ("%u", i);

      reply (server, route, i == 9 ? WIRE_FLAG_FINAL : 0, text);
    }
  g_assert_cmpuint (settle (server, WIRE_KIND_ERROR), ==, 0);
  g_assert_cmpuint (settle (peer, WIRE_KIND_REPLY), ==, 2);
  for (guint i = 2; i < 10; i++)
    {
      WireFrame frame;

      return_credit (peer, 5, 2 + i - 1, WINDOW + i - 1);
      g_assert_true (raw_peer_next (peer, &frame));
      g_assert_cmpuint (frame.kind, ==, WIRE_KIND_REPLY);
      g_assert_cmpint ((frame.flags & WIRE_FLAG_FINAL) != 0, ==, i == 9);
      wire_envelope_read (frame.body, frame.kind, WIRE_FROM_BROKER, &envelope);
      g_assert_cmpuint (envelope.payload.len, ==, 1);
      g_assert_cmpuint (envelope.payload.data[0], ==, '0' + i);
      g_assert_cmpuint (settle (peer, WIRE_KIND_REPLY), ==, 0);
    }
}

/* A request that is cancelled while it waits for its responder is never delivered, and neither is a CANCEL. */
static void
test_cancel_queued (BusFixture *f, gconstpointer data)
{
  g_autoptr (RawPeer) server = server_new (f, 1);
  g_autoptr (RawPeer) peer = asker_new (f, "asker");
  WireEnvelope envelope;

  ask (peer, 5, 0, 0);
  ask (peer, 6, 0, 0);
  wire_envelope_init (&envelope);
  envelope.id = 6;
  g_assert_true (raw_peer_send (peer, WIRE_KIND_CANCEL, 0, &envelope));
  settle (peer, WIRE_KIND_REPLY);
  raw_peer_expect (server, WIRE_KIND_REQUEST, &envelope);
  wire_envelope_init (&envelope);
  envelope.subscription = 1;
  envelope.credit_messages = 2;
  envelope.credit_bytes = WINDOW + 8;
  g_assert_true (raw_peer_send (server, WIRE_KIND_CREDIT, 0, &envelope));
  g_assert_cmpuint (settle (server, WIRE_KIND_REQUEST), ==, 0);
  wire_envelope_init (&envelope);
  envelope.id = 5;
  g_assert_true (raw_peer_send (peer, WIRE_KIND_CANCEL, 0, &envelope));
  settle (peer, WIRE_KIND_REPLY);
  g_assert_cmpuint (settle (server, WIRE_KIND_CANCEL), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                            \
  g_test_add ("/integration/stream/" path, BusFixture, NULL, bus_fixture_set_up, function, bus_fixture_tear_down)
  ADD ("M30-all", test_all);
  ADD ("M15-killed", test_killed);
  ADD ("window", test_window);
  ADD ("O06-cancel-queued", test_cancel_queued);
#undef ADD
  return g_test_run ();
}

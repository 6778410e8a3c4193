/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-report.h"
#include "core-fixture.h"

#include "peer/bus-peer.h"
#include "control.pb-c.h"

#include <string.h>

/*
 * Memory that a peer makes the broker hold outside of queues: unfinished frames, unread answers, subscriptions, requests. It is
 * charged to the peer, its account and the broker, and does not cause drops of the messages of other peers.
 */

#define FRAME    1048576u
#define N_OTHERS 60u
#define TOPIC    "events.process.new"

static Client *
ready_with_uid (Core *core, const char *type, guint n, guint32 uid)
{
  g_autofree char *id = g_strdup_printf ("%s-%u", type, n);
  Client *client = client_new (core, uid, FALSE);

  client_hello (client, id, type, 1, 1 << 16, 1 << 16);
  core_flush (core);
  g_assert_false (client->closed);
  return client;
}

/* Sends a frame without its last byte, so that the reader holds the whole frame. */
static void
send_unfinished (Client *client)
{
  static guint8 bytes[FRAME];

  wire_frame_put_header (bytes, WIRE_KIND_PUBLISH, 0, FRAME - WIRE_FRAME_HEADER_LEN);
  client_send_bytes (client, bytes, FRAME - 1);
}

static guint64
held_by (Client *client)
{
  return client->peer->account->usage.charged;
}

/* A slow subscriber with 4 MiB of waiting messages. */
static Client *
slow_subscriber (Core *core, Client *publisher, guint32 uid, guint n)
{
  Client *slow = ready_with_uid (core, "netmond", 1, uid);
  g_autofree char *payload = g_malloc0 (4096);

  client_subscribe_full (slow, 1, "events.process.#", NULL, FALSE, 1, 100, WIRE_STATUS_OK);
  slow->is_stopped = TRUE;
  for (guint i = 0; i < n; i++)
    client_publish (publisher, TOPIC, 0, payload, 4096);
  return slow;
}

static guint64
missed_by (Client *client)
{
  return client->peer->flow.missed;
}

/* 60 peers with the subscriber's uid hold unfinished frames, and begin new ones after each disconnect. */
static void
test_same_uid (Core *core, gconstpointer data)
{
  Client *publisher = ready_with_uid (core, "procmond", 0, 2000);
  Client *slow = slow_subscriber (core, publisher, 1000, 800);
  Client *others[N_OTHERS];
  guint closed = 0;

  for (guint i = 0; i < N_OTHERS; i++)
    others[i] = ready_with_uid (core, "procmond", i + 1, 1000);
  for (guint round = 0; round < 5; round++)
    {
      for (guint i = 0; i < N_OTHERS; i++)
        {
          if (others[i]->closed)
            {
              client_disconnect (others[i]);
              others[i] = ready_with_uid (core, "procmond", i + 1, 1000);
              closed++;
            }
          if (!bus_peer_has_partial_frame (others[i]->peer))
            send_unfinished (others[i]);
          g_assert_cmpuint (held_by (slow), <=, 50331648 + 65536);
        }
      core_advance (core, 500000);
      for (guint i = 0; i < 50; i++)
        client_publish (publisher, TOPIC, 0, "x", 1);
    }
  g_assert_cmpuint (closed, >, 0);
  g_assert_cmpuint (missed_by (slow), ==, 0);
  g_assert_cmpuint (bus_report_need_losses (&slow->peer->flow)->missed_by[BUS_LOSS_LIMIT], ==, 0);
}

/* A uid cannot hold more than its limit, and when the broker is full, its peers are disconnected. */
static void
test_foreign_uid (Core *core, gconstpointer data)
{
  Client *publisher = ready_with_uid (core, "procmond", 0, 2000);
  Client *others[N_OTHERS];
  Client *slow;
  guint64 most = 0;
  guint closed = 0;

  for (guint i = 0; i < N_OTHERS; i++)
    {
      others[i] = ready_with_uid (core, "procmond", i + 1, 1000);
      send_unfinished (others[i]);
      if (!others[i]->closed)
        most = MAX (most, held_by (others[i]));
    }
  g_assert_cmpuint (most, >, 40 * FRAME);
  g_assert_cmpuint (most, <=, 50331648);
  slow = slow_subscriber (core, publisher, 1001, 5000);
  for (guint i = 0; i < N_OTHERS; i++)
    closed += others[i]->closed;
  g_assert_cmpuint (closed, >, N_OTHERS - 48);
  g_assert_cmpuint (bus_report_need_losses (&slow->peer->flow)->missed_by[BUS_LOSS_LIMIT], ==, 0);
}

/* The disconnected peer gets the reason, and its bytes are freed before its connection ends. */
static void
test_reason (Core *core, gconstpointer data)
{
  BusLimits limits;
  Client *first;
  BusCoreStats stats;
  Core small;

  bus_limits_init (&limits);
  limits.uid_bytes = limits.queue_hard_bytes;
  core_setup (&small, &limits);
  first = ready_with_uid (&small, "procmond", 1, 1000);
  send_unfinished (first);
  for (guint i = 2; i < 9; i++)
    send_unfinished (ready_with_uid (&small, "procmond", i, 1000));
  g_assert_true (first->closed);
  g_assert_cmpint (first->goodbye, ==, WIRE_STATUS_LIMIT);
  g_assert_nonnull (
      strstr (first->goodbye_detail, "uid-bytes is reached, and an unfinished frame holds 1048576 bytes"));
  client_expect_error (first, 0, WIRE_STATUS_LIMIT);
  bus_core_stats (small.core, &stats);
  g_assert_cmpuint (stats.charged_bytes, <, 8 * FRAME);
  g_assert_cmpuint (stats.charged_bytes, >, 7 * FRAME);
  core_teardown (&small, NULL);
}

/* For each reason to disconnect a peer, its unfinished frame is freed before the connection has ended. */
static void
test_closing_frees (Core *core, gconstpointer data)
{
  Client *client = ready_with_uid (core, "procmond", 1, 1000);
  BusCoreStats stats;

  send_unfinished (client);
  bus_core_stats (core->core, &stats);
  g_assert_cmpuint (stats.charged_bytes, >, FRAME);
  core_advance (core, 10000000);
  g_assert_true (client->closed);
  g_assert_cmpint (client->goodbye, ==, WIRE_STATUS_TIMEOUT);
  bus_core_stats (core->core, &stats);
  g_assert_cmpuint (stats.charged_bytes, <, 65536);
}

/* A publisher of large frames is not disconnected because a subscriber of its uid is slow. */
static void
test_large_frames_pass (Core *core, gconstpointer data)
{
  g_autofree guint8 *payload = g_malloc0 (FRAME - 1000);
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  WireEnvelope envelope;
  Client *publisher;
  Client *slow;
  BusLimits limits;
  Core small;

  bus_limits_init (&limits);
  limits.uid_bytes = limits.queue_hard_bytes;
  core_setup (&small, &limits);
  publisher = ready_with_uid (&small, "procmond", 0, 1000);
  slow = slow_subscriber (&small, publisher, 1000, 100);
  for (guint i = 0; i < 40; i++)
    {
      gsize head;
      guint8 *end;

      wire_envelope_init (&envelope);
      envelope.id = 1000 + i;
      envelope.topic = wire_span_str (TOPIC);
      envelope.payload = wire_span (payload, FRAME - 1000);
      head = wire_envelope_size (&envelope);
      g_byte_array_set_size (bytes, (guint) (WIRE_FRAME_HEADER_LEN + head + envelope.payload.len));
      wire_frame_put_header (bytes->data, WIRE_KIND_PUBLISH, 0, bytes->len - WIRE_FRAME_HEADER_LEN);
      end = wire_envelope_write (&envelope, bytes->data + WIRE_FRAME_HEADER_LEN);
      memcpy (end, payload, FRAME - 1000);
      for (guint at = 0; at < bytes->len; at += 200000)
        client_send_bytes (publisher, bytes->data + at, MIN (200000, bytes->len - at));
      g_assert_false (publisher->closed);
      core_advance (&small, 1000);
    }
  g_assert_cmpuint (missed_by (slow), >, 10);
  g_assert_cmpuint (publisher->peer->received, >, 40);
  core_teardown (&small, NULL);
}

/* 60 peers that never read their answers: those count as well. */
static void
test_unread_answers (Core *core, gconstpointer data)
{
  Client *publisher = ready_with_uid (core, "procmond", 0, 2000);
  Client *slow = slow_subscriber (core, publisher, 1000, 800);
  g_autoptr (GByteArray) pings = g_byte_array_new ();
  guint8 ping[16];
  WireEnvelope envelope;
  guint closed = 0;

  wire_envelope_init (&envelope);
  envelope.id = 1;
  wire_frame_put_header (ping, WIRE_KIND_PING, 0, (guint32) wire_envelope_size (&envelope));
  wire_envelope_write (&envelope, ping + WIRE_FRAME_HEADER_LEN);
  for (guint i = 0; i < 4000; i++)
    g_byte_array_append (pings, ping, WIRE_FRAME_HEADER_LEN + (guint) wire_envelope_size (&envelope));
  for (guint i = 0; i < N_OTHERS; i++)
    {
      Client *other = ready_with_uid (core, "procmond", i + 1, 1000);

      other->is_stopped = TRUE;
      for (guint n = 0;
           n < 100 && !other->closed && bus_outq_lane_bytes (&other->peer->flow.outq, WIRE_LANE_CONTROL) < 1000000; n++)
        client_send_bytes (other, pings->data, pings->len);
      g_assert_cmpuint (held_by (slow), <=, 50331648 + 100000);
    }
  for (guint i = 0; i < core->clients->len; i++)
    closed += ((Client *) g_ptr_array_index (core->clients, i))->closed;
  g_assert_cmpuint (closed, >, 0);
  g_assert_cmpuint (missed_by (slow), ==, 0);
  g_assert_false (publisher->closed);
}

static void
ask_to_subscribe (Client *client, guint32 number)
{
  Daemoneye__Eventbus__V1__SubscribeRequest request;
  g_autofree char *pattern = g_strdup_printf ("events.a%u.b%u.c%u", number, number, number);
  guint8 bytes[256];
  WireEnvelope envelope;

  daemoneye__eventbus__v1__subscribe_request__init (&request);
  request.subscription = number;
  request.pattern = pattern;
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str ("control.bus.subscribe");
  envelope.payload = wire_span (bytes, daemoneye__eventbus__v1__subscribe_request__pack (&request, bytes));
  client_send (client, WIRE_KIND_REQUEST, 0, &envelope);
}

/* Subscriptions are refused at the limit of the uid; no message of another uid is dropped for them. */
static void
test_subscriptions (Core *core, gconstpointer data)
{
  guint refused = 0;
  BusLimits limits;
  Client *slow;
  Core small;

  bus_limits_init (&limits);
  limits.max_payload = 65536;
  limits.queue_hard_bytes = limits.queue_soft_bytes = 524288;
  limits.uid_bytes = 1048576;
  limits.broker_bytes = 2097152;
  core_setup (&small, &limits);
  slow = slow_subscriber (&small, ready_with_uid (&small, "procmond", 0, 2000), 1001, 100);
  for (guint i = 0; i < 4; i++)
    {
      Client *many = ready_with_uid (&small, "procmond", i + 1, 1000);

      for (guint32 n = 1; n <= 500; n++)
        ask_to_subscribe (many, n);
      refused += client_count (many, WIRE_KIND_ERROR);
      /* The second client reaches the limit. The connection of each later one is charged even above it. */
      g_assert_cmpuint (held_by (many), <=, limits.uid_bytes + (i > 1 ? i - 1 : 0) * BUS_PEER_COST);
    }
  g_assert_cmpuint (refused, >, 1000);
  g_assert_cmpuint (missed_by (slow), ==, 0);
  core_teardown (&small, NULL);
}

/* Returns the number of requests that ended with that status because of that limit. */
static guint
count_refused (Client *client, WireStatus status, const char *setting)
{
  guint n = 0;
  Got *got;

  while ((got = client_take (client, WIRE_KIND_ERROR)) != NULL)
    {
      g_assert_cmpint (got->envelope.status, ==, status);
      n += wire_span_equal (got->envelope.setting, wire_span_str (setting)) ? 1 : 0;
      got_free (got);
    }
  return n;
}

/* Requests that wait for a responder count for its uid. */
static void
test_requests (Core *core, gconstpointer data)
{
  g_autofree guint8 *payload = g_malloc0 (500000);
  Client *responders[8];
  BusLimits limits;
  Core small;
  guint refused = 0;

  bus_limits_init (&limits);
  limits.uid_bytes = limits.queue_hard_bytes;
  core_setup (&small, &limits);
  for (guint i = 0; i < G_N_ELEMENTS (responders); i++)
    {
      g_autofree char *topic = g_strdup_printf ("control.collector.procmond-%u", i);
      g_autofree char *id = g_strdup_printf ("tool-%u", i);
      Client *asker = tool_ready (&small, id);

      responders[i] = ready_with_uid (&small, "procmond", i, 1000);
      client_serve (responders[i], 1, topic);
      responders[i]->is_stopped = TRUE;
      for (guint n = 0; n < 8; n++)
        {
          WireEnvelope envelope;

          wire_envelope_init (&envelope);
          envelope.topic = wire_span_str (topic);
          envelope.payload = wire_span (payload, 500000);
          client_send (asker, WIRE_KIND_REQUEST, 0, &envelope);
          g_assert_cmpuint (held_by (responders[0]), <=, limits.uid_bytes);
        }
      refused += count_refused (asker, WIRE_STATUS_WOULD_BLOCK, "uid_bytes");
    }
  g_assert_cmpuint (refused, >, 0);
  core_teardown (&small, NULL);
}

/* Replies that wait for a requester count for its uid. */
static void
test_replies (Core *core, gconstpointer data)
{
  g_autofree guint8 *payload = g_malloc0 (500000);
  BusLimits limits;
  Client *askers[8];
  Client *server;
  Core small;
  guint refused = 0;

  bus_limits_init (&limits);
  limits.uid_bytes = limits.queue_hard_bytes;
  core_setup (&small, &limits);
  server = agent_ready (&small);
  client_serve (server, 1, "control.collector.registration");
  for (guint i = 0; i < G_N_ELEMENTS (askers); i++)
    {
      Client *asker = ready_with_uid (&small, "procmond", i, 1000);

      asker->is_stopped = TRUE;
      for (guint n = 0; n < 8; n++)
        {
          g_autoptr (Got) request = NULL;
          WireEnvelope reply;

          client_request (asker, "control.collector.registration", NULL, 0);
          request = client_take (server, WIRE_KIND_REQUEST);
          g_assert_nonnull (request);
          client_credit (server, 1, 1000 + 8 * i + n, 4194304);
          wire_envelope_init (&reply);
          reply.route = request->envelope.route_id;
          reply.payload = wire_span (payload, 500000);
          client_send (server, WIRE_KIND_REPLY, WIRE_FLAG_FINAL, &reply);
          g_assert_false (asker->closed);
          g_assert_cmpuint (held_by (asker), <=, limits.uid_bytes + 65536); /* with the errors */
        }
      askers[i] = asker;
    }
  for (guint i = 0; i < G_N_ELEMENTS (askers); i++)
    {
      askers[i]->is_stopped = FALSE;
      core_flush (&small);
      refused += count_refused (askers[i], WIRE_STATUS_SLOW_CONSUMER, "uid_bytes");
    }
  g_assert_cmpuint (refused, >, 0);
  core_teardown (&small, NULL);
}

/* A requester that is disconnected to make room for the reply to it gets no frame after GOODBYE. */
static void
test_reply_to_a_holder (Core *core, gconstpointer data)
{
  g_autofree guint8 *payload = g_malloc0 (FRAME);
  g_autoptr (Got) request = NULL;
  WireEnvelope reply;
  BusLimits limits;
  Client *server;
  Client *asker;
  Core small;

  bus_limits_init (&limits);
  limits.uid_bytes = limits.queue_hard_bytes;
  core_setup (&small, &limits);
  server = agent_ready (&small);
  asker = ready_with_uid (&small, "procmond", 0, 1000);
  client_serve (server, 1, "control.collector.registration");
  client_request (asker, "control.collector.registration", NULL, 0);
  request = client_take (server, WIRE_KIND_REQUEST);
  send_unfinished (asker);
  core_advance (&small, 2 * G_TIME_SPAN_SECOND);
  for (guint i = 1; i < 7; i++)
    send_unfinished (ready_with_uid (&small, "procmond", i, 1000));
  g_assert_false (asker->closed);
  wire_envelope_init (&reply);
  reply.route = request->envelope.route_id;
  reply.payload = wire_span (payload, FRAME);
  client_send (server, WIRE_KIND_REPLY, WIRE_FLAG_FINAL, &reply);
  core_flush (&small);
  g_assert_true (asker->closed);
  g_assert_cmpint (asker->goodbye, ==, WIRE_STATUS_LIMIT);
  g_assert_cmpuint (client_count (asker, WIRE_KIND_REPLY), ==, 0);
  core_teardown (&small, NULL);
}

#define ADD(path, function) g_test_add (path, Core, NULL, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/bus-pinned/R04-frames-of-the-same-uid", test_same_uid);
  ADD ("/core/bus-pinned/R04-frames-of-a-foreign-uid", test_foreign_uid);
  ADD ("/core/bus-pinned/R04-reason", test_reason);
  ADD ("/core/bus-pinned/F07-closing-frees", test_closing_frees);
  ADD ("/core/bus-pinned/F03-large-frames-pass", test_large_frames_pass);
  ADD ("/core/bus-pinned/R04-unread-answers", test_unread_answers);
  ADD ("/core/bus-pinned/R03-subscriptions", test_subscriptions);
  ADD ("/core/bus-pinned/R06-requests", test_requests);
  ADD ("/core/bus-pinned/R06-replies", test_replies);
  ADD ("/core/bus-pinned/O08-reply-to-a-holder", test_reply_to_a_holder);
  return g_test_run ();
}

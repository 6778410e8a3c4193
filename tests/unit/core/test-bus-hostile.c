/* SPDX-License-Identifier: Apache-2.0 */
#include "core-fixture.h"

#include "wire-feature.h"

/* Frames that a correct client would not send, and correct ones that arrive in pieces. */

#define TOPIC "events.process.lifecycle"

/* Frames of a client after HELLO, as bytes: a subscribe, publishes, a ping. */
static GByteArray *
session_bytes (void)
{
  GByteArray *bytes = g_byte_array_new ();
  static const char *const topics[] = { "health", TOPIC, "health.procmond" };

  for (guint i = 0; i < G_N_ELEMENTS (topics); i++)
    {
      guint8 frame[256];
      WireEnvelope envelope;
      guint8 *end;

      wire_envelope_init (&envelope);
      envelope.id = i + 1;
      envelope.topic = wire_span_str (topics[i]);
      envelope.correlation_id = wire_span_str ("corr");
      envelope.payload = wire_span_str ("pay");
      end = wire_envelope_write (&envelope, frame + WIRE_FRAME_HEADER_LEN);
      memcpy (end, "pay", 3);
      end += 3;
      wire_frame_put_header (frame, WIRE_KIND_PUBLISH, WIRE_FLAG_WANT_ACK,
                             (guint32) (end - frame - WIRE_FRAME_HEADER_LEN));
      g_byte_array_append (bytes, frame, (guint) (end - frame));
    }
  return bytes;
}

static void
test_split_anywhere (Core *core, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = session_bytes ();
  Client *reader = client_ready (core, "reader", "netmond");
  guint64 delivered, missed;
  gsize held = 0;

  client_subscribe (reader, 1, "health.#", NULL);
  for (guint at = 0; at <= bytes->len; at++)
    {
      Client *client = client_ready (core, "procmond-1", "procmond");

      client_send_bytes (client, bytes->data, at);
      client_send_bytes (client, bytes->data + at, bytes->len - at);
      g_assert_cmpuint (client_count (client, WIRE_KIND_ACK), ==, 3);
      client_sum (reader, 1, &delivered, &missed);
      g_assert_cmpuint (delivered, ==, 2);
      client_disconnect (client);
      core_flush (core);
    }
  {
    Client *client = client_ready (core, "procmond-1", "procmond");
    BusCoreStats stats;

    for (guint at = 0; at < bytes->len; at++)
      client_send_bytes (client, bytes->data + at, 1);
    g_assert_cmpuint (client_count (client, WIRE_KIND_ACK), ==, 3);
    bus_core_stats (core->core, &stats);
    held = stats.charged_bytes;
    g_assert_cmpuint (held, <, 16384);
  }
}

static void
test_large_frame_in_place (Core *core, gconstpointer data)
{
  const gsize size = 1 << 20;
  g_autofree guint8 *payload = g_malloc (size);
  g_autofree guint8 *frame = g_malloc (size + 256);
  Client *reader = client_ready (core, "reader", "netmond");
  Client *client = client_ready (core, "procmond-1", "procmond");
  g_autoptr (Got) got = NULL;
  WireEnvelope envelope;
  gsize len, at = 5000, placed = 0;
  guint8 *end;

  for (gsize i = 0; i < size; i++)
    payload[i] = (guint8) (i * 7 >> 3);
  client_subscribe (reader, 1, TOPIC, NULL);
  wire_envelope_init (&envelope);
  envelope.id = 1;
  envelope.topic = wire_span_str (TOPIC);
  envelope.payload = wire_span (payload, size);
  end = wire_envelope_write (&envelope, frame + WIRE_FRAME_HEADER_LEN);
  memcpy (end, payload, size);
  len = (gsize) (end - frame) + size;
  wire_frame_put_header (frame, WIRE_KIND_PUBLISH, 0, (guint32) (len - WIRE_FRAME_HEADER_LEN));

  client_send_bytes (client, frame, at);
  while (at < len)
    {
      guint8 *where;
      gsize room = MIN (bus_core_place (core->core, client->peer, &where), MIN (len - at, 70000));

      if (room > 0)
        {
          memcpy (where, frame + at, room);
          bus_core_placed (core->core, client->peer, room, core->now_us);
          placed += room;
        }
      else
        {
          room = MIN (len - at, 100);
          client_send_bytes (client, frame + at, room);
        }
      at += room;
    }
  g_assert_cmpuint (placed, >, size / 2);
  core_flush (core);
  got = client_take (reader, WIRE_KIND_DELIVER);
  g_assert_nonnull (got);
  g_assert_cmpmem (got->envelope.payload.data, got->envelope.payload.len, payload, size);
}

static void
test_broker_kinds (Core *core, gconstpointer data)
{
  static const guint8 kinds[] = { WIRE_KIND_WELCOME, WIRE_KIND_DELIVER, WIRE_KIND_ACK, WIRE_KIND_ERROR, WIRE_KIND_GAP };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    {
      Client *client = client_ready (core, "procmond-1", "procmond");
      WireEnvelope envelope;

      wire_envelope_init (&envelope);
      client_send (client, kinds[i], 0, &envelope);
      g_assert_true (client->closed);
      g_assert_cmpuint (client->goodbye, ==, WIRE_STATUS_PROTOCOL_ORDER);
    }
}

static void
test_unknown_kind (Core *core, gconstpointer data)
{
  Client *client = client_ready (core, "procmond-1", "procmond");
  WireEnvelope envelope;

  for (guint i = 1; i <= 16; i++)
    {
      wire_envelope_init (&envelope);
      g_assert_false (client->closed);
      client_send (client, 200, 0, &envelope);
      client_expect_error (client, envelope.id, WIRE_STATUS_UNSUPPORTED);
    }
  g_assert_true (client->closed);
  g_assert_cmpuint (client->goodbye, ==, WIRE_STATUS_UNSUPPORTED);
}

static void
test_unknown_flag_and_field (Core *core, gconstpointer data)
{
  static const guint8 body[] = { 0x08, 7, 0xc0, 0x0c, 1 }; /* id 7, field 200 */
  Client *client = client_ready (core, "procmond-1", "procmond");

  client_publish (client, "health", 128, "x", 1);
  client_expect_error (client, client->next_id, WIRE_STATUS_UNSUPPORTED);
  client_send_frame (client, WIRE_KIND_PUBLISH, 0, wire_span (body, sizeof body));
  client_expect_error (client, 7, WIRE_STATUS_UNSUPPORTED);
  g_assert_false (client->closed);
}

static void
test_forged_stamp (Core *core, gconstpointer data)
{
  Client *client = client_ready (core, "procmond-1", "procmond");
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str ("health");
  envelope.sender = wire_span_str ("daemoneye-agent");
  client_send (client, WIRE_KIND_PUBLISH, 0, &envelope);
  g_assert_true (client->closed);
  g_assert_cmpuint (client->goodbye, ==, WIRE_STATUS_BAD_MESSAGE);
  g_assert_cmpuint (client_count (client, WIRE_KIND_ERROR), ==, 1);
}

static void
test_no_id (Core *core, gconstpointer data)
{
  static const guint8 body[] = { 0x12, 6, 'h', 'e', 'a', 'l', 't', 'h' };
  Client *client = client_ready (core, "procmond-1", "procmond");

  client_send_frame (client, WIRE_KIND_PUBLISH, 0, wire_span (body, sizeof body));
  g_assert_true (client->closed);
  g_assert_cmpuint (client->goodbye, ==, WIRE_STATUS_BAD_MESSAGE);
}

static void
test_after_goodbye (Core *core, gconstpointer data)
{
  Client *reader = client_ready (core, "reader", "netmond");
  Client *client = client_ready (core, "procmond-1", "procmond");
  g_autoptr (GByteArray) bytes = session_bytes ();
  guint8 goodbye[16] = { 2, 0, 0, 0, WIRE_KIND_GOODBYE, 0, 0, 0, 0x08, 0x01 };
  BusPeer *peer = client->peer;

  client_subscribe (reader, 1, "health.#", NULL);
  bus_core_received (core->core, peer, goodbye, 10, core->now_us);
  bus_core_received (core->core, peer, bytes->data, bytes->len, core->now_us);
  core_flush (core);
  g_assert_true (client->closed);
  g_assert_cmpuint (client_count (reader, WIRE_KIND_DELIVER), ==, 0);
}

static void
test_huge_length (Core *core, gconstpointer data)
{
  static const guint8 huge[] = { 0xff, 0xff, 0xff, 0xff, WIRE_KIND_PUBLISH, 0, 0, 0 };
  static const guint8 empty[] = { 0, 0, 0, 0, WIRE_KIND_PUBLISH, 0, 0, 0 };
  Client *first = client_ready (core, "first", "procmond");
  Client *second = client_ready (core, "second", "procmond");
  BusCoreStats before, after;

  bus_core_stats (core->core, &before);
  client_send_bytes (first, huge, sizeof huge);
  g_assert_cmpuint (first->goodbye, ==, WIRE_STATUS_FRAME_TOO_LARGE);
  g_assert_nonnull (strstr (first->goodbye_detail, "4294967295"));
  client_send_bytes (second, empty, sizeof empty);
  g_assert_cmpuint (second->goodbye, ==, WIRE_STATUS_FRAME_EMPTY);
  bus_core_stats (core->core, &after);
  g_assert_cmpuint (after.charged_bytes, <=, before.charged_bytes);
}

/* A valid stream with any one bit flipped: the broker answers, disconnects or waits; other peers are not affected. */
static void
test_bit_flips (Core *core, gconstpointer data)
{
  g_autoptr (GByteArray) bytes = session_bytes ();
  Client *witness = client_ready (core, "witness", "netmond");
  g_autofree guint8 *flipped = NULL;
  guint64 delivered, missed;

  client_subscribe (witness, 1, "events.network.#", NULL);
  flipped = g_memdup2 (bytes->data, bytes->len);
  for (guint bit = 0; bit < bytes->len * 8; bit++)
    {
      Client *client = client_ready (core, "procmond-1", "procmond");

      flipped[bit / 8] ^= (guint8) (1u << bit % 8);
      client_send_bytes (client, flipped, bytes->len);
      flipped[bit / 8] ^= (guint8) (1u << bit % 8);
      g_assert_true (!client->closed || client->goodbye != 0);
      client_disconnect (client);
      core_flush (core);
      g_assert_false (witness->closed);
    }
  client_publish (witness, "events.network.dns", 0, "x", 1);
  client_sum (witness, 1, &delivered, &missed);
  g_assert_cmpuint (delivered, ==, 1);
}

/* Unfinished frames count as well: even many peers cannot hold more than the limit of the broker. */
static void
test_partial_frames_are_held (Core *core, gconstpointer data)
{
  const gsize size = 1 << 20;
  g_autofree guint8 *frame = g_malloc0 (size);
  Client *clients[100];
  BusLimits limits;
  Core small;
  guint closed = 0;
  BusCoreStats stats;

  bus_limits_init (&limits);
  limits.broker_bytes = 16777216;
  core_setup (&small, &limits);
  wire_frame_put_header (frame, WIRE_KIND_PUBLISH, 0, (guint32) size);
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    {
      g_autofree char *id = g_strdup_printf ("procmond-%u", i);

      clients[i] = client_new (&small, 1000, FALSE);
      client_hello (clients[i], id, "procmond", 1, 1 << 16, 1 << 16);
      client_send_bytes (clients[i], frame, size / 2);
    }
  for (guint i = 0; i < G_N_ELEMENTS (clients); i++)
    closed += clients[i]->closed;
  bus_core_stats (small.core, &stats);
  g_assert_cmpuint (closed, >, 50);
  g_assert_cmpuint (closed, <, 90);
  g_assert_cmpuint (stats.charged_bytes, <=, 16777216 + 100 * 16384);
  core_teardown (&small, NULL);
}

/* A burst larger than all windows. */
static void
test_credit_is_returned_at_once (Core *core, gconstpointer data)
{
  Client *client = client_ready (core, "procmond-1", "procmond");
  g_autofree guint8 *payload = g_malloc0 (1 << 20);

  /* The broker returns credit at once, so a burst larger than all windows is accepted frame by frame. */
  for (guint i = 0; i < 20; i++)
    client_publish (client, TOPIC, 0, payload, 1 << 20);
  g_assert_false (client->closed);
  g_assert_cmpuint (client_count (client, WIRE_KIND_CREDIT), >, 0);
}

/* Takes all frames of the watcher; returns the number of DELIVERs that contain @text. */
static guint
count_events_with (Client *watcher, const char *text)
{
  guint n = 0;
  Got *got;

  while ((got = client_take (watcher, WIRE_KIND_DELIVER)) != NULL)
    {
      WireSpan payload = got->envelope.payload;

      n += g_strstr_len ((const char *) payload.data, (gssize) payload.len, text) != NULL ? 1 : 0;
      got_free (got);
    }
  return n;
}

/* The longest id, type, topic, pattern and group that the settings allow, in each event that names them. */
static void
test_longest_texts (Core *core, gconstpointer data)
{
  g_autofree char *segment = g_strnfill (61, 's');
  g_autofree char *id = g_strnfill (64, 'i');
  g_autofree char *tool_id = g_strnfill (64, 'j');
  g_autofree char *type = g_strnfill (64, 't');
  g_autofree char *group = g_strnfill (64, 'g');
  g_autofree char *topic
      = g_strjoin (".", "events", type, segment, segment, segment, segment, segment, segment, segment, "tail", NULL);
  BusLimits limits;
  Core large;
  Client *agent, *tool, *publisher;

  bus_limits_init (&limits);
  limits.topic_bytes = 512;
  limits.topic_segments = 16;
  limits.longest_block_us = 1000000;
  core_setup (&large, &limits);
  g_assert_cmpuint (strlen (topic), <=, 512);
  g_assert_cmpuint (strlen (topic), >, 500);
  agent = agent_ready (&large);
  client_subscribe (agent, 1, "system.peer.connected", NULL);
  client_subscribe (agent, 2, "system.peer.gone", NULL);
  client_subscribe (agent, 3, "system.drop", NULL);
  client_subscribe (agent, 4, "system.slow", NULL);
  publisher = client_ready (&large, id, type);
  tool = tool_ready (&large, tool_id);
  g_assert_cmpuint (count_events_with (agent, id), ==, 1);
  client_subscribe_with (tool, .subscription = G_MAXUINT32, .pattern = topic, .group = group, .window_messages = 1,
                         .policy = 1);
  for (guint i = 0; i < 4; i++)
    client_publish (publisher, topic, 0, "x", 1);
  core_advance (&large, 2000000); /* demoted, and the waiting messages are dropped */
  core_advance (&large, 2000000);
  g_assert_cmpuint (count_events_with (agent, topic), ==, 2);
  client_disconnect (publisher);
  core_flush (&large);
  g_assert_cmpuint (count_events_with (agent, type), ==, 1);
  core_teardown (&large, NULL);
}

/* --- numbers --- */

/* The numbers in the fields of a client's frames. */
static const gsize numbers64[] = {
  G_STRUCT_OFFSET (WireEnvelope, id),           G_STRUCT_OFFSET (WireEnvelope, route),
  G_STRUCT_OFFSET (WireEnvelope, ttl_us),       G_STRUCT_OFFSET (WireEnvelope, deadline_us),
  G_STRUCT_OFFSET (WireEnvelope, message_id),   G_STRUCT_OFFSET (WireEnvelope, sequence_number),
  G_STRUCT_OFFSET (WireEnvelope, stall_us),     G_STRUCT_OFFSET (WireEnvelope, credit_messages),
  G_STRUCT_OFFSET (WireEnvelope, credit_bytes),
};
static const gsize numbers32[] = {
  G_STRUCT_OFFSET (WireEnvelope, priority),
  G_STRUCT_OFFSET (WireEnvelope, expect),
  G_STRUCT_OFFSET (WireEnvelope, depth),
  G_STRUCT_OFFSET (WireEnvelope, subscription),
};

/* Most fields are not set, and the others are extreme or small, so that some frames are accepted. */
static guint64
random_number (GRand *random)
{
  static const guint64 extremes[] = { 1,
                                      2,
                                      1000000,
                                      G_MAXINT32,
                                      G_MAXUINT32,
                                      G_MAXINT64 / 2 - 1,
                                      G_MAXINT64 / 2,
                                      G_MAXINT64 / 2 + 1,
                                      G_MAXINT64 - 1,
                                      G_MAXINT64,
                                      (guint64) G_MAXINT64 + 1,
                                      G_MAXUINT64 - 1,
                                      G_MAXUINT64 };

  return g_rand_int_range (random, 0, 3) > 0 ? 0 : extremes[g_rand_int_range (random, 0, G_N_ELEMENTS (extremes))];
}

static void
fill_numbers (WireEnvelope *envelope, guint8 kind, GRand *random)
{
  const gboolean has_credit = kind == WIRE_KIND_CREDIT || kind == WIRE_KIND_REQUEST;

  for (guint i = 0; i < G_N_ELEMENTS (numbers64); i++)
    if (has_credit || numbers64[i] < G_STRUCT_OFFSET (WireEnvelope, credit_messages))
      G_STRUCT_MEMBER (guint64, envelope, numbers64[i]) = random_number (random);
  for (guint i = 0; i < G_N_ELEMENTS (numbers32); i++)
    if (kind == WIRE_KIND_CREDIT || numbers32[i] != G_STRUCT_OFFSET (WireEnvelope, subscription))
      G_STRUCT_MEMBER (guint32, envelope, numbers32[i]) = (guint32) random_number (random);
}

static Client *
numbers_client (Core *core, gboolean with_group)
{
  Client *client = client_ready (core, "procmond-1", "procmond");

  client_subscribe (client, 1, TOPIC, with_group ? "g" : NULL);
  client_serve (client, 2, "control.collector.procmond-1");
  return client;
}

static void
send_numbers (Client *client, GRand *random)
{
  static const guint8 kinds[] = { WIRE_KIND_PUBLISH, WIRE_KIND_PUBLISH, WIRE_KIND_PUBLISH, WIRE_KIND_REQUEST,
                                  WIRE_KIND_REPLY,   WIRE_KIND_CANCEL,  WIRE_KIND_CREDIT,  WIRE_KIND_DELIVERED };
  static const guint8 flags[] = { WIRE_FLAG_WANT_ACK,  WIRE_FLAG_WANT_DELIVERED, WIRE_FLAG_RETAIN,
                                  WIRE_FLAG_BROADCAST, WIRE_FLAG_FINAL,          WIRE_FLAG_PROGRESS };
  const guint8 kind = kinds[g_rand_int_range (random, 0, G_N_ELEMENTS (kinds))];
  const guint8 flag = flags[g_rand_int_range (random, 0, G_N_ELEMENTS (flags))];
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  fill_numbers (&envelope, kind, random);
  if (kind == WIRE_KIND_PUBLISH)
    envelope.delivery = (guint32) g_rand_int_range (random, 0, 8);
  if (kind == WIRE_KIND_PUBLISH || kind == WIRE_KIND_REQUEST)
    {
      envelope.topic = wire_span_str (kind == WIRE_KIND_PUBLISH ? TOPIC : "control.collector.procmond-1");
      envelope.payload = wire_span_str ("x");
    }
  client_send (client, kind, flag, &envelope);
}

/* With any numbers in a client's frames the broker continues, and frees everything of the client when it disconnects. */
static void
test_extreme_numbers (Core *core, gconstpointer data)
{
  g_autoptr (GRand) random = g_rand_new_with_seed (12);

  core->features = WIRE_FEATURE_DELIVERY | WIRE_FEATURE_RETAIN | WIRE_FEATURE_STREAM;
  for (guint round = 0; round < 400; round++)
    {
      Client *client = numbers_client (core, round % 2 == 0);

      for (guint i = 0; i < 20 && !client->closed; i++)
        {
          send_numbers (client, random);
          core_advance (core, 1000);
        }
      client_disconnect (client);
      core_flush (core);
    }
  core_advance (core, 3600 * G_TIME_SPAN_SECOND);
}

#define ADD(path, function) g_test_add (path, Core, NULL, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/hostile/F05-split-anywhere", test_split_anywhere);
  ADD ("/core/hostile/F03-large-frame-in-place", test_large_frame_in_place);
  ADD ("/core/hostile/O04-broker-kinds", test_broker_kinds);
  ADD ("/core/hostile/O03-unknown-kind", test_unknown_kind);
  ADD ("/core/hostile/P01-P09-unknown-flag-and-field", test_unknown_flag_and_field);
  ADD ("/core/hostile/A02-forged-stamp", test_forged_stamp);
  ADD ("/core/hostile/no-id", test_no_id);
  ADD ("/core/hostile/O08-after-goodbye", test_after_goodbye);
  ADD ("/core/hostile/F01-F02-length", test_huge_length);
  ADD ("/core/hostile/F12-bit-flips", test_bit_flips);
  ADD ("/core/hostile/R04-partial-frames", test_partial_frames_are_held);
  ADD ("/core/hostile/credit-is-returned-at-once", test_credit_is_returned_at_once);
  ADD ("/core/hostile/R08-extreme-numbers", test_extreme_numbers);
  ADD ("/core/hostile/H05-longest-texts", test_longest_texts);
  return g_test_run ();
}

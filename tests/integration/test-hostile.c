/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Peers that break the protocol: they send nothing, garbage, or frames that are too large, out of order, forged, or too
 * many. The broker reports a status to each of them, and two workers that exchange messages at the same time are not disturbed.
 */

#include "bus-fixture.h"
#include "worker-talk.h"
#include "raw-peer.h"

#include <string.h>

static const BusFixtureOptions plain = { .fatal_warnings = TRUE };
static const BusFixtureOptions hasty_hello = { .fatal_warnings = TRUE, .limits = "hello_timeout_us=2000000" };
static const BusFixtureOptions hasty_frame = { .fatal_warnings = TRUE, .limits = "frame_timeout_us=300000" };
static const BusFixtureOptions few
    = { .fatal_warnings = TRUE, .limits = "max_unauthenticated=4\nhello_timeout_us=60000000" };

typedef struct
{
  TestProcess *reader;
  TestProcess *writer;
  guint64 published;
} Bystanders;

static void
bystanders_start (Bystanders *b, BusFixture *f)
{
  b->reader = bus_fixture_worker (f, "reader", "procmond");
  b->writer = bus_fixture_worker (f, "writer", "procmond");
  worker_do (b->reader, "subscribe s events.process.# - count", "subscribed s");
}

/* The workers still exchange messages, and have lost none since they started. */
static void
bystanders_check (Bystanders *b)
{
  g_autofree char *expected = NULL;
  g_autofree char *got = NULL;

  b->published += 50;
  expected = g_strdup_printf ("%" G_GUINT64_FORMAT " 0 0 0", b->published);
  test_process_send (b->writer, "publish events.process.lifecycle 50 300");
  test_process_send (b->reader, "await s %" G_GUINT64_FORMAT, b->published);
  test_process_expect_line (b->reader, "reached s");
  test_process_expect_line (b->writer, "published");
  test_process_send (b->reader, "report s");
  got = test_process_expect (b->reader, "got s");
  g_assert_cmpstr (got, ==, expected);
}

static void
test_hello_timeout (BusFixture *f, gconstpointer data)
{
  g_autoptr (RawPeer) silent = raw_peer_connect (f->address);
  g_autoptr (RawPeer) halting = raw_peer_connect (f->address);
  g_autoptr (GByteArray) hello = raw_peer_hello_bytes ("halting", "procmond", RAW_VERSION_1, RAW_VERSION_1);
  Bystanders b = { 0 };

  g_assert_true (raw_peer_send_bytes (halting, hello->data, hello->len - 1));
  bystanders_start (&b, f);
  bystanders_check (&b);
  g_assert_cmpuint (raw_peer_expect_goodbye (silent, NULL), ==, WIRE_STATUS_HELLO_TIMEOUT);
  g_assert_cmpuint (raw_peer_expect_goodbye (halting, NULL), ==, WIRE_STATUS_HELLO_TIMEOUT);
  bystanders_check (&b);
}

/* A frame that is never completed. */
static void
test_slow_loris (BusFixture *f, gconstpointer data)
{
  static const guint8 begun[] = { 100, 0, 0, 0, WIRE_KIND_PUBLISH, 0, 0, 0, 8, 1 };
  g_autoptr (RawPeer) peer = raw_peer_connect (f->address);
  Bystanders b = { 0 };
  guint32 status;

  bystanders_start (&b, f);
  raw_peer_hello (peer, "loris", "procmond");
  g_assert_true (raw_peer_send_bytes (peer, begun, sizeof begun));
  bystanders_check (&b);
  status = raw_peer_expect_goodbye (peer, NULL);
  g_assert_cmpuint (status, ==, WIRE_STATUS_TIMEOUT);
  bystanders_check (&b);
}

/* A client that sends each byte in its own write is accepted. */
static void
test_one_byte_writes (BusFixture *f, gconstpointer data)
{
  g_autoptr (RawPeer) peer = raw_peer_connect (f->address);
  g_autoptr (GByteArray) hello = raw_peer_hello_bytes ("drip", "procmond", RAW_VERSION_1, RAW_VERSION_1);

  for (guint i = 0; i < hello->len; i++)
    g_assert_true (raw_peer_send_bytes (peer, hello->data + i, 1));
  g_assert_cmpuint (raw_peer_expect_welcome (peer), ==, RAW_VERSION_1);
}

static void
test_oversized (BusFixture *f, gconstpointer data)
{
  static const struct
  {
    const char *what;
    gboolean after_hello;
    guint8 header[8];
    guint32 status;
  } cases[] = {
    { "hello of 4 GiB", FALSE, { 0xff, 0xff, 0xff, 0xff, WIRE_KIND_HELLO, 0, 0, 0 }, WIRE_STATUS_FRAME_TOO_LARGE },
    { "hello of 4097", FALSE, { 0x01, 0x10, 0, 0, WIRE_KIND_HELLO, 0, 0, 0 }, WIRE_STATUS_FRAME_TOO_LARGE },
    { "publish of 4 GiB", TRUE, { 0xff, 0xff, 0xff, 0xff, WIRE_KIND_PUBLISH, 0, 0, 0 }, WIRE_STATUS_FRAME_TOO_LARGE },
    { "publish of 2 MiB", TRUE, { 0, 0, 0x20, 0, WIRE_KIND_PUBLISH, 0, 0, 0 }, WIRE_STATUS_FRAME_TOO_LARGE },
    { "empty publish", TRUE, { 0, 0, 0, 0, WIRE_KIND_PUBLISH, 0, 0, 0 }, WIRE_STATUS_FRAME_EMPTY },
    { "reserved byte", TRUE, { 1, 0, 0, 0, WIRE_KIND_PUBLISH, 0, 1, 0 }, WIRE_STATUS_BAD_FRAME },
  };
  Bystanders b = { 0 };

  bystanders_start (&b, f);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (RawPeer) peer = raw_peer_connect (f->address);

      g_test_message ("%s", cases[i].what);
      if (cases[i].after_hello)
        raw_peer_hello (peer, "large", "procmond");
      g_assert_true (raw_peer_send_bytes (peer, cases[i].header, sizeof cases[i].header));
      g_assert_cmpuint (raw_peer_expect_goodbye (peer, NULL), ==, cases[i].status);
      bystanders_check (&b);
    }
}

static void
test_peer_causes_no_warning (BusFixture *f, gconstpointer data)
{
  static const struct
  {
    const char *bytes;
    gsize len;
  } cases[] = {
#define BYTES(text) { text, sizeof text - 1 }
    BYTES ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    BYTES ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"), /* TLS */
    BYTES ("SSH-2.0-OpenSSH_9.2\r\n"),
    BYTES ("l\1\0\1\0\0\0\0\1\0\0\0n\0\0\0"), /* D-Bus */
    BYTES ("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
    BYTES ("\x05\0\0\0\x01\0\0\0XYED\n"), /* a hello with another magic */
    BYTES ("\x06\0\0\0\x01\0\0\0\x0dXXXX\n"),
#undef BYTES
  };
  Bystanders b = { 0 };

  bystanders_start (&b, f);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (RawPeer) peer = raw_peer_connect (f->address);
      g_autofree char *detail = NULL;

      g_test_message ("case %u", i);
      g_assert_true (raw_peer_send_bytes (peer, cases[i].bytes, cases[i].len));
      g_assert_cmpuint (raw_peer_expect_goodbye (peer, &detail), ==, WIRE_STATUS_BAD_MAGIC);
      g_assert_null (strstr (detail, "HTTP")); /* it does not contain the bytes */
      bystanders_check (&b);
    }
}

/* The connection ends within a frame: no part of it is delivered. */
static void
test_cut_frame (BusFixture *f, gconstpointer data)
{
  Bystanders b = { 0 };

  bystanders_start (&b, f);
  for (guint cut = 1; cut < 40; cut += 3)
    {
      RawPeer *peer = raw_peer_connect (f->address);
      g_autofree guint8 *body = NULL;
      guint8 frame[256];
      WireEnvelope envelope;
      gsize size;

      raw_peer_hello (peer, "cut", "procmond");
      wire_envelope_init (&envelope);
      envelope.topic = wire_span_str ("events.process.lifecycle");
      size = wire_envelope_size (&envelope);
      body = g_malloc (size + 100);
      wire_envelope_write (&envelope, body);
      wire_frame_put_header (frame, WIRE_KIND_PUBLISH, 0, (guint32) size + 100);
      memcpy (frame + WIRE_FRAME_HEADER_LEN, body, size);
      g_assert_true (raw_peer_send_bytes (peer, frame, MIN (cut, WIRE_FRAME_HEADER_LEN + size)));
      raw_peer_free (peer);
      bus_fixture_wait_peers (f, 3);
    }
  bystanders_check (&b);
}

/* The peer closes its sending direction: it still receives pending answers, and then the end of the connection. */
static void
test_half_close (BusFixture *f, gconstpointer data)
{
  g_autoptr (RawPeer) peer = raw_peer_connect (f->address);
  WireFrame frame;
  Bystanders b = { 0 };

  bystanders_start (&b, f);
  raw_peer_hello (peer, "half", "procmond");
  raw_peer_shut (peer);
  test_watchdog_note ("the end of a half closed connection");
  while (raw_peer_next (peer, &frame))
    ;
  bus_fixture_wait_peers (f, 3);
  bystanders_check (&b);
}

static void
put_publish (WireEnvelope *envelope, guint64 id, const char *topic)
{
  wire_envelope_init (envelope);
  envelope->id = id;
  envelope->topic = wire_span_str (topic);
  envelope->payload = wire_span_str ("payload");
}

/* Asserts that a frame of each of these kinds ends the connection. @id: sent in a HELLO before; NULL: no HELLO is sent. */
static void
assert_out_of_order (BusFixture *f, const guint8 *kinds, guint n, const char *id)
{
  Bystanders b = { 0 };

  bystanders_start (&b, f);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (RawPeer) peer = raw_peer_connect (f->address);
      WireEnvelope envelope;
      guint32 status;

      if (id != NULL)
        raw_peer_hello (peer, id, "procmond");
      put_publish (&envelope, 1, "events.process.lifecycle");
      g_assert_true (raw_peer_send (peer, kinds[i], 0, &envelope));
      status = raw_peer_expect_goodbye (peer, NULL);
      g_test_message ("%s: %s", wire_kind_name (kinds[i]), wire_status_name (status));
      g_assert_cmpuint (status, ==, WIRE_STATUS_PROTOCOL_ORDER);
      bystanders_check (&b);
    }
}

static void
test_publish_before_hello (BusFixture *f, gconstpointer data)
{
  static const guint8 kinds[]
      = { WIRE_KIND_PUBLISH, WIRE_KIND_REQUEST, WIRE_KIND_REPLY, WIRE_KIND_CREDIT, WIRE_KIND_PING };

  assert_out_of_order (f, kinds, G_N_ELEMENTS (kinds), NULL);
}

static void
test_second_hello (BusFixture *f, gconstpointer data)
{
  Bystanders b = { 0 };

  bystanders_start (&b, f);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (RawPeer) peer = raw_peer_connect (f->address);

      raw_peer_hello (peer, "twice", "procmond");
      g_assert_true (raw_peer_send_hello (peer, i == 0 ? "twice" : "other", "procmond", RAW_VERSION_1, RAW_VERSION_1));
      g_assert_cmpuint (raw_peer_expect_goodbye (peer, NULL), ==, WIRE_STATUS_PROTOCOL_ORDER);
    }
  bystanders_check (&b);
}

static void
test_broker_kinds (BusFixture *f, gconstpointer data)
{
  static const guint8 kinds[] = { WIRE_KIND_WELCOME, WIRE_KIND_DELIVER, WIRE_KIND_ACK, WIRE_KIND_ERROR, WIRE_KIND_GAP };

  assert_out_of_order (f, kinds, G_N_ELEMENTS (kinds), "usurper");
}

/* Each error is reported and the connection stays open, until the sixteenth error closes it. */
static void
test_unknown_kind (BusFixture *f, gconstpointer data)
{
  g_autoptr (RawPeer) peer = raw_peer_connect (f->address);
  WireEnvelope envelope;
  Bystanders b = { 0 };

  bystanders_start (&b, f);
  raw_peer_hello (peer, "future", "procmond");
  for (guint i = 0; i < 15; i++)
    {
      put_publish (&envelope, i + 1, "events.process.lifecycle");
      g_assert_true (raw_peer_send (peer, (guint8) (100 + i), 0, &envelope));
      raw_peer_expect (peer, WIRE_KIND_ERROR, &envelope);
      g_assert_cmpuint (envelope.status, ==, WIRE_STATUS_UNSUPPORTED);
    }
  put_publish (&envelope, 16, "events.process.lifecycle");
  g_assert_true (raw_peer_send (peer, WIRE_KIND_PUBLISH, WIRE_FLAG_WANT_ACK, &envelope));
  raw_peer_expect (peer, WIRE_KIND_ACK, &envelope);
  g_assert_cmpuint (envelope.answers, ==, 16);
  b.published++;
  put_publish (&envelope, 17, "events.process.lifecycle");
  g_assert_true (raw_peer_send (peer, 200, 0, &envelope));
  g_assert_cmpuint (raw_peer_expect_goodbye (peer, NULL), ==, WIRE_STATUS_UNSUPPORTED);
  bystanders_check (&b);
}

/* A field that only the broker may set ends the connection, and nothing is delivered. */
static void
test_forged_fields (BusFixture *f, gconstpointer data)
{
  Bystanders b = { 0 };

  bystanders_start (&b, f);
  for (guint i = 0; i < 5; i++)
    {
      g_autoptr (RawPeer) peer = raw_peer_connect (f->address);
      WireEnvelope envelope;

      raw_peer_hello (peer, "forger", "procmond");
      put_publish (&envelope, 1, "events.process.lifecycle");
      if (i == 0)
        envelope.sender = wire_span_str ("daemoneye-agent");
      else if (i == 1)
        envelope.accept_seq = 1;
      else if (i == 2)
        envelope.accept_time_us = 1;
      else if (i == 3)
        envelope.route_id = 1;
      else
        envelope.status = WIRE_STATUS_FAILED;
      g_assert_true (raw_peer_send (peer, WIRE_KIND_PUBLISH, 0, &envelope));
      g_assert_cmpuint (raw_peer_expect_goodbye (peer, NULL), ==, WIRE_STATUS_BAD_MESSAGE);
    }
  bystanders_check (&b);
}

/* An invalid envelope ends the connection, and the reason names the place. */
static void
test_malformed (BusFixture *f, gconstpointer data)
{
  static const struct
  {
    const char *bytes;
    gsize len;
  } cases[] = {
    { "\x0a\x02hi", 4 },       /* id with the wire type of a string */
    { "\x08\x01\x08\x02", 4 }, /* id twice */
    { "\x08\x81\x00", 3 },     /* not canonical */
    { "\x12\x02\xff\xfe", 4 }, /* topic not UTF-8 */
    { "\x12\x7f"
      "a",
      3 },             /* longer than the rest of the frame */
    { "\x0b", 1 },     /* group */
    { "\x00\x01", 2 }, /* field 0 */
  };
  Bystanders b = { 0 };

  bystanders_start (&b, f);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (RawPeer) peer = raw_peer_connect (f->address);

      g_test_message ("case %u", i);
      raw_peer_hello (peer, "malformed", "procmond");
      g_assert_true (raw_peer_send_frame (peer, WIRE_KIND_PUBLISH, 0, wire_span (cases[i].bytes, cases[i].len)));
      g_assert_cmpuint (raw_peer_expect_goodbye (peer, NULL), ==, WIRE_STATUS_BAD_MESSAGE);
    }
  bystanders_check (&b);
}

/* --- a second connection with the id of the reader --- */

/* Both return TRUE if the connection is refused. */
static gboolean
is_raw_refused (const char *address)
{
  g_autoptr (RawPeer) duplicate = raw_peer_connect (address);
  guint32 status;

  g_assert_true (raw_peer_send_hello (duplicate, "reader", "procmond", RAW_VERSION_1, RAW_VERSION_1));
  status = raw_peer_expect_refusal (duplicate);
  g_assert_true (status == WIRE_STATUS_OK || status == WIRE_STATUS_DUPLICATE_ID);
  return status != WIRE_STATUS_OK;
}

static gboolean
is_client_refused (const char *address)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusClient) duplicate = deye_bus_client_new (address, "reader", "procmond");

  deye_bus_client_set_reconnect (duplicate, FALSE);
  if (deye_bus_client_connect (duplicate, NULL, &error))
    return FALSE;
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DUPLICATE_ID);
  return TRUE;
}

/* The reader has lost its id: the reason must be that it did not answer the broker's PING in time. */
static void
bystanders_replace (Bystanders *b, BusFixture *f)
{
  g_autofree char *why = test_process_expect (b->reader, "closed");

  g_assert_nonnull (strstr (why, "did not answer a PING in time"));
  g_assert_cmpint (test_process_end (b->reader), ==, 3);
  g_ptr_array_remove (f->workers, b->reader);
  bus_fixture_end_worker (f, b->writer);
  *b = (Bystanders){ 0 };
  bystanders_start (b, f);
}

/* A reader that got no CPU until it was too late to answer PING has lost its id. Then the same is tried with another reader. */
static void
assert_refused (BusFixture *f, Bystanders *b, gboolean (*is_refused) (const char *address))
{
  while (!is_refused (f->address))
    bystanders_replace (b, f);
  bystanders_check (b);
}

static void
test_duplicate_id (BusFixture *f, gconstpointer data)
{
  static const char *const reserved[] = { "bus", "config", "task", "lifecycle", "registration", "daemoneye-agent" };
  Bystanders b = { 0 };

  bystanders_start (&b, f);
  assert_refused (f, &b, is_raw_refused);
  for (guint i = 0; i < G_N_ELEMENTS (reserved); i++)
    {
      g_autoptr (RawPeer) duplicate = raw_peer_connect (f->address);
      guint32 status;

      g_assert_true (raw_peer_send_hello (duplicate, reserved[i], "procmond", RAW_VERSION_1, RAW_VERSION_1));
      status = raw_peer_expect_goodbye (duplicate, NULL);
      g_assert_true (status == WIRE_STATUS_DENIED || status == WIRE_STATUS_DUPLICATE_ID);
    }
  assert_refused (f, &b, is_client_refused);
}

/* Version ranges without a common version are refused, and the reason names both ranges. */
static void
test_versions (BusFixture *f, gconstpointer data)
{
  static const struct
  {
    guint32 oldest;
    guint32 newest;
    const char *named; /* NULL: agreed on version 1.0 */
  } cases[] = {
    { 0x10000, 0x10000, NULL },  { 0x10000, 0x20005, NULL },  { 0x00009, 0x10003, NULL },
    { 0x90000, 0x90000, "9.0" }, { 0x20000, 0x70001, "7.1" }, { 0x00001, 0x00005, "0.5" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr (RawPeer) peer = raw_peer_connect (f->address);

      g_assert_true (raw_peer_send_hello (peer, "version", "procmond", cases[i].oldest, cases[i].newest));
      if (cases[i].named == NULL)
        {
          g_assert_cmpuint (raw_peer_expect_welcome (peer), ==, RAW_VERSION_1);
          g_clear_pointer (&peer, raw_peer_free);
          bus_fixture_wait_peers (f, 1);
        }
      else
        {
          g_autofree char *detail = NULL;

          g_assert_cmpuint (raw_peer_expect_goodbye (peer, &detail), ==, WIRE_STATUS_VERSION);
          g_assert_nonnull (strstr (detail, cases[i].named));
          g_assert_nonnull (strstr (detail, "1.0"));
        }
    }
}

/* All places of connections without HELLO are taken: the oldest of them are disconnected for the agent and for a client that sends
 * HELLO. Other peers are not affected. */
static void
test_flood (BusFixture *f, gconstpointer data)
{
  RawPeer *silent[10];
  Bystanders b = { 0 };

  bystanders_start (&b, f);
  for (guint i = 0; i < 10; i++)
    {
      silent[i] = raw_peer_connect (f->address);
      bystanders_check (&b);
    }
  for (guint i = 0; i < 6; i++)
    {
      g_autofree char *detail = NULL;

      g_assert_cmpuint (raw_peer_expect_goodbye (silent[i], &detail), ==, WIRE_STATUS_LIMIT);
      g_assert_nonnull (strstr (detail, "max-unauthenticated"));
    }
  {
    g_autoptr (RawPeer) first = raw_peer_connect (f->address);

    raw_peer_hello (first, "speaker", "procmond");
  }
  {
    g_autoptr (DeyeBusClient) agent = NULL;

    /* Only one connection can have the id of the agent, so this one replaces it for a short time. */
    deye_bus_client_close (f->controller, NULL, NULL);
    g_clear_object (&f->controller);
    agent = bus_fixture_agent_client (f, 0);
    f->controller = g_steal_pointer (&agent);
  }
  for (guint i = 0; i < 10; i++)
    raw_peer_free (silent[i]);
  {
    g_autoptr (RawPeer) late = raw_peer_connect (f->address);

    raw_peer_hello (late, "late", "procmond");
  }
  bystanders_check (&b);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, options, function)                                                                                   \
  g_test_add ("/integration/hostile/" path, BusFixture, options, bus_fixture_set_up, function, bus_fixture_tear_down)
  ADD ("F08-hello-timeout", &hasty_hello, test_hello_timeout);
  ADD ("F07-slow-loris", &hasty_frame, test_slow_loris);
  ADD ("F05-one-byte-writes", &plain, test_one_byte_writes);
  ADD ("F01-F02-oversized-and-empty", &plain, test_oversized);
  ADD ("F09-garbage", &plain, test_peer_causes_no_warning);
  ADD ("F04-cut-frame", &plain, test_cut_frame);
  ADD ("F11-half-close", &plain, test_half_close);
  ADD ("O01-publish-before-hello", &plain, test_publish_before_hello);
  ADD ("O02-second-hello", &plain, test_second_hello);
  ADD ("O04-broker-kinds", &plain, test_broker_kinds);
  ADD ("O03-P09-unknown-kind", &plain, test_unknown_kind);
  ADD ("A02-forged-fields", &plain, test_forged_fields);
  ADD ("P02-P04-P05-P06-malformed", &plain, test_malformed);
  ADD ("A01-duplicate-id", &plain, test_duplicate_id);
  ADD ("M27-O07-versions", &plain, test_versions);
  ADD ("R01-flood", &few, test_flood);
  ADD ("H05-peer-causes-no-warning", &plain, test_peer_causes_no_warning);
#undef ADD
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-outbuf.h"

/* The out-buffer alone: the number of messages in it that were not written completely, after each possible write. */

#define FRAMES 300u

typedef struct
{
  guint64 end; /* total bytes up to the end of the frame */
  gboolean message;
  gboolean unwatched;
} ModelFrame;

typedef struct
{
  DeyeBusOutbuf outbuf;
  ModelFrame frames[FRAMES];
  guint n_frames;
  guint64 added;
  guint64 sent;
} OutbufFixture;

static void
set_up (OutbufFixture *f, gconstpointer data)
{
  deye_bus_outbuf_init (&f->outbuf);
}

static void
tear_down (OutbufFixture *f, gconstpointer data)
{
  deye_bus_outbuf_clear (&f->outbuf);
}

static void
add_frame (OutbufFixture *f, guint8 kind, guint64 id, gsize payload_len)
{
  g_autoptr (GBytes) payload = g_bytes_new_take (g_malloc0 (payload_len + 1), payload_len);
  WireEnvelope envelope;
  gsize head;
  guint8 *out;

  wire_envelope_init (&envelope);
  envelope.id = id;
  envelope.topic = wire_span_str ("events.process.new");
  envelope.payload = wire_span (g_bytes_get_data (payload, NULL), payload_len);
  head = wire_envelope_size (&envelope);
  out = deye_bus_outbuf_add (&f->outbuf, WIRE_FRAME_HEADER_LEN + head);
  wire_frame_put_header (out, kind, 0, (guint32) (head + payload_len));
  wire_envelope_write (&envelope, out + WIRE_FRAME_HEADER_LEN);
  deye_bus_outbuf_add_payload (&f->outbuf, payload);
  f->added += WIRE_FRAME_HEADER_LEN + head + payload_len;
  f->frames[f->n_frames++]
      = (ModelFrame){ .end = f->added,
                      .message = kind == WIRE_KIND_PUBLISH || kind == WIRE_KIND_REQUEST || kind == WIRE_KIND_REPLY,
                      .unwatched = kind == WIRE_KIND_REPLY || (kind == WIRE_KIND_PUBLISH && (id & 1) != 0) };
}

/* Adds a frame of a random size: small, near the end of a chunk, or referenced. The seed of the test reproduces the sizes. */
static void
add_random_frame (OutbufFixture *f)
{
  static const guint8 kinds[] = { WIRE_KIND_PUBLISH, WIRE_KIND_PUBLISH, WIRE_KIND_REQUEST,
                                  WIRE_KIND_REPLY,   WIRE_KIND_CANCEL,  WIRE_KIND_CREDIT };
  static const gint32 sizes[] = { 1, 200, 5000, 8193, 30000 };
  guint8 kind = kinds[g_test_rand_int_range (0, G_N_ELEMENTS (kinds))];
  gint32 most = sizes[g_test_rand_int_range (0, G_N_ELEMENTS (sizes))];
  gboolean has_payload = kind != WIRE_KIND_CANCEL && kind != WIRE_KIND_CREDIT;

  add_frame (f, kind, (guint64) g_test_rand_int_range (1, 100000),
             has_payload ? (gsize) g_test_rand_int_range (0, most + 1) : 0);
}

static void
assert_count (OutbufFixture *f)
{
  DeyeBusOutCount count = deye_bus_outbuf_count (&f->outbuf);
  guint64 messages = 0, unwatched = 0;

  for (guint i = 0; i < f->n_frames; i++)
    if (f->frames[i].end > f->sent)
      {
        messages += f->frames[i].message ? 1 : 0;
        unwatched += f->frames[i].unwatched ? 1 : 0;
      }
  g_assert_cmpuint (count.messages, ==, messages);
  g_assert_cmpuint (count.unwatched, ==, unwatched);
}

static void
send (OutbufFixture *f, gsize n)
{
  deye_bus_outbuf_sent (&f->outbuf, n);
  f->sent += n;
  assert_count (f);
}

static void
test_every_byte (OutbufFixture *f, gconstpointer data)
{
  assert_count (f);
  add_frame (f, WIRE_KIND_PUBLISH, 3, 100);
  add_frame (f, WIRE_KIND_PUBLISH, 2, 9000);
  add_frame (f, WIRE_KIND_CREDIT, 5, 0);
  add_frame (f, WIRE_KIND_REPLY, 4, 5000);
  add_frame (f, WIRE_KIND_REQUEST, 6, 0);
  assert_count (f);
  while (deye_bus_outbuf_bytes (&f->outbuf) > 0)
    send (f, 1);
}

/* A small payload that does not fit into the chunk of its head begins the next chunk. */
static void
test_split_by_chunks (OutbufFixture *f, gconstpointer data)
{
  for (guint i = 0; i < 40; i++)
    add_frame (f, WIRE_KIND_PUBLISH, 3 + i, 5000);
  assert_count (f);
  while (deye_bus_outbuf_bytes (&f->outbuf) > 0)
    send (f, MIN (deye_bus_outbuf_bytes (&f->outbuf), 17));
}

static void
test_random (OutbufFixture *f, gconstpointer data)
{
  while (f->n_frames < FRAMES || deye_bus_outbuf_bytes (&f->outbuf) > 0)
    {
      gsize bytes = deye_bus_outbuf_bytes (&f->outbuf);

      for (gint32 n = g_test_rand_int_range (0, 8); n > 0 && f->n_frames < FRAMES; n--)
        add_random_frame (f);
      assert_count (f);
      if (bytes > 0)
        send (f, (gsize) g_test_rand_int_range (1, (gint32) bytes + 1));
    }
  g_assert_cmpuint (f->outbuf.added, ==, f->added);
}

/* A bounded number of written chunks is reused. */
static void
test_spare (OutbufFixture *f, gconstpointer data)
{
  for (guint round = 0; round < 3; round++)
    {
      for (guint i = 0; i < 200; i++)
        {
          gsize most = 8192;

          memset (deye_bus_outbuf_begin (&f->outbuf, most), 0, most);
          deye_bus_outbuf_end (&f->outbuf, most);
        }
      g_assert_cmpuint (f->outbuf.n_spare, ==, 0);
      deye_bus_outbuf_sent (&f->outbuf, deye_bus_outbuf_bytes (&f->outbuf));
      g_assert_cmpuint (f->outbuf.n_spare, ==, 16);
    }
  g_assert_false (deye_bus_outbuf_is_trim (&f->outbuf));
  deye_bus_outbuf_trim (&f->outbuf);
  g_assert_true (deye_bus_outbuf_is_trim (&f->outbuf));
  g_assert_cmpuint (f->outbuf.n_spare, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function) g_test_add ("/client/outbuf/" path, OutbufFixture, NULL, set_up, function, tear_down)
  ADD ("unsent-at-every-byte", test_every_byte);
  ADD ("unsent-split-by-chunks", test_split_by_chunks);
  ADD ("unsent-random", test_random);
  ADD ("spare", test_spare);
  return g_test_run ();
}

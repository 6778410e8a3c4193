/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-outq.h"

/* Encoded frames: each is sent once, those of the control lane first, and partial writes are continued. */

typedef struct
{
  BusSegmentPool pool;
  BusQuota quota;
  BusUsage usage;
  BusOutq outq;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  *f = (Fixture){ .quota = { .cap = 1 << 26 } };
  bus_outq_init (&f->outq, &f->pool, &f->quota, &f->usage);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  bus_outq_clear (&f->outq);
  g_assert_cmpuint (f->usage.charged, ==, 0);
  g_assert_cmpuint (f->quota.charged, ==, 0);
  g_assert_cmpuint (f->quota.memory, ==, 0);
  bus_segment_pool_clear (&f->pool);
}

static void
put_body (Fixture *f, WireLane lane, const char *text)
{
  g_assert_true (bus_outq_put (&f->outq, lane, WIRE_KIND_PING, 0, NULL, wire_span_str (text)));
}

/* Takes at most @step bytes at a time until the queue is empty. */
static GByteArray *
take_all (Fixture *f, gsize step)
{
  GByteArray *all = g_byte_array_new ();
  WireSpan spans[8];
  guint n;

  while ((n = bus_outq_gather (&f->outq, spans, G_N_ELEMENTS (spans))) > 0)
    {
      gsize len = MIN (step, spans[0].len);

      g_byte_array_append (all, spans[0].data, (guint) len);
      bus_outq_sent (&f->outq, len);
    }
  return all;
}

static void
test_order (Fixture *f, gconstpointer data)
{
  static const gsize steps[] = { 1, 3, 7, 100000 };

  for (guint s = 0; s < G_N_ELEMENTS (steps); s++)
    {
      g_autoptr (GByteArray) all = NULL;
      WireFrameReader reader;
      WireFrame frame;
      WireSpan input;
      guint next = 0;

      for (guint i = 0; i < 3000; i++)
        {
          g_autofree char *text = g_strdup_printf ("%06u", i);

          put_body (f, WIRE_LANE_DATA, text);
        }
      g_assert_cmpuint (bus_outq_bytes (&f->outq), ==, 3000 * 14);
      g_assert_cmpuint (f->usage.charged, ==, 3000 * 14);
      all = take_all (f, steps[s]);
      input = wire_span (all->data, all->len);
      wire_frame_reader_init (&reader, 100);
      while (wire_frame_reader_next (&reader, &input, &frame) == WIRE_FRAME_COMPLETE)
        {
          g_autofree char *text = g_strdup_printf ("%06u", next++);

          g_assert_cmpmem (frame.body.data, frame.body.len, text, 6);
        }
      g_assert_cmpuint (next, ==, 3000);
      wire_frame_reader_clear (&reader);
    }
}

static gsize
pack_letters (gconstpointer message, guint8 *to)
{
  const gsize *len = message;

  memset (to, 'p', *len);
  return *len;
}

/* A payload that is packed in place makes the same frame as a copied one, small or large. */
static void
test_packed (Fixture *f, gconstpointer data)
{
  static const gsize sizes[] = { 1, 5000, 100000 };
  g_autoptr (GByteArray) packed = NULL;
  g_autoptr (GByteArray) copied = NULL;
  g_autofree char *letters = g_strnfill (100000, 'p');
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.answers = 300;
  envelope.sender = WIRE_SPAN_LITERAL ("bus");
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      put_body (f, WIRE_LANE_DATA, "before");
      envelope.payload = wire_span (NULL, sizes[i]);
      g_assert_true (bus_outq_put_packed (&f->outq, WIRE_LANE_DATA, WIRE_KIND_REPLY, WIRE_FLAG_FINAL, &envelope,
                                          pack_letters, &sizes[i], NULL));
    }
  packed = take_all (f, 3000);
  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      put_body (f, WIRE_LANE_DATA, "before");
      envelope.payload = wire_span ((const guint8 *) letters, sizes[i]);
      g_assert_true (
          bus_outq_put (&f->outq, WIRE_LANE_DATA, WIRE_KIND_REPLY, WIRE_FLAG_FINAL, &envelope, wire_span (NULL, 0)));
    }
  copied = take_all (f, 100000);
  g_assert_cmpmem (packed->data, packed->len, copied->data, copied->len);
  f->quota.cap = 1000;
  g_assert_false (bus_outq_put_packed (&f->outq, WIRE_LANE_DATA, WIRE_KIND_REPLY, WIRE_FLAG_FINAL, &envelope,
                                       pack_letters, &sizes[2], NULL));
  g_assert_cmpuint (bus_outq_bytes (&f->outq), ==, 0);
}

/* --- the end of a payload is referenced --- */

static void
set_true (gpointer flag)
{
  *(gboolean *) flag = TRUE;
}

static const guint8 rest_zeros[100000];
#define FRONT_LEN 30u

/* Puts a reply whose payload consists of FRONT_LEN letters and @len zeros, which are referenced. @released: set when the queue has
 * released them. */
static gboolean
put_with_rest (Fixture *f, gsize len, gboolean *released)
{
  g_autoptr (GBytes) rest = g_bytes_new_with_free_func (rest_zeros, len, set_true, released);
  const gsize front = FRONT_LEN;
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.answers = 300;
  envelope.payload = wire_span (NULL, front + len);
  return bus_outq_put_packed (&f->outq, WIRE_LANE_DATA, WIRE_KIND_REPLY, WIRE_FLAG_FINAL, &envelope, pack_letters,
                              &front, rest);
}

static gboolean
put_in_one_piece (Fixture *f, gsize len)
{
  g_autofree guint8 *payload = g_malloc0 (FRONT_LEN + len);
  WireEnvelope envelope;

  memset (payload, 'p', FRONT_LEN);
  wire_envelope_init (&envelope);
  envelope.answers = 300;
  envelope.payload = wire_span (payload, FRONT_LEN + len);
  return bus_outq_put (&f->outq, WIRE_LANE_DATA, WIRE_KIND_REPLY, WIRE_FLAG_FINAL, &envelope, wire_span (NULL, 0));
}

/* The same bytes are sent in the same order as of a payload in one piece, and the same number of bytes is charged. */
static void
test_rest (Fixture *f, gconstpointer data)
{
  static const gsize sizes[] = { 0, 1, 9000, 100000 };
  static const gsize steps[] = { 17, 5000, 100000 };

  for (guint s = 0; s < G_N_ELEMENTS (steps); s++)
    for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
      {
        g_autoptr (GByteArray) referenced = NULL;
        g_autoptr (GByteArray) copied = NULL;
        gboolean released[2] = { FALSE, FALSE };
        guint64 charged;

        put_body (f, WIRE_LANE_DATA, "before");
        g_assert_true (put_with_rest (f, sizes[i], &released[0]));
        g_assert_true (put_with_rest (f, sizes[i], &released[1]));
        put_body (f, WIRE_LANE_DATA, "after");
        charged = f->usage.charged;
        g_assert_cmpuint (bus_outq_bytes (&f->outq), ==, charged);
        g_assert_cmpuint (f->quota.memory, >=, charged);
        referenced = take_all (f, steps[s]);
        g_assert_true (released[0] && released[1]);
        g_assert_cmpuint (f->quota.memory, ==, 0);

        put_body (f, WIRE_LANE_DATA, "before");
        g_assert_true (put_in_one_piece (f, sizes[i]));
        g_assert_true (put_in_one_piece (f, sizes[i]));
        put_body (f, WIRE_LANE_DATA, "after");
        g_assert_cmpuint (f->usage.charged, ==, charged);
        copied = take_all (f, 100000);
        g_assert_cmpmem (referenced->data, referenced->len, copied->data, copied->len);
      }
}

/* The bytes are referenced, and count for the cap, until the last of them is sent. */
static void
test_rest_held (Fixture *f, gconstpointer data)
{
  gboolean released = FALSE;
  gsize len;

  g_assert_true (put_with_rest (f, 100000, &released));
  len = bus_outq_bytes (&f->outq);
  g_assert_cmpuint (f->quota.memory, >, 100000);
  g_assert_cmpuint (f->quota.memory, <, 101000);
  for (gsize sent = 0; sent < len - 1;)
    {
      WireSpan spans[2];
      gsize n;

      g_assert_cmpuint (bus_outq_gather (&f->outq, spans, G_N_ELEMENTS (spans)), >, 0);
      n = MIN (spans[0].len, len - 1 - sent);
      bus_outq_sent (&f->outq, n);
      sent += n;
    }
  g_assert_false (released);
  g_assert_cmpuint (f->quota.memory, >, 100000);
  bus_outq_sent (&f->outq, 1);
  g_assert_true (released);
}

/* A queue that is cleared releases the bytes, of a frame that has begun as well. */
static void
test_rest_cleared (Fixture *f, gconstpointer data)
{
  gboolean released[2] = { FALSE, FALSE };
  WireSpan spans[2];

  g_assert_true (put_with_rest (f, 100000, &released[0]));
  g_assert_true (put_with_rest (f, 100000, &released[1]));
  g_assert_cmpuint (bus_outq_gather (&f->outq, spans, G_N_ELEMENTS (spans)), ==, 2);
  bus_outq_sent (&f->outq, spans[0].len + 50000);
  bus_outq_drop (&f->outq, WIRE_LANE_DATA);
  g_assert_false (released[0]);
  g_assert_true (released[1]);
  bus_outq_clear (&f->outq);
  g_assert_true (released[0]);
  g_assert_cmpuint (f->quota.memory, ==, 0);
}

/* Without memory nothing is put: the queue does not keep the bytes, an empty segment or a count. */
static void
test_rest_without_memory (Fixture *f, gconstpointer data)
{
  static const gsize spare[] = { 1000, 100000, 100100 }; /* too little for the bytes, the segment, or both */

  for (guint i = 0; i < G_N_ELEMENTS (spare); i++)
    {
      gboolean released = FALSE;

      f->quota.cap = spare[i];
      g_assert_false (put_with_rest (f, 100000, &released));
      g_assert_true (released);
      g_assert_cmpuint (f->quota.memory, ==, 0);
      f->quota.cap = 1 << 26;
      put_body (f, WIRE_LANE_DATA, "next");
      g_byte_array_unref (take_all (f, 100));
      g_assert_cmpuint (bus_outq_bytes (&f->outq), ==, 0);
    }
}

/* The bytes count for the cap also if the frame fits into the last segment. */
static void
test_rest_in_last_segment (Fixture *f, gconstpointer data)
{
  gboolean released = FALSE;
  guint64 memory;

  put_body (f, WIRE_LANE_DATA, "first");
  memory = f->quota.memory;
  f->quota.cap = memory + 99999;
  g_assert_false (put_with_rest (f, 100000, &released));
  g_assert_true (released);
  g_assert_cmpuint (f->quota.memory, ==, memory);
  f->quota.cap++;
  g_assert_true (put_with_rest (f, 100000, &released));
  g_byte_array_unref (take_all (f, 100000));
}

static void
test_control_first (Fixture *f, gconstpointer data)
{
  g_autoptr (GByteArray) all = NULL;
  WireSpan spans[2];

  put_body (f, WIRE_LANE_DATA, "first");
  g_assert_cmpuint (bus_outq_gather (&f->outq, spans, 2), ==, 1);
  bus_outq_sent (&f->outq, 3); /* a frame that has begun is finished */
  put_body (f, WIRE_LANE_DATA, "data");
  put_body (f, WIRE_LANE_CONTROL, "ctrl");
  all = take_all (f, 1000);
  g_assert_cmpmem (all->data + all->len - 4, 4, "data", 4);
  g_assert_cmpmem (all->data + 5 + 5 + 8, 4, "ctrl", 4);
}

static void
test_referenced (Fixture *f, gconstpointer data)
{
  g_autofree guint8 *large = g_malloc0 (100000);
  WireEnvelope envelope;
  BusInbound inbound = { .frame = { .body = { large, 100000 } }, .envelope = &envelope, .quota = &f->quota };
  WireStampOwn own = { .route_id = 5 };
  g_autoptr (GByteArray) all = NULL;
  BusMessage *message;
  WireSpan spans[8];
  guint64 held;

  wire_envelope_init (&envelope);
  bus_inbound_stamp (&inbound, wire_span_str ("me"), 1, 1);
  message = bus_inbound_keep (&inbound);
  g_assert_nonnull (message);
  held = f->quota.memory;
  for (guint i = 0; i < 3; i++)
    g_assert_true (bus_outq_put_message (&f->outq, WIRE_LANE_DATA, WIRE_KIND_DELIVER, 0, &inbound.stamp, &own,
                                         message->body, message));
  /* Charged in full for the queue, held once for the broker. */
  g_assert_cmpuint (f->usage.charged, >, 300000);
  g_assert_cmpuint (f->quota.memory, <, held + 1000);
  bus_inbound_clear (&inbound);

  /* One large message at a time. */
  g_assert_cmpuint (bus_outq_gather (&f->outq, spans, G_N_ELEMENTS (spans)), ==, 2);
  g_assert_cmpuint (spans[1].len, ==, 100000);
  bus_outq_sent (&f->outq, 50000);
  all = take_all (f, 33333);
  g_assert_cmpuint (all->len, >, 250000);
}

/* A queue that is cleared while a frame is being sent refunds all charges. */
static void
test_clear_while_sending (Fixture *f, gconstpointer data)
{
  WireSpan spans[2];

  put_body (f, WIRE_LANE_DATA, "sent in part");
  put_body (f, WIRE_LANE_CONTROL, "control");
  g_assert_cmpuint (bus_outq_gather (&f->outq, spans, G_N_ELEMENTS (spans)), ==, 1);
  bus_outq_sent (&f->outq, 3);
  put_body (f, WIRE_LANE_DATA, "not begun");
  bus_outq_clear (&f->outq);
  g_assert_cmpuint (bus_outq_bytes (&f->outq), ==, 0);
  g_assert_cmpuint (f->usage.charged, ==, 0);
  g_assert_cmpuint (bus_outq_gather (&f->outq, spans, G_N_ELEMENTS (spans)), ==, 0);
}

static void
test_cap (Fixture *f, gconstpointer data)
{
  static const guint8 large[8192];

  f->quota.cap = 4096 + 128; /* one small segment */
  g_assert_false (bus_outq_put (&f->outq, WIRE_LANE_DATA, WIRE_KIND_PING, 0, NULL, wire_span (large, sizeof large)));
  put_body (f, WIRE_LANE_DATA, "fits");
  g_assert_cmpuint (bus_outq_bytes (&f->outq), ==, 12);
}

/* When messages use all memory, the broker's own frames are encoded from the reserve. */
static void
test_reserve (Fixture *f, gconstpointer data)
{
  g_assert_true (bus_quota_hold (&f->quota, f->quota.cap));
  g_assert_false (bus_outq_put (&f->outq, WIRE_LANE_DATA, WIRE_KIND_PING, 0, NULL, wire_span_str ("data")));
  put_body (f, WIRE_LANE_CONTROL, "credit");
  g_assert_cmpuint (f->quota.memory, >, f->quota.cap);
  g_assert_cmpuint (f->quota.memory, <=, f->quota.cap + 8192);
  bus_outq_clear (&f->outq);
  bus_quota_release (&f->quota, f->quota.cap);
}

/* The first message of a run just exceeds a small segment, and there is no memory for a larger one. No empty segment may be left,
 * because it would stop all frames behind it. */
static void
test_run_without_memory (Fixture *f, gconstpointer data)
{
  static const guint8 bytes[100000];
  g_autofree BusRun *run = g_new0 (BusRun, 1);
  WireSpan spans[8];

  run->class_of = (WireClassOf){ WIRE_LANE_DATA, WIRE_CLASS_MAY_DROP };
  run->n = 2;
  run->messages[0].body = wire_span (bytes, 4000);
  run->messages[1].body = wire_span (bytes, 50);
  run->bytes = 4050;
  put_body (f, WIRE_LANE_DATA, "x");
  f->quota.cap = f->quota.memory; /* for a small segment; the first message needs a larger one */
  g_byte_array_unref (take_all (f, 100));
  g_assert_cmpuint (bus_outq_put_run (&f->outq, run, 0, 2, 1), ==, 0);
  f->quota.cap = 1 << 26;
  g_assert_true (bus_outq_put (&f->outq, WIRE_LANE_DATA, WIRE_KIND_PING, 0, NULL, wire_span (bytes, sizeof bytes)));
  g_assert_cmpuint (bus_outq_gather (&f->outq, spans, G_N_ELEMENTS (spans)), ==, 1);
}

#define MANY 70u /* more than are kept */

/* Any queue reuses a free segment; the number of kept segments is bounded. */
static void
test_spare (Fixture *f, gconstpointer data)
{
  BusOutq queues[MANY];

  for (guint i = 0; i < MANY; i++)
    {
      bus_outq_init (&queues[i], &f->pool, &f->quota, &f->usage);
      g_assert_true (bus_outq_put (&queues[i], WIRE_LANE_DATA, WIRE_KIND_PING, 0, NULL, wire_span_str ("x")));
    }
  g_assert_null (f->pool.small.first);
  for (guint i = 0; i < MANY; i++)
    bus_outq_clear (&queues[i]);
  g_assert_cmpuint (f->pool.small.n, ==, 64);
  g_assert_cmpuint (f->quota.memory, ==, 0);
  put_body (f, WIRE_LANE_DATA, "again");
  g_assert_cmpuint (f->pool.small.n, ==, 63);
  g_byte_array_unref (take_all (f, 100));
  g_assert_cmpuint (f->pool.small.n, ==, 64);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

/* A retained value makes the same frame as bus_outq_put_message() does, and is counted once the caller says so. */
static void
test_retained (Fixture *f, gconstpointer data)
{
  static const guint32 subscriptions[] = { 1, 300, G_MAXUINT32 };
  BusStamp stamp;

  stamp.len = (guint8) wire_stamp_common (stamp.bytes, wire_span_str ("keeper"), 70000, 1234567);
  for (guint i = 0; i < G_N_ELEMENTS (subscriptions); i++)
    {
      const WireSpan body = wire_span_str ("b");
      const WireStampOwn own = { .subscriptions = &subscriptions[i], .n_subscriptions = 1, .retained = TRUE };
      g_autoptr (GByteArray) retained = NULL;
      g_autoptr (GByteArray) usual = NULL;
      BusOutqOwn end;
      gsize bytes;

      bus_outq_own_init (&end, subscriptions[i]);
      bytes = bus_outq_put_retained (&f->outq, WIRE_LANE_DATA, &stamp, &end, body);
      g_assert_cmpuint (f->usage.charged, ==, 0);
      bus_outq_count (&f->outq, WIRE_LANE_DATA, bytes);
      g_assert_cmpuint (f->usage.charged, ==, bytes);
      retained = take_all (f, 1000);
      g_assert_true (bus_outq_put_message (&f->outq, WIRE_LANE_DATA, WIRE_KIND_DELIVER, 0, &stamp, &own, body, NULL));
      usual = take_all (f, 1000);
      g_assert_cmpmem (retained->data, retained->len, usual->data, usual->len);
      g_assert_cmpuint (retained->len, ==, bytes);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/outq/order", test_order);
  ADD ("/core/outq/B09-control-first", test_control_first);
  ADD ("/core/outq/R05-referenced", test_referenced);
  ADD ("/core/outq/clear-while-sending", test_clear_while_sending);
  ADD ("/core/outq/packed", test_packed);
  ADD ("/core/outq/retained", test_retained);
  ADD ("/core/outq/rest", test_rest);
  ADD ("/core/outq/rest-held", test_rest_held);
  ADD ("/core/outq/rest-cleared", test_rest_cleared);
  ADD ("/core/outq/rest-without-memory", test_rest_without_memory);
  ADD ("/core/outq/rest-in-last-segment", test_rest_in_last_segment);
  ADD ("/core/outq/cap", test_cap);
  ADD ("/core/outq/run-without-memory", test_run_without_memory);
  ADD ("/core/outq/spare", test_spare);
  ADD ("/core/outq/R08-reserve", test_reserve);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-send-queue.h"

#include "deye-bus-error.h"
#include "wire-frame.h"

/* The queue of calls that wait for credit, alone: windows, order, limits. */

#define CLASS WIRE_CLASS_MAY_DROP

typedef struct
{
  DeyeBusSendQueue queue;
  guint64 last_id;
} QueueFixture;

static void
set_up (QueueFixture *f, gconstpointer data)
{
  deye_bus_send_queue_init (&f->queue);
}

static void
tear_down (QueueFixture *f, gconstpointer data)
{
  deye_bus_send_queue_clear (&f->queue);
  g_assert_cmpuint (deye_bus_send_queue_count (&f->queue), ==, 0);
  for (guint i = 0; i < WIRE_N_CLASSES; i++)
    g_assert_cmpuint (f->queue.waiting_bytes[i], ==, 0);
}

static void
grant (QueueFixture *f, guint64 messages, guint64 bytes)
{
  deye_bus_window_grant (&f->queue.windows[CLASS], messages, bytes);
}

/* Adds a waiting publish of @len bytes. Returns its cost. */
static gsize
push (QueueFixture *f, DeyeBusPending *pending, gsize len)
{
  g_autofree guint8 *zeros = g_malloc0 (len + 1);
  g_autoptr (GBytes) payload = g_bytes_new (zeros, len);
  DeyeBusCall call = { .kind = WIRE_KIND_PUBLISH, .topic = "events.process.new", .payload = payload };
  DeyeBusEncodedCall encoded;
  g_autoptr (GError) error = NULL;

  deye_bus_call_encode (&call, ++f->last_id, &encoded);
  g_assert_cmpint (encoded.credit_class, ==, CLASS);
  g_assert_true (deye_bus_encoded_call_check (&encoded, 1u << 30, &error));
  g_assert_no_error (error);
  g_assert_true (deye_bus_send_queue_push (&f->queue, &encoded, pending, NULL, NULL, &error));
  g_assert_no_error (error);
  return encoded.head_len + len;
}

/* Takes the next call, and asserts that it is @pending. */
static void
assert_pop (QueueFixture *f, DeyeBusPending *pending, gsize payload_len)
{
  DeyeBusWaiting *waiting = deye_bus_send_queue_pop (&f->queue, CLASS);

  g_assert_nonnull (waiting);
  g_assert_true (waiting->pending == pending);
  g_assert_null (pending->waits);
  g_assert_cmpint (waiting->kind, ==, WIRE_KIND_PUBLISH);
  g_assert_cmpuint (waiting->head[0] | (guint) waiting->head[1] << 8 | (guint) waiting->head[2] << 16, ==,
                    waiting->head_len - WIRE_FRAME_HEADER_LEN + payload_len);
  deye_bus_waiting_free (waiting);
}

static void
test_no_credit_at_first (QueueFixture *f, gconstpointer data)
{
  g_assert_false (deye_bus_send_queue_may_start (&f->queue, CLASS));
  g_assert_true (deye_bus_send_queue_may_start (&f->queue, WIRE_CLASS_NONE));
  grant (f, 1, 1);
  g_assert_true (deye_bus_send_queue_may_start (&f->queue, CLASS));
  /* The balance may become negative by one message. */
  deye_bus_send_queue_use (&f->queue, CLASS, 1000);
  g_assert_false (deye_bus_send_queue_may_start (&f->queue, CLASS));
  /* A message of a class without credit uses none. */
  deye_bus_send_queue_use (&f->queue, WIRE_CLASS_NONE, 1000);
  g_assert_cmpuint (f->queue.windows[WIRE_CLASS_NONE].used_messages, ==, 0);
}

static void
test_in_order (QueueFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) first = deye_bus_pending_new (DEYE_BUS_PENDING_ACK, 0);
  g_autoptr (DeyeBusPending) second = deye_bus_pending_new (DEYE_BUS_PENDING_ACK, 0);
  gsize cost = push (f, first, 100);

  cost += push (f, second, 200);
  g_assert_cmpuint (deye_bus_send_queue_count (&f->queue), ==, 2);
  g_assert_cmpuint (f->queue.waiting_bytes[CLASS], ==, cost);
  g_assert_null (deye_bus_send_queue_pop (&f->queue, CLASS));
  grant (f, 2, 100000);
  /* A later call does not overtake. */
  g_assert_false (deye_bus_send_queue_may_start (&f->queue, CLASS));
  assert_pop (f, first, 100);
  assert_pop (f, second, 200);
  g_assert_null (deye_bus_send_queue_pop (&f->queue, CLASS));
  g_assert_cmpuint (f->queue.windows[CLASS].used_messages, ==, 2);
  g_assert_cmpuint (f->queue.windows[CLASS].used_bytes, ==, cost);
  g_assert_cmpuint (f->queue.waiting_bytes[CLASS], ==, 0);
}

static void
test_one_per_credit (QueueFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) first = deye_bus_pending_new (DEYE_BUS_PENDING_ACK, 0);
  g_autoptr (DeyeBusPending) second = deye_bus_pending_new (DEYE_BUS_PENDING_ACK, 0);

  (void) push (f, first, 0);
  (void) push (f, second, 0);
  grant (f, 1, 100000);
  assert_pop (f, first, 0);
  g_assert_null (deye_bus_send_queue_pop (&f->queue, CLASS));
  g_assert_cmpuint (deye_bus_send_queue_count (&f->queue), ==, 1);
}

static void
test_drop (QueueFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) first = deye_bus_pending_new (DEYE_BUS_PENDING_ACK, 0);
  g_autoptr (DeyeBusPending) second = deye_bus_pending_new (DEYE_BUS_PENDING_ACK, 0);
  gsize cost;

  (void) push (f, first, 100);
  cost = push (f, second, 200);
  deye_bus_send_queue_drop (&f->queue, first);
  g_assert_null (first->waits);
  g_assert_cmpuint (first->refs, ==, 1);
  g_assert_cmpuint (f->queue.waiting_bytes[CLASS], ==, cost);
  deye_bus_send_queue_drop (&f->queue, first);
  grant (f, 1, 1);
  assert_pop (f, second, 200);
}

static void
test_limits (QueueFixture *f, gconstpointer data)
{
  DeyeBusCall call = { .kind = WIRE_KIND_PUBLISH, .topic = "events.process.new" };
  g_autoptr (DeyeBusPending) late = deye_bus_pending_new (DEYE_BUS_PENDING_ACK, 0);
  DeyeBusEncodedCall encoded;
  g_autoptr (GError) error = NULL;

  for (guint i = 0; i < DEYE_BUS_WAITING_MAX_CALLS; i++)
    (void) push (f, NULL, 0);
  deye_bus_call_encode (&call, ++f->last_id, &encoded);
  g_assert_false (deye_bus_send_queue_push (&f->queue, &encoded, late, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  g_assert_null (late->waits);
  g_assert_cmpuint (late->refs, ==, 1);
}

static void
test_clear (QueueFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusPending) pending = deye_bus_pending_new (DEYE_BUS_PENDING_ACK, 0);

  (void) push (f, pending, 100);
  deye_bus_send_queue_clear (&f->queue);
  g_assert_null (pending->waits);
  g_assert_false (pending->done);
  g_assert_cmpuint (pending->refs, ==, 1);
}

/* --- a payload in two pieces --- */

#define FRONT "front"

/* A reply whose payload consists of FRONT and @len bytes, in one piece or in two. @payload keeps its bytes. */
static void
encode_reply (gboolean joined, gsize len, GBytes **payload, DeyeBusEncodedCall *encoded)
{
  const gsize front = joined ? strlen (FRONT) : 0;
  g_autofree char *rest = g_strnfill (len, 'x');
  g_autofree char *bytes = g_strconcat (FRONT, rest, NULL);
  DeyeBusCall call = { .kind = WIRE_KIND_REPLY, .topic = "events.process.new", .route = 7, .flags = WIRE_FLAG_FINAL };

  call.payload_front = wire_span ((const guint8 *) FRONT, front);
  call.payload = *payload = g_bytes_new (bytes + front, strlen (bytes) - front);
  deye_bus_call_encode (&call, 2, encoded);
}

/* The whole frame as it is written. */
static GByteArray *
write_frame (const DeyeBusEncodedCall *encoded)
{
  GByteArray *frame = g_byte_array_new ();

  g_byte_array_set_size (frame, (guint) encoded->head_len);
  deye_bus_encoded_call_write_head (encoded, frame->data);
  g_byte_array_append (frame, g_bytes_get_data (encoded->payload, NULL), (guint) g_bytes_get_size (encoded->payload));
  return frame;
}

static void
assert_limit (const DeyeBusEncodedCall *encoded, gsize len)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (deye_bus_encoded_call_check (encoded, len, NULL));
  g_assert_false (deye_bus_encoded_call_check (encoded, len - 1, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
}

/* Waits for credit and gets it; asserts the head of the frame, and that the whole frame is counted. */
static void
assert_waits (QueueFixture *f, const DeyeBusEncodedCall *encoded, const GByteArray *frame)
{
  DeyeBusWindow *window = &f->queue.windows[encoded->credit_class];
  const guint64 used = window->used_bytes;
  DeyeBusWaiting *waiting;

  g_assert_true (deye_bus_send_queue_push (&f->queue, encoded, NULL, NULL, NULL, NULL));
  g_assert_cmpuint (f->queue.waiting_bytes[encoded->credit_class], ==, frame->len);
  deye_bus_window_grant (window, 100, 1 << 20);
  waiting = deye_bus_send_queue_pop (&f->queue, encoded->credit_class);
  g_assert_nonnull (waiting);
  g_assert_cmpuint (window->used_bytes - used, ==, frame->len);
  g_assert_cmpmem (waiting->head, waiting->head_len, frame->data, encoded->head_len);
  g_assert_true (waiting->payload == encoded->payload);
  deye_bus_waiting_free (waiting);
}

/* A payload in two pieces makes the same frame as one in one piece, with the same class, limit and use of credit. */
static void
test_joined (QueueFixture *f, gconstpointer data)
{
  static const gsize sizes[]
      = { 0, 100, WIRE_CONTROL_PAYLOAD_MAX - sizeof FRONT + 1, /* the largest of the class control */
          WIRE_CONTROL_PAYLOAD_MAX - sizeof FRONT + 2, 100000 };

  for (guint i = 0; i < G_N_ELEMENTS (sizes); i++)
    {
      g_autoptr (GBytes) whole_payload = NULL;
      g_autoptr (GBytes) joined_payload = NULL;
      g_autoptr (GByteArray) whole_frame = NULL;
      g_autoptr (GByteArray) joined_frame = NULL;
      DeyeBusEncodedCall whole, joined;

      encode_reply (FALSE, sizes[i], &whole_payload, &whole);
      encode_reply (TRUE, sizes[i], &joined_payload, &joined);
      whole_frame = write_frame (&whole);
      joined_frame = write_frame (&joined);
      g_assert_cmpmem (joined_frame->data, joined_frame->len, whole_frame->data, whole_frame->len);
      g_assert_cmpint (joined.credit_class, ==, whole.credit_class);
      g_assert_cmpuint (deye_bus_encoded_call_size (&joined), ==, whole_frame->len);
      g_assert_cmpuint (deye_bus_encoded_call_size (&whole), ==, whole_frame->len);
      assert_limit (&joined, strlen (FRONT) + sizes[i]);
      assert_waits (f, &joined, joined_frame);
    }
}

/* The front counts as payload, not as fields. */
static void
test_joined_long_front (QueueFixture *f, gconstpointer data)
{
  g_autofree guint8 *front = g_malloc0 (WIRE_HEADER_FIELDS_MAX + 1);
  DeyeBusCall call = { .kind = WIRE_KIND_REPLY, .topic = "events.process.new", .route = 7 };
  DeyeBusEncodedCall encoded;

  call.payload_front = wire_span (front, WIRE_HEADER_FIELDS_MAX + 1);
  deye_bus_call_encode (&call, 2, &encoded);
  assert_limit (&encoded, WIRE_HEADER_FIELDS_MAX + 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define QUEUE_TEST(name, function)                                                                                     \
  g_test_add ("/client/send-queue/" name, QueueFixture, NULL, set_up, function, tear_down)
  QUEUE_TEST ("no-credit-at-first", test_no_credit_at_first);
  QUEUE_TEST ("in-order", test_in_order);
  QUEUE_TEST ("one-per-credit", test_one_per_credit);
  QUEUE_TEST ("drop", test_drop);
  QUEUE_TEST ("limits", test_limits);
  QUEUE_TEST ("clear", test_clear);
  QUEUE_TEST ("joined", test_joined);
  QUEUE_TEST ("joined-long-front", test_joined_long_front);
  return g_test_run ();
}

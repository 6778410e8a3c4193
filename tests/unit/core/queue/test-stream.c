/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-stream.h"

#include "memory-fixture.h"
#include "queue-fixture.h"

/* Replies that wait for a window: their order, their cost, and the credit that they withhold for a limited time. */

typedef struct
{
  Queue queue;
  BusStream *stream;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  queue_setup (&f->queue, NULL);
  f->stream = bus_stream_new (&f->queue.flow, 1, 1u << 20, f);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_clear_pointer (&f->stream, bus_stream_free);
  queue_teardown (&f->queue, NULL);
}

static BusStreamResult
offer_from (Fixture *f, BusLedger *publisher, BusStreamKind kind, guint64 route)
{
  g_autoptr (Arrival) arrival = arrival_new_from (&f->queue, publisher, "tasks.one", 100);
  const BusStreamFrame frame
      = { .kind = kind, .route = route, .lane = WIRE_LANE_DATA, .delivery = { .kind = WIRE_KIND_REPLY, .answers = 7 } };

  return bus_stream_offer (f->stream, &arrival->inbound, &frame, QUEUE_NOW_US);
}

static BusStreamResult
offer (Fixture *f, BusStreamKind kind, guint64 route)
{
  return offer_from (f, &f->queue.publisher, kind, route);
}

/* The requester has returned credit for @n replies in total. */
static void
return_all (Fixture *f, guint64 n, gint64 now_us)
{
  g_assert_cmpint (bus_stream_credit (f->stream, 1 + n, (1u << 20) + 100 * n, now_us), ==, BUS_WINDOW_GRANTED);
  g_assert_true (bus_stream_advance (f->stream, now_us));
}

static void
test_order (Fixture *f, gconstpointer data)
{
  BusLedger *publisher = &f->queue.publisher;

  g_assert_cmpint (offer (f, BUS_STREAM_REPLY, 4), ==, BUS_STREAM_PASSED);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpint (offer (f, BUS_STREAM_REPLY, 4), ==, BUS_STREAM_WAITS);
  queue_assert_sent (&f->queue, "a1");
  g_assert_cmpuint (bus_ledger_allowance (publisher, WIRE_CLASS_MUST_KEEP)->held_messages, ==, 3);
  g_assert_cmpuint (f->queue.flow.held_messages, ==, 3);
  g_assert_cmpuint (f->queue.flow.waiting_messages, ==, 3);
  g_assert_cmpuint (f->queue.flow.held_bytes, ==, f->queue.flow.waiting_bytes);
  g_assert_cmpuint (f->queue.reader.usage.charged, ==, sizeof (BusStream) + f->queue.flow.waiting_bytes);
  return_all (f, 1, QUEUE_NOW_US);
  return_all (f, 2, QUEUE_NOW_US);
  queue_assert_sent (&f->queue, "a2 a3");
  g_assert_cmpuint (bus_ledger_allowance (publisher, WIRE_CLASS_MUST_KEEP)->held_messages, ==, 1);
  return_all (f, 3, QUEUE_NOW_US);
  queue_assert_sent (&f->queue, "a4");
  g_assert_false (bus_stream_waits (f->stream));
  g_assert_cmpuint (f->queue.flow.held_bytes, ==, 0);
  g_assert_cmpint (queue_due_us (&f->stream->block_timer), ==, 0);
}

/* Newer progress that is larger needs room for the difference in size. */
static void
test_growing_progress (Fixture *f, gconstpointer data)
{
  const BusStreamFrame frame
      = { .kind = BUS_STREAM_PROGRESS, .route = 4, .lane = WIRE_LANE_DATA, .delivery = { .kind = WIRE_KIND_REPLY } };
  g_autoptr (Arrival) large = arrival_new_from (&f->queue, &f->queue.publisher, "tasks.one", 100000);

  f->queue.limits.queue_hard_bytes = f->queue.limits.queue_soft_bytes = 65536;
  g_assert_cmpint (offer (f, BUS_STREAM_REPLY, 4), ==, BUS_STREAM_PASSED);
  g_assert_cmpint (offer (f, BUS_STREAM_PROGRESS, 4), ==, BUS_STREAM_WAITS);
  g_assert_cmpint (bus_stream_offer (f->stream, &large->inbound, &frame, QUEUE_NOW_US), ==, BUS_STREAM_FULL);
  g_assert_cmpuint (f->queue.flow.waiting_messages, ==, 1);
  g_assert_cmpint (offer (f, BUS_STREAM_PROGRESS, 4), ==, BUS_STREAM_WAITS);
}

/* Without memory for an object of this size (@data), a reply does not wait, and leaves nothing behind. */
static void
test_no_memory (Fixture *f, gconstpointer data)
{
  const gsize *size = data;

  offer (f, BUS_STREAM_REPLY, 4);
  memory_use_up (&f->queue.quota.cells, *size);
  g_assert_cmpint (offer (f, BUS_STREAM_REPLY, 4), ==, BUS_STREAM_FULL);
  g_assert_false (bus_stream_waits (f->stream));
  g_assert_cmpuint (f->stream->tickets, ==, 0);
  g_assert_cmpuint (f->queue.publisher.n_tickets, ==, 0);
  g_assert_cmpuint (f->queue.flow.waiting_messages, ==, 0);
  memory_give_back (&f->queue.quota.cells);
  g_assert_cmpint (offer (f, BUS_STREAM_REPLY, 4), ==, BUS_STREAM_WAITS);
}

/* The older progress stays if there is no memory for the newer one. */
static void
test_progress_no_memory (Fixture *f, gconstpointer data)
{
  offer (f, BUS_STREAM_REPLY, 4);
  offer (f, BUS_STREAM_PROGRESS, 4); /* sequence 2 */
  memory_use_up (&f->queue.quota.cells, sizeof (BusStreamItem));
  g_assert_cmpint (offer (f, BUS_STREAM_PROGRESS, 4), ==, BUS_STREAM_FULL);
  memory_give_back (&f->queue.quota.cells);
  return_all (f, 1, QUEUE_NOW_US);
  queue_assert_sent (&f->queue, "a1 a2");
}

/* Only the newest progress of a route waits, at the end of the queue, and contains the number that it replaced. */
static void
test_progress (Fixture *f, gconstpointer data)
{
  offer (f, BUS_STREAM_REPLY, 4);
  offer (f, BUS_STREAM_PROGRESS, 4); /* sequence 2 */
  offer (f, BUS_STREAM_PROGRESS, 8); /* sequence 3 */
  offer (f, BUS_STREAM_PROGRESS, 4); /* sequence 4 */
  offer (f, BUS_STREAM_REPLY, 4);    /* sequence 5 */
  offer (f, BUS_STREAM_PROGRESS, 4); /* sequence 6 */
  g_assert_cmpuint (f->stream->waiting.length, ==, 3);
  g_assert_cmpuint (f->stream->tickets, ==, 1);
  queue_assert_sent (&f->queue, "a1");
  for (guint i = 1; i <= 3; i++)
    return_all (f, i, QUEUE_NOW_US);
  queue_assert_sent (&f->queue, "a3 a5 a6");
}

/* A frame of the broker uses no window: it is sent while the window is closed, but not before waiting replies. */
static void
test_broker_frames_need_no_window (Fixture *f, gconstpointer data)
{
  offer (f, BUS_STREAM_REPLY, 4);
  g_assert_cmpint (offer (f, BUS_STREAM_OWN, 0), ==, BUS_STREAM_PASSED);
  offer (f, BUS_STREAM_REPLY, 4);
  g_assert_cmpint (offer (f, BUS_STREAM_OWN, 0), ==, BUS_STREAM_WAITS);
  queue_assert_sent (&f->queue, "a1 a2");
  return_all (f, 1, QUEUE_NOW_US);
  queue_assert_sent (&f->queue, "a3 a4");
  g_assert_cmpuint (f->stream->window.used_messages, ==, 2);
}

/* A reply of a peer to itself, and progress, have no ticket, so the bounds of the queue apply. */
static void
test_without_ticket (Fixture *f, gconstpointer data)
{
  guint n = 0;

  offer_from (f, &f->queue.reader, BUS_STREAM_REPLY, 4);
  f->queue.limits.queue_hard_messages = 5;
  while (offer_from (f, &f->queue.reader, BUS_STREAM_REPLY, 4) == BUS_STREAM_WAITS)
    g_assert_cmpuint (++n, <, 100);
  g_assert_cmpuint (n, ==, 5);
  g_assert_cmpuint (f->queue.flow.held_messages, ==, 0);
  g_assert_cmpuint (f->stream->tickets, ==, 0);
  g_assert_cmpint (offer (f, BUS_STREAM_PROGRESS, 8), ==, BUS_STREAM_FULL);
  /* A reply with a ticket is bounded by its publisher's credit instead. */
  g_assert_cmpint (offer (f, BUS_STREAM_REPLY, 8), ==, BUS_STREAM_WAITS);
}

/* Dropping waiting replies returns their credit and charges. */
static void
test_drop (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 4; i++)
    offer (f, BUS_STREAM_REPLY, 4);
  bus_stream_drop (f->stream);
  g_assert_false (bus_stream_waits (f->stream));
  g_assert_cmpuint (bus_ledger_allowance (&f->queue.publisher, WIRE_CLASS_MUST_KEEP)->held_messages, ==, 0);
  g_assert_cmpuint (f->queue.flow.waiting_bytes, ==, 0);
  g_assert_cmpint (queue_due_us (&f->stream->block_timer), ==, 0);
  queue_assert_sent (&f->queue, "a1");
}

/* The time runs while a ticket is held. Returned credit restarts it; a repeated total does not. */
static void
test_stuck (Fixture *f, gconstpointer data)
{
  gint64 longest_us = (gint64) f->queue.limits.longest_block_us;
  gint64 now_us = QUEUE_NOW_US;

  for (guint i = 0; i < 30; i++)
    offer (f, BUS_STREAM_REPLY, 4);
  g_assert_cmpint (queue_due_us (&f->stream->block_timer), ==, QUEUE_NOW_US + longest_us);
  return_all (f, 1, now_us + longest_us / 2);
  return_all (f, 1, now_us + longest_us - 1);
  g_assert_true (queue_pop_timer (&f->queue, now_us + longest_us) == &f->stream->block_timer);
  g_assert_false (bus_stream_is_stuck (f->stream, now_us + longest_us));
  g_assert_cmpint (queue_due_us (&f->stream->block_timer), ==, QUEUE_NOW_US + longest_us / 2 + longest_us);
  g_assert_true (bus_stream_is_stuck (f->stream, now_us + longest_us / 2 + longest_us));

  /* Occasional progress does not extend the time without limit. */
  for (guint i = 2; i < 2 + 2 * BUS_STREAM_PATIENCE; i++)
    {
      now_us += longest_us / 2;
      return_all (f, i, now_us);
    }
  g_assert_true (bus_stream_is_stuck (f->stream, now_us));
  queue_assert_sent (&f->queue,
                     "a1 a2 a3 a4 a5 a6 a7 a8 a9 a10 a11 a12 a13 a14 a15 a16 a17 a18 a19 a20 a21 a22 a23 a24 "
                     "a25 a26");
}

/* If the queue of the requester has no room, the first waiting reply is dropped, and bus_stream_advance() returns FALSE. */
static void
test_full (Fixture *f, gconstpointer data)
{
  offer (f, BUS_STREAM_REPLY, 4);
  offer (f, BUS_STREAM_REPLY, 4);
  f->queue.limits.queue_hard_messages = 0;
  g_assert_cmpint (bus_stream_credit (f->stream, 2, (1u << 20) + 100, QUEUE_NOW_US), ==, BUS_WINDOW_GRANTED);
  g_assert_false (bus_stream_advance (f->stream, QUEUE_NOW_US));
  g_assert_cmpint (bus_stream_credit (f->stream, 1, 1u << 20, QUEUE_NOW_US), ==, BUS_WINDOW_BACKWARDS);
  g_assert_cmpint (bus_stream_credit (f->stream, 4, 1u << 20, QUEUE_NOW_US), !=, BUS_WINDOW_GRANTED);
  queue_assert_sent (&f->queue, "a1");
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  static const gsize item = sizeof (BusStreamItem), ticket = sizeof (BusTicket);

  g_test_init (&argc, &argv, NULL);
  ADD ("/core/stream-queue/I04-order", test_order);
  ADD ("/core/stream-queue/progress", test_progress);
  ADD ("/core/stream-queue/R10-no-memory/progress", test_progress_no_memory);
  g_test_add ("/core/stream-queue/R10-no-memory/item", Fixture, &item, setup, test_no_memory, teardown);
  g_test_add ("/core/stream-queue/R10-no-memory/ticket", Fixture, &ticket, setup, test_no_memory, teardown);
  ADD ("/core/stream-queue/growing-progress", test_growing_progress);
  ADD ("/core/stream-queue/broker-frames-need-no-window", test_broker_frames_need_no_window);
  ADD ("/core/stream-queue/B07-without-ticket", test_without_ticket);
  ADD ("/core/stream-queue/drop", test_drop);
  ADD ("/core/stream-queue/B04-stuck", test_stuck);
  ADD ("/core/stream-queue/R04-full", test_full);
  return g_test_run ();
}

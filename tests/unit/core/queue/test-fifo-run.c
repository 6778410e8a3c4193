/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-fifo-run.h"

#include "queue/bus-flow.h"
#include "queue/bus-withheld.h"
#include "queue-fixture.h"

/* Runs that are unpacked while there is no memory: the messages that do not get a slot are lost, and their place has a gap. */

gpointer __real_bus_cells_try_take (BusCells *cells, gsize size);
gpointer __wrap_bus_cells_try_take (BusCells *cells, gsize size);
gpointer __real_bus_cells_refill (BusCells *cells, gsize size);
gpointer __wrap_bus_cells_refill (BusCells *cells, gsize size);

#define RUN_N 5u

static guint n_left = G_MAXUINT; /* allocations that succeed */
static gsize last_size;          /* of the newest allocation */
static gboolean refill_fails;

gpointer
__wrap_bus_cells_try_take (BusCells *cells, gsize size)
{
  if (n_left == 0)
    return NULL;
  n_left--;
  last_size = size;
  return __real_bus_cells_try_take (cells, size);
}

gpointer
__wrap_bus_cells_refill (BusCells *cells, gsize size)
{
  return refill_fails ? NULL : __real_bus_cells_refill (cells, size);
}

static void
set_up (Queue *queue, gconstpointer data)
{
  n_left = G_MAXUINT;
  refill_fails = FALSE;
  queue_setup (queue, data);
}

/* Makes a run of RUN_N messages that waits for the subscription. */
static BusWaitingRun *
waiting_new (Queue *queue, const BusSubscription *subscription)
{
  static BusRun run;
  BusWaitingRun *waiting;
  Arrival *arrivals[RUN_N];

  run = (BusRun){ .n = RUN_N, .first_seq = queue->accept_seq + 1 };
  for (guint i = 0; i < RUN_N; i++)
    {
      const BusInbound *inbound = &(arrivals[i] = arrival_new (queue, "events.one", 100))->inbound;

      run.class_of = inbound->class_of;
      run.domain = inbound->domain;
      run.messages[i] = (BusRunMessage){ .body = inbound->frame.body,
                                         .topic = inbound->envelope->topic,
                                         .payload_len = inbound->envelope->payload.len,
                                         .id = inbound->envelope->id };
    }
  waiting = bus_waiting_run_new (&queue->quota, &run, 0, RUN_N, subscription->id);
  for (guint i = 0; i < RUN_N; i++)
    arrival_free (arrivals[i]);
  return waiting;
}

/* Appends such a run. @ticket: (transfer full) (nullable) */
static void
append_run (Queue *queue, BusSubscription *subscription, BusTicket *ticket)
{
  g_assert_true (
      bus_fifo_append_run (&queue->flow, subscription, waiting_new (queue, subscription), ticket, QUEUE_NOW_US));
}

static void
assert_lost (const Queue *queue, const BusSubscription *subscription, guint64 n)
{
  g_assert_cmpuint (subscription->extra->missed, ==, n);
  g_assert_cmpuint (bus_subscription_losses (subscription)->missed_by[BUS_LOSS_NO_MEMORY], ==, n);
  g_assert_cmpuint (queue->flow.missed, ==, n);
  g_assert_cmpint (queue_due_us (&subscription->extra->losses.report_timer), >, 0);
}

static void
test_unpacked (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 0);

  append_run (queue, subscription, NULL);
  queue_assert_fifo (queue, subscription, "w1+4");
  bus_fifo_unpack_all (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "w1 w2 w3 w4 w5");
  g_assert_cmpuint (queue->flow.missed, ==, 0);
}

/* The newest allocation was for this message, and not larger than it needs. */
static void
assert_tight (const BusSlot *slot)
{
  const BusMessage *message = slot->message;

  g_assert_true (message->body.data == message->stamp.bytes + message->stamp.len);
  g_assert_cmpuint (last_size, ==, bus_message_room (message->stamp.len, message->body.len));
}

/* A message that leaves a run needs no more memory than one that has waited alone. */
static void
test_unpacked_size (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 0);

  queue_append (queue, subscription, "events.one", 100);
  assert_tight (subscription->fifo->last);
  append_run (queue, subscription, NULL);
  bus_fifo_unpack_all (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "w1 w2 w3 w4 w5 w6");
  assert_tight (subscription->fifo->last);
}

/* The message does not fit, even without the run, because another subscription holds the room of the peer: the run stays. */
static void
test_not_unpacked_in_vain (Queue *queue, gconstpointer data)
{
  BusSubscription *large = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 0);
  BusSubscription *small;

  queue_append (queue, large, "events.one", 10000);
  small = queue_subscribe (queue, 2, BUS_OVERFLOW_DROP_OLDEST, 0);
  append_run (queue, small, NULL);
  g_ptr_array_remove_index (queue->subscriptions, 0); /* the following messages are offered only to the small one */
  queue->limits.queue_hard_bytes = queue->flow.waiting_bytes;
  g_assert_cmpuint (queue_offer_from (queue, &queue->publisher, "events.one", 5000).queued, ==, 0);
  g_assert_nonnull (small->fifo->first->run);
  g_assert_cmpuint (queue_offer_from (queue, &queue->publisher, "events.one", 10).queued, ==, 1);
  g_ptr_array_insert (queue->subscriptions, 0, large);
  queue_assert_fifo (queue, small, "g2-3x2f w4 w5 w6 g7-7x1f w8");
}

/* There is no memory for the slot of the run: the run stays the caller's. */
static void
test_not_appended (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 0);
  BusTicket *ticket = queue_ticket_new (queue, QUEUE_NOW_US);
  BusWaitingRun *run = waiting_new (queue, subscription);

  refill_fails = TRUE;
  g_assert_false (bus_fifo_append_run (&queue->flow, subscription, run, ticket, QUEUE_NOW_US));
  queue_assert_fifo (queue, subscription, "");
  g_assert_cmpuint (ticket->refs, ==, 1);
  g_assert_cmpuint (run->n, ==, RUN_N);
  bus_ticket_unref (ticket);
  bus_waiting_run_free (run);
}

static void
test_lost (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 0);

  append_run (queue, subscription, NULL);
  n_left = 0;
  bus_fifo_unpack_all (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "g1-5x5n");
  assert_lost (queue, subscription, 5);
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported_from, ==, 1);
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported_to, ==, 5);
}

/* Each message needs a slot and a copy, the last one only a copy. */
static void
test_lost_in_part (Queue *queue, gconstpointer data)
{
  static const char *const texts[]
      = { "g1-5x5n",       "g1-5x5n",          "w1 g2-5x4n",       "w1 g2-5x4n",          "w1 w2 g3-5x3n",
          "w1 w2 g3-5x3n", "w1 w2 w3 g4-5x2n", "w1 w2 w3 g4-5x2n", "w1 w2 w3 w4 g5-5x1n", "w1 w2 w3 w4 w5" };

  for (guint i = 0; i < G_N_ELEMENTS (texts); i++)
    {
      BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 0);

      queue->accept_seq = 0;
      append_run (queue, subscription, NULL);
      n_left = i;
      bus_fifo_unpack_all (&queue->flow, subscription, QUEUE_NOW_US);
      n_left = G_MAXUINT;
      queue_assert_fifo (queue, subscription, texts[i]);
      queue_unsubscribe (queue, subscription);
    }
}

/* The gap of the run is joined with those beside it that have the same reason, and is in front of the one with another reason. */
static void
test_gaps_are_joined (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 0);

  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_NO_MEMORY);
  append_run (queue, subscription, NULL);
  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  append_run (queue, subscription, NULL);
  queue_append (queue, subscription, "events.one", 10);
  queue_assert_fifo (queue, subscription, "g1-1x1n w2+4 g7-7x1f w8+4 w13");
  n_left = 0;
  bus_fifo_unpack_all (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "g1-12x11n g7-7x1f w13");
}

/* The gaps on both sides of the run become neighbours. */
static void
test_gaps_beside_are_joined (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 0);

  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  append_run (queue, subscription, NULL);
  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  n_left = 0;
  bus_fifo_unpack_all (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "g1-7x2f g2-6x5n");
}

/* The ticket of the run is released, so its publisher gets its credit back. */
static void
test_ticket_is_released (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 0);

  bus_withheld_note_ticket (&queue->flow, subscription, QUEUE_NOW_US);
  append_run (queue, subscription, queue_ticket_new (queue, QUEUE_NOW_US));
  n_left = 2;
  bus_fifo_unpack_all (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "w1 g2-5x4n");
  g_assert_cmpuint (subscription->records->tickets, ==, 1);
  bus_fifo_drop (&queue->flow, subscription->fifo->first, BUS_LOSS_EXPIRED, QUEUE_NOW_US);
  g_assert_cmpuint (subscription->records->tickets, ==, 0);
  g_assert_cmpuint (queue->publisher.n_tickets, ==, 0);
  g_assert_cmpuint (queue->flow.held_messages, ==, 0);
}

/* The run has credit: the message behind the lost run gets it. */
static void
test_credit (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 3);

  append_run (queue, subscription, NULL);
  queue_append (queue, subscription, "events.one", 10);
  n_left = 0;
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "g1-5x5n q6");
  g_assert_cmpuint (subscription->window.used_messages, ==, 1);
}

static void
test_next_and_previous (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 0);
  BusSlot *first = queue_append (queue, subscription, "events.one", 10);
  BusSlot *last;

  append_run (queue, subscription, NULL);
  append_run (queue, subscription, NULL);
  last = queue_append (queue, subscription, "events.one", 10);
  g_assert_true (bus_fifo_unpack_next (&queue->flow, subscription, NULL, QUEUE_NOW_US) == first);
  g_assert_true (bus_fifo_unpack_previous (&queue->flow, subscription, NULL, QUEUE_NOW_US) == last);
  queue_assert_fifo (queue, subscription, "w1 w2+4 w7+4 w12");
  g_assert_cmpuint (bus_fifo_unpack_previous (&queue->flow, subscription, last, QUEUE_NOW_US)->message->accept_seq, ==,
                    11);
  n_left = 0;
  g_assert_cmpuint (bus_fifo_unpack_next (&queue->flow, subscription, first, QUEUE_NOW_US)->message->accept_seq, ==, 7);
  queue_assert_fifo (queue, subscription, "w1 g2-6x5n w7 w8 w9 w10 w11 w12");
  g_assert_null (bus_fifo_unpack_next (&queue->flow, subscription, last, QUEUE_NOW_US));
  g_assert_null (bus_fifo_unpack_previous (&queue->flow, subscription, first, QUEUE_NOW_US));
}

/* The subscription ends: what cannot be handed on is counted. */
static void
test_forget (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 0);
  g_autoptr (GPtrArray) unsent = g_ptr_array_new_with_free_func (bus_parcel_free);

  append_run (queue, subscription, NULL);
  queue_append (queue, subscription, "events.one", 10);
  n_left = 4;
  g_assert_cmpuint (bus_flow_forget (&queue->flow, subscription, unsent, QUEUE_NOW_US), ==, 3);
  g_assert_cmpuint (unsent->len, ==, 3);
  queue_assert_fifo (queue, subscription, "");
  assert_lost (queue, subscription, 3);
}

#define ADD(path, function) g_test_add ("/core/fifo-run/" path, Queue, NULL, set_up, function, queue_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("unpacked", test_unpacked);
  ADD ("unpacked-size", test_unpacked_size);
  ADD ("B01-not-unpacked-in-vain", test_not_unpacked_in_vain);
  ADD ("R10-not-appended", test_not_appended);
  ADD ("R10-lost", test_lost);
  ADD ("R10-lost-in-part", test_lost_in_part);
  ADD ("R10-gaps-are-joined", test_gaps_are_joined);
  ADD ("R10-gaps-beside-are-joined", test_gaps_beside_are_joined);
  ADD ("R10-ticket-is-released", test_ticket_is_released);
  ADD ("R10-credit", test_credit);
  ADD ("R10-next-and-previous", test_next_and_previous);
  ADD ("R10-forget", test_forget);
  return g_test_run ();
}

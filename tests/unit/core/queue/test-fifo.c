/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-report.h"
#include "queue-fixture.h"
#include "queue/bus-unsettled.h"
#include "queue/bus-withheld.h"
#include "queue/bus-lane.h"

/* The FIFO of a subscription: order, gaps at the places of lost messages, credit, and the look-up by topic. Each
 * queue_assert_fifo() also checks the links, the lanes, the counts and every charge. */

#define DATA    "events.one"
#define CONTROL "control.one"

static BusSubscription *
subscribe (Queue *queue, guint64 window_messages)
{
  return queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, window_messages);
}

static BusSlot *
append (Queue *queue, BusSubscription *subscription)
{
  return queue_append (queue, subscription, DATA, 10);
}

/* The message with this accept sequence. */
static BusSlot *
slot_of (const BusSubscription *subscription, guint64 accept_seq)
{
  BusSlot *slot = subscription->fifo->first;

  while (slot->state == BUS_DELIVERY_LOST || slot->message->accept_seq != accept_seq)
    slot = slot->next;
  return slot;
}

static void
drop (Queue *queue, BusSubscription *subscription, guint64 accept_seq, BusLoss loss)
{
  bus_fifo_drop (&queue->flow, slot_of (subscription, accept_seq), loss, QUEUE_NOW_US);
}

static void
test_order (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 0);

  g_assert_null (bus_fifo_oldest (subscription));
  g_assert_null (bus_fifo_newest (subscription));
  for (guint i = 0; i < 4; i++)
    append (queue, subscription);
  queue_assert_fifo (queue, subscription, "w1 w2 w3 w4");
  bus_fifo_remove (&queue->flow, slot_of (subscription, 2), NULL);
  queue_assert_fifo (queue, subscription, "w1 w3 w4");
  bus_fifo_remove (&queue->flow, slot_of (subscription, 1), NULL);
  queue_assert_fifo (queue, subscription, "w3 w4");
  g_assert_true (bus_fifo_oldest (subscription) == slot_of (subscription, 3));
  g_assert_true (bus_fifo_newest (subscription) == slot_of (subscription, 4));
  bus_fifo_remove (&queue->flow, slot_of (subscription, 4), NULL);
  append (queue, subscription);
  queue_assert_fifo (queue, subscription, "w3 w5");
}

/* A gap counts neither as the oldest nor as the newest message. */
static void
test_oldest_and_newest (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 0);

  for (guint i = 0; i < 4; i++)
    append (queue, subscription);
  drop (queue, subscription, 1, BUS_LOSS_FULL);
  drop (queue, subscription, 4, BUS_LOSS_FULL);
  queue_assert_fifo (queue, subscription, "g1-1x1f w2 w3 g4-4x1f");
  g_assert_true (bus_fifo_oldest (subscription) == slot_of (subscription, 2));
  g_assert_true (bus_fifo_newest (subscription) == slot_of (subscription, 3));
  drop (queue, subscription, 2, BUS_LOSS_FULL);
  drop (queue, subscription, 3, BUS_LOSS_FULL);
  queue_assert_fifo (queue, subscription, "g1-4x4f");
  g_assert_null (bus_fifo_oldest (subscription));
  g_assert_null (bus_fifo_newest (subscription));
}

/* A subscription is behind since its first waiting message, not since a later one. */
static void
test_behind_since (Queue *queue, gconstpointer data)
{
  g_autoptr (Arrival) arrival = arrival_new (queue, DATA, 10);
  BusMessage *message = bus_inbound_keep (&arrival->inbound);
  BusSubscription *subscription = subscribe (queue, 0);
  BusSlot *slots[2];

  for (guint i = 0; i < 2; i++)
    slots[i] = bus_fifo_append (&queue->flow, subscription, message, NULL, &queue_deliver, QUEUE_NOW_US + i);
  g_assert_cmpint (subscription->fifo->behind_since_us, ==, QUEUE_NOW_US);
  g_assert_cmpint (slots[1]->since_us, ==, QUEUE_NOW_US + 1);
  bus_fifo_remove (&queue->flow, slots[0], NULL);
  g_assert_cmpint (subscription->fifo->behind_since_us, ==, QUEUE_NOW_US);
  bus_fifo_remove (&queue->flow, slots[1], NULL);
  g_assert_cmpint (subscription->fifo->behind_since_us, ==, 0);
}

/* --- gaps --- */

static void
test_gap_place (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 0);

  for (guint i = 0; i < 7; i++)
    append (queue, subscription);
  drop (queue, subscription, 2, BUS_LOSS_FULL);
  queue_assert_fifo (queue, subscription, "w1 g2-2x1f w3 w4 w5 w6 w7");
  drop (queue, subscription, 3, BUS_LOSS_FULL); /* the gap in front grows */
  queue_assert_fifo (queue, subscription, "w1 g2-3x2f w4 w5 w6 w7");
  drop (queue, subscription, 1, BUS_LOSS_FULL); /* the gap behind grows */
  queue_assert_fifo (queue, subscription, "g1-3x3f w4 w5 w6 w7");
  drop (queue, subscription, 5, BUS_LOSS_FULL);
  drop (queue, subscription, 6, BUS_LOSS_FULL);
  queue_assert_fifo (queue, subscription, "g1-3x3f w4 g5-6x2f w7");
  drop (queue, subscription, 4, BUS_LOSS_FULL); /* both gaps join */
  queue_assert_fifo (queue, subscription, "g1-6x6f w7");
  g_assert_cmpuint (subscription->extra->missed, ==, 6);
}

/* Between two messages there is at most one gap for each reason, with its own count. */
static void
test_gap_reasons (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 0);

  for (guint i = 0; i < 8; i++)
    append (queue, subscription);
  drop (queue, subscription, 2, BUS_LOSS_FULL);
  drop (queue, subscription, 3, BUS_LOSS_EXPIRED);
  queue_assert_fifo (queue, subscription, "w1 g2-2x1f g3-3x1e w4 w5 w6 w7 w8");
  drop (queue, subscription, 4, BUS_LOSS_FULL); /* past the other reason */
  queue_assert_fifo (queue, subscription, "w1 g2-4x2f g3-3x1e w5 w6 w7 w8");
  drop (queue, subscription, 6, BUS_LOSS_EXPIRED);
  drop (queue, subscription, 7, BUS_LOSS_LIMIT);
  queue_assert_fifo (queue, subscription, "w1 g2-4x2f g3-3x1e w5 g6-6x1e g7-7x1l w8");
  drop (queue, subscription, 5, BUS_LOSS_FULL);
  queue_assert_fifo (queue, subscription, "w1 g2-5x3f g3-6x2e g7-7x1l w8");
  g_assert_cmpuint (bus_subscription_losses (subscription)->missed_by[BUS_LOSS_FULL], ==, 3);
  g_assert_cmpuint (bus_subscription_losses (subscription)->missed_by[BUS_LOSS_EXPIRED], ==, 2);
  g_assert_cmpuint (bus_subscription_losses (subscription)->missed_by[BUS_LOSS_LIMIT], ==, 1);
}

/* A loss with a reason that neither neighbouring gap has gets its own gap; the gaps on both sides still join. */
static void
test_gap_joins_under_a_third_reason (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 0);

  for (guint i = 0; i < 3; i++)
    append (queue, subscription);
  drop (queue, subscription, 1, BUS_LOSS_FULL);
  drop (queue, subscription, 3, BUS_LOSS_FULL);
  drop (queue, subscription, 2, BUS_LOSS_NO_MEMORY);
  queue_assert_fifo (queue, subscription, "g1-3x2f g2-2x1n");
}

/* Messages are dropped when memory is short, so the slot of the message becomes the gap. */
static void
test_gap_takes_the_slot (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 1);
  BusSlot *slots[2];

  for (guint i = 0; i < G_N_ELEMENTS (slots); i++)
    slots[i] = append (queue, subscription);
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  drop (queue, subscription, 1, BUS_LOSS_FULL);
  queue_assert_fifo (queue, subscription, "g1-1x1f q2");
  g_assert_true (subscription->fifo->first == slots[0]);
  drop (queue, subscription, 2, BUS_LOSS_EXPIRED);
  queue_assert_fifo (queue, subscription, "g1-1x1f g2-2x1e");
  g_assert_true (subscription->fifo->last == slots[1]);
}

static void
test_lose (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 0);

  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_REFUSED);
  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_REFUSED);
  queue_assert_fifo (queue, subscription, "g1-3x2r g2-2x1f");
  append (queue, subscription);
  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_REFUSED);
  queue_assert_fifo (queue, subscription, "g1-3x2r g2-2x1f w4 g5-5x1r");
  g_assert_cmpuint (subscription->fifo->messages, ==, 1);
}

/* Each loss is counted for the subscription, the peer, the broker and the domain, and reported. */
static void
test_loss_is_counted (Queue *queue, gconstpointer data)
{
  guint events = bus_domain_of_topic (WIRE_SPAN_LITERAL (DATA));
  BusSubscription *first = subscribe (queue, 0);
  BusSubscription *second = queue_subscribe (queue, 2, BUS_OVERFLOW_DROP_OLDEST, 0);

  append (queue, first);
  drop (queue, first, 1, BUS_LOSS_EXPIRED);
  bus_fifo_lose (&queue->flow, second, &(BusLostAt){ WIRE_LANE_DATA, events, ++queue->accept_seq }, 1, BUS_LOSS_EXPIRED,
                 QUEUE_NOW_US);
  g_assert_cmpuint (bus_subscription_losses (first)->missed_by[BUS_LOSS_EXPIRED], ==, 1);
  g_assert_cmpuint (bus_subscription_losses (second)->missed_by[BUS_LOSS_EXPIRED], ==, 1);
  g_assert_cmpuint (queue->flow.missed, ==, 2);
  g_assert_cmpuint (bus_report_need_losses (&queue->flow)->missed_by[BUS_LOSS_EXPIRED], ==, 2);
  g_assert_cmpuint (queue->shared.missed_by[BUS_LOSS_EXPIRED], ==, 2);
  g_assert_cmpuint (queue->shared.domains[events].missed, ==, 2);
  g_assert_cmpuint (bus_subscription_losses (first)->unreported[BUS_LOSS_EXPIRED], ==, 1);
  g_assert_cmpuint (bus_subscription_losses (first)->unreported_from, ==, 1);
  g_assert_cmpint (queue_due_us (&bus_subscription_need_losses (first)->report_timer), ==, QUEUE_NOW_US);
  g_assert_cmpint (queue_due_us (&bus_subscription_need_losses (second)->report_timer), ==, QUEUE_NOW_US);
}

/* --- lanes --- */

/* Gaps of a lane join, even if messages of the other lane are between them. */
static void
test_lanes (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 0);

  for (guint i = 0; i < 3; i++)
    {
      queue_append (queue, subscription, CONTROL, 10);
      append (queue, subscription);
    }
  queue_assert_fifo (queue, subscription, "W1 w2 W3 w4 W5 w6");
  drop (queue, subscription, 3, BUS_LOSS_FULL);
  drop (queue, subscription, 2, BUS_LOSS_FULL);
  queue_assert_fifo (queue, subscription, "W1 g2-2x1f G3-3x1f w4 W5 w6");
  drop (queue, subscription, 4, BUS_LOSS_FULL);
  queue_assert_fifo (queue, subscription, "W1 g2-4x2f G3-3x1f W5 w6");
  drop (queue, subscription, 1, BUS_LOSS_FULL);
  queue_assert_fifo (queue, subscription, "g2-4x2f G1-3x2f W5 w6");
  queue_lose (queue, subscription, WIRE_LANE_CONTROL, BUS_LOSS_FULL);
  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  queue_assert_fifo (queue, subscription, "g2-4x2f G1-3x2f W5 w6 G7-7x1f g8-8x1f");
}

/* --- credit --- */

static void
test_credit_in_order (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 2);

  for (guint i = 0; i < 4; i++)
    append (queue, subscription);
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "q1 q2 w3 w4");
  g_assert_cmpuint (subscription->window.used_messages, ==, 2);
  g_assert_cmpuint (subscription->window.used_bytes, ==, 2 * 10);
  g_assert_true (queue->flow.lanes[WIRE_LANE_DATA].first->slots == slot_of (subscription, 1));
  g_assert_true (queue->flow.lanes[WIRE_LANE_DATA].last->slots == slot_of (subscription, 2));
  queue_return_credit (subscription, 1);
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "q1 q2 q3 w4");
}

/* A gap needs no credit and does not delay the messages behind it. */
static void
test_credit_past_gaps (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 2);

  for (guint i = 0; i < 4; i++)
    append (queue, subscription);
  drop (queue, subscription, 1, BUS_LOSS_FULL);
  drop (queue, subscription, 3, BUS_LOSS_FULL);
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "g1-1x1f q2 g3-3x1f q4");
}

/* When a queued message is dropped, its credit is given to the next waiting message. */
static void
test_dropped_credit (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 2);

  for (guint i = 0; i < 4; i++)
    queue_append (queue, subscription, DATA, 10 + i);
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  drop (queue, subscription, 1, BUS_LOSS_FULL);
  queue_assert_fifo (queue, subscription, "g1-1x1f q2 q3 w4");
  g_assert_cmpuint (subscription->window.used_messages, ==, 2);
  g_assert_cmpuint (subscription->window.used_bytes, ==, 11 + 12);
  drop (queue, subscription, 4, BUS_LOSS_FULL); /* it had no credit */
  queue_assert_fifo (queue, subscription, "g1-1x1f q2 q3 g4-4x1f");
  g_assert_cmpuint (subscription->window.used_messages, ==, 2);
}

/* Slots of two subscriptions share an entry; it stays until the last one is taken out. */
static void
test_shared_entry (Queue *queue, gconstpointer data)
{
  g_autoptr (Arrival) arrival = arrival_new (queue, DATA, 10);
  BusMessage *message = bus_inbound_keep (&arrival->inbound);
  BusSubscription *subscriptions[3];
  BusSlot *slots[3];
  BusEntry *entry = bus_lane_enter (&queue->flow, WIRE_LANE_DATA, message, &queue_deliver);

  for (guint i = 0; i < 3; i++)
    {
      subscriptions[i] = queue_subscribe (queue, i + 1, BUS_OVERFLOW_DROP_OLDEST, 1);
      slots[i] = bus_fifo_append (&queue->flow, subscriptions[i], message, NULL, &queue_deliver, QUEUE_NOW_US);
      bus_window_use (&subscriptions[i]->window, 10);
      bus_fifo_queue (&queue->flow, slots[i], entry);
    }
  queue_assert_fifo (queue, subscriptions[0], "q1");
  bus_fifo_remove (&queue->flow, slots[1], NULL); /* in the middle */
  queue_assert_fifo (queue, subscriptions[2], "q1");
  bus_fifo_remove (&queue->flow, slots[2], NULL);
  g_assert_true (queue->flow.lanes[WIRE_LANE_DATA].first == entry);
  queue_assert_fifo (queue, subscriptions[0], "q1");
  bus_fifo_remove (&queue->flow, slots[0], NULL);
  g_assert_null (queue->flow.lanes[WIRE_LANE_DATA].first);
  g_assert_cmpuint (message->refs, ==, 1);
}

static void
test_queue_out_of_order_asserts (void)
{
  if (g_test_subprocess ())
    {
      Queue queue = { 0 };
      BusSubscription *subscription;
      BusSlot *slot;

      queue_setup (&queue, NULL);
      subscription = subscribe (&queue, 2);
      append (&queue, subscription);
      slot = append (&queue, subscription);
      bus_fifo_queue (&queue.flow, slot, bus_lane_enter (&queue.flow, WIRE_LANE_DATA, slot->message, &queue_deliver));
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*bus_fifo_queue*");
}

/* --- tickets --- */

static void
test_tickets (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 0);
  BusSlot *slots[4];
  BusTicket *ticket = NULL;

  append (queue, subscription);
  for (guint i = 0; i < G_N_ELEMENTS (slots); i++)
    slots[i] = queue_append_held (queue, subscription, &queue->publisher, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "w1 w2 w3 w4 w5");
  g_assert_cmpuint (queue->flow.held_messages, ==, 4);

  bus_fifo_remove (&queue->flow, slots[0], NULL); /* its ticket is released */
  queue_assert_fifo (queue, subscription, "w1 w3 w4 w5");
  g_assert_cmpuint (queue->publisher.n_tickets, ==, 3);

  bus_fifo_remove (&queue->flow, slots[1], &ticket); /* handed to the caller */
  g_assert_nonnull (ticket);
  g_assert_cmpuint (subscription->records->tickets, ==, 3);
  bus_withheld_release (subscription, ticket);
  queue_assert_fifo (queue, subscription, "w1 w4 w5");

  ticket = bus_fifo_take_ticket (&queue->flow, slots[2]); /* the message stays */
  g_assert_nonnull (ticket);
  g_assert_null (bus_fifo_take_ticket (&queue->flow, slots[2]));
  bus_withheld_release (subscription, ticket);
  queue_assert_fifo (queue, subscription, "w1 w4 w5");
  g_assert_cmpuint (queue->flow.held_messages, ==, 1);

  drop (queue, subscription, 5, BUS_LOSS_FULL);
  queue_assert_fifo (queue, subscription, "w1 w4 g5-5x1f");
  g_assert_cmpuint (queue->flow.held_bytes, ==, 0);
  g_assert_cmpuint (queue->publisher.n_tickets, ==, 0);

  bus_fifo_remove (&queue->flow, bus_fifo_oldest (subscription), &ticket);
  g_assert_null (ticket);
}

/* --- time to live --- */

static BusSlot *
append_that_expires (Queue *queue, BusSubscription *subscription, guint8 kind, gint64 expires_us, gint64 due_us)
{
  g_autoptr (Arrival) arrival = arrival_new (queue, DATA, 10);
  const BusDelivery delivery = { .kind = kind, .due_us = due_us };

  arrival->inbound.expires_us = expires_us;
  return bus_fifo_append (&queue->flow, subscription, bus_inbound_keep (&arrival->inbound), NULL, &delivery,
                          QUEUE_NOW_US);
}

static void
test_expiry (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 0);
  BusSlot *message = append_that_expires (queue, subscription, WIRE_KIND_DELIVER, 30, 0);
  BusSlot *request = append_that_expires (queue, subscription, WIRE_KIND_REQUEST, 10, 20);
  BusSlot *without = append_that_expires (queue, subscription, WIRE_KIND_REQUEST, 10, 0);

  queue_assert_fifo (queue, subscription, "w1 w2 w3");
  g_assert_cmpint (queue_due_us (message->expiry), ==, 30);
  g_assert_cmpint (queue_due_us (request->expiry), ==, 20); /* of a request only its own deadline counts */
  g_assert_null (without->expiry);
  g_assert_cmpint (message->expiry->kind, ==, BUS_TIMER_EXPIRY);
  g_assert_true (message->expiry->owner == message);
  bus_fifo_remove (&queue->flow, request, NULL);
  g_assert_cmpint (bus_deadline_set_next_us (&queue->deadlines), ==, 30);
  drop (queue, subscription, 1, BUS_LOSS_EXPIRED);
  queue_assert_fifo (queue, subscription, "g1-1x1e w3");
  g_assert_cmpint (bus_deadline_set_next_us (&queue->deadlines), ==, QUEUE_NOW_US); /* only the report is left */
}

/* --- the look-up by topic --- */

#define find(queue, subscription, topic) bus_fifo_find (&(queue)->flow, subscription, WIRE_SPAN_LITERAL (topic))

static void
test_find (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_CONFLATE, 0);
  BusSlot *one = queue_append (queue, subscription, "health.one", 10);
  BusSlot *two = queue_append (queue, subscription, "health.two", 10);
  BusSlot *newer;

  g_assert_true (find (queue, subscription, "health.one") == one);
  g_assert_true (find (queue, subscription, "health.two") == two);
  g_assert_null (find (queue, subscription, "health.three"));
  g_assert_null (find (queue, subscription, "health.on"));

  newer = queue_append (queue, subscription, "health.one", 10);
  queue_assert_fifo (queue, subscription, "W1 W2 W3");
  g_assert_true (find (queue, subscription, "health.one") == newer);
  bus_fifo_remove (&queue->flow, one, NULL); /* the key lies in the newer message */
  g_assert_true (find (queue, subscription, "health.one") == newer);
  drop (queue, subscription, 3, BUS_LOSS_FULL);
  g_assert_null (find (queue, subscription, "health.one"));
  queue_assert_fifo (queue, subscription, "W2 G3-3x1f");
}

/* The look-up by topic is built when the policy changes to conflate, and freed when it changes back. */
static void
test_index_later (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 1);

  queue_append (queue, subscription, "health.one", 10);
  queue_append (queue, subscription, "health.two", 10);
  queue_append (queue, subscription, "health.one", 10);
  queue_append (queue, subscription, "health.two", 10);
  drop (queue, subscription, 4, BUS_LOSS_FULL);
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "Q1 W2 W3 G4-4x1f");
  g_assert_null (find (queue, subscription, "health.one"));

  for (guint i = 0; i < 2; i++) /* the second call has no effect */
    {
      bus_fifo_index (&queue->flow, subscription, TRUE);
      queue_assert_fifo (queue, subscription, "Q1 W2 W3 G4-4x1f");
      g_assert_true (find (queue, subscription, "health.one") == slot_of (subscription, 3));
      g_assert_true (find (queue, subscription, "health.two") == slot_of (subscription, 2));
      g_assert_false (slot_of (subscription, 1)->is_indexed);
    }
  for (guint i = 0; i < 2; i++)
    {
      bus_fifo_index (&queue->flow, subscription, FALSE);
      queue_assert_fifo (queue, subscription, "Q1 W2 W3 G4-4x1f");
      g_assert_null (find (queue, subscription, "health.one"));
      g_assert_null (subscription->fifo->by_topic);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  QUEUE_ADD ("/core/fifo/I04-order", test_order);
  QUEUE_ADD ("/core/fifo/oldest-and-newest", test_oldest_and_newest);
  QUEUE_ADD ("/core/fifo/behind-since", test_behind_since);
  QUEUE_ADD ("/core/fifo/gap/I06-place", test_gap_place);
  QUEUE_ADD ("/core/fifo/gap/I07-reasons", test_gap_reasons);
  QUEUE_ADD ("/core/fifo/gap/third-reason", test_gap_joins_under_a_third_reason);
  QUEUE_ADD ("/core/fifo/gap/R10-takes-the-slot", test_gap_takes_the_slot);
  QUEUE_ADD ("/core/fifo/gap/lose", test_lose);
  QUEUE_ADD ("/core/fifo/gap/I07-counted", test_loss_is_counted);
  QUEUE_ADD ("/core/fifo/lanes", test_lanes);
  QUEUE_ADD ("/core/fifo/credit/I04-order", test_credit_in_order);
  QUEUE_ADD ("/core/fifo/credit/past-gaps", test_credit_past_gaps);
  QUEUE_ADD ("/core/fifo/credit/dropped", test_dropped_credit);
  QUEUE_ADD ("/core/fifo/shared-entry", test_shared_entry);
  QUEUE_ADD ("/core/fifo/B04-tickets", test_tickets);
  QUEUE_ADD ("/core/fifo/expiry", test_expiry);
  QUEUE_ADD ("/core/fifo/M08-conflate/find", test_find);
  QUEUE_ADD ("/core/fifo/M08-conflate/index-later", test_index_later);
  g_test_add_func ("/core/fifo/queue-out-of-order", test_queue_out_of_order_asserts);
  return g_test_run ();
}

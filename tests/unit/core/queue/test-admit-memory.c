/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-flow-credit.h"
#include "queue/bus-unsettled.h"

#include "memory-fixture.h"
#include "queue-fixture.h"

/* Admission without memory for the small objects of a message: the message is lost as a whole, and reported. Without memory for the
 * record of its delivery, a message that was accepted waits. */

#define DATA "events.one"
#define LEN  400u /* of a payload: the message needs a larger cell than the other objects */

/* The allowance of the publisher may be of the same class, so it is made before. */
static void
use_up (Queue *queue, gsize size)
{
  arrival_free (arrival_new (queue, DATA, LEN));
  queue->accept_seq = 0;
  memory_use_up (&queue->quota.cells, size);
}

static void
tear_down (Queue *queue, gconstpointer data)
{
  memory_give_back (&queue->quota.cells);
  queue_teardown (queue, data);
}

static void
assert_admission (BusAdmission admission, guint queued, guint refused)
{
  g_assert_cmpuint (admission.queued, ==, queued);
  g_assert_cmpuint (admission.refused, ==, refused);
  g_assert_false (admission.closes);
}

/* Each subscription has lost message 1, which has left nothing behind, and gets message 2. */
static void
assert_lost (Queue *queue, BusSubscription *subscription)
{
  queue_assert_fifo (queue, subscription, "g1-1x1n");
  g_assert_cmpuint (bus_subscription_losses (subscription)->missed_by[BUS_LOSS_NO_MEMORY], ==, 1);
  g_assert_cmpuint (subscription->records->tickets, ==, 0);
  g_assert_cmpuint (subscription->window.used_messages, ==, 0);
  g_assert_cmpuint (queue->publisher.n_tickets, ==, 0);
  g_assert_cmpuint (queue->flow.held_messages, ==, 0);
  memory_give_back (&queue->quota.cells);
  assert_admission (queue_offer_from (queue, &queue->publisher, DATA, LEN), 1, 0);
  queue_assert_fifo (queue, subscription, "g1-1x1n w2");
}

static void
test_slot (Queue *queue, gconstpointer data)
{
  const BusOverflow *policy = data;
  BusSubscription *subscription = queue_subscribe (queue, 1, *policy, 0);

  use_up (queue, sizeof (BusSlot));
  assert_admission (queue_offer_from (queue, &queue->publisher, DATA, LEN), 0, 1);
  assert_lost (queue, subscription);
}

/* Offers a message with a time to live. */
static BusAdmission
offer_expiring (Queue *queue, BusSubscription *subscription)
{
  g_autoptr (Arrival) arrival = arrival_new (queue, DATA, LEN);

  arrival->inbound.expires_us = QUEUE_NOW_US + 5;
  return bus_admit (&queue->flow, &arrival->inbound, &queue_deliver, &subscription, 1, QUEUE_NOW_US);
}

static void
test_timer (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 0);

  use_up (queue, sizeof (BusTimer));
  assert_admission (offer_expiring (queue, subscription), 0, 1);
  assert_lost (queue, subscription);
}

/* A message without a time to live needs no timer. */
static void
test_no_timer (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 0);

  use_up (queue, sizeof (BusTimer));
  assert_admission (queue_offer_from (queue, &queue->publisher, DATA, LEN), 1, 0);
  queue_assert_fifo (queue, subscription, "w1");
}

static void
test_ticket (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 0);

  use_up (queue, sizeof (BusTicket));
  assert_admission (queue_offer_from (queue, &queue->publisher, DATA, LEN), 0, 1);
  assert_lost (queue, subscription);
}

/* --- with credit --- */

/* Both subscriptions have lost message 1, which has left nothing behind, and get message 2. */
static void
assert_lost_at_once (Queue *queue, const BusDelivery *delivery)
{
  BusSubscription *const *subscriptions = (BusSubscription *const *) (void *) queue->subscriptions->pdata;
  g_autoptr (Arrival) first = arrival_new (queue, DATA, LEN);
  g_autoptr (Arrival) second = NULL;

  assert_admission (bus_admit (&queue->flow, &first->inbound, delivery, subscriptions, 2, QUEUE_NOW_US), 0, 2);
  queue_assert_sent (queue, "g1-1x1n:1 g1-1x1n:2");
  for (guint i = 0; i < 2; i++)
    {
      g_assert_cmpuint (subscriptions[i]->delivered, ==, 0);
      g_assert_cmpuint (subscriptions[i]->window.used_messages, ==, 0);
      g_assert_cmpuint (subscriptions[i]->records->tickets, ==, 0);
      g_assert_null (subscriptions[i]->records->first);
    }
  memory_give_back (&queue->quota.cells);
  second = arrival_new (queue, DATA, LEN);
  assert_admission (bus_admit (&queue->flow, &second->inbound, delivery, subscriptions, 2, QUEUE_NOW_US), 2, 0);
  queue_assert_sent (queue, "d2:1,2");
  g_assert_nonnull (subscriptions[0]->records->first);
}

static void
test_now_ticket (Queue *queue, gconstpointer data)
{
  queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 10);
  queue_subscribe (queue, 2, BUS_OVERFLOW_DROP_OLDEST, 10);
  use_up (queue, sizeof (BusTicket));
  assert_lost_at_once (queue, &queue_deliver);
}

static void
test_now_record (Queue *queue, gconstpointer data)
{
  queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 10);
  queue_subscribe (queue, 2, BUS_OVERFLOW_BLOCK, 10);
  use_up (queue, G_STRUCT_OFFSET (BusSent, delivery));
  /* There is memory for one record, but not for two. */
  memory_give_back_one (&queue->quota.cells);
  assert_lost_at_once (queue, &queue_deliver);
}

static void
test_now_record_with_message (Queue *queue, gconstpointer data)
{
  static const BusDelivery kept = { .kind = WIRE_KIND_DELIVER, .is_kept = TRUE };

  queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 10);
  queue_subscribe (queue, 2, BUS_OVERFLOW_DROP_OLDEST, 10);
  use_up (queue, sizeof (BusSent));
  assert_lost_at_once (queue, &kept);
}

/* The message was accepted: it stays in its lane, and a timer tries again. */
static void
test_later_record (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 10);

  queue->limits.queue_soft_bytes = 65536;
  queue_fill_lane (queue, WIRE_LANE_DATA, 65536);
  assert_admission (queue_offer_from (queue, &queue->publisher, DATA, LEN), 1, 0);
  queue_assert_sent (queue, "p");
  use_up (queue, G_STRUCT_OFFSET (BusSent, delivery));
  bus_flow_pump (&queue->flow, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "q1");
  g_assert_cmpint (queue_due_us (&queue->flow.retry_timer), >, QUEUE_NOW_US);
  memory_give_back (&queue->quota.cells);
  bus_flow_pump (&queue->flow, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "");
  queue_assert_sent (queue, "d1:1");
  g_assert_cmpuint (subscription->records->tickets, ==, 1);
}

/* --- without memory for an entry --- */

/* The message was accepted: it waits as if it had no credit, and a timer tries again. */
static void
test_entry (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 10);

  queue->limits.queue_soft_bytes = 65536;
  queue_fill_lane (queue, WIRE_LANE_DATA, 65536);
  use_up (queue, sizeof (BusEntry));
  for (guint i = 0; i < 2; i++)
    assert_admission (queue_offer_from (queue, &queue->publisher, DATA, LEN), 1, 0);
  queue_assert_fifo (queue, subscription, "w1 w2");
  g_assert_cmpuint (subscription->window.used_messages, ==, 0);
  g_assert_cmpint (queue_due_us (&queue->flow.retry_timer), >, QUEUE_NOW_US);
  memory_give_back (&queue->quota.cells);
  bus_flow_resume (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "q1 q2");
  queue_assert_sent (queue, "p");
  bus_flow_pump (&queue->flow, QUEUE_NOW_US);
  queue_assert_sent (queue, "d1:1 d2:1");
}

/* A message that arrives does not overtake one that could not use the credit. */
static void
test_entry_of_credit (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 1);

  for (guint i = 0; i < 2; i++)
    queue_offer_from (queue, &queue->publisher, DATA, LEN);
  queue_assert_sent (queue, "d1:1");
  memory_use_up (&queue->quota.cells, sizeof (BusEntry));
  queue_return_credit (subscription, 1);
  bus_flow_credit (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "w2");
  g_assert_cmpint (queue_due_us (&queue->flow.retry_timer), >, QUEUE_NOW_US);
  memory_give_back (&queue->quota.cells);
  assert_admission (queue_offer_from (queue, &queue->publisher, DATA, LEN), 1, 0);
  queue_assert_fifo (queue, subscription, "w2 w3");
  bus_flow_resume (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_sent (queue, "d2:1");
}

/* A reply is refused if it would have to wait. */
static void
test_plain_entry (Queue *queue, gconstpointer data)
{
  static const BusDelivery reply = { .kind = WIRE_KIND_REPLY, .answers = 7 };
  g_autoptr (Arrival) arrival = NULL;

  queue->limits.queue_soft_bytes = 65536;
  queue_fill_lane (queue, WIRE_LANE_DATA, 65536);
  use_up (queue, sizeof (BusEntry));
  arrival = arrival_new (queue, DATA, LEN);
  g_assert_false (bus_admit_plain (&queue->flow, &arrival->inbound, WIRE_LANE_DATA, &reply, QUEUE_NOW_US));
  g_assert_cmpuint (queue->flow.waiting_bytes, ==, 0);
  memory_give_back (&queue->quota.cells);
  g_assert_true (bus_admit_plain (&queue->flow, &arrival->inbound, WIRE_LANE_DATA, &reply, QUEUE_NOW_US));
}

#define ADD(path, data, function) g_test_add ("/core/admit-memory/" path, Queue, data, queue_setup, function, tear_down)

int
main (int argc, char **argv)
{
  static const BusOverflow drop_oldest = BUS_OVERFLOW_DROP_OLDEST, block = BUS_OVERFLOW_BLOCK;

  g_test_init (&argc, &argv, NULL);
  ADD ("R10-slot/drop-oldest", &drop_oldest, test_slot);
  ADD ("R10-slot/block", &block, test_slot);
  ADD ("R10-timer", NULL, test_timer);
  ADD ("R10-no-timer", NULL, test_no_timer);
  ADD ("R10-ticket", NULL, test_ticket);
  ADD ("now/R10-ticket", NULL, test_now_ticket);
  ADD ("now/R10-record", NULL, test_now_record);
  ADD ("now/R10-record-with-message", NULL, test_now_record_with_message);
  ADD ("later/R10-record", NULL, test_later_record);
  ADD ("R10-entry/arrives", NULL, test_entry);
  ADD ("R10-entry/credit", NULL, test_entry_of_credit);
  ADD ("R10-entry/plain", NULL, test_plain_entry);
  return g_test_run ();
}

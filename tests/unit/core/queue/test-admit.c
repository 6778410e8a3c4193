/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-fixture.h"

/* Admission: for each subscription, an offered message is sent, waits, or is reported as lost in a gap. The policy of the
 * subscription decides which message is lost. */

#define DATA    "events.one"
#define CONTROL "control.one"

static void
assert_admission (BusAdmission admission, guint queued, guint refused, gboolean closes)
{
  g_assert_cmpuint (admission.queued, ==, queued);
  g_assert_cmpuint (admission.refused, ==, refused);
  g_assert_true (admission.closes == closes);
}

/* Fills a lane, so that it is not clear. The soft limit is lowered. */
static void
fill_lane (Queue *queue, WireLane lane, gsize bytes)
{
  queue->limits.queue_soft_bytes = 65536;
  queue_fill_lane (queue, lane, bytes);
}

/* --- at once, or waiting --- */

/* A subscription without credit does not delay the others. */
static void
test_subscription_without_credit_does_not_delay_others (Queue *queue, gconstpointer data)
{
  BusSubscription *ready = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 10);
  BusSubscription *stuck = queue_subscribe (queue, 2, BUS_OVERFLOW_DROP_OLDEST, 0);
  BusSubscription *other = queue_subscribe (queue, 3, BUS_OVERFLOW_DROP_OLDEST, 10);

  assert_admission (queue_offer (queue, DATA), 3, 0, FALSE);
  queue_assert_sent (queue, "d1:1,3");
  queue_assert_fifo (queue, stuck, "w1");
  g_assert_cmpuint (ready->window.used_messages, ==, 1);
  g_assert_cmpuint (ready->window.used_bytes, ==, 10);
  g_assert_cmpuint (other->delivered, ==, 1);
  g_assert_cmpuint (stuck->delivered, ==, 0);
}

static void
test_at_once_holds_credit (Queue *queue, gconstpointer data)
{
  BusSubscription *first = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 10);
  BusSubscription *second = queue_subscribe (queue, 2, BUS_OVERFLOW_BLOCK, 10);

  assert_admission (queue_offer (queue, DATA), 2, 0, FALSE);
  queue_assert_sent (queue, "d1:1,2");
  queue_assert_fifo (queue, first, "");
  g_assert_cmpuint (first->records->tickets, ==, 1);
  g_assert_cmpuint (second->records->tickets, ==, 1);
  g_assert_cmpuint (queue->publisher.n_tickets, ==, 1); /* one for both */
}

static void
test_gap_first (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 10);

  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  assert_admission (queue_offer (queue, DATA), 1, 0, FALSE);
  queue_assert_sent (queue, "g1-1x1f:1 d2:1");
}

/* Messages that already wait stay in front of a new one, even when there is credit. */
static void
test_behind_others (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 0);

  assert_admission (queue_offer (queue, DATA), 1, 0, FALSE);
  bus_window_init (&subscription->window, 10, 1000);
  assert_admission (queue_offer (queue, DATA), 1, 0, FALSE);
  queue_assert_sent (queue, "");
  queue_assert_fifo (queue, subscription, "w1 w2");
}

/* When the lane is full, one entry serves all subscriptions with credit. */
static void
test_shared_entry (Queue *queue, gconstpointer data)
{
  BusSubscription *first = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 10);
  BusSubscription *second = queue_subscribe (queue, 2, BUS_OVERFLOW_DROP_OLDEST, 10);

  fill_lane (queue, WIRE_LANE_DATA, 40000);
  assert_admission (queue_offer (queue, DATA), 2, 0, FALSE);
  queue_assert_fifo (queue, first, "q1");
  queue_assert_fifo (queue, second, "q1");
  g_assert_true (queue->flow.lanes[WIRE_LANE_DATA].first == queue->flow.lanes[WIRE_LANE_DATA].last);
  queue_assert_sent (queue, "p");
  bus_flow_pump (&queue->flow, QUEUE_NOW_US);
  queue_assert_sent (queue, "d1:1,2");
}

/* When the oldest message of a subscription is dropped, its credit is given to a waiting message, which enters the lane. The entry
 * of the new message is behind it. */
static void
test_entry_is_the_last (Queue *queue, gconstpointer data)
{
  BusSubscription *first = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 10);
  BusSubscription *second = queue_subscribe (queue, 2, BUS_OVERFLOW_DROP_OLDEST, 1);
  BusSubscription *third = queue_subscribe (queue, 3, BUS_OVERFLOW_DROP_OLDEST, 10);

  fill_lane (queue, WIRE_LANE_DATA, 40000);
  queue_offer (queue, DATA);
  queue_offer (queue, DATA);
  queue_assert_fifo (queue, second, "q1 w2");
  second->bounds.messages = 2;
  queue_offer (queue, DATA);
  queue_assert_fifo (queue, first, "q1 q2 q3");
  queue_assert_fifo (queue, second, "g1-1x1f q2 w3");
  queue_assert_fifo (queue, third, "q1 q2 q3");
  queue_assert_sent (queue, "p");
  bus_flow_pump (&queue->flow, QUEUE_NOW_US);
  queue_assert_sent (queue, "d1:1,3 d2:1,3 d3:1 g1-1x1f:2 d2:2 d3:3");
}

static void
test_level_is_noted (Queue *queue, gconstpointer data)
{
  queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 0);
  queue->limits.queue_soft_bytes = 65536;
  queue_offer_from (queue, &queue->publisher, DATA, 65536);
  g_assert_cmpint (queue->flow.soft_since_us, ==, QUEUE_NOW_US);
}

/* --- the policies --- */

typedef struct
{
  const char *name;
  BusOverflow policy;
  gboolean demoted;
  const char *fifo; /* after three messages were offered, of which two may wait */
  guint refused;
  gboolean closes; /* whether the peer is closed when the control lane is full */
} Policy;

static const Policy policies[] = {
  { "B01-drop-oldest", BUS_OVERFLOW_DROP_OLDEST, FALSE, "g1-1x1f w2 w3", 0, FALSE },
  { "B02-drop-newest", BUS_OVERFLOW_DROP_NEWEST, FALSE, "w1 w2 g3-3x1f", 0, TRUE },
  { "B03-error", BUS_OVERFLOW_ERROR, FALSE, "w1 w2 g3-3x1r", 1, FALSE },
  { "B04-block", BUS_OVERFLOW_BLOCK, FALSE, "w1 w2 w3", 0, FALSE },
  { "B04-demoted", BUS_OVERFLOW_BLOCK, TRUE, "g1-1x1f w2 w3", 0, FALSE },
  { "M08-conflate", BUS_OVERFLOW_CONFLATE, FALSE, "g1-1x1f w2 w3", 0, FALSE },
};

static BusSubscription *
subscribe (Queue *queue, const Policy *policy, guint64 window_messages)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, policy->policy, window_messages);

  subscription->state = policy->demoted ? BUS_SUBSCRIPTION_DEMOTED : BUS_SUBSCRIPTION_OPEN;
  return subscription;
}

/* Offers three messages to different topics; before the third one @limit is called, if there is one. */
static void
offer_three (Queue *queue, const Policy *policy, void (*limit) (Queue *queue, BusSubscription *subscription))
{
  BusSubscription *subscription = subscribe (queue, policy, 0);

  assert_admission (queue_offer (queue, "events.one"), 1, 0, FALSE);
  assert_admission (queue_offer (queue, "events.two"), 1, 0, FALSE);
  limit (queue, subscription);
  if (policy->refused > 0 || subscription->bounds.policy == BUS_OVERFLOW_DROP_NEWEST)
    assert_admission (queue_offer (queue, "events.ten"), 0, policy->refused, FALSE);
  else
    assert_admission (queue_offer (queue, "events.ten"), 1, 0, FALSE);
  queue_assert_fifo (queue, subscription, policy->fifo);
  g_assert_cmpuint (subscription->records->tickets, ==,
                    policy->policy == BUS_OVERFLOW_BLOCK && !policy->demoted ? 3 : 0);
}

static void
limit_messages (Queue *queue, BusSubscription *subscription)
{
  subscription->bounds.messages = 2;
}

static void
limit_bytes (Queue *queue, BusSubscription *subscription)
{
  subscription->bounds.bytes = subscription->fifo->bytes + subscription->fifo->last->message->body.len - 1;
}

static void
limit_hard_messages (Queue *queue, BusSubscription *subscription)
{
  queue->limits.queue_hard_messages = 2;
}

/* Sets the bound one byte below the cost of three messages. */
static void
limit_hard_bytes (Queue *queue, BusSubscription *subscription)
{
  gsize cost = bus_message_cost (subscription->fifo->last->message) + sizeof (BusSlot) + sizeof (BusEntry);

  queue->limits.queue_hard_bytes = queue->flow.waiting_bytes + cost - 1;
}

static void
test_bound_messages (Queue *queue, gconstpointer data)
{
  offer_three (queue, data, limit_messages);
}

static void
test_bound_bytes (Queue *queue, gconstpointer data)
{
  offer_three (queue, data, limit_bytes);
}

static void
test_peer_messages (Queue *queue, gconstpointer data)
{
  offer_three (queue, data, limit_hard_messages);
}

static void
test_peer_bytes (Queue *queue, gconstpointer data)
{
  offer_three (queue, data, limit_hard_bytes);
}

/* One step below each bound all three messages wait, with every policy. */
static void
test_up_to_the_bounds (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_ERROR, 0);

  queue_offer (queue, DATA);
  queue_offer (queue, DATA);
  limit_bytes (queue, subscription);
  limit_hard_bytes (queue, subscription);
  subscription->bounds.bytes++;
  subscription->bounds.messages = 3;
  queue->limits.queue_hard_bytes++;
  queue->limits.queue_hard_messages = 3;
  assert_admission (queue_offer (queue, DATA), 1, 0, FALSE);
  assert_admission (queue_offer (queue, DATA), 0, 1, FALSE);
  queue_assert_fifo (queue, subscription, "w1 w2 w3 g4-4x1r");
}

/* One message may wait, however large. */
static void
test_one_larger_than_the_bound (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 0);

  subscription->bounds.bytes = 1;
  assert_admission (queue_offer (queue, DATA), 1, 0, FALSE);
  assert_admission (queue_offer (queue, DATA), 1, 0, FALSE);
  queue_assert_fifo (queue, subscription, "g1-1x1f w2");
}

/* The policy block does not apply to messages that a peer sends to itself, or to messages of the broker: these are bounded and
 * refused. */
static void
test_block_own_messages (Queue *queue, gconstpointer data)
{
  BusLedger *publishers[] = { &queue->reader, NULL };

  for (guint i = 0; i < G_N_ELEMENTS (publishers); i++)
    {
      BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 0);

      queue->accept_seq = 0;
      subscription->bounds.messages = 2;
      for (guint j = 0; j < 2; j++)
        assert_admission (queue_offer_from (queue, publishers[i], DATA, 10), 1, 0, FALSE);
      assert_admission (queue_offer_from (queue, publishers[i], DATA, 10), 0, 1, FALSE);
      assert_admission (queue_offer (queue, DATA), 1, 0, FALSE); /* a message of another peer is still held */
      queue_assert_fifo (queue, subscription, "w1 w2 g3-3x1r w4");
      g_assert_cmpuint (subscription->records->tickets, ==, 1);
      queue_unsubscribe (queue, subscription);
    }
}

/* Messages for which publishers' credit is withheld do not count towards the bounds of the peer. */
static void
test_held_is_not_counted (Queue *queue, gconstpointer data)
{
  BusSubscription *blocks = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 0);
  BusSubscription *other;

  for (guint i = 0; i < 5; i++)
    queue_offer (queue, DATA);
  queue_assert_fifo (queue, blocks, "w1 w2 w3 w4 w5");
  other = queue_subscribe (queue, 2, BUS_OVERFLOW_ERROR, 0);
  queue->limits.queue_hard_messages = 1;
  queue->limits.queue_hard_bytes = queue->flow.waiting_bytes / 3;
  assert_admission (queue_offer (queue, DATA), 2, 0, FALSE);
  assert_admission (queue_offer (queue, DATA), 1, 1, FALSE);
  queue_assert_fifo (queue, other, "w6 g7-7x1r");
}

/* --- conflate --- */

static void
test_conflate (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_CONFLATE, 0);

  subscription->bounds.messages = 2;
  queue_offer (queue, "events.one");
  queue_offer (queue, "events.two");
  assert_admission (queue_offer (queue, "events.one"), 1, 0, FALSE); /* takes the place of the older one */
  queue_assert_fifo (queue, subscription, "g1-1x1f w2 w3");
  assert_admission (queue_offer (queue, "events.six"), 1, 0, FALSE); /* the oldest is dropped */
  queue_assert_fifo (queue, subscription, "g1-2x2f w3 w4");
  assert_admission (queue_offer (queue, "events.two"), 1, 0, FALSE);
  queue_assert_fifo (queue, subscription, "g1-3x3f w4 w5");
}

/* A newer message replaces an older one even when the bounds are exceeded; if it is larger, it has to fit. */
static void
test_conflate_bounds (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_CONFLATE, 0);

  queue_offer (queue, "events.one");
  queue_offer (queue, "events.two");
  queue_offer (queue, "events.six");
  subscription->bounds.messages = 1;
  queue_offer (queue, "events.six");
  queue_assert_fifo (queue, subscription, "w1 w2 g3-3x1f w4");
  queue_offer_from (queue, &queue->publisher, "events.six", 11);
  queue_assert_fifo (queue, subscription, "g1-4x4f w5");
}

/* --- whose messages are dropped --- */

/* Another subscription holds most of the queue: the messages of this subscription are not dropped, because that would not make
 * enough room. */
static void
test_drops_only_if_it_makes_room (Queue *queue, gconstpointer data)
{
  BusSubscription *large = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 0);
  BusSubscription *small;

  queue_append (queue, large, DATA, 10000);
  small = queue_subscribe (queue, 2, BUS_OVERFLOW_DROP_OLDEST, 0);
  g_ptr_array_remove_index (queue->subscriptions, 0); /* the following messages are offered only to the small one */
  queue->limits.queue_hard_bytes = queue->flow.waiting_bytes + 3000;
  queue_offer_from (queue, &queue->publisher, DATA, 1500);
  assert_admission (queue_offer_from (queue, &queue->publisher, DATA, 5000), 0, 0, FALSE);
  g_assert_cmpuint (small->fifo->messages, ==, 1);
  assert_admission (queue_offer_from (queue, &queue->publisher, DATA, 1500), 1, 0, FALSE);
  g_ptr_array_insert (queue->subscriptions, 0, large);
  queue_assert_fifo (queue, large, "w1");
  queue_assert_fifo (queue, small, "g2-3x2f w4");
}

/* The gap of a subscription that reads is sent at once. The gap of one that does not read waits until it reads again. */
static void
test_gap_with_credit (Queue *queue, gconstpointer data)
{
  for (guint64 window_messages = 0; window_messages < 2; window_messages++)
    {
      BusSubscription *in_front = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 10);
      BusSubscription *subscription;

      queue->accept_seq = 0;
      queue_append (queue, in_front, DATA, 10);
      bus_fifo_advance (&queue->flow, in_front, QUEUE_NOW_US);
      g_ptr_array_remove_index (queue->subscriptions, 0);
      subscription = queue_subscribe (queue, 2, BUS_OVERFLOW_ERROR, window_messages);
      queue->limits.queue_hard_messages = 1;
      assert_admission (queue_offer (queue, DATA), 0, 1, FALSE);
      g_ptr_array_add (queue->subscriptions, in_front);
      queue_assert_sent (queue, window_messages > 0 ? "g2-2x1r:2" : "");
      queue_assert_fifo (queue, subscription, window_messages > 0 ? "" : "g2-2x1r");
      queue_unsubscribe (queue, subscription);
      queue_unsubscribe (queue, in_front);
    }
}

/* --- the soft limit --- */

static void
test_soft_limit (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_ERROR, 0);
  gint64 timeout_us = (gint64) queue->limits.queue_soft_timeout_us;

  queue->limits.queue_soft_bytes = 65536;
  queue_offer_from (queue, &queue->publisher, DATA, 65000);
  queue_offer_from (queue, &queue->publisher, DATA, 65000);
  queue->flow.soft_since_us = QUEUE_NOW_US - timeout_us + 1;
  assert_admission (queue_offer (queue, DATA), 1, 0, FALSE);
  queue->flow.soft_since_us = QUEUE_NOW_US - timeout_us;
  assert_admission (queue_offer (queue, DATA), 0, 1, FALSE);
  queue_assert_fifo (queue, subscription, "w1 w2 w3 g4-4x1r");
}

/* --- the control lane --- */

static void
test_control_lane (Queue *queue, gconstpointer data)
{
  const Policy *policy = data;
  BusSubscription *subscription = subscribe (queue, policy, 0);
  gboolean keeps = policy->refused > 0 || (policy->policy == BUS_OVERFLOW_BLOCK && !policy->demoted);

  queue->limits.control_queue_bytes = 65536;
  fill_lane (queue, WIRE_LANE_CONTROL, 65536);
  assert_admission (queue_offer (queue, CONTROL), 1, 0, FALSE); /* at the limit it still fits */
  fill_lane (queue, WIRE_LANE_CONTROL, 20);
  assert_admission (queue_offer (queue, "control.two"), 0, keeps ? 1 : 0, policy->closes);
  queue_assert_fifo (queue, subscription, keeps ? "W1 G2-2x1r" : "W1 G2-2x1f");
  assert_admission (queue_offer (queue, DATA), 1, 0, FALSE); /* the data lane is not concerned */
}

/* Only dropping a message that is in the control lane makes room there. */
static void
test_control_lane_drops_its_own (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 2);

  queue->limits.control_queue_bytes = 65536;
  fill_lane (queue, WIRE_LANE_CONTROL, 65536 - 100);
  fill_lane (queue, WIRE_LANE_DATA, 40000);
  queue_offer (queue, DATA);
  queue_offer (queue, CONTROL);
  queue_offer (queue, DATA);
  queue_assert_fifo (queue, subscription, "q1 Q2 w3");
  assert_admission (queue_offer (queue, CONTROL), 1, 0, FALSE);
  queue_assert_fifo (queue, subscription, "q1 G2-2x1f q3 W4");

  fill_lane (queue, WIRE_LANE_CONTROL, 120); /* now no message of the lane is in the way */
  assert_admission (queue_offer (queue, CONTROL), 0, 0, FALSE);
  queue_assert_fifo (queue, subscription, "q1 G2-2x1f q3 W4 G5-5x1f");
}

/* --- no memory --- */

static void
test_no_memory (Queue *queue, gconstpointer data)
{
  BusSubscription *ready = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 10);
  BusSubscription *stuck = queue_subscribe (queue, 2, BUS_OVERFLOW_BLOCK, 0);

  queue_exhaust_memory (queue);
  assert_admission (queue_offer (queue, DATA), 0, 2, FALSE);
  queue_assert_fifo (queue, ready, "g1-1x1n");
  queue_assert_fifo (queue, stuck, "g1-1x1n");
  g_assert_cmpuint (ready->window.used_messages, ==, 0);
  g_assert_cmpuint (ready->delivered, ==, 0);
  g_assert_cmpuint (stuck->records->tickets, ==, 0);
  g_assert_cmpuint (queue->publisher.n_tickets, ==, 0);

  queue_allow_memory (queue);
  assert_admission (queue_offer (queue, DATA), 2, 0, FALSE);
  queue_assert_sent (queue, "g1-1x1n:1 d2:1");
}

/* There is memory for the message, but not for the gap in front of it: it waits, and a timer tries again. */
static void
test_no_memory_for_a_gap (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 10);

  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  queue->quota.cap = queue->quota.memory + 1000; /* too little for a segment */
  assert_admission (queue_offer (queue, DATA), 1, 0, FALSE);
  queue_assert_fifo (queue, subscription, "g1-1x1f q2");
  g_assert_cmpint (queue_due_us (&queue->flow.retry_timer), >, QUEUE_NOW_US);
  queue_allow_memory (queue);
  bus_flow_pump (&queue->flow, QUEUE_NOW_US);
  queue_assert_sent (queue, "g1-1x1f:1 d2:1");
}

static void
add_for_each_policy (const char *where, void (*function) (Queue *queue, gconstpointer data))
{
  for (guint i = 0; i < G_N_ELEMENTS (policies); i++)
    {
      g_autofree char *path = g_strdup_printf ("/core/admit/%s/%s", where, policies[i].name);

      g_test_add (path, Queue, &policies[i], queue_setup, function, queue_teardown);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  QUEUE_ADD ("/core/admit/now/B06-subscription-without-credit-does-not-delay-others",
             test_subscription_without_credit_does_not_delay_others);
  QUEUE_ADD ("/core/admit/now/B04-holds-credit", test_at_once_holds_credit);
  QUEUE_ADD ("/core/admit/now/gap-first", test_gap_first);
  QUEUE_ADD ("/core/admit/wait/I04-behind-others", test_behind_others);
  QUEUE_ADD ("/core/admit/wait/shared-entry", test_shared_entry);
  QUEUE_ADD ("/core/admit/wait/I04-entry-is-the-last", test_entry_is_the_last);
  QUEUE_ADD ("/core/admit/wait/level", test_level_is_noted);
  add_for_each_policy ("subscription-messages", test_bound_messages);
  add_for_each_policy ("subscription-bytes", test_bound_bytes);
  add_for_each_policy ("peer-messages", test_peer_messages);
  add_for_each_policy ("peer-bytes", test_peer_bytes);
  QUEUE_ADD ("/core/admit/up-to-the-bounds", test_up_to_the_bounds);
  QUEUE_ADD ("/core/admit/one-larger-than-the-bound", test_one_larger_than_the_bound);
  QUEUE_ADD ("/core/admit/block/B07-own-messages", test_block_own_messages);
  QUEUE_ADD ("/core/admit/block/B04-B06-held-is-not-counted", test_held_is_not_counted);
  QUEUE_ADD ("/core/admit/conflate/M08-topics", test_conflate);
  QUEUE_ADD ("/core/admit/conflate/bounds", test_conflate_bounds);
  QUEUE_ADD ("/core/admit/B01-drops-only-if-it-makes-room", test_drops_only_if_it_makes_room);
  QUEUE_ADD ("/core/admit/gap-with-credit", test_gap_with_credit);
  QUEUE_ADD ("/core/admit/R04-soft-limit", test_soft_limit);
  add_for_each_policy ("control-lane", test_control_lane);
  QUEUE_ADD ("/core/admit/control-lane/drops-its-own", test_control_lane_drops_its_own);
  QUEUE_ADD ("/core/admit/R10-no-memory/message", test_no_memory);
  QUEUE_ADD ("/core/admit/R10-no-memory/gap", test_no_memory_for_a_gap);
  return g_test_run ();
}

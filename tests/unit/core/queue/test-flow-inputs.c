/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-fixture.h"
#include "queue/bus-flow-credit.h"
#include "queue/bus-lane.h"
#include "queue/bus-report.h"

/* The flow's other inputs: returned credit, the end of a time to live, the end of a subscription and of the peer, and the
 * soft limit. */

#define DATA "events.one"

static BusSubscription *
subscribe (Queue *queue, guint64 window_messages)
{
  return queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, window_messages);
}

static void
append (Queue *queue, BusSubscription *subscription, guint n)
{
  for (guint i = 0; i < n; i++)
    queue_append (queue, subscription, DATA, 10);
}

static BusSlot *
append_until (Queue *queue, BusSubscription *subscription, guint8 kind, gint64 end_us)
{
  g_autoptr (Arrival) arrival = arrival_new (queue, DATA, 10);
  const BusDelivery delivery = { .kind = kind, .due_us = kind == WIRE_KIND_REQUEST ? end_us : 0 };

  arrival->inbound.expires_us = end_us;
  return bus_fifo_append (&queue->flow, subscription, bus_inbound_keep (&arrival->inbound), NULL, &delivery,
                          QUEUE_NOW_US);
}

/* --- credit --- */

/* Returned credit releases tickets, and waiting messages are queued and sent. */
static void
test_credit (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 1);

  queue_append_held (queue, subscription, &queue->publisher, QUEUE_NOW_US);
  queue_append_held (queue, subscription, &queue->publisher, QUEUE_NOW_US);
  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  bus_flow_credit (&queue->flow, subscription, QUEUE_NOW_US); /* no credit has returned, but some is left */
  queue_assert_sent (queue, "d1:1");
  queue_assert_fifo (queue, subscription, "w2 g3-3x1f");
  g_assert_cmpuint (subscription->records->tickets, ==, 2);
  queue_return_credit (subscription, 1);
  bus_flow_credit (&queue->flow, subscription, QUEUE_NOW_US + 1);
  queue_assert_sent (queue, "d2:1 g3-3x1f:1");
  g_assert_cmpuint (subscription->records->tickets, ==, 1);
  queue_return_credit (subscription, 1);
  bus_flow_credit (&queue->flow, subscription, QUEUE_NOW_US + 2);
  g_assert_cmpuint (subscription->records->tickets, ==, 0);
  queue_assert_fifo (queue, subscription, "");
}

/* A gap of a lane in which nothing is queued has no message to carry it. */
static void
test_gap_without_a_message_is_sent (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 0);

  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  bus_flow_credit (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_sent (queue, "g1-1x1f:1");
}

/* Only a timer sends a gap that credit cannot send because the lane has no room. */
static void
test_credit_for_a_gap_without_room (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 0);

  queue->limits.queue_soft_bytes = 65536;
  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  g_assert_true (queue_pop_timer (queue, QUEUE_NOW_US) == &bus_subscription_need_losses (subscription)->report_timer);
  queue_fill_lane (queue, WIRE_LANE_DATA, 40000);
  bus_subscription_need_losses (subscription)->report_next_us = QUEUE_NOW_US + 5;
  bus_flow_credit (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_sent (queue, "p");
  queue_assert_fifo (queue, subscription, "g1-1x1f");
  g_assert_cmpint (queue_due_us (&bus_subscription_need_losses (subscription)->report_timer), ==, QUEUE_NOW_US + 5);
}

static void
test_credit_ends_a_demotion (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 2);

  append (queue, subscription, 3);
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  bus_flow_pump (&queue->flow, QUEUE_NOW_US);
  subscription->state = BUS_SUBSCRIPTION_DEMOTED;
  queue_return_credit (subscription, 2);
  bus_flow_credit (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_sent (queue, "d1:1 d2:1 d3:1");
  g_assert_false (bus_subscription_is_demoted (subscription));
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported_changes, ==, BUS_CHANGE_DRAINED);

  /* The same without a message to send. */
  subscription->state = BUS_SUBSCRIPTION_DEMOTED;
  queue_return_credit (subscription, 1);
  bus_flow_credit (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_sent (queue, "");
  g_assert_false (bus_subscription_is_demoted (subscription));
}

/* --- time to live --- */

static void
test_expire (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 0);
  BusSlot *slot = append_until (queue, subscription, WIRE_KIND_DELIVER, QUEUE_NOW_US + 5);

  append (queue, subscription, 1);
  bus_flow_expire (&queue->flow, slot, QUEUE_NOW_US + 5);
  queue_assert_fifo (queue, subscription, "g1-1x1e w2"); /* the client does not read, so the gap waits */
  queue_assert_sent (queue, "");
  g_assert_cmpuint (bus_subscription_losses (subscription)->missed_by[BUS_LOSS_EXPIRED], ==, 1);

  bus_window_init (&subscription->window, 5, 5000);
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  bus_flow_expire (&queue->flow, bus_fifo_oldest (subscription), QUEUE_NOW_US + 6);
  queue_assert_sent (queue, "g1-2x2e:1");
}

/* An expired request is not a loss of the server, because its requester does not wait any more. */
static void
test_expire_request (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 1);
  BusSlot *first = append_until (queue, subscription, WIRE_KIND_REQUEST, QUEUE_NOW_US + 5);
  BusSlot *third;

  append_until (queue, subscription, WIRE_KIND_REQUEST, QUEUE_NOW_US + 50);
  third = append_until (queue, subscription, WIRE_KIND_REQUEST, QUEUE_NOW_US + 5);
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "q1 w2 w3");
  bus_flow_expire (&queue->flow, first, QUEUE_NOW_US + 5);
  queue_assert_fifo (queue, subscription, "q2 w3");
  bus_flow_expire (&queue->flow, third, QUEUE_NOW_US + 5);
  queue_assert_fifo (queue, subscription, "q2");
  g_assert_cmpuint (subscription->extra->missed, ==, 0);
  g_assert_cmpuint (subscription->window.used_messages, ==, 1);
}

/* When a request is dropped, the gap behind it comes to the head of its lane. It is sent if the window is open, otherwise by
 * the report timer. */
static void
test_gap_behind_a_request (Queue *queue, gconstpointer data)
{
  static const char *const lanes[] = { "control.one", DATA };

  for (guint lane = 0; lane < WIRE_N_LANES; lane++)
    for (guint window = 0; window < 2; window++)
      {
        BusSubscription *subscription
            = queue_subscribe (queue, 1 + lane * 2 + window, BUS_OVERFLOW_DROP_OLDEST, window);
        BusSlot *request = queue_append (queue, subscription, lanes[lane], 10);

        queue_lose (queue, subscription, (WireLane) lane, BUS_LOSS_FULL);
        g_assert_true (queue_pop_timer (queue, QUEUE_NOW_US)
                       == &bus_subscription_need_losses (subscription)->report_timer);
        bus_flow_discard_request (&queue->flow, request, QUEUE_NOW_US);
        g_assert_cmpuint (subscription->fifo->gaps[lane], ==, 1 - window);
        g_assert_cmpint (queue_due_us (&bus_subscription_need_losses (subscription)->report_timer), ==,
                         window == 0 ? QUEUE_NOW_US : 0);
        queue_pop_timer (queue, QUEUE_NOW_US);
      }
}

/* Without a gap there is nothing to send. */
static void
test_nothing_behind_a_request (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 0);
  BusSlot *request = queue_append (queue, subscription, DATA, 10);

  append (queue, subscription, 1);
  bus_flow_discard_request (&queue->flow, request, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "w2");
  g_assert_cmpint (queue_due_us (&bus_subscription_need_losses (subscription)->report_timer), ==, 0);
}

/* An expired message is not sent, even if its timer has not been handled yet. */
static void
test_expired_is_not_sent (Queue *queue, gconstpointer data)
{
  BusSubscription *first = subscribe (queue, 2);
  BusSubscription *second = queue_subscribe (queue, 2, BUS_OVERFLOW_DROP_OLDEST, 2);

  queue_enter_shared (queue, first, second, QUEUE_NOW_US + 5);
  queue_enter_shared (queue, first, second, QUEUE_NOW_US + 6);
  bus_flow_pump (&queue->flow, QUEUE_NOW_US + 5);
  queue_assert_sent (queue, "g1-1x1e:2 g1-1x1e:1 d2:1,2");
  g_assert_cmpuint (queue->last_remaining_us, ==, 1);
  g_assert_cmpuint (queue->flow.missed, ==, 2);
}

static void
test_expiry_ends_a_demotion (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 2);
  BusSlot *slot = append_until (queue, subscription, WIRE_KIND_DELIVER, QUEUE_NOW_US + 5);

  subscription->state = BUS_SUBSCRIPTION_DEMOTED;
  bus_flow_expire (&queue->flow, slot, QUEUE_NOW_US + 5);
  g_assert_false (bus_subscription_is_demoted (subscription));
}

/* --- leaving --- */

static void
test_forget (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 2);
  g_autoptr (GPtrArray) unsent = g_ptr_array_new_with_free_func (bus_parcel_free);
  static const guint64 sequences[] = { 2, 4, 5 };

  queue_append_held (queue, subscription, &queue->publisher, QUEUE_NOW_US);
  bus_flow_credit (&queue->flow, subscription, QUEUE_NOW_US);
  append (queue, subscription, 1);
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  queue_append_held (queue, subscription, &queue->other, QUEUE_NOW_US);
  append (queue, subscription, 1);
  subscription->fifo->last->delivery.to_each = TRUE;
  queue_assert_fifo (queue, subscription, "q2 g3-3x1f w4 w5");

  g_assert_cmpuint (bus_flow_forget (&queue->flow, subscription, unsent, QUEUE_NOW_US), ==, 3);
  queue_assert_fifo (queue, subscription, "");
  g_assert_cmpuint (unsent->len, ==, 3);
  for (guint i = 0; i < unsent->len; i++)
    {
      const BusParcel *parcel = g_ptr_array_index (unsent, i);

      g_assert_cmpuint (parcel->message->accept_seq, ==, sequences[i]);
      g_assert_true ((parcel->ticket != NULL) == (i == 1));
      g_assert_true (parcel->delivery.to_each == (i == 2));
    }
  g_assert_cmpuint (subscription->window.used_messages, ==, 1); /* the sent message */
  g_assert_cmpuint (subscription->extra->missed, ==, 1);
  g_assert_cmpint (queue_due_us (&subscription->records->block_timer), ==, 0);
  g_assert_cmpuint (queue->publisher.n_tickets, ==, 0);
  g_assert_cmpuint (queue->other.n_tickets, ==, 1); /* the parcel holds the ticket */
  queue_assert_sent (queue, "d1:1");
}

static void
test_forget_without_parcels (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 0);

  g_assert_cmpuint (bus_flow_forget (&queue->flow, subscription, NULL, QUEUE_NOW_US), ==, 0);
  queue_append_held (queue, subscription, &queue->publisher, QUEUE_NOW_US);
  append (queue, subscription, 1);
  g_assert_cmpuint (bus_flow_forget (&queue->flow, subscription, NULL, QUEUE_NOW_US), ==, 2);
  queue_assert_fifo (queue, subscription, "");
  g_assert_cmpuint (queue->publisher.n_tickets, ==, 0);
  g_assert_cmpuint (queue->quota.memory, ==, 0);
}

/* Nothing is encoded behind GOODBYE; answers are dropped, and subscriptions are forgotten one by one. */
static void
test_end (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 4);
  g_autoptr (Arrival) arrival = arrival_new (queue, DATA, 10);
  BusMessage *message = bus_inbound_keep (&arrival->inbound);

  bus_lane_enter_plain (&queue->flow, WIRE_LANE_DATA, message, &queue_deliver);
  append (queue, subscription, 1);
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  bus_lane_enter_plain (&queue->flow, WIRE_LANE_DATA, message, &queue_deliver);
  bus_flow_end (&queue->flow);
  g_assert_cmpuint (message->refs, ==, 1);
  queue_assert_fifo (queue, subscription, "q2");
  g_assert_false (bus_flow_lane_is_clear (&queue->flow, WIRE_LANE_CONTROL));
  bus_flow_pump (&queue->flow, QUEUE_NOW_US);
  queue_lose (queue, subscription, WIRE_LANE_CONTROL, BUS_LOSS_FULL);
  bus_flow_send_gaps (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_sent (queue, "");
  queue_assert_fifo (queue, subscription, "q2 G3-3x1f");
}

/* --- the soft limit --- */

static void
test_level (Queue *queue, gconstpointer data)
{
  BusFlow *flow = &queue->flow;

  queue->limits.queue_soft_bytes = 65536;
  queue_fill_lane (queue, WIRE_LANE_DATA, 65535);
  bus_flow_note_level (flow, QUEUE_NOW_US);
  g_assert_cmpint (flow->soft_since_us, ==, 0);
  g_assert_cmpint (queue_due_us (&bus_report_need_losses (flow)->report_timer), ==, 0);
  bus_outq_drop (&flow->outq, WIRE_LANE_DATA);

  queue_fill_lane (queue, WIRE_LANE_DATA, 65536);
  bus_flow_note_level (flow, QUEUE_NOW_US);
  bus_flow_note_level (flow, QUEUE_NOW_US + 9);
  g_assert_cmpint (flow->soft_since_us, ==, QUEUE_NOW_US);
  g_assert_true (queue_pop_timer (queue, QUEUE_NOW_US) == &bus_report_need_losses (flow)->report_timer);
  bus_flow_note_level (flow, QUEUE_NOW_US + 10); /* nothing has changed */
  g_assert_cmpint (queue_due_us (&bus_report_need_losses (flow)->report_timer), ==, 0);

  /* Below the limit again: reported only if the rise was reported. Sending lowers the level, too. */
  bus_outq_drop (&flow->outq, WIRE_LANE_DATA);
  bus_flow_pump (flow, QUEUE_NOW_US + 11);
  g_assert_cmpint (flow->soft_since_us, ==, 0);
  g_assert_cmpint (queue_due_us (&bus_report_need_losses (flow)->report_timer), ==, 0);
  flow->reported_soft = TRUE;
  bus_flow_note_level (flow, QUEUE_NOW_US + 12);
  g_assert_cmpint (queue_due_us (&bus_report_need_losses (flow)->report_timer), ==, QUEUE_NOW_US + 12);
}

/* Waiting messages count as well. */
static void
test_level_counts_waiting_messages (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 0);

  queue->limits.queue_soft_bytes = 65536;
  queue_append (queue, subscription, DATA, 65536);
  g_assert_cmpuint (bus_flow_bytes (&queue->flow), ==, queue->flow.waiting_bytes);
  bus_flow_note_level (&queue->flow, QUEUE_NOW_US);
  g_assert_cmpint (queue->flow.soft_since_us, ==, QUEUE_NOW_US);
}

static void
test_oldest (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 0);

  g_assert_cmpint (bus_flow_oldest_us (subscription, QUEUE_NOW_US), ==, 0);
  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  g_assert_cmpint (bus_flow_oldest_us (subscription, QUEUE_NOW_US), ==, 0);
  append (queue, subscription, 2);
  g_assert_cmpint (bus_flow_oldest_us (subscription, QUEUE_NOW_US), ==, 1);
  g_assert_cmpint (bus_flow_oldest_us (subscription, QUEUE_NOW_US + 50), ==, 50);
}

static void
test_clear_with_an_entry_asserts (void)
{
  if (g_test_subprocess ())
    {
      Queue queue = { 0 };
      BusSubscription *subscription;

      queue_setup (&queue, NULL);
      subscription = subscribe (&queue, 1);
      append (&queue, subscription, 1);
      bus_fifo_advance (&queue.flow, subscription, QUEUE_NOW_US);
      bus_flow_clear (&queue.flow);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*bus_flow_clear*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  QUEUE_ADD ("/core/flow/credit/B04-tickets", test_credit);
  QUEUE_ADD ("/core/flow/credit/gap-without-a-message-is-sent", test_gap_without_a_message_is_sent);
  QUEUE_ADD ("/core/flow/credit/I20-gap-without-room", test_credit_for_a_gap_without_room);
  QUEUE_ADD ("/core/flow/credit/ends-a-demotion", test_credit_ends_a_demotion);
  QUEUE_ADD ("/core/flow/expire/message", test_expire);
  QUEUE_ADD ("/core/flow/expire/request", test_expire_request);
  QUEUE_ADD ("/core/flow/expire/I20-gap-behind-a-request", test_gap_behind_a_request);
  QUEUE_ADD ("/core/flow/expire/nothing-behind-a-request", test_nothing_behind_a_request);
  QUEUE_ADD ("/core/flow/expire/not-sent", test_expired_is_not_sent);
  QUEUE_ADD ("/core/flow/expire/ends-a-demotion", test_expiry_ends_a_demotion);
  QUEUE_ADD ("/core/flow/forget/M06-parcels", test_forget);
  QUEUE_ADD ("/core/flow/forget/without-parcels", test_forget_without_parcels);
  QUEUE_ADD ("/core/flow/end", test_end);
  QUEUE_ADD ("/core/flow/level/limit", test_level);
  QUEUE_ADD ("/core/flow/level/waiting-messages", test_level_counts_waiting_messages);
  QUEUE_ADD ("/core/flow/oldest", test_oldest);
  g_test_add_func ("/core/flow/clear-with-an-entry", test_clear_with_an_entry_asserts);
  return g_test_run ();
}

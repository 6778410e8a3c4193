/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-fixture.h"
#include "queue/bus-unsettled.h"
#include "queue/bus-withheld.h"
#include "queue/bus-lane.h"

/* Encoding: messages in order, gaps at their places, within the room of the lanes. A message for which there is no memory stays
 * and is tried again. Linked with --wrap, so that the allocation for a gap can fail after that for a message succeeded. */

#define DATA    "events.one"
#define CONTROL "control.one"

static gboolean refuses_gaps;

gboolean
__real_bus_outq_put (BusOutq *outq, WireLane lane, guint8 kind, guint8 flags, const WireEnvelope *stamp, WireSpan body);
gboolean
__wrap_bus_outq_put (BusOutq *outq, WireLane lane, guint8 kind, guint8 flags, const WireEnvelope *stamp, WireSpan body);

gboolean
__wrap_bus_outq_put (BusOutq *outq, WireLane lane, guint8 kind, guint8 flags, const WireEnvelope *stamp, WireSpan body)
{
  return !(refuses_gaps && kind == WIRE_KIND_GAP) && __real_bus_outq_put (outq, lane, kind, flags, stamp, body);
}

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

/* --- at once --- */

static gboolean
encode_now (Queue *queue, Arrival *arrival, guint n)
{
  for (guint i = 0; i < n; i++)
    queue->shared.ready[i] = g_ptr_array_index (queue->subscriptions, i);
  return bus_flow_encode_now (&queue->flow, &arrival->inbound, WIRE_LANE_DATA, &queue_deliver, n, QUEUE_NOW_US);
}

/* One frame names all subscriptions; a small message is copied and not kept. */
static void
test_encode_now (Queue *queue, gconstpointer data)
{
  g_autoptr (Arrival) arrival = arrival_new (queue, DATA, 10);

  for (guint id = 1; id <= 3; id++)
    queue_subscribe (queue, id, BUS_OVERFLOW_DROP_OLDEST, 10);
  g_assert_true (encode_now (queue, arrival, 3));
  g_assert_null (arrival->inbound.kept);
  g_assert_cmpuint (queue->flow.waiting_bytes, ==, 0);
  queue_assert_sent (queue, "d1:1,2,3");
  g_assert_cmpuint (queue->last_remaining_us, ==, 0);
}

static void
test_large_payload_is_referenced (Queue *queue, gconstpointer data)
{
  g_autoptr (Arrival) large = arrival_new (queue, DATA, 9000);

  queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 10);
  g_assert_true (encode_now (queue, large, 1));
  g_assert_nonnull (large->inbound.kept);
  g_assert_cmpuint (large->inbound.kept->refs, ==, 2);
  queue_assert_sent (queue, "d1:1");
  g_assert_cmpuint (large->inbound.kept->refs, ==, 1);
}

static void
test_encode_now_no_memory (Queue *queue, gconstpointer data)
{
  g_autoptr (Arrival) small = arrival_new (queue, DATA, 10);
  g_autoptr (Arrival) large = arrival_new (queue, DATA, 9000);

  queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 10);
  queue_exhaust_memory (queue);
  g_assert_false (encode_now (queue, small, 1));
  g_assert_false (encode_now (queue, large, 1));
  g_assert_null (large->inbound.kept);
  g_assert_cmpuint (queue->quota.charged, ==, 0);
  queue_assert_sent (queue, "");

  /* A segment has room for both, but a large message is not copied. */
  queue_allow_memory (queue);
  queue_fill_lane (queue, WIRE_LANE_DATA, 4000);
  queue_fill_lane (queue, WIRE_LANE_DATA, 4000);
  queue_exhaust_memory (queue);
  g_assert_false (encode_now (queue, large, 1));
  g_assert_true (encode_now (queue, small, 1));
  queue_assert_sent (queue, "p p d1:1");
}

/* A frame contains the rest of the time to live or of the time of a request; at least one microsecond. */
static void
test_remaining (Queue *queue, gconstpointer data)
{
  g_autoptr (Arrival) arrival = arrival_new (queue, DATA, 10);
  const BusDelivery request = { .kind = WIRE_KIND_REQUEST, .due_us = QUEUE_NOW_US + 70 };

  queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 10);
  arrival->inbound.expires_us = QUEUE_NOW_US + 500;
  g_assert_true (encode_now (queue, arrival, 1));
  queue_assert_sent (queue, "d1:1");
  g_assert_cmpuint (queue->last_remaining_us, ==, 500);
  g_assert_true (bus_flow_encode_now (&queue->flow, &arrival->inbound, WIRE_LANE_DATA, &request, 1, QUEUE_NOW_US));
  queue_assert_sent (queue, "r1:1");
  g_assert_cmpuint (queue->last_remaining_us, ==, 70);
  arrival->inbound.expires_us = QUEUE_NOW_US - 5;
  g_assert_true (encode_now (queue, arrival, 1));
  queue_assert_sent (queue, "d1:1");
  g_assert_cmpuint (queue->last_remaining_us, ==, 1);
}

static void
test_delivered (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 10);
  g_autoptr (Arrival) arrival = arrival_new (queue, DATA, 10);

  bus_flow_delivered (&queue->flow, subscription, 3, NULL, NULL, NULL, QUEUE_NOW_US);
  bus_withheld_note_ticket (&queue->flow, subscription, QUEUE_NOW_US);
  bus_flow_delivered (&queue->flow, subscription, 3, bus_inbound_ticket (&arrival->inbound, QUEUE_NOW_US), NULL, NULL,
                      QUEUE_NOW_US);
  g_assert_cmpuint (subscription->delivered, ==, 2);
  g_assert_cmpuint (queue->flow.delivered, ==, 2);
  g_assert_cmpuint (queue->shared.domains[3].delivered, ==, 2);
  g_assert_cmpuint (subscription->records->first->index, ==, 2);
}

/* --- room --- */

static void
test_lane_is_clear (Queue *queue, gconstpointer data)
{
  gsize max;

  queue->limits.queue_soft_bytes = 65536;
  max = queue->limits.queue_soft_bytes / 2;
  g_assert_true (bus_flow_lane_is_clear (&queue->flow, WIRE_LANE_DATA));
  queue_fill_lane (queue, WIRE_LANE_DATA, max - 20);
  g_assert_true (bus_flow_lane_is_clear (&queue->flow, WIRE_LANE_DATA));
  queue_fill_lane (queue, WIRE_LANE_DATA, 20);
  g_assert_false (bus_flow_lane_is_clear (&queue->flow, WIRE_LANE_DATA));
  g_assert_true (bus_flow_lane_is_clear (&queue->flow, WIRE_LANE_CONTROL));
  bus_outq_drop (&queue->flow.outq, WIRE_LANE_DATA);
  g_assert_true (bus_flow_lane_is_clear (&queue->flow, WIRE_LANE_DATA));

  queue->limits.queue_soft_bytes = 1u << 22;
  queue_fill_lane (queue, WIRE_LANE_CONTROL, BUS_FLOW_ENCODED_MAX - 20);
  g_assert_true (bus_flow_lane_is_clear (&queue->flow, WIRE_LANE_CONTROL));
  queue_fill_lane (queue, WIRE_LANE_CONTROL, 20);
  g_assert_false (bus_flow_lane_is_clear (&queue->flow, WIRE_LANE_CONTROL));
}

static void
test_lane_with_an_entry_is_not_clear (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 1);

  append (queue, subscription, 1);
  g_assert_true (bus_flow_lane_is_clear (&queue->flow, WIRE_LANE_DATA)); /* it waits for credit, not in the lane */
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  g_assert_false (bus_flow_lane_is_clear (&queue->flow, WIRE_LANE_DATA));
  g_assert_true (bus_flow_lane_is_clear (&queue->flow, WIRE_LANE_CONTROL));
}

/* Entries wait when enough bytes are encoded, and are encoded after these were sent. */
static void
test_pump_fills_the_lane (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 10);

  queue->limits.queue_soft_bytes = 65536;
  for (guint i = 0; i < 6; i++)
    queue_append (queue, subscription, DATA, 10000);
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  bus_flow_pump (&queue->flow, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "q5 q6");
  queue_assert_sent (queue, "d1:1 d2:1 d3:1 d4:1");
  bus_flow_pump (&queue->flow, QUEUE_NOW_US);
  queue_assert_sent (queue, "d5:1 d6:1");
}

/* --- order --- */

static void
test_pump_in_order (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 3);

  append (queue, subscription, 5);
  bus_flow_pump (&queue->flow, QUEUE_NOW_US);
  queue_assert_sent (queue, ""); /* without credit nothing is in a lane */
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  bus_flow_pump (&queue->flow, QUEUE_NOW_US);
  queue_assert_sent (queue, "d1:1 d2:1 d3:1");
  queue_assert_fifo (queue, subscription, "w4 w5");
  g_assert_cmpuint (subscription->delivered, ==, 3);
  g_assert_cmpuint (queue->flow.delivered, ==, 3);
}

static void
test_pump_gaps_at_their_places (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 2);

  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  append (queue, subscription, 1);
  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  append (queue, subscription, 1);
  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  append (queue, subscription, 1);
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "g1-1x1f q2 g3-3x1f q4 g5-5x1f w6");
  bus_flow_pump (&queue->flow, QUEUE_NOW_US);
  queue_assert_sent (queue, "g1-1x1f:1 d2:1 g3-3x1f:1 d4:1 g5-5x1f:1");
  queue_assert_fifo (queue, subscription, "w6");
}

static void
test_pump_shared_entry (Queue *queue, gconstpointer data)
{
  BusSubscription *first = subscribe (queue, 2);
  BusSubscription *second = queue_subscribe (queue, 2, BUS_OVERFLOW_DROP_OLDEST, 2);

  queue_lose (queue, second, WIRE_LANE_DATA, BUS_LOSS_FULL);
  queue_enter_shared (queue, first, second, 0);
  queue_lose (queue, first, WIRE_LANE_DATA, BUS_LOSS_FULL);
  bus_flow_pump (&queue->flow, QUEUE_NOW_US);
  queue_assert_sent (queue, "g1-1x1f:2 d2:1,2 g3-3x1f:1");
  queue_assert_fifo (queue, first, "");
  queue_assert_fifo (queue, second, "");
  g_assert_cmpuint (first->delivered, ==, 1);
  g_assert_cmpuint (second->delivered, ==, 1);
  g_assert_cmpuint (queue->flow.delivered, ==, 2);
}

/* Waiting messages of the control lane are sent first. */
static void
test_pump_control_first (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 4);

  append (queue, subscription, 2);
  queue_append (queue, subscription, CONTROL, 10);
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  bus_flow_pump (&queue->flow, QUEUE_NOW_US);
  queue_assert_sent (queue, "d3:1 d1:1 d2:1");
}

/* An answer for the peer itself keeps its place in the order, needs no credit and does not expire. */
static void
test_pump_plain (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 4);
  g_autoptr (Arrival) arrival = arrival_new (queue, DATA, 10);
  const BusDelivery reply = { .kind = WIRE_KIND_REPLY, .answers = 7 };

  append (queue, subscription, 1);
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  arrival->inbound.expires_us = QUEUE_NOW_US - 1;
  bus_lane_enter_plain (&queue->flow, WIRE_LANE_DATA, bus_inbound_keep (&arrival->inbound), &reply);
  append (queue, subscription, 1);
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  bus_flow_pump (&queue->flow, QUEUE_NOW_US);
  queue_assert_sent (queue, "d2:1 a1 d3:1");
  g_assert_cmpuint (queue->flow.delivered, ==, 2);
}

/* --- gaps --- */

/* Gaps at the head of their lane are sent, even if slots of the other lane are in front of them. */
static void
test_first_gaps (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 0);

  queue_append (queue, subscription, CONTROL, 10);
  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_LIMIT);
  append (queue, subscription, 1);
  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  queue_lose (queue, subscription, WIRE_LANE_CONTROL, BUS_LOSS_FULL);
  queue_assert_fifo (queue, subscription, "W1 g2-2x1f g3-3x1l w4 g5-5x1f G6-6x1f");
  g_assert_true (bus_flow_send_first_gaps (&queue->flow, subscription, WIRE_LANE_CONTROL));
  queue_assert_sent (queue, "");
  g_assert_true (bus_flow_send_first_gaps (&queue->flow, subscription, WIRE_LANE_DATA));
  queue_assert_sent (queue, "g2-2x1f:1 g3-3x1l:1");
  queue_assert_fifo (queue, subscription, "W1 w4 g5-5x1f G6-6x1f");
}

static void
test_gap_without_memory_stays (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 0);

  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  g_assert_true (queue_pop_timer (queue, QUEUE_NOW_US) == &bus_subscription_need_losses (subscription)->report_timer);
  queue_exhaust_memory (queue);
  g_assert_false (bus_flow_send_first_gaps (&queue->flow, subscription, WIRE_LANE_DATA));
  g_assert_cmpint (queue_due_us (&bus_subscription_need_losses (subscription)->report_timer), ==, 0);
  bus_flow_send_gaps (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "g1-1x1f");
  g_assert_true (queue_pop_timer (queue, QUEUE_NOW_US) == &bus_subscription_need_losses (subscription)->report_timer);
  queue_allow_memory (queue);
  bus_flow_send_gaps (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_sent (queue, "g1-1x1f:1");
  g_assert_cmpint (queue_due_us (&bus_subscription_need_losses (subscription)->report_timer), ==, 0);
}

/* There is memory for the last message, but not for the gap behind it: the report timer sends the gap. */
static void
test_gap_after_the_last_message (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 4);
  BusFlow *flow = &queue->flow;

  append (queue, subscription, 1);
  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  g_assert_true (queue_pop_timer (queue, QUEUE_NOW_US) == &bus_subscription_need_losses (subscription)->report_timer);
  bus_fifo_advance (flow, subscription, QUEUE_NOW_US);
  refuses_gaps = TRUE;
  bus_flow_pump (flow, QUEUE_NOW_US);
  refuses_gaps = FALSE;
  queue_assert_sent (queue, "d1:1");
  queue_assert_fifo (queue, subscription, "g2-2x1f");
  g_assert_cmpint (queue_due_us (&bus_subscription_need_losses (subscription)->report_timer), ==, QUEUE_NOW_US);
}

/* A lane without room keeps its gap; the other lane sends its own. */
static void
test_gaps_of_both_lanes (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 0);

  queue->limits.queue_soft_bytes = 65536;
  bus_flow_send_gaps (&queue->flow, subscription, QUEUE_NOW_US); /* there is none */
  g_assert_cmpint (queue_due_us (&bus_subscription_need_losses (subscription)->report_timer), ==, 0);
  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  queue_lose (queue, subscription, WIRE_LANE_CONTROL, BUS_LOSS_FULL);
  queue_fill_lane (queue, WIRE_LANE_CONTROL, 40000);
  bus_flow_send_gaps (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "G2-2x1f");
  queue_assert_sent (queue, "p g1-1x1f:1");
  bus_flow_send_gaps (&queue->flow, subscription, QUEUE_NOW_US);
  queue_assert_sent (queue, "g2-2x1f:1");
}

/* --- no memory --- */

static void
test_retry (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 4);

  append (queue, subscription, 2);
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  queue_exhaust_memory (queue);
  bus_flow_pump (&queue->flow, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "q1 q2");
  g_assert_cmpint (queue_due_us (&queue->flow.retry_timer), ==, QUEUE_NOW_US + 100000);
  g_assert_true (queue_pop_timer (queue, QUEUE_NOW_US + 100000) == &queue->flow.retry_timer);
  g_assert_cmpint (queue->flow.retry_timer.kind, ==, BUS_TIMER_RETRY);

  queue_allow_memory (queue);
  bus_flow_pump (&queue->flow, QUEUE_NOW_US + 100000);
  queue_assert_sent (queue, "d1:1 d2:1");
  g_assert_cmpint (queue_due_us (&queue->flow.retry_timer), ==, 0);
  g_assert_cmpuint (subscription->extra->missed, ==, 0);
}

/* A message never overtakes the gap in front of it. */
static void
test_retry_for_a_gap (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 4);

  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_FULL);
  append (queue, subscription, 1);
  bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
  queue_exhaust_memory (queue);
  bus_flow_pump (&queue->flow, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "g1-1x1f q2");
  g_assert_cmpint (queue_due_us (&queue->flow.retry_timer), >, 0);
  queue_allow_memory (queue);
  bus_flow_pump (&queue->flow, QUEUE_NOW_US);
  queue_assert_sent (queue, "g1-1x1f:1 d2:1");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  QUEUE_ADD ("/core/flow/now/one-frame", test_encode_now);
  QUEUE_ADD ("/core/flow/now/large-payload-is-referenced", test_large_payload_is_referenced);
  QUEUE_ADD ("/core/flow/now/R10-no-memory", test_encode_now_no_memory);
  QUEUE_ADD ("/core/flow/now/remaining", test_remaining);
  QUEUE_ADD ("/core/flow/delivered", test_delivered);
  QUEUE_ADD ("/core/flow/room/R04-clear", test_lane_is_clear);
  QUEUE_ADD ("/core/flow/room/entry", test_lane_with_an_entry_is_not_clear);
  QUEUE_ADD ("/core/flow/room/R04-pump", test_pump_fills_the_lane);
  QUEUE_ADD ("/core/flow/pump/I04-order", test_pump_in_order);
  QUEUE_ADD ("/core/flow/pump/I06-gaps", test_pump_gaps_at_their_places);
  QUEUE_ADD ("/core/flow/pump/shared-entry", test_pump_shared_entry);
  QUEUE_ADD ("/core/flow/pump/B09-control-first", test_pump_control_first);
  QUEUE_ADD ("/core/flow/pump/plain", test_pump_plain);
  QUEUE_ADD ("/core/flow/gaps/first", test_first_gaps);
  QUEUE_ADD ("/core/flow/gaps/R10-no-memory", test_gap_without_memory_stays);
  QUEUE_ADD ("/core/flow/gaps/I20-R10-after-the-last-message", test_gap_after_the_last_message);
  QUEUE_ADD ("/core/flow/gaps/both-lanes", test_gaps_of_both_lanes);
  QUEUE_ADD ("/core/flow/retry/R10-message", test_retry);
  QUEUE_ADD ("/core/flow/retry/R10-gap", test_retry_for_a_gap);
  return g_test_run ();
}

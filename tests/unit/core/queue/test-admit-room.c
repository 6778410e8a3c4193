/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-fixture.h"

/* Admission of answers and requests, whether there is room for a message, and which bound is exceeded. */

#define DATA "events.one"

/* Fills a lane, so that it is not clear. The soft limit is lowered. */
static void
fill_lane (Queue *queue, WireLane lane, gsize bytes)
{
  queue->limits.queue_soft_bytes = 65536;
  queue_fill_lane (queue, lane, bytes);
}

/* --- for the peer itself --- */

static gboolean
offer_plain (Queue *queue)
{
  g_autoptr (Arrival) arrival = arrival_new (queue, DATA, 10);
  const BusDelivery reply = { .kind = WIRE_KIND_REPLY, .answers = 7 };

  return bus_admit_plain (&queue->flow, &arrival->inbound, WIRE_LANE_DATA, &reply, QUEUE_NOW_US);
}

static void
test_plain (Queue *queue, gconstpointer data)
{
  g_assert_true (offer_plain (queue));
  queue_assert_sent (queue, "a1");

  fill_lane (queue, WIRE_LANE_DATA, 40000);
  g_assert_true (offer_plain (queue));
  g_assert_true (offer_plain (queue));
  g_assert_cmpuint (queue->flow.lanes[WIRE_LANE_DATA].last->message->accept_seq, ==, 3);
  queue_assert_sent (queue, "p");
  bus_flow_pump (&queue->flow, QUEUE_NOW_US);
  queue_assert_sent (queue, "a2 a3");
}

static void
test_plain_has_no_room (Queue *queue, gconstpointer data)
{
  guint64 hard_bytes = queue->limits.queue_hard_bytes;

  queue->limits.queue_hard_bytes = 100;
  g_assert_false (offer_plain (queue));
  queue->limits.queue_hard_bytes = hard_bytes;

  queue_exhaust_memory (queue);
  g_assert_false (offer_plain (queue)); /* at once */
  queue_allow_memory (queue);
  fill_lane (queue, WIRE_LANE_DATA, 40000);
  queue_exhaust_memory (queue);
  g_assert_false (offer_plain (queue)); /* waiting */
  queue_allow_memory (queue);
  g_assert_null (queue->flow.lanes[WIRE_LANE_DATA].first);
  queue_assert_sent (queue, "p");
}

/* --- requests --- */

static gboolean
offer_request (Queue *queue, BusSubscription *server)
{
  g_autoptr (Arrival) arrival = arrival_new (queue, "control.serve", 10);
  const BusDelivery request = { .kind = WIRE_KIND_REQUEST, .due_us = QUEUE_NOW_US + 50 };

  return bus_admit_request (&queue->flow, &arrival->inbound, &request, server, QUEUE_NOW_US);
}

static void
test_request (Queue *queue, gconstpointer data)
{
  BusSubscription *server = queue_subscribe (queue, 1, BUS_OVERFLOW_ERROR, 1);

  g_assert_true (offer_request (queue, server));
  queue_assert_sent (queue, "r1:1");
  g_assert_cmpuint (queue->last_remaining_us, ==, 50);
  g_assert_cmpuint (server->window.used_messages, ==, 1);
  g_assert_cmpuint (server->delivered, ==, 1);
  g_assert_true (offer_request (queue, server));
  queue_assert_fifo (queue, server, "W2");

  server->bounds.messages = 1;
  g_assert_false (offer_request (queue, server));
  queue_assert_fifo (queue, server, "W2"); /* the requester is informed, so there is no gap */
  g_assert_cmpuint (server->extra->missed, ==, 0);
}

static void
test_request_no_memory (Queue *queue, gconstpointer data)
{
  BusSubscription *ready = queue_subscribe (queue, 1, BUS_OVERFLOW_ERROR, 1);
  BusSubscription *stuck = queue_subscribe (queue, 2, BUS_OVERFLOW_ERROR, 0);

  queue_exhaust_memory (queue);
  g_assert_false (offer_request (queue, ready));
  g_assert_false (offer_request (queue, stuck));
  queue_assert_fifo (queue, ready, "");
  queue_assert_fifo (queue, stuck, "");
  g_assert_cmpuint (ready->extra->missed + stuck->extra->missed, ==, 0);
  g_assert_cmpuint (ready->window.used_messages, ==, 0);
}

/* --- room --- */

static void
test_has_room (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 2);
  BusNeed need = { .len = 10, .lane = WIRE_LANE_DATA, .now_us = QUEUE_NOW_US };
  guint64 hard_bytes = queue->limits.queue_hard_bytes;

  queue->limits.queue_hard_bytes = 0; /* a message that is sent at once does not wait, so no bound applies */
  g_assert_true (bus_room_to_send (&queue->flow, subscription, &need));
  queue->limits.queue_hard_bytes = hard_bytes;
  bus_window_use (&subscription->window, 10);
  bus_window_use (&subscription->window, 10);
  g_assert_false (bus_room_to_send (&queue->flow, subscription, &need)); /* without credit it has to wait */
  bus_window_unuse (&subscription->window, 10);

  fill_lane (queue, WIRE_LANE_DATA, 40000);
  g_assert_true (bus_room_to_send (&queue->flow, subscription, &need));
  queue_offer (queue, DATA);
  queue_return_credit (subscription, 1);
  subscription->bounds.messages = 1;
  g_assert_false (bus_room_to_send (&queue->flow, subscription, &need));
  need.is_held = TRUE;
  g_assert_true (bus_room_to_send (&queue->flow, subscription, &need));

  fill_lane (queue, WIRE_LANE_DATA, 30000); /* above the soft limit no message is sent at once */
  g_assert_false (bus_room_to_send (&queue->flow, subscription, &need));
}

static void
test_may_wait (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 0);
  BusNeed need = { .len = 10, .lane = WIRE_LANE_DATA, .now_us = QUEUE_NOW_US };

  g_assert_true (bus_room_to_wait (&queue->flow, subscription, &need));
  queue_offer (queue, DATA);
  subscription->bounds.messages = 1;
  g_assert_false (bus_room_to_wait (&queue->flow, subscription, &need));
  need.is_held = TRUE;
  g_assert_true (bus_room_to_wait (&queue->flow, subscription, &need));
  queue->limits.control_queue_bytes = 65536;
  fill_lane (queue, WIRE_LANE_CONTROL, 65537);
  g_assert_true (bus_room_to_wait (&queue->flow, subscription, &need));
  need.lane = WIRE_LANE_CONTROL; /* the bound of this lane applies to held messages as well */
  g_assert_false (bus_room_to_wait (&queue->flow, subscription, &need));
  need.lane = WIRE_LANE_DATA;
  subscription->state = BUS_SUBSCRIPTION_DEMOTED;
  g_assert_false (bus_room_to_wait (&queue->flow, subscription, &need));
}

/* --- the bound that is named --- */

static void
assert_excess (const Queue *queue,
               const BusSubscription *subscription,
               const BusNeed *need,
               BusLimit limit,
               guint64 most,
               guint64 value)
{
  BusExcess excess;

  g_assert_true (bus_room_excess (&queue->flow, subscription, need, &excess));
  g_assert_cmpstr (bus_limit_name (excess.limit), ==, bus_limit_name (limit));
  g_assert_cmpuint (excess.most, ==, most);
  g_assert_cmpuint (excess.value, ==, value);
}

static void
test_excess_of_the_subscription (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_ERROR, 0);
  const BusNeed need = { .len = 10, .lane = WIRE_LANE_DATA, .now_us = QUEUE_NOW_US };
  BusExcess excess;

  subscription->bounds.messages = 2;
  subscription->bounds.bytes = 1;
  g_assert_false (bus_room_excess (&queue->flow, subscription, &need, &excess)); /* one may always wait */
  queue_offer (queue, DATA);
  assert_excess (queue, subscription, &need, BUS_LIMIT_subscription_queue_bytes, 1, subscription->fifo->bytes + 10);
  subscription->bounds.bytes = subscription->fifo->bytes + 10;
  g_assert_false (bus_room_excess (&queue->flow, subscription, &need, &excess));
  subscription->bounds.messages = 1;
  assert_excess (queue, subscription, &need, BUS_LIMIT_subscription_queue_messages, 1, 2);
  g_assert_false (bus_room_excess (&queue->flow, NULL, &need, &excess)); /* the peer itself has no such bounds */
}

static void
test_excess_of_the_peer (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_ERROR, 0);
  BusNeed need = { .len = 10, .lane = WIRE_LANE_DATA, .now_us = QUEUE_NOW_US };
  const gsize cost = bus_message_size (10) + sizeof (BusSlot) + sizeof (BusEntry);
  BusExcess excess;

  queue_offer (queue, DATA);
  queue->limits.queue_hard_messages = 1;
  assert_excess (queue, NULL, &need, BUS_LIMIT_queue_hard_messages, 1, 2);
  queue->limits.queue_hard_messages = 2;
  queue->limits.queue_hard_bytes = queue->flow.waiting_bytes + cost - 1;
  assert_excess (queue, subscription, &need, BUS_LIMIT_queue_hard_bytes, queue->limits.queue_hard_bytes,
                 queue->flow.waiting_bytes + cost);
  queue->limits.queue_hard_bytes++;
  g_assert_false (bus_room_excess (&queue->flow, subscription, &need, &excess));

  queue->limits.queue_soft_bytes = 100;
  queue->flow.soft_since_us = QUEUE_NOW_US - (gint64) queue->limits.queue_soft_timeout_us;
  assert_excess (queue, NULL, &need, BUS_LIMIT_queue_soft_bytes, 100, queue->flow.waiting_bytes + cost);
  queue->flow.soft_since_us = 0;

  queue->limits.control_queue_bytes = 65536;
  fill_lane (queue, WIRE_LANE_CONTROL, 65537);
  queue->limits.queue_hard_bytes = 1u << 20;
  g_assert_false (bus_room_excess (&queue->flow, NULL, &need, &excess));
  need.lane = WIRE_LANE_CONTROL;
  assert_excess (queue, NULL, &need, BUS_LIMIT_control_queue_bytes, 65536, 65537);
}

static void
test_excess_of_the_broker (Queue *queue, gconstpointer data)
{
  const BusNeed need = { .len = 10, .lane = WIRE_LANE_DATA, .now_us = QUEUE_NOW_US };
  const gsize cost = bus_message_size (10) + sizeof (BusSlot) + sizeof (BusEntry);

  queue->quota.cap = cost - 1;
  assert_excess (queue, NULL, &need, BUS_LIMIT_broker_bytes, cost - 1, cost);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  QUEUE_ADD ("/core/admit/plain/order", test_plain);
  QUEUE_ADD ("/core/admit/plain/R04-no-room", test_plain_has_no_room);
  QUEUE_ADD ("/core/admit/request/room", test_request);
  QUEUE_ADD ("/core/admit/request/R10-no-memory", test_request_no_memory);
  QUEUE_ADD ("/core/admit/room/M07-now", test_has_room);
  QUEUE_ADD ("/core/admit/room/M07-waiting", test_may_wait);
  QUEUE_ADD ("/core/admit/excess/subscription", test_excess_of_the_subscription);
  QUEUE_ADD ("/core/admit/excess/R04-peer", test_excess_of_the_peer);
  QUEUE_ADD ("/core/admit/excess/R04-broker", test_excess_of_the_broker);
  return g_test_run ();
}

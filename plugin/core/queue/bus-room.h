/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow.h"

/*
 * Room: checks whether a message fits into the queue of a peer for one of its subscriptions, and which bound it exceeds if not.
 *
 * Four kinds of bounds apply: those of the subscription, those of the peer's queue, control_queue_bytes for the control lane, and
 * those of bus-unsettled for a message that is delivered at least once. The first two do not apply to a message that is delivered
 * at least once, or for which the credit of its publisher is withheld: the window of the publisher bounds the latter.
 *
 * This module only compares, and makes no room. bus-admit makes room for a message that arrives, bus-trim drops messages when
 * bounds were lowered, and bus-pick checks the room of each member of a group.
 *
 * Invariant: no function of this module changes anything.
 */

/* A message that may have to wait. */
typedef struct
{
  gsize len; /* of the client's bytes */
  WireLane lane;
  gint64 now_us;
  gboolean is_held; /* the credit of its publisher is withheld for it */
  gboolean is_kept; /* it is kept until it is settled */
} BusNeed;

typedef enum
{
  BUS_ROOM_FITS,
  BUS_ROOM_OVER_OWN,  /* the subscription's or the peer's bounds */
  BUS_ROOM_OVER_LANE, /* the control lane */
} BusRoomFit;

BusRoomFit bus_room_fit (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need);

/* TRUE if the subscription would get such a message without waiting for credit. */
gboolean bus_room_to_send (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need);
/* TRUE if the subscription would accept such a message without a loss, and is not demoted. */
gboolean bus_room_to_wait (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need);

/* Finds the bound that such a message exceeds, for the answer to its sender. FALSE: it exceeds none, so it was refused because an
 * allocation failed. @subscription: (nullable): NULL if the message is for the peer itself. */
gboolean
bus_room_excess (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need, BusExcess *excess);

/* The same for a message that is delivered at least once. FALSE: it exceeds none. */
gboolean
bus_room_excess_kept (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need, BusExcess *excess);

/* --- parts of these checks --- */

/* The charge for a message of @len bytes while it waits. */
static inline gsize
bus_room_cost (gsize len)
{
  return bus_message_size (len) + sizeof (BusSlot) + sizeof (BusEntry);
}

/* The bound of the peer's queue in bytes: the hard limit, or the soft limit if the queue has been above that for
 * queue_soft_timeout_us. */
guint64 bus_room_queue_max (const BusFlow *flow, gint64 now_us);
/* The bytes of the queue to which the bounds of the peer apply. */
gsize bus_room_own_bytes (const BusFlow *flow);
/* TRUE if the queue of the peer has room for a message of that cost. */
gboolean bus_room_fits_peer (const BusFlow *flow, gsize cost, gint64 now_us);
/* TRUE if several messages of @bytes in total, without tickets, may wait in the data lane one after the other without exceeding a
 * bound, and without bringing the queue above its soft limit. @cost: the sum of their bus_room_cost() */
gboolean bus_room_fits_many (const BusFlow *flow,
                             const BusSubscription *subscription,
                             guint64 messages,
                             gsize bytes,
                             gsize cost);
/* TRUE if the queue of the peer would have room if all messages that wait for the subscription were dropped. */
gboolean bus_room_could_fit_peer (const BusFlow *flow, const BusSubscription *subscription, gsize cost, gint64 now_us);

/* Waiting messages to which the bounds of the subscription apply: those that are not delivered at least once. */
static inline guint64
bus_room_bounded_messages (const BusSubscription *subscription)
{
  return subscription->fifo->messages - subscription->fifo->kept_messages;
}

static inline guint64
bus_room_bounded_bytes (const BusSubscription *subscription)
{
  return subscription->fifo->bytes - subscription->fifo->kept_bytes;
}

/* TRUE if the subscription has credit, and none of its messages waits for credit. */
static inline gboolean
bus_room_is_ready (const BusSubscription *subscription)
{
  return subscription->fifo->first_waiting == NULL && bus_subscription_is_open (subscription);
}

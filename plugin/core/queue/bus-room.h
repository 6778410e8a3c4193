/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow.h"

/*
 * Room: whether a message fits in the queue of a peer, for one of its subscriptions, and which bound prevents it.
 *
 * The bounds are those of the subscription, those of the peer's queue, for the control lane control_queue_bytes, and for a message
 * that is kept until it is settled those of bus-unsettled. Messages whose publisher's credit is withheld are bounded by the windows of
 * their publishers instead. This module only compares. bus-admit makes room for a message that arrives, bus-trim drops what is above
 * bounds that were lowered, and bus-pick asks for each member of a group.
 *
 * Invariant: asking changes nothing.
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

/* TRUE if such a message would be sent to this subscription without waiting for credit, or would at least be
 * accepted. */
gboolean bus_room_to_send (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need);
gboolean bus_room_to_wait (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need);

/* The bound that such a message exceeds, for the answer to its sender. FALSE: none; there is no memory. @subscription:
 * (nullable): it is for the peer itself. */
gboolean
bus_room_excess (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need, BusExcess *excess);

/* The bound that prevents the subscription from keeping such a message until it is settled. FALSE: none. */
gboolean
bus_room_excess_kept (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need, BusExcess *excess);

/* --- the parts of it --- */

/* The charge for a message of @len bytes while it waits. */
static inline gsize
bus_room_cost (gsize len)
{
  return bus_message_size (len) + sizeof (BusSlot) + sizeof (BusEntry);
}

/* The peer's bound in bytes: once above the soft limit for its time, that one. */
guint64 bus_room_queue_max (const BusFlow *flow, gint64 now_us);
/* The part of the queue that the peer's own bounds apply to. */
gsize bus_room_own_bytes (const BusFlow *flow);
/* TRUE if the peer's queue takes a message of that cost, or could take it if what waits for the subscription were dropped. */
gboolean bus_room_fits_peer (const BusFlow *flow, gsize cost, gint64 now_us);
gboolean bus_room_could_fit_peer (const BusFlow *flow, const BusSubscription *subscription, gsize cost, gint64 now_us);

/* Messages that wait and are not kept; the bounds of the subscription apply to them. */
static inline guint64
bus_room_bounded_messages (const BusSubscription *subscription)
{
  return subscription->fifo.messages - subscription->fifo.kept_messages;
}

static inline guint64
bus_room_bounded_bytes (const BusSubscription *subscription)
{
  return subscription->fifo.bytes - subscription->fifo.kept_bytes;
}

/* A message may be sent to it at once, if its lane is clear. */
static inline gboolean
bus_room_is_ready (const BusSubscription *subscription)
{
  return subscription->fifo.first_waiting == NULL && bus_subscription_is_open (subscription);
}

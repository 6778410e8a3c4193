/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The states of a delivery: one message on its way to one subscription.
 *
 * One table in bus-delivery-state.c has an entry for each state and each event: the next state, "ignored" (the event is legal and
 * changes nothing), or "never" (the event would be an error of the core, which asserts). A test fails if an entry is missing.
 *
 * A delivery that waits is a slot (bus-fifo). A delivery that was sent is a record (bus-unsettled) if a ticket or a message is
 * released when it is settled. Any other delivery that was sent is only counted: it has no object of its own, and passes to
 * SETTLED or UNKNOWN together with the counters of its subscription.
 *
 *   OFFERED -> WAITING -> QUEUED -> SENT -> SETTLED    the usual life
 *   OFFERED -> SENT                                    the subscription has credit, and its lane is clear
 *   OFFERED, WAITING, QUEUED -> LOST                   a gap reports it
 *   WAITING, QUEUED, SENT -> WITHDRAWN                 another member gets it, or its requester cancelled it
 *   WITHDRAWN -> LOST                                  its subscription ended, and no other member took it
 *   SENT -> UNKNOWN                                    its subscription ended
 *
 * Invariant: no event leads out of SETTLED, LOST or UNKNOWN.
 */

typedef enum
{
  BUS_DELIVERY_OFFERED = 1,
  BUS_DELIVERY_WAITING,   /* waits for credit, or for memory for its entry */
  BUS_DELIVERY_QUEUED,    /* has credit, and is in an entry of its lane */
  BUS_DELIVERY_SENT,      /* encoded; the client has not returned the credit */
  BUS_DELIVERY_SETTLED,   /* the client has returned the credit */
  BUS_DELIVERY_LOST,      /* its slot became a gap, or it was added to an existing gap */
  BUS_DELIVERY_WITHDRAWN, /* removed from the subscription: another member gets it, or its requester cancelled it */
  BUS_DELIVERY_UNKNOWN,   /* it was sent, and the broker will not learn whether it was handled */
} BusDeliveryState;
#define BUS_N_DELIVERY_STATES 9u

typedef enum
{
  BUS_DELIVERY_ON_WAIT,     /* it cannot be sent at once */
  BUS_DELIVERY_ON_CREDIT,   /* the subscription has credit for it */
  BUS_DELIVERY_ON_SEND,     /* it is encoded */
  BUS_DELIVERY_ON_SETTLE,   /* the client returned its credit */
  BUS_DELIVERY_ON_LOSE,     /* a policy, a limit or its time to live drops it, or no other member takes it */
  BUS_DELIVERY_ON_WITHDRAW, /* another member gets it, or its requester cancelled it */
  BUS_DELIVERY_ON_END,      /* the subscription ends; messages that waited have been withdrawn before */
} BusDeliveryEvent;
#define BUS_N_DELIVERY_EVENTS 7u

/* The effect of an event is a state, or one of these. */
typedef enum
{
  BUS_DELIVERY_IGNORED = BUS_N_DELIVERY_STATES,
  BUS_DELIVERY_NEVER,
} BusDeliveryVerdict;

extern const guint8 bus_delivery_transitions[BUS_N_DELIVERY_STATES][BUS_N_DELIVERY_EVENTS];

/* The entry of the table: a BusDeliveryState or a BusDeliveryVerdict. 0: the entry is missing. */
static inline guint
bus_delivery_transition (BusDeliveryState state, BusDeliveryEvent event)
{
  g_assert (state < BUS_N_DELIVERY_STATES && event < BUS_N_DELIVERY_EVENTS);
  return bus_delivery_transitions[state][event];
}

/* The state after @event, which must be legal; the same state if it is ignored. */
static inline BusDeliveryState
bus_delivery_next (BusDeliveryState state, BusDeliveryEvent event)
{
  guint verdict = bus_delivery_transition (state, event);

  g_assert (verdict != 0 && verdict != BUS_DELIVERY_NEVER);
  return verdict == BUS_DELIVERY_IGNORED ? state : (BusDeliveryState) verdict;
}

const char *bus_delivery_state_name (BusDeliveryState state);
const char *bus_delivery_event_name (BusDeliveryEvent event);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The states of a delivery: one message on its way to one subscription.
 *
 * One table in bus-delivery-state.c has an entry for each state and each event: the next state, "ignored" (legal, changes
 * nothing), or "never" (the core itself would be wrong: it asserts). An entry that is missing is 0, and a test fails.
 *
 * A delivery that waits is a slot (bus-fifo), and one that was sent and ends something is a record (bus-unsettled). The one
 * that is sent at once and only counted has neither: it passes from OFFERED to SENT, and to SETTLED or UNKNOWN with the
 * counts of its subscription.
 *
 *   OFFERED -> WAITING -> QUEUED -> SENT -> SETTLED    the usual life; with credit it is sent at once
 *   any before SENT -> LOST                            a gap reports it
 *   any before SETTLED -> WITHDRAWN                    another member gets it, or its requester gave it up
 *   SENT -> UNKNOWN                                    its subscription ended
 */

typedef enum
{
  BUS_DELIVERY_OFFERED = 1,
  BUS_DELIVERY_WAITING,   /* waits for credit */
  BUS_DELIVERY_QUEUED,    /* has its credit, and hangs in an entry */
  BUS_DELIVERY_SENT,      /* encoded, and its client has not returned the credit */
  BUS_DELIVERY_SETTLED,   /* its client has returned the credit */
  BUS_DELIVERY_LOST,      /* its slot is a gap, or is added to one */
  BUS_DELIVERY_WITHDRAWN, /* it left the subscription: for another member, or for nobody */
  BUS_DELIVERY_UNKNOWN,   /* it was sent, and nobody will learn whether it was handled */
} BusDeliveryState;
#define BUS_N_DELIVERY_STATES 9u

typedef enum
{
  BUS_DELIVERY_ON_WAIT,     /* it cannot be sent at once */
  BUS_DELIVERY_ON_CREDIT,   /* the subscription has credit for it */
  BUS_DELIVERY_ON_SEND,     /* it is encoded */
  BUS_DELIVERY_ON_SETTLE,   /* the client returned its credit */
  BUS_DELIVERY_ON_LOSE,     /* a policy, a limit or its time to live drops it, or nobody takes it over */
  BUS_DELIVERY_ON_WITHDRAW, /* another member gets it, or its requester gave it up */
  BUS_DELIVERY_ON_END,      /* the subscription ends; what waited has been withdrawn */
} BusDeliveryEvent;
#define BUS_N_DELIVERY_EVENTS 7u

/* Effect of an event: a state, or one of these. */
typedef enum
{
  BUS_DELIVERY_IGNORED = BUS_N_DELIVERY_STATES,
  BUS_DELIVERY_NEVER,
} BusDeliveryVerdict;

extern const guint8 bus_delivery_transitions[BUS_N_DELIVERY_STATES][BUS_N_DELIVERY_EVENTS];

/* The entry of the table: a BusDeliveryState or a BusDeliveryVerdict; 0: it is missing. */
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

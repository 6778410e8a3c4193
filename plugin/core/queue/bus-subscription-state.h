/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The states of a subscription, and the effect of each event in each state.
 *
 * One table in bus-subscription-state.c has an entry for each state and each event: the next state, "ignored" (the event is legal,
 * changes nothing, and is counted), or "never" (the event would be an error of the core, which asserts). A test fails if an entry
 * is missing. bus_subscription_on() is the only function that applies the table. The table itself does not access a subscription.
 *
 *   OPEN <-> DEMOTED                      demoted when it blocked publishers for too long, restored when its queue has drained
 *   OPEN -> DRAINING -> DRAINED -> OPEN   it gets no new messages; then the old ones are settled; then it resumes
 *   any -> ENDED                          unsubscribed, or its peer disconnected
 *
 * Invariant: no event leads out of ENDED.
 */

typedef enum
{
  BUS_SUBSCRIPTION_OPEN = 1,
  BUS_SUBSCRIPTION_DEMOTED,          /* drops its oldest messages until its queue has drained (bus-block) */
  BUS_SUBSCRIPTION_DRAINING,         /* gets no new messages; some are waiting or not settled (bus-drain) */
  BUS_SUBSCRIPTION_DEMOTED_DRAINING, /* both */
  BUS_SUBSCRIPTION_DRAINED,          /* gets no new messages; none is waiting, and all are settled */
  BUS_SUBSCRIPTION_ENDED,            /* no message matches it any more */
} BusSubscriptionState;
#define BUS_N_SUBSCRIPTION_STATES 7u

typedef enum
{
  BUS_SUBSCRIPTION_ON_DEMOTE,  /* its block is over */
  BUS_SUBSCRIPTION_ON_RESTORE, /* its queue has drained, or it got another policy */
  BUS_SUBSCRIPTION_ON_DRAIN,   /* it must not get new messages */
  BUS_SUBSCRIPTION_ON_EMPTY,   /* no message waits for it, and its client has settled everything */
  BUS_SUBSCRIPTION_ON_RESUME,  /* it may get new messages again */
  BUS_SUBSCRIPTION_ON_END,
} BusSubscriptionEvent;
#define BUS_N_SUBSCRIPTION_EVENTS 6u

/* The effect of an event is a state, or one of these. */
typedef enum
{
  BUS_SUBSCRIPTION_IGNORED = BUS_N_SUBSCRIPTION_STATES,
  BUS_SUBSCRIPTION_NEVER,
} BusSubscriptionVerdict;

/* The entry of the table: a BusSubscriptionState or a BusSubscriptionVerdict. 0: the entry is missing. */
guint bus_subscription_transition (BusSubscriptionState state, BusSubscriptionEvent event);

const char *bus_subscription_state_name (BusSubscriptionState state);
const char *bus_subscription_event_name (BusSubscriptionEvent event);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The states of a subscription, and what each event does in each of them.
 *
 * One table in bus-subscription-state.c has an entry for each state and each event: the next state, "ignored" (legal, changes
 * nothing, counted), or "never" (the core itself would be wrong: it asserts). An entry that is missing is 0, and a test
 * fails. bus_subscription_on() is the only function that applies the table. This file knows nothing of a subscription.
 *
 *   OPEN <-> DEMOTED                      it blocked publishers for too long, until its queue has drained
 *   OPEN -> DRAINING -> DRAINED -> OPEN   it gets no new messages, and then has finished what it had
 *   any -> ENDED                          unsubscribed, or its peer disconnected
 */

typedef enum
{
  BUS_SUBSCRIPTION_OPEN = 1,
  BUS_SUBSCRIPTION_DEMOTED,          /* drops its oldest messages until its queue has drained (bus-block) */
  BUS_SUBSCRIPTION_DRAINING,         /* gets no new messages, and still has some (bus-drain) */
  BUS_SUBSCRIPTION_DEMOTED_DRAINING, /* both */
  BUS_SUBSCRIPTION_DRAINED,          /* gets no new messages, and has none */
  BUS_SUBSCRIPTION_ENDED,            /* nothing matches it any more */
} BusSubscriptionState;
#define BUS_N_SUBSCRIPTION_STATES 7u

typedef enum
{
  BUS_SUBSCRIPTION_ON_DEMOTE,  /* its block is over */
  BUS_SUBSCRIPTION_ON_RESTORE, /* its queue has drained, or it got another policy */
  BUS_SUBSCRIPTION_ON_DRAIN,   /* it is to get no new messages */
  BUS_SUBSCRIPTION_ON_EMPTY,   /* nothing waits for it, and its client has settled everything */
  BUS_SUBSCRIPTION_ON_RESUME,  /* it takes part again */
  BUS_SUBSCRIPTION_ON_END,
} BusSubscriptionEvent;
#define BUS_N_SUBSCRIPTION_EVENTS 6u

/* Effect of an event: a state, or one of these. */
typedef enum
{
  BUS_SUBSCRIPTION_IGNORED = BUS_N_SUBSCRIPTION_STATES,
  BUS_SUBSCRIPTION_NEVER,
} BusSubscriptionVerdict;

/* The entry of the table: a BusSubscriptionState or a BusSubscriptionVerdict; 0: it is missing. */
guint bus_subscription_transition (BusSubscriptionState state, BusSubscriptionEvent event);

const char *bus_subscription_state_name (BusSubscriptionState state);
const char *bus_subscription_event_name (BusSubscriptionEvent event);

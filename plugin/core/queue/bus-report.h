/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-overflow.h"
#include "queue/bus-flow-state.h"

/*
 * Reports: facts to be published about a subscription or a queue that does not keep up.
 *
 * This module accumulates: losses and changes are added to the subscription, and a timer is armed. When the timer
 * expires, bus-slow publishes what has accumulated as system.drop and system.slow, at most once in
 * BUS_REPORT_EVERY_US for each subscription and each queue. So a loss costs a few additions where it happens, and
 * nothing is published from inside a queue operation. The same timer sends a subscription its own gaps when its
 * client reads but returns no credit.
 *
 * Invariant: while something is unreported, or a gap is at the head of its lane, the report timer is armed, until the
 * subscription ends.
 */

#define BUS_REPORT_EVERY_US G_TIME_SPAN_SECOND

typedef enum
{
  BUS_CHANGE_DEMOTED = 1 << 0,
  BUS_CHANGE_DRAINED = 1 << 1,
} BusChange;

/* @count messages of that domain were lost. A loss of the broker's own messages (system.*) is reported by gaps only: a
 * receiver that does not keep up with system.drop would otherwise cause another system.drop with each. */
void bus_report_loss (BusFlow *flow,
                      BusSubscription *subscription,
                      guint domain,
                      guint64 accept_seq,
                      guint64 count,
                      BusLoss loss,
                      gint64 now_us);

/* The subscription was demoted, or has drained. */
void bus_report_change (BusFlow *flow, BusSubscription *subscription, BusChange change, gint64 now_us);

/* The losses of a queue, to be read: all of it is zero while there are none. */
static inline const BusLosses *
bus_report_losses (const BusFlow *flow)
{
  return flow->losses != NULL ? flow->losses : &bus_no_losses;
}
/* The same, to be changed. */
BusLosses *bus_report_need_losses (BusFlow *flow);

/* The queue rose above its soft limit, or fell below it. */
void bus_report_level (BusFlow *flow, gint64 now_us);

/* Arms the subscription's report timer again, not before its next report is allowed. */
void bus_report_again (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

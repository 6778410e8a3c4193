/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-overflow.h"
#include "queue/bus-flow-state.h"

/*
 * Reports: collects the losses and changes of a subscription or a queue that does not keep up, until they are published.
 *
 * This module publishes nothing. It adds losses and changes to the counters of the subscription, and arms its report timer. When
 * the timer expires, bus-slow publishes the counters as system.drop and system.slow, at most once in BUS_REPORT_EVERY_US for each
 * subscription and each queue. So a loss costs a few additions at the place where it happens, and no queue operation publishes
 * a message, which could in turn be lost. The same timer sends a subscription its gaps, if its client reads but returns no credit.
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

/* Adds the loss of @count messages of a domain. The loss of a message of the broker itself (system.*) is not published: a receiver
 * that does not keep up with system.drop would cause another system.drop with each message that it loses. It still gets a gap. */
void bus_report_loss (BusFlow *flow,
                      BusSubscription *subscription,
                      guint domain,
                      guint64 accept_seq,
                      guint64 count,
                      BusLoss loss,
                      gint64 now_us);

/* Adds a change: the subscription was demoted, or has drained. */
void bus_report_change (BusFlow *flow, BusSubscription *subscription, BusChange change, gint64 now_us);

/* The losses of a queue, for reading: all members are zero while there are none. */
static inline const BusLosses *
bus_report_losses (const BusFlow *flow)
{
  return flow->losses != NULL ? flow->losses : &bus_no_losses;
}
/* The losses of a queue, for writing: allocated at the first call. */
BusLosses *bus_report_need_losses (BusFlow *flow);

/* The queue rose above its soft limit, or fell below it: arms the report timer of the queue. */
void bus_report_level (BusFlow *flow, gint64 now_us);

/* Arms the report timer of the subscription, if it is not armed, for the time at which the next report is allowed. */
void bus_report_again (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

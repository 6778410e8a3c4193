/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow.h"
#include "queue/bus-subscriptions.h"

/*
 * Sends the waiting messages of a subscription when it gets credit.
 *
 * A message that waits alone passes through its lane (bus-flow). Messages that wait as a run (bus-fifo-run) are encoded directly,
 * as many as window and lane allow, if no message or gap of their lane is in front of them. Otherwise, or if memory for the frames
 * is missing, the run is unpacked, and its messages pass through the lane as well.
 *
 * Invariant: messages are sent in the same order, and count in the same way, whether they wait alone or as a run.
 */

/* The subscription got credit: queues and encodes waiting messages. */
void bus_flow_credit (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* The subscription has got all retained messages (its cursor has ended): queues and encodes messages that waited behind them. */
void bus_flow_resume (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* The retry timer expired: encodes waiting entries, and resumes every subscription whose messages wait although it has credit. */
void bus_flow_resume_all (BusFlow *flow, const BusSubscriptions *subscriptions, gint64 now_us);

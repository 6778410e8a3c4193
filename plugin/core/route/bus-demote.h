/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-reroute.h"

/*
 * Demotion: the end of a block, as peers notice it.
 *
 * queue/bus-block decides when a subscription has withheld its publishers' credit for too long, and demotes it: its policy is
 * drop-oldest until its queue has drained. This module carries out the consequences: messages that wait for the subscription are
 * handed on to other members of its group (bus-reroute), the others that hold credit are dropped, each publisher whose messages
 * were dropped gets an ERROR, and a log record is added.
 *
 * Invariant: afterwards the subscription withholds no credit of a publisher.
 */

/* The block timer of the subscription has expired. */
void bus_demote_due (BusSubscription *subscription, gint64 now_us);

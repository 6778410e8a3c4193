/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-reroute.h"

/*
 * The end of a block as peers see it.
 *
 * bus-block decides when a subscription has withheld its publishers' credit for too long, and demotes it. This module
 * does what follows from that: other members of the group get what waits for it (bus-reroute), the rest is dropped, each
 * publisher whose messages were dropped gets an ERROR, a log record is added, and what can be sent now is encoded.
 */

/* The block timer of the subscription expired. */
void bus_demote_due (BusSubscription *subscription, gint64 now_us);

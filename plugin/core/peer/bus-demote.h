/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-subscription.h"

/*
 * The end of a block as peers see it.
 *
 * bus-block decides when a subscription has withheld its publishers' credit for too long, and demotes it. This module
 * does what follows from that: it sends an ERROR to each publisher whose messages were dropped, adds a log record,
 * and encodes what can be sent now.
 */

/* The block timer of the subscription expired. */
void bus_demote_due (BusSubscription *subscription, gint64 now_us);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"

/*
 * The end of a block as peers see it.
 *
 * bus-block decides when a subscription has withheld its publishers' credit for too long, and demotes it. This module
 * sends what follows from that: an ERROR to each publisher whose messages were dropped, and a log record.
 */

/* The block timer of the subscription expired. */
void bus_demote_due (BusSubscription *subscription, gint64 now_us);

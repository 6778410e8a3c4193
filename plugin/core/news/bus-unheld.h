/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-hold.h"

/*
 * Reports of messages that were held for a group and lost (bus-hold): no member came before their time to live was over.
 *
 * system.drop reports them with the subscription 0, without a peer, and with the topic of the last one as the pattern; at most
 * one event each second. The sum of its counts is what was lost.
 */

void bus_unheld_due (BusCore *core, gint64 now_us);

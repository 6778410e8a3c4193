/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-account.h"

/*
 * Shedding: an account, or the broker, holds as much as it may. Messages are dropped from the largest queue; the
 * publisher whose message arrives next is not refused for it.
 *
 * It is called before a message is routed, so that what follows finds memory. Messages are dropped from the largest
 * queue, there from the subscription with the most waiting bytes, by its policy (bus-admit). When no queue has
 * anything left to drop, the peer with the most encoded and waiting bytes is closed. Above quota_soft_percent of a
 * limit the level is reported (bus-slow).
 *
 * Invariant: a queue gives only while it is the largest of those that are considered.
 */

#define BUS_SHED_ALL G_MAXUINT32 /* instead of the number of an account: all accounts */

/* Makes room for @bytes in the broker. FALSE: there is none. */
gboolean bus_shed_reserve (BusCore *core, guint64 bytes, gint64 now_us);

/* Makes room for @bytes of that account. FALSE: there is none. */
gboolean bus_shed_reserve_account (BusAccount *account, guint64 bytes, gint64 now_us);

/* The ready peer with the largest queue. NULL: no message waits for any of them. */
BusPeer *bus_shed_largest (BusCore *core, guint32 account);

/* Charges the block that the peer's reader holds now. When the broker may not hold that much, the peer is closed:
 * a frame that begins while the broker is full has to be sent again later. */
void bus_shed_charge_reader (BusPeer *peer);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-limits.h"
#include "peer/bus-account.h"

/*
 * Pinned bytes: what a peer makes the broker hold that no drop of a message can free.
 *
 * A peer pins the block of a frame that it has begun and not finished, and the encoded frames of its control lane
 * (answers, errors) that it does not read. Both are charged to the peer, its account and the broker like everything
 * else. When one of those limits is reached, a waiting message can be dropped and reported by a gap; pinned bytes are
 * freed only when their peer finishes, reads, or is disconnected. Without a rule of their own, unfinished frames of
 * some peers would therefore push out the messages of all others.
 *
 * This module finds the peer to disconnect, bus-shed asks for it before it drops any message. A peer is a candidate
 *  - when its frame has been unfinished for longer than BUS_PINNED_STALLED_US, or
 *  - when all peers that are considered pin more than a quarter of the limit together: then the largest.
 * So a peer that sends a large frame without a break is not disconnected because the queues of others are full.
 *
 * Invariant: below the limits nobody is disconnected for pinned bytes; above them no message is dropped while there is
 * a candidate.
 */

#define BUS_PINNED_SHARE      4u     /* a part of the limit: one divided by this */
#define BUS_PINNED_MIN        16384u /* less is not worth a connection */
#define BUS_PINNED_STALLED_US G_TIME_SPAN_SECOND

/* Bytes that the peer pins. */
gsize bus_pinned_bytes (const BusPeer *peer);

/* The peer of @account (or BUS_ALL_ACCOUNTS) to disconnect first while @limit is exceeded; NULL: none. Frames that stall
 * come before others, then the account that pins most, then the peer that does. */
BusPeer *bus_pinned_holder (BusCore *core, guint32 account, guint64 limit, gint64 now_us);

/* Disconnects it with ERROR, GOODBYE and a log record that name @limit, and frees what it pins at once. @held: bytes
 * that count for that limit now */
void bus_pinned_disconnect (BusPeer *peer, BusLimit limit, guint64 held);

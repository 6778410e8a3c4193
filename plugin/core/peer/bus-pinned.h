/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-limits.h"
#include "peer/bus-account.h"

/*
 * Pinned bytes: memory that a peer makes the broker hold and that dropping messages cannot free.
 *
 * A peer pins the block of a frame that it has begun and not finished, and the encoded frames of its control lane (answers,
 * errors) that it does not read. Both are charged to the peer, its account and the broker. If a limit is reached, a waiting
 * message can be dropped and reported by a gap, but pinned bytes are freed only when the peer finishes the frame, reads, or is
 * disconnected. Without a rule of their own, a few peers with unfinished frames could therefore displace the messages of all other
 * peers.
 *
 * This module finds the peer to disconnect; bus-shed calls it before it drops any message. A peer that pins at least
 * BUS_PINNED_MIN bytes is a candidate
 *  - if its frame has been unfinished for longer than BUS_PINNED_STALLED_US, or
 *  - if all peers that are considered together pin more than a quarter of the limit.
 * So a peer that sends a large frame without a break is not disconnected only because the queues of other peers are full.
 *
 * Invariant: below the limits no peer is disconnected for pinned bytes; above them no message is dropped while a candidate exists.
 */

#define BUS_PINNED_SHARE      4u     /* the part of the limit that all peers together may pin: a quarter */
#define BUS_PINNED_MIN        16384u /* a peer that pins less is not disconnected for it */
#define BUS_PINNED_STALLED_US G_TIME_SPAN_SECOND

/* The number of bytes that the peer pins. */
gsize bus_pinned_bytes (const BusPeer *peer);

/* The peer of @account (or BUS_ALL_ACCOUNTS) to disconnect first while @limit is exceeded. NULL: there is no candidate. A peer
 * whose frame stalls comes first, then a peer of the account that pins the most bytes, then the peer that pins the most bytes. */
BusPeer *bus_pinned_holder (BusCore *core, guint32 account, guint64 limit, gint64 now_us);

/* Disconnects the peer with a log record and GOODBYE that name @limit, and with ERROR if a frame is the larger part of its pinned
 * bytes. This larger part is free when the function returns. @held: bytes that count for that limit now */
void bus_pinned_disconnect (BusPeer *peer, BusLimit limit, guint64 held);

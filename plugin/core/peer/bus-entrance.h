/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"

/*
 * The entrance: decides whether a new connection is accepted.
 *
 * Three limits apply: for all connections, for those of one account, and for strangers, which are connections that have sent no
 * HELLO. There are few places for strangers (max_unauthenticated), so a process that opens connections and sends nothing could
 * keep all other clients out. Therefore a stranger can lose its place: when all places are taken, the oldest stranger of the
 * account with the most strangers is closed for the newcomer. A stranger keeps its place for at least BUS_ENTRANCE_GRACE_US,
 * unless the newcomer belongs to the same account. A connection that waits for its id (bus-takeover) has sent HELLO, and needs no
 * such place.
 *
 * When many clients connect at once, their HELLOs arrive a moment later. bus_entrance_wait_us() returns the time for which the
 * transport should leave new connections in its own queue, so that these clients do not displace each other. This bounds the rate
 * of accepts: if no stranger sends HELLO, as many connections are accepted in BUS_ENTRANCE_GRACE_US as there are places.
 *
 * A connection that is refused, or loses its place, gets the status LIMIT with the time after which it may try again.
 *
 * Invariant: only strangers lose their place to a new connection, and never the connection of the agent itself.
 */

#define BUS_ENTRANCE_GRACE_US (100 * G_TIME_SPAN_MILLISECOND)

/* The times in the hints: the place of a stranger becomes free soon, a connection only when another client disconnects. */
#define BUS_ENTRANCE_RETRY_SOON_US  (100 * G_TIME_SPAN_MILLISECOND)
#define BUS_ENTRANCE_RETRY_LATER_US G_TIME_SPAN_SECOND

/* Decides whether a new connection is accepted; may close a stranger to make a place. BUS_N_LIMITS: it is accepted; otherwise the
 * limit that is reached. The connection of the agent itself is always accepted. */
BusLimit bus_entrance_check (BusCore *core, const BusCredentials *who, gint64 now_us);

/* The hint for a connection that is refused by a limit. */
guint64 bus_entrance_retry_us (BusLimit limit);

/* The time for which the transport should leave the next connection in its queue. 0: accept it now. */
gint64 bus_entrance_wait_us (const BusCore *core, gint64 now_us);

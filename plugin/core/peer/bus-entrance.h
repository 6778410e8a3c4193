/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"

/*
 * The entrance: which new connections are accepted.
 *
 * There are limits for all connections, for those of one account, and for strangers: connections that have sent no HELLO. A
 * stranger costs its account nothing, so the places of strangers are few, and strangers could keep everybody else out.
 * So a full pool of strangers refuses nobody without need: the account that has most strangers gives up its oldest one. A
 * stranger keeps its place for at least BUS_ENTRANCE_GRACE_US, unless the newcomer belongs to its own account. A connection
 * that waits for its id (bus-takeover) has said HELLO and takes no place: it would hold one for as long as HELLO may take.
 *
 * When many clients connect at once, their HELLOs arrive within moments. bus_entrance_wait_us() says how long the transport
 * may leave them in its own queue instead of making one of them give way to another. That is the budget of accepts: when all
 * places are taken and nobody speaks, as many connections are accepted in BUS_ENTRANCE_GRACE_US as there are places.
 *
 * A connection that is refused, or gives up its place, gets LIMIT with the time after which it may try again.
 */

#define BUS_ENTRANCE_GRACE_US (100 * G_TIME_SPAN_MILLISECOND)

/* A refusal's hints: a place of a stranger is free soon, one of the connections when another client leaves. */
#define BUS_ENTRANCE_RETRY_SOON_US  (100 * G_TIME_SPAN_MILLISECOND)
#define BUS_ENTRANCE_RETRY_LATER_US G_TIME_SPAN_SECOND

/* Decides about a new connection. It may close a stranger for it. BUS_N_LIMITS: it is accepted; otherwise the limit that is
 * reached. The agent's own connection is always accepted. */
BusLimit bus_entrance_check (BusCore *core, const BusCredentials *who, gint64 now_us);

/* The hint for a connection that a limit refuses. */
guint64 bus_entrance_retry_us (BusLimit limit);

/* Time for which the next connection need not be accepted; 0: accept it now. */
gint64 bus_entrance_wait_us (const BusCore *core, gint64 now_us);

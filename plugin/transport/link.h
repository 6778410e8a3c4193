/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "link-io.h"
#include "transport.h"

/*
 * A link: reads and writes for one connection, and closes it.
 *
 * It owns the handle of the connection and no buffers. It reads into the buffer of its set, or into the memory that the
 * handler offers for a large frame. It writes what the handler gathers, with one system call per gather, until the system
 * takes no more; then the poller reports when there is room again.
 *
 * link_close() writes what the handler still gathers as long as the other side takes it, ends the sending side, and then
 * waits a moment for the other side to read and close, so that a reset does not destroy the last frame.
 *
 * Invariant: the handler's closed() is called exactly once for a link whose connected() returned a peer.
 */

#define LINK_TURN_ALONE   65536u
#define LINK_TURN_SHARED  8192u
#define LINK_WEIGHT_LIGHT 1u /* cost of a byte in bytes, up to which a single busy link may read more than its share */
#define LINK_READ_LEAST   256u /* bytes of a turn, however much they cost */
#define LINK_WORK_BYTES   3u   /* that a link reads while the handler does a unit of work */

/* Takes @handle. NULL: the handler refused it or the system has no room; the handle is closed then. */
Link *link_new (LinkSet *set, LinkHandle handle, const TransportCreds *creds);

/* Sends @refusal (nullable) to a new connection that is about to be closed, and ends the sending side. */
void link_refuse (LinkHandle handle, GBytes *refusal);

/* Writes what the handler gathers. Does nothing while the link waits for room. */
void link_flush (Link *link);

/* Closes it: as soon as everything is written and the other side has closed, after @linger_us at the latest. */
void link_close (Link *link, gint64 linger_us);

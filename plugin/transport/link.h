/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "link-io.h"
#include "transport.h"

/*
 * A link: reads and writes for one connection, and closes it.
 *
 * A link owns the handle of its connection, but no buffers. It reads into the buffer of its set, or into the memory that the
 * handler offers for a large frame. It writes the bytes that the handler gathers, with one system call per gather, until the
 * send buffer is full; then the poller reports when there is room again.
 *
 * link_close() writes the remaining bytes of the handler for as long as the other side reads them, ends the sending side, and
 * then waits a moment until the other side has closed the connection too. Closing with unread input would reset the
 * connection, and the other side could lose the last frame.
 *
 * Invariant: the handler's closed() is called exactly once for a link whose connected() returned a peer.
 */

#define LINK_TURN_ALONE   65536u
#define LINK_TURN_SHARED  8192u
#define LINK_WEIGHT_LIGHT 1u   /* a single busy link reads more than its share only up to this weight */
#define LINK_READ_LEAST   256u /* bytes that a turn may always read, however much they cost */
#define LINK_WORK_BYTES   3u   /* price of one unit of the handler's work, in bytes: both take about as long */

/* Takes ownership of @handle. NULL: the handler refused the connection or the poller can't add it; @handle was closed. */
Link *link_new (LinkSet *set, LinkHandle handle, const TransportCreds *creds);

/* Sends @refusal (nullable) to a new connection that is about to be closed, and ends the sending side. */
void link_refuse (LinkHandle handle, GBytes *refusal);

/* Writes the bytes that the handler gathers. Does nothing while the link waits for room in the send buffer. */
void link_flush (Link *link);

/* Closes the link as soon as everything is written and the other side has closed, and after @linger_us at the latest. */
void link_close (Link *link, gint64 linger_us);

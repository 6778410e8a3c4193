/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * Reading from and writing to one open connection, without waiting. Each system implements it.
 *
 * Every function is one attempt. If it is not possible now, it returns LINK_IO_WAIT, and the poller reports when another
 * attempt is worthwhile. Nothing here keeps bytes or calls back.
 *
 * Invariant: a handle is closed once, by link_io_close().
 */

/* Names an open connection: a file descriptor on POSIX; where connections are objects, a pointer. */
typedef gintptr LinkHandle;
#define LINK_HANDLE_NONE ((LinkHandle) -1)

#define LINK_IO_WAIT   ((gssize) -1) /* not now */
#define LINK_IO_BROKEN ((gssize) -2) /* never again */

/* Makes a new handle non-blocking, closed in child processes, and its send buffer large. */
void link_io_prepare (LinkHandle handle);

/* Reads into @place first and into @buffer what does not fit there. Returns the number of bytes; 0: the other side has
 * stopped sending. */
gssize link_io_read (LinkHandle handle, guint8 *place, gsize place_len, guint8 *buffer, gsize len);

/* Writes as much of @spans as the system takes now, at most TRANSPORT_SPANS_MAX of them. Returns the number of bytes, above
 * zero. The spans are not used after it returns. */
gssize link_io_write (LinkHandle handle, const WireSpan *spans, guint n);

/* Ends the sending side: the other side reads the end once it has read everything before. */
void link_io_shutdown (LinkHandle handle);

/* Ends both sides at once; the next read shows the end. */
void link_io_abort (LinkHandle handle);

void link_io_close (LinkHandle handle);

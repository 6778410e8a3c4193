/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * Reading from and writing to one open connection, without waiting. Each system implements it.
 *
 * Every function makes one attempt. If the system is not ready, the function returns LINK_IO_WAIT, and the poller reports
 * when the link is ready. The functions keep no bytes and make no callbacks.
 *
 * Invariant: a handle is closed exactly once, by link_io_close().
 */

/* An open connection: a file descriptor on POSIX, a pointer on systems whose connections are objects. */
typedef gintptr LinkHandle;
#define LINK_HANDLE_NONE ((LinkHandle) -1)

#define LINK_IO_WAIT   ((gssize) -1) /* try again when the poller reports the link */
#define LINK_IO_BROKEN ((gssize) -2) /* the connection has failed */

/* Makes a new handle non-blocking, keeps child processes from inheriting it, and enlarges its send buffer. */
void link_io_prepare (LinkHandle handle);

/* Fills @place first, then reads further bytes into @buffer. Returns the number of bytes; 0: the other side has stopped
 * sending. */
gssize link_io_read (LinkHandle handle, guint8 *place, gsize place_len, guint8 *buffer, gsize len);

/* Writes as much of @spans as the system accepts now, at most TRANSPORT_SPANS_MAX of them. Returns the number of bytes,
 * which is above zero. The spans are not used after the return. */
gssize link_io_write (LinkHandle handle, const WireSpan *spans, guint n);

/* Ends the sending side: the other side reads all bytes that were written, and then the end of the stream. */
void link_io_shutdown (LinkHandle handle);

/* Ends both directions at once; the next read returns the end of the stream. */
void link_io_abort (LinkHandle handle);

void link_io_close (LinkHandle handle);

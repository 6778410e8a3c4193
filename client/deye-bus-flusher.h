/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-socket.h"
#include "session/deye-bus-outbuf.h"

/*
 * A thread that writes what a client has left in its buffer, while the thread of the client does something else.
 *
 * The client gives it the bytes that it has not written, and takes them back before it reads or changes the front of its buffer. Meanwhile
 * the client may add to the buffer, but only behind these bytes. The thread waits a little for more to come, then it writes. It touches
 * nothing but the bytes and the socket: what it has written, and that the other side reads no more, the client learns when
 * it takes them back.
 *
 * A burst costs one lock, or one for each part of the buffer (64 KiB): while the thread is awake, the client only says how many bytes
 * it has added.
 *
 * Invariant: the bytes and the socket are valid from end() to the next begin().
 */

/* While messages keep coming they are written together, at most as late as this. */
#define DEYE_BUS_FLUSHER_LATEST_US G_TIME_SPAN_MILLISECOND

typedef struct DeyeBusFlusher DeyeBusFlusher;

/* NULL: no thread can be started. */
DeyeBusFlusher *deye_bus_flusher_new (void);
/* Ends the thread. Its bytes must have been taken back. */
void deye_bus_flusher_free (DeyeBusFlusher *self);

/* Takes the bytes back: returns how many of them were written; -1: the other side reads no more. The thread does nothing until
 * end(). */
gssize deye_bus_flusher_begin (DeyeBusFlusher *self);
/* Gives what is in @out, to be written to @socket. @out: (nullable): nothing; it is not empty. */
void deye_bus_flusher_end (DeyeBusFlusher *self, DeyeBusSocket socket, const DeyeBusOutbuf *out);
/* Between end() and begin(): gives what was added to @out since, without the lock. FALSE: the thread has to be woken, or the bytes are
 * in another part of the buffer; begin() and end() give them. */
gboolean deye_bus_flusher_extend (DeyeBusFlusher *self, const DeyeBusOutbuf *out);

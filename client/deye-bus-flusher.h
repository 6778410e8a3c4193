/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-socket.h"
#include "session/deye-bus-outbuf.h"

/*
 * A flusher: a thread that writes the bytes that calls have left in the out-buffer of a client, while the thread of the client
 * does something else.
 *
 * The client gives the flusher the bytes that it has not written, and takes them back before it reads or changes the front of
 * the buffer. Meanwhile the client may add bytes to the buffer, but only behind the given ones. The flusher waits a moment for
 * more bytes, then it writes. It uses only the bytes and the socket. When the client takes the bytes back, it gets the number
 * of bytes that were written, and notices that the broker reads no more.
 *
 * A burst of messages takes the lock once, or once for each part of the buffer (64 KiB): while the thread is awake, the client
 * only updates the number of bytes that it has added.
 *
 * Invariant: the bytes and the socket are valid from end() to the next begin().
 */

/* Messages that follow each other are written together; the first one waits at most for this time. */
#define DEYE_BUS_FLUSHER_LATEST_US G_TIME_SPAN_MILLISECOND

typedef struct DeyeBusFlusher DeyeBusFlusher;

/* NULL: the thread could not be started. */
DeyeBusFlusher *deye_bus_flusher_new (void);
/* Ends the thread. Its bytes must have been taken back. */
void deye_bus_flusher_free (DeyeBusFlusher *self);

/* Takes the bytes back, and returns how many of them were written; -1: the broker reads no more. The thread does nothing until
 * end(). */
gssize deye_bus_flusher_begin (DeyeBusFlusher *self);
/* Gives the bytes of @out, which are to be written to @socket. @out: (nullable): not empty; NULL: there is nothing to write. */
void deye_bus_flusher_end (DeyeBusFlusher *self, DeyeBusSocket socket, const DeyeBusOutbuf *out);
/* Between end() and begin(): gives the bytes that were added to @out since, without the lock. FALSE: the thread has to be
 * woken, or the bytes are in another part of the buffer, so the caller has to use begin() and end(). */
gboolean deye_bus_flusher_extend (DeyeBusFlusher *self, const DeyeBusOutbuf *out);

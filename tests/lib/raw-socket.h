/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A byte stream of the operating system (on POSIX a Unix socket), to the broker or to a client. It does not know frames.
 */

typedef struct RawSocket RawSocket;

/* Ends the test if no broker listens at @address. */
RawSocket *raw_socket_connect (const char *address);
/* A connected pair: @theirs is a handle for the product, which takes it. */
RawSocket *raw_socket_pair (gintptr *theirs);
void raw_socket_free (RawSocket *self);
/* FALSE: the other side has closed. */
gboolean raw_socket_send (RawSocket *self, const void *bytes, gsize len);
/* Waits; returns the number of bytes received, 0 at the end of the connection. */
gsize raw_socket_receive (RawSocket *self, void *bytes, gsize len);
/* The same without waiting; 0: there is nothing now. */
gsize raw_socket_receive_now (RawSocket *self, void *bytes, gsize len);
/* Waits until there is something to receive, or the other side has closed. */
void raw_socket_wait (RawSocket *self);
/* Ends the direction to the other side; the other direction stays open. */
void raw_socket_shut (RawSocket *self);

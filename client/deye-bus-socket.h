/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * The stream between a client and its broker: connect, trust check of the server, bytes in and out, and what to poll.
 *
 * Each system implements this interface in a folder of its own (posix/: a Unix domain socket). Nothing here waits.
 *
 * Invariant: a socket that open() returned is connected to a server that this user may trust.
 */

/* POSIX: a file descriptor. */
typedef gintptr DeyeBusSocket;
#define DEYE_BUS_SOCKET_NONE ((DeyeBusSocket) -1)

#define DEYE_BUS_SOCKET_POLLS_MAX 2u

/* Connects to the broker at @address (NULL: this user has no default address) and checks the server. NONE: failed. When
 * @again is set nothing is wrong, @error is not set, and the broker's queue of new connections is full: try again in a
 * moment. */
DeyeBusSocket deye_bus_socket_open (const char *address, gboolean *again, GError **error);
/* Takes a connected handle, also on failure. The server is not checked. NONE: not usable. */
DeyeBusSocket deye_bus_socket_adopt (gintptr handle, GError **error);
/* Closes it and sets it to NONE. No effect on NONE. */
void deye_bus_socket_close (DeyeBusSocket *socket);
/* Closes a handle that was not adopted. No effect on -1. */
void deye_bus_socket_close_handle (gintptr *handle);

/* Describes what to poll for @condition: sets fd and events of the first entries of @polls and returns how many
 * there are. The number and the fds of one socket never change. */
guint deye_bus_socket_polls (DeyeBusSocket socket, GIOCondition condition, GPollFD polls[DEYE_BUS_SOCKET_POLLS_MAX]);

/* One write of the bytes in @spans. Returns the bytes written; 0: not now; -1: the other side does not read any
 * more. */
gssize deye_bus_socket_write (DeyeBusSocket socket, const WireSpan *spans, guint n_spans);
/* Returns the bytes read; 0: nothing now; -1: the connection ended, @why says how. */
gssize deye_bus_socket_read (DeyeBusSocket socket, guint8 *bytes, gsize len, const char **why);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * The stream socket between a client and its broker: connecting, checking that the server is trusted, reading, writing and
 * polling.
 *
 * Each operating system implements this interface in a folder of its own (posix/: a Unix domain socket). No function waits.
 *
 * Invariant: a socket that open() returned is connected to a server that this user may trust.
 */

/* POSIX: a file descriptor. */
typedef gintptr DeyeBusSocket;
#define DEYE_BUS_SOCKET_NONE ((DeyeBusSocket) -1)

#define DEYE_BUS_SOCKET_POLLS_MAX 2u

/* Connects to the broker at @address (NULL: this user has no default address) and checks the server. NONE: failed. If @again is
 * set, the broker's queue of new connections is full, @error is not set, and the caller tries again a little later. */
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

/* Writes the bytes in @spans with one system call. Returns the number of bytes written; 0: the socket is full; -1: the other
 * side does not read any more. */
gssize deye_bus_socket_write (DeyeBusSocket socket, const WireSpan *spans, guint n_spans);
/* Returns the number of bytes read; 0: there are none now; -1: the connection has ended, and @why is the reason. */
gssize deye_bus_socket_read (DeyeBusSocket socket, guint8 *bytes, gsize len, const char **why);

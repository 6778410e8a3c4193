/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/*
 * The Unix domain socket of a client: where it is, who is behind it, bytes in and out. Non-blocking, close-on-exec.
 */

/* Path of the broker's socket: @address, else $DAEMONEYE_BROKER_SOCKET, else the default of this user. Transfer full. */
char *deye_bus_socket_address (const char *address);

/* Connects and checks who serves. -1: failed; with @again set nothing is wrong, the broker has no room in its queue of
 * new connections: try again in a moment. */
int deye_bus_socket_open (const char *address, gboolean *again, GError **error);

/* Makes an inherited one non-blocking and close-on-exec, with large buffers. */
gboolean deye_bus_socket_adopt (int fd, GError **error);

/* One write of what @spans say. Bytes written, 0: not now, -1: the other side is gone (errno). */
gssize deye_bus_socket_write (int fd, const void *spans, guint n_spans);
/* Bytes read, 0: end, -1: errno (EAGAIN: not now). */
gssize deye_bus_socket_read (int fd, guint8 *bytes, gsize len);

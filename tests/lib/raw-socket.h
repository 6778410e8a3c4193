/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A blocking byte stream to the broker, as the operating system offers it: a Unix socket here. It knows nothing of
 * frames.
 */

typedef struct RawSocket RawSocket;

/* Ends the test when nothing listens at @address. */
RawSocket *raw_socket_connect (const char *address);
void raw_socket_free (RawSocket *self);
/* FALSE: the other side has closed. */
gboolean raw_socket_send (RawSocket *self, const void *bytes, gsize len);
/* Waits; returns the number of bytes received, 0 at the end of the connection. */
gsize raw_socket_receive (RawSocket *self, void *bytes, gsize len);
/* Ends the direction to the other side; the other direction stays open. */
void raw_socket_shut (RawSocket *self);

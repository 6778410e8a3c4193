/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A relay between clients and the broker, in the process and the thread-default context of the test.
 *
 * A test can end the connection of a client to the relay while the connection of the relay to the broker stays open, as if another
 * process had a copy of the socket. The broker sees the test as the process of every client.
 *
 * It is for small traffic only: it blocks until it has written the bytes that it has read.
 */

typedef struct Relay Relay;

/* Listens at @path, for the broker at @address. */
Relay *relay_new (const char *path, const char *address);
void relay_free (Relay *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Relay, relay_free)

/* Closes the clients' ends of all connections. Bytes that the broker sends on them are not read any more. */
void relay_cut (Relay *self);
/* The number of connections that were cut, but not yet closed by the broker. */
guint relay_count_cut (Relay *self);

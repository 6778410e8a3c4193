/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A relay between clients and the broker, in the process and the thread-default context of the test.
 *
 * A client that is connected to the relay loses its connection when the test says so, while the broker's end of it stays open:
 * as when a copy of the socket lives on in another process. To the broker the test is the process of the client, in each
 * connection.
 *
 * It is made for small traffic: it writes what it has read before it does anything else.
 */

typedef struct Relay Relay;

/* Listens at @path, for the broker at @address. */
Relay *relay_new (const char *path, const char *address);
void relay_free (Relay *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Relay, relay_free)

/* Closes the clients' ends of all connections. Bytes that the broker sends on them are not read any more. */
void relay_cut (Relay *self);
/* Connections that were cut, and that the broker has not closed. */
guint relay_count_cut (Relay *self);

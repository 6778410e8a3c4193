/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "link-set.h"

/*
 * One connection's read and write pump.
 *
 * It owns the file descriptor. Reading goes through the set's shared buffer, or straight to where the handler wants a
 * large frame. Writing takes what gather() gives, one system call per gather, until the socket takes no more; then the
 * poller watches for room. It keeps no bytes of its own.
 *
 * Closing as wanted writes what the handler still gives for as long as the socket takes it, shuts the sending side down
 * and waits a moment for the other side to read it, so that a reset does not eat the last frame.
 */

/* Takes @fd. NULL: refused or no room; the fd is closed then. */
Link *link_new (LinkSet *set, int fd, const TransportCreds *creds);

/* Writes what the handler has for it. Harmless while it waits for room. */
void link_flush (Link *link);

/* Ends it: at once when all is written, after @linger_us at the latest. */
void link_close (Link *link, gint64 linger_us);

/* For the set. Reads once: @budget bytes, and what a large frame still needs. Gives how many it read; it may be dead
 * after it. */
gsize link_on_readable (Link *link, gsize budget);
void link_on_writable (Link *link);
void link_destroy (Link *link, TransportClosed why);

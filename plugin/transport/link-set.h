/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "link-poller.h"

/*
 * A link set: all links of a broker, on one GSource.
 *
 * With a source per connection a message costs five to ten times as much when hundreds of idle clients are connected. A
 * poller (link-poller.h) waits for all links at once; the set distributes the reading and owns the buffer that all links
 * read into.
 *
 * Reading is fair by bytes. When one link is ready it may read 64 KiB; when several are, each may read 8 KiB, so that a peer
 * that floods the broker does not delay the others. A large frame is read directly into its own memory at once; the bytes
 * beyond the share of the turn are subtracted from the next turns. This is deficit round robin (M. Shreedhar, G. Varghese,
 * "Efficient Fair Queueing Using Deficit Round Robin", SIGCOMM 1995) with debts instead of savings, because the amount that can
 * be read is not known in advance. A message that is delivered to thousands of subscriptions costs far more time than its bytes.
 * The handler reports this work (TransportHandler.work); it counts as additional bytes, and the link reads less at a time
 * while its bytes cost that much.
 *
 * The source has the same priority as the timers and the listener of its context. With a higher priority, a peer that always
 * has something to read would delay deadlines and new connections without limit.
 *
 * Invariant: a link is in the set from link_new() until it is closed, and it is closed once.
 */

/* @poller: NULL selects the best poller of this system. The source is attached to @context. */
LinkSet *link_set_new (GMainContext *context, const LinkPoller *poller, const TransportHandler *handler, gpointer user);
/* Closes all links of the set and frees it. */
void link_set_free (LinkSet *set);
guint link_set_size (const LinkSet *set);
GMainContext *link_set_context (const LinkSet *set);
/* Runs one blocking iteration of the set's context, which the calling thread must own, and which only this function iterates. A
 * source that is dispatched may free the set. */
void link_set_iterate (LinkSet *set);

/* Adds a new connection and ends the turn. Takes ownership of @handle in any case. FALSE: the connection was refused. */
gboolean link_set_adopt (LinkSet *set, LinkHandle handle, const TransportCreds *creds);

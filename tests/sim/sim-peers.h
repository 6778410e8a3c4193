/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The events system.peer.* as the documents promise them. A connection that is accepted is reported with the incarnation of its
 * client object, and with that of the connection that it took its id over from. A connection that ends is reported with its
 * incarnation, once, unless another connection has its id at that moment.
 *
 * The world notes what happens to connections. A watcher that missed nothing must have heard exactly that since it began.
 */

typedef struct
{
  gboolean is_here; /* connected, else gone */
  guint64 incarnation;
  guint64 replaced; /* incarnation; 0: none */
  guint64 seq;      /* noted: of the newest message at that moment */
} SimPeerEvent;

typedef struct SimPeers SimPeers;

SimPeers *sim_peers_new (void);
void sim_peers_free (SimPeers *peers);

/* A connection of the client in that slot was accepted. */
void sim_peers_connected (SimPeers *peers, guint slot, guint64 incarnation, guint64 seq);
/* A connection that was accepted has ended. @is_taken_over: the next one of that slot took its id over */
void sim_peers_gone (SimPeers *peers, guint slot, guint64 incarnation, gboolean is_taken_over, guint64 seq);

/* Compares @heard, of SimPeerEvent, with what happened after @since. NULL: it is the same, else what is wrong (static) */
const char *sim_peers_compare (const SimPeers *peers, guint slot, const GArray *heard, guint64 since);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The model of the events system.peer.*, which follows the documents. A connection that is accepted is reported with the
 * incarnation of its client object, and with the incarnation of the connection whose id it took over. A connection that ends is
 * reported with its incarnation, once, unless another connection has its id at that time.
 *
 * The world notes the start and end of connections. A watcher that missed nothing must have received exactly these events since
 * it subscribed.
 */

typedef struct
{
  gboolean is_here; /* connected, else gone */
  guint64 incarnation;
  guint64 replaced; /* incarnation; 0: none */
  guint64 seq;      /* of the newest message when it was noted */
} SimPeerEvent;

typedef struct SimPeers SimPeers;

SimPeers *sim_peers_new (void);
void sim_peers_free (SimPeers *peers);

/* A connection of the client in that slot was accepted. */
void sim_peers_connected (SimPeers *peers, guint slot, guint64 incarnation, guint64 seq);
/* An accepted connection has ended. @is_taken_over: the next connection of that slot took its id over */
void sim_peers_gone (SimPeers *peers, guint slot, guint64 incarnation, gboolean is_taken_over, guint64 seq);

/* Compares the received events @received (SimPeerEvent) with those after @since. NULL: they agree; otherwise the fault (static) */
const char *sim_peers_compare (const SimPeers *peers, guint slot, const GArray *received, guint64 since);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/peer-fixture.h"
#include "route/bus-confirm.h"
#include "route/bus-hold.h"
#include "route/bus-request.h"
#include "route/bus-reroute.h"
#include "route/bus-resend.h"
#include "route/bus-routes.h"

/*
 * The fixture of the route layer: peer-fixture and the state of the route layer.
 *
 * No layer above the route layer is linked. When a peer disconnects, routes_disconnect() does the work of the top layer in the
 * same order: all subscriptions are unlisted before the first one is released.
 */

void routes_setup (Peers *peers, gconstpointer limits_or_null);
/* Asserts that no subscription, group, server or request is left. */
void routes_teardown (Peers *peers, gconstpointer data);

/* Disconnects the peer. @leave: (nullable): the outcome of its messages is added to it. */
void routes_disconnect (Peers *peers, BusPeer *peer, BusLeave *leave);

/* Adds a subscription with the policy drop-oldest and the default bounds. @group: (nullable) */
BusSubscription *routes_subscribe (Peers *peers,
                                   BusPeer *owner,
                                   guint32 id,
                                   const char *pattern,
                                   const char *group,
                                   guint64 window_messages);
/* Adds a plain subscription with a copy of the filter. */
BusSubscription *
routes_subscribe_filtered (Peers *peers, BusPeer *owner, guint32 id, const char *pattern, const BusFilter *filter);
BusSubscription *routes_serve (Peers *peers, BusPeer *owner, guint32 id, const char *topic);
void routes_unsubscribe (Peers *peers, BusSubscription *subscription, BusLeave *leave);

/* Publishes a message of @len payload bytes. @publisher: (nullable) */
BusOutcome routes_publish (Peers *peers, BusPeer *publisher, const char *topic, gsize len);
BusOutcome routes_broadcast (Peers *peers, BusPeer *publisher, const char *topic, gsize len);

/* Announces an event that contains @text. */
void routes_announce (Peers *peers, const char *topic, const char *text);

/* Takes all frames that were sent to the peer, and returns the number of DELIVER frames. */
guint routes_count_delivered (BusPeer *peer);

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
 * Peers that are routed to: peer-fixture, and the state of the route layer.
 *
 * Nothing above the route layer is linked. routes_disconnect() does the work of the top when a peer disconnects, in the
 * same order: everything is unfiled before the first subscription is released.
 */

void routes_setup (Peers *peers, gconstpointer limits_or_null);
/* Asserts that no subscription, group, server or request is left. */
void routes_teardown (Peers *peers, gconstpointer data);

/* @leave: (nullable): the outcome of its messages is added to it. */
void routes_disconnect (Peers *peers, BusPeer *peer, BusLeave *leave);

/* A subscription with the policy drop-oldest and the default bounds. @group: (nullable) */
BusSubscription *routes_subscribe (Peers *peers,
                                   BusPeer *owner,
                                   guint32 id,
                                   const char *pattern,
                                   const char *group,
                                   guint64 window_messages);
/* A plain one with a filter, which is copied. */
BusSubscription *
routes_subscribe_filtered (Peers *peers, BusPeer *owner, guint32 id, const char *pattern, const BusFilter *filter);
BusSubscription *routes_serve (Peers *peers, BusPeer *owner, guint32 id, const char *topic);
void routes_unsubscribe (Peers *peers, BusSubscription *subscription, BusLeave *leave);

/* Publishes a message of @len payload bytes. @publisher: (nullable) */
BusOutcome routes_publish (Peers *peers, BusPeer *publisher, const char *topic, gsize len);
BusOutcome routes_broadcast (Peers *peers, BusPeer *publisher, const char *topic, gsize len);

/* Announces an event that contains @text. */
void routes_announce (Peers *peers, const char *topic, const char *text);

/* The number of DELIVER frames that were sent to the peer; takes all frames out. */
guint routes_count_delivered (BusPeer *peer);

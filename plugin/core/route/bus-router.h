/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "queue/bus-message.h"
#include "route/bus-match.h"

/*
 * Routing: which queues an accepted message goes to.
 *
 * It comes after authorize() and only appends to queues. Plain subscribers all get it, of each matching group one
 * member (with broadcast: every member), one frame names all matched subscriptions of a receiver. Requests go to one of
 * those who serve the topic.
 *
 * Invariant: every matched subscription is either queued or refused, and each refusal is in a gap.
 */

typedef struct
{
  guint matched; /* subscriptions; a group counts as one */
  guint queued;
  guint refused; /* the rest was dropped by a policy that does not tell the publisher */
} BusOutcome;

/* --- the look-up index; together with the owner's table it is kept by these two --- */

/* Files a subscription of a ready peer. */
void bus_router_add (BusCore *core, BusSubscription *subscription, WireSpan group);

typedef struct
{
  guint64 discarded;
  guint64 rerouted;
  guint64 unacknowledged;
} BusLeave;

/* Nothing new is matched to it from here on. A peer that goes unfiles all of its own before it releases the first, so
 * that what is handed on never comes back to it. */
void bus_router_unfile (BusCore *core, BusSubscription *subscription);
/* Frees an unfiled one; what was unsent for a group goes to another member. */
void bus_router_release (BusCore *core, BusSubscription *subscription, gint64 now_us, BusLeave *leave);

/* --- routes --- */

/* Who gets a (valid) topic; valid until a subscription comes or goes. */
BusMatch *bus_router_match (BusCore *core, WireSpan topic);

BusOutcome bus_router_publish (BusCore *core, BusInbound *inbound, BusMatch *match, gboolean broadcast, gint64 now_us);

/* To the subscriptions of one peer that match; nothing matched: NOT_SUBSCRIBED is the caller's to say. */
BusOutcome bus_router_direct (BusCore *core, BusInbound *inbound, BusPeer *target, guint64 route_id, gint64 now_us);
gboolean bus_router_is_subscribed (BusCore *core, BusPeer *target, WireSpan topic);

/* One who serves @topic, round robin; with @target that one. NULL: nobody. */
BusSubscription *bus_router_pick_server (BusCore *core, WireSpan topic, BusPeer *target, const BusNeed *need);

/* FALSE: its queue is full. */
gboolean bus_router_request (BusCore *core,
                             BusInbound *inbound,
                             BusSubscription *server,
                             guint64 route_id,
                             gint64 due_us,
                             gint64 now_us);

/* How many subscriptions serve @topic now. */
guint bus_router_count_servers (BusCore *core, WireSpan topic);

/* A message of the broker itself, e.g. on system.*. It is counted like any; nothing is built when nobody
 * wants it. */
void bus_router_announce (BusCore *core, const char *topic, const char *type_name, WireSpan payload, gint64 now_us);

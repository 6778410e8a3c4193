/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "queue/bus-message.h"
#include "route/bus-match.h"

#include <protobuf-c/protobuf-c.h>

/*
 * Routing: which queues an accepted message enters.
 *
 * It runs after authorize(). It appends to queues, drops from them, and may mark a receiver for closing; it calls
 * nothing back. All plain subscribers get a message, and one member of each matching group (with broadcast: every
 * member); one frame names all matched subscriptions of a receiver. A request is given to one of the subscriptions
 * that serve its topic.
 *
 * Invariant: for every matched subscription the message is either queued or refused, and each refusal is in a gap.
 */

typedef struct
{
  guint matched; /* subscriptions; a group counts as one */
  guint queued;
  guint refused; /* a message that was dropped by another policy is not reported to the publisher */
} BusOutcome;

/* --- the index and the table of the owner: these functions keep the two together --- */

/* Files a subscription of a ready peer. */
void bus_router_add (BusCore *core, BusSubscription *subscription, WireSpan group, BusStrategy strategy);

/* Takes it out of the index and out of the table of its owner: no new message matches it, and nothing sheds from
 * its queue any more. A peer that disconnects unfiles all of its subscriptions before the first one is released,
 * so that nothing that is handed on returns to it. */
void bus_router_unfile (BusCore *core, BusSubscription *subscription);
/* Leaves its group and frees an unfiled subscription for which nothing waits any more (bus-reroute). */
void bus_router_free (BusCore *core, BusSubscription *subscription);

/* --- routes --- */

/* Offers a message to subscriptions of one peer. @fits: the broker has room for it */
BusOutcome bus_router_offer (BusInbound *inbound,
                             BusPeer *receiver,
                             BusSubscription *const *subscriptions,
                             guint n,
                             const BusDelivery *delivery,
                             gboolean fits,
                             gint64 now_us);

/* Parts of publishing that bus-assured uses as well. The most that a message can make the broker hold; counting it; the plain
 * subscriptions of each receiver that get it; offering it to what was chosen. */
#define BUS_ROUTER_ROOM 8192u /* of each receiver: a slot, and a small segment */
static inline guint64
bus_router_need (const BusInbound *inbound, guint n_receivers)
{
  const gsize len = inbound->frame.body.len;

  return bus_message_size (len) + n_receivers * (BUS_ROUTER_ROOM + (guint64) MIN (len, inbound->copy_max));
}
void bus_router_count_accepted (BusCore *core, BusInbound *inbound, guint domain);
void bus_router_choose_plain (BusMatch *match, const WireEnvelope *envelope);
BusOutcome bus_router_offer_chosen (BusInbound *inbound,
                                    BusMatch *match,
                                    const BusDelivery *delivery,
                                    gboolean fits,
                                    gint64 now_us);
static inline void
bus_router_add_outcome (BusOutcome *sum, BusOutcome one)
{
  sum->matched += one.matched;
  sum->queued += one.queued;
  sum->refused += one.refused;
}

/* The receivers of a (valid) topic; valid until a subscription is added or removed. */
BusMatch *bus_router_match (BusCore *core, WireSpan topic);

BusOutcome bus_router_publish (BusCore *core, BusInbound *inbound, BusMatch *match, gboolean broadcast, gint64 now_us);

/* To the matching subscriptions of one peer. When none matches the caller answers NOT_SUBSCRIBED. */
BusOutcome bus_router_direct (BusCore *core, BusInbound *inbound, BusPeer *target, guint64 route_id, gint64 now_us);
gboolean bus_router_is_subscribed (BusCore *core, BusPeer *target, const WireEnvelope *envelope);

/* A subscription that serves @topic, round robin; with @target one of that peer. NULL: none. */
BusSubscription *bus_router_pick_server (BusCore *core, WireSpan topic, BusPeer *target, const BusNeed *need);

/* Counts a request once, however many servers it is offered to. */
void bus_router_count_request (BusCore *core, BusInbound *inbound, BusServers *servers, gint64 now_us);

/* FALSE: the queue of the server is full. @delivery: its kind, route, deadline and mark */
gboolean bus_router_request (BusCore *core,
                             BusInbound *inbound,
                             BusSubscription *server,
                             const BusDelivery *delivery,
                             gint64 now_us);

/* A subscription that serves @topic of each ready peer that has one, in the order of serving; with @target of that peer
 * only. (element-type BusSubscription) (transfer container) */
GPtrArray *bus_router_all_servers (BusCore *core, WireSpan topic, const BusPeer *target);

/* The number of subscriptions that serve @topic now. */
guint bus_router_count_servers (BusCore *core, WireSpan topic);

/* An event: a message of the broker itself on system.*, of any size. It is counted like any other; nothing is built when
 * it has no receiver. */
void bus_router_announce (BusCore *core, const char *topic, const ProtobufCMessage *event, gint64 now_us);

/* The same, and it is retained, counted for @account. FALSE: it is not retained, because there is no room for it. */
gboolean bus_router_announce_retained (BusCore *core,
                                       const char *topic,
                                       const ProtobufCMessage *event,
                                       BusAccount *account,
                                       gint64 now_us);

/* A message of the broker itself to one peer. FALSE: it is not subscribed to the topic. */
gboolean bus_router_announce_to (BusCore *core,
                                 const char *topic,
                                 const ProtobufCMessage *event,
                                 BusPeer *target,
                                 gint64 now_us);

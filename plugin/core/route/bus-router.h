/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "queue/bus-message.h"
#include "route/bus-match.h"

#include <protobuf-c/protobuf-c.h>

/*
 * Routing: decides which queues an accepted message enters.
 *
 * The router runs after the right to publish was checked. It appends the message to queues, drops messages from them, and may mark
 * a receiver for closing; it makes no callbacks. All plain subscriptions that match get a message, and one member of each
 * matching group (with broadcast: every member). One frame names all matched subscriptions of a receiving peer. A request is given
 * to one of the subscriptions that serve its topic.
 *
 * Invariant: for every matched subscription the message is either queued or lost, and each loss is in a gap.
 */

typedef struct
{
  guint matched; /* subscriptions; a group counts as one */
  guint queued;
  guint refused; /* by the policies error and block, or for lack of memory; drops by other policies are not counted */
} BusOutcome;

/* --- subscriptions: these functions keep the index and the table of the owner consistent --- */

/* Adds a subscription of a ready peer to its group, the index and the table of its owner. */
void bus_router_add (BusCore *core, BusSubscription *subscription, WireSpan group, BusStrategy strategy);

/* Takes it out of the index and out of the table of its owner: no new message matches it, and shedding does not drop messages
 * of its queue any more. When a peer disconnects, all of its subscriptions are unlisted before the first one is emptied, so that no
 * message that is handed on returns to the peer. */
void bus_router_unlist (BusCore *core, BusSubscription *subscription);
/* Frees an unlisted subscription whose queue bus_reroute_ended() has emptied. It leaves its group. */
void bus_router_free (BusCore *core, BusSubscription *subscription);

/* --- routes --- */

/* Offers a message to subscriptions of one peer. @fits: FALSE: the broker has no room, and the message is lost for all of them */
BusOutcome bus_router_offer (BusInbound *inbound,
                             BusPeer *receiver,
                             BusSubscription *const *subscriptions,
                             guint n,
                             const BusDelivery *delivery,
                             gboolean fits,
                             gint64 now_us);

/* Steps of publishing that bus-assured uses as well.
 * bus_router_need(): the most memory that a message can make the broker hold.
 * bus_router_count_accepted(): counts it for the statistics of its domain.
 * bus_router_choose_plain(): chooses the plain subscriptions of each receiver that get it.
 * bus_router_offer_chosen(): offers it to the chosen subscriptions. */
#define BUS_ROUTER_ROOM 8192u /* for each receiver: a slot, and a small segment */
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

/* The receivers of a topic, which must be valid. The result is valid until a subscription is added or removed. */
BusMatch *bus_router_match (BusCore *core, WireSpan topic);

BusOutcome bus_router_publish (BusCore *core, BusInbound *inbound, BusMatch *match, gboolean broadcast, gint64 now_us);

/* Offers a message to the matching subscriptions of one peer. If none matches, the caller answers NOT_SUBSCRIBED. */
BusOutcome bus_router_direct (BusCore *core, BusInbound *inbound, BusPeer *target, guint64 route_id, gint64 now_us);
gboolean bus_router_is_subscribed (BusCore *core, BusPeer *target, const WireEnvelope *envelope);

/* Picks a subscription that serves @topic, round robin. @target: (nullable): the only peer that may get the request. NULL:
 * none. */
BusSubscription *bus_router_pick_server (BusCore *core, WireSpan topic, BusPeer *target, const BusNeed *need);

/* Counts a request; once, also if it is offered to many servers. */
void bus_router_count_request (BusCore *core, BusInbound *inbound, BusServers *servers, gint64 now_us);

/* Offers a request to a server. FALSE: its queue is full. @delivery: kind, route, deadline and mark */
gboolean bus_router_request (BusCore *core,
                             BusInbound *inbound,
                             BusSubscription *server,
                             const BusDelivery *delivery,
                             gint64 now_us);

/* One subscription that serves @topic of each ready peer that has any, in the order in which they were added. @target: (nullable):
 * of this peer only. (element-type BusSubscription) (transfer container) */
GPtrArray *bus_router_all_servers (BusCore *core, WireSpan topic, const BusPeer *target);

/* The number of subscriptions that serve @topic now. */
guint bus_router_count_servers (BusCore *core, WireSpan topic);

/* Publishes an event: a message of the broker itself on system.*, of any size. It is counted like any other message. Without a
 * receiver it is not built. */
void bus_router_announce (BusCore *core, const char *topic, const ProtobufCMessage *event, gint64 now_us);

/* The same, and the event is retained and counted for @account. FALSE: it is not retained, because there is no room for it. */
gboolean bus_router_announce_retained (BusCore *core,
                                       const char *topic,
                                       const ProtobufCMessage *event,
                                       BusAccount *account,
                                       gint64 now_us);

/* Sends an event to one peer only. FALSE: the peer is not subscribed to the topic. */
gboolean bus_router_announce_to (BusCore *core,
                                 const char *topic,
                                 const ProtobufCMessage *event,
                                 BusPeer *target,
                                 gint64 now_us);

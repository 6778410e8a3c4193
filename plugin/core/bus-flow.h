/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-outq.h"
#include "bus-subscription.h"

/*
 * What waits for one peer, and when it may go.
 *
 * Fast path: the subscription has credit and little is encoded: the delivery is encoded at once. Slow path: it waits as
 * an entry in its lane with one slot for each matched subscription; a slot whose subscription has no credit leaves the
 * lane and waits in that subscription's FIFO alone. A slot hangs in its entry and in the FIFO of its subscription, so
 * either can drop it in O(1).
 *
 * When the peer's queue is full the newest is dropped: the loss becomes a gap slot at the end of the subscription's
 * FIFO (or makes the one there longer), and is told where it was, as soon as everything before it is encoded. A gap
 * needs no credit.
 *
 * Invariant: for each subscription delivered + missed + waiting = offered; a FIFO is [queued | gap]* [waiting | gap]*.
 */

#define BUS_FLOW_ENCODED_MAX 262144u /* encoded bytes of a lane above which entries wait */

/* What the stamp of a delivery says besides the message's own. */
typedef struct
{
  guint8 kind; /* DELIVER, REQUEST or REPLY */
  guint8 flags;
  guint64 route_id; /* 0: none */
  guint64 answers;  /* 0: none */
  gint64 due_us;    /* of a request; 0: none */
} BusDelivery;

typedef struct BusEntry BusEntry;

/* Room to sort one offer in; one for all peers of a core. Too large for the stack of every message. */
typedef struct
{
  BusSubscription *ready[WIRE_SUBSCRIPTIONS_MAX];
  BusSubscription *waiting[WIRE_SUBSCRIPTIONS_MAX];
  guint32 ids[WIRE_SUBSCRIPTIONS_MAX];
} BusFlowScratch;

typedef struct
{
  BusOutq outq;
  BusFlowScratch *scratch;
  struct
  {
    BusEntry *first;
    BusEntry *last;
  } lanes[WIRE_N_LANES];
  const BusLimits *limits;
  gsize waiting_bytes; /* of entries and waiting slots, each message in full */
  guint64 waiting_messages;
  gint64 soft_since_us; /* above the soft limit since; 0: it is not */
  guint64 delivered;    /* per matched subscription */
  guint64 missed;
} BusFlow;

void bus_flow_init (BusFlow *flow, const BusLimits *limits, BusFlowScratch *scratch, BusSegmentPool *pool,
                    BusQuota *quota, BusUsage *usage);

/* Every subscription's FIFO must have been emptied by bus_flow_forget(); drops what else waits. */
void bus_flow_clear (BusFlow *flow);

/* How many of the subscriptions were queued; the rest is dropped and told by gaps. @first_loss: (nullable): set when a
 * new gap began. All are of this peer, at most WIRE_SUBSCRIPTIONS_MAX. */
guint bus_flow_offer (BusFlow *flow, BusInbound *inbound, const BusDelivery *delivery,
                      BusSubscription *const *subscriptions, guint n, gint64 now_us, gboolean *first_loss);

/* A message for the peer itself, not for a subscription (a reply): needs no credit and keeps its place in the lane.
 * FALSE: no room. */
gboolean bus_flow_offer_plain (BusFlow *flow, BusInbound *inbound, WireLane lane, const BusDelivery *delivery,
                               gint64 now_us);

/* Whether a message would be queued for this subscription without waiting for credit (a group asks). */
gboolean bus_flow_has_room (const BusFlow *flow, const BusSubscription *subscription);

/* Whether a message of @bytes is taken in at all. */
gboolean bus_flow_takes (BusFlow *flow, gsize bytes, gint64 now_us);

/* The subscription's window was opened: what waited moves on. */
void bus_flow_credit (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* Bytes were sent: encodes what waited, in order. */
void bus_flow_pump (BusFlow *flow, gint64 now_us);

/* Takes the subscription out of everything; returns how many messages waited. @unsent: (nullable): gets a reference to
 * each of them, oldest first (group members hand them on). */
guint bus_flow_forget (BusFlow *flow, BusSubscription *subscription, GPtrArray *unsent);

/* Encoded and waiting bytes. */
gsize bus_flow_bytes (const BusFlow *flow);

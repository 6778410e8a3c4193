/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-timer.h"
#include "base/bus-limits.h"
#include "queue/bus-outq.h"
#include "queue/bus-subscription.h"

/*
 * What waits for one peer, and when it goes: lanes of entries, and how they are encoded.
 *
 * Fast path: the subscription has credit and little is encoded: the delivery is encoded at once. Slow path: it waits as
 * an entry in its lane with one slot for each matched subscription; a slot whose subscription has no credit leaves the
 * lane and waits in that subscription's FIFO alone. A slot hangs in its entry and in the FIFO of its subscription
 * (bus-fifo), so either can drop it in O(1); an entry whose last slot went is gone. When bytes were sent or credit came,
 * entries are encoded in order.
 *
 * What is taken in, and who loses when it is too much, is bus-admit's. A loss becomes a gap in the subscription's FIFO
 * where it was; it is told when everything before it is encoded, and needs no credit.
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
  gboolean to_each; /* broadcast or direct: meant for this member of a group, so nobody else gets it when he goes */
} BusDelivery;

typedef struct BusEntry BusEntry;

/* What all flows of a core share. */
typedef struct
{
  const BusLimits *limits;
  BusDeadlineSet *deadlines;
  BusSegmentPool *segments;
  BusQuota *quota;
  guint64 seed;
  BusDomainCounts domains[BUS_N_DOMAINS];
  guint64 missed_by[BUS_N_LOSSES];
  /* Room to sort one offer in; too large for the stack of every message. */
  BusSubscription *now[WIRE_SUBSCRIPTIONS_MAX];
  guint32 ids[WIRE_SUBSCRIPTIONS_MAX];
} BusFlowShared;

typedef struct
{
  BusOutq outq;
  BusFlowShared *shared;
  struct
  {
    BusEntry *first;
    BusEntry *last;
    gsize bytes; /* of the entries, each message once for each of its slots */
  } lanes[WIRE_N_LANES];
  gboolean is_ended;   /* GOODBYE was put: nothing is encoded behind it */
  gsize waiting_bytes; /* of entries and slots, each message in full for each slot, with what keeps it */
  guint64 waiting_messages;
  gsize held_bytes; /* of waiting_bytes what publishers pay for with their credit: messages with a ticket, and slots */
  guint64 held_messages;
  gint64 soft_since_us; /* above the soft limit since; 0: it is not */
  guint64 delivered;    /* per matched subscription */
  guint64 missed;
  guint64 missed_by[BUS_N_LOSSES];
  gint64 report_next_us;  /* bus-report: not before this time */
  gboolean reported_soft; /* system.slow said that it is above the soft limit */
  BusTimer report_timer;
  BusTimer retry_timer;
} BusFlow;

/* @owner: of the timers. */
void bus_flow_init (BusFlow *flow, BusFlowShared *shared, BusUsage *usage, gpointer owner);

/* The last frame was put. What waits for the peer itself goes unsent; subscriptions are forgotten one by one. */
void bus_flow_end (BusFlow *flow);

/* Every subscription's FIFO must have been emptied by bus_flow_forget(), and it has ended. */
void bus_flow_clear (BusFlow *flow);

/* The subscription's window was opened: what waited moves on. */
void bus_flow_credit (BusFlow *flow, BusSubscription *subscription, gint64 now_us);

/* Bytes were sent: encodes what waited, in order. */
void bus_flow_pump (BusFlow *flow, gint64 now_us);

/* Tells the gaps that everything before is encoded of, as far as the lane has room. FALSE: one of them found none. */
gboolean bus_flow_tell_gaps (BusFlow *flow, BusSubscription *subscription);

/* A message of a subscription that was on its way when the subscription went. */
typedef struct
{
  BusMessage *message;
  BusTicket *ticket; /* nullable */
  gboolean to_each;
} BusParcel;
void bus_parcel_free (gpointer parcel);

/* Takes the subscription out of everything; returns how many messages waited. @unsent: (nullable) (element-type
 * BusParcel): gets each of them, oldest first (group members hand them on). */
guint bus_flow_forget (BusFlow *flow, BusSubscription *subscription, GPtrArray *unsent);

/* How long the oldest message of the subscription has been waiting; 0: none waits. */
gint64 bus_flow_oldest_us (const BusSubscription *subscription, gint64 now_us);

/* Encoded and waiting bytes. */
gsize bus_flow_bytes (const BusFlow *flow);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-limits.h"
#include "base/bus-overflow.h"
#include "queue/bus-delivery-state.h"
#include "queue/bus-outq.h"
#include "queue/bus-subscription.h"

/*
 * The data of one peer's queue, shared by the modules that work on it: bus-lane, bus-withheld, bus-unsettled, bus-fifo,
 * bus-block, bus-flow, bus-admit and bus-report. Structs only; the operations are theirs.
 *
 * A message that waits for a subscription has a *slot* in that subscription's FIFO. Once the subscription has credit
 * for it the slot also hangs in an *entry* of a lane; slots of several subscriptions of the peer share one entry,
 * because they are sent as one frame. A slot can also be a *gap*: the record of messages that were lost at that
 * place.
 */

/* The place of a request on its way to its responder. It belongs to the request, which outlives its slot. */
typedef struct
{
  BusSlot *slot;    /* in which it waits; NULL: it does not wait */
  gboolean is_sent; /* it was encoded */
} BusMark;

/* The part of a delivery's stamp that differs between deliveries of one message. */
typedef struct
{
  guint8 kind; /* DELIVER, REQUEST or REPLY */
  guint8 flags;
  guint64 route_id;      /* 0: none */
  guint64 answers;       /* 0: none */
  gint64 due_us;         /* of a request; 0: none */
  gboolean to_each;      /* broadcast or direct: never handed on to another peer */
  gboolean is_kept;      /* at least once: the message is kept until it is settled (bus-unsettled) */
  gboolean may_hold;     /* its publisher wants it held for a group without members (bus-hold) */
  gboolean is_handed_on; /* kept, and taken over from another member: it was bounded there */
  guint32 attempt;       /* above 1: a repeat */
  guint32 matched;       /* of a REPLY that ends a member of a request to many: members that were asked, */
  guint32 queued;        /* that have answered, */
  guint32 refused;       /* and that have failed. 0: not written */
  guint32 merged;        /* of a progress: how many older ones it replaced */
  BusMark *mark;         /* of a request; NULL: none */
  gboolean retained;     /* from the store of retained messages */
} BusDelivery;

/* A message of a subscription that ends, is demoted or does not settle it, on the way to another member of the group. */
typedef struct
{
  BusMessage *message;
  BusTicket *ticket; /* nullable */
  BusDelivery delivery;
} BusParcel;

typedef struct BusEntry BusEntry;

struct BusSlot
{
  BusDeliveryState state; /* WAITING, QUEUED, or LOST: it is a gap */
  WireLane lane;
  gboolean is_indexed; /* in the FIFO's by_topic */
  BusSubscription *subscription;
  BusSlot *previous; /* in the subscription's FIFO */
  BusSlot *next;
  BusSlot *lane_previous; /* of those of its lane there */
  BusSlot *lane_next;

  /* QUEUED and WAITING */
  BusMessage *message; /* own reference */
  BusTicket *ticket;   /* nullable; own reference */
  BusTimer *expiry;    /* NULL: it does not expire */
  BusDelivery delivery;
  gint64 since_us;
  BusEntry *entry;           /* QUEUED */
  BusSlot *sibling_previous; /* in the entry */
  BusSlot *sibling_next;

  /* GAP */
  guint64 gap_from;
  guint64 gap_to;
  guint64 gap_count;
  BusLoss gap_loss;
};

struct BusEntry
{
  BusEntry *previous; /* in the lane */
  BusEntry *next;
  BusMessage *message;
  WireLane lane;
  BusDelivery delivery;
  BusSlot *slots;
  gboolean plain; /* for the peer itself: it has no slots */
};

typedef struct BusFlow BusFlow;

/* A message whose publisher waits for a confirmation was sent to a peer, or dropped before that. */
typedef struct
{
  guint64 route_id;
  const BusFlow *sent_to; /* queue of the peer, compared only; NULL: it was dropped */
  BusLoss loss;           /* why it was dropped */
} BusRouteNote;

/* State that the queues of all peers share. */
typedef struct
{
  const BusLimits *limits;
  BusDeadlineSet *deadlines;
  BusSegmentPool *segments;
  BusQuota *quota;
  guint64 seed;
  BusDomainCounts domains[BUS_N_DOMAINS];
  guint64 missed_by[BUS_N_LOSSES];
  guint64 ignored_events; /* that the state of a subscription ignores */
  guint64 work;           /* of offers to many subscriptions of one peer; see bus_core_work() */
  GQueue emptied;      /* BusSubscription that drain and may have finished, taken by bus-drain at the end of an input */
  GArray *route_notes; /* BusRouteNote, taken by bus-confirm at the end of an input; NULL: there were none yet */
  /* Scratch space for one offer; too large for the stack of every message. */
  BusSubscription *ready[WIRE_SUBSCRIPTIONS_MAX]; /* those that get it at once */
  guint32 ids[WIRE_SUBSCRIPTIONS_MAX];
} BusFlowShared;

struct BusFlow
{
  BusFlowShared *shared;
  BusLedger *ledger; /* the peer's own: what is kept here is charged to it */
  BusOutq outq;
  struct
  {
    BusEntry *first;
    BusEntry *last;
    gsize bytes; /* of the entries, each message once for each of its slots */
  } lanes[WIRE_N_LANES];
  gboolean is_ended;   /* GOODBYE is encoded: nothing is encoded behind it */
  gsize waiting_bytes; /* of entries and slots; each message counts in full for each slot */
  guint64 waiting_messages;
  gsize
      held_bytes; /* of waiting_bytes: messages with a ticket, which publishers' windows bound, and kept ones, which bus-unsettled
                       bounds; with their slots */
  guint64 held_messages;
  gint64 soft_since_us; /* above the soft limit since; 0: below it */
  guint64 delivered;    /* per matched subscription */
  guint64 retained;     /* of these, from the store of retained messages */
  guint64 missed;
  gboolean reported_soft; /* the last system.slow said that it is above the soft limit */
  BusLosses *losses;      /* by reason, and bus-report: NULL: nothing was lost, and no level was to be reported */
  BusTimer retry_timer;
};

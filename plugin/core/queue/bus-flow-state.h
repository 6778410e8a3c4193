/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-limits.h"
#include "base/bus-overflow.h"
#include "queue/bus-delivery-state.h"
#include "queue/bus-outq.h"
#include "queue/bus-subscription.h"
#include "queue/bus-waiting-run.h"

/*
 * The structs of one peer's queue. They are shared by the modules of this folder that work on the queue: bus-lane, bus-fifo,
 * bus-fifo-run, bus-flow, bus-flow-credit, bus-admit, bus-admit-run, bus-room, bus-trim, bus-withheld, bus-unsettled, bus-block,
 * bus-stream and bus-report. This header declares no functions.
 *
 * A message that waits for a subscription has a *slot* in the FIFO of that subscription. Once the subscription has credit for it,
 * and there is memory, the slot is also linked to an *entry* of a lane. An entry becomes one frame, so slots of several
 * subscriptions of the peer that get the same message share one entry. There are two other kinds of slots: a *gap* records
 * messages that were lost at that place, and the slot of a *run* stands for several messages that wait together (bus-fifo-run).
 */

/* The place of a request in the queue of its responder. It is a part of the request, which outlives the slot. */
typedef struct
{
  BusSlot *slot;    /* in which the request waits; NULL: it does not wait */
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
  gboolean is_handed_on; /* at least once, and taken over from another member, whose bounds have been applied to it */
  guint32 attempt;       /* above 1: a repeat */
  guint32 matched;       /* of a REPLY that ends a member of a request to many: members that were asked, */
  guint32 queued;        /* that have answered, */
  guint32 refused;       /* and that have failed. 0: not written */
  guint32 merged;        /* of a report of progress: number of older ones that it replaced */
  BusMark *mark;         /* of a request; NULL: none */
  gboolean retained;     /* from the store of retained messages */
} BusDelivery;

/* A message on the way to another member of its group, because its subscription ends, is demoted, or does not settle it. */
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
  BusSlot *lane_previous; /* among the slots of its lane in that FIFO */
  BusSlot *lane_next;

  /* QUEUED and WAITING */
  BusMessage *message; /* own reference; NULL: the slot stands for a run */
  BusWaitingRun *run;  /* bus-fifo-run: messages that wait together; NULL: one message */
  BusTicket *ticket;   /* nullable; own reference */
  BusTimer *expiry;    /* NULL: it does not expire */
  BusDelivery delivery;
  gint64 since_us;
  BusEntry *entry;           /* QUEUED */
  BusSlot *sibling_previous; /* in the list of the entry */
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

/* A note for bus-confirm: a message whose publisher waits for a confirmation was sent to a peer, or was dropped before that. */
typedef struct
{
  guint64 route_id;
  const BusFlow *sent_to; /* queue of the peer, for comparisons only; NULL: it was dropped */
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
  GQueue emptied;         /* BusSubscription that drain and are empty, taken by bus-drain at the end of an input call */
  GArray *route_notes; /* BusRouteNote, taken by bus-confirm at the end of an input call; NULL: there were none yet */
  /* Scratch space for one offer; it is too large for the stack. */
  BusSubscription *ready[WIRE_SUBSCRIPTIONS_MAX]; /* subscriptions that get the message at once */
  guint32 ids[WIRE_SUBSCRIPTIONS_MAX];
} BusFlowShared;

struct BusFlow
{
  BusFlowShared *shared;
  BusLedger *ledger; /* of the peer; the memory of the queue is charged to it */
  BusOutq outq;
  struct
  {
    BusEntry *first;
    BusEntry *last;
    gsize bytes; /* cost of the entries; a message counts in full for each of its slots */
  } lanes[WIRE_N_LANES];
  gboolean is_ended;      /* the peer is closing: no message is encoded any more */
  gboolean reported_soft; /* the last system.slow said that it is above the soft limit */
  gsize waiting_bytes;    /* of entries and slots; a message counts in full for each of its slots */
  guint64 waiting_messages;
  gsize
      held_bytes; /* part of waiting_bytes that the bounds of the queue do not count: messages with a ticket, and messages that
                       are delivered at least once, with their slots */
  guint64 held_messages;
  gint64 soft_since_us; /* the time since which it is above the soft limit; 0: it is below */
  guint64 delivered;    /* a message counts once for each subscription */
  guint64 retained;     /* part of delivered that came from the store of retained messages */
  guint64 missed;
  BusLosses *losses; /* NULL: nothing was lost, and no level had to be reported; see bus-report */
  BusTimer retry_timer;
};

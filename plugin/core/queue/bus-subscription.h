/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-cells.h"
#include "base/bus-filed.h"
#include "base/bus-filter.h"
#include "base/bus-overflow.h"
#include "base/bus-timer.h"
#include "base/bus-types.h"
#include "base/bus-window.h"
#include "queue/bus-subscription-state.h"
#include "wire-class.h"
#include "wire-span.h"

/*
 * One subscription: a pattern that a peer wants to receive (or a topic that it serves), its receive window, its FIFO,
 * and its policy.
 *
 * It is listed twice: in the table of its owner, which ends it when the owner disconnects, and in the index that is searched for
 * each topic (if it serves, among the servers of its topic). bus-router changes both lists together. This module has only the
 * struct and its state, which only bus_subscription_on() changes, by the table in bus-subscription-state. The other modules of
 * this folder change the rest: bus-fifo and bus-admit its slots, bus-unsettled the records of sent messages, bus-withheld and
 * bus-block its tickets, and bus-report the counters of losses.
 *
 * Invariant: between two input calls a subscription is in both lists or in neither of them.
 */

typedef struct BusGroup BusGroup;
typedef struct BusServers BusServers;
typedef struct BusSlot BusSlot;
typedef struct BusSent BusSent;
typedef struct BusCursor BusCursor;
typedef struct BusSubscription BusSubscription;

/* The parts below are allocated when they are first needed, because an idle subscription needs none of them. */

/* The slots of bus-fifo: queued ones, then those that wait for credit, with gaps between them. */
typedef struct
{
  BusSlot *last;
  BusSlot *lane_last[WIRE_N_LANES]; /* the same slots, for each lane */
  guint64 messages;                 /* queued and waiting ones; each message of a run counts */
  guint64 bytes;                    /* of the bodies of these messages */
  guint gaps[WIRE_N_LANES];
  gint64 behind_since_us; /* 0: no message waits */
  GHashTable *by_topic;   /* conflate: BusKey -> BusSlot, the newest that waits; NULL: another policy */
  guint64 kept_messages;  /* part of `messages` that is delivered at least once */
  guint64 kept_bytes;     /* of the bodies of these */
  BusSlot *first;
  BusSlot *first_waiting;
  BusSlot *lane_first[WIRE_N_LANES];
} BusFifo;

/* Messages that were sent and are not settled, and the tickets of messages that wait or were sent. The members that a delivery
 * and its credit read and write are in the first cache line: from first to block_timer. */
typedef struct
{
  BusSent *first; /* bus-unsettled: records */
  BusSent *last;
  guint64 tickets;    /* bus-withheld: tickets that it holds, in the FIFO and in records */
  gint64 progress_us; /* last time at which its client settled a message, or the first ticket was taken */
  BusTimer block_timer;

  /* bus-unsettled */
  guint64 kept_messages; /* in records */
  guint64 kept_bytes;
  BusTimer settle_timer; /* armed while a record keeps a message */

  guint64 retained; /* part of the delivered messages that came from the store of retained messages */
} BusRecords;

/* Losses, and the reports about them that are not published yet. */
typedef struct
{
  guint64 missed_by[BUS_N_LOSSES];
  guint64 noted_by[BUS_N_LOSSES]; /* part of missed_by that is in log records of bus-slow */

  /* bus-report: not published by system.drop and system.slow yet */
  guint64 unreported[BUS_N_LOSSES];
  guint64 unreported_from;
  guint64 unreported_to;
  guint32 unreported_changes; /* bits of BusChange */
  gint64 report_next_us;
  BusTimer report_timer;
} BusLosses;

/* Members that few subscriptions need. */
typedef struct
{
  BusLosses losses;
  guint64 missed;     /* lost: in a gap that was sent or waits, or discarded when it ended */
  guint64 rerouted;   /* messages that waited for it and were handed on to another member of its group */
  guint64 repeated;   /* messages that were sent to it, were not settled, and were given to another member */
  guint64 demoted_at; /* bus-block: number of settled messages at its demotion */

  /* bus-drain */
  gboolean is_emptied; /* it drains and is empty: it is in the list emptied of the shared state */
  GList emptied_link;
} BusSubscriptionExtra;

/* See bus-unsettled: the part that each delivery needs. */
typedef struct
{
  guint64 settled; /* deliveries, in total */
  gint64 since_us; /* the time since which the client holds messages and has settled none; 0: it holds none */
  gint64 usual_us; /* the longest time, lately, for which the client held messages until it returned credit */
} BusUnsettled;

/* The place of a subscription that serves among the servers of its topic. */
typedef struct
{
  BusServers *servers; /* NULL: none */
  guint place;         /* in their list */
} BusServing;

/* Members that only a member of a group, or a server with a weight, a bound or owed messages, needs: for its share of the
 * messages. */
typedef struct
{
  GList group_link; /* in the members of its group */

  /* bus-pick */
  guint32 weight;    /* its share of the messages of its group, relative to the weights of the other members */
  guint32 in_flight; /* bound of the messages that its client may hold unsettled; 0: only the window bounds them */
  guint32 owed;      /* messages that other members got while it had no room */
  gint64 turn;       /* for weighted round robin: the member with the largest value is picked */
} BusShare;

struct BusSubscription
{
  /* The members that a delivery and its credit read and write are in the first two cache lines, which
   * bus_subscription_prefetch() loads: from fifo to owner. */
  const BusFifo *fifo;       /* &bus_no_fifo: nothing has waited yet; see bus_subscription_need_fifo() */
  const BusRecords *records; /* &bus_no_records: there were none yet; see bus_subscription_need_records() */
  guint32 id;                /* chosen by the client */
  BusSubscriptionState state : 8;
  guint serves : 1;         /* gets requests, and no messages that are published */
  guint serves_methods : 1; /* serves the own methods of its owner: it gets no direct message either */
  guint pattern_bytes : 16; /* length of its copy of the pattern; see bus_subscription_pattern() */
  BusCursor *cursor; /* bus-catchup: retained messages are sent first, other messages wait; NULL: none are ahead */
  guint64 delivered; /* encoded for it */
  BusBounds bounds;
  BusWindow window;
  BusUnsettled unsettled;

  BusPeer *owner;
  BusGroup *group;   /* NULL: none */
  BusFilter *filter; /* own copy; NULL: every message that matches the pattern */

  const BusShare *share;             /* &bus_no_share: it gets every message; see bus_subscription_need_share() */
  const BusSubscriptionExtra *extra; /* &bus_no_subscription_extra: not needed yet; see bus_subscription_need_extra() */

  union
  {
    BusFiled filed;     /* in the index; if it does not serve */
    BusServing serving; /* if it serves */
  };
  guint8 pattern[];
};

static inline WireSpan
bus_subscription_pattern (const BusSubscription *subscription)
{
  return wire_span (subscription->pattern, subscription->pattern_bytes);
}

/* Loads the members that a delivery uses into the cache. The subscription may have been freed: only its address is used. */
static inline void
bus_subscription_prefetch (const BusSubscription *subscription)
{
  __builtin_prefetch (subscription, 1);
  __builtin_prefetch ((const char *) subscription + BUS_CACHE_LINE, 1);
}

/* The charge for a subscription without a filter: the struct with all parts that it may need, and its share of the tables and of
 * the index. */
gsize bus_subscription_size (WireSpan pattern);
/* The charge for this subscription, with its filter. */
gsize bus_subscription_charge (const BusSubscription *subscription);

/* Sets the filter of a new subscription, which must not be charged yet, because the filter adds to its charge. @filter is copied.
 * FALSE: no memory */
gboolean bus_subscription_set_filter (BusSubscription *subscription, const BusFilter *filter);

/* NULL: no memory. @cells must outlive the subscription. @pattern is copied. */
BusSubscription *bus_subscription_new (BusCells *cells, BusPeer *owner, guint32 id, WireSpan pattern, gboolean serves);
/* Its FIFO must be empty and its timers disarmed. @cells: those from which it was made */
void bus_subscription_free (BusCells *cells, BusSubscription *subscription);

/* The time for which its client has held messages and returned no credit. 0: it holds none. */
static inline gint64
bus_subscription_stalled_us (const BusSubscription *subscription, gint64 now_us)
{
  return subscription->unsettled.since_us != 0 ? now_us - subscription->unsettled.since_us : 0;
}

/* TRUE if a message may be sent to it now, provided that no other one waits in front of it. */
static inline gboolean
bus_subscription_is_open (const BusSubscription *subscription)
{
  return subscription->cursor == NULL && bus_window_is_open (&subscription->window);
}

/* The parts of a subscription that has none: all members are zero. */
extern const BusFifo bus_no_fifo;
extern const BusRecords bus_no_records;
extern const BusLosses bus_no_losses;
extern const BusShare bus_no_share; /* of weight 1 */
extern const BusSubscriptionExtra bus_no_subscription_extra;

/* The parts, for writing: allocated at the first call, and freed with the subscription. The charge for the subscription contains
 * all of them, so a peer cannot allocate more of them than its quota allows. Each is below 256 bytes; without memory for it the
 * process ends, as in g_malloc(). */
BusFifo *bus_subscription_make_fifo (BusSubscription *subscription);
BusRecords *bus_subscription_make_records (BusSubscription *subscription);
BusSubscriptionExtra *bus_subscription_need_extra (BusSubscription *subscription);
BusShare *bus_subscription_make_share (BusSubscription *subscription);

static inline BusFifo *
bus_subscription_need_fifo (BusSubscription *subscription)
{
  return subscription->fifo != &bus_no_fifo ? (gpointer) (gsize) subscription->fifo
                                            : bus_subscription_make_fifo (subscription);
}

static inline BusRecords *
bus_subscription_need_records (BusSubscription *subscription)
{
  return subscription->records != &bus_no_records ? (gpointer) (gsize) subscription->records
                                                  : bus_subscription_make_records (subscription);
}

static inline BusShare *
bus_subscription_need_share (BusSubscription *subscription)
{
  return subscription->share != &bus_no_share ? (gpointer) (gsize) subscription->share
                                              : bus_subscription_make_share (subscription);
}

/* Its losses, for reading and for writing. */
static inline const BusLosses *
bus_subscription_losses (const BusSubscription *subscription)
{
  return &subscription->extra->losses;
}

static inline BusLosses *
bus_subscription_need_losses (BusSubscription *subscription)
{
  return &bus_subscription_need_extra (subscription)->losses;
}

/* Applies an event to its state. FALSE: the state ignores the event. @ignored: (inout): counter of ignored events */
gboolean bus_subscription_on (BusSubscription *subscription, BusSubscriptionEvent event, guint64 *ignored);

/* TRUE if it blocked publishers for too long, and has not drained since. */
static inline gboolean
bus_subscription_is_demoted (const BusSubscription *subscription)
{
  return subscription->state == BUS_SUBSCRIPTION_DEMOTED || subscription->state == BUS_SUBSCRIPTION_DEMOTED_DRAINING;
}

/* TRUE if it gets no new messages, and still has old ones. */
static inline gboolean
bus_subscription_is_draining (const BusSubscription *subscription)
{
  return subscription->state == BUS_SUBSCRIPTION_DRAINING || subscription->state == BUS_SUBSCRIPTION_DEMOTED_DRAINING;
}

/* TRUE if it may get new messages. */
static inline gboolean
bus_subscription_takes_part (const BusSubscription *subscription)
{
  return subscription->state == BUS_SUBSCRIPTION_OPEN || subscription->state == BUS_SUBSCRIPTION_DEMOTED;
}

/* The policy in force: a demoted subscription drops its oldest messages. */
static inline BusOverflow
bus_subscription_policy (const BusSubscription *subscription)
{
  return bus_subscription_is_demoted (subscription) ? BUS_OVERFLOW_DROP_OLDEST : subscription->bounds.policy;
}

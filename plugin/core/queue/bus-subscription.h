/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

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
 * each topic. bus-router changes both lists together. This module has only the struct and its state, which only
 * bus_subscription_on() changes, by the table in bus-subscription-state. The other modules of this folder change the rest:
 * bus-fifo and bus-admit its slots, bus-unsettled the records of sent messages, bus-withheld and bus-block its tickets, and
 * bus-report the counters of losses.
 */

typedef struct BusGroup BusGroup;
typedef struct BusServers BusServers;
typedef struct BusSlot BusSlot;
typedef struct BusSent BusSent;
typedef struct BusCursor BusCursor;
typedef struct BusSubscription BusSubscription;

/* See bus-fifo: first slots that are queued and gaps, then slots that wait for credit and gaps. The members that a delivery reads
 * come last, beside those of the subscription. */
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

/* See bus-unsettled: messages that were sent and are not settled. The members that a delivery and its credit use come first. */
typedef struct
{
  guint64 settled; /* deliveries, in total */
  gint64 since_us; /* the time since which the client holds messages and has settled none; 0: it holds none */
  gint64 usual_us; /* the longest time, lately, for which the client held messages until it returned credit */
  BusSent *first;  /* records */
  BusSent *last;
  guint64 kept_messages; /* in records */
  guint64 kept_bytes;
  BusTimer timer; /* armed while a record keeps a message */
} BusUnsettled;

/* Losses, and the reports about them that are not published yet. Most subscriptions lose nothing, so this is allocated with the
 * first loss. */
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

struct BusSubscription
{
  /* The members that a delivery and its credit read and write are side by side, in a few adjacent cache lines, which
   * bus_subscription_prefetch() loads: from the first slots of fifo to the records of unsettled. */
  BusFifo fifo;
  guint32 id; /* chosen by the client */
  BusSubscriptionState state;
  BusCursor *cursor;  /* bus-catchup: retained messages are sent first, other messages wait; NULL: none are ahead */
  guint64 delivered;  /* encoded for it */
  guint64 tickets;    /* bus-withheld: tickets that it holds, in the FIFO and in records of sent messages */
  gint64 progress_us; /* last time at which its client settled a message, or the first ticket was taken */
  BusBounds bounds;
  BusWindow window;
  BusTimer block_timer;
  BusUnsettled unsettled;

  BusPeer *owner;
  gboolean serves;         /* gets requests, and no messages that are published */
  gboolean serves_methods; /* serves the own methods of its owner: it gets no direct message either */
  BusGroup *group;         /* NULL: none */
  GList group_link;        /* in its members */
  WireSpan pattern;        /* own copy, stored behind the struct */
  BusServers *servers;     /* of the topic that it serves; NULL: none */
  BusFilter *filter;       /* own copy; NULL: every message that matches the pattern */

  /* bus-pick */
  guint32 weight;    /* its share of the messages of its group, relative to the weights of the other members */
  guint32 in_flight; /* bound of the messages that its client may hold unsettled; 0: only the window bounds them */
  gint64 turn;       /* for weighted round robin: the member with the largest value is picked */

  gsize charged; /* to its owner, for the subscription itself */

  /* bus-drain */
  gboolean is_emptied; /* it drains and is empty: it is in the list emptied of the shared state */
  GList emptied_link;

  guint64 demoted_at; /* bus-block: number of settled messages at its demotion */

  guint64 retained;  /* part of delivered that came from the store of retained messages */
  guint64 missed;    /* lost: in a gap that was sent or waits, or discarded when it ended */
  guint64 rerouted;  /* messages that waited for it and were handed on to another member of its group */
  guint64 repeated;  /* messages that were sent to it, were not settled, and were given to another member */
  BusLosses *losses; /* NULL: it lost nothing, and nothing had to be reported; see bus_subscription_losses() */

  BusFiled filed;     /* in the index; not if it serves */
  guint server_place; /* in the list of servers, if it serves */
  guint32 owed;       /* bus-pick: messages that other members got while it had no room */
};

/* Loads the members that a delivery uses into the cache. The subscription may have been freed: only its address is used. */
static inline void
bus_subscription_prefetch (const BusSubscription *subscription)
{
  const char *at = (const char *) &subscription->fifo.first;
  const char *last = (const char *) &subscription->unsettled.last;

  for (; at < last; at += 64)
    __builtin_prefetch (at, 1);
  __builtin_prefetch (last, 1);
}

/* The charge for a subscription: the struct with all parts that it may need, and its share of the tables and of the index. */
gsize bus_subscription_size (WireSpan pattern);

/* Sets the filter of a new subscription, which must not be charged yet. @filter is copied. FALSE: no memory */
gboolean bus_subscription_set_filter (BusSubscription *subscription, const BusFilter *filter);

/* NULL: no memory. @pattern is copied. */
BusSubscription *bus_subscription_new (BusPeer *owner, guint32 id, WireSpan pattern, gboolean serves);
/* Its FIFO must be empty and its timers disarmed. */
void bus_subscription_free (BusSubscription *subscription);

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

/* Its losses, for reading: all members are zero while there are none. */
extern const BusLosses bus_no_losses;
static inline const BusLosses *
bus_subscription_losses (const BusSubscription *subscription)
{
  return subscription->losses != NULL ? subscription->losses : &bus_no_losses;
}
/* Its losses, for writing: allocated at the first call. */
BusLosses *bus_subscription_need_losses (BusSubscription *subscription);

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

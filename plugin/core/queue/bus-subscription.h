/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-overflow.h"
#include "base/bus-timer.h"
#include "base/bus-types.h"
#include "base/bus-window.h"
#include "wire-class.h"
#include "wire-span.h"

/*
 * One subscription: a pattern that a peer wants to see (or a topic that it serves), its receive window, what waits for
 * it, and what happens when that is too much.
 *
 * It hangs in two indexes: its owner's table (dropped when the owner goes) and the look-up index (asked for each
 * topic); bus-peer and bus-router keep the two together. It decides nothing: bus-flow and bus-admit move its slots,
 * bus-block runs the clock of what it holds back, bus-report accumulates what is to be published.
 */

typedef struct BusGroup BusGroup;
typedef struct BusServers BusServers;
typedef struct BusSlot BusSlot;
typedef struct BusHold BusHold;
typedef struct BusSubscription BusSubscription;

/* What waits: queued ones (that hang in an entry of their lane) and gaps, then waiting ones (without credit) and gaps. */
typedef struct
{
  BusSlot *first;
  BusSlot *last;
  BusSlot *first_waiting;
  BusSlot *lane_first[WIRE_N_LANES]; /* the same ones, each lane for itself */
  BusSlot *lane_last[WIRE_N_LANES];
  guint64 messages; /* without gaps */
  guint64 bytes;    /* of their bodies */
  guint gaps[WIRE_N_LANES];
  gint64 behind_since_us; /* 0: no message waits */
  GHashTable *by_topic;   /* conflate: BusKey -> BusSlot, the latest that waits; NULL: none yet */
} BusFifo;

struct BusSubscription
{
  BusPeer *owner;
  guint32 id;              /* chosen by the client */
  gboolean serves;         /* gets requests, not publishes */
  gboolean serves_methods; /* its owner's own methods: it gets no direct publish either */
  BusGroup *group;         /* NULL: none */
  GList group_link;        /* in its members */
  WireSpan pattern;        /* own copy, behind the struct */
  BusServers *servers;     /* of the topic that it serves; NULL: none */
  gsize charged;

  BusWindow window;
  BusFifo fifo;
  BusBounds bounds;

  /* bus-block */
  gboolean demoted;
  BusHold *hold_first; /* sent, and not returned */
  BusHold *hold_last;
  guint64 tickets; /* held, in the FIFO and among the holds */
  guint64 returned;
  gint64 progress_us;
  BusTimer block_timer;

  guint64 delivered; /* encoded for it */
  guint64 missed;    /* told by gaps, or waiting to be told */
  guint64 missed_by[BUS_N_LOSSES];

  /* bus-report: not published by system.drop and system.slow yet */
  guint64 unreported[BUS_N_LOSSES];
  guint64 unreported_from;
  guint64 unreported_to;
  guint32 unreported_changes; /* bits of BusChange */
  gint64 report_next_us;
  BusTimer report_timer;
};

/* NULL: no memory. The pattern is copied. */
BusSubscription *bus_subscription_new (BusPeer *owner, guint32 id, WireSpan pattern, gboolean serves);
/* Its FIFO must be empty, its timers disarmed. */
void bus_subscription_free (BusSubscription *subscription);

/* The policy that acts now. */
static inline BusOverflow
bus_subscription_policy (const BusSubscription *subscription)
{
  return subscription->demoted ? BUS_OVERFLOW_DROP_OLDEST : subscription->bounds.policy;
}

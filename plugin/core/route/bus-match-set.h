/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "index/bus-index.h"
#include "index/bus-topics.h"
#include "route/bus-group.h"

/*
 * The matched set of a topic: its receivers and groups. bus-match-make fills it, bus-match caches it, and the router writes the
 * fields that are used while a message is routed. It contains no rule of its own.
 *
 * Invariant: each peer is at most one receiver of the match, and at most one candidate of each group.
 */

typedef struct
{
  BusPeer *peer;
  BusSubscription **subscriptions; /* plain ones; behind them room for filtered ones, and for members of groups */
  guint n_plain;
  guint n_now; /* while a message is routed: the number that get it */
} BusReceiver;

typedef struct
{
  BusGroup *group;
  BusSubscription **candidates; /* one for each member peer, in the order of subscribing */
  guint *receivers;             /* of each candidate: index into the match's receivers */
  guint n;
  guint picked; /* while bus-assured routes a message: the picked candidate, */
  guint rank;   /* and the rank in which it was picked */
} BusGroupMatch;

/* A plain subscription with a filter. */
typedef struct
{
  BusSubscription *subscription;
  guint receiver; /* index into the match's receivers */
} BusFilteredMatch;

typedef struct BusMatch BusMatch;

struct BusMatch
{
  BusKey key;        /* the topic; its bytes are in the block */
  guint64 serial;    /* new whenever this struct is used for another topic */
  guint64 checked;   /* the last change of the index up to which this is known to be right */
  guint64 publisher; /* the serial of the peer that was last allowed to publish to the topic; 0: none */
  BusReceiver *receivers;
  guint n_receivers;
  guint n_groups;
  const BusSubscription *first; /* a plain one; NULL: none. Only for prefetching: it may have ended */
  BusTopicPlace counter;        /* of the topic */
  guint domain;                 /* of the topic, for statistics */
  gboolean is_recent;           /* looked up since the hand of the cache passed it */
  BusGroupMatch *groups;
  BusFilteredMatch *filtered;
  guint n_filtered;  /* these are not among the plain subscriptions of the receivers */
  guint place;       /* index into the matches of the cache */
  BusIndexMark mark; /* the mark that the index returned when this was made */
  guint8 *block;     /* holds the topic and all arrays */
  gsize room;        /* of the block */
};

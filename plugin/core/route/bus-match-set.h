/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "index/bus-index.h"
#include "index/bus-topics.h"
#include "route/bus-group.h"

/* The matched set of a topic, as bus-match-make makes it and bus-match caches it. */

typedef struct
{
  BusPeer *peer;
  BusSubscription **subscriptions; /* plain ones, then room for those whose filter fits, and for picked group members */
  guint n_plain;
  guint n_now; /* used while routing */
} BusReceiver;

typedef struct
{
  BusGroup *group;
  BusSubscription **candidates; /* one per member peer, in order of joining */
  guint *receivers;             /* of each candidate: index into the match's receivers */
  guint n;
  guint picked; /* used by bus-assured while routing: the member, */
  guint rank;   /* and why it was picked */
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
  BusKey key;        /* of the topic; its bytes are in the block */
  guint64 serial;    /* differs for each topic that a match was made for */
  guint64 checked;   /* the last change of the index for which this is known to be right */
  guint64 publisher; /* the serial of the peer that was last allowed to publish to the topic; 0: none */
  BusReceiver *receivers;
  guint n_receivers;
  guint n_groups;
  const BusSubscription *first; /* a plain one, to prefetch it, and for nothing else: it may have ended; NULL: none */
  BusTopicPlace counter;        /* of the topic */
  guint domain;                 /* of the topic, for statistics */
  gboolean is_recent;           /* looked up again since the hand passed */
  BusGroupMatch *groups;
  BusFilteredMatch *filtered;
  guint n_filtered;  /* not among the plain subscriptions of the receivers */
  guint place;       /* among all matches */
  BusIndexMark mark; /* what the index gave when this was made */
  guint8 *block;     /* holds the topic and all arrays */
  gsize room;        /* of the block */
};

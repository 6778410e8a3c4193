/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "index/bus-index.h"
#include "index/bus-topics.h"
#include "route/bus-group.h"

/*
 * The receivers of a topic: the matched set, made once for each topic and cached.
 *
 * A match lists receivers (peers, each with its plain subscriptions), groups (each with one candidate for each member peer)
 * and plain subscriptions that have a filter, already selected by the rights of the receivers. It remembers the mark that the index gave for its topic.
 * After a subscription was added or removed, bus_match_lookup() compares that mark with the index's, and makes only the
 * match of a topic again whose subscriptions have changed. Until then a match may name subscriptions that do not exist:
 * it is used through bus_match_lookup(), or while bus_match_is_current(), and inside one input call only.
 *
 * Matches are charged to nobody: a topic costs as much as it has subscriptions, and peers choose both. So the cache is
 * bounded by number and by bytes, and cleared as a whole when it is full.
 *
 * Invariant: a match depends on index and rights alone; picking a member of a group, and evaluating a filter, is left to the
 * router.
 */

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

typedef struct BusMatch
{
  BusKey key;            /* of the topic; own copy */
  BusTopicPlace counter; /* of the topic */
  guint domain;          /* of the topic, for statistics */
  BusReceiver *receivers;
  guint n_receivers;
  BusGroupMatch *groups;
  guint n_groups;
  BusFilteredMatch *filtered; /* not among the plain subscriptions of the receivers */
  guint n_filtered;
  gsize size;        /* of all this */
  BusIndexMark mark; /* what the index gave when this was made */
  guint64 checked;   /* the last change of the index for which this is known to be right */
} BusMatch;

#define BUS_MATCH_CACHE_BYTES 4194304u /* with these, or more, the next match clears the cache first */

typedef struct
{
  const BusIndex *index;
  const guint64 *changes; /* of the index */
  guint64 seed;
  GHashTable *table; /* BusKey -> BusMatch */
  guint64 max;
  gsize bytes;        /* of all matches */
  guint64 generation; /* the address of a match stays valid while this has not changed */
  guint64 made;       /* matches that were made, also again */
} BusMatchCache;

/* @index must outlive the cache. */
void bus_match_cache_init (BusMatchCache *cache, const BusIndex *index, guint64 seed, guint64 max);
void bus_match_cache_clear (BusMatchCache *cache);

/* TRUE: no subscription was added or removed since it was looked up. */
static inline gboolean
bus_match_is_current (const BusMatchCache *cache, const BusMatch *match)
{
  return match->checked == *cache->changes;
}

/* Transfer none. The address is valid until the generation changes, its contents as long as bus_match_is_current(). */
BusMatch *bus_match_lookup (BusMatchCache *cache, WireSpan topic);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-table.h"
#include "route/bus-match-make.h"

/*
 * The cache of matches: the receivers of each topic, made at the first look-up of the topic and kept.
 *
 * A match lists receivers (peers, each with its plain subscriptions), groups (each with one candidate for each member peer) and
 * the plain subscriptions that have a filter. Subscriptions of peers that may not receive the topic are left out. The match stores
 * the mark that the index returned for its topic. After a subscription was added or removed, bus_match_lookup() compares that mark
 * with the index's present one, and makes only those matches again whose subscriptions have changed. Until then a match may
 * contain pointers to freed subscriptions. So use a match only if bus_match_lookup() returned it or bus_match_is_current() is
 * TRUE, and only inside one input call.
 *
 * Matches are not charged to a peer, because the memory of a match depends on the topics of publishers and on the subscriptions of
 * others. Instead the cache is bounded by number and by bytes. Each subscription, which is charged, adds room for one more topic,
 * so any number of subscriptions to distinct topics is cached. When the cache is full, a new topic takes the place, and usually
 * the memory, of one that was not looked up recently (the clock algorithm, as in index/bus-topics). If more topics are in use than
 * the cache holds, each look-up costs a walk of the index, but usually no allocation.
 *
 * Invariant: a match depends only on the index and on rights. The router picks members of groups and evaluates filters.
 */

#define BUS_MATCH_CACHE_BYTES        4194304u /* with so many bytes or more, a new match takes the place of others */
#define BUS_MATCH_SUBSCRIPTION_BYTES 512u     /* bytes that each subscription adds to these */

typedef struct
{
  const BusIndex *index;
  const guint64 *changes; /* of the index */
  guint64 seed;
  BusTable table;     /* BusMatch by the hash of the topic */
  GPtrArray *matches; /* the same, each at its index `place` */
  guint hand;         /* the place that the clock algorithm examines next */
  guint64 max;        /* matches, without those for which subscriptions add room */
  gsize bytes;        /* of all matches */
  guint64 generation; /* while it does not change, addresses of matches stay valid, but their topics may change */
  guint64 last_serial;
  guint64 made; /* how often a match was made, first or again */
  BusMatchScratch scratch;
} BusMatchCache;

/* @index must outlive the cache. */
void bus_match_cache_init (BusMatchCache *cache, const BusIndex *index, guint64 seed, guint64 max);
void bus_match_cache_clear (BusMatchCache *cache);
/* A subscription has ended: drops matches for which there is no room without it. */
void bus_match_cache_trim (BusMatchCache *cache);

/* The bounds, with the room that subscriptions add. */
guint64 bus_match_cache_topics_max (const BusMatchCache *cache);
gsize bus_match_cache_bytes_max (const BusMatchCache *cache);

/* TRUE: no subscription was added or removed since the match was looked up. */
static inline gboolean
bus_match_is_current (const BusMatchCache *cache, const BusMatch *match)
{
  return match->checked == *cache->changes;
}

/* The memory that the cache charges for @match, in bytes. */
static inline gsize
bus_match_size (const BusMatch *match)
{
  return sizeof (BusMatch) + match->room;
}

/* Load a match, and the memory that a message to its topic reads next, into the processor's cache. */
static inline void
bus_match_prefetch (const BusMatch *match)
{
  const char *at = (const char *) match;

  __builtin_prefetch (at, 1);
  __builtin_prefetch (at + 64, 1);
  __builtin_prefetch (&match->n_filtered);
}

static inline void
bus_match_prefetch_receivers (const BusMatch *match, const BusTopics *topics)
{
  __builtin_prefetch (&topics->slots[match->counter.slot], 1);
  __builtin_prefetch (match->key.text.data);
  __builtin_prefetch (match->receivers, 1);
  if (match->first != NULL)
    bus_subscription_prefetch (match->first);
}

/* The up-to-date match of a topic. Transfer none. Its address is valid until the generation changes. Its contents are valid while
 * bus_match_is_current() is TRUE, and until another topic is looked up. */
BusMatch *bus_match_lookup (BusMatchCache *cache, WireSpan topic);
/* NULL: the topic is not cached. The match may be out of date. */
BusMatch *bus_match_find (BusMatchCache *cache, BusKey topic);

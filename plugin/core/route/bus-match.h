/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-table.h"
#include "route/bus-match-make.h"

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
 * bounded by number and by bytes. Each subscription, which is charged, adds room for one more topic, so subscriptions to
 * distinct topics are cached however many there are. When the cache is full, a new topic takes the place, and mostly the
 * memory, of one that was not looked up recently (the clock algorithm, as in bus-topics). So a working set larger than
 * the cache costs a walk of the index for each look-up, and allocates nothing.
 *
 * Invariant: a match depends on index and rights alone; picking a member of a group, and evaluating a filter, is left to the
 * router.
 */

#define BUS_MATCH_CACHE_BYTES        4194304u /* with these, or more, a new match takes the place of others */
#define BUS_MATCH_SUBSCRIPTION_BYTES 512u     /* that each subscription adds to them */

typedef struct
{
  const BusIndex *index;
  const guint64 *changes; /* of the index */
  guint64 seed;
  BusTable table;     /* BusMatch by the hash of the topic */
  GPtrArray *matches; /* the same, each at its place */
  guint hand;         /* the place that it examines next */
  guint64 max;        /* without what subscriptions add */
  gsize bytes;        /* of all matches */
  guint64 generation; /* the address of a match stays valid while this has not changed; its topic may change */
  guint64 last_serial;
  guint64 made; /* matches that were made, also again */
  BusMatchScratch scratch;
} BusMatchCache;

/* @index must outlive the cache. */
void bus_match_cache_init (BusMatchCache *cache, const BusIndex *index, guint64 seed, guint64 max);
void bus_match_cache_clear (BusMatchCache *cache);
/* A subscription has ended: gives up the room that it added. */
void bus_match_cache_trim (BusMatchCache *cache);

/* The bounds now, with what subscriptions add. */
guint64 bus_match_cache_topics_max (const BusMatchCache *cache);
gsize bus_match_cache_bytes_max (const BusMatchCache *cache);

/* TRUE: no subscription was added or removed since it was looked up. */
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

/* Load into the cache a match, and what a message to its topic then reads. */
static inline void
bus_match_prefetch (const BusMatch *match)
{
  for (gsize line = 0; line < sizeof (BusMatch); line += 64)
    __builtin_prefetch ((const char *) match + line, 1);
}

static inline void
bus_match_prefetch_receivers (const BusMatch *match)
{
  __builtin_prefetch (match->block);
  __builtin_prefetch (match->receivers, 1);
  if (match->first != NULL)
    bus_subscription_prefetch (match->first);
}

/* Transfer none. The address is valid until the generation changes; its contents as long as bus_match_is_current(), and
 * until another topic is looked up. */
BusMatch *bus_match_lookup (BusMatchCache *cache, WireSpan topic);
/* NULL: the topic is not cached. The match may be out of date. */
BusMatch *bus_match_find (BusMatchCache *cache, WireSpan topic);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-table.h"
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
 * bounded by number and by bytes. Each subscription, which is charged, adds room for one more topic, so subscriptions to
 * distinct topics are cached however many there are. When the cache is full, a new topic takes the place, and mostly the
 * memory, of one that was not looked up recently (the clock algorithm, as in bus-topics). So a working set larger than
 * the cache costs a walk of the index for each look-up, and allocates nothing.
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
  BusTopicPlace counter; /* of the topic */
  guint domain;          /* of the topic, for statistics */
  gboolean is_recent;    /* looked up again since the hand passed */
  BusGroupMatch *groups;
  BusFilteredMatch *filtered;
  guint n_filtered;  /* not among the plain subscriptions of the receivers */
  guint place;       /* among all matches */
  BusIndexMark mark; /* what the index gave when this was made */
  guint8 *block;     /* holds the topic and all arrays */
  gsize room;        /* of the block */
};

#define BUS_MATCH_CACHE_BYTES        4194304u /* with these, or more, a new match takes the place of others */
#define BUS_MATCH_SUBSCRIPTION_BYTES 512u     /* that each subscription adds to them */

/* Arrays for bus-match-make, which are used again for each match. */
typedef struct
{
  GPtrArray *entries; /* BusIndexEntry that match */
  GPtrArray *found;   /* their BusSubscription, in order */
  GArray *receivers;
  GArray *groups;
  guint64 stamp; /* see BusMatchNote */
} BusMatchScratch;

typedef struct
{
  const BusIndex *index;
  const guint64 *changes; /* of the index */
  guint64 seed;
  BusTable table;     /* BusMatch by the hash of the topic */
  GPtrArray *matches; /* the same, each at its place */
  guint hand;         /* the place that it looks at next */
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

/* What it costs. */
static inline gsize
bus_match_size (const BusMatch *match)
{
  return sizeof (BusMatch) + match->room;
}

/* Transfer none. The address is valid until the generation changes; its contents as long as bus_match_is_current(), and
 * until another topic is looked up. */
BusMatch *bus_match_lookup (BusMatchCache *cache, WireSpan topic);
/* NULL: the topic is not cached. The match may be out of date. */
BusMatch *bus_match_find (BusMatchCache *cache, WireSpan topic);

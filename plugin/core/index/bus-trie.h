/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-topic.h"

/*
 * Patterns with + and #, as a tree with one level per segment.
 *
 * A node is a run of segments that some pattern starts with; it has two places, one for patterns that end there and one
 * for those that go on with #. The trie owns nodes and places; what hangs in a place is its user's. All edges of all
 * nodes are in one table, so a node costs no table of its own.
 *
 * A topic is matched by a walk that keeps its own stack: at each level it can go on by name and by +, so it looks at no
 * more than 2^(levels + 1) nodes, and never at more than there are, whatever peers filed elsewhere in the trie.
 *
 * Invariant: each node but the root has a child or something in a place; prune() keeps that when a place got empty.
 */

typedef struct BusTrie BusTrie;
typedef struct BusTrieNode BusTrieNode;

typedef struct
{
  GQueue filed;      /* the user's, oldest first */
  BusTrieNode *node; /* the trie's; NULL outside a trie */
} BusPlace;

#define BUS_PLACE_INIT                                                                                                 \
  {                                                                                                                    \
    G_QUEUE_INIT, NULL                                                                                                 \
  }

BusTrie *bus_trie_new (guint64 seed);
/* Must have no node left but the root (asserts). */
void bus_trie_free (BusTrie *trie);

/* The place of @pattern, made when there is none. File something there, or prune it. */
BusPlace *bus_trie_reach (BusTrie *trie, WireSpan pattern);
/* NULL when there is none; it may be empty. */
BusPlace *bus_trie_find (BusTrie *trie, WireSpan pattern);
/* Something was taken out of @place: frees the nodes that nothing needs any more, and perhaps @place with them. */
void bus_trie_prune (BusTrie *trie, BusPlace *place);

/* Nodes without the root. */
guint bus_trie_size (const BusTrie *trie);

/* A pattern's # may come after the last segment that a topic can have. */
#define BUS_TRIE_LEVELS (WIRE_TOPIC_SEGMENTS_CEILING + 1u)

typedef struct
{
  WireSpan text;
  guint64 hash;
} BusTrieSegment;

/* On the caller's stack; treat the fields as private. */
typedef struct
{
  const BusTrie *trie;
  BusTrieSegment segments[BUS_TRIE_LEVELS];
  guint n_segments;
  gboolean by_name_only; /* the first segment */
  struct
  {
    BusTrieNode *node;
    guint level;
  } stack[BUS_TRIE_LEVELS + 1]; /* a step takes one off and puts two of the next level on */
  guint n_stack;
  BusPlace *second; /* of the node looked at last, not given yet */
} BusTrieWalk;

/* The places of all patterns that match @topic, each once, in no order; empty ones are left out. The trie must not
 * change meanwhile. */
void bus_trie_walk_init (BusTrieWalk *walk, const BusTrie *trie, WireSpan topic);
BusPlace *bus_trie_walk_next (BusTrieWalk *walk);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-topic.h"

/*
 * Patterns with + and #, as a tree with one level for each segment.
 *
 * A node stands for a sequence of segments that some pattern begins with. It has two places: one for patterns that
 * end there and one for those that continue with #. The trie owns nodes and places; its user owns what is filed in a
 * place. The edges of all nodes are in one table, so a node needs no table of its own.
 *
 * A topic is matched by a walk that keeps its own stack. At each level it can continue by name and by +, so it visits
 * at most 2^(levels + 1) nodes, and never more than there are, whatever peers filed elsewhere in the trie.
 *
 * Invariant: each node but the root has a child or a filed item; bus_trie_prune() keeps that when a place becomes
 * empty.
 */

typedef struct BusTrie BusTrie;
typedef struct BusTrieNode BusTrieNode;

typedef struct
{
  GQueue filed;      /* of the user, oldest first */
  guint64 changed;   /* of the user */
  BusTrieNode *node; /* of the trie; NULL outside a trie */
} BusPlace;

BusTrie *bus_trie_new (guint64 seed);
/* Must have no node left but the root; asserts it. */
void bus_trie_free (BusTrie *trie);

/* The place of @pattern, made when there is none. File an item there, or prune it. */
BusPlace *bus_trie_reach (BusTrie *trie, WireSpan pattern);
/* NULL: there is none. The place may be empty. */
BusPlace *bus_trie_find (BusTrie *trie, WireSpan pattern);
/* An item was taken out of @place: frees the nodes that are not needed any more, and possibly @place with them. */
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

/* Lives on the stack of the caller; treat the fields as private. */
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
  } stack[BUS_TRIE_LEVELS + 1]; /* a step removes one node and adds two of the next level */
  guint n_stack;
  BusPlace *second; /* of the node that was visited last; not returned yet */
} BusTrieWalk;

/* The places of all patterns that match @topic, each once, in no order; empty ones are left out. The trie must not
 * change during the walk. */
void bus_trie_walk_init (BusTrieWalk *walk, const BusTrie *trie, WireSpan topic);
BusPlace *bus_trie_walk_next (BusTrieWalk *walk);

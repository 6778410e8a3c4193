/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-topic.h"

/*
 * A trie of patterns with + and #: a tree with one level for each segment.
 *
 * A node represents the sequence of segments on the way from the root, with which some pattern begins. It has two places: one for
 * patterns that end at the node, and one for patterns that continue with #. Example: the patterns `events.+` and `events.#` are in
 * the place `here` of the node `events.+` and in the place `rest` of the node `events`. The trie owns nodes and places; its user
 * owns the items in a place. The edges of all nodes are in one hash table, so a node needs no table of its own.
 *
 * A topic is matched by a walk with a stack instead of a recursion. At each level it can continue by name and by +, so it visits
 * at most 2^(levels + 1) nodes, and never more than the trie has, however many patterns peers file elsewhere in the trie.
 *
 * Invariant: each node but the root has a child or an item; when a place becomes empty, bus_trie_prune() removes the nodes that
 * have neither.
 */

typedef struct BusTrie BusTrie;
typedef struct BusTrieNode BusTrieNode;

typedef struct
{
  GQueue filed;      /* the items of the user, oldest first */
  guint64 changed;   /* for the user: number of the last change */
  BusTrieNode *node; /* the node that has this place; NULL outside a trie */
} BusPlace;

BusTrie *bus_trie_new (guint64 seed);
/* Asserts that the trie has no node but the root. */
void bus_trie_free (BusTrie *trie);

/* The place of @pattern, made if there is none. The caller must add an item to it, or call bus_trie_prune(). */
BusPlace *bus_trie_reach (BusTrie *trie, WireSpan pattern);
/* NULL: there is none. The place may be empty. */
BusPlace *bus_trie_find (BusTrie *trie, WireSpan pattern);
/* An item was removed from @place: frees the nodes that are not needed any more, with their places. */
void bus_trie_prune (BusTrie *trie, BusPlace *place);

/* The number of nodes, without the root. */
guint bus_trie_size (const BusTrie *trie);

/* The # of a pattern may follow the last segment that a topic can have. */
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
  gboolean by_name_only; /* the first segment is matched by name only */
  struct
  {
    BusTrieNode *node;
    guint level;
  } stack[BUS_TRIE_LEVELS + 1]; /* a step removes one node and adds two of the next level */
  guint n_stack;
  BusPlace *second; /* the second place of the last node, to be returned next; NULL: none */
} BusTrieWalk;

/* Iterates over the places of all patterns that match @topic, each once, in no particular order, without empty places. The trie
 * must not change during the walk. NULL: the end. */
void bus_trie_walk_init (BusTrieWalk *walk, const BusTrie *trie, WireSpan topic);
BusPlace *bus_trie_walk_next (BusTrieWalk *walk);

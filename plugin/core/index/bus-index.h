/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * Which items want a topic: exact topics in a hash table, patterns with + and # in a trie.
 *
 * An item is an opaque pointer (a subscription) filed under one pattern; the index neither owns nor looks into it. It
 * knows no rights and no groups: it says who matches, in the order in which they were added. The first segment `system`
 * is matched by name only, never by a leading + or #.
 *
 * Invariant: what was added and not removed is found for each topic that its pattern matches, once; nothing else is.
 * The walk over the trie is iterative and bounded by the topic's segments, not by what peers filed.
 */

typedef struct BusIndex BusIndex;

/* @seed: for the hash of segments and topics, so that a peer can't aim at collisions. */
BusIndex *bus_index_new (guint64 seed);
/* Must be empty (asserts). */
void bus_index_free (BusIndex *index);

/* @pattern is a valid topic or pattern; its bytes are copied. The same item may be filed once per pattern. */
void bus_index_add (BusIndex *index, WireSpan pattern, gpointer item);
/* FALSE when it was not filed there. */
gboolean bus_index_remove (BusIndex *index, WireSpan pattern, gpointer item);

/* Appends every item whose pattern matches @topic (a valid topic) to @items, in the order of bus_index_add(). */
void bus_index_match (const BusIndex *index, WireSpan topic, GPtrArray *items);

guint bus_index_size (const BusIndex *index);

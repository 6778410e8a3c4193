/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * Which items match a topic: exact topics in a hash table, patterns with + and # in a trie.
 *
 * An item is an opaque pointer (a subscription) that is filed under one pattern; the index neither owns it nor looks
 * into it. It knows neither rights nor groups: it returns the matching items in the order in which they were added.
 * The first segment `system` is matched by name only, never by a leading + or #.
 *
 * Invariant: an item that was added and not removed is found once for each topic that its pattern matches, and for no
 * other topic. The walk over the trie is iterative and bounded by the segments of the topic, not by what peers filed.
 */

typedef struct BusIndex BusIndex;

/* @seed: for the hash of segments and topics, so that a peer cannot aim at collisions */
BusIndex *bus_index_new (guint64 seed);
/* Must be empty; asserts it. */
void bus_index_free (BusIndex *index);

/* @pattern is a valid topic or pattern; its bytes are copied. The same item may be filed once per pattern. */
void bus_index_add (BusIndex *index, WireSpan pattern, gpointer item);
/* FALSE: it was not filed there. */
gboolean bus_index_remove (BusIndex *index, WireSpan pattern, gpointer item);

/* Appends every item whose pattern matches @topic (a valid topic) to @items, in the order of bus_index_add(). */
void bus_index_match (const BusIndex *index, WireSpan topic, GPtrArray *items);

guint bus_index_size (const BusIndex *index);

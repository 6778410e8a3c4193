/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-filed.h"
#include "wire-span.h"

/*
 * The index of subscriptions: finds the items whose pattern matches a topic. Patterns without wildcards are in a hash table,
 * patterns with + and # in a trie.
 *
 * An item is an opaque pointer (a subscription) that an owner (a peer) files under one pattern. Items of one owner with equal
 * patterns share an entry. The index accesses neither items nor owners, and does not know rights or groups. The first segment
 * `system` is matched by name only: a pattern that begins with + or # does not match it.
 *
 * Adding an item costs a look-up for each segment of its pattern, and removing costs none, however many other items are filed.
 * The cost of matching is bounded by the segments of the topic and by the entries that match.
 *
 * A result can be cached. Each change of the index gets a number, and the mark of a topic contains the newest change of all places
 * that match the topic. Example: when a subscription to `events.#` is added, the mark of `events.process.lifecycle` changes, and
 * the mark of `health.procmond-1` does not. So a caller compares marks instead of matching again.
 *
 * Invariant: an item that was added and not removed is found once for each topic that its pattern matches, and for no other topic;
 * while the mark of a topic is the same, the items of that topic are the same.
 */

typedef struct BusIndex BusIndex;

/* Identifies the result of a match: two equal marks of one topic mean that the items are the same. */
typedef struct
{
  guint64 changed; /* number of the newest change of the places that were found */
  guint n_places;
} BusIndexMark;

/* @seed: for the hash of segments and topics, so that a peer cannot choose names that collide */
BusIndex *bus_index_new (guint64 seed);
/* Asserts that the index is empty. */
void bus_index_free (BusIndex *index);

/* @pattern is a valid topic or pattern; its bytes are copied. */
void bus_index_add (BusIndex *index, WireSpan pattern, gconstpointer owner, BusFiled *filed, gpointer item);
/* The item must be filed. */
void bus_index_remove (BusIndex *index, BusFiled *filed);

/* Appends to @entries the BusIndexEntry of each owner and pattern that matches @topic (a valid topic), in no particular order. The
 * entries belong to the index, and are valid until its next change. */
BusIndexMark bus_index_match (const BusIndex *index, WireSpan topic, GPtrArray *entries);
/* The same without entries: only returns the mark. */
BusIndexMark bus_index_mark (const BusIndex *index, WireSpan topic);

gconstpointer bus_index_entry_owner (const BusIndexEntry *entry);
guint bus_index_entry_size (const BusIndexEntry *entry);
/* Appends the items of these entries to @items, in the order of bus_index_add(). */
void bus_index_append_items (GPtrArray *items, const GPtrArray *entries);

/* The number of items. */
guint bus_index_size (const BusIndex *index);
/* The number of entries, which is smaller than that of items if an owner has several items with one pattern. */
guint bus_index_count_entries (const BusIndex *index);
/* The number of the last change, which grows with each change. The address is valid as long as the index. */
const guint64 *bus_index_changes (const BusIndex *index);

static inline gboolean
bus_index_mark_equal (BusIndexMark a, BusIndexMark b)
{
  return a.changed == b.changed && a.n_places == b.n_places;
}

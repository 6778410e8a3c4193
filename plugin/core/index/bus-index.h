/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-filed.h"
#include "wire-span.h"

/*
 * Finds the items that match a topic: exact topics in a hash table, patterns with + and # in a trie.
 *
 * An item is an opaque pointer (a subscription) that an owner (a peer) files under one pattern. Items of one owner with
 * equal patterns share an entry; the index looks into neither item nor owner. It knows neither rights nor groups. The
 * first segment `system` is matched by name only, never by a leading + or #.
 *
 * Adding costs a look-up for each segment of the pattern, removing costs none, whatever else is filed. Matching is
 * bounded by the segments of the topic and by the entries that match. A result is not recomputed to find out whether it
 * is still right: each change gets a number, and a mark holds the newest change of the places that a topic leads to.
 *
 * Invariant: an item that was added and not removed is found once for each topic that its pattern matches, and for no
 * other topic; while the mark of a topic stays the same, so do its items.
 */

typedef struct BusIndex BusIndex;

/* The items of a topic: equal marks of one topic mean equal items. */
typedef struct
{
  guint64 changed; /* the newest change of the places that were found */
  guint n_places;
} BusIndexMark;

/* @seed: for the hash of segments and topics, so that a peer cannot aim at collisions */
BusIndex *bus_index_new (guint64 seed);
/* Must be empty; asserts it. */
void bus_index_free (BusIndex *index);

/* @pattern is a valid topic or pattern; its bytes are copied. */
void bus_index_add (BusIndex *index, WireSpan pattern, gconstpointer owner, BusFiled *filed, gpointer item);
/* It must be filed. */
void bus_index_remove (BusIndex *index, BusFiled *filed);

/* Appends to @entries the BusIndexEntry of each pattern and owner that matches @topic (a valid topic), in no order. Transfer
 * none; valid until the next change. */
BusIndexMark bus_index_match (const BusIndex *index, WireSpan topic, GPtrArray *entries);
/* The mark alone. */
BusIndexMark bus_index_mark (const BusIndex *index, WireSpan topic);

gconstpointer bus_index_entry_owner (const BusIndexEntry *entry);
guint bus_index_entry_size (const BusIndexEntry *entry);
/* Appends the items of these entries to @items, in the order of bus_index_add(). */
void bus_index_append_items (GPtrArray *items, const GPtrArray *entries);

/* Items. */
guint bus_index_size (const BusIndex *index);
/* Entries: fewer than items when owners repeat a pattern. */
guint bus_index_count_entries (const BusIndex *index);
/* The number of the last change, which grows with each one; the address is valid as long as the index. */
const guint64 *bus_index_changes (const BusIndex *index);

static inline gboolean
bus_index_mark_equal (BusIndexMark a, BusIndexMark b)
{
  return a.changed == b.changed && a.n_places == b.n_places;
}

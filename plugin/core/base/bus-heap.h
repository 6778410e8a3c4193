/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A heap: the smallest of many items, in logarithmic time.
 *
 * An item is a struct of the caller, which contains its place in the heap as a guint, so it can be removed without a search and
 * costs no allocation of its own. One struct can be in several heaps at once, with a place for each.
 *
 * Invariant: a place is 0 when the item is not in the heap, otherwise its index plus one. The key of an item does not
 * change while the item is in the heap.
 */

typedef struct
{
  GPtrArray *items;     /* not owned; the smallest first */
  GCompareFunc compare; /* of items; of two equal ones either may come first */
  gsize place;          /* offset of the guint in an item */
} BusHeap;

void bus_heap_init (BusHeap *heap, GCompareFunc compare, gsize place);
/* Every item must have been removed before. */
void bus_heap_clear (BusHeap *heap);

/* It must not be in the heap. */
void bus_heap_add (BusHeap *heap, gpointer item);
/* Harmless when it is not in the heap. */
void bus_heap_remove (BusHeap *heap, gpointer item);

static inline gboolean
bus_heap_is_empty (const BusHeap *heap)
{
  return heap->items->len == 0;
}

/* The smallest item; NULL: the heap is empty. */
static inline gpointer
bus_heap_first (const BusHeap *heap)
{
  return heap->items->len > 0 ? g_ptr_array_index (heap->items, 0) : NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A heap: finds the smallest of many items; adding and removing take logarithmic time.
 *
 * An item is a struct of the caller that contains its place in the heap as a guint, so it is removed without a search and needs no
 * allocation of its own. One struct can be in several heaps at once, with a place for each. The heap does not own its items.
 *
 * Invariant: a place is the index of the item plus one, or 0 if the item is not in the heap. After the key of an item in the heap
 * has changed, the caller calls bus_heap_update() before it uses the heap again.
 */

typedef struct
{
  GPtrArray *items;     /* not owned; the smallest first */
  GCompareFunc compare; /* of items; the order of two equal items is undefined */
  gsize place;          /* offset of the guint in an item */
} BusHeap;

void bus_heap_init (BusHeap *heap, GCompareFunc compare, gsize place);
/* Every item must have been removed before. */
void bus_heap_clear (BusHeap *heap);

/* It must not be in the heap. */
void bus_heap_add (BusHeap *heap, gpointer item);
/* Does nothing if it is not in the heap. */
void bus_heap_remove (BusHeap *heap, gpointer item);
/* The key of @item has changed. Does nothing if it is not in the heap. */
void bus_heap_update (BusHeap *heap, gpointer item);

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

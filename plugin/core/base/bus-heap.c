/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-heap.h"

static gpointer
heap_at (const BusHeap *heap, guint i)
{
  return g_ptr_array_index (heap->items, i);
}

static guint *
heap_place (const BusHeap *heap, gpointer item)
{
  return G_STRUCT_MEMBER_P (item, heap->place);
}

static void
heap_put (BusHeap *heap, guint i, gpointer item)
{
  g_ptr_array_index (heap->items, i) = item;
  *heap_place (heap, item) = i + 1;
}

static void
heap_sift_up (BusHeap *heap, guint i)
{
  gpointer moving = heap_at (heap, i);

  while (i > 0)
    {
      guint parent = (i - 1) / 2;

      if (heap->compare (heap_at (heap, parent), moving) <= 0)
        break;
      heap_put (heap, i, heap_at (heap, parent));
      i = parent;
    }
  heap_put (heap, i, moving);
}

static void
heap_sift_down (BusHeap *heap, guint i)
{
  gpointer moving = heap_at (heap, i);
  guint count = heap->items->len;

  for (guint child = 2 * i + 1; child < count; child = 2 * i + 1)
    {
      if (child + 1 < count && heap->compare (heap_at (heap, child + 1), heap_at (heap, child)) < 0)
        child++;
      if (heap->compare (moving, heap_at (heap, child)) <= 0)
        break;
      heap_put (heap, i, heap_at (heap, child));
      i = child;
    }
  heap_put (heap, i, moving);
}

void
bus_heap_init (BusHeap *heap, GCompareFunc compare, gsize place)
{
  *heap = (BusHeap){ g_ptr_array_new (), compare, place };
}

void
bus_heap_clear (BusHeap *heap)
{
  g_assert (bus_heap_is_empty (heap));
  g_clear_pointer (&heap->items, g_ptr_array_unref);
}

void
bus_heap_add (BusHeap *heap, gpointer item)
{
  g_assert (*heap_place (heap, item) == 0);
  g_ptr_array_add (heap->items, item);
  heap_sift_up (heap, heap->items->len - 1);
}

void
bus_heap_remove (BusHeap *heap, gpointer item)
{
  const guint place = *heap_place (heap, item);
  const guint last = heap->items->len - 1;
  gpointer moving;

  if (place == 0)
    return;
  g_assert (place - 1 <= last && heap_at (heap, place - 1) == item);

  moving = heap_at (heap, last);
  heap->items->len = last; /* as g_ptr_array_set_size(), for an array that owns nothing */
  *heap_place (heap, item) = 0;
  if (moving == item)
    return;

  /* The last item, which is here now, came from another branch: it may have to move up or down. */
  heap_put (heap, place - 1, moving);
  bus_heap_update (heap, moving);
}

void
bus_heap_update (BusHeap *heap, gpointer item)
{
  const guint place = *heap_place (heap, item);

  if (place == 0 || heap->items->len == 1)
    return;
  heap_sift_up (heap, place - 1);
  heap_sift_down (heap, *heap_place (heap, item) - 1);
}

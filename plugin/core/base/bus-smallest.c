/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-smallest.h"

void
bus_smallest_init (BusSmallest *smallest, guint64 *work, GCompareFunc compare, guint max)
{
  *smallest = (BusSmallest){ .items = g_ptr_array_new (), .compare = compare, .max = max, .work = work };
}

static void
smallest_truncate (BusSmallest *smallest)
{
  *smallest->work += (guint64) smallest->items->len * BUS_SMALLEST_WORK;
  g_ptr_array_sort (smallest->items, smallest->compare);
  if (smallest->items->len < smallest->max)
    return;
  g_ptr_array_set_size (smallest->items, (gint) smallest->max);
  smallest->is_cut = TRUE;
}

void
bus_smallest_add (BusSmallest *smallest, gpointer item)
{
  if (smallest->is_cut && smallest->compare (&item, &g_ptr_array_index (smallest->items, smallest->max - 1)) >= 0)
    return;
  g_ptr_array_add (smallest->items, item);
  if (smallest->items->len >= 2 * smallest->max)
    smallest_truncate (smallest);
}

GPtrArray *
bus_smallest_end (BusSmallest *smallest)
{
  smallest_truncate (smallest);
  return smallest->items;
}

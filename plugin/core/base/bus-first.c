/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-first.h"

void
bus_first_init (BusFirst *first, guint64 *work, GCompareFunc compare, guint max)
{
  *first = (BusFirst){ .items = g_ptr_array_new (), .compare = compare, .max = max, .work = work };
}

static void
bus_first_cut (BusFirst *first)
{
  *first->work += (guint64) first->items->len * BUS_FIRST_WORK;
  g_ptr_array_sort (first->items, first->compare);
  if (first->items->len < first->max)
    return;
  g_ptr_array_set_size (first->items, (gint) first->max);
  first->is_cut = TRUE;
}

void
bus_first_add (BusFirst *first, gpointer item)
{
  if (first->is_cut && first->compare (&item, &g_ptr_array_index (first->items, first->max - 1)) >= 0)
    return;
  g_ptr_array_add (first->items, item);
  if (first->items->len >= 2 * first->max)
    bus_first_cut (first);
}

GPtrArray *
bus_first_end (BusFirst *first)
{
  bus_first_cut (first);
  return first->items;
}

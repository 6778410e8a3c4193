/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Collects the smallest few of many items, for a page of a listing.
 *
 * Items are added one by one. Less than twice the wanted number is kept at a time: when there are so many, they are sorted, and
 * the larger half is discarded. So the cost grows only slowly with the number of items. The items are not owned.
 *
 * Invariant: an item that was discarded is not among the smallest @max items.
 */

#define BUS_SMALLEST_WORK 8u /* work for sorting one item, in units of bus-budget */

typedef struct
{
  GPtrArray *items;
  GCompareFunc compare; /* of pointers to items */
  guint max;
  gboolean is_cut; /* items were discarded: an item that is not smaller than items[max - 1] need not be added */
  guint64 *work;
} BusSmallest;

/* @max: the number of items that are wanted. @work: the cost of sorting is added to it. */
void bus_smallest_init (BusSmallest *smallest, guint64 *work, GCompareFunc compare, guint max);
void bus_smallest_add (BusSmallest *smallest, gpointer item);

/* The smallest ones, sorted. Transfer full. */
GPtrArray *bus_smallest_end (BusSmallest *smallest);

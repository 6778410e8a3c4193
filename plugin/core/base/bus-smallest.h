/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The smallest few of many items, in order.
 *
 * Items are added one by one; about twice as many as are wanted are kept at a time, so that sorting costs little
 * however many there are. The items are not owned.
 */

#define BUS_SMALLEST_WORK 8u /* units of work for sorting one item, see bus-budget */

typedef struct
{
  GPtrArray *items;
  GCompareFunc compare; /* of pointers to items */
  guint max;
  gboolean is_cut; /* then an item above items[max - 1] is not among the smallest */
  guint64 *work;
} BusSmallest;

/* @max: how many are wanted. @work: the cost of sorting is added to it. */
void bus_smallest_init (BusSmallest *smallest, guint64 *work, GCompareFunc compare, guint max);
void bus_smallest_add (BusSmallest *smallest, gpointer item);

/* The smallest ones, sorted. Transfer full. */
GPtrArray *bus_smallest_end (BusSmallest *smallest);

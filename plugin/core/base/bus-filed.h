/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The link between an item and BusIndex, embedded in the item so that it is removed from the index without a search. Only the
 * index reads and writes it. A zeroed link means that the item is not filed. An item can be filed under one pattern at a time.
 */

typedef struct BusIndexEntry BusIndexEntry;

typedef struct
{
  GList link; /* the first member; in the list of its entry; the data is the item */
  BusIndexEntry *entry;
  guint64 serial; /* order of adding */
} BusFiled;

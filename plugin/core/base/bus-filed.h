/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The link of an item that BusIndex files: a part of the item, so that it is found and removed without a search. The index
 * alone reads and writes it. Zeroed, the item is not filed; it can be filed under one pattern at a time.
 */

typedef struct BusIndexEntry BusIndexEntry;

typedef struct
{
  GList link; /* first: in its entry; the data is the item */
  BusIndexEntry *entry;
  guint64 serial; /* order of adding */
} BusFiled;

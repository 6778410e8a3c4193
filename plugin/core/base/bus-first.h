/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/* The first few of many, in order: only about twice as many as are wanted are ever sorted. */

#define BUS_FIRST_WORK 8u /* units of sorting one item, see bus-page */

typedef struct
{
  GPtrArray *items;
  GCompareFunc compare; /* of pointers to items */
  guint max;
  gboolean is_cut; /* then items[max - 1] is the last that can be among them */
  guint64 *work;
} BusFirst;

/* @work: what sorting costs is added there. */
void bus_first_init (BusFirst *first, guint64 *work, GCompareFunc compare, guint max);
void bus_first_add (BusFirst *first, gpointer item);
/* Transfer full. */
GPtrArray *bus_first_end (BusFirst *first);

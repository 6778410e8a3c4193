/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Limits the size of an answer: makes a list of records fit into a payload.
 *
 * The observed processes decide the number of records and the length of their texts. Therefore an answer never fails because
 * of its size, and no record can displace another one. A requester that requests pages gets as many unshortened records as
 * fit, and continues after them. For any other requester the longest texts are shortened, all to the same length, until all
 * records fit. Only if that is not enough, the last records are left out.
 *
 * Invariant: afterwards the records fit into the room, unless a single shortened record does not fit.
 */

#define COLLECTOR_PAGE_MAX (1u << 20) /* a receiver would refuse to unpack a larger answer */

typedef struct
{
  gsize (*cost) (gconstpointer record);      /* at least its size in an answer, in bytes */
  gsize (*text_size) (gconstpointer record); /* the part of the cost that can be cut; NULL: nothing can be cut */
  /* A record with texts of at most @bytes, or of @shortest if that is more; the record itself if it is not larger.
   * (transfer full) */
  gpointer (*shorten) (gpointer record, gsize bytes);
  gsize shortest;
  GDestroyNotify unref;
} CollectorRecordClass;

/* Removes the last records, and replaces other records by shortened ones. @room: bytes for the records. Keeps at least one
 * record, so that a requester that requests pages makes progress. */
void collector_page_fit (GPtrArray *records, const CollectorRecordClass *record_class, gsize room, gboolean shorten);

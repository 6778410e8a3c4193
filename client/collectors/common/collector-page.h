/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The bound of an answer: how a list of records is made to fit into a payload.
 *
 * Those whom a collector observes decide how many records there are, and how long the texts in them. So an answer never fails
 * because of its size, and no record can displace another one. A requester that pages gets full records, as many as fit, and
 * continues behind them. For one that does not page the longest texts are shortened, all to the same length, until everything
 * fits. Only if that is not enough, the last records are left out.
 *
 * Invariant: afterwards the records cost at most the room, unless a single one does not fit even when shortened.
 */

#define COLLECTOR_PAGE_MAX (1u << 20) /* more would exceed what a receiver accepts to unpack */

typedef struct
{
  gsize (*cost) (gconstpointer record);      /* at least the bytes that it has in an answer */
  gsize (*text_size) (gconstpointer record); /* the part of the cost that can be cut; NULL: nothing can be cut */
  /* A record with texts of at most @bytes, or of @shortest if that is more; the record itself if it is not larger.
   * (transfer full) */
  gpointer (*shorten) (gpointer record, gsize bytes);
  gsize shortest;
  GDestroyNotify unref;
} CollectorRecordClass;

/* @records: its last elements are removed, others are replaced. @room: bytes for the records. Keeps one record at least, so that
 * a requester that pages gets on. */
void collector_page_fit (GPtrArray *records, const CollectorRecordClass *record_class, gsize room, gboolean shorten);

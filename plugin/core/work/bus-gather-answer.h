/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-gather-entry.h"
#include "wire-put.h"

/*
 * The answer of an entry as the message GatherAnswer. The payload is copied once, from the result of the task to the queue of the
 * asker.
 *
 * Invariant: the bytes are those that protobuf-c writes for the same fields.
 */

#define BUS_GATHER_ANSWER_FIELDS  4u
#define BUS_GATHER_OUTCOME_FIELDS 5u
#define BUS_GATHER_EXTENT_FIELDS  10u

/* An answer that is about to be packed. It borrows the texts and the payload of the entry. */
typedef struct
{
  WireField fields[BUS_GATHER_ANSWER_FIELDS];
  WireField outcome[BUS_GATHER_OUTCOME_FIELDS];
  WireField extent[BUS_GATHER_EXTENT_FIELDS]; /* used if @has_extent */
  gboolean has_extent;
  gsize outcome_len;
  gsize extent_len;
} BusGatherAnswer;

/* Fills @to with the BUS_GATHER_EXTENT_FIELDS fields of the message Extent. Returns its size. */
gsize bus_gather_extent_fill (WireField *to, const BusTaskExtent *extent);

/* @entry: has an answer, which was not dropped. Returns the size of the message. */
gsize bus_gather_answer_fill (BusGatherAnswer *answer, const BusGatherEntry *entry);
/* A BusPackFunc. */
gsize bus_gather_answer_pack (gconstpointer answer, guint8 *to);

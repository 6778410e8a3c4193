/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-quota.h"
#include "queue/bus-message.h"
#include "wire-span.h"

/*
 * Segments: blocks of memory for the encoded bytes of out-queues, and the spare ones of all queues of a core.
 *
 * A segment contains encoded frames. The body of a large frame may follow as its tail, which a message or a GBytes owns. Segments
 * of the two usual sizes are used again, so a steady flow of messages does not call malloc().
 *
 * While a segment is in use, its whole capacity counts for the cap of the broker, and so do the bytes of a tail that a GBytes owns;
 * a message counts by itself. Nothing is charged to a peer here: bus-outq charges the bytes that it puts.
 *
 * Invariant: a spare segment has no tail and is not counted; there are at most BUS_SEGMENT_SPARE of each size.
 */

#define BUS_SEGMENT_SMALL 4096u  /* the first segment of an empty lane: most peers never need more */
#define BUS_SEGMENT_LARGE 32768u /* a further segment of a lane that is not empty */
#define BUS_SEGMENT_SPARE 64u    /* 2.25 MiB in all */

typedef struct BusSegment BusSegment;
struct BusSegment
{
  BusSegment *next;
  WireSpan tail;          /* sent after bytes; empty: no tail */
  BusMessage *tail_owner; /* (nullable): owns tail */
  GBytes *tail_bytes;     /* (nullable): owns tail instead; tail.len counts for the cap while the segment exists */
  gsize capacity;
  gsize block_size; /* size of the whole struct, for wire_block_free() */
  gsize len;        /* used of bytes */
  guint8 bytes[];
};

typedef struct
{
  BusSegment *first;
  guint n;
} BusSpareSegments;

/* Zeroed: no spare segments. */
typedef struct
{
  BusSpareSegments small;
  BusSpareSegments large;
} BusSegmentPool;

void bus_segment_pool_clear (BusSegmentPool *pool);

static inline gsize
bus_segment_size (const BusSegment *segment)
{
  return segment->len + segment->tail.len;
}

/* An empty segment. @reserve: it may use the reserve of the quota. NULL: no memory, or the cap of the broker is reached. */
BusSegment *bus_segment_new (BusSegmentPool *pool, BusQuota *quota, gsize capacity, gboolean reserve);
void bus_segment_free (BusSegmentPool *pool, BusQuota *quota, BusSegment *segment);
/* Frees the segment and all that follow it. @segment: (nullable) */
void bus_segment_free_chain (BusSegmentPool *pool, BusQuota *quota, BusSegment *segment);

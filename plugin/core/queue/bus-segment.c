/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-segment.h"

#include "wire-block.h"

/* NULL: segments of this size are not kept. */
static BusSpareSegments *
segment_spare_of (BusSegmentPool *pool, gsize capacity)
{
  if (capacity == BUS_SEGMENT_SMALL)
    return &pool->small;
  return capacity == BUS_SEGMENT_LARGE ? &pool->large : NULL;
}

static BusSegment *
segment_take (BusSegmentPool *pool, gsize capacity)
{
  BusSpareSegments *spare = segment_spare_of (pool, capacity);
  BusSegment *segment = spare != NULL ? spare->first : NULL;
  gsize size;

  if (segment != NULL)
    {
      spare->first = segment->next;
      spare->n--;
      return segment;
    }
  segment = (gpointer) wire_block_new (sizeof (BusSegment) + capacity, G_MAXSIZE, &size);
  if (segment == NULL)
    return NULL;
  segment->capacity = capacity;
  segment->block_size = size;
  return segment;
}

BusSegment *
bus_segment_new (BusSegmentPool *pool, BusQuota *quota, gsize capacity, gboolean reserve)
{
  gsize size = sizeof (BusSegment) + capacity;
  BusSegment *segment;

  if (!bus_quota_hold (quota, size) && !(reserve && bus_quota_hold_reserve (quota, size)))
    return NULL;
  segment = segment_take (pool, capacity);
  if (segment == NULL)
    {
      bus_quota_release (quota, size);
      return NULL;
    }
  segment->next = NULL;
  segment->tail = wire_span (NULL, 0);
  segment->tail_owner = NULL;
  segment->tail_bytes = NULL;
  segment->len = 0;
  return segment;
}

void
bus_segment_free (BusSegmentPool *pool, BusQuota *quota, BusSegment *segment)
{
  BusSpareSegments *spare = segment_spare_of (pool, segment->capacity);

  bus_quota_release (quota, sizeof (BusSegment) + segment->capacity);
  g_clear_pointer (&segment->tail_owner, bus_message_unref);
  if (segment->tail_bytes != NULL)
    {
      bus_quota_release (quota, segment->tail.len);
      g_bytes_unref (segment->tail_bytes);
    }
  if (spare == NULL || spare->n >= BUS_SEGMENT_SPARE)
    {
      wire_block_free ((guint8 *) segment, segment->block_size);
      return;
    }
  segment->next = spare->first;
  spare->first = segment;
  spare->n++;
}

void
bus_segment_free_chain (BusSegmentPool *pool, BusQuota *quota, BusSegment *segment)
{
  while (segment != NULL)
    {
      BusSegment *next = segment->next;

      bus_segment_free (pool, quota, segment);
      segment = next;
    }
}

/* --- spare segments --- */

static void
segment_free_spare (BusSpareSegments *spare)
{
  while (spare->first != NULL)
    {
      BusSegment *segment = spare->first;

      spare->first = segment->next;
      wire_block_free ((guint8 *) segment, segment->block_size);
    }
  spare->n = 0;
}

void
bus_segment_pool_clear (BusSegmentPool *pool)
{
  segment_free_spare (&pool->small);
  segment_free_spare (&pool->large);
}

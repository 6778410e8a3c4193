/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-subscription.h"

/* A subscription and its records are aligned to a cache line, so that the members that a delivery uses are in as few lines
 * as possible. */
#define CACHE_LINES(size) (((size) + BUS_CACHE_LINE - 1) / BUS_CACHE_LINE * BUS_CACHE_LINE)
#define RECORDS_BYTES     CACHE_LINES (sizeof (BusRecords))
G_STATIC_ASSERT (G_STRUCT_OFFSET (BusRecords, kept_messages) <= BUS_CACHE_LINE);
G_STATIC_ASSERT (G_STRUCT_OFFSET (BusSubscription, group) <= 2 * BUS_CACHE_LINE);
G_STATIC_ASSERT (BUS_CELL_MAX <= G_MAXUINT16); /* pattern_bytes */

/* The approximate memory that the tables and the index need for a subscription. */
#define TABLE_BYTES   256u /* in the tables of its owner and its group */
#define SEGMENT_BYTES 192u /* for each segment of the pattern: a node of the index, as if no other pattern shared it */

/* A cell whose size is a multiple of a cache line begins with one. */
static gsize
subscription_cell_size (WireSpan pattern)
{
  return CACHE_LINES (sizeof (BusSubscription) + pattern.len);
}

gsize
bus_subscription_size (WireSpan pattern)
{
  gsize segments = 1;

  for (gsize i = 0; i < pattern.len; i++)
    segments += pattern.data[i] == '.' ? 1 : 0;
  return subscription_cell_size (pattern) + sizeof (BusFifo) + RECORDS_BYTES + sizeof (BusShare)
         + sizeof (BusSubscriptionExtra) + TABLE_BYTES + 2 * pattern.len + segments * SEGMENT_BYTES;
}

gsize
bus_subscription_charge (const BusSubscription *subscription)
{
  return bus_subscription_size (bus_subscription_pattern (subscription))
         + (subscription->filter != NULL ? bus_filter_size (subscription->filter) : 0);
}

BusSubscription *
bus_subscription_new (BusCells *cells, BusPeer *owner, guint32 id, WireSpan pattern, gboolean serves)
{
  BusSubscription *subscription;

  g_assert (subscription_cell_size (pattern) <= BUS_CELL_MAX); /* a valid pattern is shorter */
  subscription = bus_cells_try_take (cells, subscription_cell_size (pattern));
  if (subscription == NULL)
    return NULL;
  *subscription = (BusSubscription){ 0 };
  if (pattern.len > 0)
    memcpy (subscription->pattern, pattern.data, pattern.len);
  subscription->owner = owner;
  subscription->id = id;
  subscription->pattern_bytes = (guint16) pattern.len;
  subscription->serves = serves != FALSE;
  subscription->state = BUS_SUBSCRIPTION_OPEN;
  subscription->share = &bus_no_share;
  subscription->fifo = &bus_no_fifo;
  subscription->records = &bus_no_records;
  subscription->extra = &bus_no_subscription_extra;
  return subscription;
}

/* --- parts --- */

const BusFifo bus_no_fifo;
const BusRecords bus_no_records;
const BusLosses bus_no_losses;
const BusSubscriptionExtra bus_no_subscription_extra;

BusFifo *
bus_subscription_make_fifo (BusSubscription *subscription)
{
  BusFifo *fifo = g_new0 (BusFifo, 1);

  subscription->fifo = fifo;
  return fifo;
}

BusRecords *
bus_subscription_make_records (BusSubscription *subscription)
{
  BusRecords *records = g_aligned_alloc0 (1, RECORDS_BYTES, BUS_CACHE_LINE);

  records->block_timer = (BusTimer){ .kind = BUS_TIMER_BLOCK, .owner = subscription };
  records->settle_timer = (BusTimer){ .kind = BUS_TIMER_SETTLE, .owner = subscription };
  subscription->records = records;
  return records;
}

BusSubscriptionExtra *
bus_subscription_need_extra (BusSubscription *subscription)
{
  BusSubscriptionExtra *extra;

  if (subscription->extra != &bus_no_subscription_extra)
    return (gpointer) (gsize) subscription->extra;
  extra = g_new0 (BusSubscriptionExtra, 1);
  extra->losses.report_timer = (BusTimer){ .kind = BUS_TIMER_REPORT, .owner = subscription };
  extra->emptied_link.data = subscription;
  subscription->extra = extra;
  return extra;
}

const BusShare bus_no_share = { .weight = 1 };

BusShare *
bus_subscription_make_share (BusSubscription *subscription)
{
  BusShare *share = g_new0 (BusShare, 1);

  share->group_link.data = subscription;
  share->weight = 1;
  subscription->share = share;
  return share;
}

static void
subscription_free_parts (BusSubscription *subscription)
{
  if (subscription->fifo->by_topic != NULL)
    g_hash_table_unref (subscription->fifo->by_topic);
  if (subscription->fifo != &bus_no_fifo)
    g_free ((gpointer) (gsize) subscription->fifo);
  if (subscription->records != &bus_no_records)
    g_aligned_free ((gpointer) (gsize) subscription->records);
  if (subscription->share != &bus_no_share)
    g_free ((gpointer) (gsize) subscription->share);
  if (subscription->extra != &bus_no_subscription_extra)
    g_free ((gpointer) (gsize) subscription->extra);
}

gboolean
bus_subscription_on (BusSubscription *subscription, BusSubscriptionEvent event, guint64 *ignored)
{
  guint verdict = bus_subscription_transition (subscription->state, event);

  g_assert (verdict != 0 && verdict != BUS_SUBSCRIPTION_NEVER);
  if (verdict == BUS_SUBSCRIPTION_IGNORED)
    ++*ignored;
  else
    subscription->state = (BusSubscriptionState) verdict;
  return verdict != BUS_SUBSCRIPTION_IGNORED;
}

gboolean
bus_subscription_set_filter (BusSubscription *subscription, const BusFilter *filter)
{
  g_assert (subscription->filter == NULL);
  subscription->filter = bus_filter_copy (filter);
  return subscription->filter != NULL;
}

void
bus_subscription_free (BusCells *cells, BusSubscription *subscription)
{
  const BusRecords *records = subscription->records;
  const BusSubscriptionExtra *extra = subscription->extra;

  g_assert (subscription->fifo->first == NULL && records->tickets == 0 && records->first == NULL);
  g_assert (!extra->is_emptied);
  g_assert (!bus_deadline_is_armed (&records->block_timer.deadline)
            && !bus_deadline_is_armed (&records->settle_timer.deadline)
            && !bus_deadline_is_armed (&extra->losses.report_timer.deadline));
  subscription_free_parts (subscription);
  g_free (subscription->filter);
  bus_cells_give (cells, subscription);
}

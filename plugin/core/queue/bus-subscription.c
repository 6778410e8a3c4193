/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-subscription.h"

/* The approximate memory that the tables and the index need for a subscription. */
#define TABLE_BYTES   256u /* in the tables of its owner and its group */
#define SEGMENT_BYTES 192u /* for each segment of the pattern: a node of the index, as if no other pattern shared it */

gsize
bus_subscription_size (WireSpan pattern)
{
  gsize segments = 1;

  for (gsize i = 0; i < pattern.len; i++)
    segments += pattern.data[i] == '.' ? 1 : 0;
  return sizeof (BusSubscription) + sizeof (BusLosses) + TABLE_BYTES + 2 * pattern.len + segments * SEGMENT_BYTES;
}

BusSubscription *
bus_subscription_new (BusPeer *owner, guint32 id, WireSpan pattern, gboolean serves)
{
  BusSubscription *subscription = g_try_malloc0 (sizeof (BusSubscription) + pattern.len);
  guint8 *copy;

  if (subscription == NULL)
    return NULL;
  copy = (guint8 *) (subscription + 1);
  if (pattern.len > 0)
    memcpy (copy, pattern.data, pattern.len);
  subscription->owner = owner;
  subscription->id = id;
  subscription->pattern = wire_span (copy, pattern.len);
  subscription->serves = serves;
  subscription->state = BUS_SUBSCRIPTION_OPEN;
  subscription->emptied_link.data = subscription;
  subscription->weight = 1;
  subscription->charged = bus_subscription_size (pattern);
  subscription->block_timer.kind = BUS_TIMER_BLOCK;
  subscription->block_timer.owner = subscription;
  subscription->unsettled.timer.kind = BUS_TIMER_SETTLE;
  subscription->unsettled.timer.owner = subscription;
  return subscription;
}

const BusLosses bus_no_losses;

BusLosses *
bus_subscription_need_losses (BusSubscription *subscription)
{
  if (subscription->losses == NULL)
    {
      subscription->losses = g_new0 (BusLosses, 1);
      subscription->losses->report_timer.kind = BUS_TIMER_REPORT;
      subscription->losses->report_timer.owner = subscription;
    }
  return subscription->losses;
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
  if (subscription->filter == NULL)
    return FALSE;
  subscription->charged += bus_filter_size (filter);
  return TRUE;
}

void
bus_subscription_free (BusSubscription *subscription)
{
  g_assert (subscription->fifo.first == NULL && subscription->tickets == 0 && subscription->unsettled.first == NULL);
  g_assert (!subscription->is_emptied);
  g_assert (!bus_deadline_is_armed (&subscription->block_timer.deadline)
            && !bus_deadline_is_armed (&subscription->unsettled.timer.deadline)
            && !bus_deadline_is_armed (&bus_subscription_losses (subscription)->report_timer.deadline));
  g_clear_pointer (&subscription->fifo.by_topic, g_hash_table_unref);
  g_free (subscription->filter);
  g_free (subscription->losses);
  g_free (subscription);
}

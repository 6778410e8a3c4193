/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-subscription.h"

BusSubscription *
bus_subscription_new (BusPeer *owner, guint32 id, WireSpan pattern, gboolean serves)
{
  gsize size = sizeof (BusSubscription) + pattern.len;
  BusSubscription *subscription = g_try_malloc0 (size);
  guint8 *copy;

  if (subscription == NULL)
    return NULL;
  copy = (guint8 *) (subscription + 1);
  memcpy (copy, pattern.data, pattern.len);
  subscription->owner = owner;
  subscription->id = id;
  subscription->pattern = wire_span (copy, pattern.len);
  subscription->serves = serves;
  subscription->charged = size;
  subscription->block_timer.kind = BUS_TIMER_BLOCK;
  subscription->block_timer.owner = subscription;
  subscription->report_timer.kind = BUS_TIMER_REPORT;
  subscription->report_timer.owner = subscription;
  return subscription;
}

void
bus_subscription_free (BusSubscription *subscription)
{
  g_assert (subscription->fifo.first == NULL && subscription->tickets == 0);
  g_assert (!bus_deadline_is_armed (&subscription->block_timer.deadline)
            && !bus_deadline_is_armed (&subscription->report_timer.deadline));
  g_clear_pointer (&subscription->fifo.by_topic, g_hash_table_unref);
  g_free (subscription);
}

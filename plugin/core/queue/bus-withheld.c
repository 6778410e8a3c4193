/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-withheld.h"

gint64
bus_withheld_longest_us (const BusFlow *flow)
{
  return (gint64) flow->shared->limits->longest_block_us;
}

void
bus_withheld_note_ticket (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  BusRecords *records = bus_subscription_need_records (subscription);

  if (records->tickets++ > 0)
    return;
  records->progress_us = now_us;
  if (bus_deadline_is_armed (&records->block_timer.deadline))
    return;
  bus_deadline_arm (flow->shared->deadlines, &records->block_timer.deadline, now_us + bus_withheld_longest_us (flow));
}

void
bus_withheld_share (BusSubscription *subscription)
{
  BusRecords *records = bus_subscription_need_records (subscription);

  g_assert (records->tickets > 0);
  records->tickets++;
}

void
bus_withheld_hand_on (BusSubscription *subscription)
{
  BusRecords *records = bus_subscription_need_records (subscription);

  g_assert (records->tickets > 0);
  records->tickets--;
}

void
bus_withheld_release (BusSubscription *subscription, BusTicket *ticket)
{
  bus_withheld_hand_on (subscription);
  bus_ticket_unref (ticket);
}

void
bus_withheld_end (BusFlow *flow, BusSubscription *subscription)
{
  g_assert (subscription->records->tickets == 0);
  if (bus_deadline_is_armed (&subscription->records->block_timer.deadline))
    bus_deadline_disarm (flow->shared->deadlines, &bus_subscription_need_records (subscription)->block_timer.deadline);
}

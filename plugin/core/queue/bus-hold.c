/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-hold.h"

gint64
bus_hold_longest_us (const BusFlow *flow)
{
  return (gint64) flow->shared->limits->longest_block_us;
}

void
bus_hold_took (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  if (subscription->tickets++ > 0)
    return;
  subscription->progress_us = now_us;
  bus_deadline_arm (flow->shared->deadlines, &subscription->block_timer.deadline, now_us + bus_hold_longest_us (flow));
}

void
bus_hold_hand_on (BusFlow *flow, BusSubscription *subscription)
{
  g_assert (subscription->tickets > 0);
  if (--subscription->tickets == 0)
    bus_deadline_disarm (flow->shared->deadlines, &subscription->block_timer.deadline);
}

void
bus_hold_release (BusFlow *flow, BusSubscription *subscription, BusTicket *ticket)
{
  bus_hold_hand_on (flow, subscription);
  bus_ticket_unref (ticket);
}

void
bus_hold_sent (BusFlow *flow, BusSubscription *subscription, BusTicket *ticket)
{
  BusHold *hold = g_slice_new0 (BusHold);

  hold->ticket = ticket;
  hold->index = subscription->delivered;
  if (subscription->hold_last != NULL)
    subscription->hold_last->next = hold;
  else
    subscription->hold_first = hold;
  subscription->hold_last = hold;
  bus_quota_keep (flow->shared->quota, &flow->ledger->usage, sizeof (BusHold));
}

static void
hold_release_first (BusFlow *flow, BusSubscription *subscription)
{
  BusHold *hold = subscription->hold_first;

  subscription->hold_first = hold->next;
  if (hold->next == NULL)
    subscription->hold_last = NULL;
  bus_hold_release (flow, subscription, hold->ticket);
  g_slice_free (BusHold, hold);
  bus_quota_forgo (flow->shared->quota, &flow->ledger->usage, sizeof (BusHold));
}

/* The longest of late, half of it forgotten each time. A client that stood still for the longest block is no measure. */
static void
hold_learn_usual (const BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  gint64 held_us = bus_subscription_stalled_us (subscription, now_us);

  subscription->usual_us = MAX (held_us <= bus_hold_longest_us (flow) ? held_us : 0, subscription->usual_us / 2);
}

void
bus_hold_returned (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  guint64 returned = subscription->window.granted_messages - subscription->window.window_messages;

  if (returned <= subscription->returned)
    return; /* the same totals again are no progress */
  subscription->returned = returned;
  subscription->progress_us = now_us;
  hold_learn_usual (flow, subscription, now_us);
  subscription->unreturned_since_us = subscription->delivered > returned ? now_us : 0;
  while (subscription->hold_first != NULL && subscription->hold_first->index <= returned)
    hold_release_first (flow, subscription);
}

void
bus_hold_release_sent (BusFlow *flow, BusSubscription *subscription)
{
  while (subscription->hold_first != NULL)
    hold_release_first (flow, subscription);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-report.h"

static void
report_arm (BusFlow *flow, BusTimer *timer, gint64 next_us, gint64 now_us)
{
  if (!bus_deadline_is_armed (&timer->deadline))
    bus_deadline_arm (flow->shared->deadlines, &timer->deadline, MAX (now_us, next_us));
}

void
bus_report_again (BusFlow *flow, BusSubscription *subscription, gint64 now_us)
{
  report_arm (flow, &subscription->report_timer, subscription->report_next_us, now_us);
}

void
bus_report_loss (BusFlow *flow,
                 BusSubscription *subscription,
                 guint domain,
                 guint64 accept_seq,
                 guint64 count,
                 BusLoss loss,
                 gint64 now_us)
{
  bus_report_again (flow, subscription, now_us);
  if (domain == BUS_DOMAIN_SYSTEM)
    return;
  if (subscription->unreported_to == 0)
    subscription->unreported_from = accept_seq;
  subscription->unreported_from = MIN (subscription->unreported_from, accept_seq);
  subscription->unreported_to = MAX (subscription->unreported_to, accept_seq);
  subscription->unreported[loss] += count;
}

void
bus_report_change (BusFlow *flow, BusSubscription *subscription, BusChange change, gint64 now_us)
{
  subscription->unreported_changes |= change;
  bus_report_again (flow, subscription, now_us);
}

void
bus_report_level (BusFlow *flow, gint64 now_us)
{
  report_arm (flow, &flow->report_timer, flow->report_next_us, now_us);
}

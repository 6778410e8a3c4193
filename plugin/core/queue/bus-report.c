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
  BusLosses *losses = bus_subscription_need_losses (subscription);

  report_arm (flow, &losses->report_timer, losses->report_next_us, now_us);
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
  BusLosses *losses = bus_subscription_need_losses (subscription);

  bus_report_again (flow, subscription, now_us);
  if (domain == BUS_DOMAIN_SYSTEM)
    return;
  if (losses->unreported_to == 0)
    losses->unreported_from = accept_seq;
  losses->unreported_from = MIN (losses->unreported_from, accept_seq);
  losses->unreported_to = MAX (losses->unreported_to, accept_seq);
  losses->unreported[loss] += count;
}

void
bus_report_change (BusFlow *flow, BusSubscription *subscription, BusChange change, gint64 now_us)
{
  bus_subscription_need_losses (subscription)->unreported_changes |= change;
  bus_report_again (flow, subscription, now_us);
}

BusLosses *
bus_report_need_losses (BusFlow *flow)
{
  if (flow->losses == NULL)
    {
      flow->losses = g_new0 (BusLosses, 1);
      flow->losses->report_timer.kind = BUS_TIMER_QUEUE;
      flow->losses->report_timer.owner = flow->retry_timer.owner;
    }
  return flow->losses;
}

void
bus_report_level (BusFlow *flow, gint64 now_us)
{
  BusLosses *losses = bus_report_need_losses (flow);

  report_arm (flow, &losses->report_timer, losses->report_next_us, now_us);
}

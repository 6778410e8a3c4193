/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "sim-lost.h"

/*
 * I7: each loss was reported by system.drop, or is noted for its next report. At rest the counters of each subscription agree
 * with the messages that its client received.
 */

/* Watchers check the contents of system.drop. With or without a watcher it is published only when its timer is due. */
static void
check_reports_of (SimWorld *world, const BusSubscription *subscription, SimSub *sub)
{
  gboolean may_have_reported = sub->report_due_us != bus_subscription_losses (subscription)->report_next_us;

  for (guint i = 0; i < BUS_N_LOSSES; i++)
    {
      guint64 reported = bus_subscription_losses (subscription)->missed_by[i]
                         - bus_subscription_losses (subscription)->unreported[i];

      if (reported != sub->reported[i] && !may_have_reported)
        sim_world_fail (world, "I7: system.drop will not report all that subscription %u missed", subscription->id);
      sub->reported[i] = reported;
    }
  sub->report_due_us = bus_subscription_losses (subscription)->report_next_us;
}

void
sim_check_reports (SimWorld *world)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    for (guint place = 0; place < SIM_SUBS && world->clients[i].peer != NULL; place++)
      {
        const BusSubscription *subscription = sim_subscription_at (&world->clients[i], place);

        if (subscription != NULL && !sim_is_watching (subscription)) /* reports about lost reports would never end */
          check_reports_of (world, subscription, &world->clients[i].subs[place]);
      }
}

void
sim_check_counters (SimWorld *world)
{
  for (guint i = 0; i < SIM_CLIENTS; i++)
    {
      const SimClient *client = &world->clients[i];
      guint at = 0;
      gpointer value;

      if (client->peer == NULL)
        continue;
      while ((value = bus_subscriptions_next (&client->peer->subscriptions, &at)) != NULL)
        {
          const BusSubscription *subscription = value;
          guint64 delivered, missed;

          if (sim_is_watching (subscription))
            continue; /* see check-watch */
          sim_model_received (world->model, client->number, subscription->id, &delivered, &missed);
          missed += sim_lost_received (world, client->number, subscription->id);
          delivered += sim_retains_received (world->retained, client->number, subscription->id);
          if (!subscription->serves && (delivered != subscription->delivered || missed != subscription->extra->missed))
            sim_world_fail (world, "I7: subscription %u of %s does not count the messages that its client received",
                            subscription->id, client->id);
        }
    }
}

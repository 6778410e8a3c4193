/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "peer/bus-state.h"
#include "queue/bus-unsettled.h"
#include "route/bus-group.h"

/*
 * M06: the unsettled messages of a subscription, counted again: their records in order, the messages that are kept, their
 * bounds, charges and timer. A record ends when the credit of its delivery returns, neither earlier nor later.
 */

/* The settle timer is armed if and only if a record keeps a message. */
static void
unsettled_check_timer (SimWorld *world, const BusSubscription *subscription)
{
  const BusRecords *records = subscription->records;
  const BusDeadline *deadline = &records->settle_timer.deadline;
  gint64 timeout_us = (gint64) world->core->limits.settle_timeout_us;

  if ((records->kept_messages > 0) != bus_deadline_is_armed (deadline))
    sim_world_fail (world, "M06: subscription %u keeps %" G_GUINT64_FORMAT " messages, and its settle timer is %s",
                    subscription->id, records->kept_messages, bus_deadline_is_armed (deadline) ? "armed" : "not armed");
  if (bus_deadline_is_armed (deadline) && deadline->due_us > world->now_us + timeout_us)
    sim_world_fail (world, "M06: the settle timer of subscription %u is armed for more than its time",
                    subscription->id);
}

static void
unsettled_check_records (SimWorld *world, const BusSubscription *subscription)
{
  const BusWindow *window = &subscription->window;
  const BusUnsettled *unsettled = &subscription->unsettled;
  const BusRecords *records = subscription->records;
  guint64 settled = window->granted_messages - window->window_messages;
  guint64 kept = 0, bytes = 0, last = settled;

  if (unsettled->settled != settled)
    sim_world_fail (world,
                    "M06: subscription %u settled %" G_GUINT64_FORMAT " deliveries, and counts %" G_GUINT64_FORMAT,
                    subscription->id, settled, unsettled->settled);
  for (const BusSent *sent = records->first; sent != NULL; sent = sent->next)
    {
      if (sent->index <= last || sent->index > subscription->delivered)
        sim_world_fail (world, "M06: a record of subscription %u is settled, or out of order", subscription->id);
      last = sent->index;
      kept += sent->message != NULL;
      bytes += sent->message != NULL ? sent->message->body.len : 0;
      if (sent->message != NULL && (subscription->group == NULL || !sent->delivery.is_kept))
        sim_world_fail (world, "M06: subscription %u keeps a message that no other member can get", subscription->id);
      if (sent->message != NULL && sent->delivery.attempt > world->core->limits.delivery_attempts)
        sim_world_fail (world, "M06: attempt %u of a message", sent->delivery.attempt);
    }
  if (kept != records->kept_messages || bytes != records->kept_bytes)
    sim_world_fail (world, "M06: subscription %u miscounts the messages that it keeps", subscription->id);
}

/* The bound does not apply to messages that were handed on: the bound of the first member applied to them. */
static void
unsettled_check_bound (SimWorld *world, const BusSubscription *subscription)
{
  const BusLimits *limits = &world->core->limits;
  guint64 waiting = 0, bounded = 0;

  for (const BusSent *sent = subscription->records->first; sent != NULL; sent = sent->next)
    bounded += sent->message != NULL && !sent->delivery.is_handed_on;
  for (const BusSlot *slot = subscription->fifo->first; slot != NULL; slot = slot->next)
    {
      waiting += slot->state != BUS_DELIVERY_LOST && slot->delivery.is_kept;
      bounded += slot->state != BUS_DELIVERY_LOST && slot->delivery.is_kept && !slot->delivery.is_handed_on;
    }
  if (waiting != subscription->fifo->kept_messages)
    sim_world_fail (world, "M06: subscription %u miscounts the kept messages that wait", subscription->id);
  if (bounded > limits->unsettled_messages)
    sim_world_fail (world, "M06: subscription %u keeps %" G_GUINT64_FORMAT " messages", subscription->id, bounded);
  if (waiting > 0)
    sim_cover (world, SIM_COVER_KEPT_WAITING);
}

/* --- messages for another member --- */

/* TRUE if another member takes the message. The topic that not every member may read is left out. */
static gboolean
unsettled_has_other_member (const BusSubscription *subscription, const BusPeer *leaving, const BusMessage *message)
{
  g_autofree char *topic = g_strndup ((const char *) message->topic.data, message->topic.len);

  for (const GList *link = subscription->group->members.head; link != NULL; link = link->next)
    {
      const BusSubscription *member = link->data;
      g_autofree char *pattern = g_strndup ((const char *) member->pattern, member->pattern_bytes);

      if (member != subscription && member->owner != leaving && bus_peer_is_ready (member->owner)
          && bus_subscription_takes_part (member) && sim_model_matches (pattern, topic)
          && strcmp (topic, "control.agent.policy") != 0)
        return TRUE;
    }
  return FALSE;
}

guint64
sim_check_count_to_repeat (const SimWorld *world, const BusSubscription *subscription, const BusPeer *leaving)
{
  guint64 n = 0;

  for (const BusSent *sent = subscription->records->first; sent != NULL; sent = sent->next)
    n += sent->message != NULL && MAX (sent->delivery.attempt, 1) < world->core->limits.delivery_attempts
         && (sent->message->expires_us == 0 || sent->message->expires_us > world->now_us)
         && unsettled_has_other_member (subscription, leaving, sent->message);
  return n;
}

/* --- after every step --- */

void
sim_check_unsettled (SimWorld *world, const BusSubscription *subscription)
{
  unsettled_check_records (world, subscription);
  unsettled_check_bound (world, subscription);
  unsettled_check_timer (world, subscription);
  if (subscription->records->kept_messages > 0)
    sim_cover (world, SIM_COVER_KEPT);
  if (subscription->extra->repeated > 0)
    sim_cover (world, SIM_COVER_REPEATED_LATE); /* the member is still connected, so it did not settle in time */
  if (subscription->group != NULL && subscription->group->repeated > 0)
    sim_cover (world, SIM_COVER_REPEATED);
}

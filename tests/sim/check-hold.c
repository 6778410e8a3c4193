/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "peer/bus-state.h"
#include "route/bus-hold.h"
#include "route/bus-routes.h"

/*
 * K08: messages that are held for groups without members. Each has its timer, the sums of the accounts agree with their
 * messages, and none is held while a member could get it, unless a retry is due.
 */

static gboolean
check_hold_could_have (const BusHeld *held, const BusSubscription *member)
{
  g_autofree char *topic = g_strndup ((const char *) held->message->topic.data, held->message->topic.len);
  g_autofree char *pattern = g_strndup ((const char *) member->pattern, member->pattern_bytes);

  return !member->serves && bus_subscription_takes_part (member) && bus_peer_is_ready (member->owner)
         && (held->group.text.len == 0 || bus_group_key_equal (&held->group, &member->group->key))
         && sim_model_matches (pattern, topic)
         && !wire_span_equal (held->message->topic, WIRE_SPAN_LITERAL ("control.agent.policy"));
}

static gboolean
check_hold_has_member (const SimWorld *world, const BusHeld *held)
{
  GHashTableIter iter;
  gpointer value;

  g_hash_table_iter_init (&iter, world->core->routes->groups.table);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    for (const GList *link = ((const BusGroup *) value)->members.head; link != NULL; link = link->next)
      if (check_hold_could_have (held, link->data))
        return TRUE;
  return FALSE;
}

static void
check_hold_account (SimWorld *world, const BusHolds *holds, const BusAccount *account)
{
  guint64 messages = 0, bytes = 0;

  for (const GList *link = holds->messages.head; link != NULL; link = link->next)
    if (((const BusHeld *) link->data)->account == account)
      {
        messages++;
        bytes += ((const BusHeld *) link->data)->cost;
      }
  if (messages != account->held_messages || bytes != account->held_bytes)
    sim_world_fail (world, "K08: an account counts %" G_GUINT64_FORMAT " held messages, and has %" G_GUINT64_FORMAT,
                    account->held_messages, messages);
  if (messages > world->core->limits.held_messages)
    sim_world_fail (world, "K08: an account has more held messages than it may");
}

guint64
sim_check_count_held (const SimWorld *world, const BusAccount *account)
{
  const BusHolds *holds = world->core->routes->holds;
  guint64 bytes = 0;

  for (const GList *link = holds != NULL ? holds->messages.head : NULL; link != NULL; link = link->next)
    if (((const BusHeld *) link->data)->account == account)
      bytes += bus_message_cost (((const BusHeld *) link->data)->message) + sizeof (BusHeld);
  return bytes;
}

guint
sim_check_count_held_routes (const SimWorld *world)
{
  const BusHolds *holds = world->core->routes->holds;
  guint n = 0;

  for (const GList *link = holds != NULL ? holds->messages.head : NULL; link != NULL; link = link->next)
    n += g_hash_table_contains (world->core->routes->confirm_routes,
                                &((const BusHeld *) link->data)->delivery.route_id);
  return n;
}

guint64
sim_check_group_changes (const BusGroup *group)
{
  const BusSubscription *member = group->members.head->data;
  const BusHolds *holds = member->owner->core->routes->holds;

  return group->rerouted + group->repeated + (holds != NULL ? holds->given : 0);
}

void
sim_check_holds (SimWorld *world)
{
  const BusHolds *holds = world->core->routes->holds;
  gboolean tries_again = holds != NULL && bus_deadline_is_armed (&holds->retry.deadline);
  GHashTableIter iter;
  gpointer account;

  if (holds == NULL)
    return;
  for (const GList *link = holds->messages.head; link != NULL; link = link->next)
    {
      const BusHeld *held = link->data;

      sim_cover (world, SIM_COVER_HELD);
      if (!bus_deadline_is_armed (&held->timer.deadline) || held->message->expires_us == 0)
        sim_world_fail (world, "K08: a held message has no timer");
      if (!tries_again && !world->is_tick_due && held->message->expires_us > world->now_us
          && check_hold_has_member (world, held))
        sim_world_fail (world, "K08: a message is held although a member could get it");
    }
  g_hash_table_iter_init (&iter, world->core->accounts);
  while (g_hash_table_iter_next (&iter, NULL, &account))
    check_hold_account (world, holds, account);
  if (holds->expired > 0)
    sim_cover (world, SIM_COVER_HOLD_EXPIRED);
  if (holds->given > 0)
    sim_cover (world, SIM_COVER_HOLD_GIVEN);
}

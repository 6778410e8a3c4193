/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "core-view.h"
#include "peer/bus-state.h"
#include "route/bus-group.h"
#include "route/bus-routes.h"

/*
 * M06, M08: the member of a group that gets a message, and the members that get the waiting messages of one that ends or is
 * demoted. No message is lost while a member has room. A member that is demoted, or has acknowledged nothing for long, gets no
 * message while another member has room.
 */

/* Repeats the number of the core on purpose, like SIM_BLOCK_PATIENCE. */
#define STALLED_US (250 * G_TIME_SPAN_MILLISECOND)

/* TRUE when the message fits even after all subscriptions of the peer accepted it. */
static gboolean
check_groups_has_room (const SimWorld *world, const BusPeer *peer, gsize payload_len)
{
  const BusLimits *limits = &world->core->limits;
  const BusFlow *flow = &peer->flow;
  gsize need = SIM_SUBS * (payload_len + 1000);

  return bus_flow_bytes (flow) + need < limits->queue_soft_bytes
         && flow->waiting_messages + SIM_SUBS < limits->queue_hard_messages
         && sim_control_bytes (flow) + need < limits->control_queue_bytes;
}

static gboolean
check_groups_matches (const BusSubscription *member, const char *topic)
{
  g_autofree char *pattern = g_strndup ((const char *) member->pattern, member->pattern_bytes);

  return sim_model_matches (pattern, topic);
}

/* The member that represents a peer: the first of its matching subscriptions to join. NULL: none matches. */
static const BusSubscription *
check_groups_member_of (const BusPeer *peer, const BusGroup *group, const char *topic)
{
  for (const GList *link = group->members.head; link != NULL; link = link->next)
    {
      const BusSubscription *member = link->data;

      if (member->owner == peer && !member->serves && check_groups_matches (member, topic))
        return bus_subscription_takes_part (member) ? member : NULL;
    }
  return NULL;
}

/* --- a message for a group --- */

static void
check_groups_count_lost (const SimWorld *world, const BusGroup *group, const SimFrame *frame, SimGroup *seen)
{
  for (const GList *link = group->members.head; link != NULL; link = link->next)
    {
      const BusSubscription *member = link->data;

      if (member->bounds.policy == BUS_OVERFLOW_CONFLATE)
        continue; /* it drops the older message even if there is room */
      seen->lost += bus_subscription_losses (member)->missed_by[BUS_LOSS_FULL]
                    + bus_subscription_losses (member)->missed_by[BUS_LOSS_REFUSED];
      /* Another subscription of its peer may use the last room after the member was picked. */
      seen->is_tight = seen->is_tight || !check_groups_has_room (world, member->owner, frame->payload_len);
    }
}

static gint64
check_groups_stalled_us (const SimWorld *world, const BusSubscription *member)
{
  return member->unsettled.since_us != 0 ? world->now_us - member->unsettled.since_us : 0;
}

/* Collects the members that may be picked only if no other one has room. @members: one of each peer */
static void
check_groups_rank (const SimWorld *world, const BusSubscription *const *members, guint n, SimGroup *seen)
{
  gint64 least_us = G_MAXINT64;

  for (guint i = 0; i < n; i++)
    if (!bus_subscription_is_demoted (members[i]))
      least_us = MIN (least_us, check_groups_stalled_us (world, members[i]));
  for (guint i = 0; i < n; i++)
    {
      gboolean is_stalled = check_groups_stalled_us (world, members[i]) > STALLED_US
                            && check_groups_stalled_us (world, members[i]) > 2 * members[i]->unsettled.usual_us
                            && check_groups_stalled_us (world, members[i]) - least_us > STALLED_US;
      gboolean has_room = members[i]->fifo->messages == 0 && members[i]->bounds.policy != BUS_OVERFLOW_CONFLATE;

      if (bus_subscription_is_demoted (members[i]) || is_stalled)
        seen->avoided[seen->n_avoided++] = members[i];
      seen->has_room = seen->has_room || (has_room && !bus_subscription_is_demoted (members[i]));
      seen->has_prompt_room
          = seen->has_prompt_room || (has_room && !bus_subscription_is_demoted (members[i]) && !is_stalled);
    }
}

/* The number of messages that were offered to the avoided members. */
static guint64
check_groups_offered (const SimGroup *seen)
{
  guint64 n = 0;

  for (guint i = 0; i < seen->n_avoided; i++)
    n += seen->avoided[i]->delivered + seen->avoided[i]->extra->missed + seen->avoided[i]->fifo->messages;
  return n;
}

/* The group at that index of SimBefore.groups; NULL: it does not exist now. */
static const BusGroup *
check_groups_find (const SimWorld *world, guint at)
{
  static const struct
  {
    guint32 account;
    const char *pattern;
  } scopes[SIM_SCOPES] = {
    { SIM_AGENT_ACCOUNT, "#" },
    { SIM_COLLECTOR_ACCOUNT, "#" },
    { SIM_COLLECTOR_ACCOUNT + 1, "#" },
    { SIM_AGENT_ACCOUNT, "tasks.procmond" },
  };

  return bus_group_find (&world->core->routes->groups, wire_span_str (sim_groups[at / SIM_SCOPES]),
                         scopes[at % SIM_SCOPES].account, wire_span_str (scopes[at % SIM_SCOPES].pattern));
}

static void
check_groups_observe (const SimWorld *world, const SimFrame *frame, guint at, SimGroup *seen, SimTurn *turn)
{
  const BusGroup *group = check_groups_find (world, at);
  const BusSubscription *members[SIM_CLIENTS];
  guint n = 0;

  *seen = (SimGroup){ .n_avoided = 0 };
  if (turn != NULL)
    turn->n = 0;
  if (group == NULL)
    return;
  check_groups_count_lost (world, group, frame, seen);
  for (const GList *link = world->core->peers.head; link != NULL; link = link->next)
    {
      const BusSubscription *member
          = bus_peer_is_ready (link->data) ? check_groups_member_of (link->data, group, frame->topic) : NULL;

      if (member != NULL)
        members[n++] = member;
    }
  check_groups_rank (world, members, n, seen);
  seen->offered = check_groups_offered (seen);
  if (turn != NULL)
    sim_check_before_strategy (world, group, members, n, turn);
}

static void
check_groups_compare (SimWorld *world, const SimFrame *frame, guint at, const SimGroup *before)
{
  const char *name = sim_groups[at / SIM_SCOPES];
  SimGroup after;

  /* The messages of a peer that is being disconnected may be lost, or be handed on to any member. */
  if (sim_view_is_closing (world) || before->is_tight)
    return;
  check_groups_observe (world, frame, at, &after, NULL);
  if (before->has_room && after.lost > before->lost)
    sim_world_fail (world, "M08: group %s lost a message while a member had room", name);
  if (before->has_prompt_room && check_groups_offered (before) > before->offered)
    sim_world_fail (world, "M06: group %s offered a message to a stalled member, but another one had room", name);
  if (before->has_prompt_room && before->n_avoided > 0)
    sim_cover (world, SIM_COVER_PASSED_OVER);
}

/* TRUE if the message is for one member of each group. The topic that not every member may read is left out. */
static gboolean
check_groups_picks_one (const SimFrame *frame)
{
  return frame->kind == SIM_FRAME_PUBLISH && !frame->broadcast && !frame->at_least_once && !frame->hold
         && !frame->is_confirmed && frame->target[0] == '\0' && !g_str_has_prefix (frame->topic, "control.agent");
}

/* --- the messages of a member that ends, drains or is demoted --- */

/* TRUE if another member must get the message, if one takes it. The topic that not every member may read is left out. */
static gboolean
check_groups_may_hand_on (const SimWorld *world, const BusSlot *slot)
{
  return slot->state != BUS_DELIVERY_LOST && !slot->delivery.to_each
         && (slot->message->expires_us == 0 || slot->message->expires_us > world->now_us)
         && !wire_span_equal (slot->message->topic, WIRE_SPAN_LITERAL ("control.agent.policy"));
}

static gboolean
check_groups_has_other_member (const BusSubscription *leaving, const BusMessage *message)
{
  g_autofree char *topic = g_strndup ((const char *) message->topic.data, message->topic.len);

  for (const GList *link = leaving->group->members.head; link != NULL; link = link->next)
    {
      const BusSubscription *member = link->data;

      if (member != leaving && !member->serves && bus_peer_is_ready (member->owner)
          && bus_subscription_takes_part (member) && check_groups_matches (member, topic))
        return TRUE;
    }
  return FALSE;
}

static void
check_groups_observe_leaving (const SimWorld *world, const BusSubscription *leaving, SimBefore *before)
{
  SimSlots slots;
  const BusSlot *slot;

  if (leaving == NULL || leaving->group == NULL || leaving->serves)
    return;
  slots = sim_slots_of (leaving);
  while ((slot = sim_slots_next (&slots)) != NULL)
    before->transferable
        += check_groups_may_hand_on (world, slot) && check_groups_has_other_member (leaving, slot->message);
  before->receivers = before->transferable > 0 ? leaving->group : NULL;
  before->rerouted = before->transferable > 0 ? leaving->group->rerouted : 0;
}

/* The peer stays connected, so the messages of its subscription must have been handed on. */
static void
check_groups_handed_on (SimWorld *world, const SimClient *client, const SimFrame *frame, const SimBefore *before)
{
  if (before->receivers != NULL && !sim_view_is_closing (world) && client->peer != NULL
      && sim_subscription_of (client, frame->subscription) == NULL
      && before->receivers->rerouted < before->rerouted + before->transferable)
    sim_world_fail (world,
                    "M06: %" G_GUINT64_FORMAT " messages of a member that left could be handed on, %" G_GUINT64_FORMAT
                    " were handed on",
                    before->transferable, before->receivers->rerouted - before->rerouted);
}

static gboolean
check_groups_is_block_over (const SimWorld *world, const BusSubscription *member)
{
  const BusDeadline *deadline = &member->records->block_timer.deadline;

  return member->records->tickets > 0 && deadline->due_us <= world->now_us;
}

/* TRUE if that member has room for all waiting messages of its group, no limit is near, and it is not about to be demoted as
 * well. */
static gboolean
check_groups_takes_all (const SimWorld *world, const BusSubscription *member)
{
  const BusLimits *limits = &world->core->limits;
  guint64 messages = 0, bytes = 0;

  for (const GList *link = member->group->members.head; link != NULL; link = link->next)
    {
      messages += ((const BusSubscription *) link->data)->fifo->messages;
      bytes += ((const BusSubscription *) link->data)->fifo->bytes;
    }
  bytes += 2000 * messages;
  return bus_peer_is_ready (member->owner) && !bus_subscription_is_demoted (member) && !member->serves
         && bus_subscription_takes_part (member) && !check_groups_is_block_over (world, member)
         && messages < member->bounds.messages && bytes < member->bounds.bytes
         && member->bounds.policy != BUS_OVERFLOW_CONFLATE
         && bus_flow_bytes (&member->owner->flow) + bytes < limits->queue_soft_bytes
         && sim_control_bytes (&member->owner->flow) + bytes < limits->control_queue_bytes
         && member->owner->flow.waiting_messages + messages < limits->queue_hard_messages
         && world->core->quota.memory + 4 * bytes < limits->broker_bytes / 2
         && member->owner->account->usage.charged + 4 * bytes < limits->uid_bytes / 2;
}

/* TRUE if a member certainly takes the message. It must be the matching subscription of its peer that joined first. */
static gboolean
check_groups_has_taker (const SimWorld *world, const BusSubscription *demoted, const BusMessage *message)
{
  g_autofree char *topic = g_strndup ((const char *) message->topic.data, message->topic.len);

  for (const GList *link = demoted->group->members.head; link != NULL; link = link->next)
    {
      const BusSubscription *member = link->data;

      if (member->owner != demoted->owner && check_groups_takes_all (world, member)
          && check_groups_member_of (member->owner, demoted->group, topic) == member)
        return TRUE;
    }
  return FALSE;
}

guint64
sim_check_count_transferable (const SimWorld *world, const BusSubscription *member)
{
  SimSlots slots;
  const BusSlot *slot;
  guint64 n = 0;

  /* If the retry timer after a failed allocation is due as well, the messages may be sent before they are handed on. */
  if (member->group == NULL || bus_deadline_is_armed (&member->owner->flow.retry_timer.deadline))
    return 0;
  slots = sim_slots_of (member);
  while ((slot = sim_slots_next (&slots)) != NULL)
    n += check_groups_may_hand_on (world, slot) && check_groups_has_taker (world, member, slot->message);
  return n;
}

/* --- around one frame --- */

void
sim_check_before_groups (const SimWorld *world, const SimClient *client, const SimFrame *frame, SimBefore *before)
{
  if (frame->kind == SIM_FRAME_UNSUBSCRIBE && client->peer != NULL)
    {
      check_groups_observe_leaving (world, sim_subscription_of (client, frame->subscription), before);
      sim_check_before_end (world, client, frame->subscription, &before->ends);
    }
  for (guint i = 0; check_groups_picks_one (frame) && i < SIM_GROUPS * SIM_SCOPES; i++)
    check_groups_observe (world, frame, i, &before->groups[i], &before->turns[i]);
}

void
sim_check_after_groups (SimWorld *world, const SimClient *client, const SimFrame *frame, const SimBefore *before)
{
  check_groups_handed_on (world, client, frame, before);
  if (frame->kind == SIM_FRAME_UNSUBSCRIBE && before->ends.client != NULL)
    sim_check_after_end (world, &before->ends);
  if (frame->kind == SIM_FRAME_PUBLISH && !check_groups_picks_one (frame))
    memset (world->last_turns, 0, sizeof world->last_turns); /* members may have been picked */
  for (guint i = 0; check_groups_picks_one (frame) && i < SIM_GROUPS * SIM_SCOPES; i++)
    {
      check_groups_compare (world, frame, i, &before->groups[i]);
      sim_check_after_strategy (world, &before->turns[i], &world->last_turns[i]);
    }
}

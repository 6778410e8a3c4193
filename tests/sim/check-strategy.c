/* SPDX-License-Identifier: Apache-2.0 */
#include "check-private.h"
#include "peer/bus-state.h"
#include "route/bus-hold.h"
#include "route/bus-routes.h"
#include "core-view.h"
#include "peer/bus-state.h"
#include "route/bus-group.h"
#include "route/bus-routes.h"

/*
 * M07: the strategy of a group chooses among the members that can take a message at once: they have credit, nothing waits for
 * them, and they acknowledged recently enough. Random choices are not compared.
 */

/* Repeats the number of the core on purpose. */
#define STRATEGY_GRACE_US (250 * G_TIME_SPAN_MILLISECOND)

static guint64
strategy_offered (const BusSubscription *member)
{
  return member->delivered + member->extra->missed + member->fifo->messages;
}

static gboolean
strategy_is_free (const SimWorld *world, const BusSubscription *member)
{
  const BusWindow *window = &member->window;
  gint64 since_us = member->unsettled.since_us;

  return !bus_subscription_is_demoted (member) && member->fifo->messages == 0
         && window->granted_messages > window->used_messages && window->granted_bytes > window->used_bytes
         && (since_us == 0 || world->now_us - since_us <= STRATEGY_GRACE_US)
         && bus_flow_bytes (&member->owner->flow) < world->core->limits.queue_soft_bytes / 2
         && sim_control_bytes (&member->owner->flow) < world->core->limits.control_queue_bytes / 2
         && member->owner->flow.waiting_messages + 8 < world->core->limits.queue_hard_messages;
}

void
sim_check_before_strategy (const SimWorld *world,
                           const BusGroup *group,
                           const BusSubscription *const *members,
                           guint n,
                           SimTurn *turn)
{
  *turn = (SimTurn){ .group = group, .number = group->number, .changes = sim_check_group_changes (group) };
  for (const GList *link = group->members.head; link != NULL; link = link->next)
    for (guint i = 0; i < n; i++)
      if (members[i] == link->data)
        turn->members[turn->n++] = (SimCandidate){ .member = members[i],
                                                   .offered = strategy_offered (members[i]),
                                                   .load = members[i]->delivered - members[i]->unsettled.settled
                                                           + members[i]->fifo->messages,
                                                   .weight = members[i]->share->weight,
                                                   .owed = members[i]->share->owed,
                                                   .is_free = strategy_is_free (world, members[i]) };
  turn->all = turn->n == group->members.length;
  for (guint i = 0; i < turn->n; i++)
    turn->members_hash = turn->members_hash * 31 + (gsize) turn->members[i].member;
}

/* The member that got the message. NULL: not known */
static const SimCandidate *
strategy_find_picked (const SimTurn *turn)
{
  const SimCandidate *picked = NULL;

  for (guint i = 0; i < turn->n; i++)
    {
      guint64 more = strategy_offered (turn->members[i].member) - turn->members[i].offered;

      if (more > 1 || (more == 1 && picked != NULL))
        return NULL;
      if (more == 1)
        picked = &turn->members[i];
    }
  return picked;
}

static gboolean
strategy_has_equal_weights (const SimTurn *turn)
{
  for (guint i = 0; i < turn->n; i++)
    if (turn->members[i].weight > 1)
      return FALSE;
  return TRUE;
}

static gboolean
strategy_owes (const SimTurn *turn)
{
  for (guint i = 0; i < turn->n; i++)
    if (turn->members[i].owed > 0)
      return TRUE;
  return FALSE;
}

/* TRUE if the strategy prefers @other. Members are in the order in which they joined. */
static gboolean
strategy_prefers (const SimTurn *turn, const SimCandidate *other, const SimCandidate *picked)
{
  const BusGroup *group = turn->group;

  if (group->balance.strategy == BUS_STRATEGY_ROUND_ROBIN)
    return turn->all && strategy_has_equal_weights (turn) && other->owed > 0 && picked->owed == 0;
  if (group->balance.strategy == BUS_STRATEGY_LEAST_LOADED)
    return (other->load + 1) * picked->weight < (picked->load + 1) * other->weight;
  if (group->balance.strategy == BUS_STRATEGY_FIRST_AVAILABLE)
    return other->weight > picked->weight || (other->weight == picked->weight && other < picked);
  return FALSE;
}

/* With round robin and equal weights no member has two turns in succession, unless a message was handed on in between or a
 * member has missed turns. */
static void
strategy_check_turn (SimWorld *world, const SimTurn *turn, const SimCandidate *picked, guint n_free, SimLastTurn *last)
{
  gboolean is_fair = turn->group->balance.strategy == BUS_STRATEGY_ROUND_ROBIN && turn->all && n_free == turn->n
                     && turn->n > 1 && strategy_has_equal_weights (turn) && !strategy_owes (turn);

  if (is_fair && last->number == turn->number && last->changes == turn->changes
      && last->members_hash == turn->members_hash && last->member == picked->member)
    sim_world_fail (world, "M07: a member had two turns of round robin");
  *last = (SimLastTurn){ .member = is_fair ? picked->member : NULL,
                         .number = turn->number,
                         .changes = turn->changes,
                         .members_hash = turn->members_hash };
}

void
sim_check_after_strategy (SimWorld *world, const SimTurn *turn, SimLastTurn *last)
{
  const SimCandidate *picked = turn->n > 0 && !sim_view_is_closing (world) ? strategy_find_picked (turn) : NULL;
  guint n_free = 0;

  if (picked == NULL || !picked->is_free || turn->changes != sim_check_group_changes (turn->group))
    {
      last->member = NULL;
      return;
    }
  for (guint i = 0; i < turn->n; i++)
    {
      const SimCandidate *other = &turn->members[i];

      n_free += other->is_free ? 1 : 0;
      if (other != picked && other->is_free && strategy_prefers (turn, other, picked))
        sim_world_fail (world,
                        "M07: strategy %u chose a member with load %" G_GUINT64_FORMAT " and weight %u, not "
                        "one with %" G_GUINT64_FORMAT " and %u",
                        turn->group->balance.strategy, picked->load, picked->weight, other->load, other->weight);
    }
  if (n_free > 1)
    sim_cover (world, SIM_COVER_BALANCED_ROUND_ROBIN + turn->group->balance.strategy - BUS_STRATEGY_ROUND_ROBIN);
  strategy_check_turn (world, turn, picked, n_free, last);
}

/* After every step: the number of unsettled messages of a member does not exceed its bound. */
void
sim_check_in_flight (SimWorld *world, const BusSubscription *subscription)
{
  guint64 held = subscription->delivered - subscription->unsettled.settled;

  if (subscription->share->in_flight != 0 && held > subscription->share->in_flight)
    sim_world_fail (world, "M07: %s holds %" G_GUINT64_FORMAT " messages, and at most %u may be in flight",
                    subscription->owner->id, held, subscription->share->in_flight);
  if (subscription->share->in_flight != 0 && held == subscription->share->in_flight)
    sim_cover (world, SIM_COVER_IN_FLIGHT);
}

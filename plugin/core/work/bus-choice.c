/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-choice.h"

#include "base/bus-hash.h"
#include "work/bus-isolation.h"

void
bus_choice_init (BusChoice *choice, BusStrategy strategy, guint64 seed)
{
  *choice = (BusChoice){ .strategy = strategy, .chance = seed };
}

/* --- capable --- */

static gboolean
choice_is_named (const BusMember *member, const BusTask *task)
{
  return (task->target.len == 0 || wire_span_equal (task->target, member->key.text))
         && (task->type.len == 0 || wire_span_equal (task->type, wire_span_str (member->type)));
}

static gboolean
choice_suits_by (const BusMember *member, const BusAbility *ability, const BusTask *task)
{
  return bus_ability_takes (ability, task->payload_type) && bus_member_takes_priority (member, task->priority)
         && bus_member_has_tags (member, task->tags);
}

gboolean
bus_choice_suits (const BusMember *member, const BusTask *task)
{
  const BusAbility *ability;

  if (!choice_is_named (member, task))
    return FALSE;
  ability = bus_member_ability (member, task->operation.text);
  return ability != NULL && choice_suits_by (member, ability, task);
}

static gboolean
choice_is_avoided (const BusMember *member, const BusTask *task)
{
  return task->avoids != NULL && g_ptr_array_find (task->avoids, member, NULL);
}

gboolean
bus_choice_is_capable (const BusMember *member, const BusTask *task)
{
  return bus_choice_suits (member, task) && !choice_is_avoided (member, task);
}

gboolean
bus_choice_is_capable_by (const BusMember *member, const BusAbility *ability, const BusTask *task)
{
  return choice_is_named (member, task) && choice_suits_by (member, ability, task) && !choice_is_avoided (member, task);
}

/* --- free --- */

gboolean
bus_choice_is_free (const BusMember *member, const BusTask *task)
{
  if (bus_member_offer_room (member) == 0 || (member->reserved_for != NULL && member->reserved_for != task))
    return FALSE;
  return !bus_isolation_is_alone (task) || bus_member_free_slots (member) == member->max_concurrent;
}

/* --- strategies --- */

/* The comparison of the free members for one task. */
typedef struct
{
  BusChoice *choice;
  const BusTask *task;
  BusMember *best;
  guint n_seen; /* members as good as the best one, including it */
} ChoiceRound;

/* TRUE if @member is preferred to the best member so far. */
typedef gboolean (*ChoicePrefers) (ChoiceRound *round, const BusMember *member);

static gboolean
choice_prefers_first (ChoiceRound *round, const BusMember *member)
{
  return FALSE;
}

static gboolean
choice_prefers_less_load (ChoiceRound *round, const BusMember *member)
{
  return bus_member_load_permille (member) < bus_member_load_permille (round->best);
}

/* Each of n members is selected with the same probability: the n-th one replaces the best one in one of n cases. */
static gboolean
choice_prefers_chance (ChoiceRound *round, const BusMember *member)
{
  round->choice->chance += G_GUINT64_CONSTANT (0x9e3779b97f4a7c15);
  return bus_hash_mix (round->choice->chance) % round->n_seen == 0;
}

typedef struct
{
  ChoicePrefers prefers;
  gboolean rotates; /* begins after the member that was picked last */
} ChoiceMethod;

static const ChoiceMethod choice_methods[BUS_STRATEGY_LAST + 1] = {
  [BUS_STRATEGY_DEFAULT] = { choice_prefers_less_load, TRUE },
  [BUS_STRATEGY_ROUND_ROBIN] = { choice_prefers_first, TRUE },
  [BUS_STRATEGY_LEAST_LOADED] = { choice_prefers_less_load, TRUE },
  [BUS_STRATEGY_RANDOM] = { choice_prefers_chance, FALSE },
  [BUS_STRATEGY_FIRST_AVAILABLE] = { choice_prefers_first, FALSE },
};

static gboolean
choice_had_it (const BusMember *member, const BusTask *task)
{
  return task->holder != NULL && g_str_equal (task->holder, member->id);
}

static void
choice_compare (ChoiceRound *round, ChoicePrefers prefers, BusMember *member)
{
  const gboolean had_it = choice_had_it (member, round->task);

  if (round->best != NULL && choice_had_it (round->best, round->task) == had_it)
    {
      round->n_seen++;
      if (prefers (round, member))
        round->best = member;
    }
  else if (round->best == NULL || !had_it)
    {
      round->best = member;
      round->n_seen = 1;
    }
}

/* Returns the index of the first member after the one that was picked last. */
static guint
choice_start (const BusChoice *choice, const GPtrArray *members)
{
  for (guint i = 0; i < members->len; i++)
    if (((const BusMember *) g_ptr_array_index (members, i))->order > choice->last)
      return i;
  return 0;
}

BusMember *
bus_choice_pick (BusChoice *choice, const GPtrArray *members, const BusTask *task)
{
  const ChoiceMethod *method = &choice_methods[choice->strategy];
  const guint start = method->rotates ? choice_start (choice, members) : 0;
  ChoiceRound round = { choice, task, NULL, 0 };

  for (guint i = 0; i < members->len; i++)
    {
      BusMember *member = g_ptr_array_index (members, (start + i) % members->len);

      if (bus_choice_is_free (member, task))
        choice_compare (&round, method->prefers, member);
    }
  if (round.best != NULL)
    choice->last = round.best->order;
  return round.best;
}

/* --- reasons --- */

/* The reason for which a task waits for a capable member, by the state of the member, and how close this member is to taking
 * the task. Of all capable members the closest one gives the reason. */
typedef struct
{
  guint rank;
  BusWaitReason reason;
} ChoiceReason;

static const ChoiceReason choice_reasons[BUS_MEMBER_N_STATES] = {
  [BUS_MEMBER_GONE] = { 0, BUS_WAIT_NO_CAPABILITY },       [BUS_MEMBER_DRAINING] = { 1, BUS_WAIT_ALL_DRAINING },
  [BUS_MEMBER_REGISTERED] = { 2, BUS_WAIT_NO_CAPABILITY }, [BUS_MEMBER_SUSPECT] = { 3, BUS_WAIT_SET_ASIDE },
  [BUS_MEMBER_SET_ASIDE] = { 3, BUS_WAIT_SET_ASIDE },      [BUS_MEMBER_READY] = { 5, BUS_WAIT_ALL_BUSY },
};
static const ChoiceReason choice_is_reserved = { 4, BUS_WAIT_ISOLATION };
static const ChoiceReason choice_is_isolated = { 5, BUS_WAIT_ISOLATION };

static const ChoiceReason *
choice_reason_of (const BusMember *member, const BusTask *task)
{
  if (member->state != BUS_MEMBER_READY)
    return &choice_reasons[member->state];
  if (bus_isolation_is_alone (task))
    return &choice_is_isolated;
  return member->reserved_for != NULL ? &choice_is_reserved : &choice_reasons[BUS_MEMBER_READY];
}

BusWaitReason
bus_choice_reason (const GPtrArray *members, const BusTask *task)
{
  gboolean is_absent = task->target.len > 0;
  ChoiceReason best = { 0, BUS_WAIT_NO_CAPABILITY };

  for (guint i = 0; i < members->len; i++)
    {
      const BusMember *member = g_ptr_array_index (members, i);

      if (wire_span_equal (task->target, member->key.text))
        is_absent = FALSE;
      if (bus_choice_suits (member, task) && choice_reason_of (member, task)->rank > best.rank)
        best = *choice_reason_of (member, task);
    }
  return is_absent ? BUS_WAIT_TARGET_ABSENT : best.reason;
}

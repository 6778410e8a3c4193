/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-member.h"

gboolean
bus_member_on (BusMember *member, BusMemberEvent event)
{
  const BusMemberStep *step = bus_member_step (member->state, event);

  g_assert (step->kind == BUS_MEMBER_STEP_NEXT || step->kind == BUS_MEMBER_STEP_IGNORED);
  if (step->kind == BUS_MEMBER_STEP_IGNORED)
    return FALSE;
  member->state = step->next;
  return TRUE;
}

const BusAbility *
bus_member_ability (const BusMember *member, WireSpan operation)
{
  for (guint i = 0; i < member->abilities->len; i++)
    {
      const BusAbility *ability = g_ptr_array_index (member->abilities, i);

      if (wire_span_equal (ability->name.text, operation))
        return ability;
    }
  return NULL;
}

gboolean
bus_ability_takes (const BusAbility *ability, WireSpan payload_type)
{
  const WireSpan type = wire_span_str (ability->payload_type);

  return type.len == 0 || payload_type.len == 0 || wire_span_equal (type, payload_type);
}

gboolean
bus_member_takes_priority (const BusMember *member, guint priority)
{
  return priority >= member->lowest && priority <= member->highest;
}

gboolean
bus_member_has_tags (const BusMember *member, const GPtrArray *tags)
{
  for (guint i = 0; tags != NULL && i < tags->len; i++)
    if (!g_ptr_array_find_with_equal_func (member->tags, g_ptr_array_index (tags, i), g_str_equal, NULL))
      return FALSE;
  return TRUE;
}

static guint
member_used_slots (const BusMember *member)
{
  return member->n_running + member->n_offered + member->n_zombie;
}

guint
bus_member_load_permille (const BusMember *member)
{
  return member_used_slots (member) * 1000 / member->max_concurrent;
}

/* 0 also if an update has reduced the slots below the number in use. */
guint
bus_member_free_slots (const BusMember *member)
{
  return member->max_concurrent - MIN (member_used_slots (member), member->max_concurrent);
}

guint
bus_member_offer_room (const BusMember *member)
{
  const guint free = bus_member_free_slots (member);
  guint most;

  if (member->state != BUS_MEMBER_READY || member->is_exclusive || member->is_busy || free == 0)
    return 0;
  if (member->is_probed)
    return member->n_running + member->n_offered == 0 ? 1 : 0;
  most = member->has_started ? MAX (1, (free + member->n_offered) / 2) : 1;
  return most - MIN (most, member->n_offered);
}

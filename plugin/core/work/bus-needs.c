/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-needs.h"

#include "base/bus-hash.h"

static guint
needs_list (const BusNeeds *needs, WireSpan text)
{
  return text.len > 0 ? (guint) (bus_hash (needs->seed, text) % BUS_NEED_LISTS) : 0;
}

/* --- demands --- */

static GList **
needs_list_of (BusNeeds *needs, const BusTask *task)
{
  if (task->target.len > 0)
    return &needs->lists[BUS_NEED_TARGET][needs_list (needs, task->target)];
  if (task->tags != NULL && task->tags->len > 0)
    return &needs->lists[BUS_NEED_TAG][needs_list (needs, wire_span_str (g_ptr_array_index (task->tags, 0)))];
  if (task->payload_type.len > 0)
    return &needs->lists[BUS_NEED_PAYLOAD][needs_list (needs, task->payload_type)];
  return &needs->lists[BUS_NEED_TYPE][needs_list (needs, task->type)];
}

void
bus_needs_add (BusNeeds *needs, BusDemand *demand)
{
  GList **list = needs_list_of (needs, demand->sample);

  demand->need_link = (GList){ .data = demand, .next = *list };
  if (*list != NULL)
    (*list)->prev = &demand->need_link;
  *list = &demand->need_link;
  demand->need = list;
}

void
bus_needs_remove (BusNeeds *needs, BusDemand *demand)
{
  const GList *link = &demand->need_link;

  if (link->prev != NULL)
    link->prev->next = link->next;
  else
    *demand->need = link->next;
  if (link->next != NULL)
    link->next->prev = link->prev;
  demand->need = NULL;
}

/* --- members --- */

static guint32
needs_bit (const BusNeeds *needs, WireSpan text)
{
  return (guint32) 1 << needs_list (needs, text);
}

/* Returns the lists that the member visits, as bits. */
static guint32
needs_lists_for (const BusNeeds *needs, BusNeedsKind kind, const BusMember *member, const BusAbility *ability)
{
  const WireSpan payload_type = wire_span_str (ability->payload_type);
  guint32 lists = 0;

  switch (kind)
    {
    case BUS_NEED_TARGET:
      return needs_bit (needs, member->key.text);
    case BUS_NEED_TAG:
      for (guint i = 0; i < member->tags->len; i++)
        lists |= needs_bit (needs, wire_span_str (g_ptr_array_index (member->tags, i)));
      return lists;
    case BUS_NEED_PAYLOAD:
      return payload_type.len > 0 ? needs_bit (needs, payload_type) : G_MAXUINT32;
    case BUS_NEED_TYPE:
      return needs_bit (needs, wire_span_str (member->type)) | needs_bit (needs, wire_span (NULL, 0));
    }
  g_assert_not_reached ();
}

static void
needs_visit_list (GList *list, BusNeedsVisit visit, gpointer data)
{
  for (GList *link = list; link != NULL; link = link->next)
    visit (link->data, data);
}

void
bus_needs_visit (const BusNeeds *needs,
                 const BusMember *member,
                 const BusAbility *ability,
                 BusNeedsVisit visit,
                 gpointer data)
{
  for (guint kind = 0; kind < BUS_N_NEEDS; kind++)
    {
      const guint32 lists = needs_lists_for (needs, kind, member, ability);

      for (gint i = g_bit_nth_lsf (lists, -1); i >= 0; i = g_bit_nth_lsf (lists, i))
        needs_visit_list (needs->lists[kind][i], visit, data);
    }
}

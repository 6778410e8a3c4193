/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-group.h"

#include "peer/bus-peer.h"

GHashTable *
bus_group_table_new (void)
{
  return g_hash_table_new (bus_key_hash, bus_key_equal);
}

BusGroup *
bus_group_find (GHashTable *groups, guint64 seed, WireSpan name)
{
  BusKey key = bus_key (seed, name);

  return g_hash_table_lookup (groups, &key);
}

void
bus_group_join (GHashTable *groups, guint64 seed, WireSpan name, BusSubscription *subscription)
{
  BusKey key = bus_key (seed, name);
  BusGroup *group = g_hash_table_lookup (groups, &key);

  if (group == NULL)
    {
      guint8 *copy;

      group = g_malloc0 (sizeof (BusGroup) + name.len); /* a name is one segment: at most 64 bytes */
      copy = (guint8 *) (group + 1);
      memcpy (copy, name.data, name.len);
      group->key = (BusKey){ key.hash, wire_span (copy, name.len) };
      g_hash_table_insert (groups, &group->key, group);
    }
  subscription->group = group;
  subscription->group_link.data = subscription;
  g_queue_push_tail_link (&group->members, &subscription->group_link);
}

void
bus_group_leave (GHashTable *groups, BusSubscription *subscription)
{
  BusGroup *group = g_steal_pointer (&subscription->group);

  g_queue_unlink (&group->members, &subscription->group_link);
  if (group->members.length > 0)
    return;
  g_hash_table_remove (groups, &group->key);
  g_free (group);
}

typedef gboolean (*GroupTaker) (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need);

static gboolean
group_takes_any (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need)
{
  return TRUE;
}

/* The first candidate from @start on that would accept the message; @n: none. */
static guint
group_find_taker (BusSubscription *const *candidates, guint n, guint start, GroupTaker takes, const BusNeed *need)
{
  for (guint i = 0; i < n; i++)
    {
      guint at = (start + i) % n;

      if (bus_peer_is_ready (candidates[at]->owner) && takes (&candidates[at]->owner->flow, candidates[at], need))
        return at;
    }
  return n;
}

guint
bus_group_pick (guint64 *cursor, BusSubscription *const *candidates, guint n, const BusNeed *need)
{
  guint start = (guint) (*cursor % n);
  guint picked = group_find_taker (candidates, n, start, bus_admit_has_room, need);

  if (picked == n)
    picked = group_find_taker (candidates, n, start, bus_admit_may_wait, need);
  /* The policy is applied at a ready peer: a closing one gets no gap any more. */
  if (picked == n)
    picked = group_find_taker (candidates, n, start, group_takes_any, need);
  if (picked == n)
    picked = start;
  /* Continue after the picked one, so that a full member does not double the share of its neighbour. */
  *cursor = picked + 1;
  return picked;
}

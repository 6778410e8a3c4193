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

/* --- picking --- */

/* Differences below this say nothing about a member: the credit of a message returns after its callback. */
#define GROUP_GRACE_US (250 * G_TIME_SPAN_MILLISECOND)

typedef gboolean (*GroupTaker) (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need);

static gboolean
group_takes_any (const BusFlow *flow, const BusSubscription *subscription, const BusNeed *need)
{
  return TRUE;
}

/* The members to pick from. */
typedef struct
{
  BusSubscription *const *candidates;
  guint n;
  guint start;
  const BusPeer *except; /* nullable */
  const BusNeed *need;
  gint64 least_us; /* the shortest time for which one of them has been stalled; -1: not known yet */
} GroupChoice;

static gboolean
group_is_present (const GroupChoice *choice, const BusSubscription *member)
{
  return bus_peer_is_ready (member->owner) && member->owner != choice->except;
}

static gint64
group_least_stalled_us (GroupChoice *choice)
{
  if (choice->least_us < 0)
    {
      choice->least_us = G_MAXINT64;
      for (guint i = 0; i < choice->n; i++)
        if (group_is_present (choice, choice->candidates[i]) && !choice->candidates[i]->demoted)
          choice->least_us
              = MIN (choice->least_us, bus_subscription_stalled_us (choice->candidates[i], choice->need->now_us));
    }
  return choice->least_us;
}

/* Not demoted, and holds unacknowledged messages for about as long as the others do, or as it usually does itself: a member
 * whose jobs take a second does not stand still. */
static gboolean
group_is_prompt (GroupChoice *choice, const BusSubscription *member)
{
  gint64 stalled_us = bus_subscription_stalled_us (member, choice->need->now_us);

  return !member->demoted
         && (stalled_us <= MAX (GROUP_GRACE_US, 2 * member->unsettled.usual_us)
             || stalled_us - group_least_stalled_us (choice) <= GROUP_GRACE_US);
}

typedef enum
{
  GROUP_PROMPT,
  GROUP_NOT_DEMOTED,
  GROUP_ALL,
} GroupWhich;

static gboolean
group_includes (GroupChoice *choice, GroupWhich which, const BusSubscription *member)
{
  return which == GROUP_ALL || (which == GROUP_NOT_DEMOTED && !member->demoted)
         || (which == GROUP_PROMPT && group_is_prompt (choice, member));
}

/* The first of these candidates from the start on that would accept the message; n: none. */
static guint
group_find_taker (GroupChoice *choice, GroupWhich which, GroupTaker takes)
{
  for (guint i = 0; i < choice->n; i++)
    {
      guint at = (choice->start + i) % choice->n;
      const BusSubscription *member = choice->candidates[at];

      if (group_is_present (choice, member) && group_includes (choice, which, member)
          && takes (&member->owner->flow, member, choice->need))
        return at;
    }
  return choice->n;
}

/* A member that has not acknowledged anything for long is picked when no other one has room, one that is demoted only when
 * none at all has. */
static guint
group_find_room (GroupChoice *choice)
{
  guint picked = group_find_taker (choice, GROUP_PROMPT, bus_admit_has_room);

  if (picked == choice->n)
    picked = group_find_taker (choice, GROUP_PROMPT, bus_admit_may_wait);
  if (picked == choice->n)
    picked = group_find_taker (choice, GROUP_NOT_DEMOTED, bus_admit_has_room);
  if (picked == choice->n)
    picked = group_find_taker (choice, GROUP_NOT_DEMOTED, bus_admit_may_wait);
  return picked;
}

guint
bus_group_pick_taker (guint64 *cursor,
                      BusSubscription *const *candidates,
                      guint n,
                      const BusNeed *need,
                      const BusPeer *except)
{
  GroupChoice choice = { candidates, n, (guint) (*cursor % n), except, need, -1 };
  guint picked = group_find_room (&choice);

  /* Continue after the picked one, so that a full member does not double the share of its neighbour. */
  if (picked < n)
    *cursor = picked + 1;
  return picked;
}

guint
bus_group_pick (guint64 *cursor, BusSubscription *const *candidates, guint n, const BusNeed *need)
{
  GroupChoice choice = { candidates, n, (guint) (*cursor % n), NULL, need, -1 };
  guint picked = group_find_room (&choice);

  if (picked == n)
    picked = group_find_taker (&choice, GROUP_ALL, bus_admit_has_room);
  /* The policy is applied at a ready peer: a closing one gets no gap any more. */
  if (picked == n)
    picked = group_find_taker (&choice, GROUP_NOT_DEMOTED, group_takes_any);
  if (picked == n)
    picked = group_find_taker (&choice, GROUP_ALL, group_takes_any);
  if (picked == n)
    picked = choice.start;
  *cursor = picked + 1;
  return picked;
}

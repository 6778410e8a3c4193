/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"
#include "base/bus-overflow.h"
#include "queue/bus-admit.h"
#include "queue/bus-subscription.h"

/*
 * Queue groups: a name, and the subscriptions that joined it, whatever their patterns.
 *
 * A message that matches members of a group is given to one of them: round robin over the matching members; a member
 * that has room is preferred, then one that can let it wait. A member that is demoted, or that has held unacknowledged
 * messages for longer than the others and than it usually does, has its turn when no other one has room. Only when none
 * has, the policy is applied at the member whose turn it is. Policy and bounds belong to the group, as its first member
 * requested them. The subscriptions that serve one topic are balanced in the same way.
 *
 * Invariant: a group exists while it has a member.
 */

struct BusGroup
{
  BusKey key;     /* of name; the bytes are behind the struct */
  GQueue members; /* BusSubscription, by their group_link, in the order in which they joined */
  guint64 cursor;
  BusBounds bounds; /* of each member */
  guint64 rerouted; /* unsent messages handed on from members that ended or stand still */
  guint64 repeated; /* messages that a member did not settle, and another one got */
};

/* Joins the group of that name, which is made when there is none. */
void bus_group_join (GHashTable *groups, guint64 seed, WireSpan name, BusSubscription *subscription);
/* NULL: there is none. */
BusGroup *bus_group_find (GHashTable *groups, guint64 seed, WireSpan name);
/* Leaves its group; the last member frees the group. */
void bus_group_leave (GHashTable *groups, BusSubscription *subscription);
GHashTable *bus_group_table_new (void);

/* Picks one of @n candidates (n > 0) and moves the cursor. */
guint bus_group_pick (guint64 *cursor, BusSubscription *const *candidates, guint n, const BusNeed *need);

/* The same, but only a member that has room and is not demoted, and none of the peer @except. n: there is none. */
guint bus_group_pick_taker (guint64 *cursor,
                            BusSubscription *const *candidates,
                            guint n,
                            const BusNeed *need,
                            const BusPeer *except);

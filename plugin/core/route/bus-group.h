/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"
#include "base/bus-overflow.h"
#include "queue/bus-admit.h"
#include "queue/bus-subscription.h"

/*
 * Queue groups: a name, and the subscriptions that joined it, whatever their patterns.
 *
 * A message that matches members of a group goes to one of them: round robin over the members that match, one that has
 * room first, then one that can let it wait; only when none can does the policy speak, at the one whose turn it is. Policy and
 * bounds are the group's, as its first member asked for them. Servers of one topic are an implicit
 * group of the same kind.
 *
 * Invariant: a group exists as long as it has a member.
 */

struct BusGroup
{
  BusKey key;     /* of name; the bytes are behind the struct */
  GQueue members; /* BusSubscription, by their group_link, in the order in which they joined */
  guint64 cursor;
  BusBounds bounds; /* of each member */
  guint64 rerouted; /* messages handed on from members that went */
};

/* The subscription joins the group of that name, made when there is none. */
void bus_group_join (GHashTable *groups, guint64 seed, WireSpan name, BusSubscription *subscription);
/* NULL: there is none. */
BusGroup *bus_group_find (GHashTable *groups, guint64 seed, WireSpan name);
/* It leaves its group; the last one frees that. */
void bus_group_leave (GHashTable *groups, BusSubscription *subscription);
GHashTable *bus_group_table_new (void);

/* Picks one of @n candidates (n > 0), which it moves the cursor for. */
guint bus_group_pick (guint64 *cursor, BusSubscription *const *candidates, guint n, const BusNeed *need);

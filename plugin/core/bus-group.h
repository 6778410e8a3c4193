/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-key.h"
#include "bus-subscription.h"

/*
 * Queue groups: a name, and the subscriptions that joined it, whatever their patterns.
 *
 * A message that matches members of a group goes to one of them: round robin over the members that match, one that has
 * room first; only when none has room does the policy of the chosen one speak. Servers of one topic are an implicit
 * group of the same kind.
 *
 * Invariant: a group exists as long as it has a member.
 */

struct BusGroup
{
  BusKey key;    /* of name; the bytes are behind the struct */
  guint members; /* subscriptions */
  guint64 cursor;
};

/* The group of that name, made when there is none; one member more. */
BusGroup *bus_group_join (GHashTable *groups, guint64 seed, WireSpan name);
/* One member less; the last one frees it. */
void bus_group_leave (GHashTable *groups, BusGroup *group);
GHashTable *bus_group_table_new (void);

/* Picks one of @n candidates (n > 0), which it moves the cursor for. */
guint bus_group_pick (guint64 *cursor, BusSubscription *const *candidates, guint n);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"
#include "base/bus-match-note.h"
#include "base/bus-overflow.h"
#include "peer/bus-account.h"
#include "queue/bus-subscription.h"
#include "route/bus-pick.h"

/*
 * Queue groups: subscriptions that share the work of their topics. A message that matches members of a group is given to one
 * of them (bus-pick).
 *
 * A group is a name within a scope. The scope is the account of its members, so that no other account can join it. On tasks.{type}
 * the scope is that type instead, because only collectors of the type, the agent and tools join there. Only agent and tools are
 * members of a group whose pattern matches the tasks of several types. A subscription joins a group only if its pattern overlaps
 * that of the group's first member: otherwise the same name is probably used for two purposes by mistake. A subscription that
 * serves is only listed with the group, because the servers of a topic are balanced separately (bus-servers).
 *
 * Policy, bounds and strategy belong to the group; its first member sets them. Weight and in-flight bound belong to the member. A
 * rule of the configuration for the name of the group overrides strategy, weight and in-flight bound.
 *
 * Invariant: a group exists while it has a member.
 */

typedef struct
{
  guint64 hash;    /* of name and scope */
  WireSpan text;   /* the name */
  guint32 account; /* the scope; BUS_ALL_ACCOUNTS: it is the type */
  WireSpan type;
} BusGroupKey;

struct BusGroup
{
  BusGroupKey key;  /* its bytes are behind the struct */
  guint32 number;   /* differs from that of every group before it; pages list groups of one name by it */
  WireSpan pattern; /* of the first member that does not serve; empty: none has joined yet */
  GQueue members;   /* BusSubscription, by their group_link, in the order in which they joined */
  BusBalance balance;
  BusBounds bounds;         /* of each member */
  const BusGroupRule *rule; /* of the configuration; NULL: none */
  guint64 rerouted;         /* unsent messages handed on from members that ended, are stalled or drain */
  guint64 repeated;         /* messages that one member did not settle, and another member got */
  BusMatchNote match_note;
};

typedef struct
{
  GHashTable *table; /* BusGroupKey -> BusGroup */
  GArray *rules;     /* of BusGroupRule */
  guint64 seed;
  guint32 last_number;
} BusGroups;

void bus_groups_init (BusGroups *groups, guint64 seed);
void bus_groups_clear (BusGroups *groups);
/* Of two BusGroupKey. */
gboolean bus_group_key_equal (gconstpointer a, gconstpointer b);
/* A set of groups, by their key. */
GHashTable *bus_group_table_new (void);

/* The group of that name in the scope of @pattern (empty for a subscription that serves). NULL: there is none. */
BusGroup *bus_group_find (const BusGroups *groups, WireSpan name, guint32 account, WireSpan pattern);

/* Joins the group of that name; makes it if there is none. @strategy: of a new group, unless the configuration sets one */
void bus_group_join (BusGroups *groups, WireSpan name, guint32 account, BusStrategy strategy, BusSubscription *member);
/* Leaves its group. The group is freed with its last member. */
void bus_group_leave (BusGroups *groups, BusSubscription *member);

/* The collector type in a pattern tasks.{type}; empty: another pattern. */
WireSpan bus_group_type_of (WireSpan pattern);
/* TRUE if there is a topic that both patterns match. */
gboolean bus_group_overlaps (WireSpan one, WireSpan other);
/* TRUE if the pattern matches a topic tasks.{type} of another type than @type. */
gboolean bus_group_matches_other_type (WireSpan pattern, WireSpan type);

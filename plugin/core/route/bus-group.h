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
 * A group is a name within a scope. The scope is the account of its members, so that no other account can join it. On
 * tasks.{type} the scope is that type instead, because only collectors of the type, the agent and tools join there. Only
 * agent and tools are members of a group whose pattern matches the tasks of several types. A subscription joins a group if its pattern overlaps that of the group's first member, so that a name that is used twice by
 * mistake is noticed. A subscription that serves is only listed with the group: the servers of a topic are balanced by
 * themselves (bus-servers).
 *
 * Policy, bounds and strategy belong to the group, as its first member requested them. Weight and in-flight bound belong to
 * the member. The values of the configuration for the name win over both.
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
  guint64 rerouted;         /* unsent messages handed on from members that ended, stand still or drain */
  guint64 repeated;         /* messages that a member did not settle, and another one got */
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

/* The group of that name in which @pattern belongs, empty for one that serves. NULL: there is none. */
BusGroup *bus_group_find (const BusGroups *groups, WireSpan name, guint32 account, WireSpan pattern);

/* Joins the group of that name, which is made when there is none. @strategy: of a new group that the configuration does not
 * set one for */
void bus_group_join (BusGroups *groups, WireSpan name, guint32 account, BusStrategy strategy, BusSubscription *member);
/* Leaves its group; the last member frees the group. */
void bus_group_leave (BusGroups *groups, BusSubscription *member);

/* The collector type in a pattern that belongs to one type of tasks: tasks.{type}; empty: another pattern. */
WireSpan bus_group_type_of (WireSpan pattern);
/* TRUE if there is a topic that both patterns match. */
gboolean bus_group_overlaps (WireSpan one, WireSpan other);
/* TRUE if the pattern matches a topic tasks.{type} of another type than @type. */
gboolean bus_group_matches_other_type (WireSpan pattern, WireSpan type);

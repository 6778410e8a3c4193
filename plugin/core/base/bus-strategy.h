/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * Strategies: the ways in which a group chooses the member that gets a message, and the settings of a group in the configuration.
 *
 * This module has only definitions and a list of settings. bus-pick applies a strategy; bus-group stores the strategy of a group.
 * The values are those of the wire (SubscribeRequest.strategy).
 */

typedef enum
{
  BUS_STRATEGY_DEFAULT = 0,         /* only in a request: the strategy of the group; for a new group, round robin */
  BUS_STRATEGY_ROUND_ROBIN = 1,     /* in turn; with weights, smooth weighted round robin */
  BUS_STRATEGY_LEAST_LOADED = 2,    /* the fewest unsettled and waiting messages for its weight, then queued bytes */
  BUS_STRATEGY_RANDOM = 3,          /* at random, in proportion to the weights */
  BUS_STRATEGY_FIRST_AVAILABLE = 4, /* the largest weight, then the member that joined first */
} BusStrategy;
#define BUS_STRATEGY_LAST 4u

#define BUS_WEIGHT_MAX 1000u

/* "round-robin", ...; static. */
const char *bus_strategy_name (BusStrategy strategy);
/* FALSE: there is no strategy of that name. */
gboolean bus_strategy_parse (const char *name, BusStrategy *strategy);

/* The weight of one member, by the id of its peer. */
typedef struct
{
  char *peer;
  guint32 weight;
} BusGroupWeight;

/* A section [group NAME] of the configuration. Its values override those that members request. */
typedef struct
{
  char *name;
  BusStrategy strategy;    /* DEFAULT: not set */
  guint32 in_flight;       /* of each member; 0: not set */
  BusGroupWeight *weights; /* a member that is not listed has the weight that it requested */
  guint n_weights;
} BusGroupRule;

void bus_group_rule_clear (BusGroupRule *rule);
/* Transfer full: an array of BusGroupRule. */
GArray *bus_group_rules_copy (const BusGroupRule *rules, guint n);
/* NULL: the configuration has no section for that group. */
const BusGroupRule *bus_group_rules_find (const GArray *rules, WireSpan name);
/* The weight of the member with this id. 0: not set. */
guint32 bus_group_rule_weight (const BusGroupRule *rule, const char *peer);

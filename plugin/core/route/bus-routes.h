/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "index/bus-index.h"
#include "index/bus-topics.h"
#include "route/bus-match.h"

/*
 * The state of the route layer: which subscriptions exist, which topics were seen, and which requests wait for an
 * answer.
 */

typedef struct BusRoutes
{
  BusIndex *index;     /* subscriptions that do not serve */
  GHashTable *servers; /* topic -> BusServers */
  GHashTable *groups;  /* name -> BusGroup */
  BusMatchCache matches;
  guint n_subscriptions;
  guint64 accept_seq; /* of the message accepted last */

  BusTopics topics; /* seen */

  GHashTable *requests; /* bus-request: route id -> BusRequest */
  guint64 next_route;
} BusRoutes;

BusRoutes *bus_routes_new (const BusLimits *limits, guint64 seed);

/* Every subscription and request must be gone. */
void bus_routes_free (BusRoutes *routes);

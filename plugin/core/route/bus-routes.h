/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "index/bus-index.h"
#include "index/bus-topics.h"
#include "queue/bus-run.h"
#include "route/bus-group.h"
#include "route/bus-match.h"
#include "route/bus-request-state.h"
#include "route/bus-retain-store.h"
#include "route/bus-timeline.h"

/*
 * The state of the route layer in one struct: subscriptions, topics that were seen, the timeline, pending requests, confirmations,
 * held messages, resend windows and retained messages. This module only makes and frees them; the other modules of
 * the folder use them.
 *
 * Invariant: when the struct is freed, all subscriptions, requests and messages are gone.
 */

typedef struct BusRoutes
{
  BusIndex *index; /* subscriptions that do not serve */
  BusGroups groups;
  GQueue drains;       /* bus-drain: calls that wait until members have drained */
  gboolean drains_due; /* these calls have to be checked: the state of a member has changed, or a call began */
  guint n_drained;     /* subscriptions that drain or have drained */
  GHashTable *servers; /* topic -> BusServers */
  BusMatchCache matches;
  BusRun *run; /* bus-dispatch-run: of the input that is being handled */
  guint n_subscriptions;
  guint64 n_freed;    /* subscriptions that were freed; while it does not change, their addresses stay valid */
  guint64 accept_seq; /* of the message that was accepted last */

  BusTopics topics; /* that were seen */
  BusTimeline timeline;

  GHashTable *requests; /* bus-request: route id -> BusRequest */
  guint64 next_route;
  GQueue ended_requests[BUS_N_REQUESTERS]; /* BusRequest, by kind of requester; see bus_request_next_ended() */
  guint64 ignored_events;                  /* that the states of requests ignore */

  GHashTable *confirm_routes; /* bus-confirm: route id -> its route */
  guint n_confirms;
  guint64 n_repeated;       /* bus-reroute: messages that another member of a group got again */
  guint64 n_unacknowledged; /* bus-reroute: messages sent to members that ended without settling them */

  struct BusHolds *holds; /* bus-hold; NULL: nothing was held yet */

  GHashTable *resend_windows; /* bus-resend: account and id -> its window */
  GQueue resend_idle;         /* windows of clients that are not connected; the client that left first is first */

  BusRetainStore retained;

  guint64 wills_published;  /* bus-will */
  guint64 wills_unretained; /* of these: not retained, for lack of room */
} BusRoutes;

#define BUS_ROUTE_CLASS_BITS 2u /* the low bits of a route id: the credit class of an answer (bus-request) */

/* A new route id. @low: its low bits, the credit class of an answer */
static inline guint64
bus_routes_new_id (BusRoutes *routes, guint64 low)
{
  return ++routes->next_route << BUS_ROUTE_CLASS_BITS | low;
}

BusRoutes *bus_routes_new (const BusLimits *limits, guint64 seed, BusQuota *quota);

/* Every subscription, request and retained message must be gone. */
void bus_routes_free (BusRoutes *routes);

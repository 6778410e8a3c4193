/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-core.h"
#include "base/bus-note.h"
#include "index/bus-index.h"
#include "route/bus-match.h"
#include "peer/bus-peer.h"
#include "index/bus-topics.h"
#include "wire-topic.h"

/*
 * The broker's whole state, seen by the rooms of the core and by nobody else. bus-core makes and frees it; each field
 * belongs to the room named beside it.
 */

struct BusCore
{
  /* bus-core */
  BusLimits limits;
  WireTopicLimits topic_limits;
  guint32 *tool_uids;
  gsize n_tool_uids;
  guint64 epoch;
  guint64 seed;
  gint64 wall_us;
  gint64 started_us;
  char *software_version;
  char *name; /* GRefString "bus": sender of what the broker says */
  gboolean is_stopping;

  gint64 now_us; /* of the input call that runs */
  BusQuota quota;
  BusSegmentPool segments;
  BusFlowShared flows;
  BusDeadlineSet deadlines;

  /* bus-shed */
  GHashTable *uids; /* uid -> BusUid */
  guint64 shed_round;
  gboolean is_soft;
  gint64 soft_next_us;
  BusTimer soft_timer;

  GQueue creditors; /* bus-credit: peers that are to be told */

  /* bus-peer */
  GQueue peers;            /* all, in order of connecting */
  GHashTable *peers_by_id; /* BusKey of the peer -> BusPeer */
  guint n_unauthenticated;
  GQueue writable;
  GQueue closing;
  GQueue dying; /* closed, not flushed */

  /* bus-router, bus-match, bus-group */
  BusIndex *index;     /* subscriptions that do not serve */
  GHashTable *servers; /* topic -> BusServers */
  GHashTable *groups;  /* name -> BusGroup */
  BusMatchCache matches;
  guint n_subscriptions;
  guint64 accept_seq;

  BusTopics topics; /* seen */

  /* bus-introspect: what collectors made it do */
  gint64 introspect_second; /* of the input clock */
  guint64 introspect_work;  /* in it */

  /* bus-request */
  GHashTable *requests; /* route_id -> BusRequest */
  guint64 next_route;

  BusNoteRing notes;

  guint64 delivered_by_gone; /* of peers that went */
  guint64 missed_by_gone;
  guint64 denied;
  guint64 malformed;
};

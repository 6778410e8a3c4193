/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control.pb-c.h"
#include "ctl-table.h"
#include "ctl.h"

/*
 * The part that `status`, `stats` and `slow` share: the request to control.bus.stats, and names for the policies and
 * reasons in its reply.
 *
 * It does not choose what is shown. A number without a known name is shown as a number.
 */

typedef Daemoneye__Eventbus__V1__StatsRequest CtlStatsRequest;
typedef Daemoneye__Eventbus__V1__StatsReply CtlStats;
typedef Daemoneye__Eventbus__V1__PeerStats CtlPeerStats;
typedef Daemoneye__Eventbus__V1__QueueStats CtlQueueStats;
typedef Daemoneye__Eventbus__V1__PublishStats CtlPublishStats;
typedef Daemoneye__Eventbus__V1__Missed CtlMissed;

/* The rows of all pages. */
typedef struct
{
  CtlStats all;     /* subscriptions: the one that is behind longest first */
  gboolean changed; /* rows came or went between the pages */
  GPtrArray *pages; /* WireGuard; they own the rows */
  GPtrArray *peers;
  GPtrArray *subscriptions;
  GPtrArray *groups;
  GPtrArray *domains;
} CtlStatsList;

/* Asks until the reply is complete. A request for a peer that is not connected is an error. */
CtlStatsList *ctl_stats_ask (Ctl *ctl, const CtlStatsRequest *request, GError **error);
void ctl_stats_list_free (CtlStatsList *list);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CtlStatsList, ctl_stats_list_free)

/* "least-loaded"; "" for none; static. */
const char *ctl_strategy_name (guint32 strategy);
/* "drop-oldest", as --policy takes it; "" for no policy; (transfer full). */
char *ctl_policy_name (guint32 policy);
/* FALSE: there is no such policy; @error lists them all. */
gboolean ctl_policy_find (const char *name, DeyeBusPolicy *policy, GError **error);

/* Adds five cells about a subscription: its peer, its pattern ("tasks.procmond (group workers)"), its policy
 * ("block (demoted)"), the waiting messages and their bound ("7/10000"), the same in bytes ("3.4M/4.0M"). */
void ctl_queue_add_cells (CtlTable *table, const CtlQueueStats *queue);

/* "queue full 12, expired 3"; (transfer full). */
char *ctl_missed_text (CtlMissed *const *missed, size_t n);
/* The reason for which the messages of a gap were missed, as a sentence. */
const char *ctl_missed_sentence (guint32 reason);

/* A row as a JSON object, with names beside the numbers of its policy and reasons. @kind: (nullable): value of a first
 * member "kind". (transfer full) */
JsonObject *ctl_stats_json (const ProtobufCMessage *row, const char *kind);

/* Warns when rows are missing, or came or went while they were listed. */
void ctl_stats_warn (const CtlStatsList *list);

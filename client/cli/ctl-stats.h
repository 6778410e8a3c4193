/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control.pb-c.h"
#include "ctl-table.h"
#include "ctl.h"

/*
 * The part that `status`, `stats` and `slow` share: the request to control.bus.stats, and names for the policies and
 * reasons in its reply.
 *
 * It does not select the rows. A number without a known name is printed as a number.
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
  CtlStats all;     /* subscriptions are in order of the time for which they are behind, longest first */
  gboolean changed; /* rows were added or removed between the pages */
  GPtrArray *pages; /* WireGuard; they own the rows */
  GPtrArray *peers;
  GPtrArray *subscriptions;
  GPtrArray *groups;
  GPtrArray *domains;
} CtlStatsList;

/* Requests all pages. A request for a peer that is not connected is an error. */
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
/* Returns the reason why the messages of a gap were missed, as a sentence. */
const char *ctl_missed_sentence (guint32 reason);

/* Converts a row to a JSON object, with the names of its policy and reasons beside their numbers. @kind: (nullable): value of an
 * additional first member "kind". (transfer full) */
JsonObject *ctl_stats_json (const ProtobufCMessage *row, const char *kind);

/* Warns if rows are missing, or were added or removed during the listing. */
void ctl_stats_warn (const CtlStatsList *list);

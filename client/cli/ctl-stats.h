/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "control.pb-c.h"
#include "ctl.h"

/*
 * What status, stats and slow share: asking control.bus.stats, and the names of the numbers in its answer.
 *
 * It does not choose what is shown. A name stands for one number, here and in all verbs; a number without a
 * name is never shown as something near it.
 */

typedef Daemoneye__Eventbus__V1__StatsRequest CtlStatsRequest;
typedef Daemoneye__Eventbus__V1__StatsReply CtlStats;
typedef Daemoneye__Eventbus__V1__PeerStats CtlPeerStats;
typedef Daemoneye__Eventbus__V1__QueueStats CtlQueueStats;
typedef Daemoneye__Eventbus__V1__PublishStats CtlPublishStats;
typedef Daemoneye__Eventbus__V1__Missed CtlMissed;

/* Its message is a CtlStats. A peer that is named, and isn't connected, is an error. */
WireGuard *ctl_stats_ask (Ctl *ctl, const CtlStatsRequest *request, GError **error);

/* "drop-oldest", as --policy takes it; "" where there is none; (transfer full). */
char *ctl_policy_name (guint32 policy);
/* FALSE: there is none; @error lists them. */
gboolean ctl_policy_find (const char *name, DeyeBusPolicy *policy, GError **error);

/* Five cells about a subscription: its peer, its pattern ("tasks.procmond (group workers)"), its policy ("block (demoted)"), the
 * messages that wait and their bound ("7/10000"), the same in bytes ("3.4M/4.0M"). */
void ctl_queue_add_cells (CtlTable *table, const CtlQueueStats *queue);

/* "queue full 12, expired 3"; (transfer full). */
char *ctl_missed_text (CtlMissed *const *missed, size_t n);
/* Why messages of a gap were missed, as a sentence. */
const char *ctl_missed_sentence (guint32 reason);

/* A row as an object, with the names of its policy and reasons; @kind (nullable): its first member. (transfer full) */
JsonObject *ctl_stats_json (const ProtobufCMessage *row, const char *kind);

/* Says that the broker had more rows than fit its answer. */
void ctl_stats_warn_truncated (Ctl *ctl, const CtlStats *stats);

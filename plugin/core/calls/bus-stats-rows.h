/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "control.pb-c.h"

/*
 * The rows of a StatsReply, made from the counters of peers, subscriptions, groups and domains. bus-stats and bus-stats-page
 * select the rows that the asker may see.
 *
 * Invariant: the texts and lists to which the messages point are valid until the rows are cleared.
 */

typedef struct
{
  GPtrArray *peers;         /* in the order in which they were added */
  GPtrArray *subscriptions; /* sorted by fill(): the subscription that has been behind for longest is first */
  GPtrArray *groups;        /* sorted by fill(): by name */
  GPtrArray *domains;
  GHashTable *by_group; /* BusGroup -> its row */
} BusStatsRows;

void bus_stats_rows_init (BusStatsRows *rows);
void bus_stats_rows_clear (BusStatsRows *rows);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (BusStatsRows, bus_stats_rows_clear)

/* Each returns its row, which belongs to @rows. */
ProtobufCMessage *bus_stats_rows_add_peer (BusStatsRows *rows, const BusPeer *peer, gint64 now_us);
ProtobufCMessage *
bus_stats_rows_add_subscription (BusStatsRows *rows, const BusSubscription *subscription, gint64 now_us);
/* Adds a row without members, unless the group has one. */
ProtobufCMessage *bus_stats_rows_add_group (BusStatsRows *rows, const BusGroup *group);
/* Adds the counters of a member to the row of its group, if there is one. */
void bus_stats_rows_count_member (BusStatsRows *rows, const BusSubscription *subscription);
void bus_stats_rows_add_domains (BusStatsRows *rows, const BusDomainCounts *domains);

/* TRUE if messages wait for the subscription, or it is demoted. */
gboolean bus_stats_is_behind (const BusSubscription *subscription);

/* Sorts the rows and makes @reply point to them. */
void bus_stats_rows_fill (BusStatsRows *rows, Daemoneye__Eventbus__V1__StatsReply *reply);

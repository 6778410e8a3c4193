/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-peer.h"
#include "control.pb-c.h"

/*
 * The rows of a StatsReply, built from the counters of peers, subscriptions, groups and domains. bus-stats selects
 * which of them the asker may see. Rows own what protobuf-c points to until they are cleared.
 */

typedef struct
{
  GPtrArray *peers;         /* of messages with their lists, in the order in which they were added */
  GPtrArray *subscriptions; /* sorted by fill(): the one that is behind longest first */
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
/* Adds its counters to the row of its group, if there is one. */
void bus_stats_rows_count_member (BusStatsRows *rows, const BusSubscription *subscription);
void bus_stats_rows_add_domains (BusStatsRows *rows, const BusDomainCounts *domains);

/* TRUE if messages wait for it, or it is demoted. */
gboolean bus_stats_is_behind (const BusSubscription *subscription);

/* @reply points into the rows. */
void bus_stats_rows_fill (BusStatsRows *rows, Daemoneye__Eventbus__V1__StatsReply *reply);

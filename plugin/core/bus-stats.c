/* SPDX-License-Identifier: Apache-2.0 */
#include "bus-stats.h"

#include "bus-calls.h"
#include "bus-state.h"
#include "control.pb-c.h"

typedef Daemoneye__Eventbus__V1__PeerStats PeerStats;
typedef Daemoneye__Eventbus__V1__StatsReply StatsReply;

void
bus_core_stats (const BusCore *core, BusCoreStats *stats)
{
  *stats = (BusCoreStats){
    .peers = g_hash_table_size (core->peers_by_id),
    .connections = core->peers.length,
    .subscriptions = core->n_subscriptions,
    .groups = g_hash_table_size (core->groups),
    .pending_requests = g_hash_table_size (core->requests),
    .charged_bytes = core->quota.charged,
    .accepted = core->accept_seq,
    .delivered = core->delivered_by_gone,
    .missed = core->missed_by_gone,
    .denied = core->denied,
    .malformed = core->malformed,
  };
  for (const GList *link = core->peers.head; link != NULL; link = link->next)
    {
      const BusPeer *peer = link->data;

      stats->queued_messages += peer->flow.waiting_messages;
      stats->queued_bytes += bus_flow_bytes (&peer->flow);
      stats->delivered += peer->flow.delivered;
      stats->missed += peer->flow.missed;
    }
}

static void
fill_totals (const BusCore *core, Daemoneye__Eventbus__V1__BusTotals *totals, gint64 now_us)
{
  BusCoreStats stats;

  bus_core_stats (core, &stats);
  daemoneye__eventbus__v1__bus_totals__init (totals);
  totals->peers = stats.peers;
  totals->subscriptions = stats.subscriptions;
  totals->groups = stats.groups;
  totals->pending_requests = stats.pending_requests + 1; /* the asking one */
  totals->queued_messages = stats.queued_messages;
  totals->queued_bytes = stats.queued_bytes;
  totals->charged_bytes = stats.charged_bytes;
  totals->accepted = stats.accepted;
  totals->delivered = stats.delivered;
  totals->missed = stats.missed;
  totals->denied = stats.denied;
  totals->malformed = stats.malformed;
  totals->uptime_us = (guint64) (now_us - core->started_us);
  totals->epoch = core->epoch;
}

static void
fill_peer (const BusPeer *peer, PeerStats *stats, gint64 now_us)
{
  daemoneye__eventbus__v1__peer_stats__init (stats);
  stats->id = peer->id;
  stats->type = peer->type;
  stats->role = peer->principal.role;
  stats->pid = peer->who.pid;
  stats->uid = peer->who.uid;
  stats->subscriptions = g_hash_table_size (peer->subscriptions);
  stats->pending_requests = peer->asked.length;
  stats->queued_messages = peer->flow.waiting_messages;
  stats->queued_bytes = bus_flow_bytes (&peer->flow);
  stats->received = peer->received;
  stats->delivered = peer->flow.delivered;
  stats->missed = peer->flow.missed;
  stats->software_version = peer->software_version;
  stats->connected_us = (guint64) (now_us - peer->connected_us);
}

void
bus_stats_answer (BusPeer *asker, guint64 id, gint64 now_us)
{
  const BusCore *core = asker->core;
  guint n_max = core->peers.length;
  g_autofree PeerStats *entries = g_new (PeerStats, n_max);
  g_autofree PeerStats **list = g_new (PeerStats *, n_max);
  g_autofree guint8 *bytes = NULL;
  Daemoneye__Eventbus__V1__BusTotals totals;
  StatsReply reply;

  daemoneye__eventbus__v1__stats_reply__init (&reply);
  fill_totals (core, &totals, now_us);
  reply.totals = &totals;
  reply.peers = list;
  for (const GList *link = core->peers.head; link != NULL; link = link->next)
    if (bus_peer_may_see (asker, link->data))
      {
        fill_peer (link->data, &entries[reply.n_peers], now_us);
        list[reply.n_peers] = &entries[reply.n_peers];
        reply.n_peers++;
      }
  while (reply.n_peers > 0 && daemoneye__eventbus__v1__stats_reply__get_packed_size (&reply) > core->limits.max_payload)
    {
      reply.n_peers /= 2;
      reply.truncated = TRUE;
    }
  bytes = g_try_malloc (daemoneye__eventbus__v1__stats_reply__get_packed_size (&reply));
  if (bytes == NULL)
    bus_peer_error (asker, id, WIRE_STATUS_NO_MEMORY, "no memory for the answer");
  else
    bus_calls_reply (asker, id, "daemoneye.eventbus.v1.StatsReply",
                     wire_span (bytes, daemoneye__eventbus__v1__stats_reply__pack (&reply, bytes)));
}

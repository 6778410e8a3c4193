/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-stats.h"

#include "calls/bus-budget.h"
#include "calls/bus-stats-page.h"
#include "calls/bus-stats-rows.h"
#include "peer/bus-peer.h"
#include "peer/bus-reply.h"
#include "peer/bus-state.h"
#include "route/bus-hold.h"
#include "route/bus-routes.h"
#include "work/bus-work.h"
#include "control.pb-c.h"

typedef Daemoneye__Eventbus__V1__StatsReply StatsReply;
typedef Daemoneye__Eventbus__V1__StatsRequest StatsRequest;

void
bus_stats_count (const BusCore *core, BusCoreStats *stats)
{
  *stats = (BusCoreStats){
    .peers = g_hash_table_size (core->peers_by_id),
    .connections = core->peers.length,
    .subscriptions = core->routes->n_subscriptions,
    .groups = g_hash_table_size (core->routes->groups.table),
    .pending_requests = g_hash_table_size (core->routes->requests) + core->routes->n_confirms + core->n_later,
    .charged_bytes = core->quota.charged,
    .accepted = core->routes->accept_seq,
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

static guint
stats_count_blocked (const BusCore *core)
{
  guint n = 0;

  for (const GList *link = core->peers.head; link != NULL; link = link->next)
    for (guint i = 0; i < WIRE_N_CLASSES; i++)
      if (bus_ledger_allowance (&((const BusPeer *) link->data)->ledger, i)->blocked_since_us != 0)
        {
          n++;
          break;
        }
  return n;
}

static void
stats_fill_tasks (const BusWork *work, Daemoneye__Eventbus__V1__BusTotals *totals)
{
  const BusTaskStore *tasks = &work->tasks;

  totals->collectors = g_hash_table_size (work->members);
  totals->live_tasks = tasks->shelves[BUS_SHELF_LIVE].length;
  totals->task_bytes = tasks->bytes[BUS_SHELF_LIVE];
  totals->window_tasks = tasks->shelves[BUS_SHELF_WINDOW].length;
  totals->window_bytes = tasks->bytes[BUS_SHELF_WINDOW];
  totals->quarantined_tasks = tasks->shelves[BUS_SHELF_QUARANTINE].length;
  totals->quarantine_bytes = tasks->bytes[BUS_SHELF_QUARANTINE];
  totals->tasks_submitted = tasks->last_sequence;
  totals->tasks_succeeded = tasks->n_ended[BUS_TASK_SUCCEEDED];
  totals->tasks_failed = tasks->n_ended[BUS_TASK_FAILED];
  totals->tasks_timed_out = tasks->n_ended[BUS_TASK_TIMED_OUT];
  totals->tasks_cancelled = tasks->n_ended[BUS_TASK_CANCELLED];
  totals->tasks_quarantined = tasks->n_ended[BUS_TASK_QUARANTINED];
  totals->gathers_running = work->gathers.all.length;
  totals->gathers_asked = work->gathers.last_query;
  totals->gathers_complete = work->gathers.n_complete;
  totals->gathers_partial = work->gathers.n_partial;
  totals->stale_answers = tasks->rules.refused;
  totals->claims_adopted = work->claims_adopted;
  totals->claims_unmatched = work->claims_unmatched;
}

static void
stats_fill_totals (const BusCore *core, Daemoneye__Eventbus__V1__BusTotals *totals, gint64 now_us)
{
  BusCoreStats stats;

  bus_stats_count (core, &stats);
  daemoneye__eventbus__v1__bus_totals__init (totals);
  totals->peers = stats.peers;
  totals->subscriptions = stats.subscriptions;
  totals->groups = stats.groups;
  totals->pending_requests = stats.pending_requests + 1; /* this call itself */
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
  totals->memory_bytes = core->quota.memory;
  totals->memory_limit = core->quota.cap;
  totals->expired = core->flows.missed_by[BUS_LOSS_EXPIRED];
  totals->refused = core->flows.missed_by[BUS_LOSS_REFUSED];
  totals->discarded = core->flows.missed_by[BUS_LOSS_ENDED];
  totals->held_messages = bus_hold_count (core);
  if (core->routes->holds != NULL)
    {
      totals->held_given = core->routes->holds->given;
      totals->held_lost = core->routes->holds->expired + core->routes->holds->denied;
    }
  totals->repeated_by_others = core->routes->n_repeated;
  totals->unacknowledged = core->routes->n_unacknowledged;
  totals->retained_messages = g_hash_table_size (core->routes->retained.by_topic);
  totals->retained_bytes = core->routes->retained.bytes;
  totals->retained_delivered = core->routes->retained.delivered;
  totals->retained_refused = core->routes->retained.refused;
  totals->last_published = core->routes->wills_published;
  totals->last_unretained = core->routes->wills_unretained;
  totals->blocked_publishers = stats_count_blocked (core);
  stats_fill_tasks (core->work, totals);
}

/* --- selecting peers --- */

static gboolean
stats_is_asked_for (const BusPeer *asker, const BusPeer *peer, const StatsRequest *request)
{
  return bus_peer_may_see (asker, peer) && (request->peer[0] == '\0' || strcmp (request->peer, peer->id) == 0);
}

static void
stats_list_peers (BusPeer *asker, const StatsRequest *request, BusStatsRows *rows, gint64 now_us)
{
  for (const GList *link = asker->core->peers.head; link != NULL; link = link->next)
    if (stats_is_asked_for (asker, link->data, request))
      bus_stats_rows_add_peer (rows, link->data, now_us);
}

static void
stats_list_subscriptions (BusPeer *asker, const StatsRequest *request, BusStatsRows *rows, gint64 now_us)
{
  for (const GList *link = asker->core->peers.head; link != NULL; link = link->next)
    {
      const BusPeer *peer = link->data;
      guint at = 0;
      gpointer value;

      if (!stats_is_asked_for (asker, peer, request))
        continue;
      while ((value = bus_subscriptions_next (&peer->subscriptions, &at)) != NULL)
        if (!request->slow || bus_stats_is_behind (value))
          bus_stats_rows_add_subscription (rows, value, now_us);
    }
}

static void
stats_list_groups (BusPeer *asker, BusStatsRows *rows)
{
  for (const GList *link = asker->core->peers.head; link != NULL; link = link->next)
    {
      const BusPeer *peer = link->data;
      guint at = 0;
      gpointer value;

      if (!bus_peer_may_see (asker, peer))
        continue;
      while ((value = bus_subscriptions_next (&peer->subscriptions, &at)) != NULL)
        if (((const BusSubscription *) value)->group != NULL)
          {
            bus_stats_rows_add_group (rows, ((const BusSubscription *) value)->group);
            bus_stats_rows_count_member (rows, value);
          }
    }
}

/* --- the answer in one reply, for askers that do not page --- */

/* Halves the least urgent list until the reply fits: groups, then subscriptions (sorted, so that those that have been behind for
 * longest stay), then peers. */
static void
stats_truncate (StatsReply *reply, guint64 max)
{
  gsize *lists[] = { &reply->n_groups, &reply->n_subscriptions, &reply->n_peers };

  for (guint i = 0; i < G_N_ELEMENTS (lists); i++)
    while (*lists[i] > 0 && daemoneye__eventbus__v1__stats_reply__get_packed_size (reply) > max)
      {
        *lists[i] /= 2;
        reply->truncated = TRUE;
      }
}

/* Each of the three lists needed a walk over all peers. */
static guint64
stats_work (const StatsReply *reply, const BusCore *core)
{
  return (guint64) core->peers.length * 3 * BUS_WORK_MEMBER
         + (reply->n_peers + reply->n_subscriptions + reply->n_groups) * BUS_WORK_ENTRY;
}

static void
stats_send (BusPeer *asker, guint64 id, const StatsRequest *request, gint64 now_us)
{
  const BusCore *core = asker->core;
  Daemoneye__Eventbus__V1__BusTotals totals;
  g_auto (BusStatsRows) rows;
  StatsReply reply;

  bus_stats_rows_init (&rows);
  daemoneye__eventbus__v1__stats_reply__init (&reply);
  stats_fill_totals (core, &totals, now_us);
  reply.totals = &totals;
  stats_list_peers (asker, request, &rows, now_us);
  if (request->subscriptions)
    stats_list_subscriptions (asker, request, &rows, now_us);
  if (request->groups)
    stats_list_groups (asker, &rows);
  if (request->domains && asker->principal.role != BUS_ROLE_COLLECTOR)
    bus_stats_rows_add_domains (&rows, core->flows.domains);
  bus_stats_rows_fill (&rows, &reply);
  bus_budget_spend (asker, stats_work (&reply, core), &reply.base);
  stats_truncate (&reply, core->limits.max_payload);
  bus_reply_message (asker, id, &reply.base);
}

static void
stats_send_page (const BusCall *call)
{
  Daemoneye__Eventbus__V1__BusTotals totals;

  stats_fill_totals (call->core, &totals, call->now_us);
  bus_stats_page_send (call, &totals);
}

void
bus_stats_answer (const BusCall *call)
{
  if (bus_stats_page_is_asked_for (call->request))
    {
      if (bus_budget_admit (call->peer, call->id, call->now_us))
        stats_send_page (call);
    }
  else if (bus_budget_admit_work (call->peer, call->id, call->now_us))
    stats_send (call->peer, call->id, call->request, call->now_us);
}

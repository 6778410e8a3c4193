/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-stats-rows.h"
#include "queue/bus-report.h"

#include "base/bus-text.h"
#include "queue/bus-unsettled.h"
#include "route/bus-group.h"

typedef Daemoneye__Eventbus__V1__DomainStats DomainStats;
typedef Daemoneye__Eventbus__V1__GroupStats GroupStats;
typedef Daemoneye__Eventbus__V1__Missed Missed;
typedef Daemoneye__Eventbus__V1__PeerStats PeerStats;
typedef Daemoneye__Eventbus__V1__PublishStats PublishStats;
typedef Daemoneye__Eventbus__V1__QueueStats QueueStats;

/* The numbers of missed messages, by reason. */
typedef struct
{
  Missed rows[BUS_N_LOSSES];
  Missed *list[BUS_N_LOSSES];
  gsize n;
} RowsMissedList;

typedef struct
{
  PeerStats stats;
  RowsMissedList missed;
  PublishStats publish[WIRE_N_CLASSES];
  PublishStats *publish_list[WIRE_N_CLASSES];
} RowsPeer;

typedef struct
{
  QueueStats stats;
  RowsMissedList missed;
  char *pattern;
} RowsSubscription;

typedef struct
{
  GroupStats stats;
  char *name;
  char *pattern;
} RowsGroup;

static void
rows_subscription_free (gpointer data)
{
  RowsSubscription *row = data;

  g_free (row->pattern);
  g_free (row->stats.group[0] != '\0' ? row->stats.group : NULL);
  g_free (row);
}

static void
rows_group_free (gpointer data)
{
  RowsGroup *row = data;

  g_free (row->name);
  g_free (row->pattern);
  g_free (row);
}

void
bus_stats_rows_init (BusStatsRows *rows)
{
  rows->peers = g_ptr_array_new_with_free_func (g_free);
  rows->subscriptions = g_ptr_array_new_with_free_func (rows_subscription_free);
  rows->groups = g_ptr_array_new_with_free_func (rows_group_free);
  rows->domains = g_ptr_array_new_with_free_func (g_free);
  rows->by_group = g_hash_table_new (NULL, NULL);
}

void
bus_stats_rows_clear (BusStatsRows *rows)
{
  g_ptr_array_unref (rows->peers);
  g_ptr_array_unref (rows->subscriptions);
  g_ptr_array_unref (rows->groups);
  g_ptr_array_unref (rows->domains);
  g_hash_table_unref (rows->by_group);
}

static void
rows_fill_missed (RowsMissedList *missed, const guint64 *counts)
{
  for (guint i = 0; i < BUS_N_LOSSES; i++)
    {
      if (counts[i] == 0)
        continue;
      daemoneye__eventbus__v1__missed__init (&missed->rows[i]);
      missed->rows[i].reason = bus_loss_status (i);
      missed->rows[i].count = counts[i];
      missed->list[missed->n++] = &missed->rows[i];
    }
}

/* --- peers --- */

static guint64
rows_credit_left (guint64 granted, guint64 used)
{
  return granted > used ? granted - used : 0;
}

static void
rows_fill_publish (RowsPeer *row, const BusPeer *peer, gint64 now_us)
{
  for (guint i = WIRE_CLASS_NONE + 1; i < WIRE_N_CLASSES; i++)
    {
      const BusAllowance *allowance = bus_ledger_allowance (&peer->ledger, i);
      const BusWindow *window = &allowance->window;
      PublishStats *stats = &row->publish[i];

      daemoneye__eventbus__v1__publish_stats__init (stats);
      stats->class_ = i;
      stats->messages = rows_credit_left (window->granted_messages, window->used_messages);
      stats->bytes = rows_credit_left (window->granted_bytes, window->used_bytes);
      stats->held_messages = allowance->held_messages;
      stats->held_bytes = allowance->held_bytes;
      if (allowance->blocked_since_us != 0)
        stats->blocked_us = (guint64) MAX (now_us - allowance->blocked_since_us, 1);
      row->publish_list[row->stats.n_publish++] = stats;
    }
  row->stats.publish = row->publish_list;
}

static void
rows_count_unsettled (PeerStats *stats, const BusPeer *peer)
{
  guint at = 0;
  gpointer value;

  while ((value = bus_subscriptions_next (&peer->subscriptions, &at)) != NULL)
    {
      const BusSubscription *subscription = value;

      stats->unsettled_messages += bus_unsettled_messages (subscription);
      stats->kept_messages += subscription->fifo->kept_messages + subscription->records->kept_messages;
    }
}

ProtobufCMessage *
bus_stats_rows_add_peer (BusStatsRows *rows, const BusPeer *peer, gint64 now_us)
{
  RowsPeer *row = g_new0 (RowsPeer, 1);
  PeerStats *stats = &row->stats;
  const BusFlow *flow = &peer->flow;

  daemoneye__eventbus__v1__peer_stats__init (stats);
  stats->id = peer->id;
  stats->type = peer->type;
  stats->role = (Daemoneye__Eventbus__V1__Role) peer->principal.role;
  stats->pid = peer->who.pid;
  stats->uid = peer->account->number;
  stats->account = peer->account->name;
  stats->live_tasks = peer->account->live_tasks;
  stats->task_bytes = peer->account->task_bytes;
  stats->subscriptions = bus_subscriptions_size (&peer->subscriptions);
  stats->pending_requests = bus_peer_pending (peer);
  stats->queued_messages = flow->waiting_messages;
  stats->queued_bytes = bus_flow_bytes (flow);
  stats->encoded_bytes = bus_outq_bytes (&flow->outq);
  stats->received = peer->received;
  stats->received_bytes = peer->received_bytes;
  stats->delivered = flow->delivered;
  stats->missed = flow->missed;
  stats->charged_bytes = peer->ledger.usage.charged;
  stats->software_version = peer->software_version;
  stats->connected_us = (guint64) (now_us - peer->connected_us);
  if (flow->soft_since_us != 0)
    stats->slow_us = (guint64) MAX (now_us - flow->soft_since_us, 1);
  rows_count_unsettled (stats, peer);
  rows_fill_publish (row, peer, now_us);
  rows_fill_missed (&row->missed, bus_report_losses (flow)->missed_by);
  stats->missed_by = row->missed.list;
  stats->n_missed_by = row->missed.n;
  g_ptr_array_add (rows->peers, row);
  return &stats->base;
}

/* --- subscriptions --- */

gboolean
bus_stats_is_behind (const BusSubscription *subscription)
{
  return subscription->fifo->messages > 0 || bus_subscription_is_demoted (subscription);
}

ProtobufCMessage *
bus_stats_rows_add_subscription (BusStatsRows *rows, const BusSubscription *subscription, gint64 now_us)
{
  RowsSubscription *row = g_new0 (RowsSubscription, 1);
  QueueStats *stats = &row->stats;
  const BusWindow *window = &subscription->window;

  daemoneye__eventbus__v1__queue_stats__init (stats);
  row->pattern = bus_text_from_span (bus_subscription_pattern (subscription));
  stats->peer = subscription->owner->id;
  stats->subscription = subscription->id;
  stats->pattern = row->pattern;
  if (subscription->group != NULL)
    stats->group = bus_text_from_span (subscription->group->key.text);
  stats->serve = subscription->serves;
  stats->policy = subscription->bounds.policy;
  stats->demoted = bus_subscription_is_demoted (subscription);
  stats->queue_messages = subscription->bounds.messages;
  stats->queue_bytes = subscription->bounds.bytes;
  stats->queued_messages = subscription->fifo->messages;
  stats->queued_bytes = subscription->fifo->bytes;
  stats->oldest_us = (guint64) bus_flow_oldest_us (subscription, now_us);
  if (subscription->fifo->behind_since_us != 0)
    stats->behind_us = (guint64) MAX (now_us - subscription->fifo->behind_since_us, 1);
  stats->unreturned_messages = bus_window_outstanding (window);
  stats->unreturned_bytes = bus_window_outstanding_bytes (window);
  stats->delivered = subscription->delivered;
  stats->missed = subscription->extra->missed;
  stats->rerouted = subscription->extra->rerouted;
  stats->repeated_by_others = subscription->extra->repeated;
  stats->kept_messages = subscription->fifo->kept_messages + subscription->records->kept_messages;
  stats->kept_bytes = subscription->fifo->kept_bytes + subscription->records->kept_bytes;
  if (subscription->group != NULL || subscription->serves)
    stats->weight = subscription->share->weight;
  stats->in_flight = subscription->share->in_flight;
  stats->draining = !bus_subscription_takes_part (subscription);
  if (subscription->unsettled.since_us != 0)
    stats->stalled_us = (guint64) MAX (bus_subscription_stalled_us (subscription, now_us), 1);
  rows_fill_missed (&row->missed, bus_subscription_losses (subscription)->missed_by);
  stats->missed_by = row->missed.list;
  stats->n_missed_by = row->missed.n;
  g_ptr_array_add (rows->subscriptions, row);
  return &stats->base;
}

/* The subscription that has been behind for longest is first; then by peer and number, so that the order is always defined. */
static int
rows_compare_subscriptions (gconstpointer a, gconstpointer b)
{
  const QueueStats *left_one = &(*(RowsSubscription *const *) a)->stats;
  const QueueStats *right_one = &(*(RowsSubscription *const *) b)->stats;
  int by_peer;

  if (left_one->behind_us != right_one->behind_us)
    return left_one->behind_us > right_one->behind_us ? -1 : 1;
  by_peer = strcmp (left_one->peer, right_one->peer);
  if (by_peer != 0)
    return by_peer;
  return left_one->subscription < right_one->subscription ? -1 : 1;
}

/* --- groups and domains --- */

ProtobufCMessage *
bus_stats_rows_add_group (BusStatsRows *rows, const BusGroup *group)
{
  RowsGroup *row = g_hash_table_lookup (rows->by_group, group);

  if (row != NULL)
    return &row->stats.base;
  row = g_new0 (RowsGroup, 1);
  daemoneye__eventbus__v1__group_stats__init (&row->stats);
  row->name = bus_text_from_span (group->key.text);
  row->stats.name = row->name;
  row->stats.members = group->members.length;
  row->pattern = bus_text_from_span (group->pattern);
  row->stats.pattern = row->pattern;
  row->stats.number = group->number;
  row->stats.policy = group->bounds.policy;
  row->stats.strategy = group->balance.strategy;
  row->stats.in_flight = group->rule != NULL ? group->rule->in_flight : 0;
  row->stats.rerouted = group->rerouted;
  row->stats.repeated_by_others = group->repeated;
  g_hash_table_insert (rows->by_group, (gpointer) (gsize) group, row);
  g_ptr_array_add (rows->groups, row);
  return &row->stats.base;
}

void
bus_stats_rows_count_member (BusStatsRows *rows, const BusSubscription *subscription)
{
  RowsGroup *row = g_hash_table_lookup (rows->by_group, subscription->group);

  if (row == NULL)
    return;
  row->stats.queued_messages += subscription->fifo->messages;
  row->stats.queued_bytes += subscription->fifo->bytes;
  row->stats.delivered += subscription->delivered;
  row->stats.missed += subscription->extra->missed;
  row->stats.draining_members += bus_subscription_takes_part (subscription) ? 0 : 1;
  row->stats.unreturned_messages += bus_window_outstanding (&subscription->window);
  row->stats.kept_messages += subscription->fifo->kept_messages + subscription->records->kept_messages;
  if (subscription->group->key.account != BUS_ALL_ACCOUNTS)
    row->stats.account = subscription->owner->account->name;
}

static int
rows_compare_groups (gconstpointer a, gconstpointer b)
{
  const GroupStats *first = &(*(RowsGroup *const *) a)->stats;
  const GroupStats *second = &(*(RowsGroup *const *) b)->stats;
  int order = strcmp (first->name, second->name);

  return order != 0 ? order : (first->number > second->number) - (first->number < second->number);
}

void
bus_stats_rows_add_domains (BusStatsRows *rows, const BusDomainCounts *domains)
{
  for (guint i = 0; i < BUS_N_DOMAINS; i++)
    {
      DomainStats *stats = g_new (DomainStats, 1);

      daemoneye__eventbus__v1__domain_stats__init (stats);
      stats->domain = bus_text_for_packing (bus_domain_name (i));
      stats->accepted = domains[i].accepted;
      stats->accepted_bytes = domains[i].accepted_bytes;
      stats->delivered = domains[i].delivered;
      stats->missed = domains[i].missed;
      g_ptr_array_add (rows->domains, stats);
    }
}

void
bus_stats_rows_fill (BusStatsRows *rows, Daemoneye__Eventbus__V1__StatsReply *reply)
{
  g_ptr_array_sort (rows->subscriptions, rows_compare_subscriptions);
  g_ptr_array_sort (rows->groups, rows_compare_groups);
  /* The message is the first field of each row. */
  reply->peers = (PeerStats **) rows->peers->pdata;
  reply->n_peers = rows->peers->len;
  reply->subscriptions = (QueueStats **) rows->subscriptions->pdata;
  reply->n_subscriptions = rows->subscriptions->len;
  reply->groups = (GroupStats **) rows->groups->pdata;
  reply->n_groups = rows->groups->len;
  reply->domains = (DomainStats **) rows->domains->pdata;
  reply->n_domains = rows->domains->len;
}

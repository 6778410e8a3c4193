/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-stats-view.h"

#include "ctl-stats.h"
#include "ctl-table.h"
#include "ctl-units.h"

#include <glib/gi18n.h>
#include <inttypes.h>

typedef Daemoneye__Eventbus__V1__GroupStats GroupStats;
typedef Daemoneye__Eventbus__V1__DomainStats DomainStats;

typedef struct
{
  const CtlColumn *columns;
  guint n_columns;
  gboolean by_peer; /* the view of one peer alone can be requested */
  /* Sets the flag in the request, lists the rows of the reply (they belong to @stats), and adds the cells of one row. */
  void (*ask) (CtlStatsRequest *request);
  void (*list) (const CtlStats *stats, GPtrArray *rows);
  void (*add) (CtlTable *table, gconstpointer row);
} StatsView;

static void
view_ask_subscriptions (CtlStatsRequest *request)
{
  request->subscriptions = TRUE;
}

static void
view_list_subscriptions (const CtlStats *stats, GPtrArray *rows)
{
  for (size_t i = 0; i < stats->n_subscriptions; i++)
    g_ptr_array_add (rows, stats->subscriptions[i]);
}

static void
view_add_subscription (CtlTable *table, gconstpointer row)
{
  const CtlQueueStats *queue = row;
  g_autofree char *why = ctl_missed_text (queue->missed_by, queue->n_missed_by);

  ctl_queue_add_cells (table, queue);
  ctl_table_cell (table, "%" PRIu64, queue->unreturned_messages);
  ctl_table_cell (table, "%" PRIu64, queue->delivered);
  ctl_table_cell (table, "%" PRIu64, queue->missed);
  ctl_table_cell (table, "%s", why);
}

static void
view_ask_groups (CtlStatsRequest *request)
{
  request->groups = TRUE;
}

static void
view_list_groups (const CtlStats *stats, GPtrArray *rows)
{
  for (size_t i = 0; i < stats->n_groups; i++)
    g_ptr_array_add (rows, stats->groups[i]);
}

static void
view_add_group (CtlTable *table, gconstpointer row)
{
  const GroupStats *group = row;
  g_autofree char *policy = ctl_policy_name (group->policy);
  g_autofree char *bytes = ctl_bytes (group->queued_bytes);

  ctl_table_cell (table, "%s", group->name);
  ctl_table_cell (table, "%u", group->members);
  ctl_table_cell (table, "%s", policy);
  ctl_table_cell (table, "%s", ctl_strategy_name (group->strategy));
  ctl_table_cell (table, "%u", group->draining_members);
  ctl_table_cell (table, "%" PRIu64, group->unreturned_messages);
  ctl_table_cell (table, "%" PRIu64, group->queued_messages);
  ctl_table_cell (table, "%s", bytes);
  ctl_table_cell (table, "%" PRIu64, group->delivered);
  ctl_table_cell (table, "%" PRIu64, group->missed);
  ctl_table_cell (table, "%" PRIu64, group->rerouted);
  ctl_table_cell (table, "%" PRIu64, group->repeated_by_others);
}

static void
view_ask_domains (CtlStatsRequest *request)
{
  request->domains = TRUE;
}

static void
view_list_domains (const CtlStats *stats, GPtrArray *rows)
{
  for (size_t i = 0; i < stats->n_domains; i++)
    g_ptr_array_add (rows, stats->domains[i]);
}

static void
view_add_domain (CtlTable *table, gconstpointer row)
{
  const DomainStats *domain = row;

  ctl_table_cell (table, "%s", domain->domain);
  ctl_table_cell (table, "%" PRIu64, domain->accepted);
  ctl_table_cell (table, "%" PRIu64, domain->accepted_bytes);
  ctl_table_cell (table, "%" PRIu64, domain->delivered);
  ctl_table_cell (table, "%" PRIu64, domain->missed);
}

static const CtlColumn subscription_columns[] = {
  { N_ ("PEER"), CTL_COLUMN_SHRINKS },    { N_ ("PATTERN"), CTL_COLUMN_SHRINKS }, { N_ ("POLICY"), CTL_COLUMN_LEFT },
  { N_ ("WAITS"), CTL_COLUMN_RIGHT },     { N_ ("BYTES"), CTL_COLUMN_RIGHT },     { N_ ("UNREAD"), CTL_COLUMN_RIGHT },
  { N_ ("DELIVERED"), CTL_COLUMN_RIGHT }, { N_ ("MISSED"), CTL_COLUMN_RIGHT },    { N_ ("WHY"), CTL_COLUMN_SHRINKS },
};
static const CtlColumn group_columns[] = {
  { N_ ("GROUP"), CTL_COLUMN_SHRINKS }, { N_ ("MEMBERS"), CTL_COLUMN_RIGHT },   { N_ ("POLICY"), CTL_COLUMN_LEFT },
  { N_ ("STRATEGY"), CTL_COLUMN_LEFT }, { N_ ("DRAINING"), CTL_COLUMN_RIGHT },  { N_ ("UNREAD"), CTL_COLUMN_RIGHT },
  { N_ ("WAITS"), CTL_COLUMN_RIGHT },   { N_ ("BYTES"), CTL_COLUMN_RIGHT },     { N_ ("DELIVERED"), CTL_COLUMN_RIGHT },
  { N_ ("MISSED"), CTL_COLUMN_RIGHT },  { N_ ("HANDED ON"), CTL_COLUMN_RIGHT }, { N_ ("REPEATED"), CTL_COLUMN_RIGHT },
};
static const CtlColumn domain_columns[] = {
  { N_ ("DOMAIN"), CTL_COLUMN_LEFT },     { N_ ("ACCEPTED"), CTL_COLUMN_RIGHT }, { N_ ("BYTES"), CTL_COLUMN_RIGHT },
  { N_ ("DELIVERED"), CTL_COLUMN_RIGHT }, { N_ ("MISSED"), CTL_COLUMN_RIGHT },
};

static const StatsView views[] = {
  [CTL_VIEW_SUBSCRIPTIONS] = { subscription_columns, G_N_ELEMENTS (subscription_columns), TRUE, view_ask_subscriptions,
                               view_list_subscriptions, view_add_subscription },
  [CTL_VIEW_GROUPS]
  = { group_columns, G_N_ELEMENTS (group_columns), FALSE, view_ask_groups, view_list_groups, view_add_group },
  [CTL_VIEW_DOMAINS]
  = { domain_columns, G_N_ELEMENTS (domain_columns), FALSE, view_ask_domains, view_list_domains, view_add_domain },
};

static void
view_show_rows (Ctl *ctl, const StatsView *view, const GPtrArray *rows)
{
  g_autoptr (CtlTable) table = NULL;

  if (ctl->output.json)
    {
      for (guint i = 0; i < rows->len; i++)
        ctl_output_json_object (&ctl->output, ctl_stats_json (g_ptr_array_index (rows, i), NULL));
      return;
    }
  table = ctl_table_new (view->columns, view->n_columns);
  for (guint i = 0; i < rows->len; i++)
    view->add (table, g_ptr_array_index (rows, i));
  ctl_table_show (table, &ctl->output);
}

gboolean
ctl_stats_view (Ctl *ctl, CtlView which, char *peer, GError **error)
{
  const StatsView *view = &views[which];
  CtlStatsRequest request = DAEMONEYE__EVENTBUS__V1__STATS_REQUEST__INIT;
  g_autoptr (CtlStatsList) list = NULL;
  g_autoptr (GPtrArray) rows = g_ptr_array_new ();

  if (peer != NULL && !view->by_peer)
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("--groups and --domains cannot be limited to one peer"));
  if (peer != NULL)
    request.peer = peer;
  view->ask (&request);
  list = ctl_stats_ask (ctl, &request, error);
  if (list == NULL)
    return FALSE;
  view->list (&list->all, rows);
  view_show_rows (ctl, view, rows);
  ctl_stats_warn (list);
  return TRUE;
}

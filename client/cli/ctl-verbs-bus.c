/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "ctl-json-text.h"
#include "ctl-stats-view.h"
#include "ctl-stats.h"
#include "ctl-table.h"
#include "ctl-tree.h"
#include "ctl-units.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/* The verbs `status` and `stats`: counters of the broker, of all peers, and of one peer. */

typedef Daemoneye__Eventbus__V1__BusTotals Totals;

/* --- status --- */

static char *
status_count_roles (const CtlStats *stats)
{
  guint collectors = 0, tools = 0, agents = 0;

  for (size_t i = 0; i < stats->n_peers; i++)
    {
      collectors += stats->peers[i]->role == DAEMONEYE__EVENTBUS__V1__ROLE__ROLE_COLLECTOR;
      tools += stats->peers[i]->role == DAEMONEYE__EVENTBUS__V1__ROLE__ROLE_TOOL;
      agents += stats->peers[i]->role == DAEMONEYE__EVENTBUS__V1__ROLE__ROLE_AGENT;
    }
  return g_strdup_printf (_ ("collectors %u, tools %u, agents %u"), collectors, tools, agents);
}

/* Figures about slow receivers: missed messages, memory, publishers without credit. */
static void
status_show_pressure (CtlOutput *output, const Totals *totals)
{
  gdouble limit = (gdouble) MAX (totals->memory_limit, 1);
  g_autofree char *used = ctl_bytes (totals->memory_bytes);
  g_autofree char *most = ctl_bytes (totals->memory_limit);

  ctl_output_field (output, _ ("missed"), _ ("%" PRIu64 ", of these %" PRIu64 " expired and %" PRIu64 " refused"),
                    totals->missed, totals->expired, totals->refused);
  ctl_output_field (output, _ ("memory"), _ ("%s of %s (%.0f %%)"), used, most,
                    100.0 * (gdouble) totals->memory_bytes / limit);
  ctl_output_field (output, _ ("blocked"),
                    totals->blocked_publishers > 0 ? _ ("publishers without credit: %" PRIu64
                                                        "; `deyebusctl slow` shows the receivers that hold it")
                                                   : _ ("publishers without credit: %" PRIu64),
                    totals->blocked_publishers);
}

static void
status_show (Ctl *ctl, const CtlStats *stats, const char *version, const char *address)
{
  const Totals *totals = stats->totals;
  CtlOutput *output = &ctl->output;
  g_autofree char *uptime = ctl_duration (totals->uptime_us);
  g_autofree char *roles = status_count_roles (stats);

  ctl_output_field (output, _ ("broker"), _ ("version %s, up for %s"), version, uptime);
  ctl_output_field (output, _ ("address"), "%s", address);
  ctl_output_field (output, _ ("peers"), "%u (%s)", totals->peers, roles);
  ctl_output_field (output, _ ("subscribed"), _ ("%u subscriptions, %u groups"), totals->subscriptions, totals->groups);
  ctl_output_field (output, _ ("messages"), _ ("%" PRIu64 " accepted, %" PRIu64 " delivered"), totals->accepted,
                    totals->delivered);
  ctl_output_field (output, _ ("queued"), _ ("%" PRIu64 " messages, %" PRIu64 " bytes; %u requests pending"),
                    totals->queued_messages, totals->queued_bytes, totals->pending_requests - 1);
  status_show_pressure (output, totals);
  ctl_output_field (output, _ ("refused"), _ ("%" PRIu64 " denied, %" PRIu64 " malformed"), totals->denied,
                    totals->malformed);
}

gboolean
ctl_verb_status (Ctl *ctl, char **args, GError **error)
{
  CtlStatsRequest request = DAEMONEYE__EVENTBUS__V1__STATS_REQUEST__INIT;
  g_autoptr (CtlStatsList) list = ctl_stats_ask (ctl, &request, error);
  g_autofree char *version = NULL;
  g_autofree char *address = NULL;
  const CtlStats *stats;
  JsonNode *node;

  if (list == NULL)
    return FALSE;
  stats = &list->all;
  ctl_stats_warn (list);
  g_object_get (ctl->client, "broker-version", &version, "address", &address, NULL);
  if (!ctl->output.json)
    {
      status_show (ctl, stats, version, address);
      return TRUE;
    }
  node = ctl_message_json (&stats->totals->base);
  json_object_set_string_member (json_node_get_object (node), "version", version);
  json_object_set_string_member (json_node_get_object (node), "address", address);
  ctl_output_json (&ctl->output, node);
  json_node_unref (node);
  return TRUE;
}

/* --- stats --- */

static gint
stats_by_id (gconstpointer a, gconstpointer b)
{
  return strcmp ((*(const CtlPeerStats *const *) a)->id, (*(const CtlPeerStats *const *) b)->id);
}

static GPtrArray *
stats_sorted_peers (const CtlStats *stats)
{
  GPtrArray *peers = g_ptr_array_sized_new ((guint) stats->n_peers);

  for (size_t i = 0; i < stats->n_peers; i++)
    g_ptr_array_add (peers, stats->peers[i]);
  g_ptr_array_sort (peers, stats_by_id);
  return peers;
}

static void
stats_show_peer_table (Ctl *ctl, const GPtrArray *peers)
{
  static const CtlColumn columns[] = {
    { N_ ("PEER"), CTL_COLUMN_SHRINKS }, { N_ ("SENT"), CTL_COLUMN_RIGHT },    { N_ ("RECEIVED"), CTL_COLUMN_RIGHT },
    { N_ ("UNREAD"), CTL_COLUMN_RIGHT }, { N_ ("MISSED"), CTL_COLUMN_RIGHT },  { N_ ("QUEUED"), CTL_COLUMN_RIGHT },
    { N_ ("BYTES"), CTL_COLUMN_RIGHT },  { N_ ("PENDING"), CTL_COLUMN_RIGHT },
  };
  g_autoptr (CtlTable) table = ctl_table_new (columns, G_N_ELEMENTS (columns));

  for (guint i = 0; i < peers->len; i++)
    {
      const CtlPeerStats *peer = g_ptr_array_index (peers, i);

      ctl_table_cell (table, "%s", peer->id);
      ctl_table_cell (table, "%" G_GUINT64_FORMAT, peer->received);
      ctl_table_cell (table, "%" G_GUINT64_FORMAT, peer->delivered);
      ctl_table_cell (table, "%" G_GUINT64_FORMAT, peer->unsettled_messages);
      ctl_table_cell (table, "%" G_GUINT64_FORMAT, peer->missed);
      ctl_table_cell (table, "%" G_GUINT64_FORMAT, peer->queued_messages);
      ctl_table_cell (table, "%" G_GUINT64_FORMAT, peer->queued_bytes);
      ctl_table_cell (table, "%u", peer->pending_requests);
    }
  ctl_table_show (table, &ctl->output);
}

static gboolean
stats_show_bus (Ctl *ctl, GError **error)
{
  CtlStatsRequest request = DAEMONEYE__EVENTBUS__V1__STATS_REQUEST__INIT;
  g_autoptr (CtlStatsList) list = ctl_stats_ask (ctl, &request, error);
  g_autoptr (GPtrArray) peers = NULL;

  if (list == NULL)
    return FALSE;
  peers = stats_sorted_peers (&list->all);
  if (!ctl->output.json)
    stats_show_peer_table (ctl, peers);
  for (guint i = 0; ctl->output.json && i < peers->len; i++)
    ctl_message_print (ctl, g_ptr_array_index (peers, i));
  ctl_stats_warn (list);
  return TRUE;
}

/* Shows the fields with the names that they have in JSON. */
static void
stats_show_members (Ctl *ctl, JsonObject *object)
{
  g_autoptr (GList) names = json_object_get_members (object);

  for (GList *link = names; link != NULL; link = link->next)
    {
      JsonNode *value = json_object_get_member (object, link->data);

      if (JSON_NODE_HOLDS_VALUE (value))
        {
          g_autofree char *text = json_node_get_value_type (value) == G_TYPE_STRING ? json_node_dup_string (value)
                                                                                    : ctl_json_text (value, FALSE);

          ctl_output_field (&ctl->output, link->data, "%s", text);
        }
    }
}

static void
stats_show_subscriptions (Ctl *ctl, const Daemoneye__Eventbus__V1__ClientStats *stats)
{
  static const CtlColumn columns[] = {
    { N_ ("NUMBER"), CTL_COLUMN_RIGHT },
    { N_ ("PATTERN"), CTL_COLUMN_SHRINKS },
    { N_ ("DELIVERED"), CTL_COLUMN_RIGHT },
    { N_ ("MISSED"), CTL_COLUMN_RIGHT },
  };
  g_autoptr (CtlTable) table = ctl_table_new (columns, G_N_ELEMENTS (columns));

  for (size_t i = 0; i < stats->n_subscriptions; i++)
    {
      ctl_table_cell (table, "%u", stats->subscriptions[i]->subscription);
      ctl_table_cell (table, "%s", stats->subscriptions[i]->pattern);
      ctl_table_cell (table, "%" G_GUINT64_FORMAT, stats->subscriptions[i]->delivered);
      ctl_table_cell (table, "%" G_GUINT64_FORMAT, stats->subscriptions[i]->missed);
    }
  ctl_output_line (&ctl->output, "%s", "");
  ctl_table_show (table, &ctl->output);
}

static gboolean
stats_show_peer (Ctl *ctl, const char *peer, GError **error)
{
  Daemoneye__Eventbus__V1__StatsRequest request;
  g_autoptr (WireGuard) guard = NULL;
  g_autoptr (JsonNode) node = NULL;
  const Daemoneye__Eventbus__V1__ClientStats *stats;

  daemoneye__eventbus__v1__stats_request__init (&request);
  guard
      = ctl_ask_peer (ctl, peer, "GetStats", &request.base, &daemoneye__eventbus__v1__client_stats__descriptor, error);
  if (guard == NULL)
    return FALSE;
  stats = wire_guard_message (guard);
  node = ctl_message_json (&stats->base);
  if (ctl->output.json)
    ctl_output_json (&ctl->output, node);
  else
    {
      stats_show_members (ctl, json_node_get_object (node));
      stats_show_subscriptions (ctl, stats);
    }
  return TRUE;
}

gboolean
ctl_verb_stats (Ctl *ctl, char **args, GError **error)
{
  const CtlOptions *options = &ctl->options;

  if ((options->subscriptions != 0) + (options->groups != 0) + (options->domains != 0) > 1)
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("Give only one of --subscriptions, --groups and --domains"));
  if (options->subscriptions)
    return ctl_stats_view (ctl, CTL_VIEW_SUBSCRIPTIONS, args[0], error);
  if (options->groups)
    return ctl_stats_view (ctl, CTL_VIEW_GROUPS, args[0], error);
  if (options->domains)
    return ctl_stats_view (ctl, CTL_VIEW_DOMAINS, args[0], error);
  return args[0] != NULL ? stats_show_peer (ctl, args[0], error) : stats_show_bus (ctl, error);
}

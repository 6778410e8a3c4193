/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "ctl-stats.h"
#include "ctl-table.h"
#include "ctl-units.h"
#include "wire-class.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/*
 * The verb `slow`: shows the receivers that are behind, the number of messages that wait for them, and the time for which they have
 * been behind. It has three kinds of rows: subscriptions with waiting messages, publishers whose credit is held by such
 * subscriptions, and peers whose whole queue is above its soft limit.
 *
 * Each kind of row has a separate table, sorted by time, the longest first. Empty tables are omitted. If all tables are empty, one
 * line reports that no receiver is behind.
 */

typedef struct
{
  const CtlPeerStats *peer;
  const CtlPublishStats *credit;
} BlockedPublisher;

typedef struct
{
  const CtlStats *stats;
  GArray *blocked;  /* of Blocked */
  GPtrArray *above; /* CtlPeerStats; they belong to the reply */
} SlowView;

/* --- receivers and publishers --- */

static gint
slow_by_blocked (gconstpointer a, gconstpointer b)
{
  guint64 left = ((const BlockedPublisher *) a)->credit->blocked_us,
          right = ((const BlockedPublisher *) b)->credit->blocked_us;

  return (left < right) - (left > right);
}

static gint
slow_by_slow (gconstpointer a, gconstpointer b)
{
  guint64 left = (*(const CtlPeerStats *const *) a)->slow_us, right = (*(const CtlPeerStats *const *) b)->slow_us;

  return (left < right) - (left > right);
}

static void
slow_collect_rows (SlowView *slow)
{
  for (size_t i = 0; i < slow->stats->n_peers; i++)
    {
      CtlPeerStats *peer = slow->stats->peers[i];

      if (peer->slow_us > 0)
        g_ptr_array_add (slow->above, peer);
      for (size_t k = 0; k < peer->n_publish; k++)
        if (peer->publish[k]->blocked_us > 0)
          {
            BlockedPublisher blocked = { peer, peer->publish[k] };

            g_array_append_val (slow->blocked, blocked);
          }
    }
  g_array_sort (slow->blocked, slow_by_blocked);
  g_ptr_array_sort (slow->above, slow_by_slow);
}

/* --- tables --- */

/* Adds a cell with a time. 0 means that the condition is not true at present; the cell is then empty. */
static void
slow_add_duration (CtlTable *table, guint64 us)
{
  g_autofree char *duration = ctl_duration (us);

  ctl_table_cell (table, "%s", us > 0 ? duration : "");
}

static void
slow_add_bytes (CtlTable *table, guint64 bytes)
{
  g_autofree char *text = ctl_bytes (bytes);

  ctl_table_cell (table, "%s", text);
}

static CtlTable *
slow_subscription_table (const SlowView *slow)
{
  static const CtlColumn columns[] = {
    { N_ ("PEER"), CTL_COLUMN_SHRINKS }, { N_ ("PATTERN"), CTL_COLUMN_SHRINKS }, { N_ ("POLICY"), CTL_COLUMN_LEFT },
    { N_ ("WAITS"), CTL_COLUMN_RIGHT },  { N_ ("BYTES"), CTL_COLUMN_RIGHT },     { N_ ("FOR"), CTL_COLUMN_RIGHT },
    { N_ ("MISSED"), CTL_COLUMN_RIGHT },
  };
  CtlTable *table = ctl_table_new (columns, G_N_ELEMENTS (columns));

  for (size_t i = 0; i < slow->stats->n_subscriptions; i++)
    {
      const CtlQueueStats *queue = slow->stats->subscriptions[i];

      ctl_queue_add_cells (table, queue);
      slow_add_duration (table, queue->behind_us);
      ctl_table_cell (table, "%" PRIu64, queue->missed);
    }
  return table;
}

static CtlTable *
slow_publisher_table (const SlowView *slow)
{
  static const CtlColumn columns[] = {
    { N_ ("PEER"), CTL_COLUMN_SHRINKS }, { N_ ("CLASS"), CTL_COLUMN_LEFT }, { N_ ("HELD"), CTL_COLUMN_RIGHT },
    { N_ ("BYTES"), CTL_COLUMN_RIGHT },  { N_ ("FOR"), CTL_COLUMN_RIGHT },
  };
  CtlTable *table = ctl_table_new (columns, G_N_ELEMENTS (columns));

  for (guint i = 0; i < slow->blocked->len; i++)
    {
      const BlockedPublisher *blocked = &g_array_index (slow->blocked, BlockedPublisher, i);

      ctl_table_cell (table, "%s", blocked->peer->id);
      ctl_table_cell (table, "%s", wire_class_name ((WireClass) blocked->credit->class_));
      ctl_table_cell (table, "%" PRIu64, blocked->credit->held_messages);
      slow_add_bytes (table, blocked->credit->held_bytes);
      slow_add_duration (table, blocked->credit->blocked_us);
    }
  return table;
}

static CtlTable *
slow_peer_table (const SlowView *slow)
{
  static const CtlColumn columns[] = {
    { N_ ("PEER"), CTL_COLUMN_SHRINKS },  { N_ ("WAITS"), CTL_COLUMN_RIGHT }, { N_ ("BYTES"), CTL_COLUMN_RIGHT },
    { N_ ("ENCODED"), CTL_COLUMN_RIGHT }, { N_ ("FOR"), CTL_COLUMN_RIGHT },
  };
  CtlTable *table = ctl_table_new (columns, G_N_ELEMENTS (columns));

  for (guint i = 0; i < slow->above->len; i++)
    {
      const CtlPeerStats *peer = g_ptr_array_index (slow->above, i);

      ctl_table_cell (table, "%s", peer->id);
      ctl_table_cell (table, "%" PRIu64, peer->queued_messages);
      slow_add_bytes (table, peer->queued_bytes);
      slow_add_bytes (table, peer->encoded_bytes);
      slow_add_duration (table, peer->slow_us);
    }
  return table;
}

static void
slow_show_none (Ctl *ctl, const char *peer)
{
  if (peer != NULL)
    ctl_output_line (&ctl->output, _ ("%s is not behind, and has credit"), peer);
  else
    ctl_output_line (&ctl->output, "%s", _ ("No receiver is behind, and every publisher has credit"));
}

/* @peer: (nullable): shows only the rows of this peer. */
static void
slow_show_tables (Ctl *ctl, const SlowView *slow, const char *peer)
{
  static const struct
  {
    const char *title;
    CtlTable *(*make) (const SlowView *slow);
  } rows[] = {
    { N_ ("Subscriptions that are behind:"), slow_subscription_table },
    { N_ ("Publishers without credit, and the messages that blocking receivers hold:"), slow_publisher_table },
    { N_ ("Peers whose whole queue is above queue-soft-bytes:"), slow_peer_table },
  };
  gboolean any = FALSE;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (CtlTable) table = rows[i].make (slow);

      if (ctl_table_rows (table) == 0)
        continue;
      ctl_output_line (&ctl->output, "%s%s", any ? "\n" : "", _ (rows[i].title));
      ctl_table_show (table, &ctl->output);
      any = TRUE;
    }
  if (!any)
    slow_show_none (ctl, peer);
}

/* --- JSON --- */

static void
slow_show_objects (Ctl *ctl, const SlowView *slow)
{
  for (size_t i = 0; i < slow->stats->n_subscriptions; i++)
    ctl_output_json_object (&ctl->output, ctl_stats_json (&slow->stats->subscriptions[i]->base, "subscription"));
  for (guint i = 0; i < slow->blocked->len; i++)
    {
      const BlockedPublisher *blocked = &g_array_index (slow->blocked, BlockedPublisher, i);
      JsonObject *object = ctl_stats_json (&blocked->credit->base, "publisher");

      json_object_set_string_member (object, "peer", blocked->peer->id);
      json_object_set_string_member (object, "class_name", wire_class_name ((WireClass) blocked->credit->class_));
      ctl_output_json_object (&ctl->output, object);
    }
  for (guint i = 0; i < slow->above->len; i++)
    {
      const CtlPeerStats *peer = g_ptr_array_index (slow->above, i);

      ctl_output_json_object (&ctl->output, ctl_stats_json (&peer->base, "peer"));
    }
}

gboolean
ctl_verb_slow (Ctl *ctl, char **args, GError **error)
{
  CtlStatsRequest request;
  g_autoptr (CtlStatsList) list = NULL;
  SlowView slow;

  daemoneye__eventbus__v1__stats_request__init (&request);
  request.subscriptions = TRUE;
  request.slow = TRUE;
  if (args[0] != NULL)
    request.peer = args[0];
  list = ctl_stats_ask (ctl, &request, error);
  if (list == NULL)
    return FALSE;
  slow = (SlowView){ &list->all, g_array_new (FALSE, FALSE, sizeof (BlockedPublisher)), g_ptr_array_new () };
  slow_collect_rows (&slow);
  if (ctl->output.json)
    slow_show_objects (ctl, &slow);
  else
    slow_show_tables (ctl, &slow, args[0]);
  ctl_stats_warn (list);
  g_array_unref (slow.blocked);
  g_ptr_array_unref (slow.above);
  return TRUE;
}

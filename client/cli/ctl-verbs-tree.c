/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "ctl-catalog.h"
#include "ctl-groups.h"
#include "ctl-stats.h"
#include "ctl-table.h"
#include "ctl-units.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/* The verbs `peers`, `topics`, `subs` and `groups`: each reads one section of the broker's state and shows it as a table
 * or as JSON objects. */

static void
tree_show_entries (Ctl *ctl, const CtlTree *tree, gboolean (*wanted) (gconstpointer entry, char **args), char **args)
{
  for (guint i = 0; i < tree->entries->len; i++)
    if (wanted == NULL || wanted (g_ptr_array_index (tree->entries, i), args))
      ctl_message_print (ctl, g_ptr_array_index (tree->entries, i));
}

/* Shows all entries, as JSON objects or as the table rows that @add makes. */
static void
tree_show (Ctl *ctl,
           const CtlTree *tree,
           const CtlColumn *columns,
           guint n_columns,
           void (*add) (CtlTable *table, gconstpointer entry))
{
  g_autoptr (CtlTable) table = NULL;

  if (ctl->output.json)
    {
      tree_show_entries (ctl, tree, NULL, NULL);
      return;
    }
  table = ctl_table_new (columns, n_columns);
  for (guint i = 0; i < tree->entries->len; i++)
    add (table, g_ptr_array_index (tree->entries, i));
  ctl_table_show (table, &ctl->output);
}

static gboolean
tree_show_section (Ctl *ctl,
                   CtlSection section,
                   const char *peer,
                   const CtlColumn *columns,
                   guint n_columns,
                   void (*add) (CtlTable *table, gconstpointer entry),
                   GError **error)
{
  g_autoptr (CtlTree) tree = ctl_tree_read (ctl, section, peer, error);

  if (tree == NULL)
    return FALSE;
  tree_show (ctl, tree, columns, n_columns, add);
  return TRUE;
}

/* --- peers --- */

static void
tree_add_peer (CtlTable *table, gconstpointer entry)
{
  const CtlPeer *peer = entry;
  g_autofree char *since = ctl_moment (peer->since_us, FALSE);

  ctl_table_cell (table, "%s", peer->id);
  ctl_table_cell (table, "%s", ctl_role_name (peer->role));
  ctl_table_cell (table, "%s", peer->type);
  ctl_table_cell (table, "%u", peer->pid);
  ctl_table_cell (table, "%u", peer->uid);
  ctl_table_cell (table, "%s", peer->software_version);
  ctl_table_cell (table, "%u", peer->subscriptions);
  ctl_table_cell (table, "%s", since);
}

gboolean
ctl_verb_peers (Ctl *ctl, char **args, GError **error)
{
  static const CtlColumn columns[] = {
    { N_ ("PEER"), CTL_COLUMN_SHRINKS }, { N_ ("ROLE"), CTL_COLUMN_LEFT },
    { N_ ("TYPE"), CTL_COLUMN_SHRINKS }, { N_ ("PID"), CTL_COLUMN_RIGHT },
    { N_ ("UID"), CTL_COLUMN_RIGHT },    { N_ ("VERSION"), CTL_COLUMN_SHRINKS },
    { N_ ("SUBS"), CTL_COLUMN_RIGHT },   { N_ ("CONNECTED"), CTL_COLUMN_SHRINKS },
  };

  return tree_show_section (ctl, CTL_SECTION_PEERS, NULL, columns, G_N_ELEMENTS (columns), tree_add_peer, error);
}

/* --- topics --- */

static gboolean
tree_is_wanted_topic (gconstpointer entry, char **args)
{
  const CtlTopic *topic = entry;

  return args[0] == NULL || ctl_pattern_matches (args[0], topic->topic);
}

static gboolean
tree_has_wanted_topic (const CtlTree *tree, char **args)
{
  for (guint i = 0; i < tree->entries->len; i++)
    if (tree_is_wanted_topic (g_ptr_array_index (tree->entries, i), args))
      return TRUE;
  return FALSE;
}

static void
tree_add_topic (CtlTable *table, const CtlTopic *topic)
{
  g_autofree char *last = ctl_duration (topic->age_us);

  ctl_table_cell (table, "%s", topic->topic);
  ctl_table_cell (table, "%" G_GUINT64_FORMAT, topic->messages);
  ctl_table_cell (table, "%" G_GUINT64_FORMAT, topic->bytes);
  ctl_table_cell (table, "%u", topic->subscribers);
  ctl_table_cell (table, "%u", topic->servers);
  ctl_table_cell (table, _ ("%s ago"), last);
  ctl_table_cell (table, "%s", topic->type_name);
}

static void
tree_show_topics (Ctl *ctl, const CtlTree *tree, char **args)
{
  static const CtlColumn columns[] = {
    { N_ ("TOPIC"), CTL_COLUMN_SHRINKS },     { N_ ("MESSAGES"), CTL_COLUMN_RIGHT }, { N_ ("BYTES"), CTL_COLUMN_RIGHT },
    { N_ ("SUBSCRIBERS"), CTL_COLUMN_RIGHT }, { N_ ("SERVERS"), CTL_COLUMN_RIGHT },  { N_ ("LAST"), CTL_COLUMN_RIGHT },
    { N_ ("TYPE"), CTL_COLUMN_SHRINKS },
  };
  g_autoptr (CtlTable) table = ctl_table_new (columns, G_N_ELEMENTS (columns));

  for (guint i = 0; i < tree->entries->len; i++)
    if (tree_is_wanted_topic (g_ptr_array_index (tree->entries, i), args))
      tree_add_topic (table, g_ptr_array_index (tree->entries, i));
  ctl_table_show (table, &ctl->output);
  if (tree->topics_unseen > 0)
    ctl_output_line (
        &ctl->output,
        _ ("%" PRIu64 " messages were published on topics that the broker does not list (setting topics-seen)"),
        tree->topics_unseen);
}

gboolean
ctl_verb_topics (Ctl *ctl, char **args, GError **error)
{
  g_autoptr (CtlTree) tree = ctl_tree_read (ctl, CTL_SECTION_TOPICS, NULL, error);

  if (tree == NULL)
    return FALSE;
  if (args[0] != NULL && !tree_has_wanted_topic (tree, args))
    return ctl_fail (error, CTL_EXIT_NOTHING, _ ("No message was published on a topic that matches %s"), args[0]);
  if (ctl->output.json)
    tree_show_entries (ctl, tree, tree_is_wanted_topic, args);
  else
    tree_show_topics (ctl, tree, args);
  return TRUE;
}

/* --- subs --- */

static const char *
tree_kind_of (const CtlSubscription *subscription)
{
  return subscription->methods ? _ ("methods") : subscription->serve ? _ ("serves") : _ ("subscribes");
}

static void
tree_add_subscription (CtlTable *table, gconstpointer entry)
{
  const CtlSubscription *subscription = entry;
  ctl_table_cell (table, "%s", subscription->peer);
  ctl_table_cell (table, "%u", subscription->subscription);
  ctl_table_cell (table, "%s", tree_kind_of (subscription));
  ctl_table_cell (table, "%s", subscription->pattern);
  ctl_table_cell (table, "%s", subscription->group);
  ctl_table_cell (table, "%" G_GUINT64_FORMAT, subscription->delivered);
  ctl_table_cell (table, "%" G_GUINT64_FORMAT, subscription->missed);
}

gboolean
ctl_verb_subs (Ctl *ctl, char **args, GError **error)
{
  static const CtlColumn columns[] = {
    { N_ ("PEER"), CTL_COLUMN_SHRINKS },  { N_ ("NUMBER"), CTL_COLUMN_RIGHT },
    { N_ ("KIND"), CTL_COLUMN_LEFT },     { N_ ("PATTERN"), CTL_COLUMN_SHRINKS },
    { N_ ("GROUP"), CTL_COLUMN_SHRINKS }, { N_ ("DELIVERED"), CTL_COLUMN_RIGHT },
    { N_ ("MISSED"), CTL_COLUMN_RIGHT },
  };

  return tree_show_section (ctl, CTL_SECTION_SUBSCRIPTIONS, args[0], columns, G_N_ELEMENTS (columns),
                            tree_add_subscription, error);
}

/* --- groups --- */

static const char *
tree_kind_of_member (const CtlMember *member)
{
  if (member->draining)
    return _ ("drains");
  return member->serve ? _ ("serves") : _ ("subscribes");
}

static void
tree_add_group (CtlTable *table, gconstpointer entry)
{
  const CtlGroup *group = entry;
  for (size_t i = 0; i < group->n_member; i++)
    {
      const CtlMember *member = group->member[i];

      ctl_table_cell (table, "%s", group->name);
      ctl_table_cell (table, "%u", group->members);
      ctl_table_cell (table, "%s", member->peer);
      ctl_table_cell (table, "%s", member->pattern);
      ctl_table_cell (table, "%s", tree_kind_of_member (member));
      ctl_table_cell (table, "%s", member->serve ? "" : ctl_strategy_name (group->strategy));
      ctl_table_cell (table, "%u", MAX (member->weight, 1));
      ctl_table_cell (table, member->in_flight != 0 ? "%u" : "-", member->in_flight);
    }
}

gboolean
ctl_verb_groups (Ctl *ctl, char **args, GError **error)
{
  static const CtlColumn columns[] = {
    { N_ ("GROUP"), CTL_COLUMN_SHRINKS }, { N_ ("MEMBERS"), CTL_COLUMN_RIGHT },
    { N_ ("PEER"), CTL_COLUMN_SHRINKS },  { N_ ("PATTERN"), CTL_COLUMN_SHRINKS },
    { N_ ("KIND"), CTL_COLUMN_LEFT },     { N_ ("STRATEGY"), CTL_COLUMN_LEFT },
    { N_ ("WEIGHT"), CTL_COLUMN_RIGHT },  { N_ ("IN FLIGHT"), CTL_COLUMN_RIGHT },
  };

  g_autoptr (CtlTree) tree = ctl_groups_read (ctl, error);

  if (tree == NULL)
    return FALSE;
  tree_show (ctl, tree, columns, G_N_ELEMENTS (columns), tree_add_group);
  return TRUE;
}

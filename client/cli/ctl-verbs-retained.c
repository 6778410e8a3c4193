/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "control.pb-c.h"
#include "ctl-catalog.h"
#include "ctl-table.h"
#include "ctl-tree.h"
#include "ctl-units.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/* The verbs `retained` and `clear`: the values that the broker keeps for later subscribers. */

typedef Daemoneye__Eventbus__V1__ClearReply ClearReply;
typedef Daemoneye__Eventbus__V1__ClearRequest ClearRequest;

static void
retained_add (CtlTable *table, const CtlRetained *value)
{
  g_autofree char *age = ctl_duration (value->age_us);
  g_autofree char *left = value->remaining_us > 0 ? ctl_duration (value->remaining_us) : NULL;

  ctl_table_cell (table, "%s", value->topic);
  ctl_table_cell (table, "%s", value->sender);
  ctl_table_cell (table, "%" G_GUINT64_FORMAT, value->bytes);
  ctl_table_cell (table, "%s", age);
  ctl_table_cell (table, "%s", value->until_gone ? _ ("its sender disconnects") : left != NULL ? left : "");
  ctl_table_cell (table, "%s", value->type_name);
}

static void
retained_show_table (Ctl *ctl, const GPtrArray *values)
{
  static const CtlColumn columns[] = {
    { N_ ("TOPIC"), CTL_COLUMN_SHRINKS },
    { N_ ("SENDER"), CTL_COLUMN_SHRINKS },
    { N_ ("BYTES"), CTL_COLUMN_RIGHT },
    { N_ ("AGE"), CTL_COLUMN_RIGHT },
    { N_ ("UNTIL"), 0 },
    { N_ ("TYPE"), CTL_COLUMN_SHRINKS },
  };
  g_autoptr (CtlTable) table = ctl_table_new (columns, G_N_ELEMENTS (columns));

  for (guint i = 0; i < values->len; i++)
    retained_add (table, g_ptr_array_index (values, i));
  ctl_table_show (table, &ctl->output);
}

/* Returns entries that belong to the tree. */
static GPtrArray *
retained_select (const CtlTree *tree, const char *pattern)
{
  GPtrArray *values = g_ptr_array_new ();

  for (guint i = 0; i < tree->entries->len; i++)
    {
      CtlRetained *value = g_ptr_array_index (tree->entries, i);

      if (pattern == NULL || ctl_pattern_matches (pattern, value->topic))
        g_ptr_array_add (values, value);
    }
  return values;
}

gboolean
ctl_verb_retained (Ctl *ctl, char **args, GError **error)
{
  g_autoptr (CtlTree) tree = ctl_tree_read (ctl, CTL_SECTION_RETAINED, NULL, error);
  g_autoptr (GPtrArray) values = tree != NULL ? retained_select (tree, args[0]) : NULL;

  if (values == NULL)
    return FALSE;
  if (args[0] != NULL && values->len == 0)
    return ctl_fail (error, CTL_EXIT_NOTHING, _ ("No message is retained on a topic that matches %s"), args[0]);
  if (!ctl->output.json)
    retained_show_table (ctl, values);
  for (guint i = 0; ctl->output.json && i < values->len; i++)
    ctl_message_print (ctl, g_ptr_array_index (values, i));
  return TRUE;
}

gboolean
ctl_verb_clear (Ctl *ctl, char **args, GError **error)
{
  ClearRequest request = DAEMONEYE__EVENTBUS__V1__CLEAR_REQUEST__INIT;
  g_autoptr (WireGuard) guard = NULL;
  const ClearReply *reply;

  request.pattern = args[0];
  guard = ctl_ask (ctl, "control.bus.clear", NULL, NULL, &request.base,
                   &daemoneye__eventbus__v1__clear_reply__descriptor, error);
  if (guard == NULL)
    return FALSE;
  reply = wire_guard_message (guard);
  if (reply->cleared == 0)
    return ctl_fail (error, CTL_EXIT_NOTHING, _ ("No message is retained on a topic that matches %s"), args[0]);
  if (ctl->output.json)
    ctl_message_print (ctl, &reply->base);
  else
    ctl_output_line (&ctl->output, _ ("retained messages cleared: %u"), reply->cleared);
  return TRUE;
}

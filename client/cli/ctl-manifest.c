/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-manifest.h"

#include "ctl-json.h"
#include "ctl-table.h"
#include "terminal-text.h"

#include <glib/gi18n.h>

/* The names of the protocol, for JSON. */
static const char *const class_names[] = {
  NULL, "answered", "empty", "failed", "timed_out", "died", "cancelled", "refused", "never_asked"
}; /* index: DeyeBusAnswerClass */
static const char *const reason_names[]
    = { "",          "not_registered", "draining", "no_capability", "at_capacity",
        "set_aside", "suspect",        "paused",   "version",       "denied" }; /* index: DeyeBusNeverAsked */
static const char *const verdict_names[]
    = { NULL, "complete", "partial", "nobody", "failed" }; /* index: DeyeBusGatherVerdict */

static gboolean
manifest_entry_is_missing (DeyeBusManifestEntry *entry)
{
  return !deye_bus_manifest_entry_check (entry, NULL);
}

/* --- JSON --- */

void
ctl_manifest_set_extent (JsonObject *object, DeyeBusExtent *extent)
{
  guint64 rows;

  if (extent == NULL)
    return;
  if (deye_bus_extent_get_rows (extent, &rows))
    ctl_json_set_counter (object, "rows", rows);
  json_object_set_boolean_member (object, "truncated", deye_bus_extent_is_truncated (extent));
  if (deye_bus_extent_get_share (extent) > 0)
    json_object_set_int_member (object, "share_permille", deye_bus_extent_get_share (extent));
}

static JsonObject *
manifest_entry_object (DeyeBusManifestEntry *entry)
{
  JsonObject *object = json_object_new ();
  const char *id = deye_bus_manifest_entry_get_id (entry);
  const char *text = deye_bus_manifest_entry_get_text (entry);
  g_autoptr (DeyeBusExtent) extent = deye_bus_manifest_entry_dup_extent (entry);

  json_object_set_string_member (object, "id", id != NULL ? id : "");
  json_object_set_int_member (object, "shard", deye_bus_manifest_entry_get_shard (entry));
  json_object_set_string_member (object, "answer", class_names[deye_bus_manifest_entry_get_answer_class (entry)]);
  json_object_set_string_member (object, "never_asked", reason_names[deye_bus_manifest_entry_get_never_asked (entry)]);
  json_object_set_string_member (object, "text", text != NULL ? text : "");
  json_object_set_int_member (object, "attempts", deye_bus_manifest_entry_get_attempts (entry));
  json_object_set_boolean_member (object, "retryable", deye_bus_manifest_entry_is_retryable (entry));
  ctl_manifest_set_extent (object, extent);
  return object;
}

static JsonObject *
manifest_object (DeyeBusManifest *manifest)
{
  JsonObject *object = json_object_new ();
  JsonArray *members = json_array_new ();
  g_autolist (DeyeBusManifestEntry) entries = deye_bus_manifest_list_entries (manifest);

  json_object_set_string_member (object, "verdict", verdict_names[deye_bus_manifest_get_verdict (manifest)]);
  json_object_set_boolean_member (object, "is_met", deye_bus_manifest_is_met (manifest));
  json_object_set_int_member (object, "expected", deye_bus_manifest_get_expected (manifest));
  for (guint i = 1; i < G_N_ELEMENTS (class_names); i++)
    json_object_set_int_member (object, class_names[i], deye_bus_manifest_get_count (manifest, (DeyeBusAnswerClass) i));
  json_object_set_int_member (object, "truncated", deye_bus_manifest_get_truncated (manifest));
  json_object_set_int_member (object, "duplicates", deye_bus_manifest_get_duplicates (manifest));
  json_object_set_int_member (object, "late_answers", deye_bus_manifest_get_late (manifest));
  json_object_set_int_member (object, "joined_after", deye_bus_manifest_get_joined_after (manifest));
  json_object_set_boolean_member (object, "roster_is_sure", deye_bus_manifest_is_roster_sure (manifest));
  ctl_json_set_counter (object, "elapsed_us", (guint64) deye_bus_manifest_get_elapsed (manifest));
  for (GList *at = entries; at != NULL; at = at->next)
    json_array_add_object_element (members, manifest_entry_object (at->data));
  json_object_set_array_member (object, "members", members);
  return object;
}

/* --- standard error --- */

void
ctl_manifest_report (Ctl *ctl, DeyeBusManifest *manifest)
{
  g_autofree char *text = NULL;
  g_auto (GStrv) lines = NULL;

  if (ctl->output.json)
    {
      g_autoptr (JsonNode) node = json_node_new (JSON_NODE_OBJECT);
      g_autofree char *json = NULL;

      json_node_take_object (node, manifest_object (manifest));
      json = json_to_string (node, FALSE);
      g_printerr ("%s\n", json);
      return;
    }
  text = deye_bus_manifest_to_string (manifest);
  lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    {
      g_autofree char *safe = terminal_text_safe (*line);

      g_printerr ("%s\n", safe);
    }
}

/* --- missing answers --- */

static void
manifest_add_missing (CtlTable *table, DeyeBusManifestEntry *entry)
{
  const char *id = deye_bus_manifest_entry_get_id (entry);
  const char *text = deye_bus_manifest_entry_get_text (entry);
  DeyeBusNeverAsked reason = deye_bus_manifest_entry_get_never_asked (entry);

  if (id != NULL)
    ctl_table_cell (table, "%s", id);
  else
    ctl_table_cell (table, _ ("shard %u"), deye_bus_manifest_entry_get_shard (entry));
  ctl_table_cell (table, "%s",
                  reason != DEYE_BUS_NEVER_ASKED_NONE ? reason_names[reason]
                                                      : class_names[deye_bus_manifest_entry_get_answer_class (entry)]);
  ctl_table_cell (table, "%s", text != NULL ? text : "");
}

void
ctl_manifest_show_missing (Ctl *ctl, DeyeBusManifest *manifest)
{
  static const CtlColumn columns[] = { { N_ ("COLLECTOR"), CTL_COLUMN_SHRINKS },
                                       { N_ ("WHY"), CTL_COLUMN_LEFT },
                                       { N_ ("CAUSE"), CTL_COLUMN_SHRINKS } };
  g_autoptr (CtlTable) table = ctl_table_new (columns, G_N_ELEMENTS (columns));
  g_autolist (DeyeBusManifestEntry) entries = deye_bus_manifest_list_entries (manifest);

  for (GList *at = entries; at != NULL; at = at->next)
    {
      DeyeBusManifestEntry *entry = at->data;

      if (!manifest_entry_is_missing (entry))
        continue;
      if (ctl->output.json)
        ctl_output_json_object (&ctl->output, manifest_entry_object (entry));
      else
        manifest_add_missing (table, entry);
    }
  if (ctl_table_rows (table) > 0)
    ctl_table_show (table, &ctl->output);
}

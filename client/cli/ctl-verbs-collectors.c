/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "ctl-table.h"
#include "ctl-task-words.h"
#include "ctl-tasks.h"
#include "ctl-units.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/* The verb `collectors`: the collectors that are registered for tasks, their states and their load. */

#define SET_ASIDE DAEMONEYE__EVENTBUS__V1__MEMBER_STATE__MEMBER_SET_ASIDE

static char *
collectors_join_operations (const CtlCollector *collector)
{
  g_autoptr (GString) names = g_string_new (NULL);

  for (size_t i = 0; i < collector->n_operations; i++)
    g_string_append_printf (names, "%s%s", i > 0 ? ", " : "", collector->operations[i]->name);
  return g_strdup (names->str);
}

static char *
collectors_explain (const CtlCollector *collector)
{
  g_autofree char *held = NULL;

  if (collector->state != SET_ASIDE)
    return g_strdup (collector->cause);
  held = ctl_duration (collector->held_until_us);
  return g_strdup_printf (_ ("for %s: %s"), held, collector->cause);
}

static void
collectors_add (CtlTable *table, const CtlCollector *collector)
{
  g_autofree char *operations = collectors_join_operations (collector);
  g_autofree char *cause = collectors_explain (collector);

  ctl_table_cell (table, "%s", collector->id);
  ctl_table_cell (table, "%s", collector->type);
  ctl_table_cell (table, "%s", ctl_words_name (CTL_WORDS_COLLECTOR_STATES, collector->state));
  ctl_table_cell (table, "%u/%u", collector->running + collector->offered + collector->zombie,
                  collector->max_concurrent);
  ctl_table_cell (table, "%" PRIu64, collector->completed);
  ctl_table_cell (table, "%s", operations);
  ctl_table_cell (table, "%s", cause);
}

static void
collectors_show (Ctl *ctl, const CtlList *list)
{
  static const CtlColumn columns[] = {
    { N_ ("COLLECTOR"), CTL_COLUMN_SHRINKS }, { N_ ("TYPE"), CTL_COLUMN_SHRINKS },
    { N_ ("STATE"), CTL_COLUMN_LEFT },        { N_ ("IN USE"), CTL_COLUMN_RIGHT },
    { N_ ("DONE"), CTL_COLUMN_RIGHT },        { N_ ("OPERATIONS"), CTL_COLUMN_SHRINKS },
    { N_ ("CAUSE"), CTL_COLUMN_SHRINKS },
  };
  g_autoptr (CtlTable) table = ctl_table_new (columns, G_N_ELEMENTS (columns));

  for (guint i = 0; i < list->entries->len; i++)
    collectors_add (table, g_ptr_array_index (list->entries, i));
  ctl_table_show (table, &ctl->output);
}

static gboolean
collectors_set_state (char **states, CtlCollectorsRequest *request, GError **error)
{
  guint state;

  if (states == NULL)
    return TRUE;
  if (states[1] != NULL)
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("--state can be given only once"));
  if (!ctl_words_read (CTL_WORDS_COLLECTOR_STATES, "--state", states[0], &state, error))
    return FALSE;
  request->state = (Daemoneye__Eventbus__V1__MemberState) state;
  return TRUE;
}

static gboolean
collectors_are_filtered (const CtlOptions *options)
{
  return options->operation != NULL || options->collector_type != NULL || options->states != NULL
         || options->tags != NULL;
}

gboolean
ctl_verb_collectors (Ctl *ctl, char **args, GError **error)
{
  const CtlOptions *options = &ctl->options;
  CtlCollectorsRequest request;
  g_autoptr (CtlList) list = NULL;

  daemoneye__eventbus__v1__collectors_request__init (&request);
  if (options->operation != NULL)
    request.operation = options->operation;
  if (options->collector_type != NULL)
    request.type = options->collector_type;
  request.tags = options->tags;
  request.n_tags = options->tags != NULL ? g_strv_length (options->tags) : 0;
  if (!collectors_set_state (options->states, &request, error))
    return FALSE;
  list = ctl_collectors_list (ctl, &request, error);
  if (list == NULL)
    return FALSE;
  if (list->entries->len == 0 && collectors_are_filtered (options))
    return ctl_fail (error, CTL_EXIT_NOTHING,
                     _ ("No registered collector matches: `deyebusctl collectors` without options lists all"));
  if (ctl->output.json)
    ctl_list_print (ctl, list);
  else
    collectors_show (ctl, list);
  return TRUE;
}

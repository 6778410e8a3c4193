/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "ctl-table.h"
#include "ctl-task-words.h"
#include "ctl-tasks.h"
#include "ctl-units.h"

#include <glib/gi18n.h>

/* The verb `tasks`: the tasks of the broker, in the order of submission. */

static void
tasks_add (CtlTable *table, const CtlTask *task)
{
  g_autofree char *age = ctl_duration (task->age_us);

  ctl_table_cell (table, "%s", task->id);
  ctl_table_cell (table, "%s", task->operation);
  ctl_table_cell (table, "%s", ctl_words_name (CTL_WORDS_TASK_STATES, task->state));
  ctl_table_cell (table, "%s", ctl_words_awaited (task->reason));
  ctl_table_cell (table, "%s", task->holder);
  ctl_table_cell (table, "%u", task->attempt);
  ctl_table_cell (table, "%u", task->priority);
  ctl_table_cell (table, "%s", age);
  ctl_table_cell (table, "%s", task->account);
}

static void
tasks_show (Ctl *ctl, const CtlList *list)
{
  static const CtlColumn columns[] = {
    { N_ ("TASK"), CTL_COLUMN_SHRINKS },    { N_ ("OPERATION"), CTL_COLUMN_SHRINKS },
    { N_ ("STATE"), CTL_COLUMN_LEFT },      { N_ ("WAITS FOR"), CTL_COLUMN_SHRINKS },
    { N_ ("HOLDER"), CTL_COLUMN_SHRINKS },  { N_ ("ATTEMPT"), CTL_COLUMN_RIGHT },
    { N_ ("PRIORITY"), CTL_COLUMN_RIGHT },  { N_ ("AGE"), CTL_COLUMN_RIGHT },
    { N_ ("ACCOUNT"), CTL_COLUMN_SHRINKS },
  };
  g_autoptr (CtlTable) table = ctl_table_new (columns, G_N_ELEMENTS (columns));

  for (guint i = 0; i < list->entries->len; i++)
    tasks_add (table, g_ptr_array_index (list->entries, i));
  ctl_table_show (table, &ctl->output);
}

/* Returns the words of --state as an array of TaskState. NULL: one is not a state. (transfer full) */
static GArray *
tasks_read_states (char **words, GError **error)
{
  g_autoptr (GArray) states = g_array_new (FALSE, FALSE, sizeof (Daemoneye__Eventbus__V1__TaskState));

  for (; words != NULL && *words != NULL; words++)
    {
      Daemoneye__Eventbus__V1__TaskState state;
      guint value;

      if (!ctl_words_read (CTL_WORDS_TASK_STATES, "--state", *words, &value, error))
        return NULL;
      state = (Daemoneye__Eventbus__V1__TaskState) value;
      g_array_append_val (states, state);
    }
  return g_steal_pointer (&states);
}

static gboolean
tasks_are_filtered (const CtlOptions *options)
{
  return options->operation != NULL || options->states != NULL || options->holder != NULL || options->account != NULL;
}

gboolean
ctl_verb_tasks (Ctl *ctl, char **args, GError **error)
{
  const CtlOptions *options = &ctl->options;
  g_autoptr (GArray) states = tasks_read_states (options->states, error);
  g_autoptr (CtlList) list = NULL;
  CtlTasksRequest request;

  if (states == NULL)
    return FALSE;
  daemoneye__eventbus__v1__task_list_request__init (&request);
  request.states = (Daemoneye__Eventbus__V1__TaskState *) (gpointer) states->data;
  request.n_states = states->len;
  if (options->operation != NULL)
    request.operation = options->operation;
  if (options->holder != NULL)
    request.holder = options->holder;
  if (options->account != NULL)
    request.account = options->account;
  list = ctl_tasks_list (ctl, &request, error);
  if (list == NULL)
    return FALSE;
  if (list->entries->len == 0 && tasks_are_filtered (options))
    return ctl_fail (error, CTL_EXIT_NOTHING, _ ("No task matches: `deyebusctl tasks` without options lists all"));
  if (ctl->output.json)
    ctl_list_print (ctl, list);
  else
    tasks_show (ctl, list);
  return TRUE;
}

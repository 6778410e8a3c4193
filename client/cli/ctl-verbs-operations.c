/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "ctl-table.h"
#include "ctl-task-words.h"
#include "ctl-tasks.h"
#include "ctl-tree.h"
#include "ctl-units.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/*
 * The verbs `operations`, `operations pause`, `resume` and `limit`: the tasks of each operation and its settings.
 *
 * The broker stores the settings of an operation even if it has no tasks and no collectors, so an operation can be paused before
 * its first task is submitted.
 */

typedef Daemoneye__Eventbus__V1__OperationReply OperationReply;
typedef Daemoneye__Eventbus__V1__OperationRequest OperationRequest;

/* --- the list --- */

static void
operations_add (CtlTable *table, const CtlOperation *operation)
{
  g_autofree char *oldest = operation->oldest_us > 0 ? ctl_duration (operation->oldest_us) : NULL;
  g_autofree char *limit = operation->limit > 0 ? g_strdup_printf ("%u", operation->limit) : NULL;

  ctl_table_cell (table, "%s", operation->operation);
  ctl_table_cell (table, "%s", operation->is_paused ? _ ("paused") : _ ("open"));
  ctl_table_cell (table, "%u", operation->collectors);
  ctl_table_cell (table, "%u", operation->queued);
  ctl_table_cell (table, "%s", oldest != NULL ? oldest : "");
  ctl_table_cell (table, "%u", operation->delayed);
  ctl_table_cell (table, "%u", operation->running);
  ctl_table_cell (table, "%s", limit != NULL ? limit : "");
  ctl_table_cell (table, "%" PRIu64, operation->succeeded);
  ctl_table_cell (table, "%" PRIu64, operation->failed);
  ctl_table_cell (table, "%" PRIu64, operation->cancelled);
  ctl_table_cell (table, "%s",
                  operation->strategy != 0 ? ctl_words_name (CTL_WORDS_STRATEGIES, operation->strategy) : "");
}

static void
operations_show (Ctl *ctl, const CtlList *list)
{
  static const CtlColumn columns[] = {
    { N_ ("OPERATION"), CTL_COLUMN_SHRINKS }, { N_ ("STATE"), CTL_COLUMN_LEFT },
    { N_ ("COLLECTORS"), CTL_COLUMN_RIGHT },  { N_ ("QUEUED"), CTL_COLUMN_RIGHT },
    { N_ ("OLDEST"), CTL_COLUMN_RIGHT },      { N_ ("DELAYED"), CTL_COLUMN_RIGHT },
    { N_ ("RUNNING"), CTL_COLUMN_RIGHT },     { N_ ("LIMIT"), CTL_COLUMN_RIGHT },
    { N_ ("SUCCEEDED"), CTL_COLUMN_RIGHT },   { N_ ("FAILED"), CTL_COLUMN_RIGHT },
    { N_ ("CANCELLED"), CTL_COLUMN_RIGHT },   { N_ ("STRATEGY"), CTL_COLUMN_LEFT },
  };
  g_autoptr (CtlTable) table = ctl_table_new (columns, G_N_ELEMENTS (columns));

  for (guint i = 0; i < list->entries->len; i++)
    operations_add (table, g_ptr_array_index (list->entries, i));
  ctl_table_show (table, &ctl->output);
}

gboolean
ctl_verb_operations (Ctl *ctl, char **args, GError **error)
{
  g_autoptr (CtlList) list = ctl_operations_list (ctl, error);

  if (list == NULL)
    return FALSE;
  if (ctl->output.json)
    ctl_list_print (ctl, list);
  else
    operations_show (ctl, list);
  return TRUE;
}

/* --- settings --- */

/* NULL: see @error. The message of the guard is an OperationReply. */
static WireGuard *
operations_ask (Ctl *ctl, const char *method, const OperationRequest *request, GError **error)
{
  return ctl_ask (ctl, "control.bus.task", NULL, method, &request->base,
                  &daemoneye__eventbus__v1__operation_reply__descriptor, error);
}

/* Reports the operation after a change. */
static gboolean
operations_show_state (Ctl *ctl, const WireGuard *guard, GError **error)
{
  const CtlOperation *operation = ((const OperationReply *) wire_guard_message (guard))->operation;

  if (operation == NULL)
    return ctl_fail (error, CTL_EXIT_FAILED, _ ("The reply of the broker does not contain the operation"));
  if (ctl->output.json)
    {
      ctl_message_print (ctl, &operation->base);
      return TRUE;
    }
  if (operation->is_paused)
    ctl_output_line (&ctl->output, _ ("%s is paused: queued %u, running %u"), operation->operation, operation->queued,
                     operation->running);
  else if (operation->limit > 0)
    ctl_output_line (&ctl->output, _ ("%s is open, for at most %u tasks at once: queued %u, running %u"),
                     operation->operation, operation->limit, operation->queued, operation->running);
  else
    ctl_output_line (&ctl->output, _ ("%s is open, without a limit: queued %u, running %u"), operation->operation,
                     operation->queued, operation->running);
  return TRUE;
}

static gboolean
operations_change (Ctl *ctl, const char *method, OperationRequest *request, const char *name, GError **error)
{
  g_autoptr (WireGuard) guard = NULL;

  request->operation = (char *) name;
  guard = operations_ask (ctl, method, request, error);
  return guard != NULL && operations_show_state (ctl, guard, error);
}

gboolean
ctl_verb_pause (Ctl *ctl, char **args, GError **error)
{
  OperationRequest request = DAEMONEYE__EVENTBUS__V1__OPERATION_REQUEST__INIT;

  return operations_change (ctl, "PauseOperation", &request, args[0], error);
}

gboolean
ctl_verb_resume_operation (Ctl *ctl, char **args, GError **error)
{
  OperationRequest request = DAEMONEYE__EVENTBUS__V1__OPERATION_REQUEST__INIT;

  return operations_change (ctl, "ResumeOperation", &request, args[0], error);
}

/* Finds the limit in force. A request for another strategy has to repeat it. */
static gboolean
operations_find_limit (Ctl *ctl, const char *name, guint32 *limit, GError **error)
{
  g_autoptr (CtlList) list = ctl_operations_list (ctl, error);

  *limit = 0;
  for (guint i = 0; list != NULL && i < list->entries->len; i++)
    {
      const CtlOperation *operation = g_ptr_array_index (list->entries, i);

      if (g_str_equal (operation->operation, name))
        *limit = operation->limit;
    }
  return list != NULL;
}

static gboolean
operations_read_limit (Ctl *ctl, const char *name, const char *text, guint32 *limit, GError **error)
{
  guint64 value;

  if (text == NULL && ctl->options.strategy == NULL)
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("Give a number of tasks, --strategy NAME, or both"));
  if (text == NULL)
    return operations_find_limit (ctl, name, limit, error);
  if (!g_ascii_string_to_unsigned (text, 10, 0, G_MAXUINT32, &value, NULL))
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("The limit must be a whole number, or 0 for no limit, not \"%s\""),
                     text);
  *limit = (guint32) value;
  return TRUE;
}

gboolean
ctl_verb_limit (Ctl *ctl, char **args, GError **error)
{
  OperationRequest request = DAEMONEYE__EVENTBUS__V1__OPERATION_REQUEST__INIT;
  guint strategy = 0;

  if (ctl->options.strategy != NULL
      && !ctl_words_read (CTL_WORDS_STRATEGIES, "--strategy", ctl->options.strategy, &strategy, error))
    return FALSE;
  if (!operations_read_limit (ctl, args[0], args[1], &request.limit, error))
    return FALSE;
  request.strategy = (Daemoneye__Eventbus__V1__Strategy) strategy;
  return operations_change (ctl, "Limit", &request, args[0], error);
}

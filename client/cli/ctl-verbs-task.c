/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "ctl-result.h"
#include "ctl-table.h"
#include "ctl-task-words.h"
#include "ctl-tasks.h"
#include "ctl-tree.h"
#include "ctl-units.h"

#include <glib/gi18n.h>
#include <inttypes.h>

/* The verbs `task show`, `task history` and `task result`: the record of one task. */

static const char *
task_state_name (const CtlTask *task)
{
  return ctl_words_name (CTL_WORDS_TASK_STATES, task->state);
}

static gboolean
task_is_live (const CtlTask *task)
{
  return (guint) task->state < DEYE_BUS_TASK_STATE_SUCCEEDED;
}

/* --- show --- */

static void
task_show_wait (CtlOutput *output, const CtlTask *task)
{
  g_autofree char *next = ctl_duration (task->next_us);

  if (task->state == DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_DELAYED)
    ctl_output_field (output, _ ("waits for"), _ ("%s, in %s"), ctl_words_awaited (task->reason), next);
  else if (task->reason != 0)
    ctl_output_field (output, _ ("waits for"), "%s", ctl_words_awaited (task->reason));
}

static void
task_show_attempts (CtlOutput *output, const CtlTask *task)
{
  if (*task->holder != '\0')
    ctl_output_field (output, _ ("holder"), _ ("%s, attempt %u"), task->holder, task->attempt);
  if (task->failures + task->expiries + task->deaths + task->interruptions > 0)
    ctl_output_field (output, _ ("attempts"), _ ("failed %u, expired %u, collector died %u, interrupted %u"),
                      task->failures, task->expiries, task->deaths, task->interruptions);
}

static void
task_show_progress (CtlOutput *output, const Daemoneye__Eventbus__V1__Progress *progress)
{
  const char *colon = *progress->text != '\0' ? ": " : "";

  if (progress->total > 0)
    ctl_output_field (output, _ ("progress"), _ ("%" PRIu64 " of %" PRIu64 "%s%s"), progress->done, progress->total,
                      colon, progress->text);
  else
    ctl_output_field (output, _ ("progress"), "%" PRIu64 "%s%s", progress->done, colon, progress->text);
}

static void
task_show_outcome (CtlOutput *output, const CtlTask *task)
{
  const Daemoneye__Eventbus__V1__Outcome *outcome = task->outcome;

  if (outcome != NULL && *outcome->error_name != '\0')
    ctl_output_field (output, _ ("error"), "%s: %s", outcome->error_name, outcome->error_text);
  else if (outcome != NULL && *outcome->error_text != '\0')
    ctl_output_field (output, _ ("error"), "%s", outcome->error_text);
  if (outcome != NULL && *outcome->payload_type != '\0')
    ctl_output_field (output, _ ("result"), "%s", outcome->payload_type);
}

static void
task_show_notes (CtlOutput *output, const CtlTask *task)
{
  const struct
  {
    gboolean holds;
    const char *text;
  } notes[] = {
    { task->late, N_ ("the result arrived after the deadline") },
    { task->unconfirmed,
      N_ ("its collector has not confirmed the cancellation, and may still be working on the task") },
    { task->is_suspect, N_ ("a collector died while it worked on the task, so the task runs alone") },
    { task->payload_dropped, N_ ("the result is not kept any more") },
  };

  for (guint i = 0; i < G_N_ELEMENTS (notes); i++)
    if (notes[i].holds)
      ctl_output_field (output, _ ("note"), "%s", _ (notes[i].text));
}

static void
task_show_times (CtlOutput *output, const CtlTask *task)
{
  g_autofree char *age = ctl_duration (task->age_us);
  g_autofree char *left = ctl_duration (task->remaining_us);

  ctl_output_field (output, _ ("submitted"), task_is_live (task) ? _ ("%s ago, %s are left") : _ ("%s ago"), age, left);
}

static void
task_show (CtlOutput *output, const CtlTask *task)
{
  ctl_output_field (output, _ ("task"), "%s", task->id);
  ctl_output_field (output, _ ("operation"), "%s", task->operation);
  ctl_output_field (output, _ ("state"), "%s%s%s", task_state_name (task), *task->cause != '\0' ? ": " : "",
                    task->cause);
  task_show_wait (output, task);
  task_show_attempts (output, task);
  if (task->progress != NULL)
    task_show_progress (output, task->progress);
  task_show_outcome (output, task);
  task_show_notes (output, task);
  if (*task->type != '\0')
    ctl_output_field (output, _ ("type"), "%s", task->type);
  if (*task->target != '\0')
    ctl_output_field (output, _ ("target"), "%s", task->target);
  ctl_output_field (output, _ ("priority"), "%u", task->priority);
  ctl_output_field (output, _ ("account"), "%s", task->account);
  ctl_output_field (output, _ ("payload"), _ ("%" PRIu64 " bytes"), task->payload_bytes);
  task_show_times (output, task);
}

gboolean
ctl_verb_task_show (Ctl *ctl, char **args, GError **error)
{
  g_autoptr (WireGuard) guard = ctl_task_ask (ctl, "Get", args[0], error);

  if (guard == NULL)
    return FALSE;
  if (ctl->output.json)
    ctl_message_print (ctl, &ctl_task_of (guard)->base);
  else
    task_show (&ctl->output, ctl_task_of (guard));
  return TRUE;
}

/* --- history --- */

static void
task_show_history (Ctl *ctl, const CtlTask *task)
{
  static const CtlColumn columns[] = {
    { N_ ("AGO"), CTL_COLUMN_RIGHT },     { N_ ("STATE"), CTL_COLUMN_LEFT },
    { N_ ("ATTEMPT"), CTL_COLUMN_RIGHT }, { N_ ("COLLECTOR"), CTL_COLUMN_SHRINKS },
    { N_ ("CAUSE"), CTL_COLUMN_SHRINKS },
  };
  g_autoptr (CtlTable) table = ctl_table_new (columns, G_N_ELEMENTS (columns));

  for (size_t i = 0; i < task->n_history; i++)
    {
      const Daemoneye__Eventbus__V1__TaskHistory *step = task->history[i];
      g_autofree char *ago = ctl_duration (step->ago_us);

      ctl_table_cell (table, "%s", ago);
      ctl_table_cell (table, "%s", ctl_words_name (CTL_WORDS_TASK_STATES, step->state));
      ctl_table_cell (table, "%u", step->attempt);
      ctl_table_cell (table, "%s", step->collector);
      ctl_table_cell (table, "%s", step->cause);
    }
  ctl_table_show (table, &ctl->output);
}

gboolean
ctl_verb_task_history (Ctl *ctl, char **args, GError **error)
{
  g_autoptr (WireGuard) guard = ctl_task_ask (ctl, "Get", args[0], error);
  const CtlTask *task = guard != NULL ? ctl_task_of (guard) : NULL;

  if (task == NULL)
    return FALSE;
  if (task->n_history == 0 && !task_is_live (task))
    return ctl_fail (error, CTL_EXIT_NOTHING, _ ("%s has ended, and its steps are not kept any more"), task->id);
  if (!ctl->output.json)
    task_show_history (ctl, task);
  for (size_t i = 0; ctl->output.json && i < task->n_history; i++)
    ctl_message_print (ctl, &task->history[i]->base);
  return TRUE;
}

/* --- result --- */

/* There is no result. */
static gboolean
task_fail_without_result (const CtlTask *task, GError **error)
{
  if (task_is_live (task))
    return ctl_fail (error, CTL_EXIT_NOTHING, _ ("%s has not ended: it is %s; `deyebusctl task why %s` says more"),
                     task->id, task_state_name (task), task->id);
  if (task->state == DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_SUCCEEDED)
    return ctl_fail (error, CTL_EXIT_NOTHING, _ ("%s has succeeded, and its result is not kept any more"), task->id);
  return ctl_fail (error, CTL_EXIT_FAILED, _ ("%s has no result: it is %s; `deyebusctl task why %s` says more"),
                   task->id, task_state_name (task), task->id);
}

gboolean
ctl_verb_task_result (Ctl *ctl, char **args, GError **error)
{
  g_autoptr (WireGuard) guard = ctl_task_ask (ctl, "Result", args[0], error);
  const CtlTask *task = guard != NULL ? ctl_task_of (guard) : NULL;
  g_autoptr (GBytes) payload = NULL;

  if (task == NULL)
    return FALSE;
  if (task->state != DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_SUCCEEDED || task->payload_dropped
      || task->outcome == NULL)
    return task_fail_without_result (task, error);
  payload = g_bytes_new (task->outcome->payload.data, task->outcome->payload.len);
  ctl_result_show (ctl, task->id, payload, task->outcome->payload_type, task->holder);
  return TRUE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "ctl-task-words.h"
#include "ctl-tasks.h"
#include "ctl-tree.h"
#include "terminal-text.h"
#include "wire-status.h"

#include <glib/gi18n.h>

/*
 * The verbs `task cancel`, `task release` and `task drop`: one request for all ids, with a verdict on each.
 *
 * Verdicts of success are printed on standard output; the other verdicts are in the error. If one task is refused, the others are
 * changed nevertheless.
 */

typedef Daemoneye__Eventbus__V1__SubmitVerdict Verdict;
typedef Daemoneye__Eventbus__V1__TaskIdsReply IdsReply;

static void
act_show (Ctl *ctl, const Verdict *verdict)
{
  g_autofree char *id = terminal_text_safe (verdict->id);
  g_autofree char *detail = terminal_text_safe (verdict->detail);

  if (ctl->output.json)
    ctl_message_print (ctl, &verdict->base);
  else if (*detail != '\0')
    ctl_output_line (&ctl->output, "%s: %s (%s)", id, ctl_words_name (CTL_WORDS_TASK_STATES, verdict->state), detail);
  else
    ctl_output_line (&ctl->output, "%s: %s", id, ctl_words_name (CTL_WORDS_TASK_STATES, verdict->state));
}

/* Shows the verdicts, and fails if one of them is a refusal. */
static gboolean
act_report (Ctl *ctl, const IdsReply *reply, GError **error)
{
  g_autoptr (GString) refused = g_string_new (NULL);
  CtlExit exit_code = CTL_EXIT_NOTHING;

  for (size_t i = 0; i < reply->n_verdicts; i++)
    {
      const Verdict *verdict = reply->verdicts[i];

      if (verdict->status == WIRE_STATUS_OK)
        act_show (ctl, verdict);
      else
        g_string_append_printf (refused, "%s%s: %s", refused->len > 0 ? "; " : "", verdict->id, verdict->detail);
      if (verdict->status != WIRE_STATUS_OK && verdict->status != WIRE_STATUS_ABSENT)
        exit_code = CTL_EXIT_FAILED;
    }
  return refused->len == 0
         || ctl_fail (error, exit_code, _ ("%s; `deyebusctl tasks` lists the tasks of all accounts"), refused->str);
}

static gboolean
act_run (Ctl *ctl, const char *method, char **ids, GError **error)
{
  Daemoneye__Eventbus__V1__TaskIdsRequest request;
  g_autoptr (WireGuard) guard = NULL;

  daemoneye__eventbus__v1__task_ids_request__init (&request);
  request.ids = ids;
  request.n_ids = g_strv_length (ids);
  if (ctl->options.account != NULL)
    request.account = ctl->options.account;
  if (ctl->options.cause != NULL)
    request.cause = ctl->options.cause;
  guard = ctl_ask (ctl, "control.bus.task", NULL, method, &request.base,
                   &daemoneye__eventbus__v1__task_ids_reply__descriptor, error);
  return guard != NULL && act_report (ctl, wire_guard_message (guard), error);
}

gboolean
ctl_verb_task_cancel (Ctl *ctl, char **args, GError **error)
{
  return act_run (ctl, "Cancel", args, error);
}

gboolean
ctl_verb_task_release (Ctl *ctl, char **args, GError **error)
{
  return act_run (ctl, "Release", args, error);
}

gboolean
ctl_verb_task_drop (Ctl *ctl, char **args, GError **error)
{
  return act_run (ctl, "Drop", args, error);
}

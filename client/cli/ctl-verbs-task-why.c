/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-verbs.h"

#include "ctl-task-why.h"
#include "ctl-task-words.h"
#include "terminal-text.h"

/* The verb `task why`: the explanation of a task (ctl-task-why) on standard output. */

static void
why_show_line (Ctl *ctl, const char *text)
{
  g_autofree char *safe = terminal_text_safe (text);

  ctl_output_line (&ctl->output, "%s", safe);
}

static void
why_show (Ctl *ctl, const CtlTask *task, const CtlWhy *why)
{
  JsonObject *object;

  if (!ctl->output.json)
    {
      why_show_line (ctl, why->why);
      if (why->advice != NULL)
        why_show_line (ctl, why->advice);
      return;
    }
  object = json_object_new ();
  json_object_set_string_member (object, "id", task->id);
  json_object_set_string_member (object, "state", ctl_words_json_state (task->state));
  json_object_set_string_member (object, "reason", ctl_words_json_reason (task->reason));
  json_object_set_string_member (object, "why", why->why);
  if (why->advice != NULL)
    json_object_set_string_member (object, "advice", why->advice);
  ctl_output_json_object (&ctl->output, object);
}

gboolean
ctl_verb_task_why (Ctl *ctl, char **args, GError **error)
{
  g_autoptr (WireGuard) guard = ctl_task_ask (ctl, "Get", args[0], error);
  const CtlTask *task = guard != NULL ? ctl_task_of (guard) : NULL;
  g_autoptr (CtlList) collectors = NULL;
  g_auto (CtlWhy) why = { 0 };
  CtlCollectorsRequest request;

  if (task == NULL)
    return FALSE;
  if ((guint) task->reason == DEYE_BUS_WAIT_REASON_NO_CAPABILITY)
    {
      daemoneye__eventbus__v1__collectors_request__init (&request);
      request.operation = task->operation;
      collectors = ctl_collectors_list (ctl, &request, error);
      if (collectors == NULL)
        return FALSE;
    }
  ctl_why_init (&why, task, collectors);
  why_show (ctl, task, &why);
  return TRUE;
}

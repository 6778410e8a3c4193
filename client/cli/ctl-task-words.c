/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-task-words.h"

#include "coordination.pb-c.h"
#include "ctl-error.h"
#include "ctl-json-member.h"

#include <glib/gi18n.h>

/* Each list begins with the value 1 of its enumeration. */
typedef struct
{
  const char *const *names;
  guint n;
} WordList;

static const char *const task_states[] = { "queued",    "delayed", "offered",   "running",   "cancelling",
                                           "succeeded", "failed",  "timed-out", "cancelled", "quarantined" };
static const char *const collector_states[] = { "registered", "ready", "suspect", "set-aside", "draining", "gone" };
static const char *const strategies[] = { "round-robin", "least-loaded", "random", "first-available" };

static const WordList lists[CTL_N_WORDS] = {
  [CTL_WORDS_TASK_STATES] = { task_states, G_N_ELEMENTS (task_states) },
  [CTL_WORDS_COLLECTOR_STATES] = { collector_states, G_N_ELEMENTS (collector_states) },
  [CTL_WORDS_STRATEGIES] = { strategies, G_N_ELEMENTS (strategies) },
};

const char *
ctl_words_name (CtlWords words, guint value)
{
  return value >= 1 && value <= lists[words].n ? lists[words].names[value - 1] : "?";
}

gboolean
ctl_words_read (CtlWords words, const char *option, const char *text, guint *value, GError **error)
{
  const WordList *list = &lists[words];
  g_autoptr (GString) known = g_string_new (list->names[0]);

  for (guint i = 0; i < list->n; i++)
    if (g_str_equal (list->names[i], text))
      {
        *value = i + 1;
        return TRUE;
      }
  for (guint i = 1; i < list->n; i++)
    g_string_append_printf (known, ", %s", list->names[i]);
  return ctl_fail (error, CTL_EXIT_USAGE, _ ("%s must be one of %s, not \"%s\""), option, known->str, text);
}

const char *
ctl_words_awaited (guint reason)
{
  static const char *const awaited[] = {
    NULL,
    N_ ("a collector that has the operation and the tags"),
    N_ ("a free collector"),
    N_ ("a collector that does not drain"),
    N_ ("a collector that is set aside"),
    N_ ("the end of a pause"),
    N_ ("a collector without other tasks"),
    N_ ("its next attempt"),
    N_ ("the end of its delay"),
    N_ ("the limit of the operation"),
    N_ ("its target"),
    N_ ("the collector that may run it"),
  };

  if (reason == 0)
    return "";
  return reason < G_N_ELEMENTS (awaited) ? _ (awaited[reason]) : "?";
}

static const char *
words_json_name (const ProtobufCEnumDescriptor *type, guint value)
{
  const ProtobufCEnumValue *known = ctl_json_enum_value (type, (int) value);

  return known != NULL ? known->name : "?";
}

const char *
ctl_words_json_state (guint state)
{
  return words_json_name (&daemoneye__eventbus__v1__task_state__descriptor, state);
}

const char *
ctl_words_json_reason (guint reason)
{
  return words_json_name (&daemoneye__eventbus__v1__wait_reason__descriptor, reason);
}

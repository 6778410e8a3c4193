/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-help.h"

#include <glib/gi18n.h>
#include <string.h>

static char *
help_usage_of (const CtlVerb *verb)
{
  const char *arguments = ctl_verb_arguments (verb);

  return g_strjoin (*arguments != '\0' ? " " : "", verb->name, arguments, NULL);
}

/* @group: (nullable): only verbs whose name begins with this word. */
static gboolean
help_wants (const CtlVerb *verb, const char *group)
{
  gsize len = group != NULL ? strlen (group) : 0;

  return verb->summary != NULL && (group == NULL || (strncmp (verb->name, group, len) == 0 && verb->name[len] == ' '));
}

static glong
help_widest_usage (const char *group)
{
  guint n;
  const CtlVerb *verbs = ctl_verb_table (&n);
  glong widest = 0;

  for (guint i = 0; i < n; i++)
    if (help_wants (&verbs[i], group))
      {
        g_autofree char *usage = help_usage_of (&verbs[i]);

        widest = MAX (widest, g_utf8_strlen (usage, -1));
      }
  return widest;
}

static void
help_list (CtlOutput *output, const char *group)
{
  guint n;
  const CtlVerb *verbs = ctl_verb_table (&n);
  glong widest = help_widest_usage (group);

  for (guint i = 0; i < n; i++)
    if (help_wants (&verbs[i], group))
      {
        g_autofree char *usage = help_usage_of (&verbs[i]);
        glong missing = widest - g_utf8_strlen (usage, -1);

        ctl_output_line (output, "  %s%*s  %s", usage, (int) missing, "", _ (verbs[i].summary));
      }
}

void
ctl_help_show_verbs (Ctl *ctl)
{
  CtlOutput *output = &ctl->output;

  ctl_output_line (output, "%s", _ ("deyebusctl inspects the DaemonEye event bus and sends messages on it."));
  ctl_output_line (output, "%s", "");
  ctl_output_line (output, "%s", _ ("Usage: deyebusctl [OPTION...] VERB [ARGUMENT...]"));
  ctl_output_line (output, "%s", "");
  help_list (output, NULL);
  ctl_output_line (output, "%s", "");
  ctl_output_line (
      output, "%s",
      _ ("JSON is text, @FILE, or - for standard input. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no connection,\n"
         "4 denied, 5 no answer in time, 6 nothing matched, 7 partial answer."));
}

void
ctl_help_show_verb (Ctl *ctl, const CtlVerb *verb)
{
  CtlOptions unused = { 0 };
  g_autoptr (GOptionContext) context = ctl_options_context_new (&unused, verb->takes, ctl_verb_arguments (verb));
  g_autofree char *text = NULL;
  g_autofree char *name = g_strconcat ("deyebusctl ", verb->name, NULL);
  g_autofree char *before = g_strdup (g_get_prgname ());

  g_option_context_set_summary (context, _ (verb->summary));
  g_set_prgname (name); /* GOption puts it into the usage line */
  text = g_option_context_get_help (context, TRUE, NULL);
  g_set_prgname (before);
  ctl_output_bytes (&ctl->output, text, strlen (text));
  help_list (&ctl->output, verb->name);
}

gboolean
ctl_verb_help (Ctl *ctl, char **args, GError **error)
{
  guint n_words = 0;
  const CtlVerb *verb = args[0] != NULL ? ctl_verb_find_words (args[0], args[1], &n_words) : NULL;

  if (args[0] == NULL)
    ctl_help_show_verbs (ctl);
  else if (verb != NULL && (args[1] == NULL || n_words == 2))
    ctl_help_show_verb (ctl, verb);
  else if (ctl_verb_is_group (args[0]) && args[1] == NULL)
    help_list (&ctl->output, args[0]);
  else
    return ctl_verb_fail_unknown (args[0], args[1], error);
  return TRUE;
}

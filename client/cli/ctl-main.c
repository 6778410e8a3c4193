/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-console.h"
#include "ctl-help.h"
#include "ctl-verb-table.h"
#include "deye-bus-locale.h"
#include "terminal-text.h"

#include <glib/gi18n.h>
#include <stdlib.h>

/* The main program of deyebusctl: it parses the command line, finds the verb in its table, runs it, and turns the result
 * into an exit code. */

/* Without a broker only the version of the tool is shown. */
gboolean
ctl_verb_version (Ctl *ctl, char **args, GError **error)
{
  g_autofree char *broker = NULL;
  JsonObject *object;

  if (ctl_connect (ctl, NULL))
    g_object_get (ctl->client, "broker-version", &broker, NULL);
  if (!ctl->output.json)
    {
      ctl_output_field (&ctl->output, "deyebusctl", "%s", PACKAGE_VERSION);
      if (broker != NULL)
        ctl_output_field (&ctl->output, _ ("broker"), "%s", broker);
      return TRUE;
    }
  object = json_object_new ();
  json_object_set_string_member (object, "deyebusctl", PACKAGE_VERSION);
  if (broker != NULL)
    json_object_set_string_member (object, "broker", broker);
  ctl_output_json_object (&ctl->output, object);
  return TRUE;
}

/* --- a run --- */

static gboolean
main_check_arguments (const CtlVerb *verb, guint n, GError **error)
{
  const char *arguments = ctl_verb_arguments (verb);

  if (n >= verb->least && n <= verb->most)
    return TRUE;
  return ctl_fail (error, CTL_EXIT_USAGE, _ ("Usage: deyebusctl %s%s%s; see `deyebusctl help %s`"), verb->name,
                   *arguments != '\0' ? " " : "", arguments, verb->name);
}

/* Checks that the arguments are UTF-8 text, except a payload or the name of a file, which may contain any bytes. */
static gboolean
main_check_text (const CtlVerb *verb, const GPtrArray *words, GError **error)
{
  guint end = (verb->takes & CTL_TAKES_TYPE) != 0 ? verb->most : words->len;

  for (guint i = 1; i < MIN (end, words->len); i++)
    if (!g_utf8_validate (g_ptr_array_index (words, i), -1, NULL))
      return ctl_fail (error, CTL_EXIT_USAGE,
                       _ ("Topics, ids and options are UTF-8 text; other bytes belong in the payload"));
  return TRUE;
}

/* Fails if the connection has ended: the verb has printed the answers that it got, and others may be missing. */
static gboolean
main_check_connection (Ctl *ctl, GError **error)
{
  return ctl->client == NULL || ctl_is_connected (ctl) || ctl->output.gone
         || ctl_fail (error, CTL_EXIT_NO_BROKER,
                      _ ("The connection to the broker has ended: the output is not complete"));
}

static gboolean
main_run_verb (Ctl *ctl, const CtlVerb *verb, GPtrArray *words, GError **error)
{
  g_autoptr (GOptionContext) context = ctl_options_context_new (&ctl->options, verb->takes, ctl_verb_arguments (verb));

  if (!ctl_options_parse (context, words, FALSE, error))
    return FALSE;
  ctl_output_init (&ctl->output, ctl->options.json);
  if (ctl->options.help)
    {
      ctl_help_show_verb (ctl, verb);
      return TRUE;
    }
  if (!main_check_arguments (verb, words->len - 1, error) || !main_check_text (verb, words, error)
      || !ctl_options_check (&ctl->options, error))
    return FALSE;
  g_ptr_array_add (words, NULL);
  ctl_start_clock (ctl);
  return verb->run (ctl, (char **) words->pdata + 1, error) && main_check_connection (ctl, error);
}

/* @words: the name of the program, the words of the verb, and its arguments. */
static gboolean
main_find_verb (Ctl *ctl, GPtrArray *words, GError **error)
{
  const char *first = g_ptr_array_index (words, 1);
  const char *second = words->len > 2 ? g_ptr_array_index (words, 2) : NULL;
  guint n_words;
  const CtlVerb *verb = ctl_verb_find_words (first, second, &n_words);

  second = second != NULL && *second != '-' ? second : NULL;
  if (verb == NULL || (n_words == 1 && second != NULL && verb->most == 0 && ctl_verb_is_group (first)))
    return ctl_verb_fail_unknown (first, second, error);
  g_ptr_array_remove_range (words, 1, n_words);
  return main_run_verb (ctl, verb, words, error);
}

static gboolean
main_run (Ctl *ctl, int argc, char **argv, GError **error)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GOptionContext) context = ctl_options_context_new (&ctl->options, 0, NULL);

  for (int i = 0; i < argc; i++)
    g_ptr_array_add (words, g_strdup (argv[i]));
  ctl_output_init (&ctl->output, FALSE);
  g_option_context_set_strict_posix (context, TRUE); /* stop at the verb */
  if (!ctl_options_parse (context, words, TRUE, error))
    return FALSE;
  if (words->len > 1 && g_str_equal (g_ptr_array_index (words, 1), "--"))
    g_ptr_array_remove_index (words, 1);
  if (ctl->options.help)
    {
      ctl_help_show_verbs (ctl);
      return TRUE;
    }
  if (words->len < 2)
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("No verb given: `deyebusctl help` lists all verbs"));
  return main_find_verb (ctl, words, error);
}

static void
main_print_error (const GError *error)
{
  const char *hint = ctl_error_hint (error);
  g_autofree char *text = terminal_text_safe (error->message); /* it may contain the text of a peer */

  g_printerr ("deyebusctl: %s%s%s\n", text, hint != NULL ? "; " : "", hint != NULL ? hint : "");
}

/* Suppresses the library's log records about new connections, because the verbs that connect again report them themselves. */
static GLogWriterOutput
main_write_log (GLogLevelFlags level, const GLogField *fields, gsize n_fields, gpointer data)
{
  if ((level & G_LOG_LEVEL_MASK) >= G_LOG_LEVEL_MESSAGE && g_getenv ("G_MESSAGES_DEBUG") == NULL)
    return G_LOG_WRITER_HANDLED;
  return g_log_writer_default (level, fields, n_fields, data);
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  CtlExit exit_code;
  Ctl ctl;
  gboolean ok;
  gboolean reader_is_gone;

  ctl_console_prepare ();
  g_log_set_writer_func (main_write_log, NULL, NULL);
  deye_bus_locale_init ();
  g_set_prgname ("deyebusctl");
  ctl_init (&ctl);
  ok = main_run (&ctl, argc, argv, &error);
  ctl_output_flush (&ctl.output);
  if (ctl.output.failed != 0 && ok)
    ok = ctl_fail (&error, CTL_EXIT_FAILED, _ ("The output can't be written: %s"), g_strerror (ctl.output.failed));
  if (!ok)
    main_print_error (error);
  exit_code = ctl_exit_of (error, ctl_is_connected (&ctl));
  reader_is_gone = ctl.output.gone;
  ctl_clear (&ctl);
  if (reader_is_gone)
    _Exit ((int) exit_code); /* exit() would write the rest of the output, and could block */
  return (int) exit_code;
}

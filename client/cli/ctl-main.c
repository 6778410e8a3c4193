/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-complete.h"
#include "ctl-console.h"
#include "terminal-text.h"
#include "ctl-verbs.h"
#include "deye-bus-locale.h"

#include <glib/gi18n.h>
#include <stdlib.h>

/* The main program of deyebusctl: it parses the command line, finds the verb in its table, runs it, and turns the result
 * into an exit code. */

typedef struct
{
  const char *name;
  const char *arguments;
  const char *summary; /* NULL: help does not list the verb */
  guint least, most;   /* number of arguments */
  CtlVerbFunc run;
  CtlOptionSets takes;
} CtlVerb;

static gboolean main_verb_version (Ctl *ctl, char **args, GError **error);
static gboolean main_verb_help (Ctl *ctl, char **args, GError **error);

static const CtlVerb verbs[] = {
  { "status", "", N_ ("Show a summary of the broker"), 0, 0, ctl_verb_status, CTL_TAKES_JSON },
  { "peers", "", N_ ("List the connected peers"), 0, 0, ctl_verb_peers, CTL_TAKES_JSON },
  { "peer", N_ ("PEER"), N_ ("Show everything about a peer"), 1, 1, ctl_verb_peer, CTL_TAKES_JSON },
  { "topics", N_ ("[PATTERN]"), N_ ("List topics with their counters"), 0, 1, ctl_verb_topics, CTL_TAKES_JSON },
  { "subs", N_ ("[PEER]"), N_ ("List subscriptions and served topics"), 0, 1, ctl_verb_subs, CTL_TAKES_JSON },
  { "groups", "", N_ ("List queue groups and their members"), 0, 0, ctl_verb_groups, CTL_TAKES_JSON },
  { "retained", N_ ("[PATTERN]"), N_ ("List the messages that are kept for later subscribers"), 0, 1, ctl_verb_retained,
    CTL_TAKES_JSON },
  { "clear", N_ ("PATTERN"), N_ ("Clear retained messages"), 1, 1, ctl_verb_clear, CTL_TAKES_JSON },
  { "introspect", N_ ("[PEER|TOPIC]"), N_ ("Show methods, events, properties and types of peers"), 0, 1,
    ctl_verb_introspect, CTL_TAKES_JSON | CTL_TAKES_XML },
  { "call", N_ ("PEER METHOD [JSON]"), N_ ("Call a method of a peer (the broker is the peer \"bus\")"), 2, 3,
    ctl_verb_call, CTL_TAKES_JSON | CTL_TAKES_PAYLOAD | CTL_TAKES_TRACE },
  { "request", N_ ("TOPIC [JSON]"), N_ ("Send a request to a peer that serves a topic"), 1, 2, ctl_verb_request,
    CTL_TAKES_JSON | CTL_TAKES_PAYLOAD | CTL_TAKES_TRACE | CTL_TAKES_CONTEXT | CTL_TAKES_ANSWERS },
  { "publish", N_ ("TOPIC [JSON]"), N_ ("Publish to all subscribers of a topic"), 1, 2, ctl_verb_publish,
    CTL_TAKES_JSON | CTL_TAKES_PAYLOAD | CTL_TAKES_TRACE | CTL_TAKES_CONTEXT | CTL_TAKES_RETAIN | CTL_TAKES_HOLD
        | CTL_TAKES_ASSURANCE },
  { "broadcast", N_ ("TOPIC [JSON]"), N_ ("Publish to all subscribers and all group members"), 1, 2, ctl_verb_broadcast,
    CTL_TAKES_JSON | CTL_TAKES_PAYLOAD | CTL_TAKES_TRACE | CTL_TAKES_CONTEXT | CTL_TAKES_RETAIN },
  { "direct", N_ ("PEER TOPIC [JSON]"), N_ ("Send a message to one peer"), 2, 3, ctl_verb_direct,
    CTL_TAKES_JSON | CTL_TAKES_PAYLOAD | CTL_TAKES_TRACE | CTL_TAKES_DELIVERED | CTL_TAKES_CONTEXT },
  { "subscribe", N_ ("PATTERN"), N_ ("Show messages as they arrive"), 1, 1, ctl_verb_subscribe,
    CTL_TAKES_JSON | CTL_TAKES_RAW | CTL_TAKES_END | CTL_TAKES_WATCH | CTL_TAKES_FILTER },
  { "stats", N_ ("[PEER]"), N_ ("Show counters of all peers, or a peer's own"), 0, 1, ctl_verb_stats,
    CTL_TAKES_JSON | CTL_TAKES_VIEW },
  { "slow", N_ ("[PEER]"), N_ ("Show which receivers are behind, and since when"), 0, 1, ctl_verb_slow,
    CTL_TAKES_JSON },
  { "timeline", N_ ("ID"), N_ ("Show the messages that belong together, and what became of them"), 1, 1,
    ctl_verb_timeline, CTL_TAKES_JSON },
  { "wait", N_ ("PEER"), N_ ("Wait until a peer is connected"), 1, 1, ctl_verb_wait, CTL_TAKES_JSON },
  { "watch", N_ ("[PEER|PATTERN]"), N_ ("Show the connected peers, and each that connects or disconnects"), 0, 1,
    ctl_verb_watch, CTL_TAKES_JSON | CTL_TAKES_END },
  { "drain", N_ ("PEER GROUP"), N_ ("Let a member of a group get nothing more, and wait until it has finished"), 2, 2,
    ctl_verb_drain, 0 },
  { "resume", N_ ("PEER GROUP"), N_ ("Let a drained member of a group take part again"), 2, 2, ctl_verb_resume, 0 },
  { "version", "", N_ ("Show the versions of this tool and the broker"), 0, 0, main_verb_version, CTL_TAKES_JSON },
  { "help", N_ ("[VERB]"), N_ ("Show this list, or the options of a verb"), 0, 1, main_verb_help, 0 },
  { "complete-words", "", NULL, 1, 2, ctl_complete, 0 },
};

static const CtlVerb *
main_find_verb (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (g_str_equal (verbs[i].name, name))
      return &verbs[i];
  return NULL;
}

/* --- help, version --- */

/* The translation of an empty text would be the header of the catalogue. */
static const char *
main_arguments_of (const CtlVerb *verb)
{
  return *verb->arguments != '\0' ? _ (verb->arguments) : "";
}

static char *
main_usage_of (const CtlVerb *verb)
{
  const char *arguments = main_arguments_of (verb);

  return g_strjoin (*arguments != '\0' ? " " : "", verb->name, arguments, NULL);
}

static glong
main_widest_usage (void)
{
  glong widest = 0;

  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    {
      g_autofree char *usage = main_usage_of (&verbs[i]);

      widest = MAX (widest, g_utf8_strlen (usage, -1));
    }
  return widest;
}

static void
main_show_verbs (Ctl *ctl)
{
  CtlOutput *output = &ctl->output;
  glong widest = main_widest_usage ();

  ctl_output_line (output, "%s", _ ("deyebusctl inspects the DaemonEye event bus and sends messages on it."));
  ctl_output_line (output, "%s", "");
  ctl_output_line (output, "%s", _ ("Usage: deyebusctl [OPTION...] VERB [ARGUMENT...]"));
  ctl_output_line (output, "%s", "");
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (verbs[i].summary != NULL)
      {
        g_autofree char *usage = main_usage_of (&verbs[i]);
        glong missing = widest - g_utf8_strlen (usage, -1);

        ctl_output_line (output, "  %s%*s  %s", usage, (int) missing, "", _ (verbs[i].summary));
      }
  ctl_output_line (output, "%s", "");
  ctl_output_line (
      output, "%s",
      _ ("JSON is text, @FILE, or - for standard input. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no connection,\n"
         "4 denied, 5 no answer in time, 6 nothing matched."));
}

static void
main_show_verb (Ctl *ctl, const CtlVerb *verb)
{
  CtlOptions unused = { 0 };
  g_autoptr (GOptionContext) context = ctl_options_context_new (&unused, verb->takes, main_arguments_of (verb));
  g_autofree char *text = NULL;
  g_autofree char *name = g_strconcat ("deyebusctl ", verb->name, NULL);
  g_autofree char *before = g_strdup (g_get_prgname ());

  g_option_context_set_summary (context, _ (verb->summary));
  g_set_prgname (name); /* GOption puts it into the usage line */
  text = g_option_context_get_help (context, TRUE, NULL);
  g_set_prgname (before);
  ctl_output_bytes (&ctl->output, text, strlen (text));
}

static gboolean
main_unknown_verb (const char *name, GError **error)
{
  return ctl_fail (error, CTL_EXIT_USAGE, _ ("Unknown verb %s: `deyebusctl help` lists all verbs"), name);
}

static gboolean
main_verb_help (Ctl *ctl, char **args, GError **error)
{
  const CtlVerb *verb = args[0] != NULL ? main_find_verb (args[0]) : NULL;

  if (args[0] != NULL && verb == NULL)
    return main_unknown_verb (args[0], error);
  if (verb != NULL)
    main_show_verb (ctl, verb);
  else
    main_show_verbs (ctl);
  return TRUE;
}

/* Without a broker only the version of the tool is shown. */
static gboolean
main_verb_version (Ctl *ctl, char **args, GError **error)
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
  const char *arguments = main_arguments_of (verb);

  if (n >= verb->least && n <= verb->most)
    return TRUE;
  return ctl_fail (error, CTL_EXIT_USAGE, _ ("Usage: deyebusctl %s%s%s; see `deyebusctl help %s`"), verb->name,
                   *arguments != '\0' ? " " : "", arguments, verb->name);
}

/* The payload may have any bytes, and a file any name. */
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

/* A verb shows what it got from the peers that answered. When the connection has ended, that is not everything. */
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
  g_autoptr (GOptionContext) context = ctl_options_context_new (&ctl->options, verb->takes, main_arguments_of (verb));

  if (!ctl_options_parse (context, words, FALSE, error))
    return FALSE;
  ctl_output_init (&ctl->output, ctl->options.json);
  if (ctl->options.help)
    {
      main_show_verb (ctl, verb);
      return TRUE;
    }
  if (!main_check_arguments (verb, words->len - 1, error) || !main_check_text (verb, words, error)
      || !ctl_options_check (&ctl->options, error))
    return FALSE;
  g_ptr_array_add (words, NULL);
  ctl_start_clock (ctl);
  return verb->run (ctl, (char **) words->pdata + 1, error) && main_check_connection (ctl, error);
}

static gboolean
main_run (Ctl *ctl, int argc, char **argv, GError **error)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GOptionContext) context = ctl_options_context_new (&ctl->options, 0, NULL);
  const CtlVerb *verb;

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
      main_show_verbs (ctl);
      return TRUE;
    }
  if (words->len < 2)
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("No verb given: `deyebusctl help` lists all verbs"));
  verb = main_find_verb (g_ptr_array_index (words, 1));
  if (verb == NULL)
    return main_unknown_verb (g_ptr_array_index (words, 1), error);
  g_ptr_array_remove_index (words, 1);
  return main_run_verb (ctl, verb, words, error);
}

static void
main_print_error (const GError *error)
{
  const char *hint = ctl_error_hint (error);
  g_autofree char *text = terminal_text_safe (error->message); /* it may contain the text of a peer */

  g_printerr ("deyebusctl: %s%s%s\n", text, hint != NULL ? "; " : "", hint != NULL ? hint : "");
}

/* The library logs that it connects again; the verbs that let it do so report it in their own words. */
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
    _Exit ((int) exit_code); /* exit() would write what is left of the output, and could block */
  return (int) exit_code;
}

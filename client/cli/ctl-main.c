/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-complete.h"
#include "ctl-console.h"
#include "ctl-verbs.h"
#include "deye-bus-locale.h"

#include <glib/gi18n.h>

/* The main program of deyebusctl: it parses the command line, finds the verb in its table, runs it, and turns the result
 * into an exit code. */

typedef enum
{
  TAKES_JSON = 1 << 0,
  TAKES_XML = 1 << 1,
  TAKES_TYPE = 1 << 2,
  TAKES_RAW = 1 << 3,
  TAKES_WATCH = 1 << 4, /* --count --wait --headers --timestamp --group --policy --queue-messages --queue-bytes */
  TAKES_DELIVERED = 1 << 5,
  NO_BROKER = 1 << 6,
  HIDDEN = 1 << 7,
  TAKES_VIEW = 1 << 8, /* --subscriptions --groups --domains */
  TAKES_PAYLOAD = TAKES_TYPE | TAKES_RAW,
} CtlVerbFlags;

typedef struct
{
  const char *name;
  const char *arguments;
  const char *summary;
  guint least, most; /* number of arguments */
  CtlVerbFunc run;
  guint flags;
} CtlVerb;

#define VALUED_OPTIONS "atnw"

static gboolean main_verb_version (Ctl *ctl, char **args, GError **error);
static gboolean main_verb_help (Ctl *ctl, char **args, GError **error);

static const CtlVerb verbs[] = {
  { "status", "", N_ ("Show a summary of the broker"), 0, 0, ctl_verb_status, TAKES_JSON },
  { "peers", "", N_ ("List the connected peers"), 0, 0, ctl_verb_peers, TAKES_JSON },
  { "peer", N_ ("PEER"), N_ ("Show everything about a peer"), 1, 1, ctl_verb_peer, TAKES_JSON },
  { "topics", N_ ("[PATTERN]"), N_ ("List topics with their counters"), 0, 1, ctl_verb_topics, TAKES_JSON },
  { "subs", N_ ("[PEER]"), N_ ("List subscriptions and served topics"), 0, 1, ctl_verb_subs, TAKES_JSON },
  { "groups", "", N_ ("List queue groups and their members"), 0, 0, ctl_verb_groups, TAKES_JSON },
  { "introspect", N_ ("[PEER|TOPIC]"), N_ ("Show methods, events, properties and types of peers"), 0, 1,
    ctl_verb_introspect, TAKES_JSON | TAKES_XML },
  { "call", N_ ("PEER METHOD [JSON]"), N_ ("Call a method of a peer (the broker is the peer \"bus\")"), 2, 3,
    ctl_verb_call, TAKES_JSON | TAKES_PAYLOAD },
  { "request", N_ ("TOPIC [JSON]"), N_ ("Send a request to a peer that serves a topic"), 1, 2, ctl_verb_request,
    TAKES_JSON | TAKES_PAYLOAD },
  { "publish", N_ ("TOPIC [JSON]"), N_ ("Publish to all subscribers of a topic"), 1, 2, ctl_verb_publish,
    TAKES_JSON | TAKES_PAYLOAD },
  { "broadcast", N_ ("TOPIC [JSON]"), N_ ("Publish to all subscribers and all group members"), 1, 2, ctl_verb_broadcast,
    TAKES_JSON | TAKES_PAYLOAD },
  { "direct", N_ ("PEER TOPIC [JSON]"), N_ ("Send a message to one peer"), 2, 3, ctl_verb_direct,
    TAKES_JSON | TAKES_PAYLOAD | TAKES_DELIVERED },
  { "subscribe", N_ ("PATTERN"), N_ ("Show messages as they arrive"), 1, 1, ctl_verb_subscribe,
    TAKES_JSON | TAKES_RAW | TAKES_WATCH },
  { "stats", N_ ("[PEER]"), N_ ("Show counters of all peers, or a peer's own"), 0, 1, ctl_verb_stats,
    TAKES_JSON | TAKES_VIEW },
  { "slow", N_ ("[PEER]"), N_ ("Show which receivers are behind, and since when"), 0, 1, ctl_verb_slow, TAKES_JSON },
  { "version", "", N_ ("Show the versions of this tool and the broker"), 0, 0, main_verb_version, TAKES_JSON },
  { "help", N_ ("[VERB]"), N_ ("Show this list, or the options of a verb"), 0, 1, main_verb_help, NO_BROKER },
  { "complete-words", "", NULL, 1, 2, ctl_complete, HIDDEN },
};

static const CtlVerb *
main_find_verb (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (verbs); i++)
    if (g_str_equal (verbs[i].name, name))
      return &verbs[i];
  return NULL;
}

/* --- options --- */

/* Options that @verb takes. NULL: options that every verb takes. */
static GOptionContext *
main_new_context (CtlOptions *options, const CtlVerb *verb)
{
  const struct
  {
    guint flags; /* 0: every verb */
    GOptionEntry entry;
  } rows[] = {
    { 0, { "address", 'a', 0, G_OPTION_ARG_FILENAME, &options->address, N_ ("Socket of the bus"), N_ ("PATH") } },
    { 0,
      { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &options->timeout_s, N_ ("Time to wait for a reply (default: 30)"),
        N_ ("SECONDS") } },
    { TAKES_JSON, { "json", 'j', 0, G_OPTION_ARG_NONE, &options->json, N_ ("Print one JSON object per line"), NULL } },
    { TAKES_XML, { "xml", 0, 0, G_OPTION_ARG_NONE, &options->xml, N_ ("Print D-Bus introspection XML"), NULL } },
    { TAKES_TYPE,
      { "type", 0, 0, G_OPTION_ARG_STRING, &options->type_name, N_ ("Full protobuf name of the payload's type"),
        N_ ("NAME") } },
    { TAKES_RAW,
      { "raw", 0, 0, G_OPTION_ARG_NONE, &options->raw, N_ ("Do not convert payloads to or from JSON"), NULL } },
    { TAKES_WATCH,
      { "count", 'n', 0, G_OPTION_ARG_INT, &options->count, N_ ("Exit after this number of messages"), N_ ("COUNT") } },
    { TAKES_WATCH,
      { "wait", 'w', 0, G_OPTION_ARG_DOUBLE, &options->wait_s, N_ ("Exit after this time"), N_ ("SECONDS") } },
    { TAKES_WATCH,
      { "headers", 0, 0, G_OPTION_ARG_NONE, &options->headers, N_ ("Also show the other fields of a message"), NULL } },
    { TAKES_WATCH,
      { "timestamp", 0, 0, G_OPTION_ARG_NONE, &options->timestamp, N_ ("Show the time of acceptance"), NULL } },
    { TAKES_WATCH, { "group", 0, 0, G_OPTION_ARG_STRING, &options->group, N_ ("Join this queue group"), N_ ("NAME") } },
    { TAKES_WATCH,
      { "policy", 0, 0, G_OPTION_ARG_STRING, &options->policy,
        N_ ("When the queue is full: block, drop-oldest, drop-newest, error, conflate"), N_ ("NAME") } },
    { TAKES_WATCH,
      { "queue-messages", 0, 0, G_OPTION_ARG_INT64, &options->queue_messages,
        N_ ("Limit of queued messages in the broker"), N_ ("COUNT") } },
    { TAKES_WATCH,
      { "queue-bytes", 0, 0, G_OPTION_ARG_INT64, &options->queue_bytes, N_ ("Limit of queued bytes in the broker"),
        N_ ("BYTES") } },
    { TAKES_VIEW,
      { "subscriptions", 0, 0, G_OPTION_ARG_NONE, &options->subscriptions, N_ ("Show the queues of subscriptions"),
        NULL } },
    { TAKES_VIEW, { "groups", 0, 0, G_OPTION_ARG_NONE, &options->groups, N_ ("Show counters of queue groups"), NULL } },
    { TAKES_VIEW,
      { "domains", 0, 0, G_OPTION_ARG_NONE, &options->domains, N_ ("Show counters by the first segment of topics"),
        NULL } },
    { TAKES_DELIVERED,
      { "delivered", 0, 0, G_OPTION_ARG_NONE, &options->delivered, N_ ("Wait until the peer has handled the message"),
        NULL } },
    { 0, { "help", 'h', 0, G_OPTION_ARG_NONE, &options->help, N_ ("Show this help"), NULL } },
  };
  g_autoptr (GArray) entries = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));
  GOptionContext *context = g_option_context_new (verb != NULL ? _ (verb->arguments) : _ ("VERB [ARGUMENT...]"));

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (rows[i].flags == 0 || (verb != NULL && rows[i].flags & verb->flags))
      g_array_append_val (entries, rows[i].entry);
  g_option_context_add_main_entries (context, (GOptionEntry *) (gpointer) entries->data, GETTEXT_PACKAGE);
  g_option_context_set_help_enabled (context, FALSE);
  return context;
}

/* GOption does not accept a value directly after the letter of a short option: turn -n1 into -n 1, up to --. */
static char **
main_split_short_options (const GPtrArray *words)
{
  g_autoptr (GStrvBuilder) split = g_strv_builder_new ();
  gboolean over = FALSE;

  for (guint i = 0; i < words->len; i++)
    {
      const char *word = g_ptr_array_index (words, i);

      over = over || g_str_equal (word, "--");
      if (!over && word[0] == '-' && word[1] != '\0' && strchr (VALUED_OPTIONS, word[1]) != NULL && word[2] != '\0')
        {
          const char letter[] = { '-', word[1], '\0' };

          g_strv_builder_add (split, letter);
          g_strv_builder_add (split, word + 2);
        }
      else
        g_strv_builder_add (split, word);
    }
  return g_strv_builder_end (split);
}

/* Parses the options before the verb (@verb is NULL), or all options of @verb. @words: the first one is the program's
 * name; parsed words are removed. */
static gboolean
main_parse_options (CtlOptions *options, const CtlVerb *verb, GPtrArray *words, GError **error)
{
  g_autoptr (GOptionContext) context = main_new_context (options, verb);
  g_auto (GStrv) argv = NULL;

  g_option_context_set_strict_posix (context, verb == NULL);
  argv = main_split_short_options (words);
  if (!g_option_context_parse_strv (context, &argv, error))
    return FALSE;
  g_ptr_array_set_size (words, 0);
  for (char **word = argv; *word != NULL; word++)
    g_ptr_array_add (words, g_strdup (*word));
  return TRUE;
}

static gboolean
main_check_numbers (const CtlOptions *options, GError **error)
{
  if (options->count < 0)
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("--count must be at least 1"));
  if (options->queue_messages < 0 || options->queue_bytes < 0)
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("--queue-messages and --queue-bytes must be at least 1"));
  if (options->wait_s < 0 || options->wait_s > 1e6 || options->timeout_s < 0 || options->timeout_s > 300)
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("--wait can be up to a million seconds, --timeout up to 300"));
  return TRUE;
}

/* --- help, version --- */

static char *
main_usage_of (const CtlVerb *verb)
{
  return g_strjoin (" ", verb->name, *verb->arguments != '\0' ? _ (verb->arguments) : NULL, NULL);
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
    if (!(verbs[i].flags & HIDDEN))
      {
        g_autofree char *usage = main_usage_of (&verbs[i]);
        glong missing = widest - g_utf8_strlen (usage, -1);

        ctl_output_line (output, "  %s%*s  %s", usage, (int) missing, "", _ (verbs[i].summary));
      }
  ctl_output_line (output, "%s", "");
  ctl_output_line (
      output, "%s",
      _ ("JSON is text, @FILE, or - for standard input. Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no broker,\n"
         "4 denied, 5 no answer in time, 6 nothing matched."));
}

static void
main_show_verb (Ctl *ctl, const CtlVerb *verb)
{
  CtlOptions unused = { 0 };
  g_autoptr (GOptionContext) context = main_new_context (&unused, verb);
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
  if (n >= verb->least && n <= verb->most)
    return TRUE;
  return ctl_fail (error, CTL_EXIT_USAGE, _ ("Usage: deyebusctl %s%s%s; see `deyebusctl help %s`"), verb->name,
                   *verb->arguments != '\0' ? " " : "", *verb->arguments != '\0' ? _ (verb->arguments) : "",
                   verb->name);
}

static gboolean
main_run_verb (Ctl *ctl, const CtlVerb *verb, GPtrArray *words, GError **error)
{
  if (!main_parse_options (&ctl->options, verb, words, error))
    return FALSE;
  ctl_output_init (&ctl->output, ctl->options.json);
  if (ctl->options.help)
    {
      main_show_verb (ctl, verb);
      return TRUE;
    }
  if (!main_check_arguments (verb, words->len - 1, error) || !main_check_numbers (&ctl->options, error))
    return FALSE;
  g_ptr_array_add (words, NULL);
  return verb->run (ctl, (char **) words->pdata + 1, error);
}

static gboolean
main_run (Ctl *ctl, int argc, char **argv, GError **error)
{
  g_autoptr (GPtrArray) words = g_ptr_array_new_with_free_func (g_free);
  const CtlVerb *verb;

  for (int i = 0; i < argc; i++)
    g_ptr_array_add (words, g_strdup (argv[i]));
  ctl_output_init (&ctl->output, FALSE);
  if (!main_parse_options (&ctl->options, NULL, words, error))
    return FALSE;
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

/* A hint for some errors of the library, which does not know that this tool could help. */
static const char *
main_hint_for (const GError *error)
{
  static const struct
  {
    DeyeBusError code;
    const char *hint;
  } rows[] = {
    { DEYE_BUS_ERROR_ABSENT, N_ ("`deyebusctl peers` lists the connected peers") },
    { DEYE_BUS_ERROR_NOT_SUBSCRIBED, N_ ("`deyebusctl subs PEER` shows what it subscribes to and serves") },
    { DEYE_BUS_ERROR_NO_RESPONDERS, N_ ("`deyebusctl subs` lists what is served") },
    { DEYE_BUS_ERROR_DENIED, N_ ("see daemoneye-eventbus(7) for the rights of peers") },
    { DEYE_BUS_ERROR_TIMEOUT, N_ ("use --timeout SECONDS to wait longer") },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (g_error_matches (error, DEYE_BUS_ERROR, (gint) rows[i].code))
      return _ (rows[i].hint);
  return NULL;
}

static void
main_print_error (const GError *error)
{
  const char *hint = main_hint_for (error);
  g_autofree char *text = ctl_output_safe (error->message); /* it may contain the text of a peer */

  g_printerr ("deyebusctl: %s%s%s\n", text, hint != NULL ? "; " : "", hint != NULL ? hint : "");
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  Ctl ctl;
  gboolean ok;

  ctl_console_prepare ();
  deye_bus_locale_init ();
  g_set_prgname ("deyebusctl");
  ctl_init (&ctl);
  ok = main_run (&ctl, argc, argv, &error);
  ctl_output_flush (&ctl.output);
  if (ctl.output.failed != 0 && ok)
    ok = ctl_fail (&error, CTL_EXIT_FAILED, _ ("The output can't be written: %s"), g_strerror (ctl.output.failed));
  if (!ok && !ctl.output.gone)
    main_print_error (error);
  ok = ok || ctl.output.gone;
  ctl_clear (&ctl);
  return ok ? CTL_EXIT_OK : (int) ctl_exit_of (error);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-options.h"

#include "ctl-error.h"

#include <glib/gi18n.h>
#include <string.h>

/* Letters of the short options that have a value. */
#define VALUED_OPTIONS "atnw"

GOptionContext *
ctl_options_context_new (CtlOptions *options, CtlOptionSets sets, const char *arguments)
{
  const struct
  {
    CtlOptionSets set; /* 0: every verb takes it */
    GOptionEntry entry;
  } rows[] = {
    { 0, { "address", 'a', 0, G_OPTION_ARG_FILENAME, &options->address, N_ ("Socket of the bus"), N_ ("PATH") } },
    { 0,
      { "timeout", 't', 0, G_OPTION_ARG_DOUBLE, &options->timeout_s, N_ ("Time to wait for a reply (default: 30)"),
        N_ ("SECONDS") } },
    { CTL_TAKES_JSON,
      { "json", 'j', 0, G_OPTION_ARG_NONE, &options->json, N_ ("Print one JSON object per line"), NULL } },
    { CTL_TAKES_XML, { "xml", 0, 0, G_OPTION_ARG_NONE, &options->xml, N_ ("Print D-Bus introspection XML"), NULL } },
    { CTL_TAKES_TYPE,
      { "type", 0, 0, G_OPTION_ARG_STRING, &options->type_name, N_ ("Full protobuf name of the payload's type"),
        N_ ("NAME") } },
    { CTL_TAKES_RAW,
      { "raw", 0, 0, G_OPTION_ARG_NONE, &options->raw, N_ ("Do not convert payloads to or from JSON"), NULL } },
    { CTL_TAKES_WATCH,
      { "count", 'n', 0, G_OPTION_ARG_INT, &options->count, N_ ("Exit after this number of messages"), N_ ("COUNT") } },
    { CTL_TAKES_WATCH,
      { "wait", 'w', 0, G_OPTION_ARG_DOUBLE, &options->wait_s, N_ ("Exit after this time"), N_ ("SECONDS") } },
    { CTL_TAKES_WATCH,
      { "headers", 0, 0, G_OPTION_ARG_NONE, &options->headers, N_ ("Also show the other fields of a message"), NULL } },
    { CTL_TAKES_WATCH,
      { "timestamp", 0, 0, G_OPTION_ARG_NONE, &options->timestamp, N_ ("Show the time of acceptance"), NULL } },
    { CTL_TAKES_WATCH,
      { "group", 0, 0, G_OPTION_ARG_STRING, &options->group, N_ ("Join this queue group"), N_ ("NAME") } },
    { CTL_TAKES_WATCH,
      { "policy", 0, 0, G_OPTION_ARG_STRING, &options->policy,
        N_ ("When the queue is full: block, drop-oldest, drop-newest, error, conflate"), N_ ("NAME") } },
    { CTL_TAKES_WATCH,
      { "queue-messages", 0, 0, G_OPTION_ARG_INT64, &options->queue_messages,
        N_ ("Limit of queued messages in the broker"), N_ ("COUNT") } },
    { CTL_TAKES_WATCH,
      { "queue-bytes", 0, 0, G_OPTION_ARG_INT64, &options->queue_bytes, N_ ("Limit of queued bytes in the broker"),
        N_ ("BYTES") } },
    { CTL_TAKES_VIEW,
      { "subscriptions", 0, 0, G_OPTION_ARG_NONE, &options->subscriptions, N_ ("Show the queues of subscriptions"),
        NULL } },
    { CTL_TAKES_VIEW,
      { "groups", 0, 0, G_OPTION_ARG_NONE, &options->groups, N_ ("Show counters of queue groups"), NULL } },
    { CTL_TAKES_VIEW,
      { "domains", 0, 0, G_OPTION_ARG_NONE, &options->domains, N_ ("Show counters by the first segment of topics"),
        NULL } },
    { CTL_TAKES_DELIVERED,
      { "delivered", 0, 0, G_OPTION_ARG_NONE, &options->delivered, N_ ("Wait until the peer has handled the message"),
        NULL } },
    { 0, { "help", 'h', 0, G_OPTION_ARG_NONE, &options->help, N_ ("Show this help"), NULL } },
  };
  g_autoptr (GArray) entries = g_array_new (TRUE, TRUE, sizeof (GOptionEntry));
  GOptionContext *context = g_option_context_new (arguments);

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (rows[i].set == 0 || (rows[i].set & sets) != 0)
      g_array_append_val (entries, rows[i].entry);
  g_option_context_add_main_entries (context, (GOptionEntry *) (gpointer) entries->data, GETTEXT_PACKAGE);
  g_option_context_set_help_enabled (context, FALSE);
  return context;
}

/* GOption does not accept a value directly after the letter of a short option: turn -n1 into -n 1, up to --. */
static char **
options_split_short (const GPtrArray *words)
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

gboolean
ctl_options_parse (GOptionContext *context, GPtrArray *words, GError **error)
{
  g_auto (GStrv) argv = NULL;

  argv = options_split_short (words);
  if (!g_option_context_parse_strv (context, &argv, error))
    return FALSE;
  g_ptr_array_set_size (words, 0);
  for (char **word = argv; *word != NULL; word++)
    g_ptr_array_add (words, g_strdup (*word));
  return TRUE;
}

gboolean
ctl_options_check (const CtlOptions *options, GError **error)
{
  if (options->count < 0)
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("--count must be at least 1"));
  if (options->queue_messages < 0 || options->queue_bytes < 0)
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("--queue-messages and --queue-bytes must be at least 1"));
  if (options->wait_s < 0 || options->wait_s > 1e6 || options->timeout_s < 0 || options->timeout_s > 300)
    return ctl_fail (error, CTL_EXIT_USAGE, _ ("--wait can be up to a million seconds, --timeout up to 300"));
  return TRUE;
}

void
ctl_options_clear (CtlOptions *options)
{
  g_clear_pointer (&options->address, g_free);
  g_clear_pointer (&options->type_name, g_free);
  g_clear_pointer (&options->group, g_free);
  g_clear_pointer (&options->policy, g_free);
}

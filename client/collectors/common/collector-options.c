/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-options.h"

#include <glib/gi18n.h>

static GOptionContext *
options_describe (CollectorOptions *self, const CollectorUsage *usage)
{
  const GOptionEntry entries[] = {
    { "id", 0, 0, G_OPTION_ARG_STRING, &self->id, N_ ("Name on the bus (default: name of the program, and -1)"),
      N_ ("ID") },
    { "type", 0, 0, G_OPTION_ARG_STRING, &self->type, N_ ("Type of the collector (default: name of the program)"),
      N_ ("TYPE") },
    { "address", 0, 0, G_OPTION_ARG_FILENAME, &self->address, N_ ("Socket of the bus"), N_ ("PATH") },
    { "heartbeat", 0, 0, G_OPTION_ARG_INT, &self->heartbeat_ms, N_ ("Time between heartbeats (default: 5000)"),
      N_ ("MS") },
    { "ready-fd", 0, 0, G_OPTION_ARG_INT, &self->ready_fd, N_ ("Write a line to FD when the collector is ready"),
      N_ ("FD") },
    { "version", 0, 0, G_OPTION_ARG_NONE, &self->version, N_ ("Show the version"), NULL },
    G_OPTION_ENTRY_NULL,
  };
  GOptionContext *context = g_option_context_new (NULL);

  g_option_context_set_summary (context, usage->summary);
  g_option_context_set_description (context, usage->description);
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  if (usage->add_options != NULL)
    usage->add_options (context, usage->data);
  return context;
}

/* All arguments are options. */
static gboolean
options_refuse_rest (int argc, char **argv, GError **error)
{
  if (argc < 2)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("Unexpected argument %s"), argv[1]);
  return FALSE;
}

gboolean
collector_options_parse (CollectorOptions *self, const CollectorUsage *usage, int *argc, char ***argv, GError **error)
{
  g_autoptr (GOptionContext) context = NULL;

  *self = (CollectorOptions){ .heartbeat_ms = 5000, .ready_fd = -1 };
  context = options_describe (self, usage);
  if (!g_option_context_parse (context, argc, argv, error) || !options_refuse_rest (*argc, *argv, error))
    return FALSE;
  self->id = self->id != NULL ? self->id : g_strconcat (usage->name, "-1", NULL);
  self->type = self->type != NULL ? self->type : g_strdup (usage->name);
  if (self->heartbeat_ms > 0)
    return TRUE;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("--heartbeat must be above 0 ms"));
  return FALSE;
}

void
collector_options_clear (CollectorOptions *self)
{
  g_clear_pointer (&self->id, g_free);
  g_clear_pointer (&self->type, g_free);
  g_clear_pointer (&self->address, g_free);
}

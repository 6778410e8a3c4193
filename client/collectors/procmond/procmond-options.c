/* SPDX-License-Identifier: Apache-2.0 */
#include "procmond-options.h"

#include <glib/gi18n.h>

/* The text has the form "I/N". */
static gboolean
options_parse_shard (ProcmondOptions *self, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (self->shard_text, "/", 3);
  guint64 shard, shards;

  if (g_strv_length (parts) == 2 && g_ascii_string_to_unsigned (parts[0], 10, 0, G_MAXUINT16, &shard, NULL)
      && g_ascii_string_to_unsigned (parts[1], 10, 1, G_MAXUINT16, &shards, NULL) && shard < shards)
    {
      self->shard = (guint) shard;
      self->shards = (guint) shards;
      return TRUE;
    }
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("--shard must be I/N with I below N, such as 0/2, not %s"), self->shard_text);
  return FALSE;
}

static gboolean
options_check (ProcmondOptions *self, GError **error)
{
  if (self->interval_ms < PROCMOND_INTERVAL_MIN_MS || self->interval_ms > PROCMOND_INTERVAL_MAX_MS)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("--interval must be 10 ms to an hour"));
  else if (self->pace_ms < 0 || self->pace_ms > PROCMOND_PACE_MAX_MS)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("--pace must be 0 to 1000 ms"));
  else
    return self->shard_text == NULL || options_parse_shard (self, error);
  return FALSE;
}

static GOptionContext *
options_describe (ProcmondOptions *self)
{
  const GOptionEntry entries[] = {
    { "id", 0, 0, G_OPTION_ARG_STRING, &self->id, N_ ("Name on the bus (default: procmond-1)"), N_ ("ID") },
    { "type", 0, 0, G_OPTION_ARG_STRING, &self->type, N_ ("Kind of collector (default: procmond)"), N_ ("TYPE") },
    { "address", 0, 0, G_OPTION_ARG_FILENAME, &self->address, N_ ("Socket of the bus"), N_ ("PATH") },
    { "shard", 0, 0, G_OPTION_ARG_STRING, &self->shard_text, N_ ("Publish events for pids with PID modulo N = I"),
      "I/N" },
    { "interval", 0, 0, G_OPTION_ARG_INT, &self->interval_ms, N_ ("Time between polls (default: 500)"), N_ ("MS") },
    { "heartbeat", 0, 0, G_OPTION_ARG_INT, &self->heartbeat_ms, N_ ("Time between heartbeats (default: 5000)"),
      N_ ("MS") },
    { "pace", 0, 0, G_OPTION_ARG_INT, &self->pace_ms,
      N_ ("Spare the machine: wait before each process that a task reads (default: 0)"), N_ ("MS") },
    { "ready-fd", 0, 0, G_OPTION_ARG_INT, &self->ready_fd, N_ ("Write a line to FD when everything works"), N_ ("FD") },
    { "version", 0, 0, G_OPTION_ARG_NONE, &self->version, N_ ("Show the version"), NULL },
    G_OPTION_ENTRY_NULL,
  };
  GOptionContext *context = g_option_context_new (NULL);

  g_option_context_set_summary (context, _ ("Reports the processes of this machine on the event bus."));
  g_option_context_set_description (
      context, _ ("Processes are polled: one that lives shorter than the time between two polls may be missed."));
  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  return context;
}

gboolean
procmond_options_parse (ProcmondOptions *self, int *argc, char ***argv, GError **error)
{
  g_autoptr (GOptionContext) context = NULL;

  *self = (ProcmondOptions){ .interval_ms = 500, .heartbeat_ms = 5000, .ready_fd = -1, .shards = 1 };
  context = options_describe (self);
  if (!g_option_context_parse (context, argc, argv, error))
    return FALSE;
  self->id = self->id != NULL ? self->id : g_strdup ("procmond-1");
  self->type = self->type != NULL ? self->type : g_strdup ("procmond");
  return options_check (self, error);
}

void
procmond_options_clear (ProcmondOptions *self)
{
  g_free (self->id);
  g_free (self->type);
  g_free (self->address);
  g_free (self->shard_text);
}

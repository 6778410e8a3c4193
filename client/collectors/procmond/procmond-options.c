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

gboolean
procmond_options_check (ProcmondOptions *self, GError **error)
{
  if (self->interval_ms < PROCMOND_INTERVAL_MIN_MS || self->interval_ms > PROCMOND_INTERVAL_MAX_MS)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("--interval must be 10 ms to an hour"));
  else if (self->pace_ms < 0 || self->pace_ms > PROCMOND_PACE_MAX_MS)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("--pace must be 0 to 1000 ms"));
  else if (self->queue_kib < PROCMOND_QUEUE_MIN_KIB || self->queue_kib > PROCMOND_QUEUE_MAX_KIB)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("--queue must be 64 KiB to 65536 KiB"));
  else
    return self->shard_text == NULL || options_parse_shard (self, error);
  return FALSE;
}

void
procmond_options_add (ProcmondOptions *self, GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "shard", 0, 0, G_OPTION_ARG_STRING, &self->shard_text, N_ ("Publish events for pids with PID modulo N = I"),
      "I/N" },
    { "interval", 0, 0, G_OPTION_ARG_INT, &self->interval_ms, N_ ("Time between polls (default: 500)"), N_ ("MS") },
    { "poll", 0, 0, G_OPTION_ARG_NONE, &self->poll, N_ ("Poll also where the kernel reports processes"), NULL },
    { "queue", 0, 0, G_OPTION_ARG_INT, &self->queue_kib, N_ ("Memory for reports of the kernel (default: 4096)"),
      N_ ("KIB") },
    { "pace", 0, 0, G_OPTION_ARG_INT, &self->pace_ms,
      N_ ("Wait this time before each process that a task reads, to reduce the load (default: 0)"), N_ ("MS") },
    G_OPTION_ENTRY_NULL,
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
}

void
procmond_options_clear (ProcmondOptions *self)
{
  g_clear_pointer (&self->shard_text, g_free);
}

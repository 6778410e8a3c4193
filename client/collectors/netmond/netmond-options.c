/* SPDX-License-Identifier: Apache-2.0 */
#include "netmond-options.h"

#include "collector-shard.h"

#include <glib/gi18n.h>

gboolean
netmond_options_check (NetmondOptions *self, GError **error)
{
  if (self->interval_ms < NETMOND_INTERVAL_MIN_MS || self->interval_ms > NETMOND_INTERVAL_MAX_MS)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("--interval must be 10 ms to an hour"));
  else if (self->pace_ms < 0 || self->pace_ms > NETMOND_PACE_MAX_MS)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("--pace must be 0 to 1000 ms"));
  else if (self->max_sockets < NETMOND_SOCKETS_MIN || self->max_sockets > NETMOND_SOCKETS_MAX)
    g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, _ ("--max-sockets must be 16 to 1000000"));
  else
    return collector_shard_parse (self->shard_text, &self->shard, &self->shards, error);
  return FALSE;
}

void
netmond_options_add (NetmondOptions *self, GOptionContext *context)
{
  const GOptionEntry entries[] = {
    { "shard", 0, 0, G_OPTION_ARG_STRING, &self->shard_text, N_ ("Publish events for sockets with cookie modulo N = I"),
      "I/N" },
    { "interval", 0, 0, G_OPTION_ARG_INT, &self->interval_ms, N_ ("Time between polls (default: 500)"), N_ ("MS") },
    { "max-sockets", 0, 0, G_OPTION_ARG_INT, &self->max_sockets,
      N_ ("Watch at most this number of sockets (default: 65536)"), "N" },
    { "without-notices", 0, 0, G_OPTION_ARG_NONE, &self->without_notices,
      N_ ("Only poll: do not ask the kernel to report the ends of sockets"), NULL },
    { "pace", 0, 0, G_OPTION_ARG_INT, &self->pace_ms,
      N_ ("Wait this time before each process that a task reads, to reduce the load (default: 0)"), N_ ("MS") },
    G_OPTION_ENTRY_NULL,
  };

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
}

void
netmond_options_clear (NetmondOptions *self)
{
  g_clear_pointer (&self->shard_text, g_free);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-shard.h"

#include <glib/gi18n.h>

gboolean
collector_shard_is_valid (guint32 shard, guint32 shards)
{
  return shards <= COLLECTOR_SHARDS_MAX && (shards == 0 || shard < shards);
}

gboolean
collector_shard_parse (const char *text, guint *shard, guint *shards, GError **error)
{
  g_auto (GStrv) parts = g_strsplit (text != NULL ? text : "0/1", "/", 3);
  guint64 i, n;

  if (g_strv_length (parts) == 2 && g_ascii_string_to_unsigned (parts[0], 10, 0, G_MAXUINT16, &i, NULL)
      && g_ascii_string_to_unsigned (parts[1], 10, 1, G_MAXUINT16, &n, NULL) && i < n)
    {
      *shard = (guint) i;
      *shards = (guint) n;
      return TRUE;
    }
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE,
               _ ("--shard must be I/N with I below N, such as 0/2, not %s"), text);
  return FALSE;
}

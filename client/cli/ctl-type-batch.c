/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl-type-batch.h"

#include <gio/gio.h>
#include <string.h>

gboolean
ctl_batch_refuse (GError **error, const char *format, ...)
{
  va_list args;

  va_start (args, format);
  if (error != NULL)
    *error = g_error_new_valist (G_IO_ERROR, G_IO_ERROR_INVALID_DATA, format, args);
  va_end (args);
  return FALSE;
}

char *
ctl_batch_quote (const char *text)
{
  g_autofree char *escaped = g_strescape (text, NULL);

  return g_strdup_printf ("\"%.80s%s\"", escaped, strlen (escaped) > 80 ? "..." : "");
}

gboolean
ctl_batch_is_identifier (const char *name)
{
  if (!g_ascii_isalpha (*name) && *name != '_')
    return FALSE;
  while (g_ascii_isalnum (*name) || *name == '_')
    name++;
  return *name == '\0';
}

const CtlType *
ctl_batch_find (const CtlBatch *batch, const char *full_name)
{
  const CtlType *type = g_hash_table_lookup (batch->types, full_name);

  return type != NULL ? type : g_hash_table_lookup (batch->known, full_name);
}

void
ctl_batch_init (CtlBatch *batch, GHashTable *known, const CtlCounts *counts)
{
  *batch = (CtlBatch){ .pool = ctl_pool_new (),
                       .known = known,
                       .types = g_hash_table_new (g_str_hash, g_str_equal),
                       .ordered = g_ptr_array_new (),
                       .counts = *counts };
}

void
ctl_batch_clear (CtlBatch *batch)
{
  g_clear_pointer (&batch->pool, ctl_pool_free);
  g_clear_pointer (&batch->types, g_hash_table_unref);
  g_clear_pointer (&batch->ordered, g_ptr_array_unref);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-record.h"

#include <string.h>

/* Appends valid UTF-8. Only backslashes are escaped. */
static void
text_append_valid (GString *out, const char *at, const char *end)
{
  while (at < end)
    {
      const char *slash = memchr (at, '\\', (gsize) (end - at));
      const char *stop = slash != NULL ? slash : end;

      g_string_append_len (out, at, stop - at);
      if (slash != NULL)
        g_string_append (out, "\\x5c");
      at = slash != NULL ? slash + 1 : end;
    }
}

/* Takes linear time: another process chooses the text, and it may be long. */
char *
proc_text_escape (const char *bytes, gssize len)
{
  GString *out = g_string_new (NULL);
  const char *at = bytes;
  const char *end = bytes + (len >= 0 ? (gsize) len : strlen (bytes));

  while (at < end)
    {
      const char *bad;

      g_utf8_validate (at, end - at, &bad);
      text_append_valid (out, at, bad);
      if (bad < end)
        g_string_append_printf (out, "\\x%02x", (guint8) *bad++);
      at = bad;
    }
  return g_string_free (out, FALSE);
}

char **
proc_command_line_bound (const char *const *args)
{
  guint n = args != NULL ? g_strv_length ((char **) args) : 0;
  g_autoptr (GPtrArray) out = g_ptr_array_new_with_free_func (g_free);
  gsize left = PROC_COMMAND_LINE_BYTES;
  guint i;

  for (i = 0; i < n && out->len < PROC_COMMAND_LINE_ARGS; i++)
    {
      gsize len = strlen (args[i]);

      if (len > left)
        break;
      left -= len;
      g_ptr_array_add (out, proc_text_escape (args[i], (gssize) len));
    }
  if (i < n)
    {
      if (left > 0 && out->len < PROC_COMMAND_LINE_ARGS)
        g_ptr_array_add (out, proc_text_escape (args[i], (gssize) MIN (left, strlen (args[i]))));
      g_ptr_array_add (out, g_strdup (PROC_COMMAND_LINE_CUT));
    }
  g_ptr_array_add (out, NULL);
  return (char **) g_ptr_array_free (g_steal_pointer (&out), FALSE);
}

void
proc_record_free (ProcRecord *record)
{
  if (record == NULL)
    return;
  g_free (record->name);
  g_free (record->exe);
  g_strfreev (record->command_line);
  g_free (record);
}

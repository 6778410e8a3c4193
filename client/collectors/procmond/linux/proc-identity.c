/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-identity.h"

#include "proc-record.h"

#include <string.h>
#include <unistd.h>

/* Reads field 22 of /proc/PID/stat. The name before it is in parentheses and may contain any characters, so fields are
 * counted from the last parenthesis. */
gboolean
proc_identity_start_time (guint32 pid, guint64 *start_time)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/stat", pid);
  g_autofree char *text = NULL;
  g_auto (GStrv) fields = NULL;
  char *after;

  if (!g_file_get_contents (path, &text, NULL, NULL) || (after = strrchr (text, ')')) == NULL)
    return FALSE;
  fields = g_strsplit (after + 2, " ", 21);
  return g_strv_length (fields) > 20 && g_ascii_string_to_unsigned (fields[19], 10, 0, G_MAXUINT64, start_time, NULL);
}

char *
proc_identity_exe (guint32 pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/exe", pid);
  char target[4096];
  gssize len = readlink (path, target, sizeof target);

  return len > 0 ? proc_text_escape (target, len) : g_strdup ("");
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "job-proc.h"

#include <stdio.h>
#include <string.h>

char *
job_proc_key (guint32 pid, guint64 start_time)
{
  return g_strdup_printf ("%u:%" G_GUINT64_FORMAT, pid, start_time);
}

/* Field 22, counted behind the name, which is in parentheses and may hold spaces. */
static gboolean
start_time_of (const char *pid, guint64 *start_time)
{
  g_autofree char *path = g_build_filename ("/proc", pid, "stat", NULL);
  g_autofree char *text = NULL;
  unsigned long long ticks;
  const char *after;

  if (!g_file_get_contents (path, &text, NULL, NULL) || (after = strrchr (text, ')')) == NULL)
    return FALSE;
  if (sscanf (after + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu", &ticks) != 1)
    return FALSE;
  *start_time = ticks;
  return TRUE;
}

GHashTable *
job_proc_snapshot (void)
{
  GHashTable *set = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr (GDir) dir = g_dir_open ("/proc", 0, NULL);
  const char *name;

  while (dir != NULL && (name = g_dir_read_name (dir)) != NULL)
    {
      guint64 pid, start_time;

      if (g_ascii_string_to_unsigned (name, 10, 1, G_MAXUINT32, &pid, NULL) && start_time_of (name, &start_time))
        g_hash_table_add (set, job_proc_key ((guint32) pid, start_time));
    }
  return set;
}

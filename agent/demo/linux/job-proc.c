/* SPDX-License-Identifier: Apache-2.0 */
#include "demo/job-proc.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

/* Reads field 22 of /proc/PID/stat. The second field, the name, is in parentheses and may contain spaces and
 * parentheses, so fields are counted from the last parenthesis: the first one after it is field 3. */
static gboolean
job_proc_start_time (const char *pid, guint64 *start_time)
{
  g_autofree char *path = g_build_filename ("/proc", pid, "stat", NULL);
  g_autofree char *text = NULL;
  g_auto (GStrv) fields = NULL;
  const char *after;

  if (!g_file_get_contents (path, &text, NULL, NULL) || (after = strrchr (text, ')')) == NULL)
    return FALSE;
  fields = g_strsplit (after + 2, " ", -1);
  return g_strv_length (fields) > 22 - 3
         && g_ascii_string_to_unsigned (fields[22 - 3], 10, 0, G_MAXUINT64, start_time, NULL);
}

guint64
job_proc_now (void)
{
  guint64 per_second = (guint64) sysconf (_SC_CLK_TCK);
  struct timespec now;

  clock_gettime (CLOCK_BOOTTIME, &now); /* field 22 uses this clock */
  return (guint64) now.tv_sec * per_second + (guint64) now.tv_nsec * per_second / 1000000000;
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

      if (g_ascii_string_to_unsigned (name, 10, 1, G_MAXUINT32, &pid, NULL) && job_proc_start_time (name, &start_time))
        g_hash_table_add (set, job_proc_key ((guint32) pid, start_time));
    }
  return set;
}

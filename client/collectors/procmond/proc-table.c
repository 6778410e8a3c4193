/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-table.h"

#include <glibtop/procargs.h>
#include <glibtop/proclist.h>
#include <glibtop/procmem.h>
#include <glibtop/procstate.h>
#include <glibtop/proctime.h>
#include <glibtop/procuid.h>
#include <string.h>
#include <unistd.h>

char *
proc_text_escape (const char *bytes, gssize len)
{
  GString *out = g_string_new (NULL);
  const char *at = bytes;
  const char *end = bytes + (len >= 0 ? (gsize) len : strlen (bytes));

  while (at < end)
    {
      const char *bad;

      if (g_utf8_validate (at, end - at, &bad) && memchr (at, '\\', (gsize) (end - at)) == NULL)
        {
          g_string_append_len (out, at, end - at);
          break;
        }
      if (*at == '\\' || bad == at)
        g_string_append_printf (out, "\\x%02x", (guint8) *at++);
      else
        {
          const char *next = g_utf8_next_char (at);

          g_string_append_len (out, at, next - at);
          at = next;
        }
    }
  return g_string_free (out, FALSE);
}

#ifdef __linux__

/* Field 22 of /proc/PID/stat; the name before it is in parentheses and may hold anything, so look for the last one. */
static gboolean
read_start_time (guint32 pid, guint64 *start_time)
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

static char *
read_exe (guint32 pid)
{
  g_autofree char *path = g_strdup_printf ("/proc/%u/exe", pid);
  char target[4096];
  gssize len = readlink (path, target, sizeof target);

  return len > 0 ? proc_text_escape (target, len) : g_strdup ("");
}

#else

static gboolean
read_start_time (guint32 pid, guint64 *start_time)
{
  glibtop_proc_time times;

  glibtop_get_proc_time (&times, (pid_t) pid);
  *start_time = times.start_time;
  return (times.flags & (1 << GLIBTOP_PROC_TIME_START_TIME)) != 0;
}

static char *
read_exe (guint32 pid)
{
  return g_strdup ("");
}

#endif

static char **
read_command_line (guint32 pid)
{
  glibtop_proc_args about;
  g_auto (GStrv) args = glibtop_get_proc_argv (&about, (pid_t) pid, 0);
  guint n = args != NULL ? g_strv_length (args) : 0;
  char **out = g_new0 (char *, n + 1);

  for (guint i = 0; i < n; i++)
    out[i] = proc_text_escape (args[i], -1);
  return out;
}

/* libgtop gives times in the unit that it says. */
static guint64
in_microseconds (guint64 value, guint64 per_second)
{
  return per_second > 0 ? value * G_USEC_PER_SEC / per_second : 0;
}

ProcRecord *
proc_record_read (guint32 pid)
{
  g_autoptr (ProcRecord) record = g_new0 (ProcRecord, 1);
  glibtop_proc_state state;
  glibtop_proc_uid ids;
  glibtop_proc_mem memory;
  glibtop_proc_time times;
  guint64 start_again;

  if (!read_start_time (pid, &record->start_time))
    return NULL;
  glibtop_get_proc_state (&state, (pid_t) pid);
  glibtop_get_proc_uid (&ids, (pid_t) pid);
  glibtop_get_proc_mem (&memory, (pid_t) pid);
  glibtop_get_proc_time (&times, (pid_t) pid);
  record->pid = pid;
  record->ppid = (guint32) MAX (ids.ppid, 0);
  record->uid = (guint32) state.ruid;
  record->name = proc_text_escape (state.cmd, (gssize) strnlen (state.cmd, sizeof state.cmd));
  record->exe = read_exe (pid);
  record->command_line = read_command_line (pid);
  record->cpu_time_us = in_microseconds (times.utime + times.stime, times.frequency);
  record->resident_bytes = memory.resident;
  record->virtual_bytes = memory.vsize;
  if (!read_start_time (pid, &start_again) || start_again != record->start_time)
    return NULL;
  return g_steal_pointer (&record);
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

ProcTable *
proc_table_new (void)
{
  ProcTable *table = g_new0 (ProcTable, 1);

  table->records = g_ptr_array_new_with_free_func ((GDestroyNotify) proc_record_free);
  return table;
}

static gint
by_pid (gconstpointer a, gconstpointer b)
{
  const ProcRecord *first = *(const ProcRecord *const *) a;
  const ProcRecord *second = *(const ProcRecord *const *) b;

  return (first->pid > second->pid) - (first->pid < second->pid);
}

ProcTable *
proc_table_read (guint shard, guint shards)
{
  ProcTable *table = proc_table_new ();
  glibtop_proclist list;
  pid_t *pids = glibtop_get_proclist (&list, GLIBTOP_KERN_PROC_ALL, 0);

  for (guint64 i = 0; pids != NULL && i < list.number; i++)
    {
      guint32 pid = (guint32) pids[i];
      ProcRecord *record;

      if (shards > 1 && pid % shards != shard)
        continue;
      record = proc_record_read (pid);
      if (record != NULL)
        g_ptr_array_add (table->records, record);
      else
        table->vanished++;
    }
  g_free (pids);
  g_ptr_array_sort (table->records, by_pid);
  return table;
}

void
proc_table_free (ProcTable *table)
{
  if (table == NULL)
    return;
  g_ptr_array_unref (table->records);
  g_free (table);
}

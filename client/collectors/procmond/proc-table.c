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

/* A run of valid UTF-8; only its backslashes are escaped. */
static void
append_valid (GString *out, const char *at, const char *end)
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

/* Each byte is looked at once: the text is another process' choice, and may be long. */
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
      append_valid (out, at, bad);
      if (bad < end)
        g_string_append_printf (out, "\\x%02x", (guint8) *bad++);
      at = bad;
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

static char **
read_command_line (guint32 pid)
{
  glibtop_proc_args about;
  g_auto (GStrv) args = glibtop_get_proc_argv (&about, (pid_t) pid, 0);

  return proc_command_line_bound ((const char *const *) args);
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
  record->uid = (guint32) ids.uid; /* libgtop does not fill state.ruid on Linux */
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
  glibtop_proclist list;
  pid_t *pids = glibtop_get_proclist (&list, GLIBTOP_KERN_PROC_ALL, 0);
  ProcTable *table;

  if (pids == NULL)
    return NULL;
  table = proc_table_new ();
  for (guint64 i = 0; i < list.number; i++)
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

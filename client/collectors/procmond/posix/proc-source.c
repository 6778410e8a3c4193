/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-source.h"

#include "proc-identity.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glibtop.h>
#include <glibtop/proclist.h>
#include <glibtop/procmem.h>
#include <glibtop/procstate.h>
#include <glibtop/proctime.h>
#include <glibtop/procuid.h>
#include <signal.h>
#include <string.h>

/* glibtop_init() ends the program if it can't read this file. */
#define NEEDED "/proc/stat"

/* Fails if the file is missing. Only Linux has and needs it. */
static gboolean
source_check_needed (GError **error)
{
#ifdef __linux__
  g_autofree char *text = NULL;
  g_autoptr (GError) why = NULL;
  gsize len = 0;

  if (g_file_get_contents (NEEDED, &text, &len, &why) && len > 0)
    return TRUE;
  g_set_error (
      error, G_FILE_ERROR, why != NULL ? why->code : G_FILE_ERROR_FAILED,
      _ ("libgtop needs %s, which can't be read: mount all of /proc (in a systemd unit, remove ProcSubset=pid)"),
      NEEDED);
  return FALSE;
#else
  return TRUE;
#endif
}

gboolean
proc_source_init (GError **error)
{
  if (!source_check_needed (error))
    return FALSE;
  glibtop_init ();
  return TRUE;
}

void
proc_source_clear (void)
{
  glibtop_close ();
}

GArray *
proc_source_list (void)
{
  glibtop_proclist list;
  pid_t *pids = glibtop_get_proclist (&list, GLIBTOP_KERN_PROC_ALL, 0);
  GArray *numbers;

  if (pids == NULL)
    return NULL;
  numbers = g_array_sized_new (FALSE, FALSE, sizeof (guint32), (guint) list.number);
  for (guint64 i = 0; i < list.number; i++)
    {
      guint32 pid = (guint32) pids[i];

      g_array_append_val (numbers, pid);
    }
  g_free (pids);
  return numbers;
}

gboolean
proc_source_exists (guint32 pid)
{
  return kill ((pid_t) pid, 0) == 0 || errno != ESRCH;
}

static void
source_read_command_line (guint32 pid, ProcRecord *record)
{
  g_auto (GStrv) args = proc_identity_args (pid);

  proc_record_set_command_line (record, (const char *const *) args);
  if (args == NULL)
    record->unknown |= PROC_FIELD_COMMAND_LINE;
}

/* Converts a time of libgtop to microseconds; libgtop reports its unit, @per_second. */
static guint64
source_microseconds (guint64 value, guint64 per_second)
{
  return per_second > 0 ? value * G_USEC_PER_SEC / per_second : 0;
}

/* @flags: the fields that libgtop has read. */
static void
source_mark_unknown (ProcRecord *record, ProcField field, guint64 flags, guint needed)
{
  if ((flags & needed) != needed)
    record->unknown |= field;
}

static void
source_read_ids (guint32 pid, ProcRecord *record)
{
  glibtop_proc_uid ids;

  glibtop_get_proc_uid (&ids, (pid_t) pid);
  record->ppid = (guint32) MAX (ids.ppid, 0);
  record->uid = (guint32) ids.uid; /* libgtop does not fill the uid of the state on Linux */
  source_mark_unknown (record, PROC_FIELD_PPID, ids.flags, 1u << GLIBTOP_PROC_UID_PPID);
  source_mark_unknown (record, PROC_FIELD_UID, ids.flags, 1u << GLIBTOP_PROC_UID_UID);
  if ((record->unknown & PROC_FIELD_UID) != 0)
    record->uid = PROC_UID_UNKNOWN;
}

static void
source_read_name (guint32 pid, ProcRecord *record)
{
  glibtop_proc_state state;

  glibtop_get_proc_state (&state, (pid_t) pid);
  g_free (record->name);
  record->name = proc_text_escape (state.cmd, (gssize) strnlen (state.cmd, sizeof state.cmd));
  source_mark_unknown (record, PROC_FIELD_NAME, state.flags, 1u << GLIBTOP_PROC_STATE_CMD);
}

/* libgtop sets vsize together with size, but has no flag for it. */
static void
source_read_use (guint32 pid, ProcRecord *record)
{
  glibtop_proc_mem memory;
  glibtop_proc_time times;

  glibtop_get_proc_mem (&memory, (pid_t) pid);
  record->resident_bytes = memory.resident;
  record->virtual_bytes = memory.vsize;
  source_mark_unknown (record, PROC_FIELD_RESIDENT, memory.flags, 1u << GLIBTOP_PROC_MEM_RESIDENT);
  source_mark_unknown (record, PROC_FIELD_VIRTUAL, memory.flags, 1u << GLIBTOP_PROC_MEM_SIZE);

  glibtop_get_proc_time (&times, (pid_t) pid);
  record->cpu_time_us = source_microseconds (times.utime + times.stime, times.frequency);
  source_mark_unknown (record, PROC_FIELD_CPU_TIME, times.flags,
                       1u << GLIBTOP_PROC_TIME_UTIME | 1u << GLIBTOP_PROC_TIME_STIME);
}

void
proc_source_measure (guint32 pid, ProcRecord *record)
{
  source_read_ids (pid, record);
  source_read_name (pid, record);
  source_read_command_line (pid, record);
  source_read_use (pid, record);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-source.h"

#include <glibtop.h>
#include <glibtop/procargs.h>
#include <glibtop/proclist.h>
#include <glibtop/procmem.h>
#include <glibtop/procstate.h>
#include <glibtop/proctime.h>
#include <glibtop/procuid.h>
#include <string.h>

void
proc_source_init (void)
{
  glibtop_init ();
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

static char **
source_command_line (guint32 pid)
{
  glibtop_proc_args about;
  g_auto (GStrv) args = glibtop_get_proc_argv (&about, (pid_t) pid, 0);

  return proc_command_line_bound ((const char *const *) args);
}

/* libgtop names the unit of its times. */
static guint64
source_microseconds (guint64 value, guint64 per_second)
{
  return per_second > 0 ? value * G_USEC_PER_SEC / per_second : 0;
}

void
proc_source_measure (guint32 pid, ProcRecord *record)
{
  glibtop_proc_state state;
  glibtop_proc_uid ids;
  glibtop_proc_mem memory;
  glibtop_proc_time times;

  glibtop_get_proc_state (&state, (pid_t) pid);
  glibtop_get_proc_uid (&ids, (pid_t) pid);
  glibtop_get_proc_mem (&memory, (pid_t) pid);
  glibtop_get_proc_time (&times, (pid_t) pid);
  record->ppid = (guint32) MAX (ids.ppid, 0);
  record->uid = (guint32) ids.uid; /* libgtop does not fill state.ruid on Linux */
  record->name = proc_text_escape (state.cmd, (gssize) strnlen (state.cmd, sizeof state.cmd));
  record->command_line = source_command_line (pid);
  record->cpu_time_us = source_microseconds (times.utime + times.stime, times.frequency);
  record->resident_bytes = memory.resident;
  record->virtual_bytes = memory.vsize;
}

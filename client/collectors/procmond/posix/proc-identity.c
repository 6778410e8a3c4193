/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-identity.h"

#include <glibtop/procargs.h>
#include <glibtop/proctime.h>

ProcIdentityResult
proc_identity_start_time (guint32 pid, guint64 *start_time)
{
  glibtop_proc_time times;

  glibtop_get_proc_time (&times, (pid_t) pid);
  *start_time = times.start_time;
  return (times.flags & (1 << GLIBTOP_PROC_TIME_START_TIME)) != 0 ? PROC_IDENTITY_READ : PROC_IDENTITY_ABSENT;
}

/* For reports of the kernel, which only Linux has. */
guint64
proc_identity_start_time_at (guint64 time_ns)
{
  return 0;
}

guint
proc_identity_count_threads (guint32 pid, guint64 start_time)
{
  return 0;
}

ProcExeState
proc_identity_exe (guint32 pid, char **exe)
{
  *exe = g_strdup ("");
  return PROC_EXE_UNKNOWN;
}

char **
proc_identity_args (guint32 pid)
{
  glibtop_proc_args about;
  g_auto (GStrv) args = glibtop_get_proc_argv (&about, (pid_t) pid, 0);

  if ((about.flags & (1 << GLIBTOP_PROC_ARGS_SIZE)) == 0)
    return NULL;
  return args != NULL ? g_steal_pointer (&args) : g_new0 (char *, 1);
}

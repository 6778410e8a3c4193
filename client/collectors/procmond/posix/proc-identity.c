/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-identity.h"

#include <glibtop/proctime.h>

ProcIdentityResult
proc_identity_start_time (guint32 pid, guint64 *start_time)
{
  glibtop_proc_time times;

  glibtop_get_proc_time (&times, (pid_t) pid);
  *start_time = times.start_time;
  return (times.flags & (1 << GLIBTOP_PROC_TIME_START_TIME)) != 0 ? PROC_IDENTITY_READ : PROC_IDENTITY_ABSENT;
}

ProcExeState
proc_identity_exe (guint32 pid, char **exe)
{
  *exe = g_strdup ("");
  return PROC_EXE_UNKNOWN;
}

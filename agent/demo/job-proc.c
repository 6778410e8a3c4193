/* SPDX-License-Identifier: Apache-2.0 */
#include "job-proc.h"

char *
job_proc_key (guint32 pid, guint64 start_time)
{
  return g_strdup_printf ("%u:%" G_GUINT64_FORMAT, pid, start_time);
}

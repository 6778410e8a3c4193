/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * What tells a process from others with the same number: when it started, and which file it runs.
 *
 * linux/proc-identity.c reads both from /proc, because libgtop rounds the start time and cuts the path. Elsewhere
 * posix/proc-identity.c asks libgtop.
 */

/* Linux: clock ticks since boot; elsewhere seconds since 1970. FALSE: the process has ended. */
gboolean proc_identity_start_time (guint32 pid, guint64 *start_time);

/* Escaped as proc_text_escape() does; "" when it can't be read. (transfer full) */
char *proc_identity_exe (guint32 pid);

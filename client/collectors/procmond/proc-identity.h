/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The identity of a process beyond its number, which is used again later: its start time and its executable.
 *
 * linux/proc-identity.c reads both from /proc, because libgtop rounds the start time and truncates the path. posix/proc-
 * identity.c is for other systems and uses libgtop.
 */

/* Linux: clock ticks since boot; elsewhere seconds since 1970. FALSE: the process has ended. */
gboolean proc_identity_start_time (guint32 pid, guint64 *start_time);

/* Escaped as proc_text_escape() does; "" when it can't be read. (transfer full) */
char *proc_identity_exe (guint32 pid);

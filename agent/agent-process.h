/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/*
 * The functions for child processes that differ between systems: start a child that ends with its parent, ask it to end, and
 * suspend it. posix/agent-process.c uses signals, and on Linux the parent-death signal.
 *
 * GSubprocess can kill a process and wait for it on every system, so agent-child does both itself.
 */

/* Starts a program. @argv: NULL-ended. @pid: (out) (optional): its number, even if it has already ended. The child is asked to
 * end when the calling process ends or crashes (POSIX: only on Linux). */
GSubprocess *agent_process_start (const char *const *argv, guint32 *pid, GError **error);

void agent_process_ask_to_end (GSubprocess *process);

/* Stops all threads of @process, and returns when none of them runs any more. FALSE: the process has ended, see @error. */
gboolean agent_process_suspend (GSubprocess *process, GError **error);

/* Resumes a suspended process; has no effect on any other process. */
void agent_process_resume (GSubprocess *process);

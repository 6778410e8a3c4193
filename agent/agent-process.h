/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/*
 * Child processes, as far as systems differ in them: a child dies with its parent, can be asked to end, and can be
 * suspended. posix/agent-process.c uses signals, and on Linux the parent-death signal.
 *
 * Killing a process and waiting for it are the same everywhere with GSubprocess, so agent-child does both itself.
 */

/* Starts a program. @argv: NULL-ended. @pid: (out) (optional): its number, also if it has ended already. The child is asked to
 * end when the calling process ends or crashes (POSIX: on Linux only). */
GSubprocess *agent_process_start (const char *const *argv, guint32 *pid, GError **error);

void agent_process_ask_to_end (GSubprocess *process);

/* Stops all threads of @process, and returns once none of them runs any more. On failure (it has ended) @error says
 * why. */
gboolean agent_process_suspend (GSubprocess *process, GError **error);

/* Resumes a suspended process; harmless for any other. */
void agent_process_resume (GSubprocess *process);

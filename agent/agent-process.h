/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/*
 * What a system does in its own way about a child process: it dies with its parent, can be asked to end, and can be
 * suspended. posix/agent-process.c does it with a parent-death signal and signals.
 *
 * GSubprocess starts, kills and waits in the same way everywhere, so agent-child uses it directly for that.
 */

/* Starts a program. @argv: NULL-ended. The child is asked to end when the calling process ends, also when it crashes. */
GSubprocess *agent_process_start (const char *const *argv, GError **error);

void agent_process_ask_to_end (GSubprocess *process);

/* Stops all threads of @process, and returns once none of them runs any more. On failure (it has ended) @error says why. */
gboolean agent_process_suspend (GSubprocess *process, GError **error);

/* Lets a suspended process go on; harmless for any other. */
void agent_process_resume (GSubprocess *process);

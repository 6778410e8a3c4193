/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/*
 * Child processes of the agent: collectors, and the helpers of its demonstration.
 *
 * A child has a name for messages and a process number. It ends when the agent ends, also when the agent crashes. This
 * module starts and stops children. It does not restart one that has crashed; that would be supervision.
 */

typedef struct
{
  char *name;
  guint32 pid; /* 0: it ended before its number was read */
  GSubprocess *process;
} AgentChild;

/* Starts a program. @argv: NULL-ended. */
AgentChild *agent_child_start (const char *name, const char *const *argv, GError **error);
/* Starts this program once more. @options: NULL-ended. */
AgentChild *agent_child_start_own_program (const char *name, const char *const *options, GError **error);

/* Asks the process to end, kills it when that takes longer than two seconds, and waits for it; then frees @child. Iterates
 * the default context. A suspended process has to be resumed before. */
void agent_child_free (AgentChild *child);

/* Finds a program of ours: in @places (paths as platform_beside_program() takes them), else in PATH. NULL: not found.
 * (transfer full) */
char *agent_child_find (const char *name, const char *const *places);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/*
 * Child processes of the agent: collectors, and the helpers of its demonstration.
 *
 * A child has a name for messages and a process number. It ends when the agent ends, even if the agent crashes. This module
 * starts children, reports their end and stops them. It does not restart a child that has crashed; that would be supervision.
 */

typedef struct AgentChild AgentChild;
typedef void (*AgentChildEnded) (AgentChild *child, gpointer data);

struct AgentChild
{
  char *name;
  guint32 pid;
  GSubprocess *process;
  gboolean has_ended;
  gint64 kill_at_us;        /* time at which it is killed; 0: it was not asked to end */
  AgentChildEnded on_ended; /* (nullable) */
  gpointer data;            /* of @on_ended */
};

/* Starts a program. @argv: NULL-ended. */
AgentChild *agent_child_start (const char *name, const char *const *argv, GError **error);
/* Starts the agent's own program again. @options: NULL-ended. */
AgentChild *agent_child_start_own_program (const char *name, const char *const *options, GError **error);

/* Calls @on_ended once, from the default context, when the process has ended. It is also called if the process has already ended,
 * or if agent_child_free() ends it. */
void agent_child_watch (AgentChild *child, AgentChildEnded on_ended, gpointer data);

/* Describes the end of a process, in English: "exit status 3", "killed by signal 9 (Killed)". (transfer full) */
char *agent_child_describe_end (const AgentChild *child);
/* TRUE: it has ended with exit status 0. */
gboolean agent_child_has_succeeded (const AgentChild *child);

/* Asks the process to end, without waiting, so that several children can end at the same time. agent_child_free() waits. */
void agent_child_ask_to_end (AgentChild *child);

/* Asks the process to end unless it was already asked, kills it two seconds after that, waits for its end, and frees @child.
 * Iterates the default context. A suspended process must be resumed first. */
void agent_child_free (AgentChild *child);

/* Finds a program of this project: in @places (paths for platform_beside_program()), else in PATH. NULL: not found.
 * (transfer full) */
char *agent_child_find (const char *name, const char *const *places);

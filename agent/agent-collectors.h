/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent-child.h"

/*
 * The collectors that the agent has started: commands of --collector, each run as a child process with the address of the bus.
 *
 * Each start and each end is a log record; that of an end says how the process ended, and it is a warning unless the agent has
 * asked for it or the exit status is 0. A collector that has ended is not restarted.
 */

typedef struct AgentCollectors AgentCollectors;

AgentCollectors *agent_collectors_new (void);

/* Starts @command, which is split into words as a shell does, with --address @address after the program's name. */
gboolean agent_collectors_start (AgentCollectors *self, const char *command, const char *address, GError **error);

/* Ends all of them at the same time, within the two seconds of agent_child_free(). */
void agent_collectors_free (AgentCollectors *self);

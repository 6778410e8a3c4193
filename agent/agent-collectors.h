/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "agent-child.h"

/*
 * The collectors that the agent has started: each command of --collector runs as a child process, with the address of the bus.
 *
 * Each start and each end is a log record. The record of an end describes how the process ended; it is a warning unless the agent
 * has requested the end or the exit status is 0. A collector that has ended is not restarted.
 */

typedef struct AgentCollectors AgentCollectors;

AgentCollectors *agent_collectors_new (void);

/* Starts @command, which is split into words as a shell does, with --address @address after the program's name. */
gboolean agent_collectors_start (AgentCollectors *self, const char *command, const char *address, GError **error);

/* Ends all collectors at the same time, within the two seconds of agent_child_free(). */
void agent_collectors_free (AgentCollectors *self);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "daemoneye-plugin.h"

#include <gmodule.h>

/*
 * Loads the event bus module into the agent: with GModule and local binding. It checks the ABI and makes the module resident.
 *
 * It uses only the public header of the module. The rest of the agent is an ordinary client of the bus.
 */

typedef struct
{
  const DaemoneyePlugin *plugin;
  DaemoneyeBus *bus; /* NULL: not started */
} AgentModule;

/* Loads and checks the module at @path. */
gboolean agent_module_load (AgentModule *self, const char *path, GError **error);
/* Starts a broker. @address, @config: (nullable). */
gboolean agent_module_start (AgentModule *self, const char *address, const char *config, GError **error);
/* Opens a connection with the agent's role. Returns its handle, or -1. */
gintptr agent_module_connect (AgentModule *self, GError **error);
const char *agent_module_address (const AgentModule *self);
/* Requests the statistics of the broker and waits for them. FALSE: it does not answer, see daemoneye-plugin.h. */
gboolean agent_module_is_alive (AgentModule *self);
void agent_module_stop (AgentModule *self);

/* Returns the path of the module: @given (--module), otherwise $DAEMONEYE_MODULE, otherwise the path where it was built or
 * installed. (transfer full) */
char *agent_module_find (const char *given);

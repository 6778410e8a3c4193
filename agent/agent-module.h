/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "daemoneye-plugin.h"

#include <gmodule.h>

/*
 * The event bus module in a host: loaded with GModule, with local binding, checked for its ABI, and made resident.
 *
 * It uses nothing of the module but its public header. The rest of the agent is a client of the bus like any other.
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
/* Asks the broker for its statistics and waits for them. FALSE: it does not answer, see daemoneye-plugin.h. */
gboolean agent_module_is_alive (AgentModule *self);
void agent_module_stop (AgentModule *self);

/* The path of the module: @given (--module), else $DAEMONEYE_MODULE, else where it was built or installed. (transfer
 * full) */
char *agent_module_find (const char *given);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "daemoneye-plugin.h"

#include <gmodule.h>

/*
 * The event bus module, as a host loads it: by GModule, bound local, checked, made resident.
 *
 * This is all that a host has to do with the module; the rest of the agent is a client of the bus like any other. It
 * knows nothing of the module but its header.
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
/* A connection with the agent's role, or -1. */
gintptr agent_module_connect (AgentModule *self, GError **error);
const char *agent_module_address (const AgentModule *self);
void agent_module_stop (AgentModule *self);

/* --module, else $DAEMONEYE_MODULE, else where it was built or installed. Transfer full. */
char *agent_module_find (const char *given);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * The reload of the agent, which SIGHUP requests: asks all collectors to read their configuration again.
 *
 * The configuration of the broker is not read again: its limits and rights apply from the start of a broker to its end. One log
 * record states this, and another one the number of collectors that were asked.
 */

/* Sends the request, and does not wait for the collectors. @generation: increases with each reload. */
void agent_reload (DeyeBusClient *client, guint64 generation);

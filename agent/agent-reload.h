/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * A reload of the agent, which SIGHUP requests: all collectors are asked to read their configuration again.
 *
 * The configuration of the broker is not read again: its limits and rights apply from the start to the end of a broker. A log
 * record says so, another one how many collectors were asked.
 */

/* Does not wait for the collectors. @generation: increases with each reload. */
void agent_reload (DeyeBusClient *client, guint64 generation);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * Writes a log record for each collector that connects to the bus or disconnects, with the reason. The record is a warning if the
 * collector disconnects without GOODBYE, for example because it was killed.
 *
 * The module subscribes to system.peer.connected and system.peer.gone, so it also sees collectors that the agent did not start.
 *
 * A collector may connect and disconnect very often, as a new peer each time. So the records of each account are limited per
 * second, as in the log of the broker; the next record of the account contains the number of omitted records.
 */

/* @client: the agent's, connected. */
gboolean agent_peers_watch (DeyeBusClient *client, GError **error);

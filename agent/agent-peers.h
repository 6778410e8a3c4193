/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * The collectors on the bus, as log records of the agent: each that connects, and each that disconnects, with the reason. A
 * collector that disappears without goodbye, as one that was killed does, is a warning.
 *
 * It subscribes to system.peer.connected and system.peer.gone, so that it also sees collectors that the agent did not start.
 *
 * A collector may connect and disconnect as fast as it likes, as a new peer each time. So each account has a cap of records
 * per second, as in the log of the broker; the next record of the account contains the number of those that were left out.
 */

/* @client: the agent's, connected. */
gboolean agent_peers_watch (DeyeBusClient *client, GError **error);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sim-world.h"

/*
 * Storms: many connections arrive at once within one step, and send nothing. The model computes the connections that the broker
 * has to accept, and the silent connection that it has to disconnect for a newcomer.
 *
 * The broker has limits for all connections, for the connections of each account, and for connections that have not sent HELLO.
 * If all places without HELLO are taken, the oldest silent connection of the account with the most of them is disconnected, but
 * not if it is younger than 100 ms, unless it has the account of the newcomer. A refusal contains the time after which another
 * attempt is useful. As long as no connection may be disconnected, the broker accepts none.
 */

#define SIM_STRANGER_SLOT (SIM_CLIENTS + 1) /* slot of connections of a storm, which are not in the array of clients */

/* Sets limits that a storm reaches: of silent connections, or of all connections. They are high enough for the clients. */
void sim_storm_limits (guint64 seed, BusLimits *limits);

/* Operation: a storm. */
void sim_storm_run (SimWorld *world, SimClient *client);
/* The broker wants to disconnect a connection of the storm. */
void sim_storm_close (SimWorld *world, SimClient *stranger);

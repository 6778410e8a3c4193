/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sim-world.h"

/*
 * Storms: many connections come at once and send nothing, within one step. The model knows which of them the broker
 * has to accept, and which connection gives up its place for one of them.
 *
 * There is room for so many connections, so many of each account, and so many that have not said HELLO. When the last ones are all
 * taken, the oldest silent connection of the account that has most of them gives up its place; but none that is younger than
 * 100 ms, unless it is of the account of the newcomer. A refusal says after which time it is useful to try again. As long as
 * nobody can give way, the broker wants to accept nobody.
 */

#define SIM_STRANGER_SLOT (SIM_CLIENTS + 1) /* of connections of a storm; they have no place among the clients */

/* Limits that a storm reaches: that of silent connections, or those of all connections. They are enough for the clients. */
void sim_storm_limits (guint64 seed, BusLimits *limits);

/* An operation. */
void sim_storm_run (SimWorld *world, SimClient *client);
/* The broker wants to disconnect a connection of the storm. */
void sim_storm_close (SimWorld *world, SimClient *stranger);

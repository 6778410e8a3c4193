/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sim-world.h"

/*
 * Two publishers that wait for each other: each has used up its credit for messages that may not be dropped, and has a
 * subscription with policy block that is full. The random mix reaches this situation in too few seeds. It is drawn from a
 * random stream of its own, and only in seeds that ask for it, so the other seeds keep their operations.
 */

/* Lets the agent and the tool subscribe, or publish until their credit is used up. */
void sim_mutual_run (SimWorld *world);

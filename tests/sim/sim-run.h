/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sim-world.h"

/*
 * Runs: several messages to one topic that ask for nothing and reach the broker in one read, so that it routes them together.
 * The random mix passes in one frame at a time, because it compares the core before and after each frame; a run is compared by
 * the models and by the checks after the step. Runs are drawn from a random stream of their own, and only in seeds that ask for
 * them.
 */

/* Lets a client publish a run. */
void sim_run_publish (SimWorld *world);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sim-world.h"

/*
 * Runs: several messages to one topic that ask for nothing and reach the broker in one read. The random mix hands in one frame at a
 * time, because it compares the core before and after each of them. Runs are compared by the models and by the checks after every step.
 * They are drawn from a random stream of their own, and only in seeds that ask for them.
 */

void sim_run_publish (SimWorld *world);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "sim-world.h"

/*
 * Backlogs: long queues of subscriptions when faults have ended. A round of the world returns the credit of a client once, so a
 * window of one message lets one message pass in a round, and a long queue needs more rounds than the core has to come to rest.
 * Clients therefore read the part of a queue that is too long for these rounds without pauses. In some seeds they read whole
 * queues in this way. Invariant: whole credit that reaches the broker lets a waiting message pass at once, without a timer, if
 * the broker has memory for its frame.
 */

/* Clients read until at most @longest messages wait for each of their subscriptions, or none. */
void sim_backlog_read (SimWorld *world, guint longest);

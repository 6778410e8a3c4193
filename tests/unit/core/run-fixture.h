/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core-pressure.h"
#include "queue/bus-run.h"
#include "queue/bus-subscription.h"

/*
 * Runs of messages: a client publishes messages of 4 bytes to one topic, alone or in one piece. The broker routes the messages of
 * one piece together, as a run. The fixture does not check that the broker joins messages to runs.
 */

#define RUN_TOPIC "events.process.lifecycle"

/* The number of messages of a usual run. */
#define RUN_N 10u

/* Publishes @n messages, each in a piece of its own. */
void run_publish (Client *publisher, const char *topic, guint n);
/* Publishes @n messages that arrive in one piece. */
void run_publish_at_once (Client *publisher, const char *topic, guint n);

/* Asserts that the broker withholds the credit of @held messages of the publisher, and that its window agrees with that. */
void run_assert_credit (Client *publisher, guint64 held);

/* Returns the run that the broker uses for messages that arrive. */
const BusRun *run_of (const Core *core);

/* Returns the subscription with the id 1. */
BusSubscription *run_subscription_of (const Client *client);

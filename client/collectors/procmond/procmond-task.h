/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * The task that procmond answers: enumerate_processes, for a shard of the processes of this machine.
 *
 * It serves control.collector.task.process in the group of all local procmonds, so each task reaches one of them.
 */

#define PROCMOND_TASK_TOPIC "control.collector.task.process"
#define PROCMOND_GROUP      "local-procmond-workers"

DeyeBusSubscription *procmond_task_serve (DeyeBusClient *client, GError **error);

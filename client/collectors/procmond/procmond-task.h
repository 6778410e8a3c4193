/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * The task enumerate_processes: procmond replies with one shard of the processes of this machine.
 *
 * It is served on control.collector.task.process in the queue group of all local procmonds, so each task reaches one of
 * them.
 */

#define PROCMOND_TASK_TOPIC "control.collector.task.process"
#define PROCMOND_GROUP      "local-procmond-workers"

DeyeBusSubscription *procmond_task_serve (DeyeBusClient *client, GError **error);

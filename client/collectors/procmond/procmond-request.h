/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * The request enumerate_processes on control.collector.task.process: procmond replies with one shard of the processes of this
 * machine.
 *
 * This is how an agent without tasks (version 1), or one at a broker without tasks, gives work to procmonds. They serve the topic
 * in one queue group, so each request reaches one of them. Nobody repeats a request whose procmond dies; the operation
 * list_processes (procmond-list) has what this lacks. doc/coordination.md describes how an agent changes over.
 *
 * A procmond that drains leaves the group.
 */

#define PROCMOND_REQUEST_TOPIC "control.collector.task.process"
#define PROCMOND_GROUP         "local-procmond-workers"

void procmond_request_serve_async (DeyeBusClient *client, GAsyncReadyCallback callback, gpointer data);
/* (transfer full); NULL: the topic is not served. */
DeyeBusSubscription *procmond_request_serve_finish (DeyeBusClient *client, GAsyncResult *result, GError **error);

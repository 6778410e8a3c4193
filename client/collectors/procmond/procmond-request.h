/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "collector-bus.h"

/*
 * The request enumerate_processes on control.collector.task.process: procmond replies with one shard of the processes of this
 * machine.
 *
 * An agent without tasks (version 1), or one that uses a broker without tasks, distributes work to procmonds in this way. They
 * serve the topic in one queue group, so each request reaches one of them. If a procmond dies, its request is not repeated, in
 * contrast to a task of the operation list_processes (procmond-query). doc/coordination.md describes the migration of an agent.
 *
 * A procmond is ready when it serves the topic, and leaves the group when it drains.
 */

typedef struct ProcmondRequests ProcmondRequests;

/* @bus: borrowed. */
ProcmondRequests *procmond_requests_new (CollectorBus *bus);
void procmond_requests_free (ProcmondRequests *self);

/* Serves the topic, and then reports that procmond is ready or that it can't work. Must be called for each connection; if the
 * topic is already served, the client itself restores it. */
void procmond_requests_serve (ProcmondRequests *self);

/* Adds the topic to the description of procmond. */
void procmond_request_describe (DeyeBusService *service);

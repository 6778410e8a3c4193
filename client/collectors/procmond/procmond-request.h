/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "collector-bus.h"

/*
 * The request enumerate_processes on control.collector.task.process: procmond replies with one shard of the processes of this
 * machine.
 *
 * This is how an agent without tasks (version 1), or one at a broker without tasks, gives work to procmonds. They serve the topic
 * in one queue group, so each request reaches one of them. Nobody repeats a request whose procmond dies; the operation
 * list_processes (procmond-query) has what this lacks. doc/coordination.md describes how an agent changes over.
 *
 * A procmond is ready when it serves the topic, and leaves the group when it drains.
 */

typedef struct ProcmondRequests ProcmondRequests;

/* @bus: borrowed. */
ProcmondRequests *procmond_requests_new (CollectorBus *bus);
void procmond_requests_free (ProcmondRequests *self);

/* Serves the topic, and reports then that procmond is ready, or that it can't do its work. To be called with each connection; the
 * client itself restores a topic that is served already. */
void procmond_requests_serve (ProcmondRequests *self);

/* Adds the topic to the description of procmond. */
void procmond_request_describe (DeyeBusService *service);

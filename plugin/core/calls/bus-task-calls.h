/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * The methods about tasks: Submit on control.collector.task, all others on control.bus.task.
 *
 * Requests about several tasks are answered with a verdict for each. Agent and tool may name another account; everybody else
 * sees the tasks of the own one.
 */

void bus_task_calls_submit (const BusCall *call);
void bus_task_calls_cancel (const BusCall *call);
void bus_task_calls_settle (const BusCall *call);
void bus_task_calls_release (const BusCall *call);
void bus_task_calls_drop (const BusCall *call);

/* Answered with pushes until it ends. */
void bus_task_calls_await (const BusCall *call);

/* The record; with its history, or with its result. */
void bus_task_calls_get (const BusCall *call);
void bus_task_calls_result (const BusCall *call);
void bus_task_calls_list (const BusCall *call);

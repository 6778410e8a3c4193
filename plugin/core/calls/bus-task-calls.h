/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * The methods about tasks: Submit on control.collector.task, all others on control.bus.task.
 *
 * A request about several tasks is answered with a verdict for each of them. The agent and tools may name another account; a
 * collector sees only the tasks of its own account.
 */

void bus_task_calls_submit (const BusCall *call);
void bus_task_calls_cancel (const BusCall *call);
void bus_task_calls_settle (const BusCall *call);
void bus_task_calls_release (const BusCall *call);
void bus_task_calls_drop (const BusCall *call);

/* A call that is answered with pushes until it ends. */
void bus_task_calls_await (const BusCall *call);

/* Return the record of a task, with its history or with its result; or a page of records. */
void bus_task_calls_get (const BusCall *call);
void bus_task_calls_result (const BusCall *call);
void bus_task_calls_list (const BusCall *call);

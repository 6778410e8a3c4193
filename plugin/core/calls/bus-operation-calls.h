/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "calls/bus-method.h"

/*
 * The methods about operations of tasks, on control.bus.task: PauseOperation, ResumeOperation, Limit and Operations.
 * All but the last one affect tasks of other accounts, so they are for the agent and tools.
 */

void bus_operation_calls_pause (const BusCall *call);
void bus_operation_calls_resume (const BusCall *call);
void bus_operation_calls_limit (const BusCall *call);
void bus_operation_calls_list (const BusCall *call);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "coordination.pb-c.h"
#include "deye-bus-standing-task.h"

/* Transfer full. */
DeyeBusStandingTask *deye_bus_standing_task_new (const Daemoneye__Eventbus__V1__StandingTask *wire);

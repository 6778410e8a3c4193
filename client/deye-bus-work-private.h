/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-run.h"
#include "deye-bus-work.h"

/* The handle of @run that its handler gets. Transfer full. */
DeyeBusWork *deye_bus_work_new (DeyeBusRun *run);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"
#include "procmond-options.h"

/* The service description of procmond, and its method ListProcesses. Tasks are in procmond-list, requests of agents without tasks in procmond-request. */

#define PROCMOND_LIFECYCLE_TOPIC "events.process.lifecycle"

/* (transfer full) */
DeyeBusService *procmond_service_new (const ProcmondOptions *options);

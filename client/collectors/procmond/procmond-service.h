/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"
#include "procmond-options.h"

/* The description of procmond for the bus: methods, events, properties and configuration. */

#define PROCMOND_TYPE(name) "daemoneye.eventbus.v1." name

#define PROCMOND_CONFIGURATION_TYPE PROCMOND_TYPE ("ProcmondConfiguration")
#define PROCMOND_LIFECYCLE_TOPIC    "events.process.lifecycle"
#define PROCMOND_EVENT_TYPE         PROCMOND_TYPE ("ProcessEvent")

/* Returns the service of the collector @id. @statistics: answers the method Statistics, with @data. (transfer full) */
DeyeBusService *
procmond_service_new (const ProcmondOptions *options, const char *id, DeyeBusMethodCallback statistics, gpointer data);

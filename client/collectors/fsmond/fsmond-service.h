/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "fsmond-hash.h"
#include "fsmond-monitor.h"

/* The description of fsmond for the bus: methods, events, properties and configuration. */

#define FSMOND_CONFIGURATION_TYPE "daemoneye.eventbus.v1.FsmondConfiguration"

/* @id: of the collector. @monitor: borrowed. */
DeyeBusService *fsmond_service_new (const FsmondOptions *options, const char *id, FsmondMonitor *monitor);

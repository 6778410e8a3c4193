/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-collector.h"

/*
 * The health of one unit (part) of a collector. A module collects the reasons why its unit does not work properly in a string, and
 * reports the string: with a reason the unit is degraded, without one it is healthy. The library combines the units for the
 * heartbeat and HealthCheck.
 */

/* Adds a reason to @reasons, a text for people. */
void collector_health_add (GString *reasons, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* @collector: (nullable): with NULL it does nothing. */
void collector_health_report (DeyeBusCollector *collector, const char *unit, const GString *reasons);

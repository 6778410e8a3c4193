/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-collector.h"

/*
 * The health of one unit of a collector, from the reasons why it does not work as it should.
 *
 * A module collects its reasons in a string and reports them: with a reason the unit is degraded, without one it is healthy.
 * The library adds up the units for the heartbeat and HealthCheck.
 */

/* Adds a reason to @reasons, a text for people. */
void collector_health_add (GString *reasons, const char *format, ...) G_GNUC_PRINTF (2, 3);
/* @collector: (nullable): NULL reports nothing. */
void collector_health_report (DeyeBusCollector *collector, const char *unit, const GString *reasons);

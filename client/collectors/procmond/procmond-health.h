/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus.h"

/*
 * The health of procmond: what keeps its reports from being complete, for its heartbeat and HealthCheck.
 *
 * Modules report facts here; this one composes the text for people. It does not log and does not act. procmond has two units,
 * reading and publishing.
 *
 * Invariant: procmond is healthy if it reads every process and publishes every event, and degraded otherwise.
 */

typedef struct
{
  DeyeBusCollector *collector; /* (nullable): borrowed; NULL: nothing is reported */
  gboolean unlisted;           /* the processes can't be listed */
  gboolean partial;            /* the system lists only some of them */
  guint unreadable;            /* live processes that can't be read */
  guint waiting;               /* events that wait while others are lost; 0: none is being lost */
  guint64 lost;                /* events that were not published */
} ProcmondHealth;

/* Reports the fields. Call it after each change. */
void procmond_health_update (const ProcmondHealth *health);

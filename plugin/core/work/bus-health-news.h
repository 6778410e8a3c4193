/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-health.h"
#include "work/bus-work.h"

#include "health.pb-c.h"

/*
 * The news of the broker about the health of peers: the retained message system.health.{id}, published again when the state or
 * its reason changes. Its bytes count as a retained message of the account of the peer. A peer that has been healthy ever since
 * it connected has no such message, so a thousand idle ones cost nothing; control.bus.health lists all of them.
 *
 * The last message about a connection has the state GONE and is not retained.
 */

/* Texts that a record points to and that do not come from the peer. */
typedef struct
{
  char cause[BUS_HEALTH_CAUSE_MAX];
  Daemoneye__Eventbus__V1__HealthSignals signals;
  Daemoneye__Eventbus__V1__UnitHealth units[BUS_HEALTH_UNITS_MAX];
  Daemoneye__Eventbus__V1__UnitHealth *list[BUS_HEALTH_UNITS_MAX];
} BusHealthBlock;

/* Fills @record with texts of the peer and of @block. */
void bus_health_fill_record (const BusPeer *peer, Daemoneye__Eventbus__V1__HealthRecord *record, BusHealthBlock *block);

void bus_health_news_publish (BusPeer *peer);

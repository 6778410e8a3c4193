/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-health.h"
#include "work/bus-work.h"

#include "health.pb-c.h"

/*
 * Publishes the health of peers: the retained message system.health.{id}, which is published again when the state or its reason
 * changes. Its bytes are charged like a retained message of the peer's account. A peer that has been healthy since it connected
 * has no such message, so a thousand idle peers cost nothing; control.bus.health lists all of them.
 *
 * The last message about a connection has the state GONE and is not retained.
 *
 * Invariant: a retained message system.health.{id} has the present state of the peer.
 */

/* Parts of a record that the peer does not own. */
typedef struct
{
  char cause[BUS_HEALTH_CAUSE_MAX];
  Daemoneye__Eventbus__V1__HealthSignals signals;
  Daemoneye__Eventbus__V1__UnitHealth units[BUS_HEALTH_UNITS_MAX];
  Daemoneye__Eventbus__V1__UnitHealth *list[BUS_HEALTH_UNITS_MAX];
} BusHealthBlock;

/* Fills @record, which borrows texts from the peer and from @block. */
void bus_health_fill_record (const BusPeer *peer, Daemoneye__Eventbus__V1__HealthRecord *record, BusHealthBlock *block);

void bus_health_news_publish (BusPeer *peer);

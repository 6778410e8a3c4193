/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-gather-entry.h"
#include "work/bus-member.h"

/*
 * The ids that a question to many knows: those of its roster, and those of collectors that registered after the roster was fixed.
 *
 * A collector that joins is not asked. It is counted once, whatever connections it has; above a bound of ids one that comes again
 * counts again. The ids are charged to the asker.
 */

/* Memory of the question, charged to the asker until the question ends. */
void bus_gather_charge (BusGather *gather, gsize size);

/* The roster is fixed: its ids are known, and registrations up to now are not considered. */
void bus_gather_know_roster (BusGather *gather);

/* Registrations are considered once, in their order. */
void bus_gather_count_joined (BusGather *gather, const BusMember *member);

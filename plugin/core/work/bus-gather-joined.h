/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-gather-entry.h"
#include "work/bus-member.h"

/*
 * The ids that a question to many collectors knows: the ids of its roster, and those of collectors that registered later.
 *
 * A collector that registers after the roster was fixed is not asked, but counted, so that the asker learns that the roster was
 * not complete. An id is counted once, even if it reconnects; above a bound of ids, a collector that registers again is counted
 * again. The ids are charged to the asker.
 */

/* Charges @size bytes of the question to the asker, until the question ends. */
void bus_gather_charge (BusGather *gather, gsize size);

/* The roster is fixed: its ids are known, and only later registrations are counted. */
void bus_gather_know_roster (BusGather *gather);

/* Counts @member if it has joined. Each registration is considered once, so members must come in order of registration. */
void bus_gather_count_joined (BusGather *gather, const BusMember *member);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-work.h"

/*
 * The table of members: by the id of the collector, and by the operations that they have; and the lists in which their changes
 * wait for the leases.
 *
 * It changes no member (bus-membership begins and ends registrations, bus-trust decides about their states).
 *
 * Invariant: a member is in the table by id, and in the table of each of its operations, from its registration until it is
 * GONE; an operation is there as long as a member has it.
 */

/* The member with that id; NULL: none is registered. */
BusMember *bus_registry_find (BusWork *work, WireSpan id);

/* The members that have an operation, of all states but GONE, in the order in which they registered. Borrowed, until one
 * registers, is updated or ends. NULL: none has it. (element-type BusMember) */
GPtrArray *bus_registry_members_of (BusWork *work, WireSpan operation);

/* All members, in the order of their ids. (element-type BusMember) (transfer container) */
GPtrArray *bus_registry_all (BusWork *work);

void bus_registry_add (BusWork *work, BusMember *member);
void bus_registry_remove (BusWork *work, BusMember *member);
/* Its operations: after the last one is known, and before the first one is freed. */
void bus_registry_add_abilities (BusWork *work, BusMember *member);
void bus_registry_remove_abilities (BusWork *work, BusMember *member);

/* Its abilities, state or room are different: the leases check it at the end of the input call. */
void bus_registry_note_changed (BusWork *work, BusMember *member);
/* Takes one out. NULL: none left */
BusMember *bus_registry_next_changed (BusWork *work);

/* It is GONE: its leases are to be settled, then it is freed. */
void bus_registry_note_ended (BusWork *work, BusMember *member);
/* NULL: none left. Transfer full: bus_member_free() */
BusMember *bus_registry_next_ended (BusWork *work);

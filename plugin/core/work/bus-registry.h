/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-work.h"

/*
 * The table of members, by id and by operation; and the lists of members that have changed or ended in this input call.
 *
 * It changes no member: bus-membership begins and ends registrations, bus-trust decides about their states.
 *
 * Invariant: a member is in the table by id, and in the list of each of its operations, from its registration until it is GONE;
 * an operation is in the table as long as a member has it.
 */

/* Returns the member with that id; NULL: none is registered. */
BusMember *bus_registry_find (BusWork *work, WireSpan id);

/* Returns the members that have an operation, in all states but GONE, in order of registration. Borrowed; valid until a member
 * registers, is updated or ends. NULL: no member has it. (element-type BusMember) */
GPtrArray *bus_registry_members_of (BusWork *work, WireSpan operation);

/* Returns all members, in the order of their ids. (element-type BusMember) (transfer container) */
GPtrArray *bus_registry_all (BusWork *work);

void bus_registry_add (BusWork *work, BusMember *member);
void bus_registry_remove (BusWork *work, BusMember *member);
/* Add the operations of a member, once all are known; remove them, before any is freed. */
void bus_registry_add_abilities (BusWork *work, BusMember *member);
void bus_registry_remove_abilities (BusWork *work, BusMember *member);

/* Lists a member whose abilities, state or room have changed; it is examined at the end of the input call. */
void bus_registry_note_changed (BusWork *work, BusMember *member);
/* Takes one out. NULL: none is left */
BusMember *bus_registry_next_changed (BusWork *work);

/* Lists a member that is GONE: its leases have to be settled, then it is freed. */
void bus_registry_note_ended (BusWork *work, BusMember *member);
/* Takes one out; NULL: none is left. Transfer full: bus_member_free() */
BusMember *bus_registry_next_ended (BusWork *work);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-registry.h"

/*
 * Decides which members get tasks; the state of each member follows from these decisions.
 *
 * READY: it serves its own task topic, control.collector.task.{type}.{id}, and nothing below applies.
 *
 * SUSPECT: its connection is unresponsive (bus-health), or every slot is a zombie. The library answers PING from its context, so a
 * collector without heartbeats of its own is never suspected while its loop runs. Only the end of the connection is a death.
 *
 * SET_ASIDE: after 3 strikes in a minute, or if it registered more than 3 times in a minute, or if its last two leases ended
 * with its death (bus-past). The time is task_hold_us, twice as long each time, at most task_max_hold_us. Protections: a member
 * that is needed is not set aside, but *probed*: until the time is over it gets one task at a time. It is needed when no other READY
 * member has one of its operations (type and name), or when half of the members that have it are set aside. When the last other one
 * leaves later, the member whose time ends first is released and probed.
 *
 * The news of each change are published here. Nothing here reads tasks: the leases call the functions for slots and strikes.
 */

/* Its peer serves other topics than before. */
void bus_trust_served (BusCore *core, BusMember *member);

/* It began its registration, or began it again: everything is checked. */
void bus_trust_registered (BusCore *core, BusMember *member);

/* Applies an event that others decide about (DRAIN, END). @cause: a sentence */
void bus_trust_apply (BusCore *core, BusMember *member, BusMemberEvent event, const char *cause);

/* @member is not READY any more, or has lost some of these abilities: one that is set aside may be needed now. */
void bus_trust_withdrawn (BusCore *core, const BusMember *member, const GPtrArray *abilities);

/* The leases changed the number of its slots. */
void bus_trust_slots (BusCore *core, BusMember *member);

/* It failed: it did not answer an offer, or a lease of it expired. @cause: a sentence */
void bus_trust_strike (BusCore *core, BusMember *member, const char *cause);

/* A lease of it ended with a result. */
void bus_trust_completed (BusCore *core, BusMember *member);

/* Its connection is unresponsive, or is not any more. */
void bus_trust_health (BusCore *core, BusMember *member);

/* Its timer. */
void bus_trust_hold_due (BusCore *core, BusMember *member);
void bus_trust_stop_timer (BusCore *core, BusMember *member);

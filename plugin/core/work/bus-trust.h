/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-registry.h"

/*
 * Decides which members get tasks. The state of a member follows from these decisions.
 *
 * READY: the member serves its own task topic, control.collector.task.{type}.{id}, and nothing below applies.
 *
 * SUSPECT: its connection is unresponsive (bus-health), or every slot is a zombie. The client library answers PING from its
 * main context, so a collector that sends no heartbeats is not suspected while its main loop runs. A suspect gets no offers and
 * keeps its tasks: only the end of its connection is a death.
 *
 * SET_ASIDE: after 3 strikes in a minute, after more than 3 registrations in a minute, or if it died twice while it ran tasks
 * and has completed none since (bus-past). The time is task_hold_us, twice as long each time, at most task_max_hold_us.
 *
 * Setting aside the last collector of an operation would stop all tasks of the operation. So a member that is needed is *probed*
 * instead: until the time is over it gets one task at a time. A member is needed if one of its operations (for its type) has no
 * other READY member, or if more than half of the members of that operation would be set aside. If the last READY member leaves
 * later, the member that is set aside and whose time ends first is released and probed.
 *
 * This module publishes each change. It does not read tasks: the leases report slots, strikes and results to it.
 *
 * Invariant: only a READY member gets offers.
 */

/* The peer of the member may have begun or stopped serving topics. */
void bus_trust_served (BusCore *core, BusMember *member);

/* The registration began, or began again: checks everything. */
void bus_trust_registered (BusCore *core, BusMember *member);

/* Applies an event that another module decides about (DRAIN, END). @cause: a sentence */
void bus_trust_apply (BusCore *core, BusMember *member, BusMemberEvent event, const char *cause);

/* @member is not READY any more, or has lost some of these abilities: releases members that are set aside and needed now. */
void bus_trust_withdrawn (BusCore *core, const BusMember *member, const GPtrArray *abilities);

/* The number of slots in use has changed. */
void bus_trust_slots (BusCore *core, BusMember *member);

/* Counts a strike: the member did not answer an offer, or a lease expired. @cause: a sentence */
void bus_trust_strike (BusCore *core, BusMember *member, const char *cause);

/* A lease of the member ended with a result. */
void bus_trust_completed (BusCore *core, BusMember *member);

/* The connection of the member has become unresponsive, or responsive again. */
void bus_trust_health (BusCore *core, BusMember *member);

/* The time for which it is set aside or probed is over. */
void bus_trust_hold_due (BusCore *core, BusMember *member);
void bus_trust_stop_timer (BusCore *core, BusMember *member);

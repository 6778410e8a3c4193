/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-death.h"
#include "work/bus-member.h"
#include "work/bus-task.h"

/*
 * Members that leave, and the tasks that they have.
 *
 * A member that is gone loses all its tasks at once. A member that drains loses its offers at once, and the tasks that it still
 * runs when its time to drain is over. A member that withdraws an operation loses the offers of this operation. A member that is
 * suspect or set aside keeps its offers and its tasks.
 *
 * Invariant: a member that is GONE has no lease when it is freed.
 */

/* The member is GONE: ends its leases, and queues their tasks again. */
void bus_leaving_gone (BusCore *core, BusMember *member, gint64 now_us);

/* The state or the abilities of the member have changed. */
void bus_leaving_changed (BusCore *core, BusMember *member, gint64 now_us);

/* The timer of a provisional death: the time to register again is over. */
void bus_leaving_death_due (BusDeath *death, gint64 now_us);

/* The time to drain is over: takes back the running tasks of the member. */
void bus_leaving_drain_over (BusCore *core, BusMember *member, gint64 now_us);

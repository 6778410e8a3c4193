/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-death.h"
#include "work/bus-member.h"
#include "work/bus-task.h"

/*
 * Members that leave, and the tasks that they hold.
 *
 * A member that is gone gives all of them back at once. One that drains gives back its offers, and after its time the tasks that
 * it still runs. One that does not offer an operation any more gives back the offers of that.
 */

/* The member is GONE: its leases end. */
void bus_leaving_gone (BusCore *core, BusMember *member, gint64 now_us);

/* Its state or its abilities have changed. */
void bus_leaving_changed (BusCore *core, BusMember *member, gint64 now_us);

/* Of a provisional death: the time to register again is over. */
void bus_leaving_death_due (BusDeath *death, gint64 now_us);

/* The time that it had to drain is over. */
void bus_leaving_drain_over (BusCore *core, BusMember *member, gint64 now_us);

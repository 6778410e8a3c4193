/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-types.h"

/*
 * The schedule: at the end of each input call everything that has changed about members and tasks is settled, and tasks are
 * offered to the members that have room.
 *
 * Members that ended come first, so that nothing is offered to them; then members that changed; then requests that ended without
 * an answer; then questions to many, which may ask others; then offers, the operation that was served longest ago first. The last
 * step pushes to submitters and askers.
 */

/* The state of tasks in core->work, which exists. */
void bus_schedule_init (BusCore *core);
/* No member is left; every task is freed. */
void bus_schedule_clear (BusCore *core);

/* TRUE: something was done, which may have closed peers: call it again when those are released. */
gboolean bus_schedule_settle (BusCore *core, gint64 now_us);

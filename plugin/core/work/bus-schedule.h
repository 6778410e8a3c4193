/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-types.h"

/*
 * The schedule: at the end of each input call it settles every change of members and tasks, and offers tasks to members that
 * have room.
 *
 * The order matters. Members that ended come first, so that nothing is offered to them; then members that changed; then
 * requests that ended without an answer; then questions to many collectors, which may ask further ones; then offers, the
 * operation that was served least recently first. The last step sends to submitters and askers.
 *
 * Invariant: when bus_schedule_settle() has returned FALSE, no task waits that a member could get now.
 */

/* Sets up the state of tasks in core->work, which exists already. */
void bus_schedule_init (BusCore *core);
/* Frees every task. No member may be left. */
void bus_schedule_clear (BusCore *core);

/* TRUE: something was done, which may have closed peers. Call it again once those are released. */
gboolean bus_schedule_settle (BusCore *core, gint64 now_us);

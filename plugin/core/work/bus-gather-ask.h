/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-gather-entry.h"

/*
 * The tasks that ask a question to many collectors: how they are made, and how they end.
 *
 * Their ids, gather.{query}.{number}, contain dots, which ids of submitted tasks cannot contain. In the modes ALL and SOME a
 * task names its collector as target and has one attempt; in the mode SHARDS it has no target, and as many attempts as any
 * task. If the broker has no room for a task, the task is not made, and its entry is REFUSED. A task that has ended is kept
 * without its payload until the question is over, so that an answer that comes too late is counted. It enters neither the
 * window of results nor the quarantine.
 */

/* Makes the task that asks @id; NULL: any capable collector. FALSE: the task was refused, and the fate and the text of @entry
 * contain the reason. */
gboolean bus_gather_ask (BusGatherEntry *entry, char *id, gint64 now_us);

/* Ends the task, if it is live. @is_expired: its time is over; otherwise it is cancelled. */
void bus_gather_stop (BusCore *core, BusTask *task, gboolean is_expired, gint64 now_us);
/* Frees the task. */
void bus_gather_discard (BusCore *core, BusTask *task);
/* Drops the payload of the result, which was sent or is not needed. */
void bus_gather_drop_result (BusCore *core, BusTask *task);

/* SOME: returns the next collector of the roster that was not asked yet; NULL: none. @registered: only one that is registered */
const BusRosterRow *bus_gather_pick (const BusGather *gather, gboolean registered);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-gather-entry.h"

/*
 * The tasks of a question: how they are made, and how they end.
 *
 * Their ids, gather.{query}.{number}, have a dot, which no submitted id has. In ALL and SOME a task names its collector and has
 * one attempt; in SHARDS it names none, and has as many as any task. A task that the broker has no room for is not made, and its
 * entry is REFUSED. A task that has ended stays until the question is over, without its payload, so that an answer that comes too
 * late is counted; it enters neither the window of results nor the quarantine.
 */

/* Asks @id, or anybody if that is NULL. FALSE: refused; the fate and the text of @entry say why. */
gboolean bus_gather_ask (BusGatherEntry *entry, char *id, gint64 now_us);

/* Ends it, if it has not ended. @is_expired: the time is over; otherwise it is cancelled. */
void bus_gather_stop (BusCore *core, BusTask *task, gboolean is_expired, gint64 now_us);
/* Its record is not needed any more. */
void bus_gather_discard (BusCore *core, BusTask *task);
/* Its result was sent, or is not wanted. */
void bus_gather_drop_result (BusCore *core, BusTask *task);

/* SOME: the next collector to ask, among those of the roster that were not asked. @registered: only one that is there. NULL: none
 * */
const BusRosterRow *bus_gather_pick (const BusGather *gather, gboolean registered);

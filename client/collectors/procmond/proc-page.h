/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-table.h"

/*
 * The bound of an answer: how a table of processes is made to fit.
 *
 * The processes themselves decide how long their command lines are, and how many they are. So an answer never fails
 * because of its size, and no process can displace another one. A requester that pages gets full records, as many as fit,
 * and continues behind them. For one that does not page the longest command lines and paths are shortened, all to the
 * same length, until everything fits. Only if that is not enough, the processes with the highest numbers are left out.
 *
 * Invariant: afterwards the records cost at most the room, unless a single one does not fit even when shortened.
 */

#define PROC_PAGE_MAX (1u << 20) /* more would exceed what a receiver accepts to unpack */

/* @room: bytes of the packed table. Sets table->next if records are left out. */
void proc_page_fit (ProcTable *table, gsize room, gboolean shorten);
/* Keeps at most @n records. */
void proc_page_truncate (ProcTable *table, guint n);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-table.h"

/*
 * Limits the size of an answer: makes a table of processes fit, as collector-page describes. The processes that are left out have
 * higher numbers than those in the table, so a requester that requests pages continues after the last process of the table.
 */

/* @room: bytes of the packed table. Sets table->next if records are left out. */
void proc_page_fit (ProcTable *table, gsize room, gboolean shorten);
/* Keeps at most @n records. */
void proc_page_truncate (ProcTable *table, guint n);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "proc-table.h"

/*
 * The bound of an answer: a table of processes is made to fit, as collector-page describes. A process that is left out is one
 * with a higher number, so a requester that pages continues behind the last one of the table.
 */

/* @room: bytes of the packed table. Sets table->next if records are left out. */
void proc_page_fit (ProcTable *table, gsize room, gboolean shorten);
/* Keeps at most @n records. */
void proc_page_truncate (ProcTable *table, guint n);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-pending.h"

/*
 * The pending calls of one session.
 *
 * The table finds the call that an answer belongs to, and lists the calls that are overdue. It reads no clock and sends
 * nothing. It is a hash of intrusive lists, without an allocation for each call, since each acknowledged publish enters and
 * leaves it.
 *
 * Invariant: a call is in the table until it is done.
 */

/* The handshake has no id on the wire, so it is not in a bucket. */
typedef struct
{
  DeyeBusEvents *events;    /* borrowed */
  DeyeBusPending *hello;    /* NULL: done */
  DeyeBusPending **buckets; /* calls by id, linked by next_of_id */
  guint n_buckets;          /* a power of two */
  guint count;
  gint64 next_us; /* not later than the earliest deadline */
} DeyeBusPendingTable;

typedef gboolean (*DeyeBusPendingFilter) (const DeyeBusPending *pending);

/* @hello: (nullable). */
void deye_bus_pending_table_init (DeyeBusPendingTable *table, DeyeBusEvents *events, DeyeBusPending *hello);
void deye_bus_pending_table_clear (DeyeBusPendingTable *table);

void deye_bus_pending_table_add (DeyeBusPendingTable *table, DeyeBusPending *pending, guint64 id);
/* The call that an answer with @id belongs to. NULL: there is none, or it was not sent yet and so cannot have an answer. */
DeyeBusPending *deye_bus_pending_table_find (const DeyeBusPendingTable *table, guint64 id);

/* Ends @pending. Takes @error (NULL: success). */
void deye_bus_pending_table_finish (DeyeBusPendingTable *table, DeyeBusPending *pending, GError *error);
/* The connection has ended: ends all calls, in the order of their ids. */
void deye_bus_pending_table_fail_all (DeyeBusPendingTable *table, const GError *reason);
/* The connection has ended, and another one follows: calls that can wait for it stay in the table as unsent calls, all others
 * end. */
void deye_bus_pending_table_suspend (DeyeBusPendingTable *table, const GError *reason);
/* The next connection begins. */
void deye_bus_pending_table_reopen (DeyeBusPendingTable *table, DeyeBusPending *hello);
/* The calls for which @filter returns TRUE, or all if it is NULL, in the order of their ids, as references. */
GPtrArray *deye_bus_pending_table_list (const DeyeBusPendingTable *table, DeyeBusPendingFilter filter);
/* Calls that have a kept frame, in the order of their ids, as references. */
GPtrArray *deye_bus_pending_table_list_kept (const DeyeBusPendingTable *table);
/* Removes an unsent call. It is added again when it is sent, with the id of its frame. */
void deye_bus_pending_table_forget (DeyeBusPendingTable *table, DeyeBusPending *pending);
/* Standing calls that are not sent, in the order of their ids, as references. */
GPtrArray *deye_bus_pending_table_list_standing (const DeyeBusPendingTable *table);

/* Calls whose deadline has passed at @now_us, in the order of their ids, as references. The caller ends them. */
GPtrArray *deye_bus_pending_table_list_overdue (DeyeBusPendingTable *table, gint64 now_us);

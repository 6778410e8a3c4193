/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "net-table.h"

/*
 * The changes between two tables of sockets: listeners and connections that appeared or vanished.
 *
 * This module converts tables, and the kernel's notices about sockets that have ended, to events. It uses no clock and no bus.
 * The first table is the baseline and causes no events. A socket that is missing in a later table has vanished if there is a
 * notice about its end. Without a notice it has vanished only if it is missing in two tables in sequence: the kernel lists a
 * long table in parts, and may skip a socket when others end between two parts.
 *
 * A notice about a socket that was in no table causes an event of another kind. A socket that vanished without a notice is
 * remembered, because it may still be open; its notice follows when its process closes it. This memory has the size of a table;
 * when it is full, the oldest socket is dropped.
 *
 * Invariant: each socket appears at most once with the same addresses, and vanishes at most once after that.
 */

typedef enum
{
  NET_APPEARED = 1,
  NET_VANISHED = 2,
  NET_ENDED_UNSEEN = 3,
} NetEventKind;

typedef struct
{
  NetEventKind kind;
  NetSocket socket;
} NetEvent;

typedef struct NetWatch NetWatch;

/* @limit: largest number of sockets. */
NetWatch *net_watch_new (guint limit);
void net_watch_free (NetWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NetWatch, net_watch_free)

/* Returns the previous table, for net_table_new() and net_table_add(). NULL: there was none. */
const NetTable *net_watch_last (const NetWatch *watch);

/* Compares @now with the previous table; returns an array of NetEvent (transfer full). @now: (transfer full): sealed. @ended: of
 * NetSocket: the notices since the previous call. */
GArray *net_watch_compare (NetWatch *watch, NetTable *now, const GArray *ended);

/* TRUE: the socket is a listener or a connection of a process, and not only the kernel's memory of an ended connection. */
gboolean net_watch_concerns (const NetSocket *socket);

/* Copies the owners of sockets in @before to the same sockets in @now. Returns the number of sockets in @now that have an inode
 * and whose owner was not searched yet. */
guint net_watch_keep_owners (const NetTable *before, NetTable *now);

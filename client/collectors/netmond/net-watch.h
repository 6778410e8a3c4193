/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "net-table.h"

/*
 * The changes between two tables of sockets: which listeners and connections appeared, and which ones vanished.
 *
 * It turns tables, and the notices of the kernel about sockets that have ended, into events, and uses no clock and no bus.
 * The first table is the baseline and causes no events. Of a socket that the next tables do not have any more, a notice
 * proves the end. Without one, two tables in sequence have to be without it: the kernel lists a long table in parts, and may
 * skip a socket when others end between two parts.
 *
 * A notice about a socket that no table had is an event of its own kind. A socket without a notice is remembered when it has
 * vanished, because it may still be open, and its notice follows when its process closes it. That memory is as large as a
 * table, and drops the oldest sockets.
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

/* @limit: of sockets. */
NetWatch *net_watch_new (guint limit);
void net_watch_free (NetWatch *watch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NetWatch, net_watch_free)

/* The table of the last look, for net_table_new() and net_table_add(). NULL: there was none. */
const NetTable *net_watch_last (const NetWatch *watch);

/* Compares @now with the table before; returns an array of NetEvent, (transfer full). @now: (transfer full): sealed. @ended: of
 * NetSocket: the notices since the last look. */
GArray *net_watch_look (NetWatch *watch, NetTable *now, const GArray *ended);

/* Sockets that are a listener or a connection of a process, and not only what the kernel remembers of one. */
gboolean net_watch_concerns (const NetSocket *socket);

/* Takes over the owners that @before has for sockets of @now, and returns how many sockets of @now have an inode whose owner
 * was not looked for. */
guint net_watch_keep_owners (const NetTable *before, NetTable *now);

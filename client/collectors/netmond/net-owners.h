/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "net-table.h"

#include <gio/gio.h>

/*
 * The processes that have sockets: each file descriptor of a process that is a socket names the socket's inode
 * (linux/net-owners.c reads /proc/PID/fd).
 *
 * The owner of a socket is never guessed. Without privilege a process can read only the file descriptors of its own user. So the
 * module counts the processes that it may not read; a socket without a known owner may belong to one of them. Processes
 * change while they are read: a socket that is passed on or closed meanwhile may be found twice or not at all.
 */

typedef struct NetOwnerScan NetOwnerScan;

/* Searches the owners of those sockets in the sealed table that have an inode and whose owner was not searched yet. Sets the
 * owners, and the table's counts of processes.
 * @proc: the folder, "/proc". */
NetOwnerScan *net_owner_scan_new (const char *proc, NetTable *table);
void net_owner_scan_free (NetOwnerScan *scan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NetOwnerScan, net_owner_scan_free)
/* Does @n steps: each reads a process, or a part of its descriptors if it has many. FALSE: it has read all processes. */
gboolean net_owner_scan_step (NetOwnerScan *scan, guint n);
/* Returns the number of processes that were read. @total: (out): number of all processes. */
guint net_owner_scan_count (const NetOwnerScan *scan, guint *total);
/* Stores the owners and the counts in the table. */
void net_owner_scan_end (NetOwnerScan *scan);

typedef enum
{
  NET_INODES_READ,
  NET_INODES_ABSENT, /* there is no such process, or it is hidden */
  NET_INODES_HIDDEN, /* its file descriptors may not be read */
  NET_INODES_OTHER,  /* a process with this number started at another time */
} NetInodesResult;

/* Reads the inodes (GUINT_TO_POINTER) of the sockets of one process. @start_time: 0: any process with this number. @owner: (out):
 * the process. @inodes: (out) (transfer full): set if the result is NET_INODES_READ. */
NetInodesResult
net_owner_inodes (const char *proc, guint32 pid, guint64 start_time, NetOwner *owner, GHashTable **inodes);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "net-socket.h"

/*
 * A table of sockets, with a limit and a filter.
 *
 * Other programs and their peers determine the number of sockets, so a table has a limit. Sockets beyond the limit are
 * counted and left out. A table that follows another one reserves room for the sockets of the previous table, so that a known
 * socket is not removed from the table because new sockets fill it.
 *
 * Invariant: a sealed table contains each cookie once, sorted, and no more sockets than its limit.
 */

typedef struct
{
  guint8 protocol; /* NetProtocol; NET_PROTOCOL_ANY: TCP and UDP */
  guint8 state;    /* NetState; NET_STATE_ANY: all */
  guint16 local_port;
  guint shard;        /* sockets whose cookie modulo shards is shard */
  guint shards;       /* 0 or 1: all of them */
  guint64 after;      /* only cookies above */
  GHashTable *inodes; /* (nullable): borrowed; only these */
} NetFilter;

gboolean net_filter_matches (const NetFilter *filter, const NetSocket *socket);

typedef struct
{
  GArray *sockets; /* of NetSocket */
  guint limit;
  guint room;       /* for sockets that are not in the previous table */
  guint beyond;     /* sockets that were left out */
  guint refused;    /* bit N: the kernel does not list NetProtocol N */
  guint64 next;     /* sockets above this cookie were left out of the page; 0: none was */
  guint processes;  /* number of processes whose file descriptors were read */
  guint unreadable; /* number of processes whose file descriptors may not be read */
  gboolean hidden;  /* the system does not list all processes */
  guint other;      /* sockets of the process that the kernel did not list here */
  guint64 namespace_inode;
} NetTable;

/* @before: (nullable): the previous table, sealed. */
NetTable *net_table_new (guint limit, const NetTable *before);
void net_table_free (NetTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NetTable, net_table_free)

/* Adds a socket and takes ownership of its members. @before: as above. */
void net_table_add (NetTable *table, const NetTable *before, NetSocket *socket);
/* Sorts the table. If the kernel listed a cookie twice, because the socket changed its place meanwhile, the last entry is kept. */
void net_table_seal (NetTable *table);

/* Finds a socket in the sealed table. NULL: it is not there. */
NetSocket *net_table_find (const NetTable *table, guint64 cookie);

/* Removes the sockets up to a cookie from the sealed table. */
void net_table_skip (NetTable *table, guint64 cookie);
/* Limits the size of an answer: keeps at most @most sockets (0: no limit) whose cost is at most @room bytes, but at least one
 * socket. Sets table->next if sockets are left out. */
void net_table_page (NetTable *table, guint most, gsize room);

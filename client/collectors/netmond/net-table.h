/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "net-socket.h"

/*
 * A table of sockets, its bound, and the filter of what it contains.
 *
 * The machine's programs, and their peers, decide how many sockets there are. So a table has a limit. Sockets beyond it are
 * counted and left out. A table that follows another one keeps room for the sockets of that one, so that a socket that is
 * known does not vanish because new ones have taken its place.
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
  guint room;       /* for sockets that the table before does not have */
  guint beyond;     /* sockets that were left out */
  guint refused;    /* bit N: the kernel does not list NetProtocol N */
  guint64 next;     /* sockets above this cookie were left out of the page; 0: none was */
  guint processes;  /* whose file descriptors were read */
  guint unreadable; /* and those that may not be read */
  gboolean hidden;  /* the system does not list all processes */
  guint other;      /* sockets of the process that the kernel did not list here */
  guint64 namespace_inode;
} NetTable;

/* @before: (nullable): the sealed table that this one follows. */
NetTable *net_table_new (guint limit, const NetTable *before);
void net_table_free (NetTable *table);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NetTable, net_table_free)

/* Takes what @socket refers to. @before: as above. */
void net_table_add (NetTable *table, const NetTable *before, NetSocket *socket);
/* Sorts the table. A cookie that was listed twice, because its socket changed its place meanwhile, is kept as it was last. */
void net_table_seal (NetTable *table);

/* NULL: the sealed table does not have it. */
NetSocket *net_table_find (const NetTable *table, guint64 cookie);

/* Removes the sockets up to a cookie from the sealed table. */
void net_table_skip (NetTable *table, guint64 cookie);
/* The bound of an answer: keeps at most @most sockets (0: any number), and not more than cost @room bytes, but at least one.
 * Sets table->next if sockets are left out. */
void net_table_page (NetTable *table, guint most, gsize room);

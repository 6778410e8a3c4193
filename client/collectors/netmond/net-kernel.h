/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "net-table.h"

/*
 * The kernel's list of sockets, and its notices of those that end: sock_diag over netlink, with libmnl (linux/net-kernel.c).
 *
 * A netlink socket belongs to the network namespace in which it was opened, and lists only the sockets of this namespace. The
 * functions block until the kernel has answered, which it does at once; a caller that must not block uses a thread. Two
 * threads must not use the same object at the same time.
 */

#define NET_KERNEL_ERROR (net_kernel_error_quark ())
GQuark net_kernel_error_quark (void);

typedef enum
{
  NET_KERNEL_ERROR_REFUSED, /* the kernel does not list sockets of this protocol, or does not offer sock_diag at all */
  NET_KERNEL_ERROR_FAILED,  /* this attempt failed */
} NetKernelError;

typedef struct NetKernel NetKernel;

/* NULL with @error: the system has no sock_diag. */
NetKernel *net_kernel_open (GError **error);
void net_kernel_close (NetKernel *kernel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NetKernel, net_kernel_close)

/* Decides whether a socket is added to the table. */
typedef gboolean (*NetWants) (const NetSocket *socket, gconstpointer data);

/* The destination of the sockets of a list. */
typedef struct
{
  NetTable *table;        /* not sealed */
  const NetTable *before; /* (nullable): the table that it follows */
  NetWants wants;
  gconstpointer data;
} NetSink;

#define NET_ALL_STATES ((1u << (NET_STATE_LAST + 1)) - 2)

/* Requests the sockets of one protocol and family. @states: bit N is NetState N. An earlier list that was not read to its end is
 * abandoned. */
gboolean net_kernel_ask (NetKernel *kernel, NetProtocol protocol, NetFamily family, guint states, GError **error);
/* Reads the next part of the list, a few hundred sockets. @more: (out): there is another part. FALSE: the rest can't be read. */
gboolean net_kernel_take (NetKernel *kernel, const NetSink *sink, gboolean *more, GError **error);

/* Returns the inode of the network namespace of this process; 0: unknown. */
guint64 net_kernel_namespace (void);

/* The kernel's notices about TCP and UDP sockets that end. The kernel queues them until they are read, as far as its buffer
 * suffices. */
typedef struct NetNotices NetNotices;

/* NULL with @error: the kernel does not offer them. */
NetNotices *net_notices_open (GError **error);
void net_notices_close (NetNotices *notices);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NetNotices, net_notices_close)

/* Adds a NetSocket to @ended for each queued notice, at most @most. @lost: (out): the kernel dropped notices, or there are more
 * than @most. FALSE: the kernel sends no more notices. */
gboolean net_notices_take (NetNotices *notices, GArray *ended, guint most, gboolean *lost, GError **error);

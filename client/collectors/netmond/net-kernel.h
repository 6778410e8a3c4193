/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "net-table.h"

/*
 * The kernel's list of sockets, and its notices of those that end: sock_diag over netlink, with libmnl (linux/net-kernel.c).
 *
 * A netlink socket belongs to the network namespace in which it was opened, and lists the sockets of that one only. The
 * functions wait for the kernel, which answers at once; call them in a thread where that matters. No function is called by
 * two threads at the same time for the same object.
 */

#define NET_KERNEL_ERROR (net_kernel_error_quark ())
GQuark net_kernel_error_quark (void);

typedef enum
{
  NET_KERNEL_ERROR_REFUSED, /* the kernel does not list sockets of this protocol, or does not offer sock_diag at all */
  NET_KERNEL_ERROR_FAILED,  /* this time */
} NetKernelError;

typedef struct NetKernel NetKernel;

/* NULL with @error: there is no sock_diag. */
NetKernel *net_kernel_open (GError **error);
void net_kernel_close (NetKernel *kernel);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NetKernel, net_kernel_close)

/* Decides about a socket before it is added to the table. */
typedef gboolean (*NetWants) (const NetSocket *socket, gconstpointer data);

/* The table into which the sockets of a list are put. */
typedef struct
{
  NetTable *table;        /* not sealed */
  const NetTable *before; /* (nullable): the table that it follows */
  NetWants wants;
  gconstpointer data;
} NetSink;

#define NET_ALL_STATES ((1u << (NET_STATE_LAST + 1)) - 2)

/* Asks for the sockets of one protocol and family. @states: bit N is NetState N. The list before has been taken to its end,
 * or is given up. */
gboolean net_kernel_ask (NetKernel *kernel, NetProtocol protocol, NetFamily family, guint states, GError **error);
/* Takes the next part of the list, a few hundred sockets. @more: there is another one. FALSE: the rest can't be read. */
gboolean net_kernel_take (NetKernel *kernel, const NetSink *sink, gboolean *more, GError **error);

/* Inode of the network namespace of this process; 0: unknown. */
guint64 net_kernel_namespace (void);

/* The notices of TCP and UDP sockets that end. The kernel keeps them until they are taken, as far as it has room. */
typedef struct NetNotices NetNotices;

/* NULL with @error: the kernel does not offer them. */
NetNotices *net_notices_open (GError **error);
void net_notices_close (NetNotices *notices);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NetNotices, net_notices_close)

/* Adds a NetSocket to @ended for each notice that waits, and at most @most. @lost: set if the kernel had no room for all of
 * them, or there are more. FALSE: the kernel gives no more notices. */
gboolean net_notices_take (NetNotices *notices, GArray *ended, guint most, gboolean *lost, GError **error);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "net-kernel.h"
#include "net-owners.h"

/*
 * One reading of the sockets of this machine and their owners, in steps, so that a program does other things between them.
 *
 * The steps are the parts of the kernel's lists, and then the processes. The kernel may not offer the lists of all protocols;
 * those that it refuses are noted in the table, and the reading fails only if it refuses all of them.
 */

typedef struct
{
  guint protocols; /* bit N: NetProtocol N */
  guint states;    /* bit N: NetState N */
  guint limit;     /* of sockets */
  gboolean without_owners;
  const NetTable *before; /* (nullable): borrowed; the table that this one follows: known owners are taken from it */
  NetWants wants;
  gconstpointer data;
} NetRange;

typedef struct NetReading NetReading;

/* NULL with @error: the kernel does not list sockets. */
NetReading *net_reading_new (const NetRange *range, GError **error);
void net_reading_free (NetReading *reading);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (NetReading, net_reading_free)

/* Does the next @n steps. FALSE: it is complete, or has failed. @total: 0: not known yet. */
gboolean net_reading_step (NetReading *reading, guint n, guint *done, guint *total);
/* The sealed table, (transfer full), once. NULL with @error: the reading has failed. */
NetTable *net_reading_end (NetReading *reading, GError **error);

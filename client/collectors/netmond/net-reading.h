/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "net-kernel.h"
#include "net-owners.h"

/*
 * Reads the sockets of this machine and their owners once, in steps, so that the program can do other work between the steps.
 *
 * The first steps read the parts of the kernel's lists, the following ones the processes. The kernel may refuse the lists of some
 * protocols; these are noted in the table, and the reading fails only if the kernel refuses all of them.
 */

typedef struct
{
  guint protocols; /* bit N: NetProtocol N */
  guint states;    /* bit N: NetState N */
  guint limit;     /* of sockets */
  gboolean without_owners;
  const NetTable *before; /* (nullable): borrowed; the previous table, from which known owners are copied */
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
/* Returns the sealed table; may be called once. NULL with @error: the reading has failed. (transfer full) */
NetTable *net_reading_end (NetReading *reading, GError **error);

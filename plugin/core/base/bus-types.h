/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Types that the layers of the core share without knowing what is inside: the handles of a broker and of a connection,
 * the identity that the transport reports for a connection, and the sums that the core returns.
 *
 * The base, index and queue layers keep a handle only to pass it on; none of them looks inside one.
 */

typedef struct BusCore BusCore;
typedef struct BusPeer BusPeer;

/* The identity of a connection as the transport reports it. */
typedef struct
{
  guint32 account;          /* the number that the transport interned for the identity; on POSIX the uid */
  guint32 pid;              /* 0 where the system does not report one */
  gboolean agent;           /* opened by the module's own call: has the agent's role by construction */
  const char *account_name; /* for display; copied by the core */
} BusCredentials;

/* The sums of a broker; see bus_core_stats(). */
typedef struct
{
  guint peers;       /* that said hello */
  guint connections; /* all */
  guint subscriptions;
  guint groups;
  guint pending_requests;
  guint64 queued_messages;
  guint64 queued_bytes;
  guint64 charged_bytes; /* everything charged to peers, objects included; 0 without peers */
  guint64 accepted;
  guint64 delivered;
  guint64 missed;
  guint64 denied;
  guint64 malformed;
} BusCoreStats;

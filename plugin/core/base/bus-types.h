/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Types that several layers of the core share: the handles of a broker and of a connection, the identity that the transport
 * reports for a connection, and the totals that the core returns.
 *
 * The handles are opaque in the base, index and queue layers, which only store them and pass them on.
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

/* The totals of a broker; see bus_core_stats(). */
typedef struct
{
  guint peers;       /* connections whose HELLO was accepted */
  guint connections; /* all connections */
  guint subscriptions;
  guint groups;
  guint pending_requests;
  guint64 queued_messages;
  guint64 queued_bytes;
  guint64 charged_bytes; /* everything that is charged, objects included; 0 without peers */
  guint64 accepted;
  guint64 delivered;
  guint64 missed;
  guint64 denied;
  guint64 malformed;
} BusCoreStats;

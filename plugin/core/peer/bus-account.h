/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-quota.h"
#include "base/bus-timer.h"
#include "base/bus-types.h"

/*
 * Accounts: what all peers of one identity hold together.
 *
 * The transport reports an identity with each connection (a uid today). Quotas apply to it, so that a user cannot get more
 * of the broker by opening more connections. This module counts peers and bytes; what happens at a limit is decided by
 * bus-shed.
 *
 * Invariant: an account exists while it has a peer; its usage is the sum of its peers' usage.
 */

typedef struct
{
  guint32 uid;
  guint peers;
  BusUsage usage; /* of them all */
  gboolean is_soft;
  gint64 report_next_us; /* bus-slow: not before this time */
  BusTimer report_timer;
  BusCore *core;
} BusUid;

/* The account of @uid, made with its first peer and freed with its last. */
BusUid *bus_uid_join (GHashTable *uids, BusCore *core, guint32 uid);
void bus_uid_leave (GHashTable *uids, BusDeadlineSet *deadlines, BusUid *uid);
GHashTable *bus_uid_table_new (void);

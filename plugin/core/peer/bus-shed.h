/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-timer.h"
#include "bus-core.h"
#include "base/bus-quota.h"

/*
 * What happens when a uid, or the broker in all, holds as much as it may: the owner of the largest queue pays, never the
 * publisher who happens to come.
 *
 * Asked before a message is routed, so that what follows finds memory. Messages go from the queue in which most waits, by
 * the policy of the subscription for which most waits (bus-admit). When no queue can give anything any more, the peer
 * that is owed most is closed. Above quota_soft_percent of a limit system.slow says so.
 *
 * Invariant: a queue gives only while it is the largest of those that are asked.
 */

#define BUS_SHED_ALL G_MAXUINT32 /* no uid: everybody */

typedef struct
{
  guint32 uid;
  guint peers;
  BusUsage usage; /* of them all */
  gboolean is_soft;
  gint64 report_next_us;
  BusTimer report_timer;
  BusCore *core;
} BusUid;

/* The uid's entry, made with its first peer and freed with its last. */
BusUid *bus_uid_join (BusCore *core, guint32 uid);
void bus_uid_leave (BusCore *core, BusUid *uid);
GHashTable *bus_uid_table_new (void);

/* Makes room for @bytes in all. FALSE: there is none. */
gboolean bus_shed_reserve (BusCore *core, guint64 bytes, gint64 now_us);
/* Makes room for @bytes of that uid. FALSE: there is none. */
gboolean bus_shed_reserve_uid (BusUid *uid, guint64 bytes, gint64 now_us);

/* Whose queue is the largest; NULL: nobody's. */
BusPeer *bus_shed_largest (BusCore *core, guint32 uid);

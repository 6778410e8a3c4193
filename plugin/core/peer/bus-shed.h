/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-state.h"
#include "peer/bus-account.h"

/*
 * Shedding: an account, or the broker, holds as much as it may. Messages are dropped from the largest queue; the
 * publisher whose message arrives next is not refused for it.
 *
 * It is called before a message is routed, so that what follows finds memory, and at the end of each input. First the
 * peers are disconnected that hold unfinished frames or do not read their answers (bus-pinned). Then messages are
 * dropped from the largest queue, there from the subscription with the most waiting bytes, by its policy (bus-admit).
 * When no queue has anything left to drop, the peer with the most encoded and waiting bytes is closed. Above
 * quota_soft_percent of a limit the level is reported (bus-slow).
 *
 * Invariant: a queue gives only while it is the largest of those that are considered.
 */

/* The part of a limit above which it is reported; at most the limit. */
static inline guint64
bus_shed_soft_limit (const BusCore *core, guint64 limit)
{
  return limit / 100 * core->limits.quota_soft_percent;
}

/* The slow parts of the two functions below: they are called near a limit. */
gboolean bus_shed_reserve_above (BusCore *core, guint64 bytes, gint64 now_us);
gboolean bus_shed_reserve_account_above (BusAccount *account, guint64 bytes, gint64 now_us);

/* TRUE if the broker, or that account, is far from its limit even with @bytes more. */
static inline gboolean
bus_shed_is_far (const BusCore *core, guint64 bytes)
{
  return core->quota.memory + bytes < bus_shed_soft_limit (core, core->quota.cap) && !core->is_soft;
}

static inline gboolean
bus_shed_is_account_far (const BusAccount *account, guint64 bytes)
{
  return account->usage.charged + bytes < bus_shed_soft_limit (account->core, account->core->limits.uid_bytes)
         && !account->is_soft;
}

/* Makes room for @bytes in the broker. FALSE: there is none. */
static inline gboolean
bus_shed_reserve (BusCore *core, guint64 bytes, gint64 now_us)
{
  return G_LIKELY (bus_shed_is_far (core, bytes)) || bus_shed_reserve_above (core, bytes, now_us);
}

/* Makes room for @bytes of that account. FALSE: there is none. */
static inline gboolean
bus_shed_reserve_account (BusAccount *account, guint64 bytes, gint64 now_us)
{
  return G_LIKELY (bus_shed_is_account_far (account, bytes)) || bus_shed_reserve_account_above (account, bytes, now_us);
}

/* The same for what can be refused (requests, replies, subscriptions): no peer is closed for the size of its queue. */
gboolean bus_shed_fit_account (BusAccount *account, guint64 bytes, gint64 now_us);

/* The ready peer with the largest queue. NULL: no message waits for any of them. */
BusPeer *bus_shed_largest (BusCore *core, guint32 account);

/* The end of an input of @peer: charges what its reader holds now, and makes room where it, or what it made the broker
 * answer, exceeds the limit of its account or of the broker. When there is no room for its unfinished frame the peer
 * is closed: the frame has to be sent again later. */
void bus_shed_settle (BusPeer *peer, gint64 now_us);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-state.h"
#include "peer/bus-account.h"

/*
 * Shedding: makes room when the broker or an account holds as many bytes as its limit allows.
 *
 * The obvious reaction, refusing the message that arrives next, would hit the wrong peer: a publisher, and subscribers that keep
 * up, would lose messages because of one subscriber that does not read. So room is made where most bytes wait:
 *  1. Peers that hold unfinished frames or do not read their answers are disconnected (bus-pinned).
 *  2. Messages are dropped from the largest queue, first from its subscription with the most waiting bytes (bus-trim).
 *  3. If no queue has a message that may be dropped, the message that arrives is refused after all, and the peer with the most
 *     encoded and waiting bytes is closed, so that the next one finds room.
 *
 * Room in the broker is made before a message is routed, and room in the account of a receiver before the message is offered to
 * that receiver, so that bus-admit never has to drop messages of another queue. Room is also made at the end of each input, for
 * unfinished frames and for answers. Above quota_soft_percent of a limit the level is reported (bus-slow). This module chooses the
 * queue; it does not choose the messages.
 *
 * Invariant: a queue loses messages only while it is the largest of those that are considered and have a message to drop.
 */

/* The number of bytes at which reports of the level begin; at most the limit. */
static inline guint64
bus_shed_soft_limit (const BusCore *core, guint64 limit)
{
  return limit / 100 * core->limits.quota_soft_percent;
}

/* The slow parts of bus_shed_reserve() and bus_shed_reserve_account(), for memory near a limit. */
gboolean bus_shed_reserve_above (BusCore *core, guint64 bytes, gint64 now_us);
gboolean bus_shed_reserve_account_above (BusAccount *account, guint64 bytes, gint64 now_us);

/* TRUE if the broker, or that account, is far from its limit even with @bytes more. */
static inline gboolean
bus_shed_is_far_from_limit (const BusCore *core, guint64 bytes)
{
  return core->quota.memory + bytes < bus_shed_soft_limit (core, core->quota.cap) && !core->is_soft;
}

static inline gboolean
bus_shed_is_account_far_from_limit (const BusAccount *account, guint64 bytes)
{
  return account->usage.charged + bytes < bus_shed_soft_limit (account->core, account->core->limits.uid_bytes)
         && !account->is_soft;
}

/*
 * Makes room for @bytes in the broker. FALSE: there is none; the caller refuses the message or object.
 *
 * It is called for every message, so the usual case, in which the broker is far from its limit, is two comparisons. This short cut
 * ends at the soft limit, because the slow part also has to note when the memory passes that limit: upwards to report it,
 * downwards to reset is_soft, so that the next time is reported again. That is why the short cut does not apply while is_soft is
 * set.
 *
 * FALSE is the exception: usually messages that wait for slow subscribers are dropped, and the arriving message is accepted. To
 * make room, peers may be closed, among them the sender or a receiver of the message; callers check bus_peer_is_ready()
 * afterwards.
 */
static inline gboolean
bus_shed_reserve (BusCore *core, guint64 bytes, gint64 now_us)
{
  return G_LIKELY (bus_shed_is_far_from_limit (core, bytes)) || bus_shed_reserve_above (core, bytes, now_us);
}

/* The same for an account. */
static inline gboolean
bus_shed_reserve_account (BusAccount *account, guint64 bytes, gint64 now_us)
{
  return G_LIKELY (bus_shed_is_account_far_from_limit (account, bytes))
         || bus_shed_reserve_account_above (account, bytes, now_us);
}

/* The same for objects that can be refused with an answer (requests, replies, subscriptions): if there is no room, no peer is
 * closed for the size of its queue. */
gboolean bus_shed_fit_account (BusAccount *account, guint64 bytes, gint64 now_us);

/* The ready peer with the largest queue. NULL: no message waits for any of them. */
BusPeer *bus_shed_largest (BusCore *core, guint32 account);

/* Called at the end of an input of @peer: charges the block of its unfinished frame, and makes room if this, or the answers to the
 * peer, exceed the limit of its account or of the broker. If no room can be made, the peer is disconnected for its pinned bytes,
 * unless a peer that is closing will free memory anyway. */
void bus_shed_settle (BusPeer *peer, gint64 now_us);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-strategy.h"
#include "queue/bus-room.h"
#include "queue/bus-subscription.h"

/*
 * Picking: chooses the one of several subscriptions that gets a message. Members of a group and servers of a topic are picked by
 * the same rules; both are called members here.
 *
 * A member that drains gets nothing. The others have ranks, and the strategy decides among the members of the best rank that has
 * any:
 *
 *   1. prompt members that can send the message at once       2. prompt members in whose queue it can wait
 *   3. stalled members that can send it at once               4. stalled members in whose queue it can wait
 *   5. demoted members that can send it at once
 *
 * A member is prompt unless it has held unacknowledged messages for longer than the others, and for longer than it usually does;
 * then it is stalled. If no member has one of these ranks, the message does not fit anywhere: the strategy chooses a member, if
 * possible one that is not demoted, and the policy of that member is applied.
 *
 * Round robin with equal weights takes the next member behind the last one, so it usually examines only one. A member that is
 * passed over because it has no room is *owed* a message, and gets it before others do once it has room again. So members whose
 * windows are full at different moments get the same number of messages in the end. All other strategies compare every member of
 * the rank.
 *
 * Invariant: two picks with the same state and the same candidates have the same result; random numbers come from a seed.
 */

typedef struct
{
  BusStrategy strategy; /* DEFAULT: round robin */
  guint n_members;      /* also those that do not match the message */
  guint n_weighted;     /* of these, with a weight above 1 */
  guint n_owed;         /* members that are owed messages */
  guint64 cursor;       /* the place behind the member that was picked last */
  guint64 chance;       /* state of the random numbers */
} BusBalance;

void bus_balance_init (BusBalance *balance, BusStrategy strategy, guint64 seed);
/* A member with that weight joins or leaves. */
void bus_balance_join (BusBalance *balance, BusSubscription *member);
void bus_balance_leave (BusBalance *balance, const BusSubscription *member);

/* Picks one of @n candidates (n > 0), and returns its place. n: none of them takes part. */
guint bus_pick (BusBalance *balance, BusSubscription *const *candidates, guint n, const BusNeed *need);

/* The same in two steps, for a message that may still be refused: bus_pick_ahead() picks, and bus_pick_take() uses up the turn of
 * the picked member once the message is accepted. */
typedef struct
{
  guint member; /* n: none of them takes part */
  guint rank;
} BusPicked;
BusPicked bus_pick_ahead (BusBalance *balance, BusSubscription *const *candidates, guint n, const BusNeed *need);
void
bus_pick_take (BusBalance *balance, BusSubscription *const *candidates, guint n, const BusNeed *need, BusPicked picked);

/* Picks a member of the ranks 1 to 4 that does not belong to the peer @except (nullable). n: there is none. */
guint bus_pick_taker (BusBalance *balance,
                      BusSubscription *const *candidates,
                      guint n,
                      const BusNeed *need,
                      const BusPeer *except);

/* The load of a member: messages that wait for it, or were sent to it and not acknowledged. */
guint64 bus_pick_load (const BusSubscription *member);

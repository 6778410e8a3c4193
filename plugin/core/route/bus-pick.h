/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-strategy.h"
#include "queue/bus-room.h"
#include "queue/bus-subscription.h"

/*
 * Picking: which one of several subscriptions gets a message. Members of a group and servers of a topic are picked alike.
 *
 * A member that is drained gets nothing. The others have ranks: members that have room, then members that can let the message
 * wait; in each of the two first those that settle what they get, then those that have held messages for longer than the
 * others and than they usually do (stalled). A demoted member is picked when no other one takes the message. The strategy
 * decides among the members of the best rank. Only when no member takes the message, the policy is applied at the one that
 * the strategy chooses.
 *
 * Round robin with equal weights takes the next member behind the last one, so it does not examine the others. A member that is
 * passed over because it has no room is *owed* a message, and gets it before others do once it has room again. So members whose
 * windows are full at different moments get the same number after all. All other choices compare every member of the rank.
 *
 * Invariant: of two picks with the same state and the same candidates the result is the same; chance comes from a seed.
 */

typedef struct
{
  BusStrategy strategy; /* DEFAULT: round robin */
  guint n_members;      /* all of them, also those that do not match a message */
  guint n_weighted;     /* of these, with a weight above 1 */
  guint64 cursor;       /* the place behind the one that was picked last */
  guint64 chance;       /* state of the random numbers */
  guint n_owed;         /* members that are owed messages */
} BusBalance;

void bus_balance_init (BusBalance *balance, BusStrategy strategy, guint64 seed);
/* A member with that weight joins or leaves. */
void bus_balance_join (BusBalance *balance, BusSubscription *member);
void bus_balance_leave (BusBalance *balance, const BusSubscription *member);

/* Picks one of @n candidates (n > 0). n: none of them is there. */
guint bus_pick (BusBalance *balance, BusSubscription *const *candidates, guint n, const BusNeed *need);

/* The same in two steps, for a message that may still be refused: the turn of a member is taken only when it gets the message. */
typedef struct
{
  guint member; /* n: none of them is there */
  guint rank;
} BusPicked;
BusPicked bus_pick_ahead (BusBalance *balance, BusSubscription *const *candidates, guint n, const BusNeed *need);
void
bus_pick_take (BusBalance *balance, BusSubscription *const *candidates, guint n, const BusNeed *need, BusPicked picked);

/* Picks only a member that takes the message and is not demoted, and none of the peer @except. n: none */
guint bus_pick_taker (BusBalance *balance,
                      BusSubscription *const *candidates,
                      guint n,
                      const BusNeed *need,
                      const BusPeer *except);

/* The messages that a member was offered and has not settled: sent and not acknowledged, or waiting for it. */
guint64 bus_pick_load (const BusSubscription *member);

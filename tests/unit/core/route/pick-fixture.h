/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/peer-fixture.h"
#include "route/bus-pick.h"

/*
 * Members among which a message is picked, beside peer-fixture: four collectors with one subscription each, and the balance that
 * counts their turns.
 *
 * There is no group and no message: a test changes the state of a member, and asserts the members of the next picks.
 */

#define PICKS_MEMBERS 4u
#define PICKS_TURNS   1000u

typedef struct
{
  Peers peers;
  BusSubscription *members[PICKS_MEMBERS];
  BusBalance balance;
} Picks;

/* For g_test_add(). The strategy is round robin. */
void picks_setup (Picks *f, gconstpointer data);
void picks_teardown (Picks *f, gconstpointer data);

/* Returns the index of the next picked member; PICKS_MEMBERS: none. */
guint picks_next (Picks *f);
/* Counts the picks of each member in the next PICKS_TURNS picks. */
void picks_count (Picks *f, guint *counts);

/* Closes the window of a member: it has no credit, but its queue has room. */
void picks_close_window (Picks *f, guint at);
/* Fills a member: it has no credit, and its queue is full. */
void picks_fill (Picks *f, guint at);
/* Lets a member hold unsettled messages, the oldest of them for @for_us. */
void picks_stall (Picks *f, guint at, gint64 for_us);

/* SPDX-License-Identifier: Apache-2.0 */
#include "pick-fixture.h"

/*
 * Picking: the member of a group, or the server of a topic, that gets a message, by its room and its state. test-pick-strategy.c
 * tests the strategies and weights.
 */

/* --- picking --- */

static void
test_round_robin (Picks *f, gconstpointer data)
{
  for (guint i = 0; i < 3 * PICKS_MEMBERS; i++)
    g_assert_cmpuint (picks_next (f), ==, i % PICKS_MEMBERS);
}

/* A member without room is skipped, and the others share its turns evenly: the next member does not get a double share. */
static void
test_skips_the_full (Picks *f, gconstpointer data)
{
  guint counts[PICKS_MEMBERS];

  picks_fill (f, 1);
  picks_count (f, counts);
  g_assert_cmpuint (counts[1], ==, 0);
  for (guint i = 0; i < PICKS_MEMBERS; i++)
    if (i != 1)
      {
        g_assert_cmpuint (counts[i], >=, PICKS_TURNS / 3);
        g_assert_cmpuint (counts[i], <=, PICKS_TURNS / 3 + 1);
      }
}

/* A member where the message would wait is picked only if no member can take it at once. */
static void
test_room_before_waiting (Picks *f, gconstpointer data)
{
  guint counts[PICKS_MEMBERS];

  picks_close_window (f, 0);
  picks_fill (f, 1);
  picks_fill (f, 2);
  picks_count (f, counts);
  g_assert_cmpuint (counts[3], ==, PICKS_TURNS);
  picks_fill (f, 3);
  picks_count (f, counts);
  g_assert_cmpuint (counts[0], ==, PICKS_TURNS);
}

/* A demoted member gets no message while the message can wait at another member. */
static void
test_demoted (Picks *f, gconstpointer data)
{
  guint counts[PICKS_MEMBERS];

  for (guint i = 0; i < PICKS_MEMBERS; i++)
    picks_close_window (f, i);
  f->members[2]->state = BUS_SUBSCRIPTION_DEMOTED;
  picks_count (f, counts);
  g_assert_cmpuint (counts[2], ==, 0);
  g_assert_cmpuint (counts[0], >=, PICKS_TURNS / 3);
}

/* The same when the demoted member has room itself. */
static void
test_demoted_with_room (Picks *f, gconstpointer data)
{
  guint counts[PICKS_MEMBERS];

  f->members[2]->state = BUS_SUBSCRIPTION_DEMOTED;
  picks_count (f, counts);
  g_assert_cmpuint (counts[2], ==, 0);
  for (guint i = 0; i < PICKS_MEMBERS; i++)
    if (i != 2)
      picks_close_window (f, i);
  picks_count (f, counts);
  g_assert_cmpuint (counts[2], ==, 0);
  for (guint i = 0; i < PICKS_MEMBERS; i++)
    if (i != 2)
      picks_fill (f, i);
  picks_count (f, counts);
  g_assert_cmpuint (counts[2], ==, PICKS_TURNS);
}

/* --- members that acknowledge nothing --- */

#define GRACE_US (250 * G_TIME_SPAN_MILLISECOND)

/* A member that holds messages for longer than the others is stalled: it gets no messages until it returns credit. */
static void
test_stalled (Picks *f, gconstpointer data)
{
  guint counts[PICKS_MEMBERS];

  f->peers.core->now_us += G_TIME_SPAN_MINUTE;
  picks_stall (f, 1, GRACE_US + 1);
  picks_stall (f, 2, GRACE_US);
  picks_count (f, counts);
  g_assert_cmpuint (counts[1], ==, 0);
  g_assert_cmpuint (counts[2], >=, PICKS_TURNS / 3);
  f->members[1]->unsettled.since_us = 0;
  picks_count (f, counts);
  g_assert_cmpuint (counts[1], ==, PICKS_TURNS / PICKS_MEMBERS);
}

/* Each job takes one second: a member that has worked for 0.9 s gets its share, also beside one that has worked for 0.3 s. */
static void
test_slow_at_work (Picks *f, gconstpointer data)
{
  guint counts[PICKS_MEMBERS];

  f->peers.core->now_us += G_TIME_SPAN_MINUTE;
  for (guint i = 0; i < PICKS_MEMBERS; i++)
    {
      f->members[i]->unsettled.usual_us = G_TIME_SPAN_SECOND;
      picks_stall (f, i, (i + 1) * 300 * G_TIME_SPAN_MILLISECOND);
    }
  picks_count (f, counts);
  for (guint i = 0; i < PICKS_MEMBERS; i++)
    g_assert_cmpuint (counts[i], ==, PICKS_TURNS / PICKS_MEMBERS);
  picks_stall (f, 1, 2 * G_TIME_SPAN_SECOND + 1);
  picks_count (f, counts);
  g_assert_cmpuint (counts[1], ==, 0);
}

/* All members are stalled: each is compared with the member that has been stalled for the shortest time, so members with
 * similar times take turns. */
static void
test_all_stalled (Picks *f, gconstpointer data)
{
  guint counts[PICKS_MEMBERS];

  f->peers.core->now_us += G_TIME_SPAN_MINUTE;
  for (guint i = 0; i < PICKS_MEMBERS; i++)
    picks_stall (f, i, 10 * G_TIME_SPAN_SECOND + i * GRACE_US);
  picks_count (f, counts);
  g_assert_cmpuint (counts[0], ==, PICKS_TURNS / 2);
  g_assert_cmpuint (counts[1], ==, PICKS_TURNS / 2);
  f->members[0]->state = BUS_SUBSCRIPTION_DEMOTED; /* other members are not compared with a demoted one */
  picks_count (f, counts);
  g_assert_cmpuint (counts[1], ==, PICKS_TURNS / 2);
  g_assert_cmpuint (counts[2], ==, PICKS_TURNS / 2);
}

/* A stalled member is picked when no other member has room, before a demoted one, and before the policy is applied. */
static void
test_stalled_at_last (Picks *f, gconstpointer data)
{
  guint counts[PICKS_MEMBERS];

  f->peers.core->now_us += G_TIME_SPAN_MINUTE;
  for (guint i = 1; i < PICKS_MEMBERS; i++)
    picks_fill (f, i);
  picks_stall (f, 0, G_TIME_SPAN_MINUTE / 2);
  bus_window_init (&f->members[3]->window, 100, 1000000);
  f->members[3]->state = BUS_SUBSCRIPTION_DEMOTED;
  picks_count (f, counts);
  g_assert_cmpuint (counts[0], ==, PICKS_TURNS);
}

/* --- a member that takes over --- */

static guint
pick_taker (Picks *f, guint except)
{
  const BusNeed need = { .len = 100, .lane = WIRE_LANE_DATA, .now_us = f->peers.core->now_us };

  return bus_pick_taker (&f->balance, f->members, PICKS_MEMBERS, &need, f->members[except]->owner);
}

static void
test_member_for_handed_on_messages (Picks *f, gconstpointer data)
{
  for (guint i = 0; i < 2 * PICKS_MEMBERS; i++)
    g_assert_cmpuint (pick_taker (f, 0), !=, 0);
  picks_fill (f, 1);
  picks_fill (f, 2);
  f->members[3]->state = BUS_SUBSCRIPTION_DEMOTED;
  f->balance.cursor = 2;
  g_assert_cmpuint (pick_taker (f, 0), ==, PICKS_MEMBERS); /* none */
  g_assert_cmpuint (f->balance.cursor, ==, 2);
  g_assert_cmpuint (pick_taker (f, 3), ==, 0);
  picks_stall (f, 0, G_TIME_SPAN_HOUR); /* better than no member */
  g_assert_cmpuint (pick_taker (f, 3), ==, 0);
}

/* A member without credit misses turns. When it has credit again, it first gets its missed turns, and then takes turns as
 * before. */
static void
test_owed (Picks *f, gconstpointer data)
{
  guint counts[PICKS_MEMBERS] = { 0 };

  bus_window_init (&f->members[1]->window, 0, 0);
  for (guint i = 0; i < 3 * 10; i++)
    counts[picks_next (f)]++;
  g_assert_cmpuint (counts[1], ==, 0);
  g_assert_cmpuint (f->members[1]->share->owed, ==, 10);
  g_assert_cmpuint (f->balance.n_owed, ==, 1);
  bus_window_init (&f->members[1]->window, 1000000, 1000000);
  for (guint i = 0; i < 10; i++)
    g_assert_cmpuint (picks_next (f), ==, 1);
  g_assert_cmpuint (f->balance.n_owed, ==, 0);
  for (guint i = 0; i < 2 * PICKS_MEMBERS; i++)
    counts[picks_next (f)]++;
  for (guint i = 0; i < PICKS_MEMBERS; i++)
    g_assert_cmpuint (counts[i] + (i == 1 ? 10 : 0), ==, 12);
}

/* A member that stalls or leaves loses its missed turns. */
static void
test_owed_nothing (Picks *f, gconstpointer data)
{
  bus_window_init (&f->members[1]->window, 0, 0);
  for (guint i = 0; i < 2 * PICKS_MEMBERS; i++)
    picks_next (f);
  g_assert_cmpuint (f->balance.n_owed, ==, 1);
  picks_stall (f, 1, G_TIME_SPAN_HOUR);
  for (guint i = 0; i < PICKS_MEMBERS; i++)
    picks_next (f);
  g_assert_cmpuint (f->balance.n_owed, ==, 0);
  f->members[1]->unsettled.since_us = 0;
  for (guint i = 0; i < PICKS_MEMBERS; i++)
    picks_next (f);
  g_assert_cmpuint (f->balance.n_owed, ==, 1);
  bus_balance_leave (&f->balance, f->members[1]);
  g_assert_cmpuint (f->balance.n_owed, ==, 0);
  bus_balance_join (&f->balance, f->members[1]);
  g_assert_cmpuint (f->members[1]->share->owed, ==, 0);
}

/* If no member has room, the turns continue, so that the policy affects all members equally. */
static void
test_all_full (Picks *f, gconstpointer data)
{
  for (guint i = 0; i < PICKS_MEMBERS; i++)
    picks_fill (f, i);
  for (guint i = 0; i < 2 * PICKS_MEMBERS; i++)
    g_assert_cmpuint (picks_next (f), ==, i % PICKS_MEMBERS);
}

/* A member whose peer is closing is never picked, even if all other members are full. */
static void
test_closing (Picks *f, gconstpointer data)
{
  guint counts[PICKS_MEMBERS];

  bus_peer_close (f->members[0]->owner, WIRE_STATUS_OK, NULL);
  picks_count (f, counts);
  g_assert_cmpuint (counts[0], ==, 0);
  for (guint i = 1; i < PICKS_MEMBERS; i++)
    picks_fill (f, i);
  picks_count (f, counts);
  g_assert_cmpuint (counts[0], ==, 0);
  for (guint i = 1; i < PICKS_MEMBERS; i++)
    bus_peer_close (f->members[i]->owner, WIRE_STATUS_OK, NULL);
  g_assert_cmpuint (picks_next (f), ==, PICKS_MEMBERS); /* no member is left */
}

/* The cursor may be beyond the end of the list after members have left. */
static void
test_cursor_behind_the_end (Picks *f, gconstpointer data)
{
  const BusNeed need = { .len = 100, .lane = WIRE_LANE_DATA, .now_us = f->peers.core->now_us };

  f->balance.cursor = G_MAXUINT64;
  g_assert_cmpuint (bus_pick (&f->balance, f->members, 1, &need), ==, 0);
  f->balance.cursor = PICKS_MEMBERS + 2;
  g_assert_cmpuint (picks_next (f), ==, 2);
}

/* A draining member is not picked, even if no other member has room. */
static void
test_drains (Picks *f, gconstpointer data)
{
  guint counts[PICKS_MEMBERS];

  f->members[1]->state = BUS_SUBSCRIPTION_DRAINING;
  picks_count (f, counts);
  g_assert_cmpuint (counts[1], ==, 0);
  g_assert_cmpuint (counts[2], >=, PICKS_TURNS / 3);
  for (guint i = 0; i < PICKS_MEMBERS; i++)
    if (i != 1)
      picks_fill (f, i);
  picks_count (f, counts);
  g_assert_cmpuint (counts[1], ==, 0);
  for (guint i = 0; i < PICKS_MEMBERS; i++)
    f->members[i]->state = BUS_SUBSCRIPTION_DRAINING;
  g_assert_cmpuint (picks_next (f), ==, PICKS_MEMBERS); /* none */
}

#define ADD(path, function) g_test_add (path, Picks, NULL, picks_setup, function, picks_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/pick/M07-round-robin", test_round_robin);
  ADD ("/core/pick/M07-skips-the-full", test_skips_the_full);
  ADD ("/core/pick/room-before-waiting", test_room_before_waiting);
  ADD ("/core/pick/demoted", test_demoted);
  ADD ("/core/pick/M06-demoted-with-room", test_demoted_with_room);
  ADD ("/core/pick/M06-stalled", test_stalled);
  ADD ("/core/pick/M06-slow-at-work", test_slow_at_work);
  ADD ("/core/pick/all-stalled", test_all_stalled);
  ADD ("/core/pick/stalled-at-last", test_stalled_at_last);
  ADD ("/core/pick/member-for-handed-on-messages", test_member_for_handed_on_messages);
  ADD ("/core/pick/owed", test_owed);
  ADD ("/core/pick/owed-nothing", test_owed_nothing);
  ADD ("/core/pick/all-full", test_all_full);
  ADD ("/core/pick/closing", test_closing);
  ADD ("/core/pick/cursor-behind-the-end", test_cursor_behind_the_end);
  ADD ("/core/pick/M07-drains", test_drains);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "pick-fixture.h"

/* The strategies by which a member is picked, and the weights of members. test-pick.c tests the room and the state of members. */

static void
set_weight (Picks *f, guint at, guint32 weight)
{
  bus_balance_leave (&f->balance, f->members[at]);
  bus_subscription_need_share (f->members[at])->weight = weight;
  bus_balance_join (&f->balance, f->members[at]);
}

/* Returns the largest number of consecutive picks of the member in the next @turns picks. */
static guint
longest_run (Picks *f, guint turns)
{
  guint last = PICKS_MEMBERS, run = 0, longest = 0;

  for (guint i = 0; i < turns; i++)
    {
      guint picked = picks_next (f);

      run = picked == last ? run + 1 : 1;
      last = picked;
      longest = MAX (longest, run);
    }
  return longest;
}

/* The weights 3 : 1 : 1 : 1 apply in each round of six picks, and the member of weight 3 does not get three picks in a row. */
static void
test_weighted_turns (Picks *f, gconstpointer data)
{
  set_weight (f, 1, 3);
  for (guint round = 0; round < 3; round++)
    {
      guint counts[PICKS_MEMBERS] = { 0 };

      for (guint i = 0; i < 6; i++)
        counts[picks_next (f)]++;
      for (guint i = 0; i < PICKS_MEMBERS; i++)
        g_assert_cmpuint (counts[i], ==, i == 1 ? 3 : 1);
    }
  g_assert_cmpuint (longest_run (f, 60), <=, 2);
  picks_fill (f, 1); /* the others share the turns of the full member, which does not get them later */
  longest_run (f, 60);
  g_assert_cmpint (f->members[0]->share->turn + f->members[2]->share->turn + f->members[3]->share->turn, <=, 6);
  set_weight (f, 1, 1);
  g_assert_cmpuint (f->balance.n_weighted, ==, 0);
}

/* Two topics with different members: turns are counted for each member, not for each place in the list. */
static void
test_turns_per_member_over_two_topics (Picks *f, gconstpointer data)
{
  const BusNeed need = { .len = 100, .lane = WIRE_LANE_DATA, .now_us = f->peers.core->now_us };
  guint counts[PICKS_MEMBERS] = { 0 };

  for (guint i = 0; i < PICKS_TURNS; i++)
    {
      counts[bus_pick (&f->balance, f->members, 2, &need)]++;
      counts[2 + bus_pick (&f->balance, f->members + 2, 2, &need)]++;
    }
  for (guint i = 0; i < PICKS_MEMBERS; i++)
    g_assert_cmpuint (counts[i], ==, PICKS_TURNS / 2);
}

/* The member with the fewest unsettled deliveries is picked; of several, the one with the fewest bytes in its queue. */
static void
test_least_loaded (Picks *f, gconstpointer data)
{
  f->balance.strategy = BUS_STRATEGY_LEAST_LOADED;
  for (guint i = 0; i < PICKS_MEMBERS; i++)
    f->members[i]->delivered = 10 + (i == 2 ? 0 : 1);
  g_assert_cmpuint (picks_next (f), ==, 2);
  f->members[2]->delivered = 12;
  f->members[2]->unsettled.settled += 2;
  g_assert_cmpuint (bus_pick_load (f->members[2]), ==, 10);
  g_assert_cmpuint (picks_next (f), ==, 2);
  for (guint i = 0; i < PICKS_MEMBERS; i++)
    f->members[i]->unsettled.settled = f->members[i]->delivered;
  peers_offer (&f->peers, NULL, f->members[0], 1, 10); /* encoded, not sent yet */
  f->members[0]->unsettled.settled = f->members[0]->delivered;
  f->balance.cursor = 0;
  g_assert_cmpuint (picks_next (f), ==, 1); /* of members with the same load one without queued bytes */
}

/* A member of weight 3 gets three times as many unsettled deliveries. */
static void
test_least_loaded_weighted (Picks *f, gconstpointer data)
{
  f->balance.strategy = BUS_STRATEGY_LEAST_LOADED;
  set_weight (f, 3, 3);
  for (guint i = 0; i < 60; i++)
    f->members[picks_next (f)]->delivered++;
  g_assert_cmpuint (f->members[3]->delivered, ==, 30);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (f->members[i]->delivered, ==, 10);
}

static void
test_random (Picks *f, gconstpointer data)
{
  guint counts[PICKS_MEMBERS], again[PICKS_MEMBERS], other[PICKS_MEMBERS];

  bus_balance_init (&f->balance, BUS_STRATEGY_RANDOM, 5);
  picks_count (f, counts);
  bus_balance_init (&f->balance, BUS_STRATEGY_RANDOM, 5);
  picks_count (f, again);
  g_assert_cmpmem (counts, sizeof counts, again, sizeof again); /* the seed decides */
  bus_balance_init (&f->balance, BUS_STRATEGY_RANDOM, 6);
  picks_count (f, other);
  g_assert_true (memcmp (counts, other, sizeof counts) != 0);
  for (guint i = 0; i < PICKS_MEMBERS; i++)
    g_assert_cmpuint (counts[i], >, PICKS_TURNS / PICKS_MEMBERS * 8 / 10);
  bus_subscription_need_share (f->members[0])->weight = 7; /* of 10 */
  picks_count (f, counts);
  g_assert_cmpuint (counts[0], >, PICKS_TURNS * 65 / 100);
  g_assert_cmpuint (counts[0], <, PICKS_TURNS * 75 / 100);
  picks_fill (f, 0);
  picks_count (f, counts);
  g_assert_cmpuint (counts[0], ==, 0);
}

/* In the order of joining, or of weights. */
static void
test_first_available (Picks *f, gconstpointer data)
{
  guint counts[PICKS_MEMBERS];

  f->balance.strategy = BUS_STRATEGY_FIRST_AVAILABLE;
  picks_count (f, counts);
  g_assert_cmpuint (counts[0], ==, PICKS_TURNS);
  picks_close_window (f, 0);
  picks_count (f, counts);
  g_assert_cmpuint (counts[1], ==, PICKS_TURNS);
  set_weight (f, 3, 2);
  picks_count (f, counts);
  g_assert_cmpuint (counts[3], ==, PICKS_TURNS);
  picks_fill (f, 3);
  picks_count (f, counts);
  g_assert_cmpuint (counts[1], ==, PICKS_TURNS);
}

/* With every strategy a stalled member is picked if no other one has room. */
static void
test_stalled_in_each_strategy (Picks *f, gconstpointer data)
{
  guint counts[PICKS_MEMBERS];

  f->peers.core->now_us += G_TIME_SPAN_MINUTE;
  picks_stall (f, 0, G_TIME_SPAN_SECOND);
  for (guint strategy = BUS_STRATEGY_ROUND_ROBIN; strategy <= BUS_STRATEGY_LAST; strategy++)
    {
      f->balance.strategy = (BusStrategy) strategy;
      picks_count (f, counts);
      g_assert_cmpuint (counts[0], ==, 0);
    }
  for (guint i = 1; i < PICKS_MEMBERS; i++)
    picks_fill (f, i);
  for (guint strategy = BUS_STRATEGY_ROUND_ROBIN; strategy <= BUS_STRATEGY_LAST; strategy++)
    {
      f->balance.strategy = (BusStrategy) strategy;
      picks_count (f, counts);
      g_assert_cmpuint (counts[0], ==, PICKS_TURNS);
    }
}

/* 100,000 messages are distributed in proportion to the weights. */
static void
test_balance (Picks *f, gconstpointer data)
{
  guint counts[PICKS_MEMBERS] = { 0 };
  guint least = G_MAXUINT, most = 0;

  for (guint i = 0; i < 100000; i++)
    counts[picks_next (f)]++;
  for (guint i = 0; i < PICKS_MEMBERS; i++)
    {
      least = MIN (least, counts[i]);
      most = MAX (most, counts[i]);
    }
  g_assert_cmpuint (least * 100, >=, most * 98);
}

/* Three members settle a message every 10 us, one every 100 us, and a message arrives every 4 us. */
static void
test_slow_member (Picks *f, gconstpointer data)
{
  guint64 settled_us[PICKS_MEMBERS] = { 0 };
  guint counts[PICKS_MEMBERS] = { 0 };

  f->balance.strategy = BUS_STRATEGY_LEAST_LOADED;
  for (guint64 now_us = 0; now_us < 400000; now_us += 4)
    {
      guint picked = picks_next (f);

      counts[picked]++;
      f->members[picked]->delivered++;
      for (guint i = 0; i < PICKS_MEMBERS; i++)
        while (settled_us[i] + (i == 3 ? 100 : 10) <= now_us)
          {
            settled_us[i] += i == 3 ? 100 : 10;
            if (bus_pick_load (f->members[i]) > 0)
              f->members[i]->unsettled.settled++;
          }
    }
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (counts[3] * 4, <, counts[i]);
  g_assert_cmpuint (counts[3], >, 0);
}

#define ADD(path, function) g_test_add (path, Picks, NULL, picks_setup, function, picks_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/pick/M07-weighted-turns", test_weighted_turns);
  ADD ("/core/pick/M07-turns-per-member-over-two-topics", test_turns_per_member_over_two_topics);
  ADD ("/core/pick/M07-least-loaded", test_least_loaded);
  ADD ("/core/pick/M07-least-loaded-weighted", test_least_loaded_weighted);
  ADD ("/core/pick/M07-random", test_random);
  ADD ("/core/pick/M07-first-available", test_first_available);
  ADD ("/core/pick/M07-stalled-in-each-strategy", test_stalled_in_each_strategy);
  ADD ("/core/pick/M07-balance", test_balance);
  ADD ("/core/pick/M07-slow-member", test_slow_member);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-pick.h"

#include "peer/peer-fixture.h"

/* Picking: the member of a group, or the server of a topic, that gets a message; the strategies and weights. */

#define N_MEMBERS 4u
#define TURNS     1000u

typedef struct
{
  Peers peers;
  BusSubscription *members[N_MEMBERS];
  BusBalance balance;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  peers_setup (&f->peers, NULL);
  bus_balance_init (&f->balance, BUS_STRATEGY_ROUND_ROBIN, 5);
  for (guint i = 0; i < N_MEMBERS; i++)
    {
      g_autofree char *id = g_strdup_printf ("member-%u", i);

      f->members[i]
          = peers_subscribe (&f->peers, peers_ready (&f->peers, id, 1000), 1, BUS_OVERFLOW_DROP_NEWEST, 1000000);
      bus_balance_join (&f->balance, f->members[i]);
    }
}

static void
teardown (Fixture *f, gconstpointer data)
{
  peers_teardown (&f->peers, NULL);
}

static guint
pick (Fixture *f)
{
  const BusNeed need = { .len = 100, .lane = WIRE_LANE_DATA, .now_us = f->peers.core->now_us };

  return bus_pick (&f->balance, f->members, N_MEMBERS, &need);
}

/* The member has no credit, but its queue has room. */
static void
close_window (Fixture *f, guint at)
{
  bus_window_init (&f->members[at]->window, 1, 1000000);
  peers_offer (&f->peers, NULL, f->members[at], 1, 10);
}

/* The member has no credit, and its queue is full. */
static void
fill (Fixture *f, guint at)
{
  close_window (f, at);
  f->members[at]->bounds.messages = 1;
  peers_offer (&f->peers, NULL, f->members[at], 1, 10);
}

static void
count (Fixture *f, guint *counts)
{
  memset (counts, 0, N_MEMBERS * sizeof (guint));
  for (guint i = 0; i < TURNS; i++)
    counts[pick (f)]++;
}

/* --- picking --- */

static void
test_round_robin (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 3 * N_MEMBERS; i++)
    g_assert_cmpuint (pick (f), ==, i % N_MEMBERS);
}

/* A member without room is skipped, and the others share its turns evenly: the next member does not get a double share. */
static void
test_skips_the_full (Fixture *f, gconstpointer data)
{
  guint counts[N_MEMBERS];

  fill (f, 1);
  count (f, counts);
  g_assert_cmpuint (counts[1], ==, 0);
  for (guint i = 0; i < N_MEMBERS; i++)
    if (i != 1)
      {
        g_assert_cmpuint (counts[i], >=, TURNS / 3);
        g_assert_cmpuint (counts[i], <=, TURNS / 3 + 1);
      }
}

/* A member where the message would wait is picked only if no member can take it at once. */
static void
test_room_before_waiting (Fixture *f, gconstpointer data)
{
  guint counts[N_MEMBERS];

  close_window (f, 0);
  fill (f, 1);
  fill (f, 2);
  count (f, counts);
  g_assert_cmpuint (counts[3], ==, TURNS);
  fill (f, 3);
  count (f, counts);
  g_assert_cmpuint (counts[0], ==, TURNS);
}

/* A demoted member gets no message while the message can wait at another member. */
static void
test_demoted (Fixture *f, gconstpointer data)
{
  guint counts[N_MEMBERS];

  for (guint i = 0; i < N_MEMBERS; i++)
    close_window (f, i);
  f->members[2]->state = BUS_SUBSCRIPTION_DEMOTED;
  count (f, counts);
  g_assert_cmpuint (counts[2], ==, 0);
  g_assert_cmpuint (counts[0], >=, TURNS / 3);
}

/* The same when the demoted member has room itself. */
static void
test_demoted_with_room (Fixture *f, gconstpointer data)
{
  guint counts[N_MEMBERS];

  f->members[2]->state = BUS_SUBSCRIPTION_DEMOTED;
  count (f, counts);
  g_assert_cmpuint (counts[2], ==, 0);
  for (guint i = 0; i < N_MEMBERS; i++)
    if (i != 2)
      close_window (f, i);
  count (f, counts);
  g_assert_cmpuint (counts[2], ==, 0);
  for (guint i = 0; i < N_MEMBERS; i++)
    if (i != 2)
      fill (f, i);
  count (f, counts);
  g_assert_cmpuint (counts[2], ==, TURNS);
}

/* --- members that acknowledge nothing --- */

#define GRACE_US (250 * G_TIME_SPAN_MILLISECOND)

static void
stall (Fixture *f, guint at, gint64 for_us)
{
  f->members[at]->unsettled.since_us = f->peers.core->now_us - for_us;
}

/* A member that holds messages for longer than the others is stalled: it gets no messages until it returns credit. */
static void
test_stalled (Fixture *f, gconstpointer data)
{
  guint counts[N_MEMBERS];

  f->peers.core->now_us += G_TIME_SPAN_MINUTE;
  stall (f, 1, GRACE_US + 1);
  stall (f, 2, GRACE_US);
  count (f, counts);
  g_assert_cmpuint (counts[1], ==, 0);
  g_assert_cmpuint (counts[2], >=, TURNS / 3);
  f->members[1]->unsettled.since_us = 0;
  count (f, counts);
  g_assert_cmpuint (counts[1], ==, TURNS / N_MEMBERS);
}

/* Each job takes one second: a member that has worked for 0.9 s gets its share, also beside one that has worked for 0.3 s. */
static void
test_slow_at_work (Fixture *f, gconstpointer data)
{
  guint counts[N_MEMBERS];

  f->peers.core->now_us += G_TIME_SPAN_MINUTE;
  for (guint i = 0; i < N_MEMBERS; i++)
    {
      f->members[i]->unsettled.usual_us = G_TIME_SPAN_SECOND;
      stall (f, i, (i + 1) * 300 * G_TIME_SPAN_MILLISECOND);
    }
  count (f, counts);
  for (guint i = 0; i < N_MEMBERS; i++)
    g_assert_cmpuint (counts[i], ==, TURNS / N_MEMBERS);
  stall (f, 1, 2 * G_TIME_SPAN_SECOND + 1);
  count (f, counts);
  g_assert_cmpuint (counts[1], ==, 0);
}

/* All members are stalled: each is compared with the one that has been stalled for the shortest time, so members with similar
 * times take turns. */
static void
test_all_stalled (Fixture *f, gconstpointer data)
{
  guint counts[N_MEMBERS];

  f->peers.core->now_us += G_TIME_SPAN_MINUTE;
  for (guint i = 0; i < N_MEMBERS; i++)
    stall (f, i, 10 * G_TIME_SPAN_SECOND + i * GRACE_US);
  count (f, counts);
  g_assert_cmpuint (counts[0], ==, TURNS / 2);
  g_assert_cmpuint (counts[1], ==, TURNS / 2);
  f->members[0]->state = BUS_SUBSCRIPTION_DEMOTED; /* a demoted member is not compared with */
  count (f, counts);
  g_assert_cmpuint (counts[1], ==, TURNS / 2);
  g_assert_cmpuint (counts[2], ==, TURNS / 2);
}

/* A stalled member is picked when no other member has room, before a demoted one, and before the policy is applied. */
static void
test_stalled_at_last (Fixture *f, gconstpointer data)
{
  guint counts[N_MEMBERS];

  f->peers.core->now_us += G_TIME_SPAN_MINUTE;
  for (guint i = 1; i < N_MEMBERS; i++)
    fill (f, i);
  stall (f, 0, G_TIME_SPAN_MINUTE / 2);
  bus_window_init (&f->members[3]->window, 100, 1000000);
  f->members[3]->state = BUS_SUBSCRIPTION_DEMOTED;
  count (f, counts);
  g_assert_cmpuint (counts[0], ==, TURNS);
}

/* --- a member that takes over --- */

static guint
pick_taker (Fixture *f, guint except)
{
  const BusNeed need = { .len = 100, .lane = WIRE_LANE_DATA, .now_us = f->peers.core->now_us };

  return bus_pick_taker (&f->balance, f->members, N_MEMBERS, &need, f->members[except]->owner);
}

static void
test_member_for_handed_on_messages (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 2 * N_MEMBERS; i++)
    g_assert_cmpuint (pick_taker (f, 0), !=, 0);
  fill (f, 1);
  fill (f, 2);
  f->members[3]->state = BUS_SUBSCRIPTION_DEMOTED;
  f->balance.cursor = 2;
  g_assert_cmpuint (pick_taker (f, 0), ==, N_MEMBERS); /* none */
  g_assert_cmpuint (f->balance.cursor, ==, 2);
  g_assert_cmpuint (pick_taker (f, 3), ==, 0);
  stall (f, 0, G_TIME_SPAN_HOUR); /* better than no member */
  g_assert_cmpuint (pick_taker (f, 3), ==, 0);
}

/* A member without credit misses turns. When it has credit again, it first gets its missed turns, and then takes turns as
 * before. */
static void
test_owed (Fixture *f, gconstpointer data)
{
  guint counts[N_MEMBERS] = { 0 };

  bus_window_init (&f->members[1]->window, 0, 0);
  for (guint i = 0; i < 3 * 10; i++)
    counts[pick (f)]++;
  g_assert_cmpuint (counts[1], ==, 0);
  g_assert_cmpuint (f->members[1]->share->owed, ==, 10);
  g_assert_cmpuint (f->balance.n_owed, ==, 1);
  bus_window_init (&f->members[1]->window, 1000000, 1000000);
  for (guint i = 0; i < 10; i++)
    g_assert_cmpuint (pick (f), ==, 1);
  g_assert_cmpuint (f->balance.n_owed, ==, 0);
  for (guint i = 0; i < 2 * N_MEMBERS; i++)
    counts[pick (f)]++;
  for (guint i = 0; i < N_MEMBERS; i++)
    g_assert_cmpuint (counts[i] + (i == 1 ? 10 : 0), ==, 12);
}

/* A member that stalls or leaves loses its missed turns. */
static void
test_owed_nothing (Fixture *f, gconstpointer data)
{
  bus_window_init (&f->members[1]->window, 0, 0);
  for (guint i = 0; i < 2 * N_MEMBERS; i++)
    pick (f);
  g_assert_cmpuint (f->balance.n_owed, ==, 1);
  stall (f, 1, G_TIME_SPAN_HOUR);
  for (guint i = 0; i < N_MEMBERS; i++)
    pick (f);
  g_assert_cmpuint (f->balance.n_owed, ==, 0);
  f->members[1]->unsettled.since_us = 0;
  for (guint i = 0; i < N_MEMBERS; i++)
    pick (f);
  g_assert_cmpuint (f->balance.n_owed, ==, 1);
  bus_balance_leave (&f->balance, f->members[1]);
  g_assert_cmpuint (f->balance.n_owed, ==, 0);
  bus_balance_join (&f->balance, f->members[1]);
  g_assert_cmpuint (f->members[1]->share->owed, ==, 0);
}

/* If no member has room, the turns continue, so that the policy affects all members equally. */
static void
test_all_full (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < N_MEMBERS; i++)
    fill (f, i);
  for (guint i = 0; i < 2 * N_MEMBERS; i++)
    g_assert_cmpuint (pick (f), ==, i % N_MEMBERS);
}

/* A member whose peer is closing is never picked, even if all other members are full. */
static void
test_closing (Fixture *f, gconstpointer data)
{
  guint counts[N_MEMBERS];

  bus_peer_close (f->members[0]->owner, WIRE_STATUS_OK, NULL);
  count (f, counts);
  g_assert_cmpuint (counts[0], ==, 0);
  for (guint i = 1; i < N_MEMBERS; i++)
    fill (f, i);
  count (f, counts);
  g_assert_cmpuint (counts[0], ==, 0);
  for (guint i = 1; i < N_MEMBERS; i++)
    bus_peer_close (f->members[i]->owner, WIRE_STATUS_OK, NULL);
  g_assert_cmpuint (pick (f), ==, N_MEMBERS); /* no member is left */
}

/* The cursor may be beyond the end of the list after members have left. */
static void
test_cursor_behind_the_end (Fixture *f, gconstpointer data)
{
  const BusNeed need = { .len = 100, .lane = WIRE_LANE_DATA, .now_us = f->peers.core->now_us };

  f->balance.cursor = G_MAXUINT64;
  g_assert_cmpuint (bus_pick (&f->balance, f->members, 1, &need), ==, 0);
  f->balance.cursor = N_MEMBERS + 2;
  g_assert_cmpuint (pick (f), ==, 2);
}

/* --- strategies and weights --- */

static void
set_weight (Fixture *f, guint at, guint32 weight)
{
  bus_balance_leave (&f->balance, f->members[at]);
  bus_subscription_need_share (f->members[at])->weight = weight;
  bus_balance_join (&f->balance, f->members[at]);
}

/* Returns the largest number of consecutive picks of the member in the next @turns picks. */
static guint
longest_run (Fixture *f, guint turns)
{
  guint last = N_MEMBERS, run = 0, longest = 0;

  for (guint i = 0; i < turns; i++)
    {
      guint picked = pick (f);

      run = picked == last ? run + 1 : 1;
      last = picked;
      longest = MAX (longest, run);
    }
  return longest;
}

/* The weights 3 : 1 : 1 : 1 apply in each round of six picks, and the member of weight 3 does not get three picks in a row. */
static void
test_weighted_turns (Fixture *f, gconstpointer data)
{
  set_weight (f, 1, 3);
  for (guint round = 0; round < 3; round++)
    {
      guint counts[N_MEMBERS] = { 0 };

      for (guint i = 0; i < 6; i++)
        counts[pick (f)]++;
      for (guint i = 0; i < N_MEMBERS; i++)
        g_assert_cmpuint (counts[i], ==, i == 1 ? 3 : 1);
    }
  g_assert_cmpuint (longest_run (f, 60), <=, 2);
  fill (f, 1); /* the others share the turns of the full member, which does not get them later */
  longest_run (f, 60);
  g_assert_cmpint (f->members[0]->share->turn + f->members[2]->share->turn + f->members[3]->share->turn, <=, 6);
  set_weight (f, 1, 1);
  g_assert_cmpuint (f->balance.n_weighted, ==, 0);
}

/* Two topics with different members: turns are counted for each member, not for each place in the list. */
static void
test_turns_per_member_over_two_topics (Fixture *f, gconstpointer data)
{
  const BusNeed need = { .len = 100, .lane = WIRE_LANE_DATA, .now_us = f->peers.core->now_us };
  guint counts[N_MEMBERS] = { 0 };

  for (guint i = 0; i < TURNS; i++)
    {
      counts[bus_pick (&f->balance, f->members, 2, &need)]++;
      counts[2 + bus_pick (&f->balance, f->members + 2, 2, &need)]++;
    }
  for (guint i = 0; i < N_MEMBERS; i++)
    g_assert_cmpuint (counts[i], ==, TURNS / 2);
}

/* The member with the fewest unsettled deliveries is picked; of several, the one with the fewest bytes in its queue. */
static void
test_least_loaded (Fixture *f, gconstpointer data)
{
  f->balance.strategy = BUS_STRATEGY_LEAST_LOADED;
  for (guint i = 0; i < N_MEMBERS; i++)
    f->members[i]->delivered = 10 + (i == 2 ? 0 : 1);
  g_assert_cmpuint (pick (f), ==, 2);
  f->members[2]->delivered = 12;
  f->members[2]->unsettled.settled += 2;
  g_assert_cmpuint (bus_pick_load (f->members[2]), ==, 10);
  g_assert_cmpuint (pick (f), ==, 2);
  for (guint i = 0; i < N_MEMBERS; i++)
    f->members[i]->unsettled.settled = f->members[i]->delivered;
  peers_offer (&f->peers, NULL, f->members[0], 1, 10); /* encoded, not sent yet */
  f->members[0]->unsettled.settled = f->members[0]->delivered;
  f->balance.cursor = 0;
  g_assert_cmpuint (pick (f), ==, 1); /* of members with the same load one without queued bytes */
}

/* A member of weight 3 gets three times as many unsettled deliveries. */
static void
test_least_loaded_weighted (Fixture *f, gconstpointer data)
{
  f->balance.strategy = BUS_STRATEGY_LEAST_LOADED;
  set_weight (f, 3, 3);
  for (guint i = 0; i < 60; i++)
    f->members[pick (f)]->delivered++;
  g_assert_cmpuint (f->members[3]->delivered, ==, 30);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (f->members[i]->delivered, ==, 10);
}

static void
test_random (Fixture *f, gconstpointer data)
{
  guint counts[N_MEMBERS], again[N_MEMBERS], other[N_MEMBERS];

  bus_balance_init (&f->balance, BUS_STRATEGY_RANDOM, 5);
  count (f, counts);
  bus_balance_init (&f->balance, BUS_STRATEGY_RANDOM, 5);
  count (f, again);
  g_assert_cmpmem (counts, sizeof counts, again, sizeof again); /* the seed decides */
  bus_balance_init (&f->balance, BUS_STRATEGY_RANDOM, 6);
  count (f, other);
  g_assert_true (memcmp (counts, other, sizeof counts) != 0);
  for (guint i = 0; i < N_MEMBERS; i++)
    g_assert_cmpuint (counts[i], >, TURNS / N_MEMBERS * 8 / 10);
  bus_subscription_need_share (f->members[0])->weight = 7; /* of 10 */
  count (f, counts);
  g_assert_cmpuint (counts[0], >, TURNS * 65 / 100);
  g_assert_cmpuint (counts[0], <, TURNS * 75 / 100);
  fill (f, 0);
  count (f, counts);
  g_assert_cmpuint (counts[0], ==, 0);
}

/* In the order of joining, or of weights. */
static void
test_first_available (Fixture *f, gconstpointer data)
{
  guint counts[N_MEMBERS];

  f->balance.strategy = BUS_STRATEGY_FIRST_AVAILABLE;
  count (f, counts);
  g_assert_cmpuint (counts[0], ==, TURNS);
  close_window (f, 0);
  count (f, counts);
  g_assert_cmpuint (counts[1], ==, TURNS);
  set_weight (f, 3, 2);
  count (f, counts);
  g_assert_cmpuint (counts[3], ==, TURNS);
  fill (f, 3);
  count (f, counts);
  g_assert_cmpuint (counts[1], ==, TURNS);
}

/* With every strategy a stalled member is picked if no other one has room. */
static void
test_stalled_in_each_strategy (Fixture *f, gconstpointer data)
{
  guint counts[N_MEMBERS];

  f->peers.core->now_us += G_TIME_SPAN_MINUTE;
  stall (f, 0, G_TIME_SPAN_SECOND);
  for (guint strategy = BUS_STRATEGY_ROUND_ROBIN; strategy <= BUS_STRATEGY_LAST; strategy++)
    {
      f->balance.strategy = (BusStrategy) strategy;
      count (f, counts);
      g_assert_cmpuint (counts[0], ==, 0);
    }
  for (guint i = 1; i < N_MEMBERS; i++)
    fill (f, i);
  for (guint strategy = BUS_STRATEGY_ROUND_ROBIN; strategy <= BUS_STRATEGY_LAST; strategy++)
    {
      f->balance.strategy = (BusStrategy) strategy;
      count (f, counts);
      g_assert_cmpuint (counts[0], ==, TURNS);
    }
}

/* A draining member is not picked, even if no other member has room. */
static void
test_drains (Fixture *f, gconstpointer data)
{
  guint counts[N_MEMBERS];

  f->members[1]->state = BUS_SUBSCRIPTION_DRAINING;
  count (f, counts);
  g_assert_cmpuint (counts[1], ==, 0);
  g_assert_cmpuint (counts[2], >=, TURNS / 3);
  for (guint i = 0; i < N_MEMBERS; i++)
    if (i != 1)
      fill (f, i);
  count (f, counts);
  g_assert_cmpuint (counts[1], ==, 0);
  for (guint i = 0; i < N_MEMBERS; i++)
    f->members[i]->state = BUS_SUBSCRIPTION_DRAINING;
  g_assert_cmpuint (pick (f), ==, N_MEMBERS); /* none */
}

/* 100,000 messages are distributed in proportion to the weights. */
static void
test_balance (Fixture *f, gconstpointer data)
{
  guint counts[N_MEMBERS] = { 0 };
  guint least = G_MAXUINT, most = 0;

  for (guint i = 0; i < 100000; i++)
    counts[pick (f)]++;
  for (guint i = 0; i < N_MEMBERS; i++)
    {
      least = MIN (least, counts[i]);
      most = MAX (most, counts[i]);
    }
  g_assert_cmpuint (least * 100, >=, most * 98);
}

/* Three members settle a message every 10 us, one every 100 us, and a message arrives every 4 us. */
static void
test_slow_member (Fixture *f, gconstpointer data)
{
  guint64 settled_us[N_MEMBERS] = { 0 };
  guint counts[N_MEMBERS] = { 0 };

  f->balance.strategy = BUS_STRATEGY_LEAST_LOADED;
  for (guint64 now_us = 0; now_us < 400000; now_us += 4)
    {
      guint picked = pick (f);

      counts[picked]++;
      f->members[picked]->delivered++;
      for (guint i = 0; i < N_MEMBERS; i++)
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

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

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
  ADD ("/core/pick/M07-weighted-turns", test_weighted_turns);
  ADD ("/core/pick/M07-turns-per-member-over-two-topics", test_turns_per_member_over_two_topics);
  ADD ("/core/pick/M07-least-loaded", test_least_loaded);
  ADD ("/core/pick/M07-least-loaded-weighted", test_least_loaded_weighted);
  ADD ("/core/pick/M07-random", test_random);
  ADD ("/core/pick/M07-first-available", test_first_available);
  ADD ("/core/pick/M07-stalled-in-each-strategy", test_stalled_in_each_strategy);
  ADD ("/core/pick/M07-drains", test_drains);
  ADD ("/core/pick/M07-balance", test_balance);
  ADD ("/core/pick/M07-slow-member", test_slow_member);
  return g_test_run ();
}

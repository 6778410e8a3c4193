/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-group.h"

#include "peer/peer-fixture.h"

/* Groups: members, and the member that a message is routed to. */

#define SEED      5u
#define N_MEMBERS 4u
#define TURNS     1000u

typedef struct
{
  Peers peers;
  GHashTable *groups;
  BusSubscription *members[N_MEMBERS];
  guint64 cursor;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  peers_setup (&f->peers, NULL);
  f->groups = bus_group_table_new ();
  f->cursor = 0;
  for (guint i = 0; i < N_MEMBERS; i++)
    {
      g_autofree char *id = g_strdup_printf ("member-%u", i);

      f->members[i]
          = peers_subscribe (&f->peers, peers_ready (&f->peers, id, 1000), 1, BUS_OVERFLOW_DROP_NEWEST, 1000000);
    }
}

static void
teardown (Fixture *f, gconstpointer data)
{
  g_assert_cmpuint (g_hash_table_size (f->groups), ==, 0);
  g_hash_table_unref (f->groups);
  peers_teardown (&f->peers, NULL);
}

static guint
pick (Fixture *f)
{
  const BusNeed need = { .len = 100, .lane = WIRE_LANE_DATA, .now_us = f->peers.core->now_us };

  return bus_group_pick (&f->cursor, f->members, N_MEMBERS, &need);
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

/* --- membership --- */

static void
test_members (Fixture *f, gconstpointer data)
{
  char name[] = "workers";
  BusGroup *group;

  g_assert_null (bus_group_find (f->groups, SEED, wire_span_str (name)));
  bus_group_join (f->groups, SEED, wire_span_str (name), f->members[0]);
  bus_group_join (f->groups, SEED, wire_span_str (name), f->members[1]);
  bus_group_join (f->groups, SEED, wire_span_str ("others"), f->members[2]);
  group = bus_group_find (f->groups, SEED, wire_span_str ("workers"));
  g_assert_nonnull (group);
  g_assert_true (f->members[0]->group == group && f->members[1]->group == group);
  g_assert_true (f->members[2]->group != group);
  g_assert_cmpuint (group->members.length, ==, 2);
  g_assert_true (group->members.head->data == f->members[0]); /* in the order of joining */

  name[0] = 'x'; /* the group has a copy of its name */
  g_assert_true (bus_group_find (f->groups, SEED, wire_span_str ("workers")) == group);
  bus_group_leave (f->groups, f->members[0]);
  g_assert_null (f->members[0]->group);
  g_assert_true (bus_group_find (f->groups, SEED, wire_span_str ("workers")) == group);
  bus_group_leave (f->groups, f->members[1]);
  g_assert_null (bus_group_find (f->groups, SEED, wire_span_str ("workers")));
  bus_group_leave (f->groups, f->members[2]);
}

/* --- picking --- */

static void
test_round_robin (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 3 * N_MEMBERS; i++)
    g_assert_cmpuint (pick (f), ==, i % N_MEMBERS);
}

/* A member without room is skipped, and the others share its turns evenly: its neighbour gets no double share. */
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

/* A member that would let the message wait is asked only when none can take it at once. */
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

/* A demoted member gets nothing while another one can let it wait. */
static void
test_demoted (Fixture *f, gconstpointer data)
{
  guint counts[N_MEMBERS];

  for (guint i = 0; i < N_MEMBERS; i++)
    close_window (f, i);
  f->members[2]->demoted = TRUE;
  count (f, counts);
  g_assert_cmpuint (counts[2], ==, 0);
  g_assert_cmpuint (counts[0], >=, TURNS / 3);
}

/* ... and nothing while another one has room, or can let it wait, although it has room itself. */
static void
test_demoted_with_room (Fixture *f, gconstpointer data)
{
  guint counts[N_MEMBERS];

  f->members[2]->demoted = TRUE;
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

/* A member that holds messages for longer than the others gets none, until it returns credit. */
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

/* Jobs that take a second: a member at work since 0.9 s has its share, also beside one at work since 0.3 s. */
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

/* The others are compared with the one that has been so for the shortest time: all that work long take turns. */
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
  f->members[0]->demoted = TRUE; /* a demoted one is no measure */
  count (f, counts);
  g_assert_cmpuint (counts[1], ==, TURNS / 2);
  g_assert_cmpuint (counts[2], ==, TURNS / 2);
}

/* It has its turn when no other one has room: before one that is demoted, and before the policy is applied. */
static void
test_stalled_at_last (Fixture *f, gconstpointer data)
{
  guint counts[N_MEMBERS];

  f->peers.core->now_us += G_TIME_SPAN_MINUTE;
  for (guint i = 1; i < N_MEMBERS; i++)
    fill (f, i);
  stall (f, 0, G_TIME_SPAN_MINUTE / 2);
  bus_window_init (&f->members[3]->window, 100, 1000000);
  f->members[3]->demoted = TRUE;
  count (f, counts);
  g_assert_cmpuint (counts[0], ==, TURNS);
}

/* --- a member that takes over --- */

static guint
pick_taker (Fixture *f, guint except)
{
  const BusNeed need = { .len = 100, .lane = WIRE_LANE_DATA, .now_us = f->peers.core->now_us };

  return bus_group_pick_taker (&f->cursor, f->members, N_MEMBERS, &need, f->members[except]->owner);
}

static void
test_taker (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < 2 * N_MEMBERS; i++)
    g_assert_cmpuint (pick_taker (f, 0), !=, 0);
  fill (f, 1);
  fill (f, 2);
  f->members[3]->demoted = TRUE;
  f->cursor = 2;
  g_assert_cmpuint (pick_taker (f, 0), ==, N_MEMBERS); /* none */
  g_assert_cmpuint (f->cursor, ==, 2);
  g_assert_cmpuint (pick_taker (f, 3), ==, 0);
  stall (f, 0, G_TIME_SPAN_HOUR); /* rather it than nobody */
  g_assert_cmpuint (pick_taker (f, 3), ==, 0);
}

/* When none has room the turns go on, so that the policy acts on all of them alike. */
static void
test_all_full (Fixture *f, gconstpointer data)
{
  for (guint i = 0; i < N_MEMBERS; i++)
    fill (f, i);
  for (guint i = 0; i < 2 * N_MEMBERS; i++)
    g_assert_cmpuint (pick (f), ==, i % N_MEMBERS);
}

/* A member whose peer is closing is never picked while another one is there, even if all of these are full. */
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
  g_assert_cmpuint (pick (f), <, N_MEMBERS); /* none is there: any, within the bounds */
}

/* The cursor may stand behind the end: members have left since. */
static void
test_cursor_behind_the_end (Fixture *f, gconstpointer data)
{
  const BusNeed need = { .len = 100, .lane = WIRE_LANE_DATA, .now_us = f->peers.core->now_us };

  f->cursor = G_MAXUINT64;
  g_assert_cmpuint (bus_group_pick (&f->cursor, f->members, 1, &need), ==, 0);
  f->cursor = N_MEMBERS + 2;
  g_assert_cmpuint (pick (f), ==, 2);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/group/M06-members", test_members);
  ADD ("/core/group/M07-round-robin", test_round_robin);
  ADD ("/core/group/M07-skips-the-full", test_skips_the_full);
  ADD ("/core/group/room-before-waiting", test_room_before_waiting);
  ADD ("/core/group/demoted", test_demoted);
  ADD ("/core/group/M06-demoted-with-room", test_demoted_with_room);
  ADD ("/core/group/M06-stalled", test_stalled);
  ADD ("/core/group/M06-slow-at-work", test_slow_at_work);
  ADD ("/core/group/all-stalled", test_all_stalled);
  ADD ("/core/group/stalled-at-last", test_stalled_at_last);
  ADD ("/core/group/taker", test_taker);
  ADD ("/core/group/all-full", test_all_full);
  ADD ("/core/group/closing", test_closing);
  ADD ("/core/group/cursor-behind-the-end", test_cursor_behind_the_end);
  return g_test_run ();
}

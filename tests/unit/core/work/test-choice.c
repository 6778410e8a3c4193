/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-world.h"

#include "work/bus-choice.h"

/* The member that gets a task, by each strategy, and the reason why a task waits. */

#define N_MEMBERS 4u

typedef struct
{
  World world;
  BusMember *members[N_MEMBERS];
  BusTask *task;
  BusChoice choice;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  static const char *const ids[N_MEMBERS] = { "m0", "m1", "m2", "m3" };

  world_init (&f->world);
  for (guint i = 0; i < N_MEMBERS; i++)
    f->members[i] = world_member (&f->world, ids[i], i < 2 ? "scanner" : "monitor", "scan", 4);
  f->task = world_submit (&f->world, "scan", 0, 5);
  bus_choice_init (&f->choice, BUS_STRATEGY_DEFAULT, 5);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  world_clear (&f->world);
}

/* Returns the index of the picked member; N_MEMBERS: none. */
static guint
pick (Fixture *f)
{
  const BusMember *member = bus_choice_pick (&f->choice, f->world.members, f->task);

  for (guint i = 0; i < N_MEMBERS; i++)
    if (member == f->members[i])
      return i;
  g_assert_null (member);
  return N_MEMBERS;
}

static void
set_strategy (Fixture *f, BusStrategy strategy)
{
  bus_choice_init (&f->choice, strategy, 5);
}

/* --- strategies --- */

static void
test_least_loaded (Fixture *f, gconstpointer data)
{
  static const struct
  {
    guint running[N_MEMBERS], zombie[N_MEMBERS], max[N_MEMBERS], picked;
  } cases[] = {
    { { 1, 1, 0, 1 }, { 0 }, { 4, 4, 4, 4 }, 2 },
    { { 1, 1, 1, 1 }, { 0 }, { 4, 8, 4, 4 }, 1 },          /* relative to its slots */
    { { 0, 1, 1, 1 }, { 2, 0, 0, 1 }, { 4, 4, 3, 4 }, 1 }, /* zombies count as load */
    { { 4, 4, 4, 3 }, { 0 }, { 4, 4, 4, 4 }, 3 },
    { { 4, 4, 4, 4 }, { 0 }, { 4, 4, 4, 4 }, N_MEMBERS },
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      for (guint m = 0; m < N_MEMBERS; m++)
        {
          f->members[m]->n_running = cases[i].running[m];
          f->members[m]->n_zombie = cases[i].zombie[m];
          f->members[m]->max_concurrent = cases[i].max[m];
        }
      g_assert_cmpuint (pick (f), ==, cases[i].picked);
    }
}

/* Members with equal loads are picked in turn. */
static void
test_turns (Fixture *f, gconstpointer data)
{
  static const BusStrategy strategies[] = { BUS_STRATEGY_DEFAULT, BUS_STRATEGY_LEAST_LOADED, BUS_STRATEGY_ROUND_ROBIN };

  for (guint s = 0; s < G_N_ELEMENTS (strategies); s++)
    {
      set_strategy (f, strategies[s]);
      for (guint i = 0; i < 3 * N_MEMBERS; i++)
        g_assert_cmpuint (pick (f), ==, i % N_MEMBERS);
    }
  f->members[1]->n_running = 3;
  for (guint i = 0; i < 3 * N_MEMBERS; i++)
    g_assert_cmpuint (pick (f), ==, i % N_MEMBERS);
}

static void
test_first_available (Fixture *f, gconstpointer data)
{
  set_strategy (f, BUS_STRATEGY_FIRST_AVAILABLE);
  f->members[0]->n_running = 3;
  for (guint i = 0; i < 5; i++)
    g_assert_cmpuint (pick (f), ==, 0);
  f->members[0]->n_running = 4;
  g_assert_cmpuint (pick (f), ==, 1);
}

static void
test_random (Fixture *f, gconstpointer data)
{
  guint counts[N_MEMBERS + 1] = { 0 };
  guint first[50];

  set_strategy (f, BUS_STRATEGY_RANDOM);
  for (guint i = 0; i < G_N_ELEMENTS (first); i++)
    first[i] = pick (f);
  set_strategy (f, BUS_STRATEGY_RANDOM);
  for (guint i = 0; i < 4000; i++)
    {
      guint picked = pick (f);

      counts[picked]++;
      if (i < G_N_ELEMENTS (first))
        g_assert_cmpuint (picked, ==, first[i]);
    }
  for (guint i = 0; i < N_MEMBERS; i++)
    {
      g_assert_cmpuint (counts[i], >, 850);
      g_assert_cmpuint (counts[i], <, 1150);
    }
}

/* A returned task prefers another member than its last holder, with each strategy. If there is no other, it gets the same one. */
static void
test_last_holder_registers_last (Fixture *f, gconstpointer data)
{
  f->task->holder = g_ref_string_acquire (f->members[0]->id);
  for (guint strategy = 0; strategy <= BUS_STRATEGY_LAST; strategy++)
    {
      set_strategy (f, strategy);
      for (guint i = 0; i < 50; i++)
        g_assert_cmpuint (pick (f), !=, 0);
    }
  for (guint i = 1; i < N_MEMBERS; i++)
    f->members[i]->n_running = 4;
  g_assert_cmpuint (pick (f), ==, 0);
}

/* --- free members --- */

static void
test_reserved_and_alone (Fixture *f, gconstpointer data)
{
  BusTask other = { .exclusive = FALSE };

  for (guint i = 0; i < N_MEMBERS; i++)
    f->members[i]->reserved_for = &other;
  g_assert_cmpuint (pick (f), ==, N_MEMBERS);
  f->members[2]->reserved_for = f->task;
  g_assert_cmpuint (pick (f), ==, 2);
  f->task->exclusive = TRUE;
  g_assert_cmpuint (pick (f), ==, 2);
  f->members[2]->n_zombie = 1;
  g_assert_cmpuint (pick (f), ==, N_MEMBERS);
  for (guint i = 0; i < N_MEMBERS; i++)
    f->members[i]->reserved_for = NULL;
  f->members[2]->n_zombie = 0;
  f->task->exclusive = FALSE;
}

static void
test_capable (Fixture *f, gconstpointer data)
{
  const WireSpan tag = WIRE_SPAN_LITERAL ("os=linux");
  const BusTaskSpec specs[] = {
    { .operation = WIRE_SPAN_LITERAL ("scan") },
    { .operation = WIRE_SPAN_LITERAL ("scan"), .type = WIRE_SPAN_LITERAL ("scanner") },
    { .operation = WIRE_SPAN_LITERAL ("scan"), .target = WIRE_SPAN_LITERAL ("m3") },
    { .operation = WIRE_SPAN_LITERAL ("scan"),
      .target = WIRE_SPAN_LITERAL ("m3"),
      .type = WIRE_SPAN_LITERAL ("scanner") },
    { .operation = WIRE_SPAN_LITERAL ("scan"), .tags = &tag, .n_tags = 1 },
    { .operation = WIRE_SPAN_LITERAL ("scan"), .priority = 3 },
    { .operation = WIRE_SPAN_LITERAL ("scan"), .payload_type = WIRE_SPAN_LITERAL ("Other") },
    { .operation = WIRE_SPAN_LITERAL ("hash") },
  };
  static const char *const capable[] = { "0123", "01", "3", "", "1", "012", "013", "" };
  BusAbility *ability = g_ptr_array_index (f->members[2]->abilities, 0);

  g_ptr_array_add (f->members[1]->tags, g_strdup ("os=linux"));
  f->members[3]->highest = 2;
  g_free (ability->payload_type);
  ability->payload_type = g_strdup ("Query");
  for (guint i = 0; i < G_N_ELEMENTS (specs); i++)
    {
      BusTask *task = bus_task_new (&f->world.accounts[0], &specs[i], WORLD_SEED, 0);
      g_autoptr (GString) found = g_string_new (NULL);

      for (guint m = 0; m < N_MEMBERS; m++)
        if (bus_choice_is_capable (f->members[m], task))
          g_string_append_c (found, (gchar) ('0' + m));
      g_assert_cmpstr (found->str, ==, capable[i]);
      bus_task_free (task);
    }
}

static void
test_avoids_zombies (Fixture *f, gconstpointer data)
{
  WorldLease *lease = world_lease (&f->world);
  BusMember *first = lease->member;

  world_expire (&f->world, lease, FALSE);
  g_assert_false (bus_choice_is_capable (first, f->task));
  for (guint i = 0; i < N_MEMBERS; i++)
    if (f->members[i] != first)
      {
        f->members[i]->n_running = 4;
        world_touch (&f->world, f->members[i]);
      }
  g_assert_null (world_lease (&f->world));
  g_assert_cmpint (bus_operation_wait_reason (f->task), ==, BUS_WAIT_ALL_BUSY);
  world_answer_zombie (&f->world, lease);
  g_assert_true (bus_choice_is_capable (first, f->task));
  g_assert_true (world_lease (&f->world)->member == first);
  for (guint i = 0; i < N_MEMBERS; i++)
    f->members[i]->n_running = f->members[i] == first ? 1 : 0;
}

/* --- reasons --- */

static void
set_states (Fixture *f, const char *letters)
{
  for (guint i = 0; i < N_MEMBERS; i++)
    {
      BusMember *member = f->members[i];

      member->reserved_for = NULL;
      member->n_running = 4;
      switch (letters[i])
        {
        case 'b':
          member->state = BUS_MEMBER_READY;
          break;
        case 'i':
          member->state = BUS_MEMBER_READY;
          member->reserved_for = g_ptr_array_index (f->world.tasks, 0);
          break;
        case 's':
          member->state = BUS_MEMBER_SUSPECT;
          break;
        case 'a':
          member->state = BUS_MEMBER_SET_ASIDE;
          break;
        case 'd':
          member->state = BUS_MEMBER_DRAINING;
          break;
        default:
          member->state = BUS_MEMBER_REGISTERED;
          break;
        }
    }
}

static void
test_reasons (Fixture *f, gconstpointer data)
{
  static const struct
  {
    const char *states;
    const char *type;
    const char *target;
    gboolean exclusive;
    BusWaitReason reason;
  } cases[] = {
    { "bbbb", "", "", FALSE, BUS_WAIT_ALL_BUSY },
    { "dddd", "", "", FALSE, BUS_WAIT_ALL_DRAINING },
    { "ddda", "", "", FALSE, BUS_WAIT_SET_ASIDE },
    { "ddds", "", "", FALSE, BUS_WAIT_SET_ASIDE },
    { "aaab", "", "", FALSE, BUS_WAIT_ALL_BUSY },
    { "aaai", "", "", FALSE, BUS_WAIT_ISOLATION },
    { "iiib", "", "", FALSE, BUS_WAIT_ALL_BUSY },
    { "bbbb", "", "", TRUE, BUS_WAIT_ISOLATION },
    { "aaaa", "", "", TRUE, BUS_WAIT_SET_ASIDE },
    { "rrrr", "", "", FALSE, BUS_WAIT_NO_CAPABILITY },
    { "bbdd", "monitor", "", FALSE, BUS_WAIT_ALL_DRAINING },
    { "bbbb", "camera", "", FALSE, BUS_WAIT_NO_CAPABILITY },
    { "bbbb", "", "m9", FALSE, BUS_WAIT_TARGET_ABSENT },
    { "bdbb", "", "m1", FALSE, BUS_WAIT_ALL_DRAINING },
    { "bbbb", "monitor", "m1", FALSE, BUS_WAIT_NO_CAPABILITY }, /* m1 exists, but has another type */
  };

  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      const BusTaskSpec spec = { .operation = WIRE_SPAN_LITERAL ("scan"),
                                 .type = wire_span_str (cases[i].type),
                                 .target = wire_span_str (cases[i].target),
                                 .exclusive = cases[i].exclusive };
      BusTask *task = bus_task_new (&f->world.accounts[0], &spec, WORLD_SEED, 0);

      set_states (f, cases[i].states);
      g_assert_cmpint (bus_choice_reason (f->world.members, task), ==, cases[i].reason);
      bus_task_free (task);
    }
  set_states (f, "bbbb");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(path, function) g_test_add ("/core/choice/" path, Fixture, NULL, setup, function, teardown)
  TEST ("least-loaded", test_least_loaded);
  TEST ("turns", test_turns);
  TEST ("first-available", test_first_available);
  TEST ("random", test_random);
  TEST ("last-holder-registers-last", test_last_holder_registers_last);
  TEST ("reserved-and-alone", test_reserved_and_alone);
  TEST ("capable", test_capable);
  TEST ("avoids-zombies", test_avoids_zombies);
  TEST ("reasons", test_reasons);
#undef TEST
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-world.h"

/* Examples for the order of an operation: fairness, the old place, pause and limit, several operations, and their names. */

static void
setup (World *world, gconstpointer data)
{
  world_init (world);
}

static void
teardown (World *world, gconstpointer data)
{
  world_clear (world);
}

/* Leases and ends tasks until @task is leased. Returns the number of leases of its operation. */
static guint
leases_until (World *world, const BusTask *task)
{
  const BusOperation *queue = task->place.operation;
  const guint64 before = queue->n_leases;

  for (;;)
    {
      WorldLease *lease = world_lease (world);
      const gboolean is_it = lease->task == task;

      world_finish (world, lease);
      if (is_it)
        return (guint) (queue->n_leases - before);
    }
}

/* --- order --- */

static void
test_priority_then_sequence (World *world, gconstpointer data)
{
  BusTask *tasks[] = { world_submit (world, "scan", 0, 1), world_submit (world, "scan", 0, 9),
                       world_submit (world, "scan", 0, 1), world_submit (world, "scan", 0, 9) };

  world_member (world, "m1", "scanner", "scan", 1);
  world_assert_next (world, tasks[1]);
  world_assert_next (world, tasks[3]);
  world_assert_next (world, tasks[0]);
  world_assert_next (world, tasks[2]);
  g_assert_null (world_lease (world));
}

static void
test_accounts_take_turns (World *world, gconstpointer data)
{
  BusTask *tasks[]
      = { world_submit (world, "scan", 0, 5), world_submit (world, "scan", 0, 5), world_submit (world, "scan", 0, 5),
          world_submit (world, "scan", 1, 5), world_submit (world, "scan", 2, 5) };

  world_member (world, "m1", "scanner", "scan", 1);
  world_assert_next (world, tasks[0]);
  world_assert_next (world, tasks[3]);
  world_assert_next (world, tasks[4]);
  world_assert_next (world, tasks[1]);
  world_assert_next (world, tasks[2]);
}

/* An account has one turn in each round, also if its tasks require different types, targets and tags. */
static void
test_accounts_take_turns_with_any_operations (World *world, gconstpointer data)
{
  const BusTaskSpec any = { .operation = WIRE_SPAN_LITERAL ("scan"), .priority = 5 };
  const BusTaskSpec typed
      = { .operation = WIRE_SPAN_LITERAL ("scan"), .type = WIRE_SPAN_LITERAL ("scanner"), .priority = 5 };
  const BusTaskSpec aimed
      = { .operation = WIRE_SPAN_LITERAL ("scan"), .target = WIRE_SPAN_LITERAL ("m1"), .priority = 5 };
  BusTask *tasks[]
      = { world_new_task (world, &aimed, 0), world_new_task (world, &typed, 0), world_new_task (world, &any, 0),
          world_new_task (world, &typed, 1), world_new_task (world, &any, 1) };

  world_member (world, "m1", "scanner", "scan", 1);
  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    bus_operation_insert (tasks[i]);
  world_assert_next (world, tasks[0]);
  world_assert_next (world, tasks[3]);
  world_assert_next (world, tasks[1]);
  world_assert_next (world, tasks[4]);
  world_assert_next (world, tasks[2]);
}

static void
test_flood_of_one_account (World *world, gconstpointer data)
{
  BusTask *single;

  world_member (world, "m1", "scanner", "scan", 1);
  for (guint i = 0; i < 10000; i++)
    world_submit (world, "scan", 0, 5);
  for (guint i = 0; i < 5; i++)
    world_finish (world, world_lease (world));
  single = world_submit (world, "scan", 1, 5);
  g_assert_cmpuint (leases_until (world, single), <=, 2);
}

/* A task waits behind a flood of another account with a higher priority, for at most BUS_LEASES_BY_AGE leases. */
static void
test_flood_of_one_account_above (World *world, gconstpointer data)
{
  BusTask *single;

  world_member (world, "m1", "scanner", "scan", 1);
  for (guint i = 0; i < 7; i++)
    world_submit (world, "scan", 0, 255);
  single = world_submit (world, "scan", 1, 1);
  for (guint i = 0; i < 9993; i++)
    world_submit (world, "scan", 0, 255);
  g_assert_cmpuint (leases_until (world, single), ==, BUS_LEASES_BY_AGE);
}

/* Two operations share one member. Each has an endless flood of tasks of the highest priority and one old task, which must
 * still be leased. */
static void
test_flood_of_priorities (World *world, gconstpointer data)
{
  const char *const names[] = { "scan", "hash" };
  BusMember *member = world_member (world, "m1", "scanner", "scan", 1);
  BusTask *old[2];
  guint waited[2] = { 0 };

  world_ability (member, "hash");
  world_update (world, member);
  for (guint i = 0; i < 2; i++)
    old[i] = world_submit (world, names[i], 0, 1);
  for (guint n = 0; old[0] != NULL || old[1] != NULL; n++)
    {
      WorldLease *lease;

      g_assert_cmpuint (n, <=, 2 * BUS_LEASES_BY_AGE);
      for (guint i = 0; i < 20; i++)
        world_submit (world, names[i % 2], 1, 255);
      lease = world_lease (world);
      for (guint i = 0; i < 2; i++)
        if (old[i] != NULL)
          {
            waited[i] += lease->task->place.operation == world_operation (world, names[i]) ? 1 : 0;
            old[i] = lease->task == old[i] ? NULL : old[i];
          }
      world_finish (world, lease);
    }
  for (guint i = 0; i < 2; i++)
    g_assert_cmpuint (waited[i], <=, BUS_LEASES_BY_AGE);
}

/* --- the old place --- */

static void
test_returns_to_its_old_place (World *world, gconstpointer data)
{
  BusTask *tasks[]
      = { world_submit (world, "scan", 0, 5), world_submit (world, "scan", 0, 5), world_submit (world, "scan", 1, 5) };

  world_member (world, "m1", "scanner", "scan", 1);
  for (guint i = 0; i < 3; i++)
    {
      WorldLease *lease = world_lease (world);

      g_assert_true (lease->task == tasks[0]);
      world_give_back (world, lease);
    }
  world_assert_next (world, tasks[0]);
  world_assert_next (world, tasks[2]);
  world_assert_next (world, tasks[1]);
}

/* If the lease of the oldest task returns, the task is leased next, and not after eight more leases. */
static void
test_returns_to_its_age (World *world, gconstpointer data)
{
  BusTask *old = world_submit (world, "scan", 0, 1);
  WorldLease *lease = NULL;

  world_member (world, "m1", "scanner", "scan", 1);
  for (guint i = 0; i < 30; i++)
    world_submit (world, "scan", 0, 255);
  for (guint i = 0; i < BUS_LEASES_BY_AGE; i++)
    {
      lease = world_lease (world);
      if (i + 1 < BUS_LEASES_BY_AGE)
        world_finish (world, lease);
    }
  g_assert_true (lease->task == old);
  world_give_back (world, lease);
  world_assert_next (world, old);
}

/* --- settings --- */

static void
test_pause_and_limit (World *world, gconstpointer data)
{
  BusOperation *queue = world_operation (world, "scan");
  BusTask *task = world_submit (world, "scan", 0, 5);
  WorldLease *lease;

  world_member (world, "m1", "scanner", "scan", 8);
  world_submit (world, "scan", 0, 5);
  bus_operation_pause (queue, TRUE);
  g_assert_null (world_lease (world));
  g_assert_cmpint (bus_operation_wait_reason (task), ==, BUS_WAIT_PAUSED);
  bus_operation_pause (queue, FALSE);
  bus_operation_set_limit (queue, 1);
  lease = world_lease (world);
  g_assert_true (lease->task == task);
  g_assert_null (world_lease (world));
  g_assert_cmpint (bus_operation_wait_reason (g_ptr_array_index (world->tasks, 1)), ==, BUS_WAIT_OPERATION_LIMIT);
  world_finish (world, lease);
  g_assert_nonnull (world_lease (world));
}

/* Zombies count in the limit, because they may still run. */
static void
test_limit_counts_zombies (World *world, gconstpointer data)
{
  WorldLease *lease;

  world_member (world, "m1", "scanner", "scan", 8);
  world_member (world, "m2", "scanner", "scan", 8);
  world_submit (world, "scan", 0, 5);
  bus_operation_set_limit (world_operation (world, "scan"), 1);
  lease = world_lease (world);
  world_expire (world, lease, FALSE);
  g_assert_null (world_lease (world));
  world_answer_zombie (world, lease);
  g_assert_nonnull (world_lease (world));
}

/* --- several operations --- */

/* A member with one slot gets tasks of the operations in turn, independent of their priorities. */
static void
test_operations_take_turns (World *world, gconstpointer data)
{
  BusMember *member = world_member (world, "m1", "scanner", "scan", 1);
  guint n_hash = 0;

  world_ability (member, "hash");
  world_update (world, member);
  for (guint i = 0; i < 10; i++)
    {
      world_submit (world, "scan", 0, 255);
      world_submit (world, "hash", 0, 1);
    }
  for (guint i = 0; i < 10; i++)
    {
      WorldLease *lease = world_lease (world);

      n_hash += wire_span_equal (lease->task->operation.text, WIRE_SPAN_LITERAL ("hash")) ? 1 : 0;
      world_finish (world, lease);
    }
  g_assert_cmpuint (n_hash, ==, 5);
}

/* Unused names of operations are dropped to make room for others; names with settings are kept. */
static void
test_bound_of_names (World *world, gconstpointer data)
{
  BusTaskSpec spec = { .operation = WIRE_SPAN_LITERAL ("one-more") };
  BusTask *task;
  BusExcess excess;

  bus_operation_pause (world_operation (world, "kept"), TRUE);
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *name = g_strdup_printf ("unused-%u", i);

      g_assert_nonnull (world_operation (world, name));
    }
  g_assert_true (world_operation (world, "kept")->is_paused);
  for (guint i = 1; i < 16; i++)
    {
      g_autofree char *name = g_strdup_printf ("used-%u", i);

      world_submit (world, name, i % 2, 5);
    }
  task = bus_task_new (&world->accounts[2], &spec, WORLD_SEED, 0);
  g_assert_false (bus_operations_join (world->operations, task));
  bus_operations_explain (world->operations, world->accounts[2].number, &excess);
  g_assert_cmpuint (excess.most, ==, 16);
  bus_task_free (task);
}

static void
submit_names (World *world, const char *prefix, guint n, guint account)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *name = g_strdup_printf ("%s-%u", prefix, i);

      world_submit (world, name, account, 5);
    }
}

static void
assert_refused (World *world, const char *operation, guint account)
{
  const BusTaskSpec spec = { .operation = wire_span_str (operation) };
  BusTask *task = bus_task_new (&world->accounts[account], &spec, WORLD_SEED, 0);
  BusExcess excess;

  g_assert_false (bus_operations_join (world->operations, task));
  bus_operations_explain (world->operations, world->accounts[account].number, &excess);
  g_assert_cmpuint (excess.most, ==, 8);
  bus_task_free (task);
}

static void
end_tasks_of (World *world, guint account)
{
  for (guint i = world->tasks->len; i-- > 0;)
    {
      BusTask *task = g_ptr_array_index (world->tasks, i);

      if (task->account == &world->accounts[account])
        world_end_task (world, task);
    }
}

/* One account uses at most half of the names, also of names that others made. */
static void
test_names_of_an_account (World *world, gconstpointer data)
{
  submit_names (world, "one", 8, 0);
  assert_refused (world, "one-8", 0);
  submit_names (world, "two", 8, 1);
  assert_refused (world, "one-0", 1);
  submit_names (world, "one", 8, 0); /* more tasks of the same names */
  end_tasks_of (world, 1);
  submit_names (world, "one", 8, 1);
  assert_refused (world, "two-0", 1);
}

/* Names that others still use do not count for an account whose tasks have ended. */
static void
test_names_that_others_use (World *world, gconstpointer data)
{
  submit_names (world, "one", 8, 0);
  submit_names (world, "one", 8, 1);
  end_tasks_of (world, 0);
  submit_names (world, "two", 8, 0);
  assert_refused (world, "two-8", 0);
  assert_refused (world, "two-8", 1);
}

/* An account that uses one name after the other makes room with its own unused names, not with those of others. */
static void
test_names_of_others_are_kept (World *world, gconstpointer data)
{
  const BusKey theirs = bus_key (WORLD_SEED, WIRE_SPAN_LITERAL ("theirs"));

  world_submit (world, "theirs", 1, 5);
  end_tasks_of (world, 1);
  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *prefix = g_strdup_printf ("flood-%u", i);

      submit_names (world, prefix, 8, 0);
      end_tasks_of (world, 0);
    }
  g_assert_nonnull (bus_operations_find (world->operations, &theirs));
  g_assert_cmpuint (world->operations->list.length, ==, 9);

  /* The account that used an unused name last has it. */
  world_submit (world, "theirs", 0, 5);
  end_tasks_of (world, 0);
  submit_names (world, "more", 8, 0);
  g_assert_null (bus_operations_find (world->operations, &theirs));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(path, function) g_test_add ("/core/operation/" path, World, NULL, setup, function, teardown)
  TEST ("priority-then-sequence", test_priority_then_sequence);
  TEST ("accounts-take-turns", test_accounts_take_turns);
  TEST ("accounts-take-turns-with-any-operations", test_accounts_take_turns_with_any_operations);
  TEST ("flood-of-one-account", test_flood_of_one_account);
  TEST ("flood-of-one-account-above", test_flood_of_one_account_above);
  TEST ("S23-flood-of-priorities", test_flood_of_priorities);
  TEST ("returns-to-its-old-place", test_returns_to_its_old_place);
  TEST ("returns-to-its-age", test_returns_to_its_age);
  TEST ("pause-and-limit", test_pause_and_limit);
  TEST ("limit-counts-zombies", test_limit_counts_zombies);
  TEST ("operations-take-turns", test_operations_take_turns);
  TEST ("bound-of-names", test_bound_of_names);
  TEST ("names-of-an-account", test_names_of_an_account);
  TEST ("names-that-others-use", test_names_that_others_use);
  TEST ("names-of-others-are-kept", test_names_of_others_are_kept);
#undef TEST
  return g_test_run ();
}

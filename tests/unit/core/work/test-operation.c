/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-world.h"

/* Examples for the order of an operation: fairness, the old place, pause and limit, several operations, and cost. */

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

static BusOperation *
operation (World *world, const char *name)
{
  const BusKey key = bus_key (WORLD_SEED, wire_span_str (name));

  return bus_operations_get (world->operations, &key, world->accounts[0].number);
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
assert_next (World *world, const BusTask *task)
{
  WorldLease *lease = world_lease (world);

  g_assert_true (lease != NULL && lease->task == task);
  world_finish (world, lease);
}

static void
test_priority_then_sequence (World *world, gconstpointer data)
{
  BusTask *tasks[] = { world_submit (world, "scan", 0, 1), world_submit (world, "scan", 0, 9),
                       world_submit (world, "scan", 0, 1), world_submit (world, "scan", 0, 9) };

  world_member (world, "m1", "scanner", "scan", 1);
  assert_next (world, tasks[1]);
  assert_next (world, tasks[3]);
  assert_next (world, tasks[0]);
  assert_next (world, tasks[2]);
  g_assert_null (world_lease (world));
}

static void
test_accounts_take_turns (World *world, gconstpointer data)
{
  BusTask *tasks[]
      = { world_submit (world, "scan", 0, 5), world_submit (world, "scan", 0, 5), world_submit (world, "scan", 0, 5),
          world_submit (world, "scan", 1, 5), world_submit (world, "scan", 2, 5) };

  world_member (world, "m1", "scanner", "scan", 1);
  assert_next (world, tasks[0]);
  assert_next (world, tasks[3]);
  assert_next (world, tasks[4]);
  assert_next (world, tasks[1]);
  assert_next (world, tasks[2]);
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
  assert_next (world, tasks[0]);
  assert_next (world, tasks[3]);
  assert_next (world, tasks[1]);
  assert_next (world, tasks[4]);
  assert_next (world, tasks[2]);
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
            waited[i] += lease->task->place.operation == operation (world, names[i]) ? 1 : 0;
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
  assert_next (world, tasks[0]);
  assert_next (world, tasks[2]);
  assert_next (world, tasks[1]);
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
  assert_next (world, old);
}

/* --- settings --- */

static void
test_pause_and_limit (World *world, gconstpointer data)
{
  BusOperation *queue = operation (world, "scan");
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
  bus_operation_set_limit (operation (world, "scan"), 1);
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

  bus_operation_pause (operation (world, "kept"), TRUE);
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *name = g_strdup_printf ("unused-%u", i);

      g_assert_nonnull (operation (world, name));
    }
  g_assert_true (operation (world, "kept")->is_paused);
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

/* --- cost --- */

static guint64 n_compared;

static int
count_compare (gconstpointer a, gconstpointer b)
{
  n_compared++;
  return ((const BusTask *) a)->sequence < ((const BusTask *) b)->sequence ? -1 : 1;
}

/* 10,000 tasks that no free member can run wait before one that can be placed, for each reason why a task cannot be placed. The
 * queue checks each pool, not each task: no row of the 10,000 tasks is compared. */
static void
test_ineligible_tasks_cost_nothing (World *world, gconstpointer data)
{
  const WireSpan tag = WIRE_SPAN_LITERAL ("gpu=1");
  const BusTaskSpec specs[] = {
    { .operation = WIRE_SPAN_LITERAL ("scan"), .priority = 255, .target = WIRE_SPAN_LITERAL ("absent") },
    { .operation = WIRE_SPAN_LITERAL ("scan"), .priority = 255, .type = WIRE_SPAN_LITERAL ("other") },
    { .operation = WIRE_SPAN_LITERAL ("scan"), .priority = 255, .tags = &tag, .n_tags = 1 },
    { .operation = WIRE_SPAN_LITERAL ("scan"), .priority = 255, .target = WIRE_SPAN_LITERAL ("full") },
  };
  BusMember *full = world_member (world, "full", "scanner", "scan", 1);
  const BusPools *pools = &operation (world, "scan")->pools;

  full->n_running = 1;
  world_touch (world, full);
  world_member (world, "m1", "scanner", "scan", 1);
  for (guint i = 0; i < 10000; i++)
    bus_operation_insert (world_new_task (world, &specs[i % G_N_ELEMENTS (specs)], 0));
  g_assert_cmpuint (pools->list->len, ==, 2);
  for (guint i = 0; i < 100; i++)
    {
      BusTask *task = world_submit (world, "scan", 0, 1);

      for (guint at = 0; at < pools->list->len; at++)
        {
          const BusPool *pool = g_ptr_array_index (pools->list, at);

          for (guint row = 0; row < pool->rows->len && i > 0 && task->place.demand->pool != pool; row++)
            ((BusPoolRow *) g_ptr_array_index (pool->rows, row))->tasks.compare = count_compare;
        }
      assert_next (world, task);
    }
  g_assert_cmpuint (n_compared, ==, 0);
  full->n_running = 0;
}

static GCompareFunc uncounted_age, uncounted_row;

static int
count_compare_age (gconstpointer a, gconstpointer b)
{
  n_compared++;
  return uncounted_age (a, b);
}

static int
count_compare_row (gconstpointer a, gconstpointer b)
{
  n_compared++;
  return uncounted_row (a, b);
}

/* Counts the comparisons of pools and of their rows from now on. All tasks are in one turn. */
static void
count_comparisons (const BusTask *task, BusPools *pools)
{
  BusTurn *turn = task->place.row->turn;

  uncounted_age = pools->ready.pools.compare;
  uncounted_row = turn->ready.compare;
  pools->ready.pools.compare = count_compare_age;
  turn->ready.compare = count_compare_row;
  n_compared = 0;
}

/* Each task has a pool of its own, because each is for another member. Each lease compares some pools, not all of them. */
static void
test_pools_do_not_slow_down_leases (World *world, gconstpointer data)
{
  enum
  {
    POOLS = 512,
    LOG_POOLS = 9
  };
  BusPools *pools = &operation (world, "scan")->pools;
  BusTask *tasks[POOLS];

  for (guint i = 0; i < POOLS; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", i);
      const BusTaskSpec spec = { .operation = WIRE_SPAN_LITERAL ("scan"), .priority = 5, .target = wire_span_str (id) };

      world_member (world, id, "scanner", "scan", 1);
      bus_operation_insert (tasks[i] = world_new_task (world, &spec, 0));
    }
  g_assert_cmpuint (pools->list->len, ==, POOLS);
  count_comparisons (tasks[0], pools);
  for (guint i = 0; i < POOLS; i++)
    assert_next (world, tasks[i]);
  g_assert_cmpuint (n_compared, >, 0);
  g_assert_cmpuint (n_compared, <=, 4 * POOLS * LOG_POOLS);
}

static guint n_checked;

gboolean __real_bus_choice_is_capable_by (const BusMember *member, const BusAbility *ability, const BusTask *task);
gboolean __wrap_bus_choice_is_capable_by (const BusMember *member, const BusAbility *ability, const BusTask *task);

gboolean
__wrap_bus_choice_is_capable_by (const BusMember *member, const BusAbility *ability, const BusTask *task)
{
  n_checked++;
  return __real_bus_choice_is_capable_by (member, ability, task);
}

static void
set_payload_type (BusMember *member, const char *payload_type)
{
  BusAbility *ability = g_ptr_array_index (member->abilities, 0);

  g_free (ability->payload_type);
  ability->payload_type = g_strdup (payload_type);
}

/* Submits a task of each kind that no member can run, with texts that no other task has. */
static void
submit_strange_tasks (World *world, guint number)
{
  g_autofree char *text = g_strdup_printf ("other-%u=1", number);
  const WireSpan span = wire_span_str (text);
  const BusTaskSpec specs[] = {
    { .operation = WIRE_SPAN_LITERAL ("scan"), .target = span },
    { .operation = WIRE_SPAN_LITERAL ("scan"), .tags = &span, .n_tags = 1 },
    { .operation = WIRE_SPAN_LITERAL ("scan"), .payload_type = span },
    { .operation = WIRE_SPAN_LITERAL ("scan"), .type = span },
  };

  for (guint i = 0; i < G_N_ELEMENTS (specs); i++)
    bus_operation_insert (world_new_task (world, &specs[i], 0));
}

/* The demands that a member cannot be capable of are not checked when it changes, apart from some with the same hash. */
static void
test_member_is_compared_with_few_demands (World *world, gconstpointer data)
{
  enum
  {
    TASKS = 512, /* of each kind */
    FEW = TASKS / 4
  };
  BusMember *member = world_member (world, "m1", "scanner", "scan", 1);
  BusMember *stranger = world_member (world, "m2", "scanner", "dump", 1);

  set_payload_type (member, "Query");
  g_ptr_array_add (member->tags, g_strdup ("gpu=1"));
  member->n_running = 1;
  world_update (world, member);
  for (guint i = 0; i < TASKS; i++)
    submit_strange_tasks (world, i);
  n_checked = 0;
  world_update (world, stranger);
  g_assert_cmpuint (n_checked, ==, 0);
  world_update (world, member);
  g_assert_cmpuint (n_checked, >, 0);
  g_assert_cmpuint (n_checked, <=, FEW);
  member->n_running = 0;
}

/* A member that registers is found capable by each requirement that a task is filed under. */
static void
test_member_is_capable_by_each_requirement (World *world, gconstpointer data)
{
  const WireSpan tags[] = { WIRE_SPAN_LITERAL ("gpu=1"), WIRE_SPAN_LITERAL ("disk=1") };
  const BusTaskSpec specs[] = {
    { .operation = WIRE_SPAN_LITERAL ("scan"), .target = WIRE_SPAN_LITERAL ("m1") },
    { .operation = WIRE_SPAN_LITERAL ("scan"), .tags = &tags[0], .n_tags = 1 },
    { .operation = WIRE_SPAN_LITERAL ("scan"), .tags = &tags[1], .n_tags = 1 },
    { .operation = WIRE_SPAN_LITERAL ("scan"), .payload_type = WIRE_SPAN_LITERAL ("Query") },
    { .operation = WIRE_SPAN_LITERAL ("scan"), .type = WIRE_SPAN_LITERAL ("scanner") },
    { .operation = WIRE_SPAN_LITERAL ("scan") },
  };
  BusTask *tasks[G_N_ELEMENTS (specs)];
  BusMember *member = world_member (world, "m1", "scanner", "dump", 1);

  g_ptr_array_add (member->tags, g_strdup ("gpu=1"));
  g_ptr_array_add (member->tags, g_strdup ("disk=1"));
  for (guint i = 0; i < G_N_ELEMENTS (specs); i++)
    bus_operation_insert (tasks[i] = world_new_task (world, &specs[i], 0));
  world_ability (member, "scan");
  member->n_running = 1;
  for (guint round = 0; round < 3; round++)
    {
      BusAbility *ability = g_ptr_array_index (member->abilities, 1);

      g_free (ability->payload_type);
      ability->payload_type = g_strdup (round == 0 ? "" : round == 1 ? "Other" : "Query");
      world_update (world, member);
      for (guint i = 0; i < G_N_ELEMENTS (specs); i++)
        g_assert_cmpint (bus_pool_has (bus_pools_of (tasks[i]), member), ==, i != 3 || round != 1);
    }
  member->n_running = 0;
}

/* A pool is not rebuilt if all its demands give the same answer: tasks keep their rows when a member joins and leaves. */
static void
test_members_come_without_moving_tasks (World *world, gconstpointer data)
{
  BusTask *task = world_submit (world, "scan", 0, 5);
  const BusPoolRow *row = task->place.row;
  BusMember *member;

  for (guint i = 0; i < 1000; i++)
    world_submit (world, "scan", 0, 5);
  member = world_member (world, "m1", "scanner", "scan", 1);
  g_assert_true (task->place.row == row);
  g_assert_true (bus_pool_has (bus_pools_of (task), member));
  world_lose_member (world, member);
  g_assert_true (task->place.row == row);
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
  TEST ("ineligible-tasks-cost-nothing", test_ineligible_tasks_cost_nothing);
  TEST ("pools-do-not-slow-down-leases", test_pools_do_not_slow_down_leases);
  TEST ("R09-member-is-compared-with-few-demands", test_member_is_compared_with_few_demands);
  TEST ("member-is-capable-by-each-requirement", test_member_is_capable_by_each_requirement);
  TEST ("members-come-without-moving-tasks", test_members_come_without_moving_tasks);
#undef TEST
  return g_test_run ();
}

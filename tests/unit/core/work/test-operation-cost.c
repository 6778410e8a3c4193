/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-world.h"

/* The work of an operation for a lease and for a changed member: it does not grow with the number of tasks, pools or demands. */

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
  const BusPools *pools = &world_operation (world, "scan")->pools;

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
      world_assert_next (world, task);
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
  BusPools *pools = &world_operation (world, "scan")->pools;
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
    world_assert_next (world, tasks[i]);
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
  TEST ("ineligible-tasks-cost-nothing", test_ineligible_tasks_cost_nothing);
  TEST ("pools-do-not-slow-down-leases", test_pools_do_not_slow_down_leases);
  TEST ("R09-member-is-compared-with-few-demands", test_member_is_compared_with_few_demands);
  TEST ("member-is-capable-by-each-requirement", test_member_is_capable_by_each_requirement);
  TEST ("members-come-without-moving-tasks", test_members_come_without_moving_tasks);
#undef TEST
  return g_test_run ();
}

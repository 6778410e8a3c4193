/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-world.h"

#include "work/bus-isolation.h"

/* Suspects: the tasks that become suspects, the reservation of a member for one, and the end of the reservation. */

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

static void
add_members (World *world, guint n, guint slots)
{
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", i);

      world_member (world, id, "scanner", "scan", slots);
    }
}

static guint
lease_all (World *world)
{
  guint n = 0;

  while (world_lease (world) != NULL)
    n++;
  return n;
}

static BusTask *
submit_suspect (World *world)
{
  const BusTaskSpec spec = { .operation = WIRE_SPAN_LITERAL ("scan"), .priority = 5 };
  BusTask *task = world_new_task (world, &spec, 0);

  task->is_suspect = TRUE;
  bus_operation_insert (task);
  return task;
}

static void
submit_alone (World *world, const char *operation, const char *target, gboolean is_suspect)
{
  const BusTaskSpec spec = {
    .operation = wire_span_str (operation), .target = wire_span_str (target), .priority = 5, .exclusive = !is_suspect
  };
  BusTask *task = world_new_task (world, &spec, 0);

  task->is_suspect = is_suspect;
  bus_operation_insert (task);
}

static WorldLease *
lease_of (World *world, const BusTask *task)
{
  for (guint i = 0; i < world->leases->len; i++)
    if (((WorldLease *) g_ptr_array_index (world->leases, i))->task == task)
      return g_ptr_array_index (world->leases, i);
  return NULL;
}

static BusMember *
member_at (World *world, guint i)
{
  return g_ptr_array_index (world->members, i);
}

static guint
count_reserved (World *world)
{
  guint n = 0;

  for (guint i = 0; i < world->members->len; i++)
    n += member_at (world, i)->reserved_for != NULL ? 1 : 0;
  return n;
}

/* --- suspects --- */

static void
test_suspects (World *world, gconstpointer data)
{
  BusTask tasks[20] = { 0 };
  BusTask *died[20];

  for (guint i = 0; i < G_N_ELEMENTS (tasks); i++)
    died[i] = &tasks[i];
  g_assert_cmpuint (bus_isolation_suspect (died, 0), ==, 0);
  g_assert_cmpuint (bus_isolation_suspect (died, 1), ==, 0);
  g_assert_false (tasks[0].is_suspect);
  g_assert_cmpuint (bus_isolation_suspect (died, 2), ==, 2);
  g_assert_true (tasks[0].is_suspect && tasks[1].is_suspect && !tasks[2].is_suspect);
  g_assert_cmpuint (bus_isolation_suspect (died, 20), ==, BUS_SUSPECTS_MAX);
  g_assert_true (tasks[15].is_suspect && !tasks[16].is_suspect);
}

/* --- reservations --- */

/* The member with the fewest tasks gets no new ones until it is idle; then the suspect runs there alone. */
static void
test_reserves_the_least_busy (World *world, gconstpointer data)
{
  BusTask *busy[5];
  BusTask *suspect;

  add_members (world, 2, 4);
  for (guint i = 0; i < 5; i++)
    busy[i] = world_submit (world, "scan", 0, 5);
  g_assert_cmpuint (lease_all (world), ==, 5);
  suspect = submit_suspect (world);
  g_assert_cmpuint (lease_all (world), ==, 0);
  g_assert_true (member_at (world, 1)->reserved_for == suspect);
  g_assert_cmpint (bus_operation_wait_reason (suspect), ==, BUS_WAIT_ISOLATION);

  world_submit (world, "scan", 0, 5);
  world_submit (world, "scan", 0, 5);
  g_assert_cmpuint (lease_all (world), ==, 1);
  g_assert_cmpuint (member_at (world, 1)->n_running, ==, 2);
  for (guint i = 0; i < 5; i++)
    if (lease_of (world, busy[i])->member == member_at (world, 1))
      world_finish (world, lease_of (world, busy[i]));
  g_assert_cmpuint (lease_all (world), ==, 1);
  g_assert_true (lease_of (world, suspect)->member == member_at (world, 1));
  g_assert_cmpuint (member_at (world, 1)->n_running, ==, 1);
  world_finish (world, lease_of (world, suspect));
  g_assert_null (member_at (world, 1)->reserved_for);
  g_assert_cmpuint (lease_all (world), ==, 1);
}

/* At most a quarter of the members, and at least one, are reserved at a time, also when all are idle. */
static void
test_bound (World *world, gconstpointer data)
{
  static const guint expected[] = { 0, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3 };

  for (guint n = 1; n < G_N_ELEMENTS (expected); n++)
    {
      world_clear (world);
      world_init (world);
      add_members (world, n, 4);
      for (guint i = 0; i < 8; i++)
        submit_suspect (world);
      lease_all (world);
      g_assert_cmpuint (count_reserved (world), ==, expected[n]);
      g_assert_cmpuint (world->leases->len, ==, expected[n]);
    }
}

/* Adds @n members with one running task each, and a task for each of them that has to run alone there. */
static void
submit_for_each_member (World *world, guint n, gboolean is_suspect)
{
  add_members (world, n, 4);
  for (guint i = 0; i < n; i++)
    world_submit (world, "scan", 0, 5);
  g_assert_cmpuint (lease_all (world), ==, n);
  for (guint i = 0; i < n; i++)
    submit_alone (world, "scan", member_at (world, i)->id, is_suspect);
  g_assert_cmpuint (lease_all (world), ==, 0);
}

/* The bound counts all members, so tasks with different targets do not reserve all of them. */
static void
test_bound_of_targets (World *world, gconstpointer data)
{
  static const guint expected[] = { 0, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 3 };

  for (guint n = 1; n < G_N_ELEMENTS (expected); n++)
    for (guint is_suspect = 0; is_suspect < 2; is_suspect++)
      {
        world_clear (world);
        world_init (world);
        submit_for_each_member (world, n, is_suspect != 0);
        g_assert_cmpuint (count_reserved (world), ==, expected[n]);
      }
}

/* When a reservation ends, the next task that waits for the bound reserves its member, until all tasks have ended. */
static void
test_next_reservation (World *world, gconstpointer data)
{
  for (guint is_suspect = 0; is_suspect < 2; is_suspect++)
    {
      world_clear (world);
      world_init (world);
      submit_for_each_member (world, 12, is_suspect != 0);
      while (world->tasks->len > 0)
        {
          g_assert_cmpuint (world->leases->len, >, 0);
          world_finish (world, g_ptr_array_index (world->leases, 0));
          lease_all (world);
          g_assert_cmpuint (count_reserved (world), <=, 3);
        }
      g_assert_cmpuint (count_reserved (world), ==, 0);
    }
}

/* A member that gets ready raises the bound, also if it is not capable of the task that waits for the bound. */
static void
test_bound_rises (World *world, gconstpointer data)
{
  BusMember *member;

  submit_for_each_member (world, 7, TRUE);
  g_assert_cmpuint (count_reserved (world), ==, 1);
  member = world_member (world, "other", "monitor", "watch", 4);
  lease_all (world);
  g_assert_cmpuint (count_reserved (world), ==, 2);

  member->state = BUS_MEMBER_SUSPECT;
  world_touch (world, member);
  world_lose_member (world, member_at (world, 0));
  lease_all (world);
  g_assert_cmpuint (count_reserved (world), ==, 1);
}

/* Suspects of several operations share the bound, and the operation that has waited longest is next. */
static void
test_operations_share_the_bound (World *world, gconstpointer data)
{
  static const char *const operations[] = { "hash", "list", "read" };

  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    world_member (world, operations[i], "scanner", operations[i], 4);
  for (guint i = 0; i < 9; i++)
    submit_alone (world, operations[i % 3], "", TRUE);
  for (guint i = 0; i < 9; i++)
    {
      WorldLease *lease = world_lease (world);

      g_assert_true (lease != NULL && g_str_equal (lease->member->id, operations[i % 3]));
      g_assert_null (world_lease (world));
      world_finish (world, lease);
    }
}

/* An exclusive task that waited for the bound runs when its member is idle, although the bound is reached again. */
static void
test_idle_at_bound (World *world, gconstpointer data)
{
  BusTask *first;

  submit_for_each_member (world, 3, FALSE);
  world_member (world, "other", "monitor", "watch", 4);
  first = member_at (world, 0)->reserved_for;
  g_assert_cmpuint (lease_all (world), ==, 0);

  /* The bound allows a reservation while the operation is at its limit, and another operation uses it. */
  bus_operation_set_limit (first->place.operation, 3);
  world_end_task (world, first);
  g_assert_cmpuint (lease_all (world), ==, 0);
  submit_alone (world, "watch", "", TRUE);
  g_assert_cmpuint (lease_all (world), ==, 1);

  world_finish (world, g_ptr_array_index (world->leases, 2));
  g_assert_cmpuint (lease_all (world), ==, 1);
  g_assert_cmpuint (member_at (world, 2)->n_running, ==, 1);
}

/* An operation that is freed does not wait for the bound any more. */
static void
test_free_at_bound (World *world, gconstpointer data)
{
  world_member (world, "hash", "scanner", "hash", 4);
  world_member (world, "list", "scanner", "list", 4);
  submit_alone (world, "hash", "", TRUE);
  submit_alone (world, "list", "", TRUE);
  g_assert_cmpuint (lease_all (world), ==, 1);
  world_end_task (world, g_ptr_array_index (world->tasks, 1));
  for (guint i = 0; i < 15; i++)
    {
      g_autofree char *operation = g_strdup_printf ("other%u", i);

      world_submit (world, operation, 1 + i % 2, 5);
    }
  world_finish (world, g_ptr_array_index (world->leases, 0));
  g_assert_cmpuint (lease_all (world), ==, 0);
  g_assert_cmpuint (world->operations->shared.at_bound.length, ==, 0);
}

/* Each suspect gets its turn, while other tasks run on other members. */
static void
test_suspects_one_by_one (World *world, gconstpointer data)
{
  BusTask *suspects[4];

  add_members (world, 3, 4);
  for (guint i = 0; i < 4; i++)
    suspects[i] = submit_suspect (world);
  for (guint i = 0; i < 30; i++)
    world_submit (world, "scan", 0, 5);
  for (guint i = 0; i < 4; i++)
    {
      WorldLease *lease;

      lease_all (world);
      lease = lease_of (world, suspects[i]);
      g_assert_nonnull (lease);
      g_assert_cmpuint (lease->member->n_running, ==, 1);
      g_assert_cmpuint (count_reserved (world), ==, 1);
      while (world->leases->len > 0)
        {
          WorldLease *last = g_ptr_array_index (world->leases, world->leases->len - 1);

          world_finish (world, last);
        }
    }
}

/* A reservation ends when its member is no longer suitable, and the suspect gets another member. */
static void
test_member_without_suitable_tasks (World *world, gconstpointer data)
{
  static const BusMemberState states[]
      = { BUS_MEMBER_SUSPECT, BUS_MEMBER_SET_ASIDE, BUS_MEMBER_DRAINING, BUS_MEMBER_REGISTERED };

  for (guint i = 0; i < G_N_ELEMENTS (states); i++)
    {
      BusTask *suspect;
      BusMember *reserved;

      world_clear (world);
      world_init (world);
      add_members (world, 2, 4);
      world_submit (world, "scan", 0, 5);
      world_submit (world, "scan", 0, 5);
      lease_all (world);
      suspect = submit_suspect (world);
      lease_all (world);
      reserved = suspect->place.reserved;
      reserved->state = states[i];
      world_touch (world, reserved);
      lease_all (world);
      g_assert_null (reserved->reserved_for);
      g_assert_true (suspect->place.reserved != NULL && suspect->place.reserved != reserved);
    }
}

static void
test_reserved_member_dies (World *world, gconstpointer data)
{
  BusTask *suspect;

  add_members (world, 2, 4);
  world_submit (world, "scan", 0, 5);
  world_submit (world, "scan", 0, 5);
  lease_all (world);
  suspect = submit_suspect (world);
  lease_all (world);
  world_lose_member (world, suspect->place.reserved);
  g_assert_cmpint (suspect->place.where, ==, BUS_TASK_WAITS);
  lease_all (world);
  g_assert_true (suspect->place.reserved == member_at (world, 0));
}

/* When the suspect is cancelled or its operation is paused, the member accepts other tasks again. */
static void
test_reservation_is_given_up (World *world, gconstpointer data)
{
  BusTask *suspect;
  BusOperation *operation;

  add_members (world, 1, 4);
  world_submit (world, "scan", 0, 5);
  lease_all (world);
  suspect = submit_suspect (world);
  lease_all (world);
  g_assert_nonnull (suspect->place.reserved);
  operation = suspect->place.operation;
  bus_operation_pause (operation, TRUE);
  g_assert_null (suspect->place.reserved);
  bus_operation_pause (operation, FALSE);
  lease_all (world);
  g_assert_nonnull (suspect->place.reserved);
  world_submit (world, "scan", 0, 5);
  g_assert_cmpuint (lease_all (world), ==, 0);
  world_end_task (world, suspect);
  g_assert_cmpuint (lease_all (world), ==, 1);
}

/* The tasks of another operation wait for the reserved member as well, and get it afterwards. */
static void
test_other_operations_wait_for_a_reserved_member (World *world, gconstpointer data)
{
  BusTask *suspect;
  BusMember *member;

  add_members (world, 1, 4);
  member = member_at (world, 0);
  world_ability (member, "hash");
  world_update (world, member);
  world_submit (world, "scan", 0, 5);
  lease_all (world);
  suspect = submit_suspect (world);
  lease_all (world);
  world_submit (world, "hash", 0, 5);
  g_assert_cmpuint (lease_all (world), ==, 0);
  world_end_task (world, suspect);
  g_assert_cmpuint (lease_all (world), ==, 1);
}

/* A reserved member waits at most one run limit for a zombie that never answers; then the suspect runs beside the zombie. */
static void
test_zombie_does_not_hold_the_reservation (World *world, gconstpointer data)
{
  BusTask *suspect;
  WorldLease *zombie;

  add_members (world, 1, 4);
  world_submit (world, "scan", 0, 5);
  zombie = world_lease (world);
  world_expire (world, zombie, TRUE);
  suspect = submit_suspect (world);
  g_assert_cmpuint (lease_all (world), ==, 0);
  g_assert_nonnull (suspect->place.reserved);
  world_advance (world, 29 * G_USEC_PER_SEC);
  g_assert_cmpuint (lease_all (world), ==, 0);
  world_advance (world, G_USEC_PER_SEC);
  g_assert_cmpuint (lease_all (world), ==, 1);
  g_assert_nonnull (lease_of (world, suspect));
}

/* The member accepts other tasks again also when the suspect does not answer and its lease expires. */
static void
test_suspect_that_hangs (World *world, gconstpointer data)
{
  for (guint is_over = 0; is_over < 2; is_over++)
    {
      BusTask *suspect;

      world_clear (world);
      world_init (world);
      add_members (world, 1, 4);
      suspect = submit_suspect (world);
      g_assert_cmpuint (lease_all (world), ==, 1);
      world_submit (world, "scan", 0, 5);
      g_assert_cmpuint (lease_all (world), ==, 0);
      world_expire (world, lease_of (world, suspect), is_over == 1);
      g_assert_null (member_at (world, 0)->reserved_for);
      g_assert_cmpuint (lease_all (world), ==, 1);
    }
}

/* --- exclusive tasks --- */

/* A flood of other tasks does not starve an exclusive one: it reserves a member as a suspect does. */
static void
test_exclusive_task_is_not_starved (World *world, gconstpointer data)
{
  const BusTaskSpec spec = { .operation = WIRE_SPAN_LITERAL ("scan"), .priority = 5, .exclusive = TRUE };
  BusTask *task;

  add_members (world, 1, 4);
  for (guint i = 0; i < 4; i++)
    world_submit (world, "scan", 0, 5);
  lease_all (world);
  task = world_new_task (world, &spec, 0);
  bus_operation_insert (task);
  for (guint i = 0; i < 8 && lease_of (world, task) == NULL; i++)
    {
      world_submit (world, "scan", 1, 255);
      world_finish (world, g_ptr_array_index (world->leases, 0));
      lease_all (world);
      g_assert_true (lease_of (world, task) == NULL || member_at (world, 0)->n_running == 1);
    }
  g_assert_nonnull (lease_of (world, task));
  g_assert_null (member_at (world, 0)->reserved_for);
  g_assert_cmpuint (lease_all (world), ==, 0);
}

/* Idle members are not reserved, so an operation of exclusive tasks uses all of them. */
static void
test_exclusive_tasks_use_all_members (World *world, gconstpointer data)
{
  const BusTaskSpec spec = { .operation = WIRE_SPAN_LITERAL ("scan"), .priority = 5, .exclusive = TRUE };

  add_members (world, 3, 4);
  for (guint i = 0; i < 5; i++)
    bus_operation_insert (world_new_task (world, &spec, 0));
  g_assert_cmpuint (lease_all (world), ==, 3);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(path, function) g_test_add ("/core/isolation/" path, World, NULL, setup, function, teardown)
  TEST ("suspects", test_suspects);
  TEST ("reserves-the-least-busy", test_reserves_the_least_busy);
  TEST ("bound", test_bound);
  TEST ("bound-of-targets", test_bound_of_targets);
  TEST ("next-reservation", test_next_reservation);
  TEST ("bound-rises", test_bound_rises);
  TEST ("operations-share-the-bound", test_operations_share_the_bound);
  TEST ("idle-at-bound", test_idle_at_bound);
  TEST ("free-at-bound", test_free_at_bound);
  TEST ("S09-suspects-one-by-one", test_suspects_one_by_one);
  TEST ("member-without-suitable-tasks", test_member_without_suitable_tasks);
  TEST ("reserved-member-dies", test_reserved_member_dies);
  TEST ("reservation-is-given-up", test_reservation_is_given_up);
  TEST ("other-operations-wait-for-a-reserved-member", test_other_operations_wait_for_a_reserved_member);
  TEST ("zombie-does-not-hold-the-reservation", test_zombie_does_not_hold_the_reservation);
  TEST ("suspect-that-hangs", test_suspect_that_hangs);
  TEST ("exclusive-task-is-not-starved", test_exclusive_task_is_not_starved);
  TEST ("exclusive-tasks-use-all-members", test_exclusive_tasks_use_all_members);
#undef TEST
  return g_test_run ();
}

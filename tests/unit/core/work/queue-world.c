/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-world.h"

void
world_init (World *world)
{
  *world = (World){ .now_us = 1000 };
  bus_deadline_set_init (&world->deadlines);
  world->operations = bus_operations_new (WORLD_SEED, 16, &world->deadlines, &world->now_us);
  world->members = g_ptr_array_new ();
  world->tasks = g_ptr_array_new ();
  world->leases = g_ptr_array_new ();
  for (guint i = 0; i < WORLD_ACCOUNTS; i++)
    world->accounts[i].number = 1000 + i;
}

void
world_clear (World *world)
{
  while (world->members->len > 0)
    world_lose_member (world, g_ptr_array_index (world->members, 0));
  while (world->tasks->len > 0)
    world_end_task (world, g_ptr_array_index (world->tasks, 0));
  g_assert_cmpuint (world->leases->len, ==, 0);
  bus_operations_free (world->operations);
  bus_deadline_set_clear (&world->deadlines);
  g_ptr_array_unref (world->members);
  g_ptr_array_unref (world->tasks);
  g_ptr_array_unref (world->leases);
}

/* --- members --- */

static void
world_ability_free (gpointer data)
{
  BusAbility *ability = data;

  g_free ((gpointer) (gsize) ability->name.text.data);
  g_free (ability->payload_type);
  g_free (ability);
}

BusAbility *
world_ability (BusMember *member, const char *operation)
{
  BusAbility *ability = g_new0 (BusAbility, 1);

  ability->name = bus_key (WORLD_SEED, wire_span_str (g_strdup (operation)));
  ability->payload_type = g_strdup ("");
  ability->run_limit_us = 30 * G_USEC_PER_SEC;
  g_ptr_array_add (member->abilities, ability);
  return ability;
}

BusMember *
world_member (World *world, const char *id, const char *type, const char *operation, guint slots)
{
  BusMember *member = g_new0 (BusMember, 1);

  member->id = g_ref_string_new (id);
  member->key = bus_key (WORLD_SEED, wire_span_str (member->id));
  member->type = g_strdup (type);
  member->registration_id = ++world->last_registration;
  member->state = BUS_MEMBER_READY;
  member->abilities = g_ptr_array_new_with_free_func (world_ability_free);
  member->tags = g_ptr_array_new_with_free_func (g_free);
  member->highest = 255;
  member->max_concurrent = slots;
  member->has_started = TRUE;
  world_ability (member, operation);
  g_ptr_array_add (world->members, member);
  world_update (world, member);
  return member;
}

void
world_touch (World *world, BusMember *member)
{
  bus_operations_on_member (world->operations, member);
}

void
world_update (World *world, BusMember *member)
{
  member->revision++;
  world_touch (world, member);
}

static void
world_lose_leases (World *world, BusMember *member)
{
  for (guint i = world->leases->len; i-- > 0;)
    {
      WorldLease *lease = g_ptr_array_index (world->leases, i);

      if (lease->member != member)
        continue;
      if (lease->is_zombie)
        world_answer_zombie (world, lease);
      else
        world_give_back (world, lease);
    }
}

void
world_lose_member (World *world, BusMember *member)
{
  member->state = BUS_MEMBER_GONE;
  world_touch (world, member);
  world_lose_leases (world, member);
  g_assert_null (member->reserved_for);
  g_ptr_array_remove (world->members, member);
  g_ptr_array_unref (member->abilities);
  g_ptr_array_unref (member->tags);
  g_ref_string_release (member->id);
  g_free (member->type);
  g_free (member);
}

/* --- tasks --- */

BusTask *
world_new_task (World *world, const BusTaskSpec *spec, guint account)
{
  BusTask *task = bus_task_new (&world->accounts[account], spec, WORLD_SEED, world->now_us);

  task->sequence = ++world->last_sequence;
  g_ptr_array_add (world->tasks, task);
  g_assert_true (bus_operations_join (world->operations, task));
  return task;
}

BusTask *
world_submit (World *world, const char *operation, guint account, guint priority)
{
  const BusTaskSpec spec = { .operation = wire_span_str (operation), .priority = priority };
  BusTask *task = world_new_task (world, &spec, account);

  bus_operation_insert (task);
  return task;
}

/* A task that only zombies still run ends with the last zombie. */
static gboolean
world_leave_to_zombies (World *world, BusTask *task)
{
  gboolean has_zombies = FALSE;

  for (guint i = 0; i < world->leases->len; i++)
    {
      WorldLease *lease = g_ptr_array_index (world->leases, i);

      if (lease->task != task)
        continue;
      g_assert_true (lease->is_zombie);
      lease->is_over = TRUE;
      has_zombies = TRUE;
    }
  return has_zombies;
}

void
world_end_task (World *world, BusTask *task)
{
  bus_operation_remove (task);
  bus_operation_lease_ended (task);
  if (world_leave_to_zombies (world, task))
    return;
  bus_operations_leave (task);
  g_ptr_array_remove (world->tasks, task);
  bus_task_free (task);
}

/* --- leases --- */

WorldLease *
world_start (World *world, BusTask *task, BusMember *member)
{
  WorldLease *lease = g_new0 (WorldLease, 1);

  lease->task = task;
  lease->member = member;
  member->n_running++;
  member->is_exclusive = task->exclusive;
  g_clear_pointer (&task->holder, g_ref_string_release);
  task->holder = g_ref_string_acquire (member->id);
  g_ptr_array_add (world->leases, lease);
  return lease;
}

WorldLease *
world_lease (World *world)
{
  BusMember *member;
  BusTask *task = bus_operations_next (world->operations, &member);

  return task != NULL ? world_start (world, task, member) : NULL;
}

/* Ends the run of the task on its member. */
static void
world_stop (WorldLease *lease)
{
  lease->member->n_running--;
  lease->member->is_exclusive = FALSE;
}

static void
world_free_slot (World *world, WorldLease *lease, BusOperation *operation)
{
  bus_operation_give_back (operation);
  if (lease->member->state != BUS_MEMBER_GONE)
    world_touch (world, lease->member);
  g_ptr_array_remove (world->leases, lease);
  g_free (lease);
}

void
world_finish (World *world, WorldLease *lease)
{
  BusTask *task = lease->task;

  world_stop (lease);
  world_free_slot (world, lease, task->place.operation);
  world_end_task (world, task);
}

void
world_assert_next (World *world, const BusTask *task)
{
  WorldLease *lease = world_lease (world);

  g_assert_true (lease != NULL && lease->task == task);
  world_finish (world, lease);
}

void
world_give_back (World *world, WorldLease *lease)
{
  world_stop (lease);
  bus_operation_return (lease->task);
  world_free_slot (world, lease, lease->task->place.operation);
}

void
world_expire (World *world, WorldLease *lease, gboolean is_over)
{
  world_stop (lease);
  lease->member->n_zombie++;
  lease->is_zombie = TRUE;
  lease->is_over = is_over;
  bus_operation_avoid (lease->task, lease->member);
  if (is_over)
    bus_operation_lease_ended (lease->task);
  else
    bus_operation_insert (lease->task);
  world_touch (world, lease->member);
}

void
world_answer_zombie (World *world, WorldLease *lease)
{
  BusTask *task = lease->task;
  BusOperation *operation = task->place.operation;
  const gboolean is_over = lease->is_over;

  lease->member->n_zombie--;
  bus_operation_allow (task, lease->member);
  world_free_slot (world, lease, operation);
  if (is_over)
    world_end_task (world, task);
}

void
world_advance (World *world, gint64 us)
{
  BusDeadline *due;

  world->now_us += us;
  while ((due = bus_deadline_set_pop_due (&world->deadlines, world->now_us)) != NULL)
    {
      const BusTimer *timer = (const BusTimer *) (gconstpointer) due;

      g_assert_cmpint (timer->kind, ==, BUS_TIMER_RESERVATION);
      bus_operation_on_timer (timer->owner);
    }
}

BusOperation *
world_operation (World *world, const char *name)
{
  const BusKey key = bus_key (WORLD_SEED, wire_span_str (name));

  return bus_operations_get (world->operations, &key, world->accounts[0].number);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-model.h"

/* Random histories of one operation: each lease and each reservation is the same as in a naive model. */

#define N_RUNS    500u
#define N_STEPS   150u
#define TASKS_MAX 30u

typedef struct
{
  World world;
  Model *model;
  GRand *rand;
  BusOperation *operation;
  GPtrArray *held;    /* BusTask */
  GPtrArray *allowed; /* BusMember */
  BusStrategy strategy;
  guint64 leases;
  guint64 reservations;
} Run;

static gboolean
chance (Run *run, guint percent)
{
  return (guint) g_rand_int_range (run->rand, 0, 100) < percent;
}

static gpointer
pick (Run *run, GPtrArray *items)
{
  return items->len > 0 ? g_ptr_array_index (items, g_rand_int_range (run->rand, 0, (gint32) items->len)) : NULL;
}

static guint
draw (Run *run, guint n)
{
  return (guint) g_rand_int_range (run->rand, 0, (gint32) n);
}

static WireSpan
draw_text (Run *run, const char *const *texts, guint n)
{
  return wire_span_str (texts[draw (run, n)]);
}

/* --- tasks --- */

static const char *const types[] = { "", "", "", "scanner", "monitor" };
static const char *const ids[] = { "", "", "", "", "", "m1", "m2", "m3" };
static const char *const payload_types[] = { "", "", "", "Query", "Other" };
static const char *const tags[] = { "a=1", "b=1" };
static const guint priorities[] = { 5, 5, 5, 0, 255 };

static void
op_submit (Run *run)
{
  const WireSpan wanted[] = { wire_span_str (tags[draw (run, 2)]), wire_span_str (tags[draw (run, 2)]) };
  const BusTaskSpec spec = { .operation = WIRE_SPAN_LITERAL ("scan"),
                             .type = draw_text (run, types, G_N_ELEMENTS (types)),
                             .target = draw_text (run, ids, G_N_ELEMENTS (ids)),
                             .payload_type = draw_text (run, payload_types, G_N_ELEMENTS (payload_types)),
                             .priority = priorities[draw (run, G_N_ELEMENTS (priorities))],
                             .tags = wanted,
                             .n_tags = chance (run, 70) ? 0 : 1 + draw (run, 2),
                             .exclusive = chance (run, 10) };
  BusTask *task;

  if (run->world.tasks->len >= TASKS_MAX)
    return;
  task = world_new_task (&run->world, &spec, draw (run, WORLD_ACCOUNTS));
  task->is_suspect = chance (run, 10);
  bus_operation_insert (task);
  model_insert (run->model, task);
}

static BusTask *
pick_waiting (Run *run)
{
  BusTask *task = pick (run, run->world.tasks);

  return task != NULL && (task->place.where == BUS_TASK_WAITS || task->place.where == BUS_TASK_RESERVED) ? task : NULL;
}

static void
op_cancel (Run *run)
{
  BusTask *task = pick_waiting (run);

  if (task == NULL)
    return;
  model_remove (run->model, task);
  world_end_task (&run->world, task);
}

static void
op_hold (Run *run)
{
  BusTask *task = pick_waiting (run);

  if (task == NULL)
    return;
  model_remove (run->model, task);
  bus_operation_park (task, chance (run, 50) ? BUS_TASK_HELD : BUS_TASK_LATER);
  g_ptr_array_add (run->held, task);
}

static void
op_insert_held (Run *run)
{
  BusTask *task = pick (run, run->held);

  if (task == NULL)
    return;
  g_ptr_array_remove (run->held, task);
  bus_operation_insert (task);
  model_insert (run->model, task);
}

/* --- leases --- */

static void
give_back (Run *run, WorldLease *lease)
{
  model_lease_ended (run->model, lease->task);
  model_return (run->model, lease->task);
  model_give_back (run->model);
  world_give_back (&run->world, lease);
}

static void
op_end_lease (Run *run)
{
  WorldLease *lease = pick (run, run->world.leases);

  if (lease == NULL)
    return;
  if (lease->is_zombie)
    {
      model_give_back (run->model);
      world_answer_zombie (&run->world, lease);
      return;
    }
  if (chance (run, 30))
    {
      give_back (run, lease);
      return;
    }
  model_lease_ended (run->model, lease->task);
  model_remove (run->model, lease->task);
  if (chance (run, 60))
    {
      model_give_back (run->model);
      world_finish (&run->world, lease);
    }
  else if (chance (run, 30))
    world_expire (&run->world, lease, TRUE);
  else
    {
      model_insert (run->model, lease->task);
      world_expire (&run->world, lease, FALSE);
    }
}

/* --- members --- */

static void
shape (Run *run, BusMember *member)
{
  BusAbility *ability;

  g_ptr_array_set_size (member->tags, 0);
  for (guint i = 0; i < G_N_ELEMENTS (tags); i++)
    if (chance (run, 50))
      g_ptr_array_add (member->tags, g_strdup (tags[i]));
  member->lowest = chance (run, 80) ? 0 : 5;
  member->highest = chance (run, 80) ? 255 : 5;
  g_ptr_array_set_size (member->abilities, 0);
  world_ability (member, "other");
  if (chance (run, 10))
    return;
  ability = world_ability (member, "scan");
  if (chance (run, 20))
    {
      g_free (ability->payload_type);
      ability->payload_type = g_strdup ("Query");
    }
}

static void
op_register (Run *run)
{
  g_autofree char *id = g_strdup_printf ("m%u", draw (run, 12));
  BusMember *member;

  for (guint i = 0; i < run->world.members->len; i++)
    if (g_str_equal (((const BusMember *) g_ptr_array_index (run->world.members, i))->id, id))
      return;
  member = world_member (&run->world, id, types[3 + draw (run, 2)], "scan", 1 + draw (run, 3));
  member->has_started = chance (run, 80);
  shape (run, member);
  world_update (&run->world, member);
}

static void
op_update (Run *run)
{
  BusMember *member = pick (run, run->world.members);

  if (member == NULL)
    return;
  shape (run, member);
  if (chance (run, 50))
    member->registration_id = ++run->world.last_registration; /* the member registers again */
  world_update (&run->world, member);
  model_on_member (run->model, member);
}

static void
op_state (Run *run)
{
  static const BusMemberState states[] = { BUS_MEMBER_READY,   BUS_MEMBER_READY,     BUS_MEMBER_REGISTERED,
                                           BUS_MEMBER_SUSPECT, BUS_MEMBER_SET_ASIDE, BUS_MEMBER_DRAINING };
  BusMember *member = pick (run, run->world.members);

  if (member == NULL)
    return;
  member->state = states[draw (run, G_N_ELEMENTS (states))];
  member->max_concurrent = 1 + draw (run, 3);
  world_touch (&run->world, member);
  model_on_member (run->model, member);
}

static void
op_lose (Run *run)
{
  BusMember *member = pick (run, run->world.members);

  if (member == NULL)
    return;
  if (chance (run, 50))
    {
      member->state = BUS_MEMBER_GONE;
      world_touch (&run->world, member);
      model_on_member (run->model, member);
    }
  for (guint i = run->world.leases->len; i-- > 0;)
    {
      WorldLease *lease = g_ptr_array_index (run->world.leases, i);

      if (lease->member != member)
        continue;
      if (!lease->is_zombie)
        {
          give_back (run, lease);
          continue;
        }
      model_give_back (run->model);
      world_answer_zombie (&run->world, lease);
    }
  member->state = BUS_MEMBER_GONE;
  model_on_member (run->model, member);
  world_lose_member (&run->world, member);
}

/* --- the operation --- */

static void
op_pause (Run *run)
{
  const gboolean is_paused = chance (run, 30);

  bus_operation_pause (run->operation, is_paused);
  model_pause (run->model, is_paused);
}

static void
op_limit (Run *run)
{
  const guint limit = chance (run, 70) ? 0 : 1 + draw (run, 4);

  bus_operation_set_limit (run->operation, limit);
  model_set_limit (run->model, limit);
}

static void
op_strategy (Run *run)
{
  run->strategy = draw (run, BUS_STRATEGY_LAST + 1);
  bus_operation_set_strategy (run->operation, run->strategy);
}

static void
op_wait (Run *run)
{
  world_advance (&run->world, (gint64) (1 + draw (run, 20)) * G_USEC_PER_SEC);
}

typedef void (*Op) (Run *run);

static const struct
{
  guint weight;
  Op op;
} ops[] = { { 35, op_submit },  { 30, op_end_lease }, { 5, op_cancel }, { 4, op_hold }, { 8, op_insert_held },
            { 7, op_register }, { 5, op_update },     { 7, op_state },  { 3, op_lose }, { 3, op_pause },
            { 2, op_limit },    { 2, op_strategy },   { 8, op_wait } };

static void
step (Run *run)
{
  guint total = 0;
  guint at;

  for (guint i = 0; i < G_N_ELEMENTS (ops); i++)
    total += ops[i].weight;
  at = draw (run, total);
  for (guint i = 0; i < G_N_ELEMENTS (ops); i++)
    {
      if (at < ops[i].weight)
        {
          ops[i].op (run);
          return;
        }
      at -= ops[i].weight;
    }
}

/* --- comparison --- */

static void
assert_member (Run *run, const BusMember *member)
{
  g_assert_true (g_ptr_array_find (run->allowed, member, NULL));
  if (run->strategy != BUS_STRATEGY_DEFAULT && run->strategy != BUS_STRATEGY_LEAST_LOADED)
    return;
  for (guint i = 0; i < run->allowed->len; i++)
    g_assert_cmpuint (bus_member_load_permille (member), <=,
                      bus_member_load_permille (g_ptr_array_index (run->allowed, i)));
}

/* Asks the model first, because it reads the slots before the lease. */
static void
place_all (Run *run)
{
  BusMember *member;

  for (;;)
    {
      BusTask *expected = model_next (run->model, run->allowed);
      BusTask *task = bus_operations_next (run->world.operations, &member);

      g_assert_true (task == expected);
      if (task != NULL)
        model_place (run->model, task, member);
      model_compare (run->model, run->operation);
      run->reservations += run->operation->reserved.length;
      if (task == NULL)
        return;
      assert_member (run, member);
      run->leases++;
      world_start (&run->world, task, member);
    }
}

static void
test_agrees_with_a_model (void)
{
  guint64 leases = 0;
  guint64 reservations = 0;

  for (guint seed = 1; seed <= N_RUNS; seed++)
    {
      const BusKey name = bus_key (WORLD_SEED, WIRE_SPAN_LITERAL ("scan"));
      Run run = { .rand = g_rand_new_with_seed (seed) };

      world_init (&run.world);
      run.model = model_new (&run.world);
      run.held = g_ptr_array_new ();
      run.allowed = g_ptr_array_new ();
      run.operation = bus_operations_get (run.world.operations, &name, run.world.accounts[0].number);
      for (guint i = 0; i < N_STEPS; i++)
        {
          step (&run);
          place_all (&run);
        }
      leases += run.leases;
      reservations += run.reservations;
      world_clear (&run.world);
      model_free (run.model);
      g_ptr_array_unref (run.held);
      g_ptr_array_unref (run.allowed);
      g_rand_free (run.rand);
    }
  g_test_message ("%" G_GUINT64_FORMAT " leases, %" G_GUINT64_FORMAT " reservations", leases, reservations);
  g_assert_cmpuint (leases, >, 20 * N_RUNS);
  g_assert_cmpuint (reservations, >, 10 * N_RUNS);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/operation/model", test_agrees_with_a_model);
  return g_test_run ();
}

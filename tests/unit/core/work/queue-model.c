/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-model.h"

typedef struct
{
  BusTask *task;
  gboolean waits;
  gboolean is_reserved;
  const BusMember *reserved; /* also while a suspect runs */
  gint64 reserved_since_us;
  guint64 reserved_order;
  guint64 age;
  guint64 turn; /* the turn to restore; 0: none */
  gboolean by_age;
} ModelTask;

typedef struct
{
  guint priority;
  guint account;
  guint64 number;
} ModelTurn;

struct Model
{
  World *world;
  GArray *turns;    /* ModelTurn */
  GPtrArray *tasks; /* ModelTask */
  guint64 last_turn;
  guint64 last_age;
  guint64 last_reservation;
  guint until_aged;
  guint n_slots;
  guint limit;
  gboolean is_paused;
};

Model *
model_new (World *world)
{
  Model *model = g_new0 (Model, 1);

  model->world = world;
  model->turns = g_array_new (FALSE, FALSE, sizeof (ModelTurn));
  model->tasks = g_ptr_array_new_with_free_func (g_free);
  model->until_aged = 7;
  return model;
}

void
model_free (Model *model)
{
  g_array_unref (model->turns);
  g_ptr_array_unref (model->tasks);
  g_free (model);
}

static ModelTask *
model_find (Model *model, const BusTask *task)
{
  for (guint i = 0; i < model->tasks->len; i++)
    if (((ModelTask *) g_ptr_array_index (model->tasks, i))->task == task)
      return g_ptr_array_index (model->tasks, i);
  return NULL;
}

static ModelTask *
model_get (Model *model, BusTask *task)
{
  ModelTask *known = model_find (model, task);

  if (known != NULL)
    return known;
  known = g_new0 (ModelTask, 1);
  known->task = task;
  g_ptr_array_add (model->tasks, known);
  return known;
}

/* --- turns: an account has one at a priority while it has a task that waits --- */

static ModelTurn *
model_turn (Model *model, const BusTask *task)
{
  for (guint i = 0; i < model->turns->len; i++)
    {
      ModelTurn *turn = &g_array_index (model->turns, ModelTurn, i);

      if (turn->priority == task->priority && turn->account == task->account->number)
        return turn;
    }
  return NULL;
}

static void
model_add_turn (Model *model, const BusTask *task)
{
  const ModelTurn turn = { task->priority, task->account->number, model->last_turn + 1 };

  if (model_turn (model, task) != NULL)
    return;
  model->last_turn++;
  g_array_append_val (model->turns, turn);
}

static void
model_drop_turn (Model *model, const BusTask *task)
{
  for (guint i = 0; i < model->tasks->len; i++)
    {
      const ModelTask *other = g_ptr_array_index (model->tasks, i);

      if (other->waits && other->task->priority == task->priority && other->task->account == task->account)
        return;
    }
  for (guint i = 0; i < model->turns->len; i++)
    if (&g_array_index (model->turns, ModelTurn, i) == model_turn (model, task))
      {
        g_array_remove_index (model->turns, i);
        return;
      }
}

/* --- changes --- */

static void
model_wait (Model *model, ModelTask *known)
{
  model_add_turn (model, known->task);
  known->waits = TRUE;
}

static void
model_stop_waiting (Model *model, ModelTask *known)
{
  known->waits = FALSE;
  model_drop_turn (model, known->task);
}

void
model_insert (Model *model, BusTask *task)
{
  ModelTask *known = model_get (model, task);

  model_remove (model, task);
  known = model_get (model, task);
  known->age = ++model->last_age;
  model_wait (model, known);
}

static void
model_wait_again (Model *model, ModelTask *known)
{
  ModelTurn *turn;

  model_wait (model, known);
  turn = model_turn (model, known->task);
  if (known->turn > 0)
    turn->number = MIN (turn->number, known->turn);
  if (known->by_age)
    model->until_aged = 0;
  known->turn = 0;
  known->by_age = FALSE;
}

void
model_return (Model *model, BusTask *task)
{
  model_wait_again (model, model_find (model, task));
}

void
model_remove (Model *model, BusTask *task)
{
  ModelTask *known = model_find (model, task);

  if (known->waits)
    model_stop_waiting (model, known);
  g_ptr_array_remove (model->tasks, known);
}

void
model_lease_ended (Model *model, BusTask *task)
{
  model_find (model, task)->reserved = NULL;
}

static void
model_dissolve (Model *model, ModelTask *known)
{
  known->is_reserved = FALSE;
  known->reserved = NULL;
  model_wait_again (model, known);
}

/* --- members --- */

static gboolean
model_is_capable (const BusMember *member, const BusTask *task)
{
  const char *type = member->type;
  gboolean found = FALSE;

  for (guint i = 0; i < member->abilities->len; i++)
    {
      const BusAbility *ability = g_ptr_array_index (member->abilities, i);

      if (wire_span_equal (ability->name.text, task->operation.text)
          && (*ability->payload_type == '\0' || task->payload_type.len == 0
              || wire_span_equal (task->payload_type, wire_span_str (ability->payload_type))))
        found = TRUE;
    }
  for (guint i = 0; task->tags != NULL && i < task->tags->len; i++)
    found &= g_ptr_array_find_with_equal_func (member->tags, g_ptr_array_index (task->tags, i), g_str_equal, NULL);
  if (task->type.len > 0 && !wire_span_equal (task->type, wire_span_str (type)))
    return FALSE;
  if (task->target.len > 0 && !wire_span_equal (task->target, wire_span_str (member->id)))
    return FALSE;
  return found && task->priority >= member->lowest && task->priority <= member->highest;
}

static gboolean
model_has_zombie (Model *model, const BusMember *member, const BusTask *task)
{
  for (guint i = 0; i < model->world->leases->len; i++)
    {
      const WorldLease *lease = g_ptr_array_index (model->world->leases, i);

      if (lease->is_zombie && lease->member == member && lease->task == task)
        return TRUE;
    }
  return FALSE;
}

static ModelTask *
model_reserver (Model *model, const BusMember *member)
{
  for (guint i = 0; i < model->tasks->len; i++)
    if (((ModelTask *) g_ptr_array_index (model->tasks, i))->reserved == member)
      return g_ptr_array_index (model->tasks, i);
  return NULL;
}

static guint
model_used (const BusMember *member)
{
  return member->n_running + member->n_offered + member->n_zombie;
}

static gboolean
model_is_usable (Model *model, const BusMember *member, const BusTask *task)
{
  return member->state != BUS_MEMBER_GONE && model_is_capable (member, task) && !model_has_zombie (model, member, task);
}

static gboolean
model_is_free (Model *model, const BusMember *member, const BusTask *task)
{
  if (!model_is_usable (model, member, task) || member->state != BUS_MEMBER_READY
      || model_reserver (model, member) != NULL)
    return FALSE;
  if (bus_member_offer_room (member) == 0)
    return FALSE;
  return !(task->exclusive || task->is_suspect) || model_used (member) == 0;
}

/* @task: NULL: counts all members */
static gboolean
model_is_below_bound (Model *model, const BusTask *task)
{
  guint n_ready = 0;
  guint n_reserved = 0;

  for (guint i = 0; i < model->world->members->len; i++)
    {
      const BusMember *member = g_ptr_array_index (model->world->members, i);

      if (member->state == BUS_MEMBER_GONE || (task != NULL && !model_is_usable (model, member, task)))
        continue;
      n_ready += member->state == BUS_MEMBER_READY ? 1 : 0;
      n_reserved += model_reserver (model, member) != NULL ? 1 : 0;
    }
  return n_reserved < 1 || 4 * (n_reserved + 1) <= n_ready;
}

static gboolean
model_may_reserve (Model *model, const BusTask *task)
{
  return model_is_below_bound (model, NULL) && model_is_below_bound (model, task);
}

static const BusMember *
model_reservable (Model *model, const BusTask *task)
{
  const BusMember *best = NULL;

  for (guint i = 0; i < model->world->members->len; i++)
    {
      const BusMember *member = g_ptr_array_index (model->world->members, i);

      if (model_is_usable (model, member, task) && member->state == BUS_MEMBER_READY
          && model_reserver (model, member) == NULL && (best == NULL || model_used (member) < model_used (best)))
        best = member;
    }
  return best;
}

/* --- the next lease --- */

static gboolean
model_precedes (Model *model, const ModelTask *a, const ModelTask *b)
{
  const guint64 first = model_turn (model, a->task)->number;
  const guint64 second = model_turn (model, b->task)->number;

  if (model->until_aged == 0)
    return a->age < b->age;
  if (a->task->priority != b->task->priority)
    return a->task->priority > b->task->priority;
  return first != second ? first < second : a->task->sequence < b->task->sequence;
}

static gboolean
model_had_it (const BusMember *member, const BusTask *task)
{
  return task->holder != NULL && g_str_equal (task->holder, member->id);
}

/* Collects the free members, without the last holder if there is another one. */
static void
model_free_members (Model *model, const BusTask *task, GPtrArray *members)
{
  gboolean has_other = FALSE;

  g_ptr_array_set_size (members, 0);
  if (task->is_suspect && !model_may_reserve (model, task))
    return;
  for (guint i = 0; i < model->world->members->len; i++)
    {
      BusMember *member = g_ptr_array_index (model->world->members, i);

      if (!model_is_free (model, member, task))
        continue;
      g_ptr_array_add (members, member);
      has_other |= !model_had_it (member, task);
    }
  for (guint i = members->len; has_other && i-- > 0;)
    if (model_had_it (g_ptr_array_index (members, i), task))
      g_ptr_array_remove_index (members, i);
}

static gboolean
model_can_place (Model *model, const BusTask *task, GPtrArray *members)
{
  model_free_members (model, task, members);
  return members->len > 0
         || ((task->exclusive || task->is_suspect) && model_may_reserve (model, task)
             && model_reservable (model, task) != NULL);
}

static ModelTask *
model_best (Model *model, GPtrArray *members)
{
  ModelTask *best = NULL;

  for (guint i = 0; i < model->tasks->len; i++)
    {
      ModelTask *known = g_ptr_array_index (model->tasks, i);

      if (known->waits && (best == NULL || model_precedes (model, known, best))
          && model_can_place (model, known->task, members))
        best = known;
    }
  if (best != NULL)
    model_free_members (model, best->task, members);
  return best;
}

static void
model_use_turn (Model *model, ModelTask *known)
{
  ModelTurn *turn = model_turn (model, known->task);

  known->by_age = model->until_aged == 0;
  known->turn = known->by_age ? 0 : turn->number;
  if (!known->by_age)
    turn->number = ++model->last_turn;
  model_stop_waiting (model, known);
}

static void
model_reserve (Model *model, ModelTask *known)
{
  known->reserved = model_reservable (model, known->task);
  known->reserved_since_us = model->world->now_us;
  known->reserved_order = ++model->last_reservation;
  known->is_reserved = TRUE;
  model_use_turn (model, known);
}

static gboolean
model_is_idle (const Model *model, const ModelTask *known)
{
  const BusMember *member = known->reserved;

  return member->n_running + member->n_offered == 0 && bus_member_offer_room (member) > 0
         && (member->n_zombie == 0 || model->world->now_us - known->reserved_since_us >= 30 * G_USEC_PER_SEC);
}

/* Returns the oldest reservation after @order. */
static ModelTask *
model_next_reservation (Model *model, guint64 order)
{
  ModelTask *best = NULL;

  for (guint i = 0; i < model->tasks->len; i++)
    {
      ModelTask *known = g_ptr_array_index (model->tasks, i);

      if (known->is_reserved && known->reserved_order > order
          && (best == NULL || known->reserved_order < best->reserved_order))
        best = known;
    }
  return best;
}

static ModelTask *
model_reserved (Model *model)
{
  guint64 order = 0;

  for (ModelTask *known; (known = model_next_reservation (model, order)) != NULL;)
    {
      order = known->reserved_order;
      if (model_is_idle (model, known))
        return known;
    }
  return NULL;
}

static BusTask *
model_take_reserved (Model *model, ModelTask *known, GPtrArray *members)
{
  g_ptr_array_set_size (members, 0);
  g_ptr_array_add (members, (gpointer) (gsize) known->reserved);
  known->is_reserved = FALSE;
  if (!known->task->is_suspect)
    known->reserved = NULL;
  model->until_aged -= model->until_aged > 0 ? 1 : 0;
  model->n_slots++;
  return known->task;
}

BusTask *
model_next (Model *model, GPtrArray *members)
{
  ModelTask *best;

  if (model->is_paused || (model->limit > 0 && model->n_slots >= model->limit))
    return NULL;
  best = model_reserved (model);
  if (best != NULL)
    return model_take_reserved (model, best, members);
  while ((best = model_best (model, members)) != NULL && members->len == 0)
    model_reserve (model, best);
  if (best == NULL)
    return NULL;
  model_use_turn (model, best);
  model->until_aged = model->until_aged > 0 ? model->until_aged - 1 : 7;
  model->n_slots++;
  return best->task;
}

void
model_place (Model *model, const BusTask *task, const BusMember *member)
{
  if (task->is_suspect)
    model_find (model, task)->reserved = member;
}

void
model_on_member (Model *model, const BusMember *member)
{
  ModelTask *known = model_reserver (model, member);

  if (known != NULL && known->is_reserved
      && (member->state != BUS_MEMBER_READY || !model_is_usable (model, member, known->task)))
    model_dissolve (model, known);
}

void
model_pause (Model *model, gboolean is_paused)
{
  model->is_paused = is_paused;
  for (ModelTask *known; is_paused && (known = model_next_reservation (model, 0)) != NULL;)
    model_dissolve (model, known);
}

void
model_set_limit (Model *model, guint limit)
{
  model->limit = limit;
}

void
model_give_back (Model *model)
{
  model->n_slots--;
}

void
model_compare (Model *model, const BusOperation *operation)
{
  guint n_waiting = 0;
  guint n_reserved = 0;

  for (guint i = 0; i < model->tasks->len; i++)
    {
      const ModelTask *known = g_ptr_array_index (model->tasks, i);

      g_assert_cmpint (known->task->place.where == BUS_TASK_WAITS, ==, known->waits);
      g_assert_cmpint (known->task->place.where == BUS_TASK_RESERVED, ==, known->is_reserved);
      g_assert_true (known->task->place.reserved == known->reserved);
      n_waiting += known->waits ? 1 : 0;
      n_reserved += known->is_reserved ? 1 : 0;
    }
  g_assert_cmpuint (operation->n_tasks_at[BUS_TASK_WAITS], ==, n_waiting);
  g_assert_cmpuint (operation->n_tasks_at[BUS_TASK_RESERVED], ==, n_reserved);
  g_assert_cmpuint (operation->n_slots, ==, model->n_slots);
}

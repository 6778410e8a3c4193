/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-operation.h"
#include "work/bus-registry.h"

/*
 * Members: their states must follow from their frames, and none may have a free slot while a task waits that it could run.
 */

/* --- strikes --- */

static guint
members_count_strikes (const TasksWorld *world, const TasksClient *client)
{
  guint n = 0;

  for (guint i = 0; i < BUS_PAST_STRIKES; i++)
    n += client->strikes_us[i] != 0 && world->now_us - client->strikes_us[i] < G_TIME_SPAN_MINUTE;
  return n;
}

void
tasks_members_struck (TasksWorld *world, guint slot)
{
  TasksClient *client = &world->clients[slot];

  for (guint i = 0; i < BUS_PAST_STRIKES; i++)
    if (client->strikes_us[i] == 0)
      {
        client->strikes_us[i] = world->now_us;
        break;
      }
  if (members_count_strikes (world, client) < BUS_PAST_STRIKES)
    return;
  memset (client->strikes_us, 0, sizeof client->strikes_us);
  client->n_holds++;
}

/* --- states --- */

static const char *
members_problem (const TasksWorld *world, const TasksClient *client, const BusMember *member)
{
  const gboolean is_held = member->past->held_until_us > world->now_us;
  const gboolean is_doubted
      = bus_health_is_unresponsive (member->peer->health) || member->n_zombie >= member->max_concurrent;

  if ((member->state == BUS_MEMBER_DRAINING) != client->is_draining)
    return "it drains without reason, or should drain";
  if (member->state == BUS_MEMBER_SET_ASIDE && !is_held && !world->is_late)
    return "it is still set aside after the time for that";
  if (member->state == BUS_MEMBER_READY && is_held && !member->is_probed)
    return "it is ready, but failed too often";
  if (member->state == BUS_MEMBER_READY && (is_doubted || !client->is_serving))
    return "it is ready, but is suspected or does not serve its topic";
  if (member->state == BUS_MEMBER_SUSPECT && !is_doubted)
    return "it is suspected without reason";
  if (bus_past_strikes (member->past, world->now_us) != members_count_strikes (world, client))
    return "its failures differ";
  if (member->past->n_holds < client->n_holds)
    return "it was not set aside for its failures";
  return NULL;
}

/* --- waiting tasks --- */

static gboolean
members_have_capability (const TasksRecord *record, const TasksClient *client)
{
  const TasksSpec *spec = &record->spec;
  const TasksRegistration *registration = &client->registration;

  return registration->abilities[spec->operation].is_offered
         && (spec->type == 0 || strcmp (client->type, tasks_types[spec->type]) == 0)
         && (spec->target == TASKS_ANY_SLOT || spec->target == client->slot) && spec->priority >= registration->lowest
         && spec->priority <= registration->highest && (!spec->has_tag || registration->has_tag);
}

static gboolean
members_have_room (const BusMember *member)
{
  const guint used = member->n_running + member->n_offered + member->n_zombie;

  if (member->state != BUS_MEMBER_READY || member->is_exclusive || member->is_busy || member->reserved_for != NULL
      || used >= member->max_concurrent)
    return FALSE;
  if (member->is_probed)
    return member->n_running + member->n_offered == 0;
  return member->n_offered == 0;
}

static gboolean
members_hold (const TasksRecord *record, const TasksClient *client)
{
  for (guint i = 0; i < record->leases->len; i++)
    if (g_array_index (record->leases, TasksLease, i).connection == client->number)
      return TRUE;
  return FALSE;
}

gboolean
tasks_members_can_take (const TasksRecord *record, const TasksClient *client)
{
  return members_have_capability (record, client) && !members_hold (record, client);
}

static void
members_check_waiting (TasksWorld *world, const TasksClient *client, const BusMember *member)
{
  for (guint i = 0; i < world->model->records->len; i++)
    {
      const TasksRecord *record = g_ptr_array_index (world->model->records, i);

      if (record->state != BUS_TASK_QUEUED || record->is_forgotten || record->spec.exclusive || record->is_suspect
          || record->held_until_us > world->now_us || record->deaths->len > 0
          || world->is_paused[record->spec.operation] || world->limits[record->spec.operation] > 0)
        continue;
      if (tasks_members_can_take (record, client))
        tasks_fail (world, "M10: t%u waits, but %s has a free slot", record->number, client->id);
    }
}

static void
members_check (TasksWorld *world, const TasksClient *client)
{
  const BusMember *member = bus_registry_find (world->core->work, wire_span_str (client->id));
  const char *problem;

  if (member == NULL)
    {
      tasks_fail (world, "M09: %s is not registered", client->id);
      return;
    }
  problem = members_problem (world, client, member);
  if (member->state == BUS_MEMBER_SUSPECT && member->n_zombie >= member->max_concurrent)
    tasks_cover (world, TASKS_COVER_ALL_ZOMBIES);
  if (problem != NULL)
    tasks_fail (world, "M13: %s is %s: %s", client->id, bus_member_state_name (member->state), problem);
  if (members_have_room (member))
    members_check_waiting (world, client, member);
}

/* --- members that are reserved --- */

/* TRUE if @task, which has to run alone, waits although @member is ready for it and not reserved. */
static gboolean
members_wait_alone (const TasksWorld *world, const BusMember *member, const TasksRecord *record)
{
  return (record->spec.exclusive || record->is_suspect) && record->state == BUS_TASK_QUEUED && !record->is_forgotten
         && record->task != NULL && record->task->place.where == BUS_TASK_WAITS
         && !world->is_paused[record->spec.operation] && world->limits[record->spec.operation] == 0
         && member->state == BUS_MEMBER_READY && tasks_members_can_take (record, bus_peer_link (member->peer));
}

/* There are less than eight collectors, so one may be reserved at a time, for all operations together. */
static void
members_check_reserved (TasksWorld *world)
{
  g_autoptr (GPtrArray) members = bus_registry_all (world->core->work);
  guint n_reserved = 0;

  for (guint i = 0; i < members->len; i++)
    n_reserved += ((const BusMember *) g_ptr_array_index (members, i))->reserved_for != NULL;
  if (n_reserved > 1)
    tasks_fail (world, "M11: %u collectors are reserved at a time", n_reserved);
  for (guint i = 0; n_reserved == 0 && i < members->len; i++)
    for (guint k = world->model->first; k < world->model->records->len; k++)
      {
        const TasksRecord *record = g_ptr_array_index (world->model->records, k);

        if (members_wait_alone (world, g_ptr_array_index (members, i), record))
          tasks_fail (world, "M11: t%u has to run alone, and no collector is reserved for it", record->number);
      }
}

void
tasks_members_check (TasksWorld *world)
{
  if (bus_core_next_tick_us (world->core) <= world->now_us)
    return; /* a tick is due, and has not come yet */
  members_check_reserved (world);
  for (guint slot = TASKS_SUBMITTERS; slot < TASKS_CLIENTS; slot++)
    if (world->clients[slot].is_registered && !tasks_failed (world))
      members_check (world, &world->clients[slot]);
}

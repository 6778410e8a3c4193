/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-work.h"

/*
 * Restarts of the broker: the core ends without GOODBYE, and another one with another epoch replaces it.
 *
 * Collectors keep their jobs and their undelivered outcomes; submitters keep the ids that they wait for. Everything else is lost:
 * connections, registrations, tasks, and the settings of tools. Some clients reconnect at once, others after the recovery window.
 */

#define RESTARTS_MAX 2u

void
tasks_restart_draw (TasksWorld *world)
{
  world->aside.state = world->seed ^ G_GUINT64_CONSTANT (0x51ed270b9f652295);
  world->restarts = world->seed % 5 == 2;
  world->keeps_outcomes = world->restarts || world->seed % 5 == 4;
  if (world->restarts)
    world->restart_step = 40 + sim_below (&world->aside, 160);
}

void
tasks_restart_note_cells (TasksWorld *world)
{
  const BusTaskRules *rules = &world->core->work->tasks.rules;

  if (world->core->work->grace.given_us != 0)
    tasks_cover (world, TASKS_COVER_GRACE);
  for (guint state = 0; state < BUS_N_TASK_STATES; state++)
    for (guint event = 0; event < BUS_N_TASK_EVENTS; event++)
      world->coverage->cells[state][event] += rules->reached[state][event];
  for (guint state = 0; state < BUS_MEMBER_N_STATES; state++)
    for (guint event = 0; event < BUS_MEMBER_N_EVENTS; event++)
      world->coverage->members[state][event] += world->core->work->members_reached[state][event];
  for (guint state = 0; state < BUS_HEALTH_N_STATES; state++)
    for (guint event = 0; event < BUS_HEALTH_N_EVENTS; event++)
      world->coverage->health[state][event] += world->core->work->health_reached[state][event];
}

static void
restart_forget (TasksClient *client)
{
  tasks_client_reset (client);
  memset (client->strikes_us, 0, sizeof client->strikes_us);
  client->n_holds = 0;
  client->claims.n = 0;
  client->shown = BUS_MEMBER_GONE;
  client->health_shown = BUS_HEALTH_GONE;
}

static void
restart_disconnect (TasksWorld *world, TasksClient *client)
{
  if (client->peer != NULL)
    bus_core_disconnected (world->core, client->peer, WIRE_STATUS_ABSENT, world->now_us);
  client->peer = NULL;
  restart_forget (client);
}

/* Ends the old core. All clients are disconnected first, so they receive nothing from it. */
static void
restart_end (TasksWorld *world)
{
  for (guint i = 0; i < TASKS_CLIENTS; i++)
    restart_disconnect (world, &world->clients[i]);
  restart_disconnect (world, &world->watcher);
  tasks_restart_note_cells (world);
  bus_core_free (world->core);
  memset (world->is_paused, 0, sizeof world->is_paused);
  memset (world->limits, 0, sizeof world->limits);
  memset (world->standings, 0, sizeof world->standings);
}

static void
restart_begin (TasksWorld *world)
{
  world->options.epoch++;
  world->options.seed = world->seed ^ world->options.epoch << 32;
  world->started_us = world->now_us;
  world->core = bus_core_new (&world->options, world->now_us);
  tasks_model_restart (world);
  tasks_operator_connect (world);
  for (guint i = 0; i < TASKS_CLIENTS && !tasks_failed (world); i++)
    if (sim_chance (&world->aside, 60))
      tasks_world_connect (world, &world->clients[i]);
}

void
tasks_restart_step (TasksWorld *world)
{
  if (world->restart_step == 0 || world->step < world->restart_step)
    return;
  restart_end (world);
  restart_begin (world);
  world->restart_step = ++world->n_restarts < RESTARTS_MAX ? world->step + 40 + sim_below (&world->aside, 140) : 0;
}

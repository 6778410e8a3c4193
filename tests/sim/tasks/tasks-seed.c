/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-model.h"

#include "peer/bus-state.h"
#include "work/bus-work.h"

/*
 * One seed: random steps; then faults end, and each task must end.
 */

#define MILLISECOND G_TIME_SPAN_MILLISECOND
#define HEAL_ROUNDS 120u
#define QUIET_ROUND 10u /* from this round on no frame is late */
#define HEAL_US     (200 * MILLISECOND)

static void
seed_set_limits (TasksWorld *world, BusLimits *limits)
{
  bus_limits_init (limits);
  limits->receive_window_messages = 65536;
  limits->receive_window_bytes = 67108864;
  limits->publish_window_messages = 1048576;
  limits->publish_window_must_keep_bytes = 67108864;
  limits->publish_window_control_bytes = 67108864;
  limits->publish_window_may_drop_bytes = 67108864;
  limits->max_pending_requests = 1024;
  limits->task_heartbeat_us
      = (guint64) (sim_chance (&world->random, 50) ? 300 * G_TIME_SPAN_SECOND : 400 * MILLISECOND);
  limits->task_offer_us = 300 * MILLISECOND;
  limits->task_cancel_us = 300 * MILLISECOND;
  limits->task_retry_us = 300 * MILLISECOND;
  limits->task_max_retry_us = 500 * MILLISECOND;
  limits->task_return_us = 200 * MILLISECOND;
  limits->task_submitter_us = 300 * MILLISECOND;
  limits->task_drain_us = 500 * MILLISECOND;
  limits->task_hold_us = 300 * MILLISECOND;
  limits->task_max_hold_us = G_TIME_SPAN_SECOND;
  limits->task_recovery_us = 500 * MILLISECOND;
  if (world->restarts && sim_chance (&world->aside, 30))
    limits->task_recovery_us = 3 * G_TIME_SPAN_SECOND; /* longer than the wait for a holder that is not named */
  limits->task_deadline_us = 8 * G_TIME_SPAN_SECOND;
  limits->task_window_us = 2 * G_TIME_SPAN_SECOND;
  limits->task_quarantine_us = 3 * G_TIME_SPAN_SECOND;
  limits->task_quarantine = 1 + sim_below (&world->random, 4);
  limits->task_queue = 10 + sim_below (&world->random, 60);
  tasks_rare_set_limits (world, limits);
  limits->task_queue_per_account = MIN (limits->task_queue, 8 + sim_below (&world->random, 40));
}

static TasksCharacter
seed_draw_character (SimRandom *random)
{
  const guint dice = sim_below (random, 100);

  if (dice < 50)
    return TASKS_HONEST;
  if (dice < 70)
    return TASKS_SLOW;
  return dice < 85 ? TASKS_KILLER : TASKS_HOSTILE;
}

static void
seed_init (TasksWorld *world, guint64 seed, TasksCoverage *coverage)
{
  static guint32 tool_uids[] = { 0, 500 };

  /* A stream of its own: the family of messages begins with the seed itself. */
  world->random.state = seed ^ G_GUINT64_CONSTANT (0x7a5c1e9d3b48f602);
  world->seed = seed;
  world->coverage = coverage;
  world->now_us = world->started_us = 2;
  world->hash = 0xcbf29ce484222325u;
  world->options = (BusCoreOptions){ .tool_accounts = tool_uids,
                                     .n_tool_accounts = G_N_ELEMENTS (tool_uids),
                                     .epoch = 1,
                                     .seed = seed,
                                     .software_version = "sim" };
  tasks_restart_draw (world);
  tasks_rare_draw (world);
  seed_set_limits (world, &world->options.limits);
  tasks_health_draw (world);
  world->is_late = seed % 8 == 5;
  world->model = tasks_model_new ();
  world->history = g_new0 (TasksHistory, 1);
  world->core = bus_core_new (&world->options, world->now_us);
  for (guint i = 0; i < TASKS_CLIENTS; i++)
    {
      tasks_client_init (world, i);
      world->clients[i].character = seed_draw_character (&world->random);
    }
  tasks_operator_init (world);
  tasks_operator_connect (world);
}

/* A poison task: every collector that starts it dies. */
static gboolean
seed_is_poison (const TasksWorld *world, const TasksFrame *frame)
{
  return world->seed % 4 == 1 && frame->items[0].number % 8 == 3;
}

static gboolean
seed_is_deadly (TasksWorld *world, const TasksClient *client, const TasksFrame *frame)
{
  if (world->is_healing || frame->kind != TASKS_FRAME_REPORT || !frame->started)
    return FALSE;
  return seed_is_poison (world, frame) || (client->character == TASKS_KILLER && sim_chance (&world->random, 40));
}

static void
seed_feed (TasksWorld *world, TasksClient *client)
{
  while (client->peer != NULL && client->frames.length > 0 && !tasks_failed (world))
    {
      gboolean is_deadly = seed_is_deadly (world, client, g_queue_peek_head (&client->frames));

      tasks_world_feed (world, client);
      if (is_deadly && client->peer != NULL)
        tasks_world_disconnect (world, client);
    }
}

static void
seed_move (TasksWorld *world)
{
  for (guint i = 0; i < TASKS_CLIENTS && !tasks_failed (world); i++)
    {
      TasksClient *client = &world->clients[i];

      if (client->is_collector && !client->is_frozen)
        tasks_standing_work (world, client);
      if (!client->is_late)
        seed_feed (world, client);
      if (client->peer != NULL && client->is_writable && !client->is_frozen && tasks_health_reads (client))
        tasks_world_drain (world, client);
    }
}

static void
seed_step (TasksWorld *world)
{
  TasksClient *client = &world->clients[sim_below (&world->random, TASKS_CLIENTS)];

  if (client->peer == NULL)
    tasks_world_connect (world, client);
  else if (client->is_ready && !client->is_frozen && client->is_collector && !tasks_rare_is_quick (world)
           && (client->character != TASKS_SLOW || sim_chance (&world->random, 30)))
    tasks_collector_step (world, client);
  else if (client->is_ready && !client->is_frozen && !client->is_collector)
    tasks_submitter_step (world, client);
  else if (client->is_frozen && sim_chance (&world->random, 30))
    client->is_frozen = FALSE;
  seed_move (world);
  if (sim_chance (&world->random, 60))
    tasks_world_advance (world, sim_chance (&world->random, 95) ? sim_below (&world->random, 25) * MILLISECOND
                                                                : sim_below (&world->random, 800) * MILLISECOND);
  tasks_check_step (world);
  tasks_operator_step (world);
}

static void
seed_heal (TasksWorld *world)
{
  world->is_healing = TRUE;
  tasks_health_heal (world);
  if (world->is_late)
    world->late_until_us = world->now_us + 2 * G_TIME_SPAN_SECOND;
  world->is_late = FALSE;
  for (guint round = 0; round < HEAL_ROUNDS && !tasks_failed (world); round++)
    {
      for (guint i = 0; i < TASKS_CLIENTS && !tasks_failed (world); i++)
        {
          TasksClient *client = &world->clients[i];

          if (client->peer == NULL)
            tasks_world_connect (world, client);
          else if (client->is_ready && client->is_collector)
            tasks_collector_heal (world, client);
          else if (client->is_ready)
            tasks_submitter_heal (world, client);
        }
      seed_move (world);
      tasks_world_advance (world, HEAL_US);
      seed_move (world);
      tasks_check_step (world);
      tasks_operator_step (world);
      if (round > QUIET_ROUND)
        tasks_model_check_shown (world);
    }
}

static void
seed_finish (TasksWorld *world, TasksSums *sums)
{
  BusCoreStats stats;

  tasks_restart_note_cells (world);
  if (!tasks_failed (world))
    tasks_model_finish (world);
  sums->accepted += world->history->sums.accepted;
  sums->succeeded += world->history->sums.succeeded;
  sums->runs += world->history->sums.runs;
  sums->lost += world->history->sums.lost;
  sums->unexpected += world->history->sums.unexpected;
  sums->duplicated += world->history->sums.duplicated;
  sums->recovered += world->history->sums.recovered;
  for (guint i = 0; i < TASKS_CLIENTS && !tasks_failed (world); i++)
    if (world->clients[i].peer != NULL)
      tasks_world_disconnect (world, &world->clients[i]);
  if (world->watcher.peer != NULL && !tasks_failed (world))
    tasks_world_disconnect (world, &world->watcher);
  if (tasks_failed (world))
    return;
  bus_core_stats (world->core, &stats);
  if (stats.charged_bytes != 0 || stats.subscriptions != 0 || stats.pending_requests != 0)
    tasks_fail (world, "I3: %" G_GUINT64_FORMAT " bytes, %u subscriptions, %u requests are left", stats.charged_bytes,
                stats.subscriptions, stats.pending_requests);
  else
    bus_core_free (world->core); /* asserts that nothing is held */
}

char *
tasks_run (guint64 seed, guint steps, TasksCoverage *coverage, TasksSums *sums, guint64 *hash)
{
  g_autofree TasksWorld *world = g_new0 (TasksWorld, 1);

  seed_init (world, seed, coverage);
  for (world->step = 0; world->step < steps && !tasks_failed (world); world->step++)
    {
      tasks_restart_step (world);
      tasks_rare_step (world);
      tasks_health_step (world);
      seed_step (world);
    }
  if (!tasks_failed (world))
    seed_heal (world);
  seed_finish (world, sums);
  *hash = world->hash;
  for (guint i = 0; i < TASKS_CLIENTS; i++)
    tasks_client_clear (&world->clients[i]);
  tasks_client_clear (&world->watcher);
  tasks_model_free (world->model);
  g_free (world->history);
  return tasks_failed (world) ? g_strdup_printf ("step %u: %s", world->step, world->failure) : NULL;
}

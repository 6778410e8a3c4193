/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Time with real processes: a collector or the agent is suspended, and the wall clock jumps. The second number in a path is the
 * number of the scenario in the list of the design.
 */

#include "system-events.h"
#include "task-scene.h"
#include "test-dir.h"

#define N_TASKS      30u
#define N_COLLECTORS 3u
#define PROBE        "events.process.lifecycle"
#define FROZEN_MS    12000u
#define HOUR_US      (3600 * G_TIME_SPAN_SECOND)

#define TASK_STATE(name) DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_##name

static const BusFixtureOptions impatient
    = { .agent_program = TRUE, .limits = "task_progress_us=4000000\ntask_heartbeat_us=200000" };
/* A lease expires after 8 s without progress, which is less than the time for which the agent is suspended. No heartbeat is due
 * before that: on a busy machine it could use up the grace of the agent, which is given once in a minute. */
static const BusFixtureOptions frozen
    = { .agent_program = TRUE, .limits = "task_progress_us=8000000\ntask_heartbeat_us=300000000" };

/* --- 21 --- */

/* 21: a collector is suspended while it runs a task, which another one gets. When it continues, it gets a cancel, and its reports
 * are refused. */
static void
test_stopped (TaskScene *scene, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (&scene->bus);
  TestProcess *first = task_scene_collector (scene, "w1", 2);
  g_autoptr (DeyeBusTask) task = task_scene_submit (scene, "t", "tick tick", NULL);
  g_autoptr (CollectorRecord) member = NULL;
  TestProcess *second;

  task_scene_wait_begun (scene, first, task);
  test_process_suspend (first);
  task_scene_wait_record (scene, "t", task_scene_has_expiries, 1);
  second = task_scene_collector (scene, "w2", 2);
  test_process_expect_line (second, "run t 2 0");
  task_scene_wait (scene, system_events_count (events, "system.collector.suspect") > 0);
  member = task_scene_member (scene, "w1");
  g_assert_cmpuint (member->zombie, ==, 1);
  test_process_resume (first);
  test_process_expect_line (first, "cancel t superseded");
  task_scene_succeed (first, "t", "first");
  task_scene_wait (scene, system_events_count (events, "system.task.stale") > 0);
  task_scene_wait_record (scene, "t", task_scene_has_state, TASK_STATE (RUNNING));
  task_scene_succeed (second, "t", "second");
  task_scene_wait (scene, deye_bus_task_is_finished (task));
  task_scene_assert_result (task, "second");
  g_assert_cmpuint (deye_bus_task_get_attempt (task), ==, 2);
}

/* --- 22 --- */

typedef struct
{
  TestProcess *collectors[N_COLLECTORS];
  DeyeBusTask *tasks[N_TASKS];
} Crowd;

static char *
crowd_id (guint number)
{
  return g_strdup_printf ("t%u", number);
}

static TestProcess *
crowd_holder (const Crowd *crowd, guint number)
{
  return crowd->collectors[number % N_COLLECTORS];
}

static void
crowd_start (Crowd *crowd, TaskScene *scene, const char *act)
{
  for (guint i = 0; i < N_COLLECTORS; i++)
    {
      g_autofree char *id = g_strdup_printf ("w%u", i);

      crowd->collectors[i] = task_scene_collector (scene, id, N_TASKS / N_COLLECTORS);
    }
  for (guint i = 0; i < N_TASKS; i++)
    {
      g_autofree char *id = crowd_id (i);
      g_autofree char *target = g_strdup_printf ("w%u", i % N_COLLECTORS);

      crowd->tasks[i] = task_scene_submit (scene, id, act, target);
    }
  for (guint i = 0; i < N_TASKS; i++)
    task_scene_wait_begun (scene, crowd_holder (crowd, i), crowd->tasks[i]);
}

/* Every holder reports progress of every work. */
static void
crowd_report (const Crowd *crowd)
{
  for (guint i = 0; i < N_TASKS; i++)
    {
      g_autofree char *id = crowd_id (i);
      g_autofree char *line = g_strdup_printf ("progress %s", id);

      test_process_send (crowd_holder (crowd, i), "progress %s on", id);
      test_process_expect_line (crowd_holder (crowd, i), line);
    }
}

static gboolean
has_report (const TaskRecord *record, guint unused)
{
  return record->progress != NULL && g_str_equal (record->progress->text, "on");
}

/* The same, and the agent has received it. A client may send a report later. */
static void
crowd_report_in_time (TaskScene *scene, const Crowd *crowd)
{
  crowd_report (crowd);
  for (guint i = 0; i < N_TASKS; i++)
    {
      g_autofree char *id = crowd_id (i);

      task_scene_wait_record (scene, id, has_report, 0);
    }
}

/* Asserts that each task still runs its first attempt, and that no failure was counted. */
static void
crowd_assert_unharmed (TaskScene *scene, const Crowd *crowd)
{
  for (guint i = 0; i < N_TASKS; i++)
    {
      g_autofree char *id = crowd_id (i);
      g_autoptr (TaskRecord) record = task_scene_record (scene, id);

      if (record->state != TASK_STATE (RUNNING))
        g_test_message ("%s does not run: %s", id, record->cause);
      g_assert_cmpint (record->state, ==, TASK_STATE (RUNNING));
      g_assert_cmpuint (record->attempt, ==, 1);
      g_assert_cmpuint (record->failures + record->expiries + record->deaths + record->interruptions, ==, 0);
    }
}

static void
crowd_finish (TaskScene *scene, Crowd *crowd)
{
  for (guint i = 0; i < N_TASKS; i++)
    {
      g_autofree char *id = crowd_id (i);
      g_autofree char *run = g_strdup_printf ("run %s ", id);

      task_scene_succeed (crowd_holder (crowd, i), id, "once");
      task_scene_wait (scene, deye_bus_task_is_finished (crowd->tasks[i]));
      task_scene_assert_result (crowd->tasks[i], "once");
      g_assert_cmpuint (test_process_count (crowd_holder (crowd, i), run), ==, 0);
      g_clear_object (&crowd->tasks[i]);
    }
}

static gboolean
on_resume (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

static void
freeze_agent (TaskScene *scene)
{
  GSource *timer = g_timeout_source_new (FROZEN_MS);
  gboolean is_over = FALSE;

  g_source_set_callback (timer, on_resume, &is_over, NULL);
  test_process_suspend (scene->bus.broker);
  g_source_attach (timer, scene->bus.context);
  task_scene_wait (scene, is_over);
  test_process_resume (scene->bus.broker);
  g_source_unref (timer);
}

/* 22: the agent is suspended for longer than the time of a lease: it extends the leases when it continues, so none expires. The
 * deadlines of tasks are not extended. */
static void
test_frozen_agent (TaskScene *scene, gconstpointer data)
{
  DeyeBusTaskSpec *short_lived = task_scene_spec ("scan", "short", "done", "absent");
  g_autoptr (DeyeBusTask) task = NULL;
  Crowd crowd;

  crowd_start (&crowd, scene, "hold");
  deye_bus_task_spec_set_timeout (short_lived, FROZEN_MS * G_TIME_SPAN_MILLISECOND / 2);
  task = task_scene_submit_spec (scene, short_lived);
  crowd_report_in_time (scene, &crowd); /* so every lease would expire during the suspension */
  freeze_agent (scene);
  crowd_report (&crowd);
  crowd_assert_unharmed (scene, &crowd);
  task_scene_wait (scene, deye_bus_task_is_finished (task));
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_TIMED_OUT);
  crowd_finish (scene, &crowd);
}

/* --- the wall clock --- */

/* Processes whose wall clock the test sets: libfaketime reads the offset from @file. The agent reads its clock when a timer is
 * due, such as that of a heartbeat. */
typedef struct
{
  TaskScene scene; /* first, for its functions */
  BusFixtureOptions options;
  char *dir;
  char *file;
  char *environment[6];
} ClockScene;

static void
clock_set (ClockScene *self, const char *offset)
{
  g_autoptr (GError) error = NULL;

  g_file_set_contents (self->file, offset, -1, &error);
  g_assert_no_error (error);
}

static void
clock_set_up (ClockScene *self, gconstpointer data)
{
  guint n = 0;

  if (g_getenv ("TEST_FAKETIME") == NULL)
    return;
  self->dir = test_dir_new ();
  self->file = g_build_filename (self->dir, "offset", NULL);
  clock_set (self, "+0");
  self->environment[n++] = g_strconcat ("LD_PRELOAD=", g_getenv ("TEST_FAKETIME"), NULL);
  self->environment[n++] = g_strconcat ("FAKETIME_TIMESTAMP_FILE=", self->file, NULL);
  self->environment[n++] = g_strdup ("FAKETIME_NO_CACHE=1");
  self->environment[n++] = g_strdup ("FAKETIME_DONT_FAKE_MONOTONIC=1");
  self->options = (BusFixtureOptions){ .agent_program = TRUE,
                                       .limits = "task_heartbeat_us=500000",
                                       .environment = (const char *const *) self->environment };
  task_scene_set_up (&self->scene, &self->options);
}

static void
clock_tear_down (ClockScene *self, gconstpointer data)
{
  if (self->dir == NULL)
    return;
  task_scene_tear_down (&self->scene, &self->options);
  for (guint i = 0; self->environment[i] != NULL; i++)
    g_free (self->environment[i]);
  g_free (self->file);
  test_dir_remove (self->dir);
}

static void
clock_on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  *(gint64 *) data = deye_bus_message_get_accept_time (message);
}

/* Waits until the stamps of the agent differ by this much from the clock of this process. */
static void
clock_wait (ClockScene *self, TestProcess *publisher, gint64 difference_us)
{
  g_autoptr (GError) error = NULL;
  gint64 stamp_us = 0;
  g_autoptr (DeyeBusSubscription) subscription = deye_bus_client_subscribe (
      self->scene.bus.controller, PROBE, NULL, clock_on_message, &stamp_us, NULL, NULL, &error);

  g_assert_no_error (error);
  while (ABS (stamp_us - g_get_real_time () - difference_us) > HOUR_US / 2)
    {
      stamp_us = 0;
      test_process_send (publisher, "publish " PROBE " 1 8");
      test_process_expect_line (publisher, "published");
      task_scene_wait (&self->scene, stamp_us != 0);
      bus_fixture_run_briefly (&self->scene.bus);
    }
  g_assert_true (deye_bus_subscription_unsubscribe (subscription, NULL, NULL));
}

/* The wall clock of the agent and of the collectors jumps an hour forwards and an hour backwards while tasks run. */
static void
test_wall_clock (ClockScene *self, gconstpointer data)
{
  static const struct
  {
    const char *offset;
    gint64 us;
  } jumps[] = { { "+1h", HOUR_US }, { "-1h", -HOUR_US }, { "+0", 0 } };
  TestProcess *publisher;
  Crowd crowd;

  if (self->dir == NULL)
    {
      g_test_skip ("libfaketime is not there, or can't be loaded beside a sanitizer");
      return;
    }
  crowd_start (&crowd, &self->scene, "hold");
  publisher = bus_fixture_worker (&self->scene.bus, "publisher", "procmond");
  for (guint i = 0; i < G_N_ELEMENTS (jumps); i++)
    {
      clock_set (self, jumps[i].offset);
      clock_wait (self, publisher, jumps[i].us);
      crowd_report (&crowd);
      crowd_assert_unharmed (&self->scene, &crowd);
    }
  crowd_finish (&self->scene, &crowd);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, options, function)                                                                                   \
  g_test_add ("/integration/scenarios/" path, TaskScene, options, task_scene_set_up, function, task_scene_tear_down)
  ADD ("K04-K05-21-stopped-and-continued", &impatient, test_stopped);
  ADD ("D02-D03-22-frozen-agent", &frozen, test_frozen_agent);
#undef ADD
  g_test_add ("/integration/scenarios/D01-wall-clock", ClockScene, NULL, clock_set_up, test_wall_clock,
              clock_tear_down);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Tasks with a real broker: a submitter and a collector in this process, and an agent in another process, which a test may kill.
 */

#include "restart-fixture.h"

typedef RestartFixture Fixture;

#define N_TASKS 500u

typedef struct
{
  DeyeBusCollector *collector;
  GPtrArray *works; /* that are not ended; of DeyeBusWork */
  guint runs;
} Scene;

static DeyeBusTaskSpec *
spec_new (const char *operation, const char *id)
{
  DeyeBusTaskSpec *spec = deye_bus_task_spec_new (operation);

  deye_bus_task_spec_set_id (spec, id);
  return spec;
}

static DeyeBusTask *
submit (DeyeBusClient *client, const char *operation, const char *id)
{
  g_autoptr (DeyeBusTaskSpec) spec = spec_new (operation, id);
  g_autoptr (GError) error = NULL;
  DeyeBusTask *task = deye_bus_client_submit (client, spec, &error);

  g_assert_no_error (error);
  return task;
}

static DeyeBusClient *
join (Fixture *f, const char *id)
{
  DeyeBusClient *client = deye_bus_client_new_tool (f->address, id);
  g_autoptr (GError) error = NULL;

  deye_bus_client_connect (client, NULL, &error);
  g_assert_no_error (error);
  return client;
}

static void
begin (Fixture *f)
{
  restart_fixture_agent_start (f);
  f->asker = join (f, "submitter");
}

/* --- the collector --- */

/* The handler returns the payload as the result. */
static void
on_echo (DeyeBusCollector *collector, DeyeBusWork *work, gpointer data)
{
  ((Scene *) data)->runs++;
  g_assert_true (deye_bus_work_succeed (work, deye_bus_work_get_payload (work), "example.Echo", NULL));
}

static void
on_hold (DeyeBusCollector *collector, DeyeBusWork *work, gpointer data)
{
  Scene *scene = data;

  scene->runs++;
  g_assert_true (deye_bus_work_progress (work, 1, 2, "half", NULL, NULL));
  g_ptr_array_add (scene->works, g_object_ref (work));
}

static void
on_second (DeyeBusCollector *collector, DeyeBusWork *work, gpointer data)
{
  ((Scene *) data)->runs++;
  if (deye_bus_work_get_attempt (work) == 1)
    g_assert_true (deye_bus_work_retry (work, "not yet", 1000, NULL));
  else
    g_assert_true (deye_bus_work_fail (work, "Broken", "no disk", NULL));
}

static void
scene_start (Scene *scene, Fixture *f)
{
  g_autoptr (GError) error = NULL;
  const struct
  {
    const char *name;
    DeyeBusWorkHandler handler;
  } operations[] = { { "echo", on_echo }, { "hold", on_hold }, { "second", on_second } };

  scene->works = g_ptr_array_new_with_free_func (g_object_unref);
  scene->collector = deye_bus_collector_new (f->address, "procmond-1", "procmond");
  g_object_set (scene->collector, "max-concurrent", 16, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (operations); i++)
    deye_bus_collector_add_operation (scene->collector, operations[i].name, NULL, DEYE_BUS_OPERATION_IDEMPOTENT,
                                      operations[i].handler, scene, NULL, &error);
  deye_bus_collector_start (scene->collector, &error);
  g_assert_no_error (error);
}

static void
scene_end (Scene *scene, Fixture *f)
{
  g_clear_pointer (&scene->works, g_ptr_array_unref);
  deye_bus_client_close (deye_bus_collector_get_client (scene->collector), NULL, NULL);
  while (g_main_context_iteration (f->context, FALSE))
    ;
  g_clear_object (&scene->collector);
}

/* --- tests --- */

static void
test_results (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) tasks = g_ptr_array_new_with_free_func (g_object_unref);
  Scene scene = { 0 };

  begin (f);
  scene_start (&scene, f);
  for (guint i = 0; i < N_TASKS; i++)
    {
      g_autoptr (DeyeBusTaskSpec) spec = deye_bus_task_spec_new ("echo");
      g_autoptr (GBytes) payload = bus_fixture_payload (i, 8 + i);

      deye_bus_task_spec_set_payload (spec, payload, NULL);
      g_ptr_array_add (tasks, deye_bus_client_submit (f->asker, spec, NULL));
    }
  for (guint i = 0; i < N_TASKS; i++)
    {
      g_autoptr (GBytes) expected = bus_fixture_payload (i, 8 + i);

      bus_fixture_wait (f, deye_bus_task_is_finished (tasks->pdata[i]));
      g_assert_cmpint (deye_bus_task_get_state (tasks->pdata[i]), ==, DEYE_BUS_TASK_STATE_SUCCEEDED);
      g_assert_true (g_bytes_equal (deye_bus_task_get_result (tasks->pdata[i]), expected));
      g_assert_cmpstr (deye_bus_task_get_holder (tasks->pdata[i]), ==, "procmond-1");
    }
  g_assert_cmpuint (scene.runs, ==, N_TASKS);
  scene_end (&scene, f);
}

/* A result can be read by its id after it was confirmed. */
static void
test_fetch (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusClient) other = NULL;
  g_autoptr (DeyeBusTask) task = NULL;
  g_autoptr (GBytes) result = NULL;
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) absent = NULL;
  g_autofree char *type_name = NULL;
  Scene scene = { 0 };

  begin (f);
  scene_start (&scene, f);
  task = submit (f->asker, "echo", "one");
  bus_fixture_wait (f, deye_bus_task_is_finished (task));
  other = join (f, "other");
  result = deye_bus_client_fetch_result (other, "one", &type_name, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_bytes_get_size (result), ==, 0);
  g_assert_cmpstr (type_name, ==, "example.Echo");
  g_assert_null (deye_bus_client_fetch_result (other, "two", NULL, NULL, &absent));
  g_assert_error (absent, DEYE_BUS_ERROR, DEYE_BUS_ERROR_ABSENT);
  g_assert_true (deye_bus_client_close (other, NULL, NULL));
  scene_end (&scene, f);
}

static void
test_failures (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = NULL;
  g_autoptr (GError) error = NULL;
  g_autofree char *name = NULL;
  Scene scene = { 0 };

  begin (f);
  scene_start (&scene, f);
  task = submit (f->asker, "second", NULL);
  bus_fixture_wait (f, deye_bus_task_is_finished (task));
  error = deye_bus_task_dup_error (task);
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_FAILED);
  g_assert_nonnull (strstr (error->message, "no disk"));
  name = deye_bus_error_get_name (error);
  g_assert_cmpstr (name, ==, "Broken");
  g_assert_cmpuint (deye_bus_task_get_attempt (task), ==, 2);
  g_assert_cmpuint (scene.runs, ==, 2);
  scene_end (&scene, f);
}

static void
test_no_group (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTaskSpec) spec = deye_bus_task_spec_new ("unheard-of");
  g_autoptr (DeyeBusTask) waiting = NULL;
  g_autoptr (DeyeBusTask) task = NULL;
  g_autoptr (GError) error = NULL;

  begin (f);
  /* A task that ends soon may have ended before this process sees why it waits. */
  waiting = submit (f->asker, "unheard-of", NULL);
  bus_fixture_wait (f, deye_bus_task_get_wait_reason (waiting) == DEYE_BUS_WAIT_REASON_NO_CAPABILITY);
  deye_bus_task_cancel (waiting);
  deye_bus_task_spec_set_timeout (spec, 200 * G_TIME_SPAN_MILLISECOND);
  task = deye_bus_client_submit (f->asker, spec, NULL);
  g_assert_null (deye_bus_task_wait (task, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
}

static void
test_cancel (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = NULL;
  Scene scene = { 0 };

  begin (f);
  scene_start (&scene, f);
  task = submit (f->asker, "hold", NULL);
  bus_fixture_wait (f, scene.works->len == 1);
  deye_bus_task_cancel (task);
  bus_fixture_wait (f, g_cancellable_is_cancelled (deye_bus_work_get_cancellable (scene.works->pdata[0])));
  g_assert_true (deye_bus_work_acknowledge_cancel (scene.works->pdata[0], NULL));
  bus_fixture_wait (f, deye_bus_task_is_finished (task));
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_CANCELLED);
  g_assert_false (deye_bus_task_is_unconfirmed (task));
  scene_end (&scene, f);
}

/* The submitter ends while its task runs; another one of the same account gets the result, and the task does not run twice. */
static void
test_another_submitter (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusClient) first = NULL;
  g_autoptr (DeyeBusTask) task = NULL;
  g_autoptr (DeyeBusTask) again = NULL;
  Scene scene = { 0 };

  begin (f);
  scene_start (&scene, f);
  first = join (f, "first");
  task = submit (first, "hold", "one");
  bus_fixture_wait (f, scene.works->len == 1);
  g_assert_true (deye_bus_client_close (first, NULL, NULL));
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_UNKNOWN);
  again = submit (f->asker, "hold", "one");
  bus_fixture_wait (f, deye_bus_task_get_state (again) == DEYE_BUS_TASK_STATE_RUNNING);
  g_assert_true (deye_bus_work_succeed (scene.works->pdata[0], NULL, NULL, NULL));
  bus_fixture_wait (f, deye_bus_task_is_finished (again));
  g_assert_cmpint (deye_bus_task_get_state (again), ==, DEYE_BUS_TASK_STATE_SUCCEEDED);
  g_assert_cmpuint (scene.runs, ==, 1);
  scene_end (&scene, f);
}

/* The broker is killed while a task runs: submitter and collector reconnect, and the task continues. */
static void
test_broker_killed (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = NULL;
  Scene scene = { 0 };

  begin (f);
  scene_start (&scene, f);
  task = submit (f->asker, "hold", "one");
  bus_fixture_wait (f, scene.works->len == 1);
  bus_fixture_wait (f, deye_bus_task_get_state (task) == DEYE_BUS_TASK_STATE_RUNNING);
  restart_fixture_agent_restart (f, SHORT_OUTAGE_MS);
  g_assert_true (deye_bus_work_succeed (scene.works->pdata[0], NULL, NULL, NULL));
  bus_fixture_wait (f, deye_bus_task_is_finished (task));
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_SUCCEEDED);
  g_assert_cmpuint (deye_bus_task_get_attempt (task), ==, 1);
  g_assert_cmpuint (scene.runs, ==, 1);
  scene_end (&scene, f);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/integration/tasks/" path, Fixture, NULL, restart_fixture_set_up, function, restart_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M10-results", test_results);
  ADD ("fetch", test_fetch);
  ADD ("M11-failures", test_failures);
  ADD ("K08-no-group", test_no_group);
  ADD ("M11-cancel", test_cancel);
  ADD ("another-submitter", test_another_submitter);
  ADD ("broker-killed", test_broker_killed);
  return g_test_run ();
}

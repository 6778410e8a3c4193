/* SPDX-License-Identifier: Apache-2.0 */
#include "task-scene.h"

#include <string.h>

#define TASK_TOPIC       "control.bus.task"
#define COLLECTORS_TOPIC "control.bus.collectors"

void
task_record_free (TaskRecord *self)
{
  daemoneye__eventbus__v1__task_record__free_unpacked (self, NULL);
}

void
collector_record_free (CollectorRecord *self)
{
  daemoneye__eventbus__v1__collector_record__free_unpacked (self, NULL);
}

void
task_scene_set_up (TaskScene *scene, gconstpointer options)
{
  g_autoptr (GError) error = NULL;

  bus_fixture_set_up (&scene->bus, options);
  scene->environment = ((const BusFixtureOptions *) options)->environment;
  scene->submitter = deye_bus_client_new_tool (scene->bus.address, "submitter");
  deye_bus_client_connect (scene->submitter, NULL, &error);
  g_assert_no_error (error);
}

void
task_scene_tear_down (TaskScene *scene, gconstpointer options)
{
  g_assert_true (deye_bus_client_close (scene->submitter, NULL, NULL));
  while (g_main_context_iteration (scene->bus.context, FALSE))
    ;
  g_clear_object (&scene->submitter);
  while (scene->bus.workers->len > 0) /* collectors that hang still have requests */
    bus_fixture_end_worker (&scene->bus, g_ptr_array_index (scene->bus.workers, 0));
  bus_fixture_tear_down (&scene->bus, options);
}

void
task_scene_restart_agent (TaskScene *scene, const BusFixtureOptions *options)
{
  bus_fixture_kill_broker (&scene->bus);
  bus_fixture_start_broker (&scene->bus, options);
}

/* --- collectors --- */

/* @act, @progress: NULL: not set */
static TestProcess *
scene_spawn (TaskScene *scene, const char *id, guint slots, const char *act, const char *progress)
{
  g_autofree char *number = g_strdup_printf ("%u", slots);
  const char *argv[] = { bus_fixture_program ("TEST_TASK_WORKER"),
                         scene->bus.address,
                         id,
                         number,
                         act != NULL ? act : "-",
                         progress != NULL ? progress : "0",
                         NULL };
  TestProcess *collector = test_process_spawn (argv, -1, scene->environment);

  g_ptr_array_add (scene->bus.workers, collector);
  return collector;
}

TestProcess *
task_scene_collector_begin (TaskScene *scene, const char *id, guint slots)
{
  return scene_spawn (scene, id, slots, NULL, NULL);
}

TestProcess *
task_scene_collector_with (TaskScene *scene, const char *id, guint slots, const char *act)
{
  TestProcess *collector = scene_spawn (scene, id, slots, act, NULL);

  test_process_expect_line (collector, "registered");
  return collector;
}

TestProcess *
task_scene_collector (TaskScene *scene, const char *id, guint slots)
{
  return task_scene_collector_with (scene, id, slots, NULL);
}

TestProcess *
task_scene_collector_impatient (TaskScene *scene, const char *id, guint slots, gint64 progress_us)
{
  g_autofree char *progress = g_strdup_printf ("%" G_GINT64_FORMAT, progress_us);
  TestProcess *collector = scene_spawn (scene, id, slots, NULL, progress);

  test_process_expect_line (collector, "registered");
  return collector;
}

void
task_scene_kill (TaskScene *scene, TestProcess *collector)
{
  bus_fixture_kill_worker (&scene->bus, collector);
}

void
task_scene_reap (TaskScene *scene, TestProcess *collector)
{
  test_watchdog_note ("a collector to die");
  while (!test_process_has_ended (collector))
    g_main_context_iteration (scene->bus.context, TRUE);
  g_assert_cmpint (test_process_end (collector), >, 0);
  g_ptr_array_remove (scene->bus.workers, collector);
}

guint
task_scene_runs (TestProcess *collector, const char *task)
{
  g_autofree char *prefix = g_strdup_printf ("run %s ", task);

  return test_process_count (collector, prefix);
}

void
task_scene_succeed (TestProcess *collector, const char *task, const char *result)
{
  g_autofree char *ended = g_strdup_printf ("ended %s", task);

  test_process_send (collector, "succeed %s %s", task, result);
  test_process_expect_line (collector, ended);
}

static gboolean
scene_has_attempt (const TaskRecord *record, guint attempt)
{
  return record->attempt >= attempt;
}

void
task_scene_expect_run (TaskScene *scene, TestProcess *collector, const char *task, guint attempt, guint beside)
{
  g_autofree char *line = g_strdup_printf ("run %s %u %u", task, attempt, beside);

  test_process_expect_line (collector, line);
  task_scene_wait_record (scene, task, scene_has_attempt, attempt);
}

void
task_scene_wait_begun (TaskScene *scene, TestProcess *collector, DeyeBusTask *task)
{
  g_autofree char *line = g_strdup_printf ("run %s 1 ", deye_bus_task_get_id (task));

  test_process_expect_line (collector, line);
  task_scene_wait (scene, deye_bus_task_get_state (task) == DEYE_BUS_TASK_STATE_RUNNING);
}

/* --- the agent --- */

ProtobufCMessage *
task_scene_ask (TaskScene *scene,
                const char *topic,
                const char *method,
                const ProtobufCMessage *request,
                const ProtobufCMessageDescriptor *type)
{
  const gsize size = protobuf_c_message_get_packed_size (request);
  g_autofree guint8 *packed = g_malloc (size + 1);
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (DeyeBusMessage) reply = NULL;
  g_autoptr (GError) error = NULL;
  ProtobufCMessage *answer;
  const guint8 *bytes;
  gsize len;

  payload = g_bytes_new (packed, protobuf_c_message_pack (request, packed));
  deye_bus_options_set_method (options, method);
  test_watchdog_note ("the answer of %s %s", topic, method);
  reply = deye_bus_client_request (scene->bus.controller, topic, payload, options, NULL, &error);
  test_watchdog_note (NULL);
  g_assert_no_error (error);
  bytes = deye_bus_message_get_data (reply, &len);
  answer = protobuf_c_message_unpack (type, NULL, len, bytes);
  g_assert_nonnull (answer);
  return answer;
}

CollectorRecord *
task_scene_member (TaskScene *scene, const char *id)
{
  Daemoneye__Eventbus__V1__CollectorsRequest request = DAEMONEYE__EVENTBUS__V1__COLLECTORS_REQUEST__INIT;
  ProtobufCMessage *answer = task_scene_ask (scene, COLLECTORS_TOPIC, "List", &request.base,
                                             &daemoneye__eventbus__v1__collectors_reply__descriptor);
  Daemoneye__Eventbus__V1__CollectorsReply *reply = (Daemoneye__Eventbus__V1__CollectorsReply *) answer;
  CollectorRecord *found = NULL;

  g_assert_cmpstr (reply->next_cursor, ==, "");
  for (gsize i = 0; i < reply->n_collectors && found == NULL; i++)
    if (g_str_equal (reply->collectors[i]->id, id))
      {
        found = reply->collectors[i];
        reply->collectors[i] = reply->collectors[--reply->n_collectors];
      }
  protobuf_c_message_free_unpacked (answer, NULL);
  return found;
}

void
task_scene_drain (TaskScene *scene, const char *collector, gboolean expect_exit)
{
  Daemoneye__Eventbus__V1__CollectorDrainRequest request = DAEMONEYE__EVENTBUS__V1__COLLECTOR_DRAIN_REQUEST__INIT;

  request.id = (char *) (gsize) collector;
  request.expect_exit = expect_exit;
  protobuf_c_message_free_unpacked (task_scene_ask (scene, COLLECTORS_TOPIC, "Drain", &request.base,
                                                    &daemoneye__eventbus__v1__collector_drain_reply__descriptor),
                                    NULL);
}

/* --- tasks --- */

DeyeBusTaskSpec *
task_scene_spec (const char *operation, const char *id, const char *acts, const char *target)
{
  DeyeBusTaskSpec *spec = deye_bus_task_spec_new (operation);
  g_autoptr (GBytes) payload = g_bytes_new (acts, strlen (acts));

  deye_bus_task_spec_set_id (spec, id);
  deye_bus_task_spec_set_payload (spec, payload, NULL);
  deye_bus_task_spec_set_target (spec, target);
  return spec;
}

DeyeBusTask *
task_scene_submit_spec (TaskScene *scene, DeyeBusTaskSpec *spec)
{
  g_autoptr (GError) error = NULL;
  DeyeBusTask *task = deye_bus_client_submit (scene->submitter, spec, &error);

  g_assert_no_error (error);
  deye_bus_task_spec_unref (spec);
  task_scene_wait (scene, deye_bus_task_get_state (task) != DEYE_BUS_TASK_STATE_SUBMITTED);
  return task;
}

DeyeBusTask *
task_scene_submit (TaskScene *scene, const char *id, const char *acts, const char *target)
{
  return task_scene_submit_spec (scene, task_scene_spec ("scan", id, acts, target));
}

void
task_scene_warm (TaskScene *scene, const char *collector)
{
  g_autofree char *id = g_strdup_printf ("warm-%s", collector);
  g_autoptr (DeyeBusTask) task = task_scene_submit (scene, id, "done", collector);

  task_scene_wait (scene, deye_bus_task_is_finished (task));
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_SUCCEEDED);
}

TaskRecord *
task_scene_record (TaskScene *scene, const char *id)
{
  Daemoneye__Eventbus__V1__TaskRequestById request = DAEMONEYE__EVENTBUS__V1__TASK_REQUEST_BY_ID__INIT;
  ProtobufCMessage *answer;
  Daemoneye__Eventbus__V1__TaskReply *reply;
  TaskRecord *record;

  request.id = (char *) (gsize) id;
  answer = task_scene_ask (scene, TASK_TOPIC, "Get", &request.base, &daemoneye__eventbus__v1__task_reply__descriptor);
  reply = (Daemoneye__Eventbus__V1__TaskReply *) answer;
  record = g_steal_pointer (&reply->task);
  protobuf_c_message_free_unpacked (answer, NULL);
  g_assert_nonnull (record);
  return record;
}

void
task_scene_wait_record (TaskScene *scene, const char *id, TaskSceneCheck check, guint value)
{
  for (;;)
    {
      g_autoptr (TaskRecord) record = task_scene_record (scene, id);

      if (check (record, value))
        return;
      test_watchdog_note ("task %s, for %u; state %u, reason %u, deaths %u, expiries %u", id, value, record->state,
                          record->reason, record->deaths, record->expiries);
      bus_fixture_run_briefly (&scene->bus);
    }
}

gboolean
task_scene_has_state (const TaskRecord *record, guint state)
{
  return (guint) record->state == state;
}

gboolean
task_scene_has_reason (const TaskRecord *record, guint reason)
{
  return (guint) record->reason == reason;
}

gboolean
task_scene_has_deaths (const TaskRecord *record, guint deaths)
{
  return record->deaths == deaths;
}

gboolean
task_scene_has_expiries (const TaskRecord *record, guint expiries)
{
  return record->expiries == expiries;
}

void
task_scene_assert_result (DeyeBusTask *task, const char *result)
{
  g_autofree char *text = NULL;
  GBytes *bytes = deye_bus_task_get_result (task);

  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_SUCCEEDED);
  g_assert_nonnull (bytes);
  text = g_strndup (g_bytes_get_data (bytes, NULL), g_bytes_get_size (bytes));
  g_assert_cmpstr (text, ==, result);
}

char *
task_scene_cancel (TaskScene *scene, const char *id)
{
  Daemoneye__Eventbus__V1__TaskIdsRequest request = DAEMONEYE__EVENTBUS__V1__TASK_IDS_REQUEST__INIT;
  char *ids[] = { (char *) (gsize) id };
  ProtobufCMessage *answer;
  Daemoneye__Eventbus__V1__TaskIdsReply *reply;
  char *detail;

  request.ids = ids;
  request.n_ids = 1;
  answer = task_scene_ask (scene, TASK_TOPIC, "Cancel", &request.base,
                           &daemoneye__eventbus__v1__task_ids_reply__descriptor);
  reply = (Daemoneye__Eventbus__V1__TaskIdsReply *) answer;
  g_assert_cmpuint (reply->n_verdicts, ==, 1);
  g_assert_cmpuint (reply->verdicts[0]->status, ==, 0);
  detail = g_strdup (reply->verdicts[0]->detail);
  protobuf_c_message_free_unpacked (answer, NULL);
  return detail;
}

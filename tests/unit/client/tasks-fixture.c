/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-fixture.h"

void
tasks_fixture_set_up (ClientFixture *f, gconstpointer data)
{
  client_fixture_set_up (f, data);
  tasks_script_allow (f->client);
}

DeyeBusTask *
tasks_fixture_submit (DeyeBusClient *client, const char *id)
{
  g_autoptr (DeyeBusTaskSpec) spec = deye_bus_task_spec_new ("scan");
  g_autoptr (GError) error = NULL;
  DeyeBusTask *task;

  deye_bus_task_spec_set_id (spec, id);
  task = deye_bus_client_submit (client, spec, &error);
  g_assert_no_error (error);
  return task;
}

DeyeBusTask *
tasks_fixture_accepted (ClientFixture *f, const char *id)
{
  DeyeBusTask *task;
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, &with_tasks);
  task = tasks_fixture_submit (f->client, id);
  client_fixture_settle (f);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (tasks_script_find (frames, "Submit")->envelope.id, ==, SUBMIT_ID);
  g_assert_cmpuint (tasks_script_find (frames, "Await")->envelope.id, ==, AWAIT_ID);
  tasks_script_accept (f->in, tasks_script_find (frames, "Submit"));
  client_fixture_send_and_settle (f);
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_QUEUED);
  return task;
}

void
tasks_fixture_expect_settle (ClientFixture *f, const char *ids)
{
  g_autoptr (GPtrArray) frames = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  g_autofree char *settled = NULL;

  g_assert_nonnull (tasks_script_find (frames, "Settle"));
  settled = tasks_script_ids (frames->pdata[0]);
  g_assert_cmpstr (settled, ==, ids);
}

void
tasks_fixture_expect_silence (ClientFixture *f)
{
  g_autoptr (GPtrArray) frames = client_fixture_receive (f);

  g_assert_cmpuint (frames->len, ==, 0);
}

void
tasks_fixture_expect_error (DeyeBusTask *task, gint code, const char *text)
{
  g_autoptr (GError) error = deye_bus_task_dup_error (task);

  g_assert_error (error, DEYE_BUS_ERROR, code);
  g_assert_nonnull (strstr (error->message, text));
  g_assert_null (deye_bus_task_get_result (task));
  g_assert_true (deye_bus_task_is_finished (task));
}

guint
tasks_fixture_n_live (ClientFixture *f)
{
  return f->client->tasks->order.length;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-fixture.h"

/* Tasks of a submitter: state, outcome, confirmation to the broker, waiting and cancels. */

typedef ClientFixture Fixture;

/* Counts emissions in the guint at @data. */
static void
count (gpointer object, gpointer data)
{
  (*(guint *) data)++;
}

static void
count_changes (gpointer object, GParamSpec *pspec, gpointer data)
{
  (*(guint *) data)++;
}

/* --- pushes --- */

typedef struct
{
  guint64 done;
  guint64 total;
  char *text;
  guint calls;
} Seen;

static void
see_progress (DeyeBusTask *task, guint64 done, guint64 total, const char *text, gpointer data)
{
  Seen *seen = data;

  seen->done = done;
  seen->total = total;
  g_free (seen->text);
  seen->text = g_strdup (text);
  seen->calls++;
}

static void
test_states (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = tasks_fixture_accepted (f, "one");
  Seen seen = { 0 };
  guint states = 0, reasons = 0, holders = 0, finished = 0;
  guint64 done, total;

  g_signal_connect (task, "notify::state", G_CALLBACK (count_changes), &states);
  g_signal_connect (task, "notify::wait-reason", G_CALLBACK (count_changes), &reasons);
  g_signal_connect (task, "notify::holder", G_CALLBACK (count_changes), &holders);
  g_signal_connect (task, "progress", G_CALLBACK (see_progress), &seen);
  g_signal_connect (task, "finished", G_CALLBACK (count), &finished);

  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_QUEUED, .reason = DEYE_BUS_WAIT_REASON_NO_CAPABILITY,
              .cause = "nobody");
  client_fixture_send_and_settle (f);
  g_assert_cmpint (deye_bus_task_get_wait_reason (task), ==, DEYE_BUS_WAIT_REASON_NO_CAPABILITY);
  g_assert_cmpstr (deye_bus_task_get_cause (task), ==, "nobody");
  g_assert_cmpuint (seen.calls + finished, ==, 0);

  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_RUNNING, .holder = "p1", .attempt = 1, .doing = "half",
              .done = 5, .total = 10, .skipped = 3);
  client_fixture_send_and_settle (f);
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_RUNNING);
  g_assert_cmpint (deye_bus_task_get_wait_reason (task), ==, DEYE_BUS_WAIT_REASON_NONE);
  g_assert_cmpstr (deye_bus_task_get_holder (task), ==, "p1");
  g_assert_cmpuint (deye_bus_task_get_attempt (task), ==, 1);
  g_assert_cmpstr (deye_bus_task_get_progress (task, &done, &total), ==, "half");
  g_assert_cmpuint (done, ==, 5);
  g_assert_cmpuint (total, ==, 10);
  g_assert_cmpuint (seen.done + seen.total, ==, 15);
  g_assert_cmpstr (seen.text, ==, "half");
  g_assert_cmpuint (deye_bus_task_get_skipped (task), ==, 3);

  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED, .holder = "p1", .attempt = 1, .late = TRUE,
              .result = "rows", .result_type = "example.Rows", .skipped = 2);
  client_fixture_send_and_settle (f);
  g_assert_true (deye_bus_task_is_finished (task));
  g_assert_true (deye_bus_task_is_late (task));
  g_assert_cmpmem (g_bytes_get_data (deye_bus_task_get_result (task), NULL), 4, "rows", 4);
  g_assert_cmpstr (deye_bus_task_get_result_type (task), ==, "example.Rows");
  g_assert_null (deye_bus_task_dup_error (task));
  g_assert_cmpuint (deye_bus_task_get_skipped (task), ==, 5);
  g_assert_cmpuint (seen.calls, ==, 1);
  g_assert_cmpuint (finished, ==, 1);
  g_assert_cmpuint (states, ==, 2);
  g_assert_cmpuint (reasons, ==, 2);
  g_assert_cmpuint (holders, ==, 1);
  g_free (seen.text);
}

/* Changes between two dispatches are reported once; the getters return the newest state. */
static void
test_coalesced (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = tasks_fixture_accepted (f, "one");
  guint states = 0;
  guint state;

  g_signal_connect (task, "notify::state", G_CALLBACK (count_changes), &states);
  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_OFFERED);
  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_RUNNING);
  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_CANCELLING);
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (states, ==, 1);
  g_object_get (task, "state", &state, NULL);
  g_assert_cmpuint (state, ==, DEYE_BUS_TASK_STATE_CANCELLING);
}

static void
test_ends (Fixture *f, gconstpointer data)
{
  static const struct
  {
    ScriptPush push;
    gint code;
    const char *text;
    const char *name;
  } rows[] = {
    { { .id = "one", .state = DEYE_BUS_TASK_STATE_FAILED, .error_name = "Broken", .error_text = "no disk" },
      DEYE_BUS_ERROR_FAILED,
      "no disk",
      "Broken" },
    { { .id = "one", .state = DEYE_BUS_TASK_STATE_FAILED, .cause = "17 interruptions" },
      DEYE_BUS_ERROR_FAILED,
      "17 interruptions",
      NULL },
    { { .id = "one", .state = DEYE_BUS_TASK_STATE_TIMED_OUT, .cause = "waited" },
      DEYE_BUS_ERROR_TIMEOUT,
      "waited",
      NULL },
    { { .id = "one", .state = DEYE_BUS_TASK_STATE_CANCELLED, .unconfirmed = TRUE },
      DEYE_BUS_ERROR_CANCELLED,
      "cancelled",
      NULL },
    { { .id = "one", .state = DEYE_BUS_TASK_STATE_QUARANTINED, .cause = "2 deaths" },
      DEYE_BUS_ERROR_FAILED,
      "2 deaths",
      NULL },
    { { .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED, .dropped = TRUE }, DEYE_BUS_ERROR_FAILED, "kept", NULL },
  };
  guint finished = 0;

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      g_autoptr (DeyeBusTask) task
          = i == 0 ? tasks_fixture_accepted (f, "one") : tasks_fixture_submit (f->client, "one");
      g_autoptr (GPtrArray) frames = NULL;
      g_autoptr (GPtrArray) settle = NULL;
      g_autoptr (GError) error = NULL;
      g_autofree char *name = NULL;

      client_fixture_settle (f);
      frames = client_fixture_receive (f);
      if (i > 0)
        tasks_script_accept (f->in, tasks_script_find (frames, "Submit"));
      g_signal_connect (task, "finished", G_CALLBACK (count), &finished);
      tasks_script_push (f->in, AWAIT_ID, &rows[i].push);
      client_fixture_send_and_settle (f);
      tasks_fixture_expect_error (task, rows[i].code, rows[i].text);
      g_assert_cmpint (deye_bus_task_get_state (task), ==, rows[i].push.state);
      g_assert_cmpint (deye_bus_task_is_unconfirmed (task), ==, rows[i].push.unconfirmed);
      error = deye_bus_task_dup_error (task);
      name = deye_bus_error_get_name (error);
      g_assert_cmpstr (name, ==, rows[i].name);
      g_assert_cmpuint (finished, ==, i + 1);
      settle = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
      tasks_script_accept (f->in, settle->pdata[0]);
      client_fixture_send_and_settle (f);
      g_assert_cmpuint (tasks_fixture_n_live (f), ==, 0);
    }
}

/* If a push has no outcome, the result is empty, not missing. */
static void
test_empty_result (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = tasks_fixture_accepted (f, "one");

  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED);
  client_fixture_send_and_settle (f);
  g_assert_nonnull (deye_bus_task_get_result (task));
  g_assert_cmpuint (g_bytes_get_size (deye_bus_task_get_result (task)), ==, 0);
  g_assert_null (deye_bus_task_get_result_type (task));
}

/* --- settle --- */

static void
test_settle_together (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) one = tasks_fixture_accepted (f, "one");
  g_autoptr (DeyeBusTask) two = tasks_fixture_submit (f->client, "two");
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_settle (f);
  frames = client_fixture_receive (f);
  tasks_script_accept (f->in, frames->pdata[0]);
  client_fixture_send_and_settle (f);
  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED);
  TASKS_PUSH (f, .id = "two", .state = DEYE_BUS_TASK_STATE_CANCELLED);
  client_fixture_send_and_settle (f);
  tasks_fixture_expect_settle (f, "one two");
  g_assert_true (deye_bus_task_is_finished (one) && deye_bus_task_is_finished (two));
  client_fixture_settle (f);
  tasks_fixture_expect_silence (f); /* they are confirmed only once */
}

static void
test_settle_in_the_same_turn (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) one = tasks_fixture_accepted (f, "one");

  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED);
  client_fixture_send (f);
  g_assert_true (g_main_context_iteration (f->context, TRUE));
  g_assert_true (deye_bus_task_is_finished (one));
  tasks_fixture_expect_settle (f, "one");
}

/* An outcome is not confirmed before it was reported to the program. */
static void
test_settle_after_dispatch (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = tasks_fixture_accepted (f, "one");

  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED);
  script_reply (f->in, 6, "");
  client_fixture_send (f);
  deye_bus_message_unref (
      deye_bus_client_request (f->client, "tasks.other", NULL, NULL, NULL, NULL)); /* reads the push */
  g_assert_true (deye_bus_task_is_finished (task));
  {
    g_autoptr (GPtrArray) frames = client_fixture_receive (f);

    g_assert_cmpuint (tasks_script_count (frames, "Settle"), ==, 0);
  }
  client_fixture_settle (f);
  tasks_fixture_expect_settle (f, "one");
}

/* A task without a reference of the program is watched and confirmed as well. */
static void
test_settle_without_references (Fixture *f, gconstpointer data)
{
  DeyeBusTask *task = tasks_fixture_accepted (f, "one");

  g_object_add_weak_pointer (G_OBJECT (task), (gpointer *) &task);
  g_object_unref (task);
  g_assert_nonnull (task);
  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED);
  client_fixture_send_and_settle (f);
  g_assert_nonnull (task);
  {
    g_autoptr (GPtrArray) settle = client_fixture_receive_one (f, WIRE_KIND_REQUEST);

    tasks_script_accept (f->in, settle->pdata[0]);
  }
  client_fixture_send_and_settle (f);
  g_assert_null (task);
}

/* --- waiting --- */

static void
test_wait (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = NULL;
  g_autoptr (GBytes) result = NULL;
  g_autoptr (GBytes) again = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;
  guint finished = 0;

  client_fixture_connect (f, &with_tasks);
  task = tasks_fixture_submit (f->client, "one");
  g_signal_connect (task, "finished", G_CALLBACK (count), &finished);
  tasks_script_accept_early (f->in, SUBMIT_ID, "one");
  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_RUNNING);
  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED, .result = "rows");
  client_fixture_send (f);
  result = deye_bus_task_wait (task, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpmem (g_bytes_get_data (result, NULL), g_bytes_get_size (result), "rows", 4);
  g_assert_cmpuint (finished, ==, 0); /* user code runs in a dispatch only */
  frames = client_fixture_receive (f);
  g_assert_cmpuint (tasks_script_count (frames, "Settle"), ==, 1); /* the caller has the outcome */
  again = deye_bus_task_wait (task, NULL, NULL);
  g_assert_true (again == result);
  client_fixture_settle (f);
  g_assert_cmpuint (finished, ==, 1);
  tasks_fixture_expect_silence (f);
}

static void
test_wait_for_failure (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = tasks_fixture_accepted (f, "one");
  g_autoptr (GError) error = NULL;

  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_TIMED_OUT);
  client_fixture_send (f);
  g_assert_null (deye_bus_task_wait (task, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_TIMEOUT);
}

static void
test_wait_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = tasks_fixture_accepted (f, "one");
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GError) sync = NULL;

  deye_bus_task_wait_async (task, cancellable, client_result_set, &result);
  client_fixture_settle (f);
  g_assert_cmpuint (result.calls, ==, 0);
  g_cancellable_cancel (cancellable);
  client_fixture_settle (f);
  g_assert_cmpuint (result.calls, ==, 1);
  g_assert_null (deye_bus_task_wait_finish (task, result.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_null (deye_bus_task_wait (task, cancellable, &sync));
  g_assert_error (sync, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_false (deye_bus_task_is_finished (task)); /* the task continues */
  tasks_fixture_expect_silence (f);
}

static void
test_wait_async (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = tasks_fixture_accepted (f, "one");
  g_auto (ClientResult) one = { 0 };
  g_auto (ClientResult) two = { 0 };
  g_auto (ClientResult) late = { 0 };
  g_autoptr (GBytes) result = NULL;
  g_autoptr (GBytes) after = NULL;

  deye_bus_task_wait_async (task, NULL, client_result_set, &one);
  deye_bus_task_wait_async (task, NULL, client_result_set, &two);
  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_SUCCEEDED, .result = "rows");
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (one.calls + two.calls, ==, 2);
  result = deye_bus_task_wait_finish (task, one.result, NULL);
  g_assert_cmpuint (g_bytes_get_size (result), ==, 4);
  tasks_fixture_expect_settle (f, "one");
  deye_bus_task_wait_async (task, NULL, client_result_set, &late);
  client_fixture_settle (f);
  after = deye_bus_task_wait_finish (task, late.result, NULL);
  g_assert_true (after == result);
}

/* --- cancel --- */

static void
test_cancel (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = tasks_fixture_accepted (f, "one");
  g_autoptr (GPtrArray) frames = NULL;
  g_autofree char *ids = NULL;

  deye_bus_task_cancel (task);
  deye_bus_task_cancel (task);
  client_fixture_settle (f);
  frames = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  g_assert_nonnull (tasks_script_find (frames, "Cancel"));
  ids = tasks_script_ids (frames->pdata[0]);
  g_assert_cmpstr (ids, ==, "one");
  tasks_script_accept (f->in, frames->pdata[0]);
  TASKS_PUSH (f, .id = "one", .state = DEYE_BUS_TASK_STATE_CANCELLED);
  client_fixture_send_and_settle (f);
  tasks_fixture_expect_error (task, DEYE_BUS_ERROR_CANCELLED, "");
  tasks_fixture_expect_settle (f, "one");
  deye_bus_task_cancel (task);
  client_fixture_settle (f);
  tasks_fixture_expect_silence (f);
}

static void
test_cancel_unsent (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = NULL;
  guint finished = 0;

  client_fixture_connect (f, &with_tasks);
  task = tasks_fixture_submit (f->client, "one");
  g_signal_connect (task, "finished", G_CALLBACK (count), &finished);
  deye_bus_task_cancel (task);
  g_assert_cmpint (deye_bus_task_get_state (task), ==, DEYE_BUS_TASK_STATE_CANCELLED);
  client_fixture_settle (f);
  g_assert_cmpuint (finished, ==, 1);
  tasks_fixture_expect_error (task, DEYE_BUS_ERROR_CANCELLED, "before");
  tasks_fixture_expect_silence (f);
}

/* A cancel is never sent before the submit. */
static void
test_cancel_sent (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) task = NULL;
  g_autoptr (GPtrArray) submitted = NULL;
  g_autoptr (GPtrArray) cancelled = NULL;

  client_fixture_connect (f, &with_tasks);
  task = tasks_fixture_submit (f->client, "one");
  client_fixture_settle (f);
  submitted = client_fixture_receive (f);
  deye_bus_task_cancel (task);
  client_fixture_settle (f);
  tasks_fixture_expect_silence (f);
  tasks_script_accept (f->in, tasks_script_find (submitted, "Submit"));
  client_fixture_send_and_settle (f);
  cancelled = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  g_assert_nonnull (tasks_script_find (cancelled, "Cancel"));
}

/* An ended task is not cancelled at the broker, because another task may have its id. */
static void
test_cancel_ended (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusTask) one = tasks_fixture_accepted (f, "one");
  g_autoptr (DeyeBusTask) two = tasks_fixture_submit (f->client, "two");
  g_autoptr (GPtrArray) submitted = NULL;
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) second = NULL;

  client_fixture_settle (f);
  submitted = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  tasks_script_accept (f->in, submitted->pdata[0]);
  client_fixture_send_and_settle (f);
  deye_bus_task_cancel (one);
  client_fixture_settle (f);
  first = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  deye_bus_task_cancel (two); /* waits for the answer to the first one */
  TASKS_PUSH (f, .id = "two", .state = DEYE_BUS_TASK_STATE_SUCCEEDED);
  tasks_script_accept (f->in, first->pdata[0]);
  client_fixture_send_and_settle (f);
  second = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  g_assert_nonnull (tasks_script_find (second, "Settle"));
  g_assert_false (deye_bus_task_is_finished (one));
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/tasks/" path, Fixture, NULL, tasks_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("states", test_states);
  ADD ("coalesced", test_coalesced);
  ADD ("ends", test_ends);
  ADD ("empty-result", test_empty_result);
  ADD ("settle-together", test_settle_together);
  ADD ("settle-in-the-same-turn", test_settle_in_the_same_turn);
  ADD ("settle-after-dispatch", test_settle_after_dispatch);
  ADD ("settle-without-references", test_settle_without_references);
  ADD ("wait", test_wait);
  ADD ("wait-for-failure", test_wait_for_failure);
  ADD ("wait-cancelled", test_wait_cancelled);
  ADD ("wait-async", test_wait_async);
  ADD ("cancel", test_cancel);
  ADD ("cancel-unsent", test_cancel_unsent);
  ADD ("cancel-sent", test_cancel_sent);
  ADD ("cancel-ended", test_cancel_ended);
  return g_test_run ();
}

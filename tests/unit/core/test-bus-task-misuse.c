/* SPDX-License-Identifier: Apache-2.0 */
#include "task-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-task-store.h"
#include "work/bus-work.h"

/*
 * Frames of collectors that cross frames of the broker, arrive in an unusual order, or are too large: the broker continues,
 * and a task is neither lost nor charged for the fault of its collector.
 */

#define SECOND G_TIME_SPAN_SECOND

/* --- frames that arrive together --- */

static void
send_deregister (Client *worker)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL ("control.collector.registration");
  envelope.method = WIRE_SPAN_LITERAL ("Deregister");
  client_send (worker, WIRE_KIND_REQUEST, 0, &envelope);
}

/* An answer arrives together with an earlier Deregister: the registration has ended, but its leases have not. */
static void
test_answer_behind_deregister (Core *core, gconstpointer data)
{
  const guint kind = GPOINTER_TO_UINT (data);
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  client_begin_batch (worker);
  send_deregister (worker);
  worker_finish (worker, job, kind, "done");
  client_end_batch (worker);
  g_assert_null (worker_member (worker));
  tasks_assert_state (agent, "t", kind == BUS_OUTCOME_SUCCEEDED ? BUS_TASK_SUCCEEDED : BUS_TASK_DELAYED);
}

/* --- frames that cross --- */

static void
drain (Client *worker)
{
  Daemoneye__Eventbus__V1__UpdateRequest request = DAEMONEYE__EVENTBUS__V1__UPDATE_REQUEST__INIT;

  request.draining = TRUE;
  worker_call (worker, "Update", &request.base);
}

/* The broker withdraws an offer while STARTED is in transit: the collector has to stop the task, and the attempt is not
 * counted. */
static void
test_start_crosses_drain (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;
  g_autoptr (Job) again = NULL;
  TaskSpec spec;

  tasks_spec (&spec, "t");
  tasks_spec_set_attempts (&spec, 1);
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
  job = worker_expect (worker, "t");
  drain (worker);
  worker_expect_cancel (worker, job, WIRE_STATUS_DRAINING);
  worker_start (worker, job);
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
  worker_finish (worker, job, BUS_OUTCOME_CANCELLED, "");
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
  g_assert_cmpuint (tasks_find (agent, "t")->counts.failures, ==, 0);
  again = worker_run (worker_ready (core, "w2", 1), "t");
  g_assert_cmpuint (again->execute->attempt, ==, 1);
}

/* --- an adopted task whose Execute waits --- */

/* A collector reconnects with two tasks and has a window for one Execute. Execute of the task "sent" is sent, and that of
 * "waiting" waits. */
static Client *
adopt_with_room_for_one (Core *core, Client *agent)
{
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) sent = NULL;
  g_autoptr (Job) waiting = NULL;
  TaskSpec spec;
  guint n_fenced;

  tasks_submit (agent, "sent");
  sent = worker_run (worker, "sent");
  tasks_spec (&spec, "waiting");
  spec.run_limit_us = 5 * SECOND;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
  waiting = worker_run (worker, "waiting");
  client_disconnect (worker);
  worker = worker_back (core, "w1", 2, &(Claims){ .running = sent, .finished = waiting }, &n_fenced);
  g_assert_cmpuint (n_fenced, ==, 0);
  client_subscribe_full (worker, 1, "control.collector.task.procmond.w1", NULL, TRUE, 1, 0, WIRE_STATUS_OK);
  job_free (worker_expect (worker, "sent"));
  g_assert_null (worker_take (worker));
  tasks_assert_state (agent, "waiting", BUS_TASK_RUNNING);
  return worker;
}

static void
test_run_limit_of_waiting (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = adopt_with_room_for_one (core, agent);

  tasks_advance (core, 5 * SECOND);
  tasks_assert_state (agent, "waiting", BUS_TASK_QUEUED);
  g_assert_cmpuint (tasks_find (agent, "waiting")->counts.expiries, ==, 1);
  g_assert_null (tasks_find (agent, "waiting")->avoids);
  g_assert_cmpuint (worker_member (worker)->n_zombie, ==, 0);
}

/* CANCEL is sent after the Execute of its task. */
static void
test_cancel_of_waiting (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = adopt_with_room_for_one (core, agent);
  g_autoptr (Job) job = NULL;

  g_free (tasks_cancel (agent, "waiting"));
  tasks_assert_state (agent, "waiting", BUS_TASK_CANCELLING);
  client_credit (worker, 1, 2, 1u << 22);
  job = worker_expect (worker, "waiting");
  tasks_advance (core, 5 * SECOND);
  tasks_assert_state (agent, "waiting", BUS_TASK_CANCELLED);
  worker_expect_cancel (worker, job, WIRE_STATUS_CANCELLED);
}

/* --- too large --- */

static guint64
update (Client *worker, char *tag)
{
  Daemoneye__Eventbus__V1__UpdateRequest request = DAEMONEYE__EVENTBUS__V1__UPDATE_REQUEST__INIT;

  request.max_concurrent = 3;
  request.change_tags = TRUE;
  request.tags = &tag;
  request.n_tags = 1;
  worker_call (worker, "Update", &request.base);
  return worker_member (worker)->placed_revision;
}

/* Waiting tasks are examined when the capabilities of a collector change, not when it announces the same ones again. */
static void
test_empty_update (Core *core, gconstpointer data)
{
  static char linux_tag[] = "os=linux", other_tag[] = "os=other";
  Client *worker = worker_ready (core, "w1", 2);
  const guint64 first = update (worker, linux_tag);

  g_assert_cmpuint (update (worker, linux_tag), ==, first);
  g_assert_cmpuint (update (worker, other_tag), >, first);
}

/* A result fits in a frame of its collector, but not in the push to the submitter. */
static void
test_result_too_large (Core *core, gconstpointer data)
{
  const gsize most = core->core->limits.max_payload;
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autofree char *payload = g_strnfill (most - 100, 'x');
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, payload);
  tasks_assert_state (agent, "t", BUS_TASK_FAILED);
  g_assert_cmpstr (tasks_find (agent, "t")->result->error_name, ==, "ResultTooLarge");
}

/* A collector is not fenced because details are too long. */
static void
test_details_too_long (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autofree char *details = g_strnfill (BUS_TASK_DETAILS_MAX + 1, 'x');
  g_autoptr (Job) job = NULL;
  g_autoptr (Got) error = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  worker_progress (worker, job, details);
  error = client_take (worker, WIRE_KIND_ERROR);
  g_assert_nonnull (error);
  g_assert_cmpuint (error->envelope.status, ==, WIRE_STATUS_BAD_MESSAGE);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "done");
  tasks_assert_state (agent, "t", BUS_TASK_SUCCEEDED);
}

#define ADD(path, function, data) g_test_add ("/core/work/misuse/" path, Core, data, setup, function, core_teardown)

static void
setup (Core *core, gconstpointer data)
{
  tasks_setup (core, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("K03-result-behind-deregister", test_answer_behind_deregister, GUINT_TO_POINTER (BUS_OUTCOME_SUCCEEDED));
  ADD ("K03-busy-behind-deregister", test_answer_behind_deregister, GUINT_TO_POINTER (BUS_OUTCOME_BUSY));
  ADD ("S12-start-crosses-drain", test_start_crosses_drain, NULL);
  ADD ("S19-run-limit-of-waiting", test_run_limit_of_waiting, NULL);
  ADD ("S19-cancel-of-waiting", test_cancel_of_waiting, NULL);
  ADD ("M09-empty-update", test_empty_update, NULL);
  ADD ("K14-result-too-large", test_result_too_large, NULL);
  ADD ("K14-details-too-long", test_details_too_long, NULL);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "task-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-operation.h"
#include "work/bus-task-record.h"
#include "work/bus-work.h"

/*
 * Charges, reservations and timers of a member after the end of a lease. The simulator (tests/sim/tasks) found each of these
 * cases.
 */

#define SECOND G_TIME_SPAN_SECOND

static void
assert_charged (Client *submitter, const char *id)
{
  const BusTask *task = tasks_find (submitter, id);

  g_assert_cmpuint (task->charged, ==, bus_task_size (task));
}

/* The lease of a zombie is part of the charge of its task until its holder answers. */
static void
test_zombie_refunded (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) job = NULL;
  SubmitVerdict *verdict;

  tasks_submit (agent, "t");
  job = worker_expect (worker, "t");
  verdict = tasks_ids (agent, "Cancel", "t", NULL);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
  tasks_assert_state (agent, "t", BUS_TASK_CANCELLED);
  assert_charged (agent, "t");
  worker_finish (worker, job, BUS_OUTCOME_CANCELLED, "");
  g_assert_cmpuint (worker_member (worker)->n_zombie, ==, 0);
  assert_charged (agent, "t");
}

static void
submit_exclusive (Client *submitter, const char *id)
{
  TaskSpec spec;

  tasks_spec (&spec, id);
  spec.exclusive = TRUE;
  g_assert_cmpuint (tasks_submit_spec (submitter, &spec, NULL), ==, WIRE_STATUS_OK);
}

/* The lease of an exclusive task has expired, and another member, which is busy, is reserved for the next attempt. */
static void
test_late_result_while_reserved (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *first = worker_ready (core, "w1", 2);
  Client *second;
  g_autoptr (Job) job = NULL;
  g_autoptr (Job) other = NULL;

  submit_exclusive (agent, "alone");
  job = worker_run (first, "alone");
  second = worker_ready (core, "w2", 2);
  tasks_submit (agent, "other");
  other = worker_run (second, "other");
  worker_progress (second, other, "");
  tasks_advance (core, 8 * SECOND);
  worker_progress (second, other, "");
  tasks_advance (core, 2 * SECOND);
  tasks_assert_state (agent, "alone", BUS_TASK_QUEUED);
  g_assert_cmpuint (tasks_find (agent, "alone")->place.where, ==, BUS_TASK_RESERVED);
  worker_finish (first, job, BUS_OUTCOME_SUCCEEDED, "late");
  tasks_assert_state (agent, "alone", BUS_TASK_SUCCEEDED);
  g_assert_null (worker_member (second)->reserved_for);
}

static void
drain (Client *worker)
{
  Daemoneye__Eventbus__V1__UpdateRequest request = DAEMONEYE__EVENTBUS__V1__UPDATE_REQUEST__INIT;

  request.draining = TRUE;
  request.drain_us = SECOND;
  worker_call (worker, "Update", &request.base);
}

/* A new registration ends the drain, and with it the time after which other members get the tasks. */
static void
test_registers_while_draining (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  drain (worker);
  g_assert_cmpint (worker_member (worker)->state, ==, BUS_MEMBER_DRAINING);
  worker_register (worker, "scan", 2, TRUE);
  g_assert_cmpint (worker_member (worker)->state, ==, BUS_MEMBER_READY);
  tasks_advance (core, 2 * SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "done");
  tasks_assert_state (agent, "t", BUS_TASK_SUCCEEDED);
}

/* The backoff is random; the delay that the member requested is exact. */
static void
test_retry_after_is_the_least (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);

  for (guint i = 0; i < 50; i++)
    {
      g_autofree char *id = g_strdup_printf ("t%u", i);
      g_autoptr (Job) job = NULL;

      tasks_submit (agent, id);
      job = worker_run (worker, id);
      worker_retry (worker, job, 600 * G_TIME_SPAN_MILLISECOND);
      tasks_assert_state (agent, id, BUS_TASK_DELAYED);
      tasks_advance (core, 599 * G_TIME_SPAN_MILLISECOND);
      tasks_assert_state (agent, id, BUS_TASK_DELAYED);
      daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (agent, "Cancel", id, NULL), NULL);
    }
}

/* A member that has started one task gets another offer at once. */
static void
test_started_makes_room (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 3);
  g_autoptr (Job) first = NULL;
  g_autoptr (Job) second = NULL;

  tasks_submit (agent, "a");
  tasks_submit (agent, "b");
  tasks_assert_state (agent, "b", BUS_TASK_QUEUED);
  first = worker_run (worker, "a");
  tasks_assert_state (agent, "b", BUS_TASK_OFFERED);
  second = worker_run (worker, "b");
  g_assert_cmpuint (worker_member (worker)->n_running, ==, 2);
}

/* A member is suspected while each of its slots is a zombie. A late STARTED counts as an answer. */
static void
test_late_start_is_an_answer (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_expect (worker, "t");
  tasks_advance (core, 6 * SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_QUEUED);
  g_assert_cmpint (worker_member (worker)->state, ==, BUS_MEMBER_SUSPECT);
  worker_start (worker, job);
  tasks_assert_state (agent, "t", BUS_TASK_RUNNING);
  g_assert_cmpint (worker_member (worker)->state, ==, BUS_MEMBER_READY);
}

/* A task that ends with its submitters was in quarantine when they disconnected. */
static void
test_released_alone (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *tool = tool_ready (core, "tool");
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;
  TaskSpec spec;

  tool->peer->features = agent->peer->features;
  tasks_spec (&spec, "t");
  tasks_spec_set_attempts (&spec, 1);
  spec.on_submitter_gone = DAEMONEYE__EVENTBUS__V1__ON_SUBMITTER_GONE__SUBMITTER_GONE_CANCEL;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
  job = worker_run (worker, "t");
  tasks_advance (core, 11 * SECOND);
  tasks_assert_state (agent, "t", BUS_TASK_QUARANTINED);
  client_disconnect (agent);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (tool, "Release", "t", NULL), NULL);
  tasks_assert_state (tool, "t", BUS_TASK_QUEUED);
  tasks_advance (core, 11 * SECOND);
  tasks_assert_state (tool, "t", BUS_TASK_CANCELLED);
}

/* With the smallest max-payload, the largest task and the largest result fit in a frame together with the longest details and
 * texts. */
static void
test_least_payload (Core *core, gconstpointer data)
{
  const guint64 least = bus_limit_spec (BUS_LIMIT_max_payload)->floor;
  Client *agent = submitter_ready (core);
  g_autofree char *details = g_strnfill (BUS_TASK_DETAILS_MAX, 'd');
  g_autofree char *text = g_strnfill (BUS_TASK_TEXT_MAX, 't');
  g_autofree char *payload = NULL;
  Client *worker;
  g_autoptr (Job) first = NULL;
  g_autoptr (Job) second = NULL;
  BusTaskRecord record;
  TaskSpec spec;

  core->core->limits.max_payload = least;
  payload = g_strnfill ((gsize) bus_limits_task_payload (&core->core->limits), 'p');
  tasks_spec (&spec, "t");
  spec.payload = (ProtobufCBinaryData){ strlen (payload), (guint8 *) payload };
  spec.payload_type = text;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
  worker = worker_ready (core, "w1", 1);
  first = worker_run (worker, "t");
  worker_progress (worker, first, details);
  tasks_advance (core, 10 * SECOND);
  worker = worker_ready (core, "w2", 1);
  second = worker_run (worker, "t");
  g_assert_cmpuint (second->execute->last_details.len, ==, BUS_TASK_DETAILS_MAX);
  g_assert_cmpuint (daemoneye__eventbus__v1__execute__get_packed_size (second->execute), <=, least);
  worker_finish (worker, second, BUS_OUTCOME_SUCCEEDED, payload);
  tasks_assert_state (agent, "t", BUS_TASK_SUCCEEDED);
  bus_task_record_fill (&record, tasks_find (agent, "t"), BUS_RECORD_PAYLOAD | BUS_RECORD_DETAILS, 0, 0);
  g_assert_cmpuint (record.message.outcome->payload.len, ==, strlen (payload));
  g_assert_cmpuint (daemoneye__eventbus__v1__task_record__get_packed_size (&record.message) + 4 * BUS_TASK_TEXT_MAX, <=,
                    least);
}

#define ADD(path, function) g_test_add ("/core/work/lease/" path, Core, NULL, tasks_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("I01-zombie-is-refunded", test_zombie_refunded);
  ADD ("S01-late-result-while-reserved", test_late_result_while_reserved);
  ADD ("S12-registers-while-draining", test_registers_while_draining);
  ADD ("S25-retry-after-is-the-least", test_retry_after_is_the_least);
  ADD ("M10-started-makes-room", test_started_makes_room);
  ADD ("S07-late-start-is-an-answer", test_late_start_is_an_answer);
  ADD ("M11-released-alone", test_released_alone);
  ADD ("K08-least-payload", test_least_payload);
  return g_test_run ();
}

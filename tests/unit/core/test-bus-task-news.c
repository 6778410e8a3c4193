/* SPDX-License-Identifier: Apache-2.0 */
#include "task-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"

/* Events and pushes of a task: each contains the counters and the wait reason at the time of the change. */

#define SECOND G_TIME_SPAN_SECOND
#define EVENTS 9u /* subscription of the agent */

typedef Daemoneye__Eventbus__V1__TaskEvent TaskEvent;
typedef Daemoneye__Eventbus__V1__TaskPush TaskPush;
typedef Daemoneye__Eventbus__V1__TaskRecord TaskRecord;

/* --- events --- */

static TaskEvent *
take_event (Client *agent)
{
  g_autoptr (Got) got = client_take (agent, WIRE_KIND_DELIVER);

  g_assert_nonnull (got);
  return daemoneye__eventbus__v1__task_event__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
}

typedef struct
{
  guint failures;
  guint expiries;
  guint deaths;
  guint interruptions;
} Counts;

static void
expect_event (Client *agent, BusTaskState state, Counts counts)
{
  TaskEvent *event = take_event (agent);

  g_assert_cmpint (event->task->state, ==, state);
  g_assert_cmpuint (event->task->failures, ==, counts.failures);
  g_assert_cmpuint (event->task->expiries, ==, counts.expiries);
  g_assert_cmpuint (event->task->deaths, ==, counts.deaths);
  g_assert_cmpuint (event->task->interruptions, ==, counts.interruptions);
  daemoneye__eventbus__v1__task_event__free_unpacked (event, NULL);
}

static void
submit_with (Client *agent, const char *id, guint attempts)
{
  TaskSpec spec;

  tasks_spec (&spec, id);
  tasks_spec_set_attempts (&spec, attempts);
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
}

/* Takes an event, and checks its state, its wait reason and the limits of its time. */
static void
expect_wait (Client *agent, BusTaskState state, BusWaitReason reason, guint64 least_us, guint64 most_us)
{
  TaskEvent *event = take_event (agent);

  g_assert_cmpint (event->task->state, ==, state);
  g_assert_cmpuint (event->task->reason, ==, reason);
  g_assert_cmpuint (event->task->next_us, >=, least_us);
  g_assert_cmpuint (event->task->next_us, <=, most_us);
  daemoneye__eventbus__v1__task_event__free_unpacked (event, NULL);
}

/* A limit expires twice; the second attempt is the last one. */
static void
test_expiries (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  g_autoptr (Job) first = NULL;
  g_autoptr (Job) second = NULL;

  submit_with (agent, "t", 2);
  first = worker_run (worker_ready (core, "w1", 1), "t");
  client_subscribe (agent, EVENTS, "system.task.expired", NULL);
  tasks_advance (core, 10 * SECOND);
  expect_event (agent, BUS_TASK_QUEUED, (Counts){ .expiries = 1 });
  client_subscribe (agent, EVENTS + 1, "system.task.quarantined", NULL);
  second = worker_run (worker_ready (core, "w2", 1), "t");
  tasks_advance (core, 10 * SECOND);
  expect_event (agent, BUS_TASK_QUEUED, (Counts){ .expiries = 2 });
  expect_event (agent, BUS_TASK_QUARANTINED, (Counts){ .expiries = 2 });
}

static void
test_failures (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;

  submit_with (agent, "t", 1);
  job = worker_run (worker, "t");
  client_subscribe (agent, EVENTS, "system.task.retry", NULL);
  client_subscribe (agent, EVENTS + 1, "system.task.done", NULL);
  worker_finish (worker, job, BUS_OUTCOME_RETRYABLE, "");
  expect_event (agent, BUS_TASK_DELAYED, (Counts){ .failures = 1 });
  expect_event (agent, BUS_TASK_FAILED, (Counts){ .failures = 1 });
}

/* The task waits for the delay that its holder asked for. Afterwards the wait reason is another one. */
static void
test_delays (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  client_subscribe (agent, EVENTS, "system.task.retry", NULL);
  client_subscribe (agent, EVENTS + 1, "system.task.queued", NULL);
  worker_retry (worker, job, 7 * SECOND);
  expect_wait (agent, BUS_TASK_DELAYED, BUS_WAIT_BACKOFF, 7 * SECOND, 7 * SECOND);
  tasks_advance (core, 7 * SECOND);
  expect_wait (agent, BUS_TASK_QUEUED, BUS_WAIT_NONE, 0, 0);
}

/* A death is provisional when the connection ends, and counted when it ends the task. */
static void
test_deaths (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;

  submit_with (agent, "t", 1);
  job = worker_run (worker, "t");
  client_subscribe (agent, EVENTS, "system.task.retry", NULL);
  client_subscribe (agent, EVENTS + 1, "system.task.quarantined", NULL);
  client_disconnect (worker);
  core_flush (core);
  expect_event (agent, BUS_TASK_QUEUED, (Counts){ 0 });
  tasks_advance (core, 2 * SECOND);
  expect_event (agent, BUS_TASK_QUARANTINED, (Counts){ .deaths = 1 });
}

static void
test_interruptions (Core *core, gconstpointer data)
{
  Daemoneye__Eventbus__V1__DeregisterRequest request = DAEMONEYE__EVENTBUS__V1__DEREGISTER_REQUEST__INIT;
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) job = NULL;

  tasks_submit (agent, "t");
  job = worker_run (worker, "t");
  client_subscribe (agent, EVENTS, "system.task.retry", NULL);
  worker_call (worker, "Deregister", &request.base);
  expect_event (agent, BUS_TASK_QUEUED, (Counts){ .interruptions = 1 });
}

/* --- pushes --- */

static guint64
await (Client *submitter)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL ("control.bus.task");
  envelope.method = WIRE_SPAN_LITERAL ("Await");
  return client_send (submitter, WIRE_KIND_REQUEST, 0, &envelope);
}

static void
expect_push (Client *submitter, BusWaitReason reason, guint deaths)
{
  g_autoptr (Got) got = client_take (submitter, WIRE_KIND_REPLY);
  TaskPush *push;

  g_assert_nonnull (got);
  push = daemoneye__eventbus__v1__task_push__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  g_assert_cmpint (push->task->state, ==, BUS_TASK_QUEUED);
  g_assert_cmpuint (push->task->reason, ==, reason);
  g_assert_cmpuint (push->task->deaths, ==, deaths);
  daemoneye__eventbus__v1__task_push__free_unpacked (push, NULL);
}

/* The task waits for its last holder, and after that time for any member. */
static void
test_hold_over (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  TaskSpec spec;

  tasks_spec (&spec, "t");
  spec.resubmit = TRUE;
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_OK);
  await (agent);
  expect_push (agent, BUS_WAIT_ADOPTION_HOLD, 0);
  tasks_advance (core, 2 * SECOND);
  core_flush (core);
  expect_push (agent, BUS_WAIT_NO_CAPABILITY, 0);
  g_assert_null (client_take (agent, WIRE_KIND_REPLY));
}

/* The task waits until its deaths are counted, and then for a member. Each counted death is pushed. */
static void
test_deaths_counted (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 1);
  g_autoptr (Job) first = NULL;
  g_autoptr (Job) second = NULL;

  submit_with (agent, "t", 4);
  first = worker_run (worker, "t");
  client_disconnect (worker);
  worker = worker_ready (core, "w2", 1);
  second = worker_run (worker, "t");
  tasks_advance (core, SECOND);
  client_disconnect (worker);
  await (agent);
  expect_push (agent, BUS_WAIT_BACKOFF, 0);
  tasks_advance (core, SECOND);
  core_flush (core);
  expect_push (agent, BUS_WAIT_BACKOFF, 1);
  tasks_advance (core, SECOND);
  core_flush (core);
  expect_push (agent, BUS_WAIT_NO_CAPABILITY, 2);
}

#define ADD(path, function) g_test_add ("/core/work/news/" path, Core, NULL, tasks_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M11-expiries", test_expiries);
  ADD ("M11-failures", test_failures);
  ADD ("M11-delays", test_delays);
  ADD ("M11-deaths", test_deaths);
  ADD ("M11-interruptions", test_interruptions);
  ADD ("M11-hold-over", test_hold_over);
  ADD ("M11-deaths-counted", test_deaths_counted);
  return g_test_run ();
}

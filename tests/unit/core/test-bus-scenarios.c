/* SPDX-License-Identifier: Apache-2.0 */
#include "task-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "work/bus-operations.h"
#include "work/bus-work.h"

/* Scenarios of the design with several observers: of an event, of one task, or of two operations. */

#define SECOND G_TIME_SPAN_SECOND

/* --- scenario 7: slots in use --- */

static void
expect_suspect (Client *watcher, const char *id, const char *cause)
{
  g_autoptr (Got) got = client_take (watcher, WIRE_KIND_DELIVER);
  Daemoneye__Eventbus__V1__CollectorEvent *event;

  g_assert_nonnull (got);
  g_assert_true (wire_span_equal (got->envelope.topic, WIRE_SPAN_LITERAL ("system.collector.suspect")));
  event
      = daemoneye__eventbus__v1__collector_event__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  g_assert_nonnull (event);
  g_assert_cmpstr (event->collector->id, ==, id);
  g_assert_cmpint (event->before, ==, DAEMONEYE__EVENTBUS__V1__MEMBER_STATE__MEMBER_READY);
  g_assert_cmpint (event->collector->state, ==, DAEMONEYE__EVENTBUS__V1__MEMBER_STATE__MEMBER_SUSPECT);
  g_assert_cmpuint (event->collector->zombie, ==, event->collector->max_concurrent);
  g_assert_cmpstr (event->cause, ==, cause);
  daemoneye__eventbus__v1__collector_event__free_unpacked (event, NULL);
}

/* Every slot waits for an answer while heartbeats arrive: no offers, and an event with the reason, once. */
static void
test_zombies_reported (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) first = NULL;
  g_autoptr (Job) second = NULL;

  client_subscribe (agent, 7, "system.collector.suspect", NULL);
  tasks_submit (agent, "a");
  first = worker_run (worker, "a");
  tasks_submit (agent, "b");
  second = worker_run (worker, "b");
  tasks_advance (core, 5 * SECOND);
  worker_progress (worker, second, "");
  tasks_advance (core, 5 * SECOND);
  tasks_assert_state (agent, "a", BUS_TASK_QUEUED);
  core_flush (core);
  g_assert_null (client_take (agent, WIRE_KIND_DELIVER)); /* one slot is left */
  tasks_advance (core, 5 * SECOND);
  core_flush (core);
  expect_suspect (agent, "w1", "every slot waits for an answer that is overdue");
  tasks_submit (agent, "c");
  g_assert_null (worker_take (worker));
  g_assert_cmpuint (bus_operation_wait_reason (tasks_find (agent, "c")), ==, BUS_WAIT_SET_ASIDE);
  core_flush (core);
  g_assert_null (client_take (agent, WIRE_KIND_DELIVER));
}

/* --- scenario 16: two submitters --- */

static void
await (Client *submitter)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL ("control.bus.task");
  envelope.method = WIRE_SPAN_LITERAL ("Await");
  client_send (submitter, WIRE_KIND_REQUEST, 0, &envelope);
}

/* Asserts that a push with that state and result has arrived. */
static void
expect_pushed (Client *submitter, BusTaskState state, const char *result)
{
  gboolean is_found = FALSE;
  Got *got;

  core_flush (submitter->core);
  while ((got = client_take (submitter, WIRE_KIND_REPLY)) != NULL)
    {
      Daemoneye__Eventbus__V1__TaskPush *push
          = daemoneye__eventbus__v1__task_push__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);

      g_assert_nonnull (push);
      g_assert_cmpstr (push->task->id, ==, "t");
      if ((guint) push->task->state == state)
        {
          is_found = TRUE;
          g_assert_cmpmem (push->task->outcome != NULL ? push->task->outcome->payload.data : NULL,
                           push->task->outcome != NULL ? push->task->outcome->payload.len : 0, result, strlen (result));
        }
      daemoneye__eventbus__v1__task_push__free_unpacked (push, NULL);
      got_free (got);
    }
  g_assert_true (is_found);
}

/* Two submitters use the same id and specification: there is one task, which runs once. Both get the result, also if one of them
 * reads it after the other has settled it. */
static void
test_two_submitters (Core *core, gconstpointer data)
{
  Client *first = submitter_ready (core);
  Client *second = tool_ready (core, "tool");
  Client *worker = worker_ready (core, "w1", 2);
  g_autoptr (Job) job = NULL;
  SubmitVerdict *verdict;
  TaskSpec spec;

  second->peer->features = first->peer->features;
  tasks_spec (&spec, "t");
  g_assert_cmpuint (tasks_submit_spec (first, &spec, &verdict), ==, WIRE_STATUS_OK);
  g_assert_false (verdict->attached);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
  g_assert_cmpuint (tasks_submit_spec (second, &spec, &verdict), ==, WIRE_STATUS_OK);
  g_assert_true (verdict->attached);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
  g_assert_cmpuint (core->core->work->tasks.all.length, ==, 1);
  await (first);
  await (second);
  job = worker_run (worker, "t");
  expect_pushed (first, BUS_TASK_RUNNING, "");
  expect_pushed (second, BUS_TASK_RUNNING, "");
  second->is_stopped = TRUE;
  worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "done");
  expect_pushed (first, BUS_TASK_SUCCEEDED, "done");
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (tasks_ids (first, "Settle", "t", NULL), NULL);
  second->is_stopped = FALSE;
  expect_pushed (second, BUS_TASK_SUCCEEDED, "done");
  g_assert_null (worker_take (worker));
}

/* --- scenario 23: a flood --- */

#define N_OPERATIONS 2u

static const char *const operations[N_OPERATIONS] = { "scan", "hash" };

/* A member with both operations. */
static Client *
worker_with_both (Core *core)
{
  Daemoneye__Eventbus__V1__RegisterRequest request = DAEMONEYE__EVENTBUS__V1__REGISTER_REQUEST__INIT;
  Daemoneye__Eventbus__V1__Operation both[N_OPERATIONS], *list[N_OPERATIONS];
  Client *worker = worker_ready (core, "w1", 1);

  for (guint i = 0; i < N_OPERATIONS; i++)
    {
      daemoneye__eventbus__v1__operation__init (&both[i]);
      both[i].name = (char *) (gsize) operations[i];
      both[i].idempotent = TRUE;
      list[i] = &both[i];
    }
  request.type = worker->peer->type;
  request.incarnation = worker->peer->incarnation;
  request.operations = list;
  request.n_operations = N_OPERATIONS;
  request.max_concurrent = 1;
  worker_call (worker, "Register", &request.base);
  g_assert_cmpint (worker_member (worker)->state, ==, BUS_MEMBER_READY);
  return worker;
}

static void
submit_to (Client *submitter, guint operation, const char *word, guint number, guint priority)
{
  g_autofree char *id = g_strdup_printf ("%s-%u-%u", word, operation, number);
  TaskSpec spec;

  tasks_spec (&spec, id);
  spec.operation = (char *) (gsize) operations[operation];
  spec.priority = priority;
  g_assert_cmpuint (tasks_submit_spec (submitter, &spec, NULL), ==, WIRE_STATUS_OK);
}

/* One member serves two operations, and both have a flood of priority 255 for 60 s. Leases are counted per operation, so the flood
 * of one operation does not take the turn of the old task of the other. */
static void
test_flood_on_one_member (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  guint leases[N_OPERATIONS] = { 0 };
  gboolean is_done[N_OPERATIONS] = { FALSE };
  Client *worker;

  for (guint i = 0; i < N_OPERATIONS; i++)
    submit_to (agent, i, "old", 0, 1);
  for (guint i = 0; i < N_OPERATIONS; i++)
    submit_to (agent, i, "new", 0, 255);
  worker = worker_with_both (core);
  for (guint n = 1; n <= 120; n++)
    {
      g_autoptr (Job) job = NULL;
      guint of;

      for (guint i = 0; i < N_OPERATIONS; i++)
        submit_to (agent, i, "new", n, 255);
      job = worker_take (worker);
      g_assert_nonnull (job);
      of = g_str_equal (job->execute->operation, operations[0]) ? 0 : 1;
      leases[of] += is_done[of] ? 0 : 1;
      is_done[of] |= g_str_has_prefix (job->execute->task_id, "old");
      worker_start (worker, job);
      worker_finish (worker, job, BUS_OUTCOME_SUCCEEDED, "");
      tasks_advance (core, SECOND / 2);
    }
  for (guint i = 0; i < N_OPERATIONS; i++)
    {
      g_assert_true (is_done[i]);
      g_assert_cmpuint (leases[i], <=, BUS_LEASES_BY_AGE);
    }
}

#define ADD(path, function) g_test_add ("/core/work/scenarios/" path, Core, NULL, tasks_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("S07-D04-zombies-reported", test_zombies_reported);
  ADD ("S16-two-submitters", test_two_submitters);
  ADD ("S23-flood-on-one-member", test_flood_on_one_member);
  return g_test_run ();
}

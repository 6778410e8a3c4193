/* SPDX-License-Identifier: Apache-2.0 */
#include "gather-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "control.pb-c.h"
#include "wire-feature.h"
#include "work/bus-push.h"
#include "work/bus-work.h"

/* Questions to many collectors: refusals, the memory of an asker that does not read, and time limits. */

#define MODE(name)    DAEMONEYE__EVENTBUS__V1__GATHER_MODE__GATHER_##name
#define REQUIRE(name) DAEMONEYE__EVENTBUS__V1__GATHER_REQUIRE__GATHER_REQUIRE_##name

/* --- refused --- */

typedef void (*Spoil) (GatherRequest *request);

static void
spoil_operation (GatherRequest *request)
{
  request->operation = (char *) (gsize) "Scan";
}

static void
spoil_type (GatherRequest *request)
{
  request->type = (char *) (gsize) "a.b";
}

static void
spoil_mode (GatherRequest *request)
{
  request->mode = MODE (MODE_UNSPECIFIED);
}

static void
spoil_n_of_all (GatherRequest *request)
{
  request->n = 1;
}

static void
spoil_n_of_some (GatherRequest *request)
{
  request->mode = MODE (SOME);
}

static void
spoil_requirement (GatherRequest *request)
{
  request->require = REQUIRE (UNSPECIFIED);
}

static void
spoil_require_n (GatherRequest *request)
{
  request->require_n = 1;
}

static void
spoil_at_least (GatherRequest *request)
{
  request->require = REQUIRE (AT_LEAST);
}

static void
spoil_too_many (GatherRequest *request)
{
  request->mode = MODE (SHARDS);
  request->n = 2;
  request->require = REQUIRE (AT_LEAST);
  request->require_n = 3;
}

static void
spoil_priority (GatherRequest *request)
{
  request->priority = 256;
}

static void
spoil_tag (GatherRequest *request)
{
  static char *tags[] = { (char *) (gsize) "" };

  request->tags = tags;
  request->n_tags = 1;
}

static void
test_bad (Core *core, gconstpointer data)
{
  static const Spoil spoils[]
      = { spoil_operation, spoil_type,     spoil_mode,     spoil_n_of_all, spoil_n_of_some, spoil_requirement,
          spoil_require_n, spoil_at_least, spoil_too_many, spoil_priority, spoil_tag };
  Client *agent = submitter_ready (core);

  for (guint i = 0; i < G_N_ELEMENTS (spoils); i++)
    {
      GatherRequest request;

      gather_fill (&request);
      spoils[i](&request);
      client_expect_error (agent, gather_send (agent, &request, 0), WIRE_STATUS_BAD_MESSAGE);
    }
  g_assert_cmpuint (core->core->work->gathers.last_query, ==, 0);
}

static void
test_rights (Core *core, gconstpointer data)
{
  Client *one = worker_ready (core, "one", 1);

  client_expect_error (one, gather_all (one), WIRE_STATUS_DENIED);
}

/* The answer has several parts, so both features are needed. */
static void
test_features (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  GatherRequest request;
  guint64 id;

  gather_fill (&request);
  id = gather_send (agent, &request, 0);
  gather_assert (agent, id, "", "nobody unmet:");
  g_assert_cmpuint (wire_feature_of_method (WIRE_SPAN_LITERAL ("control.bus.gather")), ==,
                    WIRE_FEATURE_TASKS | WIRE_FEATURE_STREAM);
}

static void
test_limits (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  GatherRequest request;
  guint64 id;

  worker_ready (core, "one", 1);
  core->core->limits.gathers = 1;
  id = gather_all (agent);
  client_expect_error (agent, gather_all (agent), WIRE_STATUS_LIMIT);
  gather_cancel (agent, id);
  core->core->limits.gather_members = 1;
  gather_fill (&request);
  request.mode = MODE (SHARDS);
  request.n = 2;
  client_expect_error (agent, gather_send (agent, &request, 0), WIRE_STATUS_LIMIT);
  worker_ready (core, "two", 1);
  client_expect_error (agent, gather_all (agent), WIRE_STATUS_LIMIT); /* the roster is too large */
  core->core->limits.gather_members = 1000;
  core->core->limits.max_payload = 1024; /* one member of a manifest fits */
  client_expect_error (agent, gather_all (agent), WIRE_STATUS_LIMIT);
  g_assert_cmpuint (agent->peer->account->gathers, ==, 0);
}

/* --- time --- */

/* A question ends if no answer arrives for too long. */
static void
test_stall (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  Client *two = worker_ready (core, "two", 1);
  Client *three = worker_ready (core, "three", 1);
  GatherRequest request;
  g_autoptr (Job) first = NULL;
  g_autoptr (Job) hangs = NULL;
  guint64 id;

  gather_fill (&request);
  request.stall_us = 3 * SECOND;
  id = gather_send (agent, &request, 0);
  first = gather_run (one);
  hangs = gather_run (two);
  gather_answer (three, "c");
  tasks_advance (core, 3 * SECOND - 1);
  worker_finish (one, first, BUS_OUTCOME_SUCCEEDED, "a");
  tasks_advance (core, 3 * SECOND - 1);
  gather_assert (agent, id, "three=c one=a", "open");
  tasks_advance (core, 1);
  gather_assert (agent, id, "", "partial unmet: one=answered three=answered two=timed-out");
}

/* If the deadline of the request is earlier, the answers so far are not lost. */
static void
test_deadline_of_request (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  GatherRequest request;
  g_autoptr (Job) job = NULL;
  guint64 id;

  gather_fill (&request);
  id = gather_send (agent, &request, 2 * SECOND);
  job = gather_run (one);
  tasks_advance (core, 2 * SECOND);
  gather_assert (agent, id, "", "failed unmet: one=timed-out");
}

/* --- an asker that does not read --- */

static void
answer_much (Client *worker, gsize size)
{
  g_autofree char *payload = g_strnfill (size, 'x');

  gather_answer (worker, payload);
}

#define WORKERS 8u
#define SIZE    (40u * 1024u)

static void
test_slow (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *workers[WORKERS];
  g_autoptr (Account) account = NULL;
  guint64 id;

  for (guint i = 0; i < WORKERS; i++)
    {
      g_autofree char *name = g_strdup_printf ("w%u", i);

      workers[i] = worker_ready (core, name, 1);
    }
  id = gather_all (agent);
  core_flush (core);
  agent->is_stopped = TRUE;
  for (guint i = 0; i < WORKERS; i++)
    answer_much (workers[i], SIZE);
  g_assert_cmpuint (bus_outq_bytes (&agent->peer->flow.outq), <, BUS_PUSH_BYTES + 2 * SIZE);
  g_assert_cmpuint (agent->peer->account->task_bytes, >, (WORKERS - 3) * SIZE); /* the tasks keep the rest */
  tasks_advance (core, 3600 * SECOND); /* the question ended long before, and no window drops a result */
  agent->is_stopped = FALSE;
  account = gather_take (agent, id);
  g_assert_nonnull (account->manifest);
  g_assert_cmpuint (account->manifest->answered, ==, WORKERS);
  for (guint i = 0; i < WORKERS; i++)
    g_assert_cmpuint (account->manifest->members[i]->bytes, ==, SIZE);
  g_assert_cmpuint (agent->peer->account->task_bytes, ==, 0);
}

/* The asker disconnects. */
static void
test_slow_gone (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);

  gather_all (agent);
  core_flush (core);
  agent->is_stopped = TRUE;
  answer_much (one, SIZE);
  client_disconnect (agent);
  g_assert_cmpuint (core->core->work->tasks.all.length, ==, 0);
  g_assert_cmpuint (core->core->work->tasks.bytes[BUS_SHELF_LIVE], ==, 0);
}

/* --- its tasks --- */

/* Tasks of questions belong to the broker: they cannot be settled, released or submitted again. */
static void
test_tasks (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  g_autoptr (Job) job = NULL;
  SubmitVerdict *verdict;
  TaskSpec spec;
  guint32 status;

  gather_all (agent);
  job = gather_run (one);
  g_assert_cmpstr (job->execute->task_id, ==, "gather.1.0");
  tasks_spec (&spec, "gather.1.0");
  g_assert_cmpuint (tasks_submit_spec (agent, &spec, NULL), ==, WIRE_STATUS_BAD_MESSAGE);
  verdict = tasks_ids (agent, "Settle", "gather.1.0", &status);
  g_assert_cmpuint (status, ==, WIRE_STATUS_PROTOCOL_ORDER);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
  worker_ready (core, "two", 1); /* the question continues */
  verdict = tasks_ids (agent, "Release", "gather.1.0", &status);
  g_assert_cmpuint (status, ==, WIRE_STATUS_PROTOCOL_ORDER);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
}

/* A task of a question is not kept in quarantine after its last lease has expired: the question continues with other
 * collectors. */
static void
test_no_quarantine (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  Client *two = worker_ready (core, "two", 1);
  g_autoptr (Job) hangs = NULL;
  g_autoptr (Job) works = NULL;
  SubmitVerdict *verdict;
  guint32 status;

  gather_all (agent);
  hangs = gather_run (one);
  works = gather_run (two);
  tasks_advance (core, 6 * SECOND);
  worker_progress (two, works, "");
  tasks_advance (core, 4 * SECOND);
  tasks_assert_state (agent, hangs->execute->task_id, BUS_TASK_QUARANTINED);
  g_assert_cmpuint (core->core->work->tasks.shelves[BUS_SHELF_QUARANTINE].length, ==, 0);
  verdict = tasks_ids (agent, "Settle", hangs->execute->task_id, &status);
  g_assert_cmpuint (status, ==, WIRE_STATUS_PROTOCOL_ORDER);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
  verdict = tasks_ids (agent, "Release", hangs->execute->task_id, &status);
  g_assert_cmpuint (status, ==, WIRE_STATUS_PROTOCOL_ORDER);
  daemoneye__eventbus__v1__submit_verdict__free_unpacked (verdict, NULL);
}

/* Tasks of questions are in the events of tasks, like all other tasks. */
static void
test_events (Core *core, gconstpointer data)
{
  Client *agent = submitter_ready (core);
  Client *one = worker_ready (core, "one", 1);
  Daemoneye__Eventbus__V1__TaskEvent *event;
  g_autoptr (Got) got = NULL;

  client_subscribe (agent, 7, "system.task.done", NULL);
  gather_all (agent);
  gather_answer (one, "a");
  core_flush (core);
  got = client_take (agent, WIRE_KIND_DELIVER);
  g_assert_nonnull (got);
  event = daemoneye__eventbus__v1__task_event__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  g_assert_cmpstr (event->task->id, ==, "gather.1.0");
  g_assert_cmpstr (event->task->target, ==, "one");
  daemoneye__eventbus__v1__task_event__free_unpacked (event, NULL);
}

static void
test_statistics (Core *core, gconstpointer data)
{
  Daemoneye__Eventbus__V1__StatsRequest request = DAEMONEYE__EVENTBUS__V1__STATS_REQUEST__INIT;
  Daemoneye__Eventbus__V1__StatsReply *reply;
  Client *agent = submitter_ready (core);
  Client *one;
  g_autoptr (Got) got = NULL;

  gather_all (agent); /* no collector is registered: not complete */
  one = worker_ready (core, "one", 1);
  gather_all (agent);
  gather_answer (one, "a");
  gather_all (agent);
  core_flush (core);
  while ((got = client_take (agent, WIRE_KIND_REPLY)) != NULL)
    g_clear_pointer (&got, got_free);
  got = client_call (agent, "control.bus.stats", &request.base, WIRE_STATUS_OK);
  reply = daemoneye__eventbus__v1__stats_reply__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  g_assert_nonnull (reply->totals);
  g_assert_cmpuint (reply->totals->gathers_asked, ==, 3);
  g_assert_cmpuint (reply->totals->gathers_running, ==, 1);
  g_assert_cmpuint (reply->totals->gathers_complete, ==, 1);
  g_assert_cmpuint (reply->totals->gathers_partial, ==, 1);
  daemoneye__eventbus__v1__stats_reply__free_unpacked (reply, NULL);
}

#define ADD(path, function) g_test_add ("/core/gather/" path, Core, NULL, gathers_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M12-bad", test_bad);
  ADD ("M12-rights", test_rights);
  ADD ("M12-features", test_features);
  ADD ("M12-limits", test_limits);
  ADD ("D05-stall", test_stall);
  ADD ("D05-deadline-of-request", test_deadline_of_request);
  ADD ("M12-slow", test_slow);
  ADD ("M12-slow-gone", test_slow_gone);
  ADD ("M12-tasks", test_tasks);
  ADD ("M12-no-quarantine", test_no_quarantine);
  ADD ("M12-events", test_events);
  ADD ("M12-statistics", test_statistics);
  return g_test_run ();
}

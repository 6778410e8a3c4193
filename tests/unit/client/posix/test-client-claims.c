/* SPDX-License-Identifier: Apache-2.0 */
#include "posix/claims-fixture.h"
#include "session/deye-bus-session-restore.h"

#include <unistd.h>

/*
 * A collector over several connections and brokers: its works continue, and it claims its works and results in each
 * registration.
 */

#define OUTCOME(kind) DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_##kind

typedef ClaimsFixture Fixture;

static void
assert_claim (const TaskClaim *claim, const char *token)
{
  g_assert_cmpstr (claim->task_id, ==, "t-1");
  g_assert_cmpuint (claim->attempt, ==, 1);
  g_assert_true (wire_span_equal (wire_span (claim->token.data, claim->token.len), wire_span_str (token)));
}

static void
succeed (Fixture *f)
{
  g_autoptr (GBytes) payload = g_bytes_new_static ("result", 6);

  g_assert_true (deye_bus_work_succeed (f->log.work, payload, NULL, NULL));
}

static void
assert_result (const ScriptFrame *frame, guint64 route)
{
  g_autoptr (WireGuard) guard = collector_unpack (frame, &daemoneye__eventbus__v1__outcome__descriptor);
  const ScriptOutcome *outcome = wire_guard_message (guard);

  collector_assert_outcome (frame, route, OUTCOME (SUCCEEDED));
  g_assert_cmpmem (outcome->payload.data, outcome->payload.len, "result", 6);
}

/* --- tests --- */

/* Scenario 19: the broker was restarted while the handler works. The work is adopted, its newest progress is reported again, and
 * the handler is not called a second time. */
static void
test_running (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) guard = NULL;
  g_autoptr (GPtrArray) adopted = NULL;
  g_autoptr (GPtrArray) ended = NULL;
  const RegisterRequest *request;

  claims_fixture_start_work (f);
  g_assert_true (deye_bus_work_progress (f->log.work, 3, 9, NULL, NULL, NULL));
  claims_fixture_lose (f);
  g_assert_cmpint (deye_bus_work_get_cancel_reason (f->log.work), ==, DEYE_BUS_CANCEL_NONE);
  guard = claims_fixture_welcome (f, 2);
  request = wire_guard_message (guard);
  g_assert_cmpuint (request->n_running, ==, 1);
  g_assert_cmpuint (request->n_finished, ==, 0);
  assert_claim (request->running[0], "token-700");
  claims_fixture_answer (f, NULL, 0);
  claims_fixture_script_adopt (f, 800, "t-1", FALSE);
  adopted = claims_fixture_send_and_receive (f);
  g_assert_cmpuint (f->log.calls, ==, 1);
  g_assert_cmpuint (adopted->len, ==, 2);
  collector_assert_progress (adopted->pdata[0], 800, TRUE, 0);
  collector_assert_progress (adopted->pdata[1], 800, FALSE, 3);
  succeed (f);
  ended = claims_fixture_send_and_receive (f);
  g_assert_cmpuint (ended->len, ==, 1);
  assert_result (ended->pdata[0], 800);
}

/* Scenario 20: the handler finished while there was no connection. The result is claimed, and sent when the broker adopts it. */
static void
test_finished (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) guard = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  const RegisterRequest *request;

  claims_fixture_start_work (f);
  claims_fixture_lose (f);
  succeed (f);
  guard = claims_fixture_welcome (f, 2);
  request = wire_guard_message (guard);
  g_assert_cmpuint (request->n_running, ==, 0);
  g_assert_cmpuint (request->n_finished, ==, 1);
  assert_claim (request->finished[0], "token-700");
  g_assert_cmpuint (request->finished[0]->length, ==, 6);
  claims_fixture_answer (f, NULL, 0);
  claims_fixture_script_adopt (f, 800, "t-1", TRUE);
  frames = claims_fixture_send_and_receive (f);
  g_assert_cmpuint (frames->len, ==, 1);
  assert_result (frames->pdata[0], 800);
}

/* Two accounts have a task with the same id: the token identifies the result that is adopted. */
static void
test_of_another_account (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) guard = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  claims_fixture_start_work (f);
  claims_fixture_lose (f);
  succeed (f);
  guard = claims_fixture_welcome (f, 2);
  claims_fixture_answer (f, NULL, 0);
  claims_fixture_script_adopt_claimed (f, 800, "t-1", TRUE, "token-999");
  claims_fixture_script_adopt_claimed (f, 801, "t-1", TRUE, "token-700");
  frames = claims_fixture_send_and_receive (f);
  g_assert_cmpuint (frames->len, ==, 2);
  collector_assert_outcome (frames->pdata[0], 800, OUTCOME (RETRYABLE));
  assert_result (frames->pdata[1], 801);
}

/* The same while the handler works. */
static void
test_run_of_another_account (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) guard = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  claims_fixture_start_work (f);
  claims_fixture_lose (f);
  guard = claims_fixture_welcome (f, 2);
  claims_fixture_answer (f, NULL, 0);
  claims_fixture_script_adopt_claimed (f, 800, "t-1", FALSE, "token-999");
  claims_fixture_script_adopt_claimed (f, 801, "t-1", FALSE, "token-700");
  frames = claims_fixture_send_and_receive (f);
  collector_assert_outcome (frames->pdata[0], 800, OUTCOME (RETRYABLE));
  collector_assert_progress (frames->pdata[1], 801, TRUE, 0);
}

/* A result that was sent is claimed until the broker confirms that the submitter has it. */
static void
test_until_delivered (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) before = NULL;
  g_autoptr (WireGuard) after = NULL;
  g_autoptr (GPtrArray) sent = NULL;
  g_autoptr (GPtrArray) again = NULL;
  const RegisterRequest *request;

  claims_fixture_start_work (f);
  succeed (f);
  sent = claims_fixture_send_and_receive (f);
  assert_result (sent->pdata[0], 700);
  claims_fixture_lose (f);
  before = claims_fixture_welcome (f, 1);
  request = wire_guard_message (before);
  g_assert_cmpuint (request->n_finished, ==, 1);
  claims_fixture_answer (f, NULL, 0);
  claims_fixture_script_adopt (f, 800, "t-1", TRUE);
  again = claims_fixture_send_and_receive (f);
  assert_result (again->pdata[0], 800);
  collector_script_delivered (f->in, 800);
  claims_fixture_send (f);
  reconnect_fixture_settle (&f->base);
  claims_fixture_lose (f);
  after = claims_fixture_welcome (f, 1);
  request = wire_guard_message (after);
  g_assert_cmpuint (request->n_finished, ==, 0);
  claims_fixture_answer (f, NULL, 0);
}

/* A work that the broker does not adopt is cancelled, and sends no outcome. */
static void
test_fenced (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) guard = NULL;
  g_autoptr (WireGuard) after = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  const RegisterRequest *request;

  claims_fixture_start_work (f);
  claims_fixture_lose (f);
  guard = claims_fixture_welcome (f, 2);
  request = wire_guard_message (guard);
  claims_fixture_answer (f, request->running, request->n_running);
  g_assert_cmpint (deye_bus_work_get_cancel_reason (f->log.work), ==, DEYE_BUS_CANCEL_SUPERSEDED);
  succeed (f);
  frames = claims_fixture_send_and_receive (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_REPLY), ==, 0);
  claims_fixture_lose (f);
  after = claims_fixture_welcome (f, 2);
  request = wire_guard_message (after);
  g_assert_cmpuint (request->n_running + request->n_finished, ==, 0);
  claims_fixture_answer (f, NULL, 0);
}

static void
script_fence (Fixture *f, TaskClaim **fenced, gsize n)
{
  Daemoneye__Eventbus__V1__CollectorLifecycle lifecycle = DAEMONEYE__EVENTBUS__V1__COLLECTOR_LIFECYCLE__INIT;

  lifecycle.action = DAEMONEYE__EVENTBUS__V1__LIFECYCLE_ACTION__LIFECYCLE_FENCE;
  lifecycle.fenced = fenced;
  lifecycle.n_fenced = n;
  collector_script_lifecycle_event (f->in, "bus", &lifecycle.base);
}

/* The work is cancelled later, at the end of the broker's recovery window; a work with another token is not cancelled. */
static void
test_fenced_later (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) guard = NULL;
  const RegisterRequest *request;
  TaskClaim other = DAEMONEYE__EVENTBUS__V1__TASK_CLAIM__INIT;
  TaskClaim *others[] = { &other };

  claims_fixture_start_work (f);
  claims_fixture_lose (f);
  guard = claims_fixture_welcome (f, 2);
  request = wire_guard_message (guard);
  claims_fixture_answer (f, NULL, 0);
  other = *request->running[0];
  other.token = (ProtobufCBinaryData){ 9, (guint8 *) (gsize) "token-701" };
  script_fence (f, others, 1);
  claims_fixture_send (f);
  reconnect_fixture_settle (&f->base);
  g_assert_cmpint (deye_bus_work_get_cancel_reason (f->log.work), ==, DEYE_BUS_CANCEL_NONE);
  script_fence (f, request->running, request->n_running);
  claims_fixture_send (f);
  reconnect_fixture_settle (&f->base);
  g_assert_cmpint (deye_bus_work_get_cancel_reason (f->log.work), ==, DEYE_BUS_CANCEL_SUPERSEDED);
}

/* The client does not know the adopted attempt, and answers RETRYABLE. */
static void
test_unknown (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) guard = claims_fixture_welcome (f, 1);
  g_autoptr (GPtrArray) frames = NULL;

  g_assert_nonnull (guard);
  claims_fixture_answer (f, NULL, 0);
  claims_fixture_script_adopt (f, 800, "t-9", FALSE);
  claims_fixture_script_adopt (f, 801, "t-9", TRUE);
  frames = claims_fixture_send_and_receive (f);
  g_assert_cmpuint (frames->len, ==, 2);
  collector_assert_outcome (frames->pdata[0], 800, OUTCOME (RETRYABLE));
  collector_assert_outcome (frames->pdata[1], 801, OUTCOME (RETRYABLE));
  g_assert_cmpuint (f->log.calls, ==, 0);
}

/* CANCEL arrives after the adoption in the same read. */
static void
test_adopted_and_cancelled (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) guard = NULL;

  claims_fixture_start_work (f);
  claims_fixture_lose (f);
  guard = claims_fixture_welcome (f, 2);
  claims_fixture_answer (f, NULL, 0);
  claims_fixture_script_adopt (f, 800, "t-1", FALSE);
  collector_script_cancel (f->in, 800, WIRE_STATUS_EXPIRED);
  claims_fixture_send (f);
  reconnect_fixture_settle (&f->base);
  g_assert_cmpint (deye_bus_work_get_cancel_reason (f->log.work), ==, DEYE_BUS_CANCEL_EXPIRED);
  g_assert_cmpuint (f->log.calls, ==, 1);
}

/* A new attempt of a task that still runs here: the old attempt is cancelled, and both never run at the same time. */
static void
test_next_attempt (Fixture *f, gconstpointer data)
{
  ScriptExecute execute = DAEMONEYE__EVENTBUS__V1__EXECUTE__INIT;
  g_autoptr (WireGuard) guard = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  execute.attempt = 2;
  claims_fixture_start_work (f);
  claims_fixture_lose (f);
  guard = claims_fixture_welcome (f, 2);
  claims_fixture_answer (f, NULL, 0);
  collector_script_execute (f->in, 800, "t-1", &execute);
  frames = claims_fixture_send_and_receive (f);
  g_assert_cmpuint (frames->len, ==, 1);
  collector_assert_outcome (frames->pdata[0], 800, OUTCOME (BUSY));
  g_assert_cmpint (deye_bus_work_get_cancel_reason (f->log.work), ==, DEYE_BUS_CANCEL_SUPERSEDED);
  g_assert_cmpuint (f->log.calls, ==, 1);
}

/* Above 4 MiB the oldest results are forgotten; after 5 minutes all are. */
static void
test_bounds (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) guard = NULL;
  g_autoptr (GBytes) large = g_bytes_new_take (g_malloc0 (1000000), 1000000);
  const RegisterRequest *request;

  claims_fixture_start_work (f);
  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *id = g_strdup_printf ("t-%u", 2 + i);
      g_autoptr (GPtrArray) frames = NULL;

      g_assert_true (deye_bus_work_succeed (f->log.work, large, NULL, NULL));
      collector_script_execute (f->in, 701 + i, id, NULL);
      for (guint replies = 0; replies < 2;)
        {
          frames = claims_fixture_send_and_receive (f);
          replies += script_count (frames, WIRE_KIND_REPLY);
          g_clear_pointer (&frames, g_ptr_array_unref);
        }
    }
  claims_fixture_lose (f);
  guard = claims_fixture_welcome (f, 2);
  request = wire_guard_message (guard);
  g_assert_cmpuint (request->n_running, ==, 1);
  g_assert_cmpuint (request->n_finished, ==, 4);
  g_assert_cmpstr (request->finished[0]->task_id, ==, "t-5"); /* the newest is first */
  claims_fixture_answer (f, NULL, 0);
  deye_bus_collector_step_kept (f->collector, g_get_monotonic_time () + 299 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (f->collector->kept.length, ==, 4);
  deye_bus_collector_step_kept (f->collector, g_get_monotonic_time () + 301 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (f->collector->kept.length, ==, 0);
  g_assert_cmpuint (f->collector->kept_bytes, ==, 0);
}

/* Gives the collector the task @id, whose deadline is in a minute. */
static void
script_question (Fixture *f, guint64 route, const char *id, guint shards)
{
  ScriptExecute execute = DAEMONEYE__EVENTBUS__V1__EXECUTE__INIT;

  execute.remaining_us = 60 * G_TIME_SPAN_SECOND;
  execute.shards = shards;
  collector_script_execute (f->in, route, id, &execute);
  g_ptr_array_unref (claims_fixture_send_and_receive (f));
  g_assert_cmpstr (deye_bus_work_get_task_id (f->log.work), ==, id);
}

/* An answer to a question to many collectors is not kept: neither one that was sent, nor one that was too late for that. */
static void
test_answer_is_not_kept (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) guard = NULL;
  g_autoptr (GPtrArray) sent = NULL;
  const RegisterRequest *request;

  claims_fixture_start_work (f);
  script_question (f, 701, "gather.1.0", 0);
  succeed (f);
  sent = claims_fixture_send_and_receive (f);
  assert_result (sent->pdata[0], 701);
  g_assert_cmpuint (f->collector->kept.length, ==, 0);
  script_question (f, 702, "gather.1.1", 0);
  claims_fixture_lose (f);
  succeed (f);
  g_assert_cmpuint (f->collector->kept.length, ==, 0);
  g_assert_false (deye_bus_collector_has_unsent (f->collector));
  guard = claims_fixture_welcome (f, 1);
  request = wire_guard_message (guard);
  g_assert_cmpuint (request->n_running, ==, 0);
  g_assert_cmpuint (request->n_finished, ==, 0);
  claims_fixture_answer (f, NULL, 0);
}

/* The answer for a shard is claimed, but only until the deadline of the question, also if other results are kept longer. */
static void
test_shard_is_kept_until_deadline (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) guard = NULL;
  const RegisterRequest *request;
  const gint64 now_us = g_get_monotonic_time ();

  claims_fixture_start_work (f);
  succeed (f);
  script_question (f, 701, "gather.1.0", 2);
  succeed (f);
  collector_script_execute (f->in, 702, "t-2", NULL);
  g_ptr_array_unref (claims_fixture_send_and_receive (f));
  succeed (f);
  script_question (f, 703, "gather.1.1", 2);
  succeed (f);
  claims_fixture_lose (f);
  guard = claims_fixture_welcome (f, 1);
  request = wire_guard_message (guard);
  g_assert_cmpuint (request->n_finished, ==, 4);
  claims_fixture_answer (f, NULL, 0);
  g_assert_cmpint (deye_bus_collector_step_kept (f->collector, now_us), <=,
                   g_get_monotonic_time () + 60 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (f->collector->kept.length, ==, 4);
  g_assert_cmpint (deye_bus_collector_step_kept (f->collector, g_get_monotonic_time () + 60 * G_TIME_SPAN_SECOND), >=,
                   now_us + 300 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (f->collector->kept.length, ==, 2);
  g_assert_cmpuint (f->collector->kept_bytes, >, 0);
}

/* A draining collector reports the drain again in its next registration, and stops when its result has been sent. */
static void
test_draining (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (WireGuard) guard = NULL;
  g_autoptr (GPtrArray) drains = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  claims_fixture_start_work (f);
  deye_bus_collector_stop_async (f->collector, 3600 * G_TIME_SPAN_SECOND, NULL, client_result_set, &result);
  drains = claims_fixture_send_and_receive (f);
  g_assert_nonnull (collector_find_request (drains, "Update"));
  claims_fixture_lose (f);
  succeed (f);
  reconnect_fixture_settle (&f->base);
  g_assert_cmpuint (result.calls, ==, 0);
  guard = claims_fixture_welcome (f, 2);
  claims_fixture_answer (f, NULL, 0);
  g_clear_pointer (&drains, g_ptr_array_unref);
  claims_fixture_script_adopt (f, 800, "t-1", TRUE);
  drains = claims_fixture_send_and_receive (f);
  client_fixture_wait (&f->base, result.calls > 0);
  frames = claims_fixture_send_and_receive (f);
  g_ptr_array_extend_and_steal (drains, g_steal_pointer (&frames));
  g_assert_nonnull (collector_find_request (drains, "Deregister"));
  g_assert_cmpuint (script_count (drains, WIRE_KIND_REPLY), ==, 1);
}

static void
count_drained (DeyeBusCollector *collector, gpointer drained)
{
  ++*(guint *) drained;
}

/* A task arrives before the client is ready again, and the collector begins to drain. @data: NULL: the client becomes ready,
 * and the task is declined; else the connection is lost, and the task with it */
static void
test_draining_before_ready (Fixture *f, gconstpointer data)
{
  guint drained = 0;

  g_signal_connect (f->collector, "drained", G_CALLBACK (count_drained), &drained);
  wire_guard_free (claims_fixture_welcome (f, 1));
  claims_fixture_answer (f, NULL, 0);
  claims_fixture_lose (f);
  wire_guard_free (claims_fixture_welcome (f, 1));
  claims_fixture_answer_in_part (f, NULL, 0);
  collector_script_execute (f->in, 700, "t-1", NULL);
  g_ptr_array_unref (claims_fixture_send_and_receive (f));
  g_assert_true (deye_bus_collector_drain (f->collector, 0, NULL));
  reconnect_fixture_settle (&f->base);
  g_assert_cmpint (deye_bus_client_get_state (f->base.client), ==, DEYE_BUS_CLIENT_STATE_CONNECTED);
  g_assert_cmpuint (drained, ==, 0);
  if (data != NULL)
    {
      close (f->base.peer);
      f->base.peer = -1;
    }
  else
    {
      script_subscribe_reply (f->in, f->asked, 1000, 1048576);
      claims_fixture_send (f);
    }
  while (drained == 0)
    g_main_context_iteration (f->base.context, TRUE);
  g_assert_cmpuint (f->log.calls, ==, 0);
}

/* The client does not reconnect by itself. When the program connects it again, the collector opens its topics again. */
static void
test_connected_again (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) first = claims_fixture_welcome (f, 1);
  g_autoptr (WireGuard) second = NULL;
  g_auto (ClientResult) result = { NULL, 0 };

  g_assert_nonnull (first);
  claims_fixture_answer (f, NULL, 0);
  deye_bus_client_set_reconnect (f->base.client, FALSE);
  close (f->base.peer);
  client_fixture_wait (&f->base, deye_bus_client_get_state (f->base.client) == DEYE_BUS_CLIENT_STATE_DISCONNECTED);
  reconnect_fixture_settle (&f->base);
  deye_bus_client_connect_async (f->base.client, NULL, client_result_set, &result);
  second = claims_fixture_welcome (f, 1);
  g_assert_nonnull (second);
  claims_fixture_answer (f, NULL, 0);
  g_assert_cmpuint (deye_bus_session_n_subscribed (f->base.client->session), ==, DEYE_BUS_COLLECTOR_N_TOPICS - 3);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/claims/" path, Fixture, NULL, claims_fixture_set_up, function, claims_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("S19-running", test_running);
  ADD ("S20-finished", test_finished);
  ADD ("until-delivered", test_until_delivered);
  ADD ("fenced", test_fenced);
  ADD ("fenced-later", test_fenced_later);
  ADD ("unknown", test_unknown);
  ADD ("K05-of-another-account", test_of_another_account);
  ADD ("K05-run-of-another-account", test_run_of_another_account);
  ADD ("adopted-and-cancelled", test_adopted_and_cancelled);
  ADD ("next-attempt", test_next_attempt);
  ADD ("bounds", test_bounds);
  ADD ("connected-again", test_connected_again);
  ADD ("answer-is-not-kept", test_answer_is_not_kept);
  ADD ("shard-is-kept-until-deadline", test_shard_is_kept_until_deadline);
  ADD ("draining", test_draining);
  ADD ("draining-before-ready", test_draining_before_ready);
  g_test_add ("/client/claims/draining-before-lost", Fixture, "lost", claims_fixture_set_up, test_draining_before_ready,
              claims_fixture_tear_down);
  return g_test_run ();
}

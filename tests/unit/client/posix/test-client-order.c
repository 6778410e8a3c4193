/* SPDX-License-Identifier: Apache-2.0 */
#include "posix/claims-fixture.h"

/*
 * The order of the reports about a registration and of the tasks that arrive with them. On a later connection, the broker may send
 * tasks in the read that makes the client ready, before the collector has reported its registration.
 */

typedef ClaimsFixture Fixture;

/* The handler of each task ends it at once, so the frames show the order of the calls. */
static void
assert_handled (GPtrArray *frames, guint n)
{
  g_assert_cmpuint (frames->len, ==, 2 * n);
  for (guint i = 0; i < n; i++)
    {
      collector_assert_progress (frames->pdata[2 * i], 800 + i, TRUE, 0);
      collector_assert_outcome (frames->pdata[2 * i + 1], 800 + i,
                                DAEMONEYE__EVENTBUS__V1__OUTCOME_KIND__OUTCOME_SUCCEEDED);
    }
}

/* Connects again, and sends the tasks of the routes 800, 801, ... with the answer that makes the client ready. @registered: handler
 * of the signal, for this connection */
static GPtrArray *
reconnect_with_tasks (Fixture *f, guint n, GCallback registered)
{
  f->log.succeeds = TRUE;
  wire_guard_free (claims_fixture_welcome (f, 1));
  claims_fixture_answer (f, NULL, 0);
  claims_fixture_lose (f);
  g_signal_connect (f->collector, "registered", registered, f);
  wire_guard_free (claims_fixture_welcome (f, 1));
  claims_fixture_answer_in_part (f, NULL, 0);
  script_subscribe_reply (f->in, f->asked, 1000, 1048576);
  for (guint i = 0; i < n; i++)
    {
      g_autofree char *id = g_strdup_printf ("t-%u", i + 1);

      collector_script_execute (f->in, 800 + i, id, NULL);
    }
  return claims_fixture_send_and_receive (f);
}

/* --- the work is fenced and adopted --- */

static void
assert_fenced (DeyeBusCollector *collector, gpointer data)
{
  Fixture *f = data;

  g_assert_cmpint (deye_bus_work_get_cancel_reason (f->log.work), ==, DEYE_BUS_CANCEL_SUPERSEDED);
}

/* The answer to the registration fences the work, and a task that adopts it follows. The fence is older: it names the token of the
 * earlier connection, and must be applied before the work gets the token of the new one. */
static void
test_fenced_and_adopted (Fixture *f, gconstpointer data)
{
  g_autoptr (WireGuard) guard = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  const RegisterRequest *request;

  claims_fixture_start_work (f);
  claims_fixture_lose (f);
  g_signal_connect (f->collector, "registered", G_CALLBACK (assert_fenced), f);
  guard = claims_fixture_welcome (f, 2);
  request = wire_guard_message (guard);
  claims_fixture_answer_in_part (f, request->running, request->n_running);
  script_subscribe_reply (f->in, f->asked, 1000, 1048576);
  claims_fixture_script_adopt (f, 800, "t-1", FALSE);
  frames = claims_fixture_send_and_receive (f);
  g_assert_cmpint (deye_bus_work_get_cancel_reason (f->log.work), ==, DEYE_BUS_CANCEL_SUPERSEDED);
  g_assert_cmpuint (f->log.calls, ==, 1);
  g_assert_cmpuint (frames->len, ==, 1);
  collector_assert_progress (frames->pdata[0], 800, TRUE, 0);
}

/* --- the signal "registered" --- */

static void
assert_none_handled (DeyeBusCollector *collector, gpointer data)
{
  g_assert_cmpuint (((Fixture *) data)->log.calls, ==, 0);
}

/* The program learns that it is registered before it gets a task. */
static void
test_registered_first (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = reconnect_with_tasks (f, 2, G_CALLBACK (assert_none_handled));

  assert_handled (frames, 2);
}

static void
iterate (DeyeBusCollector *collector, gpointer data)
{
  reconnect_fixture_settle (&((Fixture *) data)->base);
}

/* The handler of the signal iterates the context. Then the first task is queued, and the next ones are dispatched meanwhile. */
static void
test_iterated (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = reconnect_with_tasks (f, 3, G_CALLBACK (iterate));

  assert_handled (frames, 3);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/order/" path, Fixture, NULL, claims_fixture_set_up, function, claims_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("fenced-and-adopted", test_fenced_and_adopted);
  ADD ("registered-first", test_registered_first);
  ADD ("iterated", test_iterated);
  return g_test_run ();
}

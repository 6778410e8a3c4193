/* SPDX-License-Identifier: Apache-2.0 */

/*
 * At-least-once and confirmed delivery with real processes: a member of a group is killed or suspended while it has unsettled
 * messages, and a publisher waits until its message was handled.
 */

#include "bus-fixture.h"
#include "system-events.h"
#include "worker-talk.h"

#define TASKS "tasks.procmond"
#define SIZE  200u

/* A suspended member may keep its messages only for a short time. If the other member does not run for this time, it loses
 * them to the first one again. The number of attempts does not limit this. */
static const BusFixtureOptions hasty = { .limits = "settle_timeout_us=300000\ndelivery_attempts=1000\n" };

static TestProcess *
start_member (BusFixture *f, const char *id)
{
  TestProcess *member = bus_fixture_worker (f, id, "procmond");

  worker_subscribe (member, "g", TASKS " workers count");
  return member;
}

static void
publish_tasks (BusFixture *f, guint n)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();

  deye_bus_options_set_at_least_once (options, TRUE);
  for (guint i = 0; i < n; i++)
    {
      g_autoptr (GBytes) payload = bus_fixture_payload (i, SIZE);
      g_autoptr (GError) error = NULL;

      g_assert_true (deye_bus_client_publish (f->controller, TASKS, payload, options, NULL, NULL, &error));
      g_assert_no_error (error);
    }
}

static guint64
handled_by (TestProcess *member)
{
  g_autofree char *answer = NULL;

  test_process_send (member, "report g");
  answer = test_process_expect (member, "got g");
  return g_ascii_strtoull (answer, NULL, 10);
}

/* The same number, without repeated messages. */
static guint64
handled_once_by (TestProcess *member)
{
  guint64 n[4]; /* received, missed, repeated, out of order */

  test_process_send (member, "report g");
  worker_numbers (member, "got g", n, G_N_ELEMENTS (n));
  return n[0] - n[2];
}

/* The killed member has handled nothing: the other one gets all messages. */
static void
test_killed (BusFixture *f, gconstpointer data)
{
  TestProcess *first = start_member (f, "worker-1");
  TestProcess *second = start_member (f, "worker-2");

  test_process_suspend (first);
  publish_tasks (f, 40);
  bus_fixture_kill_worker (f, first);
  while (handled_by (second) < 40)
    bus_fixture_run_briefly (f);
  g_assert_cmpuint (handled_by (second), ==, 40);
}

/* The member is suspended and stays connected: the other one gets all messages after the settle timeout. When it continues, it
 * handles its messages as well. */
static void
test_stopped (BusFixture *f, gconstpointer data)
{
  TestProcess *first = start_member (f, "worker-1");
  TestProcess *second = start_member (f, "worker-2");

  test_process_suspend (first);
  publish_tasks (f, 40);
  while (handled_once_by (second) < 40)
    bus_fixture_run_briefly (f);
  g_assert_cmpuint (handled_once_by (second), ==, 40);
  test_process_resume (first);
  while (handled_by (first) == 0)
    bus_fixture_run_briefly (f);
}

static void
test_confirmed (BusFixture *f, gconstpointer data)
{
  g_autoptr (GBytes) payload = bus_fixture_payload (1, SIZE);
  g_autoptr (GError) error = NULL;
  TestProcess *member;

  g_assert_false (deye_bus_client_publish_confirmed (f->controller, TASKS, payload, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NO_RESPONDERS);
  g_clear_error (&error);
  member = start_member (f, "worker-1");
  for (guint i = 1; i <= 10; i++)
    {
      g_assert_true (deye_bus_client_publish_confirmed (f->controller, TASKS, payload, NULL, NULL, &error));
      g_assert_no_error (error);
      g_assert_cmpuint (handled_by (member), ==, i); /* the callback of the member has returned */
    }
}

static void
on_confirmed (GObject *source, GAsyncResult *result, gpointer error)
{
  deye_bus_client_publish_confirmed_finish (DEYE_BUS_CLIENT (source), result, error);
}

/* The member is killed while it handles a message that is not at-least-once: whether it was handled is not known. */
static void
test_unknown (BusFixture *f, gconstpointer data)
{
  g_autoptr (GBytes) payload = bus_fixture_payload (1, SIZE);
  g_autoptr (GError) error = NULL;
  TestProcess *member = start_member (f, "worker-1");

  test_process_suspend (member);
  deye_bus_client_publish_confirmed_async (f->controller, TASKS, payload, NULL, NULL, on_confirmed, &error);
  {
    g_autoptr (GError) flushed = NULL;

    g_assert_true (deye_bus_client_flush (f->controller, NULL, TRUE, NULL, &flushed));
  }
  bus_fixture_kill_worker (f, member);
  bus_fixture_wait (f, error != NULL);
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
}

/* The agent publishes work before any worker runs: the first worker gets it. A message that expires without a worker is reported
 * to the agent, which waits for its confirmation. */
static void
test_held (BusFixture *f, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (f);
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GBytes) payload = bus_fixture_payload (0, SIZE);
  g_autoptr (GError) error = NULL;
  DeyeBusPublishResult result;

  deye_bus_options_set_hold (options, TRUE);
  deye_bus_options_set_ttl (options, G_TIME_SPAN_HOUR);
  g_assert_true (deye_bus_client_publish (f->controller, TASKS, payload, options, &result, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (result.queued, ==, 1);
  {
    TestProcess *member = start_member (f, "worker-1");

    worker_await (member, "g", 1);
    bus_fixture_end_worker (f, member);
  }
  deye_bus_options_set_ttl (options, G_TIME_SPAN_MILLISECOND);
  g_assert_false (deye_bus_client_publish_confirmed (f->controller, TASKS, payload, options, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NO_RESPONDERS);
  bus_fixture_wait (f, system_events_dropped (events, "") == 1);
}

#define DELIVERY_ADD(path, options, test)                                                                              \
  g_test_add (path, BusFixture, options, bus_fixture_set_up, test, bus_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  DELIVERY_ADD ("/integration/delivery/M06-killed", NULL, test_killed);
  DELIVERY_ADD ("/integration/delivery/M06-stopped", &hasty, test_stopped);
  DELIVERY_ADD ("/integration/delivery/M06-confirmed", NULL, test_confirmed);
  DELIVERY_ADD ("/integration/delivery/M06-unknown", NULL, test_unknown);
  DELIVERY_ADD ("/integration/delivery/K08-held", NULL, test_held);
  return g_test_run ();
}

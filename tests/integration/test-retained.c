/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Retained values and last messages with real processes: publishers that are killed, and subscribers that connect later.
 */

#include "bus-fixture.h"
#include "system-events.h"
#include "worker-talk.h"

#define TOPIC  "health.procmond"
#define MARKER "health.marker"

/* The messages that the controller received since it subscribed: "TOPIC" for each, followed by "*" if it is retained and by "#" if
 * it is a last message. */
typedef struct
{
  GString *text;
  gboolean marked;
  DeyeBusSubscription *subscription;
} Late;

static void
on_late (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  Late *late = data;

  if (g_str_equal (deye_bus_message_get_topic (message), MARKER))
    {
      late->marked = TRUE;
      return;
    }
  g_string_append_printf (late->text, "%s%s%s%s", late->text->len > 0 ? " " : "", deye_bus_message_get_topic (message),
                          deye_bus_message_get_incarnation (message) != 0 ? "#" : "",
                          deye_bus_message_is_retained (message) ? "*" : "");
}

static void
late_begin (BusFixture *f, Late *late)
{
  g_autoptr (GError) error = NULL;

  late->text = g_string_new (NULL);
  late->subscription = deye_bus_client_subscribe (f->controller, "health.#", NULL, on_late, late, NULL, NULL, &error);
  g_assert_no_error (error);
}

/* Publishes a message, which arrives after everything that the subscription gets before. */
static void
late_settle (BusFixture *f, Late *late)
{
  g_autoptr (GError) error = NULL;

  late->marked = FALSE;
  g_assert_true (deye_bus_client_publish (f->controller, MARKER, NULL, NULL, NULL, NULL, &error));
  bus_fixture_wait (f, late->marked);
}

static void
late_end (Late *late)
{
  g_assert_true (deye_bus_subscription_unsubscribe (late->subscription, NULL, NULL));
  g_clear_object (&late->subscription);
  g_string_free (late->text, TRUE);
}

/* Asserts that a new subscription gets @want and nothing else. */
static void
assert_late (BusFixture *f, const char *want)
{
  Late late = { 0 };

  late_begin (f, &late);
  late_settle (f, &late);
  g_assert_cmpstr (late.text->str, ==, want);
  late_end (&late);
}

/* --- retained messages --- */

/* A value remains when its publisher is killed. */
static void
test_outlives (BusFixture *f, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (f);
  TestProcess *publisher = bus_fixture_worker (f, "procmond-1", "procmond");

  worker_do (publisher, "retain " TOPIC " last", "retained");
  worker_do (publisher, "retain health.other last", "retained");
  bus_fixture_kill_worker (f, publisher);
  system_events_wait_gone (events, "procmond-1");
  assert_late (f, TOPIC "* health.other*");
}

/* A value that is retained until its publisher disconnects is cleared then. */
static void
test_until_gone (BusFixture *f, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (f);
  TestProcess *publisher = bus_fixture_worker (f, "procmond-1", "procmond");

  worker_do (publisher, "retain " TOPIC " connected", "retained");
  worker_do (publisher, "retain health.other last", "retained");
  assert_late (f, TOPIC "* health.other*");
  bus_fixture_kill_worker (f, publisher);
  system_events_wait_gone (events, "procmond-1");
  assert_late (f, "health.other*");
}

/* A process that connects later gets the values of another one, even if they are more than its window. */
static void
test_window (BusFixture *f, gconstpointer data)
{
  TestProcess *publisher = bus_fixture_worker (f, "procmond-1", "procmond");
  TestProcess *late = bus_fixture_worker (f, "procmond-2", "procmond");

  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *command = g_strdup_printf ("retain health.n%u last", i);

      worker_do (publisher, command, "retained");
    }
  worker_subscribe (late, "s", "health.# - count drop-oldest 5 100000 2");
  worker_await (late, "s", 20);
  worker_publish (publisher, TOPIC, 1, 8);
  worker_await (late, "s", 21);
  g_assert_cmpuint (worker_report (late, "s").missed, ==, 0);
}

/* --- last messages --- */

/* The last message of a killed process is delivered once, with its incarnation. */
static void
test_killed (BusFixture *f, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (f);
  TestProcess *worker = bus_fixture_worker (f, "procmond-1", "procmond");
  Late late = { 0 };

  late_begin (f, &late);
  worker_do (worker, "leave " TOPIC " none", "left");
  late_settle (f, &late);
  g_assert_cmpstr (late.text->str, ==, "");
  bus_fixture_kill_worker (f, worker);
  system_events_wait_gone (events, "procmond-1");
  late_settle (f, &late);
  g_assert_cmpstr (late.text->str, ==, TOPIC "#");
  late_end (&late);
}

/* A retained last message replaces the value that the process had retained. */
static void
test_killed_retained (BusFixture *f, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (f);
  TestProcess *worker = bus_fixture_worker (f, "procmond-1", "procmond");

  worker_do (worker, "retain " TOPIC " connected", "retained");
  worker_do (worker, "leave " TOPIC " last", "left");
  assert_late (f, TOPIC "*");
  bus_fixture_kill_worker (f, worker);
  system_events_wait_gone (events, "procmond-1");
  assert_late (f, TOPIC "#*");
}

/* A process that ends normally sends GOODBYE, so its last message is discarded. */
static void
test_ended (BusFixture *f, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (f);
  TestProcess *worker = bus_fixture_worker (f, "procmond-1", "procmond");
  Late late = { 0 };

  late_begin (f, &late);
  worker_do (worker, "leave " TOPIC " last", "left");
  bus_fixture_end_worker (f, worker);
  system_events_wait_gone (events, "procmond-1");
  late_settle (f, &late);
  g_assert_cmpstr (late.text->str, ==, "");
  late_end (&late);
  assert_late (f, "");
}

/* A last message is refused if the process may not publish to its topic. */
static void
test_denied (BusFixture *f, gconstpointer data)
{
  TestProcess *worker = bus_fixture_worker (f, "procmond-1", "procmond");

  worker_do (worker, "leave control.shutdown none", "refused");
  worker_do (worker, "leave " TOPIC " none", "left");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, function)                                                                                            \
  g_test_add ("/integration/" path, BusFixture, NULL, bus_fixture_set_up, function, bus_fixture_tear_down)
  ADD ("retained/outlives-its-publisher", test_outlives);
  ADD ("retained/M15-until-its-publisher-is-gone", test_until_gone);
  ADD ("retained/window", test_window);
  ADD ("last-message/M15-killed", test_killed);
  ADD ("last-message/M15-killed-retained", test_killed_retained);
  ADD ("last-message/ended", test_ended);
  ADD ("last-message/A08-denied", test_denied);
#undef ADD
  return g_test_run ();
}

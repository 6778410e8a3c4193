/* SPDX-License-Identifier: Apache-2.0 */
#include "client-fixture.h"
#include "deye-bus-client-private.h"
#include "health.pb-c.h"
#include "wire-feature.h"

/* The reports of a client about its own health. */

typedef ClientFixture Fixture;
typedef Daemoneye__Eventbus__V1__HealthReport HealthReport;

static const ScriptWelcome with_tasks = { .features = WIRE_FEATURE_TASKS };

static void
set_up (Fixture *f, gconstpointer data)
{
  client_fixture_set_up (f, data);
  f->client->features |= WIRE_FEATURE_TASKS;
}

/* Returns the report as text: "1: disk 2 it is full, net 3 ", which begins with its number. */
static char *
write_report (const ScriptFrame *frame)
{
  const WireEnvelope *envelope = &frame->envelope;
  HealthReport *report
      = daemoneye__eventbus__v1__health_report__unpack (NULL, envelope->payload.len, envelope->payload.data);
  GString *text = g_string_new (NULL);

  g_assert_cmpuint (frame->kind, ==, WIRE_KIND_PUBLISH);
  g_assert_true (wire_span_equal (envelope->topic, WIRE_SPAN_LITERAL ("control.health.status.tester")));
  g_assert_true (wire_span_equal (envelope->type_name, WIRE_SPAN_LITERAL ("daemoneye.eventbus.v1.HealthReport")));
  g_assert_nonnull (report);
  g_assert_cmpstr (report->id, ==, "tester");
  g_string_append_printf (text, "%u:", (guint) report->sequence);
  for (gsize i = 0; i < report->n_units; i++)
    g_string_append_printf (text, "%s %s %u %s", i > 0 ? "," : "", report->units[i]->name,
                            (guint) report->units[i]->health, report->units[i]->reason);
  daemoneye__eventbus__v1__health_report__free_unpacked (report, NULL);
  return g_string_free (text, FALSE);
}

static GPtrArray *
wait_for_frames (Fixture *f)
{
  GPtrArray *frames = client_fixture_receive (f);

  while (frames->len == 0)
    {
      g_main_context_iteration (f->context, TRUE);
      g_ptr_array_unref (frames);
      frames = client_fixture_receive (f);
    }
  return frames;
}

static void
expect_report (Fixture *f, const char *expected)
{
  g_autoptr (GPtrArray) frames = wait_for_frames (f);
  g_autofree char *text = NULL;

  g_assert_cmpuint (frames->len, ==, 1);
  text = write_report (frames->pdata[0]);
  g_assert_cmpstr (text, ==, expected);
}

static void
expect_nothing (Fixture *f)
{
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_settle (f);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 0);
}

/* The first change is reported at once, and later changes together after some time. */
static void
test_changes (Fixture *f, gconstpointer data)
{
  gint64 start_us;

  client_fixture_connect (f, &with_tasks);
  start_us = g_get_monotonic_time ();
  deye_bus_client_set_health (f->client, DEYE_BUS_HEALTH_DEGRADED, "it is slow");
  expect_report (f, "1:  2 it is slow");
  for (guint i = 0; i < 1000; i++)
    deye_bus_client_set_health (f->client, DEYE_BUS_HEALTH_UNHEALTHY, i < 999 ? "it is down" : "not \xff text");
  expect_nothing (f);
  expect_report (f, "2:  3 not \357\277\275 text");
  g_assert_cmpint (g_get_monotonic_time () - start_us, >=, 200000);
  deye_bus_client_set_health (f->client, DEYE_BUS_HEALTH_HEALTHY, "well");
  expect_report (f, "3:");
}

/* A client that has always been healthy sends no report. */
static void
test_healthy (Fixture *f, gconstpointer data)
{
  client_fixture_connect (f, &with_tasks);
  deye_bus_client_set_health (f->client, DEYE_BUS_HEALTH_HEALTHY, "well");
  expect_nothing (f);
}

/* A state that was set before the client connects is reported on the connection. */
static void
test_before (Fixture *f, gconstpointer data)
{
  deye_bus_client_set_health (f->client, DEYE_BUS_HEALTH_DEGRADED, NULL);
  client_fixture_settle (f);
  client_fixture_connect (f, &with_tasks);
  expect_report (f, "1:  2 ");
}

/* A broker without tasks keeps no health, and its policy may not know the topic. */
static void
test_old_broker (Fixture *f, gconstpointer data)
{
  client_fixture_connect (f, NULL);
  deye_bus_client_set_health (f->client, DEYE_BUS_HEALTH_DEGRADED, NULL);
  expect_nothing (f);
}

static gpointer
set_in_thread (gpointer client)
{
  for (guint i = 0; i < 1000; i++)
    deye_bus_client_set_health (client, i % 2 == 0 ? DEYE_BUS_HEALTH_HEALTHY : DEYE_BUS_HEALTH_UNHEALTHY, "busy");
  return NULL;
}

/* Another thread sets the health. */
static void
test_thread (Fixture *f, gconstpointer data)
{
  client_fixture_connect (f, &with_tasks);
  deye_bus_client_set_health (f->client, DEYE_BUS_HEALTH_DEGRADED, NULL);
  expect_report (f, "1:  2 ");
  g_thread_join (g_thread_new ("set", set_in_thread, f->client));
  expect_report (f, "2:  3 busy");
}

/* A report lists the units of a collector, up to the maximum number. */
static void
test_units (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusCollector) collector = deye_bus_collector_new_for_client (f->client);
  g_autoptr (GPtrArray) frames = NULL;
  g_autofree char *text = NULL;
  g_autofree char *long_name = g_strnfill (100, 'n');

  client_fixture_connect (f, &with_tasks);
  deye_bus_collector_set_unit_health (collector, "net", DEYE_BUS_HEALTH_UNHEALTHY, "down");
  deye_bus_collector_set_unit_health (collector, "disk", DEYE_BUS_HEALTH_DEGRADED, "nearly full");
  deye_bus_collector_set_unit_health (collector, "cache", DEYE_BUS_HEALTH_HEALTHY, NULL);
  expect_report (f, "1: disk 2 nearly full, net 3 down");
  deye_bus_collector_set_unit_health (collector, "net", DEYE_BUS_HEALTH_HEALTHY, NULL);
  deye_bus_collector_set_unit_health (collector, "disk", DEYE_BUS_HEALTH_HEALTHY, NULL);
  expect_report (f, "2:");
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *name = g_strdup_printf ("%03u%s", i, long_name);

      deye_bus_collector_set_unit_health (collector, name, DEYE_BUS_HEALTH_DEGRADED, NULL);
    }
  frames = wait_for_frames (f);
  text = write_report (frames->pdata[0]);
  g_assert_cmpuint (strlen (text), ==, strlen ("3:") + 64 * (strlen (", ") + 64 + strlen (" 2 ")) - 1);
}

/* The text of a program may be longer than the largest payload: heartbeats contain its beginning, and do not stop. */
static void
test_long_detail (Fixture *f, gconstpointer data)
{
  g_autofree char *detail = g_strnfill (3 * 1024 * 1024, 'x');
  g_autoptr (GPtrArray) frames = NULL;
  const ScriptFrame *beat;

  client_fixture_connect (f, NULL);
  deye_bus_client_set_health (f->client, DEYE_BUS_HEALTH_DEGRADED, detail);
  g_assert_true (deye_bus_client_set_heartbeat (f->client, 300 * G_TIME_SPAN_SECOND, NULL));
  client_fixture_settle (f);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 1);
  beat = frames->pdata[0];
  g_assert_true (wire_span_equal (beat->envelope.topic, WIRE_SPAN_LITERAL ("control.health.heartbeat.tester")));
  g_assert_cmpuint (beat->envelope.payload.len, >, 1000);
  g_assert_cmpuint (beat->envelope.payload.len, <, 2000);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/health/" path, Fixture, NULL, set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M13-changes", test_changes);
  ADD ("M13-healthy", test_healthy);
  ADD ("M13-before", test_before);
  ADD ("M13-old-broker", test_old_broker);
  ADD ("M13-thread", test_thread);
  ADD ("M13-units", test_units);
  ADD ("long-detail", test_long_detail);
  return g_test_run ();
}

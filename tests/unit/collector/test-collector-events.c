/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-events.h"

#include "collector-fixture.h"

#include <string.h>

/* Events are published in order, wait for credit, and are counted when they are lost. */

typedef CollectorFixture Fixture;

#define EVENT_TOPIC "events.process.lifecycle"
#define EVENT_TYPE  "org.example.Event"

/* The publish window that the broker grants, in messages. An event is sent while at least half of the window is left. */
#define WINDOW  8u
#define AT_ONCE (WINDOW / 2 + 1)

static CollectorEvents *
start (Fixture *f)
{
  const ScriptWelcome few = { .features = WIRE_FEATURE_TASKS | WIRE_FEATURE_STREAM, .window_messages = WINDOW };
  g_autoptr (GPtrArray) frames = NULL;

  deye_bus_collector_start (f->collector, NULL);
  script_welcome (f->base.in, &few);
  client_fixture_send_and_settle (&f->base);
  collector_script_registered (f->base.in, 2, 77);
  client_fixture_send_and_settle (&f->base);
  script_subscribe_reply (f->base.in, 4, 1000, 1048576);
  script_subscribe_reply (f->base.in, 6, 1000, 1048576);
  client_fixture_send_and_settle (&f->base);
  frames = client_fixture_receive (&f->base);
  return collector_events_new (f->collector, EVENT_TOPIC, EVENT_TYPE);
}

static void
publish (CollectorEvents *events, guint number, gsize size)
{
  g_autofree guint8 *bytes = g_malloc0 (MAX (size, sizeof number));
  g_autoptr (GBytes) payload = NULL;

  memcpy (bytes, &number, sizeof number);
  payload = g_bytes_new (bytes, MAX (size, sizeof number));
  collector_events_publish (events, payload);
}

/* Asserts that the client has published the events from *@number on, and returns how many. */
static guint
receive_events (Fixture *f, guint *number)
{
  g_autoptr (GPtrArray) frames = NULL;
  guint n = 0;

  client_fixture_settle (&f->base);
  frames = collector_receive (f);
  for (guint i = 0; i < frames->len; i++)
    {
      const ScriptFrame *frame = frames->pdata[i];
      guint got;

      /* The client publishes its health, too. */
      if (frame->kind != WIRE_KIND_PUBLISH || !wire_span_equal (frame->envelope.topic, WIRE_SPAN_LITERAL (EVENT_TOPIC)))
        continue;
      g_assert_cmpuint (frame->envelope.payload.len, >=, sizeof got);
      memcpy (&got, frame->envelope.payload.data, sizeof got);
      g_assert_cmpuint (got, ==, (*number)++);
      g_assert_cmpuint (frame->envelope.sequence_number, ==, got + 1);
      g_assert_true (wire_span_equal (frame->envelope.type_name, WIRE_SPAN_LITERAL (EVENT_TYPE)));
      n++;
    }
  return n;
}

/* Returns credit for all events, and reads until @until events are published. */
static void
grant_and_receive (Fixture *f, guint *number, guint until)
{
  script_credit (f->base.in, WIRE_CLASS_MAY_DROP, 2 * until, 1048576 + until * sizeof (guint));
  client_fixture_send (&f->base);
  while (*number < until)
    {
      (void) receive_events (f, number);
      g_main_context_iteration (f->base.context, *number < until);
    }
}

static gboolean
is_healthy (Fixture *f)
{
  g_autofree char *detail = NULL;

  return deye_bus_client_dup_health (f->base.client, &detail) == DEYE_BUS_HEALTH_HEALTHY;
}

static void
assert_health (Fixture *f, DeyeBusHealth expected, const char *part)
{
  g_autofree char *got = NULL;

  g_assert_cmpuint (deye_bus_client_dup_health (f->base.client, &got), ==, expected);
  g_assert_nonnull (strstr (got, part));
}

/* Half of the credit is reserved, and further events wait until credit returns. */
static void
test_waits (Fixture *f, gconstpointer data)
{
  g_autoptr (CollectorEvents) events = start (f);
  guint number = 0;

  for (guint i = 0; i < 3 * WINDOW; i++)
    publish (events, i, 0);
  g_assert_cmpuint (receive_events (f, &number), ==, AT_ONCE);
  grant_and_receive (f, &number, 3 * WINDOW);
  g_assert_cmpuint (collector_events_get_lost (events), ==, 0);
  assert_health (f, DEYE_BUS_HEALTH_HEALTHY, "");
}

static GLogWriterOutput
ignore_log (GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
  return G_LOG_WRITER_HANDLED;
}

/* At most this many events wait. The next one is lost: it is counted and reported, and leaves a gap in the numbers. */
static void
test_lost (Fixture *f, gconstpointer data)
{
  g_autoptr (CollectorEvents) events = start (f);
  guint number = 0;
  const guint fit = COLLECTOR_WAITING_MAX + AT_ONCE;

  for (guint i = 0; i < fit; i++)
    publish (events, i, 0);
  g_assert_cmpuint (collector_events_get_lost (events), ==, 0);
  assert_health (f, DEYE_BUS_HEALTH_HEALTHY, "");
  publish (events, fit, 0);
  publish (events, fit + 1, 0);
  g_assert_cmpuint (collector_events_get_lost (events), ==, 2);
  assert_health (f, DEYE_BUS_HEALTH_DEGRADED, "publishing: a subscriber of " EVENT_TOPIC);
  assert_health (f, DEYE_BUS_HEALTH_DEGRADED, "1024 events wait, 2 were not published so far");
  grant_and_receive (f, &number, fit);
  client_fixture_wait (&f->base, is_healthy (f));
  number = fit + 2; /* the two are skipped */
  publish (events, number, 0);
  g_assert_cmpuint (receive_events (f, &number), ==, 1);
}

/* An event that can be offered again is not lost, and takes no number. */
static void
test_offered (Fixture *f, gconstpointer data)
{
  g_autoptr (CollectorEvents) events = start (f);
  g_autoptr (GBytes) payload = NULL;
  guint number = 0;
  const guint fit = COLLECTOR_WAITING_MAX + AT_ONCE;

  for (guint i = 0; i < fit; i++)
    publish (events, i, 0);
  payload = g_bytes_new (&fit, sizeof fit);
  g_assert_false (collector_events_offer (events, payload));
  g_assert_cmpuint (collector_events_get_lost (events), ==, 0);
  assert_health (f, DEYE_BUS_HEALTH_HEALTHY, "");
  grant_and_receive (f, &number, fit);
  g_assert_true (collector_events_offer (events, payload));
  g_assert_cmpuint (receive_events (f, &number), ==, 1);
}

static void
test_bytes (Fixture *f, gconstpointer data)
{
  g_autoptr (CollectorEvents) events = start (f);
  const gsize size = 512 << 10;

  for (guint i = 0; i < AT_ONCE + COLLECTOR_WAITING_BYTES / size; i++)
    publish (events, i, i < AT_ONCE ? 0 : size);
  g_assert_cmpuint (collector_events_get_lost (events), ==, 0);
  publish (events, 0, 0);
  g_assert_cmpuint (collector_events_get_lost (events), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_log_set_writer_func (ignore_log, NULL, NULL);
  g_test_add ("/collector/events/waits", Fixture, NULL, collector_fixture_set_up, test_waits,
              collector_fixture_tear_down);
  g_test_add ("/collector/events/lost", Fixture, NULL, collector_fixture_set_up, test_lost,
              collector_fixture_tear_down);
  g_test_add ("/collector/events/offered", Fixture, NULL, collector_fixture_set_up, test_offered,
              collector_fixture_tear_down);
  g_test_add ("/collector/events/bytes", Fixture, NULL, collector_fixture_set_up, test_bytes,
              collector_fixture_tear_down);
  return g_test_run ();
}

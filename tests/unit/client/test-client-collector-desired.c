/* SPDX-License-Identifier: Apache-2.0 */
#include "collector-fixture.h"
#include "health.pb-c.h"

/* The desired state that the agent sets for a collector (configuration, standing tasks), and the health of its units. */

typedef struct
{
  CollectorFixture base;
  GString *got; /* the arguments of the handlers */
  guint destroyed;
} Fixture;

#define RELOAD        3u
#define CONFIGURATION 4u
#define STANDING      5u

static gboolean
on_configuration (DeyeBusCollector *collector,
                  guint64 generation,
                  GBytes *payload,
                  const char *payload_type,
                  gpointer data)
{
  Fixture *f = data;
  g_autofree char *text
      = payload != NULL ? g_strndup (g_bytes_get_data (payload, NULL), g_bytes_get_size (payload)) : g_strdup ("none");

  g_string_append_printf (f->got, "%d:%s ", (int) generation, text);
  return !g_str_equal (text, "bad");
}

static char *
on_standing (DeyeBusCollector *collector, guint64 revision, GPtrArray *tasks, gpointer data)
{
  Fixture *f = data;

  g_string_append_printf (f->got, "r%d", (int) revision);
  for (guint i = 0; i < tasks->len; i++)
    {
      DeyeBusStandingTask *task = tasks->pdata[i];

      g_string_append_printf (f->got, ":%s:%s:%d:%s", deye_bus_standing_task_get_id (task),
                              deye_bus_standing_task_get_operation (task),
                              (int) g_bytes_get_size (deye_bus_standing_task_get_payload (task)),
                              deye_bus_standing_task_get_payload_type (task));
    }
  g_string_append_c (f->got, ' ');
  return revision == 66 ? g_strdup ("no inotify") : NULL;
}

static void
count_destroyed (gpointer data)
{
  ((Fixture *) data)->destroyed++;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  collector_fixture_set_up (&f->base, data);
  f->got = g_string_new (NULL);
  g_assert_true (
      deye_bus_collector_set_configuration_handler (f->base.collector, on_configuration, f, count_destroyed, NULL));
  g_assert_true (deye_bus_collector_set_standing_handler (f->base.collector, on_standing, f, count_destroyed, NULL));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  collector_fixture_tear_down (&f->base, data);
  g_assert_cmpuint (f->destroyed, ==, 2);
  g_string_free (f->got, TRUE);
}

static GPtrArray *
send_and_receive (Fixture *f)
{
  client_fixture_send_and_settle (&f->base.base);
  return collector_receive (&f->base);
}

static void
start (Fixture *f)
{
  g_autoptr (GPtrArray) frames = NULL;

  collector_fixture_start (&f->base);
  for (guint64 id = 8; id <= 12; id += 2)
    script_subscribe_reply (f->base.base.in, id, 100, 100000);
  frames = send_and_receive (f);
}

static void
script_message (Fixture *f, guint8 kind, guint32 subscription, const char *sender, const ProtobufCMessage *message)
{
  guint8 ids[5], payload[512];
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.sender = wire_span_str (sender);
  envelope.topic = wire_span_str ("control.collector.any");
  envelope.route_id = kind == WIRE_KIND_REQUEST ? 700 : 0;
  envelope.subscriptions = wire_span (ids, wire_envelope_pack_u32 (&subscription, 1, ids));
  envelope.payload = wire_span (payload, protobuf_c_message_pack (message, payload));
  script_frame (f->base.base.in, kind, 0, &envelope);
}

/* --- configuration --- */

static void
test_reload (Fixture *f, gconstpointer data)
{
  Daemoneye__Eventbus__V1__ConfigReload reload = DAEMONEYE__EVENTBUS__V1__CONFIG_RELOAD__INIT;
  g_autoptr (GPtrArray) frames = NULL;
  const ScriptFrame *frame;

  start (f);
  reload.generation = 9;
  script_message (f, WIRE_KIND_DELIVER, RELOAD, "agent", &reload.base);
  frames = send_and_receive (f);
  g_assert_cmpstr (f->got->str, ==, "9:none ");
  frame = script_find (frames, WIRE_KIND_PUBLISH);
  g_assert_nonnull (frame);
  g_assert_true (wire_span_equal (frame->envelope.topic, WIRE_SPAN_LITERAL ("results.procmond")));
}

/* A configuration that is sent is acknowledged or refused. */
static void
test_configuration (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) taken = NULL;
  g_autoptr (GPtrArray) refused = NULL;
  const ScriptFrame *frame;

  start (f);
  script_request (f->base.base.in, CONFIGURATION, 700, "control.collector.config.tester", "", "depth=3");
  taken = send_and_receive (f);
  frame = script_find (taken, WIRE_KIND_REPLY);
  g_assert_cmpuint (frame->envelope.status, ==, WIRE_STATUS_OK);
  script_request (f->base.base.in, CONFIGURATION, 701, "control.collector.config.tester", "", "bad");
  refused = send_and_receive (f);
  frame = script_find (refused, WIRE_KIND_REPLY);
  g_assert_true (wire_span_equal (frame->envelope.error_name, WIRE_SPAN_LITERAL ("Refused")));
  g_assert_cmpstr (f->got->str, ==, "0:depth=3 0:bad ");
}

/* --- standing tasks --- */

static void
script_standing (Fixture *f, const char *sender, guint64 revision, guint64 ttl_us)
{
  Daemoneye__Eventbus__V1__StandingTask task = DAEMONEYE__EVENTBUS__V1__STANDING_TASK__INIT, *list[] = { &task };
  Daemoneye__Eventbus__V1__StandingSet set = DAEMONEYE__EVENTBUS__V1__STANDING_SET__INIT;
  char id[] = "s-1", operation[] = "watch", path[] = "/etc", type[] = "org.example.Path";

  task.id = id;
  task.operation = operation;
  task.payload = (ProtobufCBinaryData){ strlen (path), (guint8 *) path };
  task.payload_type = type;
  set.revision = revision;
  set.ttl_us = ttl_us;
  set.set = list;
  set.n_set = 1;
  script_message (f, WIRE_KIND_REQUEST, STANDING, sender, &set.base);
}

static void
assert_state (Fixture *f, guint64 revision, guint64 observed, const char *problem)
{
  g_autoptr (GPtrArray) frames = send_and_receive (f);
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__StandingState *state;

  g_assert_cmpuint (frames->len, ==, 1);
  guard = collector_unpack (frames->pdata[0], &daemoneye__eventbus__v1__standing_state__descriptor);
  state = wire_guard_message (guard);
  g_assert_cmpstr (state->collector, ==, "tester");
  g_assert_cmpuint (state->revision, ==, revision);
  g_assert_cmpuint (state->observed, ==, observed);
  g_assert_cmpint (state->is_configuring, ==, revision != observed);
  g_assert_cmpstr (state->problem, ==, problem);
}

/* An applied set is not applied again when it is renewed or repeated; a refused set does not replace the old one. */
static void
test_standing (Fixture *f, gconstpointer data)
{
  start (f);
  script_standing (f, "bus", 5, 1000);
  assert_state (f, 5, 5, "");
  script_standing (f, "bus", 5, 2000);
  assert_state (f, 5, 5, "");
  g_assert_cmpstr (f->got->str, ==, "r5:s-1:watch:4:org.example.Path ");
  g_string_truncate (f->got, 0);
  script_standing (f, "bus", 66, 0);
  assert_state (f, 66, 5, "no inotify");
  script_standing (f, "bus", 1, 0); /* from an agent that has lost its revision number */
  assert_state (f, 1, 1, "");
  g_assert_cmpstr (f->got->str, ==, "r66:s-1:watch:4:org.example.Path r1:s-1:watch:4:org.example.Path ");
}

static void
test_standing_hostile (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) denied = NULL;
  g_autoptr (GPtrArray) broken = NULL;
  WireEnvelope envelope;
  const guint32 subscription = STANDING;
  guint8 ids[5];

  start (f);
  script_standing (f, "mallory", 5, 0);
  denied = send_and_receive (f);
  g_assert_true (wire_span_equal (script_find (denied, WIRE_KIND_REPLY)->envelope.error_name,
                                  WIRE_SPAN_LITERAL ("PermissionDenied")));
  wire_envelope_init (&envelope);
  envelope.sender = wire_span_str ("bus");
  envelope.route_id = 701;
  envelope.topic = wire_span_str ("control.collector.standing.tester");
  envelope.subscriptions = wire_span (ids, wire_envelope_pack_u32 (&subscription, 1, ids));
  envelope.payload = wire_span_str ("\xff\xff");
  script_frame (f->base.base.in, WIRE_KIND_REQUEST, 0, &envelope);
  broken = send_and_receive (f);
  g_assert_true (
      wire_span_equal (script_find (broken, WIRE_KIND_REPLY)->envelope.error_name, WIRE_SPAN_LITERAL ("BadRequest")));
  g_assert_cmpstr (f->got->str, ==, "");
}

/* --- health --- */

static void
assert_health (Fixture *f, DeyeBusHealth expected, const char *detail)
{
  g_autofree char *got = NULL;

  g_assert_cmpuint (deye_bus_client_dup_health (f->base.base.client, &got), ==, expected);
  g_assert_cmpstr (got, ==, detail);
}

/* The health of a collector is that of its worst unit. */
static void
test_units (Fixture *f, gconstpointer data)
{
  DeyeBusCollector *collector = f->base.collector;

  deye_bus_collector_set_unit_health (collector, "net", DEYE_BUS_HEALTH_DEGRADED, "slow");
  assert_health (f, DEYE_BUS_HEALTH_DEGRADED, "net: slow");
  deye_bus_collector_set_unit_health (collector, "disk", DEYE_BUS_HEALTH_DEGRADED, NULL);
  assert_health (f, DEYE_BUS_HEALTH_DEGRADED, "disk; net: slow");
  deye_bus_collector_set_unit_health (collector, "net", DEYE_BUS_HEALTH_UNHEALTHY, "down");
  assert_health (f, DEYE_BUS_HEALTH_UNHEALTHY, "net: down");
  deye_bus_collector_set_unit_health (collector, "net", DEYE_BUS_HEALTH_HEALTHY, NULL);
  assert_health (f, DEYE_BUS_HEALTH_DEGRADED, "disk");
  deye_bus_collector_set_unit_health (collector, "disk", DEYE_BUS_HEALTH_HEALTHY, "fine");
  assert_health (f, DEYE_BUS_HEALTH_HEALTHY, "");
}

/* A name that is not UTF-8 is reported as valid text; the unit can become healthy again. */
static void
test_units_not_utf8 (Fixture *f, gconstpointer data)
{
  deye_bus_collector_set_unit_health (f->base.collector, "net\xff", DEYE_BUS_HEALTH_DEGRADED, NULL);
  assert_health (f, DEYE_BUS_HEALTH_DEGRADED, "net\xef\xbf\xbd");
  deye_bus_collector_set_unit_health (f->base.collector, "net\xff", DEYE_BUS_HEALTH_HEALTHY, NULL);
  assert_health (f, DEYE_BUS_HEALTH_HEALTHY, "");
}

#define ADD(path, function) g_test_add ("/client/collector-desired/" path, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("reload", test_reload);
  ADD ("configuration", test_configuration);
  ADD ("standing", test_standing);
  ADD ("standing-hostile", test_standing_hostile);
  ADD ("units", test_units);
  ADD ("units-not-utf8", test_units_not_utf8);
  return g_test_run ();
}

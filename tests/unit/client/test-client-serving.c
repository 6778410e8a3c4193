/* SPDX-License-Identifier: Apache-2.0 */
#include "subscriptions-fixture.h"

/* Serving a topic, the standard methods of a collector, and its heartbeat. */

/* --- serve --- */

static void
on_request (DeyeBusSubscription *subscription, DeyeBusMessage *request, gpointer data)
{
  Log *log = data;
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (request);
  g_autoptr (GError) error = NULL;

  if (g_strcmp0 (deye_bus_message_get_method (request), "Fail") == 0)
    deye_bus_client_respond_error (log->f->client, request, "org.example.No", "not today", &error);
  else
    deye_bus_client_respond (log->f->client, request, payload, NULL, &error);
  g_assert_no_error (error);
  g_assert_false (deye_bus_client_respond (log->f->client, request, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CANCELLED);
  g_string_append (log->got, "served ");
}

/* Returns the messages that the last frame, a CREDIT, grants. */
static guint64
last_credit (GPtrArray *frames)
{
  const ScriptFrame *last = frames->pdata[frames->len - 1];

  g_assert_cmpint (last->kind, ==, WIRE_KIND_CREDIT);
  return last->envelope.credit_messages;
}

static void
test_serve (Fixture *f, gconstpointer data)
{
  Log log;
  g_autoptr (GPtrArray) before = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;
  const ScriptFrame *good, *bad;

  client_fixture_connect (f, NULL);
  subscriptions_fixture_log_init (&log, f);
  script_subscribe_reply (f->in, 2, 100, 100000);
  client_fixture_send (f);
  log.subscription = deye_bus_client_serve (f->client, "control.collector.task.procmond", NULL, on_request, &log,
                                            subscriptions_fixture_on_destroyed, NULL, &error);
  g_assert_no_error (error);
  before = client_fixture_receive (f);
  script_request (f->in, 1, 700, "control.collector.task.procmond", "Echo", "question");
  script_request (f->in, 1, 701, "control.collector.task.procmond", "Fail", "question");
  client_fixture_send (f);
  client_fixture_wait (f, log.got->len == 14);
  frames = client_fixture_receive (f);
  /* The broker prefers servers that have returned their credit, so it is returned at once. */
  g_assert_cmpuint (script_count (frames, WIRE_KIND_REPLY), ==, 2);
  g_assert_cmpuint (last_credit (frames), ==, 100 + 2);
  good = script_find (frames, WIRE_KIND_REPLY);
  bad = frames->pdata[frames->len - 2];
  g_assert_cmpint (bad->kind, ==, WIRE_KIND_REPLY);
  g_assert_cmpint (good->flags, ==, WIRE_FLAG_FINAL);
  g_assert_cmpuint (good->envelope.route, ==, 700);
  g_assert_true (wire_span_equal (good->envelope.payload, WIRE_SPAN_LITERAL ("question")));
  g_assert_cmpuint (bad->envelope.status, ==, WIRE_STATUS_FAILED);
  g_assert_true (wire_span_equal (bad->envelope.error_name, WIRE_SPAN_LITERAL ("org.example.No")));
  g_assert_true (wire_span_equal (bad->envelope.detail, WIRE_SPAN_LITERAL ("not today")));
  subscriptions_fixture_log_clear (&log);
}

/* --- the methods of every collector --- */

static gboolean
on_reload (DeyeBusClient *client, guint64 generation, gpointer data)
{
  g_string_append_printf (((Log *) data)->got, "reload%d ", (int) generation);
  return TRUE;
}

static void
script_reload (Fixture *f)
{
  Daemoneye__Eventbus__V1__ConfigReload reload = DAEMONEYE__EVENTBUS__V1__CONFIG_RELOAD__INIT;
  guint32 subscription = 2;
  guint8 packed[16], ids[5];
  WireEnvelope envelope;

  reload.generation = 9;
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str ("control.collector.config.reload");
  envelope.correlation_id = wire_span_str ("reload-9");
  envelope.subscriptions = wire_span (ids, wire_envelope_pack_u32 (&subscription, 1, ids));
  envelope.payload = wire_span (packed, daemoneye__eventbus__v1__config_reload__pack (&reload, packed));
  script_frame (f->in, WIRE_KIND_DELIVER, 0, &envelope);
}

static void
check_health (const ScriptFrame *frame)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__health_reply__descriptor, frame->envelope.payload, 0, NULL);
  const Daemoneye__Eventbus__V1__HealthReply *reply;

  g_assert_nonnull (guard);
  reply = wire_guard_message (guard);
  g_assert_cmpstr (reply->id, ==, "tester");
  g_assert_cmpuint (reply->health, ==, 2);
  g_assert_cmpstr (reply->detail, ==, "disk nearly full");
  g_assert_cmpuint (reply->pid, ==, test_system_pid ());
  g_assert_cmpuint (reply->requests_served, ==, 2);
}

static void
check_reloaded (const ScriptFrame *frame)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__config_reloaded__descriptor, frame->envelope.payload, 0, NULL);
  const Daemoneye__Eventbus__V1__ConfigReloaded *reloaded;

  g_assert_nonnull (guard);
  reloaded = wire_guard_message (guard);
  g_assert_cmpuint (reloaded->generation, ==, 9);
  g_assert_true (wire_span_equal (frame->envelope.topic, WIRE_SPAN_LITERAL ("results.procmond")));
  g_assert_true (wire_span_equal (frame->envelope.correlation_id, WIRE_SPAN_LITERAL ("reload-9")));
  g_assert_true (
      wire_span_equal (frame->envelope.type_name, WIRE_SPAN_LITERAL ("daemoneye.eventbus.v1.ConfigReloaded")));
}

/* Serving makes two calls: a thread answers the second one when it arrives. */
static gpointer
answer_both (gpointer data)
{
  Fixture *f = data;

  for (guint64 id = 2; id <= 4; id += 2)
    {
      guint received = 0;

      while (received == 0)
        {
          g_autoptr (GPtrArray) frames = NULL;

          raw_socket_wait (f->peer);
          frames = client_fixture_receive (f);
          received = frames->len;
        }
      script_subscribe_reply (f->in, id, 100, 100000);
      client_fixture_send (f);
    }
  return NULL;
}

static GPtrArray *
receive_at_least (Fixture *f, guint n)
{
  GPtrArray *all = g_ptr_array_new_with_free_func ((GDestroyNotify) script_frame_free);

  while (all->len < n)
    {
      g_autoptr (GPtrArray) frames = NULL;

      g_main_context_iteration (f->context, TRUE);
      frames = client_fixture_receive (f);
      g_ptr_array_extend_and_steal (all, g_steal_pointer (&frames));
    }
  return all;
}

static void
test_standard (Fixture *f, gconstpointer data)
{
  Log log;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;
  GThread *thread;

  client_fixture_connect (f, NULL);
  subscriptions_fixture_log_init (&log, f);
  deye_bus_client_set_health (f->client, DEYE_BUS_HEALTH_DEGRADED, "disk nearly full");
  thread = g_thread_new ("broker", answer_both, f);
  g_assert_true (
      deye_bus_client_serve_standard (f->client, on_reload, &log, subscriptions_fixture_on_destroyed, NULL, &error));
  g_thread_join (thread);
  g_assert_no_error (error);
  script_request (f->in, 1, 700, "control.collector.tester", "Ping", "hello");
  script_request (f->in, 1, 704, "control.collector.tester", "HealthCheck", "");
  script_request (f->in, 1, 708, "control.collector.tester", "Dance", "");
  script_reload (f);
  client_fixture_send (f);
  frames = receive_at_least (f, 4);
  g_assert_true (wire_span_equal (((ScriptFrame *) frames->pdata[0])->envelope.payload, WIRE_SPAN_LITERAL ("hello")));
  check_health (frames->pdata[1]);
  g_assert_true (
      wire_span_equal (((ScriptFrame *) frames->pdata[2])->envelope.error_name, WIRE_SPAN_LITERAL ("UnknownMethod")));
  check_reloaded (frames->pdata[3]);
  g_assert_cmpstr (log.got->str, ==, "reload9 ");
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
  client_fixture_settle (f);
  g_assert_cmpuint (log.destroyed, ==, 1);
  subscriptions_fixture_log_clear (&log);
}

static void
test_heartbeat (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) second = NULL;
  gint64 start_us;

  client_fixture_connect (f, NULL);
  g_assert_false (deye_bus_client_set_heartbeat (f->client, 1000, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  g_clear_error (&error);
  start_us = g_get_monotonic_time ();
  g_assert_true (deye_bus_client_set_heartbeat (f->client, 100000, &error));
  first = client_fixture_receive_one (f, WIRE_KIND_PUBLISH);
  g_assert_true (wire_span_equal (((ScriptFrame *) first->pdata[0])->envelope.topic,
                                  WIRE_SPAN_LITERAL ("control.health.heartbeat.tester")));
  second = receive_at_least (f, 2);
  g_assert_cmpint (g_get_monotonic_time () - start_us, >=, 200000);
  g_assert_true (deye_bus_client_set_heartbeat (f->client, 0, NULL));
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/subscriptions/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("serve", test_serve);
  ADD ("standard", test_standard);
  ADD ("heartbeat", test_heartbeat);
  return g_test_run ();
}

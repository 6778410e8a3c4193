/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The health of real processes: collectors that are suspended, hang, read nothing, report bad health, and recover; and an agent
 * that is suspended itself.
 */

#include "health.pb-c.h"
#include "raw-peer.h"
#include "system-events.h"
#include "task-scene.h"
#include "wire-feature.h"
#include "wire-status.h"

#define FROZEN_MS 9000u
#define PROBE     "events.process.lifecycle"

#define HEALTH(name)     DAEMONEYE__EVENTBUS__V1__PEER_HEALTH__PEER_HEALTH_##name
#define TASK_STATE(name) DAEMONEYE__EVENTBUS__V1__TASK_STATE__TASK_##name
#define WAIT(name)       DAEMONEYE__EVENTBUS__V1__WAIT_REASON__WAIT_##name

typedef Daemoneye__Eventbus__V1__HealthListReply HealthListReply;
typedef Daemoneye__Eventbus__V1__HealthListRequest HealthListRequest;
typedef Daemoneye__Eventbus__V1__HealthRecord HealthRecord;

/* The agent's messages about the health of peers. */
typedef struct
{
  TaskScene scene; /* first, for its functions */
  DeyeBusSubscription *subscription;
  GString *seen; /* each change of a state, like "w1:healthy-degraded " */
} HealthScene;

/* Some tests ask for the health until it is as expected. */
static const BusFixtureOptions reporting
    = { .agent_program = TRUE, .limits = "task_heartbeat_us=300000\nintrospect_per_second=1000000" };
static const BusFixtureOptions closing
    = { .agent_program = TRUE, .limits = "task_heartbeat_us=300000\n[peers]\nhealth-failed-action=close" };
/* With this interval, the time for which the agent is suspended is longer than the way from HEALTHY to FAILED. */
static const BusFixtureOptions slow = { .agent_program = TRUE, .limits = "task_heartbeat_us=2000000" };

static const char *const names[] = { "", "healthy", "degraded", "unresponsive", "failed", "gone" };

static void
on_health (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  HealthScene *self = data;
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (message);
  gsize len;
  const guint8 *bytes = g_bytes_get_data (payload, &len);
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__health_record__descriptor, wire_span (bytes, len), 0, NULL);
  const HealthRecord *record;

  g_assert_nonnull (guard);
  record = wire_guard_message (guard);
  g_string_append_printf (self->seen, "%s:%s-%s ", record->id, names[record->before], names[record->state]);
}

static void
health_subscribe (HealthScene *self)
{
  g_autoptr (GError) error = NULL;

  self->subscription = deye_bus_client_subscribe (self->scene.bus.controller, "system.health.#", NULL, on_health, self,
                                                  NULL, NULL, &error);
  g_assert_no_error (error);
}

static void
set_up (HealthScene *self, gconstpointer options)
{
  task_scene_set_up (&self->scene, options);
  self->seen = g_string_new (NULL);
  health_subscribe (self);
}

static void
tear_down (HealthScene *self, gconstpointer options)
{
  g_assert_true (deye_bus_subscription_unsubscribe (self->subscription, NULL, NULL));
  g_clear_object (&self->subscription);
  task_scene_tear_down (&self->scene, options);
  g_string_free (self->seen, TRUE);
}

static gboolean
has_seen (const HealthScene *self, const char *change)
{
  return strstr (self->seen->str, change) != NULL;
}

static void
wait_for (HealthScene *self, const char *change)
{
  test_watchdog_note ("%s", change);
  while (!has_seen (self, change))
    g_main_context_iteration (self->scene.bus.context, TRUE);
}

/* Calls List of control.bus.health for one peer. NULL: the peer is not listed. */
static HealthListReply *
ask (HealthScene *self, const char *id)
{
  HealthListRequest request = DAEMONEYE__EVENTBUS__V1__HEALTH_LIST_REQUEST__INIT;
  g_autofree char *text = g_strdup (id);
  HealthListReply *reply;

  request.id = text;
  reply = (HealthListReply *) task_scene_ask (&self->scene, "control.bus.health", "List", &request.base,
                                              &daemoneye__eventbus__v1__health_list_reply__descriptor);
  g_assert_cmpuint (reply->n_peers, ==, 1);
  return reply;
}

static void
done (HealthListReply *reply)
{
  daemoneye__eventbus__v1__health_list_reply__free_unpacked (reply, NULL);
}

/* A suspended collector: its health becomes worse step by step, it gets no offers, and it is neither disconnected nor counted as
 * dead. Then it continues. */
static void
test_stopped (HealthScene *self, gconstpointer data)
{
  TestProcess *worker = task_scene_collector (&self->scene, "w1", 2);
  g_autoptr (DeyeBusTask) task = NULL;

  test_process_suspend (worker);
  wait_for (self, "w1:degraded-unresponsive");
  g_assert_true (has_seen (self, "w1:healthy-degraded"));
  task = task_scene_submit (&self->scene, "t", "done", "w1");
  task_scene_wait_record (&self->scene, "t", task_scene_has_reason, WAIT (SET_ASIDE));
  wait_for (self, "w1:unresponsive-failed");
  g_assert_false (deye_bus_task_is_finished (task));
  g_assert_false (has_seen (self, "w1:failed-gone"));
  test_process_resume (worker);
  wait_for (self, "w1:failed-degraded");
  task_scene_wait (&self->scene, deye_bus_task_is_finished (task));
  task_scene_assert_result (task, "w1 1");
  wait_for (self, "-healthy");
}

static guint
count_seen (const HealthScene *self, const char *change)
{
  guint n = 0;

  for (const char *at = strstr (self->seen->str, change); at != NULL; at = strstr (at + 1, change))
    n++;
  return n;
}

/* The same with the setting that disconnects it: its task is interrupted. It reconnects, registers again, and continues
 * its work. A collector that gets no CPU before it is suspended is disconnected more than once. */
static void
test_closed (HealthScene *self, gconstpointer data)
{
  g_autoptr (SystemEvents) events = system_events_new (&self->scene.bus);
  TestProcess *worker = task_scene_collector (&self->scene, "w1", 2);
  g_autoptr (DeyeBusTask) task = task_scene_submit (&self->scene, "t", "hold", "w1");
  g_autoptr (TaskRecord) record = NULL;

  task_scene_wait_begun (&self->scene, worker, task);
  test_process_suspend (worker);
  g_assert_cmpuint (system_events_wait_gone (events, "w1")->status, ==, WIRE_STATUS_UNRESPONSIVE);
  wait_for (self, "w1:failed-gone");
  record = task_scene_record (&self->scene, "t");
  task_scene_wait (&self->scene, count_seen (self, "w1:failed-gone") >= record->interruptions);
  g_assert_cmpuint (record->interruptions, >=, 1);
  g_assert_cmpuint (record->deaths, ==, 0);
  test_process_resume (worker);
  test_process_expect_line (worker, "registered");
  task_scene_wait_record (&self->scene, "t", task_scene_has_state, TASK_STATE (RUNNING));
  task_scene_succeed (worker, "t", "later");
  task_scene_wait (&self->scene, deye_bus_task_is_finished (task));
  task_scene_assert_result (task, "later");
}

static void
raw_publish (RawPeer *peer, const char *topic, const ProtobufCMessage *message)
{
  guint8 payload[256];
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.id = 1;
  envelope.topic = wire_span_str (topic);
  envelope.payload = wire_span (payload, protobuf_c_message_pack (message, payload));
  g_assert_true (raw_peer_send (peer, WIRE_KIND_PUBLISH, 0, &envelope));
}

/* Publishes @message as raw-1 until @is_reached. If the test gets no CPU for some rounds, raw-1 misses signs of other signals;
 * these misses end with the next message. */
static HealthListReply *
publish_until (HealthScene *self,
               RawPeer *peer,
               const char *topic,
               const ProtobufCMessage *message,
               gboolean (*is_reached) (const HealthRecord *record))
{
  test_watchdog_note ("the signals that %s explains", topic);
  for (;;)
    {
      HealthListReply *reply;

      raw_publish (peer, topic, message);
      reply = ask (self, "raw-1");
      if (has_seen (self, "raw-1:unresponsive-failed") && is_reached (reply->peers[0]))
        return reply;
      done (reply);
      bus_fixture_run_briefly (&self->scene.bus);
    }
}

static gboolean
is_hanging (const HealthRecord *record)
{
  return record->state == HEALTH (FAILED) && record->signals->loop_missed == 3
         && strstr (record->cause, "main loop") != NULL;
}

/* A thread of the collector still sends, but its main loop, which would answer PING, does not run. */
static void
test_hangs (HealthScene *self, gconstpointer data)
{
  Daemoneye__Eventbus__V1__HealthReport report = DAEMONEYE__EVENTBUS__V1__HEALTH_REPORT__INIT;
  g_autoptr (RawPeer) peer = raw_peer_connect (self->scene.bus.address);

  raw_peer_hello_with (peer, "raw-1", "raw", WIRE_FEATURE_TASKS);
  done (publish_until (self, peer, "control.health.status.raw-1", &report.base, is_hanging));
}

static gboolean
is_not_reading (const HealthRecord *record)
{
  return record->state == HEALTH (FAILED) && record->signals->queue_missed == 3 && record->signals->loop_missed == 0
         && record->signals->queued_bytes > 0 && strstr (record->cause, "reads nothing") != NULL;
}

/* The collector sends heartbeats in time, but does not read the messages that wait for it. */
static void
test_reads_nothing (HealthScene *self, gconstpointer data)
{
  Daemoneye__Eventbus__V1__SubscribeRequest request = DAEMONEYE__EVENTBUS__V1__SUBSCRIBE_REQUEST__INIT;
  Daemoneye__Eventbus__V1__Heartbeat beat = DAEMONEYE__EVENTBUS__V1__HEARTBEAT__INIT;
  g_autoptr (RawPeer) peer = raw_peer_connect (self->scene.bus.address);
  TestProcess *publisher = bus_fixture_worker (&self->scene.bus, "publisher", "procmond");
  char pattern[] = PROBE;
  guint8 packed[64];
  WireEnvelope envelope, answer;

  raw_peer_hello_with (peer, "raw-1", "raw", WIRE_FEATURE_TASKS);
  request.subscription = 1;
  request.pattern = pattern;
  request.window_messages = 1000;
  request.window_bytes = 1u << 22;
  wire_envelope_init (&envelope);
  envelope.id = 1;
  envelope.topic = WIRE_SPAN_LITERAL ("control.bus.subscribe");
  envelope.payload = wire_span (packed, daemoneye__eventbus__v1__subscribe_request__pack (&request, packed));
  g_assert_true (raw_peer_send (peer, WIRE_KIND_REQUEST, 0, &envelope));
  raw_peer_expect (peer, WIRE_KIND_REPLY, &answer);
  test_process_send (publisher, "publish " PROBE " 200 16000"); /* more than a socket takes */
  test_process_expect_line (publisher, "published");
  done (publish_until (self, peer, "control.health.heartbeat.raw-1", &beat.base, is_not_reading));
}

static gboolean
has_unit (HealthScene *self, const char *id, const char *unit, const char *reason)
{
  HealthListReply *reply = ask (self, id);
  const HealthRecord *record = reply->peers[0];
  gboolean found = record->n_units == 1 && g_str_equal (record->units[0]->name, unit)
                   && g_str_equal (record->units[0]->reason, reason) && record->state == HEALTH (DEGRADED);

  done (reply);
  return found;
}

/* The broker may be behind the collector's report, and a collector that gets no CPU can be in another state for a while. */
static void
wait_for_unit (HealthScene *self, const char *id, const char *unit, const char *reason)
{
  test_watchdog_note ("unit %s of %s: %s", unit, id, reason);
  while (!has_unit (self, id, unit, reason))
    bus_fixture_run_briefly (&self->scene.bus);
}

/* A unit of a collector is degraded: the agent reports the reason, also after a restart, and still gives it tasks. */
static void
test_units (HealthScene *self, gconstpointer data)
{
  TestProcess *worker = task_scene_collector (&self->scene, "w1", 2);
  g_autoptr (DeyeBusTask) task = NULL;

  test_process_send (worker, "unit disk 2 full");
  test_process_expect_line (worker, "unit disk");
  wait_for (self, "w1:healthy-degraded");
  wait_for_unit (self, "w1", "disk", "full");
  task = task_scene_submit (&self->scene, "t", "done", "w1");
  task_scene_wait (&self->scene, deye_bus_task_is_finished (task));
  g_clear_object (&self->subscription);
  g_string_truncate (self->seen, 0);
  task_scene_restart_agent (&self->scene, &reporting);
  health_subscribe (self);
  test_process_expect_line (worker, "registered");
  wait_for (self, "w1:healthy-degraded");
  wait_for_unit (self, "w1", "disk", "full");
  test_process_send (worker, "unit disk 1 fine");
  test_process_expect_line (worker, "unit disk");
  wait_for (self, "w1:degraded-healthy");
}

static gboolean
on_resume (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

/* The agent is suspended for longer than a peer needs to fail: no peer gets a miss. */
static void
test_frozen_agent (HealthScene *self, gconstpointer data)
{
  GSource *timer = g_timeout_source_new (FROZEN_MS);
  g_autoptr (DeyeBusTask) task = NULL;
  gboolean is_over = FALSE;
  HealthListReply *reply;

  task_scene_collector (&self->scene, "w1", 2);
  g_source_set_callback (timer, on_resume, &is_over, NULL);
  test_process_suspend (self->scene.bus.broker);
  g_source_attach (timer, self->scene.bus.context);
  task_scene_wait (&self->scene, is_over);
  test_process_resume (self->scene.bus.broker);
  g_source_unref (timer);
  task = task_scene_submit (&self->scene, "t", "done", "w1");
  task_scene_wait (&self->scene, deye_bus_task_is_finished (task));
  g_assert_false (has_seen (self, "w1:"));
  reply = ask (self, "w1");
  g_assert_cmpint (reply->peers[0]->state, ==, HEALTH (HEALTHY));
  g_assert_cmpuint (reply->peers[0]->transitions, ==, 0);
  done (reply);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, options, function)                                                                                   \
  g_test_add ("/integration/health/" path, HealthScene, options, set_up, function, tear_down)
  ADD ("M13-K04-stopped-and-continued", &reporting, test_stopped);
  ADD ("M13-failed-connection-is-closed", &closing, test_closed);
  ADD ("M13-main-loop-hangs", &reporting, test_hangs);
  ADD ("M13-reads-nothing", &reporting, test_reads_nothing);
  ADD ("M13-units", &reporting, test_units);
  ADD ("M13-D02-frozen-agent", &slow, test_frozen_agent);
  return g_test_run ();
}

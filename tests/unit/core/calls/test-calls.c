/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-calls.h"

#include "calls/bus-budget.h"
#include "calls/bus-describe.h"
#include "route/route-fixture.h"
#include "work/bus-schedule.h"
#include "work/bus-work.h"
#include "control.pb-c.h"
#include "introspection.pb-c.h"
#include "wire-feature.h"

/* The broker's methods: each topic of the table is answered exactly once, and described as it is served. */

typedef Daemoneye__Eventbus__V1__IntrospectReply IntrospectReply;

typedef struct
{
  Peers peers;
  BusPeer *asker;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  routes_setup (&f->peers, NULL);
  f->peers.core->budget = bus_budget_new ();
  f->peers.core->work = bus_work_new (f->peers.core->seed);
  bus_schedule_init (f->peers.core);
  f->peers.core->epoch = 77;
  f->asker = peers_ready (&f->peers, "asker", 1000);
  f->asker->features = WIRE_FEATURE_DELIVERY | WIRE_FEATURE_STREAM;
}

static void
teardown (Fixture *f, gconstpointer data)
{
  bus_budget_free (g_steal_pointer (&f->peers.core->budget));
  bus_schedule_clear (f->peers.core);
  bus_work_free (g_steal_pointer (&f->peers.core->work));
  routes_teardown (&f->peers, NULL);
}

/* Calls a method, and takes the frame that answers it. There is exactly one, to the id of the call. */
static PeerFrame *
call_method (Fixture *f, const char *topic, const char *method, const char *payload, gsize len)
{
  g_autoptr (PeerArrival) arrival = peer_arrival_new (&f->peers, NULL, topic, payload, len);
  g_autoptr (GPtrArray) frames = NULL;
  const PeerFrame *frame;

  arrival->envelope.method = wire_span_str (method);
  g_assert_true (bus_calls_serves (f->asker, arrival->envelope.topic));
  bus_calls_answer (f->asker, &arrival->inbound, f->peers.core->now_us);
  frames = peers_take (f->asker);
  g_assert_cmpuint (frames->len, ==, 1);
  frame = g_ptr_array_index (frames, 0);
  g_assert_cmpuint (frame->envelope.answers, ==, arrival->envelope.id);
  return g_ptr_array_steal_index (frames, 0);
}

static PeerFrame *
call (Fixture *f, const char *topic, const char *payload, gsize len)
{
  return call_method (f, topic, "", payload, len);
}

static void
assert_error (Fixture *f, const char *topic, const char *payload, gsize len, WireStatus status)
{
  PeerFrame *frame = call (f, topic, payload, len);

  g_assert_cmpuint (frame->kind, ==, WIRE_KIND_ERROR);
  g_assert_cmpstr (wire_status_name (frame->envelope.status), ==, wire_status_name (status));
  peer_frame_free (frame);
}

/* If a topic has several methods, the envelope names one of them. */
static void
test_named (Fixture *f, gconstpointer data)
{
  f->asker->features |= WIRE_FEATURE_TASKS;
  assert_error (f, "control.bus.collectors", NULL, 0, WIRE_STATUS_NO_RESPONDERS);
  assert_error (f, "control.collector.registration", NULL, 0, WIRE_STATUS_NO_RESPONDERS);
}

/* A method of a feature is refused if the peer was not granted the feature. */
static void
test_features (Fixture *f, gconstpointer data)
{
  f->asker->features = WIRE_FEATURE_STREAM;
  assert_error (f, "control.bus.wait", NULL, 0, WIRE_STATUS_UNSUPPORTED);
}

static void
assert_serves (Fixture *f, const char *topic, gboolean expected)
{
  g_assert_cmpint (bus_calls_serves (f->asker, wire_span_str (topic)), ==, expected);
}

static void
test_serves (Fixture *f, gconstpointer data)
{
  assert_serves (f, "control.bus.ping", TRUE);
  assert_serves (f, "control.bus.unknown", TRUE);
  assert_serves (f, "control.bus.", FALSE);
  assert_serves (f, "control.bus", FALSE);
  assert_serves (f, "control.busy.ping", FALSE);
  assert_serves (f, "control.collector.bus", FALSE);
}

/* Some topics of the broker were served by peers in earlier versions: for a peer without the feature, peers still serve
 * them. */
static void
test_serves_tasks (Fixture *f, gconstpointer data)
{
  static const char *const topics[] = { "control.collector.registration", "control.collector.task" };

  for (guint i = 0; i < G_N_ELEMENTS (topics); i++)
    {
      f->asker->features = WIRE_FEATURE_STREAM;
      assert_serves (f, topics[i], FALSE);
      f->asker->features |= WIRE_FEATURE_TASKS;
      assert_serves (f, topics[i], TRUE);
    }
  assert_serves (f, "control.collector.task.process", FALSE);
}

static void
test_ping (Fixture *f, gconstpointer data)
{
  Daemoneye__Eventbus__V1__PingReply *reply;
  PeerFrame *frame;

  f->peers.core->now_us += 600;
  frame = call (f, "control.bus.ping", NULL, 0);
  g_assert_cmpuint (frame->kind, ==, WIRE_KIND_REPLY);
  g_assert_cmpuint (frame->flags, ==, WIRE_FLAG_FINAL);
  reply = daemoneye__eventbus__v1__ping_reply__unpack (NULL, frame->envelope.payload.len, frame->envelope.payload.data);
  g_assert_nonnull (reply);
  g_assert_cmpuint (reply->epoch, ==, 77);
  g_assert_cmpuint (reply->uptime_us, ==, 600);
  g_assert_cmpuint (reply->subscriptions, ==, 0);
  daemoneye__eventbus__v1__ping_reply__free_unpacked (reply, NULL);
  peer_frame_free (frame);
}

static void
test_refused (Fixture *f, gconstpointer data)
{
  assert_error (f, "control.bus.unknown", NULL, 0, WIRE_STATUS_NO_RESPONDERS);
  assert_error (f, "control.bus.pingx", NULL, 0, WIRE_STATUS_NO_RESPONDERS);
  assert_error (f, "control.bus.pin", NULL, 0, WIRE_STATUS_NO_RESPONDERS);
  assert_error (f, "control.bus.ping", "\xff\xff\xff", 3, WIRE_STATUS_BAD_MESSAGE);
  assert_error (f, "control.bus.subscribe", NULL, 0, WIRE_STATUS_BAD_MESSAGE);
  assert_error (f, "control.bus.unsubscribe", NULL, 0, WIRE_STATUS_NOT_SUBSCRIBED);
  assert_error (f, "control.bus.adjust", NULL, 0, WIRE_STATUS_NOT_SUBSCRIBED);
}

/* The topic of each method, in the order of describe. */
static const struct
{
  const char *topic;
  const char *name;
} described[] = {
  { "control.bus.subscribe", "subscribe" },
  { "control.bus.adjust", "adjust" },
  { "control.bus.unsubscribe", "unsubscribe" },
  { "control.bus.drain", "drain" },
  { "control.bus.lost", "lost" },
  { "control.bus.ping", "ping" },
  { "control.bus.stats", "stats" },
  { "control.bus.introspect", "introspect" },
  { "control.bus.timeline", "timeline" },
  { "control.bus.describe", "describe" },
  { "control.bus.wait", "wait" },
  { "control.bus.will", "will" },
  { "control.bus.clear", "clear" },
  { "control.collector.registration", "Register" },
  { "control.collector.registration", "Update" },
  { "control.collector.registration", "Deregister" },
  { "control.collector.registration", "Verify" },
  { "control.bus.collectors", "List" },
  { "control.bus.collectors", "Barrier" },
  { "control.bus.collectors", "Drain" },
  { "control.bus.health", "List" },
  { "control.bus.standing", "Set" },
  { "control.bus.standing", "Get" },
  { "control.bus.gather", "Gather" },
  { "control.collector.task", "Submit" },
  { "control.bus.task", "Await" },
  { "control.bus.task", "Get" },
  { "control.bus.task", "Result" },
  { "control.bus.task", "List" },
  { "control.bus.task", "Cancel" },
  { "control.bus.task", "Settle" },
  { "control.bus.task", "Release" },
  { "control.bus.task", "Drop" },
  { "control.bus.task", "PauseOperation" },
  { "control.bus.task", "ResumeOperation" },
  { "control.bus.task", "Limit" },
  { "control.bus.task", "Operations" },
};

/* Asserts that the method is answered with the type in its description. */
static void
check_method (Fixture *f, const Daemoneye__Eventbus__V1__MethodInfo *method)
{
  PeerFrame *answer;

  g_assert_true (g_str_has_prefix (method->request_type, "daemoneye.eventbus.v1."));
  g_assert_true (g_str_has_prefix (method->reply_type, "daemoneye.eventbus.v1."));
  g_assert_cmpuint (strlen (method->doc), >, 10);
  if (strcmp (method->name, "Await") == 0)
    return; /* answered later; see test-bus-tasks */
  answer = call_method (f, method->topic, method->name, NULL, 0);
  if (answer->kind == WIRE_KIND_REPLY)
    g_assert_true (wire_span_equal (answer->envelope.type_name, wire_span_str (method->reply_type)));
  else
    g_assert_cmpuint (answer->envelope.status, !=, WIRE_STATUS_NO_RESPONDERS);
  peer_frame_free (answer);
}

/* Each method in the description is answered on its topic, and its types are in the schema. */
static void
test_described (Fixture *f, gconstpointer data)
{
  PeerFrame *frame = call (f, "control.bus.describe", NULL, 0);
  const Daemoneye__Eventbus__V1__ServiceInfo *service;
  IntrospectReply *reply;

  g_assert_cmpuint (frame->kind, ==, WIRE_KIND_REPLY);
  reply = daemoneye__eventbus__v1__introspect_reply__unpack (NULL, frame->envelope.payload.len,
                                                             frame->envelope.payload.data);
  g_assert_nonnull (reply);
  g_assert_cmpstr (reply->id, ==, "bus");
  g_assert_cmpuint (reply->n_services, ==, 1);
  g_assert_cmpuint (reply->n_types, ==, 1);
  service = reply->services[0];
  f->asker->features |= WIRE_FEATURE_TASKS;
  g_assert_cmpuint (service->n_methods, ==, G_N_ELEMENTS (described));
  for (guint i = 0; i < service->n_methods; i++)
    {
      g_assert_cmpstr (service->methods[i]->name, ==, described[i].name);
      g_assert_cmpstr (service->methods[i]->topic, ==, described[i].topic);
      check_method (f, service->methods[i]);
    }
  g_assert_cmpuint (service->n_events, ==, 20);
  for (guint i = 0; i < service->n_events; i++)
    g_assert_true (g_str_has_prefix (service->events[i]->topic, "system."));
  daemoneye__eventbus__v1__introspect_reply__free_unpacked (reply, NULL);
  peer_frame_free (frame);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/calls/serves", test_serves);
  ADD ("/core/calls/M09-serves-tasks", test_serves_tasks);
  ADD ("/core/calls/M09-named", test_named);
  ADD ("/core/calls/ping", test_ping);
  ADD ("/core/calls/refused", test_refused);
  ADD ("/core/calls/O03-features", test_features);
  ADD ("/core/calls/M23-described", test_described);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "introspect-fixture.h"

#include "base/bus-limits.h"
#include "control.pb-c.h"
#include "envelope.pb-c.h"
#include "wire-descriptors.h"
#include "wire-feature.h"

/* The methods that the broker lists, and those that a peer serves itself. */

/* --- describe --- */

static WireGuard *
describe (Client *client, const char *service, gboolean without_types)
{
  Daemoneye__Eventbus__V1__IntrospectRequest request = DAEMONEYE__EVENTBUS__V1__INTROSPECT_REQUEST__INIT;
  g_autoptr (Got) got = NULL;
  WireGuard *guard;

  request.service = (char *) service;
  request.without_types = without_types;
  got = client_call (client, "control.bus.describe", &request.base, WIRE_STATUS_OK);
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__introspect_reply__descriptor, got->envelope.payload, 0, NULL);
  g_assert_nonnull (guard);
  return guard;
}

/* A request that each method answers, in this order. */
static const struct
{
  const char *name;
  const char *request; /* protobuf bytes */
  gsize len;
  gboolean is_denied; /* to a collector, or without a feature */
  const char *topic;  /* NULL: control.bus.{name} */
} requests[] = {
  { "subscribe", "\x08\x01\x12\x08health.#", 12, FALSE, NULL },
  { "adjust", "\x08\x01", 2, FALSE, NULL },
  { "unsubscribe", "\x08\x01", 2, FALSE, NULL },
  { "drain", "", 0, TRUE, NULL },
  { "lost", "", 0, TRUE, NULL },
  { "ping", "", 0, FALSE, NULL },
  { "stats", "", 0, FALSE, NULL },
  { "introspect", "\x08\x01", 2, FALSE, NULL },
  { "timeline", "\x0a\x01x", 3, TRUE, NULL },
  { "describe", "", 0, FALSE, NULL },
  { "wait", "", 0, TRUE, NULL },
  { "will", "", 0, TRUE, NULL },
  { "clear", "\x0a\x01#", 3, TRUE, NULL },
  { "Register", "", 0, TRUE, "control.collector.registration" },
  { "Update", "", 0, TRUE, "control.collector.registration" },
  { "Deregister", "", 0, TRUE, "control.collector.registration" },
  { "Verify", "", 0, TRUE, "control.collector.registration" },
  { "List", "", 0, TRUE, "control.bus.collectors" },
  { "Barrier", "", 0, TRUE, "control.bus.collectors" },
  { "Drain", "", 0, TRUE, "control.bus.collectors" },
  { "List", "", 0, TRUE, "control.bus.health" },
  { "Set", "", 0, TRUE, "control.bus.standing" },
  { "Get", "", 0, TRUE, "control.bus.standing" },
  { "Gather", "", 0, TRUE, "control.bus.gather" },
  { "Submit", "", 0, TRUE, "control.collector.task" },
  { "Await", "", 0, TRUE, "control.bus.task" },
  { "Get", "", 0, TRUE, "control.bus.task" },
  { "Result", "", 0, TRUE, "control.bus.task" },
  { "List", "", 0, TRUE, "control.bus.task" },
  { "Cancel", "", 0, TRUE, "control.bus.task" },
  { "Settle", "", 0, TRUE, "control.bus.task" },
  { "Release", "", 0, TRUE, "control.bus.task" },
  { "Drop", "", 0, TRUE, "control.bus.task" },
  { "PauseOperation", "", 0, TRUE, "control.bus.task" },
  { "ResumeOperation", "", 0, TRUE, "control.bus.task" },
  { "Limit", "", 0, TRUE, "control.bus.task" },
  { "Operations", "", 0, TRUE, "control.bus.task" },
};

static const struct
{
  const char *name;
  const char *topic;
  const char *type_name;
} events[] = {
  { "PeerConnected", "system.peer.connected", "daemoneye.eventbus.v1.PeerEvent" },
  { "PeerGone", "system.peer.gone", "daemoneye.eventbus.v1.PeerEvent" },
  { "Drop", "system.drop", "daemoneye.eventbus.v1.DropEvent" },
  { "Slow", "system.slow", "daemoneye.eventbus.v1.SlowEvent" },
  { "Cascade", "system.cascade", "daemoneye.eventbus.v1.CascadeEvent" },
  { "CollectorRegistered", "system.collector.registered", "daemoneye.eventbus.v1.CollectorEvent" },
  { "CollectorSuspect", "system.collector.suspect", "daemoneye.eventbus.v1.CollectorEvent" },
  { "CollectorSetAside", "system.collector.set-aside", "daemoneye.eventbus.v1.CollectorEvent" },
  { "CollectorDraining", "system.collector.draining", "daemoneye.eventbus.v1.CollectorEvent" },
  { "CollectorGone", "system.collector.gone", "daemoneye.eventbus.v1.CollectorEvent" },
  { "Collector", "system.collector.+", "daemoneye.eventbus.v1.CollectorRecord" },
  { "Health", "system.health.+", "daemoneye.eventbus.v1.HealthRecord" },
  { "TaskQueued", "system.task.queued", "daemoneye.eventbus.v1.TaskEvent" },
  { "TaskLeased", "system.task.leased", "daemoneye.eventbus.v1.TaskEvent" },
  { "TaskStarted", "system.task.started", "daemoneye.eventbus.v1.TaskEvent" },
  { "TaskRetry", "system.task.retry", "daemoneye.eventbus.v1.TaskEvent" },
  { "TaskExpired", "system.task.expired", "daemoneye.eventbus.v1.TaskEvent" },
  { "TaskStale", "system.task.stale", "daemoneye.eventbus.v1.TaskEvent" },
  { "TaskQuarantined", "system.task.quarantined", "daemoneye.eventbus.v1.TaskEvent" },
  { "TaskDone", "system.task.done", "daemoneye.eventbus.v1.TaskEvent" },
};

static void
ask_method (Client *client, const Daemoneye__Eventbus__V1__MethodInfo *method, guint at)
{
  g_autofree char *topic = requests[at].topic != NULL ? g_strdup (requests[at].topic)
                                                      : g_strconcat ("control.bus.", requests[at].name, NULL);
  g_autoptr (Got) got = NULL;
  WireEnvelope envelope;

  g_assert_cmpstr (method->name, ==, requests[at].name);
  g_assert_cmpstr (method->topic, ==, topic);
  g_assert_cmpstr (method->group, ==, "");
  g_assert_cmpstr (method->doc, !=, "");
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (method->topic);
  envelope.payload = wire_span (requests[at].request, requests[at].len);
  client_send (client, WIRE_KIND_REQUEST, 0, &envelope);
  got = client_take (client, requests[at].is_denied ? WIRE_KIND_ERROR : WIRE_KIND_REPLY);
  g_assert_nonnull (got);
  if (!requests[at].is_denied)
    g_assert_cmpmem (got->envelope.type_name.data, got->envelope.type_name.len, method->reply_type,
                     strlen (method->reply_type));
}

static gboolean
contains_text (WireSpan span, const char *text)
{
  gsize len = strlen (text);

  for (gsize at = 0; at + len <= span.len; at++)
    if (memcmp (span.data + at, text, len) == 0)
      return TRUE;
  return FALSE;
}

/* The set of types contains a message of that name, without "daemoneye.eventbus.v1.". */
static void
expect_type (WireSpan types, const char *full_name)
{
  const char *name = strrchr (full_name, '.') + 1;

  g_assert_true (g_str_has_prefix (full_name, "daemoneye.eventbus.v1."));
  g_assert_true (contains_text (types, name));
}

static void
test_describe (Core *core, gconstpointer data)
{
  Client *client = client_ready (core, "one", "procmond");
  g_autoptr (WireGuard) guard = describe (client, "", FALSE);
  const Daemoneye__Eventbus__V1__IntrospectReply *reply = wire_guard_message (guard);
  const Daemoneye__Eventbus__V1__ServiceInfo *service;
  WireSpan types = wire_descriptors ();

  g_assert_cmpstr (reply->id, ==, "bus");
  g_assert_cmpuint (reply->n_types, ==, 1);
  g_assert_cmpmem (reply->types[0].data, reply->types[0].len, types.data, types.len);
  g_assert_cmpuint (reply->n_services, ==, 1);
  service = reply->services[0];
  g_assert_cmpstr (service->name, ==, "daemoneye.eventbus.Broker");
  g_assert_cmpuint (service->n_methods, ==, G_N_ELEMENTS (requests));
  for (guint i = 0; i < service->n_methods; i++)
    {
      ask_method (client, service->methods[i], i);
      expect_type (types, service->methods[i]->request_type);
      expect_type (types, service->methods[i]->reply_type);
    }
  g_assert_cmpuint (service->n_events, ==, G_N_ELEMENTS (events));
  for (guint i = 0; i < service->n_events; i++)
    {
      g_assert_cmpstr (service->events[i]->name, ==, events[i].name);
      g_assert_cmpstr (service->events[i]->topic, ==, events[i].topic);
      g_assert_cmpstr (service->events[i]->type_name, ==, events[i].type_name);
      expect_type (types, service->events[i]->type_name);
    }
  g_assert_cmpuint (service->n_properties, ==, 0);
}

static void
test_describe_part (Core *core, gconstpointer data)
{
  Client *client = client_ready (core, "one", "procmond");
  g_autoptr (WireGuard) own = describe (client, "daemoneye.eventbus.Broker", TRUE);
  g_autoptr (WireGuard) other = describe (client, "org.example.Disk", FALSE);
  const Daemoneye__Eventbus__V1__IntrospectReply *reply = wire_guard_message (own);

  g_assert_cmpuint (reply->n_services, ==, 1);
  g_assert_cmpuint (reply->n_types, ==, 0);
  reply = wire_guard_message (other);
  g_assert_cmpuint (reply->n_services, ==, 0);
  g_assert_cmpuint (reply->n_types, ==, 1);
}

/* A reply that does not fit a payload is refused, and the error names the limit. */
static void
test_describe_too_large (Core *core, gconstpointer data)
{
  Daemoneye__Eventbus__V1__IntrospectRequest request = DAEMONEYE__EVENTBUS__V1__INTROSPECT_REQUEST__INIT;

  g_assert_null (
      client_call (client_ready (core, "one", "procmond"), "control.bus.describe", &request.base, WIRE_STATUS_LIMIT));
}

/* --- a peer's own methods --- */

static void
subscribe_methods (Client *client,
                   guint32 number,
                   const char *pattern,
                   const char *group,
                   gboolean serve,
                   WireStatus want)
{
  Daemoneye__Eventbus__V1__SubscribeRequest request = DAEMONEYE__EVENTBUS__V1__SUBSCRIBE_REQUEST__INIT;
  g_autoptr (Got) got = NULL;

  request.subscription = number;
  request.pattern = (char *) pattern;
  request.group = (char *) group;
  request.serve = serve;
  request.methods = TRUE;
  got = client_call (client, "control.bus.subscribe", &request.base, want);
}

static guint64
send_direct (Client *client, const char *topic, const char *target)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  envelope.target = wire_span_str (target);
  return client_send (client, WIRE_KIND_PUBLISH, WIRE_FLAG_WANT_ACK, &envelope);
}

static void
test_methods (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *one = client_ready (core, "one", "procmond");
  g_autoptr (WireGuard) guard = NULL;

  subscribe_methods (one, 1, "control.collector.one", "", FALSE, WIRE_STATUS_BAD_MESSAGE);
  subscribe_methods (one, 1, "control.collector.one", "workers", TRUE, WIRE_STATUS_BAD_MESSAGE);
  subscribe_methods (one, 1, "control.collector.two", "", TRUE, WIRE_STATUS_BAD_MESSAGE);
  subscribe_methods (one, 1, "tasks.procmond", "", TRUE, WIRE_STATUS_BAD_MESSAGE);
  subscribe_methods (one, 1, "control.collector.one", "", TRUE, WIRE_STATUS_OK);

  /* It gets requests, but no direct messages. */
  client_request (agent, "control.collector.one", NULL, 0);
  client_request (agent, "control.collector.one", "one", 0);
  g_assert_cmpuint (client_count (one, WIRE_KIND_REQUEST), ==, 2);
  client_expect_error (agent, send_direct (agent, "control.collector.one", "one"), WIRE_STATUS_NOT_SUBSCRIBED);
  g_assert_cmpuint (client_count (one, WIRE_KIND_DELIVER), ==, 0);
  guard = client_introspect (agent, SUBSCRIPTIONS, NULL, 0, "one", WIRE_STATUS_OK);
  g_assert_cmpuint (introspect_reply (guard)->n_subscriptions, ==, 1);
  g_assert_true (introspect_reply (guard)->subscriptions[0]->serve);
  g_assert_true (introspect_reply (guard)->subscriptions[0]->methods);

  /* A topic that the program itself serves gets both. */
  client_serve (one, 2, "control.collector.one");
  send_direct (agent, "control.collector.one", "one");
  {
    g_autoptr (Got) got = client_take (one, WIRE_KIND_DELIVER);
    WireSpan ids = got->envelope.subscriptions;
    guint32 id;

    g_assert_true (wire_envelope_next_u32 (&ids, &id));
    g_assert_cmpuint (id, ==, 2);
    g_assert_false (wire_envelope_next_u32 (&ids, &id));
  }
}

/* Tools and the agent serve theirs, too. */
static void
test_methods_of_all_roles (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *tool = tool_ready (core, "tool-1");
  Client *one = client_ready (core, "one", "procmond");

  subscribe_methods (agent, 1, "control.collector.daemoneye-agent", "", TRUE, WIRE_STATUS_OK);
  subscribe_methods (tool, 1, "control.collector.tool-1", "", TRUE, WIRE_STATUS_OK);
  client_request (tool, "control.collector.daemoneye-agent", NULL, 0);
  client_request (agent, "control.collector.tool-1", NULL, 0);
  g_assert_cmpuint (client_count (agent, WIRE_KIND_REQUEST), ==, 1);
  g_assert_cmpuint (client_count (tool, WIRE_KIND_REQUEST), ==, 1);
  client_expect_error (one, client_request (one, "control.collector.tool-1", NULL, 0), WIRE_STATUS_DENIED);
}

/* --- features --- */

static void
test_features (Core *core, gconstpointer data)
{
  Client *tool = tool_ready (core, "tool-1");
  Client *client = client_new (core, 1000, FALSE);
  Daemoneye__Eventbus__V1__Hello hello = DAEMONEYE__EVENTBUS__V1__HELLO__INIT;
  g_autoptr (Got) got = NULL;
  g_autoptr (WireGuard) welcome = NULL;
  g_autoptr (WireGuard) peers = NULL;
  guint8 body[WIRE_HELLO_MAX];

  hello.magic = 0x42594544;
  hello.oldest_version = hello.newest_version = 1 << 16;
  hello.id = (char *) "newer";
  hello.type = (char *) "procmond";
  hello.role = 1;
  hello.features = WIRE_FEATURE_PEER_METHODS | 1ull << 40;
  client_send_frame (client, WIRE_KIND_HELLO, 0, wire_span (body, daemoneye__eventbus__v1__hello__pack (&hello, body)));
  got = client_take (client, WIRE_KIND_WELCOME);
  g_assert_nonnull (got);
  welcome = wire_guard_unpack (&daemoneye__eventbus__v1__welcome__descriptor, got->body, 0, NULL);
  g_assert_cmpuint (((const Daemoneye__Eventbus__V1__Welcome *) wire_guard_message (welcome))->features, ==,
                    WIRE_FEATURE_PEER_METHODS);
  peers = client_introspect (tool, PEERS, NULL, 0, NULL, WIRE_STATUS_OK);
  g_assert_cmpstr (introspect_reply (peers)->peers[0]->id, ==, "newer");
  g_assert_cmpuint (introspect_reply (peers)->peers[0]->features, ==, WIRE_FEATURE_PEER_METHODS);
  g_assert_cmpuint (introspect_reply (peers)->peers[1]->features, ==, 0);
}

#define ADD(path, limits, function) g_test_add (path, Core, limits, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  BusLimits wide, small;

  g_test_init (&argc, &argv, NULL);
  bus_limits_init (&wide);
  wide.introspect_per_second = 1000000;
  small = wide;
  small.max_payload = 2 * 512 + 512; /* the least for topics of 512 bytes */
  small.topic_bytes = 512;
  small.topic_segments = 16;
  small.max_subscriptions = 300;

  ADD ("/core/introspect/M23-describe", NULL, test_describe);
  ADD ("/core/introspect/M23-describe-part", NULL, test_describe_part);
  ADD ("/core/introspect/M23-describe-too-large", &small, test_describe_too_large);
  ADD ("/core/introspect/M23-methods", NULL, test_methods);
  ADD ("/core/introspect/M23-methods-of-all-roles", NULL, test_methods_of_all_roles);
  ADD ("/core/introspect/M23-features", NULL, test_features);
  return g_test_run ();
}

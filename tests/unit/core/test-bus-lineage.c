/* SPDX-License-Identifier: Apache-2.0 */
#include "core-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "control.pb-c.h"
#include "wire-feature.h"

/* Correlated messages: cascades that are refused and reported, and the timeline for the agent and tools. */

#define TOPIC  "health.x"
#define SERVED "health.echo"

typedef Daemoneye__Eventbus__V1__CascadeEvent CascadeEvent;
typedef Daemoneye__Eventbus__V1__TimelineItem TimelineItem;
typedef Daemoneye__Eventbus__V1__TimelineReply TimelineReply;
typedef Daemoneye__Eventbus__V1__TimelineRequest TimelineRequest;

static Client *
ready (Core *core, const char *id)
{
  Client *client = client_ready (core, id, "procmond");

  client->peer->features |= WIRE_FEATURE_DELIVERY;
  return client;
}

static guint64
send_as (Client *client,
         guint8 kind,
         const char *topic,
         const char *id,
         const char *parent,
         const char *root,
         guint32 depth)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  envelope.correlation_id = wire_span_str (id);
  envelope.parent_id = wire_span_str (parent);
  envelope.root_id = wire_span_str (root);
  envelope.depth = depth;
  return client_send (client, kind, 0, &envelope);
}

static guint64
publish (Client *client, const char *id, const char *parent, const char *root, guint32 depth)
{
  return send_as (client, WIRE_KIND_PUBLISH, TOPIC, id, parent, root, depth);
}

static void
expect_refused (Client *client, guint64 id)
{
  client_expect_error (client, id, WIRE_STATUS_CASCADE);
  g_assert_false (client->closed);
}

/* The next event; NULL: there is none. */
static WireGuard *
take_cascade (Client *watcher)
{
  g_autoptr (Got) got = client_take (watcher, WIRE_KIND_DELIVER);
  WireGuard *guard;

  if (got == NULL)
    return NULL;
  g_assert_true (wire_span_equal (got->envelope.topic, wire_span_str ("system.cascade")));
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__cascade_event__descriptor, got->envelope.payload, 0, NULL);
  g_assert_nonnull (guard);
  return guard;
}

/* --- cascades --- */

/* Beyond the limit the message is refused by name, and the first refusal is reported at once. */
static void
test_depth (Core *core, gconstpointer data)
{
  Client *watcher = agent_ready (core);
  Client *client = ready (core, "one");
  Client *reader = client_ready (core, "two", "procmond");
  g_autoptr (WireGuard) guard = NULL;
  g_autoptr (Got) error = NULL;
  const CascadeEvent *event;
  guint64 id;

  client_subscribe (watcher, 1, "system.cascade", NULL);
  client_subscribe (reader, 1, TOPIC, NULL);
  publish (client, "a", NULL, NULL, 5);
  g_assert_cmpuint (client_count (reader, WIRE_KIND_DELIVER), ==, 1);
  id = publish (client, "b", "x", "r", 6);
  error = client_take (client, WIRE_KIND_ERROR);
  g_assert_nonnull (error);
  g_assert_cmpuint (error->envelope.answers, ==, id);
  g_assert_cmpuint (error->envelope.status, ==, WIRE_STATUS_CASCADE);
  g_assert_cmpuint (error->envelope.limit, ==, 5);
  g_assert_cmpuint (error->envelope.value, ==, 6);
  g_assert_true (wire_span_equal (error->envelope.setting, wire_span_str ("cascade_depth")));
  g_assert_cmpuint (client_count (reader, WIRE_KIND_DELIVER), ==, 1);

  guard = take_cascade (watcher);
  g_assert_nonnull (guard);
  event = wire_guard_message (guard);
  g_assert_cmpstr (event->peer, ==, "one");
  g_assert_cmpstr (event->what, ==, "depth");
  g_assert_cmpuint (event->count, ==, 1);
  g_assert_cmpuint (event->limit, ==, 5);
  g_assert_cmpuint (event->depth, ==, 6);
  g_assert_cmpstr (event->topic, ==, TOPIC);
  g_assert_cmpstr (event->correlation_id, ==, "b");
  g_assert_cmpstr (event->parent_id, ==, "x");
  g_assert_cmpstr (event->root_id, ==, "r");
}

/* The recorded depth of the parent overrides the depth in the message. */
static void
test_recorded_depth (Core *core, gconstpointer data)
{
  Client *client = ready (core, "one");
  Client *other = client_ready (core, "two", "procmond"); /* without the feature, so its message has no depth */

  publish (client, "a", NULL, NULL, 4);
  publish (other, "b", "a", NULL, 0);
  expect_refused (other, publish (other, "c", "b", NULL, 0));
  g_assert_cmpuint (client_count (client, WIRE_KIND_ERROR), ==, 0);
}

/* Two peers answer each other's messages endlessly. */
static void
test_circle (Core *core, gconstpointer data)
{
  Client *watcher = agent_ready (core);
  Client *one = ready (core, "one");
  Client *two = ready (core, "two");
  g_autoptr (WireGuard) guard = NULL;
  const CascadeEvent *event;

  client_subscribe (watcher, 1, "system.cascade", NULL);
  publish (one, "a", NULL, NULL, 0);
  publish (two, "b", "a", "a", 1);
  expect_refused (one, publish (one, "a", "b", "a", 2));
  guard = take_cascade (watcher);
  g_assert_nonnull (guard);
  event = wire_guard_message (guard);
  g_assert_cmpstr (event->what, ==, "circle");
  g_assert_cmpstr (event->peer, ==, "one");
  publish (one, "c", "b", "a", 2);
  g_assert_cmpuint (client_count (one, WIRE_KIND_ERROR), ==, 0);
}

/* The limit applies to requests as well; calls of the broker's methods are not counted. */
static void
test_request (Core *core, gconstpointer data)
{
  Client *client = ready (core, "one");
  Client *server = client_ready (core, "two", "procmond");
  g_autoptr (Got) reply = NULL;

  client_serve (server, 1, SERVED);
  expect_refused (client, send_as (client, WIRE_KIND_REQUEST, SERVED, "a", NULL, NULL, 6));
  g_assert_cmpuint (client_count (server, WIRE_KIND_REQUEST), ==, 0);
  send_as (client, WIRE_KIND_REQUEST, SERVED, "a", NULL, NULL, 5);
  g_assert_cmpuint (client_count (server, WIRE_KIND_REQUEST), ==, 1);
  send_as (client, WIRE_KIND_REQUEST, "control.bus.ping", "a", "a", NULL, 9);
  reply = client_take (client, WIRE_KIND_REPLY);
  g_assert_nonnull (reply);
}

/* Sums the counts of all events that arrived. */
static guint64
sum_cascades (Client *watcher, guint *n)
{
  guint64 sum = 0;
  WireGuard *guard;

  for (*n = 0; (guard = take_cascade (watcher)) != NULL; ++*n)
    {
      sum += ((const CascadeEvent *) wire_guard_message (guard))->count;
      wire_guard_free (guard);
    }
  return sum;
}

/* At most one event a second, and exact counts, also when the peer disconnects before the next event. */
static void
test_rate (Core *core, gconstpointer data)
{
  Client *watcher = agent_ready (core);
  Client *client = ready (core, "one");
  guint n;

  client_subscribe (watcher, 1, "system.cascade", NULL);
  for (guint i = 0; i < 5; i++)
    publish (client, "a", NULL, NULL, 6);
  g_assert_cmpuint (sum_cascades (watcher, &n), ==, 1);
  core_advance (core, G_USEC_PER_SEC);
  g_assert_cmpuint (sum_cascades (watcher, &n), ==, 4);
  g_assert_cmpuint (n, ==, 1);
  core_advance (core, 2 * G_USEC_PER_SEC);
  g_assert_cmpuint (sum_cascades (watcher, &n), ==, 0);
  publish (client, "a", NULL, NULL, 6);
  publish (client, "a", NULL, NULL, 6);
  client_disconnect (client);
  core_flush (core);
  g_assert_cmpuint (sum_cascades (watcher, &n), ==, 2);
  g_assert_cmpuint (n, ==, 2);
}

/* --- the timeline --- */

static WireGuard *
read_timeline (Client *client, const char *id, guint64 after, guint limit, WireStatus want)
{
  TimelineRequest request = DAEMONEYE__EVENTBUS__V1__TIMELINE_REQUEST__INIT;
  g_autoptr (Got) got = NULL;
  WireGuard *guard;

  request.id = (char *) (gsize) id;
  request.after = after;
  request.limit = limit;
  got = client_call (client, "control.bus.timeline", &request.base, want);
  if (got == NULL)
    return NULL;
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__timeline_reply__descriptor, got->envelope.payload, 0, NULL);
  g_assert_nonnull (guard);
  return guard;
}

static void
assert_item (const TimelineItem *item, guint kind, const char *sender, const char *id, WireStatus status, guint matched)
{
  g_assert_cmpuint (item->kind, ==, kind);
  g_assert_cmpstr (item->sender, ==, sender);
  g_assert_cmpstr (item->correlation_id, ==, id);
  g_assert_cmpstr (wire_status_name (item->status), ==, wire_status_name (status));
  g_assert_cmpuint (item->matched, ==, matched);
  g_assert_cmpint (item->accept_seq > 0, ==, status == WIRE_STATUS_OK);
}

/* Every kind of message, with its outcome. */
static void
test_timeline (Core *core, gconstpointer data)
{
  Client *tool = tool_ready (core, "tool");
  Client *one = ready (core, "one");
  Client *two = ready (core, "two");
  g_autoptr (WireGuard) guard = NULL;
  g_autoptr (Got) request = NULL;
  const TimelineReply *reply;
  WireEnvelope envelope;

  tool->peer->features |= WIRE_FEATURE_DELIVERY;
  client_subscribe (two, 1, TOPIC, NULL);
  publish (one, "a", NULL, NULL, 0);
  publish (one, NULL, NULL, NULL, 0); /* without ids */
  send_as (two, WIRE_KIND_REQUEST, SERVED, "b", "a", "a", 1);
  client_serve (one, 1, SERVED);
  send_as (two, WIRE_KIND_REQUEST, SERVED, "c", "a", "a", 1);
  request = client_take (one, WIRE_KIND_REQUEST);
  g_assert_nonnull (request);
  wire_envelope_init (&envelope);
  envelope.route = request->envelope.route_id;
  envelope.correlation_id = wire_span_str ("d");
  envelope.parent_id = wire_span_str ("c");
  client_send (one, WIRE_KIND_REPLY, WIRE_FLAG_FINAL, &envelope);
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (TOPIC);
  envelope.target = wire_span_str ("nobody");
  envelope.correlation_id = wire_span_str ("e");
  envelope.parent_id = wire_span_str ("d");
  client_send (one, WIRE_KIND_PUBLISH, 0, &envelope);
  publish (one, "f", "d", "a", 6);

  guard = read_timeline (tool, "d", 0, 0, WIRE_STATUS_OK);
  reply = wire_guard_message (guard);
  g_assert_cmpstr (reply->root_id, ==, "a");
  g_assert_cmpuint (reply->n_items, ==, 6);
  assert_item (reply->items[0], WIRE_KIND_PUBLISH, "one", "a", WIRE_STATUS_OK, 1);
  assert_item (reply->items[1], WIRE_KIND_REQUEST, "two", "b", WIRE_STATUS_NO_RESPONDERS, 0);
  assert_item (reply->items[2], WIRE_KIND_REQUEST, "two", "c", WIRE_STATUS_OK, 1);
  assert_item (reply->items[3], WIRE_KIND_REPLY, "one", "d", WIRE_STATUS_OK, 1);
  assert_item (reply->items[4], WIRE_KIND_PUBLISH, "one", "e", WIRE_STATUS_ABSENT, 0);
  assert_item (reply->items[5], WIRE_KIND_PUBLISH, "one", "f", WIRE_STATUS_CASCADE, 0);
  g_assert_cmpuint (reply->items[3]->depth, ==, 2);
  g_assert_cmpuint (reply->items[4]->depth, ==, 3);
  g_assert_cmpstr (reply->items[4]->target, ==, "nobody");
  g_assert_cmpuint (reply->next, ==, 0);
  g_assert_cmpuint (reply->lost, ==, 0);
}

/* A message that a limit refuses is recorded as well. */
static void
test_limit (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *one = ready (core, "one");
  g_autoptr (WireGuard) guard = NULL;
  const TimelineReply *reply;
  WireEnvelope envelope;

  agent->peer->features |= WIRE_FEATURE_DELIVERY;
  client_subscribe (one, 1, TOPIC, NULL);
  core->core->limits.max_pending_requests = 0;
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (TOPIC);
  envelope.target = wire_span_str ("one");
  envelope.correlation_id = wire_span_str ("a");
  client_expect_error (one, client_send (one, WIRE_KIND_PUBLISH, WIRE_FLAG_WANT_DELIVERED, &envelope),
                       WIRE_STATUS_LIMIT);
  guard = read_timeline (agent, "a", 0, 0, WIRE_STATUS_OK);
  reply = wire_guard_message (guard);
  g_assert_cmpuint (reply->n_items, ==, 1);
  assert_item (reply->items[0], WIRE_KIND_PUBLISH, "one", "a", WIRE_STATUS_LIMIT, 0);
}

/* The pages together contain each record exactly once. */
static void
test_pages (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *one = ready (core, "one");
  guint64 after = 0;
  guint n = 0;

  agent->peer->features |= WIRE_FEATURE_DELIVERY;
  for (guint i = 0; i < 10; i++)
    {
      g_autofree char *id = g_strdup_printf ("m%u", i);

      publish (one, id, NULL, "r", 0);
      publish (one, "other", NULL, NULL, 0);
    }
  do
    {
      g_autoptr (WireGuard) guard = read_timeline (agent, "r", after, 3, WIRE_STATUS_OK);
      const TimelineReply *reply = wire_guard_message (guard);

      g_assert_cmpuint (reply->n_items, ==, n < 9 ? 3 : 1);
      for (gsize i = 0; i < reply->n_items; i++, n++)
        {
          g_autofree char *id = g_strdup_printf ("m%u", n);

          g_assert_cmpstr (reply->items[i]->correlation_id, ==, id);
        }
      after = reply->next;
    }
  while (after != 0);
  g_assert_cmpuint (n, ==, 10);
}

static void
test_refused (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *one = ready (core, "one");

  publish (one, "a", NULL, NULL, 0);
  agent->peer->features &= ~WIRE_FEATURE_DELIVERY;
  read_timeline (agent, "a", 0, 0, WIRE_STATUS_UNSUPPORTED);
  agent->peer->features |= WIRE_FEATURE_DELIVERY;
  read_timeline (one, "a", 0, 0, WIRE_STATUS_DENIED);
  read_timeline (agent, "b", 0, 0, WIRE_STATUS_ABSENT);
  read_timeline (agent, "", 0, 0, WIRE_STATUS_BAD_MESSAGE);
  read_timeline (agent, "a", 0, 1001, WIRE_STATUS_BAD_MESSAGE);
}

/* A message above a bound is refused with the name of the bound, and the connection stays open. */
static void
test_bounds (Core *core, gconstpointer data)
{
  Client *one = ready (core, "one");
  g_autofree char *text = g_strnfill (WIRE_ID_MAX + 1, 'x');
  g_autoptr (Got) error = NULL;
  guint64 id = publish (one, text, NULL, NULL, 0);

  error = client_take (one, WIRE_KIND_ERROR);
  g_assert_nonnull (error);
  g_assert_cmpuint (error->envelope.answers, ==, id);
  g_assert_cmpuint (error->envelope.status, ==, WIRE_STATUS_LIMIT);
  g_assert_cmpuint (error->envelope.limit, ==, WIRE_ID_MAX);
  g_assert_cmpuint (error->envelope.value, ==, WIRE_ID_MAX + 1);
  g_assert_false (one->closed);
}

#define ADD(path, function) g_test_add (path, Core, NULL, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/cascade/M30-depth", test_depth);
  ADD ("/core/cascade/M30-recorded-depth", test_recorded_depth);
  ADD ("/core/cascade/M30-cycle", test_circle);
  ADD ("/core/cascade/M30-request", test_request);
  ADD ("/core/cascade/M30-rate", test_rate);
  ADD ("/core/timeline-call/M24-timeline", test_timeline);
  ADD ("/core/timeline-call/M24-limit", test_limit);
  ADD ("/core/timeline-call/M24-pages", test_pages);
  ADD ("/core/timeline-call/A11-refused", test_refused);
  ADD ("/core/lineage/M24-bounds", test_bounds);
  return g_test_run ();
}

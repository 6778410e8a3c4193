/* SPDX-License-Identifier: Apache-2.0 */
#include "control.pb-c.h"
#include "core-fixture.h"
#include "wire-guard.h"

/* The receivers of each message: the whole path from received to sent bytes, with clients that send and receive frames. */

#define TOPIC "events.process.lifecycle"

static guint
deliveries (Client *client, guint32 subscription)
{
  guint64 delivered, missed;

  client_sum (client, subscription, &delivered, &missed);
  g_assert_cmpuint (missed, ==, 0);
  return (guint) delivered;
}

static void
test_wildcards (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *reader = client_ready (core, "reader", "netmond");

  client_subscribe (reader, 1, "events.#", NULL);
  client_subscribe (reader, 2, "events.process.+", NULL);
  client_subscribe (reader, 3, TOPIC, NULL);
  client_subscribe (reader, 4, "events.network.#", NULL);
  client_publish (publisher, TOPIC, 0, "x", 1);

  /* One frame names all matching subscriptions, each once. */
  g_assert_cmpuint (client_count (reader, WIRE_KIND_DELIVER), ==, 1);
  {
    g_autoptr (Got) got = client_take (reader, WIRE_KIND_DELIVER);
    WireSpan ids = got->envelope.subscriptions;
    guint32 id;

    for (guint32 want = 1; want <= 3; want++)
      {
        g_assert_true (wire_envelope_next_u32 (&ids, &id));
        g_assert_cmpuint (id, ==, want);
      }
    g_assert_false (wire_envelope_next_u32 (&ids, &id));
    g_assert_cmpmem (got->envelope.payload.data, got->envelope.payload.len, "x", 1);
    g_assert_cmpmem (got->envelope.sender.data, got->envelope.sender.len, "procmond-1", 10);
    g_assert_cmpuint (got->envelope.accept_seq, >, 0);
    g_assert_cmpuint (got->envelope.accept_time_us, >=, 1000000);
  }
}

static void
test_metadata_is_untouched (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *reader = client_ready (core, "reader", "netmond");
  g_autoptr (Got) got = NULL;
  WireEnvelope sent;

  client_subscribe (reader, 1, "events.#", NULL);
  wire_envelope_init (&sent);
  sent.topic = wire_span_str (TOPIC);
  sent.correlation_id = wire_span_str ("corr");
  sent.parent_id = wire_span_str ("parent");
  sent.root_id = wire_span_str ("root");
  sent.trace_id = wire_span_str ("0123456789abcdef");
  sent.span_id = wire_span_str ("01234567");
  sent.sequence_number = 42;
  sent.stage = wire_span_str ("collect");
  sent.n_tags = 2;
  sent.tags[0] = wire_span_str ("a=1");
  sent.tags[1] = wire_span_str ("b=2");
  sent.payload = wire_span_str ("payload");
  client_send (publisher, WIRE_KIND_PUBLISH, 0, &sent);

  got = client_take (reader, WIRE_KIND_DELIVER);
  g_assert_nonnull (got);
  g_assert_true (wire_span_equal (got->envelope.correlation_id, sent.correlation_id));
  g_assert_true (wire_span_equal (got->envelope.parent_id, sent.parent_id));
  g_assert_true (wire_span_equal (got->envelope.root_id, sent.root_id));
  g_assert_true (wire_span_equal (got->envelope.trace_id, sent.trace_id));
  g_assert_true (wire_span_equal (got->envelope.span_id, sent.span_id));
  g_assert_true (wire_span_equal (got->envelope.stage, sent.stage));
  g_assert_true (wire_span_equal (got->envelope.payload, sent.payload));
  g_assert_cmpuint (got->envelope.sequence_number, ==, 42);
  g_assert_cmpuint (got->envelope.n_tags, ==, 2);
  g_assert_true (wire_span_equal (got->envelope.tags[1], sent.tags[1]));
}

static void
test_group (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *members[4];

  for (guint i = 0; i < 4; i++)
    {
      g_autofree char *id = g_strdup_printf ("member-%u", i);

      members[i] = client_ready (core, id, "netmond");
      client_subscribe (members[i], 1, i % 2 ? "events.#" : "events.process.+", "workers");
      client_subscribe (members[i], 2, TOPIC, "workers");
    }
  for (guint i = 0; i < 400; i++)
    client_publish (publisher, TOPIC, 0, "x", 1);
  for (guint i = 0; i < 4; i++)
    {
      guint n = deliveries (members[i], 1) + deliveries (members[i], 2);

      g_assert_cmpuint (n, ==, 100);
    }
}

static void
test_group_skips_the_full (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *small = client_ready (core, "small", "netmond");
  Client *large = client_ready (core, "large", "netmond");

  client_subscribe_full (small, 1, TOPIC, "workers", FALSE, 3, 0, WIRE_STATUS_OK);
  client_subscribe (large, 1, TOPIC, "workers");
  for (guint i = 0; i < 100; i++)
    client_publish (publisher, TOPIC, 0, "x", 1);
  g_assert_cmpuint (deliveries (small, 1), ==, 3);
  g_assert_cmpuint (deliveries (large, 1), ==, 97);
}

static void
test_group_member_disconnects (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *agent = agent_ready (core);
  Client *first = client_ready (core, "first", "netmond");
  Client *second = client_ready (core, "second", "netmond");
  g_autoptr (Got) gone = NULL;
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__PeerEvent *event;

  client_subscribe (agent, 1, "system.#", NULL);
  /* The window is one message: the second of two messages waits in the broker. */
  client_subscribe_full (first, 1, TOPIC, "workers", FALSE, 1, 0, WIRE_STATUS_OK);
  client_publish (publisher, TOPIC, 0, "sent", 4);
  client_publish (publisher, TOPIC, 0, "unsent", 6);
  g_assert_cmpuint (deliveries (first, 1), ==, 1);

  client_subscribe (second, 1, TOPIC, "workers");
  client_disconnect (first);
  core_flush (core);

  g_assert_cmpuint (deliveries (second, 1), ==, 1);
  gone = client_take (agent, WIRE_KIND_DELIVER);
  g_assert_nonnull (gone);
  g_assert_cmpmem (gone->envelope.topic.data, gone->envelope.topic.len, "system.peer.gone", 16);
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__peer_event__descriptor, gone->envelope.payload, 0, NULL);
  g_assert_nonnull (guard);
  event = wire_guard_message (guard);
  g_assert_cmpstr (event->id, ==, "first");
  g_assert_cmpuint (event->pid, ==, 4321);
  g_assert_cmpuint (event->uid, ==, 1000);
  g_assert_cmpstr (event->account, ==, "account-1000");
  g_assert_cmpuint (event->subscriptions, ==, 1);
  g_assert_cmpuint (event->rerouted, ==, 1);
  g_assert_cmpuint (event->unacknowledged, ==, 1);
  g_assert_cmpuint (event->discarded, ==, 0);
}

static void
test_direct (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *target = client_ready (core, "target", "netmond");
  Client *other = client_ready (core, "other", "netmond");
  WireEnvelope envelope;
  guint64 id;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str ("control.collector.config");
  envelope.target = wire_span_str ("nobody");
  id = client_send (agent, WIRE_KIND_PUBLISH, WIRE_FLAG_WANT_ACK, &envelope);
  client_expect_error (agent, id, WIRE_STATUS_ABSENT);

  envelope.id = 0;
  envelope.target = wire_span_str ("target");
  id = client_send (agent, WIRE_KIND_PUBLISH, WIRE_FLAG_WANT_ACK, &envelope);
  client_expect_error (agent, id, WIRE_STATUS_NOT_SUBSCRIBED);

  client_subscribe (target, 1, "control.collector.#", NULL);
  client_subscribe (other, 1, "control.collector.#", NULL);
  envelope.id = 0;
  id = client_send (agent, WIRE_KIND_PUBLISH, WIRE_FLAG_WANT_ACK | WIRE_FLAG_WANT_DELIVERED, &envelope);
  {
    g_autoptr (Got) ack = client_take (agent, WIRE_KIND_ACK);
    g_autoptr (Got) got = client_take (target, WIRE_KIND_DELIVER);
    g_autoptr (Got) done = NULL;
    WireEnvelope delivered;

    g_assert_nonnull (ack);
    g_assert_cmpuint (ack->envelope.answers, ==, id);
    g_assert_cmpuint (ack->envelope.queued, ==, 1);
    g_assert_nonnull (got);
    g_assert_cmpuint (got->envelope.route_id, !=, 0);
    g_assert_cmpuint (client_count (other, WIRE_KIND_DELIVER), ==, 0);

    client_reply (target, got->envelope.route_id, "nobody asked"); /* the route is for DELIVERED only */
    client_expect_error (target, target->next_id, WIRE_STATUS_EXPIRED);
    g_assert_cmpuint (client_count (agent, WIRE_KIND_REPLY), ==, 0);
    wire_envelope_init (&delivered);
    delivered.route = got->envelope.route_id;
    client_send (target, WIRE_KIND_DELIVERED, 0, &delivered);
    done = client_take (agent, WIRE_KIND_DELIVERED);
    g_assert_nonnull (done);
    g_assert_cmpuint (done->envelope.answers, ==, id);
  }
}

/* A direct message to a topic that the target serves is also delivered, on its serving subscription. */
static void
test_direct_to_server (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *target = client_ready (core, "target", "netmond");
  Client *other = client_ready (core, "other", "netmond");
  WireEnvelope envelope;

  client_serve (other, 1, "control.collector.task.network");
  client_serve (target, 8, "control.collector.task.network");
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str ("control.collector.task.network");
  envelope.target = wire_span_str ("target");
  client_send (agent, WIRE_KIND_PUBLISH, 0, &envelope);
  g_assert_cmpuint (deliveries (target, 8), ==, 1);
  g_assert_cmpuint (client_count (other, WIRE_KIND_DELIVER), ==, 0);
  g_assert_cmpuint (client_count (agent, WIRE_KIND_ERROR), ==, 0);
}

static void
test_direct_unknown (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *target = client_ready (core, "target", "netmond");
  WireEnvelope envelope;
  guint64 first, second;

  client_subscribe (target, 1, "control.collector.#", NULL);
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str ("control.collector.config");
  envelope.target = wire_span_str ("target");
  envelope.deadline_us = 1000;
  first = client_send (agent, WIRE_KIND_PUBLISH, WIRE_FLAG_WANT_DELIVERED, &envelope);
  core_advance (core, 2000);
  client_expect_error (agent, first, WIRE_STATUS_UNKNOWN);

  envelope.id = 0;
  second = client_send (agent, WIRE_KIND_PUBLISH, WIRE_FLAG_WANT_DELIVERED, &envelope);
  client_disconnect (target);
  core_flush (core);
  client_expect_error (agent, second, WIRE_STATUS_UNKNOWN);
}

static void
test_broadcast (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *members[3];
  g_autoptr (Got) ack = NULL;

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("member-%u", i);

      members[i] = client_ready (core, id, "netmond");
      client_subscribe (members[i], 1, "control.collector.config.#", "group");
    }
  client_subscribe (members[0], 2, "control.#", NULL);
  client_publish (agent, "control.collector.config.reload", WIRE_FLAG_WANT_ACK | WIRE_FLAG_BROADCAST, "x", 1);
  ack = client_take (agent, WIRE_KIND_ACK);
  g_assert_nonnull (ack);
  g_assert_cmpuint (ack->envelope.matched, ==, 4);
  g_assert_cmpuint (ack->envelope.queued, ==, 4);
  for (guint i = 0; i < 3; i++)
    {
      g_assert_cmpuint (client_count (members[i], WIRE_KIND_DELIVER), ==, 1);
      g_assert_cmpuint (deliveries (members[i], 1), ==, 1);
    }
}

static void
test_many_subscriptions (Core *core, gconstpointer data)
{
  const gsize size = 1 << 20;
  g_autofree guint8 *payload = g_malloc0 (size + 1);
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *reader = client_ready (core, "reader", "netmond");
  g_autoptr (Got) got = NULL;
  guint32 id;
  guint n = 0;

  for (guint32 i = 0; i < 1024; i++)
    client_subscribe (reader, G_MAXUINT32 - i, i % 2 ? "events.#" : TOPIC, NULL);
  client_subscribe_full (reader, 5, "events.#", NULL, FALSE, 0, 0, WIRE_STATUS_LIMIT);

  client_publish (publisher, TOPIC, 0, payload, size);
  g_assert_cmpuint (client_count (reader, WIRE_KIND_DELIVER), ==, 1);
  got = client_take (reader, WIRE_KIND_DELIVER);
  g_assert_cmpuint (got->envelope.payload.len, ==, size);
  while (wire_envelope_next_u32 (&got->envelope.subscriptions, &id))
    n++;
  g_assert_cmpuint (n, ==, 1024);
  g_assert_cmpuint (got->body.len, <=, size + 2 * 8192);

  client_publish (publisher, TOPIC, 0, payload, size + 1);
  client_expect_error (publisher, publisher->next_id, WIRE_STATUS_LIMIT);
}

static void
test_unsubscribe (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *reader = client_ready (core, "reader", "netmond");
  Daemoneye__Eventbus__V1__UnsubscribeRequest request = DAEMONEYE__EVENTBUS__V1__UNSUBSCRIBE_REQUEST__INIT;
  g_autoptr (Got) reply = NULL;
  WireEnvelope envelope;
  guint8 payload[16];
  guint64 id;

  client_subscribe (reader, 1, TOPIC, NULL);
  client_publish (publisher, TOPIC, 0, "x", 1);
  request.subscription = 1;
  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL ("control.bus.unsubscribe");
  envelope.payload = wire_span (payload, daemoneye__eventbus__v1__unsubscribe_request__pack (&request, payload));
  client_send (reader, WIRE_KIND_REQUEST, 0, &envelope);
  reply = client_take (reader, WIRE_KIND_REPLY);
  g_assert_nonnull (reply);
  client_publish (publisher, TOPIC, 0, "y", 1);
  g_assert_cmpuint (deliveries (reader, 1), ==, 1);

  envelope.id = 0;
  id = client_send (reader, WIRE_KIND_REQUEST, 0, &envelope);
  client_expect_error (reader, id, WIRE_STATUS_NOT_SUBSCRIBED);
}

static void
test_rights (Core *core, gconstpointer data)
{
  Client *procmond = client_ready (core, "procmond-1", "procmond");
  Client *netmond = client_ready (core, "netmond-1", "netmond");
  Client *agent = agent_ready (core);
  WireEnvelope envelope;
  guint64 id;

  id = client_publish (netmond, TOPIC, 0, "x", 1);
  client_expect_error (netmond, id, WIRE_STATUS_DENIED);
  id = client_publish (procmond, "system.peer.gone", 0, "x", 1);
  client_expect_error (procmond, id, WIRE_STATUS_DENIED);
  id = client_request (netmond, "control.collector.procmond-1", "procmond-1", 0);
  client_expect_error (netmond, id, WIRE_STATUS_DENIED);
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (TOPIC);
  envelope.target = wire_span_str ("procmond-1");
  id = client_send (netmond, WIRE_KIND_PUBLISH, 0, &envelope);
  client_expect_error (netmond, id, WIRE_STATUS_DENIED);
  id = client_publish (netmond, "control.collector.config.reload", WIRE_FLAG_BROADCAST, "x", 1);
  client_expect_error (netmond, id, WIRE_STATUS_DENIED);
  client_subscribe_full (netmond, 1, "system.#", NULL, FALSE, 0, 0, WIRE_STATUS_DENIED);
  client_subscribe_full (netmond, 1, "control.collector.procmond-1", NULL, TRUE, 0, 0, WIRE_STATUS_DENIED);

  /* A wildcard also matches topics that the peer may not read: they are filtered at delivery, also in groups. */
  client_subscribe (netmond, 1, "control.#", NULL);
  client_subscribe (netmond, 2, "control.#", "group");
  client_subscribe (procmond, 1, "control.#", NULL);
  client_publish (agent, "control.shutdown.procmond-1", 0, "x", 1);
  g_assert_cmpuint (deliveries (procmond, 1), ==, 1);
  g_assert_cmpuint (client_count (netmond, WIRE_KIND_DELIVER), ==, 0);
}

/* The cache keeps the publish rights of a topic with the topic. They do not apply to the next topic that takes its place,
 * whether a peer or the broker publishes to that one first. */
static void
test_rights_of_cached (Core *unused, gconstpointer data)
{
  Client *procmond, *netmond;
  BusLimits limits;
  Core core;

  bus_limits_init (&limits);
  limits.topic_cache = 16;
  core_setup (&core, &limits);
  procmond = client_ready (&core, "procmond-1", "procmond");
  netmond = client_ready (&core, "netmond-1", "netmond");
  client_publish (procmond, TOPIC, 0, "x", 1);
  for (guint i = 0; i < 40; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.network.n%u", i);

      client_publish (netmond, topic, 0, "x", 1);
      client_expect_error (procmond, client_publish (procmond, topic, 0, "x", 1), WIRE_STATUS_DENIED);
    }
  for (guint i = 0; i < 40; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.process.p%u", i);

      client_publish (procmond, topic, 0, "x", 1);
    }
  client_ready (&core, "netmond-2", "netmond");
  client_expect_error (procmond, client_publish (procmond, "system.peer.connected", 0, "x", 1), WIRE_STATUS_DENIED);
  g_assert_null (client_take (netmond, WIRE_KIND_ERROR));
  core_teardown (&core, NULL);
}

/* The cost of many subscriptions of one peer is counted, and subscriptions with waiting messages cost more; a few subscriptions
 * cost nothing. */
static void
test_work (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *few = client_ready (core, "netmond-1", "netmond");
  Client *many = client_ready (core, "netmond-2", "netmond");
  guint64 before = bus_core_work (core->core);

  for (guint32 i = 1; i <= 16; i++)
    client_subscribe_full (few, i, TOPIC, NULL, FALSE, 1, 0, WIRE_STATUS_OK);
  client_publish (publisher, TOPIC, 0, "x", 1);
  client_publish (publisher, TOPIC, 0, "x", 1);
  g_assert_cmpuint (bus_core_work (core->core), ==, before);
  for (guint32 i = 1; i <= 100; i++)
    client_subscribe_full (many, i, TOPIC, NULL, FALSE, 1, 0, WIRE_STATUS_OK);
  client_publish (publisher, TOPIC, 0, "x", 1);
  g_assert_cmpuint (bus_core_work (core->core), ==, before + 100);
  client_publish (publisher, TOPIC, 0, "x", 1); /* their windows are closed */
  g_assert_cmpuint (bus_core_work (core->core), ==, before + 100 + 3200);
}

static void
test_denied_is_noted (Core *core, gconstpointer data)
{
  Client *procmond = client_ready (core, "procmond-1", "procmond");
  BusCoreStats stats;
  BusNote note;
  gboolean seen = FALSE;

  client_publish (procmond, "events.network.dns", 0, "x", 1);
  while (bus_core_next_note (core->core, &note, NULL))
    if (note.kind == BUS_NOTE_DENIED)
      {
        g_assert_cmpstr (note.id, ==, "procmond-1");
        g_assert_nonnull (strstr (note.detail, "rule"));
        seen = TRUE;
      }
  g_assert_true (seen);
  bus_core_stats (core->core, &stats);
  g_assert_cmpuint (stats.denied, ==, 1);
}

/* A member of a group can be the target of a direct message. */
static void
test_direct_to_group_member (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *members[3];
  WireEnvelope envelope;

  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("member-%u", i);

      members[i] = client_ready (core, id, "netmond");
      client_subscribe (members[i], 1, "control.collector.#", "group");
    }
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str ("control.collector.config");
  envelope.target = wire_span_str ("member-1");
  client_send (agent, WIRE_KIND_PUBLISH, 0, &envelope);
  for (guint i = 0; i < 3; i++)
    g_assert_cmpuint (deliveries (members[i], 1), ==, i == 1 ? 1 : 0);
}

static void
test_invalid_topics_and_patterns (Core *core, gconstpointer data)
{
  static const char *const bad[]
      = { "", "Events.a", "events..a", ".events", "events.", "events.+", "events.#", "events.a+", "systemx.y" };
  Client *client = client_ready (core, "procmond-1", "procmond");

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    client_expect_error (client, client_publish (client, bad[i], 0, "x", 1), WIRE_STATUS_BAD_TOPIC);
  client_subscribe_full (client, 1, "events.#.a", NULL, FALSE, 0, 0, WIRE_STATUS_BAD_PATTERN);
  client_subscribe_full (client, 1, "events.*.a", NULL, FALSE, 0, 0, WIRE_STATUS_BAD_PATTERN);
  client_subscribe_full (client, 1, "control.collector.+", NULL, TRUE, 0, 0, WIRE_STATUS_BAD_PATTERN);
  client_subscribe_full (client, 0, "events.#", NULL, FALSE, 0, 0, WIRE_STATUS_BAD_MESSAGE);
  g_assert_false (client->closed);
}

static void
test_disconnect_frees_subscriptions_and_groups (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *reader = client_ready (core, "reader", "netmond");
  BusCoreStats before, after;
  g_autoptr (Got) ack = NULL;

  bus_core_stats (core->core, &before);
  client_subscribe (reader, 1, "events.#", NULL);
  client_subscribe (reader, 2, TOPIC, "workers");
  client_disconnect (reader);
  bus_core_stats (core->core, &after);
  g_assert_cmpuint (after.subscriptions, ==, 0);
  g_assert_cmpuint (after.groups, ==, 0);
  g_assert_cmpuint (after.charged_bytes, <, before.charged_bytes);

  client_publish (publisher, TOPIC, WIRE_FLAG_WANT_ACK, "x", 1);
  ack = client_take (publisher, WIRE_KIND_ACK);
  g_assert_nonnull (ack);
  g_assert_cmpuint (ack->envelope.matched, ==, 0);
}

#define ADD(path, function) g_test_add (path, Core, NULL, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/router/M03-T08-wildcards", test_wildcards);
  ADD ("/core/router/M24-metadata", test_metadata_is_untouched);
  ADD ("/core/router/M06-group", test_group);
  ADD ("/core/router/M06-group-skips-the-full", test_group_skips_the_full);
  ADD ("/core/router/M15-group-member-disconnects", test_group_member_disconnects);
  ADD ("/core/router/M04-direct", test_direct);
  ADD ("/core/router/M04-direct-to-server", test_direct_to_server);
  ADD ("/core/router/M04-direct-unknown", test_direct_unknown);
  ADD ("/core/router/M05-broadcast", test_broadcast);
  ADD ("/core/router/R05-many-subscriptions", test_many_subscriptions);
  ADD ("/core/router/unsubscribe", test_unsubscribe);
  ADD ("/core/router/A07-A08-rights", test_rights);
  ADD ("/core/router/A07-rights-of-cached", test_rights_of_cached);
  ADD ("/core/router/R09-work", test_work);
  ADD ("/core/router/A15-denied-is-noted", test_denied_is_noted);
  ADD ("/core/router/M04-direct-to-group-member", test_direct_to_group_member);
  ADD ("/core/router/T01-T02-invalid-topics-and-patterns", test_invalid_topics_and_patterns);
  ADD ("/core/router/M15-disconnect-frees-subscriptions-and-groups", test_disconnect_frees_subscriptions_and_groups);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "index/bus-topics.h"
#include "core-fixture.h"
#include "introspection.pb-c.h"

/* Counters of topics: the table alone, and its use by the core. */

#define TOPIC "events.process.lifecycle"

/* --- alone --- */

/* Each message is counted at a later time than the one before. */
static gint64
next_time_us (void)
{
  static gint64 now_us = 7;

  return now_us++;
}

static BusTopic *
place (BusTopics *topics, const char *topic)
{
  return bus_topics_place (topics, bus_key (5, wire_span_str (topic)), next_time_us ());
}

static void
test_places (void)
{
  static const char *const names[] = { "events.m", "events", "events.z", "events.m.a", "events.a", "events.mm" };
  static const char *const sorted[] = { "events", "events.a", "events.m", "events.m.a", "events.mm", "events.z" };
  BusTopics topics = { 0 };
  BusTopic *places[G_N_ELEMENTS (names)];

  bus_topics_init (&topics, 16);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    places[i] = place (&topics, names[i]);
  for (guint i = 0; i < G_N_ELEMENTS (names); i++)
    {
      BusTopic *in_order = g_ptr_array_index (bus_topics_by_name (&topics), i);

      g_assert_true (place (&topics, names[i]) == places[i]);
      g_assert_true (wire_span_equal (in_order->key.text, wire_span_str (sorted[i])));
      g_assert_cmpuint (bus_topics_after (&topics, in_order->key.text), ==, i + 1);
    }
  g_assert_cmpuint (bus_topics_by_name (&topics)->len, ==, G_N_ELEMENTS (names));
  g_assert_cmpuint (bus_topics_after (&topics, wire_span (NULL, 0)), ==, 0);
  /* The next topic after one that is not kept. */
  g_assert_cmpuint (bus_topics_after (&topics, wire_span_str ("events.b")), ==, 2);
  bus_topics_clear (&topics);
}

static void
count_at (BusTopics *topics, BusTopicPlace *at, const char *topic)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  bus_topics_count (topics, at, bus_key (5, wire_span_str (topic)), &envelope, next_time_us ());
}

static void
count (BusTopics *topics, const char *topic)
{
  BusTopicPlace at = { 0, 0 };

  count_at (topics, &at, topic);
}

static guint64
sum (BusTopics *topics)
{
  const GPtrArray *order = bus_topics_by_name (topics);
  guint64 messages = topics->unseen;

  for (guint i = 0; i < order->len; i++)
    messages += ((const BusTopic *) g_ptr_array_index (order, i))->messages;
  return messages;
}

static guint64
messages_of (BusTopics *topics, const char *topic)
{
  BusKey key = bus_key (5, wire_span_str (topic));
  const BusTopic *kept = bus_topics_find (topics, key);

  return kept != NULL ? kept->messages : 0;
}

/* A thousand topics with one message each do not replace a topic that is in use, and the sums include every message. */
static void
test_clock (void)
{
  BusTopics topics = { 0 };
  guint64 total = 0;

  bus_topics_init (&topics, 16);
  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *name = g_strdup_printf ("events.t%u", i);

      count (&topics, name);
      count (&topics, i % 2 == 0 ? "events.used" : "events.too");
      total += 2;
      g_assert_cmpuint (bus_topics_by_name (&topics)->len, ==, bus_table_size (&topics.table));
      g_assert_cmpuint (bus_topics_by_name (&topics)->len, <=, 16);
    }
  g_assert_cmpuint (messages_of (&topics, "events.used"), ==, 500);
  g_assert_cmpuint (messages_of (&topics, "events.too"), ==, 500);
  g_assert_cmpuint (messages_of (&topics, "events.t999"), ==, 1);
  g_assert_cmpuint (messages_of (&topics, "events.t0"), ==, 0);
  g_assert_cmpuint (topics.unseen, ==, 1000 - 14);
  g_assert_cmpuint (sum (&topics), ==, total);
  /* A topic that is no longer used is replaced in the end. */
  for (guint i = 0; i < 100; i++)
    {
      g_autofree char *name = g_strdup_printf ("events.u%u", i);

      count (&topics, name);
      count (&topics, "events.too");
    }
  g_assert_cmpuint (messages_of (&topics, "events.used"), ==, 0);
  g_assert_cmpuint (messages_of (&topics, "events.too"), ==, 600);
  g_assert_cmpuint (sum (&topics), ==, total + 200);
  bus_topics_clear (&topics);
}

/* A cached slot is not trusted after another topic has reused it. */
static void
test_reused_slot_is_not_trusted (void)
{
  BusTopics topics = { 0 };
  BusTopicPlace at = { 0, 0 };

  bus_topics_init (&topics, 16);
  count_at (&topics, &at, "events.first");
  for (guint i = 0; i < 40; i++)
    {
      g_autofree char *name = g_strdup_printf ("events.t%u", i);

      count (&topics, name);
    }
  g_assert_cmpuint (messages_of (&topics, "events.first"), ==, 0);
  count_at (&topics, &at, "events.first");
  count_at (&topics, &at, "events.first");
  g_assert_cmpuint (messages_of (&topics, "events.first"), ==, 2);
  g_assert_cmpuint (sum (&topics), ==, 43);
  bus_topics_clear (&topics);
}

static void
count_type (BusTopics *topics, const char *type_name, guint want)
{
  BusTopicPlace at = { 0, 0 };
  const BusTopic *topic;
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.type_name = wire_span_str (type_name);
  bus_topics_count (topics, &at, bus_key (5, WIRE_SPAN_LITERAL ("events")), &envelope, 7);
  topic = place (topics, "events");
  g_assert_cmpmem (topic->type_name, topic->type_len, type_name, want);
  g_assert_true (g_utf8_validate (topic->type_name, topic->type_len, NULL));
}

static void
test_type_name (void)
{
  g_autofree char *longest = g_strnfill (BUS_TOPIC_TYPE_MAX, 't');
  g_autofree char *longer = g_strnfill (BUS_TOPIC_TYPE_MAX + 1, 'u');
  g_autofree char *split = g_strdup (longer);
  BusTopics topics = { 0 };

  memcpy (split + BUS_TOPIC_TYPE_MAX - 1, "\xc3\xa9", 2); /* a character across the end */
  bus_topics_init (&topics, 16);
  count_type (&topics, "", 0);
  count_type (&topics, "a.B", 3);
  count_type (&topics, "a.C", 3);
  count_type (&topics, longest, BUS_TOPIC_TYPE_MAX);
  count_type (&topics, longer, BUS_TOPIC_TYPE_MAX);
  count_type (&topics, split, BUS_TOPIC_TYPE_MAX - 1);
  count_type (&topics, "", 0);
  g_assert_cmpuint (place (&topics, "events")->messages, ==, 7);
  g_assert_cmpint (place (&topics, "events")->last_us, ==, 7);
  bus_topics_clear (&topics);
}

/* --- in the core --- */

typedef struct
{
  guint64 messages;
  guint64 bytes;
  guint64 last_us;
  guint subscribers;
  guint servers;
  const char *type_name;
} Want;

/* @want: NULL: the topic must not be listed. */
static void
expect_topic (Client *asker, const char *name, const Want *want)
{
  g_autoptr (WireGuard) guard = client_introspect (asker, 4, NULL, 0, NULL, WIRE_STATUS_OK);
  const Daemoneye__Eventbus__V1__BusIntrospectReply *reply = wire_guard_message (guard);
  const Daemoneye__Eventbus__V1__TopicInfo *found = NULL;

  for (gsize i = 0; i < reply->n_topics; i++)
    if (g_str_equal (reply->topics[i]->topic, name))
      found = reply->topics[i];
  g_assert_true ((found == NULL) == (want == NULL));
  if (want == NULL)
    return;
  g_assert_cmpuint (found->messages, ==, want->messages);
  g_assert_cmpuint (found->bytes, ==, want->bytes);
  g_assert_cmpuint (found->age_us, ==, want->last_us);
  g_assert_cmpuint (found->subscribers, ==, want->subscribers);
  g_assert_cmpuint (found->servers, ==, want->servers);
  g_assert_cmpstr (found->type_name, ==, want->type_name);
}

static void
publish_typed (Client *client, const char *type_name)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (TOPIC);
  envelope.type_name = wire_span_str (type_name);
  envelope.payload = WIRE_SPAN_LITERAL ("12345");
  client_send (client, WIRE_KIND_PUBLISH, 0, &envelope);
}

static void
test_publishes (Core *core, gconstpointer data)
{
  Client *tool = tool_ready (core, "tool-1");
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *reader = client_ready (core, "reader", "netmond");

  expect_topic (tool, TOPIC, NULL);
  client_publish (publisher, TOPIC, 0, "abc", 3); /* accepted although it has no subscriber */
  expect_topic (tool, TOPIC, &(Want){ 1, 3, 0, 0, 0, "" });
  client_subscribe (reader, 1, "events.#", NULL);
  client_subscribe (reader, 2, TOPIC, "workers");
  publish_typed (publisher, "a.B");
  core_advance (core, 1500);
  expect_topic (tool, TOPIC, &(Want){ 2, 8, 1500, 2, 0, "a.B" });
  publish_typed (publisher, "a.C");
  client_publish (publisher, TOPIC, WIRE_FLAG_BROADCAST, "xy", 2);
  expect_topic (tool, TOPIC, &(Want){ 4, 15, 0, 2, 0, "" });
  client_disconnect (reader);
  expect_topic (tool, TOPIC, &(Want){ 4, 15, 0, 0, 0, "" });

  /* Refused messages are not counted. */
  client_publish (reader = client_ready (core, "other", "netmond"), TOPIC, 0, "abc", 3);
  client_expect_error (reader, reader->next_id, WIRE_STATUS_DENIED);
  client_publish (publisher, TOPIC, WIRE_FLAG_RETAIN, "abc", 3);
  client_publish (publisher, "events.process.new", WIRE_FLAG_RETAIN, "abc", 3);
  expect_topic (tool, TOPIC, &(Want){ 4, 15, 0, 0, 0, "" });
  expect_topic (tool, "events.process.new", NULL);
}

static void
send_to (Client *client, const char *target)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL ("health.x");
  envelope.target = wire_span_str (target);
  envelope.payload = WIRE_SPAN_LITERAL ("1234");
  client_send (client, WIRE_KIND_PUBLISH, 0, &envelope);
}

static void
test_directs (Core *core, gconstpointer data)
{
  Client *tool = tool_ready (core, "tool-1");
  Client *target = client_ready (core, "target", "netmond");

  send_to (tool, "nobody");
  send_to (tool, "target"); /* not subscribed */
  expect_topic (tool, "health.x", NULL);
  client_subscribe (target, 1, "health.+", NULL);
  send_to (tool, "target");
  send_to (tool, "target");
  expect_topic (tool, "health.x", &(Want){ 2, 8, 0, 1, 0, "" });
  g_assert_cmpuint (client_count (target, WIRE_KIND_DELIVER), ==, 2);
}

static void
test_requests (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *one = client_ready (core, "one", "procmond");
  Client *two = client_ready (core, "two", "procmond");
  g_autoptr (Got) got = NULL;

  client_request (agent, "tasks.procmond", NULL, 0); /* without a server */
  expect_topic (agent, "tasks.procmond", NULL);
  client_serve (one, 1, "tasks.procmond");
  client_serve (two, 1, "tasks.procmond");
  client_request (agent, "tasks.procmond", NULL, 0);
  client_request (agent, "tasks.procmond", "two", 0);
  client_publish (agent, "tasks.procmond", 0, "x", 1);
  expect_topic (agent, "tasks.procmond", &(Want){ 3, 17, 0, 0, 2, "" });
  got = client_take (one, WIRE_KIND_REQUEST);
  client_reply (one, got->envelope.route_id, "an answer does not count as a message of the topic");
  got_free (client_take (agent, WIRE_KIND_REPLY));
  client_disconnect (two);
  expect_topic (agent, "tasks.procmond", &(Want){ 3, 17, 0, 0, 1, "" });
  client_disconnect (one);
  expect_topic (agent, "tasks.procmond", &(Want){ 3, 17, 0, 0, 0, "" });
  expect_topic (agent, "control.bus.subscribe", NULL);
  expect_topic (agent, "control.bus.introspect", NULL);
}

/* Counted by the announced type, independent of subscribers. */
static void
test_events (Core *core, gconstpointer data)
{
  Client *tool = tool_ready (core, "tool-1");
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__BusIntrospectReply *reply;

  client_subscribe (tool, 1, "system.#", NULL);
  client_disconnect (client_ready (core, "one", "procmond"));
  guard = client_introspect (tool, 4, NULL, 0, NULL, WIRE_STATUS_OK);
  reply = wire_guard_message (guard);
  g_assert_cmpuint (reply->n_topics, ==, 2);
  g_assert_cmpstr (reply->topics[0]->topic, ==, "system.peer.connected");
  g_assert_cmpuint (reply->topics[0]->messages, ==, 2);
  g_assert_cmpuint (reply->topics[0]->subscribers, ==, 1);
  g_assert_cmpstr (reply->topics[0]->type_name, ==, "daemoneye.eventbus.v1.PeerEvent");
  g_assert_cmpstr (reply->topics[1]->topic, ==, "system.peer.gone");
  g_assert_cmpuint (reply->topics[1]->messages, ==, 1);
}

/* Messages to topics that are no longer kept are counted in one sum, also after the cache of matches was cleared. */
static void
test_unseen (Core *core, gconstpointer data)
{
  Client *tool = tool_ready (core, "tool-1"); /* system.peer.connected is one of 16 */
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  guint64 seen = 0;

  for (guint round = 0; round < 3; round++)
    for (guint i = 0; i < 40; i++)
      {
        g_autofree char *topic = g_strdup_printf ("events.process.t%02u", i);

        core_advance (core, 1);
        client_publish (publisher, topic, 0, "abc", 3);
        if (i % 7 == 0)
          {
            client_subscribe (publisher, 1 + round * 40 + i, "events.#", NULL);
            core_flush (core);
          }
      }
  {
    g_autoptr (WireGuard) guard = client_introspect (tool, 4, NULL, 0, NULL, WIRE_STATUS_OK);
    const Daemoneye__Eventbus__V1__BusIntrospectReply *reply = wire_guard_message (guard);

    g_assert_cmpuint (reply->n_topics, ==, 16);
    for (gsize i = 0; i < reply->n_topics; i++)
      {
        g_assert_cmpuint (reply->topics[i]->messages, >, 0);
        if (g_str_has_prefix (reply->topics[i]->topic, "events"))
          g_assert_cmpuint (reply->topics[i]->bytes, ==, 3 * reply->topics[i]->messages);
        seen += reply->topics[i]->messages;
      }
    g_assert_cmpuint (reply->topics_unseen + seen, ==, 120 + 2); /* two have connected */
    g_assert_cmpstr (reply->next, ==, "");
  }
  {
    g_autoptr (WireGuard) guard = client_introspect (tool, 1, NULL, 0, NULL, WIRE_STATUS_OK);

    g_assert_cmpuint (((const Daemoneye__Eventbus__V1__BusIntrospectReply *) wire_guard_message (guard))->topics_unseen,
                      ==, 0);
  }
}

/* Publishes to 20 new topics once, and to four others repeatedly. */
static void
use_topics (Client *publisher, guint *fill)
{
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *name = g_strdup_printf ("events.process.f%u", (*fill)++);

      core_advance (publisher->core, 1);
      client_publish (publisher, name, 0, "x", 1);
      for (guint k = 0; k < 4; k++)
        {
          g_autofree char *stay = g_strdup_printf ("events.process.stay%u", k);

          client_publish (publisher, stay, 0, "x", 1);
        }
    }
}

/* Each topic that is kept is listed once, even if others are added or replaced between two pages. */
static void
test_pages_across_reuse (Core *core, gconstpointer data)
{
  Client *tool = tool_ready (core, "tool-1");
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  g_autofree char *after = NULL;
  guint stayed = 0, fill = 0, pages = 0;

  do
    {
      g_autoptr (WireGuard) guard = NULL;
      const Daemoneye__Eventbus__V1__BusIntrospectReply *reply;

      use_topics (publisher, &fill);
      guard = client_introspect (tool, 4, after, 3, NULL, WIRE_STATUS_OK);
      reply = wire_guard_message (guard);
      for (gsize i = 0; i < reply->n_topics; i++)
        stayed += g_str_has_prefix (reply->topics[i]->topic, "events.process.stay");
      g_free (g_steal_pointer (&after));
      after = g_strdup (reply->next);
      pages++;
    }
  while (*after != '\0' && pages < 1000);
  g_assert_cmpuint (pages, >, 3);
  g_assert_cmpuint (pages, <, 1000);
  g_assert_cmpuint (stayed, ==, 4);
}

/* A subscription that has no right to a topic is not listed as its subscriber, although its pattern matches. */
static void
test_subscribers_by_right (Core *core, gconstpointer data)
{
  Client *tool = tool_ready (core, "tool-1");
  Client *one = client_ready (core, "one", "netmond");

  client_subscribe (one, 1, "control.#", NULL);
  client_subscribe (tool, 1, "control.#", NULL);
  client_subscribe (tool, 2, "control.agent.+", NULL);
  client_publish (tool, "control.agent.policy", 0, "x", 1);
  expect_topic (tool, "control.agent.policy", &(Want){ 1, 1, 0, 2, 0, "" });
}

#define ADD(path, limits, function) g_test_add (path, Core, limits, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  BusLimits few;

  g_test_init (&argc, &argv, NULL);
  bus_limits_init (&few);
  few.topics_seen = 16;
  few.topic_cache = 16;
  g_test_add_func ("/core/topics/places", test_places);
  g_test_add_func ("/core/topics/A11-clock", test_clock);
  g_test_add_func ("/core/topics/reused-slot-is-not-trusted", test_reused_slot_is_not_trusted);
  g_test_add_func ("/core/topics/type-name", test_type_name);
  ADD ("/core/topics/M23-publishes", NULL, test_publishes);
  ADD ("/core/topics/M23-directs", NULL, test_directs);
  ADD ("/core/topics/M23-requests", NULL, test_requests);
  ADD ("/core/topics/M23-events", NULL, test_events);
  ADD ("/core/topics/M23-unseen", &few, test_unseen);
  ADD ("/core/topics/M23-pages-across-reuse", &few, test_pages_across_reuse);
  ADD ("/core/topics/M23-subscribers-by-right", NULL, test_subscribers_by_right);
  return g_test_run ();
}

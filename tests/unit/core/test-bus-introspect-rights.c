/* SPDX-License-Identifier: Apache-2.0 */
#include "introspect-fixture.h"

#include "base/bus-limits.h"
#include "control.pb-c.h"
#include "envelope.pb-c.h"

/* Introspection of the broker: the rights of a collector, its rate of calls, and refused requests. */

/* --- rights --- */

static void
test_collector (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *one = client_ready (core, "one", "procmond");
  Client *two = client_ready (core, "two", "netmond");
  g_autoptr (GPtrArray) peers = NULL;
  g_autoptr (GPtrArray) subscriptions = NULL;
  g_autoptr (GPtrArray) topics = NULL;
  g_autoptr (WireGuard) groups = NULL;
  const Daemoneye__Eventbus__V1__GroupInfo *group;

  client_subscribe (one, 1, "health.#", "shared");
  client_subscribe (one, 2, "events.#", NULL);
  client_subscribe (two, 1, "health.#", "shared");
  client_subscribe (two, 2, "health.#", "shared");
  client_subscribe (two, 3, "health.#", "alien");
  client_publish (agent, "control.agent.policy", 0, "x", 1);  /* not for collectors */
  client_publish (agent, "control.collector.two", 0, "x", 1); /* not for this one */
  client_publish (agent, "control.collector.one", 0, "x", 1);
  client_publish (agent, "health.x", 0, "x", 1);

  peers = introspect_all_pages (one, PEERS, 1, NULL, NULL);
  g_assert_cmpuint (peers->len, ==, 1);
  g_assert_cmpstr (g_ptr_array_index (peers, 0), ==, "one");
  subscriptions = introspect_all_pages (one, SUBSCRIPTIONS, 1, NULL, NULL);
  g_assert_cmpuint (subscriptions->len, ==, 2);
  g_assert_true (g_str_has_prefix (g_ptr_array_index (subscriptions, 1), "one\x01"));

  groups = client_introspect (one, GROUPS, NULL, 0, NULL, WIRE_STATUS_OK);
  g_assert_cmpuint (introspect_reply (groups)->n_groups, ==, 1);
  group = introspect_reply (groups)->groups[0];
  g_assert_cmpstr (group->name, ==, "shared");
  g_assert_cmpuint (group->members, ==, 3);
  g_assert_cmpuint (group->n_member, ==, 1);
  g_assert_cmpstr (group->member[0]->peer, ==, "one");

  topics = introspect_all_pages (one, TOPICS, 1, NULL, NULL);
  g_assert_cmpuint (topics->len, ==, 2);
  g_assert_cmpstr (g_ptr_array_index (topics, 0), ==, "control.collector.one");
  g_assert_cmpstr (g_ptr_array_index (topics, 1), ==, "health.x");

  client_introspect (one, PEERS, NULL, 0, "two", WIRE_STATUS_ABSENT);
  client_introspect (one, SUBSCRIPTIONS, NULL, 0, "daemoneye-agent", WIRE_STATUS_ABSENT);
  client_introspect (one, SUBSCRIPTIONS, NULL, 0, "nobody", WIRE_STATUS_ABSENT);
  wire_guard_free (client_introspect (one, SUBSCRIPTIONS, NULL, 0, "one", WIRE_STATUS_OK));
}

/* A cursor of another peer gives no access. */
static void
test_collector_cursor (Core *core, gconstpointer data)
{
  static const struct
  {
    guint section;
    const char *after;
  } cursors[] = {
    { PEERS, "a" }, { SUBSCRIPTIONS, "aa/1" }, { SUBSCRIPTIONS, "zz/1" }, { GROUPS, "a" }, { TOPICS, "events.a" }
  };
  Client *agent = agent_ready (core);
  Client *one = client_ready (core, "one", "procmond");
  Client *other = client_ready (core, "zz", "netmond");

  client_subscribe (other, 1, "health.#", "alien");
  client_subscribe (other, 2, "health.#", "alien");
  client_publish (agent, "control.agent.policy", 0, "x", 1);
  for (guint i = 0; i < G_N_ELEMENTS (cursors); i++)
    {
      g_autoptr (GPtrArray) keys = g_ptr_array_new_with_free_func (g_free);
      g_autoptr (WireGuard) guard
          = client_introspect (one, cursors[i].section, cursors[i].after, 0, NULL, WIRE_STATUS_OK);

      introspect_add_keys (keys, introspect_reply (guard));
      for (guint k = 0; k < keys->len; k++)
        g_assert_cmpstr (g_ptr_array_index (keys, k), ==, "one");
      g_assert_cmpuint (keys->len, ==, cursors[i].section == PEERS ? 1 : 0);
    }
}

/* --- rate --- */

/* Text of a peer is cut between characters; otherwise it would make the reply about all peers unreadable. */
static void
test_version_is_cut (Core *core, gconstpointer data)
{
  Daemoneye__Eventbus__V1__Hello hello = DAEMONEYE__EVENTBUS__V1__HELLO__INIT;
  Client *tool = tool_ready (core, "tool-1");
  Client *hostile = client_new (core, 0, FALSE);
  g_autofree char *text = g_strnfill (63, 'a');
  g_autofree char *version = g_strconcat (text, "\xc3\xa9", NULL);
  g_autoptr (WireGuard) guard = NULL;
  guint8 body[512];
  const Daemoneye__Eventbus__V1__BusIntrospectReply *reply;

  hello.magic = 0x42594544;
  hello.oldest_version = hello.newest_version = 1 << 16;
  hello.id = (char *) "evil";
  hello.type = (char *) "procmond";
  hello.role = 1;
  hello.incarnation = 9;
  hello.software_version = version;
  client_send_frame (hostile, WIRE_KIND_HELLO, 0,
                     wire_span (body, daemoneye__eventbus__v1__hello__pack (&hello, body)));
  guard = client_introspect (tool, PEERS, NULL, 0, "evil", WIRE_STATUS_OK);
  reply = wire_guard_message (guard);
  g_assert_cmpstr (reply->peers[0]->software_version, ==, text);
}

/* All collectors share one budget of work; tools have none. */
static void
test_work (Core *core, gconstpointer data)
{
  const BusLimits *limits = data;
  Client *tool = tool_ready (core, "tool-1");
  Client *one = client_ready (core, "one", "procmond");
  Client *two = client_ready (core, "two", "procmond");
  g_autoptr (Got) error = NULL;
  WireEnvelope envelope;
  guint n = 0;

  core_advance (core, G_USEC_PER_SEC - core->now_us % G_USEC_PER_SEC);
  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL ("control.bus.introspect");
  envelope.payload = WIRE_SPAN_LITERAL ("\x08\x01"); /* section = 1 */
  while (error == NULL && n < 10000)
    {
      g_autoptr (Got) reply = NULL;

      envelope.id = 0;
      client_send (one, WIRE_KIND_REQUEST, 0, &envelope);
      error = client_take (one, WIRE_KIND_ERROR);
      reply = client_take (one, WIRE_KIND_REPLY);
      g_assert_true ((reply == NULL) == (error != NULL));
      n++;
    }
  g_assert_nonnull (error);
  g_assert_cmpuint (n, >, 10);
  g_assert_cmpuint (n, <, 10000);
  g_assert_cmpuint (error->envelope.status, ==, WIRE_STATUS_LIMIT);
  g_assert_cmpuint (error->envelope.limit, ==, limits->introspect_work_per_second);
  g_assert_cmpmem (error->envelope.setting.data, error->envelope.setting.len, "introspect_work_per_second", 26);
  client_introspect (two, PEERS, NULL, 0, NULL, WIRE_STATUS_LIMIT);
  wire_guard_free (client_introspect (tool, PEERS, NULL, 0, NULL, WIRE_STATUS_OK));
  core_advance (core, G_USEC_PER_SEC);
  wire_guard_free (client_introspect (two, PEERS, NULL, 0, NULL, WIRE_STATUS_OK));
}

/* The more a page costs, the fewer pages are allowed. */
static guint
pages_of_topics (Core *core, guint n_topics)
{
  g_autofree char *id = g_strdup_printf ("many-%u", n_topics);
  Client *one = client_ready (core, id, "procmond");
  guint pages = 0;

  for (guint i = 0; i < n_topics; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.process.t%u", i);

      client_publish (one, topic, 0, "x", 1);
    }
  core_advance (core, G_USEC_PER_SEC - core->now_us % G_USEC_PER_SEC);
  for (; pages < 100000; pages++)
    {
      Daemoneye__Eventbus__V1__BusIntrospectRequest request = DAEMONEYE__EVENTBUS__V1__BUS_INTROSPECT_REQUEST__INIT;
      guint8 packed[16];
      g_autoptr (Got) error = NULL;
      g_autoptr (Got) reply = NULL;
      WireEnvelope envelope;

      request.section = 4;
      wire_envelope_init (&envelope);
      envelope.topic = WIRE_SPAN_LITERAL ("control.bus.introspect");
      envelope.payload = wire_span (packed, daemoneye__eventbus__v1__bus_introspect_request__pack (&request, packed));
      client_send (one, WIRE_KIND_REQUEST, 0, &envelope);
      error = client_take (one, WIRE_KIND_ERROR);
      reply = client_take (one, WIRE_KIND_REPLY);
      if (error != NULL)
        break;
    }
  client_disconnect (one);
  return pages;
}

static void
test_work_by_cost (Core *core, gconstpointer data)
{
  guint cheap = pages_of_topics (core, 1);
  guint costly = pages_of_topics (core, 300);

  g_assert_cmpuint (costly, >, 0);
  g_assert_cmpuint (costly, <, cheap / 10);
}

static void
test_rate (Core *core, gconstpointer data)
{
  const BusLimits *limits = data;
  Daemoneye__Eventbus__V1__IntrospectRequest describe = DAEMONEYE__EVENTBUS__V1__INTROSPECT_REQUEST__INIT;
  Client *tool = tool_ready (core, "tool-1");
  Client *other = tool_ready (core, "tool-2");

  core_advance (core, G_USEC_PER_SEC - core->now_us % G_USEC_PER_SEC);
  for (guint round = 0; round < 3; round++)
    {
      for (guint i = 0; i < limits->introspect_per_second; i++)
        wire_guard_free (client_introspect (tool, PEERS, NULL, 0, NULL, WIRE_STATUS_OK));
      {
        WireEnvelope envelope;
        g_autoptr (Got) error = NULL;

        wire_envelope_init (&envelope);
        envelope.topic = WIRE_SPAN_LITERAL ("control.bus.introspect");
        client_send (tool, WIRE_KIND_REQUEST, 0, &envelope);
        error = client_take (tool, WIRE_KIND_ERROR);
        g_assert_nonnull (error);
        g_assert_cmpuint (error->envelope.status, ==, WIRE_STATUS_LIMIT);
        g_assert_cmpuint (error->envelope.limit, ==, limits->introspect_per_second);
        g_assert_cmpuint (error->envelope.value, ==, limits->introspect_per_second + 1);
        g_assert_cmpmem (error->envelope.setting.data, error->envelope.setting.len, "introspect_per_second", 21);
      }
      /* The second has not ended yet; another peer has its own budget. */
      core_advance (core, G_USEC_PER_SEC - 1);
      client_introspect (tool, PEERS, NULL, 0, NULL, WIRE_STATUS_LIMIT);
      g_assert_null (client_call (tool, "control.bus.describe", &describe.base, WIRE_STATUS_LIMIT));
      wire_guard_free (client_introspect (other, PEERS, NULL, 0, NULL, WIRE_STATUS_OK));
      core_advance (core, 1);
    }
}

/* --- bad requests --- */

static const struct
{
  guint section;
  const char *after;
  guint limit;
  const char *peer;
  WireStatus want;
} bad[] = {
  { 0, NULL, 0, NULL, WIRE_STATUS_BAD_MESSAGE },
  { 6, NULL, 0, NULL, WIRE_STATUS_BAD_MESSAGE },
  { G_MAXUINT32, NULL, 0, NULL, WIRE_STATUS_BAD_MESSAGE },
  { PEERS, NULL, 1001, NULL, WIRE_STATUS_BAD_MESSAGE },
  { PEERS, NULL, G_MAXUINT32, NULL, WIRE_STATUS_BAD_MESSAGE },
  { PEERS, "A", 0, NULL, WIRE_STATUS_BAD_MESSAGE },
  { PEERS, "a/1", 0, NULL, WIRE_STATUS_BAD_MESSAGE },
  { PEERS, "0123456789012345678901234567890123456789012345678901234567890123x", 0, NULL, WIRE_STATUS_BAD_MESSAGE },
  { SUBSCRIPTIONS, "a", 0, NULL, WIRE_STATUS_BAD_MESSAGE },
  { SUBSCRIPTIONS, "a/", 0, NULL, WIRE_STATUS_BAD_MESSAGE },
  { SUBSCRIPTIONS, "/1", 0, NULL, WIRE_STATUS_BAD_MESSAGE },
  { SUBSCRIPTIONS, "a/0", 0, NULL, WIRE_STATUS_BAD_MESSAGE },
  { SUBSCRIPTIONS, "a/-1", 0, NULL, WIRE_STATUS_BAD_MESSAGE },
  { SUBSCRIPTIONS, "a/1x", 0, NULL, WIRE_STATUS_BAD_MESSAGE },
  { SUBSCRIPTIONS, "a/4294967296", 0, NULL, WIRE_STATUS_BAD_MESSAGE },
  { GROUPS, "a.b", 0, NULL, WIRE_STATUS_BAD_MESSAGE },
  { GROUPS, NULL, 0, "tool-1", WIRE_STATUS_BAD_MESSAGE },
  { TOPICS, "nothing", 0, NULL, WIRE_STATUS_BAD_MESSAGE },
  { TOPICS, "0", 0, NULL, WIRE_STATUS_BAD_MESSAGE },
  { TOPICS, "events.+", 0, NULL, WIRE_STATUS_BAD_MESSAGE },
  { TOPICS, NULL, 0, "tool-1", WIRE_STATUS_BAD_MESSAGE },
  { PEERS, NULL, 0, "nobody", WIRE_STATUS_ABSENT },
  { SUBSCRIPTIONS, NULL, 0, "NOT.an.id", WIRE_STATUS_ABSENT },
};

static void
test_bad_requests (Core *core, gconstpointer data)
{
  Client *tool = tool_ready (core, "tool-1");

  for (guint i = 0; i < G_N_ELEMENTS (bad); i++)
    g_assert_null (client_introspect (tool, bad[i].section, bad[i].after, bad[i].limit, bad[i].peer, bad[i].want));
  wire_guard_free (client_introspect (tool, TOPICS, "events.gone", 1000, NULL, WIRE_STATUS_OK));
  wire_guard_free (client_introspect (tool, SUBSCRIPTIONS, "a/4294967295", 0, NULL, WIRE_STATUS_OK));
  g_assert_false (tool->closed);
}

#define ADD(path, limits, function) g_test_add (path, Core, limits, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  BusLimits slow, busy;

  g_test_init (&argc, &argv, NULL);
  bus_limits_init (&slow);
  slow.introspect_per_second = 5;
  bus_limits_init (&busy);
  busy.introspect_per_second = 1000000;
  busy.introspect_work_per_second = 100000;

  ADD ("/core/introspect/M23-bad-requests", NULL, test_bad_requests);
  ADD ("/core/introspect/A11-collector", NULL, test_collector);
  ADD ("/core/introspect/A11-collector-cursor", NULL, test_collector_cursor);
  ADD ("/core/introspect/A11-rate", &slow, test_rate);
  ADD ("/core/introspect/A11-version-is-cut", NULL, test_version_is_cut);
  ADD ("/core/introspect/A11-work", &busy, test_work);
  ADD ("/core/introspect/A11-work-by-cost", &busy, test_work_by_cost);
  return g_test_run ();
}

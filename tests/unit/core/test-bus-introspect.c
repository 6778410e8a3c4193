/* SPDX-License-Identifier: Apache-2.0 */
#include "introspect-fixture.h"

#include "base/bus-limits.h"
#include "control.pb-c.h"

/* Introspection of the broker: the contents of an entry, and the bounds of a reply. */

/* --- entries --- */

static void
test_peer_entry (Core *core, gconstpointer data)
{
  Client *tool = tool_ready (core, "tool-1");
  Client *client;
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__PeerInfo *info;

  core_advance (core, 3 * G_USEC_PER_SEC);
  client = client_ready (core, "procmond-1", "procmond");
  client_new (core, 1000, FALSE); /* has not sent HELLO: it is not listed */
  client_subscribe (client, 1, "events.#", NULL);
  client_subscribe (client, 2, "events.#", NULL);
  core_advance (core, 250);
  guard = client_introspect (tool, PEERS, NULL, 0, "procmond-1", WIRE_STATUS_OK);
  g_assert_cmpuint (introspect_reply (guard)->n_peers, ==, 1);
  info = introspect_reply (guard)->peers[0];
  g_assert_cmpstr (info->id, ==, "procmond-1");
  g_assert_cmpstr (info->type, ==, "procmond");
  g_assert_cmpuint (info->role, ==, 1);
  g_assert_cmpuint (info->pid, ==, 4321);
  g_assert_cmpuint (info->uid, ==, 1000);
  g_assert_cmpstr (info->account, ==, "account-1000");
  g_assert_cmpuint (info->since_us, ==, 1000000 + 1 + 3 * G_USEC_PER_SEC);
  g_assert_cmpuint (info->connected_us, ==, 250);
  g_assert_cmpuint (info->incarnation, ==, 9);
  g_assert_cmpuint (info->features, ==, 0);
  g_assert_cmpuint (info->subscriptions, ==, 2);
}

static void
test_subscription_entry (Core *core, gconstpointer data)
{
  Client *tool = tool_ready (core, "tool-1");
  Client *client = client_ready (core, "procmond-1", "procmond");
  g_autoptr (WireGuard) guard = NULL;
  Daemoneye__Eventbus__V1__SubscriptionInfo **infos;

  client_subscribe_full (client, 9, "events.process.#", "workers", FALSE, 1, 0, WIRE_STATUS_OK);
  client_serve (client, 4, "tasks.procmond");
  client_subscribe (tool, 1, "health.#", NULL);
  for (guint i = 0; i < 3; i++)
    client_publish (client, "events.process.new", 0, "x", 1);
  guard = client_introspect (tool, SUBSCRIPTIONS, NULL, 0, "procmond-1", WIRE_STATUS_OK);
  infos = introspect_reply (guard)->subscriptions;
  g_assert_cmpuint (introspect_reply (guard)->n_subscriptions, ==, 2);
  g_assert_cmpstr (infos[0]->peer, ==, "procmond-1");
  g_assert_cmpuint (infos[0]->subscription, ==, 4);
  g_assert_cmpstr (infos[0]->pattern, ==, "tasks.procmond");
  g_assert_cmpstr (infos[0]->group, ==, "");
  g_assert_true (infos[0]->serve);
  g_assert_false (infos[0]->methods);
  g_assert_cmpuint (infos[1]->subscription, ==, 9);
  g_assert_cmpstr (infos[1]->pattern, ==, "events.process.#");
  g_assert_cmpstr (infos[1]->group, ==, "workers");
  g_assert_false (infos[1]->serve);
  g_assert_cmpuint (infos[1]->delivered, ==, 1);
}

static void
test_group_entry (Core *core, gconstpointer data)
{
  Client *tool = tool_ready (core, "tool-1");
  Client *many = client_ready (core, "many", "netmond");
  Client *few = client_ready (core, "few", "netmond");
  g_autoptr (WireGuard) guard = NULL;
  Daemoneye__Eventbus__V1__GroupInfo **groups;

  for (guint i = 1; i <= 300; i++)
    client_subscribe (many, i, "events.#", "large");
  client_subscribe (many, 400, "events.process.+", "small");
  client_subscribe (few, 7, "events.#", "small");
  client_subscribe_full (few, 3, "tasks.netmond", "small", TRUE, 0, 0, WIRE_STATUS_OK);
  guard = client_introspect (tool, GROUPS, NULL, 0, NULL, WIRE_STATUS_OK);
  groups = introspect_reply (guard)->groups;
  g_assert_cmpuint (introspect_reply (guard)->n_groups, ==, 2);
  g_assert_cmpstr (groups[0]->name, ==, "large");
  g_assert_cmpuint (groups[0]->members, ==, 300);
  g_assert_cmpuint (groups[0]->n_member, ==, 256);
  g_assert_cmpstr (groups[1]->name, ==, "small");
  g_assert_cmpuint (groups[1]->members, ==, 3);
  g_assert_cmpuint (groups[1]->n_member, ==, 3);
  g_assert_cmpstr (groups[1]->member[0]->peer, ==, "few");
  g_assert_cmpuint (groups[1]->member[0]->subscription, ==, 3);
  g_assert_true (groups[1]->member[0]->serve);
  g_assert_cmpuint (groups[1]->member[1]->subscription, ==, 7);
  g_assert_cmpstr (groups[1]->member[2]->peer, ==, "many");
  g_assert_cmpstr (groups[1]->member[2]->pattern, ==, "events.process.+");
  g_assert_false (groups[1]->member[2]->serve);
}

/* --- bound of a reply --- */

static gsize
ask_bytes (Client *asker, guint section, char **after, GPtrArray *keys)
{
  Daemoneye__Eventbus__V1__BusIntrospectRequest request = DAEMONEYE__EVENTBUS__V1__BUS_INTROSPECT_REQUEST__INIT;
  g_autoptr (Got) got = NULL;
  g_autoptr (WireGuard) guard = NULL;

  request.section = section;
  request.after = *after;
  request.limit = 1000;
  got = client_call (asker, "control.bus.introspect", &request.base, WIRE_STATUS_OK);
  guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__bus_introspect_reply__descriptor, got->envelope.payload, 0, NULL);
  g_assert_nonnull (guard);
  introspect_add_keys (keys, introspect_reply (guard));
  for (gsize i = 0; i < introspect_reply (guard)->n_groups; i++)
    g_assert_cmpuint (introspect_reply (guard)->groups[i]->n_member, >, 0);
  g_free (*after);
  *after = g_strdup (introspect_reply (guard)->next);
  return got->envelope.payload.len;
}

/* All texts have the maximum length: pages are cut by bytes, near the bound. */
static void
test_bytes (Core *core, gconstpointer data)
{
  const BusLimits *limits = data;
  gsize bound = MIN (limits->max_payload, 256 * 1024);
  Client *agent = agent_ready (core);
  g_autofree char *tail = g_strnfill (60, 'x');
  g_autofree char *three = g_strdup_printf ("%s.%s.%s.", tail, tail, tail);
  g_autofree char *middle = limits->topic_bytes == 512
                                ? g_strdup_printf ("%s%s%s.%s.xxxxxxxxxxxx.", three, three, tail, tail)
                                : g_strdup_printf ("%s%s", three, tail);
  g_autofree char *id = g_strdup_printf ("%s-abc", tail);
  g_autofree char *kind = g_strnfill (128, 't');
  Client *client = client_ready (core, id, id);
  guint n = (guint) MIN (limits->max_subscriptions, 900);

  for (guint i = 0; i < n; i++)
    {
      g_autofree char *topic = g_strdup_printf ("health.%s%03u", middle, i);
      g_autofree char *group = g_strdup_printf ("%s%03u", tail, i % 2);
      WireEnvelope envelope;

      client_subscribe (client, G_MAXUINT32 - i, i < 2 ? "health.#" : topic, group); /* the others overlap the first */
      wire_envelope_init (&envelope);
      envelope.topic = wire_span_str (topic);
      envelope.type_name = wire_span_str (kind);
      client_send (agent, WIRE_KIND_PUBLISH, 0, &envelope);
    }
  for (guint section = PEERS; section <= TOPICS; section++)
    {
      const guint want[] = { [PEERS] = 2, [SUBSCRIPTIONS] = n, [GROUPS] = 2, [TOPICS] = n + 1 };
      g_autoptr (GPtrArray) keys = g_ptr_array_new_with_free_func (g_free);
      g_autofree char *after = g_strdup ("");
      gboolean is_last = FALSE;

      while (!is_last)
        {
          guint before = keys->len;
          gsize bytes = ask_bytes (agent, section, &after, keys);

          is_last = after[0] == '\0';
          g_assert_cmpuint (bytes, <=, bound);
          if (!is_last && section != GROUPS)
            g_assert_cmpuint (bytes + 128 + 750 + (section == TOPICS ? limits->topic_bytes : 0) + (keys->len - before),
                              >, bound);
        }
      introspect_expect_ascending (keys);
      g_assert_cmpuint (keys->len, ==, want[section]);
    }
}

/* Pages that end near the bound: the fields around the entries fit as well. */
static void
test_bytes_ends (void)
{
  g_autofree char *id = g_strnfill (64, 'i');
  g_autofree char *tail = g_strnfill (60, 'x');
  BusLimits limits;

  bus_limits_init (&limits);
  for (limits.max_payload = 1024; limits.max_payload < 1500; limits.max_payload += 5)
    {
      g_autofree char *after = g_strdup ("");
      g_autoptr (GPtrArray) keys = g_ptr_array_new_with_free_func (g_free);
      Client *client;
      Core core;

      core_setup (&core, &limits);
      client = client_ready (&core, id, "netmond");
      for (guint i = 0; i < 12; i++)
        {
          g_autofree char *pattern = g_strdup_printf ("health.%s.%s.%s", tail, tail, tail);

          client_subscribe (client, G_MAXUINT32 - i, pattern, NULL);
        }
      do
        g_assert_cmpuint (ask_bytes (client, SUBSCRIPTIONS, &after, keys), <=, limits.max_payload);
      while (after[0] != '\0');
      g_assert_cmpuint (keys->len, ==, 12);
      core_teardown (&core, NULL);
    }
}

/* A page of topics ends early if so many subscriptions match that counting them would take too long. */
static void
test_topics_work (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *client = client_ready (core, "one", "netmond");
  g_autoptr (WireGuard) guard = NULL;
  g_autoptr (GPtrArray) keys = NULL;

  for (guint i = 1; i <= 9000; i++)
    client_subscribe (client, i, "health.#", NULL);
  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *topic = g_strdup_printf ("health.t%u", i);

      client_publish (agent, topic, 0, "x", 1);
    }
  guard = client_introspect (agent, TOPICS, NULL, 0, NULL, WIRE_STATUS_OK);
  g_assert_cmpuint (introspect_reply (guard)->n_topics, ==, 2); /* 2 x 9000 are above 16384 */
  g_assert_cmpuint (introspect_reply (guard)->topics[0]->subscribers, ==, 9000);
  keys = introspect_all_pages (agent, TOPICS, 0, NULL, NULL);
  g_assert_cmpuint (keys->len, ==, 6);
}

#define ADD(path, limits, function) g_test_add (path, Core, limits, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  BusLimits wide, small, many;

  g_test_init (&argc, &argv, NULL);
  bus_limits_init (&wide);
  wide.introspect_per_second = 1000000;
  small = wide;
  small.max_payload = 2 * 512 + 512; /* the least for topics of 512 bytes */
  small.topic_bytes = 512;
  small.topic_segments = 16;
  small.max_subscriptions = 300;
  many = wide;
  many.max_subscriptions = 10000;

  ADD ("/core/introspect/M23-peer", NULL, test_peer_entry);
  ADD ("/core/introspect/M23-subscription", NULL, test_subscription_entry);
  ADD ("/core/introspect/M23-group", NULL, test_group_entry);
  ADD ("/core/introspect/M23-bytes", &wide, test_bytes);
  ADD ("/core/introspect/M23-bytes-small", &small, test_bytes);
  g_test_add_func ("/core/introspect/M23-bytes-ends", test_bytes_ends);
  ADD ("/core/introspect/M23-topics-work", &many, test_topics_work);
  return g_test_run ();
}

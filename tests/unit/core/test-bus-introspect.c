/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-limits.h"
#include "control.pb-c.h"
#include "core-fixture.h"
#include "envelope.pb-c.h"
#include "introspection.pb-c.h"
#include "wire-descriptors.h"
#include "wire-feature.h"

/* The broker seen from outside: pages, rights, rate, and what it says it offers. */

typedef Daemoneye__Eventbus__V1__BusIntrospectReply Reply;

#define PEERS         1u
#define SUBSCRIPTIONS 2u
#define GROUPS        3u
#define TOPICS        4u

static const Reply *
reply_of (const WireGuard *guard)
{
  return wire_guard_message (guard);
}

/* --- pages --- */

/* What is told, as texts that sort as the section does. */
static void
add_keys (GPtrArray *keys, const Reply *reply)
{
  for (gsize i = 0; i < reply->n_peers; i++)
    g_ptr_array_add (keys, g_strdup (reply->peers[i]->id));
  for (gsize i = 0; i < reply->n_subscriptions; i++)
    g_ptr_array_add (
        keys, g_strdup_printf ("%s\x01%010u", reply->subscriptions[i]->peer, reply->subscriptions[i]->subscription));
  for (gsize i = 0; i < reply->n_groups; i++)
    g_ptr_array_add (keys, g_strdup (reply->groups[i]->name));
  for (gsize i = 0; i < reply->n_topics; i++)
    g_ptr_array_add (keys, g_strdup (reply->topics[i]->topic));
}

static void
expect_ascending (const GPtrArray *keys)
{
  for (guint i = 1; i < keys->len; i++)
    g_assert_cmpstr (g_ptr_array_index (keys, i - 1), <, g_ptr_array_index (keys, i));
}

/* All pages, one behind the other. @between (nullable) is called after each. */
static GPtrArray *
all_pages (Client *asker, guint section, guint limit, const char *peer, void (*between) (Client *asker, guint page))
{
  GPtrArray *keys = g_ptr_array_new_with_free_func (g_free);
  g_autofree char *after = g_strdup ("");
  gboolean more = TRUE;

  for (guint page = 0; more; page++)
    {
      g_autoptr (WireGuard) guard = client_introspect (asker, section, after, limit, peer, WIRE_STATUS_OK);
      guint before = keys->len;

      add_keys (keys, reply_of (guard));
      g_assert_cmpuint (reply_of (guard)->epoch, ==, 77);
      g_assert_cmpuint (keys->len - before, <=, limit > 0 ? limit : 500);
      g_free (after);
      after = g_strdup (reply_of (guard)->next);
      more = after[0] != '\0';
      if (more)
        g_assert_cmpuint (keys->len, >, before);
      if (between != NULL)
        between (asker, page);
    }
  expect_ascending (keys);
  return keys;
}

static void
expect_keys (const GPtrArray *keys, const GPtrArray *want)
{
  g_assert_cmpuint (keys->len, ==, want->len);
  for (guint i = 0; i < keys->len; i++)
    g_assert_cmpstr (g_ptr_array_index (keys, i), ==, g_ptr_array_index (want, i));
}

static int
compare_texts (gconstpointer a, gconstpointer b)
{
  return strcmp (*(const char *const *) a, *(const char *const *) b);
}

#define N_PEERS 23u

/* Ids of which one begins another; peer i has i % 4 subscriptions, in groups that are not in order. */
static void
fill_world (Core *core, GPtrArray *want[5])
{
  Client *agent = agent_ready (core);

  for (guint section = PEERS; section <= TOPICS; section++)
    want[section] = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (want[PEERS], g_strdup ("daemoneye-agent"));
  g_ptr_array_add (want[TOPICS], g_strdup ("system.peer.connected"));
  for (guint i = 0; i < N_PEERS; i++)
    {
      char *id = g_strdup_printf (i % 2 ? "p%u" : "p%u-b", i / 2);
      Client *client = client_ready (core, id, "netmond");
      g_autofree char *topic = g_strdup_printf ("health.t%u", i * 7 % N_PEERS);

      g_ptr_array_add (want[PEERS], id);
      for (guint k = 0; k < i % 4; k++)
        {
          guint number = (k * 5 + 1) % 12;
          char *group = g_strdup_printf ("g-%u-%u", i * 5 % N_PEERS, k);

          client_subscribe (client, number, "health.#", group);
          g_ptr_array_add (want[GROUPS], group);
          g_ptr_array_add (want[SUBSCRIPTIONS], g_strdup_printf ("%s\x01%010u", id, number));
        }
      client_publish (agent, topic, 0, "x", 1);
      g_ptr_array_add (want[TOPICS], g_steal_pointer (&topic));
    }
  for (guint section = PEERS; section <= TOPICS; section++)
    g_ptr_array_sort (want[section], compare_texts);
}

static void
test_pages (Core *core, gconstpointer data)
{
  static const guint limits[] = { 0, 1, 2, 3, 7, N_PEERS, N_PEERS + 1, N_PEERS + 2, 1000 };
  GPtrArray *want[5];

  fill_world (core, want);
  for (guint section = PEERS; section <= TOPICS; section++)
    for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
      {
        Client *agent = g_ptr_array_index (core->clients, 0);
        g_autoptr (GPtrArray) keys = all_pages (agent, section, limits[i], NULL, NULL);

        expect_keys (keys, want[section]);
      }
  for (guint section = PEERS; section <= TOPICS; section++)
    g_ptr_array_unref (want[section]);
}

/* A page that takes exactly what is there says that it was all. */
static void
test_last_page (Core *core, gconstpointer data)
{
  Client *tool = tool_ready (core, "tool-1");
  g_autoptr (WireGuard) exact = NULL;
  g_autoptr (WireGuard) short_of = NULL;
  g_autoptr (WireGuard) behind = NULL;

  client_ready (core, "a", "netmond");
  exact = client_introspect (tool, PEERS, NULL, 2, NULL, WIRE_STATUS_OK);
  g_assert_cmpuint (reply_of (exact)->n_peers, ==, 2);
  g_assert_cmpstr (reply_of (exact)->next, ==, "");
  short_of = client_introspect (tool, PEERS, NULL, 1, NULL, WIRE_STATUS_OK);
  g_assert_cmpuint (reply_of (short_of)->n_peers, ==, 1);
  g_assert_cmpstr (reply_of (short_of)->next, ==, "a");
  behind = client_introspect (tool, PEERS, "gone-by-now", 1, NULL, WIRE_STATUS_OK);
  g_assert_cmpuint (reply_of (behind)->n_peers, ==, 1);
  g_assert_cmpstr (reply_of (behind)->peers[0]->id, ==, "tool-1");
}

/* After each page one peer comes and one goes, among them the one that the cursor names. */
static void
churn (Client *asker, guint page)
{
  Core *core = asker->core;
  g_autofree char *id = g_strdup_printf ("c%u", page);
  g_autofree char *other = g_strdup_printf ("p5-%u", page);
  g_autofree char *group = g_strdup_printf ("g-5-%u-new", page);
  g_autofree char *topic = g_strdup_printf ("health.t2.%u", page);
  Client *client;

  client_subscribe (client_ready (core, id, "netmond"), 1, "health.#", group);
  client_subscribe (client = client_ready (core, other, "netmond"), 1, "health.#", group);
  client_publish (client, topic, 0, "x", 1);
  /* Those with an odd place in the world go, in order of their coming. */
  if (page * 2 + 2 < N_PEERS)
    client_disconnect (g_ptr_array_index (core->clients, page * 2 + 2));
}

static gboolean
has (const GPtrArray *keys, const char *key)
{
  for (guint i = 0; i < keys->len; i++)
    if (g_str_equal (g_ptr_array_index (keys, i), key))
      return TRUE;
  return FALSE;
}

static void
test_pages_while_changing (Core *core, gconstpointer data)
{
  guint section = GPOINTER_TO_UINT (data);
  g_autoptr (GPtrArray) before = NULL;
  g_autoptr (GPtrArray) keys = NULL;
  g_autoptr (GPtrArray) after = NULL;
  GPtrArray *want[5];
  Client *agent;

  fill_world (core, want);
  agent = g_ptr_array_index (core->clients, 0);
  before = all_pages (agent, section, 0, NULL, NULL);
  keys = all_pages (agent, section, 2, NULL, churn);
  after = all_pages (agent, section, 0, NULL, NULL);
  /* Whatever was there all the time was told (once: keys ascend), and nothing that never was. */
  for (guint i = 0; i < before->len; i++)
    if (has (after, g_ptr_array_index (before, i)))
      g_assert_true (has (keys, g_ptr_array_index (before, i)));
  for (guint i = 0; i < keys->len; i++)
    g_assert_true (has (before, g_ptr_array_index (keys, i)) || has (after, g_ptr_array_index (keys, i)));
  for (guint s = PEERS; s <= TOPICS; s++)
    g_ptr_array_unref (want[s]);
}

static void
setup_plenty (Core *core, gconstpointer data)
{
  BusLimits limits;

  bus_limits_init (&limits);
  limits.introspect_per_second = 1000000;
  core_setup (core, &limits);
}

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
  client_new (core, 1000, FALSE); /* has not said hello: nobody is told of it */
  client_subscribe (client, 1, "events.#", NULL);
  client_subscribe (client, 2, "events.#", NULL);
  core_advance (core, 250);
  guard = client_introspect (tool, PEERS, NULL, 0, "procmond-1", WIRE_STATUS_OK);
  g_assert_cmpuint (reply_of (guard)->n_peers, ==, 1);
  info = reply_of (guard)->peers[0];
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
  infos = reply_of (guard)->subscriptions;
  g_assert_cmpuint (reply_of (guard)->n_subscriptions, ==, 2);
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
  groups = reply_of (guard)->groups;
  g_assert_cmpuint (reply_of (guard)->n_groups, ==, 2);
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
  add_keys (keys, reply_of (guard));
  for (gsize i = 0; i < reply_of (guard)->n_groups; i++)
    g_assert_cmpuint (reply_of (guard)->groups[i]->n_member, >, 0);
  g_free (*after);
  *after = g_strdup (reply_of (guard)->next);
  return got->envelope.payload.len;
}

/* Everything at its longest: pages are cut by bytes, and near the bound. */
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
      expect_ascending (keys);
      g_assert_cmpuint (keys->len, ==, want[section]);
    }
}

/* Pages that end anywhere near the bound: what is around the entries has its place, too. */
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

/* A page of topics ends early when so many subscriptions match that counting them would hold the broker up. */
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
  g_assert_cmpuint (reply_of (guard)->n_topics, ==, 2); /* 2 x 9000 are above 16384 */
  g_assert_cmpuint (reply_of (guard)->topics[0]->subscribers, ==, 9000);
  keys = all_pages (agent, TOPICS, 0, NULL, NULL);
  g_assert_cmpuint (keys->len, ==, 6);
}

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

  peers = all_pages (one, PEERS, 1, NULL, NULL);
  g_assert_cmpuint (peers->len, ==, 1);
  g_assert_cmpstr (g_ptr_array_index (peers, 0), ==, "one");
  subscriptions = all_pages (one, SUBSCRIPTIONS, 1, NULL, NULL);
  g_assert_cmpuint (subscriptions->len, ==, 2);
  g_assert_true (g_str_has_prefix (g_ptr_array_index (subscriptions, 1), "one\x01"));

  groups = client_introspect (one, GROUPS, NULL, 0, NULL, WIRE_STATUS_OK);
  g_assert_cmpuint (reply_of (groups)->n_groups, ==, 1);
  group = reply_of (groups)->groups[0];
  g_assert_cmpstr (group->name, ==, "shared");
  g_assert_cmpuint (group->members, ==, 3);
  g_assert_cmpuint (group->n_member, ==, 1);
  g_assert_cmpstr (group->member[0]->peer, ==, "one");

  topics = all_pages (one, TOPICS, 1, NULL, NULL);
  g_assert_cmpuint (topics->len, ==, 2);
  g_assert_cmpstr (g_ptr_array_index (topics, 0), ==, "control.collector.one");
  g_assert_cmpstr (g_ptr_array_index (topics, 1), ==, "health.x");

  client_introspect (one, PEERS, NULL, 0, "two", WIRE_STATUS_ABSENT);
  client_introspect (one, SUBSCRIPTIONS, NULL, 0, "daemoneye-agent", WIRE_STATUS_ABSENT);
  client_introspect (one, SUBSCRIPTIONS, NULL, 0, "nobody", WIRE_STATUS_ABSENT);
  wire_guard_free (client_introspect (one, SUBSCRIPTIONS, NULL, 0, "one", WIRE_STATUS_OK));
}

/* A cursor of somebody else's opens nothing. */
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

      add_keys (keys, reply_of (guard));
      for (guint k = 0; k < keys->len; k++)
        g_assert_cmpstr (g_ptr_array_index (keys, k), ==, "one");
      g_assert_cmpuint (keys->len, ==, cursors[i].section == PEERS ? 1 : 0);
    }
}

/* --- rate --- */

/* Text of a peer that is cut is cut between characters: else it would make what is told of all peers unreadable. */
static void
test_version_is_cut (Core *core, gconstpointer data)
{
  Daemoneye__Eventbus__V1__Hello hello = DAEMONEYE__EVENTBUS__V1__HELLO__INIT;
  Client *tool = tool_ready (core, "tool-1");
  Client *evil = client_new (core, 0, FALSE);
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
  client_send_frame (evil, WIRE_KIND_HELLO, 0, wire_span (body, daemoneye__eventbus__v1__hello__pack (&hello, body)));
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

/* Dearer pages are fewer. */
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
  guint dear = pages_of_topics (core, 300);

  g_assert_cmpuint (dear, >, 0);
  g_assert_cmpuint (dear, <, cheap / 10);
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
      /* The end of the second, not yet; another peer has its own. */
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
} requests[] = {
  { "subscribe", "\x08\x01\x12\x08health.#", 12, FALSE },
  { "adjust", "\x08\x01", 2, FALSE },
  { "unsubscribe", "\x08\x01", 2, FALSE },
  { "drain", "", 0, TRUE },
  { "lost", "", 0, TRUE },
  { "ping", "", 0, FALSE },
  { "stats", "", 0, FALSE },
  { "introspect", "\x08\x01", 2, FALSE },
  { "timeline", "\x0a\x01x", 3, TRUE },
  { "describe", "", 0, FALSE },
  { "wait", "", 0, TRUE },
  { "will", "", 0, TRUE },
  { "clear", "\x0a\x01#", 3, TRUE },
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
};

static void
ask_method (Client *client, const Daemoneye__Eventbus__V1__MethodInfo *method, guint at)
{
  g_autofree char *topic = g_strconcat ("control.bus.", requests[at].name, NULL);
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

/* What does not fit a payload is refused by the limit's name. */
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

  /* Requests come, directs do not. */
  client_request (agent, "control.collector.one", NULL, 0);
  client_request (agent, "control.collector.one", "one", 0);
  g_assert_cmpuint (client_count (one, WIRE_KIND_REQUEST), ==, 2);
  client_expect_error (agent, send_direct (agent, "control.collector.one", "one"), WIRE_STATUS_NOT_SUBSCRIBED);
  g_assert_cmpuint (client_count (one, WIRE_KIND_DELIVER), ==, 0);
  guard = client_introspect (agent, SUBSCRIPTIONS, NULL, 0, "one", WIRE_STATUS_OK);
  g_assert_cmpuint (reply_of (guard)->n_subscriptions, ==, 1);
  g_assert_true (reply_of (guard)->subscriptions[0]->serve);
  g_assert_true (reply_of (guard)->subscriptions[0]->methods);

  /* One that the program itself serves gets both, as ever. */
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
  g_assert_cmpstr (reply_of (peers)->peers[0]->id, ==, "newer");
  g_assert_cmpuint (reply_of (peers)->peers[0]->features, ==, WIRE_FEATURE_PEER_METHODS);
  g_assert_cmpuint (reply_of (peers)->peers[1]->features, ==, 0);
}

#define ADD(path, limits, function)      g_test_add (path, Core, limits, core_setup, function, core_teardown)
#define ADD_PLENTY(path, data, function) g_test_add (path, Core, data, setup_plenty, function, core_teardown)

int
main (int argc, char **argv)
{
  BusLimits small, slow, wide, many, busy;

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
  bus_limits_init (&slow);
  slow.introspect_per_second = 5;
  bus_limits_init (&busy);
  busy.introspect_per_second = 1000000;
  busy.introspect_work_per_second = 100000;

  ADD_PLENTY ("/core/introspect/M23-pages", NULL, test_pages);
  ADD_PLENTY ("/core/introspect/M23-last-page", NULL, test_last_page);
  ADD_PLENTY ("/core/introspect/M23-changing-peers", GUINT_TO_POINTER (PEERS), test_pages_while_changing);
  ADD_PLENTY ("/core/introspect/M23-changing-subscriptions", GUINT_TO_POINTER (SUBSCRIPTIONS),
              test_pages_while_changing);
  ADD_PLENTY ("/core/introspect/M23-changing-groups", GUINT_TO_POINTER (GROUPS), test_pages_while_changing);
  ADD_PLENTY ("/core/introspect/M23-changing-topics", GUINT_TO_POINTER (TOPICS), test_pages_while_changing);
  ADD ("/core/introspect/M23-peer", NULL, test_peer_entry);
  ADD ("/core/introspect/M23-subscription", NULL, test_subscription_entry);
  ADD ("/core/introspect/M23-group", NULL, test_group_entry);
  ADD ("/core/introspect/M23-bytes", &wide, test_bytes);
  ADD ("/core/introspect/M23-bytes-small", &small, test_bytes);
  g_test_add_func ("/core/introspect/M23-bytes-ends", test_bytes_ends);
  ADD ("/core/introspect/M23-topics-work", &many, test_topics_work);
  ADD ("/core/introspect/M23-bad-requests", NULL, test_bad_requests);
  ADD ("/core/introspect/M23-describe", NULL, test_describe);
  ADD ("/core/introspect/M23-describe-part", NULL, test_describe_part);
  ADD ("/core/introspect/M23-describe-too-large", &small, test_describe_too_large);
  ADD ("/core/introspect/M23-methods", NULL, test_methods);
  ADD ("/core/introspect/M23-methods-of-all-roles", NULL, test_methods_of_all_roles);
  ADD ("/core/introspect/M23-features", NULL, test_features);
  ADD ("/core/introspect/A11-collector", NULL, test_collector);
  ADD ("/core/introspect/A11-collector-cursor", NULL, test_collector_cursor);
  ADD ("/core/introspect/A11-rate", &slow, test_rate);
  ADD ("/core/introspect/A11-version-is-cut", NULL, test_version_is_cut);
  ADD ("/core/introspect/A11-work", &busy, test_work);
  ADD ("/core/introspect/A11-work-by-cost", &busy, test_work_by_cost);
  return g_test_run ();
}

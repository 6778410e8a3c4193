/* SPDX-License-Identifier: Apache-2.0 */
#include "introspect-fixture.h"

#include "base/bus-limits.h"

/* Introspection of the broker: pages, also while the listed objects change. */

/* --- pages --- */

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

/* Some ids are prefixes of others; peer i has i % 4 subscriptions, in groups whose names are not in order. */
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
        g_autoptr (GPtrArray) keys = introspect_all_pages (agent, section, limits[i], NULL, NULL);

        expect_keys (keys, want[section]);
      }
  for (guint section = PEERS; section <= TOPICS; section++)
    g_ptr_array_unref (want[section]);
}

/* A page that has room for exactly all entries reports that there are no more. */
static void
test_last_page (Core *core, gconstpointer data)
{
  Client *tool = tool_ready (core, "tool-1");
  g_autoptr (WireGuard) exact = NULL;
  g_autoptr (WireGuard) short_of = NULL;
  g_autoptr (WireGuard) behind = NULL;

  client_ready (core, "a", "netmond");
  exact = client_introspect (tool, PEERS, NULL, 2, NULL, WIRE_STATUS_OK);
  g_assert_cmpuint (introspect_reply (exact)->n_peers, ==, 2);
  g_assert_cmpstr (introspect_reply (exact)->next, ==, "");
  short_of = client_introspect (tool, PEERS, NULL, 1, NULL, WIRE_STATUS_OK);
  g_assert_cmpuint (introspect_reply (short_of)->n_peers, ==, 1);
  g_assert_cmpstr (introspect_reply (short_of)->next, ==, "a");
  behind = client_introspect (tool, PEERS, "gone-by-now", 1, NULL, WIRE_STATUS_OK);
  g_assert_cmpuint (introspect_reply (behind)->n_peers, ==, 1);
  g_assert_cmpstr (introspect_reply (behind)->peers[0]->id, ==, "tool-1");
}

/* After each page one peer connects and one disconnects, in some cases the peer that the cursor names. */
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
  /* Peers at odd places disconnect, in the order in which they connected. */
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
  before = introspect_all_pages (agent, section, 0, NULL, NULL);
  keys = introspect_all_pages (agent, section, 2, NULL, churn);
  after = introspect_all_pages (agent, section, 0, NULL, NULL);
  /* Each peer that was connected during the whole listing is listed once (keys ascend), and no peer that was never connected is
   * listed. */
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

#define ADD_PLENTY(path, data, function) g_test_add (path, Core, data, setup_plenty, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD_PLENTY ("/core/introspect/M23-pages", NULL, test_pages);
  ADD_PLENTY ("/core/introspect/M23-last-page", NULL, test_last_page);
  ADD_PLENTY ("/core/introspect/M23-changing-peers", GUINT_TO_POINTER (PEERS), test_pages_while_changing);
  ADD_PLENTY ("/core/introspect/M23-changing-subscriptions", GUINT_TO_POINTER (SUBSCRIPTIONS),
              test_pages_while_changing);
  ADD_PLENTY ("/core/introspect/M23-changing-groups", GUINT_TO_POINTER (GROUPS), test_pages_while_changing);
  ADD_PLENTY ("/core/introspect/M23-changing-topics", GUINT_TO_POINTER (TOPICS), test_pages_while_changing);
  return g_test_run ();
}

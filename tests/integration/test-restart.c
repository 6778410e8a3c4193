/* SPDX-License-Identifier: Apache-2.0 */
#include "restart-fixture.h"

/*
 * The agent is killed and started again while clients have subscriptions, groups, services and served topics. The program does not
 * act: each client reconnects by itself and becomes ready with everything that it had before.
 *
 * Every message that is published after all are ready arrives exactly once. TEST_RESTARTS and TEST_RESTART_CLIENTS set other
 * numbers for the long version, and TEST_RESTART_LAST_OUTAGE_MS the length of the last outage.
 */

static guint
number_from (const char *variable, guint otherwise)
{
  const char *text = g_getenv (variable);

  return text != NULL ? (guint) g_ascii_strtoull (text, NULL, 10) : otherwise;
}

/* --- a client --- */

static RestartClient *
client_at (RestartFixture *f, guint i)
{
  return f->clients->pdata[i];
}

static gboolean
all_are_ready (RestartFixture *f, guint times)
{
  for (guint i = 0; i < f->clients->len; i++)
    if (client_at (f, i)->ready < times
        || deye_bus_client_get_state (client_at (f, i)->client) != DEYE_BUS_CLIENT_STATE_READY)
      return FALSE;
  return TRUE;
}

/* --- a round --- */

static guint
sum_shared (RestartFixture *f, guint group)
{
  guint sum = 0;

  for (guint i = group; i < f->clients->len; i += N_GROUPS)
    sum += client_at (f, i)->shared;
  return sum;
}

static gboolean
everything_arrived (RestartFixture *f, guint published)
{
  for (guint i = 0; i < f->clients->len; i++)
    if (client_at (f, i)->all < published)
      return FALSE;
  for (guint group = 0; group < MIN (N_GROUPS, f->clients->len); group++)
    if (sum_shared (f, group) < published)
      return FALSE;
  return TRUE;
}

/* Each client publishes one message, which every client and one member of every group get. */
static void
publish_round (RestartFixture *f)
{
  guint published = f->clients->len;

  f->round++;
  for (guint i = 0; i < published; i++)
    {
      g_autoptr (GBytes) payload = bus_fixture_payload (f->round, 100);
      g_autoptr (GError) error = NULL;

      client_at (f, i)->all = client_at (f, i)->shared = 0;
      deye_bus_client_publish (client_at (f, i)->client, TOPIC, payload, NULL, NULL, NULL, &error);
      g_assert_no_error (error);
    }
  bus_fixture_wait (f, everything_arrived (f, published));
  for (guint i = 0; i < published; i++)
    {
      g_assert_cmpuint (client_at (f, i)->all, ==, published);
      g_assert_cmpuint (client_at (f, i)->other, ==, 0);
    }
  for (guint group = 0; group < MIN (N_GROUPS, published); group++)
    g_assert_cmpuint (sum_shared (f, group), ==, published);
}

static void
on_answer (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusMessage) reply = deye_bus_client_request_finish (DEYE_BUS_CLIENT (source), result, &error);

  g_assert_no_error (error);
  g_assert_nonnull (reply);
  ++*(guint *) data;
}

/* Every declared service answers, and so does the topic that all serve. */
static void
ask_all (RestartFixture *f)
{
  guint answers = 0;

  for (guint i = 0; i < f->clients->len; i++)
    {
      bus_fixture_wait (f, answers + ASKED_AT_ONCE > 2 * i);
      g_autofree char *id = g_strdup_printf ("client-%u", i);
      g_autofree char *topic = g_strconcat ("control.collector.", id, NULL);
      g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();

      deye_bus_options_set_target (options, id);
      deye_bus_options_set_method (options, "Answer");
      deye_bus_client_request_async (f->asker, topic, NULL, options, NULL, on_answer, &answers);
      deye_bus_client_request_async (f->asker, SERVED, NULL, NULL, NULL, on_answer, &answers);
    }
  bus_fixture_wait (f, answers == 2 * f->clients->len);
}

/* --- tests --- */

/* Clients that start before the agent wait for it. */
static void
test_before_the_agent (RestartFixture *f, gconstpointer data)
{
  RestartClient *c = restart_fixture_client_new (f);

  deye_bus_client_connect_async (c->client, NULL, NULL, NULL);
  for (guint i = 0; i < 20; i++)
    g_main_context_iteration (f->context, FALSE);
  g_assert_cmpint (deye_bus_client_get_state (c->client), ==, DEYE_BUS_CLIENT_STATE_CONNECTING);
  restart_fixture_agent_start (f);
  bus_fixture_wait (f, all_are_ready (f, 1));
  g_assert_cmpuint (c->interrupted + c->epochs, ==, 0);
}

/* In a program without a main loop, its calls reconnect. */
static void
test_without_a_loop (RestartFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusSubscription) subscription = NULL;
  g_autoptr (DeyeBusMessage) message = NULL;
  g_autoptr (GBytes) payload = bus_fixture_payload (7, 8);
  RestartClient *c;

  restart_fixture_agent_start (f);
  c = restart_fixture_client_new (f);
  g_assert_true (deye_bus_client_connect (c->client, NULL, &error));
  subscription = deye_bus_client_subscribe (c->client, TOPIC, NULL, NULL, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  restart_fixture_agent_kill (f);
  restart_fixture_agent_start (f);
  /* The first call detects the end of the connection, and waits for the next one. */
  g_assert_null (deye_bus_subscription_next (subscription, 0, NULL, NULL));
  g_assert_true (deye_bus_client_connect (c->client, NULL, &error));
  g_assert_true (deye_bus_client_publish (c->client, TOPIC, payload, NULL, NULL, NULL, &error));
  message = deye_bus_subscription_next (subscription, -1, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (restart_fixture_message_round (message), ==, 7);
}

/* The signals of a client at a restart, and at its end. */
static void
test_signals (RestartFixture *f, gconstpointer data)
{
  RestartClient *c;

  restart_fixture_agent_start (f);
  c = restart_fixture_client_new (f);
  g_assert_true (deye_bus_client_connect (c->client, NULL, NULL));
  bus_fixture_wait (f, c->ready == 1);
  restart_fixture_agent_kill (f);
  bus_fixture_wait (f, c->interrupted == 1);
  g_assert_cmpint (deye_bus_client_get_state (c->client), ==, DEYE_BUS_CLIENT_STATE_CONNECTING);
  restart_fixture_agent_start (f);
  bus_fixture_wait (f, c->ready == 2);
  g_assert_cmpuint (c->epochs, ==, 1);
  g_assert_cmpuint (c->closed, ==, 0);
  /* With reconnect switched off, the client ends with its connection, and emits one signal. */
  deye_bus_client_set_reconnect (c->client, FALSE);
  restart_fixture_agent_kill (f);
  bus_fixture_wait (f, c->closed == 1);
  g_assert_cmpint (deye_bus_client_get_state (c->client), ==, DEYE_BUS_CLIENT_STATE_DISCONNECTED);
  g_assert_true (deye_bus_client_close (c->client, NULL, NULL));
  while (g_main_context_iteration (f->context, FALSE))
    ;
  g_assert_cmpuint (c->closed, ==, 1);
}

static guint
outage_before (guint restart, guint n_restarts)
{
  guint usual = restart % 5 == 0 ? LONG_OUTAGE_MS : SHORT_OUTAGE_MS;

  return restart == n_restarts ? number_from ("TEST_RESTART_LAST_OUTAGE_MS", usual) : usual;
}

/* Many clients, many restarts. */
static void
test_restarts (RestartFixture *f, gconstpointer data)
{
  guint n_clients = number_from ("TEST_RESTART_CLIENTS", 100), n_restarts = number_from ("TEST_RESTARTS", 20);

  restart_fixture_agent_start (f);
  for (guint i = 0; i < n_clients; i++)
    {
      g_autoptr (GError) error = NULL;

      deye_bus_client_connect (restart_fixture_client_new (f)->client, NULL, &error);
      g_assert_no_error (error);
      restart_fixture_client_subscribe (client_at (f, i));
    }
  bus_fixture_wait (f, all_are_ready (f, 1));
  f->asker = deye_bus_client_new_tool (f->address, "asker");
  g_assert_true (deye_bus_client_connect (f->asker, NULL, NULL));
  publish_round (f);
  ask_all (f);
  for (guint restart = 1; restart <= n_restarts; restart++)
    {
      restart_fixture_agent_restart (f, outage_before (restart, n_restarts));
      bus_fixture_wait (f, all_are_ready (f, restart + 1));
      bus_fixture_wait (f, deye_bus_client_get_state (f->asker) == DEYE_BUS_CLIENT_STATE_READY);
      publish_round (f);
      ask_all (f);
    }
  for (guint i = 0; i < n_clients; i++)
    {
      g_assert_cmpuint (client_at (f, i)->ready, ==, n_restarts + 1);
      g_assert_cmpuint (client_at (f, i)->interrupted, ==, n_restarts);
      g_assert_cmpuint (client_at (f, i)->epochs, ==, n_restarts);
      g_assert_cmpuint (client_at (f, i)->closed, ==, 0);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define RESTART_TEST(name, function)                                                                                   \
  g_test_add ("/integration/restart/" name, RestartFixture, NULL, restart_fixture_set_up, function,                    \
              restart_fixture_tear_down)
  RESTART_TEST ("M16-before-the-agent", test_before_the_agent);
  RESTART_TEST ("M16-without-a-loop", test_without_a_loop);
  RESTART_TEST ("M16-signals", test_signals);
  RESTART_TEST ("K09-M16-restarts", test_restarts);
  return g_test_run ();
}

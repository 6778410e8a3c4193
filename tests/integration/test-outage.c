/* SPDX-License-Identifier: Apache-2.0 */
#include "restart-fixture.h"

/*
 * The agent is killed and started again while clients publish. Each message and each value arrives or is reported as missed,
 * whether it was published before the end of the agent or while no agent was running.
 */

/* --- tests --- */

/* Messages that are published while no agent runs arrive once, because the subscriptions are restored first. */
static void
test_published_meanwhile (RestartFixture *f, gconstpointer data)
{
  RestartClient *c;

  restart_fixture_agent_start (f);
  c = restart_fixture_client_new (f);
  g_assert_true (deye_bus_client_connect (c->client, NULL, NULL));
  restart_fixture_client_subscribe (c);
  bus_fixture_wait (f, c->ready == 1);
  restart_fixture_agent_kill (f);
  bus_fixture_wait (f, c->interrupted == 1);
  f->round = 1;
  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (GBytes) payload = bus_fixture_payload (f->round, 100);
      g_autoptr (GError) error = NULL;

      g_assert_true (deye_bus_client_publish (c->client, TOPIC, payload, NULL, NULL, NULL, &error));
      g_assert_no_error (error);
    }
  g_assert_cmpuint (deye_bus_client_get_unsent (c->client), ==, 100);
  restart_fixture_agent_start (f);
  bus_fixture_wait (f, c->all >= 100 && c->shared >= 100);
  g_assert_true (deye_bus_client_flush (c->client, NULL, TRUE, NULL, NULL));
  while (g_main_context_iteration (f->context, FALSE))
    ;
  g_assert_cmpuint (c->all, ==, 100);
  g_assert_cmpuint (c->shared, ==, 100);
  g_assert_cmpuint (c->other, ==, 0);
}

/* The topics of the last messages of all peers. */
static char *
last_topics (RestartFixture *f)
{
  static const guint8 peers[] = { 0x08, 0x01 };
  g_autoptr (GBytes) payload = g_bytes_new_static (peers, sizeof peers);
  g_autoptr (DeyeBusMessage) reply
      = deye_bus_client_request (f->asker, "control.bus.introspect", payload, NULL, NULL, NULL);
  const Daemoneye__Eventbus__V1__BusIntrospectReply *page;
  GString *topics = g_string_new (NULL);
  g_autoptr (WireGuard) guard = NULL;
  const guint8 *bytes;
  gsize len;

  bytes = deye_bus_message_get_data (reply, &len);
  guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__bus_introspect_reply__descriptor, wire_span (bytes, len),
                                     0, NULL);
  page = wire_guard_message (guard);
  for (gsize i = 0; i < page->n_peers; i++)
    g_string_append (topics, page->peers[i]->last_topic);
  return g_string_free (topics, FALSE);
}

static void
on_value (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  RestartClient *c = data;

  c->all += deye_bus_message_is_retained (message) && restart_fixture_message_round (message) == 7 ? 1 : 0;
  c->other++;
}

/* The new agent has the value that a client retained, and its last message, before the client is ready. */
static void
test_values (RestartFixture *f, gconstpointer data)
{
  g_autoptr (GBytes) payload = bus_fixture_payload (7, 8);
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (DeyeBusSubscription) values = NULL;
  g_autofree char *topics = NULL;
  RestartClient *c, *late;

  restart_fixture_agent_start (f);
  c = restart_fixture_client_new (f);
  g_assert_true (deye_bus_client_connect (c->client, NULL, NULL));
  deye_bus_options_set_retain (options, DEYE_BUS_RETAIN_LAST);
  g_assert_true (deye_bus_client_publish (c->client, "health.value", payload, options, NULL, NULL, NULL));
  g_assert_true (deye_bus_client_set_last_message (c->client, "health.last", payload, NULL, NULL, NULL));
  bus_fixture_wait (f, c->ready == 1);
  restart_fixture_agent_restart (f, SHORT_OUTAGE_MS);
  bus_fixture_wait (f, c->ready == 2);
  f->asker = deye_bus_client_new_tool (f->address, "asker");
  g_assert_true (deye_bus_client_connect (f->asker, NULL, NULL));
  topics = last_topics (f);
  g_assert_cmpstr (topics, ==, "health.last");
  late = restart_fixture_client_new (f);
  g_assert_true (deye_bus_client_connect (late->client, NULL, NULL));
  values = deye_bus_client_subscribe (late->client, "health.value", NULL, on_value, late, NULL, NULL, NULL);
  bus_fixture_wait (f, late->other > 0);
  g_assert_cmpuint (late->all, ==, 1);
}

/* --- ready, and the retained values of other clients --- */

#define N_VALUES    20u   /* in each lane */
#define VALUE_BYTES 30000 /* the broker sends them in several steps */

/* A subscriber with a context of its own: it does nothing, not even reconnect, until the test runs it. */
typedef struct
{
  GMainContext *context;
  DeyeBusClient *client;
  DeyeBusClientState last; /* state that was notified */
  guint ready;
  guint retained;
  guint live;
  guint retained_when_ready;
} Subscriber;

static void
on_subscriber_state (DeyeBusClient *client, GParamSpec *pspec, gpointer data)
{
  Subscriber *subscriber = data;
  DeyeBusClientState state = deye_bus_client_get_state (client);

  if (state == DEYE_BUS_CLIENT_STATE_READY && subscriber->last != state)
    {
      subscriber->ready++;
      subscriber->retained_when_ready = subscriber->retained;
    }
  subscriber->last = state;
}

static void
on_subscriber_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  Subscriber *subscriber = data;

  if (deye_bus_message_is_retained (message))
    subscriber->retained++;
  else
    subscriber->live++;
}

/* It connects when it runs for the first time, and has its subscriptions by then. */
static void
subscriber_begin (RestartFixture *f, Subscriber *subscriber)
{
  static const char *const patterns[] = { "events.#", "health.#" };

  subscriber->context = g_main_context_new ();
  g_main_context_push_thread_default (subscriber->context);
  subscriber->client = deye_bus_client_new (f->address, "subscriber", "procmond");
  g_signal_connect (subscriber->client, "notify::state", G_CALLBACK (on_subscriber_state), subscriber);
  deye_bus_client_connect_async (subscriber->client, NULL, NULL, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (patterns); i++)
    deye_bus_client_subscribe_async (subscriber->client, patterns[i], NULL, on_subscriber_message, subscriber, NULL,
                                     NULL, NULL, NULL);
  g_main_context_pop_thread_default (subscriber->context);
}

static void
subscriber_end (Subscriber *subscriber)
{
  g_main_context_push_thread_default (subscriber->context);
  g_assert_true (deye_bus_client_close (subscriber->client, NULL, NULL));
  while (g_main_context_iteration (subscriber->context, FALSE))
    ;
  g_clear_object (&subscriber->client);
  g_main_context_pop_thread_default (subscriber->context);
  g_main_context_unref (subscriber->context);
}

/* A client that retains values in both lanes, and is ready. */
static RestartClient *
owner_begin (RestartFixture *f)
{
  static const char *const prefixes[] = { "events.process.v", "health.v" };
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  RestartClient *owner = restart_fixture_client_new (f);

  g_assert_true (deye_bus_client_connect (owner->client, NULL, NULL));
  deye_bus_options_set_retain (options, DEYE_BUS_RETAIN_LAST);
  for (guint i = 0; i < G_N_ELEMENTS (prefixes) * N_VALUES; i++)
    {
      g_autofree char *topic = g_strdup_printf ("%s%u", prefixes[i % G_N_ELEMENTS (prefixes)], i);
      g_autoptr (GBytes) payload = bus_fixture_payload (i, i % G_N_ELEMENTS (prefixes) == 0 ? VALUE_BYTES : 8);

      g_assert_true (deye_bus_client_publish (owner->client, topic, payload, options, NULL, NULL, NULL));
    }
  g_assert_true (deye_bus_client_flush (owner->client, NULL, TRUE, NULL, NULL));
  bus_fixture_wait (f, owner->ready == 1);
  return owner;
}

/* A ready client has the values that the broker had when it subscribed: at the first connect, and after a restart of the agent if
 * the owner of the values reconnected first. */
static void
test_values_before_ready (RestartFixture *f, gconstpointer data)
{
  Subscriber subscriber = { 0 };
  RestartClient *owner;

  restart_fixture_agent_start (f);
  owner = owner_begin (f);
  subscriber_begin (f, &subscriber);
  bus_fixture_wait (&subscriber, subscriber.ready == 1);
  g_assert_cmpuint (subscriber.retained_when_ready, ==, 2 * N_VALUES);
  restart_fixture_agent_restart (f, SHORT_OUTAGE_MS);
  bus_fixture_wait (f, owner->ready == 2);
  bus_fixture_wait (&subscriber, subscriber.ready == 2);
  g_assert_cmpuint (subscriber.retained_when_ready, ==, 4 * N_VALUES);
  g_assert_cmpuint (subscriber.live, ==, 0);
  subscriber_end (&subscriber);
}

/* The owner reconnects later: ready does not wait for it, and its values arrive as live messages. */
static void
test_values_after_ready (RestartFixture *f, gconstpointer data)
{
  Subscriber subscriber = { 0 };
  RestartClient *owner;

  restart_fixture_agent_start (f);
  owner = owner_begin (f);
  subscriber_begin (f, &subscriber);
  bus_fixture_wait (&subscriber, subscriber.ready == 1);
  restart_fixture_agent_kill (f);
  /* Waiting for the agent must not run the owner. */
  g_main_context_push_thread_default (subscriber.context);
  restart_fixture_agent_start (f);
  g_main_context_pop_thread_default (subscriber.context);
  bus_fixture_wait (&subscriber, subscriber.ready == 2);
  g_assert_cmpuint (subscriber.retained, ==, 2 * N_VALUES);
  g_assert_cmpuint (owner->ready, ==, 1);
  bus_fixture_wait (f, owner->ready == 2);
  bus_fixture_wait (&subscriber, subscriber.live == 2 * N_VALUES);
  g_assert_cmpuint (subscriber.retained, ==, 2 * N_VALUES);
  subscriber_end (&subscriber);
}

static void
on_gap (DeyeBusSubscription *subscription, guint64 from, guint64 to, guint64 count, guint reason, gpointer data)
{
  if (reason == DEYE_BUS_ERROR_UNKNOWN)
    *(guint64 *) data += count;
}

static void
on_error (DeyeBusClient *client, const GError *error, gpointer data)
{
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  ++*(guint *) data;
}

/* While no agent runs, more messages are published than a client keeps: the program and the subscription get the number of dropped
 * messages. Each message arrives or is reported. */
static void
test_lost_meanwhile (RestartFixture *f, gconstpointer data)
{
  enum
  {
    KEPT = 8192,
    LOST = 500
  };
  g_autoptr (DeyeBusSubscription) subscription = NULL;
  g_autoptr (GError) error = NULL;
  guint64 missed = 0;
  guint errors = 0;
  RestartClient *c;

  restart_fixture_agent_start (f);
  c = restart_fixture_client_new (f);
  g_assert_true (deye_bus_client_connect (c->client, NULL, NULL));
  g_signal_connect (c->client, "error", G_CALLBACK (on_error), &errors);
  subscription = deye_bus_client_subscribe (c->client, TOPIC, NULL, restart_fixture_on_all, c, NULL, NULL, &error);
  g_assert_no_error (error);
  g_signal_connect (subscription, "gap", G_CALLBACK (on_gap), &missed);
  bus_fixture_wait (f, c->ready == 1);
  restart_fixture_agent_kill (f);
  bus_fixture_wait (f, c->interrupted == 1);
  f->round = 1;
  for (guint i = 0; i < KEPT + LOST; i++)
    {
      g_autoptr (GBytes) payload = bus_fixture_payload (f->round, 8);

      g_assert_true (deye_bus_client_publish (c->client, TOPIC, payload, NULL, NULL, NULL, &error));
    }
  restart_fixture_agent_start (f);
  bus_fixture_wait (f, c->all + deye_bus_subscription_get_missed (subscription) >= KEPT + LOST && errors == 1);
  while (g_main_context_iteration (f->context, FALSE))
    ;
  g_assert_cmpuint (c->all + deye_bus_subscription_get_missed (subscription), ==, KEPT + LOST);
  g_assert_cmpuint (missed, ==, LOST);
}

static void
on_confirmed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (deye_bus_client_publish_confirmed_finish (DEYE_BUS_CLIENT (source), result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
  ++*(guint *) data;
}

/* A message that the old agent accepted and that was not handled: the outcome UNKNOWN is reported once, and the message is not
 * sent to the new agent. */
static void
test_unknown (RestartFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscription) member = NULL;
  g_autoptr (DeyeBusMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  guint unknown = 0;
  RestartClient *c;

  restart_fixture_agent_start (f);
  c = restart_fixture_client_new (f);
  g_assert_true (deye_bus_client_connect (c->client, NULL, NULL));
  member = deye_bus_client_subscribe (c->client, TOPIC, "group", NULL, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  bus_fixture_wait (f, c->ready == 1);
  deye_bus_client_publish_confirmed_async (c->client, TOPIC, NULL, NULL, NULL, on_confirmed, &unknown);
  g_assert_true (deye_bus_client_flush (c->client, NULL, TRUE, NULL, &error));
  restart_fixture_agent_kill (f);
  bus_fixture_wait (f, c->interrupted == 1);
  g_assert_cmpuint (unknown, ==, 0);
  restart_fixture_agent_start (f);
  bus_fixture_wait (f, c->ready == 2 && unknown == 1);
  g_assert_true (deye_bus_client_flush (c->client, NULL, TRUE, NULL, &error));
  message = deye_bus_subscription_next (member, 0, NULL, NULL);
  g_assert_nonnull (message); /* from the old agent */
  g_assert_null (deye_bus_subscription_next (member, 0, NULL, NULL));
  g_assert_cmpuint (unknown, ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define RESTART_TEST(name, function)                                                                                   \
  g_test_add ("/integration/restart/" name, RestartFixture, NULL, restart_fixture_set_up, function,                    \
              restart_fixture_tear_down)
  RESTART_TEST ("M16-published-meanwhile", test_published_meanwhile);
  RESTART_TEST ("M16-values", test_values);
  RESTART_TEST ("M16-values-before-ready", test_values_before_ready);
  RESTART_TEST ("M16-values-after-ready", test_values_after_ready);
  RESTART_TEST ("M16-lost-meanwhile", test_lost_meanwhile);
  RESTART_TEST ("K12-unknown", test_unknown);
  return g_test_run ();
}

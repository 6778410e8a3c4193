/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The agent is killed and started again under clients that have subscriptions, groups, services and served topics. Nobody
 * touches the clients: each is ready again by itself, and everything is as before.
 *
 * Every message that is published after all are ready arrives exactly once. TEST_RESTARTS and TEST_RESTART_CLIENTS set other
 * numbers for the long version, and TEST_RESTART_LAST_OUTAGE_MS the length of the last outage.
 */

#include "bus-fixture.h"
#include "introspection.pb-c.h"
#include "test-dir.h"

#include <string.h>

#define TOPIC           "events.process.lifecycle"
#define SERVED          "control.collector.task.procmond"
#define N_GROUPS        5u
#define SHORT_OUTAGE_MS 200
#define LONG_OUTAGE_MS  2000
#define ASKED_AT_ONCE   40u /* below the limit of pending requests */

typedef struct
{
  GMainContext *context;
  char *dir;
  char *address;
  TestProcess *agent;
  GPtrArray *clients;   /* of RestartClient */
  DeyeBusClient *asker; /* a tool; NULL: none */
  guint64 round;        /* the number in what is published now */
} RestartFixture;

typedef struct
{
  RestartFixture *f;
  guint number;
  DeyeBusClient *client;
  DeyeBusClientState last; /* state that was notified */
  guint ready;             /* times that the state became READY */
  guint interrupted;
  guint epochs;
  guint closed;
  guint all;    /* messages of this round to the plain subscription */
  guint shared; /* ... to the group */
  guint other;  /* messages of other rounds */
} RestartClient;

static guint
number_from (const char *variable, guint otherwise)
{
  const char *text = g_getenv (variable);

  return text != NULL ? (guint) g_ascii_strtoull (text, NULL, 10) : otherwise;
}

static void
agent_start (RestartFixture *f)
{
  const char *argv[] = { bus_fixture_program ("TEST_AGENT"),  "--address", f->address, "--ready-fd", "1", "--module",
                         bus_fixture_program ("TEST_MODULE"), NULL };

  f->agent = test_process_spawn (argv, -1, NULL);
  test_process_expect_line (f->agent, "");
}

static void
agent_kill (RestartFixture *f)
{
  test_process_kill (f->agent);
  test_process_end (f->agent);
  g_clear_pointer (&f->agent, test_process_free);
}

static gboolean
on_outage_over (gpointer data)
{
  *(gboolean *) data = TRUE;
  return G_SOURCE_REMOVE;
}

/* The clients run meanwhile. */
static void
agent_restart (RestartFixture *f, guint outage_ms)
{
  GSource *timer = g_timeout_source_new (outage_ms);
  gboolean over = FALSE;

  agent_kill (f);
  g_source_set_callback (timer, on_outage_over, &over, NULL);
  g_source_attach (timer, f->context);
  while (!over)
    g_main_context_iteration (f->context, TRUE);
  g_source_unref (timer);
  agent_start (f);
}

static void
set_up (RestartFixture *f, gconstpointer data)
{
  test_watchdog_start (g_test_get_path ());
  f->context = g_main_context_new ();
  g_main_context_push_thread_default (f->context);
  f->dir = test_dir_new ();
  f->address = g_build_filename (f->dir, "bus", "eventbus.sock", NULL);
  f->clients = g_ptr_array_new ();
}

static void
client_end (RestartClient *c)
{
  g_assert_true (deye_bus_client_close (c->client, NULL, NULL));
  g_clear_object (&c->client);
}

static void
tear_down (RestartFixture *f, gconstpointer data)
{
  for (guint i = 0; i < f->clients->len; i++)
    client_end (f->clients->pdata[i]);
  if (f->asker != NULL)
    deye_bus_client_close (f->asker, NULL, NULL);
  while (g_main_context_iteration (f->context, FALSE))
    ;
  g_clear_object (&f->asker);
  g_ptr_array_set_free_func (f->clients, g_free);
  g_clear_pointer (&f->clients, g_ptr_array_unref);
  if (f->agent != NULL)
    {
      test_process_ask_to_stop (f->agent);
      g_assert_cmpint (test_process_end (f->agent), ==, 0);
      g_clear_pointer (&f->agent, test_process_free);
    }
  g_clear_pointer (&f->dir, test_dir_remove);
  g_clear_pointer (&f->address, g_free);
  g_main_context_pop_thread_default (f->context);
  g_clear_pointer (&f->context, g_main_context_unref);
  test_watchdog_stop ();
}

#define restart_wait(f, condition)                                                                                     \
  G_STMT_START                                                                                                         \
  {                                                                                                                    \
    test_watchdog_note ("%s:%d: %s", __FILE__, __LINE__, #condition);                                                  \
    while (!(condition))                                                                                               \
      g_main_context_iteration ((f)->context, TRUE);                                                                   \
    test_watchdog_note (NULL);                                                                                         \
  }                                                                                                                    \
  G_STMT_END

/* --- a client --- */

static void
on_state (DeyeBusClient *client, GParamSpec *pspec, gpointer data)
{
  RestartClient *c = data;

  DeyeBusClientState state = deye_bus_client_get_state (client);

  /* Several changes may be dispatched after the last of them. */
  c->ready += state == DEYE_BUS_CLIENT_STATE_READY && c->last != state ? 1 : 0;
  c->last = state;
}

static void
on_interrupted (DeyeBusClient *client, const GError *why, gpointer data)
{
  ((RestartClient *) data)->interrupted++;
}

static void
on_epoch (DeyeBusClient *client, gpointer data)
{
  ((RestartClient *) data)->epochs++;
}

static void
on_closed (DeyeBusClient *client, const GError *why, gpointer data)
{
  ((RestartClient *) data)->closed++;
}

static guint64
message_round (DeyeBusMessage *message)
{
  g_autoptr (GBytes) payload = deye_bus_message_dup_payload (message);
  guint64 round = 0;

  memcpy (&round, g_bytes_get_data (payload, NULL), MIN (sizeof round, g_bytes_get_size (payload)));
  return round;
}

static void
on_all (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  RestartClient *c = data;

  if (message_round (message) == c->f->round)
    c->all++;
  else
    c->other++;
}

static void
on_shared (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  RestartClient *c = data;

  if (message_round (message) == c->f->round)
    c->shared++;
  else
    c->other++;
}

static void
on_request (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  deye_bus_client_respond (((RestartClient *) data)->client, message, NULL, NULL, NULL);
}

static void
on_method (DeyeBusClient *client, DeyeBusMessage *request, gpointer data)
{
  deye_bus_client_respond (client, request, NULL, NULL, NULL);
}

static DeyeBusService *
client_service (void)
{
  DeyeBusService *service = deye_bus_service_new ("test.Restart", NULL);

  deye_bus_service_add_method (service, "Answer", NULL, NULL, NULL, on_method, NULL, NULL);
  return service;
}

/* It is not connected yet when the agent does not run. */
static RestartClient *
client_new (RestartFixture *f)
{
  RestartClient *c = g_new0 (RestartClient, 1);
  g_autoptr (DeyeBusService) service = client_service ();
  g_autofree char *id = NULL;

  c->f = f;
  c->number = f->clients->len;
  id = g_strdup_printf ("client-%u", c->number);
  c->client = deye_bus_client_new (f->address, id, "procmond");
  g_assert_true (deye_bus_client_add_service (c->client, service, NULL));
  g_signal_connect (c->client, "notify::state", G_CALLBACK (on_state), c);
  g_signal_connect (c->client, "interrupted", G_CALLBACK (on_interrupted), c);
  g_signal_connect (c->client, "epoch-changed", G_CALLBACK (on_epoch), c);
  g_signal_connect (c->client, "closed", G_CALLBACK (on_closed), c);
  g_ptr_array_add (f->clients, c);
  return c;
}

static void
client_subscribe (RestartClient *c)
{
  g_autofree char *group = g_strdup_printf ("group-%u", c->number % N_GROUPS);
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusSubscription) all
      = deye_bus_client_subscribe (c->client, TOPIC, NULL, on_all, c, NULL, NULL, &error);
  g_autoptr (DeyeBusSubscription) shared = NULL;
  g_autoptr (DeyeBusSubscription) serving = NULL;

  g_assert_no_error (error);
  shared = deye_bus_client_subscribe (c->client, "events.#", group, on_shared, c, NULL, NULL, &error);
  g_assert_no_error (error);
  serving = deye_bus_client_serve (c->client, SERVED, NULL, on_request, c, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (all);
  g_assert_nonnull (shared);
  g_assert_nonnull (serving);
}

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
  restart_wait (f, everything_arrived (f, published));
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
      restart_wait (f, answers + ASKED_AT_ONCE > 2 * i);
      g_autofree char *id = g_strdup_printf ("client-%u", i);
      g_autofree char *topic = g_strconcat ("control.collector.", id, NULL);
      g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();

      deye_bus_options_set_target (options, id);
      deye_bus_options_set_method (options, "Answer");
      deye_bus_client_request_async (f->asker, topic, NULL, options, NULL, on_answer, &answers);
      deye_bus_client_request_async (f->asker, SERVED, NULL, NULL, NULL, on_answer, &answers);
    }
  restart_wait (f, answers == 2 * f->clients->len);
}

/* --- tests --- */

/* Clients that start before the agent wait for it. */
static void
test_before_the_agent (RestartFixture *f, gconstpointer data)
{
  RestartClient *c = client_new (f);

  deye_bus_client_connect_async (c->client, NULL, NULL, NULL);
  for (guint i = 0; i < 20; i++)
    g_main_context_iteration (f->context, FALSE);
  g_assert_cmpint (deye_bus_client_get_state (c->client), ==, DEYE_BUS_CLIENT_STATE_CONNECTING);
  agent_start (f);
  restart_wait (f, all_are_ready (f, 1));
  g_assert_cmpuint (c->interrupted + c->epochs, ==, 0);
}

/* A program without a main loop: its calls make the connection again. */
static void
test_without_a_loop (RestartFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (DeyeBusSubscription) subscription = NULL;
  g_autoptr (DeyeBusMessage) message = NULL;
  g_autoptr (GBytes) payload = bus_fixture_payload (7, 8);
  RestartClient *c;

  agent_start (f);
  c = client_new (f);
  g_assert_true (deye_bus_client_connect (c->client, NULL, &error));
  subscription = deye_bus_client_subscribe (c->client, TOPIC, NULL, NULL, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  agent_kill (f);
  agent_start (f);
  /* The first call notices the end of the connection, and waits for the next. */
  g_assert_null (deye_bus_subscription_next (subscription, 0, NULL, NULL));
  g_assert_true (deye_bus_client_connect (c->client, NULL, &error));
  g_assert_true (deye_bus_client_publish (c->client, TOPIC, payload, NULL, NULL, NULL, &error));
  message = deye_bus_subscription_next (subscription, -1, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (message_round (message), ==, 7);
}

/* The signals of a restart, and of the end. */
static void
test_signals (RestartFixture *f, gconstpointer data)
{
  RestartClient *c;

  agent_start (f);
  c = client_new (f);
  g_assert_true (deye_bus_client_connect (c->client, NULL, NULL));
  restart_wait (f, c->ready == 1);
  agent_kill (f);
  restart_wait (f, c->interrupted == 1);
  g_assert_cmpint (deye_bus_client_get_state (c->client), ==, DEYE_BUS_CLIENT_STATE_CONNECTING);
  agent_start (f);
  restart_wait (f, c->ready == 2);
  g_assert_cmpuint (c->epochs, ==, 1);
  g_assert_cmpuint (c->closed, ==, 0);
  /* Switched off, it ends with its connection, and says so once. */
  deye_bus_client_set_reconnect (c->client, FALSE);
  agent_kill (f);
  restart_wait (f, c->closed == 1);
  g_assert_cmpint (deye_bus_client_get_state (c->client), ==, DEYE_BUS_CLIENT_STATE_DISCONNECTED);
  g_assert_true (deye_bus_client_close (c->client, NULL, NULL));
  while (g_main_context_iteration (f->context, FALSE))
    ;
  g_assert_cmpuint (c->closed, ==, 1);
}

/* Published while there is no agent: the subscriptions are restored first, so each message arrives, once. */
static void
test_published_meanwhile (RestartFixture *f, gconstpointer data)
{
  RestartClient *c;

  agent_start (f);
  c = client_new (f);
  g_assert_true (deye_bus_client_connect (c->client, NULL, NULL));
  client_subscribe (c);
  restart_wait (f, c->ready == 1);
  agent_kill (f);
  restart_wait (f, c->interrupted == 1);
  f->round = 1;
  for (guint i = 0; i < 100; i++)
    {
      g_autoptr (GBytes) payload = bus_fixture_payload (f->round, 100);
      g_autoptr (GError) error = NULL;

      g_assert_true (deye_bus_client_publish (c->client, TOPIC, payload, NULL, NULL, NULL, &error));
      g_assert_no_error (error);
    }
  g_assert_cmpuint (deye_bus_client_get_unsent (c->client), ==, 100);
  agent_start (f);
  restart_wait (f, c->all >= 100 && c->shared >= 100);
  g_assert_true (deye_bus_client_flush (c->client, NULL, TRUE, NULL, NULL));
  while (g_main_context_iteration (f->context, FALSE))
    ;
  g_assert_cmpuint (c->all, ==, 100);
  g_assert_cmpuint (c->shared, ==, 100);
  g_assert_cmpuint (c->other, ==, 0);
}

/* The topics of the last messages that all peers left. */
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

  c->all += deye_bus_message_is_retained (message) && message_round (message) == 7 ? 1 : 0;
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

  agent_start (f);
  c = client_new (f);
  g_assert_true (deye_bus_client_connect (c->client, NULL, NULL));
  deye_bus_options_set_retain (options, DEYE_BUS_RETAIN_LAST);
  g_assert_true (deye_bus_client_publish (c->client, "health.value", payload, options, NULL, NULL, NULL));
  g_assert_true (deye_bus_client_set_last_message (c->client, "health.last", payload, NULL, NULL, NULL));
  restart_wait (f, c->ready == 1);
  agent_restart (f, SHORT_OUTAGE_MS);
  restart_wait (f, c->ready == 2);
  f->asker = deye_bus_client_new_tool (f->address, "asker");
  g_assert_true (deye_bus_client_connect (f->asker, NULL, NULL));
  topics = last_topics (f);
  g_assert_cmpstr (topics, ==, "health.last");
  late = client_new (f);
  g_assert_true (deye_bus_client_connect (late->client, NULL, NULL));
  values = deye_bus_client_subscribe (late->client, "health.value", NULL, on_value, late, NULL, NULL, NULL);
  restart_wait (f, late->other > 0);
  g_assert_cmpuint (late->all, ==, 1);
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

/* More is published while there is no agent than a client keeps: the program and the subscription get the number of messages that
 * were dropped. Each message arrives or is reported. */
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

  agent_start (f);
  c = client_new (f);
  g_assert_true (deye_bus_client_connect (c->client, NULL, NULL));
  g_signal_connect (c->client, "error", G_CALLBACK (on_error), &errors);
  subscription = deye_bus_client_subscribe (c->client, TOPIC, NULL, on_all, c, NULL, NULL, &error);
  g_assert_no_error (error);
  g_signal_connect (subscription, "gap", G_CALLBACK (on_gap), &missed);
  restart_wait (f, c->ready == 1);
  agent_kill (f);
  restart_wait (f, c->interrupted == 1);
  f->round = 1;
  for (guint i = 0; i < KEPT + LOST; i++)
    {
      g_autoptr (GBytes) payload = bus_fixture_payload (f->round, 8);

      g_assert_true (deye_bus_client_publish (c->client, TOPIC, payload, NULL, NULL, NULL, &error));
    }
  agent_start (f);
  restart_wait (f, c->all + deye_bus_subscription_get_missed (subscription) >= KEPT + LOST && errors == 1);
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

/* Accepted by the old agent and not handled: the outcome is UNKNOWN, once, and the message is not sent to the new one. */
static void
test_unknown (RestartFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscription) member = NULL;
  g_autoptr (DeyeBusMessage) message = NULL;
  g_autoptr (GError) error = NULL;
  guint unknown = 0;
  RestartClient *c;

  agent_start (f);
  c = client_new (f);
  g_assert_true (deye_bus_client_connect (c->client, NULL, NULL));
  member = deye_bus_client_subscribe (c->client, TOPIC, "group", NULL, NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  restart_wait (f, c->ready == 1);
  deye_bus_client_publish_confirmed_async (c->client, TOPIC, NULL, NULL, NULL, on_confirmed, &unknown);
  g_assert_true (deye_bus_client_flush (c->client, NULL, TRUE, NULL, &error));
  agent_kill (f);
  restart_wait (f, c->interrupted == 1);
  g_assert_cmpuint (unknown, ==, 0);
  agent_start (f);
  restart_wait (f, c->ready == 2 && unknown == 1);
  g_assert_true (deye_bus_client_flush (c->client, NULL, TRUE, NULL, &error));
  message = deye_bus_subscription_next (member, 0, NULL, NULL);
  g_assert_nonnull (message); /* of the old agent */
  g_assert_null (deye_bus_subscription_next (member, 0, NULL, NULL));
  g_assert_cmpuint (unknown, ==, 1);
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

  agent_start (f);
  for (guint i = 0; i < n_clients; i++)
    {
      g_autoptr (GError) error = NULL;

      deye_bus_client_connect (client_new (f)->client, NULL, &error);
      g_assert_no_error (error);
      client_subscribe (client_at (f, i));
    }
  restart_wait (f, all_are_ready (f, 1));
  f->asker = deye_bus_client_new_tool (f->address, "asker");
  g_assert_true (deye_bus_client_connect (f->asker, NULL, NULL));
  publish_round (f);
  ask_all (f);
  for (guint restart = 1; restart <= n_restarts; restart++)
    {
      agent_restart (f, outage_before (restart, n_restarts));
      restart_wait (f, all_are_ready (f, restart + 1));
      restart_wait (f, deye_bus_client_get_state (f->asker) == DEYE_BUS_CLIENT_STATE_READY);
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
  g_test_add ("/integration/restart/" name, RestartFixture, NULL, set_up, function, tear_down)
  RESTART_TEST ("M16-before-the-agent", test_before_the_agent);
  RESTART_TEST ("M16-without-a-loop", test_without_a_loop);
  RESTART_TEST ("M16-signals", test_signals);
  RESTART_TEST ("M16-published-meanwhile", test_published_meanwhile);
  RESTART_TEST ("M16-values", test_values);
  RESTART_TEST ("M16-lost-meanwhile", test_lost_meanwhile);
  RESTART_TEST ("K12-unknown", test_unknown);
  RESTART_TEST ("K09-M16-restarts", test_restarts);
  return g_test_run ();
}

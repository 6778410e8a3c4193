/* SPDX-License-Identifier: Apache-2.0 */
#include "core-fixture.h"

#include "peer/bus-state.h"
#include "route/bus-routes.h"

#include "control.pb-c.h"
#include "introspection.pb-c.h"
#include "wire-feature.h"

/*
 * Last messages (wills) of clients: when they are published, and with which effects; and clearing retained messages. Linked
 * with --wrap, so that an allocation can fail.
 */

typedef Daemoneye__Eventbus__V1__ClearRequest ClearRequest;
typedef Daemoneye__Eventbus__V1__WillRequest WillRequest;

#define TOPIC    "health.procmond"
#define FEATURES (WIRE_FEATURE_DELIVERY | WIRE_FEATURE_RETAIN)

static void
will_set_up (Core *core, gconstpointer data)
{
  BusLimits limits;

  bus_limits_init (&limits);
  limits.retained_messages = 1;
  core_setup (core, &limits);
  core->features = FEATURES;
}

static guint failing; /* n: the n-th next allocation fails; 0: none fails */

gpointer __real_g_try_malloc (gsize n);
gpointer __wrap_g_try_malloc (gsize n);

gpointer
__wrap_g_try_malloc (gsize n)
{
  if (failing == 0 || --failing > 0)
    return __real_g_try_malloc (n);
  return NULL;
}

/* Sets the client's last message. Returns TRUE if it replaced an earlier one. */
static gboolean
leave_asked (Client *client, const char *topic, const char *text, gboolean retain, WireStatus want)
{
  WillRequest request;
  g_autoptr (Got) got = NULL;
  Daemoneye__Eventbus__V1__WillReply *reply;
  gboolean replaced;

  daemoneye__eventbus__v1__will_request__init (&request);
  request.topic = (char *) (gsize) topic;
  request.payload.data = (guint8 *) (gsize) text;
  request.payload.len = strlen (text);
  request.retain = retain;
  got = client_call (client, "control.bus.will", &request.base, want);
  if (got == NULL)
    return FALSE;
  reply = daemoneye__eventbus__v1__will_reply__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  replaced = reply->replaced;
  daemoneye__eventbus__v1__will_reply__free_unpacked (reply, NULL);
  return replaced;
}

static void
leave (Client *client, const char *text)
{
  g_assert_false (leave_asked (client, TOPIC, text, FALSE, WIRE_STATUS_OK));
}

/* Takes the next delivery of a last message; NULL: there is none. */
static char *
take_last (Client *client)
{
  g_autoptr (Got) got = client_take (client, WIRE_KIND_DELIVER);

  if (got == NULL)
    return NULL;
  return g_strdup_printf ("%.*s: %.*s%s%s", (int) got->envelope.sender.len, (const char *) got->envelope.sender.data,
                          (int) got->envelope.payload.len, (const char *) got->envelope.payload.data,
                          got->envelope.incarnation != 0 ? " #" : "", got->envelope.retained ? " *" : "");
}

static void
assert_last (Client *client, const char *want)
{
  g_autofree char *text = take_last (client);

  g_assert_cmpstr (text, ==, want);
}

static void
send_goodbye (Client *client)
{
  client_send_frame (client, WIRE_KIND_GOODBYE, 0, WIRE_SPAN_LITERAL ("\x12\x01x"));
  core_flush (client->core);
}

static Client *
listener (Core *core)
{
  Client *agent = agent_ready (core);

  client_subscribe (agent, 1, "health.#", NULL);
  return agent;
}

/* When the link ends, the message is published once, with sender and incarnation, before the event about the end. */
static void
test_published_once (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *client = client_ready (core, "procmond-1", "procmond");
  guint64 seq;

  client_subscribe (agent, 1, "health.#", NULL);
  client_subscribe (agent, 2, "system.peer.gone", NULL);
  leave (client, "dead");
  core_flush (core);
  assert_last (agent, NULL);
  client_disconnect (client);
  core_flush (core);
  {
    g_autoptr (Got) last = client_take (agent, WIRE_KIND_DELIVER);
    g_autoptr (Got) gone = client_take (agent, WIRE_KIND_DELIVER);

    g_assert_true (wire_span_equal (last->envelope.topic, WIRE_SPAN_LITERAL (TOPIC)));
    g_assert_true (wire_span_equal (last->envelope.sender, WIRE_SPAN_LITERAL ("procmond-1")));
    g_assert_true (wire_span_equal (last->envelope.payload, WIRE_SPAN_LITERAL ("dead")));
    g_assert_cmpuint (last->envelope.incarnation, ==, 9);
    seq = last->envelope.accept_seq;
    g_assert_true (wire_span_equal (gone->envelope.topic, WIRE_SPAN_LITERAL ("system.peer.gone")));
    g_assert_cmpuint (gone->envelope.incarnation, ==, 0);
    g_assert_cmpuint (gone->envelope.accept_seq, ==, seq + 1);
  }
  assert_last (agent, NULL);
}

static void
test_not_after_goodbye (Core *core, gconstpointer data)
{
  Client *agent = listener (core);
  Client *client = client_ready (core, "procmond-1", "procmond");

  leave (client, "dead");
  send_goodbye (client);
  client_disconnect (client);
  core_flush (core);
  assert_last (agent, NULL);
}

/* The message is also published when the broker ends the connection, because the client has not sent GOODBYE. */
static void
test_after_a_fault (Core *core, gconstpointer data)
{
  Client *agent = listener (core);
  Client *client = client_ready (core, "procmond-1", "procmond");

  leave (client, "dead");
  client_send_bytes (client, "\0\0\0\0\xff\xff\xff\xff", 8);
  core_flush (core);
  assert_last (agent, "procmond-1: dead #");
}

static void
test_not_at_shutdown (Core *core, gconstpointer data)
{
  Client *agent = listener (core);
  Client *client = client_ready (core, "procmond-1", "procmond");

  leave (client, "dead");
  bus_core_shutdown (core->core, core->now_us);
  core_flush (core);
  assert_last (agent, NULL);
  g_assert_cmpuint (core->core->routes->wills_published, ==, 0);
}

/* The next connection of the same client object takes over the id: the message is not published, as the client is not gone. */
static void
test_not_at_takeover (Core *core, gconstpointer data)
{
  Client *agent = listener (core);
  Client *client = client_ready (core, "procmond-1", "procmond");
  Client *next;

  leave (client, "dead");
  next = client_ready (core, "procmond-1", "procmond");
  core_flush (core);
  g_assert_cmpuint (client->goodbye, ==, WIRE_STATUS_TAKEN_OVER);
  assert_last (agent, NULL);
  client_disconnect (next);
  core_flush (core);
  assert_last (agent, NULL);
}

static void
test_replaced_and_removed (Core *core, gconstpointer data)
{
  Client *agent = listener (core);
  Client *first = client_ready (core, "procmond-1", "procmond");
  Client *second = client_ready (core, "procmond-2", "procmond");

  leave (first, "old");
  g_assert_true (leave_asked (first, TOPIC, "new", FALSE, WIRE_STATUS_OK));
  leave (second, "never");
  g_assert_true (leave_asked (second, "", "", FALSE, WIRE_STATUS_OK));
  g_assert_false (leave_asked (second, "", "", FALSE, WIRE_STATUS_OK));
  client_disconnect (first);
  client_disconnect (second);
  core_flush (core);
  assert_last (agent, "procmond-1: new #");
  assert_last (agent, NULL);
}

/* A refused call does not change the earlier message. */
static void
test_checked (Core *core, gconstpointer data)
{
  Client *agent = listener (core);
  Client *client = client_ready (core, "procmond-1", "procmond");
  g_autofree char *large = g_strnfill (4097, 'x');

  leave (client, "dead");
  leave_asked (client, "health.+", "x", FALSE, WIRE_STATUS_BAD_TOPIC);
  leave_asked (client, "control.shutdown", "x", FALSE, WIRE_STATUS_DENIED);
  leave_asked (client, "system.peer.gone", "x", FALSE, WIRE_STATUS_DENIED);
  leave_asked (client, TOPIC, large, FALSE, WIRE_STATUS_LIMIT);
  large[4096] = '\0';
  g_assert_true (leave_asked (client, TOPIC, large, FALSE, WIRE_STATUS_OK));
  g_assert_true (leave_asked (client, TOPIC, "dead", FALSE, WIRE_STATUS_OK));
  client_disconnect (client);
  core_flush (core);
  assert_last (agent, "procmond-1: dead #");
}

/* Fields that are not valid in a PUBLISH are refused. */
static void
test_long_type (Core *core, gconstpointer data)
{
  Client *client = client_ready (core, "procmond-1", "procmond");
  g_autofree char *type_name = g_strnfill (9000, 'x');
  static char topic[] = TOPIC;
  WillRequest request;

  daemoneye__eventbus__v1__will_request__init (&request);
  request.topic = topic;
  request.type_name = type_name;
  client_call (client, "control.bus.will", &request.base, WIRE_STATUS_LIMIT);
}

/* Whichever allocation fails, the client gets an answer, and the last message is set completely or not at all. */
static void
test_no_memory (Core *core, gconstpointer data)
{
  Client *client = client_ready (core, "procmond-1", "procmond");
  static char topic[] = TOPIC;
  guint n_refused = 0;
  WillRequest request;
  guint8 bytes[64];
  WireEnvelope envelope;

  daemoneye__eventbus__v1__will_request__init (&request);
  request.topic = topic;
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str ("control.bus.will");
  envelope.payload = wire_span (bytes, daemoneye__eventbus__v1__will_request__pack (&request, bytes));
  for (guint k = 1; client->peer->calls->will == NULL; k++)
    {
      g_autoptr (Got) error = NULL;
      guint64 id;

      envelope.id = 0;
      failing = k;
      id = client_send (client, WIRE_KIND_REQUEST, 0, &envelope);
      failing = 0;
      error = client_take (client, WIRE_KIND_ERROR);
      if (error == NULL)
        break;
      g_assert_cmpuint (error->envelope.answers, ==, id);
      g_assert_cmpuint (error->envelope.status, ==, WIRE_STATUS_NO_MEMORY);
      n_refused += wire_span_equal (error->envelope.detail, wire_span_str ("no memory for a last message")) ? 1 : 0;
    }
  g_assert_cmpuint (n_refused, ==, 1);
  client_disconnect (client);
  core_flush (core);
}

/* Without the feature, a client cannot set a last message; without the feature RETAIN, it cannot set a retained one. */
static void
test_features (Core *core, gconstpointer data)
{
  Client *client;

  core->features = WIRE_FEATURE_RETAIN;
  client = client_ready (core, "procmond-1", "procmond");
  leave_asked (client, TOPIC, "x", FALSE, WIRE_STATUS_UNSUPPORTED);
  core->features = WIRE_FEATURE_DELIVERY;
  client = client_ready (core, "procmond-2", "procmond");
  leave_asked (client, TOPIC, "x", TRUE, WIRE_STATUS_UNSUPPORTED);
  leave (client, "x");
}

/* Later subscribers get a retained last message from the store, with the incarnation. */
static void
test_retained (Core *core, gconstpointer data)
{
  Client *client = client_ready (core, "procmond-1", "procmond");
  Client *agent;

  leave_asked (client, TOPIC, "dead", TRUE, WIRE_STATUS_OK);
  client_disconnect (client);
  agent = listener (core);
  core_flush (core);
  assert_last (agent, "procmond-1: dead # *");
}

/* An empty retained last message clears the value of its topic. */
static void
test_clears (Core *core, gconstpointer data)
{
  Client *client = client_ready (core, "procmond-1", "procmond");
  Client *agent;

  client_publish (client, TOPIC, WIRE_FLAG_RETAIN, "alive", 5);
  leave_asked (client, TOPIC, "", TRUE, WIRE_STATUS_OK);
  client_disconnect (client);
  agent = listener (core);
  core_flush (core);
  assert_last (agent, NULL);
}

static void
assert_totals (Client *client, guint64 published, guint64 unretained)
{
  Daemoneye__Eventbus__V1__StatsRequest request;
  Daemoneye__Eventbus__V1__StatsReply *reply;
  g_autoptr (Got) got = NULL;

  daemoneye__eventbus__v1__stats_request__init (&request);
  got = client_call (client, "control.bus.stats", &request.base, WIRE_STATUS_OK);
  reply = daemoneye__eventbus__v1__stats_reply__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  g_assert_cmpuint (reply->totals->last_published, ==, published);
  g_assert_cmpuint (reply->totals->last_unretained, ==, unretained);
  daemoneye__eventbus__v1__stats_reply__free_unpacked (reply, NULL);
}

/* The account may retain no further value: the last message is delivered but not retained, and the refusal is counted. */
static void
test_no_room (Core *core, gconstpointer data)
{
  Client *agent = listener (core);
  Client *client = client_ready (core, "procmond-1", "procmond");

  client_publish (client, "health.other", WIRE_FLAG_RETAIN, "value", 5);
  assert_last (agent, "procmond-1: value");
  leave_asked (client, TOPIC, "dead", TRUE, WIRE_STATUS_OK);
  assert_totals (agent, 0, 0);
  client_disconnect (client);
  core_flush (core);
  assert_last (agent, "procmond-1: dead #");
  assert_totals (agent, 1, 1);
  client_subscribe (agent, 2, TOPIC, NULL);
  core_flush (core);
  assert_last (agent, NULL);
}

/* A last message is charged to its peer; core_teardown() asserts that the charge is refunded. */
static void
test_charged (Core *core, gconstpointer data)
{
  Client *client = client_ready (core, "procmond-1", "procmond");
  g_autofree char *text = g_strnfill (4000, 'x');
  BusCoreStats before, after;

  core_flush (core);
  bus_core_stats (core->core, &before);
  leave (client, text);
  core_flush (core);
  bus_core_stats (core->core, &after);
  g_assert_cmpuint (after.charged_bytes, >, before.charged_bytes + 4000);
}

/* The list of the agent contains the topic of a last message, never the payload. */
static void
test_listed (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *client = client_ready (core, "procmond-1", "procmond");
  const Daemoneye__Eventbus__V1__BusIntrospectReply *reply;
  g_autoptr (WireGuard) guard = NULL;

  leave (client, "dead");
  guard = client_introspect (agent, 1, NULL, 0, NULL, WIRE_STATUS_OK);
  reply = wire_guard_message (guard);
  g_assert_cmpuint (reply->n_peers, ==, 2);
  g_assert_cmpstr (reply->peers[0]->last_topic, ==, "");
  g_assert_cmpstr (reply->peers[1]->last_topic, ==, TOPIC);
}

/* --- control.bus.clear --- */

static guint
clear (Client *client, const char *pattern, WireStatus want)
{
  ClearRequest request;
  Daemoneye__Eventbus__V1__ClearReply *reply;
  g_autoptr (Got) got = NULL;
  guint n;

  daemoneye__eventbus__v1__clear_request__init (&request);
  request.pattern = (char *) (gsize) pattern;
  got = client_call (client, "control.bus.clear", &request.base, want);
  if (got == NULL)
    return 0;
  reply = daemoneye__eventbus__v1__clear_reply__unpack (NULL, got->envelope.payload.len, got->envelope.payload.data);
  n = reply->cleared;
  daemoneye__eventbus__v1__clear_reply__free_unpacked (reply, NULL);
  return n;
}

/* The account of each client can retain one value. */
static void
test_clear (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *client = client_ready (core, "procmond-1", "procmond");

  client_publish (agent, "health.a", WIRE_FLAG_RETAIN, "a", 1);
  client_publish (client, "health.b", WIRE_FLAG_RETAIN, "b", 1);
  clear (client, "health.#", WIRE_STATUS_DENIED);
  clear (agent, "health.#.x", WIRE_STATUS_BAD_PATTERN);
  g_assert_cmpuint (clear (agent, "events.#", WIRE_STATUS_OK), ==, 0);
  g_assert_cmpuint (clear (agent, "health.a", WIRE_STATUS_OK), ==, 1);
  g_assert_cmpuint (clear (agent, "health.+", WIRE_STATUS_OK), ==, 1);
  client_subscribe (agent, 1, "health.#", NULL);
  core_flush (core);
  assert_last (agent, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define WILL_TEST(name, function) g_test_add ("/core/will/" name, Core, NULL, will_set_up, function, core_teardown)
  WILL_TEST ("M15-published-once", test_published_once);
  WILL_TEST ("not-after-goodbye", test_not_after_goodbye);
  WILL_TEST ("after-a-fault", test_after_a_fault);
  WILL_TEST ("not-at-shutdown", test_not_at_shutdown);
  WILL_TEST ("A01-not-at-takeover", test_not_at_takeover);
  WILL_TEST ("replaced-and-removed", test_replaced_and_removed);
  WILL_TEST ("A08-checked", test_checked);
  WILL_TEST ("long-type", test_long_type);
  WILL_TEST ("R10-no-memory", test_no_memory);
  WILL_TEST ("M27-features", test_features);
  WILL_TEST ("retained", test_retained);
  WILL_TEST ("clears", test_clears);
  WILL_TEST ("no-room", test_no_room);
  WILL_TEST ("charged", test_charged);
  WILL_TEST ("listed", test_listed);
  g_test_add ("/core/clear/A08-clear", Core, NULL, will_set_up, test_clear, core_teardown);
  return g_test_run ();
}

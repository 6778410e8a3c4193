/* SPDX-License-Identifier: Apache-2.0 */
#include "posix/reconnect-fixture.h"
#include "wire-feature.h"

#include <sys/socket.h>
#include <unistd.h>

/*
 * A client is ready when it has the retained messages of its subscriptions: those made before the first connection, and those that
 * a new connection restores.
 */

typedef struct
{
  ReconnectFixture base;
  GByteArray *answer;
  GString *log; /* topics of messages, and "ready" */
  ClientResult subscribed;
  DeyeBusSubscription *subscription;
} ReadyFixture;

static void
on_state (DeyeBusClient *client, GParamSpec *pspec, gpointer data)
{
  if (deye_bus_client_get_state (client) == DEYE_BUS_CLIENT_STATE_READY)
    g_string_append (data, "ready ");
}

static void
on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  g_string_append_printf (data, "%s ", deye_bus_message_get_topic (message));
}

/* Answers the request. */
static void
on_request (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  ReadyFixture *f = data;
  g_autoptr (GError) error = NULL;

  on_message (subscription, message, f->log);
  deye_bus_client_respond (f->base.client, message, NULL, NULL, &error);
  g_assert_no_error (error);
}

/* A client that connects, and has a subscription. @data: NULL: on_message() takes its messages; "next": next() does; "answer":
 * on_request() answers them */
static void
set_up (ReadyFixture *f, gconstpointer data)
{
  reconnect_fixture_set_up (&f->base, NULL);
  f->answer = g_byte_array_new ();
  f->log = g_string_new (NULL);
  deye_bus_client_set_reconnect (f->base.client, TRUE);
  g_signal_connect (f->base.client, "notify::state", G_CALLBACK (on_state), f->log);
  reconnect_fixture_listen (&f->base, 4);
  deye_bus_client_connect_async (f->base.client, NULL, client_result_set, &f->base.result);
  if (g_strcmp0 (data, "answer") == 0)
    deye_bus_client_serve_async (f->base.client, "events.asked", NULL, on_request, f, NULL, NULL, client_result_set,
                                 &f->subscribed);
  else
    deye_bus_client_subscribe_async (f->base.client, "events.#", NULL, data == NULL ? on_message : NULL, f->log, NULL,
                                     NULL, client_result_set, &f->subscribed);
}

static void
tear_down (ReadyFixture *f, gconstpointer data)
{
  deye_bus_client_close (f->base.client, NULL, NULL);
  reconnect_fixture_settle (&f->base);
  client_result_clear (&f->subscribed);
  g_clear_object (&f->subscription);
  g_byte_array_unref (f->answer);
  g_string_free (f->log, TRUE);
  reconnect_fixture_tear_down (&f->base, NULL);
}

/* The broker accepts the connection, and announces that it will send retained messages. */
static void
answer_restore (ReadyFixture *f, guint64 window_messages)
{
  reconnect_fixture_accept (&f->base, &(const ScriptWelcome){ .features = WIRE_FEATURE_RETAIN });
  script_subscribed_retained (f->answer, reconnect_fixture_next_request (&f->base), window_messages, 100000);
}

static void
send_script (ReadyFixture *f)
{
  reconnect_fixture_send (&f->base, f->answer);
  reconnect_fixture_settle (&f->base);
}

static guint32
subscription_id (ReadyFixture *f)
{
  if (f->subscription == NULL)
    {
      g_assert_cmpuint (f->subscribed.calls, ==, 1);
      f->subscription = deye_bus_client_subscribe_finish (f->base.client, f->subscribed.result, NULL);
      g_assert_nonnull (f->subscription);
    }
  return deye_bus_subscription_get_id (f->subscription);
}

#define assert_state(f, wanted)                                                                                        \
  g_assert_cmpint (deye_bus_client_get_state ((f)->base.client), ==, DEYE_BUS_CLIENT_STATE_##wanted)

/* The values and their end arrive: the program gets the values before the client is ready. */
static void
get_values (ReadyFixture *f, const char *topic)
{
  g_string_truncate (f->log, 0);
  send_script (f);
  assert_state (f, CONNECTED);
  script_retained (f->answer, subscription_id (f), 1, topic, "a");
  send_script (f);
  assert_state (f, CONNECTED);
  script_retained_end (f->answer, subscription_id (f));
  send_script (f);
  assert_state (f, READY);
}

/* --- tests --- */

static void
test_values_first (ReadyFixture *f, gconstpointer data)
{
  answer_restore (f, 100);
  get_values (f, "events.first");
  g_assert_cmpstr (f->log->str, ==, "events.first ready ");
  g_assert_cmpuint (f->base.result.calls, ==, 1);
  close (f->base.peer);
  f->base.peer = -1;
  client_fixture_wait (&f->base, deye_bus_client_get_state (f->base.client) != DEYE_BUS_CLIENT_STATE_READY);
  answer_restore (f, 100);
  get_values (f, "events.again");
  g_assert_cmpstr (f->log->str, ==, "events.again ready ");
}

/* All frames arrive in one read and are handled in order. */
static void
test_at_once (ReadyFixture *f, gconstpointer data)
{
  answer_restore (f, 100);
  script_retained (f->answer, 1, 1, "events.a", "a");
  script_retained (f->answer, 1, 2, "events.b", "b");
  script_retained_end (f->answer, 1);
  send_script (f);
  g_assert_cmpuint (subscription_id (f), ==, 1);
  assert_state (f, READY);
  g_assert_cmpstr (f->log->str, ==, "events.a events.b ready ");
}

/* The program publishes before the client is ready: the messages are sent when it is. */
static void
test_publishes_wait (ReadyFixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) before = NULL;
  g_autoptr (GPtrArray) after = NULL;

  answer_restore (f, 100);
  send_script (f);
  g_assert_true (deye_bus_client_publish (f->base.client, "events.mine", NULL, NULL, NULL, NULL, NULL));
  reconnect_fixture_settle (&f->base);
  before = reconnect_fixture_receive (&f->base);
  g_assert_cmpuint (script_count (before, WIRE_KIND_PUBLISH), ==, 0);
  script_retained_end (f->answer, subscription_id (f));
  send_script (f);
  after = reconnect_fixture_receive (&f->base);
  g_assert_cmpuint (script_count (after, WIRE_KIND_PUBLISH), ==, 1);
}

/* A request arrives as soon as the subscription is restored: its answer is sent before the client is ready. */
static void
test_answers_at_once (ReadyFixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;

  answer_restore (f, 100);
  script_request (f->answer, 1, 77, "events.asked", "Do", "it");
  send_script (f);
  assert_state (f, CONNECTED);
  g_assert_cmpstr (f->log->str, ==, "events.asked ");
  frames = reconnect_fixture_receive (&f->base);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_REPLY), ==, 1);
  g_assert_cmpuint (script_find (frames, WIRE_KIND_REPLY)->envelope.route, ==, 77);
  f->subscription = deye_bus_client_serve_finish (f->base.client, f->subscribed.result, NULL);
  script_retained_end (f->answer, subscription_id (f));
  send_script (f);
  assert_state (f, READY);
}

/* The client is ready although its program takes no messages and the window is used up. */
static void
test_ready_with_unread_messages (ReadyFixture *f, gconstpointer data)
{
  answer_restore (f, 1);
  script_retained (f->answer, 1, 1, "events.a", "a");
  send_script (f);
  g_assert_cmpuint (subscription_id (f), ==, 1);
  assert_state (f, READY);
}

static void
test_old_broker (ReadyFixture *f, gconstpointer data)
{
  reconnect_fixture_accept (&f->base, &(const ScriptWelcome){ .features = WIRE_FEATURE_RETAIN });
  script_subscribe_reply (f->answer, reconnect_fixture_next_request (&f->base), 100, 100000);
  send_script (f);
  assert_state (f, READY);
}

/* The connection is lost during the wait. */
static void
test_lost (ReadyFixture *f, gconstpointer data)
{
  answer_restore (f, 100);
  send_script (f);
  assert_state (f, CONNECTED);
  close (f->base.peer);
  f->base.peer = -1;
  client_fixture_wait (&f->base, deye_bus_client_get_state (f->base.client) == DEYE_BUS_CLIENT_STATE_CONNECTING);
  g_assert_cmpuint (f->base.result.calls, ==, 0);
  answer_restore (f, 100);
  get_values (f, "events.a");
  g_assert_cmpstr (f->log->str, ==, "events.a ready ");
}

/* The program closes the client during the wait. */
static void
test_closed (ReadyFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  answer_restore (f, 100);
  send_script (f);
  g_assert_true (deye_bus_client_close (f->base.client, NULL, NULL));
  reconnect_fixture_settle (&f->base);
  g_assert_false (deye_bus_client_connect_finish (f->base.client, f->base.result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
}

/* A call that subscribes is cancelled while the client connects. The connection is made before the end of the call is dispatched:
 * no request is sent, because nothing would handle the messages of the subscription. */
static void
test_cancelled (ReadyFixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GPtrArray) frames = NULL;

  while ((f->base.peer = accept (f->base.listener, NULL, NULL)) < 0)
    g_main_context_iteration (f->base.context, TRUE);
  deye_bus_client_subscribe_async (f->base.client, "results.#", NULL, on_message, f->log, NULL, cancellable,
                                   client_result_set, &result);
  reconnect_fixture_settle (&f->base);
  g_cancellable_cancel (cancellable);
  g_main_context_iteration (f->base.context, FALSE); /* ends the call */
  g_assert_cmpuint (result.calls, ==, 0);
  script_welcome (f->answer, &(const ScriptWelcome){ .features = WIRE_FEATURE_RETAIN });
  send_script (f);
  g_assert_cmpuint (result.calls, ==, 1);
  frames = reconnect_fixture_receive (&f->base);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_REQUEST), ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define READY_TEST(name, function, data)                                                                               \
  g_test_add ("/client/ready/" name, ReadyFixture, data, set_up, function, tear_down)
  READY_TEST ("M16-values-first", test_values_first, NULL);
  READY_TEST ("M16-at-once", test_at_once, NULL);
  READY_TEST ("M16-publishes-wait", test_publishes_wait, NULL);
  READY_TEST ("M16-answers-at-once", test_answers_at_once, "answer");
  READY_TEST ("M16-ready-with-unread-messages", test_ready_with_unread_messages, "next");
  READY_TEST ("M30-old-broker", test_old_broker, NULL);
  READY_TEST ("lost", test_lost, NULL);
  READY_TEST ("closed", test_closed, NULL);
  READY_TEST ("cancelled", test_cancelled, NULL);
  return g_test_run ();
}

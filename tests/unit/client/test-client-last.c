/* SPDX-License-Identifier: Apache-2.0 */
#include "client-fixture.h"
#include "deye-bus-client-private.h"

#include "control.pb-c.h"
#include "wire-feature.h"
#include "wire-guard.h"

/* The last message at the client: when it is sent to the broker, and the effect of a refusal. */

typedef ClientFixture Fixture;

static const ScriptWelcome old_broker = { .features = 0 };
static const ScriptWelcome new_broker = { .features = WIRE_FEATURE_DELIVERY };
static const ScriptWelcome retaining_broker = { .features = WIRE_FEATURE_DELIVERY | WIRE_FEATURE_RETAIN };

static gboolean
leave (Fixture *f, const char *text, DeyeBusOptions *options, GError **error)
{
  g_autoptr (GBytes) payload = g_bytes_new (text, strlen (text));

  return deye_bus_client_set_last_message (f->client, "health.a", payload, options, NULL, error);
}

static void
assert_request (const ScriptFrame *frame, const char *topic, const char *text, gboolean retain)
{
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__WillRequest *request;

  g_assert_nonnull (frame);
  g_assert_true (wire_span_equal (frame->envelope.topic, WIRE_SPAN_LITERAL ("control.bus.will")));
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__will_request__descriptor, frame->envelope.payload, 0, NULL);
  g_assert_nonnull (guard);
  request = wire_guard_message (guard);
  g_assert_cmpstr (request->topic, ==, topic);
  g_assert_cmpmem (request->payload.data, request->payload.len, text, strlen (text));
  g_assert_cmpint (request->retain, ==, retain);
}

static void
test_request_of_the_last_message (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) second = NULL;

  client_fixture_connect (f, &retaining_broker);
  deye_bus_options_set_retain (options, DEYE_BUS_RETAIN_LAST);
  script_reply (f->in, 2, "");
  client_fixture_send (f);
  g_assert_true (leave (f, "dead", options, NULL));
  first = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  assert_request (script_find (first, WIRE_KIND_REQUEST), "health.a", "dead", TRUE);
  script_reply (f->in, 4, "");
  client_fixture_send (f);
  g_assert_true (deye_bus_client_set_last_message (f->client, NULL, NULL, NULL, NULL, NULL));
  second = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  assert_request (script_find (second, WIRE_KIND_REQUEST), "", "", FALSE);
}

/* After a refusal the client keeps the last message that the broker has, for the next connection. */
static void
test_refused (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) kept = NULL;

  client_fixture_connect (f, &new_broker);
  script_reply (f->in, 2, "");
  client_fixture_send (f);
  g_assert_true (leave (f, "old", NULL, &error));
  kept = g_bytes_ref (f->client->last_message);
  script_error (f->in, 4, WIRE_STATUS_DENIED);
  client_fixture_send (f);
  g_assert_false (leave (f, "dead", NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED);
  g_assert_true (f->client->last_message == kept);
}

/* No request is sent to a broker that does not grant the feature. */
static void
test_unsupported (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &old_broker);
  g_assert_false (leave (f, "dead", NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 0);
}

static void
test_retain_unsupported (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &new_broker);
  deye_bus_options_set_retain (options, DEYE_BUS_RETAIN_LAST);
  g_assert_false (leave (f, "dead", options, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 0);
}

static void
test_wrong_options (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &retaining_broker);
  deye_bus_options_set_retain (options, DEYE_BUS_RETAIN_CONNECTED);
  g_assert_false (leave (f, "dead", options, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
}

static void
on_error (DeyeBusClient *client, const GError *error, gpointer data)
{
  *(int *) data = error->code;
}

/* Connects, and answers the request that the client sends before it is ready. @answer: 0: a reply; otherwise the status of an
 * ERROR. Returns the frames of the client. */
static GPtrArray *
connect_leaving (Fixture *f, const ScriptWelcome *welcome, guint32 answer)
{
  g_auto (ClientResult) connected = { 0 };
  g_autoptr (GError) error = NULL;
  GPtrArray *frames;

  deye_bus_client_connect_async (f->client, NULL, client_result_set, &connected);
  script_welcome (f->in, welcome);
  client_fixture_send_and_settle (f);
  frames = client_fixture_receive (f);
  if (answer == WIRE_STATUS_OK)
    script_reply (f->in, 2, "");
  else
    script_error (f->in, 2, answer);
  client_fixture_send (f);
  client_fixture_wait (f, connected.calls > 0);
  g_assert_true (deye_bus_client_connect_finish (f->client, connected.result, &error));
  g_assert_no_error (error);
  return frames;
}

/* Set before the first connect, the last message is sent before the client is ready. */
static void
test_before_connect (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;

  g_assert_true (leave (f, "old", NULL, NULL));
  g_assert_true (leave (f, "dead", NULL, NULL));
  frames = connect_leaving (f, &new_broker, WIRE_STATUS_OK);
  g_assert_cmpuint (frames->len, ==, 2);
  assert_request (script_find (frames, WIRE_KIND_REQUEST), "health.a", "dead", FALSE);
}

/* A refusal at that time does not prevent the client from being ready; the signal reports it. */
static void
test_refused_at_connect (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;
  int code = -1;

  g_signal_connect (f->client, "error", G_CALLBACK (on_error), &code);
  g_assert_true (leave (f, "dead", NULL, NULL));
  frames = connect_leaving (f, data, WIRE_STATUS_DENIED);
  client_fixture_settle (f);
  g_assert_cmpint (code, ==, data == &new_broker ? DEYE_BUS_ERROR_DENIED : DEYE_BUS_ERROR_UNSUPPORTED);
  g_assert_null (f->client->last_message);
}

static void
test_after_close (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &new_broker);
  deye_bus_client_close (f->client, NULL, NULL);
  g_assert_false (leave (f, "dead", NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
}

static void
test_async (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) first = { 0 };
  g_auto (ClientResult) second = { 0 };
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &new_broker);
  deye_bus_client_set_last_message_async (f->client, "health.a", NULL, NULL, NULL, client_result_set, &first);
  deye_bus_client_set_last_message_async (f->client, "health.b", NULL, NULL, NULL, client_result_set, &second);
  script_reply (f->in, 2, "");
  script_error (f->in, 4, WIRE_STATUS_DENIED);
  client_fixture_send (f);
  client_fixture_wait (f, first.calls > 0 && second.calls > 0);
  g_assert_true (deye_bus_client_set_last_message_finish (f->client, first.result, NULL));
  g_assert_false (deye_bus_client_set_last_message_finish (f->client, second.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED);
  g_assert_nonnull (f->client->last_message); /* the first one */
}

static void
test_async_unconnected (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { 0 };

  deye_bus_client_set_last_message_async (f->client, "health.a", NULL, NULL, NULL, client_result_set, &result);
  client_fixture_wait (f, result.calls > 0);
  g_assert_true (deye_bus_client_set_last_message_finish (f->client, result.result, NULL));
}

static void
leave_when_connected (DeyeBusClient *client, GParamSpec *pspec, gpointer data)
{
  g_autoptr (GBytes) payload = g_bytes_new ("new", 3);

  if (deye_bus_client_get_state (client) != DEYE_BUS_CLIENT_STATE_CONNECTED)
    return;
  g_signal_handlers_disconnect_by_func (client, leave_when_connected, data);
  deye_bus_client_set_last_message_async (client, "health.a", payload, NULL, NULL, client_result_set, data);
}

/* A callback that runs before the client is ready, but after the client has sent its earlier last message, sets another one. */
static void
test_before_ready (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GPtrArray) first = NULL;
  g_autoptr (GPtrArray) second = NULL;

  g_assert_true (leave (f, "old", NULL, NULL));
  g_signal_connect (f->client, "notify::state", G_CALLBACK (leave_when_connected), &result);
  first = connect_leaving (f, &new_broker, WIRE_STATUS_OK);
  assert_request (script_find (first, WIRE_KIND_REQUEST), "health.a", "old", FALSE);
  script_reply (f->in, 4, "");
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (result.calls, ==, 1);
  g_assert_true (deye_bus_client_set_last_message_finish (f->client, result.result, NULL));
  second = client_fixture_receive (f);
  g_ptr_array_extend_and_steal (second, g_steal_pointer (&first));
  g_assert_cmpuint (script_count (second, WIRE_KIND_REQUEST), ==, 2);
}

/* The broker refuses the message of the connection's step after the program has set another one: the client keeps that one. */
static void
test_earlier_one_refused (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GBytes) kept = NULL;
  int code = -1;

  g_assert_true (leave (f, "old", NULL, NULL));
  g_signal_connect (f->client, "notify::state", G_CALLBACK (leave_when_connected), &result);
  g_signal_connect (f->client, "error", G_CALLBACK (on_error), &code);
  frames = connect_leaving (f, &new_broker, WIRE_STATUS_DENIED);
  g_assert_nonnull (f->client->last_message);
  kept = g_bytes_ref (f->client->last_message);
  script_reply (f->in, 4, "");
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (result.calls, ==, 1);
  g_assert_true (deye_bus_client_set_last_message_finish (f->client, result.result, NULL));
  g_assert_cmpint (code, ==, DEYE_BUS_ERROR_DENIED);
  g_assert_true (f->client->last_message == kept);
}

/* Two requests are in progress, and both are refused: the client keeps the message of the call before them. */
static void
test_both_refused (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) first = { 0 };
  g_auto (ClientResult) second = { 0 };
  g_autoptr (GBytes) kept = NULL;

  client_fixture_connect (f, &new_broker);
  script_reply (f->in, 2, "");
  client_fixture_send (f);
  g_assert_true (leave (f, "old", NULL, NULL));
  kept = g_bytes_ref (f->client->last_message);
  deye_bus_client_set_last_message_async (f->client, "health.a", NULL, NULL, NULL, client_result_set, &first);
  deye_bus_client_set_last_message_async (f->client, "health.b", NULL, NULL, NULL, client_result_set, &second);
  script_error (f->in, 4, WIRE_STATUS_DENIED);
  script_error (f->in, 6, WIRE_STATUS_DENIED);
  client_fixture_send (f);
  client_fixture_wait (f, first.calls > 0 && second.calls > 0);
  g_assert_true (f->client->last_message == kept);
}

/* A synchronous call ends before the callback of an earlier asynchronous one. A refusal later does not restore the earlier one. */
static void
test_answers_out_of_order (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) first = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GBytes) kept = NULL;

  client_fixture_connect (f, &new_broker);
  deye_bus_client_set_last_message_async (f->client, "health.b", NULL, NULL, NULL, client_result_set, &first);
  script_reply (f->in, 2, "");
  script_reply (f->in, 4, "");
  client_fixture_send (f);
  g_assert_true (leave (f, "new", NULL, NULL));
  kept = g_bytes_ref (f->client->last_message);
  client_fixture_wait (f, first.calls > 0);
  script_error (f->in, 6, WIRE_STATUS_DENIED);
  client_fixture_send (f);
  g_assert_false (leave (f, "newest", NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DENIED);
  g_assert_true (f->client->last_message == kept);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define LAST_TEST(name, function, data)                                                                                \
  g_test_add ("/client/last/" name, Fixture, data, client_fixture_set_up, function, client_fixture_tear_down)
  LAST_TEST ("request-of-the-last-message", test_request_of_the_last_message, NULL);
  LAST_TEST ("refused", test_refused, NULL);
  LAST_TEST ("M27-unsupported", test_unsupported, NULL);
  LAST_TEST ("M27-retain-unsupported", test_retain_unsupported, NULL);
  LAST_TEST ("wrong-options", test_wrong_options, NULL);
  LAST_TEST ("before-connect", test_before_connect, NULL);
  LAST_TEST ("M16-refused-at-connect", test_refused_at_connect, &new_broker);
  LAST_TEST ("M16-unsupported-at-connect", test_refused_at_connect, &old_broker);
  LAST_TEST ("after-close", test_after_close, NULL);
  LAST_TEST ("before-ready", test_before_ready, NULL);
  LAST_TEST ("earlier-one-refused", test_earlier_one_refused, NULL);
  LAST_TEST ("both-refused", test_both_refused, NULL);
  LAST_TEST ("answers-out-of-order", test_answers_out_of_order, NULL);
  LAST_TEST ("async", test_async, NULL);
  LAST_TEST ("async-unconnected", test_async_unconnected, NULL);
  return g_test_run ();
}

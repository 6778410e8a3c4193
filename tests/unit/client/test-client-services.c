/* SPDX-License-Identifier: Apache-2.0 */
#include "services-fixture.h"

/* Connecting serves the methods of a client; the broker may refuse this, or the connection may end during the request. */

/* --- connecting --- */

static void
test_served_before_connected (Fixture *f, gconstpointer data)
{
  services_fixture_connect_served (f);
}

static gpointer
answer_sync (gpointer data)
{
  Fixture *f = data;
  g_autoptr (GByteArray) out = g_byte_array_new ();

  script_welcome (out, &with_methods);
  g_assert_true (raw_socket_send (f->peer, out->data, out->len));
  g_byte_array_set_size (out, 0);
  /* The second frame is the request. */
  for (guint received = 0; received < 2;)
    {
      g_autoptr (GPtrArray) frames = client_fixture_receive (f);

      received += frames->len;
      g_thread_yield ();
    }
  script_subscribe_reply (out, 2, 100, 100000);
  g_assert_true (raw_socket_send (f->peer, out->data, out->len));
  return NULL;
}

static void
test_connect_sync (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  GThread *thread = g_thread_new ("broker", answer_sync, f);

  g_assert_true (deye_bus_client_connect (f->client, NULL, &error));
  g_assert_no_error (error);
  g_thread_join (thread);
  frames = services_fixture_call (f, "Ping", "hello");
  services_fixture_assert_span (services_fixture_last (frames)->payload, "hello");
}

/* If the broker refuses that the client serves them, the client is still connected. */
static void
test_refused (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GError) error = NULL;

  services_fixture_connect_until_asked (f, &result);
  script_error (f->in, 2, WIRE_STATUS_DENIED);
  client_fixture_send (f);
  client_fixture_wait (f, result.calls == 1);
  g_assert_true (deye_bus_client_connect_finish (f->client, result.result, &error));
  g_assert_no_error (error);
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_READY);
}

static void
test_lost_meanwhile (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GError) error = NULL;

  services_fixture_connect_until_asked (f, &result);
  client_fixture_disconnect (f);
  client_fixture_wait (f, result.calls == 1);
  g_assert_false (deye_bus_client_connect_finish (f->client, result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
}

static void
test_closed_meanwhile (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GError) error = NULL;

  services_fixture_connect_until_asked (f, &result);
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
  client_fixture_wait (f, result.calls == 1);
  g_assert_false (deye_bus_client_connect_finish (f->client, result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
}

static void
test_cancelled_meanwhile (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GPtrArray) hello = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  deye_bus_client_connect_async (f->client, cancellable, client_result_set, &result);
  hello = services_fixture_receive (f);
  script_welcome (f->in, &with_methods);
  client_fixture_send (f);
  frames = services_fixture_receive (f);
  g_cancellable_cancel (cancellable);
  client_fixture_wait (f, result.calls == 1);
  g_assert_false (deye_bus_client_connect_finish (f->client, result.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  /* The client does not stay partly connected: the broker gets a GOODBYE. */
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_DISCONNECTED);
  g_clear_pointer (&frames, g_ptr_array_unref);
  frames = client_fixture_receive (f);
  g_assert_nonnull (script_find (frames, WIRE_KIND_GOODBYE));
}

/* WELCOME and GOODBYE arrive together: the handshake succeeded, but there is no connection for the next step. */
static void
script_welcome_and_goodbye (Fixture *f)
{
  script_welcome (f->in, &with_methods);
  script_goodbye (f->in, WIRE_STATUS_SHUTTING_DOWN, NULL);
  client_fixture_send (f);
}

static void
test_ended_between_steps_sync (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  script_welcome_and_goodbye (f);
  g_assert_false (deye_bus_client_connect (f->client, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
  frames = client_fixture_receive_one (f, WIRE_KIND_HELLO);
}

static void
test_ended_between_steps_async (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GError) error = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  script_welcome_and_goodbye (f);
  deye_bus_client_connect_async (f->client, NULL, client_result_set, &result);
  client_fixture_wait (f, result.calls == 1);
  g_assert_false (deye_bus_client_connect_finish (f->client, result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_DISCONNECTED);
  frames = client_fixture_receive_one (f, WIRE_KIND_HELLO);
}

static void
cancel_on_state (GObject *client, GParamSpec *pspec, gpointer cancellable)
{
  g_cancellable_cancel (cancellable);
}

/* The first change of the state is dispatched before the end of the handshake. */
static void
test_cancelled_between_steps (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { 0 };
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  g_signal_connect (f->client, "notify::state", G_CALLBACK (cancel_on_state), cancellable);
  script_welcome (f->in, &with_methods);
  client_fixture_send (f);
  deye_bus_client_connect_async (f->client, cancellable, client_result_set, &result);
  client_fixture_wait (f, result.calls == 1);
  g_assert_false (deye_bus_client_connect_finish (f->client, result.result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_DISCONNECTED);
  frames = client_fixture_receive (f);
  g_assert_nonnull (script_find (frames, WIRE_KIND_GOODBYE));
}

static void
test_own_topic_is_the_librarys (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  services_fixture_connect_served (f);
  g_assert_null (deye_bus_client_serve (f->client, TOPIC, NULL, NULL, NULL, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_DUPLICATE_ID);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/services/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("M23-served-before-connected", test_served_before_connected);
  ADD ("connect-sync", test_connect_sync);
  ADD ("refused", test_refused);
  ADD ("lost-meanwhile", test_lost_meanwhile);
  ADD ("closed-meanwhile", test_closed_meanwhile);
  ADD ("cancelled-meanwhile", test_cancelled_meanwhile);
  ADD ("ended-between-steps-sync", test_ended_between_steps_sync);
  ADD ("ended-between-steps-async", test_ended_between_steps_async);
  ADD ("cancelled-between-steps", test_cancelled_between_steps);
  ADD ("own-topic", test_own_topic_is_the_librarys);
  return g_test_run ();
}

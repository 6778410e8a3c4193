/* SPDX-License-Identifier: Apache-2.0 */
#include "calls-fixture.h"

/* Connecting, closing, and the threads that may make calls. */

static void
count (GObject *object, gpointer detail, gpointer data)
{
  (*(guint *) data)++;
}

/* --- connect --- */

static void
test_connect (Fixture *f, gconstpointer data)
{
  guint notified = 0;
  guint64 epoch, largest;
  g_autofree char *version = NULL;

  g_signal_connect (f->client, "notify::state", G_CALLBACK (count), &notified);
  client_fixture_connect (f, NULL);
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_READY);
  /* The signal is never emitted inside a call. */
  g_assert_cmpuint (notified, ==, 0);
  client_fixture_settle (f);
  g_assert_cmpuint (notified, ==, 3);
  g_object_get (f->client, "broker-epoch", &epoch, "largest-payload", &largest, "broker-version", &version, NULL);
  g_assert_cmpuint (epoch, ==, 4711);
  g_assert_cmpuint (largest, ==, 1048576);
  g_assert_cmpstr (version, ==, "script 1");
  g_assert_cmpint (deye_bus_client_get_role (f->client), ==, DEYE_BUS_ROLE_COLLECTOR);
}

static void
test_connect_async (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  deye_bus_client_connect_async (f->client, NULL, client_result_set, &result);
  frames = client_fixture_receive_one (f, WIRE_KIND_HELLO);
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_CONNECTING);
  script_welcome (f->in, NULL);
  client_fixture_send (f);
  client_fixture_wait (f, result.calls > 0);
  g_assert_true (deye_bus_client_connect_finish (f->client, result.result, &error));
  g_assert_no_error (error);
}

/* M27: the broker refuses the version, and connect() reports that. The client was never connected, so "closed" is not emitted. */
static void
test_version_refused (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  guint closed = 0;

  g_signal_connect (f->client, "closed", G_CALLBACK (count), &closed);
  script_goodbye (f->in, WIRE_STATUS_VERSION, "update the client");
  client_fixture_send (f);
  g_assert_false (deye_bus_client_connect (f->client, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_VERSION);
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_DISCONNECTED);
  client_fixture_settle (f);
  g_assert_cmpuint (closed, ==, 0);
  g_clear_error (&error);
  g_assert_false (deye_bus_client_connect (f->client, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
}

static void
test_no_responder (void)
{
  g_autofree char *dir = g_dir_make_tmp ("deye-bus-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "s", NULL);
  g_autofree char *filler = g_strnfill (120, 'x');
  g_autofree char *long_path = g_build_filename (dir, filler, NULL);
  g_autoptr (DeyeBusClient) client = deye_bus_client_new (path, "tester", "procmond");
  g_autoptr (DeyeBusClient) far = deye_bus_client_new (long_path, "tester", "procmond");
  g_autoptr (GError) error = NULL;

  deye_bus_client_set_reconnect (client, FALSE);
  g_assert_false (deye_bus_client_connect (client, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NO_BROKER);
  g_assert_nonnull (strstr (error->message, path));
  g_assert_cmpint (deye_bus_client_get_state (client), ==, DEYE_BUS_CLIENT_STATE_DISCONNECTED);
  g_clear_error (&error);
  g_assert_false (deye_bus_client_connect (far, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  g_rmdir (dir);
}

typedef struct
{
  GMainContext *context;
  GMutex lock;
  GCond changed;
  gboolean held;
  gboolean release;
} Holder;

/* --- the owner of a call --- */

static gpointer
hold_context (gpointer data)
{
  Holder *holder = data;

  g_assert_true (g_main_context_acquire (holder->context));
  g_mutex_lock (&holder->lock);
  holder->held = TRUE;
  g_cond_broadcast (&holder->changed);
  while (!holder->release)
    g_cond_wait (&holder->changed, &holder->lock);
  g_mutex_unlock (&holder->lock);
  g_main_context_release (holder->context);
  return NULL;
}

static void
test_wrong_thread (void)
{
  Holder holder = { .context = g_main_context_new () };
  g_autoptr (DeyeBusClient) client = NULL;
  g_autoptr (GMainContext) own = g_main_context_new ();
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GError) error = NULL;
  GThread *thread;

  g_main_context_push_thread_default (holder.context);
  client = deye_bus_client_new (NULL, "tester", "procmond");
  g_main_context_pop_thread_default (holder.context);
  g_main_context_push_thread_default (own);
  thread = g_thread_new ("holder", hold_context, &holder);
  g_mutex_lock (&holder.lock);
  while (!holder.held)
    g_cond_wait (&holder.changed, &holder.lock);
  g_mutex_unlock (&holder.lock);

  /* The count would read a queue that the other thread may be changing. */
  g_assert_cmpuint (deye_bus_client_get_unsent (client), ==, G_MAXUINT64);
  g_assert_false (deye_bus_client_connect (client, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WRONG_THREAD);
  g_clear_error (&error);
  deye_bus_client_connect_async (client, NULL, client_result_set, &result);
  while (result.calls == 0)
    g_main_context_iteration (own, TRUE);
  g_assert_false (deye_bus_client_connect_finish (client, result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WRONG_THREAD);
  client_result_clear (&result);

  g_mutex_lock (&holder.lock);
  holder.release = TRUE;
  g_cond_broadcast (&holder.changed);
  g_mutex_unlock (&holder.lock);
  g_thread_join (thread);
  g_main_context_pop_thread_default (own);
  g_clear_object (&client);
  g_main_context_unref (holder.context);
}

/* --- the end --- */

static void
test_goodbye (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GError) closed = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, NULL);
  g_signal_connect (f->client, "closed", G_CALLBACK (calls_fixture_remember_error), &closed);
  deye_bus_client_request_async (f->client, "tasks.a", NULL, NULL, NULL, client_result_set, &result);
  script_goodbye (f->in, WIRE_STATUS_SHUTTING_DOWN, "the agent stops");
  client_fixture_send (f);
  client_fixture_disconnect (f);
  client_fixture_wait (f, closed != NULL);
  g_assert_error (closed, DEYE_BUS_ERROR, DEYE_BUS_ERROR_SHUTTING_DOWN);
  g_assert_null (deye_bus_client_request_finish (f->client, result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_SHUTTING_DOWN);
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_DISCONNECTED);
}

/* The broker is killed without GOODBYE. The client notices it also when it only writes. */
static void
test_broker_killed (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) closed = NULL;

  client_fixture_connect (f, NULL);
  g_signal_connect (f->client, "closed", G_CALLBACK (calls_fixture_remember_error), &closed);
  client_fixture_disconnect (f);
  g_assert_true (deye_bus_client_publish (f->client, "events.a", NULL, NULL, NULL, NULL, NULL));
  client_fixture_wait (f, closed != NULL);
  g_assert_error (closed, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNKNOWN);
}

static void
test_close (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) closed = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, NULL);
  g_signal_connect (f->client, "closed", G_CALLBACK (calls_fixture_remember_error), &closed);
  deye_bus_client_request_async (f->client, "tasks.a", NULL, NULL, NULL, client_result_set, &result);
  g_assert_true (deye_bus_client_close (f->client, NULL, &error));
  g_assert_null (closed);
  g_assert_cmpint (deye_bus_client_get_state (f->client), ==, DEYE_BUS_CLIENT_STATE_CLOSED);
  frames = client_fixture_receive (f);
  g_assert_cmpint (calls_fixture_frame_at (frames, frames->len - 1)->kind, ==, WIRE_KIND_GOODBYE);
  client_fixture_wait (f, closed != NULL);
  g_assert_error (closed, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  g_assert_null (deye_bus_client_request_finish (f->client, result.result, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
  g_clear_error (&error);
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
  g_assert_false (deye_bus_client_publish (f->client, "events.a", NULL, NULL, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED);
}

static void
test_close_async (Fixture *f, gconstpointer data)
{
  g_auto (ClientResult) result = { NULL, 0 };

  client_fixture_connect (f, NULL);
  deye_bus_client_close_async (f->client, NULL, client_result_set, &result);
  client_fixture_wait (f, result.calls > 0);
  g_assert_true (deye_bus_client_close_finish (f->client, result.result, NULL));
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/calls/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("connect", test_connect);
  ADD ("connect-async", test_connect_async);
  ADD ("M27/version-refused", test_version_refused);
  ADD ("goodbye", test_goodbye);
  ADD ("broker-killed", test_broker_killed);
  ADD ("close", test_close);
  ADD ("close-async", test_close_async);
  g_test_add_func ("/client/calls/no-responder", test_no_responder);
  g_test_add_func ("/client/calls/wrong-thread", test_wrong_thread);
  return g_test_run ();
}

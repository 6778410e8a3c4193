/* SPDX-License-Identifier: Apache-2.0 */
#include "client-fixture.h"
#include "wire-feature.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* The parts of a client that are specific to POSIX: it connects to a Unix socket, and its process may fork and execute. */

typedef ClientFixture Fixture;

/* Connects to a listening socket at the address in $DAEMONEYE_BROKER_SOCKET, whose queue of connections is full at first. */
static void
test_address (void)
{
  g_autofree char *dir = g_dir_make_tmp ("deye-bus-XXXXXX", NULL);
  g_autofree char *path = g_build_filename (dir, "s", NULL);
  g_autoptr (GMainContext) context = g_main_context_new ();
  g_autoptr (DeyeBusClient) client = NULL;
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GByteArray) welcome = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  struct sockaddr_un address = { .sun_family = AF_UNIX };
  int listener = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), early, late, peer;

  g_strlcpy (address.sun_path, path, sizeof address.sun_path);
  g_assert_cmpint (bind (listener, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (listen (listener, 0), ==, 0);
  early = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  g_assert_cmpint (connect (early, (struct sockaddr *) &address, sizeof address), ==, 0);

  g_setenv ("DAEMONEYE_BROKER_SOCKET", path, TRUE);
  g_main_context_push_thread_default (context);
  client = deye_bus_client_new (NULL, "tester", "procmond");
  deye_bus_client_connect_async (client, NULL, client_result_set, &result);
  g_main_context_iteration (context, FALSE);
  late = accept (listener, NULL, NULL);
  g_assert_cmpint (late, >=, 0);
  g_main_context_iteration (context, TRUE);
  script_welcome (welcome, NULL);
  peer = accept (listener, NULL, NULL);
  g_assert_cmpint (send (peer, welcome->data, welcome->len, MSG_NOSIGNAL), ==, (gssize) welcome->len);
  while (result.calls == 0)
    g_main_context_iteration (context, TRUE);
  g_assert_true (deye_bus_client_connect_finish (client, result.result, &error));
  g_assert_no_error (error);
  client_result_clear (&result);
  g_assert_finalize_object (g_steal_pointer (&client));
  g_main_context_pop_thread_default (context);
  g_unsetenv ("DAEMONEYE_BROKER_SOCKET");
  close (peer);
  close (late);
  close (early);
  close (listener);
  unlink (path);
  rmdir (dir);
}

/* H02: a program that the process executes does not inherit the client's descriptor. */
static void
test_close_on_exec (void)
{
  int fds[2];
  g_autoptr (DeyeBusClient) client = NULL;
  g_autoptr (GByteArray) welcome = g_byte_array_new ();

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM, 0, fds), ==, 0);
  client = deye_bus_client_new_for_fd (fds[0], "tester", "procmond");
  script_welcome (welcome, NULL);
  g_assert_cmpint (send (fds[1], welcome->data, welcome->len, 0), ==, (gssize) welcome->len);
  g_assert_true (deye_bus_client_connect (client, NULL, NULL));
  g_assert_cmpint (fcntl (fds[0], F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
  g_clear_object (&client);
  /* The descriptor is not left open. */
  g_assert_cmpint (fcntl (fds[0], F_GETFD), ==, -1);
  close (fds[1]);
}

/* H01: the child cannot use the client, and the parent's stream is unchanged. */
static void
test_fork (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;
  int status;
  pid_t child;

  client_fixture_connect (f, NULL);
  script_reply (f->in, 2, "still mine");
  client_fixture_send (f);
  child = fork ();
  if (child == 0)
    {
      gboolean sent = deye_bus_client_publish (f->client, "events.a", NULL, NULL, NULL, NULL, &error);
      gboolean right = !sent && g_error_matches (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);

      g_main_context_iteration (f->context, FALSE);
      g_object_unref (f->client);
      _exit (right ? 0 : 1);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 0);
  {
    g_autoptr (DeyeBusMessage) reply = deye_bus_client_request (f->client, "tasks.a", NULL, NULL, NULL, &error);

    g_assert_no_error (error);
    g_assert_nonnull (reply);
  }
}

/* The child inherits a held client, and releases it as a guard does: the held messages are written once, by the parent. */
static void
test_fork_held (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;
  int status = 0;
  pid_t child;

  client_fixture_connect (f, NULL);
  deye_bus_client_hold (f->client);
  g_assert_true (deye_bus_client_publish (f->client, "events.a", NULL, NULL, NULL, NULL, &error));
  child = fork ();
  if (child == 0)
    {
      gboolean sent = deye_bus_client_publish (f->client, "events.a", NULL, NULL, NULL, NULL, &error);
      gboolean right = !sent && g_error_matches (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);

      deye_bus_client_release (f->client);
      g_object_unref (f->client);
      _exit (right ? 0 : 1);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
  g_assert_true (deye_bus_client_publish (f->client, "events.a", NULL, NULL, NULL, NULL, &error));
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 0);
  g_ptr_array_unref (frames);
  deye_bus_client_release (f->client);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 2);
}

/* A number above the range of descriptors must not be truncated to a valid descriptor. */
static void
test_descriptor_out_of_range (void)
{
#if GLIB_SIZEOF_VOID_P > 4
  int pair[2];
  g_autoptr (DeyeBusClient) client = NULL;
  g_autoptr (DeyeBusClient) unused = NULL;
  g_autoptr (GError) error = NULL;

  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
  client = deye_bus_client_new_for_fd (((gintptr) 1 << 32) + pair[0], "tester", NULL);
  unused = deye_bus_client_new_for_fd (((gintptr) 1 << 32) + pair[0], "tester", NULL);
  g_assert_false (deye_bus_client_connect (client, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
  g_clear_object (&client);
  g_clear_object (&unused);
  g_assert_cmpint (fcntl (pair[0], F_GETFD), >=, 0);
  close (pair[0]);
  close (pair[1]);
  g_clear_error (&error);
  client = deye_bus_client_new_for_fd (pair[0], "tester", NULL);
  g_assert_false (deye_bus_client_connect (client, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
#else
  g_test_skip ("a handle has the size of a descriptor");
#endif
}

/* Forks, runs @in_child in the child, and asserts that it has written nothing to the parent's socket. */
static void
assert_child_is_silent (Fixture *f, void (*in_child) (Fixture *f, gpointer data), gpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;
  int status = 0;
  pid_t child = fork ();

  if (child == 0)
    {
      in_child (f, data);
      _exit (0);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (frames->len, ==, 0);
}

static void
release_in_child (Fixture *f, gpointer data)
{
  g_object_unref (data);
}

/* The child releases the answers to a request, as a garbage collector does: the request of the parent is not cancelled. */
static void
test_fork_answers (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusAnswers) answers = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, &(const ScriptWelcome){ .features = WIRE_FEATURE_STREAM });
  answers = deye_bus_client_request_stream (f->client, "tasks.a", NULL, NULL, 0, 0, &error);
  g_assert_no_error (error);
  frames = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  assert_child_is_silent (f, release_in_child, answers);
}

static void
cancel_in_child (Fixture *f, gpointer data)
{
  g_cancellable_cancel (data);
  client_fixture_settle (f);
}

/* The child cancels a call of the parent, which continues. */
static void
test_fork_cancel (Fixture *f, gconstpointer data)
{
  g_autoptr (GCancellable) cancellable = g_cancellable_new ();
  g_auto (ClientResult) result = { NULL, 0 };
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, NULL);
  deye_bus_client_request_async (f->client, "tasks.a", NULL, NULL, cancellable, client_result_set, &result);
  frames = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
  assert_child_is_silent (f, cancel_in_child, cancellable);
  script_reply (f->in, 2, "still mine");
  client_fixture_send_and_settle (f);
  g_assert_cmpuint (result.calls, ==, 1);
  deye_bus_message_unref (deye_bus_client_request_finish (f->client, result.result, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/posix/address", test_address);
  g_test_add_func ("/client/posix/H02/close-on-exec", test_close_on_exec);
  g_test_add_func ("/client/posix/descriptor-out-of-range", test_descriptor_out_of_range);
  g_test_add ("/client/posix/H01/fork", Fixture, NULL, client_fixture_set_up, test_fork, client_fixture_tear_down);
  g_test_add ("/client/posix/fork-answers", Fixture, NULL, client_fixture_set_up, test_fork_answers,
              client_fixture_tear_down);
  g_test_add ("/client/posix/fork-cancel", Fixture, NULL, client_fixture_set_up, test_fork_cancel,
              client_fixture_tear_down);
  g_test_add ("/client/posix/fork-held", Fixture, NULL, client_fixture_set_up, test_fork_held,
              client_fixture_tear_down);
  return g_test_run ();
}

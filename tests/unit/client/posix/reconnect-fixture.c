/* SPDX-License-Identifier: Apache-2.0 */
#include "posix/reconnect-fixture.h"

#include "test-watchdog.h"

#include <sys/socket.h>
#include <unistd.h>

void
reconnect_fixture_set_up (ReconnectFixture *f, gconstpointer data)
{
  test_watchdog_start (g_test_get_path ());
  f->listener = f->peer = -1;
  f->directory = g_dir_make_tmp ("deye-bus-XXXXXX", NULL);
  f->path = g_build_filename (f->directory, "s", NULL);
  f->context = g_main_context_new ();
  g_main_context_push_thread_default (f->context);
  f->client = deye_bus_client_new (f->path, "tester", "procmond");
  deye_bus_client_set_reconnect (f->client, FALSE);
}

void
reconnect_fixture_tear_down (ReconnectFixture *f, gconstpointer data)
{
  client_result_clear (&f->result);
  g_assert_finalize_object (f->client);
  g_main_context_pop_thread_default (f->context);
  g_main_context_unref (f->context);
  close (f->peer);
  close (f->listener);
  unlink (f->path);
  rmdir (f->directory);
  g_free (f->path);
  g_free (f->directory);
  test_watchdog_stop ();
}

void
reconnect_fixture_settle (ReconnectFixture *f)
{
  while (g_main_context_iteration (f->context, FALSE))
    ;
}

struct sockaddr_un
reconnect_fixture_address (ReconnectFixture *f)
{
  struct sockaddr_un address = { .sun_family = AF_UNIX };

  g_strlcpy (address.sun_path, f->path, sizeof address.sun_path);
  return address;
}

void
reconnect_fixture_listen (ReconnectFixture *f, int backlog)
{
  struct sockaddr_un address = reconnect_fixture_address (f);

  f->listener = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  g_assert_cmpint (bind (f->listener, (struct sockaddr *) &address, sizeof address), ==, 0);
  g_assert_cmpint (listen (f->listener, backlog), ==, 0);
}

void
reconnect_fixture_accept (ReconnectFixture *f, const ScriptWelcome *granted)
{
  g_autoptr (GByteArray) welcome = g_byte_array_new ();

  close (f->peer);
  while ((f->peer = accept (f->listener, NULL, NULL)) < 0)
    g_main_context_iteration (f->context, TRUE);
  script_welcome (welcome, granted);
  g_assert_cmpint (send (f->peer, welcome->data, welcome->len, MSG_NOSIGNAL), ==, (gssize) welcome->len);
}

void
reconnect_fixture_welcome (ReconnectFixture *f, const ScriptWelcome *granted)
{
  reconnect_fixture_accept (f, granted);
  while (deye_bus_client_get_state (f->client) != DEYE_BUS_CLIENT_STATE_READY)
    g_main_context_iteration (f->context, TRUE);
}

guint64
reconnect_fixture_next_request (ReconnectFixture *f)
{
  g_autoptr (GByteArray) got = g_byte_array_new ();
  guint8 bytes[4096];

  for (;;)
    {
      gssize n = recv (f->peer, bytes, sizeof bytes, MSG_DONTWAIT);
      g_autoptr (GPtrArray) frames = NULL;

      if (n > 0)
        g_byte_array_append (got, bytes, (guint) n);
      frames = script_take (got);
      if (script_find (frames, WIRE_KIND_REQUEST) != NULL)
        return script_find (frames, WIRE_KIND_REQUEST)->envelope.id;
      g_main_context_iteration (f->context, TRUE);
    }
}

GPtrArray *
reconnect_fixture_receive (ReconnectFixture *f)
{
  g_autoptr (GByteArray) got = g_byte_array_new ();
  guint8 bytes[4096];
  gssize n;

  while ((n = recv (f->peer, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
    g_byte_array_append (got, bytes, (guint) n);
  return script_take (got);
}

void
reconnect_fixture_send (ReconnectFixture *f, GByteArray *bytes)
{
  g_assert_cmpint (send (f->peer, bytes->data, bytes->len, MSG_NOSIGNAL), ==, (gssize) bytes->len);
  g_byte_array_set_size (bytes, 0);
}

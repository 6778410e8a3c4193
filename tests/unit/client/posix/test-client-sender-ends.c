/* SPDX-License-Identifier: Apache-2.0 */
#include "posix/reconnect-fixture.h"
#include "sender-fixture.h"

#include <sys/wait.h>
#include <unistd.h>

/* Senders across a reconnect, and in a forked child. */

/* --- reconnect --- */

static void
put (DeyeBusSender *sender, const char *names)
{
  for (; *names != '\0'; names++)
    {
      g_autoptr (GBytes) payload = g_bytes_new (names, 1);

      g_assert_true (deye_bus_sender_publish (sender, SENDER_TOPIC, payload, NULL, NULL));
    }
}

static void
expect (ReconnectFixture *f, const char *names)
{
  g_autoptr (GPtrArray) frames = reconnect_fixture_receive (f);
  g_autoptr (GString) received = g_string_new (NULL);

  for (guint i = 0; i < frames->len; i++)
    if (((const ScriptFrame *) frames->pdata[i])->kind == WIRE_KIND_PUBLISH)
      g_string_append_len (received, (const char *) calls_fixture_frame_at (frames, i)->envelope.payload.data, 1);
  g_assert_cmpstr (received->str, ==, names);
}

/* Messages that are put while there is no broker wait in the sender, within its limit, and are sent in order. */
static void
test_reconnect (ReconnectFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSender) sender = deye_bus_sender_new (f->client, 3, 0, NULL);
  g_autoptr (GError) error = NULL;

  reconnect_fixture_listen (f, 4);
  deye_bus_client_set_reconnect (f->client, TRUE);
  deye_bus_client_connect_async (f->client, NULL, client_result_set, &f->result);
  put (sender, "a"); /* while it connects */
  reconnect_fixture_welcome (f, NULL);
  reconnect_fixture_settle (f);
  expect (f, "a");
  close (f->peer);
  f->peer = -1;
  while (deye_bus_client_get_state (f->client) == DEYE_BUS_CLIENT_STATE_READY)
    g_main_context_iteration (f->context, TRUE);
  put (sender, "bcd");
  g_assert_false (deye_bus_sender_publish (sender, SENDER_TOPIC, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK);
  reconnect_fixture_welcome (f, NULL);
  reconnect_fixture_settle (f);
  expect (f, "bcd");
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
}

/* The client is closed while it connects: the sender's messages are lost, and the error of the call contains their number. */
static void
test_closed_while_connecting (ReconnectFixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSender) sender = deye_bus_sender_new (f->client, 0, 0, NULL);
  g_autoptr (GError) error = NULL;

  deye_bus_client_set_reconnect (f->client, TRUE);
  deye_bus_client_connect_async (f->client, NULL, client_result_set, &f->result);
  put (sender, "abc");
  g_assert_false (deye_bus_client_close (f->client, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  g_assert_nonnull (strstr (error->message, ": 3"));
  g_assert_cmpuint (deye_bus_sender_get_refused (sender), ==, 3);
  reconnect_fixture_settle (f);
}

/* --- fork --- */

static gboolean
child_is_right (SenderFixture *f)
{
  g_autoptr (GError) error = NULL;
  gboolean sent = deye_bus_sender_publish (f->sender, SENDER_TOPIC, NULL, NULL, &error);
  gboolean right = !sent && g_error_matches (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);

  g_clear_error (&error);
  right = right && !deye_bus_sender_flush (f->sender, NULL, FALSE, NULL, &error)
          && g_error_matches (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
  deye_bus_sender_close (f->sender);
  right = right && deye_bus_sender_get_queued (f->sender) == 0;
  g_main_context_iteration (f->base.context, FALSE);
  g_object_unref (f->base.client);
  g_object_unref (f->sender);
  return right;
}

static gpointer
put_both (gpointer data)
{
  SenderFixture *f = data;

  sender_fixture_put (f, "ab");
  return NULL;
}

/* The child cannot use the sender; only the parent sends the sender's messages. */
static void
test_fork (SenderFixture *f, gconstpointer data)
{
  int status;
  pid_t child;

  g_thread_join (g_thread_new ("sender", put_both, f));
  child = fork ();
  if (child == 0)
    _exit (child_is_right (f) ? 0 : 1);
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
  sender_fixture_expect (f, "");
  client_fixture_settle (&f->base);
  sender_fixture_expect (f, "ab");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/client/sender/reconnect", ReconnectFixture, NULL, reconnect_fixture_set_up, test_reconnect,
              reconnect_fixture_tear_down);
  g_test_add ("/client/sender/closed-while-connecting", ReconnectFixture, NULL, reconnect_fixture_set_up,
              test_closed_while_connecting, reconnect_fixture_tear_down);
  g_test_add ("/client/sender/fork", SenderFixture, NULL, sender_fixture_set_up, test_fork, sender_fixture_tear_down);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "client-fixture.h"

#include "test-watchdog.h"

void
client_fixture_set_up (ClientFixture *f, gconstpointer data)
{
  gintptr theirs;

  test_watchdog_start (g_test_get_path ());
  f->context = g_main_context_new ();
  g_main_context_push_thread_default (f->context);
  f->peer = raw_socket_pair (&theirs);
  f->client = deye_bus_client_new_for_fd (theirs, "tester", "procmond");
  f->in = g_byte_array_new ();
  f->out = g_byte_array_new ();
}

void
client_fixture_tear_down (ClientFixture *f, gconstpointer data)
{
  client_fixture_settle (f);
  if (f->client != NULL)
    g_assert_finalize_object (f->client);
  client_fixture_disconnect (f);
  /* Asserts that the context has no source of the client left. */
  g_assert_false (g_main_context_pending (f->context));
  g_main_context_pop_thread_default (f->context);
  g_main_context_unref (f->context);
  g_byte_array_unref (f->in);
  g_byte_array_unref (f->out);
  test_watchdog_stop ();
}

void
client_fixture_connect (ClientFixture *f, const ScriptWelcome *welcome)
{
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  script_welcome (f->in, welcome);
  client_fixture_send (f);
  deye_bus_client_connect (f->client, NULL, &error);
  g_assert_no_error (error);
  frames = client_fixture_receive_one (f, WIRE_KIND_HELLO);
}

void
client_fixture_send (ClientFixture *f)
{
  g_assert_true (raw_socket_send (f->peer, f->in->data, f->in->len));
  g_byte_array_set_size (f->in, 0);
}

GPtrArray *
client_fixture_receive (ClientFixture *f)
{
  static guint8 bytes[65536];
  gsize n;

  while ((n = raw_socket_receive_now (f->peer, bytes, sizeof bytes)) > 0)
    g_byte_array_append (f->out, bytes, (guint) n);
  return script_take (f->out);
}

GPtrArray *
client_fixture_receive_one (ClientFixture *f, guint8 kind)
{
  GPtrArray *frames = client_fixture_receive (f);

  g_assert_cmpuint (frames->len, ==, 1);
  g_assert_cmpint (((ScriptFrame *) frames->pdata[0])->kind, ==, kind);
  return frames;
}

void
client_fixture_disconnect (ClientFixture *f)
{
  g_clear_pointer (&f->peer, raw_socket_free);
}

void
client_fixture_close_unsent (ClientFixture *f, guint64 n)
{
  g_autoptr (GCancellable) cancelled = g_cancellable_new ();
  g_autoptr (GError) error = NULL;

  g_cancellable_cancel (cancelled);
  g_assert_false (deye_bus_client_close (f->client, cancelled, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSENT);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->client), ==, n);
}

void
client_fixture_end_subscription (ClientFixture *f, DeyeBusSubscription **subscription, const guint *destroyed)
{
  if (f->client != NULL)
    g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
  client_fixture_settle (f);
  g_assert_cmpuint (*destroyed, ==, 1);
  g_clear_object (subscription);
}

void
client_fixture_settle (ClientFixture *f)
{
  while (g_main_context_iteration (f->context, FALSE))
    ;
}

void
client_fixture_send_and_settle (ClientFixture *f)
{
  client_fixture_send (f);
  client_fixture_settle (f);
}

guint64
client_fixture_receive_credit (ClientFixture *f)
{
  g_autoptr (GPtrArray) frames = client_fixture_receive (f);
  guint64 credit = 0;

  for (guint i = 0; i < frames->len; i++)
    if (((ScriptFrame *) frames->pdata[i])->kind == WIRE_KIND_CREDIT)
      credit = ((ScriptFrame *) frames->pdata[i])->envelope.credit_messages;
  return credit;
}

void
client_result_set (GObject *source, GAsyncResult *result, gpointer data)
{
  ClientResult *self = data;

  g_set_object (&self->result, result);
  self->calls++;
}

void
client_result_clear (ClientResult *result)
{
  g_clear_object (&result->result);
}

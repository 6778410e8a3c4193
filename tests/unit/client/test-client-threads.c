/* SPDX-License-Identifier: Apache-2.0 */
#include "client-fixture.h"

/*
 * The last reference to a client is released in another thread while the thread of its context iterates it, as the garbage
 * collectors of language bindings do. Whichever thread is last, the client leaves its context and closes its socket first.
 */

#define ROUNDS 300u

static void
note_end (gpointer ended)
{
  g_atomic_int_set ((gint *) ended, TRUE);
}

static gpointer
drop_in_thread (gpointer client)
{
  g_object_unref (client);
  return NULL;
}

/* Waits for the end of the stream; a client that is freed without being disposed of leaves its socket open. */
static void
await_hang_up (ClientFixture *f)
{
  guint8 bytes[4096];

  while (raw_socket_receive (f->peer, bytes, sizeof bytes) > 0)
    continue;
}

static void
drop_while_iterating (void)
{
  ClientFixture f = { 0 };
  GThread *thread;
  gint ended = FALSE;

  client_fixture_set_up (&f, NULL);
  client_fixture_connect (&f, &(const ScriptWelcome){ 0 });
  g_object_set_data_full (G_OBJECT (f.client), "test-end", &ended, note_end);
  thread = g_thread_new ("drop", drop_in_thread, g_steal_pointer (&f.client));
  while (!g_atomic_int_get (&ended))
    g_main_context_iteration (f.context, FALSE);
  g_thread_join (thread);
  await_hang_up (&f);
  client_fixture_tear_down (&f, NULL);
}

static void
test_dropped_elsewhere (void)
{
  for (guint i = 0; i < ROUNDS; i++)
    drop_while_iterating ();
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/threads/dropped-elsewhere", test_dropped_elsewhere);
  return g_test_run ();
}

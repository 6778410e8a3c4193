/* SPDX-License-Identifier: Apache-2.0 */
#include "calls-fixture.h"
#include "deye-bus-flusher.h"
#include "posix/reconnect-fixture.h"

#include <sys/wait.h>
#include <unistd.h>

/*
 * The flusher: messages that it writes while the program does not call the library arrive once and in order, together with those
 * that the client writes itself. Its errors reach the client, and it ends with the client.
 * tests/unit/client/test-client-delays.c has the cases that need it.
 */

#define N_MESSAGES 20000u

typedef struct
{
  ClientFixture base;
  GThread *receiver;
  GMutex lock;
  GCond came;
  guint received; /* protected by the lock: publishes that arrived in order */
} FlusherFixture;

static void
flusher_count_received (FlusherFixture *f)
{
  g_mutex_lock (&f->lock);
  f->received++;
  g_cond_signal (&f->came);
  g_mutex_unlock (&f->lock);
}

static gpointer
flusher_receive (gpointer data)
{
  FlusherFixture *f = data;
  g_autoptr (GByteArray) got = g_byte_array_new ();
  guint8 bytes[65536];
  guint32 number, next = 0;
  gsize n;

  while ((n = raw_socket_receive (f->base.peer, bytes, sizeof bytes)) > 0)
    {
      g_autoptr (GPtrArray) frames = NULL;

      g_byte_array_append (got, bytes, (guint) n);
      frames = script_take (got);
      for (guint i = 0; i < frames->len; i++)
        if (((const ScriptFrame *) frames->pdata[i])->kind == WIRE_KIND_PUBLISH)
          {
            memcpy (&number, calls_fixture_frame_at (frames, i)->envelope.payload.data, sizeof number);
            g_assert_cmpuint (number, ==, next++);
            flusher_count_received (f);
          }
    }
  return NULL;
}

static void
flusher_set_up (FlusherFixture *f, gconstpointer data)
{
  g_mutex_init (&f->lock);
  g_cond_init (&f->came);
  client_fixture_set_up (&f->base, NULL);
  client_fixture_connect (&f->base,
                          &(const ScriptWelcome){ .window_messages = 2 * N_MESSAGES, .window_bytes = 1u << 30 });
  client_fixture_settle (&f->base);
  g_assert_false (deye_bus_client_get_flusher (f->base.client));
  g_assert_true (deye_bus_client_set_flusher (f->base.client, TRUE));
  g_assert_true (deye_bus_client_get_flusher (f->base.client));
}

static void
flusher_tear_down (FlusherFixture *f, gconstpointer data)
{
  if (f->base.client != NULL)
    (void) deye_bus_client_close (f->base.client, NULL, NULL);
  if (f->receiver != NULL)
    g_thread_join (f->receiver);
  client_fixture_tear_down (&f->base, NULL);
  g_mutex_clear (&f->lock);
  g_cond_clear (&f->came);
}

static void
flusher_publish (FlusherFixture *f, guint32 number, gsize len)
{
  guint8 *bytes = g_malloc0 (len);
  g_autoptr (GBytes) payload = NULL;
  g_autoptr (GError) error = NULL;

  memcpy (bytes, &number, sizeof number);
  payload = g_bytes_new_take (bytes, len);
  g_assert_true (deye_bus_client_publish (f->base.client, "events.a", payload, NULL, NULL, NULL, &error));
  g_assert_no_error (error);
}

/* Waits without calling the library. If the flusher does not write, the watchdog ends the test. */
static void
flusher_wait (FlusherFixture *f, guint n)
{
  g_mutex_lock (&f->lock);
  while (f->received < n)
    g_cond_wait (&f->came, &f->lock);
  g_mutex_unlock (&f->lock);
}

/* The client and the flusher write in turn. */
static void
test_in_order (FlusherFixture *f, gconstpointer data)
{
  f->receiver = g_thread_new ("broker", flusher_receive, f);
  for (guint32 i = 0; i < N_MESSAGES; i++)
    {
      if (i % 64 == 0)
        deye_bus_client_hold (f->base.client);
      flusher_publish (f, i, 4 + (i % 7 == 0 ? 10000 : i % 100));
      if (i % 64 == 40)
        g_thread_yield ();
      if (i % 64 == 50)
        g_assert_cmpuint (deye_bus_client_get_unsent (f->base.client), <=, N_MESSAGES);
      if (i % 64 == 63)
        deye_bus_client_release (f->base.client);
      if (i % 1000 == 999)
        flusher_wait (f, i - 64);
    }
  flusher_wait (f, N_MESSAGES);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->base.client), ==, 0);
}

/* There are more bytes than the socket takes: the flusher tries again until the broker reads. */
static void
test_full_socket (FlusherFixture *f, gconstpointer data)
{
  for (guint32 i = 0; i < 100; i++)
    flusher_publish (f, i, 100000);
  g_assert_cmpuint (deye_bus_client_get_unsent (f->base.client), >, 0);
  f->receiver = g_thread_new ("broker", flusher_receive, f);
  flusher_wait (f, 100);
}

/* A flush of the program ends although the flusher has written the messages. */
static void
test_flush (FlusherFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  f->receiver = g_thread_new ("broker", flusher_receive, f);
  deye_bus_client_hold (f->base.client);
  for (guint32 i = 0; i < 100; i++)
    {
      flusher_publish (f, i, 100);
      if (i % 10 == 0)
        flusher_wait (f, i + 1);
      g_assert_true (deye_bus_client_flush (f->base.client, NULL, FALSE, NULL, &error));
      g_assert_no_error (error);
    }
  deye_bus_client_release (f->base.client);
  flusher_wait (f, 100);
}

/* While the flusher is awake, messages are given to it without the lock; all of them arrive. */
static void
test_extended (FlusherFixture *f, gconstpointer data)
{
  guint32 n = 0;
  guint extended = 0;

  f->receiver = g_thread_new ("broker", flusher_receive, f);
  deye_bus_client_hold (f->base.client);
  while (extended < 1000 && n < N_MESSAGES)
    {
      const DeyeBusOutbuf *given = f->base.client->given;

      flusher_publish (f, n++, 100);
      if (given != NULL && deye_bus_flusher_extend (f->base.client->flusher, given))
        extended++;
    }
  g_assert_cmpuint (extended, ==, 1000);
  flusher_wait (f, n);
  deye_bus_client_release (f->base.client);
}

static void
flusher_count (guint *n)
{
  ++*n;
}

/* A flusher that is disabled and enabled again leaves no thread or source. */
static void
test_switched (FlusherFixture *f, gconstpointer data)
{
  guint n_notified = 0;

  f->receiver = g_thread_new ("broker", flusher_receive, f);
  g_signal_connect_swapped (f->base.client, "notify::flusher", G_CALLBACK (flusher_count), &n_notified);
  deye_bus_client_hold (f->base.client);
  for (guint32 i = 0; i < 100; i++)
    {
      flusher_publish (f, i, 100);
      g_object_set (f->base.client, "flusher", i % 2 == 0 ? FALSE : TRUE, NULL);
    }
  g_assert_cmpuint (n_notified, ==, 100);
  deye_bus_client_release (f->base.client);
  flusher_wait (f, 100);
}

/* The flusher detects that the broker has closed the connection. */
static void
test_error (FlusherFixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;

  deye_bus_client_hold (f->base.client);
  client_fixture_disconnect (&f->base);
  flusher_publish (f, 0, 100);
  while (!f->base.client->write_dead)
    {
      deye_bus_client_hand_over (f->base.client);
      deye_bus_client_take_back (f->base.client);
      g_thread_yield ();
    }
  deye_bus_client_release (f->base.client);
  client_fixture_settle (&f->base);
  g_assert_cmpint (deye_bus_client_get_state (f->base.client), ==, DEYE_BUS_CLIENT_STATE_DISCONNECTED);
  g_assert_false (deye_bus_client_publish (f->base.client, "events.a", NULL, NULL, NULL, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
}

/* The client is freed while the flusher has bytes. */
static void
test_freed (FlusherFixture *f, gconstpointer data)
{
  f->receiver = g_thread_new ("broker", flusher_receive, f);
  deye_bus_client_hold (f->base.client);
  for (guint32 i = 0; i < 100; i++)
    flusher_publish (f, i, 1000);
  g_assert_finalize_object (g_steal_pointer (&f->base.client));
  g_thread_join (g_steal_pointer (&f->receiver));
  g_assert_cmpuint (f->received, ==, 100);
}

/* After fork(), the child has no flusher thread, and that of the parent continues. */
static void
test_fork (FlusherFixture *f, gconstpointer data)
{
  int status;
  pid_t child;

  deye_bus_client_hold (f->base.client);
  for (guint32 i = 0; i < 10; i++)
    flusher_publish (f, i, 100);
  child = fork ();
  if (child == 0)
    {
      g_object_unref (f->base.client);
      _exit (0);
    }
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  g_assert_true (WIFEXITED (status) && WEXITSTATUS (status) == 0);
  f->receiver = g_thread_new ("broker", flusher_receive, f);
  flusher_wait (f, 10);
  deye_bus_client_release (f->base.client);
}

/* After a reconnect, messages that were not written are sent first on the next connection. */
static void
test_reconnect (ReconnectFixture *f, gconstpointer data)
{
  g_assert_true (deye_bus_client_set_flusher (f->client, TRUE));
  reconnect_fixture_listen (f, 4);
  deye_bus_client_set_reconnect (f->client, TRUE);
  deye_bus_client_connect_async (f->client, NULL, client_result_set, &f->result);
  for (guint i = 0; i < 10; i++)
    {
      reconnect_fixture_welcome (f, NULL);
      deye_bus_client_hold (f->client);
      for (guint k = 0; k < 50; k++)
        g_assert_true (deye_bus_client_publish (f->client, "events.a", NULL, NULL, NULL, NULL, NULL));
      close (f->peer);
      f->peer = -1;
      while (deye_bus_client_get_state (f->client) == DEYE_BUS_CLIENT_STATE_READY)
        g_main_context_iteration (f->context, TRUE);
      deye_bus_client_release (f->client);
    }
  (void) deye_bus_client_close (f->client, NULL, NULL);
  reconnect_fixture_settle (f);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*test) (FlusherFixture *f, gconstpointer data);
  } tests[] = {
    { "/client/flusher/in-order", test_in_order }, { "/client/flusher/full-socket", test_full_socket },
    { "/client/flusher/flush", test_flush },       { "/client/flusher/switched", test_switched },
    { "/client/flusher/error", test_error },       { "/client/flusher/freed", test_freed },
    { "/client/flusher/fork", test_fork },         { "/client/flusher/extended", test_extended },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, FlusherFixture, NULL, flusher_set_up, tests[i].test, flusher_tear_down);
  g_test_add ("/client/flusher/reconnect", ReconnectFixture, NULL, reconnect_fixture_set_up, test_reconnect,
              reconnect_fixture_tear_down);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "client-fixture.h"
#include "deye-bus-context.h"
#include "test-watchdog.h"

/*
 * The last reference to a client is released in another thread, as the garbage collectors of language bindings do, while the
 * thread of its context iterates it or makes calls. In any order, the client sends GOODBYE and closes its socket, and calls of
 * other clients in that context do not fail.
 */

#define ROUNDS      300u
#define CALL_ROUNDS 50u
#define YIELDS      200u /* to let another thread make a call */
#define CALLS       100000u

static void
set_flag (gpointer flag)
{
  g_atomic_int_set ((gint *) flag, TRUE);
}

static gpointer
drop_in_thread (gpointer client)
{
  g_object_unref (client);
  return NULL;
}

/* Releases the context, which this thread owns while it is the thread's default. */
static void
leave_context (ClientFixture *f)
{
  g_main_context_pop_thread_default (f->context);
}

static void
enter_context (ClientFixture *f)
{
  g_main_context_push_thread_default (f->context);
}

/* Receives until the end of the stream. If the client does not close it, the watchdog ends the test. */
static void
expect_goodbye_and_end (ClientFixture *f)
{
  g_autoptr (GPtrArray) frames = NULL;
  guint8 bytes[4096];
  gsize n;

  while ((n = raw_socket_receive (f->peer, bytes, sizeof bytes)) > 0)
    g_byte_array_append (f->out, bytes, (guint) n);
  frames = script_take (f->out);
  g_assert_cmpuint (frames->len, ==, 1);
  g_assert_cmpint (((const ScriptFrame *) frames->pdata[0])->kind, ==, WIRE_KIND_GOODBYE);
}

/* --- the context is iterated --- */

static void
drop_while_iterating (void)
{
  ClientFixture f = { 0 };
  GThread *thread;
  GWeakRef weak;
  gint ended = FALSE;

  client_fixture_set_up (&f, NULL);
  client_fixture_connect (&f, &(const ScriptWelcome){ 0 });
  g_object_set_data_full (G_OBJECT (f.client), "test-end", &ended, set_flag);
  g_weak_ref_init (&weak, f.client);
  leave_context (&f);
  thread = g_thread_new ("drop", drop_in_thread, g_steal_pointer (&f.client));
  while (!g_atomic_int_get (&ended))
    g_main_context_iteration (f.context, FALSE);
  g_thread_join (thread);
  enter_context (&f);
  g_assert_null (g_weak_ref_get (&weak));
  g_weak_ref_clear (&weak);
  expect_goodbye_and_end (&f);
  client_fixture_tear_down (&f, NULL);
}

static void
test_last_reference_dropped_in_another_thread (void)
{
  for (guint i = 0; i < ROUNDS; i++)
    drop_while_iterating ();
}

/* The context's thread owns it until the other thread has released its reference. */
static void
test_handed_over (void)
{
  ClientFixture f = { 0 };
  GWeakRef weak;
  guint8 byte;

  client_fixture_set_up (&f, NULL);
  client_fixture_connect (&f, &(const ScriptWelcome){ 0 });
  g_weak_ref_init (&weak, f.client);
  g_thread_join (g_thread_new ("drop", drop_in_thread, g_steal_pointer (&f.client)));
  g_assert_cmpuint (raw_socket_receive_now (f.peer, &byte, 1), ==, 0); /* nothing is written in the other thread */
  client_fixture_settle (&f);
  g_assert_null (g_weak_ref_get (&weak));
  g_weak_ref_clear (&weak);
  expect_goodbye_and_end (&f);
  client_fixture_tear_down (&f, NULL);
}

/* --- another client of the context is used --- */

typedef struct
{
  gint disposing; /* the other thread owns the context */
  gint calling;   /* the test is about to call */
} Meeting;

static void
on_callback_freed (gpointer data)
{
  Meeting *meeting = data;

  g_atomic_int_set (&meeting->disposing, TRUE);
  while (!g_atomic_int_get (&meeting->calling))
    g_thread_yield ();
  for (guint i = 0; i < YIELDS; i++)
    g_thread_yield ();
}

static void
on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  g_assert_not_reached ();
}

static void
subscribe (ClientFixture *f, GDestroyNotify freed, gpointer data)
{
  g_autoptr (DeyeBusSubscription) subscription = NULL;
  g_autoptr (GPtrArray) frames = NULL;
  g_autoptr (GError) error = NULL;

  script_subscribe_reply (f->in, 2, 100, 100000);
  client_fixture_send (f);
  subscription = deye_bus_client_subscribe (f->client, "events.#", NULL, on_message, data, freed, NULL, &error);
  g_assert_no_error (error);
  frames = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
}

static void
call_while_released (void)
{
  ClientFixture f = { 0 };
  Meeting meeting = { 0 };
  g_autoptr (DeyeBusClient) other = NULL;
  GThread *thread;

  client_fixture_set_up (&f, NULL);
  other = deye_bus_client_new (NULL, "other", "procmond"); /* in the same context */
  client_fixture_connect (&f, &(const ScriptWelcome){ 0 });
  subscribe (&f, on_callback_freed, &meeting);
  leave_context (&f);
  thread = g_thread_new ("drop", drop_in_thread, g_steal_pointer (&f.client));
  while (!g_atomic_int_get (&meeting.disposing))
    g_thread_yield ();
  g_atomic_int_set (&meeting.calling, TRUE);
  g_assert_true (deye_bus_client_set_reconnect (other, FALSE)); /* FALSE: wrong thread */
  g_thread_join (thread);
  enter_context (&f);
  g_clear_object (&other);
  client_fixture_tear_down (&f, NULL);
}

static void
test_called_meanwhile (void)
{
  for (guint i = 0; i < CALL_ROUNDS; i++)
    call_while_released ();
}

/* --- two threads release clients, and each uses the context of the other one --- */

typedef struct
{
  GMainContext *own;
  GMainContext *other;
  gint *n_releasing;
  gint acquired; /* number of times that it acquired the other context */
} Releaser;

static gpointer
release_and_acquire (gpointer data)
{
  Releaser *self = data;
  DeyeBusContextRelease release;

  g_assert_true (deye_bus_context_begin_release (&release, self->own));
  g_atomic_int_inc (self->n_releasing);
  while (g_atomic_int_get (self->n_releasing) < 2)
    g_thread_yield ();
  if (deye_bus_context_acquire (self->other))
    {
      g_main_context_release (self->other);
      self->acquired++;
    }
  deye_bus_context_end_release (&release);
  return NULL;
}

static void
test_no_reference_cycle (void)
{
  g_autoptr (GMainContext) one = g_main_context_new ();
  g_autoptr (GMainContext) two = g_main_context_new ();
  gint n_releasing = 0;
  Releaser releasers[] = { { one, two, &n_releasing, 0 }, { two, one, &n_releasing, 0 } };
  GThread *threads[G_N_ELEMENTS (releasers)];

  test_watchdog_start (g_test_get_path ());
  for (guint i = 0; i < G_N_ELEMENTS (releasers); i++)
    threads[i] = g_thread_new ("release", release_and_acquire, &releasers[i]);
  for (guint i = 0; i < G_N_ELEMENTS (releasers); i++)
    g_thread_join (threads[i]);
  test_watchdog_stop ();
  /* At most one thread can have acquired the context of the other one, after the other one had released it. */
  g_assert_cmpint (releasers[0].acquired + releasers[1].acquired, <, 2);
  g_assert_true (deye_bus_context_acquire (one) && deye_bus_context_acquire (two)); /* both are free */
  g_main_context_release (one);
  g_main_context_release (two);
}

/* --- two threads call the same client --- */

static gpointer
call_often (gpointer client)
{
  for (guint i = 0; i < CALLS; i++)
    {
      g_autoptr (GError) error = NULL;

      g_assert_false (deye_bus_client_broadcast (client, "events.process.new", NULL, NULL, NULL, NULL, &error));
      if (!g_error_matches (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WRONG_THREAD))
        g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED);
    }
  return NULL;
}

/* While one thread is in a call, calls of the other are refused; when the call returns, the client must be released. */
static void
test_called_by_two (void)
{
  ClientFixture f = { 0 };
  GThread *thread;

  client_fixture_set_up (&f, NULL);
  leave_context (&f);
  thread = g_thread_new ("call", call_often, f.client);
  call_often (f.client);
  g_thread_join (thread);
  enter_context (&f);
  client_fixture_tear_down (&f, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/threads/last-reference-dropped-in-another-thread",
                   test_last_reference_dropped_in_another_thread);
  g_test_add_func ("/client/threads/handed-over", test_handed_over);
  g_test_add_func ("/client/threads/called-meanwhile", test_called_meanwhile);
  g_test_add_func ("/client/threads/no-reference-cycle", test_no_reference_cycle);
  g_test_add_func ("/client/threads/called-by-two", test_called_by_two);
  return g_test_run ();
}

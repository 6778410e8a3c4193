/* SPDX-License-Identifier: Apache-2.0 */
#include "calls-fixture.h"
#include "deye-bus-client-private.h"
#include "deye-bus-senders.h"

/*
 * The owner of a client's context: the thread in a call or a dispatch of the client, or the thread that holds it.
 *
 * The fixture's context is not the thread's default here, because a thread owns the context that is its default.
 */

static void
owner_set_up (Fixture *f, gconstpointer data)
{
  client_fixture_set_up (f, data);
  client_fixture_connect (f, NULL);
  client_fixture_settle (f);
  g_main_context_pop_thread_default (f->context);
}

static void
owner_tear_down (Fixture *f, gconstpointer data)
{
  g_main_context_push_thread_default (f->context);
  client_fixture_tear_down (f, data);
}

static gpointer
owner_acquire (gpointer context)
{
  if (!g_main_context_acquire (context))
    return NULL;
  g_main_context_release (context);
  return context;
}

static gboolean
owner_is_free (Fixture *f)
{
  return g_thread_join (g_thread_new ("acquire", owner_acquire, f->context)) != NULL;
}

static gboolean
owner_publish (Fixture *f, GError **error)
{
  return deye_bus_client_publish (f->client, "events.process.new", NULL, NULL, NULL, NULL, error);
}

static void
test_call (Fixture *f, gconstpointer data)
{
  g_assert_true (owner_is_free (f));
  g_assert_true (owner_publish (f, NULL));
  g_assert_true (owner_is_free (f));
  calls_fixture_expect (f, 1);
}

/* Makes each call in another thread: none has an effect while this thread holds the client. */
static gpointer
owner_use (gpointer data)
{
  Fixture *f = data;
  g_autoptr (GError) error = NULL;

  g_assert_false (owner_publish (f, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WRONG_THREAD);
  g_assert_nonnull (strstr (error->message, "has to release the client before the thread ends"));
  g_assert_false (deye_bus_client_publish_confirmed (f->client, "tasks.a", NULL, NULL, NULL, NULL));
  deye_bus_client_hold (f->client);
  deye_bus_client_release (f->client);
  deye_bus_client_release (f->client);
  g_assert_null (owner_acquire (f->context));
  return NULL;
}

static void
test_held (Fixture *f, gconstpointer data)
{
  const guint64 number = f->client->last_message_id;

  deye_bus_client_hold (f->client);
  deye_bus_client_hold (f->client);
  g_assert_true (owner_publish (f, NULL));
  g_thread_join (g_thread_new ("use", owner_use, f));
  g_assert_cmpuint (f->client->last_message_id, ==, number); /* otherwise two messages could get the same number */
  deye_bus_client_release (f->client);
  g_thread_join (g_thread_new ("use", owner_use, f));
  g_assert_true (deye_bus_client_is_held (f->client));
  calls_fixture_expect (f, 0);
  deye_bus_client_release (f->client);
  calls_fixture_expect (f, 1);
  g_assert_true (owner_is_free (f));
}

static gpointer
owner_hold_and_publish (gpointer data)
{
  Fixture *f = data;
  g_autoptr (DeyeBusHolder) holder G_GNUC_UNUSED = deye_bus_holder_new (f->client);

  g_assert_true (owner_publish (f, NULL));
  return NULL;
}

/* Threads may use the client one after the other. */
static void
test_turns (Fixture *f, gconstpointer data)
{
  g_thread_join (g_thread_new ("publish", owner_hold_and_publish, f));
  owner_hold_and_publish (f);
  g_thread_join (g_thread_new ("publish", owner_hold_and_publish, f));
  calls_fixture_expect (f, 3);
  g_assert_true (owner_is_free (f));
}

static void
test_iterated (Fixture *f, gconstpointer data)
{
  deye_bus_client_hold (f->client);
  g_assert_true (owner_publish (f, NULL));
  client_fixture_settle (f);
  calls_fixture_expect (f, 1);
  g_assert_false (owner_is_free (f));
  deye_bus_client_release (f->client);
  client_fixture_settle (f);
  g_assert_true (owner_is_free (f));
}

static gboolean
owner_on_idle (gpointer data)
{
  Fixture *f = data;

  if (deye_bus_client_is_held (f->client))
    deye_bus_client_release (f->client);
  else
    deye_bus_client_hold (f->client);
  g_assert_false (owner_is_free (f));
  return G_SOURCE_REMOVE;
}

static void
owner_run_on_idle (Fixture *f)
{
  g_autoptr (GSource) source = g_idle_source_new ();

  g_source_set_callback (source, owner_on_idle, f, NULL);
  g_source_attach (source, f->context);
  client_fixture_settle (f);
}

/* A dispatch of another source holds the client, and a later one releases it. */
static void
test_dispatched (Fixture *f, gconstpointer data)
{
  owner_run_on_idle (f);
  g_assert_true (deye_bus_client_is_held (f->client));
  g_assert_false (owner_is_free (f));
  owner_run_on_idle (f);
  g_assert_false (deye_bus_client_is_held (f->client));
  g_assert_true (owner_is_free (f));
}

static void
owner_on_error (DeyeBusClient *client, GError *error, gpointer data)
{
  owner_on_idle (data);
}

/* The same in a dispatch of the client itself. */
static void
test_in_callback (Fixture *f, gconstpointer data)
{
  g_signal_connect (f->client, "error", G_CALLBACK (owner_on_error), f);
  for (guint i = 0; i < 2; i++)
    {
      g_assert_true (owner_publish (f, NULL));
      script_error (f->in, 3 + 2 * i, WIRE_STATUS_DENIED);
      client_fixture_send_and_settle (f);
      g_assert_cmpint (deye_bus_client_is_held (f->client), ==, i == 0);
      g_assert_cmpint (owner_is_free (f), ==, i == 1);
    }
}

static void
owner_on_freed (gpointer client)
{
  deye_bus_client_release (client);
}

static void
owner_on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  g_assert_not_reached ();
}

/* A call frees the data of a callback; this data contains a guard. */
static void
test_released_in_call (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSubscription) subscription = NULL;
  g_autoptr (GError) error = NULL;

  script_subscribe_reply (f->in, 2, 100, 100000);
  client_fixture_send (f);
  subscription = deye_bus_client_subscribe (f->client, "events.#", NULL, owner_on_message, f->client, owner_on_freed,
                                            NULL, &error);
  g_assert_no_error (error);
  script_reply (f->in, 4, "");
  client_fixture_send (f);
  deye_bus_client_hold (f->client);
  g_assert_true (deye_bus_subscription_unsubscribe (subscription, NULL, &error));
  g_assert_no_error (error);
  client_fixture_settle (f);
  g_assert_false (deye_bus_client_is_held (f->client));
  g_assert_true (owner_is_free (f));
}

typedef struct
{
  GThread *thread; /* in which the signal was emitted; NULL: it was not */
  gint code;
} OwnerError;

static void
owner_on_unheard (DeyeBusClient *client, const GError *error, gpointer data)
{
  *(OwnerError *) data = (OwnerError){ g_thread_self (), error->code };
}

static gpointer
owner_publish_unheard (gpointer data)
{
  Fixture *f = data;
  g_autoptr (GMainContext) context = g_main_context_new ();

  g_main_context_push_thread_default (context);
  deye_bus_client_publish_async (f->client, "events.a", NULL, NULL, FALSE, NULL, NULL, NULL);
  while (g_main_context_iteration (context, FALSE))
    ;
  g_main_context_pop_thread_default (context);
  return NULL;
}

/* A publish without a callback fails in another thread: the signal is emitted from the context of the client. */
static void
test_unheard (Fixture *f, gconstpointer data)
{
  OwnerError got = { NULL, 0 };

  g_signal_connect (f->client, "error", G_CALLBACK (owner_on_unheard), &got);
  deye_bus_client_hold (f->client);
  g_thread_join (g_thread_new ("publish", owner_publish_unheard, f));
  g_assert_null (got.thread);
  client_fixture_settle (f);
  g_assert_true (got.thread == g_thread_self ());
  g_assert_cmpint (got.code, ==, DEYE_BUS_ERROR_WRONG_THREAD);
  deye_bus_client_release (f->client);
}

static gpointer
owner_flush (gpointer sender)
{
  g_autoptr (DeyeBusOptions) options = calls_fixture_with_timeout (2 * G_TIME_SPAN_SECOND);

  return GINT_TO_POINTER (deye_bus_sender_flush (sender, options, FALSE, NULL, NULL));
}

/* A flush of another thread begins in a synchronous call. It ends in the context of the client, which need not be the default one
 * of the calling thread. */
static void
test_flush (Fixture *f, gconstpointer data)
{
  g_autoptr (DeyeBusSender) sender = deye_bus_sender_new (f->client, 0, 0, NULL);
  g_autoptr (DeyeBusMessage) reply = NULL;
  GThread *thread = g_thread_new ("flush", owner_flush, sender);

  while (!g_atomic_int_get (&f->client->senders->awake))
    g_thread_yield ();
  script_reply (f->in, 2, "");
  client_fixture_send (f);
  reply = deye_bus_client_request (f->client, "tasks.a", NULL, NULL, NULL, NULL);
  client_fixture_settle (f);
  g_assert_true (GPOINTER_TO_INT (g_thread_join (thread)));
}

/* A client that is never released. */
static void
test_disposed (Fixture *f, gconstpointer data)
{
  deye_bus_client_hold (f->client);
  deye_bus_client_hold (f->client);
  g_assert_finalize_object (g_steal_pointer (&f->client));
  g_assert_true (owner_is_free (f));
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *path;
    void (*test) (Fixture *f, gconstpointer data);
  } tests[] = {
    { "/client/owner/call", test_call },
    { "/client/owner/held", test_held },
    { "/client/owner/turns", test_turns },
    { "/client/owner/iterated", test_iterated },
    { "/client/owner/dispatched", test_dispatched },
    { "/client/owner/in-callback", test_in_callback },
    { "/client/owner/released-in-call", test_released_in_call },
    { "/client/owner/disposed", test_disposed },
    { "/client/owner/unheard", test_unheard },
    { "/client/owner/flush", test_flush },
  };

  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add (tests[i].path, Fixture, NULL, owner_set_up, tests[i].test, owner_tear_down);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "subscriptions-fixture.h"

void
subscriptions_fixture_log_init (Log *log, Fixture *f)
{
  *log = (Log){ .f = f, .got = g_string_new (NULL) };
}

void
subscriptions_fixture_log_clear (Log *log)
{
  client_fixture_end_subscription (log->f, &log->subscription, &log->destroyed);
  g_string_free (log->got, TRUE);
}

void
subscriptions_fixture_on_destroyed (gpointer data)
{
  ((Log *) data)->destroyed++;
}

void
subscriptions_fixture_on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  Log *log = data;
  gsize len;
  const guint8 *bytes = deye_bus_message_get_data (message, &len);

  g_assert_cmpuint (++log->depth, ==, 1);
  g_assert_cmpuint (log->destroyed, ==, 0);
  g_assert_true (g_main_context_get_thread_default () == log->f->context);
  g_string_append_len (log->got, (const char *) bytes, (gssize) len);
  g_string_append_c (log->got, ' ');
  if (log->act != NULL)
    log->act (log);
  log->depth--;
}

static void
on_gap (DeyeBusSubscription *subscription, guint64 from, guint64 to, guint64 n, guint reason, gpointer data)
{
  Log *log = data;

  log->missed += n;
  g_string_append_printf (log->got, "[%d-%d:%d] ", (int) from, (int) to, (int) n);
  g_assert_cmpuint (reason, ==, WIRE_STATUS_SLOW_CONSUMER);
}

/* @id: the id of the answer to the next call. */
static void
subscribe (Fixture *f, Log *log, guint64 id, gboolean pull)
{
  g_autoptr (GError) error = NULL;

  script_subscribe_reply (f->in, id, 100, 100000);
  client_fixture_send (f);
  log->subscription
      = deye_bus_client_subscribe (f->client, "events.#", NULL, pull ? NULL : subscriptions_fixture_on_message, log,
                                   subscriptions_fixture_on_destroyed, NULL, &error);
  g_assert_no_error (error);
  g_assert_nonnull (log->subscription);
  g_signal_connect (log->subscription, "gap", G_CALLBACK (on_gap), log);
}

void
subscriptions_fixture_deliver (Fixture *f, const Log *log, const char *payload)
{
  script_deliver (f->in, deye_bus_subscription_get_id (log->subscription), 0, 1, "events.a", payload, strlen (payload));
}

void
subscriptions_fixture_start (Fixture *f, Log *log, gboolean pull)
{
  client_fixture_connect (f, NULL);
  subscriptions_fixture_log_init (log, f);
  subscribe (f, log, 2, pull);
}

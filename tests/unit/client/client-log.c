/* SPDX-License-Identifier: Apache-2.0 */
#include "client-log.h"

void
client_log_destroyed (gpointer data)
{
  ((ClientLog *) data)->destroyed++;
}

void
client_log_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  ClientLog *log = data;
  gsize len;
  const guint8 *bytes = deye_bus_message_get_data (message, &len);
  g_autofree char *payload = g_strndup ((const char *) bytes, len);

  g_assert_cmpuint (log->destroyed, ==, 0);
  g_string_append_printf (log->got, "%s ", payload);
  if (log->act != NULL)
    log->act (log, payload);
}

static void
on_gap (DeyeBusSubscription *subscription, guint64 from, guint64 to, guint64 n, guint reason, gpointer data)
{
  g_string_append_printf (((ClientLog *) data)->got, "[%d-%d:%d] ", (int) from, (int) to, (int) n);
}

void
client_log_subscribe (ClientFixture *f, ClientLog *log, guint64 id, DeyeBusPolicy policy, gboolean pull, GString *got)
{
  g_autoptr (GError) error = NULL;

  *log = (ClientLog){ .f = f, .got = got != NULL ? got : g_string_new (NULL) };
  script_subscribed (f->in, id, policy, 100, 100000);
  client_fixture_send (f);
  log->subscription = deye_bus_client_subscribe (f->client, "events.#", NULL, pull ? NULL : client_log_message, log,
                                                 client_log_destroyed, NULL, &error);
  g_assert_no_error (error);
  g_signal_connect (log->subscription, "gap", G_CALLBACK (on_gap), log);
}

void
client_log_start (ClientFixture *f, ClientLog *log, DeyeBusPolicy policy, gboolean pull)
{
  g_autoptr (GPtrArray) frames = NULL;

  client_fixture_connect (f, NULL);
  client_log_subscribe (f, log, 2, policy, pull, NULL);
  frames = client_fixture_receive_one (f, WIRE_KIND_REQUEST);
}

void
client_log_finish (ClientLog *log)
{
  client_fixture_end_subscription (log->f, &log->subscription, &log->destroyed);
  g_string_free (log->got, TRUE);
}

/* --- frames from the broker --- */

void
client_log_deliver (const ClientLog *log, const char *payload)
{
  script_deliver (log->f->in, deye_bus_subscription_get_id (log->subscription), 0, 1, "events.a", payload,
                  strlen (payload));
}

void
client_log_gap (const ClientLog *log, guint64 from, guint64 to)
{
  script_gap (log->f->in, deye_bus_subscription_get_id (log->subscription), from, to, to - from + 1);
}

/* --- calls --- */

void
client_log_take_one (const ClientLog *log)
{
  g_autoptr (DeyeBusMessage) message = deye_bus_subscription_next (log->subscription, -1, NULL, NULL);

  g_assert_nonnull (message);
}

void
client_log_pause (const ClientLog *log)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (deye_bus_subscription_pause (log->subscription, &error));
  g_assert_no_error (error);
}

void
client_log_resume (const ClientLog *log)
{
  g_autoptr (GError) error = NULL;

  g_assert_true (deye_bus_subscription_resume (log->subscription, &error));
  g_assert_no_error (error);
}

void
client_log_ask (const ClientLog *log, guint64 id)
{
  g_autoptr (DeyeBusMessage) reply = NULL;
  g_autoptr (GError) error = NULL;

  script_reply (log->f->in, id, "answer");
  client_fixture_send (log->f);
  reply = deye_bus_client_request (log->f->client, "tasks.a", NULL, NULL, NULL, &error);
  g_assert_no_error (error);
}

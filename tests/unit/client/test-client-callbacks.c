/* SPDX-License-Identifier: Apache-2.0 */
#include "subscriptions-fixture.h"

#include "deye-bus-client-private.h"

/* H07: calls that are allowed in a callback. */

/* --- H07: in a callback --- */

static void
request_in_callback (gpointer data)
{
  Log *log = data;
  g_autoptr (DeyeBusMessage) reply = NULL;
  g_autoptr (GError) error = NULL;

  log->act = NULL;
  subscriptions_fixture_deliver (log->f, log, "during");
  script_reply (log->f->in, 4, "answer");
  client_fixture_send (log->f);
  reply = deye_bus_client_request (log->f->client, "tasks.a", NULL, NULL, NULL, &error);
  g_assert_no_error (error);
}

static void
test_request_in_callback (Fixture *f, gconstpointer data)
{
  Log log;

  subscriptions_fixture_start (f, &log, FALSE);
  log.act = request_in_callback;
  subscriptions_fixture_deliver (f, &log, "a");
  subscriptions_fixture_deliver (f, &log, "b");
  client_fixture_send (f);
  client_fixture_wait (f, deye_bus_subscription_get_delivered (log.subscription) == 3);
  g_assert_cmpstr (log.got->str, ==, "a b during ");
  subscriptions_fixture_log_clear (&log);
}

static void
unsubscribe_in_callback (gpointer data)
{
  Log *log = data;
  g_autoptr (GError) error = NULL;

  script_reply (log->f->in, 4, "");
  client_fixture_send (log->f);
  g_assert_true (deye_bus_subscription_unsubscribe (log->subscription, NULL, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (log->destroyed, ==, 0);
}

static void
test_unsubscribe_in_callback (Fixture *f, gconstpointer data)
{
  Log log;

  subscriptions_fixture_start (f, &log, FALSE);
  log.act = unsubscribe_in_callback;
  subscriptions_fixture_deliver (f, &log, "a");
  subscriptions_fixture_deliver (f, &log, "b");
  client_fixture_send (f);
  client_fixture_wait (f, log.destroyed > 0);
  /* Late messages, which the broker sent before it received the request. */
  subscriptions_fixture_deliver (f, &log, "c");
  client_fixture_send (f);
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "a ");
  g_assert_cmpuint (log.destroyed, ==, 1);
  g_assert_true (deye_bus_subscription_unsubscribe (log.subscription, NULL, NULL));
  subscriptions_fixture_log_clear (&log);
}

static void
unsubscribe_async_in_callback (gpointer data)
{
  Log *log = data;

  deye_bus_subscription_unsubscribe_async (log->subscription, NULL, NULL, NULL);
}

static void
test_unsubscribe_async_in_callback (Fixture *f, gconstpointer data)
{
  Log log;

  subscriptions_fixture_start (f, &log, FALSE);
  log.act = unsubscribe_async_in_callback;
  subscriptions_fixture_deliver (f, &log, "a");
  subscriptions_fixture_deliver (f, &log, "b");
  script_reply (f->in, 4, "");
  client_fixture_send (f);
  client_fixture_wait (f, log.destroyed > 0);
  script_reply (f->in, 4, "");
  client_fixture_send (f);
  client_fixture_settle (f);
  g_assert_cmpstr (log.got->str, ==, "a ");
  subscriptions_fixture_log_clear (&log);
}

static void
close_in_callback (gpointer data)
{
  Log *log = data;

  g_assert_true (deye_bus_client_close (log->f->client, NULL, NULL));
}

static void
test_close_in_callback (Fixture *f, gconstpointer data)
{
  Log log;

  subscriptions_fixture_start (f, &log, FALSE);
  log.act = close_in_callback;
  subscriptions_fixture_deliver (f, &log, "a");
  subscriptions_fixture_deliver (f, &log, "never delivered");
  client_fixture_send (f);
  client_fixture_wait (f, log.destroyed > 0);
  g_assert_cmpstr (log.got->str, ==, "a ");
  subscriptions_fixture_log_clear (&log);
}

static void
unref_in_callback (gpointer data)
{
  Log *log = data;

  g_clear_object (&log->f->client);
}

static void
test_unref_in_callback (Fixture *f, gconstpointer data)
{
  Log log;

  subscriptions_fixture_start (f, &log, FALSE);
  log.act = unref_in_callback;
  subscriptions_fixture_deliver (f, &log, "a");
  client_fixture_send (f);
  client_fixture_wait (f, f->client == NULL);
  client_fixture_settle (f);
  g_assert_cmpuint (log.destroyed, ==, 1);
  {
    g_autoptr (GPtrArray) frames = client_fixture_receive (f);

    g_assert_cmpuint (script_count (frames, WIRE_KIND_GOODBYE), ==, 1);
  }
  subscriptions_fixture_log_clear (&log);
}

static void
publish_in_callback (gpointer data)
{
  Log *log = data;

  for (guint i = 0; i < 3; i++)
    g_assert_true (deye_bus_client_publish (log->f->client, "events.b", NULL, NULL, NULL, NULL, NULL));
}

static void
test_publish_in_callback (Fixture *f, gconstpointer data)
{
  Log log;
  g_autoptr (GPtrArray) before = NULL;
  g_autoptr (GPtrArray) frames = NULL;

  subscriptions_fixture_start (f, &log, FALSE);
  before = client_fixture_receive (f);
  log.act = publish_in_callback;
  subscriptions_fixture_deliver (f, &log, "a");
  client_fixture_send (f);
  client_fixture_wait (f, log.got->len > 0);
  frames = client_fixture_receive (f);
  g_assert_cmpuint (script_count (frames, WIRE_KIND_PUBLISH), ==, 3);
  subscriptions_fixture_log_clear (&log);
}

/* The end of the subscription is dispatched within its callback, and no other reference to it exists. */
static void
end_in_callback (gpointer data)
{
  Log *log = data;
  const guint destroyed = log->destroyed;

  log->act = NULL;
  script_reply (log->f->in, 4, "");
  client_fixture_send (log->f);
  deye_bus_subscription_unsubscribe_async (log->subscription, NULL, NULL, NULL);
  g_clear_object (&log->subscription);
  client_fixture_wait (log->f, log->destroyed > destroyed);
}

static void
end_on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  Log *log = data;

  if (log->act == NULL)
    return;
  log->act (log);
  g_assert_true (DEYE_BUS_IS_SUBSCRIPTION (subscription)); /* it exists until the callback returns */
  g_assert_cmpuint (deye_bus_subscription_get_delivered (subscription), ==, 1);
  g_assert_cmpstr (deye_bus_message_get_topic (message), ==, "events.a");
}

static void
test_end_in_callback (Fixture *f, gconstpointer data)
{
  g_autoptr (GError) error = NULL;
  DeyeBusSubscription *subscription;
  Log log;

  client_fixture_connect (f, NULL);
  subscriptions_fixture_log_init (&log, f);
  script_subscribe_reply (f->in, 2, 100, 100000);
  client_fixture_send (f);
  subscription = log.subscription = deye_bus_client_subscribe (f->client, "events.#", NULL, end_on_message, &log,
                                                               subscriptions_fixture_on_destroyed, NULL, &error);
  g_assert_no_error (error);
  g_object_add_weak_pointer (G_OBJECT (subscription), (gpointer *) &subscription);
  log.act = end_in_callback;
  for (guint i = 0; i < 3; i++)
    subscriptions_fixture_deliver (f, &log, "a");
  client_fixture_send (f);
  client_fixture_wait (f, log.destroyed > 0);
  client_fixture_settle (f);
  g_assert_null (subscription); /* it is freed afterwards */
  g_string_free (log.got, TRUE);
}

typedef struct
{
  GPtrArray *messages;
  guint n;
} Keeper;

static void
keep_on_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  Keeper *keeper = data;

  if (keeper->n++ % 2 == 0)
    g_ptr_array_add (keeper->messages, deye_bus_message_ref (message));
}

/* A message that the callback keeps does not change when others arrive. */
static void
test_keep_in_callback (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) messages = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_message_unref);
  g_autoptr (GError) error = NULL;
  Keeper keeper = { .messages = messages };
  Log log;

  client_fixture_connect (f, NULL);
  subscriptions_fixture_log_init (&log, f);
  script_subscribe_reply (f->in, 2, 100, 100000);
  client_fixture_send (f);
  log.subscription
      = deye_bus_client_subscribe (f->client, "events.#", NULL, keep_on_message, &keeper, NULL, NULL, &error);
  g_assert_no_error (error);
  for (guint i = 0; i < 20; i++)
    {
      g_autofree char *payload = g_strdup_printf ("message %02u", i);

      subscriptions_fixture_deliver (f, &log, payload);
      if (i % 4 == 3)
        client_fixture_send_and_settle (f);
    }
  g_assert_cmpuint (messages->len, ==, 10);
  for (guint i = 0; i < messages->len; i++)
    {
      g_autofree char *payload = g_strdup_printf ("message %02u", 2 * i);
      gsize len;
      const guint8 *got = deye_bus_message_get_data (messages->pdata[i], &len);

      g_assert_cmpmem (got, len, payload, strlen (payload));
      g_assert_cmpstr (deye_bus_message_get_topic (messages->pdata[i]), ==, "events.a");
    }
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
  client_fixture_settle (f);
  g_clear_object (&log.subscription);
  g_string_free (log.got, TRUE);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/subscriptions/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

/* --- messages behind an answer --- */

#define N_BEHIND     100u
#define BEHIND_BYTES 900u

/* More bytes than one read gets follow the answer. The call does not read them all: each message would take memory until the
 * context dispatches it. None is lost. */
static void
test_reads_no_more_than_the_answer (Fixture *f, gconstpointer data)
{
  Log log;
  g_autofree char *payload = g_strnfill (BEHIND_BYTES, 'x');
  g_autoptr (DeyeBusMessage) reply = NULL;
  g_autoptr (GError) error = NULL;

  subscriptions_fixture_start (f, &log, FALSE);
  script_reply (f->in, 4, "answer");
  for (guint i = 0; i < N_BEHIND; i++)
    subscriptions_fixture_deliver (f, &log, payload);
  client_fixture_send (f);
  reply = deye_bus_client_request (f->client, "tasks.a", NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (f->client->events.count, <, N_BEHIND);
  client_fixture_settle (f);
  g_assert_cmpuint (log.got->len, ==, N_BEHIND * (BEHIND_BYTES + 1));
  subscriptions_fixture_log_clear (&log);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("H07/request", test_request_in_callback);
  ADD ("H07/unsubscribe", test_unsubscribe_in_callback);
  ADD ("H07/unsubscribe-async", test_unsubscribe_async_in_callback);
  ADD ("H07/close", test_close_in_callback);
  ADD ("H07/unref", test_unref_in_callback);
  ADD ("H07/publish", test_publish_in_callback);
  ADD ("H07/end", test_end_in_callback);
  ADD ("H07/keep", test_keep_in_callback);
  ADD ("reads-no-more-than-the-answer", test_reads_no_more_than_the_answer);
  return g_test_run ();
}

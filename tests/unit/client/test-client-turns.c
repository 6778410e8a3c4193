/* SPDX-License-Identifier: Apache-2.0 */
#include "client-fixture.h"
#include "deye-bus-client-private.h"

/* The bytes that a turn of the client reads: few while many events wait, and all of them in the end. */

typedef ClientFixture Fixture;

#define EVENTS_AHEAD 128u /* from this number on, a turn reads few bytes */
#define LITTLE       4096u
#define PAYLOAD      200u
#define BEHIND       100u /* messages behind the waiting ones, of more bytes than LITTLE */

static void
count_message (DeyeBusSubscription *subscription, DeyeBusMessage *message, gpointer data)
{
  ++*(guint *) data;
}

static DeyeBusSubscription *
subscribe (Fixture *f, guint *received)
{
  DeyeBusSubscription *subscription;
  g_autoptr (GError) error = NULL;

  client_fixture_connect (f, NULL);
  script_subscribed (f->in, 2, DEYE_BUS_POLICY_DEFAULT, 1000, 1 << 20);
  client_fixture_send (f);
  subscription = deye_bus_client_subscribe (f->client, "events.#", NULL, count_message, received, NULL, NULL, &error);
  g_assert_no_error (error);
  client_fixture_settle (f);
  return subscription;
}

static void
script_messages (Fixture *f, DeyeBusSubscription *subscription, guint n)
{
  static const guint8 payload[PAYLOAD];

  for (guint i = 0; i < n; i++)
    script_deliver (f->in, deye_bus_subscription_get_id (subscription), 0, 1, "events.a", payload, sizeof payload);
}

/* A synchronous call, whose answer is behind @n messages: then they wait for their dispatch. */
static void
leave_waiting (Fixture *f, DeyeBusSubscription *subscription, guint n)
{
  g_autoptr (DeyeBusMessage) reply = NULL;
  g_autoptr (GError) error = NULL;

  script_messages (f, subscription, n);
  script_reply (f->in, 4, "answer");
  client_fixture_send (f);
  reply = deye_bus_client_request (f->client, "a.service", NULL, NULL, NULL, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (f->client->events.count, ==, n);
}

/* Returns the number of bytes that the next turn reads; more than LITTLE are there. All messages arrive in the end, and nothing but
 * the bytes in the socket causes the turns for that. */
static guint64
read_in_a_turn (Fixture *f, guint n_waiting)
{
  guint received = 0;
  g_autoptr (DeyeBusSubscription) subscription = subscribe (f, &received);
  guint64 before, got;

  leave_waiting (f, subscription, n_waiting);
  script_messages (f, subscription, BEHIND);
  client_fixture_send (f);
  before = f->client->bytes_in;
  g_main_context_iteration (f->context, FALSE);
  got = f->client->bytes_in - before;
  g_assert_cmpuint (received, >=, n_waiting);
  client_fixture_wait (f, received == n_waiting + BEHIND);
  g_assert_true (deye_bus_client_close (f->client, NULL, NULL));
  client_fixture_settle (f);
  return got;
}

static void
test_many_wait (Fixture *f, gconstpointer data)
{
  guint64 got = read_in_a_turn (f, EVENTS_AHEAD);

  g_assert_cmpuint (got, >, 0);
  g_assert_cmpuint (got, <=, LITTLE);
}

static void
test_few_wait (Fixture *f, gconstpointer data)
{
  g_assert_cmpuint (read_in_a_turn (f, EVENTS_AHEAD - 1), >=, BEHIND * PAYLOAD);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/turns/" path, Fixture, NULL, client_fixture_set_up, function, client_fixture_tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("many-wait", test_many_wait);
  ADD ("few-wait", test_few_wait);
  return g_test_run ();
}

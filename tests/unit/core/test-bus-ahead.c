/* SPDX-License-Identifier: Apache-2.0 */
#include "core-fixture.h"
#include "bus-ahead.h"
#include "control.pb-c.h"
#include "peer/bus-state.h"
#include "route/bus-routes.h"

/* With many subscriptions the core looks up the next frames of a read in advance. The results are the same, even if a frame ends
 * the subscription of the next ones, or a topic has no subscription. */

#define N_SUBSCRIPTIONS (BUS_AHEAD_MIN_SUBSCRIPTIONS + 40u)
#define N_MESSAGES      100u
#define N_ENDED         10u

#define TOPIC_CACHE 16u /* matches beside those for which subscriptions add room */

/* A frame that frees what a later one uses is followed by so many other frames: the address is then noted already, and is not used
 * for the last time yet. */
#define N_BETWEEN 4u

static void
ahead_setup (Core *core, gconstpointer data)
{
  BusLimits limits;

  bus_limits_init (&limits);
  limits.max_subscriptions = 2 * N_SUBSCRIPTIONS;
  core_setup (core, &limits);
}

static Client *
ahead_subscriber (Core *core)
{
  Client *client = client_ready (core, "reader-1", "netmond");

  for (guint i = 1; i <= N_SUBSCRIPTIONS; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.process.new%u", i);

      client_subscribe (client, i, topic, NULL);
    }
  return client;
}

/* Sends a CREDIT of the usual form, in which bus-ahead recognises it: it has no id. */
static void
ahead_credit (Client *client, guint32 subscription, guint64 messages, guint64 bytes)
{
  guint8 frame[WIRE_CREDIT_FRAME_MAX];

  client_send_bytes (client, frame, (gsize) (wire_credit_put (frame, subscription, messages, bytes) - frame));
}

/* All frames arrive in one read; messages to topics without subscribers are between the others. */
static void
ahead_publish (Client *publisher)
{
  client_begin_batch (publisher);
  for (guint i = 1; i <= N_MESSAGES; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.process.%s%u", i % 10 == 0 ? "old" : "new", i);

      client_publish (publisher, topic, 0, "hello", 5);
    }
  client_end_batch (publisher);
}

static void
test_same_deliveries (Core *core, gconstpointer data)
{
  Client *subscriber = ahead_subscriber (core);
  Client *publisher = client_ready (core, "procmond-1", "procmond");

  ahead_publish (publisher);
  for (guint i = 1; i <= N_MESSAGES; i++)
    {
      g_autoptr (Got) got = i % 10 != 0 ? client_take (subscriber, WIRE_KIND_DELIVER) : NULL;
      WireSpan ids;
      guint32 id;

      if (i % 10 == 0)
        continue;
      g_assert_nonnull (got);
      ids = got->envelope.subscriptions;
      g_assert_true (wire_envelope_next_u32 (&ids, &id));
      g_assert_cmpuint (id, ==, i);
    }
  g_assert_cmpuint (client_count (subscriber, WIRE_KIND_DELIVER), ==, 0);
}

static void
ahead_unsubscribe (Client *client, guint32 subscription)
{
  Daemoneye__Eventbus__V1__UnsubscribeRequest request = DAEMONEYE__EVENTBUS__V1__UNSUBSCRIBE_REQUEST__INIT;
  guint8 bytes[16];
  WireEnvelope envelope;

  request.subscription = subscription;
  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL ("control.bus.unsubscribe");
  envelope.type_name = WIRE_SPAN_LITERAL ("daemoneye.eventbus.v1.UnsubscribeRequest");
  envelope.payload = wire_span (bytes, protobuf_c_message_pack (&request.base, bytes));
  client_send (client, WIRE_KIND_REQUEST, 0, &envelope);
}

/* The credit of a subscription follows its end in the same read, and is ignored. */
static void
test_ended (Core *core, gconstpointer data)
{
  Client *subscriber = ahead_subscriber (core);
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  const guint64 messages = core->core->limits.receive_window_messages;
  const guint64 bytes = core->core->limits.receive_window_bytes;
  const guint before = client_count (subscriber, WIRE_KIND_REPLY);

  ahead_publish (publisher);
  client_begin_batch (subscriber);
  for (guint i = 1; i <= N_ENDED; i++)
    ahead_unsubscribe (subscriber, i);
  for (guint i = 1; i <= N_MESSAGES; i++)
    ahead_credit (subscriber, i, messages + (i % 10 != 0 ? 1 : 0), bytes + (i % 10 != 0 ? 5 : 0));
  client_end_batch (subscriber);
  core_flush (core);
  g_assert_cmpuint (client_count (subscriber, WIRE_KIND_REPLY), ==, before + N_ENDED);
  g_assert_cmpuint (client_count (subscriber, WIRE_KIND_ERROR), ==, 0);
  ahead_publish (publisher);
  core_flush (core);
  g_assert_cmpuint (client_count (subscriber, WIRE_KIND_DELIVER), ==,
                    2 * (N_MESSAGES - N_MESSAGES / 10) - (N_ENDED - 1));
}

static void
ahead_publish_new (Client *publisher, guint from, guint n)
{
  for (guint i = from; i < from + n; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.process.new%u", i);

      client_publish (publisher, topic, 0, "hello", 5);
    }
}

/* The subscription of a credit ends while the frames in front of it are handled. Its memory is not read any more. */
static void
test_ended_after_note (Core *core, gconstpointer data)
{
  Client *subscriber = ahead_subscriber (core);
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  const guint64 messages = core->core->limits.receive_window_messages;
  const guint64 bytes = core->core->limits.receive_window_bytes;

  ahead_publish (publisher);
  client_begin_batch (subscriber);
  for (guint i = 1; i <= N_ENDED; i++)
    {
      ahead_unsubscribe (subscriber, i);
      for (guint other = 0; other < N_BETWEEN; other++)
        ahead_credit (subscriber, N_ENDED + 1, messages + 1, bytes + 5);
      ahead_credit (subscriber, i, messages + 1, bytes + 5);
    }
  client_end_batch (subscriber);
  core_flush (core);
  g_assert_cmpuint (core->core->routes->n_freed, ==, N_ENDED);
  g_assert_cmpuint (client_count (subscriber, WIRE_KIND_ERROR), ==, 0);
}

/* A new topic displaces the match of the oldest one, which is used a few frames later. The memory of that match is not read any
 * more, and the message is delivered. */
static void
test_dropped_after_note (Core *core, gconstpointer data)
{
  Client *client = client_ready (core, "procmond-1", "procmond");
  const BusMatchCache *cache = &core->core->routes->matches;
  guint64 accepted;
  guint n = 0;

  for (guint i = 1; i <= N_SUBSCRIPTIONS; i++) /* all in one match, so that a few hundred matches fill the cache */
    client_subscribe (client, i, "events.process.#", NULL);
  while (cache->bytes < bus_match_cache_bytes_max (cache))
    ahead_publish_new (client, ++n, 1);
  g_assert_cmpuint (cache->generation, ==, 0);
  accepted = core->core->routes->accept_seq;
  client_begin_batch (client);
  ahead_publish_new (client, n + 1, 1);
  ahead_publish_new (client, n - N_BETWEEN, N_BETWEEN);
  ahead_publish_new (client, 1, 1);
  client_end_batch (client);
  core_flush (core);
  g_assert_cmpuint (cache->generation, >, 0);
  g_assert_cmpuint (core->core->routes->accept_seq, ==, accepted + N_BETWEEN + 2);
}

/* A client that uses the same memory again and again does not pay for the loads, however many subscriptions others have. */
static void
test_begin (Core *core, gconstpointer data)
{
  Client *subscriber = ahead_subscriber (core);
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  BusAhead ahead;

  bus_ahead_init (&ahead, subscriber->peer);
  g_assert_true (bus_ahead_is_wanted (&ahead));
  client_publish (publisher, "events.process.new1", 0, "hello", 5);
  bus_ahead_init (&ahead, publisher->peer);
  g_assert_false (bus_ahead_is_wanted (&ahead));
  client_publish (publisher, "events.process.new1", 0, "hello", 5);
  g_assert_false (bus_ahead_is_wanted (&ahead));
  client_publish (publisher, "events.process.new2", 0, "hello", 5);
  g_assert_true (bus_ahead_is_wanted (&ahead));
}

/* With few subscriptions there is nothing to load. */
static void
test_few (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  BusAhead ahead;

  bus_ahead_init (&ahead, publisher->peer);
  client_publish (publisher, "events.process.new1", 0, "hello", 5);
  client_publish (publisher, "events.process.new2", 0, "hello", 5);
  g_assert_false (bus_ahead_is_wanted (&ahead));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add ("/core/ahead/T05-same-deliveries", Core, NULL, ahead_setup, test_same_deliveries, core_teardown);
  g_test_add ("/core/ahead/M10-ended", Core, NULL, ahead_setup, test_ended, core_teardown);
  g_test_add ("/core/ahead/M10-ended-after-note", Core, NULL, ahead_setup, test_ended_after_note, core_teardown);
  g_test_add ("/core/ahead/dropped-after-note", Core, NULL, ahead_setup, test_dropped_after_note, core_teardown);
  g_test_add ("/core/ahead/T05-begin", Core, NULL, ahead_setup, test_begin, core_teardown);
  g_test_add ("/core/ahead/T05-few", Core, NULL, ahead_setup, test_few, core_teardown);
  return g_test_run ();
}

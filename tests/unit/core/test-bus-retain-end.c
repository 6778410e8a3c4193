/* SPDX-License-Identifier: Apache-2.0 */
#include "retain-fixture.h"

#include "control.pb-c.h"
#include "queue/bus-outq.h"

/* The end of the retained messages of a new subscription: the subscriptions that get it once, and its place among the
 * messages. */

/* --- memory --- */

static gboolean refuses_ends;
static gsize counted; /* bytes in the data lane when the last end was put */

gboolean __real_bus_outq_put (BusOutq *outq,
                              WireLane lane,
                              guint8 kind,
                              guint8 flags,
                              const WireEnvelope *envelope,
                              WireSpan body);
gboolean __wrap_bus_outq_put (BusOutq *outq,
                              WireLane lane,
                              guint8 kind,
                              guint8 flags,
                              const WireEnvelope *envelope,
                              WireSpan body);

gboolean
__wrap_bus_outq_put (BusOutq *outq,
                     WireLane lane,
                     guint8 kind,
                     guint8 flags,
                     const WireEnvelope *envelope,
                     WireSpan body)
{
  if (kind == WIRE_KIND_DELIVER && refuses_ends)
    return FALSE;
  if (kind == WIRE_KIND_DELIVER)
    counted = bus_outq_lane_bytes (outq, WIRE_LANE_DATA);
  return __real_bus_outq_put (outq, lane, kind, flags, envelope, body);
}

/* --- subscribers --- */

/* Subscribes; returns the field about retained messages of SubscribeReply. */
static gboolean
subscribe_promised (Client *client, guint32 subscription, const char *pattern, const char *group, gboolean serve)
{
  Daemoneye__Eventbus__V1__SubscribeRequest request = DAEMONEYE__EVENTBUS__V1__SUBSCRIBE_REQUEST__INIT;
  g_autoptr (Got) reply = NULL;
  g_autoptr (WireGuard) guard = NULL;

  request.subscription = subscription;
  request.pattern = (char *) pattern;
  request.group = (char *) group;
  request.serve = serve;
  reply = client_call (client, "control.bus.subscribe", &request.base, WIRE_STATUS_OK);
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__subscribe_reply__descriptor, reply->envelope.payload, 0, NULL);
  g_assert_nonnull (guard);
  return ((const Daemoneye__Eventbus__V1__SubscribeReply *) wire_guard_message (guard))->retained;
}

/* Takes one end, and returns the number of its subscription. */
static guint32
take_end (Client *client)
{
  g_autoptr (Got) got = client_take (client, WIRE_KIND_DELIVER);

  g_assert_nonnull (got);
  g_assert_true (got_is_end (got));
  g_assert_cmpuint (got->envelope.payload.len, ==, 0);
  return got->envelope.subscription;
}

/* The answer announces an end if and only if one follows. */
static void
test_reply_announces_the_end (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");
  Client *old;

  g_assert_false (subscribe_promised (late, 1, "health.#", "", FALSE));
  client_retain (publisher, TOPIC, "kept");
  assert_got (late, "kept");
  g_assert_true (subscribe_promised (late, 2, "events.#", "", FALSE));
  g_assert_cmpuint (take_end (late), ==, 2);
  g_assert_false (subscribe_promised (late, 3, OTHER, "", FALSE));
  g_assert_false (subscribe_promised (late, 4, TOPIC, "workers", FALSE));
  g_assert_false (subscribe_promised (late, 5, TOPIC, "", TRUE));
  core->features = 0;
  old = client_ready (core, "three", "procmond");
  g_assert_false (subscribe_promised (old, 1, TOPIC, "", FALSE));
  assert_got (late, "");
  assert_got (old, "");
}

/* Equal patterns of one client: each of them has its own end. */
static void
test_end_of_each (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");

  client_retain (publisher, TOPIC, "kept");
  g_assert_true (subscribe_promised (late, 1, TOPIC, "", FALSE));
  got_free (client_take (late, WIRE_KIND_DELIVER));
  g_assert_cmpuint (take_end (late), ==, 1);
  g_assert_true (subscribe_promised (late, 2, TOPIC, "", FALSE));
  got_free (client_take (late, WIRE_KIND_DELIVER));
  g_assert_cmpuint (take_end (late), ==, 2);
}

/* The end follows the values of both lanes, and precedes later messages. */
static void
test_end_of_both_lanes (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");

  client_retain (publisher, "events.process.a", "data");
  client_retain (publisher, "health.a", "control");
  client_retain (publisher, "events.process.b", "more");
  client_subscribe_stopped (late, 1, "#");
  client_publish_text (publisher, "events.process.a", "live");
  late->is_stopped = FALSE;
  core_flush (core);
  assert_got (late, "control* data* more* . live");
}

/* The end costs no credit and is not counted as a delivery. */
static void
test_end_costs_no_credit (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");
  BusCoreStats stats;

  client_retain (publisher, TOPIC, "kept");
  client_subscribe_full (late, 1, TOPIC, NULL, FALSE, 2, 1000, WIRE_STATUS_OK);
  assert_got (late, "kept* .");
  bus_core_stats (core->core, &stats);
  g_assert_cmpuint (stats.delivered, ==, 1);
  client_publish_text (publisher, TOPIC, "live");
  assert_got (late, "live");
}

/* The last value fills the window: nothing is left to send, so the end follows at once. */
static void
test_end_without_credit (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");

  client_retain (publisher, TOPIC, "kept");
  client_subscribe_full (late, 1, TOPIC, NULL, FALSE, 1, 1000, WIRE_STATUS_OK);
  assert_got (late, "kept* .");
}

/* A subscription that has ended gets no end. */
static void
test_no_end_after_unsubscribe (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");
  Daemoneye__Eventbus__V1__UnsubscribeRequest request = DAEMONEYE__EVENTBUS__V1__UNSUBSCRIBE_REQUEST__INIT;
  g_autoptr (Got) reply = NULL;

  client_retain (publisher, "health.a", "a");
  client_retain (publisher, "health.b", "b");
  client_subscribe_full (late, 1, "health.#", NULL, FALSE, 1, 1000, WIRE_STATUS_OK);
  assert_got (late, "a*");
  request.subscription = 1;
  reply = client_call (late, "control.bus.unsubscribe", &request.base, WIRE_STATUS_OK);
  assert_got (late, "");
}

/* Without memory for the end, it is sent when the retry timer is due, and later messages wait until then. */
static void
test_no_memory_for_the_end (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");

  client_retain (publisher, TOPIC, "kept");
  refuses_ends = TRUE;
  client_subscribe (late, 1, TOPIC, NULL);
  client_publish_text (publisher, TOPIC, "live");
  assert_got (late, "kept*");
  refuses_ends = FALSE;
  core_advance (core, 100000);
  assert_got (late, "live .");
}

/* The values in front of the end are counted before anything else is put into the queue. */
static void
test_values_are_counted_first (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");

  client_retain (publisher, "events.process.a", "data");
  client_subscribe (late, 1, "events.#", NULL);
  assert_got (late, "data* .");
  g_assert_cmpuint (counted, >, strlen ("events.process.a") + strlen ("data"));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, set_up, test) g_test_add ("/core/retain-end/" path, Core, NULL, set_up, test, core_teardown)
  ADD ("M16-reply-announces-the-end", retain_set_up, test_reply_announces_the_end);
  ADD ("M16-of-each", retain_set_up, test_end_of_each);
  ADD ("M16-of-both-lanes", retain_set_up, test_end_of_both_lanes);
  ADD ("M16-end-costs-no-credit", retain_set_up, test_end_costs_no_credit);
  ADD ("M16-without-credit", retain_set_up, test_end_without_credit);
  ADD ("M16-not-after-unsubscribe", retain_set_up, test_no_end_after_unsubscribe);
  ADD ("M16-values-are-counted-first", retain_set_up, test_values_are_counted_first);
  ADD ("M16-no-memory", retain_set_up, test_no_memory_for_the_end);
#undef ADD
  return g_test_run ();
}

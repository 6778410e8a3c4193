/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-retained.h"

#include "wire-frame.h"

/* The retained messages that a client keeps; the test sets the time. */

#define NOW_US 1000000

static void
put_with_options (DeyeBusRetainedStore *store, const char *topic, gsize len, guint64 id, DeyeBusOptions *options)
{
  g_autofree guint8 *zeros = g_malloc0 (len + 1);
  g_autoptr (GBytes) payload = g_bytes_new (zeros, len);
  DeyeBusCall call = { .kind = WIRE_KIND_PUBLISH,
                       .flags = WIRE_FLAG_BROADCAST,
                       .topic = topic,
                       .payload = payload,
                       .options = options,
                       .message_id = 7 };
  DeyeBusEncodedCall encoded;
  DeyeBusRetainedValue *value;

  deye_bus_call_encode (&call, id, &encoded);
  value = deye_bus_retained_value_new (&encoded, NOW_US);
  deye_bus_retained_put (store, value);
}

static void
put (DeyeBusRetainedStore *store, const char *topic, gsize len, guint64 id)
{
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();

  deye_bus_options_set_retain (options, DEYE_BUS_RETAIN_LAST);
  put_with_options (store, topic, len, id, options);
}

static const DeyeBusRetainedValue *
value_at (DeyeBusRetainedStore *store, guint n)
{
  return g_queue_peek_nth (&store->in_order, n);
}

static gsize
bytes_of (DeyeBusRetainedStore *store)
{
  gsize bytes = 0;

  for (guint i = 0; i < deye_bus_retained_count (store); i++)
    bytes += deye_bus_kept_frame_bytes (value_at (store, i)->message);
  return bytes;
}

/* A value is published again as a plain message, without the options of the first publish. */
static void
test_published_again_plainly (void)
{
  DeyeBusRetainedStore store = { 0 };
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  DeyeBusEncodedCall again;

  deye_bus_options_set_retain (options, DEYE_BUS_RETAIN_CONNECTED);
  deye_bus_options_set_at_least_once (options, TRUE);
  deye_bus_options_set_stage (options, "scan");
  put_with_options (&store, "health.a", 3, 2, options);
  g_assert_true (value_at (&store, 0)->until_gone);
  g_assert_true (deye_bus_kept_frame_encode (value_at (&store, 0)->message, 8, NOW_US, &again));
  g_assert_cmpuint (again.flags, ==, WIRE_FLAG_WANT_ACK | WIRE_FLAG_RETAIN);
  g_assert_cmpuint (again.envelope.message_id, ==, 0);
  g_assert_cmpuint (again.envelope.delivery, ==, WIRE_DELIVERY_RETAIN_CONNECTED);
  g_assert_true (wire_span_equal (again.envelope.stage, WIRE_SPAN_LITERAL ("scan")));
  deye_bus_retained_clear (&store);
}

/* A newer value of a topic moves to the end; the other topics keep their places. */
static void
test_one_for_each_topic (void)
{
  DeyeBusRetainedStore store = { 0 };

  put (&store, "health.a", 10, 2);
  put (&store, "health.b", 20, 4);
  put (&store, "health.a", 30, 6);
  g_assert_cmpuint (deye_bus_retained_count (&store), ==, 2);
  g_assert_cmpuint (store.bytes, ==, bytes_of (&store));
  g_assert_cmpstr (value_at (&store, 0)->message->topic, ==, "health.b");
  g_assert_cmpuint (value_at (&store, 1)->id, ==, 6);
  deye_bus_retained_clear (&store);
}

static void
test_cleared_by_empty (void)
{
  DeyeBusRetainedStore store = { 0 };

  put (&store, "health.a", 0, 2);
  put (&store, "health.a", 10, 4);
  put (&store, "health.b", 10, 6);
  put (&store, "health.a", 0, 8);
  g_assert_cmpuint (deye_bus_retained_count (&store), ==, 1);
  g_assert_cmpstr (value_at (&store, 0)->message->topic, ==, "health.b");
  g_assert_cmpuint (store.bytes, ==, bytes_of (&store));
  deye_bus_retained_clear (&store);
}

static void
test_refused (void)
{
  DeyeBusRetainedStore store = { 0 };

  deye_bus_retained_refuse (&store, 2);
  put (&store, "health.a", 10, 2);
  put (&store, "health.b", 10, 4);
  deye_bus_retained_refuse (&store, 3);
  g_assert_cmpuint (deye_bus_retained_count (&store), ==, 2);
  deye_bus_retained_refuse (&store, 2);
  g_assert_cmpuint (deye_bus_retained_count (&store), ==, 1);
  g_assert_cmpuint (value_at (&store, 0)->id, ==, 4);
  deye_bus_retained_clear (&store);
}

/* The time to live keeps running. */
static void
test_ages (void)
{
  DeyeBusRetainedStore store = { 0 };
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  DeyeBusEncodedCall again;

  deye_bus_options_set_retain (options, DEYE_BUS_RETAIN_LAST);
  deye_bus_options_set_ttl (options, 100);
  put_with_options (&store, "health.a", 10, 2, options);
  deye_bus_options_set_ttl (options, 1000);
  put_with_options (&store, "health.b", 10, 4, options);
  put (&store, "health.c", 10, 6);
  deye_bus_retained_age (&store, NOW_US + 50);
  g_assert_cmpuint (deye_bus_retained_count (&store), ==, 3);
  deye_bus_retained_age (&store, NOW_US + 100);
  g_assert_cmpuint (deye_bus_retained_count (&store), ==, 2);
  g_assert_true (deye_bus_kept_frame_encode (value_at (&store, 0)->message, 8, NOW_US + 100, &again));
  g_assert_cmpuint (again.envelope.ttl_us, ==, 900);
  deye_bus_retained_age (&store, NOW_US + 1000);
  g_assert_cmpuint (deye_bus_retained_count (&store), ==, 1);
  g_assert_cmpuint (store.forgotten, ==, 0);
  deye_bus_retained_clear (&store);
}

static void
test_bounds (void)
{
  DeyeBusRetainedStore store = { 0 };
  gsize one;

  for (guint i = 0; i < DEYE_BUS_RETAINED_MAX_VALUES + 2; i++)
    {
      g_autofree char *topic = g_strdup_printf ("health.n%u", i);

      put (&store, topic, 1, 2 * i + 2);
    }
  g_assert_cmpuint (deye_bus_retained_count (&store), ==, DEYE_BUS_RETAINED_MAX_VALUES);
  g_assert_cmpuint (store.forgotten, ==, 2);
  g_assert_cmpstr (value_at (&store, 0)->message->topic, ==, "health.n2");
  /* There is room left for one of the others. */
  one = deye_bus_kept_frame_bytes (value_at (&store, DEYE_BUS_RETAINED_MAX_VALUES - 1)->message);
  put (&store, "health.large", DEYE_BUS_RETAINED_MAX_BYTES - 2 * one - 5, 9998);
  g_assert_cmpuint (deye_bus_retained_count (&store), ==, 2);
  g_assert_cmpuint (store.forgotten, ==, DEYE_BUS_RETAINED_MAX_VALUES + 1);
  put (&store, "health.too-large", DEYE_BUS_RETAINED_MAX_BYTES + 1, 10000);
  g_assert_cmpuint (deye_bus_retained_count (&store), ==, 0);
  g_assert_cmpuint (store.bytes, ==, 0);
  deye_bus_retained_clear (&store);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/retained/published-again-plainly", test_published_again_plainly);
  g_test_add_func ("/client/retained/one-for-each-topic", test_one_for_each_topic);
  g_test_add_func ("/client/retained/cleared-by-empty", test_cleared_by_empty);
  g_test_add_func ("/client/retained/refused", test_refused);
  g_test_add_func ("/client/retained/ages", test_ages);
  g_test_add_func ("/client/retained/bounds", test_bounds);
  return g_test_run ();
}

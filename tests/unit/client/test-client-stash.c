/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-stash.h"

#include "deye-bus-error.h"

/* The messages that a client keeps while it is not connected; the test sets the time. */

#define NOW_US 1000000

static gboolean
put_with_options (DeyeBusStash *stash, const char *topic, gsize len, DeyeBusOptions *options, GError **error)
{
  g_autofree guint8 *zeros = g_malloc0 (len + 1);
  g_autoptr (GBytes) payload = g_bytes_new (zeros, len);
  DeyeBusCall call
      = { .kind = WIRE_KIND_PUBLISH, .topic = topic, .target = "", .payload = payload, .options = options };

  return deye_bus_stash_put (stash, &call, 0, 2, NOW_US, error);
}

static void
put (DeyeBusStash *stash, const char *topic, gsize len)
{
  g_autoptr (GError) error = NULL;

  put_with_options (stash, topic, len, NULL, &error);
  g_assert_no_error (error);
}

static void
stash_clear (DeyeBusStash *stash)
{
  deye_bus_stash_clear (stash);
  deye_bus_losses_clear (&stash->losses);
}

/* Asserts that there are @count losses, all of one topic. */
static void
assert_losses (DeyeBusStash *stash, const char *topic, guint64 count)
{
  g_autoptr (GPtrArray) taken = deye_bus_losses_take (&stash->losses, 10);

  g_assert_cmpuint (taken->len, ==, 1);
  g_assert_cmpstr (((DeyeBusLoss *) taken->pdata[0])->topic, ==, topic);
  g_assert_cmpuint (((DeyeBusLoss *) taken->pdata[0])->count, ==, count);
  g_assert_true (deye_bus_losses_is_empty (&stash->losses));
}

static void
assert_next (DeyeBusStash *stash, const char *topic)
{
  g_autoptr (DeyeBusKeptFrame) frame = deye_bus_stash_take (stash);

  g_assert_nonnull (frame);
  g_assert_cmpstr (frame->topic, ==, topic);
}

static void
test_in_order (void)
{
  DeyeBusStash stash = { 0 };

  put (&stash, "events.a", 10);
  put (&stash, "tasks.b", 10);
  put (&stash, "events.c", 10);
  assert_next (&stash, "events.a");
  assert_next (&stash, "tasks.b");
  assert_next (&stash, "events.c");
  g_assert_null (deye_bus_stash_take (&stash));
  g_assert_cmpuint (stash.bytes, ==, 0);
  g_assert_cmpuint (stash.lost, ==, 0);
}

static void
test_events_drop_the_oldest (void)
{
  DeyeBusStash stash = { 0 };

  put (&stash, "events.first", 400000);
  put (&stash, "events.second", 400000);
  put (&stash, "events.third", 400000);
  g_assert_cmpuint (stash.lost, ==, 1);
  assert_losses (&stash, "events.first", 1);
  assert_next (&stash, "events.second");
  stash_clear (&stash);
  for (guint i = 0; i < DEYE_BUS_STASH_MAX_MESSAGES + 5; i++)
    put (&stash, "events.small", 1);
  g_assert_cmpuint (deye_bus_stash_count (&stash), ==, DEYE_BUS_STASH_MAX_MESSAGES);
  g_assert_cmpuint (stash.lost, ==, 6);
  stash_clear (&stash);
}

/* Events are dropped to make room for messages that must be kept; messages that must be kept are never dropped. */
static void
test_must_keep_refuses (void)
{
  DeyeBusStash stash = { 0 };
  g_autoptr (GError) error = NULL;

  put (&stash, "events.first", 400000);
  put (&stash, "results.procmond", 400000);
  put (&stash, "results.procmond", 400000);
  g_assert_cmpuint (stash.lost, ==, 1);
  g_assert_false (put_with_options (&stash, "results.procmond", 400000, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  g_clear_error (&error);
  g_assert_false (put_with_options (&stash, "events.large", 400000, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  g_assert_cmpuint (deye_bus_stash_count (&stash), ==, 2);
  stash_clear (&stash);
}

static void
test_health_conflates (void)
{
  DeyeBusStash stash = { 0 };

  put (&stash, "health.properties.a", 10);
  put (&stash, "events.a", 10);
  put (&stash, "health.properties.b", 10);
  put (&stash, "health.properties.a", 20);
  g_assert_cmpuint (stash.lost, ==, 1);
  assert_losses (&stash, "health.properties.a", 1);
  assert_next (&stash, "events.a");
  assert_next (&stash, "health.properties.b");
  assert_next (&stash, "health.properties.a");
  g_assert_cmpuint (stash.bytes, ==, 0);
}

/* If a new state does not fit, the earlier one stays. */
static void
test_health_too_large (void)
{
  DeyeBusStash stash = { 0 };
  g_autoptr (GError) error = NULL;

  put (&stash, "health.properties.a", 10);
  g_assert_false (put_with_options (&stash, "health.properties.a", DEYE_BUS_STASH_MAX_BYTES, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT);
  g_assert_cmpuint (stash.lost, ==, 0);
  assert_next (&stash, "health.properties.a");
}

static void
test_time_to_live (void)
{
  DeyeBusStash stash = { 0 };
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  DEYE_BUS_UNINITIALIZED DeyeBusEncodedCall encoded;
  g_autoptr (DeyeBusKeptFrame) frame = NULL;
  g_autoptr (GError) error = NULL;

  deye_bus_options_set_ttl (options, 1000);
  g_assert_true (put_with_options (&stash, "events.short", 1, options, &error));
  deye_bus_options_set_ttl (options, 5000);
  g_assert_true (put_with_options (&stash, "events.long", 1, options, &error));
  deye_bus_stash_expire (&stash, NOW_US + 2000);
  frame = deye_bus_stash_take (&stash);
  g_assert_cmpstr (frame->topic, ==, "events.long");
  g_assert_true (deye_bus_kept_frame_encode (frame, 7, NOW_US + 2000, &encoded));
  g_assert_cmpuint (encoded.envelope.ttl_us, ==, 3000);
  g_assert_cmpuint (encoded.envelope.id, ==, 7);
  g_assert_false (deye_bus_kept_frame_encode (frame, 7, NOW_US + 5000, &encoded));
  g_assert_cmpuint (stash.lost, ==, 1);
  assert_losses (&stash, "events.short", 1);
}

/* A message that the broker would refuse is refused at once. */
static void
test_checks (void)
{
  DeyeBusStash stash = { 0 };
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (GError) error = NULL;

  deye_bus_options_set_ttl (options, -1);
  g_assert_false (put_with_options (&stash, "events.a", 1, options, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_INVALID_ARGUMENT);
  g_clear_error (&error);
  g_assert_false (put_with_options (&stash, "events.\xff", 1, NULL, &error));
  g_assert_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_BAD_TOPIC);
  g_assert_cmpuint (deye_bus_stash_count (&stash), ==, 0);
}

/* The times of a message that was accepted while the client was connected begin when the connection ends. */
static void
test_clock_starts (void)
{
  DeyeBusStash stash = { 0 };
  g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
  g_autoptr (DeyeBusKeptFrame) frame = NULL;

  deye_bus_options_set_ttl (options, 1000);
  g_assert_true (put_with_options (&stash, "events.a", 1, options, NULL));
  frame = deye_bus_stash_take (&stash);
  frame->since_us = 0;
  g_assert_true (deye_bus_stash_keep (&stash, g_steal_pointer (&frame)));
  deye_bus_stash_expire (&stash, NOW_US + 5000);
  g_assert_cmpuint (deye_bus_stash_count (&stash), ==, 1);
  deye_bus_stash_start_clock (&stash, NOW_US + 5000);
  deye_bus_stash_expire (&stash, NOW_US + 5999);
  g_assert_cmpuint (deye_bus_stash_count (&stash), ==, 1);
  deye_bus_stash_expire (&stash, NOW_US + 6000);
  g_assert_cmpuint (deye_bus_stash_count (&stash), ==, 0);
  stash_clear (&stash);
}

/* Losses are counted by topic up to a bound of topics; others are counted by pattern. */
static void
test_losses_fold (void)
{
  DeyeBusLosses losses = { 0 };
  guint64 sum = 0, folded = 0;

  for (guint i = 0; i < DEYE_BUS_LOSSES_TOPICS + 100; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.process.number-%u", i);

      deye_bus_losses_add (&losses, topic, 2);
    }
  deye_bus_losses_add (&losses, "events.process.number-0", 1);
  while (!deye_bus_losses_is_empty (&losses))
    {
      g_autoptr (GPtrArray) taken = deye_bus_losses_take (&losses, 10);

      g_assert_cmpuint (taken->len, >, 0);
      g_assert_cmpuint (taken->len, <=, 10);
      for (guint i = 0; i < taken->len; i++)
        {
          const DeyeBusLoss *loss = taken->pdata[i];

          sum += loss->count;
          folded += g_str_equal (loss->topic, "events.process.#") ? loss->count : 0;
          if (g_str_equal (loss->topic, "events.process.number-0"))
            g_assert_cmpuint (loss->count, ==, 3);
        }
    }
  g_assert_cmpuint (sum, ==, (DEYE_BUS_LOSSES_TOPICS + 100) * 2 + 1);
  g_assert_cmpuint (folded, ==, 200);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/stash/in-order", test_in_order);
  g_test_add_func ("/client/stash/M16-events-drop-the-oldest", test_events_drop_the_oldest);
  g_test_add_func ("/client/stash/M16-must-keep-refuses", test_must_keep_refuses);
  g_test_add_func ("/client/stash/M16-health-conflates", test_health_conflates);
  g_test_add_func ("/client/stash/health-too-large", test_health_too_large);
  g_test_add_func ("/client/stash/time-to-live", test_time_to_live);
  g_test_add_func ("/client/stash/checks", test_checks);
  g_test_add_func ("/client/stash/clock-starts", test_clock_starts);
  g_test_add_func ("/client/stash/losses-fold", test_losses_fold);
  return g_test_run ();
}

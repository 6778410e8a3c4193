/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-overflow.h"
#include "peer/bus-peer.h"
#include "core-pressure.h"
#include "wire-class.h"

/* Credit, bounds and gaps: every loss is reported. */

#define TOPIC "events.process.lifecycle"

static guint64
published (const Core *core)
{
  BusCoreStats stats;

  bus_core_stats (core->core, &stats);
  return stats.accepted;
}

/* Publishes without regard to credit, and takes all frames that arrive, among them the CREDIT frames. */
static void
flood (Client *publisher, guint n, gsize size)
{
  g_autofree guint8 *payload = g_malloc0 (size);

  for (guint i = 0; i < n; i++)
    client_publish (publisher, TOPIC, 0, payload, size);
}

static void
test_window (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *reader = client_ready (core, "reader", "netmond");
  guint64 delivered, missed;

  client_subscribe_full (reader, 1, TOPIC, NULL, FALSE, 10, 0, WIRE_STATUS_OK);
  flood (publisher, 25, 10);
  client_sum (reader, 1, &delivered, &missed);
  g_assert_cmpuint (delivered, ==, 10);
  g_assert_cmpuint (missed, ==, 0);

  client_credit (reader, 1, 15, 1u << 22);
  client_sum (reader, 1, &delivered, &missed);
  g_assert_cmpuint (delivered, ==, 5);
  client_credit (reader, 1, 25, 1u << 22);
  client_sum (reader, 1, &delivered, &missed);
  g_assert_cmpuint (delivered, ==, 10);
  g_assert_false (reader->closed);
}

static void
test_byte_window_goes_negative_by_one (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *reader = client_ready (core, "reader", "netmond");
  guint64 delivered, missed;

  client_subscribe_full (reader, 1, TOPIC, NULL, FALSE, 0, 100, WIRE_STATUS_OK);
  flood (publisher, 3, 99);
  client_sum (reader, 1, &delivered, &missed);
  g_assert_cmpuint (delivered, ==, 2);
  client_credit (reader, 1, 1000, 199);
  client_sum (reader, 1, &delivered, &missed);
  g_assert_cmpuint (delivered, ==, 1);
}

static void
test_paused_does_not_hold_up_others (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *reader = client_ready (core, "reader", "netmond");
  guint64 delivered, missed;

  client_subscribe_full (reader, 1, TOPIC, NULL, FALSE, 1, 0, WIRE_STATUS_OK);
  client_subscribe (reader, 2, "events.#", NULL);
  flood (publisher, 10, 10);
  client_sum (reader, 2, &delivered, &missed);
  g_assert_cmpuint (delivered, ==, 10);
}

static void
test_credit_of_a_client_is_checked (Core *core, gconstpointer data)
{
  Client *backwards = client_ready (core, "backwards", "netmond");
  Client *greedy = client_ready (core, "greedy", "netmond");

  client_subscribe_full (backwards, 1, TOPIC, NULL, FALSE, 10, 100, WIRE_STATUS_OK);
  client_credit (backwards, 1, 9, 100);
  g_assert_true (backwards->closed);
  g_assert_cmpuint (backwards->goodbye, ==, WIRE_STATUS_BAD_MESSAGE);

  client_subscribe_full (greedy, 1, TOPIC, NULL, FALSE, 10, 100, WIRE_STATUS_OK);
  client_credit (greedy, 1, 11, 100);
  g_assert_true (greedy->closed);
  g_assert_cmpuint (greedy->goodbye, ==, WIRE_STATUS_CREDIT_EXCEEDED);
}

/* A window that never closes. */
static void
subscribe_wide (Client *client, guint policy)
{
  client_subscribe_with (client, .subscription = 1, .pattern = TOPIC, .policy = policy, .window_messages = 65536,
                         .window_bytes = 1u << 26);
}

/* A subscriber that reads nothing: its queue is bounded, and gaps report each loss at its place. @data: the policy. */
static void
test_stopped_subscriber (gconstpointer data)
{
  const guint n = 3000;
  Core own;
  Core *core = &own;
  Client *publisher, *stopped, *healthy;
  guint64 delivered, missed, sum_delivered = 0, sum_missed = 0;
  BusCoreStats stats;

  core_setup (core, NULL);
  publisher = client_ready (core, "procmond-1", "procmond");
  stopped = client_ready (core, "stopped", "netmond");
  healthy = client_ready (core, "healthy", "netmond");
  subscribe_wide (stopped, GPOINTER_TO_UINT (data));
  subscribe_wide (healthy, GPOINTER_TO_UINT (data));
  stopped->is_stopped = TRUE;
  flood (publisher, n, 10000);
  bus_core_stats (core->core, &stats);
  g_assert_cmpuint (stats.queued_bytes, <=, 8388608 + 65536);
  g_assert_cmpuint (stats.queued_bytes, >, 4194304);
  g_assert_cmpuint (stats.missed, >, 0);
  client_sum (healthy, 1, &delivered, &missed);
  g_assert_cmpuint (delivered, ==, n);
  g_assert_cmpuint (missed, ==, 0);

  stopped->is_stopped = FALSE;
  core_flush (core);
  client_sum (stopped, 1, &sum_delivered, &sum_missed);
  g_assert_cmpuint (sum_delivered + sum_missed, ==, n);
  g_assert_cmpuint (sum_missed, ==, stats.missed);

  /* Later messages are delivered as usual. */
  flood (publisher, 5, 10);
  client_sum (stopped, 1, &delivered, &missed);
  g_assert_cmpuint (delivered, ==, 5);
  g_assert_cmpuint (missed, ==, 0);
  core_teardown (core, NULL);
}

/* Sequence numbers of deliveries and gaps cover everything, in order, without overlap. */
static void
test_gap_is_where_the_loss_was (gconstpointer data)
{
  Core own;
  Core *core = &own;
  Client *publisher, *stopped;
  guint64 next, last;
  guint gaps = 0;
  Got *got;

  core_setup (core, NULL);
  publisher = client_ready (core, "procmond-1", "procmond");
  stopped = client_ready (core, "stopped", "netmond");
  subscribe_wide (stopped, GPOINTER_TO_UINT (data));
  next = published (core) + 1;
  for (guint round = 0; round < 3; round++)
    {
      stopped->is_stopped = TRUE;
      flood (publisher, 1200, 10000);
      stopped->is_stopped = FALSE;
      core_flush (core);
    }
  last = published (core);

  while ((got = g_queue_pop_head (&stopped->got)) != NULL)
    {
      if (got->kind == WIRE_KIND_DELIVER)
        {
          g_assert_cmpuint (got->envelope.accept_seq, ==, next);
          next++;
        }
      else if (got->kind == WIRE_KIND_GAP)
        {
          g_assert_cmpuint (got->envelope.gap_from, ==, next);
          g_assert_cmpuint (got->envelope.gap_to - got->envelope.gap_from + 1, ==, got->envelope.gap_count);
          g_assert_cmpuint (got->envelope.gap_reason, ==, WIRE_STATUS_SLOW_CONSUMER);
          next = got->envelope.gap_to + 1;
          gaps++;
        }
      got_free (got);
    }
  g_assert_cmpuint (next, ==, last + 1);
  g_assert_cmpuint (gaps, ==, 3);
  core_teardown (core, NULL);
}

static void
test_soft_limit_is_reported_after_its_time (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *stopped = client_ready (core, "stopped", "netmond");
  BusCoreStats stats;

  subscribe_wide (stopped, BUS_OVERFLOW_DROP_NEWEST);
  stopped->is_stopped = TRUE;
  flood (publisher, 300, 10000);
  core_advance (core, 11 * G_TIME_SPAN_SECOND);
  flood (publisher, 1, 10000);
  bus_core_stats (core->core, &stats);
  g_assert_cmpuint (stats.missed, ==, 1);
  stopped->is_stopped = FALSE;
  core_flush (core);
  flood (publisher, 1, 10000);
  bus_core_stats (core->core, &stats);
  g_assert_cmpuint (stats.missed, ==, 1);
}

/* One of two is full: its policy decides if the publisher gets an error. */
static void
test_ack_reports_refused (Core *core, gconstpointer data)
{
  static const guint8 payload[1000];
  static const char *const acks[] = { [BUS_OVERFLOW_DROP_OLDEST] = "2/2/0",
                                      [BUS_OVERFLOW_DROP_NEWEST] = "2/1/0",
                                      [BUS_OVERFLOW_ERROR] = "2/1/1!",
                                      [BUS_OVERFLOW_CONFLATE] = "2/2/0" };
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *healthy = client_ready (core, "healthy", "netmond");

  subscribe_wide (healthy, BUS_OVERFLOW_ERROR);
  for (guint policy = BUS_OVERFLOW_DROP_OLDEST; policy <= BUS_OVERFLOW_LAST; policy++)
    {
      Client *stopped = client_ready (core, bus_overflow_name (policy), "netmond");

      subscribe_wide (stopped, policy);
      stopped->is_stopped = TRUE;
      flood (publisher, 900, 10000);
      client_publish (publisher, TOPIC, WIRE_FLAG_WANT_ACK, payload, sizeof payload);
      assert_acks (publisher, acks[policy]);
      client_disconnect (stopped);
    }
}

static void
test_publish_window_is_kept (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  guint64 granted = 0;
  Got *got;

  flood (publisher, 1000, 10000);
  while ((got = client_take (publisher, WIRE_KIND_CREDIT)) != NULL)
    {
      g_assert_cmpuint (got->envelope.credit_class, ==, WIRE_CLASS_MAY_DROP);
      g_assert_cmpuint (got->envelope.credit_bytes, >, granted);
      granted = got->envelope.credit_bytes;
      got_free (got);
    }
  g_assert_cmpuint (granted, >=, 10000000);
  g_assert_false (publisher->closed);
}

/* Credit below the announcement threshold of a quarter was not sent; it is now all the publisher has, so it is announced. */
static void
test_last_credit_announces_all (void)
{
  enum
  {
    WINDOW = 16,
    BACK = 3
  };
  Core core;
  BusLimits limits;
  Client *publisher, *reader;

  bus_limits_init (&limits);
  limits.publish_window_messages = WINDOW;
  core_setup (&core, &limits);
  publisher = client_ready (&core, "procmond-1", "procmond");
  reader = client_ready (&core, "reader", "netmond");
  client_subscribe_with (reader, .subscription = 1, .pattern = "results.#", .policy = BUS_OVERFLOW_BLOCK);
  client_publish_many (publisher, "results.procmond", BACK, 100);
  client_return (reader, 1, BACK, 100);
  client_publish_many (publisher, "results.procmond", WINDOW - BACK - 1, 100);
  g_assert_cmpuint (client_take_credit (publisher, WIRE_CLASS_MUST_KEEP).times, ==, 0);
  client_publish_many (publisher, "results.procmond", 1, 100);
  g_assert_cmpuint (client_take_credit (publisher, WIRE_CLASS_MUST_KEEP).messages, ==, WINDOW + BACK);
  core_teardown (&core, NULL);
}

/* A message has expired when the reader takes bytes: it is removed, and its publisher, which has no credit, gets its credit at
 * once. */
static void
test_credit_of_an_expired_message (void)
{
  enum
  {
    WINDOW = 16,
    SIZE = 40000
  };
  Core core;
  BusLimits limits;
  Client *publisher, *reader;

  bus_limits_init (&limits);
  limits.publish_window_messages = WINDOW;
  core_setup (&core, &limits);
  publisher = client_ready (&core, "procmond-1", "procmond");
  reader = client_ready (&core, "reader", "netmond");
  client_subscribe_with (reader, .subscription = 1, .pattern = "results.#", .policy = BUS_OVERFLOW_BLOCK);
  reader->is_stopped = TRUE;
  for (guint i = 0; i < WINDOW; i++)
    client_publish_ttl (publisher, "results.procmond", 1000, SIZE);
  g_assert_cmpuint (reader->peer->flow.waiting_messages, >, 0);
  g_assert_cmpuint (client_take_credit (publisher, WIRE_CLASS_MUST_KEEP).times, ==, 0);

  core.now_us += 1000; /* there was no tick since */
  reader->is_stopped = FALSE;
  core_flush (&core);
  core_flush (&core);
  g_assert_cmpuint (reader->peer->flow.waiting_messages, ==, 0);
  g_assert_cmpuint (client_take_credit (publisher, WIRE_CLASS_MUST_KEEP).messages, >, WINDOW);
  core_teardown (&core, NULL);
}

static void
test_control_before_data (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *reader = client_ready (core, "reader", "netmond");
  WireSpan spans[64];
  gsize before = 0;
  WireEnvelope ping;
  gboolean seen = FALSE;

  client_subscribe_full (reader, 1, TOPIC, NULL, FALSE, 65536, 1u << 26, WIRE_STATUS_OK);
  reader->is_stopped = TRUE;
  flood (publisher, 200, 10000);
  wire_envelope_init (&ping);
  client_send (reader, WIRE_KIND_PING, 0, &ping);

  /* PONG is sent before all data that is not encoded yet. */
  for (guint turn = 0; turn < 3 && !seen; turn++)
    {
      guint n = bus_core_gather (core->core, reader->peer, spans, G_N_ELEMENTS (spans));
      gsize total = 0;

      for (guint i = 0; i < n; i++)
        {
          seen = seen || spans[i].data[4] == WIRE_KIND_PONG;
          total += spans[i].len;
        }
      before += seen ? 0 : total;
      bus_core_sent (core->core, reader->peer, total, core->now_us);
    }
  g_assert_true (seen);
  g_assert_cmpuint (before, <=, 65536 + 16384);
  client_disconnect (reader);
}

static void
test_control_queue_is_bounded (Core *core, gconstpointer data)
{
  Client *reader = client_ready (core, "reader", "netmond");
  WireEnvelope ping;

  reader->is_stopped = TRUE;
  for (guint i = 0; i < 200000 && !reader->closed; i++)
    {
      wire_envelope_init (&ping);
      client_send (reader, WIRE_KIND_PING, 0, &ping);
    }
  g_assert_true (reader->closed);
  g_assert_cmpuint (reader->goodbye, ==, WIRE_STATUS_SLOW_CONSUMER);
}

static void
test_broker_cap (Core *core, gconstpointer data)
{
  BusLimits limits;
  Core small;
  Client *publisher;
  BusCoreStats stats;
  guint64 delivered, missed;
  Client *stopped[3];

  bus_limits_init (&limits);
  limits.broker_bytes = 12582912;
  core_setup (&small, &limits);
  publisher = client_ready (&small, "procmond-1", "procmond");
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("stopped-%u", i);

      stopped[i] = client_ready (&small, id, "netmond");
      client_subscribe_full (stopped[i], 1, TOPIC, i == 0 ? NULL : "group", FALSE, 65536, 1u << 26, WIRE_STATUS_OK);
      stopped[i]->is_stopped = TRUE;
    }
  flood (publisher, 3000, 10000);
  bus_core_stats (small.core, &stats);
  g_assert_cmpuint (stats.missed, >, 0);
  delivered = missed = 0;
  for (guint i = 0; i < 3; i++)
    {
      guint64 d, m;

      stopped[i]->is_stopped = FALSE;
      core_flush (&small);
      client_sum (stopped[i], 1, &d, &m);
      delivered += d;
      missed += m;
    }
  g_assert_cmpuint (delivered + missed, ==, 6000);
  core_teardown (&small, NULL);
}

#define ADD(path, function) g_test_add (path, Core, NULL, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/flow/window", test_window);
  ADD ("/core/flow/byte-window", test_byte_window_goes_negative_by_one);
  ADD ("/core/flow/paused", test_paused_does_not_hold_up_others);
  ADD ("/core/flow/credit-of-a-client", test_credit_of_a_client_is_checked);
  g_test_add_data_func ("/core/flow/B01-R04-stopped-subscriber", GUINT_TO_POINTER (BUS_OVERFLOW_DROP_OLDEST),
                        test_stopped_subscriber);
  g_test_add_data_func ("/core/flow/B02-R04-stopped-subscriber", GUINT_TO_POINTER (BUS_OVERFLOW_DROP_NEWEST),
                        test_stopped_subscriber);
  g_test_add_data_func ("/core/flow/B01-gap-place", GUINT_TO_POINTER (BUS_OVERFLOW_DROP_OLDEST),
                        test_gap_is_where_the_loss_was);
  g_test_add_data_func ("/core/flow/B02-gap-place", GUINT_TO_POINTER (BUS_OVERFLOW_DROP_NEWEST),
                        test_gap_is_where_the_loss_was);
  ADD ("/core/flow/soft-limit", test_soft_limit_is_reported_after_its_time);
  ADD ("/core/flow/ack-refused", test_ack_reports_refused);
  ADD ("/core/flow/publish-window", test_publish_window_is_kept);
  g_test_add_func ("/core/flow/B04-last-credit", test_last_credit_announces_all);
  g_test_add_func ("/core/flow/B04-credit-of-an-expired-message", test_credit_of_an_expired_message);
  ADD ("/core/flow/B09-control-before-data", test_control_before_data);
  ADD ("/core/flow/control-queue", test_control_queue_is_bounded);
  ADD ("/core/flow/R04-broker-cap", test_broker_cap);
  return g_test_run ();
}

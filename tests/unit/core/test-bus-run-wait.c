/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-overflow.h"
#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "queue/bus-trim.h"
#include "run-fixture.h"

/* A run of messages that waits for the credit of its subscription: it is sent in parts, dropped by policies, unpacked and
 * ended, as if its messages waited alone. */

#define LONG 128u

/* The number of runs of LONG messages of which all but the first exceed the lowest soft limit of a queue, also with pointers of
 * 32 bits. */
#define LEVEL_RUNS 3u

/* A reader with a window of 3 messages for which a run of RUN_N messages has arrived. */
static void
wait_setup (Core *core, Client **publisher, Client **reader, BusOverflow policy, guint queue_messages)
{
  core_setup (core, NULL);
  *publisher = client_ready (core, "procmond-1", "procmond");
  *reader = tool_ready (core, "tool-1");
  client_subscribe_with (*reader, .subscription = 1, .pattern = "events.#", .policy = policy, .window_messages = 3,
                         .window_bytes = 100000, .queue_messages = queue_messages);
  core_mark (core);
  run_publish_at_once (*publisher, RUN_TOPIC, RUN_N);
  g_assert_cmpuint (run_of (core)->number, ==, 1);
  assert_deliveries (*reader, 1, "1 2 3");
}

/* Returns the run that waits first. */
static const BusWaitingRun *
assert_waits_as_run (const Client *reader, guint n)
{
  const BusSlot *slot = run_subscription_of (reader)->fifo->first_waiting;

  g_assert_nonnull (slot);
  g_assert_nonnull (slot->run);
  g_assert_cmpuint (slot->run->n, ==, n);
  return slot->run;
}

static void
assert_waits_alone (const Client *reader, guint64 messages)
{
  guint64 n = 0;

  for (const BusSlot *slot = run_subscription_of (reader)->fifo->first; slot != NULL; slot = slot->next)
    {
      g_assert_null (slot->run);
      n += slot->state != BUS_DELIVERY_LOST;
    }
  g_assert_cmpuint (n, ==, messages);
}

/* Credit splits the run at its front. One ticket withholds the credit of all messages until the last one is settled. */
static void
test_wait_in_parts (void)
{
  Client *publisher, *reader;
  Core core;

  wait_setup (&core, &publisher, &reader, BUS_OVERFLOW_BLOCK, 0);
  assert_waits_as_run (reader, 7);
  g_assert_cmpuint (run_subscription_of (reader)->records->tickets, ==, 2);
  run_assert_credit (publisher, RUN_N);
  client_credit (reader, 1, 3 + 2, 100000 + 4 * 2);
  assert_deliveries (reader, 1, "1 2 3 4 5");
  assert_waits_as_run (reader, 5);
  client_credit (reader, 1, 3 + 5, 100000 + 4 * 5);
  assert_deliveries (reader, 1, "1 2 3 4 5 6 7 8");
  assert_waits_as_run (reader, 2);
  g_assert_cmpuint (run_subscription_of (reader)->fifo->messages, ==, 2);
  g_assert_cmpuint (reader->peer->flow.waiting_messages, ==, 2);
  run_assert_credit (publisher, RUN_N);
  client_credit (reader, 1, 3 + 7, 100000 + 4 * 7);
  assert_deliveries (reader, 1, "1 2 3 4 5 6 7 8 9 10");
  g_assert_cmpuint (reader->peer->flow.waiting_bytes, ==, 0);
  run_assert_credit (publisher, RUN_N);
  client_credit (reader, 1, 3 + RUN_N, 100000 + 4 * RUN_N);
  run_assert_credit (publisher, 0);
  core_teardown (&core, NULL);
}

/* The window of bytes bounds the part of a waiting run that is sent. The last message may exceed it. */
static void
test_wait_bytes (void)
{
  Client *publisher, *reader;
  Core core;

  core_setup (&core, NULL);
  publisher = client_ready (&core, "procmond-1", "procmond");
  reader = tool_ready (&core, "tool-1");
  client_subscribe_with (reader, .subscription = 1, .pattern = "events.#", .policy = BUS_OVERFLOW_BLOCK,
                         .window_messages = 100, .window_bytes = 10);
  core_mark (&core);
  run_publish_at_once (publisher, RUN_TOPIC, RUN_N);
  assert_deliveries (reader, 1, "1 2 3");
  assert_waits_as_run (reader, 7);
  client_credit (reader, 1, 103, 10 + 12);
  assert_deliveries (reader, 1, "1 2 3 4 5 6");
  client_catch_up (reader, 1);
  assert_deliveries (reader, 1, "1 2 3 4 5 6 7 8 9 10");
  core_teardown (&core, NULL);
}

/* Messages that came alone stay between the runs around them. */
static void
test_wait_mixed (void)
{
  Client *publisher, *reader;
  Core core;

  wait_setup (&core, &publisher, &reader, BUS_OVERFLOW_BLOCK, 0);
  run_publish (publisher, RUN_TOPIC, 2);
  run_publish_at_once (publisher, RUN_TOPIC, 3);
  run_publish (publisher, RUN_TOPIC, 1);
  run_assert_credit (publisher, RUN_N + 6);
  client_catch_up (reader, 1);
  assert_deliveries (reader, 1, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16");
  run_assert_credit (publisher, 0);
  core_teardown (&core, NULL);
}

/* A full queue loses single messages of a run that waits, the oldest one first. */
static void
test_wait_drop_oldest (void)
{
  Client *publisher, *reader;
  gsize bytes;
  Core core;

  wait_setup (&core, &publisher, &reader, BUS_OVERFLOW_DROP_OLDEST, 8);
  assert_waits_as_run (reader, 7);
  bytes = reader->peer->flow.waiting_bytes / 7;
  run_publish (publisher, RUN_TOPIC, 1);
  assert_waits_as_run (reader, 7);
  run_publish (publisher, RUN_TOPIC, 2);
  assert_waits_alone (reader, 8);
  g_assert_cmpuint (reader->peer->flow.waiting_messages, ==, 8);
  g_assert_cmpuint (reader->peer->flow.waiting_bytes, ==, 8 * bytes + sizeof (BusSlot)); /* and a gap */
  run_assert_credit (publisher, 0);
  client_catch_up (reader, 1);
  assert_deliveries (reader, 1, "1 2 3 [4-5:2 full] 6 7 8 9 10 11 12 13");
  core_teardown (&core, NULL);
}

/* Near a bound the messages wait alone, so that the policy applies to each of them. */
static void
test_wait_near_bound (void)
{
  Client *publisher, *reader;
  Core core;

  wait_setup (&core, &publisher, &reader, BUS_OVERFLOW_DROP_NEWEST, 6);
  assert_waits_alone (reader, 6);
  client_catch_up (reader, 1);
  assert_deliveries (reader, 1, "1 2 3 4 5 6 7 8 9 [10-10:1 full]");
  core_teardown (&core, NULL);
}

/* The end of a block drops the messages that wait, with a gap, and gives the credit back. */
static void
test_wait_demoted (void)
{
  Client *publisher, *reader;
  Core core;

  wait_setup (&core, &publisher, &reader, BUS_OVERFLOW_BLOCK, 0);
  core_advance (&core, (gint64) core.core->limits.longest_block_us);
  g_assert_true (bus_subscription_is_demoted (run_subscription_of (reader)));
  run_assert_credit (publisher, 0);
  assert_waits_alone (reader, 0);
  client_catch_up (reader, 1);
  assert_deliveries (reader, 1, "1 2 3 [4-10:7 expired]");
  core_teardown (&core, NULL);
}

/* A subscription that ends while a run waits. */
static void
test_wait_ends (void)
{
  Client *publisher, *reader;
  Core core;

  wait_setup (&core, &publisher, &reader, BUS_OVERFLOW_BLOCK, 0);
  client_credit (reader, 1, 3 + 2, 100000 + 4 * 2);
  client_unsubscribe (reader, 1);
  run_assert_credit (publisher, 0);
  g_assert_cmpuint (reader->peer->flow.waiting_messages, ==, 0);
  g_assert_cmpuint (reader->peer->flow.held_messages, ==, 0);
  core_teardown (&core, NULL);
}

/* A short rest of a long run is unpacked, so that a run never uses more memory than its messages are charged. */
static void
test_wait_rest (void)
{
  static const guint8 bytes[3000];
  Client *publisher, *reader;
  Core core;

  core_setup (&core, NULL);
  publisher = client_ready (&core, "procmond-1", "procmond");
  reader = tool_ready (&core, "tool-1");
  client_subscribe_with (reader, .subscription = 1, .pattern = "events.#", .policy = BUS_OVERFLOW_BLOCK,
                         .window_messages = 1, .window_bytes = 100000);
  core_mark (&core);
  client_begin_batch (publisher);
  for (guint i = 0; i < 5; i++)
    client_publish (publisher, RUN_TOPIC, 0, bytes, sizeof bytes);
  client_end_batch (publisher);
  assert_deliveries (reader, 1, "1");
  g_assert_cmpuint (assert_waits_as_run (reader, 3)->size, <=, BUS_CELL_MAX);
  client_credit (reader, 1, 2, 100000 + sizeof bytes);
  g_assert_cmpuint (run_subscription_of (reader)->fifo->messages, ==, 3);
  g_assert_null (run_subscription_of (reader)->fifo->first_waiting->run);
  client_catch_up (reader, 1);
  assert_deliveries (reader, 1, "1 2 3 4 5");
  core_teardown (&core, NULL);
}

/* Messages that are sent from a run lower the level of the queue, before their bytes are taken. */
static void
test_wait_level (void)
{
  Client *publisher, *reader;
  Core core;

  core_setup (&core, NULL);
  core.core->limits.queue_soft_bytes = 65536;
  publisher = client_ready (&core, "procmond-1", "procmond");
  reader = tool_ready (&core, "tool-1");
  client_subscribe_with (reader, .subscription = 1, .pattern = "events.#", .policy = BUS_OVERFLOW_BLOCK,
                         .window_messages = LONG, .window_bytes = 100000);
  core_mark (&core);
  for (guint i = 0; i < LEVEL_RUNS; i++)
    run_publish_at_once (publisher, RUN_TOPIC, LONG);
  g_assert_nonnull (run_subscription_of (reader)->fifo->first_waiting->run);
  g_assert_cmpint (reader->peer->flow.soft_since_us, >, 0);
  reader->is_stopped = TRUE;
  for (guint i = 1; i < LEVEL_RUNS; i++)
    client_credit (reader, 1, (i + 1) * LONG, 100000 + 4 * i * LONG);
  g_assert_cmpuint (reader->peer->flow.waiting_messages, ==, 0);
  g_assert_cmpuint (bus_flow_bytes (&reader->peer->flow), <, 65536);
  g_assert_cmpint (reader->peer->flow.soft_since_us, ==, 0);
  core_teardown (&core, NULL);
}

/* A gap for which there is no memory stays in front of a run, also if a control message between them is sent, which frees
 * memory. */
static void
test_wait_behind_gap (void)
{
  static const guint8 bytes[2000];
  Client *publisher, *agent, *reader;
  WireEnvelope ping;
  guint64 cap;
  Core core;

  core_setup (&core, NULL);
  publisher = client_ready (&core, "procmond-1", "procmond");
  agent = agent_ready (&core);
  reader = tool_ready (&core, "tool-1");
  client_subscribe_with (reader, .subscription = 1, .pattern = "#", .policy = BUS_OVERFLOW_DROP_OLDEST,
                         .window_messages = 3, .window_bytes = 100000, .queue_messages = 8);
  core_mark (&core);
  run_publish (publisher, RUN_TOPIC, 3);
  run_publish (publisher, RUN_TOPIC, 1);
  client_publish (agent, "control.collector.config.reload", 0, bytes, sizeof bytes);
  run_publish_at_once (publisher, RUN_TOPIC, 6);
  run_publish (publisher, RUN_TOPIC, 1);
  g_assert_cmpuint (run_subscription_of (reader)->fifo->messages, ==, 8);
  g_assert_cmpuint (run_subscription_of (reader)->extra->missed, ==, 1);
  g_assert_cmpuint (run_subscription_of (reader)->fifo->last->previous->run->n, ==, 6);

  /* The control lane has a segment. The gap needs a new one in the data lane, for which about 2,000 bytes are missing. */
  reader->is_stopped = TRUE;
  wire_envelope_init (&ping);
  client_send (reader, WIRE_KIND_PING, 0, &ping);
  cap = core.core->quota.cap;
  core.core->quota.cap = core.core->quota.memory + 2200;
  client_credit (reader, 1, 3 + 3, 100000 + 3 * 4);
  core.core->quota.cap = cap;
  client_catch_up (reader, 1);
  assert_deliveries (reader, 1, "1 2 3 5 [4-4:1 full] 6 7 8 9 10 11 12");
  core_teardown (&core, NULL);
}

/* A stopped reader: 11 messages are encoded, one has credit and waits for room in the lane, and a run waits for credit. */
static void
wait_behind_lane_setup (Core *core, Client **publisher, Client **reader, BusOverflow policy)
{
  static const guint8 bytes[12000];

  core_setup (core, NULL);
  core->core->limits.queue_soft_bytes = 262144;
  *publisher = client_ready (core, "procmond-1", "procmond");
  *reader = tool_ready (core, "tool-1");
  client_subscribe_with (*reader, .subscription = 1, .pattern = "events.#", .policy = policy, .window_messages = 12,
                         .window_bytes = 1000000, .queue_messages = 100);
  core_mark (core);
  (*reader)->is_stopped = TRUE;
  for (guint i = 0; i < 12; i++)
    client_publish (*publisher, RUN_TOPIC, 0, bytes, sizeof bytes);
  run_publish_at_once (*publisher, RUN_TOPIC, RUN_N);
  g_assert_cmpuint (run_subscription_of (*reader)->fifo->messages, ==, 1 + RUN_N);
  assert_waits_as_run (*reader, RUN_N);
}

/* A message of the lane that is dropped gives its credit to the run behind it, which is unpacked while messages are dropped. So
 * two messages of the run are dropped as well, whether pointers have 32 bits or 64 bits. */
static void
test_wait_shed_behind_lane (void)
{
  Client *publisher, *reader;
  Core core;

  wait_behind_lane_setup (&core, &publisher, &reader, BUS_OVERFLOW_DROP_OLDEST);
  bus_trim_shed (&reader->peer->flow, &reader->peer->subscriptions, 12000 + 1800, core.now_us);
  client_catch_up (reader, 1);
  assert_deliveries (reader, 1, "1 2 3 4 5 6 7 8 9 10 11 [12-14:3 limit] 15 16 17 18 19 20 21 22");
  core_teardown (&core, NULL);
}

static void
test_wait_demoted_behind_lane (void)
{
  Client *publisher, *reader;
  Core core;

  wait_behind_lane_setup (&core, &publisher, &reader, BUS_OVERFLOW_BLOCK);
  core_advance (&core, (gint64) core.core->limits.longest_block_us);
  g_assert_true (bus_subscription_is_demoted (run_subscription_of (reader)));
  assert_waits_alone (reader, 0);
  run_assert_credit (publisher, 0);
  client_catch_up (reader, 1);
  assert_deliveries (reader, 1, "1 2 3 4 5 6 7 8 9 10 11 [12-22:11 expired]");
  core_teardown (&core, NULL);
}

static guint n_taken;

static gpointer
take_and_count (gsize size)
{
  n_taken++;
  return aligned_alloc (size, size);
}

/* Lets 20 long runs wait, and counts the chunks of memory that are taken from then on. If all their messages waited alone at once,
 * they would need more than the spare chunks. */
static void
wait_long_setup (Core *core, Client **reader, BusOverflow policy)
{
  Client *publisher;

  core_setup (core, NULL);
  publisher = client_ready (core, "procmond-1", "procmond");
  *reader = tool_ready (core, "tool-1");
  client_subscribe_with (*reader, .subscription = 1, .pattern = "events.#", .policy = policy, .window_messages = 1,
                         .window_bytes = 100000, .queue_messages = 20 * LONG, .queue_bytes = 1000000);
  core_mark (core);
  for (guint i = 0; i < 20; i++)
    run_publish_at_once (publisher, RUN_TOPIC, LONG);
  assert_deliveries (*reader, 1, "1");
  g_assert_nonnull (run_subscription_of (*reader)->fifo->first->run);
  g_assert_nonnull (run_subscription_of (*reader)->fifo->last->run);
  n_taken = 0;
  core->core->quota.cells.source.take = take_and_count;
}

/* The end of a subscription unpacks one run after the other: each run uses the slots and the memory of the runs before it. */
static void
test_wait_ends_in_parts (void)
{
  Client *reader;
  Core core;

  wait_long_setup (&core, &reader, BUS_OVERFLOW_DROP_OLDEST);
  client_unsubscribe (reader, 1);
  g_assert_cmpuint (reader->peer->flow.waiting_messages, ==, 0);
  g_assert_cmpuint (n_taken, <=, 12);
  core_teardown (&core, NULL);
}

/* A full broker drops single messages of a long queue, and the runs that lose none stay together. */
static void
test_wait_shed (gconstpointer data)
{
  const BusOverflow policy = (BusOverflow) GPOINTER_TO_UINT (data);
  const gboolean oldest_first = policy == BUS_OVERFLOW_DROP_OLDEST;
  Client *reader;
  Core core;

  wait_long_setup (&core, &reader, policy);
  g_assert_cmpuint (bus_trim_shed (&reader->peer->flow, &reader->peer->subscriptions, 1000, core.now_us), >=, 1000);
  g_assert_cmpuint (run_subscription_of (reader)->extra->missed, <=, 4);
  if (oldest_first)
    g_assert_nonnull (run_subscription_of (reader)->fifo->last->run);
  else
    g_assert_nonnull (run_subscription_of (reader)->fifo->first->run);
  g_assert_cmpuint (n_taken, <=, 8);
  core_teardown (&core, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus-run/wait/in-parts", test_wait_in_parts);
  g_test_add_func ("/bus-run/wait/window-of-bytes", test_wait_bytes);
  g_test_add_func ("/bus-run/wait/mixed", test_wait_mixed);
  g_test_add_func ("/bus-run/wait/B01-drop-oldest", test_wait_drop_oldest);
  g_test_add_func ("/bus-run/wait/B02-near-a-bound", test_wait_near_bound);
  g_test_add_func ("/bus-run/wait/B04-demoted", test_wait_demoted);
  g_test_add_func ("/bus-run/wait/ends", test_wait_ends);
  g_test_add_func ("/bus-run/wait/rest-of-a-run", test_wait_rest);
  g_test_add_func ("/bus-run/wait/level", test_wait_level);
  g_test_add_func ("/bus-run/wait/behind-a-gap", test_wait_behind_gap);
  g_test_add_func ("/bus-run/wait/shed-behind-the-lane", test_wait_shed_behind_lane);
  g_test_add_func ("/bus-run/wait/B04-demoted-behind-the-lane", test_wait_demoted_behind_lane);
  g_test_add_func ("/bus-run/wait/ends-in-parts", test_wait_ends_in_parts);
  g_test_add_data_func ("/bus-run/wait/shed-oldest", GUINT_TO_POINTER (BUS_OVERFLOW_DROP_OLDEST), test_wait_shed);
  g_test_add_data_func ("/bus-run/wait/shed-newest", GUINT_TO_POINTER (BUS_OVERFLOW_DROP_NEWEST), test_wait_shed);
  return g_test_run ();
}

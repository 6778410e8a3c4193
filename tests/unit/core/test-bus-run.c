/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "queue/bus-run.h"
#include "queue/bus-trim.h"
#include "queue/bus-unsettled.h"
#include "route/bus-routes.h"
#include "base/bus-overflow.h"
#include "core-pressure.h"

/* Messages to one topic that arrive in one piece are routed together, without a visible difference. */

#define TOPIC "events.process.lifecycle"
#define OTHER "events.process.new"
#define N     10u
#define LONG  128u

/* If all but the first of these runs of LONG messages wait, they exceed the lowest soft limit of a queue, also with pointers of 32
 * bits. */
#define LEVEL_RUNS 3u

static const BusRun *
run_of (const Core *core)
{
  return core->core->routes->run;
}

static void
publish (Client *publisher, const char *topic, guint n)
{
  for (guint i = 0; i < n; i++)
    client_publish (publisher, topic, 0, "text", 4);
}

static void
publish_at_once (Client *publisher, const char *topic, guint n)
{
  client_begin_batch (publisher);
  publish (publisher, topic, n);
  client_end_batch (publisher);
}

static void
assert_credit (Client *publisher, guint64 held)
{
  const BusAllowance *allowance = bus_ledger_allowance (&publisher->peer->ledger, WIRE_CLASS_MAY_DROP);
  const BusWindow *window = &allowance->window;

  g_assert_cmpuint (allowance->held_messages, ==, held);
  g_assert_cmpuint (window->used_messages, ==,
                    window->granted_messages + allowance->returned.messages - window->window_messages + held);
  g_assert_cmpuint (window->used_bytes, ==,
                    window->granted_bytes + allowance->returned.bytes - window->window_bytes + allowance->held_bytes);
}

/* Ids of one byte and of two, so that frames are copied and encoded again. */
static void
test_fanout (void)
{
  Client *publisher, *readers[4];
  static const guint32 ids[] = { 1, 7, 300, 2 };
  Core core;

  core_setup (&core, NULL);
  publisher = client_ready (&core, "procmond-1", "procmond");
  for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
    {
      g_autofree char *id = g_strdup_printf ("tool-%u", i);

      readers[i] = tool_ready (&core, id);
      client_subscribe_with (readers[i], .subscription = ids[i], .pattern = "events.#", .window_messages = 100);
    }
  core_mark (&core);
  publish_at_once (publisher, TOPIC, N);
  g_assert_cmpuint (run_of (&core)->number, ==, 1);
  for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
    assert_story (readers[i], ids[i], "1 2 3 4 5 6 7 8 9 10");
  assert_credit (publisher, 0);
  core_teardown (&core, NULL);
}

/* Another topic, a frame of another kind, or an option of a message ends a run; the order is kept. */
static void
test_ends (void)
{
  Client *publisher, *reader;
  Core core;

  core_setup (&core, NULL);
  publisher = client_ready (&core, "procmond-1", "procmond");
  reader = tool_ready (&core, "tool-1");
  client_subscribe_with (reader, .subscription = 1, .pattern = "events.#", .window_messages = 100);
  core_mark (&core);
  client_begin_batch (publisher);
  publish (publisher, TOPIC, 3);
  publish (publisher, OTHER, 2);
  publish (publisher, TOPIC, 2);
  client_publish (publisher, TOPIC, WIRE_FLAG_WANT_ACK, "text", 4);
  publish (publisher, TOPIC, 2);
  client_end_batch (publisher);
  g_assert_cmpuint (run_of (&core)->number, ==, 4);
  assert_story (reader, 1, "1 2 3 4 5 6 7 8 9 10");
  assert_acks (publisher, "1/1/0");
  core_teardown (&core, NULL);
}

/* The window is full inside of the run: the rest waits, or is refused by the policy, message by message. */
static void
test_full (void)
{
  Client *publisher, *block, *newest;
  Core core;

  core_setup (&core, NULL);
  publisher = client_ready (&core, "procmond-1", "procmond");
  block = tool_ready (&core, "tool-1");
  newest = tool_ready (&core, "tool-2");
  client_subscribe_with (block, .subscription = 1, .pattern = "events.#", .policy = BUS_OVERFLOW_BLOCK,
                         .window_messages = 3);
  client_subscribe_with (newest, .subscription = 1, .pattern = "events.#", .policy = BUS_OVERFLOW_DROP_NEWEST,
                         .window_messages = 2, .queue_messages = 4);
  core_mark (&core);
  publish_at_once (publisher, TOPIC, N);
  g_assert_cmpuint (run_of (&core)->number, ==, 1);
  assert_story (block, 1, "1 2 3");
  g_assert_cmpuint (block->peer->flow.waiting_messages, ==, 7);
  g_assert_cmpuint (newest->peer->flow.waiting_messages, ==, 4);
  g_assert_cmpuint (publisher->peer->ledger.n_tickets, ==, 1);
  assert_credit (publisher, N);

  client_catch_up (newest, 1);
  assert_story (newest, 1, "1 2 3 4 5 6 [7-10:4 full]");
  client_catch_up (block, 1);
  assert_story (block, 1, "1 2 3 4 5 6 7 8 9 10");
  client_return_all (block, 1);
  assert_credit (publisher, 0);
  core_teardown (&core, NULL);
}

/* --- a run that waits --- */

static BusSubscription *
subscription_of (const Client *client)
{
  return bus_subscriptions_find (&client->peer->subscriptions, 1);
}

/* A reader with a window of 3 messages for which a run of N messages has arrived. */
static void
wait_setup (Core *core, Client **publisher, Client **reader, BusOverflow policy, guint queue_messages)
{
  core_setup (core, NULL);
  *publisher = client_ready (core, "procmond-1", "procmond");
  *reader = tool_ready (core, "tool-1");
  client_subscribe_with (*reader, .subscription = 1, .pattern = "events.#", .policy = policy, .window_messages = 3,
                         .window_bytes = 100000, .queue_messages = queue_messages);
  core_mark (core);
  publish_at_once (*publisher, TOPIC, N);
  g_assert_cmpuint (run_of (core)->number, ==, 1);
  assert_story (*reader, 1, "1 2 3");
}

/* Returns the run that waits first. */
static const BusWaitingRun *
assert_waits_as_run (const Client *reader, guint n)
{
  const BusSlot *slot = subscription_of (reader)->fifo->first_waiting;

  g_assert_nonnull (slot);
  g_assert_nonnull (slot->run);
  g_assert_cmpuint (slot->run->n, ==, n);
  return slot->run;
}

static void
assert_waits_alone (const Client *reader, guint64 messages)
{
  guint64 n = 0;

  for (const BusSlot *slot = subscription_of (reader)->fifo->first; slot != NULL; slot = slot->next)
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
  g_assert_cmpuint (subscription_of (reader)->records->tickets, ==, 2);
  assert_credit (publisher, N);
  client_credit (reader, 1, 3 + 2, 100000 + 4 * 2);
  assert_story (reader, 1, "1 2 3 4 5");
  assert_waits_as_run (reader, 5);
  client_credit (reader, 1, 3 + 5, 100000 + 4 * 5);
  assert_story (reader, 1, "1 2 3 4 5 6 7 8");
  assert_waits_as_run (reader, 2);
  g_assert_cmpuint (subscription_of (reader)->fifo->messages, ==, 2);
  g_assert_cmpuint (reader->peer->flow.waiting_messages, ==, 2);
  assert_credit (publisher, N);
  client_credit (reader, 1, 3 + 7, 100000 + 4 * 7);
  assert_story (reader, 1, "1 2 3 4 5 6 7 8 9 10");
  g_assert_cmpuint (reader->peer->flow.waiting_bytes, ==, 0);
  assert_credit (publisher, N);
  client_credit (reader, 1, 3 + N, 100000 + 4 * N);
  assert_credit (publisher, 0);
  core_teardown (&core, NULL);
}

/* The window of bytes bounds what is sent of a run that waits. The last message may exceed it. */
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
  publish_at_once (publisher, TOPIC, N);
  assert_story (reader, 1, "1 2 3");
  assert_waits_as_run (reader, 7);
  client_credit (reader, 1, 103, 10 + 12);
  assert_story (reader, 1, "1 2 3 4 5 6");
  client_catch_up (reader, 1);
  assert_story (reader, 1, "1 2 3 4 5 6 7 8 9 10");
  core_teardown (&core, NULL);
}

/* Messages that came alone stay between the runs around them. */
static void
test_wait_mixed (void)
{
  Client *publisher, *reader;
  Core core;

  wait_setup (&core, &publisher, &reader, BUS_OVERFLOW_BLOCK, 0);
  publish (publisher, TOPIC, 2);
  publish_at_once (publisher, TOPIC, 3);
  publish (publisher, TOPIC, 1);
  assert_credit (publisher, N + 6);
  client_catch_up (reader, 1);
  assert_story (reader, 1, "1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16");
  assert_credit (publisher, 0);
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
  publish (publisher, TOPIC, 1);
  assert_waits_as_run (reader, 7);
  publish (publisher, TOPIC, 2);
  assert_waits_alone (reader, 8);
  g_assert_cmpuint (reader->peer->flow.waiting_messages, ==, 8);
  g_assert_cmpuint (reader->peer->flow.waiting_bytes, ==, 8 * bytes + sizeof (BusSlot)); /* and a gap */
  assert_credit (publisher, 0);
  client_catch_up (reader, 1);
  assert_story (reader, 1, "1 2 3 [4-5:2 full] 6 7 8 9 10 11 12 13");
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
  assert_story (reader, 1, "1 2 3 4 5 6 7 8 9 [10-10:1 full]");
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
  g_assert_true (bus_subscription_is_demoted (subscription_of (reader)));
  assert_credit (publisher, 0);
  assert_waits_alone (reader, 0);
  client_catch_up (reader, 1);
  assert_story (reader, 1, "1 2 3 [4-10:7 expired]");
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
  assert_credit (publisher, 0);
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
    client_publish (publisher, TOPIC, 0, bytes, sizeof bytes);
  client_end_batch (publisher);
  assert_story (reader, 1, "1");
  g_assert_cmpuint (assert_waits_as_run (reader, 3)->size, <=, BUS_CELL_MAX);
  client_credit (reader, 1, 2, 100000 + sizeof bytes);
  g_assert_cmpuint (subscription_of (reader)->fifo->messages, ==, 3);
  g_assert_null (subscription_of (reader)->fifo->first_waiting->run);
  client_catch_up (reader, 1);
  assert_story (reader, 1, "1 2 3 4 5");
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
    publish_at_once (publisher, TOPIC, LONG);
  g_assert_nonnull (subscription_of (reader)->fifo->first_waiting->run);
  g_assert_cmpint (reader->peer->flow.soft_since_us, >, 0);
  reader->is_stopped = TRUE;
  for (guint i = 1; i < LEVEL_RUNS; i++)
    client_credit (reader, 1, (i + 1) * LONG, 100000 + 4 * i * LONG);
  g_assert_cmpuint (reader->peer->flow.waiting_messages, ==, 0);
  g_assert_cmpuint (bus_flow_bytes (&reader->peer->flow), <, 65536);
  g_assert_cmpint (reader->peer->flow.soft_since_us, ==, 0);
  core_teardown (&core, NULL);
}

/* A gap that finds no memory stays in front of a run, also if a control message between them is sent and frees some. */
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
  publish (publisher, TOPIC, 3);
  publish (publisher, TOPIC, 1);
  client_publish (agent, "control.collector.config.reload", 0, bytes, sizeof bytes);
  publish_at_once (publisher, TOPIC, 6);
  publish (publisher, TOPIC, 1);
  g_assert_cmpuint (subscription_of (reader)->fifo->messages, ==, 8);
  g_assert_cmpuint (subscription_of (reader)->extra->missed, ==, 1);
  g_assert_cmpuint (subscription_of (reader)->fifo->last->previous->run->n, ==, 6);

  /* The data lane needs a new segment, and the control lane has one. The gap is 2,000 bytes short of it. */
  reader->is_stopped = TRUE;
  wire_envelope_init (&ping);
  client_send (reader, WIRE_KIND_PING, 0, &ping);
  cap = core.core->quota.cap;
  core.core->quota.cap = core.core->quota.memory + 2200;
  client_credit (reader, 1, 3 + 3, 100000 + 3 * 4);
  core.core->quota.cap = cap;
  client_catch_up (reader, 1);
  assert_story (reader, 1, "1 2 3 5 [4-4:1 full] 6 7 8 9 10 11 12");
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
    client_publish (*publisher, TOPIC, 0, bytes, sizeof bytes);
  publish_at_once (*publisher, TOPIC, N);
  g_assert_cmpuint (subscription_of (*reader)->fifo->messages, ==, 1 + N);
  assert_waits_as_run (*reader, N);
}

/* A message of the lane that is dropped gives its credit to the run behind it, which is unpacked while messages are dropped. Two of
 * its messages are dropped then, with pointers of 32 bits and of 64 bits. */
static void
test_wait_shed_behind_lane (void)
{
  Client *publisher, *reader;
  Core core;

  wait_behind_lane_setup (&core, &publisher, &reader, BUS_OVERFLOW_DROP_OLDEST);
  bus_trim_shed (&reader->peer->flow, &reader->peer->subscriptions, 12000 + 1800, core.now_us);
  client_catch_up (reader, 1);
  assert_story (reader, 1, "1 2 3 4 5 6 7 8 9 10 11 [12-14:3 limit] 15 16 17 18 19 20 21 22");
  core_teardown (&core, NULL);
}

static void
test_wait_demoted_behind_lane (void)
{
  Client *publisher, *reader;
  Core core;

  wait_behind_lane_setup (&core, &publisher, &reader, BUS_OVERFLOW_BLOCK);
  core_advance (&core, (gint64) core.core->limits.longest_block_us);
  g_assert_true (bus_subscription_is_demoted (subscription_of (reader)));
  assert_waits_alone (reader, 0);
  assert_credit (publisher, 0);
  client_catch_up (reader, 1);
  assert_story (reader, 1, "1 2 3 4 5 6 7 8 9 10 11 [12-22:11 expired]");
  core_teardown (&core, NULL);
}

static guint n_taken;

static gpointer
take_and_count (gsize size)
{
  n_taken++;
  return aligned_alloc (size, size);
}

/* Many runs that wait, more than their messages need spare chunks when they wait alone. */
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
    publish_at_once (publisher, TOPIC, LONG);
  assert_story (*reader, 1, "1");
  g_assert_nonnull (subscription_of (*reader)->fifo->first->run);
  g_assert_nonnull (subscription_of (*reader)->fifo->last->run);
  n_taken = 0;
  core->core->quota.cells.source.take = take_and_count;
}

/* The end of a subscription unpacks one run after the other: the next one uses the slots and the memory of those before it. */
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
  g_assert_cmpuint (subscription_of (reader)->extra->missed, <=, 4);
  if (oldest_first)
    g_assert_nonnull (subscription_of (reader)->fifo->last->run);
  else
    g_assert_nonnull (subscription_of (reader)->fifo->first->run);
  g_assert_cmpuint (n_taken, <=, 8);
  core_teardown (&core, NULL);
}

/* The credit of a run returns when its last message is settled. Messages that were sent together have one record. */
static void
test_settled (void)
{
  Client *publisher, *reader;
  const BusSubscription *subscription;
  Core core;

  core_setup (&core, NULL);
  publisher = client_ready (&core, "procmond-1", "procmond");
  reader = tool_ready (&core, "tool-1");
  client_subscribe_with (reader, .subscription = 1, .pattern = "events.#", .policy = BUS_OVERFLOW_BLOCK,
                         .window_messages = 100, .window_bytes = 100000);
  publish_at_once (publisher, TOPIC, N);
  publish_at_once (publisher, TOPIC, 2);
  subscription = bus_subscriptions_find (&reader->peer->subscriptions, 1);
  g_assert_cmpuint (subscription->records->tickets, ==, 2);
  g_assert_cmpuint (subscription->records->first->index, ==, N);
  g_assert_cmpuint (subscription->records->last->index, ==, N + 2);

  client_credit (reader, 1, 100 + N - 1, 100000 + 4 * (N - 1));
  assert_credit (publisher, N + 2);
  client_credit (reader, 1, 100 + N, 100000 + 4 * N);
  assert_credit (publisher, 2);
  client_credit (reader, 1, 100 + N + 2, 100000 + 4 * (N + 2));
  assert_credit (publisher, 0);
  core_teardown (&core, NULL);
}

/* Each member withholds the credit of its own messages only. */
static void
test_group (void)
{
  Client *publisher, *members[2];
  Core core;

  core_setup (&core, NULL);
  publisher = client_ready (&core, "procmond-1", "procmond");
  for (guint i = 0; i < G_N_ELEMENTS (members); i++)
    {
      g_autofree char *id = g_strdup_printf ("tool-%u", i);

      members[i] = tool_ready (&core, id);
      client_subscribe_with (members[i], .subscription = 1, .pattern = "events.#", .group = "crew",
                             .policy = BUS_OVERFLOW_BLOCK, .window_messages = 100, .window_bytes = 100000);
    }
  core_mark (&core);
  publish_at_once (publisher, TOPIC, N);
  assert_story (members[0], 1, "1 3 5 7 9");
  assert_story (members[1], 1, "2 4 6 8 10");
  g_assert_cmpuint (publisher->peer->ledger.n_tickets, ==, 2);
  assert_credit (publisher, N);
  client_credit (members[1], 1, 100 + N / 2, 100000 + 4 * N / 2);
  assert_credit (publisher, N / 2);
  client_return_all (members[0], 1);
  assert_credit (publisher, 0);
  core_teardown (&core, NULL);
}

/* A run uses a small part of its publisher's window, because its credit returns at once. */
static void
test_share (void)
{
  Client *publisher, *reader;
  BusLimits limits;
  Core core;

  bus_limits_init (&limits);
  limits.publish_window_messages = 16;
  core_setup (&core, &limits);
  publisher = client_ready (&core, "procmond-1", "procmond");
  reader = tool_ready (&core, "tool-1");
  client_subscribe_with (reader, .subscription = 1, .pattern = "events.#", .policy = BUS_OVERFLOW_BLOCK,
                         .window_messages = 100);
  core_mark (&core);
  publish_at_once (publisher, TOPIC, N);
  g_assert_cmpuint (publisher->peer->ledger.n_tickets, ==, N / (16 / BUS_RUN_SHARE));
  assert_story (reader, 1, "1 2 3 4 5 6 7 8 9 10");
  core_teardown (&core, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus-run/fanout", test_fanout);
  g_test_add_func ("/bus-run/ends", test_ends);
  g_test_add_func ("/bus-run/B02-B04-full-inside-of-a-run", test_full);
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
  g_test_add_func ("/bus-run/settled", test_settled);
  g_test_add_func ("/bus-run/group", test_group);
  g_test_add_func ("/bus-run/share-of-the-window", test_share);
  return g_test_run ();
}

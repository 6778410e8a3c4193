/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-overflow.h"
#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "queue/bus-unsettled.h"
#include "run-fixture.h"

/* Messages to one topic that arrive in one piece are routed together, without a visible difference. test-bus-run-wait.c tests runs
 * that wait for credit. */

#define OTHER "events.process.new"

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
  run_publish_at_once (publisher, RUN_TOPIC, RUN_N);
  g_assert_cmpuint (run_of (&core)->number, ==, 1);
  for (guint i = 0; i < G_N_ELEMENTS (readers); i++)
    assert_deliveries (readers[i], ids[i], "1 2 3 4 5 6 7 8 9 10");
  run_assert_credit (publisher, 0);
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
  run_publish (publisher, RUN_TOPIC, 3);
  run_publish (publisher, OTHER, 2);
  run_publish (publisher, RUN_TOPIC, 2);
  client_publish (publisher, RUN_TOPIC, WIRE_FLAG_WANT_ACK, "text", 4);
  run_publish (publisher, RUN_TOPIC, 2);
  client_end_batch (publisher);
  g_assert_cmpuint (run_of (&core)->number, ==, 4);
  assert_deliveries (reader, 1, "1 2 3 4 5 6 7 8 9 10");
  assert_acks (publisher, "1/1/0");
  core_teardown (&core, NULL);
}

/* The window fills within the run: the remaining messages wait, or the policy applies to each of them. */
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
  run_publish_at_once (publisher, RUN_TOPIC, RUN_N);
  g_assert_cmpuint (run_of (&core)->number, ==, 1);
  assert_deliveries (block, 1, "1 2 3");
  g_assert_cmpuint (block->peer->flow.waiting_messages, ==, 7);
  g_assert_cmpuint (newest->peer->flow.waiting_messages, ==, 4);
  g_assert_cmpuint (publisher->peer->ledger.n_tickets, ==, 1);
  run_assert_credit (publisher, RUN_N);

  client_catch_up (newest, 1);
  assert_deliveries (newest, 1, "1 2 3 4 5 6 [7-10:4 full]");
  client_catch_up (block, 1);
  assert_deliveries (block, 1, "1 2 3 4 5 6 7 8 9 10");
  client_return_all (block, 1);
  run_assert_credit (publisher, 0);
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
  run_publish_at_once (publisher, RUN_TOPIC, RUN_N);
  run_publish_at_once (publisher, RUN_TOPIC, 2);
  subscription = bus_subscriptions_find (&reader->peer->subscriptions, 1);
  g_assert_cmpuint (subscription->records->tickets, ==, 2);
  g_assert_cmpuint (subscription->records->first->index, ==, RUN_N);
  g_assert_cmpuint (subscription->records->last->index, ==, RUN_N + 2);

  client_credit (reader, 1, 100 + RUN_N - 1, 100000 + 4 * (RUN_N - 1));
  run_assert_credit (publisher, RUN_N + 2);
  client_credit (reader, 1, 100 + RUN_N, 100000 + 4 * RUN_N);
  run_assert_credit (publisher, 2);
  client_credit (reader, 1, 100 + RUN_N + 2, 100000 + 4 * (RUN_N + 2));
  run_assert_credit (publisher, 0);
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
  run_publish_at_once (publisher, RUN_TOPIC, RUN_N);
  assert_deliveries (members[0], 1, "1 3 5 7 9");
  assert_deliveries (members[1], 1, "2 4 6 8 10");
  g_assert_cmpuint (publisher->peer->ledger.n_tickets, ==, 2);
  run_assert_credit (publisher, RUN_N);
  client_credit (members[1], 1, 100 + RUN_N / 2, 100000 + 4 * RUN_N / 2);
  run_assert_credit (publisher, RUN_N / 2);
  client_return_all (members[0], 1);
  run_assert_credit (publisher, 0);
  core_teardown (&core, NULL);
}

/* A run uses a small part of its publisher's window, because its credit returns at once. The runs of a turn share a ticket, and
 * each of them returns its own credit. */
static void
test_share (void)
{
  const BusSubscription *subscription;
  Client *publisher, *reader;
  BusLimits limits;
  Core core;

  bus_limits_init (&limits);
  limits.publish_window_messages = 16;
  core_setup (&core, &limits);
  publisher = client_ready (&core, "procmond-1", "procmond");
  reader = tool_ready (&core, "tool-1");
  client_subscribe_with (reader, .subscription = 1, .pattern = "events.#", .policy = BUS_OVERFLOW_BLOCK,
                         .window_messages = 100, .window_bytes = 100000);
  core_mark (&core);
  run_publish_at_once (publisher, RUN_TOPIC, RUN_N);
  subscription = bus_subscriptions_find (&reader->peer->subscriptions, 1);
  g_assert_cmpuint (subscription->records->tickets, ==, RUN_N / (16 / BUS_RUN_SHARE));
  g_assert_cmpuint (publisher->peer->ledger.n_tickets, ==, 1);
  assert_deliveries (reader, 1, "1 2 3 4 5 6 7 8 9 10");
  run_assert_credit (publisher, RUN_N);
  client_credit (reader, 1, 100 + 2, 100000 + 4 * 2);
  run_assert_credit (publisher, RUN_N - 2);
  client_credit (reader, 1, 100 + 5, 100000 + 4 * 5);
  run_assert_credit (publisher, RUN_N - 4);
  client_credit (reader, 1, 100 + RUN_N, 100000 + 4 * RUN_N);
  run_assert_credit (publisher, 0);
  g_assert_cmpuint (publisher->peer->ledger.n_tickets, ==, 0);
  core_teardown (&core, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/bus-run/fanout", test_fanout);
  g_test_add_func ("/bus-run/ends", test_ends);
  g_test_add_func ("/bus-run/B02-B04-full-inside-of-a-run", test_full);
  g_test_add_func ("/bus-run/settled", test_settled);
  g_test_add_func ("/bus-run/group", test_group);
  g_test_add_func ("/bus-run/share-of-the-window", test_share);
  return g_test_run ();
}

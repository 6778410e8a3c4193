/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-overflow.h"
#include "memory-fixture.h"
#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "queue/bus-flow-credit.h"
#include "queue/bus-unsettled.h"
#include "run-fixture.h"

/* Runs of messages whose credit cannot be withheld, because there is no memory for a ticket or for a record: each message is lost
 * for the subscription that blocks, and its publisher gets its credit back. */

static const gsize ticket = sizeof (BusTicket);
static const gsize record = G_STRUCT_OFFSET (BusSent, delivery);

/* With an open window each gap is sent at once. */
#define ALL_LOST                                                                                                       \
  "[1-1:1 no-memory] [2-2:1 no-memory] [3-3:1 no-memory] [4-4:1 no-memory] [5-5:1 no-memory] [6-6:1 no-memory] "       \
  "[7-7:1 no-memory] [8-8:1 no-memory] [9-9:1 no-memory] [10-10:1 no-memory]"

static Client *
reader_new (Core *core, const char *id, const char *group, guint policy, guint64 window_messages)
{
  Client *reader = tool_ready (core, id);

  client_subscribe_with (reader, .subscription = 1, .pattern = "events.#", .policy = policy, .group = group,
                         .window_messages = window_messages, .window_bytes = 100000);
  return reader;
}

/* The publisher has sent a first message, which has made its allowance. */
static Client *
publisher_new (Core *core)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");

  run_publish_at_once (publisher, "events.none", 1);
  return publisher;
}

static void
publish (Core *core, Client *publisher, gsize size)
{
  core_mark (core);
  memory_use_up (&core->core->quota.cells, size);
  run_publish_at_once (publisher, RUN_TOPIC, RUN_N);
  memory_give_back (&core->core->quota.cells);
}

static void
test_one (gconstpointer size)
{
  Core core;
  Client *publisher, *reader;

  core_setup (&core, NULL);
  publisher = publisher_new (&core);
  reader = reader_new (&core, "tool-1", NULL, BUS_OVERFLOW_BLOCK, 100);
  publish (&core, publisher, *(const gsize *) size);
  core_advance (&core, 2 * G_USEC_PER_SEC);
  assert_deliveries (reader, 1, ALL_LOST);
  run_assert_credit (publisher, 0);
  core_teardown (&core, NULL);
}

static void
test_several (gconstpointer size)
{
  Core core;
  Client *publisher, *readers[2];

  core_setup (&core, NULL);
  publisher = publisher_new (&core);
  readers[0] = reader_new (&core, "tool-1", NULL, BUS_OVERFLOW_BLOCK, 100);
  readers[1] = reader_new (&core, "tool-2", NULL, BUS_OVERFLOW_DROP_OLDEST, 100);
  publish (&core, publisher, *(const gsize *) size);
  core_advance (&core, 2 * G_USEC_PER_SEC);
  assert_deliveries (readers[0], 1, ALL_LOST);
  assert_deliveries (readers[1], 1, "1 2 3 4 5 6 7 8 9 10");
  run_assert_credit (publisher, 0);
  core_teardown (&core, NULL);
}

static void
test_group (gconstpointer size)
{
  Core core;
  Client *publisher, *member;

  core_setup (&core, NULL);
  publisher = publisher_new (&core);
  member = reader_new (&core, "tool-1", "crew", BUS_OVERFLOW_BLOCK, 100);
  publish (&core, publisher, *(const gsize *) size);
  core_advance (&core, 2 * G_USEC_PER_SEC);
  assert_deliveries (member, 1, ALL_LOST);
  run_assert_credit (publisher, 0);
  core_teardown (&core, NULL);
}

/* There is memory for the ticket of one member, but not for that of the other. */
static void
test_group_in_part (void)
{
#ifdef BUS_CELLS_ARE_BLOCKS
  g_test_skip ("with AddressSanitizer cells are blocks of malloc");
#else
  Core core;
  Client *publisher, *members[2];

  core_setup (&core, NULL);
  publisher = publisher_new (&core);
  members[0] = reader_new (&core, "tool-1", "crew", BUS_OVERFLOW_BLOCK, 100);
  members[1] = reader_new (&core, "tool-2", "crew", BUS_OVERFLOW_BLOCK, 100);
  core_mark (&core);
  memory_use_up (&core.core->quota.cells, ticket);
  memory_give_back_one (&core.core->quota.cells);
  run_publish_at_once (publisher, RUN_TOPIC, 4);
  memory_give_back (&core.core->quota.cells);
  assert_deliveries (members[0], 1, "1 3");
  assert_deliveries (members[1], 1, "[2-2:1 no-memory] [4-4:1 no-memory]");
  run_assert_credit (publisher, 2);
  core_teardown (&core, NULL);
#endif
}

/* A run that waits is not sent as long as no record can be made for it. */
static void
test_waits (void)
{
  Core core;
  Client *publisher, *reader;

  core_setup (&core, NULL);
  publisher = publisher_new (&core);
  reader = reader_new (&core, "tool-1", NULL, BUS_OVERFLOW_BLOCK, 3);
  core_mark (&core);
  run_publish_at_once (publisher, RUN_TOPIC, RUN_N);
  memory_use_up (&core.core->quota.cells, record);
  client_credit (reader, 1, 3 + 2, 100000 + 4 * 2);
  assert_deliveries (reader, 1, "1 2 3");
  memory_give_back (&core.core->quota.cells);
  core_advance (&core, G_USEC_PER_SEC);
  assert_deliveries (reader, 1, "1 2 3 4 5");
  run_assert_credit (publisher, RUN_N);
  client_credit (reader, 1, 3 + 5, 100000 + 4 * 5);
  assert_deliveries (reader, 1, "1 2 3 4 5 6 7 8");
  core_teardown (&core, NULL);
}

/* Messages that wait alone are not sent as long as no entry can be made for them; the timer finds them. */
static void
test_entries (void)
{
  BusSubscription *subscription;
  Core core;
  Client *publisher, *reader;

  core_setup (&core, NULL);
  publisher = publisher_new (&core);
  reader = reader_new (&core, "tool-1", NULL, BUS_OVERFLOW_BLOCK, 3);
  core_mark (&core);
  run_publish (publisher, RUN_TOPIC, RUN_N);
  assert_deliveries (reader, 1, "1 2 3");
  memory_use_up (&core.core->quota.cells, sizeof (BusEntry));
  /* An input call would make objects of the same class. */
  subscription = run_subscription_of (reader);
  bus_window_set_granted (&subscription->window, 3 + 2, 100000 + 4 * 2, subscription->delivered);
  bus_flow_credit (&reader->peer->flow, subscription, core.now_us);
  g_assert_cmpuint (subscription->delivered, ==, 3);
  memory_give_back (&core.core->quota.cells);
  core_advance (&core, G_USEC_PER_SEC);
  assert_deliveries (reader, 1, "1 2 3 4 5");
  run_assert_credit (publisher, RUN_N - 2);
  core_teardown (&core, NULL);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_data_func ("/bus-run-memory/R10-ticket/one", &ticket, test_one);
  g_test_add_data_func ("/bus-run-memory/R10-ticket/several", &ticket, test_several);
  g_test_add_data_func ("/bus-run-memory/R10-ticket/group", &ticket, test_group);
  g_test_add_func ("/bus-run-memory/R10-ticket/group-in-part", test_group_in_part);
  g_test_add_data_func ("/bus-run-memory/R10-record/one", &record, test_one);
  g_test_add_data_func ("/bus-run-memory/R10-record/several", &record, test_several);
  g_test_add_data_func ("/bus-run-memory/R10-record/group", &record, test_group);
  g_test_add_func ("/bus-run-memory/R10-record/waits", test_waits);
  g_test_add_func ("/bus-run-memory/R10-entries", test_entries);
  return g_test_run ();
}

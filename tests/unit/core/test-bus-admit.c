/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-peer.h"
#include "queue/bus-room.h"
#include "base/bus-overflow.h"
#include "peer/bus-state.h"
#include "core-pressure.h"

/* The policies: the messages that are lost at each bound, the places of their gaps, and the answers to the publisher. */

#define TOPIC "events.process.lifecycle"
#define SIZE  40000u /* bytes of each payload; the rest of a frame has less than 200 */

/* Settings with which two messages are sent at once and three can wait. */
typedef struct
{
  const char *name;
  gboolean is_stopped; /* its lane has no room; FALSE: it has no credit */
  guint64 queue_messages;
  guint64 queue_bytes;
  guint64 hard_bytes;
  guint64 hard_messages;
  BusLimit limit; /* in the answer */
} Room;

static const Room rooms[] = {
  { .name = "credit-messages", .queue_messages = 3, .limit = BUS_LIMIT_subscription_queue_messages },
  { .name = "credit-bytes", .queue_bytes = 7 * SIZE / 2, .limit = BUS_LIMIT_subscription_queue_bytes },
  { .name = "credit-hard-bytes", .hard_bytes = 7 * SIZE / 2, .limit = BUS_LIMIT_queue_hard_bytes },
  { .name = "credit-hard-messages", .hard_messages = 3, .limit = BUS_LIMIT_queue_hard_messages },
  { .name = "lane-messages", .is_stopped = TRUE, .queue_messages = 3, .limit = BUS_LIMIT_subscription_queue_messages },
  { .name = "lane-bytes",
    .is_stopped = TRUE,
    .queue_bytes = 7 * SIZE / 2,
    .limit = BUS_LIMIT_subscription_queue_bytes },
  { .name = "lane-hard-bytes", .is_stopped = TRUE, .hard_bytes = 11 * SIZE / 2, .limit = BUS_LIMIT_queue_hard_bytes },
  { .name = "lane-hard-messages", .is_stopped = TRUE, .hard_messages = 3, .limit = BUS_LIMIT_queue_hard_messages },
};

/* The outcome of eight messages with these settings. */
typedef struct
{
  const char *name;
  guint policy;
  const char *deliveries;
  const char *acks;
} Fate;

#define ALL_QUEUED "1/1/0 1/1/0 1/1/0 1/1/0 1/1/0 1/1/0 1/1/0 1/1/0"
#define LAST_THREE "1/1/0 1/1/0 1/1/0 1/1/0 1/1/0 "
#define DROPPED    "1/0/0 1/0/0 1/0/0"
#define REFUSED    "1/0/1! 1/0/1! 1/0/1!"

static const Fate fates[] = {
  { "B01-M08-drop-oldest", BUS_OVERFLOW_DROP_OLDEST, "1 2 [3-5:3 full] 6 7 8", ALL_QUEUED },
  { "B02-M08-drop-newest", BUS_OVERFLOW_DROP_NEWEST, "1 2 3 4 5 [6-8:3 full]", LAST_THREE DROPPED },
  { "B03-M08-error", BUS_OVERFLOW_ERROR, "1 2 3 4 5 [6-8:3 refused]", LAST_THREE REFUSED },
  { "B04-M08-block", BUS_OVERFLOW_BLOCK, "1 2 3 4 5 6 7 8", ALL_QUEUED }, /* its credit is withheld */
  { "M08-conflate", BUS_OVERFLOW_CONFLATE, "1 2 [3-5:3 full] 6 7 8", ALL_QUEUED },
};

static void
setup_room (Core *core, const Room *room)
{
  BusLimits limits;

  bus_limits_init (&limits);
  limits.queue_soft_bytes = 3 * SIZE; /* half of it may be encoded: two messages */
  if (room->hard_bytes != 0)
    limits.queue_hard_bytes = room->hard_bytes;
  if (room->hard_messages != 0)
    limits.queue_hard_messages = room->hard_messages;
  core_setup (core, &limits);
}

static void
publish_to_own_topics (Client *publisher, guint from, guint to)
{
  for (guint i = from; i <= to; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.process.t%u", i);

      client_publish_many (publisher, topic, 1, SIZE);
    }
}

static Client *
subscriber_in (Core *core, const Room *room, guint policy)
{
  Client *slow = tool_ready (core, "slow");

  client_subscribe_with (slow, .subscription = 1, .pattern = "events.process.#", .policy = policy,
                         .window_messages = room->is_stopped ? 0 : 2, .queue_messages = room->queue_messages,
                         .queue_bytes = room->queue_bytes);
  slow->is_stopped = room->is_stopped;
  return slow;
}

static void
test_fate (gconstpointer data)
{
  const Room *room = &rooms[GPOINTER_TO_UINT (data) / G_N_ELEMENTS (fates)];
  const Fate *fate = &fates[GPOINTER_TO_UINT (data) % G_N_ELEMENTS (fates)];
  Client *publisher, *slow;
  g_autofree char *more = g_strconcat (fate->deliveries, " 9", NULL);
  Core core;

  setup_room (&core, room);
  publisher = client_ready (&core, "procmond-1", "procmond");
  slow = subscriber_in (&core, room, fate->policy);
  core_mark (&core);
  publish_to_own_topics (publisher, 1, 8);
  assert_acks (publisher, fate->acks);
  g_assert_cmpuint (slow->peer->flow.waiting_messages, ==, fate->policy == BUS_OVERFLOW_BLOCK ? 6 : 3);
  g_assert_false (slow->closed);

  client_catch_up (slow, 1);
  assert_deliveries (slow, 1, fate->deliveries);
  /* Later messages are delivered as usual, and no credit is withheld any more. */
  client_publish_many (publisher, TOPIC, 1, 1);
  assert_deliveries (slow, 1, more);
  client_return_all (slow, 1);
  g_assert_cmpuint (bus_ledger_allowance (&publisher->peer->ledger, WIRE_CLASS_MAY_DROP)->held_messages, ==, 0);
  core_teardown (&core, NULL);
}

/* A refusal names the bound, and by how much it was exceeded. */
static void
test_excess (gconstpointer data)
{
  const Room *room = data;
  Client *publisher, *slow;
  BusExcess excess;
  Core core;

  setup_room (&core, room);
  publisher = client_ready (&core, "procmond-1", "procmond");
  slow = subscriber_in (&core, room, BUS_OVERFLOW_ERROR);
  publish_to_own_topics (publisher, 1, 8);
  {
    const BusNeed need = { .len = SIZE, .lane = WIRE_LANE_DATA, .now_us = core.now_us };
    const BusSubscription *subscription = bus_subscriptions_find (&slow->peer->subscriptions, 1);

    g_assert_true (bus_room_excess (&slow->peer->flow, subscription, &need, &excess));
  }
  g_assert_cmpuint (excess.limit, ==, room->limit);
  g_assert_cmpuint (excess.value, >, excess.most);
  core_teardown (&core, NULL);
}

/* A queue that was above the soft limit for too long is bounded by the soft limit, until it has been below it. */
static const Fate soft_fates[] = {
  { "B01-drop-oldest", BUS_OVERFLOW_DROP_OLDEST, "1 2 [3-4:2 full] 5 6 7", "1/1/0 1/1/0" },
  { "B02-drop-newest", BUS_OVERFLOW_DROP_NEWEST, "1 2 3 4 5 [6-7:2 full]", "1/0/0 1/0/0" },
  { "B03-error", BUS_OVERFLOW_ERROR, "1 2 3 4 5 [6-7:2 refused]", "1/0/1! 1/0/1!" },
  { "B04-block", BUS_OVERFLOW_BLOCK, "1 2 3 4 5 6 7", "1/1/0 1/1/0" },
  { "M08-conflate", BUS_OVERFLOW_CONFLATE, "1 2 [3-4:2 full] 5 6 7", "1/1/0 1/1/0" },
};

static void
test_soft_limit (gconstpointer data)
{
  const Fate *fate = data;
  Client *publisher, *slow;
  BusLimits limits;
  Core core;

  bus_limits_init (&limits);
  limits.queue_soft_bytes = 5 * SIZE / 2;
  limits.longest_block_us = 60 * G_TIME_SPAN_SECOND;
  core_setup (&core, &limits);
  publisher = client_ready (&core, "procmond-1", "procmond");
  slow = subscriber_in (&core, &(Room){ .name = "soft" }, fate->policy);
  core_mark (&core);
  publish_to_own_topics (publisher, 1, 5);
  core_advance (&core, (gint64) limits.queue_soft_timeout_us);
  assert_acks (publisher, "1/1/0 1/1/0 1/1/0 1/1/0 1/1/0");
  publish_to_own_topics (publisher, 6, 7);
  assert_acks (publisher, fate->acks);
  client_catch_up (slow, 1);
  assert_deliveries (slow, 1, fate->deliveries);
  core_teardown (&core, NULL);
}

/* When the queue falls below the limit, the time begins again. */
static void
test_time_restarts_below_the_limit (void)
{
  Client *publisher, *slow;
  BusLimits limits;
  Core core;

  bus_limits_init (&limits);
  limits.queue_soft_bytes = 5 * SIZE / 2;
  core_setup (&core, &limits);
  publisher = client_ready (&core, "procmond-1", "procmond");
  slow = subscriber_in (&core, &(Room){ .name = "soft" }, BUS_OVERFLOW_DROP_NEWEST);
  core_mark (&core);
  client_publish_many (publisher, TOPIC, 5, SIZE);
  core_advance (&core, (gint64) limits.queue_soft_timeout_us - 1);
  client_return (slow, 1, 1, SIZE);
  client_publish_many (publisher, TOPIC, 1, SIZE);
  core_advance (&core, 1);
  client_publish_many (publisher, TOPIC, 1, SIZE);
  client_catch_up (slow, 1);
  assert_deliveries (slow, 1, "1 2 3 4 5 6 7");
  core_teardown (&core, NULL);
}

/* --- conflate --- */

static void
test_conflate (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *slow = client_ready (core, "slow", "netmond");

  client_subscribe_with (slow, .subscription = 1, .pattern = "events.process.#", .policy = BUS_OVERFLOW_CONFLATE,
                         .window_messages = 1);
  core_mark (core);
  client_publish_letters (publisher, "aabacba");
  assert_acks (publisher, "1/1/0 1/1/0 1/1/0 1/1/0 1/1/0 1/1/0 1/1/0");
  client_catch_up (slow, 1);
  /* The last message of each topic, in the order of their arrival. */
  assert_deliveries (slow, 1, "1 [2-4:3 full] 5 6 7");
}

/* A message in a lane, with its credit but not encoded yet, can still be replaced. */
static void
test_conflate_in_a_lane (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *stopped = client_ready (core, "stopped", "netmond");

  client_subscribe_with (stopped, .subscription = 1, .pattern = "events.process.#", .policy = BUS_OVERFLOW_CONFLATE,
                         .window_bytes = 1u << 26);
  client_subscribe_with (stopped, .subscription = 2, .pattern = TOPIC, .window_bytes = 1u << 26);
  stopped->is_stopped = TRUE;
  client_publish_many (publisher, "events.process.x", 7, SIZE); /* encoded: above 256 KiB */
  core_mark (core);
  client_publish_letters (publisher, "abcabb");
  client_publish_many (publisher, TOPIC, 2, 10);
  stopped->is_stopped = FALSE;
  core_flush (core);
  assert_deliveries (stopped, 1, "[1-2:2 full] 3 4 [5-5:1 full] 6 [7-7:1 full] 8");
  assert_deliveries (stopped, 2, "7 8");
}

/* Messages are conflated by topic, also if their sizes put them in different lanes. */
static void
test_conflate_across_lanes (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *slow = client_ready (core, "slow", "netmond");

  client_subscribe_with (slow, .subscription = 1, .pattern = "health.#", .window_messages = 1);
  core_mark (core);
  client_publish_many (publisher, "health.a", 2, 10);
  client_publish_many (publisher, "health.a", 1, 20000);
  client_publish_many (publisher, "health.b", 1, 20000);
  client_publish_many (publisher, "health.b", 1, 10);
  client_catch_up (slow, 1);
  assert_deliveries (slow, 1, "1 [2-2:1 full] 3 [4-4:1 full] 5");
}

/* --- bounds --- */

static void
test_one_larger_than_the_bound (gconstpointer data)
{
  const Fate *fate = data;
  Client *publisher, *slow;
  Core core;

  core_setup (&core, NULL);
  publisher = client_ready (&core, "procmond-1", "procmond");
  slow = subscriber_in (&core, &(Room){ .name = "small", .queue_bytes = 1000 }, fate->policy);
  core_mark (&core);
  client_publish_many (publisher, TOPIC, 4, SIZE);
  assert_acks (publisher, fate->acks);
  client_catch_up (slow, 1);
  assert_deliveries (slow, 1, fate->deliveries);
  core_teardown (&core, NULL);
}

static const Fate alone_fates[] = {
  { "drop-oldest", BUS_OVERFLOW_DROP_OLDEST, "1 2 [3-3:1 full] 4", "1/1/0 1/1/0 1/1/0 1/1/0" },
  { "drop-newest", BUS_OVERFLOW_DROP_NEWEST, "1 2 3 [4-4:1 full]", "1/1/0 1/1/0 1/1/0 1/0/0" },
  { "error", BUS_OVERFLOW_ERROR, "1 2 3 [4-4:1 refused]", "1/1/0 1/1/0 1/1/0 1/0/1!" },
  { "block", BUS_OVERFLOW_BLOCK, "1 2 3 4", "1/1/0 1/1/0 1/1/0 1/1/0" },
  { "conflate", BUS_OVERFLOW_CONFLATE, "1 2 [3-3:1 full] 4", "1/1/0 1/1/0 1/1/0 1/1/0" },
};

/* A subscription without credit fills the queue of its peer: the other subscription of that peer still gets everything. */
static void
test_paused_does_not_hold_up_others (gconstpointer data)
{
  const Fate *fate = data;
  /* Messages that are being encoded for the other subscription count as well. */
  const Room room = { .name = "paused", .hard_bytes = 9 * SIZE / 2 };
  Client *publisher, *slow;
  Core core;

  setup_room (&core, &room);
  publisher = client_ready (&core, "procmond-1", "procmond");
  slow = subscriber_in (&core, &room, fate->policy);
  client_subscribe_with (slow, .subscription = 2, .pattern = "events.#");
  core_mark (&core);
  publish_to_own_topics (publisher, 1, 8);
  assert_deliveries (slow, 2, "1 2 3 4 5 6 7 8");
  client_catch_up (slow, 1);
  assert_deliveries (slow, 1, fate->deliveries);
  core_teardown (&core, NULL);
}

/* Messages that hold credit of their publishers do not use the room of the peer's other subscriptions. */
static void
test_held_is_not_counted (gconstpointer data)
{
  const Room *room = data;
  Client *publisher, *slow;
  Core core;

  setup_room (&core, room);
  publisher = client_ready (&core, "procmond-1", "procmond");
  slow = subscriber_in (&core, room, BUS_OVERFLOW_BLOCK);
  client_subscribe_with (slow, .subscription = 2, .pattern = "events.#", .policy = BUS_OVERFLOW_DROP_NEWEST,
                         .window_messages = 2);
  core_mark (&core);
  publish_to_own_topics (publisher, 1, 8);
  g_assert_cmpuint (slow->peer->flow.waiting_messages, ==, 6 + 3);
  g_assert_cmpuint (slow->peer->flow.held_messages, ==, 6);
  client_catch_up (slow, 1);
  client_catch_up (slow, 2);
  assert_deliveries (slow, 1, "1 2 3 4 5 6 7 8");
  assert_deliveries (slow, 2, "1 2 3 4 5 [6-8:3 full]");
  g_assert_cmpuint (slow->peer->flow.held_bytes, ==, 0);
  core_teardown (&core, NULL);
}

/* No credit is held for a peer's own messages, so its bounds apply to them. */
static void
test_own_messages_have_bounds (Core *core, gconstpointer data)
{
  Client *own = tool_ready (core, "own");

  client_subscribe_with (own, .subscription = 1, .pattern = "health.#", .policy = BUS_OVERFLOW_BLOCK,
                         .window_messages = 2, .queue_messages = 3);
  core_mark (core);
  client_publish_many (own, "health.status", 8, 10);
  g_assert_cmpuint (own->peer->flow.held_messages, ==, 0);
  client_catch_up (own, 1);
  assert_deliveries (own, 1, "1 2 3 4 5 [6-8:3 refused]");
}

static void
add_all (const char *where, const Fate *list, GTestDataFunc function)
{
  for (guint i = 0; i < G_N_ELEMENTS (fates); i++)
    {
      g_autofree char *path = g_strdup_printf ("/core/admit/%s/%s", where, list[i].name);

      g_test_add_data_func (path, &list[i], function);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (rooms) * G_N_ELEMENTS (fates); i++)
    {
      g_autofree char *path = g_strdup_printf ("/core/admit/%s/%s", fates[i % G_N_ELEMENTS (fates)].name,
                                               rooms[i / G_N_ELEMENTS (fates)].name);

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_fate);
    }
  for (guint i = 0; i < G_N_ELEMENTS (rooms); i++)
    {
      g_autofree char *path = g_strdup_printf ("/core/admit/R04-excess/%s", rooms[i].name);

      g_test_add_data_func (path, &rooms[i], test_excess);
    }
  add_all ("soft", soft_fates, test_soft_limit);
  g_test_add_func ("/core/admit/soft/time-restarts-below-the-limit", test_time_restarts_below_the_limit);
  g_test_add ("/core/admit/M08-conflate/topics", Core, NULL, core_setup, test_conflate, core_teardown);
  g_test_add ("/core/admit/M08-conflate/in-a-lane", Core, NULL, core_setup, test_conflate_in_a_lane, core_teardown);
  g_test_add ("/core/admit/M08-conflate/across-lanes", Core, NULL, core_setup, test_conflate_across_lanes,
              core_teardown);
  add_all ("larger-than-the-bound", alone_fates, test_one_larger_than_the_bound);
  g_test_add_data_func ("/core/admit/B04-B06-held-is-not-counted/bytes", &rooms[2], test_held_is_not_counted);
  g_test_add_data_func ("/core/admit/B04-B06-held-is-not-counted/messages", &rooms[3], test_held_is_not_counted);
  g_test_add ("/core/admit/B07-own-messages-have-bounds", Core, NULL, core_setup, test_own_messages_have_bounds,
              core_teardown);
  add_all ("paused", fates, test_paused_does_not_hold_up_others);
  return g_test_run ();
}

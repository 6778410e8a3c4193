/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-overflow.h"
#include "calls/bus-budget.h"
#include "peer/bus-state.h"
#include "control.pb-c.h"
#include "core-pressure.h"

/* Changes of the policy and the bounds of a full subscription, and settings that the members of a group share. */

#define SIZE 40000u

static void
publish_to_own_topics (Client *publisher, guint from, guint to)
{
  for (guint i = from; i <= to; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.process.t%u", i);

      client_publish_many (publisher, topic, 1, SIZE);
    }
}

static BusSubscription *
subscription_of (const Client *client, guint32 subscription)
{
  return bus_subscriptions_find (&client->peer->subscriptions, subscription);
}

/* --- every policy to every other one, while it is full --- */

/* The outcome for six messages: one was sent and four wait when a call leaves room for two, and one is published afterwards (as
 * number 7, because the call uses number 6). */
typedef struct
{
  guint64 dropped;
  const char *credit; /* deliveries if the subscriber reads: a gap with nothing in front of it is sent at once */
  const char *lane;
} After;

static const After after[] = {
  [BUS_OVERFLOW_BLOCK] = { 0, "1 2 3 4 5 7", "1 2 3 4 5 7" }, /* the publisher's credit is withheld instead */
  [BUS_OVERFLOW_DROP_OLDEST] = { 2, "1 [2-3:2 full] [4-4:1 full] 5 7", "1 [2-4:3 full] 5 7" },
  [BUS_OVERFLOW_DROP_NEWEST] = { 2, "1 2 3 [4-7:3 full]", "1 2 3 [4-7:3 full]" },
  [BUS_OVERFLOW_ERROR] = { 0, "1 2 3 4 5 [7-7:1 refused]", "1 2 3 4 5 [7-7:1 refused]" },
  [BUS_OVERFLOW_CONFLATE] = { 2, "1 [2-3:2 full] [4-4:1 full] 5 7", "1 [2-4:3 full] 5 7" },
};

/* Messages that were accepted under block stop withholding credit: the policy error keeps those that fit. */
static const After block_to_error = { 2, "1 2 3 [4-7:3 refused]", "1 2 3 [4-7:3 refused]" };

typedef struct
{
  guint from;
  guint to;
  gboolean by_bytes;
  gboolean is_stopped; /* its lane has no room; FALSE: it has no credit */
} Change;

static Client *
full_subscriber (Core *core, const Change *change)
{
  Client *slow = tool_ready (core, "slow");

  client_subscribe_with (slow, .subscription = 1, .pattern = "events.process.#", .policy = change->from,
                         .window_messages = change->is_stopped ? 0 : 1, .queue_messages = 4);
  slow->is_stopped = change->is_stopped;
  return slow;
}

static void
test_change (gconstpointer data)
{
  const Change *change = data;
  const After *then
      = change->from == BUS_OVERFLOW_BLOCK && change->to == BUS_OVERFLOW_ERROR ? &block_to_error : &after[change->to];
  Client *publisher, *slow;
  guint64 dropped, held;
  BusLimits limits;
  Core core;

  bus_limits_init (&limits);
  limits.queue_soft_bytes = SIZE; /* half of it may be encoded: one message */
  core_setup (&core, &limits);
  publisher = client_ready (&core, "procmond-1", "procmond");
  slow = full_subscriber (&core, change);
  core_mark (&core);
  publish_to_own_topics (publisher, 1, 5);
  assert_acks (publisher, "1/1/0 1/1/0 1/1/0 1/1/0 1/1/0");
  g_assert_cmpuint (bus_ledger_allowance (&publisher->peer->ledger, WIRE_CLASS_MAY_DROP)->held_messages, ==,
                    change->from == BUS_OVERFLOW_BLOCK ? 5 : 0);

  dropped = client_adjust (slow, 1, change->to, change->by_bytes ? 0 : 2, change->by_bytes ? 5 * SIZE / 2 : 0,
                           WIRE_STATUS_OK);
  g_assert_cmpuint (dropped, ==, slow->is_stopped ? 0 : then->dropped);
  held = change->from == BUS_OVERFLOW_BLOCK && change->to == BUS_OVERFLOW_BLOCK ? 5 : 0;
  g_assert_cmpuint (bus_ledger_allowance (&publisher->peer->ledger, WIRE_CLASS_MAY_DROP)->held_messages, ==, held);
  g_assert_cmpuint (slow->peer->flow.missed, ==, then->dropped);

  publish_to_own_topics (publisher, 7, 7);
  client_catch_up (slow, 1);
  assert_deliveries (slow, 1, change->is_stopped ? then->lane : then->credit);
  g_assert_cmpuint (bus_ledger_allowance (&publisher->peer->ledger, WIRE_CLASS_MAY_DROP)->held_messages, ==, 0);
  core_teardown (&core, NULL);
}

/* The subscription is within its own bounds, but exceeds the bound of its peer for messages without credit. */
static void
test_adjust_above_the_bound_of_the_peer (gconstpointer data)
{
  const guint policy = GPOINTER_TO_UINT (data);
  Client *publisher, *slow;
  BusLimits limits;
  Core core;

  bus_limits_init (&limits);
  limits.queue_hard_messages = 16;
  core_setup (&core, &limits);
  publisher = client_ready (&core, "procmond-1", "procmond");
  slow = tool_ready (&core, "slow");
  client_subscribe_with (slow, .subscription = 1, .pattern = "events.process.#", .policy = BUS_OVERFLOW_BLOCK,
                         .window_messages = 1);
  core_mark (&core);
  publish_to_own_topics (publisher, 1, 40);
  g_assert_cmpuint (slow->peer->flow.waiting_messages, ==, 39);
  g_assert_cmpuint (client_adjust (slow, 1, policy, 0, 0, WIRE_STATUS_OK), ==, 39 - 16);
  g_assert_cmpuint (slow->peer->flow.waiting_messages, ==, 16);
  g_assert_cmpuint (slow->peer->flow.held_messages, ==, 0);
  core_teardown (&core, NULL);
}

/* The work that a collector causes by changes of settings or requests for statistics is bounded; that of other peers is not. */
static void
test_work_is_bounded (void)
{
  Daemoneye__Eventbus__V1__StatsRequest request = DAEMONEYE__EVENTBUS__V1__STATS_REQUEST__INIT;
  Client *publisher, *slow, *tool;
  g_autoptr (Got) refused = NULL;
  g_autoptr (Got) good = NULL;
  BusLimits limits;
  Core core;
  guint n = 0;

  bus_limits_init (&limits);
  limits.introspect_work_per_second = 100000;
  core_setup (&core, &limits);
  publisher = client_ready (&core, "procmond-1", "procmond");
  slow = client_ready (&core, "slow", "procmond");
  tool = tool_ready (&core, "tool");
  client_subscribe_with (slow, .subscription = 1, .pattern = "events.process.#", .policy = BUS_OVERFLOW_DROP_OLDEST,
                         .window_messages = 1, .queue_messages = 2000);
  client_subscribe_with (tool, .subscription = 1, .pattern = "events.process.#");
  core_mark (&core);
  client_publish_many (publisher, "events.process.lifecycle", 2000, 10);
  for (core_advance (&core, G_USEC_PER_SEC); core.core->budget->work < limits.introspect_work_per_second; n++)
    client_adjust (slow, 1, n % 2 == 0 ? BUS_OVERFLOW_DROP_NEWEST : BUS_OVERFLOW_DROP_OLDEST, 2000, 0, WIRE_STATUS_OK);
  g_assert_cmpuint (n, >, 2);
  g_assert_cmpuint (n, <, 20);
  client_adjust (slow, 1, BUS_OVERFLOW_DROP_NEWEST, 1, 0, WIRE_STATUS_LIMIT);
  refused = client_call (slow, "control.bus.stats", &request.base, WIRE_STATUS_LIMIT);
  client_adjust (tool, 1, BUS_OVERFLOW_ERROR, 0, 0, WIRE_STATUS_OK);
  good = client_call (tool, "control.bus.stats", &request.base, WIRE_STATUS_OK);
  core_advance (&core, G_USEC_PER_SEC);
  client_adjust (slow, 1, BUS_OVERFLOW_DROP_NEWEST, 100, 0, WIRE_STATUS_OK);
  client_catch_up (slow, 1);
  core_teardown (&core, NULL);
}

static void
add_changes (void)
{
  for (guint from = BUS_OVERFLOW_BLOCK; from <= BUS_OVERFLOW_LAST; from++)
    for (guint to = BUS_OVERFLOW_BLOCK; to <= BUS_OVERFLOW_LAST; to++)
      for (guint way = 0; way < 4; way++)
        {
          Change *change = g_new (Change, 1);
          g_autofree char *path
              = g_strdup_printf ("/core/adjust/B08/%s/%s/%s-%s", bus_overflow_name (from), bus_overflow_name (to),
                                 way & 1 ? "bytes" : "messages", way & 2 ? "lane" : "credit");

          *change = (Change){ from, to, (way & 1) != 0, (way & 2) != 0 };
          g_test_add_data_func_full (path, change, test_change, g_free);
        }
}

/* --- one by one --- */

/* Waiting messages are conflated at once, and again after a time with another policy. */
static void
test_to_conflate (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *slow = client_ready (core, "slow", "netmond");

  client_subscribe_with (slow, .subscription = 1, .pattern = "events.process.#", .window_messages = 1);
  core_mark (core);
  client_publish_letters (publisher, "xabacb");
  g_assert_cmpuint (client_adjust (slow, 1, BUS_OVERFLOW_CONFLATE, 0, 0, WIRE_STATUS_OK), ==, 2); /* number 7 */
  client_publish_letters (publisher, "c");
  g_assert_cmpuint (client_adjust (slow, 1, BUS_OVERFLOW_DROP_OLDEST, 0, 0, WIRE_STATUS_OK), ==, 0); /* number 9 */
  client_publish_letters (publisher, "aa");
  g_assert_cmpuint (client_adjust (slow, 1, BUS_OVERFLOW_CONFLATE, 0, 0, WIRE_STATUS_OK), ==, 2); /* number 12 */
  client_publish_letters (publisher, "b");
  client_catch_up (slow, 1);
  /* Dropped: 2 a and 3 b by the first change, 5 c by 8 c, 4 a and 10 a by the last change, 6 b by 13 b. */
  assert_deliveries (slow, 1, "1 [2-3:2 full] [4-5:2 full] [6-6:1 full] 8 [10-10:1 full] 11 13");
}

static void
test_in_force (Core *core, gconstpointer data)
{
  Client *client = client_ready (core, "one", "netmond");
  const BusBounds *bounds;

  client_subscribe_with (client, .subscription = 1, .pattern = "events.#");
  bounds = &subscription_of (client, 1)->bounds;
  g_assert_cmpuint (bounds->policy, ==, BUS_OVERFLOW_DROP_OLDEST);
  g_assert_cmpuint (bounds->messages, ==, 10000);
  g_assert_cmpuint (bounds->bytes, ==, 4194304);
  client_adjust (client, 1, 0, 7, 0, WIRE_STATUS_OK);
  client_adjust (client, 1, BUS_OVERFLOW_ERROR, 0, 0, WIRE_STATUS_OK);
  client_adjust (client, 1, 0, 0, 8, WIRE_STATUS_OK);
  g_assert_cmpuint (bounds->policy, ==, BUS_OVERFLOW_ERROR);
  g_assert_cmpuint (bounds->messages, ==, 7);
  g_assert_cmpuint (bounds->bytes, ==, 8);
}

static void
test_refused (Core *core, gconstpointer data)
{
  Client *client = client_ready (core, "one", "netmond");

  client_subscribe_with (client, .subscription = 1, .pattern = "events.#");
  client_subscribe_with (client, .subscription = 2, .pattern = "tasks.netmond", .serve = TRUE);
  client_adjust (client, 3, 0, 0, 0, WIRE_STATUS_NOT_SUBSCRIBED);
  client_adjust (client, 1, BUS_OVERFLOW_LAST + 1, 0, 0, WIRE_STATUS_UNSUPPORTED);
  client_adjust (client, 1, 0, 1048577, 0, WIRE_STATUS_LIMIT);
  client_adjust (client, 1, 0, 0, 268435457, WIRE_STATUS_LIMIT);
  client_adjust (client, 1, BUS_OVERFLOW_BLOCK, 0, 0, WIRE_STATUS_DENIED);
  client_adjust (client, 2, BUS_OVERFLOW_ERROR, 0, 0, WIRE_STATUS_UNSUPPORTED);
  g_assert_cmpuint (subscription_of (client, 1)->bounds.policy, ==, BUS_OVERFLOW_DROP_OLDEST);

  client_subscribe_with (client, .subscription = 4, .pattern = "events.#", .policy = BUS_OVERFLOW_LAST + 1,
                         .want = WIRE_STATUS_UNSUPPORTED);
  client_subscribe_with (client, .subscription = 4, .pattern = "events.#", .queue_messages = 1048577,
                         .want = WIRE_STATUS_LIMIT);
  client_subscribe_with (client, .subscription = 4, .pattern = "events.#", .queue_bytes = 268435457,
                         .want = WIRE_STATUS_LIMIT);
  client_subscribe_with (client, .subscription = 4, .pattern = "events.#", .policy = BUS_OVERFLOW_BLOCK,
                         .want = WIRE_STATUS_DENIED);
  client_subscribe_with (client, .subscription = 4, .pattern = "tasks.netmond", .serve = TRUE,
                         .policy = BUS_OVERFLOW_BLOCK, .want = WIRE_STATUS_BAD_MESSAGE);
}

/* A subscriber that requests no policy gets the policy of the pattern's domain. */
static void
test_defaults (void)
{
  static const struct
  {
    const char *pattern;
    BusOverflow policy;
  } rows[] = {
    { "events.#", BUS_OVERFLOW_DROP_OLDEST },
    { "tasks.netmond", BUS_OVERFLOW_BLOCK },
    { "tasks.#", BUS_OVERFLOW_BLOCK },
    { "results.procmond", BUS_OVERFLOW_BLOCK },
    { "health.#", BUS_OVERFLOW_CONFLATE },
    { "control.health.status", BUS_OVERFLOW_CONFLATE },
    { "control.health.#", BUS_OVERFLOW_CONFLATE },
    { "control.shutdown", BUS_OVERFLOW_DROP_NEWEST },
    { "control.#", BUS_OVERFLOW_DROP_NEWEST },
    { "control.healthy.x", BUS_OVERFLOW_DROP_NEWEST },
    { "system.#", BUS_OVERFLOW_DROP_OLDEST },
    { "+.process.#", BUS_OVERFLOW_DROP_OLDEST },
    { "#", BUS_OVERFLOW_DROP_OLDEST },
  };

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    g_assert_cmpuint (bus_overflow_of_pattern (wire_span_str (rows[i].pattern)), ==, rows[i].policy);
}

/* --- groups --- */

static void
test_group_has_one_policy (Core *core, gconstpointer data)
{
  Client *first = tool_ready (core, "first");
  Client *second = tool_ready (core, "second");
  Client *publisher = client_ready (core, "procmond-1", "procmond");

  client_subscribe_with (first, .subscription = 1, .pattern = "events.#", .group = "g",
                         .policy = BUS_OVERFLOW_DROP_NEWEST, .queue_messages = 2, .window_messages = 1);
  client_subscribe_with (second, .subscription = 1, .pattern = "events.#", .group = "g", .policy = BUS_OVERFLOW_ERROR,
                         .want = WIRE_STATUS_UNSUPPORTED);
  client_subscribe_with (second, .subscription = 1, .pattern = "events.#", .group = "g", .window_messages = 1);
  client_subscribe_with (second, .subscription = 2, .pattern = "events.+.other", .group = "g",
                         .policy = BUS_OVERFLOW_DROP_NEWEST, .queue_messages = 9);
  for (guint i = 1; i <= 2; i++)
    {
      g_assert_cmpuint (subscription_of (second, i)->bounds.policy, ==, BUS_OVERFLOW_DROP_NEWEST);
      g_assert_cmpuint (subscription_of (second, i)->bounds.messages, ==, 2);
    }

  /* Both members are full. A change by either one applies to all, and its answer counts the messages that all of them dropped. */
  core_mark (core);
  publish_to_own_topics (publisher, 1, 6);
  g_assert_cmpuint (client_adjust (second, 2, BUS_OVERFLOW_DROP_OLDEST, 1, 0, WIRE_STATUS_OK), ==, 2); /* number 7 */
  g_assert_cmpuint (subscription_of (first, 1)->bounds.policy, ==, BUS_OVERFLOW_DROP_OLDEST);
  g_assert_cmpuint (subscription_of (second, 2)->bounds.messages, ==, 1);
  client_catch_up (first, 1);
  client_catch_up (second, 1);
  assert_deliveries (first, 1, "1 [4-4:1 full] 6");
  assert_deliveries (second, 1, "2 [3-3:1 full] 5");

  /* A later member has the same policy, even if the first members have left. */
  client_disconnect (first);
  client_subscribe_with (second, .subscription = 3, .pattern = "events.#", .group = "g");
  g_assert_cmpuint (subscription_of (second, 3)->bounds.policy, ==, BUS_OVERFLOW_DROP_OLDEST);
}

/* A collector may block on its own tasks, but not on other topics in the same group. */
static void
test_group_is_no_way_around_the_right (Core *core, gconstpointer data)
{
  Client *client = client_ready (core, "one", "netmond");

  client_subscribe_with (client, .subscription = 1, .pattern = "+.netmond.#", .group = "g");
  client_subscribe_with (client, .subscription = 2, .pattern = "tasks.netmond.#", .group = "g");
  client_adjust (client, 2, BUS_OVERFLOW_BLOCK, 0, 0, WIRE_STATUS_DENIED);
  g_assert_cmpuint (subscription_of (client, 1)->bounds.policy, ==, BUS_OVERFLOW_DROP_OLDEST);
  g_assert_cmpuint (subscription_of (client, 2)->bounds.policy, ==, BUS_OVERFLOW_DROP_OLDEST);

  client_subscribe_with (client, .subscription = 3, .pattern = "tasks.netmond.#", .group = "work");
  g_assert_cmpuint (subscription_of (client, 3)->bounds.policy, ==, BUS_OVERFLOW_BLOCK);
  client_subscribe_with (client, .subscription = 4, .pattern = "+.netmond.#", .group = "work",
                         .want = WIRE_STATUS_DENIED);
}

/* Before this rule existed, a collector could join the group of another one and adjust the group to a queue of two messages;
 * then 48 of 50 messages for the other collector were dropped. */
static void
test_group_of_others (Core *core, gconstpointer data)
{
  Client *victim = client_ready (core, "victim", "netmond");
  Client *intruder = client_ready (core, "intruder", "fsmond");
  Client *publisher = client_ready (core, "procmond-1", "procmond");

  client_subscribe_with (victim, .subscription = 1, .pattern = "events.#", .group = "g", .window_messages = 1);
  client_adjust (victim, 1, BUS_OVERFLOW_DROP_OLDEST, 100, 0, WIRE_STATUS_OK); /* its only member */
  client_subscribe_with (intruder, .subscription = 1, .pattern = "events.#", .group = "g", .window_messages = 1);
  client_adjust (intruder, 1, BUS_OVERFLOW_DROP_NEWEST, 2, 0, WIRE_STATUS_DENIED);
  client_adjust (victim, 1, BUS_OVERFLOW_DROP_NEWEST, 2, 0, WIRE_STATUS_DENIED);
  g_assert_cmpuint (subscription_of (victim, 1)->bounds.messages, ==, 100);
  core_mark (core);
  publish_to_own_topics (publisher, 1, 50);
  client_catch_up (victim, 1);
  client_catch_up (intruder, 1);
  g_assert_cmpuint (subscription_of (victim, 1)->extra->missed + subscription_of (intruder, 1)->extra->missed, ==, 0);
  client_disconnect (intruder);
  client_adjust (victim, 1, BUS_OVERFLOW_DROP_NEWEST, 2, 0, WIRE_STATUS_OK);
}

/* Servers may have the name of a group of subscribers, but not its policy. */
static void
test_group_with_servers (Core *core, gconstpointer data)
{
  Client *server = client_ready (core, "server", "netmond");
  Client *client = client_ready (core, "client", "netmond");

  client_subscribe_with (server, .subscription = 1, .pattern = "tasks.netmond", .group = "g", .serve = TRUE);
  client_subscribe_with (client, .subscription = 1, .pattern = "events.#", .group = "g",
                         .policy = BUS_OVERFLOW_CONFLATE);
  g_assert_cmpuint (subscription_of (server, 1)->bounds.policy, ==, BUS_OVERFLOW_ERROR);
  client_subscribe_with (server, .subscription = 2, .pattern = "tasks.fsmond", .group = "g", .serve = TRUE);
  g_assert_cmpuint (subscription_of (server, 2)->bounds.policy, ==, BUS_OVERFLOW_ERROR);
  client_adjust (client, 1, BUS_OVERFLOW_DROP_NEWEST, 0, 0, WIRE_STATUS_OK);
  g_assert_cmpuint (subscription_of (server, 1)->bounds.policy, ==, BUS_OVERFLOW_ERROR);
}

/* Members with credit are picked first, then those with room to queue the message; otherwise the policy of the next member
 * decides. */
static void
test_group_picks (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *small = client_ready (core, "small", "netmond");
  Client *large = client_ready (core, "large", "netmond");

  client_subscribe_with (small, .subscription = 1, .pattern = "events.#", .group = "g", .window_messages = 1,
                         .queue_messages = 1);
  client_subscribe_with (large, .subscription = 1, .pattern = "events.#", .group = "g", .window_messages = 3);
  core_mark (core);
  publish_to_own_topics (publisher, 1, 4); /* 1 small, 2-4 large: both have no credit left */
  publish_to_own_topics (publisher, 5, 6); /* one waits for each */
  publish_to_own_topics (publisher, 7, 8); /* each drops the older one */
  assert_acks (publisher, "1/1/0 1/1/0 1/1/0 1/1/0 1/1/0 1/1/0 1/1/0 1/1/0");
  client_catch_up (large, 1);
  assert_deliveries (large, 1, "2 3 4 [6-6:1 full] 8");
  publish_to_own_topics (publisher, 9, 10); /* large has credit again */
  client_catch_up (small, 1);
  assert_deliveries (small, 1, "1 [5-5:1 full] 7");
  assert_deliveries (large, 1, "2 3 4 [6-6:1 full] 8 9 10");
}

#define ADD(path, function) g_test_add (path, Core, NULL, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  add_changes ();
  g_test_add_func ("/core/adjust/R09-work-is-bounded", test_work_is_bounded);
  for (guint i = BUS_OVERFLOW_DROP_OLDEST; i <= BUS_OVERFLOW_LAST; i++)
    {
      g_autofree char *path
          = g_strdup_printf ("/core/adjust/B08/above-the-bound-of-the-peer/%s", bus_overflow_name (i));

      g_test_add_data_func (path, GUINT_TO_POINTER (i), test_adjust_above_the_bound_of_the_peer);
    }
  ADD ("/core/adjust/B08/to-conflate", test_to_conflate);
  ADD ("/core/adjust/in-force", test_in_force);
  ADD ("/core/adjust/refused", test_refused);
  g_test_add_func ("/core/adjust/M08-defaults", test_defaults);
  ADD ("/core/adjust/group/one-policy", test_group_has_one_policy);
  ADD ("/core/adjust/group/A08-no-way-around", test_group_is_no_way_around_the_right);
  ADD ("/core/adjust/group/A08-of-others", test_group_of_others);
  ADD ("/core/adjust/group/with-servers", test_group_with_servers);
  ADD ("/core/adjust/group/picks", test_group_picks);
  return g_test_run ();
}

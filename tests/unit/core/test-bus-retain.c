/* SPDX-License-Identifier: Apache-2.0 */
#include "retain-fixture.h"

#include "control.pb-c.h"
#include "peer/bus-state.h"
#include "route/bus-catchup.h"
#include "wire-feature.h"

/*
 * Retained messages, from publish to late subscriber: the values that a new subscription gets, their order, and the messages
 * that clear a value or are refused.
 */

/* --- delivery --- */

static void
test_late_subscriber (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");
  g_autoptr (Got) got = NULL;

  client_publish_text (publisher, TOPIC, "before");
  client_retain (publisher, TOPIC, "kept");
  client_publish_text (publisher, TOPIC, "after");
  client_subscribe (late, 5, TOPIC, NULL);
  got = client_take (late, WIRE_KIND_DELIVER);
  g_assert_nonnull (got);
  g_assert_cmpmem (got->envelope.payload.data, got->envelope.payload.len, "kept", 4);
  g_assert_cmpuint (got->envelope.retained, ==, 1);
  g_assert_cmpuint (got->envelope.accept_seq, ==, 2);
  g_assert_cmpmem (got->envelope.sender.data, got->envelope.sender.len, "one", 3);
  assert_got (late, ".");
  client_publish_text (publisher, TOPIC, "live");
  assert_got (late, "live");
}

/* Existing subscriptions get the message like any other. */
static void
test_live_is_not_marked (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *reader = client_ready (core, "two", "procmond");

  client_subscribe (reader, 1, "health.#", NULL);
  client_retain (publisher, TOPIC, "a");
  client_retain (publisher, TOPIC, "");
  assert_got (reader, "a ");
}

/* A pattern gets the values of all topics that it matches, in the order of acceptance. */
static void
test_patterns (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");

  client_retain (publisher, TOPIC, "old");
  client_retain (publisher, OTHER, "cpu");
  client_retain (publisher, "health.disk.sda", "sda");
  client_retain (publisher, TOPIC, "disk");
  client_subscribe (late, 1, "health.#", NULL);
  assert_got (late, "cpu* sda* disk* .");
  client_subscribe (late, 2, "health.+", NULL);
  assert_got (late, "cpu* disk* .");
  client_subscribe (late, 3, "health.disk.#", NULL);
  assert_got (late, "sda* disk* .");
  client_subscribe (late, 4, "#", NULL);
  assert_got (late, "cpu* sda* disk* .");
  client_subscribe (late, 6, "events.#", NULL);
  assert_got (late, ".");
}

static guint64
delivered_of (const Core *core, const char *topic)
{
  return core->core->flows.domains[bus_domain_of_topic (wire_span_str (topic))].delivered;
}

/* Each retained value is counted for the domain of its topic, also if one step sends values of several domains. */
static void
test_domains (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");
  guint64 health, events;

  client_retain (publisher, "health.a", "a");
  client_retain (publisher, "health.b", "b");
  client_retain (publisher, "events.process.a", "e");
  client_retain (publisher, "health.c", "c");
  health = delivered_of (core, "health.a");
  events = delivered_of (core, "events.process.a");
  client_subscribe (late, 1, "#", NULL);
  assert_got (late, "a* b* c* e* ."); /* the control lane is sent first */
  g_assert_cmpuint (delivered_of (core, "health.a") - health, ==, 3);
  g_assert_cmpuint (delivered_of (core, "events.process.a") - events, ==, 1);
}

/* A member of a group, a server, and a client without the feature get no retained messages. */
static void
test_plain_only (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");
  Client *old;

  client_retain (publisher, TOPIC, "kept");
  client_subscribe (late, 1, TOPIC, "workers");
  client_serve (late, 2, TOPIC);
  core->features = 0;
  old = client_ready (core, "three", "procmond");
  client_subscribe (old, 1, TOPIC, NULL);
  assert_got (late, "");
  assert_got (old, "");
}

/* The right to receive is checked for each value. */
static void
test_rights (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *late = client_ready (core, "two", "procmond");
  Client *tool = tool_ready (core, "three");

  client_retain (agent, "control.agent.policy", "secret");
  client_retain (agent, TOPIC, "open");
  client_subscribe (late, 1, "#", NULL);
  assert_got (late, "open* .");
  client_subscribe (tool, 1, "#", NULL);
  assert_got (tool, "secret* open* .");
}

/* --- credit --- */

/* Values are read when credit arrives; later messages of the topic wait behind them. */
static void
test_credit (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");

  client_retain (publisher, "health.a", "a");
  client_retain (publisher, "health.b", "b");
  client_retain (publisher, "health.c", "c");
  client_subscribe_full (late, 1, "health.#", NULL, FALSE, 1, 1000, WIRE_STATUS_OK);
  assert_got (late, "a*");
  client_publish_text (publisher, "health.c", "live");
  assert_got (late, "");
  client_credit (late, 1, 2, 1001);
  assert_got (late, "b*");
  client_credit (late, 1, 3, 1002);
  assert_got (late, "c* .");
  client_credit (late, 1, 4, 1003);
  assert_got (late, "live");
  g_assert_cmpuint (client_count (late, WIRE_KIND_GAP), ==, 0);
}

/* Credit that arrives while bytes wait encodes nothing; the cursor moves when the bytes are sent. */
static void
test_credit_while_bytes_wait (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");
  gsize waiting;

  client_retain (publisher, "health.a", "a");
  client_retain (publisher, "health.b", "b");
  client_retain (publisher, "health.c", "c");
  client_subscribe_full (late, 1, "health.#", NULL, FALSE, 1, 1000, WIRE_STATUS_OK);
  assert_got (late, "a*");
  late->is_stopped = TRUE;
  client_credit (late, 1, 2, 1001);
  waiting = bus_outq_bytes (&late->peer->flow.outq);
  g_assert_cmpuint (waiting, >, 0);
  client_credit (late, 1, 3, 1002);
  g_assert_cmpuint (bus_outq_bytes (&late->peer->flow.outq), ==, waiting);
  late->is_stopped = FALSE;
  core_flush (core);
  assert_got (late, "b* c* .");
}

/* More cursors than a step visits have got credit that does not open their windows, while bytes wait. A cursor behind them that may
 * move is moved by a later step. */
static void
test_closed_windows (Core *core, gconstpointer data)
{
  const guint32 open = BUS_CATCHUP_STEP + 1;
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");

  client_retain (publisher, "health.a", "more than the window");
  client_retain (publisher, "health.b", "b");
  for (guint32 i = 1; i <= open + 1; i++)
    client_subscribe_full (late, i, "health.#", NULL, FALSE, 10, 10, WIRE_STATUS_OK);
  g_free (client_take_all (late));
  late->is_stopped = TRUE;
  client_credit (late, open + 1, 11, 30);
  g_assert_cmpuint (bus_outq_bytes (&late->peer->flow.outq), >, 0);
  for (guint32 i = 1; i < open; i++)
    client_credit (late, i, 11, 15);
  client_credit (late, open, 11, 30);
  late->is_stopped = FALSE;
  core_flush (core);
  assert_got (late, "b* .");
  g_assert_cmpint (bus_core_next_tick_us (core->core), ==, core->now_us + 1);
  core->now_us++;
  bus_core_tick (core->core, core->now_us);
  core_flush (core);
  assert_got (late, "b* .");
}

/* A value that is replaced or cleared before the cursor comes to it is delivered once, as the live message. */
static void
test_replaced_on_the_way (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");

  client_retain (publisher, "health.a", "a");
  client_retain (publisher, "health.b", "b");
  client_retain (publisher, "health.c", "c");
  client_retain (publisher, "health.d", "d");
  client_subscribe_full (late, 1, "health.#", NULL, FALSE, 1, 1000, WIRE_STATUS_OK);
  client_retain (publisher, "health.a", "A");
  client_retain (publisher, "health.c", "C");
  client_retain (publisher, "health.d", "");
  assert_got (late, "a*");
  client_credit (late, 1, 2, 1001);
  assert_got (late, "b* .");
  client_credit (late, 1, 3, 1002);
  assert_got (late, "A");
  client_credit (late, 1, 4, 1003);
  assert_got (late, "C");
  client_credit (late, 1, 5, 1004);
  assert_got (late, "");
  g_assert_cmpuint (client_count (late, WIRE_KIND_GAP), ==, 0);
  client_subscribe (late, 2, "health.#", NULL);
  assert_got (late, "b* A* C* .");
}

/* Messages that wait behind the cursor are dropped by the policy of the subscription; a gap never contains a retained
 * message. */
static void
test_overflow_behind_the_cursor (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");
  g_autoptr (Got) gap = NULL;

  client_retain (publisher, "health.a", "a");
  client_retain (publisher, "health.b", "b");
  client_subscribe_with (late, .subscription = 1, .pattern = "health.#", .policy = 3, .queue_messages = 1,
                         .window_messages = 1, .window_bytes = 1000);
  client_publish_text (publisher, "health.b", "first");
  client_publish_text (publisher, "health.b", "second");
  client_credit (late, 1, 2, 1001);
  assert_got (late, "a* b* .");
  client_credit (late, 1, 3, 1002);
  assert_got (late, "first");
  gap = client_take (late, WIRE_KIND_GAP);
  g_assert_nonnull (gap);
  g_assert_cmpuint (gap->envelope.gap_from, ==, 5);
  g_assert_cmpuint (gap->envelope.gap_to, ==, 5);
  g_assert_cmpuint (gap->envelope.gap_count, ==, 1);
}

/* For a connection that reads nothing, the lane is filled, and the other values stay in the store. */
static void
test_room_in_the_lane (Core *core, gconstpointer data)
{
  static char text[60000];
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");
  guint64 delivered, missed;
  BusCoreStats stats;

  memset (text, 'x', sizeof text);
  for (guint i = 0; i < 12; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.process.t%u", i);

      client_publish (publisher, topic, WIRE_FLAG_RETAIN, text, sizeof text);
    }
  client_subscribe_stopped (late, 1, "events.#");
  bus_core_stats (core->core, &stats);
  g_assert_cmpuint (stats.queued_messages, ==, 0);
  g_assert_cmpuint (stats.queued_bytes, <, 400000);
  late->is_stopped = FALSE;
  core_flush (core);
  client_sum (late, 1, &delivered, &missed);
  g_assert_cmpuint (delivered, ==, 12);
  g_assert_cmpuint (missed, ==, 0);
}

static void
big_set_up (Core *core, gconstpointer data)
{
  core_setup (core, NULL);
  core->features = WIRE_FEATURE_RETAIN;
}

/* A large store is read in steps, between which the broker does other work. */
static void
test_steps (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");
  BusCoreStats stats;

  for (guint i = 0; i < 1000; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.process.t%u", i);

      client_retain (publisher, topic, "x");
    }
  client_subscribe_stopped (late, 1, "events.process.+");
  bus_core_stats (core->core, &stats);
  g_assert_cmpuint (stats.delivered, >, 0);
  g_assert_cmpuint (stats.delivered, <, 1000);
  for (guint i = 0; i < 10 && stats.delivered < 1000; i++)
    {
      g_assert_cmpint (bus_core_next_tick_us (core->core), ==, core->now_us + 1);
      core_advance (core, 1);
      bus_core_stats (core->core, &stats);
    }
  g_assert_cmpuint (stats.delivered, ==, 1000);
}

/* The subscription ends while values are ahead of it. */
static void
test_unsubscribe_on_the_way (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");
  Daemoneye__Eventbus__V1__UnsubscribeRequest request = DAEMONEYE__EVENTBUS__V1__UNSUBSCRIBE_REQUEST__INIT;
  g_autoptr (Got) reply = NULL;

  client_retain (publisher, "health.a", "a");
  client_retain (publisher, "health.b", "b");
  client_subscribe_full (late, 1, "health.#", NULL, FALSE, 1, 1000, WIRE_STATUS_OK);
  request.subscription = 1;
  reply = client_call (late, "control.bus.unsubscribe", &request.base, WIRE_STATUS_OK);
  client_subscribe_full (late, 2, "health.#", NULL, FALSE, 1, 1000, WIRE_STATUS_OK);
  client_disconnect (late);
}

static void
block_set_up (Core *core, gconstpointer data)
{
  BusLimits limits;

  bus_limits_init (&limits);
  limits.longest_block_us = 1000000;
  core_setup (core, &limits);
  core->features = WIRE_FEATURE_RETAIN;
}

/* A subscription that blocked for too long blocks again when it has drained, which includes its retained messages. */
static void
test_demoted_while_messages_are_in_transit (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = tool_ready (core, "two");

  client_subscribe (agent, 1, "system.slow", NULL);
  client_retain (publisher, "health.a", "a");
  client_retain (publisher, "health.b", "b");
  client_subscribe_with (late, .subscription = 1, .pattern = "health.#", .window_messages = 1, .window_bytes = 1000,
                         .policy = 1);
  assert_got (late, "a*");
  client_publish_text (publisher, "health.c", "c");
  core_advance (core, 2000000);
  core_advance (core, 2000000);
  g_assert_cmpuint (client_count (agent, WIRE_KIND_DELIVER), ==, 1); /* demoted */
  client_credit (late, 1, 2, 1001);
  assert_got (late, "b* .");
  core_advance (core, 2000000);
  g_assert_cmpuint (client_count (agent, WIRE_KIND_DELIVER), ==, 1);
  client_credit (late, 1, 3, 1002);
  core_advance (core, 2000000);
  g_assert_cmpuint (client_count (agent, WIRE_KIND_DELIVER), ==, 2); /* drained */
}

/* --- the end of a value --- */

static void
test_cleared (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");

  client_retain (publisher, TOPIC, "kept");
  client_retain (publisher, TOPIC, "");
  client_retain (publisher, OTHER, "");
  client_subscribe (late, 1, "health.#", NULL);
  assert_got (late, "");
}

static void
test_cleared_with_connection (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *other = client_ready (core, "two", "procmond");
  Client *late = client_ready (core, "three", "procmond");

  client_send_retained (publisher, "health.a", "a", WIRE_DELIVERY_RETAIN_CONNECTED, 0);
  client_send_retained (publisher, "health.b", "b", WIRE_DELIVERY_RETAIN_CONNECTED, 0);
  client_retain (publisher, "health.c", "c");
  client_retain (other, "health.b", "B");
  client_subscribe (late, 1, "health.#", NULL);
  assert_got (late, "a* c* B* .");
  client_disconnect (publisher);
  client_subscribe (late, 2, "health.#", NULL);
  assert_got (late, "c* B* .");
}

static void
test_time_to_live (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");
  g_autoptr (Got) got = NULL;

  client_send_retained (publisher, TOPIC, "short", 0, 5000);
  core_advance (core, 2000);
  client_subscribe (late, 1, TOPIC, NULL);
  got = client_take (late, WIRE_KIND_DELIVER);
  g_assert_nonnull (got);
  g_assert_cmpuint (got->envelope.remaining_us, ==, 3000);
  assert_got (late, ".");
  core_advance (core, 3000);
  client_subscribe (late, 2, TOPIC, NULL);
  assert_got (late, "");
  client_retain (publisher, "health.a", "1");
  client_retain (publisher, "health.b", "2");
  client_retain (publisher, "health.c", "3");
  client_retain (publisher, "health.d", "4"); /* the expired value does not count */
}

/* --- bounds --- */

/* Without room nothing is published; a value of the same account makes room for its successor. */
static void
test_bound_of_messages (Core *core, gconstpointer data)
{
  static const char *const topics[] = { "health.a", "health.b", "health.c", "health.d" };
  Client *publisher = client_ready (core, "one", "procmond");
  Client *reader = client_ready (core, "two", "procmond");
  Client *agent = agent_ready (core);
  g_autoptr (Got) error = NULL;

  client_subscribe (reader, 1, "health.e", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (topics); i++)
    client_retain (publisher, topics[i], "x");
  client_send_retained (publisher, "health.e", "x", 0, 0);
  error = client_take (publisher, WIRE_KIND_ERROR);
  g_assert_nonnull (error);
  g_assert_cmpuint (error->envelope.status, ==, WIRE_STATUS_LIMIT);
  g_assert_cmpmem (error->envelope.setting.data, error->envelope.setting.len, "retained_messages", 17);
  g_assert_cmpuint (error->envelope.limit, ==, 4);
  g_assert_cmpuint (error->envelope.value, ==, 5);
  assert_got (reader, "");
  client_retain (publisher, "health.a", "newer");
  client_retain (agent, "health.e", "of another account");
  assert_got (reader, "of another account");
  client_retain (agent, "health.b", "taken over"); /* makes room for the account of the replaced value */
  client_retain (publisher, "health.f", "x");
}

static void
test_bound_of_bytes (Core *core, gconstpointer data)
{
  static char text[5000];
  Client *publisher = client_ready (core, "one", "procmond");

  memset (text, 'x', sizeof text);
  client_publish (publisher, "health.a", WIRE_FLAG_RETAIN, text, sizeof text);
  g_assert_cmpuint (client_count (publisher, WIRE_KIND_ERROR), ==, 0);
  client_expect_error (publisher, client_publish (publisher, "health.b", WIRE_FLAG_RETAIN, text, sizeof text),
                       WIRE_STATUS_LIMIT);
  client_publish (publisher, "health.a", WIRE_FLAG_RETAIN, text, sizeof text);
  g_assert_cmpuint (client_count (publisher, WIRE_KIND_ERROR), ==, 0);
  client_retain (publisher, "health.a", "");
  client_publish (publisher, "health.b", WIRE_FLAG_RETAIN, text, sizeof text);
  g_assert_cmpuint (client_count (publisher, WIRE_KIND_ERROR), ==, 0);
}

/* Without a publisher of its account the value stays, and its account with it. */
static void
test_outlives_its_account (Core *core, gconstpointer data)
{
  Client *agent = agent_ready (core);
  Client *publisher = client_ready (core, "one", "procmond");

  client_retain (publisher, TOPIC, "kept");
  client_disconnect (publisher);
  client_subscribe (agent, 1, TOPIC, NULL);
  assert_got (agent, "kept* .");
  publisher = client_ready (core, "one", "procmond");
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *topic = g_strdup_printf ("health.t%u", i);

      client_retain (publisher, topic, "x");
    }
  client_expect_error (publisher, client_send_retained (publisher, "health.t3", "x", 0, 0), WIRE_STATUS_LIMIT);
}

/* --- publishes that are not retained --- */

static void
test_misused (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL (TOPIC);
  envelope.target = WIRE_SPAN_LITERAL ("one");
  client_expect_error (publisher, client_send (publisher, WIRE_KIND_PUBLISH, WIRE_FLAG_RETAIN, &envelope),
                       WIRE_STATUS_UNSUPPORTED);
  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL (TOPIC);
  envelope.delivery = WIRE_DELIVERY_RETAIN_CONNECTED;
  client_expect_error (publisher, client_send (publisher, WIRE_KIND_PUBLISH, 0, &envelope), WIRE_STATUS_UNSUPPORTED);
}

/* --- a large store --- */

#define LARGE 700u /* the number of values: more than a peer's cursors visit in one input call */

static void
large_set_up (Core *core, gconstpointer data)
{
  core_setup (core, NULL);
  core->features = WIRE_FEATURE_RETAIN;
}

/* Other peers are served between two steps: one tick makes one step, even if the time has not changed. */
static void
test_several_ticks (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "one", "procmond");
  Client *late = client_ready (core, "two", "procmond");
  gint64 due_us;

  for (guint i = 0; i < LARGE; i++)
    {
      g_autofree char *topic = g_strdup_printf ("health.disk.d%u", i);

      client_retain (publisher, topic, "x");
    }
  for (guint32 i = 1; i <= 3; i++)
    client_subscribe_stopped (late, i, "health.+.other");
  for (guint visited = 3 * BUS_CATCHUP_FIRST; visited < 3 * LARGE; visited += BUS_CATCHUP_STEP)
    {
      due_us = bus_core_next_tick_us (core->core);
      g_assert_cmpint (due_us, ==, core->now_us + 1);
      core->now_us = due_us;
      bus_core_tick (core->core, due_us);
    }
  g_assert_cmpint (bus_core_next_tick_us (core->core), >, core->now_us + 1);
  late->is_stopped = FALSE;
  core_flush (core);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(path, set_up, test) g_test_add ("/core/retain/" path, Core, NULL, set_up, test, core_teardown)
  ADD ("late-subscriber", retain_set_up, test_late_subscriber);
  ADD ("live-is-not-marked", retain_set_up, test_live_is_not_marked);
  ADD ("patterns", retain_set_up, test_patterns);
  ADD ("domains", retain_set_up, test_domains);
  ADD ("plain-only", retain_set_up, test_plain_only);
  ADD ("I05-rights", retain_set_up, test_rights);
  ADD ("credit", retain_set_up, test_credit);
  ADD ("credit-while-bytes-wait", retain_set_up, test_credit_while_bytes_wait);
  ADD ("closed-windows", retain_set_up, test_closed_windows);
  ADD ("replaced-on-the-way", retain_set_up, test_replaced_on_the_way);
  ADD ("I06-overflow-behind-the-cursor", retain_set_up, test_overflow_behind_the_cursor);
  ADD ("room-in-the-lane", big_set_up, test_room_in_the_lane);
  ADD ("steps", big_set_up, test_steps);
  ADD ("unsubscribe-on-the-way", retain_set_up, test_unsubscribe_on_the_way);
  ADD ("B04-demoted-while-messages-are-in-transit", block_set_up, test_demoted_while_messages_are_in_transit);
  ADD ("cleared", retain_set_up, test_cleared);
  ADD ("cleared-with-connection", retain_set_up, test_cleared_with_connection);
  ADD ("time-to-live", retain_set_up, test_time_to_live);
  ADD ("bound-of-messages", retain_set_up, test_bound_of_messages);
  ADD ("bound-of-bytes", retain_set_up, test_bound_of_bytes);
  ADD ("outlives-its-account", retain_set_up, test_outlives_its_account);
  ADD ("misused", retain_set_up, test_misused);
  ADD ("several-ticks", large_set_up, test_several_ticks);
#undef ADD
  return g_test_run ();
}

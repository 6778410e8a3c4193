/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-overflow.h"
#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "core-pressure.h"
#include "wire-class.h"

#include <string.h>

/* Pressure where two rules apply: a direct message and a group, an open lane and a blocked one, the end of a connection and
 * waiting messages. */

#define TOPIC "events.process.lifecycle"
#define BIG   8000u

static void
publish_direct (Client *publisher, const char *topic, const char *target)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  envelope.target = wire_span_str (target);
  client_send (publisher, WIRE_KIND_PUBLISH, 0, &envelope);
}

/* --- groups --- */

/* A direct message to a member is not handed on when the member disconnects. */
static void
test_direct_is_not_handed_on (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *first = client_ready (core, "first", "netmond");
  Client *second = client_ready (core, "second", "netmond");

  client_subscribe_with (first, .subscription = 1, .pattern = TOPIC, .group = "workers", .window_messages = 1);
  client_subscribe (second, 1, TOPIC, "workers");
  publish_direct (publisher, TOPIC, "first");
  publish_direct (publisher, TOPIC, "first");
  g_assert_cmpuint (client_count (first, WIRE_KIND_DELIVER), ==, 1);
  client_disconnect (first);
  core_flush (core);
  g_assert_cmpuint (client_count (second, WIRE_KIND_DELIVER), ==, 0);
}

/* The policy of a group is not applied to a member that is full for this message while another member has room for it. */
static void
test_group_asks_for_its_size (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *full = tool_ready (core, "full");
  Client *free_one = tool_ready (core, "free");

  client_subscribe_with (full, .subscription = 1, .pattern = "events.#", .group = "workers", .queue_bytes = 10000,
                         .policy = BUS_OVERFLOW_DROP_NEWEST, .window_messages = 1);
  client_publish_many (publisher, TOPIC, 2, BIG); /* the second waits */
  client_subscribe_with (free_one, .subscription = 1, .pattern = TOPIC, .group = "workers", .window_messages = 1);
  core_mark (core);
  client_publish_many (publisher, TOPIC, 2, BIG); /* one is delivered, and one can wait */
  client_catch_up (full, 1);
  client_catch_up (free_one, 1);
  assert_deliveries (free_one, 1, "1 2");
  assert_deliveries (full, 1, "");
}

/* A message that is handed on to its own publisher does not block it. */
static void
test_handed_on_to_its_publisher (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *other = tool_ready (core, "other");

  client_subscribe_with (other, .subscription = 1, .pattern = "results.procmond", .group = "workers",
                         .policy = BUS_OVERFLOW_BLOCK, .window_messages = 1);
  client_publish_many (publisher, "results.procmond", 3, 10);
  client_subscribe_with (publisher, .subscription = 1, .pattern = "results.procmond", .group = "workers",
                         .window_messages = 1);
  g_assert_cmpuint (bus_ledger_allowance (&publisher->peer->ledger, WIRE_CLASS_MUST_KEEP)->held_messages, ==, 3);
  client_disconnect (other);
  g_assert_cmpuint (bus_ledger_allowance (&publisher->peer->ledger, WIRE_CLASS_MUST_KEEP)->held_messages, ==, 0);
}

/* --- lanes --- */

/* Reads as many bytes as one turn sends, a few times. */
static void
read_turns (Core *core, Client *client, guint turns)
{
  WireSpan spans[64];

  for (guint turn = 0; turn < turns; turn++)
    {
      guint n = bus_core_gather (core->core, client->peer, spans, G_N_ELEMENTS (spans));
      gsize total = 0;

      for (guint i = 0; i < n; i++)
        total += spans[i].len;
      bus_core_sent (core->core, client->peer, total, core->now_us);
    }
}

/* When messages of one lane are sent, the gaps of the blocked lane on both sides of them join. */
static void
test_gaps_join_when_the_other_lane_is_sent (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *stopped = tool_ready (core, "stopped");
  const BusFifo *fifo;
  guint alone = 0;

  client_subscribe_with (stopped, .subscription = 1, .pattern = "#", .policy = BUS_OVERFLOW_DROP_NEWEST,
                         .window_messages = 60000, .window_bytes = 1u << 26, .queue_bytes = 20000);
  stopped->is_stopped = TRUE;
  client_publish_many (publisher, TOPIC, 35, BIG); /* the lane is full, and two wait */
  for (guint i = 0; i < 300; i++)
    client_publish_many (publisher, "health.a", 1, 1000);
  for (guint i = 0; i < 20; i++)
    {
      client_publish_many (publisher, TOPIC, 1, BIG);
      client_publish_many (publisher, "health.a", 1, 10);
    }
  read_turns (core, stopped, 5);
  fifo = bus_subscriptions_find (&stopped->peer->subscriptions, 1)->fifo;
  for (guint lane = 0; lane < WIRE_N_LANES; lane++)
    alone += fifo->gaps[lane];
  g_assert_cmpuint (alone, <=, 2);
}

/* A gap that found no room is sent when there is room, independent of the other lane. */
static void
test_gap_without_room_is_sent_later (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *slow = tool_ready (core, "slow");

  client_subscribe_with (slow, .subscription = 1, .pattern = "#", .policy = BUS_OVERFLOW_DROP_NEWEST,
                         .window_messages = 1, .queue_messages = 1);
  client_subscribe_with (slow, .subscription = 2, .pattern = "health.b", .window_messages = 60000,
                         .window_bytes = 1u << 26);
  core_mark (core);
  client_publish_many (publisher, TOPIC, 2, 10); /* one is sent, one waits for credit */
  slow->is_stopped = TRUE;
  client_publish_many (publisher, "health.b", 30, 15000); /* the lane is full */
  core_advance (core, 2 * G_TIME_SPAN_SECOND);
  slow->is_stopped = FALSE;
  core_flush (core);
  core_advance (core, 2 * G_TIME_SPAN_SECOND);
  assert_deliveries (slow, 1, "1 [3-32:30 full]");
}

/* --- ends --- */

/* GOODBYE is the last frame, even if answers still wait. */
static void
test_nothing_after_goodbye (Core *core, gconstpointer data)
{
  Client *server = client_ready (core, "netmond-1", "netmond");
  Client *asker = tool_ready (core, "asker");
  g_autofree char *text = g_strnfill (60000, 'x');
  const Got *last;

  client_serve (server, 1, "health.echo");
  asker->is_stopped = TRUE;
  for (guint i = 0; i < 12; i++)
    {
      Got *request;

      client_request (asker, "health.echo", "", 0);
      request = client_take (server, WIRE_KIND_REQUEST);
      client_reply (server, request->envelope.route_id, text);
      got_free (request);
    }
  client_send_frame (asker, WIRE_KIND_DELIVER, 0, wire_span (NULL, 0)); /* not for a client to send */
  core_flush (core);
  g_assert_true (asker->closed);
  last = g_queue_peek_tail (&asker->got);
  g_assert_nonnull (last);
  g_assert_cmpuint (last->kind, ==, WIRE_KIND_GOODBYE);
}

/* Credit for messages that still wait in the lane. */
static void
test_credit_for_messages_that_never_arrived (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *stopped = tool_ready (core, "stopped");

  client_subscribe_with (stopped, .subscription = 1, .pattern = TOPIC, .window_messages = 100,
                         .window_bytes = 1u << 26);
  stopped->is_stopped = TRUE;
  client_publish_many (publisher, TOPIC, 50, BIG); /* 33 are encoded */
  client_credit (stopped, 1, 150, (1u << 26) + 50 * BIG);
  g_assert_cmpuint (stopped->goodbye, ==, WIRE_STATUS_CREDIT_EXCEEDED);
}

/* --- events about losses --- */

/* A subscriber that is too slow even for system.drop gets gaps only; otherwise each loss would cause another one. */
static void
test_drop_events_cause_no_further_ones (Core *core, gconstpointer data)
{
  Client *publisher, *agent, *slow;
  BusCoreStats before, after;

  core->core->limits.task_heartbeat_us = 300 * G_TIME_SPAN_SECOND; /* no client of this test answers PING */
  publisher = client_ready (core, "procmond-1", "procmond");
  agent = agent_ready (core);
  slow = tool_ready (core, "slow");
  client_subscribe_with (agent, .subscription = 1, .pattern = "system.drop", .window_messages = 1, .queue_messages = 1);
  client_subscribe_with (slow, .subscription = 1, .pattern = TOPIC, .window_messages = 1, .queue_messages = 1);
  for (guint i = 0; i < 5; i++)
    {
      client_publish_many (publisher, TOPIC, 3, 10);
      core_advance (core, G_TIME_SPAN_SECOND);
    }
  core_advance (core, 2 * G_TIME_SPAN_SECOND);
  bus_core_stats (core->core, &before);
  for (guint i = 0; i < 5; i++)
    core_advance (core, G_TIME_SPAN_SECOND);
  bus_core_stats (core->core, &after);
  g_assert_cmpuint (after.accepted, ==, before.accepted);
}

/* A subscription ends while the broker is so full that messages are dropped to publish its losses. Only other queues drop
 * messages: the report is complete, and the ending subscription does not change any more. */
static void
test_end_while_the_broker_is_full (Core *unused, gconstpointer data)
{
  Client *publisher, *agent, *reader, *other;
  guint64 delivered, missed;
  BusLimits limits;
  Core core;

  bus_limits_init (&limits);
  limits.broker_bytes = limits.queue_hard_bytes;
  core_setup (&core, &limits);
  publisher = client_ready (&core, "procmond-1", "procmond");
  agent = agent_ready (&core);
  reader = tool_ready (&core, "reader");
  client_subscribe (agent, 1, "system.drop", NULL);
  other = tool_ready (&core, "other");
  client_subscribe_with (other, .subscription = 1, .pattern = "events.process.other", .window_messages = 1);
  client_publish_many (publisher, "events.process.other", 500, 2000);
  client_subscribe_with (reader, .subscription = 1, .pattern = TOPIC, .window_messages = 1, .queue_bytes = 1u << 26);
  client_publish_many (publisher, TOPIC, 6000, 2000); /* more than the broker may hold */
  while (core_memory (&core) + 12500 <= limits.broker_bytes)
    client_publish_many (publisher, TOPIC, 1, 2000);
  for (guint32 i = 1; core_memory (&core) + 8000 <= limits.broker_bytes; i++)
    client_subscribe (publisher, i, "events.network.other", NULL);

  client_unsubscribe (reader, 1);
  core_flush (&core);
  client_sum (reader, 1, &delivered, &missed);
  g_assert_cmpuint (delivered, ==, 1);
  client_sum (other, 1, &delivered, &missed);
  g_assert_cmpuint (delivered, ==, 1);
  g_assert_cmpuint (client_count (agent, WIRE_KIND_DELIVER), ==, 1);
  core_teardown (&core, NULL);
}

/* A refusal names the limit that is in force, not the default in the configuration. */
static void
expect_limit (Client *client, guint64 id, const char *setting, guint64 limit, guint64 value)
{
  g_autoptr (Got) got = client_take (client, WIRE_KIND_ERROR);

  g_assert_nonnull (got);
  g_assert_cmpuint (got->envelope.answers, ==, id);
  g_assert_cmpuint (got->envelope.status, ==, WIRE_STATUS_LIMIT);
  g_assert_cmpmem (got->envelope.setting.data, got->envelope.setting.len, setting, strlen (setting));
  g_assert_cmpuint (got->envelope.limit, ==, limit);
  g_assert_cmpuint (got->envelope.value, ==, value);
}

static guint64
ask (Client *client, guint32 field, guint64 value)
{
  /* subscription 9, pattern "events.#", then the field */
  guint8 payload[32] = { 0x08, 9, 0x12, 8, 'e', 'v', 'e', 'n', 't', 's', '.', '#' };
  WireEnvelope envelope;
  gsize len = 12;

  payload[len++] = (guint8) (field << 3);
  for (; value >= 128; value >>= 7)
    payload[len++] = (guint8) (value | 128);
  payload[len++] = (guint8) value;
  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL ("control.bus.subscribe");
  envelope.payload = wire_span (payload, len);
  return client_send (client, WIRE_KIND_REQUEST, 0, &envelope);
}

static void
test_refusals_name_the_limit (Core *core, gconstpointer data)
{
  static const struct
  {
    guint32 field; /* of SubscribeRequest */
    const char *setting;
    guint64 limit;
  } rows[] = {
    { 4, "receive_window_messages", 65536 },
    { 5, "receive_window_bytes", 67108864 },
    { 9, "subscription_queue_messages", 1048576 },
    { 10, "subscription_queue_bytes", 268435456 },
  };
  Client *reader = tool_ready (core, "reader");

  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    expect_limit (reader, ask (reader, rows[i].field, rows[i].limit + 1), rows[i].setting, rows[i].limit,
                  rows[i].limit + 1);
}

#define ADD(path, function) g_test_add ("/core/corners/" path, Core, NULL, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("direct-is-not-handed-on", test_direct_is_not_handed_on);
  ADD ("group-asks-for-its-size", test_group_asks_for_its_size);
  ADD ("B07-handed-on-to-its-publisher", test_handed_on_to_its_publisher);
  ADD ("R04-gaps-join-when-the-other-lane-is-sent", test_gaps_join_when_the_other_lane_is_sent);
  ADD ("B02-gap-without-room-is-sent-later", test_gap_without_room_is_sent_later);
  ADD ("nothing-after-goodbye", test_nothing_after_goodbye);
  ADD ("credit-for-messages-that-never-arrived", test_credit_for_messages_that_never_arrived);
  ADD ("R11-drop-events-cause-no-further-ones", test_drop_events_cause_no_further_ones);
  ADD ("R04-end-while-the-broker-is-full", test_end_while_the_broker_is_full);
  ADD ("R03-refusals-name-the-limit", test_refusals_name_the_limit);
  return g_test_run ();
}

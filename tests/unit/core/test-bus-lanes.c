/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-overflow.h"
#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "core-pressure.h"

/* Two lanes and several subscriptions of one peer: the effect of one on the others, and the places of gaps. */

#define TOPIC "events.process.lifecycle"
#define SIZE  40000u

/* --- the number of gaps is bounded --- */

/* A flood of losses on both lanes, for two reasons in turn: the broker holds no more than for the first few. */
static void
test_gaps_side_by_side (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *slow = tool_ready (core, "slow");
  guint64 charged = 0, memory = 0, delivered, missed;

  client_subscribe_with (slow, .subscription = 1, .pattern = "#", .window_messages = 1, .queue_messages = 2);
  client_publish_many (publisher, TOPIC, 2, 10);
  client_publish_many (publisher, "health.a", 1, 10);
  for (guint i = 0; i < 500; i++)
    {
      client_adjust (slow, 1, i % 2 ? BUS_OVERFLOW_DROP_NEWEST : BUS_OVERFLOW_ERROR, 0, 0, WIRE_STATUS_OK);
      client_publish_many (publisher, TOPIC, 1, 10);
      client_publish_many (publisher, "health.a", 1, 10);
      if (i == 1)
        {
          charged = slow->peer->ledger.usage.charged;
          memory = core_memory (core);
        }
    }
  g_assert_cmpuint (slow->peer->ledger.usage.charged, ==, charged);
  g_assert_cmpuint (core_memory (core), ==, memory);
  client_catch_up (slow, 1);
  g_assert_cmpuint (client_count (slow, WIRE_KIND_GAP), ==, 4);
  client_sum (slow, 1, &delivered, &missed);
  g_assert_cmpuint (delivered, ==, 3);
  g_assert_cmpuint (missed, ==, 1000);
}

/* There is a gap after every second message. When the messages between the gaps are dropped as well, the gaps are joined. */
static void
test_gaps_are_joined (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *slow = tool_ready (core, "slow");
  guint64 charged;

  client_subscribe_with (slow, .subscription = 1, .pattern = "#", .policy = BUS_OVERFLOW_DROP_NEWEST,
                         .window_messages = 1);
  client_publish_many (publisher, TOPIC, 1, 10);
  core_mark (core);
  client_publish_many (publisher, TOPIC, 1, 10);
  charged = slow->peer->ledger.usage.charged;
  for (guint i = 0; i < 250; i++)
    {
      client_publish_ttl (publisher, TOPIC, 1000, 10);
      client_publish_many (publisher, TOPIC, 1, 10);
      client_publish_ttl (publisher, "health.a", 1000, 10);
      client_publish_many (publisher, "health.a", 1, 10);
    }
  core_advance (core, 1000);
  g_assert_cmpuint (slow->peer->flow.waiting_messages, ==, 501);
  g_assert_cmpuint (client_adjust (slow, 1, 0, 1, 0, WIRE_STATUS_OK), ==, 500);
  g_assert_cmpuint (slow->peer->flow.waiting_messages, ==, 1);
  g_assert_cmpuint (slow->peer->ledger.usage.charged, <=, charged + 2048);
  client_catch_up (slow, 1);
  /* The gaps of the control lane are at the head. */
  assert_deliveries (slow, 1, "[4-1000:250 expired] [5-1001:250 full] 1 [2-998:250 expired] [3-999:250 full]");
}

/* --- both lanes --- */

/* A full data lane does not delay a control message. */
static void
test_control_passes_data (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *stopped = tool_ready (core, "stopped");

  client_subscribe_with (stopped, .subscription = 1, .pattern = "#", .window_bytes = 1u << 26, .queue_messages = 2);
  stopped->is_stopped = TRUE;
  core_mark (core);
  client_publish_many (publisher, TOPIC, 10, SIZE); /* 1-7 are encoded, 8 is dropped for 10 */
  client_publish_many (publisher, "health.a", 1, 10);
  stopped->is_stopped = FALSE;
  core_flush (core);
  assert_deliveries (stopped, 1, "11 1 2 3 4 5 6 7 [8-8:1 full] 9 10");
}

/* In its lane a gap precedes later messages, even if the other lane waits. */
static void
test_gap_of_a_lane (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  Client *stopped = tool_ready (core, "stopped");

  client_subscribe_with (stopped, .subscription = 1, .pattern = "#", .policy = BUS_OVERFLOW_DROP_NEWEST,
                         .window_messages = 8, .window_bytes = 1u << 26, .queue_messages = 1);
  stopped->is_stopped = TRUE;
  core_mark (core);
  client_publish_many (publisher, TOPIC, 8, SIZE);    /* 1-7 are encoded, 8 waits for the lane */
  client_publish_many (publisher, "health.a", 1, 10); /* no credit, and no room */
  client_credit (stopped, 1, 9, 1u << 26);
  client_publish_many (publisher, "health.a", 1, 10);
  stopped->is_stopped = FALSE;
  core_flush (core);
  assert_deliveries (stopped, 1, "[9-9:1 full] 10 1 2 3 4 5 6 7 8");
}

/* --- the control lane is full --- */

/* 17 messages are encoded; the messages that wait behind them have 400000 bytes in all. */
static void
test_control_lane (gconstpointer data)
{
  static const struct
  {
    const char *deliveries;
    guint64 missed;
  } fates[] = {
    [BUS_OVERFLOW_BLOCK] = { "[26-40:15 refused]", 15 },
    [BUS_OVERFLOW_DROP_OLDEST] = { "[18-32:15 full]", 15 },
    [BUS_OVERFLOW_DROP_NEWEST] = { NULL, 0 }, /* must not be dropped: the peer is disconnected */
    [BUS_OVERFLOW_ERROR] = { "[26-40:15 refused]", 15 },
    [BUS_OVERFLOW_CONFLATE] = { "[18-39:22 full]", 22 },
  };
  guint policy = GPOINTER_TO_UINT (data);
  Client *agent, *stopped;
  g_autofree char *deliveries = NULL;
  BusLimits limits;
  Core core;

  bus_limits_init (&limits);
  limits.control_queue_bytes = 400000;
  limits.publish_window_control_bytes = 1u << 20;
  core_setup (&core, &limits);
  agent = agent_ready (&core);
  stopped = tool_ready (&core, "stopped");
  client_subscribe_with (stopped, .subscription = 1, .pattern = "control.shutdown", .policy = policy,
                         .window_bytes = 1u << 26);
  stopped->is_stopped = TRUE;
  core_mark (&core);
  client_publish_many (agent, "control.shutdown", 40, 16000);
  g_assert_cmpint (stopped->closed, ==, policy == BUS_OVERFLOW_DROP_NEWEST);
  if (stopped->closed)
    g_assert_cmpuint (stopped->goodbye, ==, WIRE_STATUS_SLOW_CONSUMER);
  else
    {
      client_catch_up (stopped, 1);
      deliveries = client_deliveries (stopped, 1);
      g_assert_nonnull (strstr (deliveries, fates[policy].deliveries));
      g_assert_cmpuint (stopped->peer->flow.missed, ==, fates[policy].missed);
      g_assert_cmpuint (stopped->peer->flow.delivered, ==, 40 - fates[policy].missed);
    }
  core_teardown (&core, NULL);
}

/* Waiting messages of the data lane are not dropped when messages of another subscription fill the control lane. */
static void
test_full_control_lane_drops_no_data (void)
{
  Client *publisher, *stopped;
  BusLimits limits;
  Core core;

  bus_limits_init (&limits);
  limits.control_queue_bytes = 65536;
  core_setup (&core, &limits);
  publisher = client_ready (&core, "procmond-1", "procmond");
  stopped = tool_ready (&core, "stopped");
  client_subscribe_with (stopped, .subscription = 1, .pattern = "+.process.#", .window_bytes = 1u << 26);
  client_subscribe_with (stopped, .subscription = 2, .pattern = "health.other", .policy = BUS_OVERFLOW_ERROR,
                         .window_bytes = 1u << 26);
  stopped->is_stopped = TRUE;
  client_publish_many (publisher, "health.other", 20, 16000);
  core_mark (&core);
  client_publish_many (publisher, TOPIC, 10, SIZE); /* 1-7 are encoded */
  client_publish_many (publisher, "health.process.x", 1, 10);
  client_catch_up (stopped, 1);
  assert_deliveries (stopped, 1, "1 2 3 4 5 6 7 8 9 10 [11-11:1 full]");
  core_teardown (&core, NULL);
}

/* --- several subscriptions of one peer, in one frame --- */

static void
setup_shared (Core *core, Client **publisher, Client **stopped, guint first, guint second)
{
  BusLimits limits;

  bus_limits_init (&limits);
  limits.queue_soft_bytes = 3 * SIZE;      /* half of it may be encoded: two messages */
  limits.queue_hard_bytes = 17 * SIZE / 2; /* each subscription counts all of its own waiting messages */
  core_setup (core, &limits);
  *publisher = client_ready (core, "procmond-1", "procmond");
  *stopped = tool_ready (core, "stopped");
  client_subscribe_with (*stopped, .subscription = 1, .pattern = TOPIC, .policy = first, .window_bytes = 1u << 26);
  client_subscribe_with (*stopped, .subscription = 2, .pattern = TOPIC, .policy = second, .window_bytes = 1u << 26);
  (*stopped)->is_stopped = TRUE;
  core_mark (core);
}

/* Both subscriptions drop the oldest messages. The dropped messages make room, and at the end both have the newest ones. */
static void
test_shared_oldest (void)
{
  Client *publisher, *stopped;
  Core core;

  setup_shared (&core, &publisher, &stopped, BUS_OVERFLOW_DROP_OLDEST, BUS_OVERFLOW_DROP_OLDEST);
  client_publish_many (publisher, TOPIC, 8, SIZE);
  client_catch_up (stopped, 1);
  client_catch_up (stopped, 2);
  for (guint i = 1; i <= 2; i++)
    {
      g_autofree char *deliveries = client_deliveries (stopped, i);

      g_assert_true (g_str_has_suffix (deliveries, " 7 8"));
    }
  g_assert_cmpuint (stopped->peer->flow.delivered, >=, 8);
  g_assert_cmpuint (stopped->peer->flow.delivered + stopped->peer->flow.missed, ==, 16);
  core_teardown (&core, NULL);
}

/* The other subscription keeps the shared messages and is charged for them, so the first one gets room by dropping its own. */
static void
test_message_kept_by_one_subscription (void)
{
  Client *publisher, *stopped;
  g_autofree char *deliveries = NULL;
  Core core;

  setup_shared (&core, &publisher, &stopped, BUS_OVERFLOW_DROP_OLDEST, BUS_OVERFLOW_ERROR);
  client_publish_many (publisher, TOPIC, 8, SIZE);
  client_catch_up (stopped, 1);
  client_catch_up (stopped, 2);
  deliveries = client_deliveries (stopped, 1);
  g_assert_cmpstr (deliveries, ==, "1 2 [3-5:3 full] 6 7 8");
  assert_deliveries (stopped, 2, "1 2 3 4 5 [6-8:3 refused]");
  core_teardown (&core, NULL);
}

/* --- the answer to a PING comes last --- */

static guint64
send_publish (Client *client, const char *topic, guint8 flags)
{
  WireEnvelope publish;

  wire_envelope_init (&publish);
  publish.topic = wire_span_str (topic);
  return client_send (client, WIRE_KIND_PUBLISH, flags, &publish);
}

static void
assert_next_answer (Client *client, guint8 kind, guint64 id)
{
  g_autoptr (Got) got = g_queue_pop_head (&client->got);

  g_assert_nonnull (got);
  g_assert_cmpint (got->kind, ==, kind);
  g_assert_cmpuint (got->envelope.answers, ==, id);
}

/* A client sends PING to learn that the broker has handled all earlier frames: data, control messages and refused messages. */
static void
test_pong_is_behind_answers (Core *core, gconstpointer data)
{
  Client *publisher = client_ready (core, "procmond-1", "procmond");
  WireEnvelope ping;
  guint64 ids[4];

  publisher->is_stopped = TRUE;
  ids[0] = send_publish (publisher, TOPIC, WIRE_FLAG_WANT_ACK);
  ids[1] = send_publish (publisher, "events.network.opened", 0);
  ids[2] = send_publish (publisher, "control.health.heartbeat.procmond-1", WIRE_FLAG_WANT_ACK);
  wire_envelope_init (&ping);
  ids[3] = client_send (publisher, WIRE_KIND_PING, 0, &ping);
  publisher->is_stopped = FALSE;
  core_flush (core);
  assert_next_answer (publisher, WIRE_KIND_ACK, ids[0]);
  assert_next_answer (publisher, WIRE_KIND_ERROR, ids[1]);
  assert_next_answer (publisher, WIRE_KIND_ACK, ids[2]);
  assert_next_answer (publisher, WIRE_KIND_PONG, ids[3]);
}

static guint64
publish_health (Client *client, gsize len, guint64 ttl_us)
{
  static const guint8 payload[20000];
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL ("health.x");
  envelope.payload = wire_span (payload, len);
  envelope.ttl_us = ttl_us;
  return client_send (client, WIRE_KIND_PUBLISH, 0, &envelope);
}

/* The last message of the data lane expires while nothing else is being sent, and a message of the control lane gets its credit.
 * */
static void
test_expired_data_leaves_credit_to_control (void)
{
  Client *publisher, *slow;
  guint64 delivered, missed;
  BusLimits limits;
  Core core;

  bus_limits_init (&limits);
  limits.queue_soft_bytes = 65536;
  core_setup (&core, &limits);
  publisher = client_ready (&core, "procmond-1", "procmond");
  slow = tool_ready (&core, "slow");
  client_subscribe_with (slow, .subscription = 1, .pattern = "health.#", .policy = BUS_OVERFLOW_DROP_OLDEST,
                         .window_messages = 1, .window_bytes = 1u << 20);
  client_subscribe_with (slow, .subscription = 2, .pattern = TOPIC, .window_bytes = 1u << 20);
  slow->is_stopped = TRUE;
  client_publish_many (publisher, TOPIC, 1, SIZE); /* encoded; no other message of this lane is encoded */
  publish_health (publisher, 20000, 1000);
  publish_health (publisher, 10, 0);
  core.now_us += 2000; /* and the timers have not expired yet */
  slow->is_stopped = FALSE;
  core_flush (&core);
  client_sum (slow, 1, &delivered, &missed);
  g_assert_cmpuint (delivered, ==, 1);
  client_catch_up (slow, 1);
  client_sum (slow, 1, &delivered, &missed);
  g_assert_cmpuint (missed, ==, 1);
  core_teardown (&core, NULL);
}

#define ADD(path, function) g_test_add (path, Core, NULL, core_setup, function, core_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/lanes/R04-gaps-side-by-side", test_gaps_side_by_side);
  ADD ("/core/lanes/R04-gaps-are-joined", test_gaps_are_joined);
  ADD ("/core/lanes/B09-control-passes-data", test_control_passes_data);
  ADD ("/core/lanes/B02-gap-of-a-lane", test_gap_of_a_lane);
  ADD ("/core/lanes/pong-is-behind-answers", test_pong_is_behind_answers);
  for (guint policy = BUS_OVERFLOW_BLOCK; policy <= BUS_OVERFLOW_LAST; policy++)
    {
      g_autofree char *path = g_strdup_printf ("/core/lanes/control-is-full/%s", bus_overflow_name (policy));

      g_test_add_data_func (path, GUINT_TO_POINTER (policy), test_control_lane);
    }
  g_test_add_func ("/core/lanes/control-is-full/data-is-not-dropped", test_full_control_lane_drops_no_data);
  g_test_add_func ("/core/lanes/R11-expired-data-leaves-credit-to-control", test_expired_data_leaves_credit_to_control);
  g_test_add_func ("/core/lanes/shared/B01-oldest", test_shared_oldest);
  g_test_add_func ("/core/lanes/shared/message-kept-by-one-subscription", test_message_kept_by_one_subscription);
  return g_test_run ();
}

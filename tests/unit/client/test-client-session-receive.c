/* SPDX-License-Identifier: Apache-2.0 */
#include "session-fixture.h"
#include "wire-feature.h"

/* Received frames: deliveries, gaps, requests, and the credit that is returned for them. */

/* --- receiving --- */

static void
test_deliver (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *a, *b;
  DeyeBusEvent event;
  guint returned = 0;

  session_fixture_ready (f, NULL);
  a = session_fixture_subscribed (f, FALSE, 8, 1000);
  b = session_fixture_subscribed (f, FALSE, 1000, 100000);
  for (guint i = 0; i < 4; i++)
    script_deliver (f->in, a->id, b->id, i + 1, "events.process.new", "hello", 5);
  script_deliver (f->in, 99, 0, 5, "events.process.new", "unsubscribed", 12);
  session_fixture_feed (f);
  g_assert_cmpuint (f->events.count, ==, 8);
  for (guint i = 0; deye_bus_events_pop (&f->events, &event); i++)
    {
      g_autoptr (GPtrArray) frames = NULL;

      g_assert_true (event.subject == (i % 2 == 0 ? a : b));
      g_assert_cmpuint (deye_bus_message_get_sequence (event.message), ==, i / 2 + 1);
      deye_bus_session_handled (f->session, event.subject, event.message, TRUE);
      deye_bus_session_clear_event (&event);
      frames = session_fixture_take (f);
      returned += script_count (frames, WIRE_KIND_CREDIT);
      if (frames->len > 0)
        {
          const WireEnvelope *credit = &script_find (frames, WIRE_KIND_CREDIT)->envelope;

          g_assert_cmpuint (credit->subscription, ==, a->id);
          g_assert_cmpuint (credit->credit_messages, ==, 8 + 2 * returned);
          g_assert_cmpuint (credit->credit_bytes, ==, 1000 + 10 * returned);
        }
    }
  /* A quarter of a window of eight, twice; the window of the other channel is large. */
  g_assert_cmpuint (returned, ==, 2);
  deye_bus_channel_unref (a);
  deye_bus_channel_unref (b);
}

/* A broker that sends more messages than it may does not increase the memory. */
static void
test_overrun (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *channel;

  session_fixture_ready (f, NULL);
  channel = session_fixture_subscribed (f, FALSE, 3, 1000);
  for (guint i = 0; i < 4; i++)
    script_deliver (f->in, channel->id, 0, i + 1, "events.a", "x", 1);
  session_fixture_feed (f);
  g_assert_error ((GError *) deye_bus_session_reason (f->session), DEYE_BUS_ERROR, DEYE_BUS_ERROR_PROTOCOL);
  g_assert_cmpuint (session_fixture_count_events (f, DEYE_BUS_EVENT_MESSAGE), ==, 3);
  deye_bus_channel_unref (channel);
}

static void
test_large_message (Fixture *f, gconstpointer data)
{
  gsize len = 300000;
  g_autofree guint8 *bytes = g_malloc (len);
  DeyeBusChannel *channel;
  DeyeBusEvent event;
  gsize got_len, at = 0;

  for (gsize i = 0; i < len; i++)
    bytes[i] = (guint8) (i * 7);
  session_fixture_ready (f, NULL);
  channel = session_fixture_subscribed (f, FALSE, 8, 1000000);
  script_deliver (f->in, channel->id, 0, 1, "events.a", bytes, len);
  /* As in the pump, the first bytes are copied from a buffer, and the others are read directly to their place. */
  deye_bus_session_received (f->session, f->in->data, 5000, START_US);
  at = 5000;
  while (at < f->in->len)
    {
      guint8 *where = NULL;
      gsize room = deye_bus_session_place (f->session, &where);
      gsize n = MIN (f->in->len - at, 10000);

      if (room == 0)
        deye_bus_session_received (f->session, f->in->data + at, n, START_US);
      else
        {
          n = MIN (n, room);
          memcpy (where, f->in->data + at, n);
          deye_bus_session_placed (f->session, n, START_US);
        }
      at += n;
    }
  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpmem (deye_bus_message_get_data (event.message, &got_len), got_len, bytes, len);
  g_assert_cmpstr (deye_bus_message_get_topic (event.message), ==, "events.a");
  deye_bus_session_clear_event (&event);
  deye_bus_channel_unref (channel);
}

static void
test_gap (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *channel;
  DeyeBusEvent event;

  session_fixture_ready (f, NULL);
  channel = session_fixture_subscribed (f, FALSE, 8, 1000);
  script_deliver (f->in, channel->id, 0, 1, "events.a", "x", 1);
  script_gap (f->in, channel->id, 2, 9, 8);
  script_deliver (f->in, channel->id, 0, 10, "events.a", "x", 1);
  session_fixture_feed (f);
  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpint (event.kind, ==, DEYE_BUS_EVENT_MESSAGE);
  deye_bus_session_clear_event (&event);
  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpint (event.kind, ==, DEYE_BUS_EVENT_GAP);
  g_assert_cmpuint (event.gap->from, ==, 2);
  g_assert_cmpuint (event.gap->to, ==, 9);
  g_assert_cmpuint (event.gap->count, ==, 8);
  deye_bus_session_clear_event (&event);
  g_assert_cmpuint (session_fixture_count_events (f, DEYE_BUS_EVENT_MESSAGE), ==, 1);
  deye_bus_channel_unref (channel);
}

static void
assert_gap (Fixture *f, guint64 from, guint64 to, guint64 count, guint32 reason)
{
  DeyeBusEvent event;

  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpint (event.kind, ==, DEYE_BUS_EVENT_GAP);
  g_assert_cmpuint (event.gap->from, ==, from);
  g_assert_cmpuint (event.gap->to, ==, to);
  g_assert_cmpuint (event.gap->count, ==, count);
  g_assert_cmpuint (event.gap->reason, ==, reason);
  deye_bus_session_clear_event (&event);
}

static void
assert_message (Fixture *f)
{
  DeyeBusEvent event;

  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpint (event.kind, ==, DEYE_BUS_EVENT_MESSAGE);
  deye_bus_session_clear_event (&event);
}

/* Between two messages of a subscription there is one gap for each reason, also if other frames arrive in between. */
static void
test_gaps_grow (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *channel, *other;

  session_fixture_ready (f, NULL);
  channel = session_fixture_subscribed (f, FALSE, 8, 1000);
  other = session_fixture_subscribed (f, FALSE, 8, 1000);
  script_gap (f->in, channel->id, 2, 9, 8);
  script_gap (f->in, other->id, 2, 2, 1);
  script_gap_for (f->in, channel->id, 10, 10, 1, WIRE_STATUS_EXPIRED);
  script_deliver (f->in, other->id, 0, 11, "events.a", "x", 1);
  script_gap (f->in, channel->id, 11, 19, 2);
  script_gap (f->in, channel->id, 1, 1, 1); /* on another lane */
  script_gap (f->in, other->id, 12, 12, 1);
  script_deliver (f->in, channel->id, 0, 20, "events.a", "x", 1);
  script_gap (f->in, channel->id, 21, 21, 1);
  session_fixture_feed (f);
  assert_gap (f, 1, 19, 11, WIRE_STATUS_SLOW_CONSUMER);
  assert_gap (f, 2, 2, 1, WIRE_STATUS_SLOW_CONSUMER);
  assert_gap (f, 10, 10, 1, WIRE_STATUS_EXPIRED);
  assert_message (f);
  assert_gap (f, 12, 12, 1, WIRE_STATUS_SLOW_CONSUMER);
  assert_message (f);
  assert_gap (f, 21, 21, 1, WIRE_STATUS_SLOW_CONSUMER);
  /* A gap that was reported does not grow. */
  script_gap (f->in, channel->id, 22, 22, 1);
  session_fixture_feed (f);
  assert_gap (f, 22, 22, 1, WIRE_STATUS_SLOW_CONSUMER);
  g_assert_cmpuint (deye_bus_session_counts (f->session)->missed, ==, 16);
  deye_bus_channel_unref (channel);
  deye_bus_channel_unref (other);
}

static void
assert_credit (Fixture *f, const DeyeBusChannel *channel, guint64 messages)
{
  g_autoptr (GPtrArray) frames = session_fixture_take (f);

  g_assert_cmpuint (frames->len, ==, messages > 0 ? 1 : 0);
  if (messages == 0)
    return;
  g_assert_cmpuint (script_find (frames, WIRE_KIND_CREDIT)->envelope.subscription, ==, channel->id);
  g_assert_cmpuint (script_find (frames, WIRE_KIND_CREDIT)->envelope.credit_messages, ==, messages);
}

static void
handle_one (Fixture *f)
{
  DeyeBusEvent event;

  g_assert_true (deye_bus_events_pop (&f->events, &event));
  deye_bus_session_handled (f->session, event.subject, event.message, TRUE);
  deye_bus_session_clear_event (&event);
}

/* With the policy block, credit is returned when no message is left; with other policies, after a quarter of the window. */
static void
test_block_returns_credit (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *channel;

  session_fixture_ready (f, NULL);
  channel = session_fixture_subscribed (f, FALSE, 100, 10000);
  for (guint i = 0; i < 5; i++)
    script_deliver (f->in, channel->id, 0, i + 1, "events.a", "hello", 5);
  session_fixture_feed (f);
  handle_one (f);
  handle_one (f);
  assert_credit (f, channel, 0);
  channel->policy = DEYE_BUS_POLICY_BLOCK;
  handle_one (f);
  assert_credit (f, channel, 0);
  deye_bus_session_return_credit (f->session, channel);
  assert_credit (f, channel, 103);
  deye_bus_session_return_credit (f->session, channel);
  assert_credit (f, channel, 0);
  handle_one (f);
  handle_one (f);
  assert_credit (f, channel, 105);
  channel->policy = DEYE_BUS_POLICY_CONFLATE;
  script_deliver (f->in, channel->id, 0, 6, "events.a", "hello", 5);
  session_fixture_feed (f);
  handle_one (f);
  deye_bus_session_return_credit (f->session, channel);
  assert_credit (f, channel, 0);
  deye_bus_channel_unref (channel);
}

static void
handle_another (Fixture *f, DeyeBusChannel *channel, const char *payload, gsize len)
{
  script_deliver (f->in, channel->id, 0, channel->window.used_messages + 1, "events.a", payload, len);
  session_fixture_feed (f);
  handle_one (f);
}

/* With the policy block, single messages at a high rate share one CREDIT, which is sent after a short time. */
static void
test_block_shares_credit (Fixture *f, gconstpointer data)
{
  static const char large[16384];
  DeyeBusChannel *channel;

  session_fixture_ready (f, NULL);
  channel = session_fixture_subscribed (f, FALSE, 1000, 1000000);
  channel->policy = DEYE_BUS_POLICY_BLOCK;
  deye_bus_session_tick (f->session, START_US);
  for (guint i = 0; i < 4; i++)
    {
      handle_another (f, channel, "hello", 5);
      assert_credit (f, channel, 1001 + i);
    }
  for (guint i = 0; i < 3; i++)
    handle_another (f, channel, "hello", 5);
  assert_credit (f, channel, 0);
  g_assert_cmpint (deye_bus_session_next_us (f->session), <=, START_US + DEYE_BUS_CREDIT_EVERY_US);
  deye_bus_session_tick (f->session, START_US + DEYE_BUS_CREDIT_EVERY_US - 1);
  assert_credit (f, channel, 0);
  deye_bus_session_tick (f->session, START_US + DEYE_BUS_CREDIT_EVERY_US);
  assert_credit (f, channel, 1007);
  /* After many messages, or a large one, credit is returned at once. */
  for (guint i = 0; i < 11; i++)
    handle_another (f, channel, "hello", 5);
  assert_credit (f, channel, 0);
  handle_another (f, channel, "hello", 5);
  assert_credit (f, channel, 1019);
  handle_another (f, channel, large, sizeof large);
  assert_credit (f, channel, 1020);
  handle_another (f, channel, "hello", 5); /* the session ends with unreturned credit */
  deye_bus_channel_unref (channel);
}

static void
assert_credit_of_both (Fixture *f, DeyeBusChannel *const *channels, guint64 messages)
{
  g_autoptr (GPtrArray) frames = session_fixture_take (f);

  g_assert_cmpuint (frames->len, ==, messages > 0 ? 2 : 0);
  for (guint i = 0; i < frames->len; i++)
    {
      const ScriptFrame *frame = frames->pdata[i];

      g_assert_cmpint (frame->kind, ==, WIRE_KIND_CREDIT);
      g_assert_cmpuint (frame->envelope.subscription, ==, channels[i]->id);
      g_assert_cmpuint (frame->envelope.credit_messages, ==, messages);
    }
}

/* During a dispatch, all subscriptions that handled messages share one deadline: messages for many subscriptions do not cause one
 * write each, and no subscription keeps its credit longer because others have messages. */
static void
test_block_returns_early (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *channels[2];

  session_fixture_ready (f, NULL);
  for (guint i = 0; i < 2; i++)
    {
      channels[i] = session_fixture_subscribed (f, FALSE, 100, 10000);
      channels[i]->policy = DEYE_BUS_POLICY_BLOCK;
    }
  for (guint i = 0; i < 10; i++)
    script_deliver (f->in, channels[i % 2]->id, 0, i + 1, "events.a", "hello", 5);
  session_fixture_feed (f);
  handle_one (f);
  handle_one (f);
  assert_credit_of_both (f, channels, 0);
  g_assert_true (deye_bus_session_return_early (f->session, START_US));
  assert_credit_of_both (f, channels, 101);
  handle_one (f);
  handle_one (f);
  g_assert_false (deye_bus_session_return_early (f->session, START_US + DEYE_BUS_CREDIT_EARLY_US - 1));
  assert_credit_of_both (f, channels, 0);
  g_assert_true (deye_bus_session_return_early (f->session, START_US + DEYE_BUS_CREDIT_EARLY_US));
  assert_credit_of_both (f, channels, 102);
  for (guint i = 0; i < 2; i++)
    deye_bus_channel_unref (channels[i]);
}

/* In a group, credit is returned early, because the broker compares how soon members return it. */
static void
test_group_returns_credit (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *channel;

  session_fixture_ready (f, NULL);
  channel = session_fixture_subscribed (f, FALSE, 1000, 1000000);
  channel->balanced = TRUE;
  deye_bus_session_tick (f->session, START_US);
  for (guint i = 0; i < 3; i++)
    {
      handle_another (f, channel, "hello", 5);
      assert_credit (f, channel, 1001 + i);
    }
  deye_bus_channel_unref (channel);
}

/* Credit returns in time with each policy, because other members of the group may have changed the policy. */
static void
test_returned_before_the_deadline (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *channel, *idle;
  gint64 due_us;

  session_fixture_ready (f, NULL);
  channel = session_fixture_subscribed (f, FALSE, 100, 10000);
  idle = session_fixture_subscribed (f, FALSE, 100, 10000);
  for (guint i = 0; i < 3; i++)
    script_deliver (f->in, channel->id, 0, i + 1, "events.a", "hello", 5);
  session_fixture_feed (f);
  handle_one (f);
  handle_one (f);
  /* The session does not know the time before the first tick(). */
  g_assert_cmpint (deye_bus_session_next_us (f->session), <=, START_US);
  deye_bus_session_tick (f->session, START_US);
  due_us = deye_bus_session_next_us (f->session);
  g_assert_cmpint (due_us, >, START_US);
  g_assert_cmpint (due_us, <=, START_US + G_TIME_SPAN_SECOND);
  deye_bus_session_tick (f->session, due_us - 1);
  assert_credit (f, channel, 0);
  deye_bus_session_tick (f->session, due_us);
  assert_credit (f, channel, 102);
  g_assert_cmpint (deye_bus_session_next_us (f->session), >, due_us);
  handle_one (f);
  deye_bus_session_close (f->session);
  g_assert_cmpint (deye_bus_session_next_us (f->session), ==, G_MAXINT64);
  deye_bus_channel_unref (channel);
  deye_bus_channel_unref (idle);
}

/* DELIVERED is sent once, after the last callback. */
static void
test_delivered (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *a, *b;
  DeyeBusEvent event;
  guint32 ids[2];
  guint8 packed[10];
  WireEnvelope envelope;

  session_fixture_ready (f, NULL);
  a = session_fixture_subscribed (f, FALSE, 100, 10000);
  b = session_fixture_subscribed (f, FALSE, 100, 10000);
  ids[0] = a->id;
  ids[1] = b->id;
  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str ("events.a");
  envelope.route_id = 55;
  envelope.subscriptions = wire_span (packed, wire_envelope_pack_u32 (ids, 2, packed));
  script_frame (f->in, WIRE_KIND_DELIVER, WIRE_FLAG_WANT_DELIVERED, &envelope);
  session_fixture_feed (f);
  for (guint i = 0; deye_bus_events_pop (&f->events, &event); i++)
    {
      g_autoptr (GPtrArray) frames = NULL;

      deye_bus_session_handled (f->session, event.subject, event.message, i == 0);
      deye_bus_session_clear_event (&event);
      frames = session_fixture_take (f);
      g_assert_cmpuint (frames->len, ==, i);
      if (i == 1)
        g_assert_cmpuint (script_find (frames, WIRE_KIND_DELIVERED)->envelope.route, ==, 55);
    }
  deye_bus_channel_unref (a);
  deye_bus_channel_unref (b);
}

/* A served request is answered once, withdrawn by CANCEL, or refused if there is no handler. */
static void
test_served_requests (Fixture *f, gconstpointer data)
{
  DeyeBusChannel *channel;
  DeyeBusEvent event;
  WireEnvelope cancel;

  session_fixture_ready (f, NULL);
  channel = session_fixture_subscribed (f, FALSE, 100, 10000);
  script_request (f->in, channel->id, 500, "control.collector.tester", "Ping", "p");
  script_request (f->in, 98, 504, "control.collector.tester", "Ping", "p");
  session_fixture_feed (f);
  {
    g_autoptr (GPtrArray) frames = session_fixture_take (f);

    g_assert_cmpuint (frames->len, ==, 1);
    g_assert_cmpuint (script_find (frames, WIRE_KIND_CANCEL)->envelope.route, ==, 504);
  }
  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpstr (deye_bus_message_get_method (event.message), ==, "Ping");
  g_assert_cmpint (deye_bus_message_get_remaining (event.message), ==, 1000000);
  g_assert_true (deye_bus_session_is_open (f->session, event.message));
  /* The requester sets the number of answers. */
  {
    g_autoptr (DeyeBusOptions) options = deye_bus_options_new ();
    DeyeBusCall call
        = { .kind = WIRE_KIND_REPLY, .topic = "control.collector.tester", .route = 500, .options = options };
    g_autoptr (GPtrArray) frames = NULL;

    deye_bus_options_set_ttl (options, 1000);
    g_assert_true (deye_bus_session_call (f->session, &call, NULL, NULL));
    frames = session_fixture_take (f);
    g_assert_cmpuint (script_find (frames, WIRE_KIND_REPLY)->envelope.ttl_us, ==, 0);
  }
  wire_envelope_init (&cancel);
  cancel.route_id = 500;
  script_frame (f->in, WIRE_KIND_CANCEL, 0, &cancel);
  session_fixture_feed (f);
  g_assert_false (deye_bus_session_is_open (f->session, event.message));
  deye_bus_session_clear_event (&event);
  deye_bus_channel_unref (channel);
}

/* A message of the old connection is handled after a new connection was made: no frame about it is sent. */
static void
test_handled_after_reconnect (Fixture *f, gconstpointer data)
{
  DeyeBusHello again = { "tester", "procmond", 1, 100, "0.1", 0, 0, WIRE_FEATURES_KNOWN };
  DeyeBusPending *pending = deye_bus_pending_new (DEYE_BUS_PENDING_HELLO, FAR_US);
  DeyeBusChannel *channel;
  DeyeBusEvent event;

  session_fixture_ready (f, NULL);
  channel = session_fixture_subscribed (f, FALSE, 1, 100);
  script_request (f->in, channel->id, 500, "control.collector.tester", "Ping", "p");
  session_fixture_feed (f);
  deye_bus_session_free (f->session);
  f->session = deye_bus_session_new (&again, &f->events, pending);
  session_fixture_ready (f, NULL);
  g_assert_true (deye_bus_events_pop (&f->events, &event));
  g_assert_cmpint (event.kind, ==, DEYE_BUS_EVENT_MESSAGE);
  g_assert_false (deye_bus_session_is_open (f->session, event.message));
  deye_bus_session_handled (f->session, event.subject, event.message, TRUE);
  deye_bus_session_clear_event (&event);
  g_assert_cmpuint (deye_bus_outbuf_bytes (deye_bus_session_out (f->session)), ==, 0);
  deye_bus_channel_unref (channel);
  deye_bus_pending_unref (pending);
}

static void
test_ping (Fixture *f, gconstpointer data)
{
  g_autoptr (GPtrArray) frames = NULL;
  WireEnvelope ping;

  session_fixture_ready (f, NULL);
  wire_envelope_init (&ping);
  ping.id = 31;
  script_frame (f->in, WIRE_KIND_PING, 0, &ping);
  session_fixture_feed (f);
  frames = session_fixture_take (f);
  g_assert_cmpuint (script_find (frames, WIRE_KIND_PONG)->envelope.id, ==, 31);
}

#define ADD(path, function)                                                                                            \
  g_test_add ("/client/session/" path, Fixture, NULL, session_fixture_setup, function, session_fixture_teardown)

int
main (int argc, char **argv)
{
  int status;

  g_test_init (&argc, &argv, NULL);
  test_watchdog_start ("client-session");
  ADD ("credit/M08-block-returns-it-at-the-end", test_block_returns_credit);
  ADD ("credit/M08-block-shares-it", test_block_shares_credit);
  ADD ("credit/M08-block-returns-it-early", test_block_returns_early);
  ADD ("credit/M08-group-returns-each", test_group_returns_credit);
  ADD ("credit/M08-returned-before-the-deadline", test_returned_before_the_deadline);
  ADD ("deliver", test_deliver);
  ADD ("overrun", test_overrun);
  ADD ("large-message", test_large_message);
  ADD ("gap", test_gap);
  ADD ("M08-gaps-grow", test_gaps_grow);
  ADD ("delivered", test_delivered);
  ADD ("served-requests", test_served_requests);
  ADD ("handled-after-reconnect", test_handled_after_reconnect);
  ADD ("ping", test_ping);
  status = g_test_run ();
  test_watchdog_stop ();
  return status;
}

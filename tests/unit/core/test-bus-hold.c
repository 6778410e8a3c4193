/* SPDX-License-Identifier: Apache-2.0 */
#include "core-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "control.pb-c.h"
#include "wire-feature.h"

/* Messages that are held for groups without members: the frames that the publisher and the members get. Linked with
 * --wrap, so that memory for a message can fail. */

#define TOPIC  "health.x"
#define TTL_US (60 * G_TIME_SPAN_SECOND)
#define HELD   3u /* held_messages */

typedef struct
{
  Core core;
  Client *publisher;
  Client *member[2];
} Hold;

static gboolean is_exhausted; /* no message is kept */

BusMessage *__real_bus_inbound_keep (BusInbound *inbound);
BusMessage *__wrap_bus_inbound_keep (BusInbound *inbound);

BusMessage *
__wrap_bus_inbound_keep (BusInbound *inbound)
{
  return is_exhausted ? NULL : __real_bus_inbound_keep (inbound);
}

static Client *
hold_client (Hold *f, const char *id)
{
  Client *client = client_ready (&f->core, id, "procmond");

  client->peer->features |= WIRE_FEATURE_DELIVERY;
  return client;
}

static void
setup (Hold *f, gconstpointer data)
{
  BusLimits limits;

  bus_limits_init (&limits);
  limits.held_messages = HELD;
  core_setup (&f->core, &limits);
  f->publisher = agent_ready (&f->core);
  f->publisher->peer->features |= WIRE_FEATURE_DELIVERY;
  f->member[0] = hold_client (f, "one");
  f->member[1] = hold_client (f, "two");
}

static void
teardown (Hold *f, gconstpointer data)
{
  core_teardown (&f->core, NULL);
}

static void
join_as (Hold *f, guint at, guint32 subscription, const char *group, guint64 window)
{
  client_subscribe_full (f->member[at], subscription, "health.#", group, FALSE, window, 100000, WIRE_STATUS_OK);
}

static guint64
publish_to (Client *client, const char *topic, guint32 delivery, guint8 flags, gint64 ttl_us)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = wire_span_str (topic);
  envelope.payload = WIRE_SPAN_LITERAL ("work");
  envelope.delivery = delivery | WIRE_DELIVERY_HOLD;
  envelope.ttl_us = (guint64) ttl_us;
  envelope.deadline_us = 2 * TTL_US;
  return client_send (client, WIRE_KIND_PUBLISH, flags | WIRE_FLAG_WANT_ACK, &envelope);
}

static guint64
publish (Client *client, guint32 delivery, guint8 flags, gint64 ttl_us)
{
  return publish_to (client, TOPIC, delivery, flags, ttl_us);
}

/* Returns the accept sequence. */
static guint64
expect_ack (Client *client, guint64 id, guint matched)
{
  g_autoptr (Got) ack = client_take (client, WIRE_KIND_ACK);

  g_assert_nonnull (ack);
  g_assert_cmpuint (ack->envelope.answers, ==, id);
  g_assert_cmpuint (ack->envelope.matched, ==, matched);
  g_assert_cmpuint (ack->envelope.queued, ==, matched);
  return ack->envelope.accept_seq;
}

static guint64
hold_one (Hold *f, guint32 delivery)
{
  return expect_ack (f->publisher, publish (f->publisher, delivery, 0, TTL_US), 1);
}

/* Returns the route of the confirmation. */
static guint64
expect_delivery (Client *client, guint64 accept_seq, guint attempt)
{
  g_autoptr (Got) got = client_take (client, WIRE_KIND_DELIVER);

  g_assert_nonnull (got);
  g_assert_cmpuint (got->envelope.accept_seq, ==, accept_seq);
  g_assert_cmpuint (got->envelope.attempt, ==, attempt);
  return got->envelope.route_id;
}

static Daemoneye__Eventbus__V1__BusTotals
totals (Hold *f)
{
  Daemoneye__Eventbus__V1__StatsRequest request = DAEMONEYE__EVENTBUS__V1__STATS_REQUEST__INIT;
  g_autoptr (Got) reply = client_call (f->publisher, "control.bus.stats", &request.base, WIRE_STATUS_OK);
  g_autoptr (WireGuard) guard
      = wire_guard_unpack (&daemoneye__eventbus__v1__stats_reply__descriptor, reply->envelope.payload, 0, NULL);

  return *((const Daemoneye__Eventbus__V1__StatsReply *) wire_guard_message (guard))->totals;
}

/* Messages are delivered in order to the first member that joins, and to no other one, with the rest of their time to live. */
static void
test_held (Hold *f, gconstpointer data)
{
  guint64 first = hold_one (f, 0), second = hold_one (f, 0);
  g_autoptr (Got) got = NULL;

  g_assert_cmpuint (totals (f).held_messages, ==, 2);
  core_advance (&f->core, TTL_US / 2);
  client_subscribe (f->member[1], 9, "health.#", NULL); /* a plain subscription, which gets no held message */
  client_subscribe (f->member[1], 8, "events.#", "elsewhere");
  join_as (f, 0, 1, "others", 10);
  got = client_take (f->member[0], WIRE_KIND_DELIVER);
  g_assert_nonnull (got);
  g_assert_cmpuint (got->envelope.accept_seq, ==, first);
  g_assert_cmpuint (got->envelope.remaining_us, <=, TTL_US / 2);
  expect_delivery (f->member[0], second, 0);
  join_as (f, 1, 1, "workers", 10);
  g_assert_cmpuint (client_count (f->member[1], WIRE_KIND_DELIVER), ==, 0);
  g_assert_cmpuint (totals (f).held_messages, ==, 0);
  g_assert_cmpuint (totals (f).held_given, ==, 2);

  /* If the group has a member, no message is held; a plain subscription gets its copy at once. */
  expect_ack (f->publisher, publish (f->publisher, 0, 0, TTL_US), 3);
  g_assert_cmpuint (totals (f).held_messages, ==, 0);
}

static void
test_plain_at_once (Hold *f, gconstpointer data)
{
  guint64 seq;

  client_subscribe (f->member[1], 9, "health.#", NULL);
  seq = expect_ack (f->publisher, publish (f->publisher, 0, 0, TTL_US), 2);
  expect_delivery (f->member[1], seq, 0);
  join_as (f, 0, 1, "workers", 10);
  expect_delivery (f->member[0], seq, 0);
}

static void
expect_drop (Client *watcher, guint64 from, guint64 to, guint64 count)
{
  g_autoptr (Got) got = client_take (watcher, WIRE_KIND_DELIVER);
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__DropEvent *event;

  g_assert_nonnull (got);
  guard = wire_guard_unpack (&daemoneye__eventbus__v1__drop_event__descriptor, got->envelope.payload, 0, NULL);
  event = wire_guard_message (guard);
  g_assert_cmpstr (event->pattern, ==, TOPIC);
  g_assert_cmpstr (event->peer, ==, "");
  g_assert_cmpuint (event->subscription, ==, 0);
  g_assert_cmpuint (event->from, ==, from);
  g_assert_cmpuint (event->to, ==, to);
  g_assert_cmpuint (event->count, ==, count);
  g_assert_cmpuint (event->n_missed_by, ==, 1);
  g_assert_cmpuint (event->missed_by[0]->reason, ==, WIRE_STATUS_NO_RESPONDERS);
  g_assert_cmpuint (event->missed_by[0]->count, ==, count);
}

/* An expired message is not delivered: it is counted, and reported by an event and to a waiting publisher. */
static void
test_expired (Hold *f, gconstpointer data)
{
  guint64 confirmed, first, second;

  client_subscribe (f->publisher, 5, "system.drop", NULL);
  confirmed = publish (f->publisher, 0, WIRE_FLAG_WANT_DELIVERED, TTL_US);
  first = expect_ack (f->publisher, confirmed, 1);
  second = hold_one (f, 0);
  core_advance (&f->core, TTL_US - 1);
  g_assert_cmpuint (totals (f).held_messages, ==, 2);
  g_assert_cmpuint (client_count (f->publisher, WIRE_KIND_ERROR), ==, 0);
  core_advance (&f->core, 1);
  client_expect_error (f->publisher, confirmed, WIRE_STATUS_NO_RESPONDERS);
  expect_drop (f->publisher, first, second, 2);
  g_assert_cmpuint (totals (f).held_messages, ==, 0);
  g_assert_cmpuint (totals (f).held_lost, ==, 2);
  join_as (f, 0, 1, "workers", 10);
  g_assert_cmpuint (client_count (f->member[0], WIRE_KIND_DELIVER), ==, 0);
}

static void
test_refused (Hold *f, gconstpointer data)
{
  WireEnvelope envelope;
  guint64 id = publish (f->publisher, 0, 0, 0);

  client_expect_error (f->publisher, id, WIRE_STATUS_BAD_MESSAGE); /* a hold without a time limit is refused */
  for (guint64 ttl_us = G_MAXINT64 / 2; ttl_us < G_MAXUINT64; ttl_us = ttl_us * 2 + 1)
    client_expect_error (f->publisher, publish (f->publisher, 0, 0, (gint64) ttl_us), WIRE_STATUS_BAD_MESSAGE);
  client_expect_error (f->publisher, publish (f->publisher, 0, 0, -1), WIRE_STATUS_BAD_MESSAGE);
  id = publish (f->publisher, 0, WIRE_FLAG_BROADCAST, TTL_US);
  client_expect_error (f->publisher, id, WIRE_STATUS_UNSUPPORTED);
  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL (TOPIC);
  envelope.target = WIRE_SPAN_LITERAL ("one");
  envelope.delivery = WIRE_DELIVERY_HOLD;
  envelope.ttl_us = TTL_US;
  id = client_send (f->publisher, WIRE_KIND_PUBLISH, 0, &envelope);
  client_expect_error (f->publisher, id, WIRE_STATUS_UNSUPPORTED);
  f->publisher->peer->features = 0;
  id = publish (f->publisher, 0, 0, TTL_US);
  client_expect_error (f->publisher, id, WIRE_STATUS_UNSUPPORTED);
}

/* The bound belongs to the publisher's account, and the error names it; the message is not published without the hold. */
static void
test_bounded (Hold *f, gconstpointer data)
{
  guint64 charged = f->publisher->peer->account->usage.charged;
  g_autoptr (Got) error = NULL;

  for (guint i = 0; i < HELD; i++)
    hold_one (f, WIRE_DELIVERY_AT_LEAST_ONCE);
  g_assert_cmpuint (f->publisher->peer->account->usage.charged, >, charged + HELD * sizeof (BusMessage));
  publish (f->publisher, 0, WIRE_FLAG_WANT_DELIVERED, TTL_US);
  error = client_take (f->publisher, WIRE_KIND_ERROR);
  g_assert_cmpuint (error->envelope.status, ==, WIRE_STATUS_LIMIT);
  g_assert_cmpmem (error->envelope.setting.data, error->envelope.setting.len, "held_messages", 13);
  g_assert_cmpuint (error->envelope.limit, ==, HELD);
  g_assert_null (client_take (f->publisher, WIRE_KIND_ACK));
  join_as (f, 0, 1, "workers", 10);
  g_assert_cmpuint (client_count (f->member[0], WIRE_KIND_DELIVER), ==, HELD);
  client_credit (f->member[0], 1, 10 + HELD, 100000 + 4 * HELD); /* settled, so they are not held again */
  expect_ack (f->publisher, publish (f->publisher, 0, 0, TTL_US), 1);
}

/* The message outlives its publisher. */
static void
test_publisher_dies (Hold *f, gconstpointer data)
{
  Client *other = hold_client (f, "three");
  guint64 seq;

  seq = expect_ack (other, publish (other, 0, WIRE_FLAG_WANT_DELIVERED, TTL_US), 1);
  client_disconnect (other);
  join_as (f, 0, 1, "workers", 10);
  g_assert_cmpuint (expect_delivery (f->member[0], seq, 0), !=, 0);
}

/* The publisher waits until a member that joined later has handled the message. */
static void
test_confirmed (Hold *f, gconstpointer data)
{
  guint64 id = publish (f->publisher, 0, WIRE_FLAG_WANT_DELIVERED, TTL_US);
  guint64 seq = expect_ack (f->publisher, id, 1);
  g_autoptr (Got) delivered = NULL;
  WireEnvelope done;

  join_as (f, 0, 1, "workers", 10);
  wire_envelope_init (&done);
  done.route = expect_delivery (f->member[0], seq, 0);
  client_send (f->member[0], WIRE_KIND_DELIVERED, 0, &done);
  delivered = client_take (f->publisher, WIRE_KIND_DELIVERED);
  g_assert_nonnull (delivered);
  g_assert_cmpuint (delivered->envelope.answers, ==, id);
}

static void
drain (Client *client, guint32 subscription, gboolean resume)
{
  Daemoneye__Eventbus__V1__DrainRequest request = DAEMONEYE__EVENTBUS__V1__DRAIN_REQUEST__INIT;
  g_autoptr (Got) reply = NULL;

  request.subscription = subscription;
  request.resume = resume;
  reply = client_call (client, "control.bus.drain", &request.base, WIRE_STATUS_OK);
}

/* Every member of the group drains: the message waits for this group, and no other group gets it. */
static void
test_drained (Hold *f, gconstpointer data)
{
  guint64 seq;

  join_as (f, 0, 1, "workers", 10);
  drain (f->member[0], 1, FALSE);
  seq = hold_one (f, 0);
  join_as (f, 1, 1, "others", 10);
  g_assert_cmpuint (client_count (f->member[1], WIRE_KIND_DELIVER), ==, 0);
  drain (f->member[0], 1, TRUE);
  expect_delivery (f->member[0], seq, 0);
  client_credit (f->member[0], 1, 11, 100004);

  /* The group ends, and a new group with the same name begins. */
  drain (f->member[0], 1, FALSE);
  seq = expect_ack (f->publisher, publish (f->publisher, 0, 0, TTL_US), 2);
  client_disconnect (f->member[0]);
  core_flush (&f->core);
  got_free (client_take (f->member[1], WIRE_KIND_DELIVER));
  join_as (f, 1, 2, "workers", 10);
  expect_delivery (f->member[1], seq, 0);
}

/* The last member disconnects before it has confirmed: the confirmation waits with the message for the next member. */
static void
test_confirmed_later (Hold *f, gconstpointer data)
{
  g_autoptr (Got) delivered = NULL;
  WireEnvelope done;
  guint64 id, seq;

  join_as (f, 0, 1, "workers", 10);
  id = publish (f->publisher, WIRE_DELIVERY_AT_LEAST_ONCE, WIRE_FLAG_WANT_DELIVERED, TTL_US);
  seq = expect_ack (f->publisher, id, 1);
  g_assert_cmpuint (expect_delivery (f->member[0], seq, 0), !=, 0);
  client_disconnect (f->member[0]);
  core_flush (&f->core);
  g_assert_cmpuint (client_count (f->publisher, WIRE_KIND_ERROR), ==, 0);
  join_as (f, 1, 1, "workers", 10);
  wire_envelope_init (&done);
  done.route = expect_delivery (f->member[1], seq, 2);
  client_send (f->member[1], WIRE_KIND_DELIVERED, 0, &done);
  delivered = client_take (f->publisher, WIRE_KIND_DELIVERED);
  g_assert_nonnull (delivered);
  g_assert_cmpuint (delivered->envelope.answers, ==, id);
  client_credit (f->member[1], 1, 11, 100004);
}

/* Reports are a second apart. Each has the range of its own losses, in any order of their ends. */
static void
test_reports (Hold *f, gconstpointer data)
{
  static const gint64 ttl_us[] = { 1700000, 3000000, 1500000, 1000000 };
  guint64 seq[G_N_ELEMENTS (ttl_us)];

  f->core.core->limits.held_messages = G_N_ELEMENTS (ttl_us);
  client_subscribe (f->publisher, 5, "system.drop", NULL);
  for (guint i = 0; i < G_N_ELEMENTS (ttl_us); i++)
    seq[i] = expect_ack (f->publisher, publish (f->publisher, 0, 0, ttl_us[i]), 1);
  core_advance (&f->core, 1000000);
  expect_drop (f->publisher, seq[3], seq[3], 1);
  core_advance (&f->core, 700000);
  g_assert_cmpuint (totals (f).held_lost, ==, 3);
  core_advance (&f->core, 299999);
  g_assert_cmpuint (client_count (f->publisher, WIRE_KIND_DELIVER), ==, 0);
  core_advance (&f->core, 1);
  expect_drop (f->publisher, seq[0], seq[2], 2);
  core_advance (&f->core, 1000000);
  expect_drop (f->publisher, seq[1], seq[1], 1);
}

/* There are two groups with the same name, and only one of them has drained. */
static void
test_resume_by_name (Hold *f, gconstpointer data)
{
  Daemoneye__Eventbus__V1__DrainRequest request = DAEMONEYE__EVENTBUS__V1__DRAIN_REQUEST__INIT;
  static char group[] = "workers";
  guint64 seq;

  join_as (f, 0, 1, "workers", 10);
  client_subscribe (f->member[0], 2, "tasks.procmond", "workers");
  drain (f->member[0], 2, FALSE);
  seq = expect_ack (f->publisher, publish_to (f->publisher, "tasks.procmond", 0, 0, TTL_US), 1);
  request.group = group;
  request.resume = TRUE;
  got_free (client_call (f->member[0], "control.bus.drain", &request.base, WIRE_STATUS_OK));
  expect_delivery (f->member[0], seq, 0);
}

/* Members that take part again get held messages. The work is charged to introspect_work_per_second. */
static void
test_resume_budget (Hold *f, gconstpointer data)
{
  Daemoneye__Eventbus__V1__DrainRequest request = DAEMONEYE__EVENTBUS__V1__DRAIN_REQUEST__INIT;
  const guint n_own = 50, n_calls = 3;

  request.subscription = 1;
  request.resume = TRUE;
  f->core.core->limits.introspect_work_per_second = 10000;
  client_subscribe (f->member[1], 1, "events.#", "elsewhere");
  for (guint i = 0; i < HELD; i++)
    hold_one (f, 0);
  for (guint i = 0; i < n_own; i++)
    client_subscribe (f->member[0], 1 + i, "events.#", "workers");
  for (guint i = 0; i < n_calls; i++)
    {
      drain (f->member[0], 1, FALSE);
      core_advance (&f->core, G_TIME_SPAN_SECOND);
      drain (f->member[0], 1, TRUE);
    }
  f->core.core->limits.introspect_work_per_second = n_own * HELD * 8;
  core_advance (&f->core, G_TIME_SPAN_SECOND);
  drain (f->member[0], 1, FALSE);
  drain (f->member[0], 1, TRUE); /* a call that has begun is finished */
  client_call (f->member[1], "control.bus.drain", &request.base, WIRE_STATUS_LIMIT);
  core_advance (&f->core, G_TIME_SPAN_SECOND);
  drain (f->member[1], 1, TRUE);
  core_advance (&f->core, TTL_US);
}

/* The last member disconnects: the next one gets its unsettled messages as repeats, and its waiting ones as first deliveries. */
static void
test_group_empties (Hold *f, gconstpointer data)
{
  guint64 sent, waited;

  join_as (f, 0, 1, "workers", 1);
  sent = hold_one (f, WIRE_DELIVERY_AT_LEAST_ONCE);
  waited = hold_one (f, WIRE_DELIVERY_AT_LEAST_ONCE);
  expect_delivery (f->member[0], sent, 0);
  g_assert_cmpuint (totals (f).held_messages, ==, 0);
  client_disconnect (f->member[0]);
  core_flush (&f->core);
  g_assert_cmpuint (totals (f).held_messages, ==, 2);
  g_assert_cmpuint (totals (f).unacknowledged, ==, 0);
  join_as (f, 1, 5, "others", 10); /* they are not for this group */
  g_assert_cmpuint (client_count (f->member[1], WIRE_KIND_DELIVER), ==, 0);
  join_as (f, 1, 1, "workers", 10);
  expect_delivery (f->member[1], sent, 2);
  expect_delivery (f->member[1], waited, 0);
  client_credit (f->member[1], 1, 12, 100008);
}

static guint64
publish_numbered (Client *client)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL (TOPIC);
  envelope.payload = WIRE_SPAN_LITERAL ("work");
  envelope.delivery = WIRE_DELIVERY_HOLD;
  envelope.ttl_us = TTL_US;
  envelope.message_id = 7;
  return client_send (client, WIRE_KIND_PUBLISH, WIRE_FLAG_WANT_DELIVERED, &envelope);
}

/* The confirmation ends after the message was accepted: it is noted with the number, and a resend gets the same answer. */
static void
test_no_memory (Hold *f, gconstpointer data)
{
  guint64 id;

  is_exhausted = TRUE;
  id = publish_numbered (f->publisher);
  is_exhausted = FALSE;
  client_expect_error (f->publisher, id, WIRE_STATUS_NO_MEMORY);
  client_expect_error (f->publisher, publish_numbered (f->publisher), WIRE_STATUS_NO_MEMORY);
  g_assert_cmpuint (totals (f).held_messages, ==, 0);
  client_disconnect (f->publisher);
  core_advance (&f->core, TTL_US); /* now the number is no longer remembered */
}

#define ADD(path, function) g_test_add ("/core/hold/" path, Hold, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("K08-held", test_held);
  ADD ("plain-at-once", test_plain_at_once);
  ADD ("K08-expired", test_expired);
  ADD ("refused", test_refused);
  ADD ("K08-bounded", test_bounded);
  ADD ("publisher-dies", test_publisher_dies);
  ADD ("confirmed", test_confirmed);
  ADD ("K08-drained", test_drained);
  ADD ("K08-group-empties", test_group_empties);
  ADD ("K08-confirmed-later", test_confirmed_later);
  ADD ("reports", test_reports);
  ADD ("K14-resume-by-name", test_resume_by_name);
  ADD ("R09-resume-budget", test_resume_budget);
  ADD ("R10-no-memory", test_no_memory);
  return g_test_run ();
}

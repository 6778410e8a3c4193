/* SPDX-License-Identifier: Apache-2.0 */
#include "core-fixture.h"

#include "peer/bus-peer.h"
#include "peer/bus-state.h"
#include "control.pb-c.h"
#include "wire-feature.h"

/* At-least-once and confirmed delivery, frame by frame: the frames to the publisher and to the members. */

#define TOPIC      "health.x"
#define LIMIT      20u /* unsettled_messages */
#define CONFIRM_US (60 * G_TIME_SPAN_SECOND)

typedef struct
{
  Core core;
  Client *publisher;
  Client *member[2];
} Delivery;

static Client *
delivery_client (Delivery *f, const char *id)
{
  Client *client = client_ready (&f->core, id, "procmond");

  client->peer->features |= WIRE_FEATURE_DELIVERY; /* also if this build does not grant it */
  return client;
}

static void
setup (Delivery *f, gconstpointer data)
{
  BusLimits limits;

  bus_limits_init (&limits);
  limits.unsettled_messages = LIMIT;
  core_setup (&f->core, &limits);
  f->publisher = agent_ready (&f->core);
  f->publisher->peer->features |= WIRE_FEATURE_DELIVERY;
  f->member[0] = delivery_client (f, "one");
  f->member[1] = delivery_client (f, "two");
}

static void
teardown (Delivery *f, gconstpointer data)
{
  core_teardown (&f->core, NULL);
}

static void
join (Delivery *f, guint at)
{
  client_subscribe_full (f->member[at], 1, "health.#", "workers", FALSE, 10, 100000, WIRE_STATUS_OK);
}

static guint64
publish (Client *client, guint32 delivery, guint8 flags, guint64 message_id)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.topic = WIRE_SPAN_LITERAL (TOPIC);
  envelope.payload = WIRE_SPAN_LITERAL ("work");
  envelope.delivery = delivery;
  envelope.message_id = message_id;
  envelope.deadline_us = CONFIRM_US;
  return client_send (client, WIRE_KIND_PUBLISH, flags | WIRE_FLAG_WANT_ACK, &envelope);
}

static void
expect_ack (Client *client, guint64 id, guint queued)
{
  g_autoptr (Got) ack = client_take (client, WIRE_KIND_ACK);

  g_assert_nonnull (ack);
  g_assert_cmpuint (ack->envelope.answers, ==, id);
  g_assert_cmpuint (ack->envelope.queued, ==, queued);
}

static Got *
expect_delivery (Client *client, guint attempt)
{
  Got *got = client_take (client, WIRE_KIND_DELIVER);

  g_assert_nonnull (got);
  g_assert_cmpuint (got->envelope.attempt, ==, attempt);
  return got;
}

static guint64
confirm (Client *client, const Got *got)
{
  WireEnvelope done;

  wire_envelope_init (&done);
  done.route = got->envelope.route_id;
  return client_send (client, WIRE_KIND_DELIVERED, 0, &done);
}

static void
expect_delivered (Client *client, guint64 id)
{
  g_autoptr (Got) delivered = client_take (client, WIRE_KIND_DELIVERED);

  g_assert_nonnull (delivered);
  g_assert_cmpuint (delivered->envelope.answers, ==, id);
}

/* The member disconnects before it has handled the message: the other one gets it and confirms it. */
static void
test_member_dies (Delivery *f, gconstpointer data)
{
  g_autoptr (Got) first = NULL, second = NULL;
  guint64 id;

  join (f, 0);
  id = publish (f->publisher, WIRE_DELIVERY_AT_LEAST_ONCE, WIRE_FLAG_WANT_DELIVERED, 0);
  expect_ack (f->publisher, id, 1);
  first = expect_delivery (f->member[0], 0);
  g_assert_cmpuint (first->flags, ==, WIRE_FLAG_WANT_DELIVERED);
  join (f, 1);
  client_disconnect (f->member[0]);
  core_flush (&f->core);
  second = expect_delivery (f->member[1], 2);
  g_assert_null (client_take (f->publisher, WIRE_KIND_ERROR));
  confirm (f->member[1], second);
  expect_delivered (f->publisher, id);
}

/* The message exceeds the limit of a peer that does not read, so the peer is disconnected and its member will confirm
 * nothing. */
static void
test_member_closed_by_the_message (void)
{
  static guint8 payload[16000];
  BusLimits limits;
  Delivery f;
  guint n = 0, answered;

  bus_limits_init (&limits);
  limits.control_queue_bytes = 400000;
  limits.publish_window_control_bytes = 1u << 20;
  core_setup (&f.core, &limits);
  f.publisher = agent_ready (&f.core);
  f.publisher->peer->features |= WIRE_FEATURE_DELIVERY;
  f.member[0] = delivery_client (&f, "one");
  join (&f, 0);
  client_subscribe_with (f.member[0], .subscription = 2, .pattern = TOPIC, .policy = BUS_OVERFLOW_DROP_NEWEST,
                         .window_bytes = 1u << 26);
  f.member[0]->is_stopped = TRUE;
  for (; !f.member[0]->closed && n < 60; n++)
    client_publish (f.publisher, TOPIC, WIRE_FLAG_WANT_DELIVERED, payload, sizeof payload);
  g_assert_true (f.member[0]->closed);
  answered = client_count (f.publisher, WIRE_KIND_ERROR);
  g_assert_cmpuint (answered, ==, n);
  core_teardown (&f.core, NULL);
}

/* The member unsubscribes. */
static void
test_member_leaves (Delivery *f, gconstpointer data)
{
  Daemoneye__Eventbus__V1__UnsubscribeRequest request = DAEMONEYE__EVENTBUS__V1__UNSUBSCRIBE_REQUEST__INIT;
  g_autoptr (Got) first = NULL, second = NULL, reply = NULL;

  join (f, 0);
  publish (f->publisher, WIRE_DELIVERY_AT_LEAST_ONCE, 0, 0);
  first = expect_delivery (f->member[0], 0);
  join (f, 1);
  request.subscription = 1;
  reply = client_call (f->member[0], "control.bus.unsubscribe", &request.base, WIRE_STATUS_OK);
  core_flush (&f->core);
  second = expect_delivery (f->member[1], 2);
}

/* The member hangs: after the settle timeout the other one gets it. */
static void
test_member_hangs (Delivery *f, gconstpointer data)
{
  g_autoptr (Got) first = NULL, second = NULL;
  guint64 id;

  join (f, 0);
  id = publish (f->publisher, WIRE_DELIVERY_AT_LEAST_ONCE, WIRE_FLAG_WANT_DELIVERED, 0);
  first = expect_delivery (f->member[0], 0);
  join (f, 1);
  core_advance (&f->core, 29 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (client_count (f->member[1], WIRE_KIND_DELIVER), ==, 0);
  core_advance (&f->core, 1 * G_TIME_SPAN_SECOND - 1);
  g_assert_cmpuint (client_count (f->member[1], WIRE_KIND_DELIVER), ==, 0);
  core_advance (&f->core, 1);
  second = expect_delivery (f->member[1], 2);
  /* Its confirmation arrives too late. */
  client_expect_error (f->member[0], confirm (f->member[0], first), WIRE_STATUS_EXPIRED);
  confirm (f->member[1], second);
  expect_delivered (f->publisher, id);
}

/* A call that is answered later needs its own id as well. */
static void
test_id_of_a_call (Delivery *f, gconstpointer data)
{
  Daemoneye__Eventbus__V1__WaitRequest request = DAEMONEYE__EVENTBUS__V1__WAIT_REQUEST__INIT;
  guint8 payload[128];
  WireEnvelope envelope;

  f->publisher->peer->features |= WIRE_FEATURE_STREAM;
  join (f, 0);
  wire_envelope_init (&envelope);
  envelope.id = publish (f->publisher, 0, WIRE_FLAG_WANT_DELIVERED, 0);
  envelope.topic = wire_span_str ("control.bus.wait");
  request.peer = (char *) "nobody";
  envelope.payload = wire_span (payload, daemoneye__eventbus__v1__wait_request__pack (&request, payload));
  client_send (f->publisher, WIRE_KIND_REQUEST, 0, &envelope);
  client_expect_error (f->publisher, envelope.id, WIRE_STATUS_DUPLICATE_ID);
}

/* A member guesses the route of a message that still waits for it: the message is not confirmed. */
static void
test_guessed_route (Delivery *f, gconstpointer data)
{
  g_autoptr (Got) first = NULL, second = NULL;
  Got guess;
  guint64 id;

  client_subscribe_full (f->member[0], 1, "health.#", "workers", FALSE, 1, 100000, WIRE_STATUS_OK);
  publish (f->publisher, 0, WIRE_FLAG_WANT_DELIVERED, 0);
  id = publish (f->publisher, 0, WIRE_FLAG_WANT_DELIVERED, 0);
  first = expect_delivery (f->member[0], 0);
  guess = *first;
  guess.envelope.route_id += 4;
  client_expect_error (f->member[0], confirm (f->member[0], &guess), WIRE_STATUS_EXPIRED);
  g_assert_cmpuint (client_count (f->publisher, WIRE_KIND_DELIVERED), ==, 0);
  client_credit (f->member[0], 1, 2, 100000);
  second = expect_delivery (f->member[0], 0);
  g_assert_cmpuint (second->envelope.route_id, ==, guess.envelope.route_id);
  confirm (f->member[0], second);
  expect_delivered (f->publisher, id);
}

/* Ordinary messages of a group are not repeated, and their publisher is notified. */
static void
test_at_most_once (Delivery *f, gconstpointer data)
{
  g_autoptr (Got) first = NULL;
  guint64 id;

  join (f, 0);
  id = publish (f->publisher, 0, WIRE_FLAG_WANT_DELIVERED, 0);
  expect_ack (f->publisher, id, 1);
  first = expect_delivery (f->member[0], 0);
  join (f, 1);
  client_disconnect (f->member[0]);
  core_flush (&f->core);
  client_expect_error (f->publisher, id, WIRE_STATUS_UNKNOWN);
  g_assert_cmpuint (client_count (f->member[1], WIRE_KIND_DELIVER), ==, 0);
}

static void
test_no_group (Delivery *f, gconstpointer data)
{
  guint64 id = publish (f->publisher, WIRE_DELIVERY_AT_LEAST_ONCE, 0, 0);

  client_expect_error (f->publisher, id, WIRE_STATUS_NO_RESPONDERS);
  id = publish (f->publisher, 0, WIRE_FLAG_WANT_DELIVERED, 0);
  client_expect_error (f->publisher, id, WIRE_STATUS_NO_RESPONDERS);
  g_assert_cmpuint (bus_peer_pending (f->publisher->peer), ==, 0);
}

static void
test_unknown_at_the_deadline (Delivery *f, gconstpointer data)
{
  guint64 id;

  join (f, 0);
  id = publish (f->publisher, 0, WIRE_FLAG_WANT_DELIVERED, 0);
  expect_ack (f->publisher, id, 1);
  core_advance (&f->core, CONFIRM_US);
  client_expect_error (f->publisher, id, WIRE_STATUS_UNKNOWN);
}

/* The error names the limit, and the message is delivered to no group. */
static void
test_refused (Delivery *f, gconstpointer data)
{
  g_autoptr (Got) error = NULL;
  guint64 id;

  join (f, 0);
  for (guint i = 0; i < LIMIT; i++)
    expect_ack (f->publisher, publish (f->publisher, WIRE_DELIVERY_AT_LEAST_ONCE, 0, 0), 1);
  id = publish (f->publisher, WIRE_DELIVERY_AT_LEAST_ONCE, WIRE_FLAG_WANT_DELIVERED, 0);
  error = client_take (f->publisher, WIRE_KIND_ERROR);
  g_assert_nonnull (error);
  g_assert_cmpuint (error->envelope.answers, ==, id);
  g_assert_cmpuint (error->envelope.status, ==, WIRE_STATUS_LIMIT);
  g_assert_true (wire_span_equal (error->envelope.setting, WIRE_SPAN_LITERAL ("unsettled_messages")));
  g_assert_cmpuint (error->envelope.limit, ==, LIMIT);
}

/* The client does not know whether its message arrived, connects again and sends it again. */
static void
test_resend (Delivery *f, gconstpointer data)
{
  g_autoptr (Got) first = NULL;
  guint64 id;

  join (f, 1);
  id = publish (f->member[0], WIRE_DELIVERY_AT_LEAST_ONCE, WIRE_FLAG_WANT_DELIVERED, 77);
  expect_ack (f->member[0], id, 1);
  client_disconnect (f->member[0]);
  f->member[0] = delivery_client (f, "one");
  id = publish (f->member[0], WIRE_DELIVERY_AT_LEAST_ONCE, WIRE_FLAG_WANT_DELIVERED, 77);
  expect_ack (f->member[0], id, 1);
  first = expect_delivery (f->member[1], 0);
  g_assert_cmpuint (client_count (f->member[1], WIRE_KIND_DELIVER), ==, 0);
  g_assert_null (client_take (f->member[0], WIRE_KIND_DELIVERED));
  confirm (f->member[1], first);
  expect_delivered (f->member[0], id);
  id = publish (f->member[0], 0, WIRE_FLAG_WANT_DELIVERED, 77); /* again: the result is known */
  expect_ack (f->member[0], id, 1);
  expect_delivered (f->member[0], id);
  client_disconnect (f->member[0]);
  core_advance (&f->core, 60 * G_TIME_SPAN_SECOND); /* now no number is remembered */
}

#define DELIVERY_ADD(path, test) g_test_add (path, Delivery, NULL, setup, test, teardown)

/* A refused message without a waiting publisher ends no confirmation, even with the same id. */
static void
test_same_id (Delivery *f, gconstpointer data)
{
  WireEnvelope envelope;
  g_autoptr (Got) got = NULL;
  guint64 id;

  join (f, 0);
  id = publish (f->publisher, 0, WIRE_FLAG_WANT_DELIVERED, 0);
  got = expect_delivery (f->member[0], 0);
  wire_envelope_init (&envelope);
  envelope.id = id;
  envelope.topic = WIRE_SPAN_LITERAL ("tasks.procmond");
  envelope.payload = WIRE_SPAN_LITERAL ("work");
  envelope.delivery = WIRE_DELIVERY_AT_LEAST_ONCE;
  client_send (f->publisher, WIRE_KIND_PUBLISH, 0, &envelope);
  client_expect_error (f->publisher, id, WIRE_STATUS_NO_RESPONDERS);
  confirm (f->member[0], got);
  expect_delivered (f->publisher, id);
}

/* Sends messages with new numbers until one is refused. Returns the number of the last one. */
static guint64
number_until_refused (Client *client, guint64 number, const char *setting)
{
  const guint64 first = number;
  Got *error;

  while ((error = client_take (client, WIRE_KIND_ERROR)) == NULL && number < first + 1000)
    publish (client, 0, 0, ++number);
  g_assert_nonnull (error);
  g_assert_cmpuint (error->envelope.status, ==, WIRE_STATUS_LIMIT);
  g_assert_true (wire_span_equal (error->envelope.setting, wire_span_str (setting)));
  g_assert_cmpuint (number, >, first + 50);
  got_free (error);
  while (client_count (client, WIRE_KIND_ACK) > 0)
    got_free (client_take (client, WIRE_KIND_ACK));
  expect_ack (client, publish (client, 0, 0, 1), 0); /* it is remembered */
  return number;
}

/* Numbers are charged to the account of the client: without room a further one is refused by name, and those that are
 * remembered stay. */
static void
test_numbers_are_bounded (Delivery *f, gconstpointer data)
{
  BusCore *core = f->core.core;
  const BusAccount *account = f->member[0]->peer->account;
  const guint64 most = core->limits.uid_bytes;
  guint64 number, filler;

  core->limits.uid_bytes = account->usage.charged + 20000;
  number = number_until_refused (f->member[0], 0, "uid_bytes");
  g_assert_cmpuint (account->usage.charged, <=, core->limits.uid_bytes);
  core->limits.uid_bytes = most;
  filler = core->quota.cap - core->quota.memory - 20000;
  g_assert_true (bus_quota_hold (&core->quota, filler));
  number = number_until_refused (f->member[0], number, "broker_bytes");
  g_assert_cmpuint (core->quota.memory, <=, core->quota.cap);
  bus_quota_release (&core->quota, filler);
  for (guint i = 0; i < 2000; i++)
    {
      expect_ack (f->member[0], publish (f->member[0], 0, 0, ++number), 0);
      if (i == 1024) /* from now on a number replaces the oldest one */
        core->limits.uid_bytes = account->usage.charged;
    }
  core->limits.uid_bytes = most;
  client_disconnect (f->member[0]);
  core_advance (&f->core, 60 * G_TIME_SPAN_SECOND);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  DELIVERY_ADD ("/core/delivery/M06-member-dies", test_member_dies);
  DELIVERY_ADD ("/core/delivery/M06-member-leaves", test_member_leaves);
  DELIVERY_ADD ("/core/delivery/M06-member-hangs", test_member_hangs);
  DELIVERY_ADD ("/core/delivery/O05-guessed-route", test_guessed_route);
  DELIVERY_ADD ("/core/delivery/O06-id-of-a-call", test_id_of_a_call);
  DELIVERY_ADD ("/core/delivery/M06-at-most-once", test_at_most_once);
  DELIVERY_ADD ("/core/delivery/no-group", test_no_group);
  DELIVERY_ADD ("/core/delivery/unknown-at-the-deadline", test_unknown_at_the_deadline);
  g_test_add_func ("/core/delivery/B09-member-closed-by-the-message", test_member_closed_by_the_message);
  DELIVERY_ADD ("/core/delivery/M06-refused", test_refused);
  DELIVERY_ADD ("/core/delivery/K12-resend", test_resend);
  DELIVERY_ADD ("/core/delivery/same-id", test_same_id);
  DELIVERY_ADD ("/core/delivery/R08-numbers-are-bounded", test_numbers_are_bounded);
  return g_test_run ();
}

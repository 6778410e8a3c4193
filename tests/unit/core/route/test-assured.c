/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-assured.h"

#include "queue/bus-fifo.h"
#include "queue/bus-flow-credit.h"
#include "queue/bus-trim.h"
#include "queue/bus-unsettled.h"
#include "route/route-fixture.h"

/* Messages that are delivered at least once, or confirmed: messages that are kept or refused, and the member that gets a
 * repeat. */

#define TOPIC "tasks.procmond"

typedef struct
{
  Peers peers;
  BusPeer *publisher;
  BusPeer *peer[3];
  BusSubscription *member[3];
} Assured;

static void
setup (Assured *f, gconstpointer limits)
{
  static const char *const ids[] = { "one", "two", "three" };

  routes_setup (&f->peers, limits);
  f->publisher = peers_ready (&f->peers, "publisher", 1000);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    f->peer[i] = peers_ready (&f->peers, ids[i], 1001);
}

static void
teardown (Assured *f, gconstpointer data)
{
  routes_teardown (&f->peers, NULL);
}

static void
join (Assured *f, guint n, guint64 window_messages)
{
  for (guint i = 0; i < n; i++)
    {
      f->member[i] = routes_subscribe (&f->peers, f->peer[i], 1, "tasks.#", "workers", window_messages);
      g_ptr_array_unref (peers_take (f->peer[i]));
    }
}

static BusOutcome
publish_to (Assured *f, const char *topic, gsize len, BusConfirm *confirm, BusRefusal *refusal)
{
  const BusAssurance assurance = { .at_least_once = TRUE, .confirm = confirm };
  g_autoptr (PeerArrival) arrival = peer_arrival_new (&f->peers, f->publisher, topic, NULL, len);
  BusMatch *match = bus_router_match (f->peers.core, arrival->envelope.topic);

  return bus_assured_publish (f->peers.core, &arrival->inbound, match, &assurance, refusal, f->peers.core->now_us);
}

static BusOutcome
publish (Assured *f, gsize len, BusConfirm *confirm, BusRefusal *refusal)
{
  return publish_to (f, TOPIC, len, confirm, refusal);
}

static void
publish_accepted (Assured *f, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      BusRefusal refusal;
      BusOutcome outcome = publish (f, 4, NULL, &refusal);

      g_assert_cmpint (refusal.status, ==, WIRE_STATUS_OK);
      g_assert_cmpuint (outcome.refused, ==, 0);
      g_assert_cmpuint (outcome.queued, ==, outcome.matched);
    }
}

static void
settle (Assured *f, guint at, guint64 n)
{
  BusSubscription *member = f->member[at];
  BusWindow *window = &member->window;

  g_assert_cmpint (
      bus_window_set_granted (window, window->granted_messages + n, window->granted_bytes + 4 * n, member->delivered),
      ==, BUS_WINDOW_GRANTED);
  bus_flow_credit (&member->owner->flow, member, f->peers.core->now_us);
}

/* Takes the deliveries that a peer was sent. Returns their numbers of attempts, as digits. */
static char *
take_attempts (BusPeer *peer)
{
  g_autoptr (GPtrArray) frames = peers_take (peer);
  GString *attempts = g_string_new (NULL);

  for (guint i = 0; i < frames->len; i++)
    {
      const PeerFrame *frame = g_ptr_array_index (frames, i);

      if (frame->kind == WIRE_KIND_DELIVER)
        g_string_append_printf (attempts, "%u", frame->envelope.attempt);
    }
  return g_string_free (attempts, FALSE);
}

#define assert_attempts(peer, expected)                                                                                \
  do                                                                                                                   \
    {                                                                                                                  \
      g_autofree char *attempts = take_attempts (peer);                                                                \
                                                                                                                       \
      g_assert_cmpstr (attempts, ==, expected);                                                                        \
    }                                                                                                                  \
  while (0)

/* A sent message is kept until its credit returns, and charged to the member until then. */
static void
test_kept_until_settled (Assured *f, gconstpointer data)
{
  guint64 before;

  join (f, 1, 10);
  before = f->peer[0]->ledger.usage.charged;
  publish_accepted (f, 3);
  assert_attempts (f->peer[0], "000"); /* a first delivery has no number of attempts */
  g_assert_cmpuint (f->member[0]->records->kept_messages, ==, 3);
  g_assert_cmpuint (bus_unsettled_messages (f->member[0]), ==, 3);
  g_assert_cmpuint (f->peer[0]->ledger.usage.charged, >, before + 3 * sizeof (BusMessage));
  settle (f, 0, 2);
  g_assert_cmpuint (f->member[0]->records->kept_messages, ==, 1);
  settle (f, 0, 1);
  g_assert_null (f->member[0]->records->first);
  g_assert_cmpuint (f->peer[0]->ledger.usage.charged, ==, before);
}

/* An ordinary delivery is counted, but has no record. */
static void
test_ordinary_is_counted (Assured *f, gconstpointer data)
{
  join (f, 1, 10);
  routes_publish (&f->peers, f->publisher, TOPIC, 4);
  g_assert_cmpuint (bus_unsettled_messages (f->member[0]), ==, 1);
  g_assert_null (f->member[0]->records->first);
}

/* Messages that a member has not settled when it disconnects are given to another member in the same order, and marked as
 * repeats. Messages that were only waiting are not marked. */
static void
test_repeated_at_the_end (Assured *f, gconstpointer data)
{
  BusLeave leave = { 0 };

  join (f, 2, 2);
  publish_accepted (f, 8); /* each: two sent, two wait */
  settle (f, 0, 1);        /* the third is sent */
  assert_attempts (f->peer[0], "000");
  g_ptr_array_unref (peers_take (f->peer[1]));
  routes_disconnect (&f->peers, f->peer[0], &leave);
  g_assert_cmpuint (leave.repeated, ==, 2);
  g_assert_cmpuint (leave.rerouted, ==, 1);
  g_assert_cmpuint (leave.unacknowledged + leave.discarded, ==, 0);
  g_assert_cmpuint (f->member[1]->fifo->messages, ==, 2 + 3);
  for (guint i = 0; i < 7; i++)
    settle (f, 1, 1);
  assert_attempts (f->peer[1], "00220");
}

/* No member is left: the message is counted as unacknowledged. */
static void
test_no_member_left (Assured *f, gconstpointer data)
{
  BusLeave leave = { 0 };

  join (f, 1, 2);
  publish_accepted (f, 3);
  routes_disconnect (&f->peers, f->peer[0], &leave);
  g_assert_cmpuint (leave.repeated + leave.rerouted, ==, 0);
  g_assert_cmpuint (leave.unacknowledged, ==, 2);
  g_assert_cmpuint (leave.discarded, ==, 1);
}

/* When a member settles nothing for the settle timeout, its messages are given to another member. Each settled message starts
 * the time again. */
static void
test_repeated_at_the_deadline (Assured *f, gconstpointer data)
{
  BusCore *core = f->peers.core;
  gint64 timeout_us = (gint64) core->limits.settle_timeout_us;

  join (f, 2, 10);
  publish_accepted (f, 6);
  g_assert_true (bus_deadline_is_armed (&f->member[0]->records->settle_timer.deadline));
  settle (f, 1, 3);
  g_assert_false (bus_deadline_is_armed (&f->member[1]->records->settle_timer.deadline));
  core->now_us += timeout_us / 2;
  settle (f, 0, 1);
  core->now_us += timeout_us / 2;
  bus_reroute_unsettled_due (core, f->member[0], core->now_us); /* half of the time is left */
  g_assert_cmpuint (f->member[0]->records->kept_messages, ==, 2);
  core->now_us += timeout_us / 2;
  bus_reroute_unsettled_due (core, f->member[0], core->now_us);
  g_assert_cmpuint (f->member[0]->records->kept_messages, ==, 0);
  g_assert_cmpuint (f->member[0]->extra->repeated, ==, 2);
  assert_attempts (f->peer[1], "00022");
  settle (f, 0, 2); /* too late, but not an error */
  g_assert_null (f->member[0]->records->first);
}

/* If no other member has room, the message stays with its member. */
static void
test_stays_without_another_member (Assured *f, gconstpointer data)
{
  BusCore *core = f->peers.core;

  join (f, 1, 10);
  publish_accepted (f, 2);
  core->now_us += (gint64) core->limits.settle_timeout_us;
  bus_reroute_unsettled_due (core, f->member[0], core->now_us);
  g_assert_cmpuint (f->member[0]->records->kept_messages, ==, 2);
  g_assert_true (bus_deadline_is_armed (&f->member[0]->records->settle_timer.deadline));
}

/* The last attempt is not repeated. */
static void
test_attempts (Assured *f, gconstpointer data)
{
  BusLeave leave = { 0 };

  f->peers.core->limits.delivery_attempts = 2;
  join (f, 2, 10);
  publish_accepted (f, 1);
  routes_disconnect (&f->peers, f->peer[0], &leave);
  g_assert_cmpuint (leave.repeated, ==, 1);
  assert_attempts (f->peer[1], "2");
  f->member[2] = routes_subscribe (&f->peers, f->peer[2], 1, "tasks.#", "workers", 10);
  memset (&leave, 0, sizeof leave);
  routes_disconnect (&f->peers, f->peer[1], &leave);
  g_assert_cmpuint (leave.repeated, ==, 0);
  g_assert_cmpuint (leave.unacknowledged, ==, 1);
  g_assert_cmpuint (f->member[2]->delivered, ==, 0);
}

/* If a group has no room, the message is refused with its reason, and neither the group nor a plain subscription gets it. */
static void
test_refused (Assured *f, gconstpointer data)
{
  BusSubscription *plain = routes_subscribe (&f->peers, f->peer[2], 1, "tasks.#", NULL, 10);
  BusRefusal refusal;
  BusOutcome outcome;

  f->peers.core->limits.unsettled_messages = 2;
  join (f, 1, 10);
  publish_accepted (f, 2);
  outcome = publish (f, 4, NULL, &refusal);
  g_assert_cmpint (refusal.status, ==, WIRE_STATUS_LIMIT);
  g_assert_cmpint (refusal.excess.limit, ==, BUS_LIMIT_unsettled_messages);
  g_assert_cmpuint (refusal.excess.most, ==, 2);
  g_assert_cmpuint (refusal.excess.value, ==, 3);
  g_assert_cmpuint (outcome.matched + outcome.queued + outcome.refused, ==, 0);
  g_assert_cmpuint (plain->delivered, ==, 2);
  g_assert_cmpuint (f->member[0]->delivered + f->member[0]->extra->missed, ==, 2);
  settle (f, 0, 1);
  publish_accepted (f, 1);

  f->peers.core->limits.unsettled_messages = 100;
  f->peers.core->limits.unsettled_bytes = 1000;
  publish (f, 1000, NULL, &refusal);
  g_assert_cmpint (refusal.excess.limit, ==, BUS_LIMIT_unsettled_bytes);
  f->peers.core->limits.unsettled_bytes = 100000;
  f->peers.core->limits.uid_bytes = f->peer[0]->account->usage.charged;
  publish (f, 1000, NULL, &refusal);
  g_assert_cmpint (refusal.excess.limit, ==, BUS_LIMIT_uid_bytes);
}

/* Two groups of one account need the sum of their room: if there is room for only one copy, neither group gets the message. */
static void
test_groups_of_an_account (Assured *f, gconstpointer data)
{
  BusAccount *account = f->peer[0]->account;
  BusSubscription *other = routes_subscribe (&f->peers, f->peer[1], 1, "tasks.#", "others", 10);
  guint64 need;
  BusRefusal refusal;

  join (f, 1, 10);
  publish_accepted (f, 1);
  settle (f, 0, 1);
  f->peers.core->limits.uid_bytes = account->usage.charged;
  publish (f, 1000, NULL, &refusal);
  need = refusal.excess.value - refusal.excess.most;
  f->peers.core->limits.uid_bytes = account->usage.charged + 2 * need - 1;
  publish (f, 1000, NULL, &refusal);
  g_assert_cmpint (refusal.status, ==, WIRE_STATUS_LIMIT);
  g_assert_cmpint (refusal.excess.limit, ==, BUS_LIMIT_uid_bytes);
  g_assert_cmpuint (refusal.excess.value, ==, refusal.excess.most + 1);
  g_assert_cmpuint (f->member[0]->delivered + other->delivered, ==, 2);
  g_assert_cmpuint (f->member[0]->extra->missed + other->extra->missed, ==, 0);
  f->peers.core->limits.uid_bytes += 1;
  publish (f, 1000, NULL, &refusal);
  g_assert_cmpint (refusal.status, ==, WIRE_STATUS_OK);
  g_assert_cmpuint (f->member[0]->delivered + other->delivered, ==, 4);
}

/* The broker has room for one copy of a message for several members: the message is refused, not accepted and lost. */
static void
test_full_broker (Assured *f, gconstpointer data)
{
  BusCore *core = f->peers.core;
  BusRefusal refusal;

  for (guint i = 0; i < 3; i++)
    routes_subscribe (&f->peers, f->peer[2], 1 + i, "tasks.#", NULL, 10);
  join (f, 2, 10);
  core->quota.cap = core->quota.memory + 10000;
  publish (f, 4, NULL, &refusal);
  g_assert_cmpint (refusal.status, ==, WIRE_STATUS_LIMIT);
  g_assert_cmpint (refusal.excess.limit, ==, BUS_LIMIT_broker_bytes);
  g_assert_cmpuint (refusal.excess.value, >, refusal.excess.most);
  g_assert_cmpuint (f->member[0]->extra->missed + f->member[1]->extra->missed, ==, 0);
  core->quota.cap = core->quota.memory + 100000;
  publish_accepted (f, 1);
}

/* A message that another group refuses does not use up the turn of a member. */
static void
test_refusal_keeps_the_turn (Assured *f, gconstpointer data)
{
  const guint *weights = data;
  BusSubscription *other = routes_subscribe (&f->peers, f->peer[2], 1, TOPIC, "others", 10);
  const guint rounds = 4 * (weights[0] + weights[1]);
  BusRefusal refusal;

  for (guint i = 0; i < 2; i++)
    {
      f->member[i] = routes_subscribe (&f->peers, f->peer[i], 1, "tasks.#", "workers", 100);
      bus_subscription_need_share (f->member[i])->weight = weights[i];
      f->member[i]->group->balance.n_weighted += weights[i] > 1 ? 1 : 0;
    }
  bus_subscription_on (other, BUS_SUBSCRIPTION_ON_DRAIN, &f->peers.core->flows.ignored_events);
  f->peers.core->routes->n_drained++;
  for (guint i = 0; i < rounds; i++)
    {
      publish (f, 4, NULL, &refusal);
      g_assert_cmpint (refusal.status, ==, WIRE_STATUS_NO_RESPONDERS);
      publish_to (f, "tasks.netmond", 4, NULL, &refusal);
      g_assert_cmpint (refusal.status, ==, WIRE_STATUS_OK);
    }
  g_assert_cmpuint (f->member[0]->delivered, ==, 4 * weights[0]);
  g_assert_cmpuint (f->member[1]->delivered, ==, 4 * weights[1]);
}

/* A full member loses its turns: it gets no additional ones when it has room again. */
static void
test_full_member (Assured *f, gconstpointer data)
{
  const guint n = 6;

  f->peers.core->limits.unsettled_messages = 2;
  for (guint i = 0; i < 2; i++)
    {
      f->member[i] = routes_subscribe (&f->peers, f->peer[i], 1, "tasks.#", "workers", 100);
      bus_subscription_need_share (f->member[i])->weight = 2;
      f->member[i]->group->balance.n_weighted++;
    }
  publish_accepted (f, 4); /* two each */
  for (guint i = 0; i < n; i++)
    {
      settle (f, 0, 1);
      publish_accepted (f, 1);
    }
  g_assert_cmpuint (f->member[0]->delivered, ==, 2 + n);
  settle (f, 0, 2);
  settle (f, 1, 2);
  publish_accepted (f, 2);
  g_assert_cmpuint (f->member[0]->delivered, ==, 2 + n + 1);
  g_assert_cmpuint (f->member[1]->delivered, ==, 2 + 1);
}

/* A member without room is skipped. */
static void
test_other_member_has_room (Assured *f, gconstpointer data)
{
  f->peers.core->limits.unsettled_messages = 2;
  join (f, 2, 10);
  publish_accepted (f, 4);
  settle (f, 1, 2);
  publish_accepted (f, 2);
  g_assert_cmpuint (f->member[0]->delivered, ==, 2);
  g_assert_cmpuint (f->member[1]->delivered, ==, 4);
}

/* A kept message is never dropped to make room; a message that is not kept may be dropped. */
static void
test_not_dropped_for_others (Assured *f, gconstpointer data)
{
  join (f, 1, 1);
  f->member[0]->bounds.messages = 2;
  publish_accepted (f, 5);
  g_assert_cmpuint (f->member[0]->fifo->messages, ==, 4);
  for (guint i = 0; i < 5; i++)
    routes_publish (&f->peers, f->publisher, TOPIC, 4);
  g_assert_cmpuint (f->member[0]->fifo->messages, ==, 4 + 2);
  g_assert_cmpuint (f->member[0]->fifo->kept_messages, ==, 4);
  g_assert_cmpuint (f->member[0]->extra->missed, ==, 3);
  bus_trim_shed (&f->peer[0]->flow, &f->peer[0]->subscriptions, 1000000, f->peers.core->now_us);
  g_assert_cmpuint (f->member[0]->fifo->messages, ==, 4);
}

/* A newer message of the topic replaces one that is not kept, never a kept one. */
static void
test_not_conflated (Assured *f, gconstpointer data)
{
  join (f, 1, 1);
  f->member[0]->bounds.policy = BUS_OVERFLOW_CONFLATE;
  bus_fifo_index (&f->peer[0]->flow, f->member[0], TRUE);
  publish_accepted (f, 3);
  g_assert_cmpuint (f->member[0]->fifo->kept_messages, ==, 2);
  for (guint i = 0; i < 3; i++)
    routes_publish (&f->peers, f->publisher, TOPIC, 4);
  g_assert_cmpuint (f->member[0]->fifo->messages, ==, 3);
  g_assert_cmpuint (f->member[0]->fifo->kept_messages, ==, 2);
  g_assert_cmpuint (f->member[0]->extra->missed, ==, 2);
  for (guint i = 0; i < 3; i++)
    settle (f, 0, 1);
  g_assert_cmpuint (f->member[0]->delivered, ==, 4);
}

static void
test_no_receiver (Assured *f, gconstpointer data)
{
  BusConfirm *confirm = bus_confirm_new (f->peers.core, f->publisher, 5, f->peers.core->now_us + 1000);
  BusRefusal refusal;

  publish (f, 4, NULL, &refusal);
  g_assert_cmpint (refusal.status, ==, WIRE_STATUS_NO_RESPONDERS);
  routes_subscribe (&f->peers, f->peer[2], 1, "tasks.#", NULL, 10);
  publish (f, 4, NULL, &refusal); /* a plain subscription cannot confirm */
  g_assert_cmpint (refusal.status, ==, WIRE_STATUS_OK);
  publish (f, 4, confirm, &refusal);
  g_assert_cmpint (refusal.status, ==, WIRE_STATUS_NO_RESPONDERS);
  g_assert_true (bus_confirm_cancel (f->publisher, 5));
}

/* A repeat keeps its route, so the second member can confirm it. */
static void
test_second_member_confirms (Assured *f, gconstpointer data)
{
  BusConfirm *confirm = bus_confirm_new (f->peers.core, f->publisher, 5, f->peers.core->now_us + 1000);
  g_autoptr (GPtrArray) frames = NULL;
  const PeerFrame *frame;
  BusRefusal refusal;

  join (f, 2, 10);
  g_ptr_array_unref (peers_take (f->publisher));
  g_assert_cmpuint (publish (f, 4, confirm, &refusal).queued, ==, 1);
  routes_disconnect (&f->peers, f->peer[0], NULL);
  frames = peers_take (f->peer[1]);
  g_assert_cmpuint (frames->len, ==, 1);
  frame = g_ptr_array_index (frames, 0);
  g_assert_cmpuint (frame->flags, ==, WIRE_FLAG_WANT_DELIVERED);
  g_assert_cmpuint (frame->envelope.attempt, ==, 2);
  bus_confirm_take_notes (f->peers.core);
  g_assert_true (bus_confirm_delivered (f->peers.core, f->peer[1], frame->envelope.route_id));
  peers_assert_sent (f->publisher, "DELIVERED answers=5\n");
}

/* When a waiting message is discarded with its subscription, the publisher gets the reason, not UNKNOWN. */
static void
test_discarded_is_answered (Assured *f, gconstpointer data)
{
  BusConfirm *confirm = bus_confirm_new (f->peers.core, f->publisher, 5, f->peers.core->now_us + 1000);
  BusRefusal refusal;

  join (f, 1, 1);
  publish_accepted (f, 1);
  g_ptr_array_unref (peers_take (f->publisher));
  g_assert_cmpuint (publish (f, 4, confirm, &refusal).queued, ==, 1);
  routes_disconnect (&f->peers, f->peer[0], NULL);
  peers_assert_sent (f->publisher, "ERROR answers=5 status=NOT_SUBSCRIBED\n");
}

#define ASSURED_ADD(path, test) g_test_add (path, Assured, NULL, setup, test, teardown)

static void
setup_default (Assured *f, gconstpointer data)
{
  setup (f, NULL);
}

static void
add_turns (void)
{
  static const guint equal[] = { 1, 1 }, weighted[] = { 2, 2 };

  g_test_add ("/core/assured/M07-refusal-keeps-the-turn/equal", Assured, equal, setup_default,
              test_refusal_keeps_the_turn, teardown);
  g_test_add ("/core/assured/M07-refusal-keeps-the-turn/weighted", Assured, weighted, setup_default,
              test_refusal_keeps_the_turn, teardown);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ASSURED_ADD ("/core/assured/M06-kept-until-settled", test_kept_until_settled);
  ASSURED_ADD ("/core/assured/ordinary-is-counted", test_ordinary_is_counted);
  ASSURED_ADD ("/core/assured/M06-repeated-at-the-end", test_repeated_at_the_end);
  ASSURED_ADD ("/core/assured/M06-no-member-left", test_no_member_left);
  ASSURED_ADD ("/core/assured/M06-repeated-at-the-deadline", test_repeated_at_the_deadline);
  ASSURED_ADD ("/core/assured/stays-without-another-member", test_stays_without_another_member);
  ASSURED_ADD ("/core/assured/M06-attempts", test_attempts);
  ASSURED_ADD ("/core/assured/M06-refused", test_refused);
  ASSURED_ADD ("/core/assured/R08-groups-of-an-account", test_groups_of_an_account);
  ASSURED_ADD ("/core/assured/R10-full-broker", test_full_broker);
  add_turns ();
  ASSURED_ADD ("/core/assured/M07-full-member", test_full_member);
  ASSURED_ADD ("/core/assured/other-member-has-room", test_other_member_has_room);
  ASSURED_ADD ("/core/assured/M06-not-dropped-for-others", test_not_dropped_for_others);
  ASSURED_ADD ("/core/assured/M08-not-conflated", test_not_conflated);
  ASSURED_ADD ("/core/assured/no-receiver", test_no_receiver);
  ASSURED_ADD ("/core/assured/M06-second-member-confirms", test_second_member_confirms);
  ASSURED_ADD ("/core/assured/M06-discarded-is-answered", test_discarded_is_answered);
  return g_test_run ();
}

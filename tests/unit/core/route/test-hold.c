/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-flow-credit.h"
#include "queue/bus-unsettled.h"
#include "route/route-fixture.h"

/* The store of held messages alone: the right of the publisher, and members that are full. Linked with --wrap, so that
 * allocations can fail. */

static guint failures; /* of the next allocations */

gpointer __real_g_try_malloc (gsize n);
gpointer __wrap_g_try_malloc (gsize n);

gpointer
__wrap_g_try_malloc (gsize n)
{
  if (failures == 0)
    return __real_g_try_malloc (n);
  failures--;
  return NULL;
}

#define TOPIC "tasks.procmond"

typedef struct
{
  Peers peers;
  BusPeer *publisher;
  BusPeer *member;
} Holding;

static void
setup (Holding *f, gconstpointer data)
{
  routes_setup (&f->peers, NULL);
  f->publisher = peers_ready (&f->peers, "publisher", 1000);
  f->member = peers_ready (&f->peers, "one", 1001);
}

static void
teardown (Holding *f, gconstpointer data)
{
  routes_teardown (&f->peers, NULL);
}

static void
hold_confirmed (Holding *f, BusRole role, gboolean is_kept, guint64 route_id)
{
  g_autoptr (PeerArrival) arrival = peer_arrival_new (&f->peers, f->publisher, TOPIC, NULL, 4);
  const BusPrincipal who = { role, WIRE_SPAN_LITERAL ("publisher"), WIRE_SPAN_LITERAL ("procmond"), FALSE };
  const BusDelivery delivery
      = { .kind = WIRE_KIND_DELIVER, .route_id = route_id, .is_kept = is_kept, .may_hold = TRUE, .attempt = 1 };
  BusHoldSpec spec = { NULL, &delivery, f->publisher->account, &who, NULL };

  arrival->inbound.expires_us = f->peers.core->now_us + 60 * G_TIME_SPAN_SECOND;
  spec.message = bus_inbound_keep (&arrival->inbound);
  g_assert_nonnull (spec.message);
  bus_hold_add (f->peers.core, &spec);
}

static void
hold (Holding *f, BusRole role, gboolean is_kept)
{
  hold_confirmed (f, role, is_kept, 0);
}

/* The right to publish is checked again before a member gets the message. */
static void
test_denied (Holding *f, gconstpointer data)
{
  BusSubscription *member;

  hold (f, BUS_ROLE_COLLECTOR, FALSE); /* collectors do not publish tasks */
  hold (f, BUS_ROLE_AGENT, FALSE);
  g_assert_cmpuint (bus_hold_count (f->peers.core), ==, 2);
  member = routes_subscribe (&f->peers, f->member, 1, "tasks.#", "workers", 10);
  bus_hold_offer (f->peers.core, member, f->peers.core->now_us);
  g_assert_cmpuint (member->delivered, ==, 1);
  g_assert_cmpuint (bus_hold_count (f->peers.core), ==, 0);
  g_assert_cmpuint (f->peers.core->routes->holds->denied, ==, 1);
  g_assert_cmpuint (f->peers.core->routes->holds->report.count, ==, 1);
}

/* A member without room gets the remaining messages when it has room. No message is lost. */
static void
test_full (Holding *f, gconstpointer data)
{
  BusCore *core = f->peers.core;
  BusSubscription *member;
  BusWindow *window;

  core->limits.unsettled_messages = 2;
  for (guint i = 0; i < 3; i++)
    hold (f, BUS_ROLE_AGENT, TRUE);
  member = routes_subscribe (&f->peers, f->member, 1, "tasks.#", "workers", 10);
  bus_hold_offer (core, member, core->now_us);
  g_assert_cmpuint (member->delivered, ==, 2);
  g_assert_cmpuint (bus_hold_count (core), ==, 1);
  g_assert_true (bus_deadline_is_armed (&core->routes->holds->retry.deadline));
  bus_deadline_disarm (&core->deadlines, &core->routes->holds->retry.deadline);
  bus_hold_retry (core, core->now_us); /* still full */
  g_assert_cmpuint (bus_hold_count (core), ==, 1);
  g_assert_true (bus_deadline_is_armed (&core->routes->holds->retry.deadline));
  window = &member->window;
  g_assert_cmpint (
      bus_window_set_granted (window, window->granted_messages + 1, window->granted_bytes + 4, member->delivered), ==,
      BUS_WINDOW_GRANTED);
  bus_flow_credit (&f->member->flow, member, core->now_us);
  bus_deadline_disarm (&core->deadlines, &core->routes->holds->retry.deadline);
  bus_hold_retry (core, core->now_us);
  g_assert_cmpuint (member->delivered, ==, 3);
  g_assert_cmpuint (bus_hold_count (core), ==, 0);
  g_assert_false (bus_deadline_is_armed (&core->routes->holds->retry.deadline));
}

/* --- bounds --- */

/* Each bound is exact, and a refusal names it. */
static void
test_bounds (Holding *f, gconstpointer data)
{
  BusCore *core = f->peers.core;
  BusAccount *account = f->publisher->account;
  guint64 charged = account->usage.charged;
  guint64 cost;
  gsize len;

  hold (f, BUS_ROLE_AGENT, FALSE);
  cost = account->held_bytes;
  len = ((const BusHeld *) core->routes->holds->messages.head->data)->message->body.len;
  g_assert_cmpuint (account->usage.charged, ==, charged + cost);
  const struct
  {
    BusLimit limit;
    guint64 *most;
    guint64 used; /* by the messages that are held already */
    guint64 needed;
  } rows[] = {
    { BUS_LIMIT_held_messages, &core->limits.held_messages, 1, 1 },
    { BUS_LIMIT_held_bytes, &core->limits.held_bytes, cost, cost },
    { BUS_LIMIT_uid_bytes, &core->limits.uid_bytes, account->usage.charged, cost },
    { BUS_LIMIT_broker_bytes, &core->quota.cap, core->quota.memory, cost },
  };
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    {
      const guint64 most = *rows[i].most;
      BusExcess excess = { .value = 0 };

      *rows[i].most = rows[i].used + 2 * rows[i].needed;
      g_assert_true (bus_hold_has_room (core, account, 2, len, &excess));
      *rows[i].most -= 1;
      g_assert_true (bus_hold_has_room (core, account, 1, len, &excess));
      g_assert_false (bus_hold_has_room (core, account, 2, len, &excess));
      g_assert_cmpint (excess.limit, ==, rows[i].limit);
      g_assert_cmpuint (excess.most, ==, *rows[i].most);
      g_assert_cmpuint (excess.value, ==, excess.most + 1);
      *rows[i].most = most;
    }
}

/* The messages of a last member that leaves are held as long as there is room, and charged to the account of the member. The
 * others are lost. */
static void
test_left_without_room (Holding *f, gconstpointer data)
{
  BusCore *core = f->peers.core;
  BusAccount *account = f->member->account;
  BusSubscription *member;
  BusLeave leave = { 0 };

  for (guint i = 0; i < 3; i++)
    hold (f, BUS_ROLE_AGENT, FALSE);
  member = routes_subscribe (&f->peers, f->member, 1, "tasks.#", "workers", 1);
  bus_hold_offer (core, member, core->now_us);
  g_assert_cmpuint (member->fifo->messages, ==, 2);
  core->limits.held_messages = 1;
  bus_account_hold (account);
  routes_disconnect (&f->peers, f->member, &leave);
  g_assert_cmpuint (bus_hold_count (core), ==, 1);
  g_assert_cmpuint (account->held_messages, ==, 1);
  g_assert_cmpuint (account->usage.charged, ==, account->held_bytes);
  g_assert_cmpuint (leave.discarded, ==, 1);
  bus_account_release (core->accounts, &core->deadlines, account);
}

/* --- members that cannot take a message --- */

static void
assert_retry (Holding *f, gboolean is_armed)
{
  BusTimer *retry = &f->peers.core->routes->holds->retry;

  g_assert_cmpint (bus_deadline_is_armed (&retry->deadline), ==, is_armed);
  bus_deadline_disarm (&f->peers.core->deadlines, &retry->deadline);
}

static void
drain (Holding *f, BusSubscription *member)
{
  bus_subscription_on (member, BUS_SUBSCRIPTION_ON_DRAIN, &f->peers.core->flows.ignored_events);
  f->peers.core->routes->n_drained++;
}

/* If all members drain or leave, no timer tries again; the message is offered to the next member that joins. */
static void
test_no_member (Holding *f, gconstpointer data)
{
  BusCore *core = f->peers.core;
  BusSubscription *draining = routes_subscribe (&f->peers, f->member, 1, "tasks.#", "workers", 10);
  BusPeer *closing = peers_ready (&f->peers, "two", 1001);

  drain (f, draining);
  routes_subscribe (&f->peers, closing, 1, "tasks.#", "workers", 10);
  bus_peer_close (closing, WIRE_STATUS_SLOW_CONSUMER, NULL);
  hold (f, BUS_ROLE_AGENT, FALSE);
  bus_hold_offer (core, draining, core->now_us);
  assert_retry (f, FALSE);
  bus_hold_retry (core, core->now_us);
  assert_retry (f, FALSE);
  g_assert_cmpuint (bus_hold_count (core), ==, 1);
}

/* An expired message is not given to a member, even before its timer is handled. */
static void
test_expired (Holding *f, gconstpointer data)
{
  BusCore *core = f->peers.core;
  BusSubscription *member;

  hold (f, BUS_ROLE_AGENT, FALSE);
  member = routes_subscribe (&f->peers, f->member, 1, "tasks.#", "workers", 10);
  bus_hold_offer (core, member, core->now_us + 60 * G_TIME_SPAN_SECOND);
  g_assert_cmpuint (bus_hold_count (core), ==, 1);
  g_assert_cmpuint (member->delivered, ==, 0);
}

/* A message for any group waits for the first group that has room. */
static void
test_several_groups (Holding *f, gconstpointer data)
{
  BusCore *core = f->peers.core;
  BusSubscription *full, *draining, *last;

  core->limits.unsettled_messages = 1;
  for (guint i = 0; i < 2; i++)
    hold (f, BUS_ROLE_AGENT, TRUE);
  full = routes_subscribe (&f->peers, f->member, 1, "tasks.#", "a", 10);
  draining = routes_subscribe (&f->peers, f->member, 2, "tasks.#", "b", 10);
  drain (f, draining);
  bus_hold_offer (core, full, core->now_us);
  assert_retry (f, TRUE);
  bus_hold_retry (core, core->now_us); /* one is full, one drains */
  assert_retry (f, TRUE);
  g_assert_cmpuint (bus_hold_count (core), ==, 1);
  last = routes_subscribe (&f->peers, f->member, 3, "tasks.#", "c", 10);
  bus_hold_retry (core, core->now_us);
  assert_retry (f, FALSE);
  g_assert_cmpuint (bus_hold_count (core), ==, 0);
  g_assert_cmpuint (full->delivered, ==, 1);
  g_assert_cmpuint (last->delivered, ==, 1);
}

/* Two groups have room: one of them gets the message. */
static void
test_one_group (Holding *f, gconstpointer data)
{
  BusSubscription *first = routes_subscribe (&f->peers, f->member, 1, "tasks.#", "a", 10);
  BusSubscription *second = routes_subscribe (&f->peers, f->member, 2, "tasks.#", "b", 10);

  hold (f, BUS_ROLE_AGENT, FALSE);
  bus_hold_retry (f->peers.core, f->peers.core->now_us);
  g_assert_cmpuint (first->delivered + second->delivered, ==, 1);
}

/* While the member's account or the broker is full, the message stays in the store; it is not lost at the member. */
static void
test_full_account (Holding *f, gconstpointer data)
{
  BusCore *core = f->peers.core;
  BusSubscription *member = routes_subscribe (&f->peers, f->member, 1, "tasks.#", "workers", 10);
  guint64 *const limits[] = { &core->limits.uid_bytes, &core->quota.cap };

  for (guint i = 0; i < G_N_ELEMENTS (limits); i++)
    {
      const guint64 most = *limits[i];

      hold (f, BUS_ROLE_AGENT, FALSE);
      *limits[i] = i == 0 ? f->member->account->usage.charged : core->quota.memory;
      bus_hold_offer (core, member, core->now_us);
      assert_retry (f, TRUE);
      g_assert_cmpuint (bus_hold_count (core), ==, 1);
      g_assert_cmpuint (member->extra->missed, ==, 0);
      *limits[i] = most;
      bus_hold_retry (core, core->now_us);
      g_assert_cmpuint (bus_hold_count (core), ==, 0);
      g_assert_cmpuint (member->delivered, ==, i + 1);
    }
}

/* The publisher and the member have the same account: the room of the held message is available for its delivery. */
static void
test_same_account (Holding *f, gconstpointer data)
{
  BusCore *core = f->peers.core;
  BusPeer *own = peers_ready (&f->peers, "two", 1000);
  BusSubscription *member = routes_subscribe (&f->peers, own, 1, "tasks.#", "workers", 10);
  g_autoptr (PeerArrival) arrival = peer_arrival_new (&f->peers, f->publisher, TOPIC, NULL, 4);

  hold (f, BUS_ROLE_AGENT, FALSE);
  arrival->inbound.copy_max = BUS_OUTQ_COPY_MAX;
  core->limits.uid_bytes
      = own->account->usage.charged - own->account->held_bytes + bus_router_need (&arrival->inbound, 1);
  bus_hold_offer (core, member, core->now_us);
  g_assert_cmpuint (member->delivered, ==, 1);
}

/* When a member joins, topics that it does not match are not looked up. */
static void
test_other_topics (Holding *f, gconstpointer data)
{
  BusCore *core = f->peers.core;
  BusSubscription *member;
  guint64 made;

  for (guint i = 0; i < 10; i++)
    hold (f, BUS_ROLE_AGENT, FALSE);
  member = routes_subscribe (&f->peers, f->member, 1, "events.#", "workers", 10);
  made = core->routes->matches.made;
  bus_hold_offer (core, member, core->now_us);
  g_assert_cmpuint (core->routes->matches.made, ==, made);
  g_assert_cmpuint (bus_hold_count (core), ==, 10);
}

/* There is no memory to send the message to the member: the publisher gets the reason. */
static void
test_no_memory (Holding *f, gconstpointer data)
{
  BusCore *core = f->peers.core;
  BusSubscription *member = routes_subscribe (&f->peers, f->member, 1, "tasks.#", "workers", 10);
  BusConfirm *confirm = bus_confirm_new (core, f->publisher, 5, core->now_us + 1000);

  hold_confirmed (f, BUS_ROLE_AGENT, FALSE, bus_confirm_add (confirm, NULL));
  g_ptr_array_unref (peers_take (f->publisher));
  g_ptr_array_unref (peers_take (f->member));
  failures = 1;
  bus_hold_offer (core, member, core->now_us);
  g_assert_cmpuint (failures, ==, 0);
  g_assert_cmpuint (member->extra->missed, ==, 1);
  bus_confirm_take_notes (core);
  peers_assert_sent (f->publisher, "ERROR answers=5 status=WOULD_BLOCK\n");
}

/* The broker ends while a message waits for room. */
static void
test_cleared (Holding *f, gconstpointer data)
{
  BusCore *core = f->peers.core;
  BusSubscription *member;

  core->limits.unsettled_messages = 1;
  for (guint i = 0; i < 2; i++)
    hold (f, BUS_ROLE_AGENT, TRUE);
  member = routes_subscribe (&f->peers, f->member, 1, "tasks.#", "workers", 10);
  bus_hold_offer (core, member, core->now_us);
  g_assert_true (bus_deadline_is_armed (&core->routes->holds->retry.deadline));
}

#define ADD(path, function) g_test_add ("/core/held/" path, Holding, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("A08-denied", test_denied);
  ADD ("K08-full", test_full);
  ADD ("R08-bounds", test_bounds);
  ADD ("K08-left-without-room", test_left_without_room);
  ADD ("K08-no-member", test_no_member);
  ADD ("K08-expired", test_expired);
  ADD ("K08-several-groups", test_several_groups);
  ADD ("one-group", test_one_group);
  ADD ("R10-no-memory", test_no_memory);
  ADD ("R08-full-account", test_full_account);
  ADD ("R08-same-account", test_same_account);
  ADD ("other-topics", test_other_topics);
  ADD ("cleared", test_cleared);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-report.h"
#include "route/bus-reroute.h"

#include "route/bus-answer.h"

#include "queue/bus-block.h"
#include "queue/bus-fifo.h"
#include "route/bus-servers.h"
#include "route/route-fixture.h"

/* Messages that wait for a subscription that ends, or for a member that is demoted. */

#define TOPIC  "events.process.new"
#define SERVED "tasks.procmond"

static void
assert_leave (BusLeave leave, guint64 rerouted, guint64 discarded, guint64 unacknowledged)
{
  g_assert_cmpuint (leave.rerouted, ==, rerouted);
  g_assert_cmpuint (leave.discarded, ==, discarded);
  g_assert_cmpuint (leave.unacknowledged, ==, unacknowledged);
}

/* --- the end of a subscription --- */

/* Makes two members of a group with a window of one. @n messages wait, half of them at each, after the first was sent. */
static void
let_wait (Peers *f, BusPeer **one, BusPeer **two, guint n)
{
  *one = peers_ready (f, "one", 1001);
  *two = peers_ready (f, "two", 1001);
  routes_subscribe (f, *one, 1, "events.#", "workers", 1);
  routes_subscribe (f, *two, 1, "events.#", "workers", 1);
  for (guint i = 0; i < n + 2; i++)
    routes_publish (f, NULL, TOPIC, 4);
  g_assert_cmpuint ((*one)->flow.waiting_messages, ==, n / 2);
}

static void
test_rerouted (Peers *f, gconstpointer data)
{
  BusLeave leave = { 0 };
  const BusGroup *group;
  BusPeer *one;
  BusPeer *two;

  let_wait (f, &one, &two, 8);
  routes_disconnect (f, one, &leave);
  assert_leave (leave, 4, 0, 1);
  g_assert_cmpuint (two->flow.waiting_messages, ==, 8);
  group = bus_group_find (&f->core->routes->groups, wire_span_str ("workers"), 1001, wire_span_str ("events.#"));
  g_assert_cmpuint (group->rerouted, ==, 4);
  g_assert_cmpuint (group->members.length, ==, 1);
  memset (&leave, 0, sizeof leave);
  routes_disconnect (f, two, &leave); /* no member is left */
  assert_leave (leave, 0, 8, 1);
}

/* A peer that leaves with two subscriptions of a group does not hand messages on to itself. */
static void
test_not_back_to_itself (Peers *f, gconstpointer data)
{
  BusLeave leave = { 0 };
  BusSubscription *second;
  BusSubscription *first;
  BusPeer *one;
  BusPeer *two;

  let_wait (f, &one, &two, 8);
  first = bus_subscriptions_find (&one->subscriptions, 1);
  second = routes_subscribe (f, one, 2, "events.process.#", "workers", 100);
  /* As at a disconnect: both are unlisted before the first one is released. */
  bus_router_unlist (f->core, second);
  bus_router_unlist (f->core, first);
  bus_reroute_ended (f->core, first, f->core->now_us, &leave);
  bus_router_free (f->core, first);
  g_assert_cmpuint (second->fifo->messages, ==, 0);
  g_assert_cmpuint (second->delivered, ==, 0);
  assert_leave (leave, 4, 0, 1);
  bus_reroute_ended (f->core, second, f->core->now_us, &leave);
  bus_router_free (f->core, second);
  g_assert_cmpuint (two->flow.waiting_messages, ==, 8);
}

/* Messages that are for every member, and expired messages, are not handed on. */
static void
test_not_rerouted (Peers *f, gconstpointer data)
{
  BusLeave leave = { 0 };
  BusPeer *one;
  BusPeer *two;

  let_wait (f, &one, &two, 0);
  routes_broadcast (f, NULL, TOPIC, 4);
  g_assert_cmpuint (one->flow.waiting_messages, ==, 1);
  routes_disconnect (f, one, &leave);
  assert_leave (leave, 0, 1, 1);
  g_assert_cmpuint (two->flow.waiting_messages, ==, 1);
}

static void
test_expired (Peers *f, gconstpointer data)
{
  BusLeave leave = { 0 };
  BusPeer *one;
  BusPeer *two;

  let_wait (f, &one, &two, 0);
  for (guint i = 0; i < 2; i++)
    {
      g_autoptr (PeerArrival) arrival = peer_arrival_new (f, NULL, TOPIC, NULL, 4);

      arrival->inbound.expires_us = f->core->now_us + 100;
      bus_router_publish (f->core, &arrival->inbound, bus_router_match (f->core, arrival->envelope.topic), FALSE,
                          f->core->now_us);
    }
  g_assert_cmpuint (one->flow.waiting_messages, ==, 1);
  f->core->now_us += 100;
  routes_disconnect (f, one, &leave);
  assert_leave (leave, 0, 1, 1);
  g_assert_cmpuint (two->flow.waiting_messages, ==, 1);
}

/* The waiting messages of a plain subscription are discarded; its sent messages do not count as unacknowledged. */
static void
test_discarded (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1001);
  BusSubscription *subscription = routes_subscribe (f, one, 1, "events.#", NULL, 1);
  BusLeave leave = { 0 };

  for (guint i = 0; i < 4; i++)
    routes_publish (f, NULL, TOPIC, 4);
  bus_router_unlist (f->core, subscription);
  bus_reroute_ended (f->core, subscription, f->core->now_us, &leave);
  assert_leave (leave, 0, 3, 0);
  g_assert_cmpuint (one->flow.waiting_messages, ==, 0);
  /* They count as missed, with their own reason, in each sum of losses. */
  g_assert_cmpuint (subscription->delivered, ==, 1);
  g_assert_cmpuint (subscription->extra->missed, ==, 3);
  g_assert_cmpuint (bus_subscription_losses (subscription)->missed_by[BUS_LOSS_ENDED], ==, 3);
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported[BUS_LOSS_ENDED], ==, 3);
  g_assert_cmpuint (bus_report_need_losses (&one->flow)->missed_by[BUS_LOSS_ENDED], ==, 3);
  g_assert_cmpuint (f->core->flows.missed_by[BUS_LOSS_ENDED], ==, 3);
  g_assert_cmpuint (f->core->flows.domains[bus_domain_of_topic (wire_span_str (TOPIC))].missed, ==, 3);
  bus_deadline_disarm (&f->core->deadlines, &bus_subscription_need_losses (subscription)->report_timer.deadline);
  bus_router_free (f->core, subscription);
  peers_assert_sent (one, "DELIVER for=1 topic=events.process.new sender=bus payload=4\n"); /* and no GAP */
}

/* --- requests --- */

/* Lets @n requests of @asker wait for a server without credit. @target: (nullable) */
static void
let_addressed_requests_wait (Peers *f, BusPeer *asker, BusSubscription *server, guint n, const char *target)
{
  bus_window_init (&server->window, 0, 0);
  for (guint i = 0; i < n; i++)
    {
      const BusRequester requester = { BUS_REQUESTER_PEER, asker, 100 + i, NULL, NULL, NULL };
      g_autoptr (PeerArrival) arrival = peer_arrival_new (f, asker, SERVED, NULL, 4);
      BusRequest *request = bus_request_new (f->core, BUS_PENDING_REPLY, &requester, server->owner,
                                             arrival->envelope.topic, f->core->now_us + 1000);

      arrival->envelope.target = wire_span_str (target != NULL ? target : "");
      bus_answer_send_request (f->core, request, &arrival->inbound, server, f->core->now_us);
    }
  g_assert_cmpuint (server->fifo->messages, ==, n);
}

static void
let_requests_wait (Peers *f, BusPeer *asker, BusSubscription *server, guint n)
{
  let_addressed_requests_wait (f, asker, server, n, NULL);
}

/* Another server gets the requests that were not sent; the requester is not notified. */
static void
test_requests (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1001);
  BusPeer *two = peers_ready (f, "two", 1000);
  BusPeer *asker = peers_ready (f, "asker", 1001);
  BusSubscription *first = routes_serve (f, one, 1, SERVED);
  BusSubscription *second = routes_serve (f, two, 1, SERVED);
  BusLeave leave = { 0 };

  let_requests_wait (f, asker, first, 3);
  routes_unsubscribe (f, first, &leave);
  assert_leave (leave, 3, 0, 0);
  g_assert_cmpuint (one->calls->answering.length, ==, 0);
  g_assert_cmpuint (two->calls->answering.length, ==, 3);
  g_assert_cmpuint (second->delivered, ==, 3);
  peers_assert_sent (asker, "");
}

/* Without another server the requester is notified at once, not at its deadline. */
static void
test_requester_notified_without_another_server (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1001);
  BusPeer *asker = peers_ready (f, "asker", 1001);
  BusLeave leave = { 0 };
  BusSubscription *server = routes_serve (f, one, 1, SERVED);

  let_requests_wait (f, asker, server, 2);
  routes_unsubscribe (f, server, &leave);
  assert_leave (leave, 0, 2, 0);
  peers_assert_sent (asker, "ERROR answers=100 status=RESPONDER_GONE\nERROR answers=101 status=RESPONDER_GONE\n");
  g_assert_cmpuint (f->core->flows.missed_by[BUS_LOSS_ENDED], ==, 0); /* requests are not counted */
}

/* A request that is addressed to a peer is not handed on to another server. */
static void
test_addressed_requests (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1001);
  BusPeer *two = peers_ready (f, "two", 1000);
  BusPeer *asker = peers_ready (f, "asker", 1001);
  BusSubscription *first = routes_serve (f, one, 1, SERVED);
  BusSubscription *second = routes_serve (f, two, 1, SERVED);
  BusSubscription *again = routes_serve (f, one, 2, SERVED);
  BusLeave leave = { 0 };

  let_addressed_requests_wait (f, asker, first, 2, "one");
  bus_window_init (&again->window, 0, 0);
  routes_unsubscribe (f, first, &leave);
  assert_leave (leave, 2, 0, 0);
  g_assert_cmpuint (again->fifo->messages, ==, 2);
  peers_assert_sent (asker, "");

  routes_unsubscribe (f, again, &leave);
  assert_leave (leave, 2, 2, 0);
  g_assert_cmpuint (second->delivered, ==, 0);
  peers_assert_sent (asker, "ERROR answers=100 status=RESPONDER_GONE\nERROR answers=101 status=RESPONDER_GONE\n");
}

/* The other server has no room: the requester gets WOULD_BLOCK at once. */
static void
test_requests_to_a_full_server (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1001);
  BusPeer *two = peers_ready (f, "two", 1000);
  BusPeer *asker = peers_ready (f, "asker", 1001);
  BusSubscription *first = routes_serve (f, one, 1, SERVED);
  BusSubscription *second = routes_serve (f, two, 1, SERVED);
  BusLeave leave = { 0 };

  second->bounds.messages = 2;
  bus_window_init (&second->window, 0, 0);
  let_requests_wait (f, asker, first, 3);
  routes_unsubscribe (f, first, &leave);
  assert_leave (leave, 2, 1, 0);
  peers_assert_sent (asker, "ERROR answers=102 status=WOULD_BLOCK\n");
}

/* --- demotion --- */

typedef struct
{
  BusPeer *publisher;
  BusPeer *peers[3];
  BusSubscription *members[3]; /* under the policy block, without credit */
} Workers;

static void
workers_init (Peers *f, Workers *w)
{
  w->publisher = peers_ready (f, "from", 1002);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *id = g_strdup_printf ("worker-%u", i);

      w->peers[i] = peers_ready (f, id, 1000);
      w->members[i] = routes_subscribe (f, w->peers[i], 1, "events.#", "workers", 0);
      w->members[i]->bounds.policy = BUS_OVERFLOW_BLOCK;
    }
  w->members[0]->group->bounds.policy = BUS_OVERFLOW_BLOCK;
}

static void
demote (Peers *f, BusSubscription *member)
{
  member->state = BUS_SUBSCRIPTION_DEMOTED;
  bus_reroute_waiting (f->core, member, f->core->now_us);
}

/* The other two members get all waiting messages in turn, with and without tickets. The credit is still held once. */
static void
test_demoted (Peers *f, gconstpointer data)
{
  guint64 held;
  Workers w;

  workers_init (f, &w);
  for (guint i = 0; i < 9; i++)
    routes_publish (f, i < 6 ? w.publisher : NULL, TOPIC, 4);
  held = bus_ledger_allowance (&w.publisher->ledger, WIRE_CLASS_MAY_DROP)->held_messages;
  g_assert_cmpuint (w.members[0]->fifo->messages, ==, 3);
  g_assert_cmpuint (w.members[0]->records->tickets, ==, 2);
  demote (f, w.members[0]);
  g_assert_cmpuint (w.members[0]->fifo->messages, ==, 0);
  g_assert_cmpuint (w.members[0]->records->tickets, ==, 0);
  g_assert_cmpuint (w.members[0]->extra->rerouted, ==, 3);
  g_assert_cmpuint (w.members[0]->extra->missed, ==, 0);
  g_assert_cmpuint (w.members[0]->group->rerouted, ==, 3);
  g_assert_cmpuint (w.members[1]->fifo->messages + w.members[2]->fifo->messages, ==, 9);
  g_assert_cmpuint (w.members[1]->fifo->messages, >=, 4);
  g_assert_cmpuint (w.members[2]->fifo->messages, >=, 4);
  g_assert_cmpuint (w.members[1]->records->tickets + w.members[2]->records->tickets, ==, 6);
  g_assert_cmpuint (bus_ledger_allowance (&w.publisher->ledger, WIRE_CLASS_MAY_DROP)->held_messages, ==, held);
}

/* A ticket keeps the time since its first member, so the total time is bounded however often it is handed on. */
static void
test_ticket_keeps_its_time (Peers *f, gconstpointer data)
{
  gint64 first_us = f->core->now_us;
  Workers w;

  workers_init (f, &w);
  routes_publish (f, w.publisher, TOPIC, 4);
  for (guint i = 0; i < 2; i++)
    {
      f->core->now_us += (gint64) f->core->limits.longest_block_us;
      demote (f, w.members[i]);
    }
  g_assert_cmpuint (w.members[2]->records->tickets, ==, 1);
  g_assert_cmpint (w.members[2]->fifo->first->ticket->since_us, ==, first_us);
  g_assert_cmpint (w.members[2]->fifo->first->since_us, ==, f->core->now_us);
}

/* A message whose patience is nearly over is not lost and does not demote its new member: only its credit returns. */
static void
test_ticket_ends (Peers *f, gconstpointer data)
{
  gint64 longest_us = (gint64) f->core->limits.longest_block_us;
  Workers w;

  workers_init (f, &w);
  routes_publish (f, w.publisher, TOPIC, 4);
  f->core->now_us += (BUS_BLOCK_PATIENCE - 1) * longest_us;
  demote (f, w.members[0]);
  g_assert_cmpuint (w.members[1]->records->tickets, ==, 1);
  f->core->now_us += 1;
  demote (f, w.members[1]);
  g_assert_cmpuint (w.members[2]->fifo->messages, ==, 1);
  g_assert_cmpuint (w.members[2]->records->tickets, ==, 0);
  g_assert_cmpuint (w.publisher->ledger.n_tickets, ==, 0);
}

/* Messages stay if no member can take them: demoted and full members cannot, nor can another subscription of the peer. */
static void
test_stays_without_a_member_with_room (Peers *f, gconstpointer data)
{
  BusSubscription *own;
  Workers w;

  workers_init (f, &w);
  own = routes_subscribe (f, w.peers[0], 2, "events.process.#", "workers", 100);
  for (guint i = 0; i < 6; i++)
    routes_publish (f, w.publisher, TOPIC, 4);
  w.members[1]->state = BUS_SUBSCRIPTION_DEMOTED;
  w.members[2]->bounds.messages = (guint32) w.members[2]->fifo->messages;
  demote (f, w.members[0]);
  g_assert_cmpuint (w.members[0]->fifo->messages, ==, 2);
  g_assert_cmpuint (w.members[0]->records->tickets, ==, 2);
  g_assert_cmpuint (w.members[0]->extra->rerouted, ==, 0);
  g_assert_cmpuint (own->delivered, ==, 0);
  w.members[2]->bounds.messages++; /* room for one message: the oldest is handed over first */
  demote (f, w.members[0]);
  g_assert_cmpuint (w.members[0]->fifo->messages, ==, 1);
  g_assert_cmpuint (w.members[0]->extra->rerouted, ==, 1);
}

/* Broadcasts and expired messages stay, and gaps with the same reason join. */
static void
test_broadcast_and_expired_stay (Peers *f, gconstpointer data)
{
  BusSubscription *member;
  Workers w;

  workers_init (f, &w);
  member = w.members[0];
  routes_broadcast (f, w.publisher, TOPIC, 4);
  bus_fifo_lose (&w.peers[0]->flow, member, &(BusLostAt){ WIRE_LANE_DATA, 0, ++f->accept_seq }, 1, BUS_LOSS_FULL,
                 f->core->now_us);
  routes_publish (f, w.publisher, TOPIC, 4);
  bus_fifo_lose (&w.peers[0]->flow, member, &(BusLostAt){ WIRE_LANE_DATA, 0, ++f->accept_seq }, 1, BUS_LOSS_FULL,
                 f->core->now_us);
  g_assert_cmpuint (member->fifo->messages, ==, 2);
  g_assert_cmpuint (member->fifo->gaps[WIRE_LANE_DATA], ==, 2);
  demote (f, member);
  g_assert_cmpuint (member->fifo->messages, ==, 1);
  g_assert_cmpuint (member->fifo->gaps[WIRE_LANE_DATA], ==, 1);
  g_assert_cmpuint (member->fifo->last->gap_count, ==, 2);
  g_assert_true (member->fifo->first->delivery.to_each);
}

/* Hands on the message in front of a gap, so that no message is left to carry the gap. It is sent if the window is open,
 * otherwise by the report timer, also if this timer has expired before. */
static BusSubscription *
hand_on_before_a_gap (Peers *f, guint64 window)
{
  BusSubscription *member;
  Workers w;

  workers_init (f, &w);
  member = w.members[0];
  routes_publish (f, w.publisher, TOPIC, 4);
  g_assert_cmpuint (member->fifo->messages, ==, 1);
  bus_fifo_lose (&w.peers[0]->flow, member, &(BusLostAt){ WIRE_LANE_DATA, 0, ++f->accept_seq }, 1, BUS_LOSS_FULL,
                 f->core->now_us);
  bus_deadline_disarm (&f->core->deadlines, &bus_subscription_need_losses (member)->report_timer.deadline);
  bus_window_init (&member->window, window, 1000);
  demote (f, member);
  g_assert_cmpuint (member->fifo->messages, ==, 0);
  return member;
}

static void
test_gap_behind_them (Peers *f, gconstpointer data)
{
  BusSubscription *member = hand_on_before_a_gap (f, 0);

  g_assert_cmpuint (member->fifo->gaps[WIRE_LANE_DATA], ==, 1);
  g_assert_true (bus_deadline_is_armed (&bus_subscription_need_losses (member)->report_timer.deadline));
}

static void
test_gap_behind_them_with_credit (Peers *f, gconstpointer data)
{
  BusSubscription *member = hand_on_before_a_gap (f, 1);

  g_assert_cmpuint (member->fifo->gaps[WIRE_LANE_DATA], ==, 0);
  g_assert_false (bus_deadline_is_armed (&bus_subscription_need_losses (member)->report_timer.deadline));
}

/* Messages that are handed on return their credit, and messages that stay get it. */
static void
test_credit_of_queued_messages_returns (Peers *f, gconstpointer data)
{
  BusSubscription *member;
  Workers w;

  workers_init (f, &w);
  member = w.members[0];
  bus_window_init (&member->window, 1, 1000);
  /* The lane is full, so that a message with credit waits. */
  while (bus_flow_lane_is_clear (&w.peers[0]->flow, WIRE_LANE_DATA))
    {
      guint8 body[4000] = { 0 };

      bus_outq_put (&w.peers[0]->flow.outq, WIRE_LANE_DATA, WIRE_KIND_PING, 0, NULL, wire_span (body, sizeof body));
    }
  member->group->balance.cursor = 0;
  routes_publish (f, w.publisher, TOPIC, 4);
  routes_broadcast (f, w.publisher, TOPIC, 4);
  g_assert_cmpint (member->fifo->first->state, ==, BUS_DELIVERY_QUEUED);
  demote (f, member);
  g_assert_cmpuint (member->fifo->messages, ==, 1);
  g_assert_cmpint (member->fifo->first->state, ==, BUS_DELIVERY_QUEUED);
  g_assert_true (member->fifo->first->delivery.to_each);
  g_assert_cmpuint (member->window.used_messages, ==, 1);
}

/* While the broker is full, each offer may drop messages of the demoted member as well. */
static void
test_while_full (Peers *f, gconstpointer data)
{
  guint64 offered, sum = 0;
  Workers w;

  workers_init (f, &w);
  for (guint i = 0; i < 60; i++)
    routes_publish (f, NULL, TOPIC, 4000);
  offered = 60;
  f->core->limits.uid_bytes = w.peers[0]->account->usage.charged; /* each further message makes the account drop some */
  demote (f, w.members[0]);
  for (guint i = 0; i < 3; i++)
    sum += w.members[i]->extra->missed + w.members[i]->fifo->messages;
  g_assert_cmpuint (sum, ==, offered);
  g_assert_cmpuint (w.members[0]->extra->missed + w.members[1]->extra->missed + w.members[2]->extra->missed, >, 0);
}

/* Messages of a subscription without a group are not handed on. */
static void
test_plain (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1001);
  BusSubscription *subscription = routes_subscribe (f, one, 1, "events.#", NULL, 0);

  routes_publish (f, NULL, TOPIC, 4);
  demote (f, subscription);
  g_assert_cmpuint (subscription->fifo->messages, ==, 1);
}

#define ADD(path, function) g_test_add (path, Peers, NULL, routes_setup, function, routes_teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/reroute/M15-rerouted", test_rerouted);
  ADD ("/core/reroute/not-back-to-itself", test_not_back_to_itself);
  ADD ("/core/reroute/not-rerouted", test_not_rerouted);
  ADD ("/core/reroute/expired", test_expired);
  ADD ("/core/reroute/I07-discarded", test_discarded);
  ADD ("/core/reroute/M07-requests", test_requests);
  ADD ("/core/reroute/M07-requester-notified-without-another-server", test_requester_notified_without_another_server);
  ADD ("/core/reroute/M07-addressed-requests", test_addressed_requests);
  ADD ("/core/reroute/M07-requests-to-a-full-server", test_requests_to_a_full_server);
  ADD ("/core/reroute/M06-demoted", test_demoted);
  ADD ("/core/reroute/B04-ticket-keeps-its-time", test_ticket_keeps_its_time);
  ADD ("/core/reroute/B04-ticket-ends", test_ticket_ends);
  ADD ("/core/reroute/stays-without-a-member-with-room", test_stays_without_a_member_with_room);
  ADD ("/core/reroute/broadcast-and-expired-stay", test_broadcast_and_expired_stay);
  ADD ("/core/reroute/I20-gap-behind-them", test_gap_behind_them);
  ADD ("/core/reroute/I20-gap-behind-them/credit", test_gap_behind_them_with_credit);
  ADD ("/core/reroute/credit-of-queued-messages-returns", test_credit_of_queued_messages_returns);
  ADD ("/core/reroute/R04-while-full", test_while_full);
  ADD ("/core/reroute/plain", test_plain);
  return g_test_run ();
}

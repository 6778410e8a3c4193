/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-unsettled.h"
#include "route/route-fixture.h"

/* The store of held messages alone: the right of the publisher, and members that are full. */

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
hold (Holding *f, BusRole role, gboolean is_kept)
{
  g_autoptr (PeerArrival) arrival = peer_arrival_new (&f->peers, f->publisher, TOPIC, NULL, 4);
  const BusPrincipal who = { role, WIRE_SPAN_LITERAL ("publisher"), WIRE_SPAN_LITERAL ("procmond") };
  const BusDelivery delivery = { .kind = WIRE_KIND_DELIVER, .is_kept = is_kept, .may_hold = TRUE, .attempt = 1 };
  BusHoldWish wish = { NULL, &delivery, f->publisher->account, &who, NULL };

  arrival->inbound.expires_us = f->peers.core->now_us + 60 * G_TIME_SPAN_SECOND;
  wish.message = bus_inbound_keep (&arrival->inbound);
  g_assert_nonnull (wish.message);
  bus_hold_add (f->peers.core, &wish);
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
  bus_hold_offer (f->peers.core, member->group, f->peers.core->now_us);
  g_assert_cmpuint (member->delivered, ==, 1);
  g_assert_cmpuint (bus_hold_count (f->peers.core), ==, 0);
  g_assert_cmpuint (f->peers.core->routes->holds->denied, ==, 1);
  g_assert_cmpuint (f->peers.core->routes->holds->report.count, ==, 1);
}

/* A member that has no room gets the rest when it has. Nothing is lost. */
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
  bus_hold_offer (core, member->group, core->now_us);
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

#define ADD(path, function) g_test_add ("/core/held/" path, Holding, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("A08-denied", test_denied);
  ADD ("K08-full", test_full);
  return g_test_run ();
}

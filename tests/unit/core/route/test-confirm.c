/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-confirm.h"

#include "queue/bus-fifo.h"
#include "route/route-fixture.h"

/* Confirmations alone: their routes, their answers, and how they end. */

typedef struct
{
  Peers peers;
  BusPeer *publisher;
  BusPeer *one;
  BusPeer *two;
} Confirms;

static void
setup (Confirms *f, gconstpointer data)
{
  routes_setup (&f->peers, NULL);
  f->publisher = peers_ready (&f->peers, "publisher", 1000);
  f->one = peers_ready (&f->peers, "one", 1001);
  f->two = peers_ready (&f->peers, "two", 1001);
  g_ptr_array_unref (peers_take (f->publisher));
}

static void
teardown (Confirms *f, gconstpointer data)
{
  routes_teardown (&f->peers, NULL);
}

static BusConfirm *
begin (Confirms *f, guint64 id)
{
  return bus_confirm_new (f->peers.core, f->publisher, id, f->peers.core->now_us + 1000);
}

static void
assert_answered (Confirms *f, const char *expected)
{
  g_assert_false (bus_confirm_is_pending (f->publisher, 5));
  g_assert_cmpuint (f->one->calls->confirming.length + f->two->calls->confirming.length, ==, 0);
  g_assert_cmpuint (bus_peer_pending (f->publisher), ==, 0);
  peers_assert_sent (f->publisher, expected);
}

static void
drop (Confirms *f, guint64 route_id)
{
  bus_fifo_note_dropped (&f->peers.core->flows, route_id, BUS_LOSS_FULL);
  bus_confirm_take_notes (f->peers.core);
}

/* The message of @route_id was sent to @receiver. */
static void
send (Confirms *f, guint64 route_id, BusPeer *receiver)
{
  bus_fifo_note_sent (&receiver->flow, route_id);
  bus_confirm_take_notes (f->peers.core);
}

static void
test_delivered (Confirms *f, gconstpointer data)
{
  guint64 route_id = bus_confirm_add (begin (f, 5), f->one);

  g_assert_true (bus_confirm_is_pending (f->publisher, 5));
  g_assert_cmpuint (bus_peer_pending (f->publisher), ==, 1);
  send (f, route_id, f->one);
  g_assert_false (bus_confirm_delivered (f->peers.core, f->two, route_id)); /* not its message */
  g_assert_false (bus_confirm_delivered (f->peers.core, f->one, route_id + 4));
  peers_assert_sent (f->publisher, "");
  g_assert_true (bus_confirm_delivered (f->peers.core, f->one, route_id));
  assert_answered (f, "DELIVERED answers=5\n");
  g_assert_false (bus_confirm_delivered (f->peers.core, f->one, route_id));
}

/* A receiver cannot confirm a message that still waits for it, even if it guesses the route. */
static void
test_not_sent (Confirms *f, gconstpointer data)
{
  guint64 route_id = bus_confirm_add (begin (f, 5), f->one);

  g_assert_false (bus_confirm_delivered (f->peers.core, f->one, route_id));
  send (f, route_id, f->two); /* to another peer, before it was moved here */
  g_assert_false (bus_confirm_delivered (f->peers.core, f->one, route_id));
  send (f, route_id, f->one);
  g_assert_true (bus_confirm_delivered (f->peers.core, f->one, route_id));
  assert_answered (f, "DELIVERED answers=5\n");
}

/* Every group has to confirm. */
static void
test_all_routes (Confirms *f, gconstpointer data)
{
  BusConfirm *confirm = begin (f, 5);
  guint64 first = bus_confirm_add (confirm, f->one);
  guint64 second = bus_confirm_add (confirm, f->two);

  send (f, first, f->one);
  send (f, second, f->two);
  g_assert_true (bus_confirm_delivered (f->peers.core, f->two, second));
  peers_assert_sent (f->publisher, "");
  g_assert_true (bus_confirm_delivered (f->peers.core, f->one, first));
  assert_answered (f, "DELIVERED answers=5\n");
}

static void
test_deadline (Confirms *f, gconstpointer data)
{
  BusConfirm *confirm = begin (f, 5);

  bus_confirm_add (confirm, f->one);
  bus_confirm_expire (confirm);
  assert_answered (f, "ERROR answers=5 status=UNKNOWN\n");
}

/* A message that was dropped before it was sent is not waited for. While one of two subscriptions still has the message, the
 * confirmation is pending. */
static void
test_dropped (Confirms *f, gconstpointer data)
{
  guint64 route_id = bus_confirm_add (begin (f, 5), f->one);

  bus_confirm_expect (f->peers.core, route_id, 2);
  drop (f, route_id);
  g_assert_true (bus_confirm_is_pending (f->publisher, 5));
  drop (f, route_id);
  assert_answered (f, "ERROR answers=5 status=SLOW_CONSUMER\n");
  drop (f, route_id); /* the route has ended */
  drop (f, 0);
  peers_assert_sent (f->publisher, "");
}

static void
test_none_queued (Confirms *f, gconstpointer data)
{
  bus_confirm_expect (f->peers.core, bus_confirm_add (begin (f, 5), f->one), 0);
  assert_answered (f, "ERROR answers=5 status=WOULD_BLOCK\n");
}

static void
test_receiver_gone (Confirms *f, gconstpointer data)
{
  BusConfirm *confirm = begin (f, 5);

  bus_confirm_add (confirm, f->one);
  bus_confirm_add (confirm, f->two);
  bus_confirm_forget_peer (f->one);
  assert_answered (f, "ERROR answers=5 status=UNKNOWN\n");
}

/* After a message was moved to another member, the first one is not waited for and cannot confirm it. */
static void
test_move (Confirms *f, gconstpointer data)
{
  guint64 route_id = bus_confirm_add (begin (f, 5), f->one);

  send (f, route_id, f->one);
  bus_confirm_move (f->peers.core, route_id, f->two);
  bus_confirm_forget_peer (f->one);
  g_assert_false (bus_confirm_delivered (f->peers.core, f->one, route_id));
  g_assert_false (bus_confirm_delivered (f->peers.core, f->two, route_id)); /* not yet sent to this member */
  send (f, route_id, f->two);
  g_assert_true (bus_confirm_is_pending (f->publisher, 5));
  g_assert_true (bus_confirm_delivered (f->peers.core, f->two, route_id));
  assert_answered (f, "DELIVERED answers=5\n");
}

static void
test_publisher_gone (Confirms *f, gconstpointer data)
{
  guint64 route_id = bus_confirm_add (begin (f, 5), f->one);

  bus_confirm_add (begin (f, 6), f->two);
  bus_confirm_forget_peer (f->publisher);
  g_assert_false (bus_confirm_delivered (f->peers.core, f->one, route_id));
  assert_answered (f, "");
}

static void
test_cancel (Confirms *f, gconstpointer data)
{
  bus_confirm_add (begin (f, 5), f->one);
  g_assert_false (bus_confirm_cancel (f->publisher, 6));
  g_assert_true (bus_confirm_cancel (f->publisher, 5));
  g_assert_false (bus_confirm_cancel (f->publisher, 5));
  assert_answered (f, "");
}

#define CONFIRM_ADD(path, test) g_test_add (path, Confirms, NULL, setup, test, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  CONFIRM_ADD ("/core/confirm/M06-delivered", test_delivered);
  CONFIRM_ADD ("/core/confirm/O05-not-sent", test_not_sent);
  CONFIRM_ADD ("/core/confirm/M06-all-routes", test_all_routes);
  CONFIRM_ADD ("/core/confirm/M06-deadline", test_deadline);
  CONFIRM_ADD ("/core/confirm/M06-dropped", test_dropped);
  CONFIRM_ADD ("/core/confirm/none-queued", test_none_queued);
  CONFIRM_ADD ("/core/confirm/M06-receiver-gone", test_receiver_gone);
  CONFIRM_ADD ("/core/confirm/M06-move", test_move);
  CONFIRM_ADD ("/core/confirm/publisher-gone", test_publisher_gone);
  CONFIRM_ADD ("/core/confirm/cancel", test_cancel);
  return g_test_run ();
}

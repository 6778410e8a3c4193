/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-resend.h"

#include "queue/bus-fifo.h"
#include "route/route-fixture.h"

/* Messages that the broker recognises when the same client sends them again: a bounded number, for a bounded time. */

static const BusOutcome outcome = { 3, 2, 1 };

static void
accept_message (BusPeer *peer, guint64 message_id)
{
  g_assert_true (bus_resend_open (peer));
  g_assert_null (bus_resend_find (peer, message_id));
  bus_resend_add (peer, message_id, 100 + message_id, outcome, NULL);
}

static BusPeer *
reconnect (Peers *f, const char *id, guint32 account, guint64 incarnation, guint64 last_known)
{
  BusPeer *peer = peers_ready (f, id, account);

  peer->incarnation = incarnation;
  bus_resend_join (peer, last_known);
  g_assert_true (bus_resend_open (peer));
  return peer;
}

static void
test_recognised (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1000);
  const BusAccepted *accepted;

  accept_message (one, 7);
  accept_message (one, 5);
  accepted = bus_resend_find (one, 7);
  g_assert_nonnull (accepted);
  g_assert_cmpuint (accepted->accept_seq, ==, 107);
  g_assert_cmpuint (accepted->outcome.queued, ==, 2);
  g_assert_null (bus_resend_find (one, 6));
}

/* The window outlives the connection, and its account outlives the last peer. */
static void
test_window_outlives_the_connection (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1000);
  guint64 incarnation = one->incarnation;

  for (guint i = 1; i <= 3; i++)
    accept_message (one, i);
  routes_disconnect (f, one, NULL);
  g_assert_cmpuint (f->core->quota.charged, >, 0);
  one = reconnect (f, "one", 1000, incarnation, 1);
  g_assert_null (bus_resend_find (one, 1)); /* the client has the outcome */
  g_assert_nonnull (bus_resend_find (one, 2));
  g_assert_nonnull (bus_resend_find (one, 3));
}

/* Another incarnation, id or account gets a new window. */
static void
test_other_incarnation_id_or_account (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1000);
  guint64 incarnation = one->incarnation;

  accept_message (one, 1);
  routes_disconnect (f, one, NULL);
  g_assert_null (bus_resend_find (reconnect (f, "two", 1000, incarnation, 0), 1));
  one = reconnect (f, "one", 1001, incarnation, 0);
  g_assert_null (bus_resend_find (one, 1));
  routes_disconnect (f, one, NULL);
  g_assert_null (bus_resend_find (reconnect (f, "one", 1000, incarnation + 1, 0), 1));
}

static void
test_time (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1000);
  gint64 due_us = f->core->now_us + BUS_RESEND_US;
  BusDeadline *deadline;

  accept_message (one, 1);
  routes_disconnect (f, one, NULL);
  g_assert_cmpint (bus_deadline_set_next_us (&f->core->deadlines), ==, due_us);
  deadline = bus_deadline_set_pop_due (&f->core->deadlines, due_us);
  g_assert_cmpint (((BusTimer *) deadline)->kind, ==, BUS_TIMER_RESEND);
  bus_resend_due (((BusTimer *) deadline)->owner);
  g_assert_cmpuint (g_hash_table_size (f->core->routes->resend_windows), ==, 0);
  g_assert_cmpuint (f->core->quota.charged, ==, 0);
}

static void
test_last_numbers (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1000);
  guint64 charged = 0;

  for (guint i = 1; i <= BUS_RESEND_IDS + 10; i++)
    {
      accept_message (one, i);
      if (i == BUS_RESEND_IDS)
        charged = f->core->quota.charged;
    }
  g_assert_cmpuint (f->core->quota.charged, ==, charged);
  g_assert_null (bus_resend_find (one, 10));
  g_assert_nonnull (bus_resend_find (one, 11));
}

/* A new window replaces that of the client that has been gone for longest, never that of a connected client. */
static void
test_number_of_windows (Peers *f, gconstpointer data)
{
  BusPeer *one = peers_ready (f, "one", 1000);
  BusPeer *two = peers_ready (f, "two", 1000);
  BusPeer *three = peers_ready (f, "three", 1000);

  f->core->limits.resend_windows = 2;
  accept_message (one, 1);
  accept_message (two, 1);
  g_assert_false (bus_resend_open (three));
  routes_disconnect (f, one, NULL);
  routes_disconnect (f, two, NULL);
  g_assert_true (bus_resend_open (three));
  g_assert_nonnull (bus_resend_find (reconnect (f, "two", 1000, three->incarnation, 0), 1));
}

/* --- confirmations --- */

typedef struct
{
  BusPeer *publisher;
  BusPeer *receiver;
  guint64 route_id;
} Awaited;

static Awaited
await (Peers *f)
{
  Awaited awaited = { peers_ready (f, "publisher", 1000), peers_ready (f, "receiver", 1000), 0 };
  BusConfirm *confirm = bus_confirm_new (f->core, awaited.publisher, 5, f->core->now_us + 1000);

  awaited.route_id = bus_confirm_add (confirm, awaited.receiver);
  bus_fifo_note_sent (&awaited.receiver->flow, awaited.route_id);
  bus_confirm_take_notes (f->core);
  g_assert_true (bus_resend_open (awaited.publisher));
  bus_resend_add (awaited.publisher, 1, 101, outcome, confirm);
  return awaited;
}

/* The message is handled while its publisher is disconnected. */
static void
test_handled_meanwhile (Peers *f, gconstpointer data)
{
  Awaited awaited = await (f);
  guint64 incarnation = awaited.publisher->incarnation;

  routes_disconnect (f, awaited.publisher, NULL);
  g_assert_true (bus_confirm_delivered (f->core, awaited.receiver, awaited.route_id));
  awaited.publisher = reconnect (f, "publisher", 1000, incarnation, 0);
  g_ptr_array_unref (peers_take (awaited.publisher));
  bus_confirm_continue (&bus_resend_find (awaited.publisher, 1)->witness, awaited.publisher, 9);
  peers_assert_sent (awaited.publisher, "DELIVERED answers=9\n");
}

/* The message is handled after it was sent again. */
static void
test_handled_later (Peers *f, gconstpointer data)
{
  Awaited awaited = await (f);

  bus_confirm_continue (&bus_resend_find (awaited.publisher, 1)->witness, awaited.publisher, 9);
  g_assert_false (bus_confirm_is_pending (awaited.publisher, 5));
  g_assert_true (bus_confirm_is_pending (awaited.publisher, 9));
  g_ptr_array_unref (peers_take (awaited.publisher));
  g_assert_true (bus_confirm_delivered (f->core, awaited.receiver, awaited.route_id));
  peers_assert_sent (awaited.publisher, "DELIVERED answers=9\n");
}

static void
test_failed_meanwhile (Peers *f, gconstpointer data)
{
  Awaited awaited = await (f);

  bus_confirm_forget_peer (awaited.receiver);
  g_ptr_array_unref (peers_take (awaited.publisher));
  bus_confirm_continue (&bus_resend_find (awaited.publisher, 1)->witness, awaited.publisher, 9);
  peers_assert_sent (awaited.publisher, "ERROR answers=9 status=UNKNOWN\n");
}

/* The confirmation ends with its window, because no client can ask for it any more. */
static void
test_ends_with_window (Peers *f, gconstpointer data)
{
  Awaited awaited = await (f);

  routes_disconnect (f, awaited.publisher, NULL);
  g_assert_cmpuint (f->core->routes->n_confirms, ==, 1);
  bus_resend_clear (f->core);
  g_assert_cmpuint (f->core->routes->n_confirms, ==, 0);
  g_assert_false (bus_confirm_delivered (f->core, awaited.receiver, awaited.route_id));
}

#define RESEND_ADD(path, test) g_test_add (path, Peers, NULL, routes_setup, test, routes_teardown)

/* An account with many clients does not make the broker forget messages of another account. The broker forgets messages of this
 * account, beginning with the client that has been gone for longest. */
static void
test_full_table_drops_the_oldest_client (Peers *f, gconstpointer data)
{
  static const char *const ids[] = { "other-0", "other-1", "other-2", "other-3", "other-4" };
  guint64 incarnations[G_N_ELEMENTS (ids)];
  BusPeer *one = peers_ready (f, "one", 1000);
  guint64 incarnation = one->incarnation;

  f->core->limits.resend_windows = 3;
  accept_message (one, 1);
  routes_disconnect (f, one, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (ids); i++)
    {
      BusPeer *other = peers_ready (f, ids[i], 1001);

      incarnations[i] = other->incarnation;
      accept_message (other, 1);
      routes_disconnect (f, other, NULL);
    }
  g_assert_nonnull (bus_resend_find (reconnect (f, "one", 1000, incarnation, 0), 1));
  for (guint i = G_N_ELEMENTS (ids) - 2; i < G_N_ELEMENTS (ids); i++)
    g_assert_nonnull (bus_resend_find (reconnect (f, ids[i], 1001, incarnations[i], 0), 1));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  RESEND_ADD ("/core/resend/K12-recognised", test_recognised);
  RESEND_ADD ("/core/resend/K12-window-outlives-the-connection", test_window_outlives_the_connection);
  RESEND_ADD ("/core/resend/K12-other-incarnation-id-or-account", test_other_incarnation_id_or_account);
  RESEND_ADD ("/core/resend/time", test_time);
  RESEND_ADD ("/core/resend/last-numbers", test_last_numbers);
  RESEND_ADD ("/core/resend/number-of-windows", test_number_of_windows);
  RESEND_ADD ("/core/resend/K12-full-table-drops-the-oldest-client", test_full_table_drops_the_oldest_client);
  RESEND_ADD ("/core/resend/K12-handled-meanwhile", test_handled_meanwhile);
  RESEND_ADD ("/core/resend/K12-handled-later", test_handled_later);
  RESEND_ADD ("/core/resend/failed-meanwhile", test_failed_meanwhile);
  RESEND_ADD ("/core/resend/ends-with-window", test_ends_with_window);
  return g_test_run ();
}

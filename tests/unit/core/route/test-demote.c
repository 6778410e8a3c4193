/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-demote.h"

#include "peer/peer-fixture.h"

/* The end of a block: each publisher that lost messages gets one ERROR, and the subscription drops its oldest messages. */

typedef struct
{
  Peers peers;
  BusPeer *reader;
  BusPeer *first;
  BusPeer *second;
  BusSubscription *subscription;
} Fixture;

static void
setup (Fixture *f, gconstpointer data)
{
  peers_setup (&f->peers, NULL);
  f->reader = peers_ready (&f->peers, "reader", 1000);
  f->first = peers_ready (&f->peers, "first", 1001);
  f->second = peers_ready (&f->peers, "second", 1001);
  f->subscription = peers_subscribe (&f->peers, f->reader, 3, BUS_OVERFLOW_BLOCK, 1);
}

static void
teardown (Fixture *f, gconstpointer data)
{
  peers_teardown (&f->peers, NULL);
}

/* Advances the clock to the time of the block timer, and expires it. */
static void
expire (Fixture *f)
{
  BusCore *core = f->peers.core;

  core->now_us += (gint64) core->limits.longest_block_us;
  g_assert_true (bus_deadline_is_armed (&f->subscription->records->block_timer.deadline));
  bus_deadline_disarm (&core->deadlines, &bus_subscription_need_records (f->subscription)->block_timer.deadline);
  bus_demote_due (f->subscription, core->now_us);
}

/* The log record of the demotion does not contain dropped messages; these have a separate record, if there are any. */
static void
assert_demoted_note (Fixture *f)
{
  BusNote note;

  g_assert_true (bus_note_take (&f->peers.core->notes, &note, NULL));
  g_assert_cmpint (note.kind, ==, BUS_NOTE_DEMOTED);
  g_assert_cmpint (note.status, ==, WIRE_STATUS_EXPIRED);
  g_assert_cmpstr (note.id, ==, "reader");
  g_assert_cmpuint (note.subscription, ==, 3);
  g_assert_cmpstr (note.policy, ==, "block");
  g_assert_cmpstr (note.topic, ==, "#");
  g_assert_null (strstr (note.detail, "dropped"));
  g_assert_cmpuint (note.count, ==, 0);
  g_assert_false (bus_note_take (&f->peers.core->notes, &note, NULL));
}

static void
test_each_publisher_once (Fixture *f, gconstpointer data)
{
  g_autofree char *two = NULL;
  g_autofree char *one = NULL;

  peers_offer (&f->peers, f->first, f->subscription, 1, 10); /* sent: it closes the window */
  peers_offer (&f->peers, f->first, f->subscription, 2, 10);
  peers_offer (&f->peers, f->second, f->subscription, 1, 10);
  g_assert_cmpuint (f->subscription->records->tickets, ==, 4);
  two = g_strdup_printf ("ERROR answers=3 status=WOULD_BLOCK setting=longest_block_us value=2 limit=%" G_GUINT64_FORMAT
                         "\n",
                         f->peers.core->limits.longest_block_us);
  one = g_strdup_printf ("ERROR answers=4 status=WOULD_BLOCK setting=longest_block_us value=1 limit=%" G_GUINT64_FORMAT
                         "\n",
                         f->peers.core->limits.longest_block_us);
  expire (f);
  peers_assert_sent (f->first, two); /* the ERROR answers the last message that was lost */
  peers_assert_sent (f->second, one);
  assert_demoted_note (f);
  g_assert_true (bus_subscription_is_demoted (f->subscription));
  g_assert_cmpuint (f->subscription->extra->missed, ==, 3);
  g_assert_cmpuint (f->subscription->records->tickets, ==, 0);
  g_assert_cmpuint (f->first->ledger.n_tickets, ==, 0);
  g_assert_cmpuint (f->first->ledger.block_lost, ==, 0);
  g_assert_cmpuint (f->second->ledger.block_lost, ==, 0);
}

/* A sent message uses the whole window, and none waits, so none is dropped. */
static void
test_nothing_dropped (Fixture *f, gconstpointer data)
{
  peers_offer (&f->peers, f->first, f->subscription, 1, 10); /* sent, and not acknowledged */
  expire (f);
  g_assert_true (bus_subscription_is_demoted (f->subscription));
  g_assert_cmpuint (f->subscription->extra->missed, ==, 0);
  assert_demoted_note (f);
}

/* All credit has returned: the publishers may continue. */
static void
test_credit_returned (Fixture *f, gconstpointer data)
{
  peers_offer (&f->peers, f->first, f->subscription, 5, 10);
  g_assert_cmpuint (bus_ledger_allowance (&f->first->ledger, WIRE_CLASS_MAY_DROP)->held_messages, ==, 5);
  expire (f);
  g_assert_cmpuint (bus_ledger_allowance (&f->first->ledger, WIRE_CLASS_MAY_DROP)->held_messages, ==, 0);
  g_assert_cmpuint (bus_ledger_allowance (&f->first->ledger, WIRE_CLASS_MAY_DROP)->held_bytes, ==, 0);
  /* Messages that arrive now withhold no credit. */
  peers_offer (&f->peers, f->first, f->subscription, 5, 10);
  g_assert_cmpuint (bus_ledger_allowance (&f->first->ledger, WIRE_CLASS_MAY_DROP)->held_messages, ==, 0);
  g_assert_false (bus_deadline_is_armed (&f->subscription->records->block_timer.deadline));
}

/* A reader that has just returned credit is not demoted, and the timer runs again. */
static void
test_progress (Fixture *f, gconstpointer data)
{
  BusCore *core = f->peers.core;

  peers_offer (&f->peers, f->first, f->subscription, 3, 10);
  bus_subscription_need_records (f->subscription)->progress_us = core->now_us + 1000;
  expire (f);
  g_assert_false (bus_subscription_is_demoted (f->subscription));
  g_assert_cmpuint (f->subscription->extra->missed, ==, 0);
  g_assert_cmpint (f->subscription->records->block_timer.deadline.due_us, ==, core->now_us + 1000);
  g_assert_true (bus_deadline_is_armed (&f->subscription->records->block_timer.deadline));
  peers_assert_sent (f->first, "");
}

/* No frame is sent to a publisher that has disconnected before the end of the block. */
static void
test_publisher_disconnected (Fixture *f, gconstpointer data)
{
  peers_offer (&f->peers, f->first, f->subscription, 3, 10);
  peers_offer (&f->peers, f->second, f->subscription, 1, 10);
  peers_disconnect (&f->peers, f->first);
  expire (f);
  g_assert_true (bus_subscription_is_demoted (f->subscription));
  g_assert_cmpuint (f->subscription->extra->missed, ==, 3);
  g_assert_cmpuint (f->second->ledger.n_tickets, ==, 0);
}

#define ADD(path, function) g_test_add (path, Fixture, NULL, setup, function, teardown)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD ("/core/demote/B04-each-publisher-once", test_each_publisher_once);
  ADD ("/core/demote/nothing-dropped", test_nothing_dropped);
  ADD ("/core/demote/B04-credit-returned", test_credit_returned);
  ADD ("/core/demote/progress", test_progress);
  ADD ("/core/demote/publisher-disconnected", test_publisher_disconnected);
  return g_test_run ();
}

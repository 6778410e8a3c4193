/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-fixture.h"
#include "queue/bus-unsettled.h"
#include "queue/bus-withheld.h"

/* Tickets of a subscription: released in the order of acknowledgement. The block timer is armed while there are tickets. */

#define CLASS WIRE_CLASS_MUST_KEEP

static void
acknowledge (Queue *queue, BusSubscription *subscription, guint64 n, gint64 now_us)
{
  queue_return_credit (subscription, n);
  bus_unsettled_settle (&queue->flow, subscription, now_us);
  queue_assert_fifo (queue, subscription, ""); /* checks tickets, timer and charges */
}

static guint64
held (const Queue *queue)
{
  return bus_ledger_allowance (&queue->publisher, CLASS)->held_messages;
}

/* The first ticket starts the timer. Releasing the last one does not stop it, and the next one does not move it. */
static void
test_timer (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 100);
  gint64 longest_us = bus_withheld_longest_us (&queue->flow);
  BusTicket *tickets[3];

  g_assert_cmpint (longest_us, ==, (gint64) queue->limits.longest_block_us);
  g_assert_cmpint (queue_due_us (&subscription->records->block_timer), ==, 0);
  for (guint i = 0; i < G_N_ELEMENTS (tickets); i++)
    {
      tickets[i] = queue_ticket_new (queue, QUEUE_NOW_US);
      bus_withheld_note_ticket (&queue->flow, subscription, QUEUE_NOW_US + i);
      g_assert_cmpint (queue_due_us (&subscription->records->block_timer), ==, QUEUE_NOW_US + longest_us);
      g_assert_cmpint (subscription->records->progress_us, ==, QUEUE_NOW_US);
    }
  bus_withheld_release (subscription, tickets[1]);
  bus_withheld_release (subscription, tickets[0]);
  g_assert_cmpint (queue_due_us (&subscription->records->block_timer), ==, QUEUE_NOW_US + longest_us);
  g_assert_cmpuint (held (queue), ==, 1);
  bus_withheld_release (subscription, tickets[2]);
  g_assert_cmpint (queue_due_us (&subscription->records->block_timer), ==, QUEUE_NOW_US + longest_us);
  g_assert_cmpuint (held (queue), ==, 0);

  tickets[0] = queue_ticket_new (queue, QUEUE_NOW_US);
  bus_withheld_note_ticket (&queue->flow, subscription, QUEUE_NOW_US + 5);
  g_assert_cmpint (subscription->records->progress_us, ==, QUEUE_NOW_US + 5);
  g_assert_cmpint (queue_due_us (&subscription->records->block_timer), ==, QUEUE_NOW_US + longest_us);
  bus_withheld_release (subscription, tickets[0]);
  bus_withheld_end (&queue->flow, subscription);
  g_assert_cmpint (queue_due_us (&subscription->records->block_timer), ==, 0);

  /* Now the next ticket starts the timer again. */
  tickets[0] = queue_ticket_new (queue, QUEUE_NOW_US);
  bus_withheld_note_ticket (&queue->flow, subscription, 2 * QUEUE_NOW_US);
  g_assert_cmpint (queue_due_us (&subscription->records->block_timer), ==, 2 * QUEUE_NOW_US + longest_us);
  bus_withheld_release (subscription, tickets[0]);
}

/* A ticket that is handed on to another subscription is no longer counted here, but not released. */
static void
test_hand_on (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 100);
  BusTicket *ticket = queue_ticket_new (queue, QUEUE_NOW_US);

  bus_withheld_note_ticket (&queue->flow, subscription, QUEUE_NOW_US);
  bus_withheld_hand_on (subscription);
  g_assert_cmpuint (subscription->records->tickets, ==, 0);
  g_assert_cmpuint (ticket->refs, ==, 1);
  g_assert_cmpuint (held (queue), ==, 1);
  bus_ticket_unref (ticket);
}

/* An acknowledgement is a total number of messages: exactly the holds up to this number are released. */
static void
test_acknowledgement_order (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 100);
  BusTicket *tickets[5];

  for (guint i = 0; i < G_N_ELEMENTS (tickets); i++)
    tickets[i] = bus_ticket_ref (queue_send_held (queue, subscription, QUEUE_NOW_US));
  g_assert_cmpuint (queue->reader.usage.charged, ==, 5 * sizeof (BusSent));
  acknowledge (queue, subscription, 2, QUEUE_NOW_US + 1);
  for (guint i = 0; i < G_N_ELEMENTS (tickets); i++)
    g_assert_cmpuint (tickets[i]->refs, ==, i < 2 ? 1 : 2);
  g_assert_cmpuint (subscription->records->tickets, ==, 3);
  g_assert_cmpuint (queue->reader.usage.charged, ==, 3 * sizeof (BusSent));

  acknowledge (queue, subscription, 1, QUEUE_NOW_US + 2);
  g_assert_cmpuint (tickets[2]->refs, ==, 1);
  g_assert_cmpuint (tickets[3]->refs, ==, 2);
  acknowledge (queue, subscription, 2, QUEUE_NOW_US + 3);
  g_assert_cmpuint (subscription->records->tickets, ==, 0);
  g_assert_null (subscription->records->last);
  for (guint i = 0; i < G_N_ELEMENTS (tickets); i++)
    bus_ticket_unref (tickets[i]);
  g_assert_cmpuint (held (queue), ==, 0);

  /* The list starts again. */
  queue_send_held (queue, subscription, QUEUE_NOW_US);
  acknowledge (queue, subscription, 1, QUEUE_NOW_US);
}

/* Messages without a ticket between those with one count in the total as well. */
static void
test_others_between (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 100);

  queue_send_held (queue, subscription, QUEUE_NOW_US);
  for (guint i = 0; i < 3; i++)
    bus_window_use (&subscription->window, 10);
  subscription->delivered += 3;
  queue_send_held (queue, subscription, QUEUE_NOW_US);
  acknowledge (queue, subscription, 4, QUEUE_NOW_US);
  g_assert_cmpuint (held (queue), ==, 1);
  acknowledge (queue, subscription, 1, QUEUE_NOW_US);
  g_assert_cmpuint (held (queue), ==, 0);
}

/* Only a higher total counts as progress. */
static void
test_progress (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 100);

  for (guint i = 0; i < 3; i++)
    queue_send_held (queue, subscription, QUEUE_NOW_US);
  g_assert_cmpint (subscription->records->progress_us, ==, QUEUE_NOW_US);
  acknowledge (queue, subscription, 0, QUEUE_NOW_US + 10);
  g_assert_cmpint (subscription->records->progress_us, ==, QUEUE_NOW_US);
  acknowledge (queue, subscription, 1, QUEUE_NOW_US + 20);
  g_assert_cmpint (subscription->records->progress_us, ==, QUEUE_NOW_US + 20);
  acknowledge (queue, subscription, 0, QUEUE_NOW_US + 30);
  g_assert_cmpint (subscription->records->progress_us, ==, QUEUE_NOW_US + 20);
  g_assert_cmpuint (subscription->records->tickets, ==, 2);
}

/* Without tickets the time still counts: a demoted subscription has none, and system.slow reports the time without progress when
 * it has drained. */
static void
test_progress_without_tickets (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 100);

  for (guint i = 0; i < 2; i++)
    queue_send_held (queue, subscription, QUEUE_NOW_US);
  bus_unsettled_release_tickets (&queue->flow, subscription);
  g_assert_cmpuint (subscription->records->tickets, ==, 0);
  acknowledge (queue, subscription, 1, QUEUE_NOW_US + 20);
  g_assert_cmpint (subscription->records->progress_us, ==, QUEUE_NOW_US + 20);
  acknowledge (queue, subscription, 1, QUEUE_NOW_US + 30);
  g_assert_cmpint (subscription->records->progress_us, ==, QUEUE_NOW_US + 30);
}

/* Credit that is returned allocates no records for a subscription that has needed none. */
static void
test_no_records (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 100);

  bus_window_use (&subscription->window, 10);
  subscription->delivered++;
  acknowledge (queue, subscription, 1, QUEUE_NOW_US + 20);
  g_assert_true (subscription->records == &bus_no_records);
}

/* The tickets of sent messages are released, and those of waiting messages are kept. */
static void
test_release_sent (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 100);

  for (guint i = 0; i < 3; i++)
    queue_send_held (queue, subscription, QUEUE_NOW_US);
  queue_append_held (queue, subscription, &queue->other, QUEUE_NOW_US);
  bus_unsettled_release_tickets (&queue->flow, subscription);
  g_assert_cmpuint (held (queue), ==, 0);
  g_assert_cmpuint (bus_ledger_allowance (&queue->other, CLASS)->held_messages, ==, 1);
  queue_assert_fifo (queue, subscription, "w1");
}

/* A ticket contains the time since which its credit is withheld; sending the message does not change it. */
static void
test_since (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 100);

  queue_send_held (queue, subscription, QUEUE_NOW_US + 1);
  queue_send_held (queue, subscription, QUEUE_NOW_US + 2);
  g_assert_cmpint (subscription->records->first->ticket->since_us, ==, QUEUE_NOW_US + 1);
  g_assert_cmpuint (subscription->records->first->index, ==, 1);
  g_assert_cmpint (subscription->records->last->ticket->since_us, ==, QUEUE_NOW_US + 2);
  g_assert_cmpuint (subscription->records->last->index, ==, 2);
}

/* The usual time until credit returns is the maximum of the new time and half of the earlier value. A time above the longest block
 * counts as 0. */
static void
test_usual (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 100);
  gint64 longest_us = bus_withheld_longest_us (&queue->flow);

  for (guint i = 0; i < 5; i++)
    queue_send_held (queue, subscription, QUEUE_NOW_US);
  acknowledge (queue, subscription, 1, QUEUE_NOW_US + 1000);
  g_assert_cmpint (subscription->unsettled.usual_us, ==, 1000);
  acknowledge (queue, subscription, 1, QUEUE_NOW_US + 1100); /* since the last return */
  g_assert_cmpint (subscription->unsettled.usual_us, ==, 500);
  acknowledge (queue, subscription, 1, QUEUE_NOW_US + 1100 + longest_us);
  g_assert_cmpint (subscription->unsettled.usual_us, ==, longest_us);
  acknowledge (queue, subscription, 1, QUEUE_NOW_US + 1101 + 2 * longest_us);
  g_assert_cmpint (subscription->unsettled.usual_us, ==, longest_us / 2);
  acknowledge (queue, subscription, 1, QUEUE_NOW_US + 1102 + 2 * longest_us);
  g_assert_cmpint (subscription->unsettled.usual_us, ==, longest_us / 4);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  QUEUE_ADD ("/core/unsettled/I13-timer", test_timer);
  QUEUE_ADD ("/core/unsettled/M06-hand-on", test_hand_on);
  QUEUE_ADD ("/core/unsettled/B04-acknowledgement-order", test_acknowledgement_order);
  QUEUE_ADD ("/core/unsettled/others-between", test_others_between);
  QUEUE_ADD ("/core/unsettled/progress", test_progress);
  QUEUE_ADD ("/core/unsettled/B04-progress-without-tickets", test_progress_without_tickets);
  QUEUE_ADD ("/core/unsettled/no-records", test_no_records);
  QUEUE_ADD ("/core/unsettled/release-sent", test_release_sent);
  QUEUE_ADD ("/core/unsettled/since", test_since);
  QUEUE_ADD ("/core/unsettled/M06-usual", test_usual);
  return g_test_run ();
}

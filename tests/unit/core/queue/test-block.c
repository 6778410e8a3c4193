/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-fixture.h"
#include "queue/bus-block.h"
#include "queue/bus-unsettled.h"
#include "queue/bus-report.h"

/* The time for which a subscription may withhold credit: at most longest_block_us without progress, and BUS_BLOCK_PATIENCE
 * times that for one message. Afterwards it is demoted until it has drained. */

#define CLASS WIRE_CLASS_MUST_KEEP

static gint64
longest_us (const Queue *queue)
{
  return (gint64) queue->limits.longest_block_us;
}

static BusSubscription *
subscribe (Queue *queue, guint64 window_messages)
{
  return queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, window_messages);
}

/* The block timer is due at exactly @due_us. Returns whether the subscription was demoted. */
static gboolean
expire (Queue *queue, BusSubscription *subscription, GPtrArray *publishers, gint64 due_us)
{
  g_assert_null (queue_pop_timer (queue, due_us - 1));
  g_assert_true (queue_pop_timer (queue, due_us) == &subscription->records->block_timer);
  if (!bus_block_expire (&queue->flow, subscription, due_us))
    return FALSE;
  bus_block_drop (&queue->flow, subscription, publishers, due_us);
  return TRUE;
}

static void
test_demotes_without_progress (Queue *queue, gconstpointer data)
{
  g_autoptr (GPtrArray) publishers = g_ptr_array_new ();
  BusSubscription *subscription = subscribe (queue, 0);

  queue_append_held (queue, subscription, &queue->publisher, QUEUE_NOW_US);
  g_assert_true (expire (queue, subscription, publishers, QUEUE_NOW_US + longest_us (queue)));
  g_assert_true (bus_subscription_is_demoted (subscription));
  g_assert_cmpint (bus_subscription_policy (subscription), ==, BUS_OVERFLOW_DROP_OLDEST);
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported_changes, ==, BUS_CHANGE_DEMOTED);
  g_assert_cmpuint (bus_subscription_losses (subscription)->missed_by[BUS_LOSS_EXPIRED], ==, 1);
  g_assert_cmpuint (bus_ledger_allowance (&queue->publisher, CLASS)->held_messages, ==, 0);
  queue_assert_fifo (queue, subscription, "g1-1x1e");
  queue->publisher.block_lost = 0;
}

/* The client returned credit before the timer expired: the time starts again at that moment. */
static void
test_progress_continues (Queue *queue, gconstpointer data)
{
  g_autoptr (GPtrArray) publishers = g_ptr_array_new ();
  BusSubscription *subscription = subscribe (queue, 100);
  gint64 progress_us = QUEUE_NOW_US + longest_us (queue) - 1;

  queue_send_held (queue, subscription, QUEUE_NOW_US);
  queue_send_held (queue, subscription, QUEUE_NOW_US);
  queue_return_credit (subscription, 1);
  bus_unsettled_settle (&queue->flow, subscription, progress_us);

  g_assert_false (expire (queue, subscription, publishers, QUEUE_NOW_US + longest_us (queue)));
  g_assert_false (bus_subscription_is_demoted (subscription));
  g_assert_cmpuint (subscription->records->tickets, ==, 1);
  g_assert_cmpint (queue_due_us (&subscription->records->block_timer), ==, progress_us + longest_us (queue));
  g_assert_true (expire (queue, subscription, publishers, progress_us + longest_us (queue)));
  g_assert_cmpuint (subscription->records->tickets, ==, 0);
  g_assert_cmpuint (publishers->len, ==, 0); /* a sent message is not lost */
  g_assert_cmpuint (subscription->extra->missed, ==, 0);
}

/* Many messages were sent, and the client acknowledges one every four seconds: it is demoted at the end of the patience. */
static void
test_patience_with_sent_messages (Queue *queue, gconstpointer data)
{
  g_autoptr (GPtrArray) publishers = g_ptr_array_new ();
  BusSubscription *subscription = subscribe (queue, 1000);
  gint64 last_us = QUEUE_NOW_US + BUS_BLOCK_PATIENCE * longest_us (queue);
  gint64 step_us = longest_us (queue) * 4 / 5;
  gint64 now_us = QUEUE_NOW_US;

  g_assert_cmpint (BUS_BLOCK_PATIENCE, ==, 12);
  for (guint i = 0; i < 100; i++)
    queue_send_held (queue, subscription, QUEUE_NOW_US);
  while (now_us + step_us < last_us)
    {
      now_us += step_us;
      queue_return_credit (subscription, 1);
      bus_unsettled_settle (&queue->flow, subscription, now_us);
      if (queue_pop_timer (queue, now_us) != NULL)
        g_assert_false (bus_block_expire (&queue->flow, subscription, now_us));
      g_assert_cmpint (queue_due_us (&subscription->records->block_timer), >, now_us);
    }
  while (queue_due_us (&subscription->records->block_timer) < last_us)
    g_assert_false (expire (queue, subscription, publishers, queue_due_us (&subscription->records->block_timer)));
  g_assert_true (expire (queue, subscription, publishers, last_us));
}

/* A message of the data lane waits while those of the control lane are sent and acknowledged. */
static void
test_patience_with_waiting_messages (Queue *queue, gconstpointer data)
{
  g_autoptr (GPtrArray) publishers = g_ptr_array_new ();
  BusSubscription *subscription = subscribe (queue, 100);
  gint64 last_us = QUEUE_NOW_US + BUS_BLOCK_PATIENCE * longest_us (queue);

  queue_append_held (queue, subscription, &queue->publisher, QUEUE_NOW_US);
  queue_send_held (queue, subscription, last_us - 10);
  queue_return_credit (subscription, 1);
  bus_unsettled_settle (&queue->flow, subscription, last_us - 1);
  g_assert_nonnull (queue_pop_timer (queue, last_us - 1));
  g_assert_false (bus_block_expire (&queue->flow, subscription, last_us - 1));
  g_assert_cmpint (queue_due_us (&subscription->records->block_timer), ==, last_us);
  g_assert_true (expire (queue, subscription, publishers, last_us));
  queue_assert_fifo (queue, subscription, "g1-1x1e");
  queue->publisher.block_lost = 0;
}

/* Each publisher is listed once, with the number of its messages that are lost and the id of the last one. Messages
 * without a ticket stay at their places. */
static void
test_counts_for_each_publisher (Queue *queue, gconstpointer data)
{
  g_autoptr (GPtrArray) publishers = g_ptr_array_new ();
  BusSubscription *subscription = subscribe (queue, 0);

  queue_append_held (queue, subscription, &queue->publisher, QUEUE_NOW_US);
  queue_append_held (queue, subscription, &queue->other, QUEUE_NOW_US);
  queue_append (queue, subscription, "tasks.one", 10);
  queue_append_held (queue, subscription, &queue->publisher, QUEUE_NOW_US);
  queue_append_held (queue, subscription, &queue->publisher, QUEUE_NOW_US);
  queue_lose (queue, subscription, WIRE_LANE_DATA, BUS_LOSS_EXPIRED);
  queue_append_held (queue, subscription, &queue->publisher, QUEUE_NOW_US);
  queue_assert_fifo (queue, subscription, "w1 w2 w3 w4 w5 g6-6x1e w7");
  g_assert_nonnull (queue_pop_timer (queue, QUEUE_NOW_US)); /* the report of the gap */

  g_assert_true (expire (queue, subscription, publishers, QUEUE_NOW_US + longest_us (queue)));
  queue_assert_fifo (queue, subscription, "g1-2x2e w3 g4-7x4e");
  g_assert_cmpuint (publishers->len, ==, 2);
  g_assert_true (g_ptr_array_index (publishers, 0) == &queue->publisher);
  g_assert_true (g_ptr_array_index (publishers, 1) == &queue->other);
  g_assert_cmpuint (queue->publisher.block_lost, ==, 4);
  g_assert_cmpuint (queue->publisher.block_lost_id, ==, 1007);
  g_assert_cmpuint (queue->other.block_lost, ==, 1);
  g_assert_cmpuint (queue->other.block_lost_id, ==, 1002);
  g_assert_cmpuint (subscription->extra->missed, ==, 6);
}

/* The publisher has disconnected, so no peer is notified. */
static void
test_publisher_is_gone (Queue *queue, gconstpointer data)
{
  g_autoptr (GPtrArray) publishers = g_ptr_array_new ();
  BusSubscription *subscription = subscribe (queue, 0);
  BusLedger gone;

  bus_ledger_init (&gone, NULL, &queue->creditors);
  gone.usage.parent = &queue->account;
  bus_window_init (&queue->allowances[CLASS].window, 10, 10000);
  queue_append_held (queue, subscription, &gone, QUEUE_NOW_US);
  bus_ledger_end (&gone);
  bus_ledger_clear (&gone);
  g_assert_true (expire (queue, subscription, publishers, QUEUE_NOW_US + longest_us (queue)));
  g_assert_cmpuint (publishers->len, ==, 0);
  queue_assert_fifo (queue, subscription, "g1-1x1e");
}

/* The client has settled everything before the timer expires: this is not a block, and the timer stays disarmed. The next message
 * starts it again. */
static void
test_expire_without_ticket (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 1);
  g_autoptr (GPtrArray) publishers = g_ptr_array_new ();
  const gint64 due_us = QUEUE_NOW_US + longest_us (queue);

  queue_send_held (queue, subscription, QUEUE_NOW_US);
  queue_return_credit (subscription, 1);
  bus_unsettled_settle (&queue->flow, subscription, QUEUE_NOW_US + 1);
  g_assert_cmpuint (subscription->records->tickets, ==, 0);
  g_assert_false (expire (queue, subscription, publishers, due_us));
  g_assert_false (bus_subscription_is_demoted (subscription));
  g_assert_cmpint (queue_due_us (&subscription->records->block_timer), ==, 0);
  queue_send_held (queue, subscription, due_us);
  g_assert_cmpint (queue_due_us (&subscription->records->block_timer), ==, due_us + longest_us (queue));
}

/* At the end of a block the messages stay, and the tickets are released. */
static void
test_end (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 1);

  queue_send_held (queue, subscription, QUEUE_NOW_US);
  queue_append_held (queue, subscription, &queue->publisher, QUEUE_NOW_US);
  queue_append (queue, subscription, "tasks.one", 10);
  queue_append_held (queue, subscription, &queue->other, QUEUE_NOW_US);
  bus_block_end (&queue->flow, subscription);
  queue_assert_fifo (queue, subscription, "w1 w2 w3");
  g_assert_cmpuint (subscription->records->tickets, ==, 0);
  g_assert_cmpint (queue_due_us (&subscription->records->block_timer), ==, 0);
  g_assert_cmpuint (bus_ledger_allowance (&queue->publisher, CLASS)->held_messages, ==, 0);
  g_assert_cmpuint (bus_ledger_allowance (&queue->other, CLASS)->held_messages, ==, 0);
  g_assert_cmpuint (subscription->extra->missed, ==, 0);
  bus_block_end (&queue->flow, subscription); /* the second call has no effect */
}

/* Drained: the FIFO is empty, credit was returned since the demotion, and at most half of the window is in transit. */
static void
test_drained (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 4);
  BusSlot *slot;

  bus_block_check_drained (&queue->flow, subscription, QUEUE_NOW_US);
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported_changes, ==, 0); /* it was not demoted */

  subscription->state = BUS_SUBSCRIPTION_DEMOTED;
  slot = queue_append (queue, subscription, "tasks.one", 10);
  bus_block_check_drained (&queue->flow, subscription, QUEUE_NOW_US);
  g_assert_true (bus_subscription_is_demoted (subscription)); /* a message waits */

  bus_fifo_remove (&queue->flow, slot, NULL);
  for (guint i = 0; i < 2; i++)
    bus_window_use (&subscription->window, 10);
  bus_block_check_drained (&queue->flow, subscription, QUEUE_NOW_US);
  g_assert_true (
      bus_subscription_is_demoted (subscription)); /* half of the window is in transit, but no credit has returned */

  for (guint i = 0; i < 2; i++)
    bus_window_use (&subscription->window, 10);
  queue_return_credit (subscription, 1);
  bus_unsettled_settle (&queue->flow, subscription, QUEUE_NOW_US);
  bus_block_check_drained (&queue->flow, subscription, QUEUE_NOW_US);
  g_assert_true (bus_subscription_is_demoted (subscription)); /* three of four are in transit */

  queue_return_credit (subscription, 1);
  bus_unsettled_settle (&queue->flow, subscription, QUEUE_NOW_US);
  bus_block_check_drained (&queue->flow, subscription, QUEUE_NOW_US);
  g_assert_false (bus_subscription_is_demoted (subscription));
  g_assert_cmpint (bus_subscription_policy (subscription), ==, BUS_OVERFLOW_BLOCK);
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported_changes, ==, BUS_CHANGE_DRAINED);
  g_assert_cmpint (queue_due_us (&bus_subscription_need_losses (subscription)->report_timer), ==, QUEUE_NOW_US);
}

/* All messages were handed on and none is in transit, so no credit will return: the subscription counts as drained. */
static void
test_drained_without_anything_sent (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = subscribe (queue, 4);

  subscription->state = BUS_SUBSCRIPTION_DEMOTED;
  bus_block_check_drained (&queue->flow, subscription, QUEUE_NOW_US);
  g_assert_false (bus_subscription_is_demoted (subscription));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  QUEUE_ADD ("/core/block/B04-B05-demotes-without-progress", test_demotes_without_progress);
  QUEUE_ADD ("/core/block/progress-continues", test_progress_continues);
  QUEUE_ADD ("/core/block/B06-patience/sent", test_patience_with_sent_messages);
  QUEUE_ADD ("/core/block/B06-patience/waiting", test_patience_with_waiting_messages);
  QUEUE_ADD ("/core/block/B04-counts-for-each-publisher", test_counts_for_each_publisher);
  QUEUE_ADD ("/core/block/M15-publisher-is-gone", test_publisher_is_gone);
  QUEUE_ADD ("/core/block/expire-without-ticket", test_expire_without_ticket);
  QUEUE_ADD ("/core/block/end", test_end);
  QUEUE_ADD ("/core/block/drained", test_drained);
  QUEUE_ADD ("/core/block/drained-without-anything-sent", test_drained_without_anything_sent);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-fixture.h"
#include "queue/bus-report.h"

/* Losses accumulate until the timer publishes them; at most one report a second. */

#define EVENTS bus_domain_of_topic (WIRE_SPAN_LITERAL ("events.one"))

static void
lose (Queue *queue, BusSubscription *subscription, guint64 accept_seq, BusLoss loss, gint64 now_us)
{
  bus_report_loss (&queue->flow, subscription, EVENTS, accept_seq, 1, loss, now_us);
}

/* Publishes the report as bus-slow does when the timer is due. */
static void
publish_report (Queue *queue, BusSubscription *subscription, gint64 now_us)
{
  g_assert_true (queue_pop_timer (queue, now_us) == &bus_subscription_need_losses (subscription)->report_timer);
  bus_subscription_need_losses (subscription)->report_next_us = now_us + BUS_REPORT_EVERY_US;
}

static void
test_losses (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 10);

  g_assert_cmpint (queue_due_us (&bus_subscription_need_losses (subscription)->report_timer), ==, 0);
  lose (queue, subscription, 50, BUS_LOSS_FULL, QUEUE_NOW_US);
  lose (queue, subscription, 40, BUS_LOSS_FULL, QUEUE_NOW_US);
  lose (queue, subscription, 60, BUS_LOSS_EXPIRED, QUEUE_NOW_US);
  lose (queue, subscription, 55, BUS_LOSS_LIMIT, QUEUE_NOW_US);
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported_from, ==, 40);
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported_to, ==, 60);
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported[BUS_LOSS_FULL], ==, 2);
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported[BUS_LOSS_EXPIRED], ==, 1);
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported[BUS_LOSS_LIMIT], ==, 1);
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported[BUS_LOSS_REFUSED], ==, 0);
  g_assert_cmpint (queue_due_us (&bus_subscription_need_losses (subscription)->report_timer), ==, QUEUE_NOW_US);
}

/* The first loss is reported at once. The losses of the next second are in one report. */
static void
test_once_per_second (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 10);
  gint64 next_us = QUEUE_NOW_US + 1000000;

  g_assert_cmpint (BUS_REPORT_EVERY_US, ==, 1000000);
  lose (queue, subscription, 1, BUS_LOSS_FULL, QUEUE_NOW_US);
  publish_report (queue, subscription, QUEUE_NOW_US);
  g_assert_cmpint (queue_due_us (&bus_subscription_need_losses (subscription)->report_timer), ==, 0);

  lose (queue, subscription, 2, BUS_LOSS_FULL, QUEUE_NOW_US + 10);
  lose (queue, subscription, 3, BUS_LOSS_FULL, QUEUE_NOW_US + 999999);
  g_assert_cmpint (queue_due_us (&bus_subscription_need_losses (subscription)->report_timer), ==, next_us);
  g_assert_null (queue_pop_timer (queue, next_us - 1));
  publish_report (queue, subscription, next_us);

  /* After a pause, a loss is reported at once again. */
  lose (queue, subscription, 4, BUS_LOSS_FULL, next_us + 5000000);
  g_assert_cmpint (queue_due_us (&bus_subscription_need_losses (subscription)->report_timer), ==, next_us + 5000000);
}

/* Losses of the broker's own messages are reported by gaps only; otherwise each lost system.drop event would cause another one.
 * The timer sends the gap. */
static void
test_system_domain (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 10);

  bus_report_loss (&queue->flow, subscription, bus_domain_of_topic (WIRE_SPAN_LITERAL ("system.drop")), 5, 1,
                   BUS_LOSS_FULL, QUEUE_NOW_US);
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported_from, ==, 0);
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported_to, ==, 0);
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported[BUS_LOSS_FULL], ==, 0);
  g_assert_cmpint (queue_due_us (&bus_subscription_need_losses (subscription)->report_timer), ==, QUEUE_NOW_US);
}

static void
test_changes (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 10);

  bus_report_change (&queue->flow, subscription, BUS_CHANGE_DEMOTED, QUEUE_NOW_US);
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported_changes, ==, BUS_CHANGE_DEMOTED);
  bus_report_change (&queue->flow, subscription, BUS_CHANGE_DRAINED, QUEUE_NOW_US + 1);
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported_changes, ==,
                    BUS_CHANGE_DEMOTED | BUS_CHANGE_DRAINED);
  g_assert_cmpint (queue_due_us (&bus_subscription_need_losses (subscription)->report_timer), ==, QUEUE_NOW_US);
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported_to, ==, 0);
}

/* Each subscription has a timer of its own. */
static void
test_one_timer_per_subscription (Queue *queue, gconstpointer data)
{
  BusSubscription *first = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 10);
  BusSubscription *second = queue_subscribe (queue, 2, BUS_OVERFLOW_DROP_OLDEST, 10);

  lose (queue, first, 1, BUS_LOSS_FULL, QUEUE_NOW_US);
  publish_report (queue, first, QUEUE_NOW_US);
  lose (queue, second, 1, BUS_LOSS_FULL, QUEUE_NOW_US + 1);
  g_assert_cmpint (queue_due_us (&bus_subscription_need_losses (second)->report_timer), ==, QUEUE_NOW_US + 1);
  g_assert_cmpint (queue_due_us (&bus_subscription_need_losses (first)->report_timer), ==, 0);
  g_assert_cmpint (queue_due_us (&bus_report_need_losses (&queue->flow)->report_timer), ==, 0);
}

static void
test_level (Queue *queue, gconstpointer data)
{
  bus_report_level (&queue->flow, QUEUE_NOW_US);
  bus_report_level (&queue->flow, QUEUE_NOW_US + 7);
  g_assert_cmpint (queue_due_us (&bus_report_need_losses (&queue->flow)->report_timer), ==, QUEUE_NOW_US);
  g_assert_true (queue_pop_timer (queue, QUEUE_NOW_US) == &bus_report_need_losses (&queue->flow)->report_timer);
  g_assert_cmpint (bus_report_need_losses (&queue->flow)->report_timer.kind, ==, BUS_TIMER_QUEUE);

  bus_report_need_losses (&queue->flow)->report_next_us = QUEUE_NOW_US + BUS_REPORT_EVERY_US;
  bus_report_level (&queue->flow, QUEUE_NOW_US + 8);
  g_assert_cmpint (queue_due_us (&bus_report_need_losses (&queue->flow)->report_timer), ==,
                   QUEUE_NOW_US + BUS_REPORT_EVERY_US);
}

/* bus_report_again() only arms the timer; it adds nothing to the report. */
static void
test_again (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 10);

  bus_subscription_need_losses (subscription)->report_next_us = QUEUE_NOW_US + 3;
  bus_report_again (&queue->flow, subscription, QUEUE_NOW_US);
  g_assert_cmpint (queue_due_us (&bus_subscription_need_losses (subscription)->report_timer), ==, QUEUE_NOW_US + 3);
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported_to, ==, 0);
  g_assert_cmpuint (bus_subscription_losses (subscription)->unreported_changes, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  QUEUE_ADD ("/core/report/losses", test_losses);
  QUEUE_ADD ("/core/report/once-per-second", test_once_per_second);
  QUEUE_ADD ("/core/report/system-domain", test_system_domain);
  QUEUE_ADD ("/core/report/changes", test_changes);
  QUEUE_ADD ("/core/report/one-timer-per-subscription", test_one_timer_per_subscription);
  QUEUE_ADD ("/core/report/level", test_level);
  QUEUE_ADD ("/core/report/again", test_again);
  return g_test_run ();
}

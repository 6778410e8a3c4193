/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-subscription.h"

/* A single subscription: its copy of the pattern, its timers and its current policy. It must hold nothing when it is freed. */

static int owner;
static BusCells cells;

static BusSubscription *
subscription_new (const char *pattern)
{
  BusSubscription *subscription
      = bus_subscription_new (&cells, (BusPeer *) (gpointer) &owner, 7, wire_span_str (pattern), FALSE);

  g_assert_nonnull (subscription);
  return subscription;
}

static void
test_new (void)
{
  char pattern[] = "events.#";
  BusSubscription *subscription = subscription_new (pattern);

  memset (pattern, 'x', sizeof pattern);
  g_assert_true (wire_span_equal (bus_subscription_pattern (subscription), WIRE_SPAN_LITERAL ("events.#")));
  g_assert_true (subscription->owner == (BusPeer *) (gpointer) &owner);
  g_assert_cmpuint (subscription->id, ==, 7);
  g_assert_false (subscription->serves);
  g_assert_cmpuint (bus_subscription_charge (subscription), ==, bus_subscription_size (WIRE_SPAN_LITERAL ("events.#")));
  g_assert_false (bus_window_is_open (&subscription->window)); /* it gets a window later */
  g_assert_true (subscription->fifo->first == NULL && subscription->fifo->by_topic == NULL);
  g_assert_true (subscription->group == NULL && subscription->serving.servers == NULL);
  bus_subscription_free (&cells, subscription);
}

static void
test_serves (void)
{
  BusSubscription *subscription
      = bus_subscription_new (&cells, (BusPeer *) (gpointer) &owner, 1, WIRE_SPAN_LITERAL (""), TRUE);

  g_assert_true (subscription->serves);
  g_assert_cmpuint (subscription->pattern_bytes, ==, 0);
  g_assert_cmpuint (bus_subscription_charge (subscription), ==, bus_subscription_size (wire_span (NULL, 0)));
  bus_subscription_free (&cells, subscription);
}

/* Each part is made once, for one subscription, and keeps its contents. */
static void
test_parts (void)
{
  BusSubscription *subscription = subscription_new ("#");
  BusSubscription *other = subscription_new ("#");
  BusFifo *fifo = bus_subscription_need_fifo (subscription);
  BusRecords *records = bus_subscription_need_records (subscription);
  BusShare *share = bus_subscription_need_share (subscription);
  BusSubscriptionExtra *extra = bus_subscription_need_extra (subscription);

  fifo->messages = records->kept_messages = extra->missed = 3;
  share->weight = 7;
  g_assert_true (bus_subscription_need_fifo (subscription) == fifo && subscription->fifo == fifo);
  g_assert_true (bus_subscription_need_records (subscription) == records && subscription->records == records);
  g_assert_true (bus_subscription_need_share (subscription) == share && subscription->share == share);
  g_assert_true (bus_subscription_need_extra (subscription) == extra && subscription->extra == extra);
  g_assert_true (other->fifo == &bus_no_fifo && other->records == &bus_no_records);
  g_assert_true (other->share == &bus_no_share && other->extra == &bus_no_subscription_extra);
  g_assert_cmpuint (other->fifo->messages + other->records->kept_messages + other->extra->missed, ==, 0);
  g_assert_cmpuint (other->share->weight, ==, 1);
  bus_subscription_free (&cells, subscription);
  bus_subscription_free (&cells, other);
}

/* The subscription is found from a timer that is due. */
static void
test_timers (void)
{
  BusSubscription *subscription = subscription_new ("#");
  BusDeadlineSet set;
  const BusTimer *timer;

  bus_deadline_set_init (&set);
  bus_deadline_arm (&set, &bus_subscription_need_losses (subscription)->report_timer.deadline, 2);
  bus_deadline_arm (&set, &bus_subscription_need_records (subscription)->block_timer.deadline, 1);
  timer = (const BusTimer *) (gpointer) bus_deadline_set_pop_due (&set, 5);
  g_assert_cmpint (timer->kind, ==, BUS_TIMER_BLOCK);
  g_assert_true (timer->owner == subscription);
  timer = (const BusTimer *) (gpointer) bus_deadline_set_pop_due (&set, 5);
  g_assert_cmpint (timer->kind, ==, BUS_TIMER_REPORT);
  g_assert_true (timer->owner == subscription);
  bus_subscription_free (&cells, subscription);
  bus_deadline_set_clear (&set);
}

/* A demoted subscription drops its oldest messages, independent of its policy. */
static void
test_policy (void)
{
  BusSubscription *subscription = subscription_new ("#");

  for (guint policy = BUS_OVERFLOW_BLOCK; policy <= BUS_OVERFLOW_LAST; policy++)
    {
      subscription->bounds.policy = policy;
      subscription->state = BUS_SUBSCRIPTION_OPEN;
      g_assert_cmpint (bus_subscription_policy (subscription), ==, policy);
      subscription->state = BUS_SUBSCRIPTION_DEMOTED;
      g_assert_cmpint (bus_subscription_policy (subscription), ==, BUS_OVERFLOW_DROP_OLDEST);
      g_assert_cmpint (subscription->bounds.policy, ==, policy);
    }
  bus_subscription_free (&cells, subscription);
}

typedef enum
{
  HOLDS_SLOT,
  HOLDS_TICKET,
  HOLDS_BLOCK_TIMER,
  HOLDS_REPORT_TIMER,
} Holds;

/* @data: the object that the subscription still holds when it is freed. */
static void
test_free_asserts (gconstpointer data)
{
  if (g_test_subprocess ())
    {
      BusSubscription *subscription = subscription_new ("#");
      BusDeadlineSet set;

      bus_deadline_set_init (&set);
      switch ((Holds) GPOINTER_TO_UINT (data))
        {
        case HOLDS_SLOT:
          bus_subscription_need_fifo (subscription)->first = (BusSlot *) (gpointer) &owner;
          break;
        case HOLDS_TICKET:
          bus_subscription_need_records (subscription)->tickets = 1;
          break;
        case HOLDS_BLOCK_TIMER:
          bus_deadline_arm (&set, &bus_subscription_need_records (subscription)->block_timer.deadline, 1);
          break;
        case HOLDS_REPORT_TIMER:
          bus_deadline_arm (&set, &bus_subscription_need_losses (subscription)->report_timer.deadline, 1);
          break;
        }
      bus_subscription_free (&cells, subscription);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*bus_subscription_free*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/subscription/new", test_new);
  g_test_add_func ("/core/subscription/serves", test_serves);
  g_test_add_func ("/core/subscription/parts", test_parts);
  g_test_add_func ("/core/subscription/timers", test_timers);
  g_test_add_func ("/core/subscription/M08-policy", test_policy);
  g_test_add_data_func ("/core/subscription/free-asserts/slot", GUINT_TO_POINTER (HOLDS_SLOT), test_free_asserts);
  g_test_add_data_func ("/core/subscription/free-asserts/ticket", GUINT_TO_POINTER (HOLDS_TICKET), test_free_asserts);
  g_test_add_data_func ("/core/subscription/free-asserts/block-timer", GUINT_TO_POINTER (HOLDS_BLOCK_TIMER),
                        test_free_asserts);
  g_test_add_data_func ("/core/subscription/free-asserts/report-timer", GUINT_TO_POINTER (HOLDS_REPORT_TIMER),
                        test_free_asserts);
  return g_test_run ();
}

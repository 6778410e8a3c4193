/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-fixture.h"

/* Admission without memory for the small objects of a message: the message is lost as a whole, and reported. */

#define DATA "events.one"
#define LEN  400u /* of a payload: the message needs a larger cell than a slot */

gpointer __real_bus_cells_refill (BusCells *cells, gsize size);
gpointer __wrap_bus_cells_refill (BusCells *cells, gsize size);

static gsize failing; /* objects of this size cannot be made; 0: all can */
static BusCell *used; /* free cells that were taken */

gpointer
__wrap_bus_cells_refill (BusCells *cells, gsize size)
{
  return size == failing ? NULL : __real_bus_cells_refill (cells, size);
}

/* From now on no object of @size can be made: takes the free cells of its class, and lets the refill fail. */
static void
use_up (Queue *queue, gsize size)
{
  BusCell *cell;

  failing = size;
  while ((cell = bus_cells_take_or_null (&queue->quota.cells, size)) != NULL)
    {
      cell->next = used;
      used = cell;
    }
}

static void
give_back (Queue *queue)
{
  failing = 0;
  while (used != NULL)
    {
      BusCell *cell = used;

      used = cell->next;
      bus_cells_give (&queue->quota.cells, cell);
    }
}

static void
tear_down (Queue *queue, gconstpointer data)
{
  give_back (queue);
  queue_teardown (queue, data);
}

static void
assert_admission (BusAdmission admission, guint queued, guint refused)
{
  g_assert_cmpuint (admission.queued, ==, queued);
  g_assert_cmpuint (admission.refused, ==, refused);
  g_assert_false (admission.closes);
}

/* Each subscription has lost message 1, which has left nothing behind, and gets message 2. */
static void
assert_lost (Queue *queue, BusSubscription *subscription)
{
  queue_assert_fifo (queue, subscription, "g1-1x1n");
  g_assert_cmpuint (bus_subscription_losses (subscription)->missed_by[BUS_LOSS_NO_MEMORY], ==, 1);
  g_assert_cmpuint (subscription->records->tickets, ==, 0);
  g_assert_cmpuint (subscription->window.used_messages, ==, 0);
  g_assert_cmpuint (queue->publisher.n_tickets, ==, 0);
  g_assert_cmpuint (queue->flow.held_messages, ==, 0);
  give_back (queue);
  assert_admission (queue_offer_from (queue, &queue->publisher, DATA, LEN), 1, 0);
  queue_assert_fifo (queue, subscription, "g1-1x1n w2");
}

static void
test_slot (Queue *queue, gconstpointer data)
{
  const BusOverflow *policy = data;
  BusSubscription *subscription = queue_subscribe (queue, 1, *policy, 0);

  use_up (queue, sizeof (BusSlot));
  assert_admission (queue_offer_from (queue, &queue->publisher, DATA, LEN), 0, 1);
  assert_lost (queue, subscription);
}

/* Offers a message with a time to live. */
static BusAdmission
offer_expiring (Queue *queue, BusSubscription *subscription)
{
  g_autoptr (Arrival) arrival = arrival_new (queue, DATA, LEN);

  arrival->inbound.expires_us = QUEUE_NOW_US + 5;
  return bus_admit (&queue->flow, &arrival->inbound, &queue_deliver, &subscription, 1, QUEUE_NOW_US);
}

static void
test_timer (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 0);

  use_up (queue, sizeof (BusTimer));
  assert_admission (offer_expiring (queue, subscription), 0, 1);
  assert_lost (queue, subscription);
}

/* A message without a time to live needs no timer. */
static void
test_no_timer (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 0);

  use_up (queue, sizeof (BusTimer));
  assert_admission (queue_offer_from (queue, &queue->publisher, DATA, LEN), 1, 0);
  queue_assert_fifo (queue, subscription, "w1");
}

#define ADD(path, data, function) g_test_add ("/core/admit-memory/" path, Queue, data, queue_setup, function, tear_down)

int
main (int argc, char **argv)
{
  static const BusOverflow drop_oldest = BUS_OVERFLOW_DROP_OLDEST, block = BUS_OVERFLOW_BLOCK;

  g_test_init (&argc, &argv, NULL);
  ADD ("R10-slot/drop-oldest", &drop_oldest, test_slot);
  ADD ("R10-slot/block", &block, test_slot);
  ADD ("R10-timer", NULL, test_timer);
  ADD ("R10-no-timer", NULL, test_no_timer);
  return g_test_run ();
}

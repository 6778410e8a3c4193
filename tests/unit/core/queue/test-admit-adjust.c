/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-fixture.h"
#include "queue/bus-flow-credit.h"
#include "queue/bus-trim.h"

/* Changed bounds while messages wait, a broker that is full, and a random test of all of admission. */

#define DATA    "events.one"
#define CONTROL "control.one"

/* --- other bounds --- */

static guint64
adjust (Queue *queue, BusSubscription *subscription, BusOverflow policy, guint64 messages)
{
  const BusBounds bounds = { .policy = policy, .messages = (guint32) messages, .bytes = subscription->bounds.bytes };

  return bus_trim_adjust (&queue->flow, subscription, &bounds, QUEUE_NOW_US);
}

static void
test_adjust_bounds (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 0);

  for (guint i = 0; i < 6; i++)
    queue_offer (queue, DATA);
  g_assert_cmpuint (adjust (queue, subscription, BUS_OVERFLOW_DROP_OLDEST, 6), ==, 0);
  queue_assert_fifo (queue, subscription, "w1 w2 w3 w4 w5 w6");
  g_assert_cmpuint (adjust (queue, subscription, BUS_OVERFLOW_DROP_OLDEST, 5), ==, 1);
  queue_assert_sent (queue, "g1-1x1f:1"); /* no message of its lane is in front of it */
  g_assert_cmpuint (adjust (queue, subscription, BUS_OVERFLOW_DROP_NEWEST, 3), ==, 2);
  queue_assert_fifo (queue, subscription, "w2 w3 w4 g5-6x2f");
  g_assert_cmpuint (adjust (queue, subscription, BUS_OVERFLOW_ERROR, 1), ==, 0); /* accepted messages are kept */
  g_assert_cmpuint (adjust (queue, subscription, BUS_OVERFLOW_BLOCK, 1), ==, 0);
  queue_assert_fifo (queue, subscription, "w2 w3 w4 g5-6x2f");
  g_assert_cmpuint (subscription->bounds.messages, ==, 1);
  g_assert_cmpint (subscription->bounds.policy, ==, BUS_OVERFLOW_BLOCK);
}

static void
test_adjust_bytes (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 0);

  for (guint i = 0; i < 3; i++)
    queue_offer (queue, DATA);
  subscription->bounds.bytes = 1;
  g_assert_cmpuint (adjust (queue, subscription, BUS_OVERFLOW_DROP_OLDEST, 6), ==, 2); /* one may always wait */
  queue_assert_fifo (queue, subscription, "w3");
}

/* Narrower bounds can bring the queue below its soft limit. */
static void
test_adjust_level (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 0);

  queue->limits.queue_soft_bytes = 65536;
  for (guint i = 0; i < 2; i++)
    queue_offer_from (queue, &queue->publisher, DATA, 40000);
  g_assert_cmpint (queue->flow.soft_since_us, ==, QUEUE_NOW_US);
  g_assert_cmpuint (adjust (queue, subscription, BUS_OVERFLOW_DROP_OLDEST, 1), ==, 1);
  g_assert_cmpint (queue->flow.soft_since_us, ==, 0);
}

/* The newest message of each topic stays. */
static void
test_adjust_to_conflate (Queue *queue, gconstpointer data)
{
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 0);
  static const char *const topics[] = { "events.one", "events.two", "events.one", "events.six", "events.two" };

  for (guint i = 0; i < G_N_ELEMENTS (topics); i++)
    queue_offer (queue, topics[i]);
  bus_fifo_drop (&queue->flow, subscription->fifo->last->previous, BUS_LOSS_EXPIRED, QUEUE_NOW_US);
  g_assert_cmpuint (adjust (queue, subscription, BUS_OVERFLOW_CONFLATE, 10), ==, 2);
  queue_assert_sent (queue, "g1-2x2f:1");
  queue_assert_fifo (queue, subscription, "w3 g4-4x1e w5");
  g_assert_nonnull (bus_fifo_find (&queue->flow, subscription, WIRE_SPAN_LITERAL ("events.one")));
  g_assert_cmpuint (adjust (queue, subscription, BUS_OVERFLOW_DROP_OLDEST, 10), ==, 0);
  g_assert_null (bus_fifo_find (&queue->flow, subscription, WIRE_SPAN_LITERAL ("events.one")));
}

/* With another policy than block, the publishers' credit is returned and waiting messages are bounded. The policy error also drops
 * messages that exceed the bounds. @data: the policy. */
static void
test_adjust_from_block (Queue *queue, gconstpointer data)
{
  BusOverflow policy = GPOINTER_TO_UINT (data);
  BusSubscription *subscription = queue_subscribe (queue, 1, BUS_OVERFLOW_BLOCK, 0);
  static const char *const fifos[] = { [BUS_OVERFLOW_DROP_OLDEST] = "w3 w4 w5",
                                       [BUS_OVERFLOW_DROP_NEWEST] = "w1 w2 w3 g4-5x2f",
                                       [BUS_OVERFLOW_ERROR] = "w1 w2 w3 g4-5x2r",
                                       [BUS_OVERFLOW_BLOCK] = "w1 w2 w3 w4 w5",
                                       [BUS_OVERFLOW_CONFLATE] = "w3 w4 w5" };
  gboolean stays = policy == BUS_OVERFLOW_BLOCK;

  for (guint i = 0; i < 5; i++)
    {
      g_autofree char *topic = g_strdup_printf ("events.%u", i);

      queue_offer (queue, topic);
    }
  subscription->state = BUS_SUBSCRIPTION_DEMOTED;
  queue->limits.queue_hard_messages = 3;
  g_assert_cmpuint (adjust (queue, subscription, policy, 10), ==, stays ? 0 : 2);
  queue_assert_fifo (queue, subscription, fifos[policy]);
  g_assert_cmpuint (subscription->records->tickets, ==, stays ? 5 : 0);
  g_assert_cmpuint (queue->publisher.n_tickets, ==, stays ? 5 : 0);
  g_assert_true (bus_subscription_is_demoted (subscription) == stays);
}

/* --- the broker is full --- */

typedef BusSubscriptions Table;

static void
table_free (Table *table)
{
  g_free (table->cells);
  g_free (table);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Table, table_free)

static Table *
table_of (const Queue *queue)
{
  Table *table = g_new0 (Table, 1);

  for (guint i = 0; i < queue->subscriptions->len; i++)
    {
      BusSubscription *subscription = g_ptr_array_index (queue->subscriptions, i);

      bus_subscriptions_add (table, subscription);
    }
  return table;
}

/* The subscription with the most bytes drops messages first, according to its policy, and no more than needed. */
static void
test_shed (Queue *queue, gconstpointer data)
{
  BusSubscription *small = queue_subscribe (queue, 1, BUS_OVERFLOW_DROP_OLDEST, 0);
  BusSubscription *large = queue_subscribe (queue, 2, BUS_OVERFLOW_DROP_NEWEST, 0);
  g_autoptr (Table) table = table_of (queue);
  gsize before;

  for (guint i = 0; i < 2; i++)
    queue_append (queue, small, DATA, 100);
  for (guint i = 0; i < 3; i++)
    queue_append (queue, large, DATA, 1000);
  before = queue->flow.waiting_bytes;
  g_assert_cmpuint (bus_trim_shed (&queue->flow, table, 1, QUEUE_NOW_US), ==, before - queue->flow.waiting_bytes);
  queue_assert_fifo (queue, large, "w3 w4 g5-5x1l");
  queue_assert_fifo (queue, small, "w1 w2");
  bus_trim_shed (&queue->flow, table, 2000, QUEUE_NOW_US); /* two of them */
  queue_assert_fifo (queue, large, "g3-5x3l");
  bus_trim_shed (&queue->flow, table, 1, QUEUE_NOW_US); /* then the next one, its oldest */
  queue_assert_fifo (queue, small, "g1-1x1l w2");
  g_assert_cmpuint (bus_trim_shed (&queue->flow, table, G_MAXSIZE, QUEUE_NOW_US), >, 0);
  queue_assert_fifo (queue, small, "g1-2x2l");
  g_assert_cmpuint (bus_trim_shed (&queue->flow, table, 1, QUEUE_NOW_US), ==, 0); /* nothing is left */
}

/* Of equal queues, the one with the lowest subscription id drops messages, independent of the order in the table. Requests are
 * not dropped. */
static void
test_shed_order (Queue *queue, gconstpointer data)
{
  BusSubscription *server;
  g_autoptr (Table) table = NULL;

  for (guint id = 9; id > 4; id--)
    queue_append (queue, queue_subscribe (queue, id, BUS_OVERFLOW_DROP_OLDEST, 0), DATA, 100);
  server = queue_subscribe (queue, 1, BUS_OVERFLOW_ERROR, 0);
  server->serves = TRUE;
  queue_append (queue, server, DATA, 5000);
  table = table_of (queue);
  for (guint i = 5; i > 0; i--)
    {
      BusSubscription *subscription = g_ptr_array_index (queue->subscriptions, i - 1);

      g_assert_cmpuint (subscription->fifo->messages, ==, 1);
      bus_trim_shed (&queue->flow, table, 1, QUEUE_NOW_US);
      g_assert_cmpuint (subscription->fifo->messages, ==, 0);
      g_assert_cmpuint (bus_subscription_losses (subscription)->missed_by[BUS_LOSS_LIMIT], ==, 1);
    }
  g_assert_cmpuint (bus_trim_shed (&queue->flow, table, 1, QUEUE_NOW_US), ==, 0);
  queue_assert_fifo (queue, server, "w6");
}

/* The longest of many queues drop messages, and each drops all its messages before the next one drops any. */
static void
test_longest_of_100_queues_first (Queue *queue, gconstpointer data)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (3);
  g_autoptr (Table) table = NULL;
  guint64 before[100];
  guint64 left = 0;

  for (guint i = 0; i < G_N_ELEMENTS (before); i++)
    {
      BusSubscription *subscription = queue_subscribe (queue, 1 + i * 37 % 100, BUS_OVERFLOW_DROP_OLDEST, 0);

      for (gint n = g_rand_int_range (rand, 0, 5); n > 0; n--)
        queue_append (queue, subscription, DATA, 100);
      left += subscription->fifo->messages;
    }
  table = table_of (queue);
  while (left > 0)
    {
      guint n_partly = 0;
      guint64 least = G_MAXUINT64, most = 0;

      for (guint i = 0; i < G_N_ELEMENTS (before); i++)
        before[i] = ((const BusSubscription *) g_ptr_array_index (queue->subscriptions, i))->fifo->bytes;
      g_assert_cmpuint (bus_trim_shed (&queue->flow, table, 3000, QUEUE_NOW_US), >, 0);
      left = 0;
      for (guint i = 0; i < G_N_ELEMENTS (before); i++)
        {
          const BusSubscription *subscription = g_ptr_array_index (queue->subscriptions, i);

          left += subscription->fifo->messages;
          if (subscription->fifo->bytes == before[i])
            most = MAX (most, before[i]);
          else
            least = MIN (least, before[i]);
          n_partly += subscription->fifo->bytes > 0 && subscription->fifo->bytes < before[i] ? 1 : 0;
        }
      g_assert_cmpuint (least, >=, most); /* each queue that dropped messages was at least as long as the others */
      g_assert_cmpuint (n_partly, <=, 1);
    }
}

/* --- all of it --- */

static void
random_bounds (GRand *rand, BusSubscription *subscription)
{
  subscription->bounds.messages = (guint32) g_rand_int_range (rand, 1, 8);
  subscription->bounds.bytes = (guint64) g_rand_int_range (rand, 20, 500);
}

static void
random_input (Queue *queue, GRand *rand, guint64 *returned)
{
  guint which = (guint) g_rand_int_range (rand, 0, (gint) queue->subscriptions->len);
  BusSubscription *subscription = g_ptr_array_index (queue->subscriptions, which);

  switch (g_rand_int_range (rand, 0, 8))
    {
    case 0:
      if (returned[which] == subscription->delivered)
        return;
      returned[which]++;
      queue_return_credit (subscription, 1);
      bus_flow_credit (&queue->flow, subscription, QUEUE_NOW_US);
      return;
    case 1:
      {
        BusBounds bounds = { .policy = 1 + (guint) g_rand_int_range (rand, 0, BUS_OVERFLOW_LAST),
                             .messages = (guint32) g_rand_int_range (rand, 1, 8),
                             .bytes = 300 };

        bus_trim_adjust (&queue->flow, subscription, &bounds, QUEUE_NOW_US);
        return;
      }
    case 2:
      {
        g_free (queue_sent_text (queue)); /* takes the frames out */
        bus_flow_pump (&queue->flow, QUEUE_NOW_US);
        return;
      }
    case 3:
      {
        g_autoptr (Table) table = table_of (queue);

        bus_trim_shed (&queue->flow, table, (gsize) g_rand_int_range (rand, 1, 2000), QUEUE_NOW_US);
        return;
      }
    case 4:
      queue->quota.cap = queue->quota.memory + (guint64) g_rand_int_range (rand, 0, 9000);
      return;
    default:
      queue_allow_memory (queue);
      return;
    }
}

/* For each subscription, after each input: delivered + missed + waiting = offered. */
static void
test_random (Queue *queue, gconstpointer data)
{
  static const char *const topics[] = { DATA, CONTROL, "health.one", "tasks.one" };

  queue->limits.queue_soft_bytes = 2000; /* so that lanes fill */
  queue->limits.queue_hard_bytes = 6000;
  queue->limits.queue_hard_messages = 12;
  queue->limits.control_queue_bytes = 1500;
  for (guint32 seed = 1; seed <= 20; seed++)
    {
      g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
      guint64 returned[4] = { 0 };
      guint64 offered = 0;

      for (guint i = 0; i < G_N_ELEMENTS (returned); i++)
        random_bounds (rand, queue_subscribe (queue, i + 1, 1 + (seed + i) % BUS_OVERFLOW_LAST, 4));
      for (guint step = 0; step < 500; step++)
        {
          BusLedger *publishers[] = { &queue->publisher, &queue->other, &queue->reader, NULL };
          BusLedger *publisher = publishers[g_rand_int_range (rand, 0, 4)];
          BusAdmission admission = queue_offer_from (queue, publisher, topics[g_rand_int_range (rand, 0, 4)],
                                                     (gsize) g_rand_int_range (rand, 0, 300));

          offered++;
          g_assert_cmpuint (admission.queued + admission.refused, <=, queue->subscriptions->len);
          random_input (queue, rand, returned);
          for (guint i = 0; i < queue->subscriptions->len; i++)
            {
              const BusSubscription *subscription = g_ptr_array_index (queue->subscriptions, i);

              g_free (queue_fifo_text (queue, subscription)); /* checks the links */
              g_assert_cmpuint (subscription->delivered + subscription->extra->missed + subscription->fifo->messages,
                                ==, offered);
            }
        }
      queue_allow_memory (queue);
      while (queue->subscriptions->len > 0)
        queue_unsubscribe (queue, g_ptr_array_index (queue->subscriptions, 0));
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  for (guint policy = BUS_OVERFLOW_BLOCK; policy <= BUS_OVERFLOW_LAST; policy++)
    {
      g_autofree char *path = g_strdup_printf ("/core/admit/adjust/B08-from-block/%s", bus_overflow_name (policy));

      g_test_add (path, Queue, GUINT_TO_POINTER (policy), queue_setup, test_adjust_from_block, queue_teardown);
    }
  QUEUE_ADD ("/core/admit/adjust/B08-messages", test_adjust_bounds);
  QUEUE_ADD ("/core/admit/adjust/B08-bytes", test_adjust_bytes);
  QUEUE_ADD ("/core/admit/adjust/B08-level", test_adjust_level);
  QUEUE_ADD ("/core/admit/adjust/B08-to-conflate", test_adjust_to_conflate);
  QUEUE_ADD ("/core/admit/shed/R04-longest", test_shed);
  QUEUE_ADD ("/core/admit/shed/order", test_shed_order);
  QUEUE_ADD ("/core/admit/shed/longest-of-100-queues-first", test_longest_of_100_queues_first);
  QUEUE_ADD ("/core/admit/I06-random", test_random);
  return g_test_run ();
}

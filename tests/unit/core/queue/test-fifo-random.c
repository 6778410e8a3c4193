/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-fixture.h"

/* Random operations on the FIFO of a subscription, compared with a count of its messages. queue_fifo_text() checks the links, the
 * lanes, the counts and every charge. */

#define DATA    "events.one"
#define CONTROL "control.one"

typedef struct
{
  Queue *queue;
  GRand *rand;
  BusSubscription *subscription;
  guint64 offered;
  guint64 removed;
  guint64 delivered; /* removed messages that had credit */
  guint64 returned;
} Model;

static BusSlot *
random_slot (const Model *model, gboolean with_gaps)
{
  BusSlot *slot = model->subscription->fifo->first;
  gint skip = g_rand_int_range (model->rand, 0, 12);

  while (slot != NULL && (skip-- > 0 || (!with_gaps && slot->state == BUS_DELIVERY_LOST)))
    slot = slot->next;
  return slot;
}

static void
random_append (Model *model)
{
  static const char *const topics[] = { DATA, CONTROL, "health.one", "events.two" };
  const char *topic = topics[g_rand_int_range (model->rand, 0, G_N_ELEMENTS (topics))];

  model->offered++;
  if (model->subscription->bounds.policy == BUS_OVERFLOW_BLOCK && g_rand_boolean (model->rand))
    queue_append_held (model->queue, model->subscription, &model->queue->publisher, QUEUE_NOW_US);
  else
    queue_append (model->queue, model->subscription, topic, 10);
}

static void
random_lose (Model *model)
{
  model->offered++;
  queue_lose (model->queue, model->subscription, g_rand_boolean (model->rand) ? WIRE_LANE_DATA : WIRE_LANE_CONTROL,
              (BusLoss) g_rand_int_range (model->rand, 0, BUS_N_LOSSES));
}

static void
random_drop (Model *model)
{
  BusSlot *slot = random_slot (model, FALSE);

  if (slot != NULL)
    bus_fifo_drop (&model->queue->flow, slot, (BusLoss) g_rand_int_range (model->rand, 0, BUS_N_LOSSES), QUEUE_NOW_US);
}

/* Removes a slot as bus-flow does: a gap only at the head of its lane. */
static void
random_remove (Model *model)
{
  BusSlot *slot
      = model->subscription->fifo->lane_first[g_rand_boolean (model->rand) ? WIRE_LANE_DATA : WIRE_LANE_CONTROL];

  if (slot == NULL || slot->state == BUS_DELIVERY_WAITING)
    return;
  if (slot->state == BUS_DELIVERY_QUEUED)
    {
      model->removed++;
      model->delivered++;
    }
  bus_fifo_remove (&model->queue->flow, slot, NULL);
}

static void
random_credit (Model *model)
{
  if (model->returned == model->delivered)
    return;
  model->returned++;
  queue_return_credit (model->subscription, 1);
  bus_fifo_advance (&model->queue->flow, model->subscription, QUEUE_NOW_US);
}

static void
test_random (Queue *queue, gconstpointer data)
{
  static void (*const steps[]) (Model * model) = { random_append, random_append, random_append, random_lose,
                                                   random_drop,   random_remove, random_remove, random_credit };

  for (guint32 seed = 1; seed <= 20; seed++)
    {
      g_autoptr (GRand) rand = g_rand_new_with_seed (seed);
      BusOverflow policy = 1 + seed % BUS_OVERFLOW_LAST;
      Model model = { .queue = queue, .rand = rand, .subscription = queue_subscribe (queue, seed, policy, 5) };
      BusSubscription *subscription = model.subscription;

      for (guint step = 0; step < 600; step++)
        {
          g_autofree char *text = NULL;

          steps[g_rand_int_range (rand, 0, G_N_ELEMENTS (steps))](&model);
          bus_fifo_advance (&queue->flow, subscription, QUEUE_NOW_US);
          text = queue_fifo_text (queue, subscription);
          g_assert_cmpuint (model.offered, ==,
                            model.removed + subscription->extra->missed + subscription->fifo->messages);
          /* Asserts that each waiting message has a reason to wait. */
          g_assert_true (subscription->fifo->first_waiting == NULL || !bus_window_is_open (&subscription->window));
        }
      queue_unsubscribe (queue, subscription);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  QUEUE_ADD ("/core/fifo/I01-I06-random", test_random);
  return g_test_run ();
}

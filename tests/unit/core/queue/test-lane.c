/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-fixture.h"
#include "queue/bus-lane.h"

/* Entries of a lane: their order, their cost, and that each one keeps a reference to its message. */

static BusEntry *
enter (Queue *queue, WireLane lane)
{
  g_autoptr (Arrival) arrival = arrival_new (queue, "events.one", 100);

  return bus_lane_enter (&queue->flow, lane, bus_inbound_keep (&arrival->inbound), &queue_deliver);
}

static BusEntry *
enter_plain (Queue *queue, WireLane lane)
{
  const BusDelivery delivery = { .kind = WIRE_KIND_REPLY, .answers = 42 };
  g_autoptr (Arrival) arrival = arrival_new (queue, "events.one", 100);

  bus_lane_enter_plain (&queue->flow, lane, bus_inbound_keep (&arrival->inbound), &delivery);
  return queue->flow.lanes[lane].last;
}

/* The accept sequences of a lane's entries, from both ends. */
static void
assert_lane (const Queue *queue, WireLane lane, const char *wanted)
{
  g_autoptr (GString) text = g_string_new (NULL);
  const BusEntry *previous = NULL;

  for (const BusEntry *entry = queue->flow.lanes[lane].first; entry != NULL; previous = entry, entry = entry->next)
    {
      g_assert_true (entry->previous == previous);
      g_assert_cmpuint (entry->lane, ==, lane);
      g_string_append_printf (text, "%s%" G_GUINT64_FORMAT, previous != NULL ? " " : "", entry->message->accept_seq);
    }
  g_assert_true (queue->flow.lanes[lane].last == previous);
  g_assert_cmpstr (text->str, ==, wanted);
}

static void
assert_bytes (const Queue *queue, gsize control, gsize data)
{
  g_assert_cmpuint (queue->flow.lanes[WIRE_LANE_CONTROL].bytes, ==, control);
  g_assert_cmpuint (queue->flow.lanes[WIRE_LANE_DATA].bytes, ==, data);
  g_assert_cmpuint (queue->flow.waiting_bytes, ==, control + data);
  g_assert_cmpuint (queue->reader.usage.charged, ==, control + data);
}

static void
test_order (Queue *queue, gconstpointer data)
{
  BusEntry *entries[5];

  for (guint i = 0; i < G_N_ELEMENTS (entries); i++)
    entries[i] = enter (queue, WIRE_LANE_DATA);
  assert_lane (queue, WIRE_LANE_DATA, "1 2 3 4 5");
  bus_lane_leave (&queue->flow, entries[2]);
  assert_lane (queue, WIRE_LANE_DATA, "1 2 4 5");
  bus_lane_leave (&queue->flow, entries[0]);
  assert_lane (queue, WIRE_LANE_DATA, "2 4 5");
  bus_lane_leave (&queue->flow, entries[4]);
  assert_lane (queue, WIRE_LANE_DATA, "2 4");
  entries[0] = enter (queue, WIRE_LANE_DATA);
  assert_lane (queue, WIRE_LANE_DATA, "2 4 6");
  bus_lane_leave (&queue->flow, entries[3]);
  bus_lane_leave (&queue->flow, entries[1]);
  bus_lane_leave (&queue->flow, entries[0]);
  assert_lane (queue, WIRE_LANE_DATA, "");
  assert_bytes (queue, 0, 0);
}

static void
test_independent (Queue *queue, gconstpointer data)
{
  BusEntry *control = enter (queue, WIRE_LANE_CONTROL);
  BusEntry *first = enter (queue, WIRE_LANE_DATA);
  BusEntry *second = enter (queue, WIRE_LANE_DATA);

  assert_lane (queue, WIRE_LANE_CONTROL, "1");
  assert_lane (queue, WIRE_LANE_DATA, "2 3");
  assert_bytes (queue, sizeof (BusEntry), 2 * sizeof (BusEntry));
  bus_lane_leave (&queue->flow, control);
  assert_lane (queue, WIRE_LANE_CONTROL, "");
  assert_lane (queue, WIRE_LANE_DATA, "2 3");
  assert_bytes (queue, 0, 2 * sizeof (BusEntry));
  bus_lane_leave (&queue->flow, first);
  bus_lane_leave (&queue->flow, second);
}

/* The slots of an entry count its message; a plain entry has none and counts it itself. */
static void
test_cost (Queue *queue, gconstpointer data)
{
  BusEntry *with_slots = enter (queue, WIRE_LANE_DATA);
  BusEntry *plain;
  gsize held = queue->quota.memory;
  gsize cost = bus_message_cost (with_slots->message);

  g_assert_cmpuint (held, ==, cost + sizeof (BusEntry));
  assert_bytes (queue, 0, sizeof (BusEntry));
  g_assert_false (with_slots->plain);

  plain = enter_plain (queue, WIRE_LANE_CONTROL);
  g_assert_true (plain->plain);
  g_assert_cmpuint (plain->delivery.answers, ==, 42);
  assert_bytes (queue, sizeof (BusEntry) + cost, sizeof (BusEntry));
  g_assert_cmpuint (queue->quota.memory, ==, 2 * held);

  bus_lane_leave (&queue->flow, plain);
  bus_lane_leave (&queue->flow, with_slots);
  assert_bytes (queue, 0, 0);
  g_assert_cmpuint (queue->quota.memory, ==, 0);
}

/* Two entries of one message: charged twice, held once. */
static void
test_shared_message (Queue *queue, gconstpointer data)
{
  g_autoptr (Arrival) arrival = arrival_new (queue, "events.one", 100);
  BusMessage *message = bus_inbound_keep (&arrival->inbound);

  bus_lane_enter_plain (&queue->flow, WIRE_LANE_DATA, message, &queue_deliver);
  bus_lane_enter_plain (&queue->flow, WIRE_LANE_DATA, message, &queue_deliver);
  g_assert_cmpuint (message->refs, ==, 3);
  assert_bytes (queue, 0, 2 * (sizeof (BusEntry) + message->held));
  g_assert_cmpuint (queue->quota.memory, ==, message->held + 2 * sizeof (BusEntry));
  bus_lane_leave (&queue->flow, queue->flow.lanes[WIRE_LANE_DATA].first);
  bus_lane_leave (&queue->flow, queue->flow.lanes[WIRE_LANE_DATA].first);
  g_assert_cmpuint (message->refs, ==, 1);
}

static void
test_leave_with_a_slot_asserts (void)
{
  if (g_test_subprocess ())
    {
      Queue queue = { 0 };
      BusEntry *entry;
      BusSlot slot = { 0 };

      queue_setup (&queue, NULL);
      entry = enter (&queue, WIRE_LANE_DATA);
      entry->slots = &slot;
      bus_lane_leave (&queue.flow, entry);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
  g_test_trap_assert_stderr ("*bus_lane_leave*");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  QUEUE_ADD ("/core/lane/I04-order", test_order);
  QUEUE_ADD ("/core/lane/independent", test_independent);
  QUEUE_ADD ("/core/lane/I01-cost", test_cost);
  QUEUE_ADD ("/core/lane/I01-shared-message", test_shared_message);
  g_test_add_func ("/core/lane/leave-with-a-slot", test_leave_with_a_slot_asserts);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "queue-fixture.h"

/* Publishers' credit: used = returned + held + the current frame. It is announced at a quarter, or at once when none is left. */

#define CLASS WIRE_CLASS_MAY_DROP
#define BYTES 10u

static void
set_window (BusLedger *ledger, guint64 messages, guint64 bytes)
{
  BusAllowance *allowance = ledger->allowances[CLASS] != NULL ? ledger->allowances[CLASS]
                                                              : (BusAllowance *) (gsize) &ledger->shared->unused[CLASS];

  bus_window_init (&allowance->window, messages, bytes);
}

static void
take (BusLedger *ledger, guint n)
{
  for (guint i = 0; i < n; i++)
    g_assert_true (bus_credit_take (ledger, CLASS, BYTES, QUEUE_NOW_US));
}

static void
give_back (BusLedger *ledger, guint n)
{
  for (guint i = 0; i < n; i++)
    bus_credit_return (ledger, CLASS, 1, BYTES);
}

/* Takes the ledger out of the due list and grants its returned credit. */
static void
assert_announced (Queue *queue, BusLedger *ledger, guint wanted)
{
  guint classes = 0;

  g_assert_true (bus_credit_next_due (&queue->creditors, &classes) == ledger);
  g_assert_cmpuint (classes, ==, wanted);
  g_assert_cmpuint (ledger->due_classes, ==, 0);
  for (guint i = 0; i < WIRE_N_CLASSES; i++)
    if (classes & (1u << i))
      g_assert_true (bus_credit_grant (ledger, i) == &bus_ledger_allowance (ledger, i)->window);
}

static void
assert_nothing_due (Queue *queue)
{
  guint classes = 0;

  g_assert_null (bus_credit_next_due (&queue->creditors, &classes));
}

static void
test_blocked_when_the_window_is_used_up (Queue *queue, gconstpointer data)
{
  BusLedger *publisher = &queue->publisher;

  set_window (publisher, 2, 1000);
  take (publisher, 1);
  g_assert_cmpint (bus_ledger_allowance (publisher, CLASS)->blocked_since_us, ==, 0);
  g_assert_true (bus_credit_take (publisher, CLASS, BYTES, 55));
  g_assert_cmpint (bus_ledger_allowance (publisher, CLASS)->blocked_since_us, ==, 55);
  g_assert_false (bus_credit_take (publisher, CLASS, BYTES, 66));
  g_assert_cmpuint (bus_ledger_allowance (publisher, CLASS)->window.used_messages, ==, 2);
  g_assert_cmpuint (bus_ledger_allowance (publisher, CLASS)->window.used_bytes, ==, 2 * BYTES);
  g_assert_cmpint (bus_ledger_allowance (publisher, CLASS)->blocked_since_us, ==, 55);

  /* Other classes have windows of their own. */
  g_assert_true (bus_credit_take (publisher, WIRE_CLASS_CONTROL, BYTES, 77));
  bus_credit_return (publisher, WIRE_CLASS_CONTROL, 1, BYTES);
  give_back (publisher, 2);
  assert_announced (queue, publisher, 1u << CLASS);
  g_assert_cmpint (bus_ledger_allowance (publisher, CLASS)->blocked_since_us, ==, 0);
}

/* A class in which no message was sent uses no memory, and shows its initial window. */
static void
test_unused (Queue *queue, gconstpointer data)
{
  BusLedger *publisher = &queue->publisher;

  set_window (publisher, 2, 1000);
  g_assert_null (publisher->allowances[CLASS]);
  g_assert_true (bus_window_is_open (&bus_ledger_allowance (publisher, CLASS)->window));
  take (publisher, 1);
  g_assert_nonnull (publisher->allowances[CLASS]);
  g_assert_null (publisher->allowances[WIRE_CLASS_CONTROL]);
  g_assert_cmpuint (queue->allowances[CLASS].window.used_messages, ==, 0);
  g_assert_cmpuint (bus_ledger_allowance (&queue->other, CLASS)->window.used_messages, ==, 0);
  give_back (publisher, 1);
  assert_announced (queue, publisher, 1u << CLASS);
}

/* A frame without a class needs no credit. */
static void
test_no_class (Queue *queue, gconstpointer data)
{
  for (guint i = 0; i < 10000; i++)
    g_assert_true (bus_credit_take (&queue->publisher, WIRE_CLASS_NONE, 1u << 20, QUEUE_NOW_US));
  g_assert_cmpuint (bus_ledger_allowance (&queue->publisher, WIRE_CLASS_NONE)->window.used_messages, ==, 0);
  for (guint i = 0; i < 10000; i++)
    bus_credit_return (&queue->publisher, WIRE_CLASS_NONE, 1, 1u << 20);
  assert_nothing_due (queue);
}

static void
test_quarter_of_messages (Queue *queue, gconstpointer data)
{
  BusLedger *publisher = &queue->publisher;

  set_window (publisher, 16, 1u << 20);
  take (publisher, 8);
  give_back (publisher, 3);
  assert_nothing_due (queue);
  give_back (publisher, 1);
  g_assert_cmpuint (queue->creditors.due.length, ==, 1);
  give_back (publisher, 1);
  g_assert_cmpuint (queue->creditors.due.length, ==, 1);
  assert_announced (queue, publisher, 1u << CLASS);
  assert_nothing_due (queue);
  g_assert_cmpuint (bus_ledger_allowance (publisher, CLASS)->window.granted_messages, ==, 16 + 5);
  g_assert_cmpuint (bus_ledger_allowance (publisher, CLASS)->window.granted_bytes, ==, (1u << 20) + 5 * BYTES);
  give_back (publisher, 3);
  assert_nothing_due (queue);
}

static void
test_quarter_of_bytes (Queue *queue, gconstpointer data)
{
  set_window (&queue->publisher, 1000, 16 * BYTES);
  take (&queue->publisher, 8);
  give_back (&queue->publisher, 3);
  assert_nothing_due (queue);
  give_back (&queue->publisher, 1);
  assert_announced (queue, &queue->publisher, 1u << CLASS);
  give_back (&queue->publisher, 4);
  assert_announced (queue, &queue->publisher, 1u << CLASS);
}

/* If a publisher has no credit left, returned credit is announced at once, even below a quarter. */
static void
test_at_once_when_empty (Queue *queue, gconstpointer data)
{
  BusLedger *publisher = &queue->publisher;

  set_window (publisher, 16, 1u << 20);
  take (publisher, 16);
  give_back (publisher, 1);
  assert_announced (queue, publisher, 1u << CLASS);
  g_assert_cmpint (bus_ledger_allowance (publisher, CLASS)->blocked_since_us, ==, 0);
  give_back (publisher, 1);
  assert_nothing_due (queue); /* the publisher has credit now */
  give_back (publisher, 14);
  assert_announced (queue, publisher, 1u << CLASS);
}

/* Returned credit below a quarter of the window is announced when the publisher uses its last credit. */
static void
test_last_credit (Queue *queue, gconstpointer data)
{
  BusLedger *publisher = &queue->publisher;

  set_window (publisher, 16, 1u << 20);
  take (publisher, 15);
  give_back (publisher, 2);
  assert_nothing_due (queue);
  take (publisher, 1);
  assert_announced (queue, publisher, 1u << CLASS);
  g_assert_true (bus_window_is_open (&bus_ledger_allowance (publisher, CLASS)->window));

  take (publisher, 2);
  assert_nothing_due (queue); /* no credit was returned since */
  give_back (publisher, 16);
  assert_announced (queue, publisher, 1u << CLASS);
}

static void
test_due_in_order (Queue *queue, gconstpointer data)
{
  set_window (&queue->publisher, 1, 1u << 20);
  set_window (&queue->other, 1, 1u << 20);
  bus_window_init (&queue->allowances[WIRE_CLASS_MUST_KEEP].window, 1, 1u << 20);
  take (&queue->publisher, 1);
  take (&queue->other, 1);
  g_assert_true (bus_credit_take (&queue->publisher, WIRE_CLASS_MUST_KEEP, BYTES, QUEUE_NOW_US));
  give_back (&queue->publisher, 1);
  give_back (&queue->other, 1);
  bus_credit_return (&queue->publisher, WIRE_CLASS_MUST_KEEP, 1, BYTES);
  assert_announced (queue, &queue->publisher, 1u << CLASS | 1u << WIRE_CLASS_MUST_KEEP);
  assert_announced (queue, &queue->other, 1u << CLASS);
  assert_nothing_due (queue);
}

static void
test_ticket (Queue *queue, gconstpointer data)
{
  BusLedger *publisher = &queue->publisher;
  BusTicket *ticket;

  set_window (publisher, 1, 1u << 20);
  take (publisher, 1);
  ticket = bus_ticket_new (publisher, CLASS, 1, BYTES, 1);
  g_assert_true (bus_ticket_ref (ticket) == ticket);
  g_assert_cmpuint (bus_ledger_allowance (publisher, CLASS)->held_messages, ==, 1);
  g_assert_cmpuint (bus_ledger_allowance (publisher, CLASS)->held_bytes, ==, BYTES);
  g_assert_cmpuint (publisher->usage.charged, ==, sizeof (BusTicket));
  g_assert_cmpuint (queue->quota.memory, ==, sizeof (BusTicket));

  bus_ticket_unref (ticket);
  g_assert_cmpuint (bus_ledger_allowance (publisher, CLASS)->held_messages, ==, 1);
  assert_nothing_due (queue);
  bus_ticket_unref (ticket);
  g_assert_cmpuint (bus_ledger_allowance (publisher, CLASS)->held_messages, ==, 0);
  g_assert_cmpuint (bus_ledger_allowance (publisher, CLASS)->held_bytes, ==, 0);
  g_assert_cmpuint (publisher->usage.charged, ==, 0);
  assert_announced (queue, publisher, 1u << CLASS);
}

/* The publisher disconnects while receivers hold its messages. */
static void
test_outlives_its_publisher (Queue *queue, gconstpointer data)
{
  BusLedger gone;
  BusTicket *tickets[2];

  bus_ledger_init (&gone, NULL, &queue->creditors);
  set_window (&gone, 2, 1u << 20);
  take (&gone, 2);
  for (guint i = 0; i < G_N_ELEMENTS (tickets); i++)
    tickets[i] = bus_ticket_new (&gone, CLASS, 1, BYTES, 1);
  bus_ledger_end (&gone);
  g_assert_cmpuint (bus_ledger_allowance (&gone, CLASS)->held_messages, ==, 0);
  g_assert_cmpuint (bus_ledger_allowance (&gone, CLASS)->held_bytes, ==, 0);
  bus_ledger_clear (&gone);
  memset (&gone, 0xff, sizeof gone);
  for (guint i = 0; i < G_N_ELEMENTS (tickets); i++)
    {
      g_assert_null (tickets[i]->publisher);
      bus_ticket_unref (tickets[i]);
    }
  assert_nothing_due (queue);
}

/* Runs of one turn share a ticket; each part returns its own credit at once. */
static void
test_parts (Queue *queue, gconstpointer data)
{
  BusLedger *publisher = &queue->publisher;
  BusTicket *parts[3];

  set_window (publisher, 16, 1u << 20);
  take (publisher, 6);
  for (guint i = 0; i < G_N_ELEMENTS (parts); i++)
    parts[i] = bus_ticket_ref_part (publisher, CLASS, i + 1, (i + 1) * BYTES, 1);
  g_assert_true (parts[0] == parts[1] && parts[1] == parts[2]);
  g_assert_cmpuint (publisher->usage.charged, ==, sizeof (BusTicket));
  g_assert_cmpuint (bus_ledger_allowance (publisher, CLASS)->held_messages, ==, 6);

  bus_ticket_unref_part (parts[1], 2, 2 * BYTES);
  g_assert_cmpuint (bus_ledger_allowance (publisher, CLASS)->held_messages, ==, 4);
  g_assert_cmpuint (bus_ledger_allowance (publisher, CLASS)->held_bytes, ==, 4 * BYTES);
  g_assert_cmpuint (bus_ledger_allowance (publisher, CLASS)->returned.messages, ==, 2);
  g_assert_cmpuint (parts[0]->messages, ==, 4);
  bus_ticket_unref_part (parts[0], 1, BYTES);
  bus_ticket_unref_part (parts[2], 3, 3 * BYTES);
  g_assert_cmpuint (bus_ledger_allowance (publisher, CLASS)->held_messages, ==, 0);
  g_assert_cmpuint (bus_ledger_allowance (publisher, CLASS)->held_bytes, ==, 0);
  g_assert_cmpuint (publisher->usage.charged, ==, 0);
  assert_announced (queue, publisher, 1u << CLASS);
  g_assert_cmpuint (bus_ledger_allowance (publisher, CLASS)->window.granted_messages, ==, 16 + 6);
}

/* Another turn, another class, or another ticket between them: no part of the same ticket. */
static void
test_parts_apart (Queue *queue, gconstpointer data)
{
  BusLedger *publisher = &queue->publisher;
  BusTicket *tickets[5];

  set_window (publisher, 16, 1u << 20);
  take (publisher, 4);
  g_assert_true (bus_credit_take (publisher, WIRE_CLASS_MUST_KEEP, BYTES, QUEUE_NOW_US));
  tickets[0] = bus_ticket_ref_part (publisher, CLASS, 1, BYTES, 1);
  tickets[1] = bus_ticket_ref_part (publisher, CLASS, 1, BYTES, 2);
  tickets[2] = bus_ticket_ref_part (publisher, WIRE_CLASS_MUST_KEEP, 1, BYTES, 2);
  tickets[3] = bus_ticket_new (publisher, CLASS, 1, BYTES, 2);
  tickets[4] = bus_ticket_ref_part (publisher, CLASS, 1, BYTES, 2);
  for (guint i = 0; i < G_N_ELEMENTS (tickets); i++)
    {
      for (guint j = 0; j < i; j++)
        g_assert_true (tickets[i] != tickets[j]);
      g_assert_cmpuint (tickets[i]->refs, ==, 1);
      g_assert_cmpint (tickets[i]->since_us, ==, i == 0 ? 1 : 2);
    }
  for (guint i = 0; i < G_N_ELEMENTS (tickets); i++)
    bus_ticket_unref (tickets[i]);
  g_assert_cmpuint (bus_ledger_allowance (publisher, CLASS)->held_messages, ==, 0);
}

/* The publisher disconnects while parts are held. */
static void
test_parts_outlive (Queue *queue, gconstpointer data)
{
  BusLedger gone;
  BusTicket *ticket;

  bus_ledger_init (&gone, NULL, &queue->creditors);
  set_window (&gone, 2, 1u << 20);
  take (&gone, 2);
  ticket = bus_ticket_ref_part (&gone, CLASS, 1, BYTES, 1);
  g_assert_true (bus_ticket_ref_part (&gone, CLASS, 1, BYTES, 1) == ticket);
  bus_ledger_end (&gone);
  bus_ledger_clear (&gone);
  memset (&gone, 0xff, sizeof gone);
  bus_ticket_unref_part (ticket, 1, BYTES);
  g_assert_cmpuint (ticket->refs, ==, 1);
  bus_ticket_unref_part (ticket, 1, BYTES);
  assert_nothing_due (queue);
}

/* A ledger that ends is no longer listed; the others stay. */
static void
test_end_leaves_the_list (Queue *queue, gconstpointer data)
{
  BusLedger gone;

  bus_ledger_init (&gone, NULL, &queue->creditors);
  set_window (&gone, 1, 1u << 20);
  set_window (&queue->publisher, 1, 1u << 20);
  set_window (&queue->other, 1, 1u << 20);
  take (&queue->publisher, 1);
  take (&gone, 1);
  take (&queue->other, 1);
  give_back (&queue->publisher, 1);
  give_back (&gone, 1);
  give_back (&queue->other, 1);
  bus_ledger_end (&gone);
  bus_ledger_end (&gone); /* the second call has no effect */
  bus_ledger_clear (&gone);
  assert_announced (queue, &queue->publisher, 1u << CLASS);
  assert_announced (queue, &queue->other, 1u << CLASS);
  assert_nothing_due (queue);
}

static void
test_clear_with_a_ticket_asserts (void)
{
  if (g_test_subprocess ())
    {
      BusQuota quota = { .cap = 1000 };
      const BusAllowance allowances[WIRE_N_CLASSES] = { 0 };
      BusCreditors creditors = { .quota = &quota, .unused = allowances };
      BusLedger ledger;

      bus_ledger_init (&ledger, NULL, &creditors);
      bus_ticket_new (&ledger, CLASS, 1, BYTES, 1);
      bus_ledger_clear (&ledger);
      return;
    }
  g_test_trap_subprocess (NULL, 0, 0);
  g_test_trap_assert_failed ();
}

/* Takes, withholds and returns credit at random. After each step, used = returned + held, and a publisher without credit is
 * either listed or has no returned credit, so it never waits for an announcement that is not made. */
static void
test_random (Queue *queue, gconstpointer data)
{
  g_autoptr (GRand) rand = g_rand_new_with_seed (1);
  g_autoptr (GPtrArray) tickets = g_ptr_array_new ();
  BusLedger *publisher = &queue->publisher;

  set_window (publisher, 8, 1000);
  for (guint step = 0; step < 20000; step++)
    {
      const BusAllowance *allowance;
      const BusWindow *window;
      guint classes;

      if (g_rand_boolean (rand))
        {
          gsize bytes = (gsize) g_rand_int_range (rand, 0, 300);

          if (!bus_credit_take (publisher, CLASS, bytes, QUEUE_NOW_US))
            continue;
          if (g_rand_boolean (rand))
            g_ptr_array_add (tickets, bus_ticket_new (publisher, CLASS, 1, bytes, 1));
          else
            bus_credit_return (publisher, CLASS, 1, bytes);
        }
      else if (tickets->len > 0)
        bus_ticket_unref (g_ptr_array_remove_index (tickets, (guint) g_rand_int_range (rand, 0, (gint) tickets->len)));

      allowance = bus_ledger_allowance (publisher, CLASS);
      window = &allowance->window;
      g_assert_cmpuint (window->used_messages, ==,
                        window->granted_messages + allowance->returned.messages - 8 + allowance->held_messages);
      g_assert_cmpuint (window->used_bytes, ==,
                        window->granted_bytes + allowance->returned.bytes - 1000 + allowance->held_bytes);
      g_assert_cmpuint (allowance->held_messages, ==, tickets->len);
      if (!bus_window_is_open (window) && allowance->returned.messages > 0)
        g_assert_cmpuint (publisher->due_classes, ==, 1u << CLASS);
      g_assert_true ((publisher->due_classes != 0) == (queue->creditors.due.length == 1));
      if (g_rand_int_range (rand, 0, 4) == 0 && bus_credit_next_due (&queue->creditors, &classes) != NULL)
        bus_credit_grant (publisher, CLASS);
    }
  while (tickets->len > 0)
    bus_ticket_unref (g_ptr_array_remove_index (tickets, 0));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  QUEUE_ADD ("/core/credit/F03-unused", test_unused);
  QUEUE_ADD ("/core/credit/M08-blocked-when-the-window-is-used-up", test_blocked_when_the_window_is_used_up);
  QUEUE_ADD ("/core/credit/no-class", test_no_class);
  QUEUE_ADD ("/core/credit/quarter/messages", test_quarter_of_messages);
  QUEUE_ADD ("/core/credit/quarter/bytes", test_quarter_of_bytes);
  QUEUE_ADD ("/core/credit/B04-at-once-when-empty", test_at_once_when_empty);
  QUEUE_ADD ("/core/credit/B04-last-credit", test_last_credit);
  QUEUE_ADD ("/core/credit/due/order", test_due_in_order);
  QUEUE_ADD ("/core/credit/due/end", test_end_leaves_the_list);
  QUEUE_ADD ("/core/credit/ticket/B04-withholds", test_ticket);
  QUEUE_ADD ("/core/credit/ticket/M15-outlives-its-publisher", test_outlives_its_publisher);
  QUEUE_ADD ("/core/credit/part/M17-returns-its-own-credit", test_parts);
  QUEUE_ADD ("/core/credit/part/M17-of-one-turn-and-class", test_parts_apart);
  QUEUE_ADD ("/core/credit/part/M17-outlives-its-publisher", test_parts_outlive);
  QUEUE_ADD ("/core/credit/random", test_random);
  g_test_add_func ("/core/credit/clear-with-a-ticket", test_clear_with_a_ticket_asserts);
  return g_test_run ();
}

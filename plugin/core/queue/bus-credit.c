/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-credit.h"

#include "wire-hot.h"

void
bus_ledger_init (BusLedger *ledger, BusPeer *peer, BusCreditors *shared)
{
  *ledger = (BusLedger){ .peer = peer, .shared = shared };
  ledger->due_link.data = ledger;
}

static BusAllowance *
credit_make_allowance (BusLedger *publisher, WireClass credit_class)
{
  BusAllowance *allowance = bus_cells_take (&publisher->shared->quota->cells, sizeof (BusAllowance));

  *allowance = publisher->shared->unused[credit_class];
  publisher->allowances[credit_class] = allowance;
  return allowance;
}

static inline BusAllowance *
credit_need_allowance (BusLedger *publisher, WireClass credit_class)
{
  BusAllowance *allowance = publisher->allowances[credit_class];

  return G_LIKELY (allowance != NULL) ? allowance : credit_make_allowance (publisher, credit_class);
}

static void
credit_make_due (BusLedger *publisher, WireClass credit_class)
{
  if (publisher->due_classes == 0)
    g_queue_push_tail_link (&publisher->shared->due, &publisher->due_link);
  publisher->due_classes |= 1u << credit_class;
}

/*
 * Takes the credit for one frame. If the publisher has used its last credit by this, any credit that was returned is announced.
 *
 * Announcing each returned message would cost one CREDIT frame for each message, so credit is returned silently until it is a
 * quarter of the window (bus_window_return()). That alone can block a publisher forever: it spends its last credit while less than
 * a quarter has been returned, and the rest of its window is held by subscriptions that block. Then no further credit returns, so
 * the quarter is never reached, although the broker has credit for the publisher. Therefore the threshold must not apply to a
 * publisher without credit. That is checked at two moments: here, when a frame uses the last credit and other credit was returned
 * silently before; and in bus_credit_return(), when credit is returned to a publisher that has none.
 *
 * A frame may cost more bytes than are left, because a publisher may send while it has one byte of credit. So the window can be
 * overdrawn by one frame, and can still be closed after a CREDIT; then the next return is announced at once, too.
 */
WIRE_HOT gboolean
bus_credit_take (BusLedger *publisher, WireClass credit_class, gsize bytes, gint64 now_us)
{
  BusAllowance *allowance;
  BusWindow *window;

  if (credit_class == WIRE_CLASS_NONE)
    return TRUE;
  allowance = credit_need_allowance (publisher, credit_class);
  window = &allowance->window;
  if (!bus_window_is_open (window))
    return FALSE;
  bus_window_use (window, bytes);
  if (!bus_window_is_open (window))
    {
      allowance->blocked_since_us = now_us;
      /* Credit below the announcement threshold was returned silently; it is now all that the publisher has, so announce it. */
      if (allowance->returned.messages > 0)
        credit_make_due (publisher, credit_class);
    }
  return TRUE;
}

/* Returned credit is announced when it is a quarter of the window, or at once to a publisher that has none: see bus_credit_take().
 * So the credit of a frame that used the last credit and was not withheld is announced at once. */
WIRE_HOT void
bus_credit_return (BusLedger *publisher, WireClass credit_class, guint messages, gsize bytes)
{
  BusAllowance *allowance;

  if (credit_class == WIRE_CLASS_NONE)
    return;
  allowance = publisher->allowances[credit_class]; /* it was taken */
  if (bus_window_return (&allowance->window, &allowance->returned, messages, bytes)
      || !bus_window_is_open (&allowance->window))
    credit_make_due (publisher, credit_class);
}

BusLedger *
bus_credit_next_due (BusCreditors *creditors, guint *classes)
{
  GList *link = g_queue_pop_head_link (&creditors->due);
  BusLedger *ledger;

  if (link == NULL)
    return NULL;
  ledger = link->data;
  *classes = ledger->due_classes;
  ledger->due_classes = 0;
  return ledger;
}

const BusWindow *
bus_credit_grant (BusLedger *publisher, WireClass credit_class)
{
  BusAllowance *allowance = publisher->allowances[credit_class];

  bus_window_grant (&allowance->window, &allowance->returned);
  if (bus_window_is_open (&allowance->window))
    allowance->blocked_since_us = 0;
  return &allowance->window;
}

WIRE_HOT BusTicket *
bus_ticket_new (BusLedger *publisher, WireClass credit_class, guint messages, gsize bytes, gint64 now_us)
{
  BusTicket *ticket = bus_cells_take_or_null (&publisher->shared->quota->cells, sizeof (BusTicket));
  BusAllowance *allowance;

  if (ticket == NULL)
    return NULL;
  allowance = credit_need_allowance (publisher, credit_class);
  *ticket = (BusTicket){ .refs = 1,
                         .publisher = publisher,
                         .quota = publisher->shared->quota,
                         .credit_class = credit_class,
                         .messages = messages,
                         .bytes = bytes,
                         .since_us = now_us };
  ticket->next = publisher->tickets;
  if (ticket->next != NULL)
    ticket->next->previous = ticket;
  publisher->tickets = ticket;
  publisher->n_tickets++;
  allowance->held_messages += messages;
  allowance->held_bytes += bytes;
  bus_quota_keep (publisher->shared->quota, &publisher->usage, sizeof (BusTicket));
  return ticket;
}

static void
ticket_add (BusTicket *ticket, guint messages, gsize bytes)
{
  BusAllowance *allowance = ticket->publisher->allowances[ticket->credit_class];

  ticket->messages += messages;
  ticket->bytes += bytes;
  allowance->held_messages += messages;
  allowance->held_bytes += bytes;
}

void
bus_ticket_join (BusTicket *ticket, gsize bytes)
{
  ticket_add (ticket, 1, bytes);
}

/* Removes the ticket from the ledger of its publisher. Returns the ledger. */
WIRE_HOT static BusLedger *
ticket_detach (BusTicket *ticket)
{
  BusLedger *publisher = g_steal_pointer (&ticket->publisher);
  BusAllowance *allowance = publisher->allowances[ticket->credit_class];

  g_assert (allowance->held_messages >= ticket->messages && allowance->held_bytes >= ticket->bytes);
  if (ticket->previous != NULL)
    ticket->previous->next = ticket->next;
  else
    publisher->tickets = ticket->next;
  if (ticket->next != NULL)
    ticket->next->previous = ticket->previous;
  publisher->n_tickets--;
  allowance->held_messages -= ticket->messages;
  allowance->held_bytes -= ticket->bytes;
  bus_quota_unkeep (publisher->shared->quota, &publisher->usage, sizeof (BusTicket));
  return publisher;
}

WIRE_HOT void
bus_ticket_unref (BusTicket *ticket)
{
  g_assert (ticket->refs > 0);
  if (--ticket->refs > 0)
    return;
  if (ticket->publisher != NULL)
    bus_credit_return (ticket_detach (ticket), ticket->credit_class, ticket->messages, ticket->bytes);
  bus_cells_give (&ticket->quota->cells, ticket);
}

/* --- parts --- */

BusTicket *
bus_ticket_ref_part (BusLedger *publisher, WireClass credit_class, guint messages, gsize bytes, gint64 now_us)
{
  BusTicket *newest = publisher->tickets;

  if (newest != NULL && newest->has_parts && newest->since_us == now_us && newest->credit_class == credit_class)
    {
      ticket_add (newest, messages, bytes);
      return bus_ticket_ref (newest);
    }
  newest = bus_ticket_new (publisher, credit_class, messages, bytes, now_us);
  newest->has_parts = TRUE;
  return newest;
}

/* Returns the credit of one part. The ticket keeps the other parts. */
static void
ticket_return_part (BusTicket *ticket, guint messages, gsize bytes)
{
  BusAllowance *allowance = ticket->publisher->allowances[ticket->credit_class];

  g_assert (ticket->messages > messages && ticket->bytes >= bytes);
  ticket->messages -= messages;
  ticket->bytes -= bytes;
  allowance->held_messages -= messages;
  allowance->held_bytes -= bytes;
  bus_credit_return (ticket->publisher, ticket->credit_class, messages, bytes);
}

void
bus_ticket_unref_part (BusTicket *ticket, guint messages, gsize bytes)
{
  if (ticket->refs > 1 && ticket->publisher != NULL)
    ticket_return_part (ticket, messages, bytes);
  bus_ticket_unref (ticket); /* the last part: the ticket withholds only its credit now */
}

/* --- the end of a ledger --- */

void
bus_ledger_end (BusLedger *ledger)
{
  while (ledger->tickets != NULL)
    ticket_detach (ledger->tickets);
  if (ledger->due_classes != 0)
    g_queue_unlink (&ledger->shared->due, &ledger->due_link);
  ledger->due_classes = 0;
}

void
bus_ledger_clear (BusLedger *ledger)
{
  for (guint i = 0; i < WIRE_N_CLASSES; i++)
    if (ledger->allowances[i] != NULL)
      bus_cells_give (&ledger->shared->quota->cells, g_steal_pointer (&ledger->allowances[i]));
  g_assert (ledger->usage.charged == 0 && ledger->n_tickets == 0 && ledger->due_classes == 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-credit.h"

#include "peer/bus-state.h"

static void
enlist (BusPeer *publisher, WireClass credit_class)
{
  if (publisher->credit_due == 0)
    g_queue_push_tail_link (&publisher->core->creditors, &publisher->credit_link);
  publisher->credit_due |= 1u << credit_class;
}

gboolean
bus_credit_take (BusPeer *publisher, WireClass credit_class, gsize bytes, gint64 now_us)
{
  BusWindow *window = &publisher->publish[credit_class];

  if (credit_class == WIRE_CLASS_NONE)
    return TRUE;
  if (!bus_window_is_open (window))
    return FALSE;
  bus_window_use (window, bytes);
  if (!bus_window_is_open (window))
    {
      publisher->blocked_since_us[credit_class] = now_us;
      /* What came back and was too little to be told is now all that he can go on with. */
      if (window->returned_messages > window->granted_messages)
        enlist (publisher, credit_class);
    }
  return TRUE;
}

void
bus_credit_return (BusPeer *publisher, WireClass credit_class, gsize bytes)
{
  BusWindow *window = &publisher->publish[credit_class];

  if (credit_class == WIRE_CLASS_NONE)
    return;
  if (bus_window_return (window, bytes) || !bus_window_is_open (window))
    enlist (publisher, credit_class);
}

BusTicket *
bus_ticket_new (BusPeer *publisher, WireClass credit_class, gsize bytes, guint64 id)
{
  BusTicket *ticket = g_slice_new0 (BusTicket);

  ticket->refs = 1;
  ticket->publisher = publisher;
  ticket->credit_class = credit_class;
  ticket->bytes = bytes;
  ticket->id = id;
  ticket->link.data = ticket;
  g_queue_push_tail_link (&publisher->tickets, &ticket->link);
  publisher->held_messages[credit_class]++;
  publisher->held_bytes[credit_class] += bytes;
  bus_quota_keep (&publisher->core->quota, &publisher->usage, sizeof (BusTicket));
  return ticket;
}

BusTicket *
bus_ticket_ref (BusTicket *ticket)
{
  ticket->refs++;
  return ticket;
}

/* Out of the publisher's sight. */
static BusPeer *
part (BusTicket *ticket)
{
  BusPeer *publisher = g_steal_pointer (&ticket->publisher);

  g_assert (publisher->held_messages[ticket->credit_class] > 0
            && publisher->held_bytes[ticket->credit_class] >= ticket->bytes);
  g_queue_unlink (&publisher->tickets, &ticket->link);
  publisher->held_messages[ticket->credit_class]--;
  publisher->held_bytes[ticket->credit_class] -= ticket->bytes;
  bus_quota_forgo (&publisher->core->quota, &publisher->usage, sizeof (BusTicket));
  return publisher;
}

void
bus_ticket_unref (BusTicket *ticket)
{
  g_assert (ticket->refs > 0);
  if (--ticket->refs > 0)
    return;
  if (ticket->publisher != NULL)
    bus_credit_return (part (ticket), ticket->credit_class, ticket->bytes);
  g_slice_free (BusTicket, ticket);
}

static void
tell (BusPeer *peer, WireClass credit_class)
{
  BusWindow *window = &peer->publish[credit_class];
  WireEnvelope credit;

  bus_window_grant (window);
  if (bus_window_is_open (window))
    peer->blocked_since_us[credit_class] = 0;
  wire_envelope_init (&credit);
  credit.credit_class = credit_class;
  credit.credit_messages = window->granted_messages;
  credit.credit_bytes = window->granted_bytes;
  bus_peer_put (peer, WIRE_KIND_CREDIT, 0, &credit);
}

void
bus_credit_flush (BusCore *core)
{
  GList *link;

  while ((link = g_queue_pop_head_link (&core->creditors)) != NULL)
    {
      BusPeer *peer = link->data;
      guint due = peer->credit_due;

      peer->credit_due = 0;
      for (guint i = WIRE_CLASS_NONE + 1; i < WIRE_N_CLASSES; i++)
        if (due & 1u << i)
          tell (peer, (WireClass) i);
    }
}

void
bus_credit_forget_peer (BusPeer *publisher)
{
  while (publisher->tickets.head != NULL)
    part (publisher->tickets.head->data);
  if (publisher->credit_due != 0)
    g_queue_unlink (&publisher->core->creditors, &publisher->credit_link);
  publisher->credit_due = 0;
}

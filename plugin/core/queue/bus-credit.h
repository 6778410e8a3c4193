/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-types.h"
#include "wire-class.h"

/*
 * Publishers' credit: taken when a frame arrives, given back at once, or when the last receiver that blocks has returned
 * the message.
 *
 * What holds it back is a ticket: one for each message that a subscription under the policy block took in. Each such
 * subscription holds a reference, in its queue or among what was sent and not returned yet; the last one that goes
 * gives the credit back. A ticket outlives its publisher, and then gives back nothing.
 *
 * Credit that came back is told at the end of the input call: when it is a quarter of the window, or at once when the
 * publisher had none left. Reads never stop, so a publisher without credit still sends everything that costs none.
 *
 * Invariant: for each class used = returned + held + (the frame that is just looked at).
 */

typedef struct
{
  guint refs;
  BusPeer *publisher; /* NULL: it went */
  GList link;         /* in its tickets */
  WireClass credit_class;
  gsize bytes;
  guint64 id; /* of the message at its publisher */
} BusTicket;

/* FALSE: the publisher had no credit for it. */
gboolean bus_credit_take (BusPeer *publisher, WireClass credit_class, gsize bytes, gint64 now_us);
void bus_credit_return (BusPeer *publisher, WireClass credit_class, gsize bytes);

/* Holds what was taken back until the last reference goes. Transfer full. */
BusTicket *bus_ticket_new (BusPeer *publisher, WireClass credit_class, gsize bytes, guint64 id);
BusTicket *bus_ticket_ref (BusTicket *ticket);
void bus_ticket_unref (BusTicket *ticket);

/* Tells CREDIT to those who are to know by now. */
void bus_credit_flush (BusCore *core);

/* The publisher goes: nothing is given back to it any more. */
void bus_credit_forget_peer (BusPeer *publisher);

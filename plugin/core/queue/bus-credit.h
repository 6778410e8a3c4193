/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-quota.h"
#include "base/bus-types.h"
#include "base/bus-window.h"
#include "wire-class.h"

/*
 * Publishers' credit: taken when a frame arrives, returned at once, or when the last receiver that blocks has
 * returned the message.
 *
 * A ledger is one peer as the queues see it: what it may publish (a window for each credit class),
 * what is charged to it, and the credit that receivers withhold from it. It is embedded in the peer. A queue knows
 * ledgers only and never looks into a peer.
 *
 * A ticket withholds the credit of one message, or of the messages of a run (bus-run). A subscription under the policy block
 * holds a reference to it while one of them waits in its queue or is sent and not acknowledged. The last reference returns the
 * credit of all. A ticket outlives its publisher and then returns nothing.
 *
 * Returned credit is announced at the end of the input call: when it is a quarter of the window, or at once when the
 * publisher has none left. Reads never stop, so a publisher without credit still sends everything that needs none.
 * This module only lists the ledgers with credit to announce; bus-peer sends CREDIT.
 *
 * Invariant: for each class used = returned + held + the frame that is being handled.
 */

/* The credit of a peer in one class. */
typedef struct
{
  BusWindow window;
  gint64 blocked_since_us; /* without credit since; 0: it has some */
  guint64 held_messages;   /* withheld by tickets */
  guint64 held_bytes;
} BusAllowance;

typedef struct
{
  BusPeer *peer; /* the owner; opaque here */
  BusQuota *quota;
  BusUsage usage;

  const BusAllowance *unused; /* of each class: that of a peer which has not sent in it */
  BusAllowance *allowances
      [WIRE_N_CLASSES];      /* NULL: it has not sent in this class; part of what its owner is charged for itself */
  struct BusTicket *tickets; /* of this publisher, by their next; the newest is first */
  guint64 n_tickets;

  GQueue *due;       /* ledgers with credit to announce, by their due_link; the core's */
  GList due_link;    /* data: the ledger */
  guint due_classes; /* bits; not 0 exactly while the ledger is in due */

  guint64 block_lost; /* bus-block: messages lost by the end of a block, while they are being counted */
  guint64 block_lost_id;
} BusLedger;

typedef struct BusTicket
{
  guint refs;
  BusLedger *publisher; /* NULL: it disconnected */
  BusQuota *quota;
  struct BusTicket *previous; /* in its tickets */
  struct BusTicket *next;
  WireClass credit_class;
  guint messages; /* whose credit it withholds */
  gsize bytes;    /* of their credit */
  guint64 run;    /* number of the run that they belong to; 0: none */
  gint64
      since_us; /* withheld since; kept when the message is handed on, so that the longest block bounds the whole chain */
} BusTicket;

/* @unused: (array length=WIRE_N_CLASSES): what each class begins with; must outlive the ledger */
void bus_ledger_init (BusLedger *ledger, BusPeer *peer, BusQuota *quota, const BusAllowance *unused, GQueue *due);

static inline const BusAllowance *
bus_ledger_allowance (const BusLedger *ledger, WireClass credit_class)
{
  return ledger->allowances[credit_class] != NULL ? ledger->allowances[credit_class] : &ledger->unused[credit_class];
}

/* The peer disconnects: no ticket returns anything to it any more. */
void bus_ledger_end (BusLedger *ledger);

/* The ledger must have ended, and nothing may be charged to it. */
void bus_ledger_clear (BusLedger *ledger);

/* FALSE: the publisher has no credit for the frame. */
gboolean bus_credit_take (BusLedger *publisher, WireClass credit_class, gsize bytes, gint64 now_us);
void bus_credit_return (BusLedger *publisher, WireClass credit_class, guint messages, gsize bytes);

/* Takes the first ledger with credit to announce out of the list. NULL: there is none. @classes: (out): bits */
BusLedger *bus_credit_next_due (GQueue *due, guint *classes);

/* Grants the returned credit of a class. Returns the window whose totals are to be announced. */
const BusWindow *bus_credit_grant (BusLedger *publisher, WireClass credit_class);

/* Withholds credit that was taken until the last reference is dropped. Transfer full. */
BusTicket *bus_ticket_new (BusLedger *publisher, WireClass credit_class, guint messages, gsize bytes, gint64 now_us);
/* One message more. */
void bus_ticket_join (BusTicket *ticket, gsize bytes);
static inline BusTicket *
bus_ticket_ref (BusTicket *ticket)
{
  ticket->refs++;
  return ticket;
}
void bus_ticket_unref (BusTicket *ticket);

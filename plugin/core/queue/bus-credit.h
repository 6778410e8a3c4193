/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-quota.h"
#include "base/bus-types.h"
#include "base/bus-window.h"
#include "wire-class.h"

/*
 * The credit of publishers. The cost of a frame is taken when the frame arrives, and returned when the frame has been handled. If
 * receivers hold a ticket for the message by then, it is returned when the last one of them releases the ticket.
 *
 * A ledger is a peer as the queues know it: a publish window for each credit class, the bytes charged to the peer, and the tickets
 * that withhold its credit. It is embedded in the peer. Queues use ledgers only and never access a peer.
 *
 * A ticket withholds the credit of one message, or of several messages of a run (bus-run). A subscription under the policy block
 * holds a reference to it while one of these messages waits in its queue, or is sent and not settled. Releasing the last reference
 * returns the credit of all of them. A ticket can outlive its publisher, and then returns nothing.
 *
 * Consecutive runs of one class and one turn, each sent whole to its only subscription, share a ticket with parts. A ticket for
 * each of them would cost several cache lines for each message. The holder of a part knows the credit of its part, and releasing
 * the part returns exactly this credit, at once. Turns with the same time count as one turn.
 *
 * Returned credit is announced at the end of the input call if it is at least a quarter of the window, or if the publisher has no
 * credit left. Example: with a window of 8192 messages and 4 MiB, CREDIT is sent after 2048 messages or 1 MiB were returned. The
 * broker never stops reading from a connection, so a publisher without credit can still send frames that cost none. This module
 * lists the ledgers with credit to announce; bus-peer sends CREDIT.
 *
 * Invariant: for each class, the credit that was taken since the start is the credit that was returned, plus the credit that
 * tickets withhold, plus the cost of the frame or run that is being handled.
 */

/* The credit of a peer in one class. */
typedef struct
{
  BusWindow window;
  BusReturned returned;
  gint64 blocked_since_us; /* without credit since; 0: it has some */
  guint64 held_messages;   /* withheld by tickets */
  guint64 held_bytes;
} BusAllowance;

/* State that all ledgers share. */
typedef struct
{
  BusQuota *quota;
  const BusAllowance
      *unused; /* (array length=WIRE_N_CLASSES): the allowance of a peer that has not sent in the class */
  GQueue due;  /* ledgers with credit to announce, linked by their due_link */
} BusCreditors;

typedef struct
{
  BusPeer *peer; /* the owner; opaque here */
  BusCreditors *shared;
  BusUsage usage;

  BusAllowance *allowances[WIRE_N_CLASSES]; /* NULL: it has not sent in this class; charged in BUS_PEER_COST */
  struct BusTicket *tickets;                /* all that withhold credit of this publisher, newest first */

  GList due_link;    /* data: the ledger */
  guint due_classes; /* bits; not 0 exactly while the ledger is in due */
  guint n_tickets;

  guint64 block_lost;    /* bus-block: its messages that the end of a block has dropped; 0 except while a block ends */
  guint64 block_lost_id; /* the id that the publisher gave to the last one of them */
} BusLedger;

typedef struct BusTicket
{
  guint refs;
  BusLedger *publisher; /* NULL: it disconnected */
  BusQuota *quota;
  struct BusTicket *previous; /* in the tickets of the publisher */
  struct BusTicket *next;
  WireClass credit_class;
  guint messages;     /* whose credit it withholds */
  gsize bytes;        /* of that credit */
  guint64 run;        /* number of the run that they belong to; 0: none */
  gboolean has_parts; /* each reference withholds a part of this credit */
  gint64
      since_us; /* withheld since; kept when the message is handed on, so that the longest block bounds the whole chain */
} BusTicket;

/* @shared: must outlive the ledger */
void bus_ledger_init (BusLedger *ledger, BusPeer *peer, BusCreditors *shared);

static inline const BusAllowance *
bus_ledger_allowance (const BusLedger *ledger, WireClass credit_class)
{
  return ledger->allowances[credit_class] != NULL ? ledger->allowances[credit_class]
                                                  : &ledger->shared->unused[credit_class];
}

/* The peer disconnects: detaches its tickets, which return nothing any more. */
void bus_ledger_end (BusLedger *ledger);

/* The ledger must have ended, and nothing may be charged to it. */
void bus_ledger_clear (BusLedger *ledger);

/* Takes the credit for a frame of @bytes. FALSE: the publisher has none, and sent without credit. */
gboolean bus_credit_take (BusLedger *publisher, WireClass credit_class, gsize bytes, gint64 now_us);
/* Returns credit that was taken, and lists the ledger if it is to be announced. */
void bus_credit_return (BusLedger *publisher, WireClass credit_class, guint messages, gsize bytes);

/* Takes the first ledger with credit to announce out of the list. NULL: there is none. @classes: (out): a bit for each class */
BusLedger *bus_credit_next_due (BusCreditors *creditors, guint *classes);

/* Grants the returned credit of a class. Returns the window whose totals are to be announced. */
const BusWindow *bus_credit_grant (BusLedger *publisher, WireClass credit_class);

/* TRUE if the next bus_ticket_new() will have memory, provided that no other ticket is made before. */
static inline gboolean
bus_ticket_can_make (BusQuota *quota)
{
  return bus_cells_can_take (&quota->cells, sizeof (BusTicket));
}

/* Withholds credit that was taken, until the last reference to the ticket is dropped. Transfer full. NULL: no memory. */
BusTicket *bus_ticket_new (BusLedger *publisher, WireClass credit_class, guint messages, gsize bytes, gint64 now_us);
/* The ticket also withholds the credit of one further message. */
void bus_ticket_join (BusTicket *ticket, gsize bytes);
static inline BusTicket *
bus_ticket_ref (BusTicket *ticket)
{
  ticket->refs++;
  return ticket;
}
void bus_ticket_unref (BusTicket *ticket);

/* Withholds credit that was taken, as a part of the ticket of this turn, until bus_ticket_unref_part(). Transfer full. The caller
 * has checked bus_ticket_can_make(). */
BusTicket *
bus_ticket_ref_part (BusLedger *publisher, WireClass credit_class, guint messages, gsize bytes, gint64 now_us);
/* @messages, @bytes: the credit of this part, which returns */
void bus_ticket_unref_part (BusTicket *ticket, guint messages, gsize bytes);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-timer.h"
#include "peer/bus-peer.h"

/*
 * Confirmations: publishers that wait until a message was handled.
 *
 * A message with WANT_DELIVERED is confirmed by the receiver of a direct message, or by one member of each group that
 * matches it. Each of them has a route: the id that the receiver returns in DELIVERED when its callback has returned. A peer
 * that guesses the route of a message before it was sent to it confirms nothing.
 * When all routes are confirmed, the publisher gets DELIVERED. A route ends the confirmation with an ERROR at once when its
 * message is dropped before it was sent, and with UNKNOWN when the receiver disconnects and nobody else gets the message,
 * or at the deadline. A message that another member takes over brings its route along.
 *
 * A confirmation of a message that may be resent (bus-resend) has a witness and survives its publisher: the resend continues
 * it, or finds the result in the witness.
 *
 * Invariant: a confirmation has at least one route and a deadline while it exists, and ends with exactly one answer.
 */

typedef struct BusConfirm BusConfirm;

/* The part of a confirmation that may survive its publisher. */
typedef struct
{
  BusConfirm *confirm; /* NULL: it has ended, or there was none */
  gboolean is_done;
  WireStatus status; /* when done; OK: handled */
} BusConfirmWitness;

/* @publisher: has room for a pending request (the caller has checked max_pending_requests), and none with this @id. It needs
 * a route next. */
BusConfirm *bus_confirm_new (BusCore *core, BusPeer *publisher, guint64 id, gint64 due_us);

/* Adds a receiver; NULL: the message is held until there is one. Returns the id of the route. */
guint64 bus_confirm_add (BusConfirm *confirm, BusPeer *receiver);

/* The message of the route is queued for so many subscriptions of the receiver; without this call for one. With none the
 * publisher gets an ERROR. Route 0: none. */
void bus_confirm_expect (BusCore *core, guint64 route_id, guint n);

/* The confirmation survives its publisher while @witness exists. @usage: is charged instead of the publisher */
void bus_confirm_witness (BusConfirm *confirm, BusConfirmWitness *witness, BusUsage *usage);
/* The witness ends; nobody can continue the confirmation any more. */
void bus_confirm_drop_witness (BusConfirmWitness *witness);

/* The publisher sent the message again, as @id: it gets the answer now, or when there is one. The caller has checked that it
 * may wait. */
void bus_confirm_continue (BusConfirmWitness *witness, BusPeer *publisher, guint64 id);

/* A confirmation of this publisher waits for the answer to @id. */
gboolean bus_confirm_is_pending (const BusPeer *publisher, guint64 id);

/* The publisher does not wait any more. FALSE: there is no such confirmation. */
gboolean bus_confirm_cancel (BusPeer *publisher, guint64 id);

/* @receiver has handled the message. FALSE: no message waits for it, or it was not sent to it. */
gboolean bus_confirm_delivered (BusCore *core, const BusPeer *receiver, guint64 route_id);

/* Another member gets the message; NULL: it is held until there is one. Route 0: none. */
void bus_confirm_move (BusCore *core, guint64 route_id, BusPeer *receiver);

/* The message of a route will not be sent. Route 0: none. */
void bus_confirm_fail (BusCore *core, guint64 route_id, WireStatus status, const char *detail);

/* Messages that queues sent or dropped since the last call: when none of a route is left, the publisher gets an ERROR. */
void bus_confirm_take_notes (BusCore *core);

void bus_confirm_expire (BusConfirm *confirm);

/* The peer disconnects. */
void bus_confirm_forget_peer (BusPeer *peer);

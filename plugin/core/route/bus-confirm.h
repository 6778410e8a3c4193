/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-timer.h"
#include "peer/bus-peer.h"

/*
 * Confirmations: publishers that wait until a message was handled.
 *
 * A message with WANT_DELIVERED is confirmed by its one receiver (direct messages), or by one member of each group that matches
 * it. The broker gives each of these receivers a route id, and the receiver returns it in DELIVERED when its callback has
 * returned. When all routes are confirmed, the publisher gets DELIVERED. A peer that guesses the route id of a message that was
 * not sent to it confirms nothing.
 *
 * One route that fails ends the whole confirmation with an ERROR: at once with the reason, when the message is dropped before it
 * was sent; with UNKNOWN, when the receiver disconnects and no other member gets the message, or at the deadline. When another
 * member takes the message over, the route moves with it.
 *
 * The confirmation of a message that may be resent (bus-resend) has a witness, and continues when its publisher disconnects. A
 * resend then waits for the same confirmation, or gets the result that is stored in the witness.
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

/* Makes a confirmation without routes; add one next. The caller has checked that @publisher has room for a pending request
 * (max_pending_requests), and none with this @id. */
BusConfirm *bus_confirm_new (BusCore *core, BusPeer *publisher, guint64 id, gint64 due_us);

/* Adds a route. @receiver: NULL: the message is held until it has one. Returns the id of the route. */
guint64 bus_confirm_add (BusConfirm *confirm, BusPeer *receiver);

/* Sets the number of subscriptions of the receiver for which the message is queued (without this call: 1). 0: the publisher gets
 * an ERROR. Route 0: no effect. */
void bus_confirm_expect (BusCore *core, guint64 route_id, guint n);

/* Gives the confirmation a witness: while @witness exists, the end of the publisher's connection does not end the confirmation.
 * @usage: is charged instead of the publisher */
void bus_confirm_witness (BusConfirm *confirm, BusConfirmWitness *witness, BusUsage *usage);
/* The witness ends: a resend can't continue the confirmation any more. */
void bus_confirm_drop_witness (BusConfirmWitness *witness);

/* The publisher sent the message again, with the frame @id: that frame is answered now, or when the confirmation ends. The caller
 * has checked that the publisher may wait. */
void bus_confirm_continue (BusConfirmWitness *witness, BusPeer *publisher, guint64 id);

/* TRUE if a confirmation will answer the frame @id of this publisher. */
gboolean bus_confirm_is_pending (const BusPeer *publisher, guint64 id);

/* The publisher does not wait any more. FALSE: there is no such confirmation. */
gboolean bus_confirm_cancel (BusPeer *publisher, guint64 id);

/* @receiver has handled the message. FALSE: no confirmation has this route, or the message was not sent to @receiver. */
gboolean bus_confirm_delivered (BusCore *core, const BusPeer *receiver, guint64 route_id);

/* @receiver gets the message instead of the receiver before it; NULL: the message is held until it has one. Route 0: no effect. */
void bus_confirm_move (BusCore *core, guint64 route_id, BusPeer *receiver);

/* The message of a route will not be sent: ends the confirmation with an ERROR. Route 0: no effect. */
void bus_confirm_fail (BusCore *core, guint64 route_id, WireStatus status, const char *detail);

/* Handles the notes of the queues about messages that they sent or dropped since the last call. */
void bus_confirm_take_notes (BusCore *core);

/* The deadline has passed. */
void bus_confirm_expire (BusConfirm *confirm);

/* The peer disconnects, as a receiver and as a publisher. */
void bus_confirm_forget_peer (BusPeer *peer);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-confirm.h"
#include "route/bus-router.h"

/*
 * Resends: messages that a client sends again because it does not know whether the broker accepted them.
 *
 * A client that numbers a message (message_id) may send it again after its connection ended. For each account and client id the
 * broker has a *window*: the last BUS_RESEND_IDS numbers of one incarnation that it accepted, with the answer to each of them. It
 * keeps the window while the client is connected and for BUS_RESEND_US afterwards. A message whose number is in the window gets
 * the same answer again and is not delivered again; if its publisher waits until the message was handled, the confirmation
 * continues. HELLO names the newest number whose acceptance the client knows, and the broker forgets the numbers up to it. With
 * another incarnation the window begins empty.
 *
 * There are at most resend_windows windows. Beyond that a new window replaces one of a client that is not connected: of the
 * account that has the most windows, the one whose client disconnected first. So one account can't make the broker forget the
 * messages of another. If all clients are connected, a message with a number is refused. Windows are charged to the account, and a
 * message whose number has no room in the account or the broker is refused as well.
 *
 * Invariant: a window belongs to a ready peer, or its timer is armed.
 */

#define BUS_RESEND_IDS 1024u
#define BUS_RESEND_US  (60 * G_TIME_SPAN_SECOND)

/* An accepted message. */
typedef struct
{
  guint64 message_id;
  guint64 accept_seq;
  BusOutcome outcome;
  BusConfirmWitness witness;
  GList link;
} BusAccepted;

/* A HELLO of this peer was accepted: the peer gets the window that it left behind, if there is one, without the numbers up to
 * @last_known. */
void bus_resend_join (BusPeer *peer, guint64 last_known);

/* Gives the peer a window, unless it has one. FALSE: there are too many windows; the message is refused. */
gboolean bus_resend_open (BusPeer *peer);

/* The accepted message with this number. NULL: none; the message is new. Call it after bus_resend_open() has succeeded. */
BusAccepted *bus_resend_find (const BusPeer *peer, guint64 message_id);

/* FALSE: there is no room to remember one more number. */
gboolean bus_resend_has_room (const BusPeer *peer, gint64 now_us, BusExcess *excess);

/* Remembers an accepted message. @confirm: (nullable): its confirmation, which gets a witness */
void bus_resend_add (BusPeer *peer, guint64 message_id, guint64 accept_seq, BusOutcome outcome, BusConfirm *confirm);

/* The peer disconnects: its window stays for BUS_RESEND_US. */
void bus_resend_leave (BusPeer *peer, gint64 now_us);

/* The time of a window without a client is over: frees it. @window: owner of the timer */
void bus_resend_due (gpointer window);

/* Frees the windows of clients that are not connected. */
void bus_resend_clear (BusCore *core);

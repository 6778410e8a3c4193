/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-confirm.h"
#include "route/bus-router.h"

/*
 * Resends: messages that a client sends again because it does not know whether the broker accepted them.
 *
 * A client that numbers a message (message_id) may send it again after its connection ended. For each account and id the
 * broker remembers the last BUS_RESEND_IDS numbers of one incarnation that it accepted, with the answer to each of them,
 * while the client is connected and for BUS_RESEND_US afterwards. A message whose number is remembered is answered as
 * before and not delivered again; if its publisher waits until it was handled, the confirmation continues. HELLO names the
 * newest number whose acceptance the client knows; the numbers up to it are forgotten. Another incarnation begins anew.
 *
 * There are at most resend_windows such windows. A further one takes the place of the one whose client has been gone for
 * longest, of the account that has most of them, so no account can make the broker forget the messages of another; when all
 * clients are connected, a message with a number is refused. Windows are charged to the account: a number for which account
 * or broker have no room is refused as well.
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

/* A HELLO of this peer was accepted: forgets the numbers up to @last_known, if the window is of the same incarnation. */
void bus_resend_join (BusPeer *peer, guint64 last_known);

/* FALSE: there are too many windows, and the client may not number its messages. */
gboolean bus_resend_open (BusPeer *peer);

/* The accepted message with this number. NULL: there is none, and the message is new. bus_resend_open() has succeeded. */
BusAccepted *bus_resend_find (const BusPeer *peer, guint64 message_id);

/* FALSE: there is no room to remember one more number. */
gboolean bus_resend_has_room (const BusPeer *peer, gint64 now_us, BusExcess *excess);

/* The message was accepted. @confirm: (nullable) */
void bus_resend_add (BusPeer *peer, guint64 message_id, guint64 accept_seq, BusOutcome outcome, BusConfirm *confirm);

/* The peer disconnects. */
void bus_resend_leave (BusPeer *peer, gint64 now_us);

/* The time of a window without a client has ended. @window: owner of the timer */
void bus_resend_due (gpointer window);

/* Forgets the windows of clients that are gone. */
void bus_resend_clear (BusCore *core);

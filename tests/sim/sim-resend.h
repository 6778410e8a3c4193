/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The model of resends: the messages that the broker must recognise when they are sent once more. It includes no header of the
 * core.
 *
 * A client that numbers its messages has a window: the numbers that the broker accepted from it, of one incarnation. The window
 * lives while the client is connected, and for a minute afterwards. HELLO contains the newest number that the client knows to
 * be accepted, and the numbers up to it leave the window; another incarnation empties it. The number of windows is bounded. When a
 * further one is needed, the account with the most windows loses the one that has been without a client for longest; if all have
 * clients, the further one is refused.
 *
 * A message whose number is in the window is not accepted again, and its ACK repeats the first one. Any other message is
 * accepted as a new one.
 */

typedef struct SimResends SimResends;

typedef enum
{
  SIM_RESEND_NEW,
  SIM_RESEND_KNOWN,
  SIM_RESEND_NO_WINDOW,
} SimResendKind;

/* @most: the bound of windows */
SimResends *sim_resends_new (guint most);
void sim_resends_free (SimResends *resends);

/* --- input of the broker; @slot: of the client, the same for all its connections --- */

/* The client sent HELLO. @last_known: the newest number that it knows to be accepted. Returns how many numbers left the
 * window. */
guint sim_resends_join (SimResends *resends, guint slot, guint32 account, guint64 incarnation, guint64 last_known);
void sim_resends_leave (SimResends *resends, guint slot, gint64 now_us);
/* The broker runs its timers. */
void sim_resends_tick (SimResends *resends, gint64 now_us);

/* A message arrives. @first: (out): the number (in its payload) of the message that it repeats */
SimResendKind sim_resends_look_up (const SimResends *resends, guint slot, guint64 message_id, guint64 *first);
/* The broker has got a message with a number, and has room for the window. TRUE: another window was removed for it */
gboolean sim_resends_open (SimResends *resends, guint slot);
/* The message was accepted. @number: in its payload */
void sim_resends_accepted (SimResends *resends, guint slot, guint64 message_id, guint64 number, guint64 seq);
/* The message was recognised; @frame (connection and id) gets its answer. */
void sim_resends_repeated (SimResends *resends, guint slot, guint64 message_id, guint64 frame);

/* The number of windows. */
guint sim_resends_count (const SimResends *resends);

/* --- frames that a client received --- */

/* The client received an ACK. @frame: connection and id. FALSE: the message was new, or has no number, so the caller compares
 * the ACK. @problem: (out): NULL: no fault; otherwise the fault (static) */
gboolean sim_resends_got_ack (SimResends *resends,
                              guint64 frame,
                              guint64 seq,
                              guint matched,
                              guint queued,
                              guint refused,
                              const char **problem);

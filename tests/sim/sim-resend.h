/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The model of resends: which messages the broker must recognise when they come once more. It includes no header of the core.
 *
 * A client that numbers its messages has a window: the numbers that the broker accepted from it, of one incarnation. The
 * window lives while the client is connected and for a minute afterwards. HELLO ends what the client knows to be accepted,
 * and another incarnation ends everything. There are only so many windows; for a further one the account with most of them
 * gives up the one that has been without a client for longest, and it is refused when each has a client.
 *
 * For each message with a number: one that is in the window is not accepted again, and its ACK says what the first one said;
 * any other is accepted as a new message.
 */

typedef struct SimResends SimResends;

typedef enum
{
  SIM_RESEND_NEW,
  SIM_RESEND_KNOWN,
  SIM_RESEND_NO_WINDOW,
} SimResendKind;

/* @most: windows */
SimResends *sim_resends_new (guint most);
void sim_resends_free (SimResends *resends);

/* --- what reached the broker; @slot: of the client, whatever its connection --- */

/* HELLO. @last_known: the newest number that the client knows to be accepted. Returns how many numbers that ended. */
guint sim_resends_join (SimResends *resends, guint slot, guint32 account, guint64 incarnation, guint64 last_known);
void sim_resends_leave (SimResends *resends, guint slot, gint64 now_us);
/* The broker runs its timers. */
void sim_resends_tick (SimResends *resends, gint64 now_us);

/* A message comes. @first: (out): the number of the message that it repeats, in its payload */
SimResendKind sim_resends_look_up (const SimResends *resends, guint slot, guint64 message_id, guint64 *first);
/* The broker has seen a message with a number, and has room for the window. TRUE: another window made room. */
gboolean sim_resends_open (SimResends *resends, guint slot);
/* It was accepted. @number: in its payload */
void sim_resends_accepted (SimResends *resends, guint slot, guint64 message_id, guint64 number, guint64 seq);
/* It was recognised; @frame answers it: connection and id. */
void sim_resends_repeated (SimResends *resends, guint slot, guint64 message_id, guint64 frame);

/* The number of windows. */
guint sim_resends_count (const SimResends *resends);

/* --- what came to a client --- */

/* An ACK. @frame: connection and id. FALSE: of a message that was accepted when it came, or that has no number, so that the
 * caller compares it. @problem: (out): NULL: it is right, else what is wrong (static) */
gboolean sim_resends_got_ack (SimResends *resends,
                              guint64 frame,
                              guint64 seq,
                              guint matched,
                              guint queued,
                              guint refused,
                              const char **problem);

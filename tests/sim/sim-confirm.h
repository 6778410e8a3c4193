/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The model of confirmations: the publishers that wait until a message was handled, and the answers that they may get. Like
 * sim-model it knows the protocol as the documents state it, and includes no header of the core.
 *
 * A message has one route to its target, or one to each group that matches. A route may come to several receivers, one after
 * the other, when the message is handed on. The first receiver that returns the route confirms the message. A client that
 * returns a route without having received the message (it may guess the number) confirms nothing.
 *
 * For each frame that waits: it is answered exactly once, unless its connection ends first. DELIVERED comes only after every
 * route was confirmed by a connection that had been sent the message. UNKNOWN comes only at the deadline, or after a connection
 * ended. NO_RESPONDERS comes only for a message that may be held, at the end of its time to live. A frame that sends the
 * message once more waits in place of the first one; if the first one was answered already, it gets the same answer.
 */

typedef struct SimConfirms SimConfirms;

/* A frame is named by its connection and its id there. */
typedef struct
{
  guint connection;
  guint64 id;
} SimFrameName;

SimConfirms *sim_confirms_new (void);
void sim_confirms_free (SimConfirms *confirms);

/* The broker accepted message @number, and its publisher waits. @routes: the number of routes; 0: not known */
void sim_confirms_ask (SimConfirms *confirms, guint64 number, SimFrameName frame, guint routes, gint64 due_us);
/* Message @number may be held for groups without members until @until_us. @is_held: it is held now */
void sim_confirms_hold (SimConfirms *confirms, guint64 number, gint64 until_us, gboolean is_held);
/* The publisher sent message @number once more, and the broker recognised it. */
void sim_confirms_ask_again (SimConfirms *confirms, guint64 number, SimFrameName frame);
/* Message @number waits for a receiver, with that route. */
void sim_confirms_learn (SimConfirms *confirms, guint64 route, guint64 number);
/* The message is in transit to the connection, or has arrived. */
void sim_confirms_sent (SimConfirms *confirms, guint connection, guint64 route);
/* The broker has seen DELIVERED. */
void sim_confirms_confirmed (SimConfirms *confirms, guint connection, guint64 route);
/* A connection ended. */
void sim_confirms_gone (SimConfirms *confirms, guint connection);

/* --- frames that a client received. They return the fault (static), or NULL --- */

/* A receiver got a message with a route. */
const char *sim_confirms_got_message (SimConfirms *confirms, guint connection, guint64 route, guint64 number);
const char *sim_confirms_got_delivered (SimConfirms *confirms, SimFrameName frame);
/* Also returns NULL if the ERROR answers another frame. */
const char *sim_confirms_got_error (SimConfirms *confirms, SimFrameName frame, guint status, gint64 now_us);

/* The frames that wait. @function: gets each of them with its deadline */
void sim_confirms_foreach (SimConfirms *confirms,
                           void (*function) (SimFrameName frame, gint64 due_us, gpointer data),
                           gpointer data);
/* TRUE if the connection got the message, or it is in transit to it. */
gboolean sim_confirms_has (const SimConfirms *confirms, guint connection, guint64 route);
/* TRUE if the frame waits for a message that was held when it was accepted. */
gboolean sim_confirms_was_held (const SimConfirms *confirms, SimFrameName frame);
/* The number of frames that wait. */
guint sim_confirms_count (const SimConfirms *confirms);

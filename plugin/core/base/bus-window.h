/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A credit window: how many messages and bytes may be sent and not acknowledged.
 *
 * Both sides count cumulative totals of messages and bytes, so a lost or repeated grant changes nothing. A message
 * may start while messages and bytes are above zero; the balance may become negative by that one message. The same
 * module serves both directions: the publish windows of a peer (the broker grants) and the receive window of a
 * subscription (the peer grants).
 *
 * Invariant: totals only grow; granted - used <= the size of the window.
 */

typedef struct
{
  guint64 window_messages; /* size */
  guint64 window_bytes;
  guint64 granted_messages; /* totals since the start, announced to the sender */
  guint64 granted_bytes;
  guint64 used_messages; /* totals since the start, sent */
  guint64 used_bytes;
  guint64 returned_messages; /* publish windows: totals that were returned and are not announced yet */
  guint64 returned_bytes;
} BusWindow;

void bus_window_init (BusWindow *window, guint64 messages, guint64 bytes);

static inline gboolean
bus_window_is_open (const BusWindow *window)
{
  return window->granted_messages > window->used_messages && window->granted_bytes > window->used_bytes;
}

/* Messages of @bytes in all start. The caller has checked that the window is open for the last one of them. */
static inline void
bus_window_use_many (BusWindow *window, guint64 messages, guint64 bytes)
{
  window->used_messages += messages;
  window->used_bytes += bytes;
}

/* One message of @bytes starts. The caller has checked is_open(). */
static inline void
bus_window_use (BusWindow *window, guint64 bytes)
{
  bus_window_use_many (window, 1, bytes);
}

/* A message that was started is not sent after all. */
static inline void
bus_window_unuse (BusWindow *window, guint64 bytes)
{
  g_assert (window->used_messages > 0 && window->used_bytes >= bytes);
  window->used_messages--;
  window->used_bytes -= bytes;
}

/* Messages of @bytes in all were returned. TRUE: a quarter of the window is to be announced: call bus_window_grant(). */
static inline gboolean
bus_window_return (BusWindow *window, guint64 messages, guint64 bytes)
{
  window->returned_messages += messages;
  window->returned_bytes += bytes;
  return (window->returned_messages - window->granted_messages) * 4 >= window->window_messages
         || (window->returned_bytes - window->granted_bytes) * 4 >= window->window_bytes;
}

static inline void
bus_window_grant (BusWindow *window)
{
  window->granted_messages = window->returned_messages;
  window->granted_bytes = window->returned_bytes;
}

typedef enum
{
  BUS_WINDOW_GRANTED,
  BUS_WINDOW_BACKWARDS, /* a total is lower than before */
  BUS_WINDOW_TOO_FAR,   /* more than the size of the window would be outstanding */
} BusWindowResult;

/* The other side announces its totals. @sent: messages that were encoded; it cannot return those that were started and
 * not encoded. */
BusWindowResult bus_window_set_granted (BusWindow *window, guint64 messages, guint64 bytes, guint64 sent);

/* Sent and not acknowledged yet. */
static inline guint64
bus_window_outstanding (const BusWindow *window)
{
  return window->used_messages + window->window_messages - window->granted_messages;
}

/* A client that returned more bytes than a message had is granted less for the next ones. */
static inline guint64
bus_window_outstanding_bytes (const BusWindow *window)
{
  guint64 sent = window->used_bytes + window->window_bytes;

  return sent > window->granted_bytes ? sent - window->granted_bytes : 0;
}

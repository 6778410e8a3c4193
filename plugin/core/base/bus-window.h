/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A credit window: how much may be on the way.
 *
 * Both sides count cumulative totals of messages and bytes, so a lost or repeated grant changes nothing. A message may
 * start while messages and bytes are above zero; the balance may go negative by that one message. The same room serves
 * both directions: a peer's publish windows (we grant) and a subscription's receive window (the peer grants).
 *
 * Invariant: totals only grow; granted - used <= the window's size.
 */

typedef struct
{
  guint64 window_messages; /* size */
  guint64 window_bytes;
  guint64 granted_messages; /* totals since the start, told to who sends */
  guint64 granted_bytes;
  guint64 used_messages; /* totals since the start, sent */
  guint64 used_bytes;
  guint64 returned_messages; /* publish windows: totals that came back and are not told yet */
  guint64 returned_bytes;
} BusWindow;

void bus_window_init (BusWindow *window, guint64 messages, guint64 bytes);

static inline gboolean
bus_window_is_open (const BusWindow *window)
{
  return window->granted_messages > window->used_messages && window->granted_bytes > window->used_bytes;
}

/* One message of @bytes starts. The caller asked is_open() before. */
static inline void
bus_window_use (BusWindow *window, guint64 bytes)
{
  window->used_messages++;
  window->used_bytes += bytes;
}

/* One that was started is not sent after all. */
void bus_window_unuse (BusWindow *window, guint64 bytes);

/* One message of @bytes came back. TRUE: a quarter of the window is to be told by now: call bus_window_grant(). */
gboolean bus_window_return (BusWindow *window, guint64 bytes);
void bus_window_grant (BusWindow *window);

typedef enum
{
  BUS_WINDOW_GRANTED,
  BUS_WINDOW_BACKWARDS, /* a total is lower than before */
  BUS_WINDOW_TOO_FAR,   /* more than the window's size would be on the way */
} BusWindowResult;

/* The other side says its totals. @sent: messages that left; it can't return those that were started and did not. */
BusWindowResult bus_window_set_granted (BusWindow *window, guint64 messages, guint64 bytes, guint64 sent);

/* Sent and not returned yet. */
static inline guint64
bus_window_outstanding (const BusWindow *window)
{
  return window->used_messages + window->window_messages - window->granted_messages;
}

/* Who returned more for a message than it had is owed less for the next ones. */
static inline guint64
bus_window_outstanding_bytes (const BusWindow *window)
{
  guint64 sent = window->used_bytes + window->window_bytes;

  return sent > window->granted_bytes ? sent - window->granted_bytes : 0;
}

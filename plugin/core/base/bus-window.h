/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A credit window: bounds the messages and bytes that are sent and not acknowledged.
 *
 * Both sides count cumulative totals of messages and bytes since the start, so a grant that is repeated changes nothing. A message
 * may be sent while at least one message and one byte of credit are left, so the last message may use more bytes than are left.
 * Both directions use this module: the publish windows of a peer (the broker grants) and the receive window of a subscription (the
 * client grants).
 *
 * Example: a window of 100 messages begins with granted = 100 and used = 0. After 100 messages it is closed. When the other side
 * has handled 25 of them, it announces granted = 125, and 25 more may be sent.
 *
 * Invariant: granted totals never decrease; granted - used <= the size of the window.
 */

typedef struct
{
  guint64 granted_messages; /* totals since the start, announced to the sender */
  guint64 granted_bytes;
  guint64 used_messages; /* totals since the start, sent */
  guint64 used_bytes;
  guint32 window_messages; /* size */
  guint32 window_bytes;
} BusWindow;

/* Credit of a publish window that has returned and is not announced yet. */
typedef struct
{
  guint64 messages;
  guint64 bytes;
} BusReturned;

/* The sizes must fit into 32 bits: the ceilings of all limits of windows do. */
void bus_window_init (BusWindow *window, guint64 messages, guint64 bytes);

static inline gboolean
bus_window_is_open (const BusWindow *window)
{
  return window->granted_messages > window->used_messages && window->granted_bytes > window->used_bytes;
}

/* Uses credit for messages of @bytes in total. The caller has checked that the window is open for the last one of them. */
static inline void
bus_window_use_many (BusWindow *window, guint64 messages, guint64 bytes)
{
  window->used_messages += messages;
  window->used_bytes += bytes;
}

/* Uses credit for one message of @bytes. The caller has checked bus_window_is_open(). */
static inline void
bus_window_use (BusWindow *window, guint64 bytes)
{
  bus_window_use_many (window, 1, bytes);
}

/* Gives back the credit of a message that is not sent after all. */
static inline void
bus_window_unuse (BusWindow *window, guint64 bytes)
{
  g_assert (window->used_messages > 0 && window->used_bytes >= bytes);
  window->used_messages--;
  window->used_bytes -= bytes;
}

/* Adds returned credit for messages of @bytes in total. TRUE: at least a quarter of the window has not been announced: the caller
 * announces it after bus_window_grant(). */
static inline gboolean
bus_window_return (const BusWindow *window, BusReturned *returned, guint64 messages, guint64 bytes)
{
  returned->messages += messages;
  returned->bytes += bytes;
  return returned->messages * 4 >= window->window_messages || returned->bytes * 4 >= window->window_bytes;
}

static inline void
bus_window_grant (BusWindow *window, BusReturned *returned)
{
  window->granted_messages += returned->messages;
  window->granted_bytes += returned->bytes;
  *returned = (BusReturned){ 0 };
}

typedef enum
{
  BUS_WINDOW_GRANTED,
  BUS_WINDOW_BACKWARDS, /* a total is lower than before */
  BUS_WINDOW_TOO_FAR,   /* more than the size of the window would be outstanding */
} BusWindowResult;

/* The other side announces its totals. @sent: total of encoded messages, which it cannot exceed: messages that have used credit
 * and are not encoded yet cannot have been returned. */
BusWindowResult bus_window_set_granted (BusWindow *window, guint64 messages, guint64 bytes, guint64 sent);

/* The number of messages that were sent and not acknowledged. */
static inline guint64
bus_window_outstanding (const BusWindow *window)
{
  return window->used_messages + window->window_messages - window->granted_messages;
}

/* The same in bytes. 0 also if the client has returned more bytes than its messages had. */
static inline guint64
bus_window_outstanding_bytes (const BusWindow *window)
{
  guint64 sent = window->used_bytes + window->window_bytes;

  return sent > window->granted_bytes ? sent - window->granted_bytes : 0;
}

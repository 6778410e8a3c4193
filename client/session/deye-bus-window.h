/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * A window: credit in cumulative totals of messages and bytes.
 *
 * The same struct serves both directions: a publish window (the broker grants, the client uses) and the receive window of a
 * subscription (the client grants, the broker uses). A message may be sent if at least one message and one byte of credit are
 * left, even if it is larger than the bytes that are left. So one message can exceed the window, and no message is too large to
 * be sent.
 *
 * Invariant: the totals only grow, until the next connection begins with an empty window.
 */

typedef struct
{
  guint64 size_messages; /* 0: not known yet */
  guint64 size_bytes;
  guint64 granted_messages;
  guint64 granted_bytes;
  guint64 used_messages;
  guint64 used_bytes;
  guint64 returned_messages; /* receive windows: total of handled messages, whether or not they were granted again */
  guint64 returned_bytes;
} DeyeBusWindow;

static inline gboolean
deye_bus_window_is_open (const DeyeBusWindow *window)
{
  return window->used_messages < window->granted_messages && window->used_bytes < window->granted_bytes;
}

/* At least half of the window is left. */
static inline gboolean
deye_bus_window_is_half_open (const DeyeBusWindow *window)
{
  return deye_bus_window_is_open (window)
         && (window->granted_messages - window->used_messages) * 2 >= window->size_messages
         && (window->granted_bytes - window->used_bytes) * 2 >= window->size_bytes;
}

static inline void
deye_bus_window_use (DeyeBusWindow *window, guint64 bytes)
{
  window->used_messages++;
  window->used_bytes += bytes;
}

/* Totals only grow, so lower ones are out of date and change nothing. */
static inline void
deye_bus_window_grant (DeyeBusWindow *window, guint64 messages, guint64 bytes)
{
  window->granted_messages = MAX (window->granted_messages, messages);
  window->granted_bytes = MAX (window->granted_bytes, bytes);
}

/* Sets the size of the window, when it becomes known, and grants all of it. */
static inline void
deye_bus_window_open (DeyeBusWindow *window, guint64 messages, guint64 bytes)
{
  window->size_messages = messages;
  window->size_bytes = bytes;
  deye_bus_window_grant (window, messages, bytes);
}

/* One message of @bytes was handled. TRUE: at least a quarter of the window was handled, and is granted again. */
static inline gboolean
deye_bus_window_return (DeyeBusWindow *window, guint64 bytes)
{
  guint64 messages_back, bytes_back;

  window->returned_messages++;
  window->returned_bytes += bytes;
  if (window->size_messages == 0)
    return FALSE;
  messages_back = window->size_messages + window->returned_messages - window->granted_messages;
  bytes_back = window->size_bytes + window->returned_bytes - window->granted_bytes;
  if (messages_back < MAX (window->size_messages / 4, 1) && bytes_back < MAX (window->size_bytes / 4, 1))
    return FALSE;
  window->granted_messages += messages_back;
  window->granted_bytes += bytes_back;
  return TRUE;
}

/* Grants all handled messages again. FALSE: there was nothing to grant. */
static inline gboolean
deye_bus_window_return_rest (DeyeBusWindow *window)
{
  if (window->size_messages == 0 || window->size_messages + window->returned_messages == window->granted_messages)
    return FALSE;
  window->granted_messages = window->size_messages + window->returned_messages;
  window->granted_bytes = window->size_bytes + window->returned_bytes;
  return TRUE;
}

/* Receive windows: messages that arrived and are not handled yet. */
static inline guint64
deye_bus_window_left (const DeyeBusWindow *window)
{
  return window->used_messages - window->returned_messages;
}

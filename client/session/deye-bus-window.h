/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * Credit, as a client sees it, in cumulative totals of messages and bytes.
 *
 * The same numbers serve both directions: a publish window (the broker grants, we use) and the receive window of a
 * subscription (we grant, the broker uses). A message may start while messages and bytes are above zero; the balance may
 * go negative by that one.
 *
 * Invariant: totals only grow.
 */

typedef struct
{
  guint64 size_messages; /* receive windows: the size; 0: not known yet */
  guint64 size_bytes;
  guint64 granted_messages;
  guint64 granted_bytes;
  guint64 used_messages;
  guint64 used_bytes;
  guint64 returned_messages; /* receive windows: handled, told or not */
  guint64 returned_bytes;
} DeyeBusWindow;

static inline gboolean
deye_bus_window_is_open (const DeyeBusWindow *window)
{
  return window->used_messages < window->granted_messages && window->used_bytes < window->granted_bytes;
}

static inline void
deye_bus_window_use (DeyeBusWindow *window, guint64 bytes)
{
  window->used_messages++;
  window->used_bytes += bytes;
}

/* Totals that are lower than before were overtaken by newer ones, and change nothing. */
static inline void
deye_bus_window_grant (DeyeBusWindow *window, guint64 messages, guint64 bytes)
{
  window->granted_messages = MAX (window->granted_messages, messages);
  window->granted_bytes = MAX (window->granted_bytes, bytes);
}

/* A receive window's size became known. */
static inline void
deye_bus_window_open (DeyeBusWindow *window, guint64 messages, guint64 bytes)
{
  window->size_messages = messages;
  window->size_bytes = bytes;
  deye_bus_window_grant (window, messages, bytes);
}

/* One message of @bytes was handled. TRUE: a quarter of the window is to be granted again by now, and is. */
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

/* However little was handled, it is granted again. FALSE: all of it was. */
static inline gboolean
deye_bus_window_return_rest (DeyeBusWindow *window)
{
  if (window->size_messages == 0 || window->size_messages + window->returned_messages == window->granted_messages)
    return FALSE;
  window->granted_messages = window->size_messages + window->returned_messages;
  window->granted_bytes = window->size_bytes + window->returned_bytes;
  return TRUE;
}

/* Receive windows: messages that came and were not handled. */
static inline guint64
deye_bus_window_left (const DeyeBusWindow *window)
{
  return window->used_messages - window->returned_messages;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "base/bus-window.h"

void
bus_window_init (BusWindow *window, guint64 messages, guint64 bytes)
{
  g_assert (messages <= G_MAXUINT32 && bytes <= G_MAXUINT32);
  *window = (BusWindow){
    .window_messages = (guint32) messages,
    .window_bytes = (guint32) bytes,
    .granted_messages = messages,
    .granted_bytes = bytes,
  };
}

BusWindowResult
bus_window_set_granted (BusWindow *window, guint64 messages, guint64 bytes, guint64 sent)
{
  if (messages < window->granted_messages || bytes < window->granted_bytes)
    return BUS_WINDOW_BACKWARDS;
  if (messages - window->window_messages > sent || bytes - window->window_bytes > window->used_bytes)
    return BUS_WINDOW_TOO_FAR;
  window->granted_messages = messages;
  window->granted_bytes = bytes;
  return BUS_WINDOW_GRANTED;
}

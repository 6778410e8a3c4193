/* SPDX-License-Identifier: Apache-2.0 */
#include "proc-message.h"

#include <string.h>

/* The layout of linux/netlink.h, linux/connector.h and linux/cn_proc.h; linux/proc-connector.c compares the numbers. */
#include "proc-layout.h"

static guint16
message_read_u16 (const guint8 *at)
{
  guint16 number;

  memcpy (&number, at, sizeof number);
  return number;
}

static guint32
message_read_u32 (const guint8 *at)
{
  guint32 number;

  memcpy (&number, at, sizeof number);
  return number;
}

static guint64
message_read_u64 (const guint8 *at)
{
  guint64 number;

  memcpy (&number, at, sizeof number);
  return number;
}

/* Offsets of the fields of an event in its data. */
typedef struct
{
  guint32 what;
  ProcMessageKind kind;
  guint8 bytes; /* bytes of data up to the last field that is read */
  guint8 pid;
  guint8 process;
  guint8 other; /* offset of the parent, the exit status, or the error */
} MessageLayout;

static const MessageLayout message_layouts[] = {
  { PROC_LAYOUT_EVENT_NONE, PROC_MESSAGE_NONE, 4, 0, 0, 0 },
  { PROC_LAYOUT_EVENT_FORK, PROC_MESSAGE_FORK, 16, 8, 12, 4 },
  { PROC_LAYOUT_EVENT_EXEC, PROC_MESSAGE_EXEC, 8, 0, 4, 0 },
  { PROC_LAYOUT_EVENT_COMM, PROC_MESSAGE_COMM, 8, 0, 4, 0 },
  { PROC_LAYOUT_EVENT_EXIT, PROC_MESSAGE_EXIT, 12, 0, 4, 8 },
};

static const MessageLayout *
message_find_layout (guint32 what)
{
  for (guint i = 0; i < G_N_ELEMENTS (message_layouts); i++)
    if (message_layouts[i].what == what)
      return &message_layouts[i];
  return NULL;
}

static void
message_fill (ProcMessage *message, const MessageLayout *layout, const guint8 *event, guint32 token)
{
  const guint8 *data = event + PROC_LAYOUT_EVENT_DATA;
  guint32 other = message_read_u32 (data + layout->other);
  gboolean is_confirmation = layout->kind == PROC_MESSAGE_NONE;

  *message = (ProcMessage){ .kind = layout->kind, .time_ns = message_read_u64 (event + PROC_LAYOUT_EVENT_TIME) };
  message->pid = is_confirmation ? 0 : message_read_u32 (data + layout->pid);
  message->process = is_confirmation ? 0 : message_read_u32 (data + layout->process);
  message->parent = layout->kind == PROC_MESSAGE_FORK ? other : 0;
  message->status = layout->kind == PROC_MESSAGE_EXIT ? other : 0;
  message->error = is_confirmation ? other : 0;
  message->token = is_confirmation ? token : 0;
}

/* @body: the bytes after the netlink header. FALSE: the message is skipped. */
static gboolean
message_read_body (const guint8 *body, gsize len, ProcMessage *message)
{
  const guint8 *event = body + PROC_LAYOUT_CONNECTOR_BYTES;
  const MessageLayout *layout;
  gsize event_len;

  if (len < PROC_LAYOUT_CONNECTOR_BYTES + PROC_LAYOUT_EVENT_DATA || message_read_u32 (body) != PROC_LAYOUT_INDEX
      || message_read_u32 (body + 4) != PROC_LAYOUT_VALUE)
    return FALSE;
  event_len = MIN (len - PROC_LAYOUT_CONNECTOR_BYTES, message_read_u16 (body + PROC_LAYOUT_CONNECTOR_LEN));
  layout = message_find_layout (message_read_u32 (event));
  if (layout == NULL || event_len < (gsize) PROC_LAYOUT_EVENT_DATA + layout->bytes)
    return FALSE;
  message_fill (message, layout, event, message_read_u32 (body + PROC_LAYOUT_CONNECTOR_ACK) - 1);
  return TRUE;
}

ProcMessagesResult
proc_messages_next (const guint8 *bytes, gsize len, gsize *at, ProcMessage *message)
{
  while (len - *at >= PROC_LAYOUT_HEADER_BYTES)
    {
      const guint8 *header = bytes + *at;
      gsize left = len - *at;
      guint32 claimed = message_read_u32 (header);
      guint16 type = message_read_u16 (header + PROC_LAYOUT_HEADER_TYPE);

      if (claimed < PROC_LAYOUT_HEADER_BYTES || claimed > left)
        break;
      *at += MIN (((gsize) claimed + 3) & ~(gsize) 3, left);
      if (type == PROC_LAYOUT_TYPE_DONE
          && message_read_body (header + PROC_LAYOUT_HEADER_BYTES, claimed - PROC_LAYOUT_HEADER_BYTES, message))
        return PROC_MESSAGES_ONE;
    }
  if (*at == len)
    return PROC_MESSAGES_END;
  *at = len;
  return PROC_MESSAGES_MALFORMED;
}

static void
message_write_u32 (guint8 *at, guint32 number)
{
  memcpy (at, &number, sizeof number);
}

static void
message_write_u16 (guint8 *at, guint16 number)
{
  memcpy (at, &number, sizeof number);
}

void
proc_messages_write_request (guint8 bytes[PROC_REQUEST_BYTES], guint32 token)
{
  guint8 *body = bytes + PROC_LAYOUT_HEADER_BYTES;

  memset (bytes, 0, PROC_REQUEST_BYTES);
  message_write_u32 (bytes, PROC_REQUEST_BYTES);
  message_write_u16 (bytes + PROC_LAYOUT_HEADER_TYPE, PROC_LAYOUT_TYPE_DONE);
  message_write_u32 (body, PROC_LAYOUT_INDEX);
  message_write_u32 (body + 4, PROC_LAYOUT_VALUE);
  message_write_u32 (body + PROC_LAYOUT_CONNECTOR_ACK, token);
  message_write_u16 (body + PROC_LAYOUT_CONNECTOR_LEN, 4);
  message_write_u32 (body + PROC_LAYOUT_CONNECTOR_BYTES, PROC_LAYOUT_LISTEN);
}

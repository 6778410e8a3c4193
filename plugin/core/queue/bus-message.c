/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-message.h"

#include "wire-block.h"

#define TAKE_OVER 4u /* blocks of readers are taken over while at most this part (1/4) of the cap is in use */

void
bus_inbound_stamp (BusInbound *inbound, WireSpan sender, guint64 accept_seq, gint64 accept_time_us)
{
  inbound->accept_seq = accept_seq;
  inbound->stamp.len = (guint8) wire_stamp_common (inbound->stamp.bytes, sender, accept_seq, (guint64) accept_time_us);
}

void
bus_inbound_stamp_incarnation (BusInbound *inbound, guint64 incarnation)
{
  inbound->stamp.len = (guint8) wire_stamp_incarnation (inbound->stamp.bytes, inbound->stamp.len, incarnation);
}

/* TRUE if the block of the frame may be taken over instead of copied. A block that grew with its frame has left holes of all sizes
 * in the heap, which no charge includes. A few such blocks do not matter; if the cap were full of them, the broker would use a
 * quarter more memory than the cap allows. */
static gboolean
message_may_take_over (const BusInbound *inbound)
{
  return inbound->frame.in_block && inbound->reader != NULL
         && inbound->quota->memory <= inbound->quota->cap / TAKE_OVER;
}

static WireSpan
message_copy (guint8 *to, WireSpan bytes)
{
  if (bytes.len > 0)
    memcpy (to, bytes.data, bytes.len);
  return wire_span (to, bytes.len);
}

/* The largest size of a block for @len bytes: the charge includes some bytes for holes between blocks. */
static gsize
message_block_most (gsize len)
{
  return MAX (len, 1) + len / BUS_MESSAGE_MALLOC_HOLES;
}

/* Sets block and body: takes over the block of the reader, or copies. FALSE: no memory. */
static gboolean
message_take_block (BusMessage *message, BusInbound *inbound)
{
  const WireSpan from = inbound->frame.body;
  gsize size;

  if (message_may_take_over (inbound))
    {
      message->block = wire_frame_reader_steal (inbound->reader, &size);
      message->body = from;
    }
  else
    {
      message->block = wire_block_new (MAX (from.len, 1), message_block_most (from.len), &size);
      if (message->block == NULL)
        return FALSE;
      message->body = message_copy (message->block, from);
    }
  message->block_size = (guint32) MIN (size, G_MAXUINT32);
  return TRUE;
}

/* Makes a message whose body outlives the read buffer; a small body is stored behind the stamp. Sets stamp and body only. NULL: no
 * memory. */
static BusMessage *
message_take_body (BusInbound *inbound)
{
  BusCells *cells = &inbound->quota->cells;
  const WireSpan from = inbound->frame.body;
  const gboolean is_small = !inbound->frame.in_block && sizeof (BusMessage) + from.len <= BUS_CELL_MAX;
  BusMessage *message = bus_cells_try_take (cells, bus_message_room (inbound->stamp.len, is_small ? from.len : 0));

  if (message == NULL)
    return NULL;
  message->stamp.len = inbound->stamp.len;
  memcpy (message->stamp.bytes, inbound->stamp.bytes, inbound->stamp.len);
  if (is_small)
    {
      message->block = NULL;
      message->block_size = 0;
      message->body = message_copy (bus_message_place (message), from);
    }
  else if (!message_take_block (message, inbound))
    {
      bus_cells_give (cells, message);
      return NULL;
    }
  return message;
}

static WireSpan
message_rebase (WireSpan part, WireSpan from, WireSpan to)
{
  return part.len > 0 ? wire_span (to.data + (part.data - from.data), part.len) : part;
}

BusMessage *
bus_inbound_keep (BusInbound *inbound)
{
  gsize held = bus_message_size (inbound->frame.body.len);
  BusMessage *message;

  if (inbound->kept != NULL)
    return inbound->kept;
  if (!bus_quota_hold (inbound->quota, held))
    return NULL;
  message = message_take_body (inbound);
  if (message == NULL)
    {
      bus_quota_release (inbound->quota, held);
      return NULL;
    }

  message->refs = 1;
  message->quota = inbound->quota;
  message->held = held;
  message->topic = message_rebase (inbound->envelope->topic, inbound->frame.body, message->body);
  message->payload_len = inbound->envelope->payload.len;
  message->id = inbound->envelope->id;
  message->accept_seq = inbound->accept_seq;
  message->expires_us = inbound->expires_us;
  message->traced_us = inbound->traced_us;
  message->class_of = inbound->class_of;
  message->domain = inbound->domain;
  inbound->kept = message;
  return message;
}

void
bus_inbound_view_kept (BusInbound *inbound, BusMessage *message, BusTicket *ticket, WireEnvelope *envelope)
{
  wire_envelope_init (envelope);
  envelope->topic = message->topic;
  envelope->payload = wire_span (NULL, message->payload_len);
  *inbound = (BusInbound){
    .frame = { .body = message->body },
    .envelope = envelope,
    .copy_max = 0,
    .stamp = message->stamp,
    .accept_seq = message->accept_seq,
    .expires_us = message->expires_us,
    .traced_us = message->traced_us,
    .class_of = message->class_of,
    .domain = message->domain,
    .quota = message->quota,
    .kept = bus_message_ref (message),
    .ticket = ticket != NULL ? bus_ticket_ref (ticket) : NULL,
  };
}

BusTicket *
bus_inbound_ticket (BusInbound *inbound, gint64 now_us)
{
  WireClass credit_class = inbound->class_of.credit_class;

  if (inbound->ticket == NULL && inbound->publisher != NULL && credit_class != WIRE_CLASS_NONE)
    inbound->ticket = bus_ticket_new (inbound->publisher, credit_class, 1, inbound->credit_bytes, now_us);
  return inbound->ticket != NULL ? bus_ticket_ref (inbound->ticket) : NULL;
}

void
bus_message_unref (BusMessage *message)
{
  if (--message->refs > 0)
    return;
  bus_quota_release (message->quota, message->held);
  wire_block_free (message->block, message->block_size);
  bus_cells_give (&message->quota->cells, message);
}

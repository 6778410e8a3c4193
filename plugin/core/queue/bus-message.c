/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-message.h"

/* The approximate overhead of malloc for a message, its bytes, and the slot and entry in which it waits: a cap
 * that is full of small messages is passed by an eighth without it. Between blocks of all sizes there are holes:
 * of bytes this part more. */
#define MALLOC_BYTES 64u
#define MALLOC_HOLES 16u

#define TAKE_OVER 4u /* blocks of readers, up to that part of the cap; above they are copied */

void
bus_inbound_stamp (BusInbound *inbound, const char *sender, guint64 accept_seq, gint64 accept_time_us)
{
  inbound->accept_seq = accept_seq;
  inbound->stamp.len
      = (guint8) wire_stamp_common (inbound->stamp.bytes, wire_span_str (sender), accept_seq, (guint64) accept_time_us);
}

void
bus_inbound_stamp_incarnation (BusInbound *inbound, guint64 incarnation)
{
  inbound->stamp.len = (guint8) wire_stamp_incarnation (inbound->stamp.bytes, inbound->stamp.len, incarnation);
}

/* A block that grew with its frame left holes of all sizes behind it. Few of them do not matter; a cap full of
 * such blocks is passed by a quarter. */
static gboolean
message_may_take_over (const BusInbound *inbound)
{
  return inbound->frame.in_block && inbound->reader != NULL
         && inbound->quota->memory <= inbound->quota->cap / TAKE_OVER;
}

/* Moves the body into a block that outlives the read buffer. */
static guint8 *
message_take_block (BusInbound *inbound, WireSpan *body)
{
  gsize len = inbound->frame.body.len;
  guint8 *block;

  if (message_may_take_over (inbound))
    {
      gsize capacity;

      block = wire_frame_reader_steal (inbound->reader, &capacity);
      *body = inbound->frame.body;
      return block;
    }

  block = g_try_malloc (MAX (len, 1));
  if (block == NULL)
    return NULL;
  if (len > 0)
    memcpy (block, inbound->frame.body.data, len);
  *body = wire_span (block, len);
  return block;
}

static WireSpan
message_rebase (WireSpan part, WireSpan from, WireSpan to)
{
  return part.len > 0 ? wire_span (to.data + (part.data - from.data), part.len) : part;
}

gsize
bus_message_size (gsize len)
{
  return sizeof (BusMessage) + MALLOC_BYTES + len + len / MALLOC_HOLES;
}

BusMessage *
bus_inbound_keep (BusInbound *inbound)
{
  gsize held = bus_message_size (inbound->frame.body.len);
  BusMessage *message;
  WireSpan body;
  guint8 *block;

  if (inbound->kept != NULL)
    return inbound->kept;
  if (!bus_quota_hold (inbound->quota, held))
    return NULL;
  block = message_take_block (inbound, &body);
  if (block == NULL)
    {
      bus_quota_release (inbound->quota, held);
      return NULL;
    }

  message = g_new (BusMessage, 1);
  *message = (BusMessage){
    .refs = 1,
    .quota = inbound->quota,
    .held = held,
    .block = block,
    .body = body,
    .topic = message_rebase (inbound->envelope->topic, inbound->frame.body, body),
    .payload_len = inbound->envelope->payload.len,
    .stamp = inbound->stamp,
    .accept_seq = inbound->accept_seq,
    .expires_us = inbound->expires_us,
    .traced_us = inbound->traced_us,
    .class_of = inbound->class_of,
    .domain = inbound->domain,
  };
  inbound->kept = message;
  return message;
}

void
bus_inbound_revive (BusInbound *inbound, BusMessage *message, BusTicket *ticket, WireEnvelope *envelope)
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
    inbound->ticket
        = bus_ticket_new (inbound->publisher, credit_class, inbound->credit_bytes, inbound->envelope->id, now_us);
  return inbound->ticket != NULL ? bus_ticket_ref (inbound->ticket) : NULL;
}

void
bus_inbound_clear (BusInbound *inbound)
{
  g_clear_pointer (&inbound->kept, bus_message_unref);
  g_clear_pointer (&inbound->ticket, bus_ticket_unref);
}

WireSpan
bus_inbound_body (const BusInbound *inbound)
{
  return inbound->kept != NULL ? inbound->kept->body : inbound->frame.body;
}

BusMessage *
bus_message_ref (BusMessage *message)
{
  message->refs++;
  return message;
}

void
bus_message_unref (BusMessage *message)
{
  if (--message->refs > 0)
    return;
  bus_quota_release (message->quota, message->held);
  g_free (message->block);
  g_free (message);
}

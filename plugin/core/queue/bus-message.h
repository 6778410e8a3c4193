/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-quota.h"
#include "queue/bus-credit.h"
#include "wire-class.h"
#include "wire-envelope.h"
#include "wire-stamp.h"

/*
 * A message on its way through the broker.
 *
 * It begins as a view (BusInbound) of bytes in a read buffer, and needs no memory of its own. If a receiver cannot get it at once,
 * it is kept (BusMessage): the bytes that the client sent are copied into a block (or the block of the frame is taken over), which
 * all receivers share by reference. The payload is never parsed or encoded again.
 *
 * Example: a small message to ten peers, of which one has no credit, is encoded into nine queues directly from the read buffer,
 * and kept once for the tenth.
 *
 * Invariant: a kept message is immutable; its block counts for the memory cap of the broker until the last reference is dropped.
 * A view never outlives the input call that made it.
 */

/* The part of the broker's stamp that is the same for every receiver, encoded once: sender, accept sequence, time, and for a last
 * message (bus-will) the incarnation of the client. */
typedef struct
{
  guint8 len;
  guint8 bytes[(WIRE_STAMP_COMMON_MAX + 15u) & ~15u]; /* bus-outq copies it in steps of 16 bytes */
} BusStamp;

/* Copies in steps of 16 bytes, without a call of memcpy(). It may write up to 15 bytes too many, for which there is room: the next
 * part of the frame overwrites them. */
static inline guint8 *
bus_stamp_copy (guint8 *to, const guint8 *bytes, gsize len)
{
  G_STATIC_ASSERT (WIRE_STAMP_OWN_MAX (1) >= 16);
  for (gsize i = 0; i < len; i += 16)
    memcpy (to + i, bytes + i, 16);
  return to + len;
}

/* A delivery reads the members from body on, the used bytes of the stamp, and the body. In a small message these lie one behind the
 * other: the body is directly behind the used bytes of the stamp, so that few cache lines are read. */
typedef struct
{
  union
  {
    struct
    {
      guint64 accept_seq;
      gint64 traced_us; /* time of acceptance; 0: its sender did not ask for the times of the hops */
      guint64 id;       /* that its publisher gave it */
      BusQuota *quota;
      gsize held;         /* bytes that count for the cap */
      guint8 *block;      /* own allocation that contains body; NULL: body is behind the stamp */
      guint32 block_size; /* size of block, for wire_block_free() */
      guint refs;
    };
    guint8 first_line[BUS_CACHE_LINE];
  };
  WireSpan body;  /* the client's envelope bytes, untouched */
  WireSpan topic; /* in body */
  gsize payload_len;
  gint64 expires_us; /* 0: never */
  WireClassOf class_of;
  guint domain;   /* of its topic, for statistics */
  BusStamp stamp; /* the last member: see bus_message_room() */
} BusMessage;

/* A message during the input call that brought it. */
typedef struct
{
  WireFrame frame;
  WireFrameReader *reader; /* the block of the frame may be taken from it; NULL: a message of the broker itself */
  const WireEnvelope *envelope;
  gsize copy_max; /* client bytes up to this are copied per receiver, larger ones referenced */
  BusStamp stamp;
  guint64 accept_seq;
  gint64 expires_us; /* 0: never */
  gint64 traced_us;  /* as in BusMessage */
  WireClassOf class_of;
  guint domain;
  BusQuota *quota;
  BusLedger *publisher; /* NULL: the broker itself, or it has disconnected */
  gsize credit_bytes;   /* cost of the frame for its publisher */
  BusMessage *kept;     /* the kept form, made when it is first needed */
  BusTicket *ticket;    /* made by the first receiver that blocks */
} BusInbound;

/* Stamps the sender, the place in the order and the time of acceptance. */
void bus_inbound_stamp (BusInbound *inbound, WireSpan sender, guint64 accept_seq, gint64 accept_time_us);

/* Adds the incarnation of the client object that left a last message. */
void bus_inbound_stamp_incarnation (BusInbound *inbound, guint64 incarnation);

/* The kept form, made at the first call; NULL: no memory, or the cap of the broker is reached. Transfer none: the
 * view owns one reference until bus_inbound_clear(). */
BusMessage *bus_inbound_keep (BusInbound *inbound);

/* Makes a view of a kept message, to offer it to another receiver. @envelope: gets the fields that the queues read. @ticket:
 * (nullable): the ticket that the message has so far. */
void bus_inbound_view_kept (BusInbound *inbound, BusMessage *message, BusTicket *ticket, WireEnvelope *envelope);

/* A reference to the ticket that withholds the credit of its publisher, made at the first call. NULL: it has no publisher, or its
 * frame cost no credit, or there is no memory. Transfer full. */
BusTicket *bus_inbound_ticket (BusInbound *inbound, gint64 now_us);

/* The cost of a waiting message for its queue, besides the slot. The message counts in full, even if other queues share it. */
static inline gsize
bus_message_cost (const BusMessage *message)
{
  return message->held;
}

/* The approximate overhead of malloc: a fixed part for a message, its bytes, its slot and its entry (without it, small messages
 * would use an eighth more memory than the cap allows), and one byte for each BUS_MESSAGE_MALLOC_HOLES bytes, for the holes
 * between blocks of different sizes. */
#define BUS_MESSAGE_MALLOC_BYTES 64u
#define BUS_MESSAGE_MALLOC_HOLES 16u

/* The memory that a kept message with @len client bytes needs, with the overhead of malloc. */
static inline gsize
bus_message_size (gsize len)
{
  return sizeof (BusMessage) + BUS_MESSAGE_MALLOC_BYTES + len + len / BUS_MESSAGE_MALLOC_HOLES;
}

/* The size of a message without a block. The rest of the stamp is used for the body. */
static inline gsize
bus_message_room (gsize stamp_len, gsize body_len)
{
  return MAX (sizeof (BusMessage), G_STRUCT_OFFSET (BusMessage, stamp.bytes) + stamp_len + body_len);
}

/* The place of its body. The stamp must be set. */
static inline guint8 *
bus_message_place (BusMessage *message)
{
  return (guint8 *) message + G_STRUCT_OFFSET (BusMessage, stamp.bytes) + message->stamp.len;
}

static inline gboolean
bus_message_is_expired (const BusMessage *message, gint64 now_us)
{
  return message->expires_us > 0 && message->expires_us <= now_us;
}

/* The client's bytes, in the kept form if there is one. */
static inline WireSpan
bus_inbound_body (const BusInbound *inbound)
{
  return inbound->kept != NULL ? inbound->kept->body : inbound->frame.body;
}

static inline BusMessage *
bus_message_ref (BusMessage *message)
{
  message->refs++;
  return message;
}

void bus_message_unref (BusMessage *message);

/* Drops the references of the view. */
static inline void
bus_inbound_clear (BusInbound *inbound)
{
  g_clear_pointer (&inbound->kept, bus_message_unref);
  g_clear_pointer (&inbound->ticket, bus_ticket_unref);
}

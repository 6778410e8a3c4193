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
 * It begins as a view (BusInbound) of bytes in a read buffer, and costs nothing. Only when a receiver cannot take it
 * at once is it kept: its client bytes move into a block of their own (or the block of the frame is taken over),
 * which all receivers then share by reference. The payload is never parsed or re-encoded.
 *
 * Invariant: a kept message is immutable; its block is held against the memory cap of the broker until the last
 * reference is dropped. A view never outlives the input call that made it.
 */

/* The part of the broker's stamp that is the same for every receiver, encoded once: sender, order, time, and of a last message the
 * incarnation. */
typedef struct
{
  guint8 len;
  guint8 bytes[(WIRE_STAMP_COMMON_MAX + 15u) & ~15u]; /* whole steps of bus-outq */
} BusStamp;

typedef struct
{
  guint refs;
  guint32 block_size; /* as far as it is known */
  BusQuota *quota;
  gsize held;     /* bytes held against the cap */
  guint8 *block;  /* own allocation, in which body lies; NULL: body lies behind the struct */
  WireSpan body;  /* the client's envelope bytes, untouched */
  WireSpan topic; /* in body */
  gsize payload_len;
  guint64 id; /* that its publisher gave it */
  BusStamp stamp;
  guint64 accept_seq;
  gint64 expires_us; /* 0: never */
  gint64 traced_us;  /* when it was accepted; 0: its sender wants no hops */
  WireClassOf class_of;
  guint domain; /* of its topic, for statistics */
} BusMessage;

/* A message during the input call that brought it. */
typedef struct
{
  WireFrame frame;
  WireFrameReader *reader; /* whose block may be stolen; NULL: the broker's own */
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
  gsize credit_bytes;   /* what the frame cost its publisher */
  BusMessage *kept;     /* made when it is first needed */
  BusTicket *ticket;    /* made by the first receiver that blocks */
} BusInbound;

/* Stamps the sender, the place in the order and the time of acceptance. */
void bus_inbound_stamp (BusInbound *inbound, WireSpan sender, guint64 accept_seq, gint64 accept_time_us);

/* Adds the incarnation of the client object that left a last message. */
void bus_inbound_stamp_incarnation (BusInbound *inbound, guint64 incarnation);

/* The kept form, made at the first call; NULL: no memory, or the cap of the broker is reached. Transfer none: the
 * view owns one reference until bus_inbound_clear(). */
BusMessage *bus_inbound_keep (BusInbound *inbound);

/* Makes a view of a kept message, to hand it on to another receiver. @envelope is filled as far as queues read it.
 * @ticket: (nullable): that it held. */
void bus_inbound_revive (BusInbound *inbound, BusMessage *message, BusTicket *ticket, WireEnvelope *envelope);

/* A reference to the ticket that withholds its publisher's credit; NULL: there is no publisher, or no credit. Transfer
 * full. */
BusTicket *bus_inbound_ticket (BusInbound *inbound, gint64 now_us);

/* The cost of a waiting message for its queue, besides its slot: the message in full. */
static inline gsize
bus_message_cost (const BusMessage *message)
{
  return message->held;
}

/* The approximate overhead of malloc for a message, its bytes, and the slot and entry in which it waits: a cap
 * that is full of small messages is passed by an eighth without it. Between blocks of all sizes there are holes:
 * of bytes this part more. */
#define BUS_MESSAGE_MALLOC_BYTES 64u
#define BUS_MESSAGE_MALLOC_HOLES 16u

/* The memory that keeping a message with so many client bytes needs, with the overhead of malloc. */
static inline gsize
bus_message_size (gsize len)
{
  return sizeof (BusMessage) + BUS_MESSAGE_MALLOC_BYTES + len + len / BUS_MESSAGE_MALLOC_HOLES;
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

/* Drops what the view owns. */
static inline void
bus_inbound_clear (BusInbound *inbound)
{
  g_clear_pointer (&inbound->kept, bus_message_unref);
  g_clear_pointer (&inbound->ticket, bus_ticket_unref);
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow-state.h"

/*
 * Streams: the replies to one request, and the window that its requester granted for them.
 *
 * A reply uses credit for its payload, like a delivery. While the window is open, replies are passed to the queue of the requester
 * at once. When it is closed, they wait here in order, and each withholds the credit of its responder by a ticket, as under the
 * policy block. So a requester that reads slowly slows its responders down, and the publish windows of the responders bound the
 * number of replies that wait. A report of progress (flag PROGRESS) has no ticket: for each responder only the newest one waits,
 * and it counts those that it replaced. Frames of the broker itself use no credit, but keep their place in the order.
 *
 * The block timer runs while a reply that waits holds a ticket. The stream is stuck when the requester returns no credit for
 * longest_block_us, or when a reply waits for BUS_STREAM_PATIENCE times that. This module only detects this; bus-answer then ends
 * the request.
 *
 * Invariant: replies that wait are charged to the requester; the block timer is armed exactly while tickets > 0.
 */

#define BUS_STREAM_PATIENCE 12

typedef struct
{
  BusFlow *flow; /* of the requester */
  BusWindow window;
  GQueue waiting; /* BusStreamItem */
  guint tickets;
  gint64 progress_us; /* last time at which credit was returned, or the first ticket was taken */
  BusTimer block_timer;
} BusStream;

typedef enum
{
  BUS_STREAM_REPLY,    /* waits with a ticket */
  BUS_STREAM_PROGRESS, /* replaces an older one of its responder that waits */
  BUS_STREAM_OWN,      /* a frame of the broker: uses no credit */
} BusStreamKind;

typedef enum
{
  BUS_STREAM_PASSED, /* to the queue of the requester */
  BUS_STREAM_WAITS,
  BUS_STREAM_FULL, /* there is no room, or no memory; nothing was done */
} BusStreamResult;

/* A frame for the requester. */
typedef struct
{
  BusStreamKind kind;
  guint64 route; /* identifies the responder */
  WireLane lane;
  gboolean is_failure; /* it has an error status */
  BusDelivery delivery;
} BusStreamFrame;

/* A frame that waits for the window. */
typedef struct
{
  BusMessage *message; /* own reference */
  BusTicket *ticket;   /* nullable; own reference */
  BusStreamFrame frame;
  GList link; /* in waiting of the stream */
} BusStreamItem;

/* @messages, @bytes: size of the window. @owner: of the block timer */
BusStream *bus_stream_new (BusFlow *flow, guint64 messages, guint64 bytes, gpointer owner);

/* Drops the replies that wait, and frees the stream. */
void bus_stream_free (BusStream *stream);
/* Drops the replies that wait. */
void bus_stream_drop (BusStream *stream);

BusStreamResult bus_stream_offer (BusStream *stream, BusInbound *inbound, const BusStreamFrame *frame, gint64 now_us);

/* Passes on the replies that the window allows. FALSE: the queue of the requester had no room for one, which is dropped. */
gboolean bus_stream_advance (BusStream *stream, gint64 now_us);

/* The requester returned credit. @messages, @bytes: its new totals. The caller then calls bus_stream_advance(). */
BusWindowResult bus_stream_credit (BusStream *stream, guint64 messages, guint64 bytes, gint64 now_us);

/* The block timer expired. TRUE: the stream is stuck. FALSE: the requester made progress, and the timer is armed again. */
gboolean bus_stream_is_stuck (BusStream *stream, gint64 now_us);

static inline gboolean
bus_stream_waits (const BusStream *stream)
{
  return stream->waiting.length > 0;
}

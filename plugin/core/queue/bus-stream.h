/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-flow-state.h"

/*
 * Streams: the replies of one request, and the window that its requester gave them.
 *
 * A reply costs its payload, like a delivery. While the window is open replies are passed on to the queue of the requester
 * at once. Beyond it they wait here, in order, and each withholds the credit of its responder by a ticket, as under the
 * policy block: so a requester that reads slowly slows its responders down, and the publish windows of the responders bound
 * what waits. A report of progress (flag PROGRESS) has no ticket: of each route only the newest one waits, and it counts those
 * that it replaced. Frames of the broker itself cost nothing, but keep their place.
 *
 * The clock runs while a ticket is held. When the requester returns nothing for longest_block_us, or a reply waits for
 * BUS_STREAM_PATIENCE times that, the stream is blocked for too long, and the request ends (bus-answer). This module only
 * says so.
 *
 * Invariant: what waits is charged to the requester; tickets > 0 exactly while the block timer is armed.
 */

#define BUS_STREAM_PATIENCE 12

typedef struct
{
  BusFlow *flow; /* of the requester */
  BusWindow window;
  GQueue waiting; /* BusStreamItem */
  guint tickets;
  gint64 progress_us; /* credit returned, or the first ticket was taken */
  BusTimer block_timer;
} BusStream;

typedef enum
{
  BUS_STREAM_REPLY,    /* waits with a ticket */
  BUS_STREAM_PROGRESS, /* replaces the one that waits */
  BUS_STREAM_OWN,      /* of the broker: costs nothing */
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
  guint64 route; /* of its responder: each responder has its own progress */
  WireLane lane;
  gboolean is_failure; /* it has a status */
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

/* @messages, @bytes: of the window. @owner: of the block timer */
BusStream *bus_stream_new (BusFlow *flow, guint64 messages, guint64 bytes, gpointer owner);

/* Drops the replies that wait. */
void bus_stream_free (BusStream *stream);
void bus_stream_drop (BusStream *stream);

BusStreamResult bus_stream_offer (BusStream *stream, BusInbound *inbound, const BusStreamFrame *frame, gint64 now_us);

/* Passes on what the window allows. FALSE: the queue of the requester has no room for the first one, which is dropped. */
gboolean bus_stream_advance (BusStream *stream, gint64 now_us);

/* The requester returned credit: totals. The caller then calls bus_stream_advance(). */
BusWindowResult bus_stream_credit (BusStream *stream, guint64 messages, guint64 bytes, gint64 now_us);

/* The block timer expired. FALSE: the requester made progress, and the timer is armed again. */
gboolean bus_stream_is_stuck (BusStream *stream, gint64 now_us);

static inline gboolean
bus_stream_waits (const BusStream *stream)
{
  return stream->waiting.length > 0;
}

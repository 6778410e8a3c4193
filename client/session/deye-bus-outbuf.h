/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-envelope.h"

/*
 * Bytes that a connection has still to write to its socket, in order.
 *
 * Small frames are copied one behind the other into pooled chunks of 64 KiB; a large payload is referenced and written
 * from where it is. The buffer has no bound of its own: the session only adds what the broker's credit allows.
 *
 * Invariant: bytes() is what was added and not sent.
 */

#define DEYE_BUS_OUTBUF_COPY_MAX 8192u /* payloads up to this size are copied */

#define DEYE_BUS_OUT_NO_FRAME G_MAXSIZE

typedef struct DeyeBusOutPart DeyeBusOutPart;

/* For this module only. */
struct DeyeBusOutPart
{
  DeyeBusOutPart *next;
  GBytes *payload; /* referenced; NULL: the bytes are in the part */
  gsize len;
  gsize capacity;    /* 0: it has a payload */
  gsize first_frame; /* offset of the first header in the part; DEYE_BUS_OUT_NO_FRAME: it has none */
  gsize last_frame;
  guint8 bytes[];
};

typedef enum
{
  DEYE_BUS_OUT_NO_MESSAGE, /* credit, cancel, GOODBYE, ... */
  DEYE_BUS_OUT_WATCHED,    /* a message whose call waits for an answer, and fails if there is none */
  DEYE_BUS_OUT_UNWATCHED,  /* a message whose call has already succeeded */
} DeyeBusOutMessage;

typedef struct
{
  DeyeBusOutPart *first;
  DeyeBusOutPart *last;
  DeyeBusOutPart *spare; /* empty chunks, a few; see trim() */
  guint n_spare;
  guint n_referred;
  gsize sent; /* of the first part */
  gsize bytes;
  guint64 added;           /* bytes that were ever added */
  DeyeBusOutMessage begun; /* the last frame that begins in a part that was sent and freed */
  /* Set while a thread writes the bytes that are there now: called, and cleared by the call, before the front of the buffer is
   * read or changed. Adding is no such change. NULL: no thread does. */
  void (*reclaim) (gpointer reclaim_data);
  gpointer reclaim_data;
} DeyeBusOutbuf;

/* Messages (publishes, requests, replies) of which not all bytes were sent. */
typedef struct
{
  guint64 messages;
  guint64 unwatched; /* of these, those whose call has already succeeded */
} DeyeBusOutCount;

void deye_bus_outbuf_init (DeyeBusOutbuf *outbuf);
void deye_bus_outbuf_clear (DeyeBusOutbuf *outbuf);

/* Frees chunks that are kept for later: all but one. A client that sends much needs them all the time. */
void deye_bus_outbuf_trim (DeyeBusOutbuf *outbuf);
gboolean deye_bus_outbuf_is_trim (const DeyeBusOutbuf *outbuf);

/* Room for exactly @len bytes, in one piece, which the caller fills at once with a frame or the head of one. The rest of
 * the frame is added next, with refer() or add_payload(). */
guint8 *deye_bus_outbuf_add (DeyeBusOutbuf *outbuf, gsize len);
/* Appends the bytes of @payload without a copy. */
void deye_bus_outbuf_refer (DeyeBusOutbuf *outbuf, GBytes *payload);
/* Copies a small @payload, refers to a large one. @payload: (nullable). */
void deye_bus_outbuf_add_payload (DeyeBusOutbuf *outbuf, GBytes *payload);

/* A whole frame that costs no credit: @body is its body; or it has the fields of @envelope and no payload. */
void deye_bus_outbuf_add_frame (DeyeBusOutbuf *outbuf, guint8 kind, WireSpan body);
void deye_bus_outbuf_add_envelope (DeyeBusOutbuf *outbuf, guint8 kind, const WireEnvelope *envelope);

/* The bytes to write next; valid until sent() or the next add(). */
guint deye_bus_outbuf_gather (const DeyeBusOutbuf *outbuf, WireSpan *spans, guint max);
/* The first @n bytes were written. */
void deye_bus_outbuf_sent (DeyeBusOutbuf *outbuf, gsize n);

/* A whole frame with its header; valid during the call only. */
typedef void (*DeyeBusOutFunc) (const guint8 *frame, gsize len, gpointer data);
/* Calls @func for each frame of which no byte was sent, in order. */
void deye_bus_outbuf_foreach_unsent (const DeyeBusOutbuf *outbuf, DeyeBusOutFunc func, gpointer data);

/* Counts by reading the frames: for reports, not for every message. */
DeyeBusOutCount deye_bus_outbuf_count (const DeyeBusOutbuf *outbuf);

/* Appends a part; for begin(). */
guint8 *deye_bus_outbuf_grow (DeyeBusOutbuf *outbuf, gsize most);

/* As add(), for a frame that is whole and in one piece, and whose length is known only when it is written: room for @most bytes
 * (not 0), of which end() adds the first @len. Nothing else may be added in between. */
static inline guint8 *
deye_bus_outbuf_begin (DeyeBusOutbuf *outbuf, gsize most)
{
  DeyeBusOutPart *part = outbuf->last;

  if (part == NULL || part->capacity < part->len + most)
    return deye_bus_outbuf_grow (outbuf, most);
  return part->bytes + part->len;
}

/* For this module only. */
static inline void
deye_bus_outbuf_count_bytes (DeyeBusOutbuf *outbuf, gsize len)
{
  outbuf->last->len += len;
  outbuf->bytes += len;
  outbuf->added += len;
}

static inline void
deye_bus_outbuf_end (DeyeBusOutbuf *outbuf, gsize len)
{
  DeyeBusOutPart *part = outbuf->last;

  part->last_frame = part->len;
  if (part->first_frame == DEYE_BUS_OUT_NO_FRAME)
    part->first_frame = part->last_frame;
  deye_bus_outbuf_count_bytes (outbuf, len);
}

static inline gsize
deye_bus_outbuf_bytes (const DeyeBusOutbuf *outbuf)
{
  return outbuf->bytes;
}

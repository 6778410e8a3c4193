/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-envelope.h"

/*
 * The output buffer of a connection: bytes that the socket has not taken yet, in order.
 *
 * Small frames are copied one behind the other into pooled chunks of 64 KiB; a large payload is referenced and written without a
 * copy. The buffer has no limit of its own: the session only adds frames for which it has credit.
 *
 * Invariant: bytes() is the number of bytes that were added and not sent.
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
  gsize sent; /* number of bytes of @first that were sent */
  gsize bytes;
  guint64 added;           /* total of the bytes that were added */
  DeyeBusOutMessage begun; /* the last frame that begins in a part that was sent and freed */
  /* Set while another thread (the flusher) writes from the buffer; NULL: none does. Functions that read or change the front of the
   * buffer call it first, which takes the bytes back and clears this member. Functions that only add bytes do not call it. */
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

/* Frees the spare chunks except one. A client that sends much uses them all the time, so call it when the client is quiet. */
void deye_bus_outbuf_trim (DeyeBusOutbuf *outbuf);
gboolean deye_bus_outbuf_is_trim (const DeyeBusOutbuf *outbuf);

/* Appends @len bytes in one piece and returns them; the caller fills them at once with a frame or the head of a frame. If it is a
 * head, the rest of the frame is added next, with refer() or add_payload(). */
guint8 *deye_bus_outbuf_add (DeyeBusOutbuf *outbuf, gsize len);
/* Appends the bytes of @payload without a copy. */
void deye_bus_outbuf_refer (DeyeBusOutbuf *outbuf, GBytes *payload);
/* Copies a small @payload, refers to a large one. @payload: (nullable). */
void deye_bus_outbuf_add_payload (DeyeBusOutbuf *outbuf, GBytes *payload);

/* Append a whole frame that needs no credit: one with the body @body, and one with the fields of @envelope and no payload. */
void deye_bus_outbuf_add_frame (DeyeBusOutbuf *outbuf, guint8 kind, WireSpan body);
void deye_bus_outbuf_add_envelope (DeyeBusOutbuf *outbuf, guint8 kind, const WireEnvelope *envelope);

/* The bytes to write next, in up to @max spans; valid until sent() or the next add(). */
guint deye_bus_outbuf_gather (const DeyeBusOutbuf *outbuf, WireSpan *spans, guint max);
/* The first @n bytes were written. */
void deye_bus_outbuf_sent (DeyeBusOutbuf *outbuf, gsize n);

/* A whole frame with its header; valid during the call only. */
typedef void (*DeyeBusOutFunc) (const guint8 *frame, gsize len, gpointer data);
/* Calls @func for each frame of which no byte was sent, in order. */
void deye_bus_outbuf_foreach_unsent (const DeyeBusOutbuf *outbuf, DeyeBusOutFunc func, gpointer data);

/* Counts by reading all frames, which is too slow to do for each message. */
DeyeBusOutCount deye_bus_outbuf_count (const DeyeBusOutbuf *outbuf);

/* Appends a part; for begin(). */
guint8 *deye_bus_outbuf_grow (DeyeBusOutbuf *outbuf, gsize most);

/* Like add(), for a whole frame in one piece whose length is known only after it was written: returns room for @most bytes (not
 * 0), and end() adds the first @len of them. Nothing else may be added in between. */
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

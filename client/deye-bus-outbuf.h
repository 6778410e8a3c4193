/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "wire-span.h"

/*
 * Bytes that a connection owes its socket, in order.
 *
 * Small frames lie one behind the other in pooled chunks of 64 KiB; a large payload is referenced and goes out from
 * where it lies. There is no bound in here: the session only puts what the broker's credit allows.
 *
 * Invariant: bytes() is what was put and not sent.
 */

#define DEYE_BUS_OUTBUF_COPY_MAX 8192u /* payloads up to this are copied */

typedef struct DeyeBusOutPart DeyeBusOutPart;

typedef struct
{
  DeyeBusOutPart *first;
  DeyeBusOutPart *last;
  DeyeBusOutPart *spare; /* empty chunks, a few */
  guint n_spare;
  guint n_referred;
  gsize sent; /* of the first part */
  gsize bytes;
} DeyeBusOutbuf;

void deye_bus_outbuf_init (DeyeBusOutbuf *outbuf);
void deye_bus_outbuf_clear (DeyeBusOutbuf *outbuf);

/* Room for exactly @len bytes, in one piece, which the caller fills at once. */
guint8 *deye_bus_outbuf_add (DeyeBusOutbuf *outbuf, gsize len);
/* Appends the bytes of @payload without a copy. */
void deye_bus_outbuf_refer (DeyeBusOutbuf *outbuf, GBytes *payload);

/* What is to be written next; valid until sent() or the next add(). */
guint deye_bus_outbuf_gather (const DeyeBusOutbuf *outbuf, WireSpan *spans, guint max);
void deye_bus_outbuf_sent (DeyeBusOutbuf *outbuf, gsize n);

static inline gsize
deye_bus_outbuf_bytes (const DeyeBusOutbuf *outbuf)
{
  return outbuf->bytes;
}

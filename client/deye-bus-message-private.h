/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-hop-private.h"
#include "deye-bus-message-pool.h"
#include "deye-bus-message.h"
#include "wire-delivery.h"
#include "wire-envelope.h"

/*
 * A received message: one block that holds the frame's body, and pointers into it.
 *
 * A string on the wire does not end with NUL. But each string is followed by the tag of the next field, which is not needed
 * after the body has been read. So the NUL is written over that tag, and strings need no copy. The payload is never written to.
 *
 * Invariant: after construction only the reference count, @to_handle and @handled change.
 */

/* Rare fields, which few messages have. */
typedef struct
{
  const char *method;
  const char *content_type;
  const char *correlation_id;
  const char *parent_id;
  const char *root_id;
  const char *stage;
  const char **tags; /* NULL: none */
  guint n_tags;
  guint32 depth;
  WireSpan trace_id;
  WireSpan span_id;
  guint8 trace_flags;
  guint32 attempt;
  guint64 sequence_number;
  guint64 skipped; /* REPLY: reports of progress that this one replaced */
  guint64 incarnation;
  gint64 remaining_us;
  gint64 ttl_us;
  GError *error; /* REPLY: of a responder that failed; NULL: none */
} DeyeBusMessageRare;

struct _DeyeBusMessage
{
  gatomicrefcount refs;
  guint8 kind;
  guint8 flags;
  guint8 priority;
  guint8 size_class; /* of this block, in the pool */
  gboolean is_retained;
  guint to_handle;  /* callbacks that have not ended yet; the client's thread only */
  gboolean handled; /* a callback has been called */
  guint8 *block;    /* stolen from the frame reader; NULL: the body is in this block */
  gsize block_size; /* of block, or of this one */

  const char *topic;
  const char *sender;
  const char *type_name;
  WireSpan payload;
  guint64 accept_seq;
  gint64 accept_time_us;
  guint64 route_id;  /* 0: the sender waits for no answer */
  guint64 origin;    /* of its session: the route is only valid there */
  DeyeBusHops *hops; /* NULL: its sender asked for none */

  const DeyeBusMessageRare *rare; /* never NULL; static, or the first of @more */
  guint64 more[];                 /* @rare, and the body, if they are in this block */
};

/* Makes a message from @frame. @envelope was read from its body. Takes the block over from @reader if the body is there. @pool:
 * (nullable): a pool for the block of the message. NULL: no memory. */
DeyeBusMessage *deye_bus_message_new (DeyeBusMessagePool *pool,
                                      WireFrameReader *reader,
                                      const WireFrame *frame,
                                      const WireEnvelope *envelope);

/* The same for a usual delivery, whose body is not in a block of the reader. @delivery was read from the body of @frame. */
DeyeBusMessage *
deye_bus_message_new_delivery (DeyeBusMessagePool *pool, const WireFrame *frame, const WireDelivery *delivery);

/* Returns @part, bytes of @message, as a GBytes that holds a reference to @message. */
GBytes *deye_bus_message_dup_part (DeyeBusMessage *message, WireSpan part);

/* Like deye_bus_message_unref(), in the thread that owns @pool. If this was the last reference, the pool gets the block. */
void deye_bus_message_drop (DeyeBusMessage *message, DeyeBusMessagePool *pool);

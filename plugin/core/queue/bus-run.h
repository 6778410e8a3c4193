/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-message.h"

/*
 * A run: plain messages of one publisher to one topic that follow each other in the bytes of one read.
 *
 * Class, rights, matched set, memory and credit are checked once for the whole run instead of for each message. No message of a
 * run asks for an answer, a time to live or a trace, or is large enough for a block of its own. A run consists of views of the
 * read buffer, so it never outlives the input call. bus-dispatch-run collects a run, bus-route-run routes it, and bus-admit-run
 * encodes it. Messages that cannot be handled together are handled one by one like any other message, so that no rule of a queue
 * exists twice.
 *
 * The messages have consecutive accept sequences. One ticket, or one part of a ticket, withholds the credit of the whole run
 * or, in a group, of the messages that one member got. It returns this credit only with the last message, so a run is limited to a
 * part (1/BUS_RUN_SHARE) of the window of its publisher.
 *
 * Invariant: between two input calls a run is empty.
 */

#define BUS_RUN_MESSAGES 128u
#define BUS_RUN_BYTES    65536u /* of bodies */
#define BUS_RUN_BODY_MAX 4096u  /* of one body, which is copied for each receiver */
#define BUS_RUN_SHARE    8u     /* a run is at most one eighth of the window of its publisher */

/* The largest number of bytes in front of the body of a message: header, stamp, one subscription. */
#define BUS_RUN_FRONT_MAX (WIRE_FRAME_HEADER_LEN + WIRE_STAMP_COMMON_MAX + 16u)

typedef struct
{
  WireSpan body;  /* the client's bytes, in the read buffer */
  WireSpan topic; /* in these bytes */
  gsize payload_len;
  guint64 id;
  BusMessage *kept; /* the kept form, once a receiver needed it; NULL: none yet */
  guint refused;    /* by subscriptions */
} BusRunMessage;

typedef struct
{
  /* bus-dispatch-run */
  WireSpan input;         /* the bytes from which frames are read */
  struct BusMatch *match; /* the receivers of all messages */
  WireSpan type_name;     /* of the last message */
  gint64 now_us;
  guint n_max;
  gsize bytes_max;

  guint n;
  gsize bytes;         /* of the bodies */
  gsize payload_bytes; /* of the payloads */
  gsize cost;          /* in bytes of credit */
  WireClassOf class_of;
  guint domain;
  BusLedger *publisher;
  guint64 number;    /* unique among all runs */
  guint64 first_seq; /* of the first message */
  gint64 time_us;    /* of acceptance, as in the stamp */
  WireSpan sender;
  guint held;            /* messages whose credit is withheld; set by bus-route-run */
  gsize held_cost;       /* and their cost */
  WireEnvelope envelope; /* of one message, with the fields that queues read */

  /* The stamp of a message is head, its accept sequence as a varint, and tail. All messages of an input have the same head and
   * tail. */
  guint8 head_len; /* 0: not encoded yet */
  guint8 tail_len;
  guint8 head[80]; /* copied in steps of 16 bytes, like tail */
  guint8 tail[16];

  /* The frames of all messages for one subscription, made when several receivers get them. */
  guint n_encoded;
  guint32 encoded_for;
  guint32 ends[BUS_RUN_MESSAGES]; /* of each frame */
  guint8 encoded[BUS_RUN_BYTES + BUS_RUN_MESSAGES * BUS_RUN_FRONT_MAX];

  BusRunMessage messages[BUS_RUN_MESSAGES];
} BusRun;

/* Payload bytes of @n messages, beginning with number @from. */
static inline gsize
bus_run_payload_bytes (const BusRun *run, guint from, guint n)
{
  gsize bytes = 0;

  if (n == run->n)
    return run->payload_bytes;
  for (guint i = from; i < from + n; i++)
    bytes += run->messages[i].payload_len;
  return bytes;
}

/* Writes message @i of the run to @start as a frame, DELIVER to one subscription. Returns its end. Up to 15 bytes behind it may be
 * overwritten. */
static inline guint8 *
bus_run_write_frame (guint8 *start, const BusRun *run, guint i, guint32 subscription)
{
  const WireSpan body = run->messages[i].body;
  guint8 *at = bus_stamp_copy (start + WIRE_FRAME_HEADER_LEN, run->head, run->head_len);

  at = bus_stamp_copy (wire_varint_put (at, run->first_seq + i), run->tail, run->tail_len);
  at = wire_stamp_subscription (at, subscription);
  memcpy (at, body.data, body.len);
  at += body.len;
  wire_frame_put_header (start, WIRE_KIND_DELIVER, 0, (guint32) ((gsize) (at - start) - WIRE_FRAME_HEADER_LEN));
  return at;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-message.h"

/*
 * A run: messages of one read that one publisher sent to one topic, one behind the other, and that ask for nothing of their own.
 *
 * Class, rights, matched set, memory and credit are checked once for all of them. A run consists of views of the read buffer,
 * so it never outlives the input call. It has no frame that needs an answer, a time to live, a trace or a block of its own.
 * A run is collected by bus-dispatch-run, routed by bus-route-run, and queued by bus-admit-run. Messages that cannot be
 * handled together are handled as if each had come alone, so that no rule of a queue exists twice.
 *
 * The messages have consecutive places in the order of the broker. One ticket withholds the credit of a whole run, or with a
 * group of the messages that a member got. A run is therefore at most BUS_RUN_SHARE of its publisher's window.
 *
 * Invariant: between two input calls a run is empty.
 */

#define BUS_RUN_MESSAGES 128u
#define BUS_RUN_BYTES    65536u /* of bodies */
#define BUS_RUN_BODY_MAX 4096u  /* of one body: it is copied for each receiver, however many there are */
#define BUS_RUN_SHARE    8u     /* part of the window of its publisher */

/* The most that is written in front of the body of a message: header, stamp, one subscription. */
#define BUS_RUN_FRONT_MAX (WIRE_FRAME_HEADER_LEN + WIRE_STAMP_COMMON_MAX + 16u)

typedef struct
{
  WireSpan body;  /* the client's bytes, in the read buffer */
  WireSpan topic; /* in them */
  gsize payload_len;
  guint64 id;
  BusMessage *kept; /* the kept form, once a receiver needed it; NULL: none yet */
  guint refused;    /* by subscriptions */
} BusRunMessage;

typedef struct
{
  /* bus-dispatch-run */
  WireSpan input;         /* that frames are read from */
  struct BusMatch *match; /* the receivers of all messages */
  WireSpan type_name;     /* of the last message */
  gint64 now_us;
  guint n_max;
  gsize bytes_max;

  guint n;
  gsize bytes;         /* of the bodies */
  gsize payload_bytes; /* of the payloads */
  gsize cost;          /* of the credit */
  WireClassOf class_of;
  guint domain;
  BusLedger *publisher;
  guint64 number;    /* differs from that of every run before it */
  guint64 first_seq; /* of the first message */
  gint64 time_us;    /* of acceptance, as it is stamped */
  WireSpan sender;
  guint held;            /* messages whose credit is withheld; set by bus-route-run */
  gsize held_cost;       /* and their credit */
  WireEnvelope envelope; /* of one message, as far as queues read it */

  /* The stamp of each message: a part, the sequence as a varint, another part. */
  guint8 head_len;
  guint8 tail_len;
  guint8 head[80]; /* whole steps of 16 bytes, as those below */
  guint8 tail[16];

  /* The frames of all messages for one subscription, made when several receivers get them. */
  guint n_encoded;
  guint32 encoded_for;
  guint32 ends[BUS_RUN_MESSAGES]; /* of each frame */
  guint8 encoded[BUS_RUN_BYTES + BUS_RUN_MESSAGES * BUS_RUN_FRONT_MAX];

  BusRunMessage messages[BUS_RUN_MESSAGES];
} BusRun;

/* Payload bytes of the messages from @from on. */
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

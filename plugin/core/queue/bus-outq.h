/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-segment.h"
#include "queue/bus-waiting-run.h"

/*
 * Encoded frames of one peer that wait for its connection, in two lanes. Control frames are sent before data frames.
 *
 * Small frames are encoded one after the other into pooled segments; the client bytes of a large frame are referenced, not copied.
 * No policy drops a frame of this queue; messages that may still be dropped wait in bus-fifo.
 *
 * For sending, whole segments are moved to the tx list: at most 64 KiB of small frames, or one large message, at a time. They stay
 * there until all of their bytes are sent. So a control frame waits for at most this much data that was in front of it.
 *
 * Invariant: a segment ends at a frame boundary. bus_outq_bytes() is the number of bytes that were put and not sent; they are
 * charged to the peer. The memory of segments counts for the cap of the broker (bus-segment).
 */

#define BUS_OUTQ_TURN_BYTES      65536u /* the most for one gathered write, unless one message is larger */
#define BUS_OUTQ_COPY_MAX        8192u  /* client bytes up to this are copied, larger ones referenced */
#define BUS_OUTQ_COPY_MAX_FANOUT 4096u  /* the same with more than BUS_OUTQ_FANOUT receivers */
#define BUS_OUTQ_FANOUT          4u

typedef struct
{
  BusSegmentPool *pool;
  BusQuota *quota;
  BusUsage *usage;
  struct
  {
    BusSegment *first;
    BusSegment *last;
    gsize bytes;
  } lanes[WIRE_N_LANES];
  BusSegment *tx_first;
  BusSegment *tx_last;
  gsize tx_bytes; /* in tx and not sent */
  gsize tx_sent;  /* of tx_first */
} BusOutq;

void bus_outq_init (BusOutq *outq, BusSegmentPool *pool, BusQuota *quota, BusUsage *usage);
void bus_outq_clear (BusOutq *outq);

/* Appends a frame of the broker itself: an envelope (nullable) with its payload, or a body that is encoded already. A frame in the
 * control lane and a CANCEL may use the reserve of the quota. FALSE, here and below: no memory, and nothing was put. */
gboolean
bus_outq_put (BusOutq *outq, WireLane lane, guint8 kind, guint8 flags, const WireEnvelope *envelope, WireSpan body);

/* Writes the payload @message to @to, which has room for it. Returns its length. */
typedef gsize (*BusPackFunc) (gconstpointer message, guint8 *to);

/* Appends a frame of the broker itself; @pack writes the payload directly into the segment. Of the payload in @envelope only the
 * length is used. @rest: (nullable): the last bytes of the payload. They are referenced, not copied; @pack writes only the bytes
 * before them. */
gboolean bus_outq_put_packed (BusOutq *outq,
                              WireLane lane,
                              guint8 kind,
                              guint8 flags,
                              const WireEnvelope *envelope,
                              BusPackFunc pack,
                              gconstpointer message,
                              GBytes *rest);

/* Appends a message of a client: the stamp, then the unchanged bytes of the client. They are copied, or referenced if @refer
 * (nullable), the message that contains them, is set. */
gboolean bus_outq_put_message (BusOutq *outq,
                               WireLane lane,
                               guint8 kind,
                               guint8 flags,
                               const BusStamp *stamp,
                               const WireStampOwn *own,
                               WireSpan body,
                               BusMessage *refer);

/* The same for a DELIVER to one subscription, without other fields of its own in the stamp; the bytes are copied. */
gboolean bus_outq_put_plain (BusOutq *outq, WireLane lane, const BusStamp *stamp, guint32 subscription, WireSpan body);

/* The end of the stamp of retained values for one subscription. */
typedef struct
{
  guint8 bytes[16];
  guint8 len;
} BusOutqOwn;

void bus_outq_own_init (BusOutqOwn *own, guint32 subscription);

/* Appends a DELIVER of a retained value. Returns the number of bytes, which the caller counts and charges with bus_outq_count()
 * before anything else uses the queue. 0: no memory, and nothing was put. */
gsize bus_outq_put_retained (BusOutq *outq, WireLane lane, const BusStamp *stamp, const BusOutqOwn *own, WireSpan body);
void bus_outq_count (BusOutq *outq, WireLane lane, gsize bytes);

/* Appends @n messages of a run, beginning with number @from, as DELIVER to one subscription. Returns the number of messages for
 * which there was memory. */
guint bus_outq_put_run (BusOutq *outq, const BusRun *run, guint from, guint n, guint32 subscription);

/* The same as bus_outq_put_run() for the first @n messages of a run that waits. */
guint bus_outq_put_waiting (BusOutq *outq, const BusWaitingRun *run, guint n);

/* The same for the first messages of a run with several receivers: they are encoded once, and copied for each of them. */
guint bus_outq_copy_run (BusOutq *outq, BusRun *run, guint n, guint32 subscription);

/* Drops the frames of a lane, except those in the tx list: a frame that is partly sent must be completed. */
void bus_outq_drop (BusOutq *outq, WireLane lane);

/* Returns at most @max spans of the bytes to be sent next, in order; they stay valid until bus_outq_sent(). */
guint bus_outq_gather (BusOutq *outq, WireSpan *spans, guint max);
void bus_outq_sent (BusOutq *outq, gsize n);

static inline gsize
bus_outq_lane_bytes (const BusOutq *outq, WireLane lane)
{
  return outq->lanes[lane].bytes;
}

static inline gsize
bus_outq_bytes (const BusOutq *outq)
{
  return outq->lanes[WIRE_LANE_CONTROL].bytes + outq->lanes[WIRE_LANE_DATA].bytes + outq->tx_bytes;
}

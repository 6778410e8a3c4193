/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-run.h"

/*
 * Encoded frames of one peer that wait for its connection: two lanes, control before data at frame boundaries.
 *
 * Small frames are encoded one behind the other into pooled segments; the client bytes of a large one are referenced,
 * not copied. A frame in this queue cannot be dropped any more; messages that may still be dropped wait in bus-fifo.
 *
 * For sending, whole segments move to the tx list, at most 64 KiB of small ones or one large message at a time, and
 * stay where they are until they are sent. So a control frame waits for at most that much data.
 *
 * Invariant: a segment ends at a frame boundary; bytes() is what was put and not sent, and is charged to the peer. A
 * segment is held against the cap of the broker with all its room until it is free; a referenced message holds its
 * own bytes.
 */

#define BUS_OUTQ_TURN_BYTES      65536u /* for one gathered write, unless one message is larger */
#define BUS_OUTQ_COPY_MAX        8192u  /* client bytes up to this are copied, larger ones referenced */
#define BUS_OUTQ_COPY_MAX_FANOUT 4096u  /* the same with more than BUS_OUTQ_FANOUT receivers */
#define BUS_OUTQ_FANOUT          4u

typedef struct BusSegment BusSegment;

typedef struct
{
  BusSegment *first;
  guint n;
} BusSpareSegments;

/* Free segments of all peers of a core, of the two usual sizes; a bounded number of each. */
typedef struct
{
  BusSpareSegments small;
  BusSpareSegments large;
} BusSegmentPool;

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

void bus_segment_pool_clear (BusSegmentPool *pool);

void bus_outq_init (BusOutq *outq, BusSegmentPool *pool, BusQuota *quota, BusUsage *usage);
void bus_outq_clear (BusOutq *outq);

/* Appends a frame of the broker's own: an envelope (nullable) with its payload, or a body that is encoded already.
 * In the control lane, and for a CANCEL, it may use the quota's reserve. FALSE, also below: no memory, and nothing was put. */
gboolean
bus_outq_put (BusOutq *outq, WireLane lane, guint8 kind, guint8 flags, const WireEnvelope *envelope, WireSpan body);

/* Writes the payload @message to @to, which has room for it. Returns its length. */
typedef gsize (*BusPackFunc) (gconstpointer message, guint8 *to);

/* Appends a frame of the broker's own whose payload is written where it is sent from. Only the length of @envelope's payload is used. */
gboolean bus_outq_put_packed (BusOutq *outq,
                              WireLane lane,
                              guint8 kind,
                              guint8 flags,
                              const WireEnvelope *envelope,
                              BusPackFunc pack,
                              gconstpointer message);

/* Appends a client's message: stamp, then its untouched bytes, copied; with @refer set they lie in that message and are
 * referenced instead. */
gboolean bus_outq_put_message (BusOutq *outq,
                               WireLane lane,
                               guint8 kind,
                               guint8 flags,
                               const BusStamp *stamp,
                               const WireStampOwn *own,
                               WireSpan body,
                               BusMessage *refer);

/* The same for a DELIVER whose own part of the stamp is one subscription, and whose bytes are copied. */
gboolean bus_outq_put_plain (BusOutq *outq, WireLane lane, const BusStamp *stamp, guint32 subscription, WireSpan body);

/* Appends messages of a run from @from on as DELIVER to one subscription. Returns how many there was memory for. */
guint bus_outq_put_run (BusOutq *outq, const BusRun *run, guint from, guint n, guint32 subscription);

/* The same for the first messages of a run with several receivers: they are encoded once, and copied for each of them. */
guint bus_outq_copy_run (BusOutq *outq, BusRun *run, guint n, guint32 subscription);

/* Drops what is not in the tx list yet; a frame that has begun is completed. */
void bus_outq_drop (BusOutq *outq, WireLane lane);

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

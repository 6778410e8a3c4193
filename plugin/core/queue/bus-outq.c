/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-outq.h"

#include "wire-hot.h"

#define SEGMENT_HEAD 256u /* the stamp of a referenced message: nothing is written behind it */

void
bus_outq_init (BusOutq *outq, BusSegmentPool *pool, BusQuota *quota, BusUsage *usage)
{
  *outq = (BusOutq){ .pool = pool, .quota = quota, .usage = usage };
}

void
bus_outq_drop (BusOutq *outq, WireLane lane)
{
  bus_segment_free_chain (outq->pool, outq->quota, outq->lanes[lane].first);
  bus_quota_refund (outq->quota, outq->usage, outq->lanes[lane].bytes);
  outq->lanes[lane].first = NULL;
  outq->lanes[lane].last = NULL;
  outq->lanes[lane].bytes = 0;
}

void
bus_outq_clear (BusOutq *outq)
{
  for (guint lane = 0; lane < WIRE_N_LANES; lane++)
    bus_outq_drop (outq, lane);
  bus_segment_free_chain (outq->pool, outq->quota, outq->tx_first);
  bus_quota_refund (outq->quota, outq->usage, outq->tx_bytes);
  bus_outq_init (outq, outq->pool, outq->quota, outq->usage);
}

/* The segment at the end of the lane, or a new one, with room for @need bytes. @coming: bytes that are about to be put, @need
 * included, as far as the caller knows them. @ends: the segment ends with this frame. @reserve: a new segment may use the reserve
 * of the quota, and is then no larger than needed. NULL: no memory. */
WIRE_HOT static BusSegment *
outq_room_for (BusOutq *outq, WireLane lane, gsize need, gsize coming, gboolean ends, gboolean reserve)
{
  BusSegment *last = outq->lanes[lane].last;
  gsize capacity;

  if (last != NULL && last->tail.len == 0 && last->capacity - last->len >= need)
    return last;

  if (ends)
    capacity = MAX (need, SEGMENT_HEAD);
  else
    capacity
        = last == NULL && MAX (need, coming) <= BUS_SEGMENT_SMALL ? BUS_SEGMENT_SMALL : MAX (need, BUS_SEGMENT_LARGE);
  last = bus_segment_new (outq->pool, outq->quota, capacity, FALSE);
  if (last == NULL && (reserve || capacity > MAX (need, BUS_SEGMENT_SMALL)))
    last = bus_segment_new (outq->pool, outq->quota, MAX (need, BUS_SEGMENT_SMALL),
                            reserve); /* little is left: no larger than needed */
  if (last == NULL)
    return NULL;
  if (outq->lanes[lane].last != NULL)
    outq->lanes[lane].last->next = last;
  else
    outq->lanes[lane].first = last;
  outq->lanes[lane].last = last;
  return last;
}

static guint8 *
outq_append (guint8 *at, WireSpan bytes)
{
  if (bytes.len == 0)
    return at;
  memcpy (at, bytes.data, bytes.len);
  return at + bytes.len;
}

/* Returns the place for a frame of at most @own_max bytes, without those that are referenced. NULL: no memory. */
static guint8 *
outq_begin_frame (BusOutq *outq, WireLane lane, gsize own_max, gsize tail_len, gboolean reserve)
{
  BusSegment *segment;

  if (own_max + tail_len > G_MAXUINT32)
    return NULL;
  segment = outq_room_for (outq, lane, own_max, own_max, tail_len > 0, reserve);
  return segment != NULL ? segment->bytes + segment->len : NULL;
}

/* Completes the frame that outq_begin_frame() began and that ends at @end: writes its header, and counts and charges it. */
static void
outq_finish_frame (BusOutq *outq,
                   WireLane lane,
                   guint8 kind,
                   guint8 flags,
                   const guint8 *end,
                   WireSpan tail,
                   BusMessage *refer,
                   GBytes *refer_bytes)
{
  BusSegment *segment = outq->lanes[lane].last;
  guint8 *start = segment->bytes + segment->len;
  gsize own = (gsize) (end - start);

  g_assert (own <= segment->capacity - segment->len);
  wire_frame_put_header (start, kind, flags, (guint32) (own - WIRE_FRAME_HEADER_LEN + tail.len));
  segment->len += own;
  if (tail.len > 0)
    {
      segment->tail = tail;
      segment->tail_owner = refer != NULL ? bus_message_ref (refer) : NULL;
      segment->tail_bytes = refer_bytes != NULL ? g_bytes_ref (refer_bytes) : NULL;
    }
  outq->lanes[lane].bytes += own + tail.len;
  bus_quota_charge (outq->quota, outq->usage, own + tail.len);
}

gboolean
bus_outq_put (BusOutq *outq, WireLane lane, guint8 kind, guint8 flags, const WireEnvelope *envelope, WireSpan body)
{
  gsize fields = envelope != NULL ? wire_envelope_size (envelope) + envelope->payload.len : 0;
  gboolean reserve = lane == WIRE_LANE_CONTROL || kind == WIRE_KIND_CANCEL;
  guint8 *at = outq_begin_frame (outq, lane, WIRE_FRAME_HEADER_LEN + fields + body.len, 0, reserve);

  if (at == NULL)
    return FALSE;
  at += WIRE_FRAME_HEADER_LEN;
  if (envelope != NULL)
    at = outq_append (wire_envelope_write (envelope, at), envelope->payload);
  outq_finish_frame (outq, lane, kind, flags, outq_append (at, body), wire_span (NULL, 0), NULL, NULL);
  return TRUE;
}

/* Like outq_begin_frame(), and adds the referenced bytes to the memory of the broker. */
static guint8 *
outq_begin_frame_holding (BusOutq *outq, WireLane lane, gsize own_max, gsize tail_len)
{
  guint8 *at;

  if (tail_len > 0 && !bus_quota_hold (outq->quota, tail_len))
    return NULL;
  at = outq_begin_frame (outq, lane, own_max, tail_len, FALSE);
  if (at == NULL)
    bus_quota_release (outq->quota, tail_len);
  return at;
}

gboolean
bus_outq_put_packed (BusOutq *outq,
                     WireLane lane,
                     guint8 kind,
                     guint8 flags,
                     const WireEnvelope *envelope,
                     BusPackFunc pack,
                     gconstpointer message,
                     GBytes *rest)
{
  gsize rest_len = 0;
  const guint8 *rest_data = rest != NULL ? g_bytes_get_data (rest, &rest_len) : NULL;
  const gsize len = envelope->payload.len - rest_len;
  guint8 *at
      = outq_begin_frame_holding (outq, lane, WIRE_FRAME_HEADER_LEN + wire_envelope_size (envelope) + len, rest_len);
  const guint8 *end;

  if (at == NULL)
    return FALSE;
  at = wire_envelope_write (envelope, at + WIRE_FRAME_HEADER_LEN);
  end = at + pack (message, at);
  g_assert (end == at + len);
  outq_finish_frame (outq, lane, kind, flags, end, wire_span (rest_data, rest_len), NULL, rest);
  return TRUE;
}

gboolean
bus_outq_put_message (BusOutq *outq,
                      WireLane lane,
                      guint8 kind,
                      guint8 flags,
                      const BusStamp *stamp,
                      const WireStampOwn *own,
                      WireSpan body,
                      BusMessage *refer)
{
  WireSpan copied = refer == NULL ? body : wire_span (NULL, 0);
  WireSpan tail = refer == NULL ? wire_span (NULL, 0) : body;
  guint8 *at = outq_begin_frame (
      outq, lane, WIRE_FRAME_HEADER_LEN + stamp->len + WIRE_STAMP_OWN_MAX (own->n_subscriptions) + copied.len, tail.len,
      FALSE);

  if (at == NULL)
    return FALSE;
  at = outq_append (at + WIRE_FRAME_HEADER_LEN, wire_span (stamp->bytes, stamp->len));
  at += wire_stamp_own (at, own);
  outq_finish_frame (outq, lane, kind, flags, outq_append (at, copied), tail, refer, NULL);
  return TRUE;
}

/* The place for a DELIVER to one subscription of at most @own_max bytes. NULL: no memory. */
G_ALWAYS_INLINE static inline BusSegment *
outq_delivery_segment (BusOutq *outq, WireLane lane, gsize own_max)
{
  BusSegment *segment = outq->lanes[lane].last;

  if (segment == NULL || segment->tail.len > 0 || segment->capacity - segment->len < own_max)
    return outq_room_for (outq, lane, own_max, own_max, FALSE, FALSE);
  return segment;
}

/* Completes the DELIVER whose body begins at @at. Returns its length. */
G_ALWAYS_INLINE static inline gsize
outq_finish_delivery (BusSegment *segment, guint8 *at, WireSpan body)
{
  guint8 *start = segment->bytes + segment->len;
  const gsize own = (gsize) (at - start) + body.len;

  memcpy (at, body.data, body.len);
  wire_frame_put_header (start, WIRE_KIND_DELIVER, 0, (guint32) (own - WIRE_FRAME_HEADER_LEN));
  segment->len += own;
  return own;
}

void
bus_outq_count (BusOutq *outq, WireLane lane, gsize bytes)
{
  outq->lanes[lane].bytes += bytes;
  bus_quota_charge (outq->quota, outq->usage, bytes);
}

gboolean
bus_outq_put_plain (BusOutq *outq, WireLane lane, const BusStamp *stamp, guint32 subscription, WireSpan body)
{
  BusSegment *segment
      = outq_delivery_segment (outq, lane, WIRE_FRAME_HEADER_LEN + stamp->len + WIRE_STAMP_OWN_MAX (1) + body.len);
  guint8 *at;

  if (segment == NULL)
    return FALSE;
  at = bus_stamp_copy (segment->bytes + segment->len + WIRE_FRAME_HEADER_LEN, stamp->bytes, stamp->len);
  at = wire_stamp_subscription (at, subscription);
  bus_outq_count (outq, lane, outq_finish_delivery (segment, at, body));
  return TRUE;
}

void
bus_outq_own_init (BusOutqOwn *own, guint32 subscription)
{
  const guint8 *end = wire_stamp_retained (wire_stamp_subscription (own->bytes, subscription));

  G_STATIC_ASSERT (sizeof own->bytes >= 3 + 5 + 3);
  own->len = (guint8) (end - own->bytes);
}

/* All of own->bytes are copied, with a constant length: the body overwrites those that are too many. */
WIRE_HOT gsize
bus_outq_put_retained (BusOutq *outq, WireLane lane, const BusStamp *stamp, const BusOutqOwn *own, WireSpan body)
{
  BusSegment *segment
      = outq_delivery_segment (outq, lane, WIRE_FRAME_HEADER_LEN + stamp->len + WIRE_STAMP_OWN_MAX (1) + body.len);
  guint8 *at;

  G_STATIC_ASSERT (sizeof own->bytes <= WIRE_STAMP_OWN_MAX (1));
  if (segment == NULL)
    return 0;
  at = bus_stamp_copy (segment->bytes + segment->len + WIRE_FRAME_HEADER_LEN, stamp->bytes, stamp->len);
  memcpy (at, own->bytes, sizeof own->bytes);
  return outq_finish_delivery (segment, at + own->len, body);
}

/* --- runs --- */

/* Writes up to @n messages of the run, beginning with number @from, as far as they are certain to fit. Returns their number. */
static guint
outq_fill_with_run (BusSegment *segment, const BusRun *run, guint from, guint n, guint32 subscription)
{
  guint8 *at = segment->bytes + segment->len;
  const guint8 *end = segment->bytes + segment->capacity;
  guint done = 0;

  while (done < n && (gsize) (end - at) >= BUS_RUN_FRONT_MAX + run->messages[from + done].body.len)
    at = bus_run_write_frame (at, run, from + done++, subscription);
  segment->len = (gsize) (at - segment->bytes);
  return done;
}

WIRE_HOT guint
bus_outq_put_run (BusOutq *outq, const BusRun *run, guint from, guint n, guint32 subscription)
{
  const WireLane lane = run->class_of.lane;
  gsize own = 0;
  guint done = 0;

  while (done < n)
    {
      const gsize need = BUS_RUN_FRONT_MAX + run->messages[from + done].body.len;
      BusSegment *segment = outq_room_for (outq, lane, need, n - done == 1 ? need : run->bytes, FALSE, FALSE);
      gsize before;

      if (segment == NULL)
        break;
      before = segment->len;
      done += outq_fill_with_run (segment, run, from + done, n - done, subscription);
      own += segment->len - before;
    }
  outq->lanes[lane].bytes += own;
  bus_quota_charge (outq->quota, outq->usage, own);
  return done;
}

/* Copies up to @n frames of the run, beginning with number @from of those that wait, as far as they fit. Returns their number. */
static guint
outq_fill_with_waiting (BusSegment *segment, const BusWaitingRun *run, guint from, guint n)
{
  WireSpan frames = bus_waiting_run_frames (run, from, n);

  while (frames.len > segment->capacity - segment->len)
    frames = bus_waiting_run_frames (run, from, --n);
  memcpy (segment->bytes + segment->len, frames.data, frames.len);
  segment->len += frames.len;
  return n;
}

guint
bus_outq_put_waiting (BusOutq *outq, const BusWaitingRun *run, guint n)
{
  const WireLane lane = run->class_of.lane;
  gsize own = 0;
  guint done = 0;

  while (done < n)
    {
      const gsize need = bus_waiting_run_frames (run, done, 1).len;
      BusSegment *segment
          = outq_room_for (outq, lane, need, bus_waiting_run_frames (run, done, n - done).len, FALSE, FALSE);
      gsize before;

      if (segment == NULL)
        break;
      before = segment->len;
      done += outq_fill_with_waiting (segment, run, done, n - done);
      own += segment->len - before;
    }
  outq->lanes[lane].bytes += own;
  bus_quota_charge (outq->quota, outq->usage, own);
  return done;
}

static void
outq_encode_run (BusRun *run, guint32 subscription)
{
  guint8 *at = run->encoded;

  for (guint i = 0; i < run->n; i++)
    {
      at = bus_run_write_frame (at, run, i, subscription);
      run->ends[i] = (guint32) (at - run->encoded);
    }
  run->n_encoded = run->n;
  run->encoded_for = subscription;
}

/* Replaces the id of the subscription in copies of encoded frames. They were encoded for an id of the same encoded length. */
static void
outq_put_subscription (const BusRun *run, guint8 *frames, guint from, guint n, guint32 subscription)
{
  const gsize id_len = wire_varint_size (subscription);
  const guint32 start = from > 0 ? run->ends[from - 1] : 0;

  for (guint i = from; i < from + n; i++)
    wire_varint_put (frames + (run->ends[i] - start) - run->messages[i].body.len - id_len, subscription);
}

/* The number of encoded frames, beginning with number @from, that fit into @room bytes. */
static guint
outq_count_encoded (const BusRun *run, guint from, gsize room)
{
  const gsize start = from > 0 ? run->ends[from - 1] : 0;
  guint n = run->n - from;

  if (run->ends[run->n - 1] - start <= room)
    return n;
  for (n = 0; run->ends[from + n] - start <= room; n++)
    ;
  return n;
}

/* Copies up to @n encoded frames, beginning with number @from, as far as they fit. Returns their number. */
static guint
outq_fill_with_encoded (BusSegment *segment, const BusRun *run, guint from, guint n, guint32 subscription)
{
  const guint32 start = from > 0 ? run->ends[from - 1] : 0;
  guint8 *at = segment->bytes + segment->len;
  gsize len;

  n = MIN (n, outq_count_encoded (run, from, segment->capacity - segment->len));
  len = run->ends[from + n - 1] - start;
  memcpy (at, run->encoded + start, len);
  if (subscription != run->encoded_for)
    outq_put_subscription (run, at, from, n, subscription);
  segment->len += len;
  return n;
}

guint
bus_outq_copy_run (BusOutq *outq, BusRun *run, guint n, guint32 subscription)
{
  const WireLane lane = run->class_of.lane;
  gsize own;
  guint done = 0;

  if (run->n_encoded == 0)
    outq_encode_run (run, subscription);
  if (wire_varint_size (subscription) != wire_varint_size (run->encoded_for))
    return bus_outq_put_run (outq, run, 0, n, subscription);
  while (done < n)
    {
      const gsize start = done > 0 ? run->ends[done - 1] : 0;
      BusSegment *segment = outq_room_for (outq, lane, run->ends[done] - start, run->ends[n - 1] - start, FALSE, FALSE);

      if (segment == NULL)
        break;
      done += outq_fill_with_encoded (segment, run, done, n - done, subscription);
    }
  own = done > 0 ? run->ends[done - 1] : 0;
  outq->lanes[lane].bytes += own;
  bus_quota_charge (outq->quota, outq->usage, own);
  return done;
}

/* --- sending --- */

static void
outq_move_to_tx (BusOutq *outq, WireLane lane)
{
  BusSegment *segment = outq->lanes[lane].first;

  outq->lanes[lane].first = segment->next;
  if (segment->next == NULL)
    outq->lanes[lane].last = NULL;
  outq->lanes[lane].bytes -= bus_segment_size (segment);

  segment->next = NULL;
  if (outq->tx_last != NULL)
    outq->tx_last->next = segment;
  else
    outq->tx_first = segment;
  outq->tx_last = segment;
  outq->tx_bytes += bus_segment_size (segment);
}

/* Moves as many whole segments as one turn may send to the tx list, the control lane first. */
static void
outq_refill (BusOutq *outq)
{
  for (guint lane = 0; lane < WIRE_N_LANES; lane++)
    while (outq->lanes[lane].first != NULL)
      {
        if (outq->tx_first != NULL && outq->tx_bytes + bus_segment_size (outq->lanes[lane].first) > BUS_OUTQ_TURN_BYTES)
          return;
        outq_move_to_tx (outq, lane);
      }
}

guint
bus_outq_gather (BusOutq *outq, WireSpan *spans, guint max)
{
  gsize skip = outq->tx_sent;
  guint n = 0;

  if (outq->tx_first == NULL)
    outq_refill (outq);
  for (BusSegment *segment = outq->tx_first; segment != NULL && n + 2 <= max; segment = segment->next)
    {
      gsize own = MIN (skip, segment->len);

      if (own < segment->len)
        spans[n++] = wire_span (segment->bytes + own, segment->len - own);
      skip -= own;
      if (skip < segment->tail.len)
        spans[n++] = wire_span (segment->tail.data + skip, segment->tail.len - skip);
      skip = 0;
    }
  return n;
}

void
bus_outq_sent (BusOutq *outq, gsize n)
{
  g_assert (n <= outq->tx_bytes);
  bus_quota_refund (outq->quota, outq->usage, n);
  outq->tx_bytes -= n;
  outq->tx_sent += n;

  while (outq->tx_first != NULL && outq->tx_sent >= bus_segment_size (outq->tx_first))
    {
      BusSegment *segment = outq->tx_first;

      outq->tx_sent -= bus_segment_size (segment);
      outq->tx_first = segment->next;
      if (outq->tx_first == NULL)
        outq->tx_last = NULL;
      bus_segment_free (outq->pool, outq->quota, segment);
    }
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "wire-stamp.h"

#include "wire-varint.h"
#include "wire-hot.h"

enum
{
  FIELD_SENDER = 32,
  FIELD_ACCEPT_SEQ = 33,
  FIELD_ACCEPT_TIME = 34,
  FIELD_SUBSCRIPTIONS = WIRE_STAMP_SUBSCRIPTIONS,
  FIELD_ROUTE_ID = 36,
  FIELD_REMAINING = 37,
  FIELD_ANSWERS = 38,
  FIELD_MATCHED = 39,
  FIELD_QUEUED = 40,
  FIELD_REFUSED = 41,
  FIELD_HOPS = 42,
  FIELD_ATTEMPT = 43,
  FIELD_MERGED = 76,
  FIELD_RETAINED = WIRE_STAMP_RETAINED,
  FIELD_INCARNATION = 45,
};

static guint8 *
stamp_put_number (guint8 *out, guint32 field, guint64 value)
{
  return value != 0 ? wire_varint_put (wire_varint_put (out, field << 3), value) : out;
}

WIRE_HOT static guint8 *
stamp_put_sender (guint8 *out, WireSpan sender)
{
  g_assert (sender.len <= 64);
  if (sender.len == 0)
    return out;
  out = wire_varint_put (wire_varint_put (out, FIELD_SENDER << 3 | 2), sender.len);
  memcpy (out, sender.data, sender.len);
  return out + sender.len;
}

gsize
wire_stamp_before_sequence (guint8 *out, WireSpan sender)
{
  return (gsize) (wire_varint_put (stamp_put_sender (out, sender), FIELD_ACCEPT_SEQ << 3) - out);
}

gsize
wire_stamp_behind_sequence (guint8 *out, guint64 accept_time_us)
{
  return (gsize) (stamp_put_number (out, FIELD_ACCEPT_TIME, accept_time_us) - out);
}

gsize
wire_stamp_common (guint8 *out, WireSpan sender, guint64 accept_seq, guint64 accept_time_us)
{
  guint8 *at = stamp_put_sender (out, sender);

  at = stamp_put_number (at, FIELD_ACCEPT_SEQ, accept_seq);
  at = stamp_put_number (at, FIELD_ACCEPT_TIME, accept_time_us);
  return (gsize) (at - out);
}

gsize
wire_stamp_incarnation (guint8 *out, gsize len, guint64 incarnation)
{
  return (gsize) (stamp_put_number (out + len, FIELD_INCARNATION, incarnation) - out);
}

static guint8 *
stamp_put_subscriptions (guint8 *out, const WireStampOwn *own)
{
  gsize size = 0;

  for (gsize i = 0; i < own->n_subscriptions; i++)
    size += wire_varint_size (own->subscriptions[i]);
  out = wire_varint_put (wire_varint_put (out, FIELD_SUBSCRIPTIONS << 3 | 2), size);
  for (gsize i = 0; i < own->n_subscriptions; i++)
    out = wire_varint_put (out, own->subscriptions[i]);
  return out;
}

static guint8 *
stamp_put_hops (guint8 *out, const WireStampOwn *own)
{
  gsize size = 0;

  for (guint i = 0; i < WIRE_STAMP_HOPS; i++)
    size += wire_varint_size (own->hops[i]);
  out = wire_varint_put (wire_varint_put (out, FIELD_HOPS << 3 | 2), size);
  for (guint i = 0; i < WIRE_STAMP_HOPS; i++)
    out = wire_varint_put (out, own->hops[i]);
  return out;
}

static guint8 *
stamp_put_others (guint8 *at, const WireStampOwn *own)
{
  at = stamp_put_number (at, FIELD_ROUTE_ID, own->route_id);
  at = stamp_put_number (at, FIELD_REMAINING, own->remaining_us);
  at = stamp_put_number (at, FIELD_ANSWERS, own->answers);
  if (own->matched != 0)
    {
      at = stamp_put_number (at, FIELD_MATCHED, own->matched);
      at = stamp_put_number (at, FIELD_QUEUED, own->queued);
      at = stamp_put_number (at, FIELD_REFUSED, own->refused);
    }
  if (own->hops[0] != 0)
    at = stamp_put_hops (at, own);
  at = stamp_put_number (at, FIELD_ATTEMPT, own->attempt);
  at = stamp_put_number (at, FIELD_MERGED, own->merged);
  if (own->retained)
    at = stamp_put_number (at, FIELD_RETAINED, 1);
  return at;
}

gsize
wire_stamp_own (guint8 *out, const WireStampOwn *own)
{
  guint8 *at = out;

  if (own->n_subscriptions > 0)
    at = stamp_put_subscriptions (at, own);
  /* Most deliveries have none of the other fields; a single test finds that out. */
  if ((own->route_id | own->remaining_us | own->answers | own->hops[0] | own->matched | own->attempt | own->merged
       | (guint) own->retained)
      != 0)
    at = stamp_put_others (at, own);
  return (gsize) (at - out);
}

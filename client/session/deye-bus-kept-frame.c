/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-kept-frame.h"

#include "wire-frame.h"

/* @payload: (transfer full) (nullable). Changes @envelope. */
static DeyeBusKeptFrame *
kept_frame_make (guint8 kind, guint8 flags, WireEnvelope *envelope, GBytes *payload, gint64 since_us)
{
  gsize payload_len = envelope->payload.len;
  DeyeBusKeptFrame *frame;
  gsize len;

  envelope->payload = wire_span (NULL, 0);
  envelope->hops_before = wire_span (NULL, 0);
  len = wire_envelope_size (envelope);
  frame = g_malloc (sizeof *frame + len);
  frame->kind = kind;
  frame->flags = flags;
  frame->own = FALSE;
  frame->credit_class = wire_class_of (kind, envelope->topic, payload_len, 0).credit_class;
  frame->number = envelope->id;
  frame->since_us = since_us;
  frame->topic = g_strndup ((const char *) envelope->topic.data, envelope->topic.len);
  frame->payload = payload;
  frame->len = len;
  wire_envelope_write (envelope, frame->fields);
  return frame;
}

DeyeBusKeptFrame *
deye_bus_kept_frame_new (const DeyeBusEncodedCall *encoded, gint64 since_us)
{
  WireEnvelope envelope = encoded->envelope;
  GBytes *payload = encoded->payload != NULL ? g_bytes_ref (encoded->payload) : NULL;
  DeyeBusKeptFrame *frame = kept_frame_make (encoded->kind, encoded->flags, &envelope, payload, since_us);

  frame->own = encoded->own;
  return frame;
}

DeyeBusKeptFrame *
deye_bus_kept_frame_new_for_bytes (const guint8 *bytes, gsize len, gint64 since_us)
{
  WireSpan body = wire_span (bytes + WIRE_FRAME_HEADER_LEN, len - WIRE_FRAME_HEADER_LEN);
  DEYE_BUS_UNINITIALIZED WireEnvelope envelope; /* set by wire_envelope_read() */
  WireReadResult result = wire_envelope_read (body, bytes[4], WIRE_FROM_CLIENT, &envelope);
  GBytes *payload = NULL;

  g_assert (result.status == WIRE_STATUS_OK);

  if (envelope.payload.len > 0)
    payload = g_bytes_new (envelope.payload.data, envelope.payload.len);
  return kept_frame_make (bytes[4], bytes[5], &envelope, payload, since_us);
}

void
deye_bus_kept_frame_free (DeyeBusKeptFrame *frame)
{
  g_free (frame->topic);
  g_clear_pointer (&frame->payload, g_bytes_unref);
  g_free (frame);
}

/* Subtracts @age_us from @time_us. FALSE: the time has expired. A @time_us of 0 means no limit, and does not change. */
static gboolean
kept_frame_age (guint64 *time_us, guint64 age_us)
{
  if (*time_us == 0)
    return TRUE;
  if (*time_us <= age_us)
    return FALSE;
  *time_us -= age_us;
  return TRUE;
}

gboolean
deye_bus_kept_frame_encode (const DeyeBusKeptFrame *frame, guint64 id, gint64 now_us, DeyeBusEncodedCall *encoded)
{
  guint64 age_us = frame->since_us != 0 && now_us > frame->since_us ? (guint64) (now_us - frame->since_us) : 0;
  WireEnvelope *envelope = &encoded->envelope;
  WireReadResult result
      = wire_envelope_read (wire_span (frame->fields, frame->len), frame->kind, WIRE_FROM_CLIENT, envelope);

  g_assert (result.status == WIRE_STATUS_OK);

  envelope->id = id;
  if (!kept_frame_age (&envelope->ttl_us, age_us))
    return FALSE;
  if (!kept_frame_age (&envelope->deadline_us, age_us))
    envelope->deadline_us = 1; /* it has passed: the caller's own timer ends the call */
  if (frame->payload != NULL)
    envelope->payload = wire_span (g_bytes_get_data (frame->payload, NULL), g_bytes_get_size (frame->payload));
  encoded->kind = frame->kind;
  encoded->flags = frame->flags;
  encoded->own = frame->own;
  encoded->credit_class = frame->credit_class;
  encoded->payload_front = wire_span (NULL, 0);
  encoded->payload = frame->payload;
  encoded->head_len = WIRE_FRAME_HEADER_LEN + wire_envelope_size (envelope);
  return TRUE;
}

gboolean
deye_bus_kept_frame_has_expired (const DeyeBusKeptFrame *frame, gint64 now_us)
{
  DEYE_BUS_UNINITIALIZED DeyeBusEncodedCall encoded; /* set by deye_bus_kept_frame_encode() */

  return !deye_bus_kept_frame_encode (frame, frame->number, now_us, &encoded);
}

gsize
deye_bus_kept_frame_bytes (const DeyeBusKeptFrame *frame)
{
  return WIRE_FRAME_HEADER_LEN + frame->len + (frame->payload != NULL ? g_bytes_get_size (frame->payload) : 0);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-call.h"

#include "deye-bus-error-private.h"
#include "wire-frame.h"
#include "wire-text.h"

#include <glib/gi18n-lib.h>

static gsize
call_payload_len (const DeyeBusCall *call)
{
  return call->payload_front.len + (call->payload != NULL ? g_bytes_get_size (call->payload) : 0);
}

WireClass
deye_bus_call_class (const DeyeBusCall *call, guint64 features)
{
  guint8 kind = call->kind == WIRE_KIND_REPLY ? WIRE_KIND_REQUEST : call->kind;

  return wire_class_of (kind, wire_span_str (call->topic), call_payload_len (call), features).credit_class;
}

/* Only a message that is published to groups can be held for a group without members. */
static gboolean
call_is_held (const DeyeBusCall *call)
{
  return call->kind == WIRE_KIND_PUBLISH && !(call->flags & WIRE_FLAG_BROADCAST)
         && (call->target == NULL || *call->target == '\0') && deye_bus_options_is_held (call->options);
}

static void
call_fill_envelope (const DeyeBusCall *call, WireEnvelope *envelope)
{
  wire_envelope_init (envelope);
  deye_bus_options_fill (call->options, envelope);
  if (call->kind == WIRE_KIND_REPLY)
    {
      /* The broker knows from the route which request the reply answers, and how long the requester waits. */
      envelope->method = wire_span (NULL, 0);
      envelope->ttl_us = 0;
    }
  else
    envelope->topic = wire_span_str (call->topic);
  /* Without a pointer to an empty text the writer skips the whole group of the target. */
  if (call->target != NULL)
    envelope->target = *call->target != '\0' ? wire_span_str (call->target) : wire_span (NULL, 0);
  if (call->type_name != NULL)
    envelope->type_name = wire_span_str (call->type_name);
  envelope->payload = wire_span (NULL, call_payload_len (call)); /* its bytes are not written with the fields */
  envelope->deadline_us = call->deadline_us;
  envelope->message_id = call->message_id;
  if (call->kind == WIRE_KIND_PUBLISH && !(call->flags & WIRE_FLAG_BROADCAST)
      && deye_bus_options_is_at_least_once (call->options))
    envelope->delivery |= WIRE_DELIVERY_AT_LEAST_ONCE;
  if (call_is_held (call))
    envelope->delivery |= WIRE_DELIVERY_HOLD;
  envelope->route = call->route;
  envelope->status = call->status;
  envelope->error_name = wire_span_str (call->error_name);
  envelope->detail = wire_span_str (call->detail);
  envelope->expect = call->expect;
  envelope->stall_us = call->stall_us;
  envelope->credit_messages = call->window_messages;
  envelope->credit_bytes = call->window_bytes;
  if (call->request_hops != NULL)
    envelope->want_hops = 1;
}

/* Only a message that is published to all subscribers of a topic can be retained. */
static void
call_fill_retain (const DeyeBusCall *call, DeyeBusEncodedCall *encoded)
{
  DeyeBusRetain retain = call->options != NULL ? call->options->retain : DEYE_BUS_RETAIN_NONE;

  if (retain == DEYE_BUS_RETAIN_NONE || call->kind != WIRE_KIND_PUBLISH || encoded->envelope.target.len > 0)
    return;
  encoded->flags |= WIRE_FLAG_RETAIN;
  if (retain == DEYE_BUS_RETAIN_CONNECTED)
    encoded->envelope.delivery |= WIRE_DELIVERY_RETAIN_CONNECTED;
}

static void
call_count_head (DeyeBusEncodedCall *encoded)
{
  encoded->head_len = WIRE_FRAME_HEADER_LEN + wire_envelope_size (&encoded->envelope) + encoded->payload_front.len;
}

void
deye_bus_call_encode (const DeyeBusCall *call, guint64 id, DeyeBusEncodedCall *encoded)
{
  call_fill_envelope (call, &encoded->envelope);
  encoded->envelope.id = id;
  encoded->kind = call->kind;
  encoded->flags = call->flags;
  encoded->own = call->own;
  call_fill_retain (call, encoded);
  encoded->credit_class = deye_bus_call_class (call, 0);
  encoded->payload_front = call->payload_front;
  encoded->payload = encoded->envelope.payload.len > 0 ? call->payload : NULL;
  call_count_head (encoded);
}

void
deye_bus_encoded_call_stamp (DeyeBusEncodedCall *encoded, const DeyeBusHops *request_hops)
{
  if (!encoded->envelope.want_hops)
    return;
  encoded->envelope.hops_before
      = wire_span (encoded->hops_before, deye_bus_hops_write (request_hops, encoded->hops_before));
  call_count_head (encoded);
}

/* The broker would close the connection for text that is not UTF-8. */
static gboolean
call_check_text (const WireEnvelope *envelope, GError **error)
{
  const WireSpan texts[] = { envelope->topic,        envelope->target,         envelope->method,    envelope->type_name,
                             envelope->content_type, envelope->correlation_id, envelope->parent_id, envelope->root_id,
                             envelope->stage,        envelope->error_name,     envelope->detail };

  for (guint i = 0; i < G_N_ELEMENTS (texts) + envelope->n_tags; i++)
    {
      WireSpan text = i < G_N_ELEMENTS (texts) ? texts[i] : envelope->tags[i - G_N_ELEMENTS (texts)];

      if (!wire_text_is_utf8 (text))
        {
          g_set_error_literal (error, DEYE_BUS_ERROR,
                               i == 0 ? DEYE_BUS_ERROR_BAD_TOPIC : DEYE_BUS_ERROR_INVALID_ARGUMENT,
                               _ ("Topics, ids and options are UTF-8 text; other bytes belong in the payload"));
          return FALSE;
        }
    }
  return TRUE;
}

static const struct
{
  gsize offset; /* of the span */
  gsize most;
  const char *text;
} call_bounds[] = {
  { G_STRUCT_OFFSET (WireEnvelope, correlation_id), WIRE_ID_MAX, N_ ("The correlation id is too long: shorten it") },
  { G_STRUCT_OFFSET (WireEnvelope, parent_id), WIRE_ID_MAX, N_ ("The parent id is too long: shorten it") },
  { G_STRUCT_OFFSET (WireEnvelope, root_id), WIRE_ID_MAX, N_ ("The root id is too long: shorten it") },
  { G_STRUCT_OFFSET (WireEnvelope, stage), WIRE_STAGE_MAX, N_ ("The stage is too long: shorten it") },
};

static gboolean
call_check_bound (gsize len, gsize most, const char *text, GError **error)
{
  if (len <= most)
    return TRUE;
  g_propagate_error (error, deye_bus_error_new_limit (_ (text), most, len, "none"));
  return FALSE;
}

static gboolean
call_check_bounds (const WireEnvelope *envelope, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (call_bounds); i++)
    if (!call_check_bound (G_STRUCT_MEMBER (const WireSpan, (gpointer) (gsize) envelope, call_bounds[i].offset).len,
                           call_bounds[i].most, call_bounds[i].text, error))
      return FALSE;
  for (guint i = 0; i < envelope->n_tags; i++)
    {
      WireSpan tag = envelope->tags[i];
      gsize key
          = (gsize) ((const guint8 *) memchr (tag.data, '=', tag.len) - tag.data); /* each tag of the options has one */

      if (!call_check_bound (key, WIRE_TAG_KEY_MAX, N_ ("The key of a tag is too long: shorten it"), error)
          || !call_check_bound (tag.len - key - 1, WIRE_TAG_VALUE_MAX,
                                N_ ("The value of a tag is too long: shorten it"), error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
call_check_sizes (const DeyeBusEncodedCall *encoded, guint64 largest_payload, GError **error)
{
  gsize fields = encoded->head_len - WIRE_FRAME_HEADER_LEN - encoded->payload_front.len;
  gsize payload = encoded->envelope.payload.len;

  if (payload > largest_payload)
    g_propagate_error (error, deye_bus_error_new_limit (_ ("The payload is too large for this broker: split it"),
                                                        largest_payload, payload, "max_payload"));
  else if (fields > WIRE_HEADER_FIELDS_MAX)
    g_propagate_error (error, deye_bus_error_new_limit (_ ("Topic and options together are too large: shorten them"),
                                                        WIRE_HEADER_FIELDS_MAX, fields, "none"));
  else
    return TRUE;
  return FALSE;
}

gboolean
deye_bus_encoded_call_check (const DeyeBusEncodedCall *encoded, guint64 largest_payload, GError **error)
{
  return call_check_text (&encoded->envelope, error) && call_check_bounds (&encoded->envelope, error)
         && call_check_sizes (encoded, largest_payload, error);
}

void
deye_bus_encoded_call_write_head (const DeyeBusEncodedCall *encoded, guint8 *out)
{
  WireSpan front = encoded->payload_front;

  wire_frame_put_header (out, encoded->kind, encoded->flags,
                         (guint32) (deye_bus_encoded_call_size (encoded) - WIRE_FRAME_HEADER_LEN));
  out = wire_envelope_write (&encoded->envelope, out + WIRE_FRAME_HEADER_LEN);
  if (front.len > 0)
    memcpy (out, front.data, front.len);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "envelope-fixture.h"

void
envelope_fill_client (WireEnvelope *e)
{
  static guint8 packed[24];
  const guint64 stations[] = { 26, G_MAXUINT64 };

  wire_envelope_init (e);
  e->id = 1;
  e->topic = wire_span_str ("events.process.lifecycle");
  e->target = wire_span_str ("procmond-1");
  e->route = G_MAXUINT64;
  e->method = wire_span_str ("Ping");
  e->type_name = wire_span_str ("a.b.C");
  e->content_type = wire_span_str ("text/plain");
  e->priority = 255;
  e->ttl_us = 128;
  e->deadline_us = 16384;
  e->correlation_id = wire_span_str ("corr-\xc3\xa4");
  e->message_id = 12;
  e->parent_id = wire_span_str ("parent");
  e->root_id = wire_span_str ("root");
  e->trace_id = wire_span_str ("0123456789abcdef");
  e->span_id = wire_span_str ("01234567");
  e->sequence_number = 18;
  e->stage = wire_span_str ("stage");
  e->n_tags = 2;
  e->tags[0] = wire_span_str ("a=1");
  e->tags[1] = wire_span_str ("b=2");
  e->expect = G_MAXUINT32;
  e->stall_us = 22;
  e->want_hops = 1;
  e->delivery = WIRE_DELIVERY_AT_LEAST_ONCE | WIRE_DELIVERY_RETAIN_CONNECTED;
  e->depth = 25;
  e->trace_flags = 26;
  e->hops_before = wire_span (packed, wire_envelope_pack_u64 (stations, 2, packed));
  e->payload = wire_span ("pay\0load", 8);
}

void
envelope_fill_broker (WireEnvelope *e)
{
  static guint8 packed[16];
  const guint32 ids[] = { 3, 300 };

  e->sender = wire_span_str ("bus");
  e->accept_seq = 33;
  e->accept_time_us = 34;
  e->subscriptions = wire_span (packed, wire_envelope_pack_u32 (ids, 2, packed));
  e->route_id = 36;
  e->remaining_us = 37;
  e->answers = 38;
  e->matched = 39;
  e->queued = 40;
  e->refused = 41;
  e->attempt = 43;
  e->retained = 1;
  e->hops = e->subscriptions;
  e->status = 64;
  e->detail = wire_span_str ("detail");
  e->offset = 66;
  e->limit = 67;
  e->value = 68;
  e->setting = wire_span_str ("max_payload");
  e->credit_class = 3;
  e->credit_messages = 71;
  e->credit_bytes = 72;
  e->subscription = 73;
  e->gap_from = 74;
  e->gap_to = 75;
  e->gap_count = 76;
  e->gap_reason = 77;
  e->error_name = wire_span_str ("Error");
}

GByteArray *
envelope_write (const WireEnvelope *e)
{
  gsize size = wire_envelope_size (e);
  GByteArray *bytes = g_byte_array_new ();
  guint8 *end;

  g_byte_array_set_size (bytes, (guint) (size + e->payload.len));
  end = wire_envelope_write (e, bytes->data);
  g_assert_cmpuint ((gsize) (end - bytes->data), ==, size);
  if (e->payload.len > 0)
    memcpy (end, e->payload.data, e->payload.len);
  return bytes;
}

void
envelope_assert_equal (const WireEnvelope *a, const WireEnvelope *b)
{
  g_autoptr (GByteArray) first = envelope_write (a);
  g_autoptr (GByteArray) second = envelope_write (b);

  g_assert_cmpmem (first->data, first->len, second->data, second->len);
}

WireReadResult
envelope_read (const void *bytes, gsize len, guint8 kind, WireDirection from, WireEnvelope *e)
{
  return wire_envelope_read (wire_span (bytes, len), kind, from, e);
}

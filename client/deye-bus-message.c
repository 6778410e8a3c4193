/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-message-private.h"

#include "deye-bus-error-private.h"
#include "deye-bus-trace-private.h"

G_DEFINE_BOXED_TYPE (DeyeBusMessage, deye_bus_message, deye_bus_message_ref, deye_bus_message_unref)

/* The body was copied or moved: from one address to another. */
typedef struct
{
  const guint8 *from;
  guint8 *to;
} MessageMove;

static WireSpan
message_moved (const MessageMove *move, WireSpan span)
{
  return span.len > 0 ? wire_span (move->to + (span.data - move->from), span.len) : wire_span (NULL, 0);
}

/* NULL: the field is absent. Overwrites the tag that follows; all fields were read before. */
static const char *
message_terminate (const MessageMove *move, WireSpan span)
{
  guint8 *text;

  if (span.len == 0)
    return NULL;
  text = move->to + (span.data - move->from);
  text[span.len] = '\0';
  return (const char *) text;
}

/* Room for one byte behind the body, which the last string may need. */
static DeyeBusMessage *
message_alloc (WireFrameReader *reader, const WireFrame *frame, MessageMove *move)
{
  gsize inside = frame->in_block ? 0 : frame->body.len + 1;
  DeyeBusMessage *message = g_try_malloc (sizeof (DeyeBusMessage) + inside);
  gsize capacity, needed = WIRE_FRAME_HEADER_LEN + frame->body.len + 1;
  guint8 *block;

  if (message == NULL)
    return NULL;
  memset (message, 0, sizeof *message);
  move->from = frame->body.data;
  if (!frame->in_block)
    {
      move->to = message->body;
      memcpy (message->body, frame->body.data, frame->body.len);
      return message;
    }
  message->block = wire_frame_reader_steal (reader, &capacity);
  block = capacity >= needed ? message->block : g_try_realloc (message->block, needed);
  if (block == NULL)
    {
      g_free (message->block);
      g_free (message);
      return NULL;
    }
  message->block = block;
  move->to = block + WIRE_FRAME_HEADER_LEN;
  return message;
}

static void
message_take_strings (DeyeBusMessage *message, const MessageMove *move, const WireEnvelope *envelope)
{
  message->topic = message_terminate (move, envelope->topic);
  message->sender = message_terminate (move, envelope->sender);
  message->method = message_terminate (move, envelope->method);
  message->type_name = message_terminate (move, envelope->type_name);
  message->content_type = message_terminate (move, envelope->content_type);
  message->correlation_id = message_terminate (move, envelope->correlation_id);
  message->parent_id = message_terminate (move, envelope->parent_id);
  message->root_id = message_terminate (move, envelope->root_id);
  message->stage = message_terminate (move, envelope->stage);
  if (envelope->n_tags == 0)
    return;
  message->n_tags = envelope->n_tags;
  message->tags = g_new (const char *, envelope->n_tags);
  for (guint i = 0; i < envelope->n_tags; i++)
    message->tags[i] = message_terminate (move, envelope->tags[i]);
}

DeyeBusMessage *
deye_bus_message_new (WireFrameReader *reader, const WireFrame *frame, const WireEnvelope *envelope)
{
  MessageMove move;
  DeyeBusHops *hops = deye_bus_hops_new (envelope); /* before the body moves */
  DeyeBusMessage *message = message_alloc (reader, frame, &move);

  if (message == NULL)
    {
      g_free (hops);
      return NULL;
    }
  g_atomic_ref_count_init (&message->refs);
  message->kind = frame->kind;
  message->flags = frame->flags;
  /* Of several responders each has a last reply; FINAL is the end of all. */
  if (frame->kind == WIRE_KIND_REPLY && envelope->matched > 0)
    message->flags |= WIRE_FLAG_FINAL;
  message->priority = (guint8) MIN (envelope->priority, 255);
  message->trace_id = message_moved (&move, envelope->trace_id);
  message->span_id = message_moved (&move, envelope->span_id);
  message->trace_flags = (guint8) envelope->trace_flags;
  message->depth = envelope->depth;
  message->payload = message_moved (&move, envelope->payload);
  message->accept_seq = envelope->accept_seq;
  message->sequence_number = envelope->sequence_number;
  message->skipped = frame->kind == WIRE_KIND_REPLY ? envelope->gap_count : 0;
  message->route_id = envelope->route_id;
  message->attempt = MAX (envelope->attempt, 1);
  message->accept_time_us = (gint64) MIN (envelope->accept_time_us, G_MAXINT64);
  message->remaining_us = (gint64) MIN (envelope->remaining_us, G_MAXINT64);
  message->is_retained = envelope->retained != 0;
  message->incarnation = envelope->incarnation;
  message->ttl_us = (gint64) MIN (envelope->ttl_us, G_MAXINT64);
  /* Before the strings, which overwrite what lies between them. */
  if (envelope->status != WIRE_STATUS_OK)
    message->error = deye_bus_error_from_envelope (envelope);
  message->hops = hops;
  message_take_strings (message, &move, envelope);
  return message;
}

DeyeBusMessage *
deye_bus_message_ref (DeyeBusMessage *message)
{
  g_return_val_if_fail (message != NULL, NULL);

  g_atomic_ref_count_inc (&message->refs);
  return message;
}

void
deye_bus_message_unref (DeyeBusMessage *message)
{
  g_return_if_fail (message != NULL);

  if (!g_atomic_ref_count_dec (&message->refs))
    return;
  g_clear_error (&message->error);
  g_free (message->tags);
  g_free (message->hops);
  g_free (message->block);
  g_free (message);
}

const char *
deye_bus_message_get_topic (DeyeBusMessage *message)
{
  g_return_val_if_fail (message != NULL, "");
  return message->topic != NULL ? message->topic : "";
}

const char *
deye_bus_message_get_sender (DeyeBusMessage *message)
{
  g_return_val_if_fail (message != NULL, "");
  return message->sender != NULL ? message->sender : "";
}

#define DEFINE_GETTER(type, name, field, otherwise)                                                                    \
  type deye_bus_message_get_##name (DeyeBusMessage *message)                                                           \
  {                                                                                                                    \
    g_return_val_if_fail (message != NULL, otherwise);                                                                 \
    return message->field;                                                                                             \
  }

DEFINE_GETTER (guint64, sequence, accept_seq, 0)
DEFINE_GETTER (gint64, accept_time, accept_time_us, 0)
DEFINE_GETTER (const char *, method, method, NULL)
DEFINE_GETTER (const char *, type_name, type_name, NULL)
DEFINE_GETTER (const char *, content_type, content_type, NULL)
DEFINE_GETTER (const char *, correlation_id, correlation_id, NULL)
DEFINE_GETTER (const char *, parent_id, parent_id, NULL)
DEFINE_GETTER (const char *, root_id, root_id, NULL)
DEFINE_GETTER (const char *, stage, stage, NULL)
DEFINE_GETTER (guint64, sequence_number, sequence_number, 0)
DEFINE_GETTER (guint8, priority, priority, 0)
DEFINE_GETTER (gint64, remaining, remaining_us, 0)
DEFINE_GETTER (gint64, ttl, ttl_us, 0)
DEFINE_GETTER (guint, depth, depth, 0)
DEFINE_GETTER (guint, attempt, attempt, 1)
DEFINE_GETTER (guint64, incarnation, incarnation, 0)

gboolean
deye_bus_message_is_retained (DeyeBusMessage *message)
{
  g_return_val_if_fail (message != NULL, FALSE);
  return message->is_retained;
}

static GBytes *
message_bytes_of (DeyeBusMessage *message, WireSpan span)
{
  return g_bytes_new_with_free_func (span.data, span.len, (GDestroyNotify) deye_bus_message_unref,
                                     deye_bus_message_ref (message));
}

GBytes *
deye_bus_message_dup_trace_id (DeyeBusMessage *message)
{
  g_return_val_if_fail (message != NULL, NULL);
  return message->trace_id.len > 0 ? message_bytes_of (message, message->trace_id) : NULL;
}

GBytes *
deye_bus_message_dup_span_id (DeyeBusMessage *message)
{
  g_return_val_if_fail (message != NULL, NULL);
  return message->span_id.len > 0 ? message_bytes_of (message, message->span_id) : NULL;
}

char *
deye_bus_message_dup_traceparent (DeyeBusMessage *message)
{
  g_return_val_if_fail (message != NULL, NULL);
  return deye_bus_trace_format (message->trace_id, message->span_id, message->trace_flags);
}

char **
deye_bus_message_dup_tags (DeyeBusMessage *message)
{
  g_autoptr (GStrvBuilder) tags = g_strv_builder_new ();

  g_return_val_if_fail (message != NULL, NULL);

  for (guint i = 0; i < message->n_tags; i++)
    if (message->tags[i] != NULL)
      g_strv_builder_add (tags, message->tags[i]);
  return g_strv_builder_end (tags);
}

gboolean
deye_bus_message_is_final (DeyeBusMessage *message)
{
  g_return_val_if_fail (message != NULL, FALSE);
  return message->kind == WIRE_KIND_REPLY && (message->flags & WIRE_FLAG_FINAL) != 0;
}

guint64
deye_bus_message_get_skipped (DeyeBusMessage *message)
{
  g_return_val_if_fail (message != NULL, 0);
  return message->skipped;
}

gboolean
deye_bus_message_check (DeyeBusMessage *message, GError **error)
{
  g_return_val_if_fail (message != NULL, TRUE);
  if (message->error == NULL)
    return TRUE;
  g_propagate_error (error, g_error_copy (message->error));
  return FALSE;
}

const guint8 *
deye_bus_message_get_data (DeyeBusMessage *message, gsize *length)
{
  g_return_val_if_fail (message != NULL, NULL);

  if (length != NULL)
    *length = message->payload.len;
  return message->payload.data;
}

GBytes *
deye_bus_message_dup_payload (DeyeBusMessage *message)
{
  g_return_val_if_fail (message != NULL, NULL);
  return message_bytes_of (message, message->payload);
}

gint64
deye_bus_message_get_hop (DeyeBusMessage *message, DeyeBusHop hop)
{
  g_return_val_if_fail (message != NULL, -1);
  g_return_val_if_fail ((guint) hop < DEYE_BUS_N_HOPS, -1);

  return deye_bus_hops_since_first (message->hops, hop);
}

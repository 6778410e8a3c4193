/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-message-private.h"

#include "deye-bus-error-private.h"
#include "deye-bus-trace-private.h"
#include "wire-block.h"
#include "wire-hot.h"

G_DEFINE_BOXED_TYPE (DeyeBusMessage, deye_bus_message, deye_bus_message_ref, deye_bus_message_unref)

/* The body of the frame was copied or moved from one address to another: spans have to be adjusted. */
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

/* The text of @span with a NUL behind it. The NUL overwrites the tag of the next field, so all fields must have been read
 * before. NULL: the field is absent. */
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

static const DeyeBusMessageRare no_rare = { .attempt = 1 };

/* Allocates a message with @rare bytes for the rare fields and @body bytes for the body (with one byte behind it, for the NUL
 * of the last string). Only the members that describe the block are set. */
WIRE_HOT static DeyeBusMessage *
message_alloc_block (DeyeBusMessagePool *pool, gsize rare, gsize body)
{
  guint8 size_class;
  gsize size = sizeof (DeyeBusMessage) + rare + body;
  DeyeBusMessage *message = deye_bus_message_pool_take (pool, &size, &size_class);

  if (message == NULL)
    return NULL;
  message->size_class = size_class;
  message->block = NULL;
  message->block_size = size;
  message->rare = rare > 0 ? (const DeyeBusMessageRare *) (gconstpointer) message->more : &no_rare;
  return message;
}

/* Takes the body over from @reader, and makes it the block of @message. NULL: no memory. */
static guint8 *
message_steal_body (DeyeBusMessage *message, WireFrameReader *reader, const WireFrame *frame)
{
  gsize capacity, at, needed;
  guint8 *block = wire_frame_reader_steal (reader, &capacity);

  at = (gsize) (frame->body.data - block);
  needed = at + frame->body.len + 1;
  message->block = capacity >= needed ? block : g_try_realloc (block, needed);
  message->block_size = MAX (capacity, needed);
  if (message->block != NULL)
    return message->block + at;
  g_free (block);
  return NULL;
}

static DeyeBusMessage *
message_alloc (DeyeBusMessagePool *pool, WireFrameReader *reader, const WireFrame *frame, gsize rare, MessageMove *move)
{
  DeyeBusMessage *message = message_alloc_block (pool, rare, frame->in_block ? 0 : frame->body.len + 1);

  if (message == NULL)
    return NULL;
  move->from = frame->body.data;
  if (!frame->in_block)
    {
      move->to = (guint8 *) message->more + rare;
      memcpy (move->to, frame->body.data, frame->body.len);
      return message;
    }
  move->to = message_steal_body (message, reader, frame);
  if (move->to != NULL)
    return message;
  g_free (message);
  return NULL;
}

static void
message_take_tags (DeyeBusMessageRare *rare, const MessageMove *move, const WireEnvelope *envelope)
{
  if (envelope->n_tags == 0)
    return;
  rare->n_tags = envelope->n_tags;
  rare->tags = g_new (const char *, envelope->n_tags);
  for (guint i = 0; i < envelope->n_tags; i++)
    rare->tags[i] = message_terminate (move, envelope->tags[i]);
}

static void
message_take_rare (DeyeBusMessage *message, const MessageMove *move, const WireEnvelope *envelope)
{
  DeyeBusMessageRare *rare = (gpointer) message->more;

  *rare = (DeyeBusMessageRare){
    .depth = envelope->depth,
    .trace_id = message_moved (move, envelope->trace_id),
    .span_id = message_moved (move, envelope->span_id),
    .trace_flags = (guint8) envelope->trace_flags,
    .attempt = MAX (envelope->attempt, 1),
    .sequence_number = envelope->sequence_number,
    .skipped = message->kind == WIRE_KIND_REPLY ? envelope->gap_count : 0,
    .incarnation = envelope->incarnation,
    .remaining_us = (gint64) MIN (envelope->remaining_us, G_MAXINT64),
    .ttl_us = (gint64) MIN (envelope->ttl_us, G_MAXINT64),
  };
  /* Made before the strings are terminated, since that overwrites bytes between them. */
  if (envelope->status != WIRE_STATUS_OK)
    rare->error = deye_bus_error_from_envelope (envelope);
  rare->method = message_terminate (move, envelope->method);
  rare->content_type = message_terminate (move, envelope->content_type);
  rare->correlation_id = message_terminate (move, envelope->correlation_id);
  rare->parent_id = message_terminate (move, envelope->parent_id);
  rare->root_id = message_terminate (move, envelope->root_id);
  rare->stage = message_terminate (move, envelope->stage);
  message_take_tags (rare, move, envelope);
}

DeyeBusMessage *
deye_bus_message_new (DeyeBusMessagePool *pool,
                      WireFrameReader *reader,
                      const WireFrame *frame,
                      const WireEnvelope *envelope)
{
  gsize rare = wire_envelope_is_plain (envelope) ? 0 : sizeof (DeyeBusMessageRare);
  DeyeBusHops *hops = envelope->hops.len > 0 ? deye_bus_hops_new (envelope) : NULL; /* before the body moves */
  MessageMove move;
  DeyeBusMessage *message = message_alloc (pool, reader, frame, rare, &move);

  if (message == NULL)
    {
      g_free (hops);
      return NULL;
    }
  g_atomic_ref_count_init (&message->refs);
  message->kind = frame->kind;
  message->flags = frame->flags;
  /* Each of several responders has a last reply, which has no FINAL on the wire: there FINAL ends the whole request. */
  if (frame->kind == WIRE_KIND_REPLY && envelope->matched > 0)
    message->flags |= WIRE_FLAG_FINAL;
  message->priority = (guint8) MIN (envelope->priority, 255);
  message->is_retained = envelope->retained != 0;
  message->to_handle = 0;
  message->handled = FALSE;
  message->payload = message_moved (&move, envelope->payload);
  message->accept_seq = envelope->accept_seq;
  message->accept_time_us = (gint64) MIN (envelope->accept_time_us, G_MAXINT64);
  message->route_id = envelope->route_id;
  message->origin = 0;
  message->hops = hops;
  if (rare > 0)
    message_take_rare (message, &move, envelope);
  message->topic = message_terminate (&move, envelope->topic);
  message->sender = message_terminate (&move, envelope->sender);
  message->type_name = message_terminate (&move, envelope->type_name);
  return message;
}

DeyeBusMessage *
deye_bus_message_new_delivery (DeyeBusMessagePool *pool, const WireFrame *frame, const WireDelivery *delivery)
{
  DeyeBusMessage *message = message_alloc_block (pool, 0, frame->body.len + 1);
  MessageMove move;

  if (message == NULL)
    return NULL;
  move = (MessageMove){ frame->body.data, (guint8 *) message->more };
  memcpy (move.to, move.from, frame->body.len);
  g_atomic_ref_count_init (&message->refs);
  message->kind = frame->kind;
  message->flags = frame->flags;
  message->priority = 0;
  message->is_retained = delivery->is_retained;
  message->to_handle = 0;
  message->handled = FALSE;
  message->payload = message_moved (&move, delivery->payload);
  message->accept_seq = delivery->accept_seq;
  message->accept_time_us = (gint64) MIN (delivery->accept_time_us, G_MAXINT64);
  message->route_id = 0;
  message->origin = 0;
  message->hops = NULL;
  message->topic = message_terminate (&move, delivery->topic);
  message->sender = message_terminate (&move, delivery->sender);
  message->type_name = message_terminate (&move, delivery->type_name);
  return message;
}

DeyeBusMessage *
deye_bus_message_ref (DeyeBusMessage *message)
{
  g_return_val_if_fail (message != NULL, NULL);

  g_atomic_ref_count_inc (&message->refs);
  return message;
}

/* The size of the message's own block, if it was too large for the pool; otherwise 0. A block of the pool's sizes is never taken
 * from the kept blocks, so it must not push others out of them. */
static gsize
message_own_size (const DeyeBusMessage *message)
{
  return message->block == NULL && message->size_class == DEYE_BUS_MESSAGE_POOL_NONE ? message->block_size : 0;
}

/* Frees everything that the message owns except its block. */
static void
message_clear (DeyeBusMessage *message)
{
  if (message->rare != &no_rare)
    {
      DeyeBusMessageRare *rare = (gpointer) message->more;

      g_clear_error (&rare->error);
      g_free (rare->tags);
    }
  g_free (message->hops);
  wire_block_free (message->block, message->block_size);
}

void
deye_bus_message_unref (DeyeBusMessage *message)
{
  g_return_if_fail (message != NULL);

  if (!g_atomic_ref_count_dec (&message->refs))
    return;
  message_clear (message);
  wire_block_free ((guint8 *) message, message_own_size (message));
}

void
deye_bus_message_drop (DeyeBusMessage *message, DeyeBusMessagePool *pool)
{
  /* With a count of 1 no other thread has a reference, and none can get one. */
  if (!g_atomic_ref_count_compare (&message->refs, 1))
    {
      deye_bus_message_unref (message);
      return;
    }
  if (message->rare != &no_rare || message->hops != NULL || message->block != NULL)
    message_clear (message);
  deye_bus_message_pool_give (pool, message, message_own_size (message), message->size_class);
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
DEFINE_GETTER (const char *, method, rare->method, NULL)
DEFINE_GETTER (const char *, type_name, type_name, NULL)
DEFINE_GETTER (const char *, content_type, rare->content_type, NULL)
DEFINE_GETTER (const char *, correlation_id, rare->correlation_id, NULL)
DEFINE_GETTER (const char *, parent_id, rare->parent_id, NULL)
DEFINE_GETTER (const char *, root_id, rare->root_id, NULL)
DEFINE_GETTER (const char *, stage, rare->stage, NULL)
DEFINE_GETTER (guint64, sequence_number, rare->sequence_number, 0)
DEFINE_GETTER (guint8, priority, priority, 0)
DEFINE_GETTER (gint64, remaining, rare->remaining_us, 0)
DEFINE_GETTER (gint64, ttl, rare->ttl_us, 0)
DEFINE_GETTER (guint, depth, rare->depth, 0)
DEFINE_GETTER (guint, attempt, rare->attempt, 1)
DEFINE_GETTER (guint64, incarnation, rare->incarnation, 0)

gboolean
deye_bus_message_is_retained (DeyeBusMessage *message)
{
  g_return_val_if_fail (message != NULL, FALSE);
  return message->is_retained;
}

GBytes *
deye_bus_message_dup_part (DeyeBusMessage *message, WireSpan span)
{
  return g_bytes_new_with_free_func (span.data, span.len, (GDestroyNotify) deye_bus_message_unref,
                                     deye_bus_message_ref (message));
}

GBytes *
deye_bus_message_dup_trace_id (DeyeBusMessage *message)
{
  g_return_val_if_fail (message != NULL, NULL);
  return message->rare->trace_id.len > 0 ? deye_bus_message_dup_part (message, message->rare->trace_id) : NULL;
}

GBytes *
deye_bus_message_dup_span_id (DeyeBusMessage *message)
{
  g_return_val_if_fail (message != NULL, NULL);
  return message->rare->span_id.len > 0 ? deye_bus_message_dup_part (message, message->rare->span_id) : NULL;
}

char *
deye_bus_message_dup_traceparent (DeyeBusMessage *message)
{
  g_return_val_if_fail (message != NULL, NULL);
  return deye_bus_trace_format (message->rare->trace_id, message->rare->span_id, message->rare->trace_flags);
}

char **
deye_bus_message_dup_tags (DeyeBusMessage *message)
{
  g_autoptr (GStrvBuilder) tags = g_strv_builder_new ();

  g_return_val_if_fail (message != NULL, NULL);

  for (guint i = 0; i < message->rare->n_tags; i++)
    if (message->rare->tags[i] != NULL)
      g_strv_builder_add (tags, message->rare->tags[i]);
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
  return message->rare->skipped;
}

gboolean
deye_bus_message_check (DeyeBusMessage *message, GError **error)
{
  g_return_val_if_fail (message != NULL, TRUE);
  if (message->rare->error == NULL)
    return TRUE;
  g_propagate_error (error, g_error_copy (message->rare->error));
  return FALSE;
}

WIRE_HOT const guint8 *
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
  return deye_bus_message_dup_part (message, message->payload);
}

gint64
deye_bus_message_get_hop (DeyeBusMessage *message, DeyeBusHop hop)
{
  g_return_val_if_fail (message != NULL, -1);
  g_return_val_if_fail ((guint) hop < DEYE_BUS_N_HOPS, -1);

  return deye_bus_hops_since_first (message->hops, hop);
}

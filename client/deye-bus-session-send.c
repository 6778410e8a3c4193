/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-session-private.h"

#include <glib/gi18n-lib.h>

/*
 * Frames out. A call is encoded once: into the out-buffer when its class has credit, else into a block that waits.
 *
 * Ids tell whether somebody waits: even for a call whose answer is awaited or does not matter, odd for a publish that
 * nobody waits for, so that its refusal can be told apart from an answer that comes too late.
 */

typedef struct
{
  WireEnvelope envelope;
  guint8 kind;
  guint8 flags;
  WireClass credit_class;
  gsize head_len;  /* header and fields */
  GBytes *payload; /* nullable; borrowed */
} Encoded;

void
deye_bus_session_put_body (DeyeBusSession *session, guint8 kind, WireSpan body)
{
  guint8 *out = deye_bus_outbuf_add (&session->out, WIRE_FRAME_HEADER_LEN + body.len);

  wire_frame_put_header (out, kind, 0, (guint32) body.len);
  if (body.len > 0)
    memcpy (out + WIRE_FRAME_HEADER_LEN, body.data, body.len);
}

void
deye_bus_session_put (DeyeBusSession *session, guint8 kind, const WireEnvelope *envelope)
{
  gsize len = wire_envelope_size (envelope);
  guint8 *out = deye_bus_outbuf_add (&session->out, WIRE_FRAME_HEADER_LEN + len);

  wire_frame_put_header (out, kind, 0, (guint32) len);
  wire_envelope_write (envelope, out + WIRE_FRAME_HEADER_LEN);
}

/* --- encoding --- */

static gsize
payload_len (GBytes *payload)
{
  return payload != NULL ? g_bytes_get_size (payload) : 0;
}

static WireClass
class_of (const DeyeBusCall *call)
{
  guint8 kind = call->kind == WIRE_KIND_REPLY ? WIRE_KIND_REQUEST : call->kind;

  return wire_class_of (kind, wire_span_str (call->topic), payload_len (call->payload)).credit_class;
}

static void
encode_prepare (Encoded *encoded, const DeyeBusCall *call)
{
  WireEnvelope *envelope = &encoded->envelope;
  gsize len = payload_len (call->payload);

  wire_envelope_init (envelope);
  deye_bus_options_fill (call->options, envelope);
  if (call->kind == WIRE_KIND_REPLY)
    {
      /* The route says what a reply belongs to, and how long somebody waits for it. */
      envelope->method = wire_span (NULL, 0);
      envelope->ttl_us = 0;
    }
  else
    envelope->topic = wire_span_str (call->topic);
  if (call->target != NULL)
    envelope->target = wire_span_str (call->target);
  if (call->type_name != NULL)
    envelope->type_name = wire_span_str (call->type_name);
  envelope->payload = wire_span (len > 0 ? g_bytes_get_data (call->payload, NULL) : NULL, len);
  envelope->deadline_us = call->deadline_us;
  envelope->route = call->route;
  envelope->status = call->status;
  envelope->error_name = wire_span_str (call->error_name);
  envelope->detail = wire_span_str (call->detail);
  encoded->kind = call->kind;
  encoded->flags = call->flags;
  encoded->credit_class = class_of (call);
  encoded->payload = len > 0 ? call->payload : NULL;
}

/* The broker would close the connection for text that is not UTF-8. */
static gboolean
check_text (const WireEnvelope *envelope, GError **error)
{
  const WireSpan texts[] = { envelope->topic,        envelope->target,         envelope->method,    envelope->type_name,
                             envelope->content_type, envelope->correlation_id, envelope->parent_id, envelope->root_id,
                             envelope->stage,        envelope->error_name,     envelope->detail };

  for (guint i = 0; i < G_N_ELEMENTS (texts) + envelope->n_tags; i++)
    {
      WireSpan text = i < G_N_ELEMENTS (texts) ? texts[i] : envelope->tags[i - G_N_ELEMENTS (texts)];

      if (text.len > 0 && !g_utf8_validate_len ((const char *) text.data, text.len, NULL))
        {
          g_set_error_literal (error, DEYE_BUS_ERROR, i == 0 ? DEYE_BUS_ERROR_BAD_TOPIC : DEYE_BUS_ERROR_PROTOCOL,
                               _ ("Topics, ids and options are UTF-8 text; other bytes belong in the payload"));
          return FALSE;
        }
    }
  return TRUE;
}

static gboolean
check_sizes (const DeyeBusSession *session, const Encoded *encoded, GError **error)
{
  gsize fields = encoded->head_len - WIRE_FRAME_HEADER_LEN;
  gsize payload = encoded->envelope.payload.len;

  if (payload > session->welcome.largest_payload)
    g_propagate_error (error, deye_bus_error_new_limit (_ ("The payload is too large for this broker: split it"),
                                                        session->welcome.largest_payload, payload, "max_payload"));
  else if (fields > WIRE_HEADER_FIELDS_MAX)
    g_propagate_error (error, deye_bus_error_new_limit (_ ("Topic and options together are too large: shorten them"),
                                                        WIRE_HEADER_FIELDS_MAX, fields, "none"));
  else
    return TRUE;
  return FALSE;
}

static void
write_head (const Encoded *encoded, guint8 *out)
{
  gsize fields = encoded->head_len - WIRE_FRAME_HEADER_LEN;

  wire_frame_put_header (out, encoded->kind, encoded->flags, (guint32) (fields + encoded->envelope.payload.len));
  wire_envelope_write (&encoded->envelope, out + WIRE_FRAME_HEADER_LEN);
}

static gboolean
is_copied (GBytes *payload)
{
  return payload_len (payload) <= DEYE_BUS_OUTBUF_COPY_MAX;
}

static void
append_payload (DeyeBusSession *session, GBytes *payload)
{
  gsize len = payload_len (payload);

  if (!is_copied (payload))
    deye_bus_outbuf_refer (&session->out, payload);
  else if (len > 0)
    memcpy (deye_bus_outbuf_add (&session->out, len), g_bytes_get_data (payload, NULL), len);
}

/* --- credit --- */

static void
count (DeyeBusCounts *counts, guint8 kind)
{
  if (kind == WIRE_KIND_PUBLISH)
    counts->published++;
  else if (kind == WIRE_KIND_REQUEST)
    counts->requested++;
  else
    counts->answered++;
}

/* What waits and is given up never comes here. */
static void
sent (DeyeBusSession *session, guint8 kind, DeyeBusPending *pending)
{
  count (&session->counts, kind);
  if (pending == NULL)
    return;
  pending->sent = TRUE;
  if (pending->kind == DEYE_BUS_PENDING_SENT)
    deye_bus_session_finish (session, pending, NULL);
}

static gboolean
may_start (const DeyeBusSession *session, WireClass credit_class)
{
  return credit_class == WIRE_CLASS_NONE
         || (g_queue_is_empty ((GQueue *) &session->waiting[credit_class])
             && deye_bus_window_is_open (&session->publish[credit_class]));
}

gboolean
deye_bus_session_has_credit (const DeyeBusSession *session, const DeyeBusCall *call)
{
  return may_start (session, class_of (call));
}

static void
send_now (DeyeBusSession *session, const Encoded *encoded, DeyeBusPending *pending)
{
  write_head (encoded, deye_bus_outbuf_add (&session->out, encoded->head_len));
  append_payload (session, encoded->payload);
  if (encoded->credit_class != WIRE_CLASS_NONE)
    deye_bus_window_use (&session->publish[encoded->credit_class], encoded->head_len + encoded->envelope.payload.len);
  sent (session, encoded->kind, pending);
}

static gsize
waiting_cost (const DeyeBusWaiting *waiting)
{
  return waiting->head_len + payload_len (waiting->payload);
}

static void
waiting_free (DeyeBusSession *session, DeyeBusWaiting *waiting)
{
  session->waiting_bytes[waiting->credit_class] -= waiting_cost (waiting);
  if (waiting->pending != NULL)
    waiting->pending->waits = NULL;
  g_clear_pointer (&waiting->pending, deye_bus_pending_unref);
  g_clear_pointer (&waiting->payload, g_bytes_unref);
  g_free (waiting);
}

static gboolean
let_wait (DeyeBusSession *session, const Encoded *encoded, DeyeBusPending *pending, GError **error)
{
  GQueue *queue = &session->waiting[encoded->credit_class];
  gsize *queue_bytes = &session->waiting_bytes[encoded->credit_class];
  DeyeBusWaiting *waiting;

  if (queue->length >= DEYE_BUS_WAITING_MAX_CALLS || *queue_bytes >= DEYE_BUS_WAITING_MAX_BYTES)
    {
      g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK,
                           _ ("Too many calls wait for credit: wait for the end of some before the next"));
      return FALSE;
    }
  waiting = g_malloc (sizeof *waiting + encoded->head_len);
  waiting->pending = pending != NULL ? deye_bus_pending_ref (pending) : NULL;
  waiting->payload = encoded->payload != NULL ? g_bytes_ref (encoded->payload) : NULL;
  waiting->credit_class = encoded->credit_class;
  waiting->kind = encoded->kind;
  waiting->head_len = encoded->head_len;
  write_head (encoded, waiting->head);
  g_queue_push_tail (queue, waiting);
  if (pending != NULL)
    pending->waits = queue->tail;
  *queue_bytes += waiting_cost (waiting);
  return TRUE;
}

void
deye_bus_session_drain (DeyeBusSession *session, WireClass credit_class)
{
  GQueue *queue = &session->waiting[credit_class];
  DeyeBusWindow *window = &session->publish[credit_class];

  while (!g_queue_is_empty (queue) && deye_bus_window_is_open (window))
    {
      DeyeBusWaiting *waiting = g_queue_pop_head (queue);

      memcpy (deye_bus_outbuf_add (&session->out, waiting->head_len), waiting->head, waiting->head_len);
      append_payload (session, waiting->payload);
      deye_bus_window_use (window, waiting_cost (waiting));
      sent (session, waiting->kind, waiting->pending);
      waiting_free (session, waiting);
    }
}

void
deye_bus_session_forget_waiting (DeyeBusSession *session)
{
  DeyeBusWaiting *waiting;

  for (guint i = 0; i < WIRE_N_CLASSES; i++)
    while ((waiting = g_queue_pop_head (&session->waiting[i])) != NULL)
      waiting_free (session, waiting);
}

static void
forget_waiting_of (DeyeBusSession *session, DeyeBusPending *pending)
{
  DeyeBusWaiting *waiting;

  if (pending->waits == NULL)
    return;
  waiting = pending->waits->data;
  g_queue_delete_link (&session->waiting[waiting->credit_class], pending->waits);
  waiting_free (session, waiting);
}

/* --- calls --- */

static guint64
new_id (DeyeBusSession *session, const DeyeBusCall *call, const DeyeBusPending *pending)
{
  gboolean nobody = call->kind == WIRE_KIND_PUBLISH && (pending == NULL || pending->kind == DEYE_BUS_PENDING_SENT);

  session->last_id += 2;
  return session->last_id | (nobody ? 1 : 0);
}

gboolean
deye_bus_session_call (DeyeBusSession *session, const DeyeBusCall *call, DeyeBusPending *pending, GError **error)
{
  DEYE_BUS_UNINITIALIZED Encoded encoded; /* set by encode_prepare() and below */
  gboolean now;

  if (session->state != DEYE_BUS_SESSION_READY)
    {
      g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED, _ ("Not connected: connect first"));
      return FALSE;
    }
  encode_prepare (&encoded, call);
  encoded.envelope.id = new_id (session, call, pending);
  encoded.head_len = WIRE_FRAME_HEADER_LEN + wire_envelope_size (&encoded.envelope);
  if (!check_text (&encoded.envelope, error) || !check_sizes (session, &encoded, error))
    return FALSE;
  now = may_start (session, encoded.credit_class);
  if (!now && !let_wait (session, &encoded, pending, error))
    return FALSE;
  if (pending != NULL)
    {
      pending->id = encoded.envelope.id;
      g_hash_table_insert (session->pending, &pending->id, deye_bus_pending_ref (pending));
      session->next_us = MIN (session->next_us, pending->deadline_us);
    }
  if (now)
    send_now (session, &encoded, pending);
  return TRUE;
}

void
deye_bus_session_cancel (DeyeBusSession *session, DeyeBusPending *pending, GError *reason)
{
  WireEnvelope cancel;

  if (pending->done)
    {
      g_error_free (reason);
      return;
    }
  if (pending->kind == DEYE_BUS_PENDING_HELLO)
    {
      deye_bus_session_fail (session, reason);
      return;
    }
  if (!pending->sent)
    forget_waiting_of (session, pending);
  else if (pending->kind == DEYE_BUS_PENDING_REPLY || pending->kind == DEYE_BUS_PENDING_DELIVERED)
    {
      wire_envelope_init (&cancel);
      cancel.id = pending->id;
      deye_bus_session_put (session, WIRE_KIND_CANCEL, &cancel);
    }
  deye_bus_session_finish (session, pending, reason);
}

/* --- answers to requests that we serve --- */

gboolean
deye_bus_session_is_open (const DeyeBusSession *session, const DeyeBusMessage *request)
{
  return request->route_id != 0 && request->origin == session->origin
         && g_hash_table_contains (session->routes, &request->route_id);
}

void
deye_bus_session_answered (DeyeBusSession *session, const DeyeBusMessage *request)
{
  g_hash_table_remove (session->routes, &request->route_id);
}

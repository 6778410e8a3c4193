/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-send.h"

#include "deye-bus-error.h"
#include "deye-bus-message-private.h"
#include "session/deye-bus-session-data.h"
#include "session/deye-bus-session-plain.h"
#include "session/deye-bus-session-state.h"

#include "wire-feature.h"
#include "wire-frame.h"

#include <glib/gi18n-lib.h>

/* --- credit --- */

gboolean
deye_bus_session_has_credit (const DeyeBusSession *session, const DeyeBusCall *call)
{
  return deye_bus_send_queue_may_start (&session->send_queue, deye_bus_call_class (call, session->welcome.features));
}

gboolean
deye_bus_session_has_spare_credit (const DeyeBusSession *session, const DeyeBusCall *call)
{
  return deye_bus_send_queue_has_spare (&session->send_queue, deye_bus_call_class (call, session->welcome.features));
}

static void
session_count_sent (DeyeBusCounts *counts, guint8 kind)
{
  if (kind == WIRE_KIND_PUBLISH)
    counts->published++;
  else if (kind == WIRE_KIND_REQUEST)
    counts->requested++;
  else
    counts->answered++;
}

/* NULL: the call retains nothing, or it is a call of the library (@ahead), whose value is already in the store. */
static DeyeBusRetainedValue *
session_new_retained (const DeyeBusEncodedCall *encoded, gboolean ahead)
{
  return (encoded->flags & WIRE_FLAG_RETAIN) && !ahead ? deye_bus_retained_value_new (encoded, g_get_monotonic_time ())
                                                       : NULL;
}

/* @value: (transfer full) (nullable) */
static void
session_note_retained (DeyeBusSession *session, DeyeBusRetainedValue *value)
{
  if (value != NULL)
    deye_bus_retained_put (&session->retained, value);
}

/* Counts a frame that is now in the out-buffer. A waiting call that is given up is never counted. @own: of the library */
static void
session_note_sent (DeyeBusSession *session, guint8 kind, gboolean own, DeyeBusPending *pending)
{
  session_count_sent (&session->counts, kind);
  if (kind == WIRE_KIND_PUBLISH && !own && (pending == NULL || pending->kind == DEYE_BUS_PENDING_SENT))
    session->unasked_sent++;
  if (pending == NULL)
    return;
  pending->sent = TRUE;
  pending->unasked = session->unasked_sent;
  if (pending->kind == DEYE_BUS_PENDING_SENT)
    deye_bus_pending_table_finish (&session->pending, pending, NULL);
}

/* The out-buffer had @begin bytes in total before the frame with @id was added, which has used its credit. */
static void
session_note_own (DeyeBusSession *session, guint64 id, guint64 begin, WireClass credit_class)
{
  const DeyeBusOutbuf *out = &session->out;
  const DeyeBusOwnFrame frame = { .begin = begin, .end = out->added, .id = id };

  deye_bus_own_frames_add (&session->own, &frame, out->added - out->bytes);
  deye_bus_own_credit_note (&session->own_credit, credit_class,
                            session->send_queue.windows[credit_class].used_messages);
}

static void
session_send_now (DeyeBusSession *session, const DeyeBusEncodedCall *encoded, DeyeBusPending *pending)
{
  const guint64 begin = session->out.added;

  deye_bus_encoded_call_write_head (encoded, deye_bus_outbuf_add (&session->out, encoded->head_len));
  deye_bus_outbuf_add_payload (&session->out, encoded->payload);
  deye_bus_send_queue_use (&session->send_queue, encoded->credit_class, deye_bus_encoded_call_size (encoded));
  if (encoded->own)
    session_note_own (session, encoded->envelope.id, begin, encoded->credit_class);
  session_note_sent (session, encoded->kind, encoded->own, pending);
}

/* Returns how many calls of that class started. */
static guint
session_start_waiting_of_class (DeyeBusSession *session, WireClass credit_class)
{
  DeyeBusWaiting *waiting;
  guint n;

  for (n = 0; (waiting = deye_bus_send_queue_pop (&session->send_queue, credit_class)) != NULL; n++)
    {
      const guint64 begin = session->out.added;

      memcpy (deye_bus_outbuf_add (&session->out, waiting->head_len), waiting->head, waiting->head_len);
      deye_bus_outbuf_add_payload (&session->out, waiting->payload);
      if (waiting->own_id != 0)
        session_note_own (session, waiting->own_id, begin, credit_class);
      session_note_sent (session, waiting->kind, waiting->own_id != 0, waiting->pending);
      session_note_retained (session, g_steal_pointer (&waiting->retained));
      deye_bus_waiting_free (waiting);
    }
  return n;
}

/* Repeats until no call starts: a reply that starts may have held up the next reply of the same request, in another class. */
static void
session_start_waiting (DeyeBusSession *session)
{
  guint started;

  do
    {
      started = 0;
      for (guint i = WIRE_CLASS_NONE + 1; i < WIRE_N_CLASSES; i++)
        started += session_start_waiting_of_class (session, (WireClass) i);
    }
  while (started > 0);
}

void
deye_bus_session_grant (DeyeBusSession *session, WireClass credit_class, guint64 messages, guint64 bytes)
{
  deye_bus_window_grant (&session->send_queue.windows[credit_class], messages, bytes);
  session_start_waiting (session);
  deye_bus_session_advance_flushes (session);
}

void
deye_bus_session_sent (DeyeBusSession *session, gsize n)
{
  deye_bus_outbuf_sent (&session->out, n);
  if (session->flushes.head != NULL)
    deye_bus_session_advance_flushes (session);
}

/* --- calls --- */

static guint64
session_new_call_id (DeyeBusSession *session, const DeyeBusCall *call, const DeyeBusPending *pending)
{
  gboolean is_unawaited
      = call->kind == WIRE_KIND_PUBLISH && (pending == NULL || pending->kind == DEYE_BUS_PENDING_SENT);

  session->last_id += 2;
  return session->last_id | (is_unawaited ? 1 : 0);
}

guint64
deye_bus_session_new_number (DeyeBusSession *session)
{
  session->last_id += 2;
  return session->last_id;
}

gboolean
deye_bus_session_check_features (const DeyeBusSession *session, guint64 needed, GError **error)
{
  guint64 lacking = needed & ~session->welcome.features;

  if (lacking == 0)
    return TRUE;
  g_set_error (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_UNSUPPORTED,
               _ ("The broker does not offer the feature %s: update the broker"), wire_feature_name (lacking));
  return FALSE;
}

/* The broker would refuse the frame: it is refused before anything is sent. */
static gboolean
session_check_frame_features (const DeyeBusSession *session, const DeyeBusEncodedCall *encoded, GError **error)
{
  guint64 needed = wire_feature_of_frame (encoded->kind, encoded->flags, &encoded->envelope);

  if (encoded->kind == WIRE_KIND_REQUEST)
    needed |= wire_feature_of_method (encoded->envelope.topic);
  return deye_bus_session_check_features (session, needed, error);
}

/* The place of a call among the waiting calls. */
typedef struct
{
  gboolean ahead;      /* it overtakes all of them */
  DeyeBusRoute *route; /* of a reply; NULL: the call is no reply */
  DeyeBusAfter after;  /* the last reply of the route that had to wait: it has to start before this one */
} SessionPlace;

static SessionPlace
session_place_of (const DeyeBusSession *session, const DeyeBusCall *call)
{
  SessionPlace place = { .ahead = call->ahead };

  if (call->kind == WIRE_KIND_REPLY)
    place.route = deye_bus_route_table_find (&session->routes, call->route);
  if (place.route != NULL)
    place.after = (DeyeBusAfter){ place.route->waiting_number, place.route->waiting_class };
  return place;
}

static gboolean
session_may_start (const DeyeBusSession *session, WireClass credit_class, const SessionPlace *place)
{
  gboolean open = place->ahead ? deye_bus_send_queue_is_open (&session->send_queue, credit_class)
                               : deye_bus_send_queue_may_start (&session->send_queue, credit_class);

  return open && !deye_bus_send_queue_waits (&session->send_queue, &place->after);
}

/* @retained: (transfer full) (nullable). FALSE: too many calls wait. */
static gboolean
session_let_wait (DeyeBusSession *session,
                  const DeyeBusEncodedCall *encoded,
                  DeyeBusPending *pending,
                  const SessionPlace *place,
                  DeyeBusRetainedValue *retained,
                  GError **error)
{
  if (!deye_bus_send_queue_push (&session->send_queue, encoded, pending, &place->after, retained, error))
    {
      g_clear_pointer (&retained, deye_bus_retained_value_free);
      return FALSE;
    }
  if (place->route != NULL)
    {
      place->route->waiting_number = session->send_queue.last_number;
      place->route->waiting_class = encoded->credit_class;
    }
  return TRUE;
}

/* Notes that the call has a number, and keeps its frame, so that it can be sent again on the next connection. */
static void
session_note_message (DeyeBusSession *session, const DeyeBusEncodedCall *encoded, DeyeBusPending *pending)
{
  session->newest_message = MAX (session->newest_message, encoded->envelope.message_id);
  pending->message_id = encoded->envelope.message_id;
  if (pending->frame == NULL && session->keeps && (session->welcome.features & WIRE_FEATURE_DELIVERY))
    pending->frame = deye_bus_kept_frame_new (encoded, pending->since_us);
}

/* A stream returns credit with the id that its request has on this connection, so the id is set again with each connection. */
static void
session_add_pending (DeyeBusSession *session, DeyeBusPending *pending, guint64 id)
{
  deye_bus_pending_table_add (&session->pending, pending, id);
  if (pending->stream == NULL)
    return;
  pending->stream->id = id;
  pending->stream->origin = session->origin;
}

static gboolean
session_start_call (DeyeBusSession *session,
                    const DeyeBusEncodedCall *encoded,
                    const SessionPlace *place,
                    DeyeBusPending *pending,
                    GError **error)
{
  DeyeBusRetainedValue *retained;
  gboolean now;

  if (!session_check_frame_features (session, encoded, error)
      || !deye_bus_encoded_call_check (encoded, session->welcome.largest_payload, error))
    return FALSE;
  now = session_may_start (session, encoded->credit_class, place);
  retained = session_new_retained (encoded, place->ahead);
  if (!now && !session_let_wait (session, encoded, pending, place, retained, error))
    return FALSE;
  if (pending != NULL)
    session_add_pending (session, pending, encoded->envelope.id);
  if (pending != NULL && encoded->envelope.message_id != 0)
    session_note_message (session, encoded, pending);
  if (now)
    {
      session_send_now (session, encoded, pending);
      session_note_retained (session, retained);
    }
  else
    session_start_waiting (session); /* this call starts if all earlier calls of its class wait for another class */
  return TRUE;
}

gboolean
deye_bus_session_publish (DeyeBusSession *session, const char *topic, GBytes *payload, const DeyeBusOptions *options)
{
  if (deye_bus_session_write_plain (session, topic, payload, options, 0, FALSE) == 0)
    return FALSE;
  session->counts.published++;
  session->unasked_sent++;
  return TRUE;
}

/* A message with a number is not plain, since it may have to be sent again. */
static gboolean
session_may_be_plain (const DeyeBusCall *call)
{
  return call->kind == WIRE_KIND_PUBLISH && (call->flags & ~WIRE_FLAG_WANT_ACK) == 0 && !call->ahead && !call->own
         && call->message_id == 0 && call->deadline_us == 0 && call->type_name == NULL
         && (call->target == NULL || *call->target == '\0');
}

/* FALSE: the call is not plain, and nothing was done. */
static gboolean
session_call_plain (DeyeBusSession *session, const DeyeBusCall *call, DeyeBusPending *pending)
{
  gboolean waits = pending != NULL && pending->kind != DEYE_BUS_PENDING_SENT;
  guint64 id;

  if (!session_may_be_plain (call) || (pending != NULL && (pending->stream != NULL || pending->frame != NULL)))
    return FALSE;
  id = deye_bus_session_write_plain (session, call->topic, call->payload, call->options, call->flags, waits);
  if (id == 0)
    return FALSE;
  if (pending != NULL)
    deye_bus_pending_table_add (&session->pending, pending, id);
  session_note_sent (session, WIRE_KIND_PUBLISH, FALSE, pending);
  return TRUE;
}

static gboolean
session_call_general (DeyeBusSession *session, const DeyeBusCall *call, DeyeBusPending *pending, GError **error)
{
  DEYE_BUS_UNINITIALIZED DeyeBusEncodedCall encoded; /* set by deye_bus_call_encode() */
  SessionPlace place;

  deye_bus_call_encode (call, session_new_call_id (session, call, pending), &encoded);
  encoded.credit_class = deye_bus_call_class (call, session->welcome.features);
  if (session->welcome.features & WIRE_FEATURE_DELIVERY)
    deye_bus_encoded_call_stamp (&encoded, call->request_hops);
  if (!deye_bus_options_check (call->options, error))
    return FALSE;
  place = session_place_of (session, call);
  return session_start_call (session, &encoded, &place, pending, error);
}

gboolean
deye_bus_session_call (DeyeBusSession *session, const DeyeBusCall *call, DeyeBusPending *pending, GError **error)
{
  if (session->state != DEYE_BUS_SESSION_READY)
    {
      g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED, _ ("Not connected: connect first"));
      return FALSE;
    }
  return session_call_plain (session, call, pending) || session_call_general (session, call, pending, error);
}

/* --- kept calls --- */

gboolean
deye_bus_session_keep_call (DeyeBusSession *session, const DeyeBusCall *call, DeyeBusPending *pending, GError **error)
{
  DEYE_BUS_UNINITIALIZED DeyeBusEncodedCall encoded; /* set by deye_bus_call_encode() */

  deye_bus_call_encode (call, session_new_call_id (session, call, pending), &encoded);
  if (!deye_bus_options_check (call->options, error) || !deye_bus_encoded_call_check (&encoded, G_MAXUINT32, error))
    return FALSE;
  pending->frame = deye_bus_kept_frame_new (&encoded, pending->since_us);
  pending->message_id = encoded.envelope.message_id;
  deye_bus_pending_table_add (&session->pending, pending, encoded.envelope.id);
  return TRUE;
}

gboolean
deye_bus_session_send_frame (DeyeBusSession *session,
                             const DeyeBusKeptFrame *frame,
                             DeyeBusPending *pending,
                             gboolean ahead,
                             gint64 now_us,
                             GError **error)
{
  const SessionPlace place = { .ahead = ahead };
  DEYE_BUS_UNINITIALIZED DeyeBusEncodedCall encoded; /* set by deye_bus_kept_frame_encode() */

  session->last_id += 2;
  if (!deye_bus_kept_frame_encode (frame, session->last_id | (pending == NULL ? 1 : 0), now_us, &encoded))
    {
      g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_EXPIRED,
                           _ ("Not sent: its time to live expired before the client was ready"));
      return FALSE;
    }
  /* A kept frame is never a reply, so the class follows from its own topic. */
  encoded.credit_class
      = wire_class_of (frame->kind, encoded.envelope.topic, encoded.envelope.payload.len, session->welcome.features)
            .credit_class;
  if (session->welcome.features & WIRE_FEATURE_DELIVERY)
    deye_bus_encoded_call_stamp (&encoded, NULL);
  return session_start_call (session, &encoded, &place, pending, error);
}

static void
session_send_cancel (DeyeBusSession *session, const DeyeBusPending *pending)
{
  WireEnvelope cancel;

  wire_envelope_init (&cancel);
  cancel.id = pending->id;
  deye_bus_outbuf_add_envelope (&session->out, WIRE_KIND_CANCEL, &cancel);
}

void
deye_bus_session_cancel (DeyeBusSession *session, DeyeBusPending *pending, GError *reason)
{
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
    deye_bus_send_queue_drop (&session->send_queue, pending);
  else if (pending->kind == DEYE_BUS_PENDING_REPLY || pending->kind == DEYE_BUS_PENDING_ANSWERS
           || pending->kind == DEYE_BUS_PENDING_DELIVERED)
    session_send_cancel (session, pending);
  deye_bus_pending_table_finish (&session->pending, pending, reason);
  deye_bus_session_advance_flushes (session);
}

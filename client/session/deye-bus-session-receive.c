/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-receive.h"

#include "deye-bus-error-private.h"
#include "deye-bus-message-private.h"
#include "session/deye-bus-session-ahead.h"
#include "session/deye-bus-session-answer.h"
#include "session/deye-bus-session-credit.h"
#include "session/deye-bus-session-handshake.h"
#include "session/deye-bus-session-data.h"
#include "session/deye-bus-session-deliver.h"
#include "session/deye-bus-session-flush.h"
#include "session/deye-bus-session-republish.h"
#include "session/deye-bus-session-restore.h"
#include "session/deye-bus-session-send.h"
#include "session/deye-bus-session-state.h"
#include "session/deye-bus-session-terms.h"
#include "wire-hot.h"

#include <glib/gi18n-lib.h>

#define PONG_MAX_BYTES (1u << 20) /* a PING is not answered while more bytes than this are unsent */

/* One frame that is being handled. */
typedef struct
{
  DeyeBusSession *session;
  WireFrame *frame;
  const WireEnvelope *envelope;
  gboolean is_prepared; /* the envelope was initialised: a usual delivery does not use it */
} SessionArrival;

typedef void (*SessionHandler) (SessionArrival *arrival);

/* The pending call that the frame answers; NULL: none. The steps of a connection that consist of several requests also have a
 * pending call. The broker never gets its number, so no frame can answer it. */
static DeyeBusPending *
arrival_find_pending (const SessionArrival *arrival)
{
  DeyeBusPending *pending = deye_bus_pending_table_find (&arrival->session->pending, arrival->envelope->answers);

  if (pending != NULL && pending->kind == DEYE_BUS_PENDING_RESTORE)
    return NULL;
  /* The broker handles the frames of a connection in order, so an answer proves that it has handled all frames before the call. */
  if (pending != NULL)
    arrival->session->unasked_proved = MAX (arrival->session->unasked_proved, pending->unasked);
  return pending;
}

/* --- messages --- */

/* The first channel that the frame is for. NULL: it is not in the table, for example because it was just unsubscribed. */
static const DeyeBusChannel *
arrival_find_channel (SessionArrival *arrival)
{
  WireSpan ids = arrival->envelope->subscriptions;
  const DeyeBusChannel *channel = NULL;
  guint32 id;

  while (channel == NULL && wire_envelope_next_u32 (&ids, &id))
    channel = deye_bus_channel_table_find (&arrival->session->channels, id);
  return channel;
}

static DeyeBusMessage *
arrival_make_message (SessionArrival *arrival)
{
  DeyeBusSession *session = arrival->session;

  return deye_bus_session_adopt_message (
      session, deye_bus_message_new (&session->spare, &session->reader, arrival->frame, arrival->envelope));
}

static guint
session_count_ids (WireSpan packed)
{
  guint32 id;
  guint n = 0;

  while (wire_envelope_next_u32 (&packed, &id))
    n++;
  return n;
}

static void
arrival_distribute_to_several (SessionArrival *arrival)
{
  DeyeBusSession *session = arrival->session;
  WireSpan packed = arrival->envelope->subscriptions;
  guint n = arrival_find_channel (arrival) != NULL ? session_count_ids (packed) : 0;
  guint32 few[8];
  g_autofree guint32 *many = n > G_N_ELEMENTS (few) ? g_new (guint32, n) : NULL;
  guint32 *ids = many != NULL ? many : few;
  g_autoptr (DeyeBusMessage) message = NULL;

  /* The ids are read first: the message may take the body over, and writes into it. */
  for (guint i = 0; i < n; i++)
    (void) wire_envelope_next_u32 (&packed, &ids[i]);
  message = n > 0 ? arrival_make_message (arrival) : NULL;
  for (guint i = 0; message != NULL && i < n; i++)
    {
      DeyeBusChannel *channel = deye_bus_channel_table_find (&session->channels, ids[i]);

      if (channel != NULL && !deye_bus_session_deliver (session, channel, deye_bus_message_ref (message)))
        return;
    }
}

static gboolean
arrival_is_for_one (const SessionArrival *arrival, guint32 *id)
{
  WireSpan packed = arrival->envelope->subscriptions;

  if (packed.len == 1) /* the reader has checked that it is a whole number */
    {
      *id = *packed.data;
      return TRUE;
    }
  return wire_envelope_next_u32 (&packed, id) && packed.len == 0;
}

/* Most messages are for one channel only, which needs no list of ids, and gets the only reference. */
static void
arrival_distribute (SessionArrival *arrival)
{
  DeyeBusChannel *channel;
  guint32 id;

  if (!arrival_is_for_one (arrival, &id))
    {
      arrival_distribute_to_several (arrival);
      return;
    }
  channel = deye_bus_channel_table_find (&arrival->session->channels, id);
  if (channel != NULL)
    (void) deye_bus_session_deliver (arrival->session, channel, arrival_make_message (arrival));
}

/* The end of the retained messages of a subscription. */
static void
arrival_handle_retained_end (const SessionArrival *arrival)
{
  DeyeBusChannel *channel = deye_bus_channel_table_find (&arrival->session->channels, arrival->envelope->subscription);

  if (channel != NULL)
    channel->catching_up = FALSE;
}

static void
arrival_handle_deliver (SessionArrival *arrival)
{
  if (arrival->envelope->retained && arrival->envelope->subscriptions.len == 0)
    arrival_handle_retained_end (arrival);
  else
    arrival_distribute (arrival);
}

static void
session_refuse_request (DeyeBusSession *session, guint64 route)
{
  WireEnvelope cancel;

  wire_envelope_init (&cancel);
  cancel.route = route;
  deye_bus_outbuf_add_envelope (&session->out, WIRE_KIND_CANCEL, &cancel);
}

static void
arrival_handle_request (SessionArrival *arrival)
{
  DeyeBusSession *session = arrival->session;
  guint64 route = arrival->envelope->route_id;
  const DeyeBusChannel *channel = arrival_find_channel (arrival);

  if (route == 0)
    deye_bus_session_misbehaved (session, "REQUEST without route");
  else if (deye_bus_route_table_find (&session->routes, route) != NULL)
    deye_bus_session_misbehaved (session, "REQUEST with the route of another REQUEST");
  else if (channel == NULL || !deye_bus_route_table_open (&session->routes, route, channel->is_task))
    session_refuse_request (session, route);
  else
    arrival_distribute (arrival);
}

/* --- answers --- */

/* Takes @error. */
static void
session_finish (DeyeBusSession *session, DeyeBusPending *pending, GError *error)
{
  g_autoptr (DeyeBusPending) held = deye_bus_pending_ref (pending);

  deye_bus_pending_table_finish (&session->pending, pending, error);
  if (held->restores)
    deye_bus_session_restore_answered (session, held);
  if (held->republishes)
    deye_bus_session_republish_answered (session, held);
}

/* TRUE: the reply is the broker's report about a request to several members. It has no payload. */
static gboolean
arrival_is_report (const SessionArrival *arrival)
{
  return (arrival->frame->flags & WIRE_FLAG_FINAL) && arrival->envelope->matched > 0
         && wire_span_equal (arrival->envelope->sender, WIRE_SPAN_LITERAL ("bus"));
}

static void
arrival_count_answers (const SessionArrival *arrival, DeyeBusStream *stream)
{
  const WireEnvelope *envelope = arrival->envelope;

  if (envelope->matched == 0)
    return;
  stream->asked = envelope->matched;
  stream->answered = envelope->queued;
  stream->failed = envelope->refused;
}

/* FALSE: the session has ended. */
static gboolean
arrival_put_answer (SessionArrival *arrival, DeyeBusStream *stream)
{
  DeyeBusMessage *message = arrival_make_message (arrival);

  if (message == NULL)
    return FALSE;
  deye_bus_hops_note_delivered (message->hops);
  arrival->session->counts.received++;
  if (!deye_bus_stream_put (stream, message))
    {
      deye_bus_session_misbehaved (arrival->session, "an answer without credit");
      return FALSE;
    }
  deye_bus_stream_wake (stream, arrival->session->events);
  return TRUE;
}

/* Keeps the last reply as a message, if it is an error of the whole request with a payload, such as a manifest. FALSE: the session
 * has ended. */
static gboolean
arrival_keep_last (SessionArrival *arrival, DeyeBusPending *pending)
{
  if (arrival->envelope->payload.len == 0)
    return TRUE;
  pending->reply = arrival_make_message (arrival);
  return pending->reply != NULL;
}

/* Handles one answer to a request that may have several. */
static void
arrival_handle_answer (SessionArrival *arrival, DeyeBusPending *pending)
{
  const WireEnvelope *envelope = arrival->envelope;
  gboolean is_report = arrival_is_report (arrival);
  gboolean is_last = (arrival->frame->flags & WIRE_FLAG_FINAL) != 0;
  GError *error = NULL;

  arrival_count_answers (arrival, pending->stream);
  /* An error of one of several members is an answer like others; an error of the only member ends the request. */
  if (is_last && envelope->status != WIRE_STATUS_OK)
    {
      error = deye_bus_error_from_envelope (envelope);
      if (!arrival_keep_last (arrival, pending))
        {
          g_error_free (error);
          return;
        }
    }
  else if (!is_report && !arrival_put_answer (arrival, pending->stream))
    return;
  if (is_last)
    session_finish (arrival->session, pending, error);
}

static void
arrival_handle_reply (SessionArrival *arrival)
{
  DeyeBusSession *session = arrival->session;
  DeyeBusPending *pending = arrival_find_pending (arrival);

  if (pending != NULL && pending->kind == DEYE_BUS_PENDING_ANSWERS)
    {
      arrival_handle_answer (arrival, pending);
      return;
    }
  if (pending == NULL || pending->kind != DEYE_BUS_PENDING_REPLY || !(arrival->frame->flags & WIRE_FLAG_FINAL))
    return;
  if (arrival->envelope->status != WIRE_STATUS_OK)
    {
      session_finish (session, pending, deye_bus_error_from_envelope (arrival->envelope));
      return;
    }
  pending->reply = arrival_make_message (arrival);
  if (pending->reply == NULL)
    return;
  deye_bus_hops_note_delivered (pending->reply->hops);
  if (pending->adjusts)
    deye_bus_session_read_adjusted (session, pending);
  else if (pending->channel != NULL)
    deye_bus_session_read_subscribed (session, pending);
  if (session->state == DEYE_BUS_SESSION_READY)
    session_finish (session, pending, NULL);
}

/* An ACK without the id of a call reports that a subscription drains, or gets new messages again. */
static void
arrival_handle_drain (const SessionArrival *arrival)
{
  const WireEnvelope *envelope = arrival->envelope;
  DeyeBusChannel *channel = deye_bus_channel_table_find (&arrival->session->channels, envelope->subscription);
  DeyeBusDrainState state = DEYE_BUS_DRAIN_NONE;

  if (envelope->status == WIRE_STATUS_DRAINING)
    state = envelope->value > 0 ? DEYE_BUS_DRAIN_DRAINING : DEYE_BUS_DRAIN_DRAINED;
  if (channel != NULL)
    deye_bus_channel_set_drain (channel, state, arrival->session->events);
}

static void
arrival_handle_ack (SessionArrival *arrival)
{
  const WireEnvelope *envelope = arrival->envelope;
  DeyeBusPending *pending = arrival_find_pending (arrival);

  if (envelope->answers == 0 && envelope->subscription != 0)
    arrival_handle_drain (arrival);

  if (pending == NULL || (pending->kind != DEYE_BUS_PENDING_ACK && pending->kind != DEYE_BUS_PENDING_DELIVERED))
    return;
  pending->result
      = (DeyeBusPublishResult){ envelope->accept_seq, envelope->matched, envelope->queued, envelope->refused };
  /* If some receivers were full, the result contains that. The call fails only if no receiver got the message. A retained message
   * that the library publishes again is for later receivers. */
  if (envelope->status != WIRE_STATUS_OK && envelope->queued == 0 && !pending->republishes)
    session_finish (arrival->session, pending, deye_bus_error_from_envelope (envelope));
  else if (pending->kind == DEYE_BUS_PENDING_ACK)
    session_finish (arrival->session, pending, NULL);
}

static void
arrival_handle_delivered (SessionArrival *arrival)
{
  DeyeBusPending *pending = arrival_find_pending (arrival);

  if (arrival->envelope->answers == 0 && arrival->envelope->route_id != 0)
    deye_bus_session_note_delivered (arrival->session, arrival->envelope->route_id);
  else if (pending != NULL && pending->kind == DEYE_BUS_PENDING_DELIVERED)
    deye_bus_pending_table_finish (&arrival->session->pending, pending, NULL);
}

static void
arrival_handle_error (SessionArrival *arrival)
{
  DeyeBusSession *session = arrival->session;
  DeyeBusPending *pending = arrival_find_pending (arrival);
  GError *error = deye_bus_error_from_envelope (arrival->envelope);

  /* A receiver with the policy Block was full for too long. The ERROR reports all messages to it that were dropped, with and
   * without an acknowledgement, and names only the call that published the last of them. */
  if (deye_bus_error_is_block_over (arrival->envelope))
    deye_bus_session_push_refused (session, pending != NULL ? g_error_copy (error) : g_steal_pointer (&error));
  if (error == NULL)
    return;
  if (!deye_bus_error_is_block_over (arrival->envelope))
    deye_bus_retained_refuse (&session->retained, arrival->envelope->answers);
  if (pending != NULL)
    session_finish (session, pending, error);
  else if (arrival->envelope->answers == 0)
    {
      g_clear_error (&session->broker_error);
      session->broker_error = error;
      session->reason_status = arrival->envelope->status;
    }
  else if (arrival->envelope->answers & 1)
    deye_bus_session_push_refused (session, error);
  else
    {
      g_debug ("ignored an answer, because its call has ended: %s", error->message);
      g_error_free (error);
    }
}

/* --- other frames --- */

static void
arrival_handle_credit (SessionArrival *arrival)
{
  const WireEnvelope *envelope = arrival->envelope;

  if (envelope->credit_class == WIRE_CLASS_NONE || envelope->credit_class >= WIRE_N_CLASSES)
    return;
  deye_bus_session_grant (arrival->session, (WireClass) envelope->credit_class, envelope->credit_messages,
                          envelope->credit_bytes);
  deye_bus_session_advance_restore (arrival->session);
}

static void
arrival_handle_gap (SessionArrival *arrival)
{
  const WireEnvelope *envelope = arrival->envelope;
  DeyeBusSession *session = arrival->session;
  DeyeBusChannel *channel = deye_bus_channel_table_find (&session->channels, envelope->subscription);
  DeyeBusGap gap = { envelope->gap_from, envelope->gap_to, envelope->gap_count, envelope->gap_reason };

  if (channel == NULL)
    return;
  session->counts.missed += gap.count;
  if (!(channel->pull ? deye_bus_channel_put_gap (channel, &gap)
                      : deye_bus_channel_push_gap (channel, session->events, &gap)))
    deye_bus_session_misbehaved (session, "GAPs for too many reasons");
  else if (channel->pull)
    deye_bus_channel_wake (channel, session->events);
}

static void
arrival_handle_cancel (SessionArrival *arrival)
{
  deye_bus_session_cancel_route (arrival->session, arrival->envelope->route_id, arrival->envelope->status);
}

static void
arrival_handle_ping (SessionArrival *arrival)
{
  WireEnvelope pong;

  if (deye_bus_outbuf_bytes (&arrival->session->out) > PONG_MAX_BYTES)
    return;
  wire_envelope_init (&pong);
  pong.id = arrival->envelope->id;
  deye_bus_outbuf_add_envelope (&arrival->session->out, WIRE_KIND_PONG, &pong);
}

static void
arrival_handle_pong (SessionArrival *arrival)
{
  DeyeBusPending *pending = arrival_find_pending (arrival);

  /* A PONG without a flush only shows that the broker is alive. */
  if (pending != NULL && pending->kind == DEYE_BUS_PENDING_FLUSH)
    deye_bus_session_flush_answered (arrival->session, pending);
}

static const SessionHandler handlers[] = {
  [WIRE_KIND_DELIVER] = arrival_handle_deliver, [WIRE_KIND_REQUEST] = arrival_handle_request,
  [WIRE_KIND_REPLY] = arrival_handle_reply,     [WIRE_KIND_DELIVERED] = arrival_handle_delivered,
  [WIRE_KIND_ACK] = arrival_handle_ack,         [WIRE_KIND_ERROR] = arrival_handle_error,
  [WIRE_KIND_CREDIT] = arrival_handle_credit,   [WIRE_KIND_GAP] = arrival_handle_gap,
  [WIRE_KIND_CANCEL] = arrival_handle_cancel,   [WIRE_KIND_PING] = arrival_handle_ping,
  [WIRE_KIND_PONG] = arrival_handle_pong,
};

static void
arrival_handle_envelope (SessionArrival *arrival, WireEnvelope *envelope)
{
  DeyeBusSession *session = arrival->session;
  const WireFrame *frame = arrival->frame;
  WireReadResult result;

  /* A newer broker may send a kind that is unknown here: it is skipped. Before WELCOME only an ERROR is valid. */
  if (frame->kind >= G_N_ELEMENTS (handlers) || handlers[frame->kind] == NULL)
    return;
  if (session->state == DEYE_BUS_SESSION_HELLO && frame->kind != WIRE_KIND_ERROR)
    {
      deye_bus_session_misbehaved (session, "first frame is not WELCOME");
      return;
    }
  if (!arrival->is_prepared)
    wire_envelope_init (envelope);
  arrival->is_prepared = TRUE;
  result = wire_envelope_read_next (frame->body, frame->kind, WIRE_FROM_BROKER, envelope);
  if (result.status == WIRE_STATUS_OK || result.status == WIRE_STATUS_UNSUPPORTED)
    handlers[frame->kind](arrival);
  else
    deye_bus_session_misbehaved (session, result.problem != NULL ? result.problem : "malformed frame");
}

/* --- frames --- */

static void
session_handle_frame (SessionArrival *arrival, WireEnvelope *envelope)
{
  if (deye_bus_session_deliver_usual (arrival->session, arrival->frame))
    return;
  if (arrival->frame->kind == WIRE_KIND_WELCOME)
    deye_bus_session_handle_welcome (arrival->session, arrival->frame);
  else if (arrival->frame->kind == WIRE_KIND_GOODBYE)
    deye_bus_session_handle_goodbye (arrival->session, arrival->frame);
  else
    arrival_handle_envelope (arrival, envelope);
}

WIRE_COLD static void
session_fail_bad_frame (DeyeBusSession *session)
{
  deye_bus_session_fail (
      session, deye_bus_error_new (DEYE_BUS_ERROR_PROTOCOL,
                                   _ ("Byte %zu of a frame does not follow the protocol (%s): check the address"),
                                   session->reader.offset, wire_status_name (session->reader.status)));
}

static WireFrameResult
session_next_frame (DeyeBusSession *session, WireSpan *input, WireFrame *frame)
{
  return wire_frame_reader_next_whole (&session->reader, input, frame)
             ? WIRE_FRAME_COMPLETE
             : wire_frame_reader_next (&session->reader, input, frame);
}

WIRE_HOT void
deye_bus_session_received (DeyeBusSession *session, const guint8 *bytes, gsize len, gint64 now_us)
{
  DEYE_BUS_UNINITIALIZED WireEnvelope envelope; /* of one frame after the other */
  WireSpan input = wire_span (bytes, len);
  WireFrame frame;
  SessionArrival arrival = { session, &frame, &envelope, FALSE };
  DEYE_BUS_UNINITIALIZED DeyeBusAhead ahead;

  deye_bus_ahead_init (&ahead, &session->channels);
  while (session->state != DEYE_BUS_SESSION_ENDED)
    switch (session_next_frame (session, &input, &frame))
      {
      case WIRE_FRAME_COMPLETE:
        deye_bus_ahead_step (&ahead, input);
        session_handle_frame (&arrival, &envelope);
        break;
      case WIRE_FRAME_MORE:
        return;
      case WIRE_FRAME_BAD:
        session_fail_bad_frame (session);
        return;
      }
}

gsize
deye_bus_session_place (DeyeBusSession *session, guint8 **where)
{
  return session->state == DEYE_BUS_SESSION_ENDED ? 0 : wire_frame_reader_place (&session->reader, where);
}

void
deye_bus_session_placed (DeyeBusSession *session, gsize n, gint64 now_us)
{
  wire_frame_reader_placed (&session->reader, n);
  deye_bus_session_received (session, NULL, 0, now_us);
}

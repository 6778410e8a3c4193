/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-session-private.h"

#include "control.pb-c.h"
#include "envelope.pb-c.h"
#include "wire-feature.h"
#include "wire-guard.h"

#include <glib/gi18n-lib.h>

/*
 * Frames in: one handler for each kind, in a table. The broker is trusted with decisions, not with memory safety: what
 * makes no sense ends the connection, what is unknown or late is skipped.
 */

#define PAYLOAD_CEILING (64u << 20)

typedef struct
{
  DeyeBusSession *session;
  WireFrame *frame;
  const WireEnvelope *envelope;
} Arrival;

typedef void (*Handler) (Arrival *arrival);

static void
misbehaved (DeyeBusSession *session, const char *how)
{
  deye_bus_session_fail (
      session,
      deye_bus_error_new (DEYE_BUS_ERROR_PROTOCOL, _ ("The broker broke the protocol (%s): report it as a bug"), how));
}

/* What did not go out yet can't be answered. */
static DeyeBusPending *
find_pending (const Arrival *arrival)
{
  DeyeBusPending *pending = g_hash_table_lookup (arrival->session->pending, &arrival->envelope->answers);

  return pending != NULL && pending->sent ? pending : NULL;
}

/* --- handshake --- */

static void
open_publish_windows (DeyeBusSession *session, const Daemoneye__Eventbus__V1__Welcome *welcome)
{
  for (gsize i = 0; i < welcome->n_windows; i++)
    {
      const Daemoneye__Eventbus__V1__Window *window = welcome->windows[i];

      if (window->class_ > WIRE_CLASS_NONE && window->class_ < WIRE_N_CLASSES)
        deye_bus_window_grant (&session->publish[window->class_], window->messages, window->bytes);
    }
}

static void
handle_welcome (DeyeBusSession *session, const WireFrame *frame)
{
  g_autoptr (WireGuard) guard
      = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__welcome__descriptor, frame->body, 0, NULL);
  const Daemoneye__Eventbus__V1__Welcome *welcome;

  if (guard == NULL || session->state != DEYE_BUS_SESSION_HELLO)
    {
      misbehaved (session, guard == NULL ? "malformed WELCOME" : "second WELCOME");
      return;
    }
  welcome = wire_guard_message (guard);
  if (welcome->version >> 16 != 1)
    {
      deye_bus_session_fail (session, deye_bus_error_from_goodbye (WIRE_STATUS_VERSION, NULL));
      return;
    }
  session->welcome.epoch = welcome->epoch;
  session->welcome.role = welcome->role;
  session->welcome.features = welcome->features & WIRE_FEATURES_KNOWN;
  session->welcome.largest_payload = MIN (welcome->largest_payload, PAYLOAD_CEILING);
  session->welcome.software_version = g_strdup (welcome->software_version);
  session->reader.max_body = session->welcome.largest_payload + WIRE_HEADER_FIELDS_MAX + WIRE_BROKER_FIELDS_MAX + 16;
  open_publish_windows (session, welcome);
  session->state = DEYE_BUS_SESSION_READY;
  deye_bus_session_finish (session, session->hello, NULL);
}

static void
handle_goodbye (DeyeBusSession *session, const WireFrame *frame)
{
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__Goodbye *goodbye;

  guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__goodbye__descriptor, frame->body, 0, NULL);
  if (guard == NULL)
    {
      misbehaved (session, "malformed GOODBYE");
      return;
    }
  goodbye = wire_guard_message (guard);
  deye_bus_session_fail (session, deye_bus_error_from_goodbye (goodbye->status, goodbye->detail));
}

/* --- messages --- */

static gboolean
take_credit (DeyeBusSession *session, DeyeBusChannel *channel, gsize bytes)
{
  if (channel->window.size_messages > 0 && !deye_bus_window_is_open (&channel->window))
    {
      misbehaved (session, "sent without credit");
      return FALSE;
    }
  deye_bus_window_use (&channel->window, bytes);
  return TRUE;
}

static void
hand_over (DeyeBusSession *session, DeyeBusChannel *channel, DeyeBusMessage *message)
{
  message->to_handle++;
  session->counts.received++;
  if (!channel->pull)
    {
      deye_bus_channel_close_gaps (channel);
      deye_bus_events_push (session->events, (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_MESSAGE,
                                                             .subject = deye_bus_channel_ref (channel),
                                                             .message = deye_bus_message_ref (message) });
      return;
    }
  deye_bus_channel_put (channel, message);
  deye_bus_channel_wake (channel, session->events);
}

/* What was unsubscribed a moment ago is not in the table any more. */
static gboolean
is_for_anybody (Arrival *arrival)
{
  WireSpan ids = arrival->envelope->subscriptions;
  guint32 id;

  while (wire_envelope_next_u32 (&ids, &id))
    if (deye_bus_session_find_channel (arrival->session, id) != NULL)
      return TRUE;
  return FALSE;
}

static DeyeBusMessage *
make_message (Arrival *arrival)
{
  DeyeBusSession *session = arrival->session;
  DeyeBusMessage *message = deye_bus_message_new (&session->reader, arrival->frame, arrival->envelope);

  if (message == NULL)
    deye_bus_session_fail (session, deye_bus_error_new (DEYE_BUS_ERROR_NO_MEMORY, "%s", _ ("No memory for a message")));
  else
    message->origin = session->origin;
  return message;
}

static guint
count_ids (WireSpan packed)
{
  guint32 id;
  guint n = 0;

  while (wire_envelope_next_u32 (&packed, &id))
    n++;
  return n;
}

static void
distribute (Arrival *arrival)
{
  DeyeBusSession *session = arrival->session;
  WireSpan packed = arrival->envelope->subscriptions;
  guint n = count_ids (packed);
  guint32 few[8];
  g_autofree guint32 *many = n > G_N_ELEMENTS (few) ? g_new (guint32, n) : NULL;
  guint32 *ids = many != NULL ? many : few;
  g_autoptr (DeyeBusMessage) message = NULL;

  /* Out of the body first: it may be given to the message, which writes into it. */
  for (guint i = 0; i < n; i++)
    (void) wire_envelope_next_u32 (&packed, &ids[i]);
  message = make_message (arrival);
  for (guint i = 0; message != NULL && i < n; i++)
    {
      DeyeBusChannel *channel = deye_bus_session_find_channel (session, ids[i]);

      if (channel == NULL)
        continue;
      if (!take_credit (session, channel, message->payload.len))
        return;
      hand_over (session, channel, message);
    }
}

static void
handle_deliver (Arrival *arrival)
{
  if (is_for_anybody (arrival))
    distribute (arrival);
}

static void
give_back (DeyeBusSession *session, guint64 route)
{
  WireEnvelope cancel;

  wire_envelope_init (&cancel);
  cancel.route = route;
  deye_bus_session_put (session, WIRE_KIND_CANCEL, &cancel);
}

static void
handle_request (Arrival *arrival)
{
  DeyeBusSession *session = arrival->session;
  guint64 route = arrival->envelope->route_id;

  if (route == 0)
    misbehaved (session, "REQUEST without route");
  else if (!is_for_anybody (arrival) || g_hash_table_size (session->routes) >= DEYE_BUS_ROUTES_MAX)
    give_back (session, route);
  else
    {
      g_hash_table_add (session->routes, g_memdup2 (&route, sizeof route));
      distribute (arrival);
    }
}

/* --- answers --- */

/* What the block held before it was known goes back now. */
static void
set_policy (DeyeBusSession *session,
            DeyeBusChannel *channel,
            guint32 policy,
            guint64 queue_messages,
            guint64 queue_bytes)
{
  channel->policy = policy <= DEYE_BUS_POLICY_CONFLATE ? (DeyeBusPolicy) policy : DEYE_BUS_POLICY_DEFAULT;
  channel->queue_messages = queue_messages;
  channel->queue_bytes = queue_bytes;
  deye_bus_session_return_credit (session, channel);
}

static void
read_subscribed (DeyeBusSession *session, DeyeBusPending *pending)
{
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__SubscribeReply *reply;

  guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__subscribe_reply__descriptor, pending->reply->payload, 0,
                                     NULL);
  reply = guard != NULL ? wire_guard_message (guard) : NULL;
  if (reply == NULL || reply->window_messages == 0 || reply->window_bytes == 0)
    {
      misbehaved (session, "malformed SubscribeReply");
      return;
    }
  deye_bus_window_open (&pending->channel->window, reply->window_messages, reply->window_bytes);
  set_policy (session, pending->channel, reply->policy, reply->queue_messages, reply->queue_bytes);
}

static void
read_adjusted (DeyeBusSession *session, DeyeBusPending *pending)
{
  g_autoptr (WireGuard) guard = NULL;
  const Daemoneye__Eventbus__V1__AdjustReply *reply;

  guard = wire_guard_unpack_lenient (&daemoneye__eventbus__v1__adjust_reply__descriptor, pending->reply->payload, 0,
                                     NULL);
  if (guard == NULL)
    {
      misbehaved (session, "malformed AdjustReply");
      return;
    }
  reply = wire_guard_message (guard);
  set_policy (session, pending->channel, reply->policy, reply->queue_messages, reply->queue_bytes);
}

static void
handle_reply (Arrival *arrival)
{
  DeyeBusSession *session = arrival->session;
  DeyeBusPending *pending = find_pending (arrival);

  if (pending == NULL || pending->kind != DEYE_BUS_PENDING_REPLY || !(arrival->frame->flags & WIRE_FLAG_FINAL))
    return;
  if (arrival->envelope->status != WIRE_STATUS_OK)
    {
      deye_bus_session_finish (session, pending, deye_bus_error_from_envelope (arrival->envelope));
      return;
    }
  pending->reply = make_message (arrival);
  if (pending->reply == NULL)
    return;
  if (pending->adjusts)
    read_adjusted (session, pending);
  else if (pending->channel != NULL)
    read_subscribed (session, pending);
  if (session->state == DEYE_BUS_SESSION_READY)
    deye_bus_session_finish (session, pending, NULL);
}

static void
handle_ack (Arrival *arrival)
{
  const WireEnvelope *envelope = arrival->envelope;
  DeyeBusPending *pending = find_pending (arrival);

  if (pending == NULL || (pending->kind != DEYE_BUS_PENDING_ACK && pending->kind != DEYE_BUS_PENDING_DELIVERED))
    return;
  pending->result
      = (DeyeBusPublishResult){ envelope->accept_seq, envelope->matched, envelope->queued, envelope->refused };
  /* Some were full: the result says so. It is a failure when there was nobody else. */
  if (envelope->status != WIRE_STATUS_OK && envelope->queued == 0)
    deye_bus_session_finish (arrival->session, pending, deye_bus_error_from_envelope (envelope));
  else if (pending->kind == DEYE_BUS_PENDING_ACK)
    deye_bus_session_finish (arrival->session, pending, NULL);
}

static void
handle_delivered (Arrival *arrival)
{
  DeyeBusPending *pending = find_pending (arrival);

  if (pending != NULL && pending->kind == DEYE_BUS_PENDING_DELIVERED)
    deye_bus_session_finish (arrival->session, pending, NULL);
}

/* For those who wait for nothing. Takes @error. */
static void
tell_refused (DeyeBusSession *session, GError *error)
{
  if (session->events->refused < DEYE_BUS_EVENTS_REFUSED_MAX)
    {
      deye_bus_events_push (session->events, (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_REFUSED, .subject = error });
      return;
    }
  g_debug ("one refusal too many: %s", error->message);
  g_error_free (error);
}

static void
handle_error (Arrival *arrival)
{
  DeyeBusSession *session = arrival->session;
  DeyeBusPending *pending = find_pending (arrival);
  GError *error = deye_bus_error_from_envelope (arrival->envelope);

  /* It is about all that were dropped, acknowledged or not, of which this one is the last. */
  if (deye_bus_error_is_block_over (arrival->envelope))
    tell_refused (session, pending != NULL ? g_error_copy (error) : g_steal_pointer (&error));
  if (error == NULL)
    return;
  if (pending != NULL)
    deye_bus_session_finish (session, pending, error);
  else if (arrival->envelope->answers == 0)
    {
      g_clear_error (&session->broker_said);
      session->broker_said = error;
    }
  else if (arrival->envelope->answers & 1)
    tell_refused (session, error);
  else
    {
      g_debug ("nobody waits any more for: %s", error->message);
      g_error_free (error);
    }
}

/* --- the rest --- */

static void
handle_credit (Arrival *arrival)
{
  const WireEnvelope *envelope = arrival->envelope;

  if (envelope->credit_class == WIRE_CLASS_NONE || envelope->credit_class >= WIRE_N_CLASSES)
    return;
  deye_bus_window_grant (&arrival->session->publish[envelope->credit_class], envelope->credit_messages,
                         envelope->credit_bytes);
  deye_bus_session_drain (arrival->session, (WireClass) envelope->credit_class);
}

static void
handle_gap (Arrival *arrival)
{
  const WireEnvelope *envelope = arrival->envelope;
  DeyeBusSession *session = arrival->session;
  DeyeBusChannel *channel = deye_bus_session_find_channel (session, envelope->subscription);
  DeyeBusGap gap = { envelope->gap_from, envelope->gap_to, envelope->gap_count, envelope->gap_reason };

  if (channel == NULL)
    return;
  session->counts.missed += gap.count;
  if (!(channel->pull ? deye_bus_channel_put_gap (channel, &gap)
                      : deye_bus_channel_push_gap (channel, session->events, &gap)))
    misbehaved (session, "GAPs for too many reasons");
  else if (channel->pull)
    deye_bus_channel_wake (channel, session->events);
}

static void
handle_cancel (Arrival *arrival)
{
  g_hash_table_remove (arrival->session->routes, &arrival->envelope->route_id);
}

static void
handle_ping (Arrival *arrival)
{
  WireEnvelope pong;

  if (deye_bus_outbuf_bytes (&arrival->session->out) > DEYE_BUS_PONG_MAX_BYTES)
    return;
  wire_envelope_init (&pong);
  pong.id = arrival->envelope->id;
  deye_bus_session_put (arrival->session, WIRE_KIND_PONG, &pong);
}

static void
handle_pong (Arrival *arrival)
{
  /* A life sign, nothing else. */
}

static const Handler handlers[] = {
  [WIRE_KIND_DELIVER] = handle_deliver,     [WIRE_KIND_REQUEST] = handle_request, [WIRE_KIND_REPLY] = handle_reply,
  [WIRE_KIND_DELIVERED] = handle_delivered, [WIRE_KIND_ACK] = handle_ack,         [WIRE_KIND_ERROR] = handle_error,
  [WIRE_KIND_CREDIT] = handle_credit,       [WIRE_KIND_GAP] = handle_gap,         [WIRE_KIND_CANCEL] = handle_cancel,
  [WIRE_KIND_PING] = handle_ping,           [WIRE_KIND_PONG] = handle_pong,
};

static void
handle_envelope (DeyeBusSession *session, WireFrame *frame)
{
  DEYE_BUS_UNINITIALIZED WireEnvelope envelope;
  Arrival arrival = { session, frame, &envelope };
  WireReadResult result;

  /* A kind of a newer broker is skipped. Before WELCOME nothing but an ERROR makes sense. */
  if (frame->kind >= G_N_ELEMENTS (handlers) || handlers[frame->kind] == NULL)
    return;
  if (session->state == DEYE_BUS_SESSION_HELLO && frame->kind != WIRE_KIND_ERROR)
    {
      misbehaved (session, "first frame is not WELCOME");
      return;
    }
  result = wire_envelope_read (frame->body, frame->kind, WIRE_FROM_BROKER, &envelope);
  if (result.status == WIRE_STATUS_OK || result.status == WIRE_STATUS_UNSUPPORTED)
    handlers[frame->kind](&arrival);
  else
    misbehaved (session, result.problem != NULL ? result.problem : "malformed frame");
}

void
deye_bus_session_frame (DeyeBusSession *session, WireFrame *frame, gint64 now_us)
{
  if (frame->kind == WIRE_KIND_WELCOME)
    handle_welcome (session, frame);
  else if (frame->kind == WIRE_KIND_GOODBYE)
    handle_goodbye (session, frame);
  else
    handle_envelope (session, frame);
}

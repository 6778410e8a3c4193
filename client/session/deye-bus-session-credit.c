/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-credit.h"

#include "deye-bus-message-private.h"
#include "session/deye-bus-session-data.h"

#define DEYE_BUS_CREDIT_LATEST_US G_TIME_SPAN_SECOND

static void
session_send_credit (DeyeBusSession *session, const DeyeBusChannel *channel)
{
  WireEnvelope credit;

  wire_envelope_init (&credit);
  credit.subscription = channel->id;
  credit.credit_messages = channel->window.granted_messages;
  credit.credit_bytes = channel->window.granted_bytes;
  deye_bus_outbuf_add_envelope (&session->out, WIRE_KIND_CREDIT, &credit);
}

static void
session_return_rest (DeyeBusSession *session, DeyeBusChannel *channel)
{
  if (deye_bus_window_return_rest (&channel->window))
    session_send_credit (session, channel);
}

void
deye_bus_session_return_credit (DeyeBusSession *session, DeyeBusChannel *channel)
{
  if (!deye_bus_channel_is_prompt (channel) || channel->cut || session->state != DEYE_BUS_SESSION_READY
      || channel->origin != session->origin)
    return;
  session_return_rest (session, channel);
}

static void
session_send_delivered (DeyeBusSession *session, const DeyeBusMessage *message)
{
  WireEnvelope delivered;

  wire_envelope_init (&delivered);
  delivered.route = message->route_id;
  deye_bus_outbuf_add_envelope (&session->out, WIRE_KIND_DELIVERED, &delivered);
}

void
deye_bus_session_handled (DeyeBusSession *session, DeyeBusChannel *channel, DeyeBusMessage *message, gboolean called)
{
  message->handled |= called;
  message->to_handle--;
  /* It may be dispatched after a new connection was made, which may serve the same channel. */
  if (session->state != DEYE_BUS_SESSION_READY || channel->origin != session->origin
      || message->origin != session->origin)
    return;
  if (!deye_bus_window_return (&channel->window, message->payload.len))
    session->owes_credit = TRUE;
  else if (!channel->cut)
    session_send_credit (session, channel);
  if (channel->paused || deye_bus_window_left (&channel->window) == 0)
    deye_bus_session_return_credit (session, channel);
  if (message->to_handle == 0 && message->handled && (message->flags & WIRE_FLAG_WANT_DELIVERED)
      && message->route_id != 0)
    session_send_delivered (session, message);
}

static gboolean
session_owes_credit (const DeyeBusSession *session)
{
  return session->owes_credit && session->state == DEYE_BUS_SESSION_READY;
}

gint64
deye_bus_session_credit_due_us (const DeyeBusSession *session)
{
  return session_owes_credit (session) ? session->rest_us : G_MAXINT64;
}

/* A quarter of a window may never come together. A member of a group, or a client that was not told its policy, may hold
 * publishers back without knowing it: so no credit is kept for longer than a moment. */
void
deye_bus_session_tick_credit (DeyeBusSession *session, gint64 now_us)
{
  GHashTableIter iter;
  gpointer channel;

  if (!session_owes_credit (session))
    return;
  if (session->rest_us == 0)
    session->rest_us = now_us + DEYE_BUS_CREDIT_LATEST_US;
  if (now_us < session->rest_us)
    return;
  session->owes_credit = FALSE;
  session->rest_us = 0;
  g_hash_table_iter_init (&iter, session->channels.by_id);
  while (g_hash_table_iter_next (&iter, NULL, &channel))
    session_return_rest (session, channel);
}

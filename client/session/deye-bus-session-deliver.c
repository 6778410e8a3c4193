/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-deliver.h"

#include "deye-bus-error-private.h"
#include "deye-bus-message-private.h"
#include "session/deye-bus-session-data.h"
#include "session/deye-bus-session-state.h"
#include "wire-hot.h"

#include <glib/gi18n-lib.h>

static gboolean
deliver_use_credit (DeyeBusSession *session, DeyeBusChannel *channel, gsize bytes)
{
  if (channel->window.size_messages > 0 && !deye_bus_window_is_open (&channel->window))
    {
      deye_bus_session_misbehaved (session, "sent without credit");
      return FALSE;
    }
  deye_bus_window_use (&channel->window, bytes);
  return TRUE;
}

/* @message: (transfer full) */
static void
deliver_hand_over (DeyeBusSession *session, DeyeBusChannel *channel, DeyeBusMessage *message)
{
  message->to_handle++;
  session->counts.received++;
  if (!channel->pull)
    {
      deye_bus_channel_close_gaps (channel);
      deye_bus_events_push_message (session->events, deye_bus_channel_enter (channel), message);
      return;
    }
  deye_bus_channel_put (channel, message);
  deye_bus_channel_wake (channel, session->events);
}

DeyeBusMessage *
deye_bus_session_adopt_message (DeyeBusSession *session, DeyeBusMessage *message)
{
  if (message == NULL)
    deye_bus_session_fail (session, deye_bus_error_new (DEYE_BUS_ERROR_NO_MEMORY, "%s", _ ("No memory for a message")));
  else
    message->origin = session->origin;
  return message;
}

WIRE_HOT gboolean
deye_bus_session_deliver (DeyeBusSession *session, DeyeBusChannel *channel, DeyeBusMessage *message)
{
  if (message == NULL)
    return FALSE;
  if (!deliver_use_credit (session, channel, message->payload.len))
    {
      deye_bus_message_unref (message);
      return FALSE;
    }
  deliver_hand_over (session, channel, message);
  return TRUE;
}

gboolean
deye_bus_session_deliver_usual (DeyeBusSession *session, const WireFrame *frame)
{
  DEYE_BUS_UNINITIALIZED WireDelivery delivery; /* set by wire_delivery_read() */
  DeyeBusChannel *channel;

  if (frame->kind != WIRE_KIND_DELIVER || frame->in_block || session->state != DEYE_BUS_SESSION_READY
      || !wire_delivery_read (frame->body, &delivery))
    return FALSE;
  channel = deye_bus_channel_table_find (&session->channels, delivery.subscription);
  if (channel != NULL)
    (void) deye_bus_session_deliver (
        session, channel,
        deye_bus_session_adopt_message (session, deye_bus_message_new_delivery (&session->spare, frame, &delivery)));
  return TRUE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-answer.h"

#include "deye-bus-message-private.h"
#include "session/deye-bus-session-data.h"

/* --- as responder --- */

gboolean
deye_bus_session_is_open (const DeyeBusSession *session, const DeyeBusMessage *request)
{
  return request->route_id != 0 && request->origin == session->origin
         && deye_bus_route_table_find (&session->routes, request->route_id) != NULL;
}

void
deye_bus_session_answered (DeyeBusSession *session, const DeyeBusMessage *request)
{
  deye_bus_route_table_answered (&session->routes, request->route_id);
}

GCancellable *
deye_bus_session_watch_request (DeyeBusSession *session, const DeyeBusMessage *request)
{
  DeyeBusRoute *route = deye_bus_session_is_open (session, request)
                            ? deye_bus_route_table_find (&session->routes, request->route_id)
                            : NULL;
  GCancellable *cancellable;

  if (route != NULL)
    {
      if (route->cancellable == NULL)
        route->cancellable = g_cancellable_new ();
      return g_object_ref (route->cancellable);
    }
  cancellable = g_cancellable_new ();
  g_cancellable_cancel (cancellable);
  return cancellable;
}

/* Takes @cancellable. */
static void
session_push_cancel (DeyeBusSession *session, GCancellable *cancellable)
{
  deye_bus_events_push (session->events, (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_CANCEL, .subject = cancellable });
}

void
deye_bus_session_cancel_route (DeyeBusSession *session, guint64 route)
{
  GCancellable *cancellable = deye_bus_route_table_cancel (&session->routes, route);

  if (cancellable != NULL)
    session_push_cancel (session, cancellable);
}

void
deye_bus_session_cancel_routes (DeyeBusSession *session)
{
  g_autoptr (GPtrArray) watched = deye_bus_route_table_cancel_all (&session->routes);

  for (guint i = 0; i < watched->len; i++)
    session_push_cancel (session, g_object_ref (watched->pdata[i]));
}

/* --- as requester --- */

DeyeBusMessage *
deye_bus_session_take_answer (DeyeBusSession *session, DeyeBusStream *stream, gint64 now_us)
{
  gboolean credit;
  DeyeBusMessage *message = deye_bus_stream_take (stream, now_us, &credit);
  WireEnvelope envelope;

  if (credit && !stream->ended && session != NULL && session->state == DEYE_BUS_SESSION_READY
      && stream->origin == session->origin)
    {
      wire_envelope_init (&envelope);
      envelope.id = stream->id;
      envelope.credit_messages = stream->window.granted_messages;
      envelope.credit_bytes = stream->window.granted_bytes;
      deye_bus_outbuf_add_envelope (&session->out, WIRE_KIND_CREDIT, &envelope);
    }
  return message;
}

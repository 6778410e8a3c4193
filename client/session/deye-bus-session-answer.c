/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-answer.h"

#include "deye-bus-message-private.h"
#include "session/deye-bus-session-data.h"
#include "wire-hot.h"

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
  const DeyeBusRoute *route = deye_bus_route_table_find (&session->routes, request->route_id);

  session->undelivered += route != NULL && route->is_task ? 1 : 0;
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

static void
session_push_task_news (DeyeBusSession *session, guint64 route, guint32 status, gboolean is_delivered)
{
  DeyeBusTaskNews *news = g_new (DeyeBusTaskNews, 1);

  *news = (DeyeBusTaskNews){ session->origin, route, status, is_delivered };
  deye_bus_events_push (session->events, (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_TASK, .task = news });
}

/* A second CANCEL of a task is ignored. */
static void
session_cancel_task (DeyeBusSession *session, DeyeBusRoute *route, guint32 status)
{
  if (route->is_cancelled)
    return;
  route->is_cancelled = TRUE;
  route->cancel_status = status;
  session_push_task_news (session, route->id, status, FALSE);
}

void
deye_bus_session_cancel_route (DeyeBusSession *session, guint64 id, guint32 status)
{
  DeyeBusRoute *route = deye_bus_route_table_find (&session->routes, id);
  GCancellable *cancellable;

  if (route != NULL && route->is_task)
    {
      session_cancel_task (session, route, status);
      return;
    }
  cancellable = deye_bus_route_table_cancel (&session->routes, id);
  if (cancellable != NULL)
    session_push_cancel (session, cancellable);
}

gboolean
deye_bus_session_is_task_cancelled (const DeyeBusSession *session, const DeyeBusMessage *request, guint32 *status)
{
  const DeyeBusRoute *route = deye_bus_session_is_open (session, request)
                                  ? deye_bus_route_table_find (&session->routes, request->route_id)
                                  : NULL;

  if (route == NULL || !route->is_cancelled)
    return FALSE;
  *status = route->cancel_status;
  return TRUE;
}

/* The broker confirms each answer at most once. Further confirmations are ignored, so a faulty broker cannot fill the memory. */
void
deye_bus_session_note_delivered (DeyeBusSession *session, guint64 route)
{
  if (session->undelivered == 0)
    return;
  session->undelivered--;
  session_push_task_news (session, route, 0, TRUE);
}

void
deye_bus_session_cancel_routes (DeyeBusSession *session)
{
  g_autoptr (GPtrArray) watched = deye_bus_route_table_cancel_all (&session->routes);

  session->undelivered = 0;
  for (guint i = 0; i < watched->len; i++)
    session_push_cancel (session, g_object_ref (watched->pdata[i]));
}

/* --- as requester --- */

WIRE_COLD static void
answer_send_credit (DeyeBusSession *session, const DeyeBusStream *stream)
{
  WireEnvelope envelope;

  wire_envelope_init (&envelope);
  envelope.id = stream->id;
  envelope.credit_messages = stream->window.granted_messages;
  envelope.credit_bytes = stream->window.granted_bytes;
  deye_bus_outbuf_add_envelope (&session->out, WIRE_KIND_CREDIT, &envelope);
}

DeyeBusMessage *
deye_bus_session_take_answer (DeyeBusSession *session, DeyeBusStream *stream, gint64 now_us)
{
  gboolean credit;
  DeyeBusMessage *message = deye_bus_stream_take (stream, now_us, &credit);

  if (credit && !stream->ended && session != NULL && session->state == DEYE_BUS_SESSION_READY
      && stream->origin == session->origin)
    answer_send_credit (session, stream);
  return message;
}

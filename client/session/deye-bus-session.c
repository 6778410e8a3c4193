/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session.h"

#include "deye-bus-error-private.h"
#include "deye-bus-message-private.h"
#include "session/deye-bus-session-catchup.h"
#include "session/deye-bus-session-handshake.h"
#include "session/deye-bus-session-data.h"

#include <glib/gi18n-lib.h>

#define BODY_MAX_BEFORE_WELCOME 65536u
#define DEYE_BUS_TRIM_AFTER_US  G_TIME_SPAN_SECOND

/* Each connection of each client has a different number, so that a request of another client, or of an earlier connection,
 * cannot be answered by mistake. */
static guint64
session_origin (const DeyeBusHello *hello)
{
  return hello->incarnation + hello->connection;
}

static DeyeBusSession *
session_make (DeyeBusEvents *events, DeyeBusPending *hello_pending, guint64 origin)
{
  DeyeBusSession *session = g_new0 (DeyeBusSession, 1);

  session->origin = origin;
  session->events = events;
  deye_bus_session_init_credit (session);
  deye_bus_route_table_init (&session->routes);
  deye_bus_pending_table_init (&session->pending, events, hello_pending);
  deye_bus_channel_table_init (&session->channels, origin);
  deye_bus_send_queue_init (&session->send_queue);
  wire_frame_reader_init (&session->reader, BODY_MAX_BEFORE_WELCOME);
  deye_bus_outbuf_init (&session->out);
  return session;
}

DeyeBusSession *
deye_bus_session_new (const DeyeBusHello *hello, DeyeBusEvents *events, DeyeBusPending *hello_pending)
{
  DeyeBusSession *session = session_make (events, hello_pending, session_origin (hello));

  session->state = DEYE_BUS_SESSION_HELLO;
  deye_bus_session_send_hello (session, hello);
  return session;
}

DeyeBusSession *
deye_bus_session_new_kept (DeyeBusEvents *events)
{
  DeyeBusSession *session = session_make (events, NULL, 0);

  session->state = DEYE_BUS_SESSION_ENDED;
  session->reason = deye_bus_error_new (DEYE_BUS_ERROR_NOT_CONNECTED, "%s", _ ("Not connected: connect first"));
  session->keeps = TRUE;
  session->kept = TRUE;
  return session;
}

void
deye_bus_session_reopen (DeyeBusSession *session, const DeyeBusHello *hello, DeyeBusPending *hello_pending)
{
  g_assert (session->kept);

  session->state = DEYE_BUS_SESSION_HELLO;
  session->kept = FALSE;
  session->was_ready = FALSE;
  session->reason_status = WIRE_STATUS_OK;
  session->retry_us = 0;
  session->origin = session_origin (hello);
  g_clear_error (&session->reason);
  g_clear_error (&session->broker_error);
  wire_frame_reader_clear (&session->reader);
  wire_frame_reader_init (&session->reader, BODY_MAX_BEFORE_WELCOME);
  deye_bus_outbuf_clear (&session->out);
  deye_bus_own_frames_clear (&session->own);
  deye_bus_own_credit_clear (&session->own_credit);
  session->out_dead = FALSE;
  session->dropped = (DeyeBusOutCount){ 0, 0 };
  deye_bus_session_reset_credit (session);
  deye_bus_send_queue_shut (&session->send_queue);
  session->unasked_sent = session->unasked_proved = session->unasked_kept = session->uncertain = 0;
  deye_bus_session_forget_flushes (session);
  deye_bus_pending_table_reopen (&session->pending, hello_pending);
  deye_bus_channel_table_reopen (&session->channels, session->origin);
  deye_bus_session_send_hello (session, hello);
}

static GError *
session_error_overdue (DeyeBusSession *session, const DeyeBusPending *pending)
{
  return pending->kind == DEYE_BUS_PENDING_FLUSH ? deye_bus_session_flush_error_overdue (session, pending)
                                                 : deye_bus_pending_error_overdue (pending);
}

static GError *
session_error_closed (void)
{
  return deye_bus_error_new (DEYE_BUS_ERROR_CLOSED, "%s", _ ("The client has been closed"));
}

void
deye_bus_session_free (DeyeBusSession *session)
{
  deye_bus_session_set_keeps (session, FALSE);
  deye_bus_session_fail (session, session_error_closed ());
  deye_bus_restore_clear (&session->restore);
  deye_bus_retained_clear (&session->retained);
  deye_bus_pending_table_clear (&session->pending);
  deye_bus_session_clear_credit (session);
  deye_bus_channel_table_clear (&session->channels);
  deye_bus_route_table_clear (&session->routes);
  wire_frame_reader_clear (&session->reader);
  deye_bus_message_pool_clear (&session->spare);
  deye_bus_session_clear_flushes (session);
  deye_bus_outbuf_clear (&session->out);
  deye_bus_own_frames_clear (&session->own);
  deye_bus_own_credit_clear (&session->own_credit);
  g_clear_error (&session->reason);
  g_clear_error (&session->broker_error);
  g_free (session->welcome.software_version);
  g_free (session);
}

static gboolean
session_is_waiting_request (const DeyeBusPending *pending)
{
  return (pending->kind == DEYE_BUS_PENDING_REPLY || pending->kind == DEYE_BUS_PENDING_ANSWERS) && !pending->sent;
}

/* Gives up the requests that are not sent yet: their answers could not be received any more. */
static void
session_cancel_waiting_requests (DeyeBusSession *session)
{
  g_autoptr (GPtrArray) waiting = deye_bus_pending_table_list (&session->pending, session_is_waiting_request);

  for (guint i = 0; i < waiting->len; i++)
    deye_bus_session_cancel (session, waiting->pdata[i], session_error_closed ());
}

void
deye_bus_session_begin_close (DeyeBusSession *session)
{
  deye_bus_channel_table_drop_events (&session->channels);
  deye_bus_channel_table_remove_all (&session->channels, session->events);
  session_cancel_waiting_requests (session);
}

void
deye_bus_session_close (DeyeBusSession *session)
{
  if (session->state == DEYE_BUS_SESSION_READY)
    deye_bus_session_send_goodbye (session);
  deye_bus_channel_table_drop_events (&session->channels);
  deye_bus_session_set_keeps (session, FALSE);
  deye_bus_session_fail (session, session_error_closed ());
}

/* --- time --- */

gint64
deye_bus_session_next_us (const DeyeBusSession *session)
{
  gint64 trim_us = session->trim_us > 0 ? session->trim_us : G_MAXINT64;

  return MIN (MIN (session->pending.next_us, deye_bus_session_credit_due_us (session)), trim_us);
}

/* Frees the spare chunks of a burst when no bytes were added for a while. */
static void
session_tick_trim (DeyeBusSession *session, gint64 now_us)
{
  gboolean is_idle = session->trim_us > 0 && session->trim_added == session->out.added;

  if (is_idle && now_us < session->trim_us)
    return;
  if (is_idle)
    deye_bus_outbuf_trim (&session->out);
  session->trim_us = deye_bus_outbuf_is_trim (&session->out) ? 0 : now_us + DEYE_BUS_TRIM_AFTER_US;
  session->trim_added = session->out.added;
}

void
deye_bus_session_tick (DeyeBusSession *session, gint64 now_us)
{
  g_autoptr (GPtrArray) overdue = NULL;

  deye_bus_session_tick_credit (session, now_us);
  session_tick_trim (session, now_us);
  if (now_us < session->pending.next_us)
    return;
  overdue = deye_bus_pending_table_list_overdue (&session->pending, now_us);
  for (guint i = 0; i < overdue->len; i++)
    if (!deye_bus_session_end_overdue_retained (session, overdue->pdata[i]))
      deye_bus_session_cancel (session, overdue->pdata[i], session_error_overdue (session, overdue->pdata[i]));
}

/* --- events --- */

void
deye_bus_session_clear_message (DeyeBusSession *session, DeyeBusEvent *event)
{
  deye_bus_message_drop (g_steal_pointer (&event->message), &session->spare);
  deye_bus_channel_leave (g_steal_pointer (&event->subject));
}

void
deye_bus_session_clear_event (DeyeBusEvent *event)
{
  switch (event->kind)
    {
    case DEYE_BUS_EVENT_MESSAGE:
      g_clear_pointer (&event->message, deye_bus_message_unref);
      deye_bus_channel_leave (event->subject);
      break;
    case DEYE_BUS_EVENT_GAP:
      deye_bus_channel_close_gap (event->subject, event->gap);
      g_clear_pointer (&event->gap, g_free);
      deye_bus_channel_leave (event->subject);
      break;
    case DEYE_BUS_EVENT_RESUMED:
    case DEYE_BUS_EVENT_DRAIN:
    case DEYE_BUS_EVENT_NEXT:
    case DEYE_BUS_EVENT_ENDED:
      deye_bus_channel_leave (event->subject);
      break;
    case DEYE_BUS_EVENT_DONE:
      deye_bus_pending_unref (event->subject);
      break;
    case DEYE_BUS_EVENT_ANSWER:
      deye_bus_stream_unref (event->subject);
      break;
    case DEYE_BUS_EVENT_CANCEL:
    case DEYE_BUS_EVENT_TASK_CHANGED:
      g_object_unref (event->subject);
      break;
    case DEYE_BUS_EVENT_REFUSED:
    case DEYE_BUS_EVENT_CLOSED:
    case DEYE_BUS_EVENT_INTERRUPTED:
      g_error_free (event->subject);
      break;
    case DEYE_BUS_EVENT_TASK:
      g_clear_pointer (&event->task, g_free);
      break;
    case DEYE_BUS_EVENT_STATE:
    case DEYE_BUS_EVENT_EPOCH:
      break;
    }
  event->subject = NULL;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-state.h"

#include "deye-bus-error-private.h"
#include "session/deye-bus-session-answer.h"
#include "session/deye-bus-session-catchup.h"
#include "session/deye-bus-session-data.h"

#include <glib/gi18n-lib.h>

DeyeBusSessionState
deye_bus_session_state (const DeyeBusSession *session)
{
  return session->state;
}

const GError *
deye_bus_session_reason (const DeyeBusSession *session)
{
  return session->reason;
}

const DeyeBusWelcome *
deye_bus_session_welcome (const DeyeBusSession *session)
{
  return &session->welcome;
}

const DeyeBusCounts *
deye_bus_session_counts (const DeyeBusSession *session)
{
  return &session->counts;
}

guint64
deye_bus_session_origin (const DeyeBusSession *session)
{
  return session->origin;
}

guint
deye_bus_session_n_pending (const DeyeBusSession *session)
{
  return session->pending.count;
}

guint
deye_bus_session_n_waiting (const DeyeBusSession *session)
{
  return deye_bus_send_queue_count (&session->send_queue);
}

DeyeBusOutbuf *
deye_bus_session_out (DeyeBusSession *session)
{
  return &session->out;
}

/* --- the end --- */

/* If another connection follows, the order matters. The unsent messages are taken out of the out-buffer and the send queue first,
 * because frames of calls that wait for the next connection are handed to their pending calls. suspend() then keeps the calls that
 * have a frame or can be made again, and ends all others.
 *
 * The progress of a restore, of a republish and of the wait for retained messages concerns this connection only, so it is
 * forgotten. Their pending calls are in the table and end there. */
void
deye_bus_session_fail (DeyeBusSession *session, GError *reason)
{
  if (session->state == DEYE_BUS_SESSION_ENDED)
    {
      g_error_free (reason);
      return;
    }
  session->state = DEYE_BUS_SESSION_ENDED;
  session->reason = reason;
  session->kept = session->keeps && !deye_bus_session_is_final (session);
  deye_bus_session_end_out (session);
  deye_bus_restore_clear (&session->restore);
  g_clear_pointer (&session->republish.whole, deye_bus_pending_unref);
  session->republish = (DeyeBusRepublish){ 0 };
  deye_bus_session_forget_retained (session);
  if (session->kept)
    deye_bus_pending_table_suspend (&session->pending, reason);
  else
    {
      deye_bus_pending_table_fail_all (&session->pending, reason);
      deye_bus_channel_table_remove_all (&session->channels, session->events);
    }
  deye_bus_session_cancel_routes (session);
}

/* --- the next connection --- */

static const struct
{
  guint32 status;
  gboolean handshake; /* final only in place of WELCOME */
} final_statuses[] = {
  { WIRE_STATUS_VERSION, FALSE },  { WIRE_STATUS_TAKEN_OVER, FALSE }, { WIRE_STATUS_DENIED, TRUE },
  { WIRE_STATUS_BAD_MAGIC, TRUE }, { WIRE_STATUS_BAD_MESSAGE, TRUE }, { WIRE_STATUS_UNSUPPORTED, TRUE },
};

gboolean
deye_bus_session_status_is_final (guint32 status, gboolean handshake)
{
  for (guint i = 0; i < G_N_ELEMENTS (final_statuses); i++)
    if (final_statuses[i].status == status)
      return handshake || !final_statuses[i].handshake;
  return FALSE;
}

gboolean
deye_bus_session_is_final (const DeyeBusSession *session)
{
  return session->state == DEYE_BUS_SESSION_ENDED
         && deye_bus_session_status_is_final (session->reason_status, !session->was_ready);
}

guint32
deye_bus_session_reason_status (const DeyeBusSession *session)
{
  return session->reason_status;
}

gint64
deye_bus_session_retry_us (const DeyeBusSession *session)
{
  return session->retry_us;
}

static void
session_end_kept (DeyeBusSession *session)
{
  session->kept = FALSE;
  deye_bus_pending_table_fail_all (&session->pending, session->reason);
  deye_bus_channel_table_remove_all (&session->channels, session->events);
}

void
deye_bus_session_set_keeps (DeyeBusSession *session, gboolean keeps)
{
  session->keeps = keeps;
  if (!keeps && session->kept)
    session_end_kept (session);
}

gboolean
deye_bus_session_is_kept (const DeyeBusSession *session)
{
  return session->kept;
}

void
deye_bus_session_lost (DeyeBusSession *session, const char *why)
{
  if (session->broker_error != NULL)
    deye_bus_session_fail (session, g_steal_pointer (&session->broker_error));
  else
    deye_bus_session_fail (
        session,
        deye_bus_error_new (
            DEYE_BUS_ERROR_UNKNOWN,
            _ ("The connection to the broker was lost (%s): messages in transit may or may not have been handled"),
            why));
}

void
deye_bus_session_misbehaved (DeyeBusSession *session, const char *how)
{
  deye_bus_session_fail (session,
                         deye_bus_error_new (DEYE_BUS_ERROR_PROTOCOL,
                                             _ ("The broker violated the protocol (%s): report it as a bug"), how));
}

/* --- channels --- */

guint32
deye_bus_session_new_channel_id (DeyeBusSession *session)
{
  return deye_bus_channel_table_new_id (&session->channels);
}

void
deye_bus_session_add_channel (DeyeBusSession *session, DeyeBusChannel *channel)
{
  deye_bus_channel_table_add (&session->channels, channel);
}

void
deye_bus_session_remove_channel (DeyeBusSession *session, DeyeBusChannel *channel)
{
  deye_bus_channel_table_remove (&session->channels, channel, session->events);
}

GPtrArray *
deye_bus_session_list_channels (const DeyeBusSession *session)
{
  return deye_bus_channel_table_list (&session->channels);
}

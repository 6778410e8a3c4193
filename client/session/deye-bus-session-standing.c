/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-standing.h"

#include "deye-bus-error.h"
#include "session/deye-bus-session-data.h"
#include "session/deye-bus-session-send.h"
#include "session/deye-bus-session-state.h"

#include <glib/gi18n-lib.h>

/* Drops answers of an earlier connection that the program has not taken: the broker reports the whole state again. */
static void
standing_reset_stream (DeyeBusSession *session, DeyeBusPending *pending)
{
  DeyeBusStream *stream = pending->stream;

  deye_bus_stream_restart (stream);
  stream->id = pending->id;
  stream->origin = session->origin;
}

static gboolean
standing_send (DeyeBusSession *session, DeyeBusPending *pending, GError **error)
{
  const DeyeBusStanding *standing = pending->standing;
  const DeyeBusCall call = { .kind = WIRE_KIND_REQUEST,
                             .own = TRUE,
                             .topic = standing->topic,
                             .type_name = standing->type_name,
                             .payload = standing->payload };

  if (!deye_bus_session_call (session, &call, pending, error))
    return FALSE;
  if (pending->stream != NULL)
    standing_reset_stream (session, pending);
  return TRUE;
}

gboolean
deye_bus_session_start_standing (DeyeBusSession *session, DeyeBusPending *pending, GError **error)
{
  if (session->state == DEYE_BUS_SESSION_READY && !session->held)
    return standing_send (session, pending, error);
  if (session->state == DEYE_BUS_SESSION_ENDED && !session->kept)
    {
      g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED, _ ("Not connected: connect first"));
      return FALSE;
    }
  session->last_id += 2;
  deye_bus_pending_table_add (&session->pending, pending, session->last_id);
  return TRUE;
}

void
deye_bus_session_restart_standing (DeyeBusSession *session)
{
  g_autoptr (GPtrArray) waiting = deye_bus_pending_table_list_standing (&session->pending);

  for (guint i = 0; i < waiting->len; i++)
    {
      DeyeBusPending *pending = waiting->pdata[i];
      GError *error = NULL;

      deye_bus_pending_table_forget (&session->pending, pending);
      if (!standing_send (session, pending, &error))
        deye_bus_pending_table_finish (&session->pending, pending, error);
    }
}

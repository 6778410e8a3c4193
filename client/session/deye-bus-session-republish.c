/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-republish.h"

#include "deye-bus-error-private.h"
#include "session/deye-bus-session-data.h"
#include "session/deye-bus-session-flush.h"
#include "session/deye-bus-session-send.h"
#include "wire-feature.h"

#include <glib/gi18n-lib.h>

/* Sends @value and counts the answer that has to come. The library itself may refuse the value, because the limits of this broker
 * may be lower; then there is no answer. */
static void
republish_send (DeyeBusSession *session, DeyeBusRetainedValue *value, gint64 now_us)
{
  g_autoptr (DeyeBusPending) pending
      = deye_bus_pending_new (DEYE_BUS_PENDING_ACK, session->republish.whole->deadline_us);
  GError *error = NULL;

  if (deye_bus_session_send_frame (session, value->message, pending, TRUE, now_us, &error))
    {
      pending->republishes = TRUE;
      value->id = pending->id;
      session->republish.asked++;
      return;
    }
  deye_bus_retained_refuse (&session->retained, value->id);
  deye_bus_session_push_refused (session, error);
}

static void
republish_end (DeyeBusSession *session)
{
  g_autoptr (DeyeBusPending) whole = g_steal_pointer (&session->republish.whole);

  session->retained.epoch = session->welcome.epoch;
  deye_bus_pending_table_finish (&session->pending, whole, NULL);
}

static void
republish_end_if_answered (DeyeBusSession *session)
{
  if (session->republish.asked == 0)
    republish_end (session);
}

/* republish_send() may remove the value from the store. */
static void
republish_send_all (DeyeBusSession *session, gboolean all, gint64 now_us)
{
  GList *next;

  for (GList *link = session->retained.in_order.head; link != NULL; link = next)
    {
      DeyeBusRetainedValue *value = link->data;

      next = link->next;
      if (all || value->until_gone)
        republish_send (session, value, now_us);
    }
}

/* TRUE if a value has to be published: with @all any value, otherwise one that the broker cleared with the earlier connection. */
static gboolean
republish_has_values (const DeyeBusSession *session, gboolean all)
{
  GList *link = session->retained.in_order.head;

  while (link != NULL && !all && !((const DeyeBusRetainedValue *) link->data)->until_gone)
    link = link->next;
  return link != NULL;
}

static void
republish_report_forgotten (DeyeBusSession *session)
{
  if (session->retained.forgotten == 0)
    return;
  deye_bus_session_push_refused (
      session,
      deye_bus_error_new (
          DEYE_BUS_ERROR_LIMIT,
          _ ("Retained messages that are not published again because there were too many: %u (publish them yourself)"),
          (guint) MIN (session->retained.forgotten, G_MAXUINT)));
  session->retained.forgotten = 0;
}

gboolean
deye_bus_session_republish (DeyeBusSession *session, DeyeBusPending *whole, gint64 now_us)
{
  gboolean all = session->retained.epoch != session->welcome.epoch;

  if (!(session->welcome.features & WIRE_FEATURE_RETAIN))
    return FALSE;
  if (all)
    republish_report_forgotten (session);
  deye_bus_retained_age (&session->retained, now_us);
  if (!republish_has_values (session, all))
    {
      session->retained.epoch = session->welcome.epoch;
      return FALSE;
    }
  session->last_id += 2;
  deye_bus_pending_table_add (&session->pending, whole, session->last_id);
  whole->sent = TRUE;
  session->republish.whole = deye_bus_pending_ref (whole);
  republish_send_all (session, all, now_us);
  republish_end_if_answered (session);
  return !whole->done;
}

void
deye_bus_session_republish_answered (DeyeBusSession *session, const DeyeBusPending *pending)
{
  if (session->republish.whole == NULL)
    return;
  session->republish.asked--;
  if (pending->error != NULL && session->state == DEYE_BUS_SESSION_READY)
    deye_bus_session_push_refused (session, g_error_copy (pending->error));
  republish_end_if_answered (session);
}

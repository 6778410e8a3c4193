/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-flush.h"

#include "deye-bus-error-private.h"
#include "session/deye-bus-session-data.h"
#include "session/deye-bus-session-state.h"

#include <glib/gi18n-lib.h>
#include <inttypes.h>

typedef struct
{
  DeyeBusPending *pending;
  guint64 last_waiting; /* number of the last call that was waiting for credit when the flush began */
  gboolean is_queued;   /* none of these calls waits any more, and @until is set */
  guint64 until;        /* total of the bytes that had been added to the out-buffer by then */
  gboolean want_accepted;
  guint64 n_refused;
  GError *refusal; /* the first; NULL: none */
} SessionFlush;

static void
session_flush_free (gpointer data)
{
  SessionFlush *flush = data;

  deye_bus_pending_unref (flush->pending);
  g_clear_error (&flush->refusal);
  g_free (flush);
}

void
deye_bus_session_clear_flushes (DeyeBusSession *session)
{
  g_queue_clear_full (&session->flushes, session_flush_free);
}

void
deye_bus_session_forget_flushes (DeyeBusSession *session)
{
  GList *next;

  for (GList *link = session->flushes.head; link != NULL; link = next)
    {
      SessionFlush *flush = link->data;

      next = link->next;
      flush->is_queued = FALSE;
      if (!flush->pending->done)
        continue;
      g_queue_delete_link (&session->flushes, link);
      session_flush_free (flush);
    }
}

/* --- refusals --- */

static void
session_flush_note_refusal (SessionFlush *flush, const GError *refusal)
{
  flush->n_refused++;
  if (flush->refusal == NULL)
    flush->refusal = g_error_copy (refusal);
}

static void
session_flush_note_refusals (DeyeBusSession *session, const GError *refusal)
{
  for (GList *link = session->flushes.head; link != NULL; link = link->next)
    session_flush_note_refusal (link->data, refusal);
}

void
deye_bus_session_push_refused (DeyeBusSession *session, GError *error)
{
  session_flush_note_refusals (session, error);
  if (session->events->refused < DEYE_BUS_EVENTS_REFUSED_MAX)
    {
      deye_bus_events_push (session->events, (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_REFUSED, .subject = error });
      return;
    }
  g_debug ("too many refusals, this one is not reported: %s", error->message);
  g_error_free (error);
}

/* Refusals that the client's signal has not reported yet. */
static void
session_flush_take_earlier_refusals (DeyeBusSession *session, SessionFlush *flush)
{
  guint n = session->events->refused > 0 ? session->events->count : 0;

  for (guint i = 0; i < n; i++)
    {
      const DeyeBusEvent *event = deye_bus_events_peek (session->events, i);

      if (event->kind == DEYE_BUS_EVENT_REFUSED)
        session_flush_note_refusal (flush, event->subject);
    }
}

static GError *
session_flush_error_refused (const SessionFlush *flush)
{
  if (flush->refusal == NULL)
    return NULL;
  return g_error_new (flush->refusal->domain, flush->refusal->code,
                      _ ("The broker refused or dropped messages that were published before (reports: %" PRIu64
                         "). The first report: %s"),
                      flush->n_refused, flush->refusal->message);
}

/* --- progress --- */

/* FALSE: no flush can advance now. The next release() continues a flush, or the end of the connection ends it. */
static gboolean
session_flush_is_possible (const DeyeBusSession *session)
{
  return session->state == DEYE_BUS_SESSION_READY && !session->held && !session->out_dead;
}

static void
session_flush_send_ping (DeyeBusSession *session, const SessionFlush *flush)
{
  WireEnvelope ping;

  wire_envelope_init (&ping);
  ping.id = flush->pending->id;
  flush->pending->unasked = session->unasked_sent;
  deye_bus_outbuf_add_envelope (&session->out, WIRE_KIND_PING, &ping);
}

static void
session_flush_advance (DeyeBusSession *session, SessionFlush *flush)
{
  DeyeBusOutbuf *out = &session->out;

  if (!session_flush_is_possible (session))
    return;
  if (!flush->is_queued && deye_bus_send_queue_is_past (&session->send_queue, flush->last_waiting))
    {
      flush->is_queued = TRUE;
      if (flush->want_accepted)
        session_flush_send_ping (session, flush);
      flush->until = out->added;
    }
  flush->pending->sent = flush->is_queued && out->added - out->bytes >= flush->until;
  if (flush->pending->sent && !flush->want_accepted)
    deye_bus_pending_table_finish (&session->pending, flush->pending, NULL);
}

void
deye_bus_session_advance_flushes (DeyeBusSession *session)
{
  GList *next;

  for (GList *link = session->flushes.head; link != NULL; link = next)
    {
      SessionFlush *flush = link->data;

      next = link->next;
      if (!flush->pending->done)
        session_flush_advance (session, flush);
      if (!flush->pending->done)
        continue;
      g_queue_delete_link (&session->flushes, link);
      session_flush_free (flush);
    }
}

void
deye_bus_session_resume_flushes (DeyeBusSession *session)
{
  for (GList *link = session->flushes.head; link != NULL; link = link->next)
    {
      SessionFlush *flush = link->data;

      flush->last_waiting = session->send_queue.last_number;
      flush->is_queued = FALSE;
      flush->pending->survives = !flush->want_accepted;
    }
  deye_bus_session_advance_flushes (session);
}

void
deye_bus_session_flush_answered (DeyeBusSession *session, DeyeBusPending *pending)
{
  for (GList *link = session->flushes.head; link != NULL; link = link->next)
    {
      SessionFlush *flush = link->data;

      if (flush->pending == pending)
        {
          deye_bus_pending_table_finish (&session->pending, pending, session_flush_error_refused (flush));
          break;
        }
    }
  deye_bus_session_advance_flushes (session);
}

gboolean
deye_bus_session_flush (DeyeBusSession *session, gboolean want_accepted, DeyeBusPending *pending, GError **error)
{
  SessionFlush *flush;

  if (!pending->waits_until_ready && session->state != DEYE_BUS_SESSION_READY)
    {
      g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_NOT_CONNECTED, _ ("Not connected: connect first"));
      return FALSE;
    }
  flush = g_new0 (SessionFlush, 1);
  flush->pending = deye_bus_pending_ref (pending);
  flush->want_accepted = want_accepted;
  flush->last_waiting = session->send_queue.last_number;
  if (want_accepted)
    session_flush_take_earlier_refusals (session, flush);
  pending->survives = session->keeps && (!want_accepted || !session_flush_is_possible (session));
  session->last_id += 2;
  deye_bus_pending_table_add (&session->pending, pending, session->last_id);
  g_queue_push_tail (&session->flushes, flush);
  deye_bus_session_advance_flushes (session);
  return TRUE;
}

GError *
deye_bus_session_flush_error_overdue (DeyeBusSession *session, const DeyeBusPending *pending)
{
  if (pending->sent)
    return deye_bus_error_new (DEYE_BUS_ERROR_TIMEOUT, "%s",
                               _ ("All messages were sent, but the broker has not confirmed them within the timeout"));
  return deye_bus_error_new (
      DEYE_BUS_ERROR_TIMEOUT,
      _ ("Messages that could not be sent within the timeout and stay queued: %" PRIu64
         ". The broker does not read, or its receivers are slow and it grants no credit: flush again later"),
      deye_bus_session_count_unsent (session).messages
          + (session->stash != NULL ? deye_bus_stash_count (session->stash) : 0));
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-resend.h"

#include "deye-bus-error-private.h"
#include "session/deye-bus-session-data.h"
#include "session/deye-bus-session-send.h"

#include <glib/gi18n-lib.h>

/* --- calls that were sent before --- */

static GError *
resend_error_unknown (const char *why)
{
  return deye_bus_error_new (DEYE_BUS_ERROR_UNKNOWN, "%s", why);
}

void
deye_bus_session_end_sent_before (DeyeBusSession *session, gboolean new_epoch)
{
  g_autoptr (GPtrArray) kept = deye_bus_pending_table_list_kept (&session->pending);
  const char *why = new_epoch
                        ? _ ("The broker was started again before it reported the outcome: the message may or may "
                             "not have been handled")
                        : _ ("The connection ended before the broker reported the outcome, and this broker does "
                             "not recognise messages that are sent again: the message may or may not have been "
                             "handled");

  for (guint i = 0; i < kept->len; i++)
    {
      DeyeBusPending *pending = kept->pdata[i];

      if (pending->sent_before)
        deye_bus_pending_table_finish (&session->pending, pending, resend_error_unknown (why));
    }
}

/* TRUE: the broker may have forgotten the number of @pending, and would accept the message a second time. */
static gboolean
resend_is_too_late (const DeyeBusSession *session, const DeyeBusPending *pending, gint64 now_us)
{
  return now_us - pending->since_us >= DEYE_BUS_RESEND_US
         || session->newest_message - pending->message_id >= DEYE_BUS_RESEND_MESSAGES;
}

static void
resend_pending (DeyeBusSession *session, DeyeBusPending *pending, gint64 now_us)
{
  GError *error = NULL;

  deye_bus_pending_table_forget (&session->pending, pending);
  if (pending->sent_before && resend_is_too_late (session, pending, now_us))
    error = resend_error_unknown (
        _ ("The connection ended before the broker reported the outcome, and the broker may not "
           "recognise the message any more: it may or may not have been handled"));
  else if (deye_bus_session_send_frame (session, pending->frame, pending, FALSE, now_us, &error))
    {
      if (pending->message_id == 0)
        g_clear_pointer (&pending->frame, deye_bus_kept_frame_free);
      return;
    }
  deye_bus_pending_table_finish (&session->pending, pending, error);
}

/* --- everything that was kept --- */

/* Sends the messages of the stash that were published before the call with the number @before. */
static void
resend_stashed (DeyeBusSession *session, guint64 before, gint64 now_us)
{
  DeyeBusStash *stash = session->stash;

  while (stash != NULL && deye_bus_stash_count (stash) > 0 && deye_bus_stash_first (stash)->number < before)
    {
      g_autoptr (DeyeBusKeptFrame) frame = deye_bus_stash_take (stash);
      g_autoptr (GError) error = NULL;

      if (deye_bus_session_send_frame (session, frame, NULL, FALSE, now_us, &error))
        continue;
      g_debug ("message to %s not sent: %s", frame->topic, error->message);
      deye_bus_stash_lose (stash, frame);
    }
}

/* Merges two lists that are both sorted by number: the kept calls, and the stash. The numbers of both come from the same counter,
 * which is not reset between connections, so the messages are sent in the order in which the program made them. For example: if
 * the stash has the numbers 3 and 7, and a call has the number 5, the order is 3, 5, 7. */
void
deye_bus_session_send_kept (DeyeBusSession *session, gint64 now_us)
{
  g_autoptr (GPtrArray) kept = deye_bus_pending_table_list_kept (&session->pending);

  for (guint i = 0; i < kept->len; i++)
    {
      DeyeBusPending *pending = kept->pdata[i];

      resend_stashed (session, pending->id, now_us);
      if (!pending->done && !pending->sent && pending->waits == NULL)
        resend_pending (session, pending, now_us);
    }
  resend_stashed (session, G_MAXUINT64, now_us);
}

guint64
deye_bus_session_last_settled (const DeyeBusSession *session, guint64 newest)
{
  g_autoptr (GPtrArray) kept = deye_bus_pending_table_list_kept (&session->pending);
  guint64 settled = newest;

  for (guint i = 0; i < kept->len; i++)
    {
      const DeyeBusPending *pending = kept->pdata[i];

      if (pending->message_id != 0)
        settled = MIN (settled, pending->message_id - 1);
    }
  return settled;
}

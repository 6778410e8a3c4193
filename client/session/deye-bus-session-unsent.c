/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-unsent.h"

#include "deye-bus-error-private.h"
#include "session/deye-bus-session-data.h"
#include "wire-frame.h"

#include <glib/gi18n-lib.h>

void
deye_bus_session_set_stash (DeyeBusSession *session, DeyeBusStash *stash)
{
  session->stash = stash;
}

/* --- counts --- */

/* The number of bytes of the out-buffer that were sent. */
static guint64
unsent_total_sent (const DeyeBusSession *session)
{
  return session->out.added - session->out.bytes;
}

/* deye_bus_outbuf_count() is called first, because it takes back the bytes that another thread writes. */
static DeyeBusOutCount
unsent_count_out (const DeyeBusSession *session)
{
  DeyeBusOutCount all = deye_bus_outbuf_count (&session->out);
  DeyeBusOutCount own = deye_bus_own_frames_count (&session->own, unsent_total_sent (session));

  return (DeyeBusOutCount){ all.messages - own.messages, all.unwatched - own.unwatched };
}

static DeyeBusOutCount
unsent_add (DeyeBusOutCount a, DeyeBusOutCount b)
{
  return (DeyeBusOutCount){ a.messages + b.messages, a.unwatched + b.unwatched };
}

DeyeBusOutCount
deye_bus_session_count_unsent (const DeyeBusSession *session)
{
  DeyeBusOutCount waiting = deye_bus_send_queue_count_messages (&session->send_queue);
  DeyeBusOutCount queued = unsent_add (unsent_count_out (session), waiting);

  return unsent_add (session->dropped, queued);
}

/* --- publishes without a pending call --- */

guint64
deye_bus_session_n_uncertain (const DeyeBusSession *session)
{
  return session->uncertain;
}

/* The number of messages of the class for which the broker has not returned the credit. It handles frames in order, so if it has
 * returned the credit of n messages, the first n of the class were handled. */
static guint64
unsent_count_unreturned_of_class (const DeyeBusSession *session, WireClass credit_class)
{
  const DeyeBusWindow *window = &session->send_queue.windows[credit_class];
  guint64 returned = window->granted_messages - window->size_messages;
  guint64 unreturned = window->used_messages - MIN (window->used_messages, returned);

  return unreturned - MIN (unreturned, deye_bus_own_credit_count (&session->own_credit, credit_class, returned));
}

static guint64
unsent_count_unreturned (const DeyeBusSession *session)
{
  guint64 n = 0;

  for (guint i = WIRE_CLASS_NONE + 1; i < WIRE_N_CLASSES; i++)
    n += unsent_count_unreturned_of_class (session, (WireClass) i);
  return n;
}

/* --- kept frames --- */

/* Puts @frame, which is taken, into the stash. FALSE: it was dropped. */
static gboolean
unsent_stash (DeyeBusSession *session, DeyeBusKeptFrame *frame)
{
  return deye_bus_stash_keep (session->stash, frame);
}

/* Keeps @frame (taken) with the call that waits for an answer, if the call can wait for the next connection. */
static void
unsent_keep_call (DeyeBusPending *pending, DeyeBusKeptFrame *frame)
{
  pending->sent = FALSE;
  if (pending->frame == NULL && pending->waits_until_ready)
    {
      pending->frame = frame;
      frame->since_us = pending->since_us;
    }
  else
    deye_bus_kept_frame_free (frame);
}

static void
unsent_drop_one (DeyeBusSession *session, gboolean unwatched)
{
  session->dropped.messages++;
  session->dropped.unwatched += unwatched ? 1 : 0;
}

/* Handles one frame of the out-buffer of which no byte was written. Only publishes and requests can be sent on the next
 * connection. A reply answers a request of this connection, so it counts as dropped. Frames without a message (credit, cancel,
 * ping) concern this connection only.
 *
 * A publish with an odd id has no pending call, so the stash keeps it. It was counted in unasked_sent when it was added to the
 * out-buffer; unasked_kept takes it out of the number of uncertain publishes, because the broker has certainly not handled it. A
 * publish of the library, such as a heartbeat, is dropped, because it would report an old state. Any other publish or request stays
 * with its pending call. If that call has ended meanwhile, its frame is freed. */
static void
unsent_keep_frame (const guint8 *bytes, gsize len, gpointer data)
{
  DeyeBusSession *session = data;
  DeyeBusKeptFrame *frame;
  DeyeBusPending *pending;
  gboolean is_unasked;

  if (bytes[4] == WIRE_KIND_REPLY)
    unsent_drop_one (session, TRUE);
  if (bytes[4] != WIRE_KIND_PUBLISH && bytes[4] != WIRE_KIND_REQUEST)
    return;
  frame = deye_bus_kept_frame_new_for_bytes (bytes, len, 0);
  frame->own = deye_bus_own_frames_take_next (&session->own, frame->number, unsent_total_sent (session));
  is_unasked = bytes[4] == WIRE_KIND_PUBLISH && (frame->number & 1) != 0 && !frame->own;
  session->unasked_kept += is_unasked ? 1 : 0;
  if (bytes[5] & WIRE_FLAG_RETAIN)
    deye_bus_retained_refuse (&session->retained, frame->number); /* it is stored again when it is sent */
  pending = deye_bus_pending_table_find (&session->pending, frame->number);
  if (is_unasked)
    (void) unsent_stash (session, frame);
  else if (pending != NULL)
    unsent_keep_call (pending, frame);
  else
    deye_bus_kept_frame_free (frame); /* a publish of the library, or the call was given up */
}

/* --- the out-buffer --- */

static void
unsent_take_out (DeyeBusSession *session, gboolean keep)
{
  if (keep)
    deye_bus_outbuf_foreach_unsent (&session->out, unsent_keep_frame, session);
  else
    session->dropped = unsent_add (session->dropped, unsent_count_out (session));
  deye_bus_outbuf_clear (&session->out);
  deye_bus_own_frames_clear (&session->own);
}

void
deye_bus_session_drop_out (DeyeBusSession *session)
{
  unsent_take_out (session, session->keeps && session->stash != NULL);
  session->out_dead = TRUE;
}

/* --- calls that wait for credit --- */

static DeyeBusKeptFrame *
unsent_frame_of_waiting (const DeyeBusWaiting *waiting)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  DeyeBusKeptFrame *frame;

  g_byte_array_append (bytes, waiting->head, (guint) waiting->head_len);
  if (waiting->payload != NULL)
    g_byte_array_append (bytes, g_bytes_get_data (waiting->payload, NULL), (guint) g_bytes_get_size (waiting->payload));
  frame = deye_bus_kept_frame_new_for_bytes (bytes->data, bytes->len, 0);
  frame->own = waiting->own_id != 0;
  return frame;
}

static GError *
unsent_error_no_room (void)
{
  return deye_bus_error_new (DEYE_BUS_ERROR_LIMIT, "%s",
                             _ ("The connection ended, and no more messages can wait in the client: publish it again "
                                "when the client is ready"));
}

static void
unsent_keep_waiting (DeyeBusSession *session, DeyeBusWaiting *waiting)
{
  DeyeBusPending *pending = waiting->pending;
  gboolean ends_now = pending != NULL && pending->kind == DEYE_BUS_PENDING_SENT;

  if (waiting->kind == WIRE_KIND_REPLY)
    unsent_drop_one (session, pending == NULL);
  else if (pending != NULL && !ends_now)
    unsent_keep_call (pending, unsent_frame_of_waiting (waiting));
  else if (waiting->own_id == 0)
    {
      gboolean kept = unsent_stash (session, unsent_frame_of_waiting (waiting));

      if (ends_now)
        deye_bus_pending_table_finish (&session->pending, pending, kept ? NULL : unsent_error_no_room ());
    }
}

static void
unsent_take_waiting (DeyeBusSession *session, gboolean keep)
{
  DeyeBusWaiting *waiting;

  if (!keep)
    {
      session->dropped = unsent_add (session->dropped, deye_bus_send_queue_count_messages (&session->send_queue));
      deye_bus_send_queue_clear (&session->send_queue);
      return;
    }
  while ((waiting = deye_bus_send_queue_take (&session->send_queue)) != NULL)
    {
      unsent_keep_waiting (session, waiting);
      deye_bus_waiting_free (waiting);
    }
}

/* There are two upper bounds, and the smaller one counts: the publishes that no answer proves to be handled, and the messages for
 * which the broker has not returned the credit. */
static guint64
unsent_count_uncertain (const DeyeBusSession *session)
{
  guint64 written = session->unasked_sent - session->unasked_kept;
  guint64 unreturned = unsent_count_unreturned (session);

  return MIN (written - MIN (written, session->unasked_proved), unreturned - MIN (unreturned, session->unasked_kept));
}

void
deye_bus_session_end_out (DeyeBusSession *session)
{
  gboolean keep = session->kept && session->stash != NULL;

  if (keep)
    {
      unsent_take_out (session, TRUE);
      session->out_dead = TRUE;
      session->uncertain = unsent_count_uncertain (session);
    }
  unsent_take_waiting (session, keep);
  /* A message that waited for credit may be older than one of another class in the out-buffer. */
  if (keep)
    deye_bus_stash_sort (session->stash);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-restore.h"

#include "deye-bus-error.h"
#include "session/deye-bus-session-data.h"
#include "session/deye-bus-session-flush.h"
#include "session/deye-bus-session-resend.h"
#include "session/deye-bus-session-send.h"
#include "session/deye-bus-session-standing.h"
#include "session/deye-bus-session-state.h"

static gboolean
restore_send (DeyeBusSession *session, DeyeBusChannel *channel, DeyeBusPending *pending, gboolean ahead, GError **error)
{
  const DeyeBusCall call = { .kind = WIRE_KIND_REQUEST,
                             .topic = "control.bus.subscribe",
                             .type_name = "daemoneye.eventbus.v1.SubscribeRequest",
                             .payload = channel->request,
                             .ahead = ahead,
                             .own = TRUE };

  return deye_bus_session_call (session, &call, pending, error);
}

/* --- subscribing --- */

gboolean
deye_bus_session_subscribe (DeyeBusSession *session, DeyeBusPending *pending, gboolean ahead, GError **error)
{
  DeyeBusChannel *channel = pending->channel;

  pending->subscribes = TRUE;
  if (ahead || (session->state == DEYE_BUS_SESSION_READY && !session->held))
    {
      gboolean sent = restore_send (session, channel, pending, ahead, error);

      channel->asking = sent ? pending : NULL;
      return sent;
    }
  channel->asking = pending;
  session->last_id += 2;
  deye_bus_pending_table_add (&session->pending, pending, session->last_id);
  if (session->restore.whole != NULL)
    {
      deye_bus_restore_add (&session->restore, channel);
      deye_bus_session_advance_restore (session);
    }
  return TRUE;
}

void
deye_bus_session_hold (DeyeBusSession *session)
{
  session->held = TRUE;
}

/* --- subscribing again --- */

/* The new connection has no subscription for the channel yet, so its window is empty until the answer opens it. Since the origin
 * changes, messages of the earlier connection that are not handled yet return no credit. */
static void
restore_reset_channel (DeyeBusSession *session, DeyeBusChannel *channel)
{
  channel->origin = session->origin;
  channel->window = (DeyeBusWindow){ 0 };
  deye_bus_channel_set_drain (channel, DEYE_BUS_DRAIN_NONE, session->events);
}

static DeyeBusPending *
restore_new_pending (DeyeBusSession *session, DeyeBusChannel *channel)
{
  DeyeBusPending *pending = deye_bus_pending_new (DEYE_BUS_PENDING_REPLY, session->restore.whole->deadline_us);

  pending->channel = deye_bus_channel_ref (channel);
  return pending;
}

/* Ends @channel, which was refused with @error. No effect if @pending is the user's own subscribe call: its caller gets the
 * error. */
static void
restore_refuse (DeyeBusSession *session, DeyeBusChannel *channel, const DeyeBusPending *pending, const GError *error)
{
  if (pending->subscribes || channel->cut)
    return;
  g_clear_error (&channel->refusal);
  channel->refusal = g_error_copy (error);
  deye_bus_session_remove_channel (session, channel);
}

/* Sends the request for @channel. It is the user's subscribe call if that has no answer yet, otherwise a call of the library. */
static void
restore_ask (DeyeBusSession *session, DeyeBusChannel *channel)
{
  g_autoptr (DeyeBusPending) pending
      = channel->asking != NULL ? deye_bus_pending_ref (channel->asking) : restore_new_pending (session, channel);
  g_autoptr (GError) error = NULL;

  restore_reset_channel (session, channel);
  if (pending->subscribes)
    deye_bus_pending_table_forget (&session->pending, pending);
  if (restore_send (session, channel, pending, TRUE, &error))
    {
      pending->restores = TRUE;
      deye_bus_restore_ask (&session->restore, pending);
      return;
    }
  restore_refuse (session, channel, pending, error);
  deye_bus_pending_table_finish (&session->pending, pending, g_steal_pointer (&error));
}

static gboolean
restore_has_credit (const DeyeBusSession *session)
{
  return deye_bus_window_is_open (&session->send_queue.windows[WIRE_CLASS_CONTROL]);
}

void
deye_bus_session_advance_restore (DeyeBusSession *session)
{
  DeyeBusRestore *restore = &session->restore;
  DeyeBusChannel *channel;

  if (restore->whole == NULL)
    return;
  if (restore->whole->done)
    {
      deye_bus_restore_clear (restore); /* its deadline has passed, which is also that of the library's requests */
      return;
    }
  while (restore_has_credit (session) && (channel = deye_bus_restore_take (restore)) != NULL)
    {
      restore_ask (session, channel);
      deye_bus_channel_unref (channel);
    }
  if (deye_bus_restore_is_over (restore))
    {
      g_autoptr (DeyeBusPending) whole = deye_bus_pending_ref (restore->whole);

      deye_bus_restore_clear (restore);
      deye_bus_pending_table_finish (&session->pending, whole, NULL);
    }
}

/* The obvious way is to subscribe one channel after the other, and to wait for each answer. Then a client with a thousand
 * subscriptions needs a thousand round trips after a restart of the broker, while many clients do the same. To release the
 * calls of the user meanwhile would not help: a message that the program publishes, or one that is published as an answer to
 * it, could be routed before the subscription exists that has to receive it, and nothing would report that loss.
 *
 * So the session is held, and the requests are sent without waiting for answers, as far as the credit of the class control
 * reaches; advance_restore() sends the others when credit arrives. The requests overtake waiting calls (@ahead). A call of the
 * user that subscribed before there was a connection is not repeated by the library but sent in its place here, with a new id,
 * so that the broker gets one request for each channel and the call gets its answer. @whole ends with the last answer. Its
 * deadline also applies to the library's requests: a restore that takes too long fails as a whole, and with it the attempt to
 * connect. */
gboolean
deye_bus_session_restore (DeyeBusSession *session, DeyeBusPending *whole)
{
  g_autoptr (GPtrArray) channels = deye_bus_session_list_channels (session);

  if (channels->len == 0)
    return FALSE;
  session->last_id += 2;
  deye_bus_pending_table_add (&session->pending, whole, session->last_id);
  whole->sent = TRUE;
  deye_bus_restore_begin (&session->restore, channels, whole);
  deye_bus_session_advance_restore (session);
  return !whole->done;
}

void
deye_bus_session_restore_answered (DeyeBusSession *session, DeyeBusPending *pending)
{
  pending->restores = FALSE;
  if (session->restore.whole == NULL)
    return;
  if (pending->error != NULL)
    restore_refuse (session, pending->channel, pending, pending->error);
  deye_bus_session_advance_restore (session);
}

/* --- the end --- */

/* Sends the request of a call that subscribed after the batch was complete, and before release(). */
static void
restore_send_late (DeyeBusSession *session, DeyeBusChannel *channel)
{
  g_autoptr (DeyeBusPending) pending = deye_bus_pending_ref (channel->asking);
  GError *error = NULL;

  restore_reset_channel (session, channel);
  deye_bus_pending_table_forget (&session->pending, pending);
  if (!restore_send (session, channel, pending, FALSE, &error))
    deye_bus_pending_table_finish (&session->pending, pending, error);
}

/* The order matters. Subscribe calls are sent first, because a message that is sent later may cause an event or an answer that the
 * new subscription has to receive. Standing calls are next: they only ask for the state that the broker has. Then the kept calls
 * and the messages of the stash are sent, in the order in which the program made them. Flushes are last: a flush waits for all
 * messages that are queued when it continues, which includes the messages of the stash. @held is cleared before, because no flush
 * advances while the session is held.
 *
 * Calls that the program makes from now on are sent behind all of these. */
void
deye_bus_session_release (DeyeBusSession *session, gint64 now_us)
{
  g_autoptr (GPtrArray) channels = deye_bus_session_list_channels (session);

  session->held = FALSE;
  for (guint i = 0; i < channels->len; i++)
    {
      DeyeBusChannel *channel = channels->pdata[i];

      if (channel->asking != NULL && !channel->asking->sent)
        restore_send_late (session, channel);
    }
  deye_bus_session_restart_standing (session);
  deye_bus_session_send_kept (session, now_us);
  deye_bus_session_resume_flushes (session);
}

guint
deye_bus_session_n_subscribed (const DeyeBusSession *session)
{
  return deye_bus_channel_table_size (&session->channels);
}

guint64
deye_bus_session_channel_changes (const DeyeBusSession *session)
{
  return session->channels.changes;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-session-credit.h"

#include "deye-bus-message-private.h"
#include "session/deye-bus-session-data.h"
#include "wire-credit.h"

#define DEYE_BUS_CREDIT_LATEST_US G_TIME_SPAN_SECOND
/* Credit is returned at once when this amount is owed. Both values are below the smallest publish window that a broker grants (16
 * messages, 32 KiB), so that no publisher is blocked only because this client collects credit. */
#define PROMPT_MESSAGES_MAX 12u
#define PROMPT_BYTES_MAX    16384u
#define PROMPT_BURST        4 /* CREDIT frames without a delay; then one every DEYE_BUS_CREDIT_EVERY_US */
#define PROMPT_AHEAD_US     ((PROMPT_BURST - 1) * DEYE_BUS_CREDIT_EVERY_US)

static void
session_send_credit (DeyeBusSession *session, const DeyeBusChannel *channel)
{
  guint8 *frame = deye_bus_outbuf_begin (&session->out, WIRE_CREDIT_FRAME_MAX);
  const guint8 *end
      = wire_credit_put (frame, channel->id, channel->window.granted_messages, channel->window.granted_bytes);

  deye_bus_outbuf_end (&session->out, (gsize) (end - frame));
}

static void
session_return_rest (DeyeBusSession *session, DeyeBusChannel *channel)
{
  if (deye_bus_window_return_rest (&channel->window))
    session_send_credit (session, channel);
}

void
deye_bus_session_return_credit (DeyeBusSession *session, DeyeBusChannel *channel)
{
  if (!deye_bus_channel_is_prompt (channel) || channel->cut || session->state != DEYE_BUS_SESSION_READY
      || channel->origin != session->origin)
    return;
  session_return_rest (session, channel);
}

/* --- credit that publishers may wait for --- */

static void
session_forget_owing (DeyeBusSession *session)
{
  for (guint i = 0; i < session->owing->len; i++)
    {
      DeyeBusChannel *channel = session->owing->pdata[i];

      channel->is_owing = FALSE;
    }
  g_ptr_array_set_size (session->owing, 0);
  session->owing_messages = 0;
  session->owing_bytes = 0;
}

void
deye_bus_session_init_credit (DeyeBusSession *session)
{
  session->owing = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_channel_leave);
}

void
deye_bus_session_reset_credit (DeyeBusSession *session)
{
  session_forget_owing (session);
  session->early_waits = FALSE;
  session->prompt_us = 0;
  session->owes_credit = FALSE;
  session->rest_us = 0;
}

void
deye_bus_session_clear_credit (DeyeBusSession *session)
{
  session_forget_owing (session);
  g_clear_pointer (&session->owing, g_ptr_array_unref);
}

static void
session_return_all (DeyeBusSession *session)
{
  for (guint i = 0; i < session->owing->len; i++)
    deye_bus_session_return_credit (session, session->owing->pdata[i]);
  session_forget_owing (session);
}

static void
session_return_owing (DeyeBusSession *session)
{
  session_return_all (session);
  session->prompt_us
      = CLAMP (session->prompt_us, session->now_us, session->now_us + PROMPT_AHEAD_US) + DEYE_BUS_CREDIT_EVERY_US;
}

/* The time from which the next CREDIT may be sent. */
static gint64
session_prompt_due_us (const DeyeBusSession *session)
{
  return session->prompt_us - PROMPT_AHEAD_US;
}

static void
session_note_owing (DeyeBusSession *session, DeyeBusChannel *channel)
{
  if (channel->is_owing)
    return;
  channel->is_owing = TRUE;
  g_ptr_array_add (session->owing, deye_bus_channel_enter (channel));
}

/* @channel, which is prompt, has handled a message: returns its credit, or notes that it is owed. A member of a group or a
 * server returns it at once when it has nothing left to handle; a channel with the policy Block only as fast as the leaky
 * bucket allows. */
static void
session_return_promptly (DeyeBusSession *session, DeyeBusChannel *channel)
{
  gboolean is_empty = deye_bus_window_left (&channel->window) == 0;

  session->early_waits = TRUE;
  if (channel->paused || (is_empty && channel->balanced))
    {
      deye_bus_session_return_credit (session, channel);
      return;
    }
  session_note_owing (session, channel);
  if (!is_empty)
    return;
  if (session->owing_messages >= PROMPT_MESSAGES_MAX || session->owing_bytes >= PROMPT_BYTES_MAX
      || session->now_us >= session_prompt_due_us (session))
    session_return_owing (session);
}

/* A dispatch may call hundreds of slow callbacks in a row. Credit is otherwise returned after a quarter of the window, or when
 * the channel has nothing left to handle, and written when the dispatch ends. Publishers of a channel with the policy Block
 * would be blocked for all that time, although messages have been handled. A write after each message would avoid that, but
 * costs a system call for each message even if callbacks are fast. An interval for each channel is no solution either: when
 * messages are spread over many channels, each of them would cause a write of its own.
 *
 * So there is one interval for the whole session. The client asks after each handled message while a prompt channel may owe
 * credit, also if callbacks of other subscriptions take the time. When the interval is over, all channels that owe credit
 * return it together, and the client writes their frames with one system call. A callback that takes longer than the interval
 * delays the credit until it returns, since nothing interrupts it. */
gboolean
deye_bus_session_return_early (DeyeBusSession *session, gint64 now_us)
{
  if (now_us - session->early_us < DEYE_BUS_CREDIT_EARLY_US)
    return FALSE;
  session->early_us = now_us;
  session->early_waits = FALSE;
  session_return_all (session);
  return TRUE;
}

static void
session_send_delivered (DeyeBusSession *session, const DeyeBusMessage *message)
{
  WireEnvelope delivered;

  wire_envelope_init (&delivered);
  delivered.route = message->route_id;
  deye_bus_outbuf_add_envelope (&session->out, WIRE_KIND_DELIVERED, &delivered);
}

gboolean
deye_bus_session_handled (DeyeBusSession *session, DeyeBusChannel *channel, DeyeBusMessage *message, gboolean called)
{
  message->handled |= called;
  message->to_handle--;
  /* A message of an earlier connection may be dispatched after the channel was subscribed again. It returns no credit: the broker
   * counts the credit of the new subscription from zero. */
  if (session->state != DEYE_BUS_SESSION_READY || channel->origin != session->origin
      || message->origin != session->origin)
    return FALSE;
  if (!deye_bus_window_return (&channel->window, message->payload.len))
    session->owes_credit = TRUE;
  else if (!channel->cut)
    session_send_credit (session, channel);
  if (channel->policy == DEYE_BUS_POLICY_BLOCK)
    {
      session->owing_messages++;
      session->owing_bytes += message->payload.len;
    }
  if (deye_bus_channel_is_prompt (channel))
    session_return_promptly (session, channel);
  if (message->to_handle == 0 && message->handled && (message->flags & WIRE_FLAG_WANT_DELIVERED)
      && message->route_id != 0)
    session_send_delivered (session, message);
  return session->early_waits;
}

static gboolean
session_owes_credit (const DeyeBusSession *session)
{
  return session->owes_credit && session->state == DEYE_BUS_SESSION_READY;
}

gint64
deye_bus_session_credit_due_us (const DeyeBusSession *session)
{
  gint64 prompt_us = session->owing->len > 0 ? session_prompt_due_us (session) : G_MAXINT64;

  return session_owes_credit (session) ? MIN (session->rest_us, prompt_us) : prompt_us;
}

/* Credit of less than a quarter of the window might otherwise never be returned. That can block publishers even if the channel is
 * not prompt, since the client may not know the policy. So all credit is returned after about a second. */
void
deye_bus_session_tick_credit (DeyeBusSession *session, gint64 now_us)
{
  DeyeBusChannel *channel;
  guint at = 0;

  session->now_us = now_us;
  if (session->owing->len > 0 && now_us >= session_prompt_due_us (session))
    session_return_owing (session);
  if (!session_owes_credit (session))
    return;
  if (session->rest_us == 0)
    session->rest_us = now_us + DEYE_BUS_CREDIT_LATEST_US;
  if (now_us < session->rest_us)
    return;
  session->owes_credit = FALSE;
  session->rest_us = 0;
  while ((channel = deye_bus_channel_table_next (&session->channels, &at)) != NULL)
    session_return_rest (session, channel);
}

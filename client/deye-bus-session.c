/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-session-private.h"

#include "envelope.pb-c.h"
#include "wire-feature.h"

#include <glib/gi18n-lib.h>

#define HELLO_MAGIC             0x42594544u
#define WIRE_VERSION            (1u << 16)
#define BODY_MAX_BEFORE_WELCOME 65536u

/* --- pending calls --- */

DeyeBusPending *
deye_bus_pending_new (DeyeBusPendingKind kind, gint64 deadline_us)
{
  DeyeBusPending *pending = g_new0 (DeyeBusPending, 1);

  pending->refs = 1;
  pending->kind = kind;
  pending->deadline_us = deadline_us;
  return pending;
}

DeyeBusPending *
deye_bus_pending_ref (DeyeBusPending *pending)
{
  pending->refs++;
  return pending;
}

void
deye_bus_pending_unref (DeyeBusPending *pending)
{
  if (--pending->refs > 0)
    return;
  g_clear_error (&pending->error);
  g_clear_pointer (&pending->reply, deye_bus_message_unref);
  g_clear_pointer (&pending->channel, deye_bus_channel_unref);
  g_assert (pending->cancelled == NULL);
  g_free (pending);
}

void
deye_bus_session_finish (DeyeBusSession *session, DeyeBusPending *pending, GError *error)
{
  g_assert (!pending->done);

  pending->done = TRUE;
  pending->error = error;
  if (pending->complete != NULL)
    deye_bus_events_push (session->events,
                          (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_DONE, .subject = deye_bus_pending_ref (pending) });
  if (pending == session->hello)
    g_clear_pointer (&session->hello, deye_bus_pending_unref);
  else
    g_hash_table_remove (session->pending, &pending->id);
}

/* --- life --- */

static void
say_hello (DeyeBusSession *session, const DeyeBusHello *hello)
{
  static char nothing[] = "";
  Daemoneye__Eventbus__V1__Hello message = DAEMONEYE__EVENTBUS__V1__HELLO__INIT;
  g_autofree char *id = g_strdup (hello->id);
  g_autofree char *type = g_strdup (hello->type);
  g_autofree char *version = g_strdup (hello->software_version);
  g_autofree guint8 *body = NULL;

  message.magic = HELLO_MAGIC;
  message.oldest_version = WIRE_VERSION;
  message.newest_version = WIRE_VERSION;
  message.id = id;
  message.type = type != NULL ? type : nothing;
  message.role = hello->role;
  message.incarnation = hello->incarnation;
  message.features = WIRE_FEATURES_KNOWN;
  message.software_version = version != NULL ? version : nothing;
  body = g_malloc (daemoneye__eventbus__v1__hello__get_packed_size (&message));
  deye_bus_session_put_body (session, WIRE_KIND_HELLO,
                             wire_span (body, daemoneye__eventbus__v1__hello__pack (&message, body)));
}

DeyeBusSession *
deye_bus_session_new (const DeyeBusHello *hello, DeyeBusEvents *events, DeyeBusPending *hello_pending)
{
  DeyeBusSession *session = g_new0 (DeyeBusSession, 1);

  session->state = DEYE_BUS_SESSION_HELLO;
  session->origin = hello->incarnation;
  session->events = events;
  session->hello = deye_bus_pending_ref (hello_pending);
  session->next_us = hello_pending->deadline_us;
  session->pending = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL, (GDestroyNotify) deye_bus_pending_unref);
  session->channels = g_hash_table_new_full (NULL, NULL, NULL, (GDestroyNotify) deye_bus_channel_unref);
  session->routes = g_hash_table_new_full (g_int64_hash, g_int64_equal, g_free, NULL);
  wire_frame_reader_init (&session->reader, BODY_MAX_BEFORE_WELCOME);
  deye_bus_outbuf_init (&session->out);
  for (guint i = 0; i < WIRE_N_CLASSES; i++)
    g_queue_init (&session->waiting[i]);
  say_hello (session, hello);
  return session;
}

void
deye_bus_session_free (DeyeBusSession *session)
{
  if (session->state != DEYE_BUS_SESSION_ENDED)
    deye_bus_session_fail (session, deye_bus_error_new (DEYE_BUS_ERROR_CLOSED, "%s", _ ("The client was closed")));
  g_hash_table_unref (session->pending);
  g_hash_table_unref (session->channels);
  g_hash_table_unref (session->routes);
  wire_frame_reader_clear (&session->reader);
  deye_bus_outbuf_clear (&session->out);
  g_clear_error (&session->reason);
  g_clear_error (&session->broker_said);
  g_free (session->welcome.software_version);
  g_free (session);
}

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

guint
deye_bus_session_n_pending (const DeyeBusSession *session)
{
  return g_hash_table_size (session->pending);
}

guint
deye_bus_session_n_waiting (const DeyeBusSession *session)
{
  guint n = 0;

  for (guint i = 0; i < WIRE_N_CLASSES; i++)
    n += session->waiting[i].length;
  return n;
}

static gint
by_number (gconstpointer a, gconstpointer b)
{
  const DeyeBusChannel *const *first = a, *const *second = b;

  return (*first)->id < (*second)->id ? -1 : (*first)->id > (*second)->id;
}

GPtrArray *
deye_bus_session_list_channels (const DeyeBusSession *session)
{
  GPtrArray *channels = g_ptr_array_sized_new (g_hash_table_size (session->channels));
  GHashTableIter iter;
  gpointer channel;

  g_hash_table_iter_init (&iter, session->channels);
  while (g_hash_table_iter_next (&iter, NULL, &channel))
    g_ptr_array_add (channels, channel);
  g_ptr_array_sort (channels, by_number);
  return channels;
}

DeyeBusOutbuf *
deye_bus_session_out (DeyeBusSession *session)
{
  return &session->out;
}

/* --- the end --- */

static gint
by_id (gconstpointer a, gconstpointer b)
{
  const DeyeBusPending *first = a, *second = b;

  return first->id < second->id ? -1 : first->id > second->id;
}

/* What never went out is not connected; of the rest nobody knows, unless the reason says so. */
static GError *
reason_for (const DeyeBusSession *session, const DeyeBusPending *pending)
{
  if (pending->sent || pending->kind == DEYE_BUS_PENDING_HELLO
      || g_error_matches (session->reason, DEYE_BUS_ERROR, DEYE_BUS_ERROR_CLOSED))
    return g_error_copy (session->reason);
  return deye_bus_error_new (DEYE_BUS_ERROR_NOT_CONNECTED, _ ("Not sent, the connection ended: %s"),
                             session->reason->message);
}

static void
finish_all (DeyeBusSession *session)
{
  GList *all = g_list_sort (g_hash_table_get_values (session->pending), by_id);

  if (session->hello != NULL)
    deye_bus_session_finish (session, session->hello, reason_for (session, session->hello));
  for (GList *link = all; link != NULL; link = link->next)
    deye_bus_session_finish (session, link->data, reason_for (session, link->data));
  g_list_free (all);
}

static void
cut_all (DeyeBusSession *session)
{
  GList *all = g_hash_table_get_values (session->channels);

  for (GList *link = all; link != NULL; link = link->next)
    deye_bus_session_remove_channel (session, link->data);
  g_list_free (all);
}

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
  session->next_us = G_MAXINT64;
  deye_bus_session_forget_waiting (session);
  finish_all (session);
  cut_all (session);
  g_hash_table_remove_all (session->routes);
}

void
deye_bus_session_lost (DeyeBusSession *session, const char *why)
{
  if (session->broker_said != NULL)
    deye_bus_session_fail (session, g_steal_pointer (&session->broker_said));
  else
    deye_bus_session_fail (session, deye_bus_error_new (DEYE_BUS_ERROR_UNKNOWN,
                                                        _ ("The connection to the broker was lost (%s): "
                                                           "what was on the way may or may not have been handled"),
                                                        why));
}

static void
say_goodbye (DeyeBusSession *session)
{
  Daemoneye__Eventbus__V1__Goodbye goodbye = DAEMONEYE__EVENTBUS__V1__GOODBYE__INIT;
  char detail[] = "closed by the client";
  guint8 body[64];

  goodbye.detail = detail;
  g_assert (daemoneye__eventbus__v1__goodbye__get_packed_size (&goodbye) <= sizeof body);
  deye_bus_session_put_body (session, WIRE_KIND_GOODBYE,
                             wire_span (body, daemoneye__eventbus__v1__goodbye__pack (&goodbye, body)));
}

void
deye_bus_session_close (DeyeBusSession *session)
{
  GHashTableIter iter;
  gpointer channel;

  if (session->state == DEYE_BUS_SESSION_READY)
    say_goodbye (session);
  /* What was not told yet is not told any more. */
  g_hash_table_iter_init (&iter, session->channels);
  while (g_hash_table_iter_next (&iter, NULL, &channel))
    ((DeyeBusChannel *) channel)->ended = TRUE;
  deye_bus_session_fail (session, deye_bus_error_new (DEYE_BUS_ERROR_CLOSED, "%s", _ ("The client was closed")));
}

/* --- credit --- */

static void
tell_credit (DeyeBusSession *session, const DeyeBusChannel *channel)
{
  WireEnvelope credit;

  wire_envelope_init (&credit);
  credit.subscription = channel->id;
  credit.credit_messages = channel->window.granted_messages;
  credit.credit_bytes = channel->window.granted_bytes;
  deye_bus_session_put (session, WIRE_KIND_CREDIT, &credit);
}

static void
return_rest (DeyeBusSession *session, DeyeBusChannel *channel)
{
  if (deye_bus_window_return_rest (&channel->window))
    tell_credit (session, channel);
}

/* --- deadlines --- */

gint64
deye_bus_session_next_us (const DeyeBusSession *session)
{
  if (!session->owes_credit || session->state != DEYE_BUS_SESSION_READY)
    return session->next_us;
  return MIN (session->next_us, session->rest_us);
}

static GError *
timed_out (const DeyeBusPending *pending)
{
  if (pending->kind == DEYE_BUS_PENDING_HELLO)
    return deye_bus_error_new (DEYE_BUS_ERROR_TIMEOUT, "%s", _ ("The broker did not answer the handshake in time"));
  if (!pending->sent)
    return deye_bus_error_new (
        DEYE_BUS_ERROR_WOULD_BLOCK, "%s",
        _ ("No credit from the broker within the time given: receivers are slow; try again later"));
  if (pending->kind == DEYE_BUS_PENDING_REPLY)
    return deye_bus_error_new (DEYE_BUS_ERROR_TIMEOUT, "%s", _ ("No answer within the time given"));
  return deye_bus_error_new (DEYE_BUS_ERROR_UNKNOWN, "%s",
                             _ ("Not known within the time given whether the message arrived; it may have"));
}

/* A quarter of a window may take for ever to come together. And who joined a group, or did not hear of its policy, may hold
 * publishers back without knowing: so nothing that was handled is kept for longer than a moment. */
static void
return_rest_of_all (DeyeBusSession *session, gint64 now_us)
{
  GHashTableIter iter;
  gpointer value;

  if (!session->owes_credit || session->state != DEYE_BUS_SESSION_READY)
    return;
  if (session->rest_us == 0)
    session->rest_us = now_us + DEYE_BUS_CREDIT_LATEST_US;
  if (now_us < session->rest_us)
    return;
  session->owes_credit = FALSE;
  session->rest_us = 0;
  g_hash_table_iter_init (&iter, session->channels);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    return_rest (session, value);
}

/* The cached moment may be too early, when the call it stood for ended: then this is a look for nothing, about once per
 * timeout. In exchange a call costs no ordered structure. */
void
deye_bus_session_tick (DeyeBusSession *session, gint64 now_us)
{
  g_autoptr (GPtrArray) due = NULL;
  GHashTableIter iter;
  gpointer value;

  return_rest_of_all (session, now_us);
  if (now_us < session->next_us)
    return;
  if (session->hello != NULL && session->hello->deadline_us <= now_us)
    {
      deye_bus_session_fail (session, timed_out (session->hello));
      return;
    }
  due = g_ptr_array_new ();
  session->next_us = session->hello != NULL ? session->hello->deadline_us : G_MAXINT64;
  g_hash_table_iter_init (&iter, session->pending);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      DeyeBusPending *pending = value;

      if (pending->deadline_us <= now_us)
        g_ptr_array_add (due, pending);
      else
        session->next_us = MIN (session->next_us, pending->deadline_us);
    }
  for (guint i = 0; i < due->len; i++)
    deye_bus_session_cancel (session, due->pdata[i], timed_out (due->pdata[i]));
}

/* --- channels --- */

guint32
deye_bus_session_new_channel_id (DeyeBusSession *session)
{
  return ++session->last_channel;
}

void
deye_bus_session_add_channel (DeyeBusSession *session, DeyeBusChannel *channel)
{
  channel->origin = session->origin;
  g_hash_table_insert (session->channels, GUINT_TO_POINTER (channel->id), deye_bus_channel_ref (channel));
}

DeyeBusChannel *
deye_bus_session_find_channel (DeyeBusSession *session, guint32 id)
{
  if (session->recent == NULL || session->recent->id != id)
    session->recent = g_hash_table_lookup (session->channels, GUINT_TO_POINTER (id));
  return session->recent;
}

void
deye_bus_session_remove_channel (DeyeBusSession *session, DeyeBusChannel *channel)
{
  if (channel->cut)
    return;
  channel->cut = TRUE;
  session->recent = NULL;
  deye_bus_channel_wake (channel, session->events);
  deye_bus_events_push (session->events,
                        (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_ENDED, .subject = deye_bus_channel_ref (channel) });
  g_hash_table_remove (session->channels, GUINT_TO_POINTER (channel->id));
}

void
deye_bus_session_return_credit (DeyeBusSession *session, DeyeBusChannel *channel)
{
  if (channel->policy != DEYE_BUS_POLICY_BLOCK || channel->cut || session->state != DEYE_BUS_SESSION_READY
      || channel->origin != session->origin)
    return;
  return_rest (session, channel);
}

static void
tell_delivered (DeyeBusSession *session, const DeyeBusMessage *message)
{
  WireEnvelope delivered;

  wire_envelope_init (&delivered);
  delivered.route = message->route_id;
  deye_bus_session_put (session, WIRE_KIND_DELIVERED, &delivered);
}

void
deye_bus_session_handled (DeyeBusSession *session, DeyeBusChannel *channel, DeyeBusMessage *message, gboolean called)
{
  message->handled |= called;
  message->to_handle--;
  /* It may be told after a new connection was made. */
  if (session->state != DEYE_BUS_SESSION_READY || channel->origin != session->origin)
    return;
  if (!deye_bus_window_return (&channel->window, message->payload.len))
    session->owes_credit = TRUE;
  else if (!channel->cut)
    tell_credit (session, channel);
  if (channel->policy == DEYE_BUS_POLICY_BLOCK && (channel->paused || deye_bus_window_left (&channel->window) == 0))
    deye_bus_session_return_credit (session, channel);
  if (message->to_handle == 0 && message->handled && (message->flags & WIRE_FLAG_WANT_DELIVERED)
      && message->route_id != 0)
    tell_delivered (session, message);
}

/* --- bytes in --- */

static void
bad_frame (DeyeBusSession *session)
{
  deye_bus_session_fail (session,
                         deye_bus_error_new (DEYE_BUS_ERROR_PROTOCOL,
                                             _ ("What came at byte %zu"
                                                " of a frame is not our protocol (%s): check the address"),
                                             session->reader.offset, wire_status_name (session->reader.status)));
}

void
deye_bus_session_received (DeyeBusSession *session, const guint8 *bytes, gsize len, gint64 now_us)
{
  WireSpan input = wire_span (bytes, len);
  WireFrame frame;

  while (session->state != DEYE_BUS_SESSION_ENDED)
    switch (wire_frame_reader_next (&session->reader, &input, &frame))
      {
      case WIRE_FRAME_COMPLETE:
        deye_bus_session_frame (session, &frame, now_us);
        break;
      case WIRE_FRAME_MORE:
        return;
      case WIRE_FRAME_BAD:
        bad_frame (session);
        return;
      }
}

gsize
deye_bus_session_place (DeyeBusSession *session, guint8 **where)
{
  return session->state == DEYE_BUS_SESSION_ENDED ? 0 : wire_frame_reader_place (&session->reader, where);
}

void
deye_bus_session_placed (DeyeBusSession *session, gsize n, gint64 now_us)
{
  wire_frame_reader_placed (&session->reader, n);
  deye_bus_session_received (session, NULL, 0, now_us);
}

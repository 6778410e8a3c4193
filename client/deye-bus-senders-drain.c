/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-client-private.h"
#include "deye-bus-client-publish.h"
#include "deye-bus-senders.h"

#include "platform-process.h"

#include <glib/gi18n-lib.h>

/*
 * The part of the senders that runs in the thread of the client: takes messages out of the queues, and gives them to the
 * session.
 *
 * A message stays in its queue until there is credit for it. So the limit of the queue is the only limit, and the queue becomes
 * full while receivers are slow, which the publishing thread notices. While the client is not connected, all messages stay in
 * the queues and none is dropped.
 */

static void senders_unref_queue (gpointer queue);

/* --- one message --- */

/* A message was refused: the client reports it with the signal "error", and the sender counts it. Takes @error. */
static void
senders_refuse (DeyeBusSenders *self, DeyeBusSenderQueue *queue, GError *error)
{
  g_mutex_lock (&self->lock);
  queue->refused++;
  g_mutex_unlock (&self->lock);
  deye_bus_events_push (&self->client->events, (DeyeBusEvent){ .kind = DEYE_BUS_EVENT_REFUSED, .subject = error });
}

static void
senders_on_acknowledged (GObject *source, GAsyncResult *result, gpointer data)
{
  DeyeBusSenderQueue *queue = data;
  g_autoptr (GError) error = NULL;

  if (!deye_bus_client_publish_finish (DEYE_BUS_CLIENT (source), result, NULL, &error))
    {
      g_mutex_lock (&queue->senders->lock);
      queue->refused++;
      g_mutex_unlock (&queue->senders->lock);
      g_signal_emit (source, deye_bus_client_signals[DEYE_BUS_SIGNAL_ERROR], 0, error);
    }
  deye_bus_sender_queue_unref (queue);
}

/* Like a flush of a sender, this may run in a synchronous call; see deye_bus_sender_flush_begin(). */
static void
senders_publish_asked (DeyeBusSenderQueue *queue, DeyeBusClient *client, DeyeBusSenderMessage *message)
{
  g_main_context_push_thread_default (client->context);
  deye_bus_client_publish_async (client, message->topic, message->payload, message->options, TRUE, NULL,
                                 senders_on_acknowledged, deye_bus_sender_queue_ref (queue));
  g_main_context_pop_thread_default (client->context);
}

/* Reduces the time to live by the time since the message was put. FALSE: it has expired. */
static gboolean
sender_message_spend_ttl (DeyeBusSenderMessage *message, GError **error)
{
  gint64 spent_us = message->since_us != 0 ? g_get_monotonic_time () - message->since_us : 0;

  if (message->since_us == 0)
    return TRUE;
  if (spent_us >= message->options->ttl_us)
    {
      g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_EXPIRED,
                           _ ("Not sent: its time to live expired while it waited in the sender"));
      return FALSE;
    }
  message->options->ttl_us -= spent_us;
  return TRUE;
}

static gboolean
sender_message_is_acknowledged (const DeyeBusSenderMessage *message)
{
  return deye_bus_options_is_at_least_once (message->options) || deye_bus_options_is_held (message->options);
}

/* Modes in which the messages of senders are passed to the session. */
typedef enum
{
  SENDERS_WITH_CREDIT,
  SENDERS_CLOSING,   /* messages without credit wait in the session */
  SENDERS_DISPOSING, /* the same, and no call may take a reference to the client */
} SendersMode;

/* Gives one message to the session. FALSE: it stays in its queue.
 *
 * The session would also take a message without credit, and let it wait in its own queue. Then each sender would be empty at
 * once, and the messages would wait where no limit of the sender applies: a thread that publishes faster than the receivers
 * read would never see a full queue, and would fill the session until it refuses the calls of the client itself. So a message
 * is only taken with credit. Since a queue is emptied in order, a message without credit also holds up the messages behind it,
 * of any class; other senders continue.
 *
 * When the client closes, messages are also given to the session without credit, because those that stay in the queue are lost.
 * A message with an acknowledgement is published by an asynchronous call, which has a reference to the client. That is not
 * possible in dispose, so such a message, and those behind it, stay in the queue and count as unsent. */
static gboolean
senders_send (DeyeBusSenders *self, DeyeBusSenderQueue *queue, DeyeBusSenderMessage *message, SendersMode mode)
{
  DeyeBusClient *client = self->client;
  DeyeBusCall call = { .kind = WIRE_KIND_PUBLISH,
                       .topic = message->topic,
                       .target = "",
                       .payload = message->payload,
                       .options = message->options };
  gboolean asks = sender_message_is_acknowledged (message);
  GError *error = NULL;

  if ((mode == SENDERS_WITH_CREDIT && !deye_bus_session_has_credit (client->session, &call))
      || (mode == SENDERS_DISPOSING && asks))
    return FALSE;
  if (sender_message_spend_ttl (message, &error) && asks)
    senders_publish_asked (queue, client, message);
  else if (error == NULL)
    (void) deye_bus_session_call (client->session, &call, NULL, &error);
  if (error != NULL)
    senders_refuse (self, queue, error);
  if (deye_bus_client_unwritten (client) >= DEYE_BUS_HELD_MAX)
    deye_bus_client_write (client);
  return TRUE;
}

/* --- one queue --- */

/* Appends the messages that were put since the last call to those that wait. The caller holds the lock. */
static void
sender_queue_take_incoming (DeyeBusSenderQueue *queue)
{
  if (queue->incoming.first == NULL)
    return;
  if (queue->outgoing.last != NULL)
    queue->outgoing.last->next = queue->incoming.first;
  else
    queue->outgoing.first = queue->incoming.first;
  queue->outgoing.last = queue->incoming.last;
  queue->incoming = (DeyeBusSenderList){ NULL, NULL };
}

static DeyeBusSenderMessage *
sender_queue_pop (DeyeBusSenderQueue *queue)
{
  DeyeBusSenderMessage *message = queue->outgoing.first;

  queue->outgoing.first = message->next;
  if (queue->outgoing.first == NULL)
    queue->outgoing.last = NULL;
  return message;
}

/* The flushes whose messages are all gone. The caller holds the lock. Of DeyeBusSenderFlush; NULL: there is none. */
static GSList *
sender_queue_take_flushes (DeyeBusSenderQueue *queue, guint64 n_gone)
{
  GSList *due = NULL;

  while (queue->flushes.length > 0 && deye_bus_sender_flush_until (queue->flushes.head->data) <= n_gone)
    due = g_slist_prepend (due, g_queue_pop_head (&queue->flushes));
  return g_slist_reverse (due);
}

/* @client: NULL: the flushes fail */
static void
senders_begin_flushes (GSList *due, DeyeBusClient *client)
{
  for (GSList *link = due; link != NULL; link = link->next)
    {
      deye_bus_sender_flush_begin (link->data, client);
      deye_bus_sender_flush_unref (link->data);
    }
  g_slist_free (due);
}

/* Notes that @n messages left the queue, and begins the flushes that have waited for them. TRUE: the queue is empty, and the
 * caller does not keep it in a list. */
static gboolean
senders_settle_queue (DeyeBusSenders *self, DeyeBusSenderQueue *queue, guint n, gsize bytes, SendersMode mode)
{
  gboolean empty;
  GSList *due;

  g_mutex_lock (&self->lock);
  queue->n -= n;
  queue->n_gone += n;
  queue->bytes -= bytes;
  due = sender_queue_take_flushes (queue, queue->n_gone);
  empty = queue->n == 0 && queue->flushes.length == 0;
  queue->listed = !empty;
  g_mutex_unlock (&self->lock);
  senders_begin_flushes (due, mode != SENDERS_DISPOSING ? self->client : NULL);
  return empty;
}

/* Sends messages of the queue as long as senders_send() takes them. The lock is only held to take the new messages, so a thread
 * that puts one does not wait for a write. TRUE: the queue is empty. */
static gboolean
senders_drain_queue (DeyeBusSenders *self, DeyeBusSenderQueue *queue, SendersMode mode)
{
  gsize bytes = 0;
  guint n = 0;

  g_mutex_lock (&self->lock);
  sender_queue_take_incoming (queue);
  g_mutex_unlock (&self->lock);
  while (queue->outgoing.first != NULL && senders_send (self, queue, queue->outgoing.first, mode))
    {
      DeyeBusSenderMessage *message = sender_queue_pop (queue);

      n++;
      bytes += message->cost;
      deye_bus_sender_message_free (message);
    }
  return senders_settle_queue (self, queue, n, bytes, mode);
}

/* --- all queues --- */

static gboolean
senders_are_idle (DeyeBusSenders *self)
{
  return self->stalled->len == 0 && !g_atomic_int_get (&self->awake);
}

/* Moves the queues that have new messages to those that are stalled, and clears the descriptor. That is also done while nothing
 * can be sent, because a readable descriptor would wake the client again and again. */
static void
senders_take_fresh (DeyeBusSenders *self)
{
  g_mutex_lock (&self->lock);
  if (self->awake)
    deye_bus_wake_clear (&self->wake);
  g_atomic_int_set (&self->awake, FALSE);
  for (guint i = 0; i < self->fresh->len; i++)
    g_ptr_array_add (self->stalled, deye_bus_sender_queue_ref (self->fresh->pdata[i]));
  g_ptr_array_set_size (self->fresh, 0);
  g_mutex_unlock (&self->lock);
}

static gboolean
senders_may_send (const DeyeBusSenders *self)
{
  return self->client->state == DEYE_BUS_CLIENT_STATE_READY
         && deye_bus_session_state (self->client->session) == DEYE_BUS_SESSION_READY;
}

static void
senders_drain_all (DeyeBusSenders *self, SendersMode mode)
{
  g_autoptr (GPtrArray) queues = self->stalled;

  self->stalled = g_ptr_array_new_with_free_func (senders_unref_queue);
  for (guint i = 0; i < queues->len; i++)
    if (!senders_drain_queue (self, queues->pdata[i], mode))
      g_ptr_array_add (self->stalled, deye_bus_sender_queue_ref (queues->pdata[i]));
}

void
deye_bus_senders_drain (DeyeBusSenders *self)
{
  if (deye_bus_senders_is_forked (self) || self->client == NULL || senders_are_idle (self))
    return;
  senders_take_fresh (self);
  if (self->stalled->len > 0 && senders_may_send (self))
    senders_drain_all (self, SENDERS_WITH_CREDIT);
}

guint64
deye_bus_senders_count (DeyeBusSenders *self)
{
  guint64 messages;

  if (deye_bus_senders_is_forked (self))
    return 0;
  g_mutex_lock (&self->lock);
  messages = self->left;
  for (guint i = 0; i < self->fresh->len; i++)
    messages += ((const DeyeBusSenderQueue *) self->fresh->pdata[i])->n;
  for (guint i = 0; i < self->stalled->len; i++)
    messages += ((const DeyeBusSenderQueue *) self->stalled->pdata[i])->n;
  g_mutex_unlock (&self->lock);
  return messages;
}

/* --- the end --- */

static void
sender_queue_drop_messages (DeyeBusSenderQueue *queue)
{
  while (queue->outgoing.first != NULL)
    deye_bus_sender_message_free (sender_queue_pop (queue));
}

/* Ends flushes that cannot succeed any more. */
static void
senders_fail_flushes (GSList *due, const GError *error)
{
  for (GSList *link = due; link != NULL; link = link->next)
    {
      deye_bus_sender_flush_end (link->data, g_error_copy (error));
      deye_bus_sender_flush_unref (link->data);
    }
  g_slist_free (due);
}

/* Drops the messages of the queue, fails its flushes, and returns the number of messages. */
static guint64
senders_empty_queue (DeyeBusSenders *self, DeyeBusSenderQueue *queue, const GError *error)
{
  guint64 messages;
  GSList *due;

  g_mutex_lock (&self->lock);
  sender_queue_take_incoming (queue);
  messages = queue->n;
  queue->n = 0;
  queue->bytes = 0;
  queue->n_gone = queue->n_put;
  queue->refused += messages;
  queue->listed = FALSE;
  due = sender_queue_take_flushes (queue, queue->n_gone);
  g_mutex_unlock (&self->lock);
  sender_queue_drop_messages (queue);
  senders_fail_flushes (due, error);
  return messages;
}

static guint64
senders_empty_all (DeyeBusSenders *self, const GError *error)
{
  g_autoptr (GPtrArray) queues = NULL;
  guint64 messages = 0;

  senders_take_fresh (self);
  queues = self->stalled;
  self->stalled = g_ptr_array_new_with_free_func (senders_unref_queue);
  for (guint i = 0; i < queues->len; i++)
    messages += senders_empty_queue (self, queues->pdata[i], error);
  return messages;
}

static void
senders_set_refusal (DeyeBusSenders *self, gint refusal)
{
  g_mutex_lock (&self->lock);
  self->refusal = refusal;
  g_mutex_unlock (&self->lock);
}

guint64
deye_bus_senders_give_up (DeyeBusSenders *self)
{
  g_autoptr (GError) error
      = deye_bus_error_new (DEYE_BUS_ERROR_NOT_CONNECTED, "%s", _ ("Not connected: connect first"));

  return !deye_bus_senders_is_forked (self) ? senders_empty_all (self, error) : 0;
}

void
deye_bus_senders_close (DeyeBusSenders *self, gboolean disposing)
{
  g_autoptr (GError) error = deye_bus_error_new (DEYE_BUS_ERROR_CLOSED, "%s", _ ("The client has been closed"));

  if (deye_bus_senders_is_forked (self) || self->client == NULL)
    return;
  senders_set_refusal (self, DEYE_BUS_ERROR_CLOSED);
  senders_take_fresh (self);
  if (senders_may_send (self))
    senders_drain_all (self, disposing ? SENDERS_DISPOSING : SENDERS_CLOSING);
  self->left += senders_empty_all (self, error);
}

void
deye_bus_senders_detach (DeyeBusSenders *self)
{
  self->client = NULL;
}

/* --- the client --- */

static void
senders_unref_queue (gpointer queue)
{
  deye_bus_sender_queue_unref (queue);
}

static gint
senders_refusal_of (DeyeBusClientState state)
{
  switch (state)
    {
    case DEYE_BUS_CLIENT_STATE_CLOSED:
      return DEYE_BUS_ERROR_CLOSED;
    case DEYE_BUS_CLIENT_STATE_DISCONNECTED:
      return DEYE_BUS_ERROR_NOT_CONNECTED;
    case DEYE_BUS_CLIENT_STATE_CONNECTING:
    case DEYE_BUS_CLIENT_STATE_CONNECTED:
    case DEYE_BUS_CLIENT_STATE_READY:
      break;
    }
  return 0;
}

void
deye_bus_senders_update (DeyeBusSenders *self)
{
  if (deye_bus_senders_is_forked (self) || self->client == NULL)
    return;
  g_mutex_lock (&self->lock);
  self->refusal = senders_refusal_of (self->client->state);
  self->largest_payload = deye_bus_client_get_largest_payload (self->client);
  g_mutex_unlock (&self->lock);
}

static DeyeBusSenders *
senders_new (DeyeBusClient *client, const DeyeBusWake *wake)
{
  DeyeBusSenders *self = g_new0 (DeyeBusSenders, 1);

  g_atomic_ref_count_init (&self->refs);
  self->forks = platform_fork_count ();
  self->context = g_main_context_ref (client->context);
  self->thread = g_thread_self ();
  self->client = client;
  self->stalled = g_ptr_array_new_with_free_func (senders_unref_queue);
  self->fresh = g_ptr_array_new_with_free_func (senders_unref_queue);
  g_mutex_init (&self->lock);
  self->wake = *wake;
  self->poll = (GPollFD){ .fd = wake->reader, .events = G_IO_IN };
  return self;
}

DeyeBusSenders *
deye_bus_client_get_senders (DeyeBusClient *client, GError **error)
{
  DeyeBusWake wake;

  if (client->senders != NULL)
    return client->senders;
  if (!deye_bus_wake_open (&wake))
    {
      g_set_error_literal (
          error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_LIMIT,
          _ ("The process has no file descriptor left: close some, or raise the limit of the process"));
      return NULL;
    }
  client->senders = senders_new (client, &wake);
  deye_bus_senders_update (client->senders);
  if (client->source != NULL)
    deye_bus_senders_poll (client->senders, client->source);
  return client->senders;
}

void
deye_bus_senders_poll (DeyeBusSenders *self, GSource *source)
{
  if (self->polled || g_source_is_destroyed (source))
    return;
  self->poll.revents = 0;
  g_source_add_poll (source, &self->poll);
  self->polled = TRUE;
}

void
deye_bus_senders_unpoll (DeyeBusSenders *self, GSource *source)
{
  if (self->polled && !g_source_is_destroyed (source))
    g_source_remove_poll (source, &self->poll);
  self->polled = FALSE;
}

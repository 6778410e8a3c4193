/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-senders.h"

#include "deye-bus-error-private.h"
#include "platform-process.h"

#include <glib/gi18n-lib.h>

/* The part of the senders that any thread may call: putting messages into the queues, and waking the client's thread. */

/* --- messages --- */

void
deye_bus_sender_message_free (DeyeBusSenderMessage *message)
{
  g_clear_pointer (&message->payload, g_bytes_unref);
  g_clear_pointer (&message->options, deye_bus_options_free);
  g_free (message);
}

static void
sender_list_clear (DeyeBusSenderList *list)
{
  DeyeBusSenderMessage *message = list->first;

  *list = (DeyeBusSenderList){ NULL, NULL };
  while (message != NULL)
    {
      DeyeBusSenderMessage *next = message->next;

      deye_bus_sender_message_free (message);
      message = next;
    }
}

/* --- lifetime --- */

DeyeBusSenders *
deye_bus_senders_ref (DeyeBusSenders *self)
{
  g_atomic_ref_count_inc (&self->refs);
  return self;
}

void
deye_bus_senders_unref (DeyeBusSenders *self)
{
  if (!g_atomic_ref_count_dec (&self->refs))
    return;
  g_ptr_array_unref (self->stalled);
  g_ptr_array_unref (self->fresh);
  deye_bus_wake_close (&self->wake);
  g_mutex_clear (&self->lock);
  g_main_context_unref (self->context);
  g_free (self);
}

gboolean
deye_bus_senders_is_forked (const DeyeBusSenders *self)
{
  return self->forks != platform_fork_count ();
}

DeyeBusSenderQueue *
deye_bus_sender_queue_new (DeyeBusSenders *senders, guint max_messages, gsize max_bytes)
{
  DeyeBusSenderQueue *queue = g_new0 (DeyeBusSenderQueue, 1);

  g_atomic_ref_count_init (&queue->refs);
  queue->senders = deye_bus_senders_ref (senders);
  queue->max_messages = max_messages;
  queue->max_bytes = max_bytes;
  return queue;
}

DeyeBusSenderQueue *
deye_bus_sender_queue_ref (DeyeBusSenderQueue *queue)
{
  g_atomic_ref_count_inc (&queue->refs);
  return queue;
}

/* The queue has no messages that have to be sent: a queue with messages is in a list, which has a reference to it. */
void
deye_bus_sender_queue_unref (DeyeBusSenderQueue *queue)
{
  if (!g_atomic_ref_count_dec (&queue->refs))
    return;
  sender_list_clear (&queue->outgoing);
  sender_list_clear (&queue->incoming);
  deye_bus_senders_unref (queue->senders);
  g_free (queue);
}

/* --- messages in --- */

/* Adds the queue to the list of those that drain() has to check, and wakes the client's thread. The caller holds the lock. */
static void
sender_queue_announce (DeyeBusSenderQueue *queue)
{
  DeyeBusSenders *senders = queue->senders;

  if (!queue->listed)
    {
      queue->listed = TRUE;
      g_ptr_array_add (senders->fresh, deye_bus_sender_queue_ref (queue));
    }
  if (senders->awake)
    return;
  g_atomic_int_set (&senders->awake, TRUE);
  deye_bus_wake_set (&senders->wake);
}

/* The error of put() and of a flush. NULL: the client takes messages. */
static GError *
senders_refusal (const DeyeBusSenders *senders)
{
  if (senders->refusal == DEYE_BUS_ERROR_CLOSED)
    return deye_bus_error_new (DEYE_BUS_ERROR_CLOSED, "%s", _ ("The client has been closed"));
  if (senders->refusal != 0)
    return deye_bus_error_new (DEYE_BUS_ERROR_NOT_CONNECTED, "%s", _ ("Not connected: connect first"));
  return NULL;
}

static GError *
sender_queue_refusal (const DeyeBusSenderQueue *queue)
{
  if (queue->closed)
    return deye_bus_error_new (DEYE_BUS_ERROR_CLOSED, "%s", _ ("The sender has been closed"));
  return senders_refusal (queue->senders);
}

/* The error for @message. NULL: there is room for it. The caller holds the lock. */
static GError *
sender_queue_check (const DeyeBusSenderQueue *queue, const DeyeBusSenderMessage *message)
{
  GError *error = sender_queue_refusal (queue);
  gsize payload = message->payload != NULL ? g_bytes_get_size (message->payload) : 0;

  if (error != NULL)
    return error;
  if (queue->senders->largest_payload > 0 && payload > queue->senders->largest_payload)
    return deye_bus_error_new_limit (_ ("The payload is too large for this broker: split it"),
                                     queue->senders->largest_payload, payload, "max_payload");
  if (message->cost > queue->max_bytes)
    return deye_bus_error_new_limit (
        _ ("The message is larger than the limit of the sender: create the sender with a limit of more bytes"),
        queue->max_bytes, message->cost, "none");
  if (queue->n < queue->max_messages && queue->bytes + message->cost <= queue->max_bytes)
    return NULL;
  return deye_bus_error_new (DEYE_BUS_ERROR_WOULD_BLOCK,
                             _ ("The sender is full (%u messages): publish it again later, or flush the sender first"),
                             queue->n);
}

static void
sender_queue_append (DeyeBusSenderQueue *queue, DeyeBusSenderMessage *message)
{
  message->next = NULL;
  if (queue->incoming.last != NULL)
    queue->incoming.last->next = message;
  else
    queue->incoming.first = message;
  queue->incoming.last = message;
  queue->n++;
  queue->n_put++;
  queue->bytes += message->cost;
}

gboolean
deye_bus_sender_queue_put (DeyeBusSenderQueue *queue, DeyeBusSenderMessage *message, GError **error)
{
  GError *refusal;

  g_mutex_lock (&queue->senders->lock);
  refusal = sender_queue_check (queue, message);
  if (refusal == NULL)
    {
      sender_queue_append (queue, message);
      sender_queue_announce (queue);
    }
  g_mutex_unlock (&queue->senders->lock);
  if (refusal == NULL)
    return TRUE;
  g_propagate_error (error, refusal);
  return FALSE;
}

/* --- flushes in --- */

/* A closed queue may still have messages to flush, so only the state of the client is checked. */
void
deye_bus_sender_queue_add_flush (DeyeBusSenderQueue *queue, DeyeBusSenderFlush *flush)
{
  GError *refusal;

  g_mutex_lock (&queue->senders->lock);
  refusal = senders_refusal (queue->senders);
  if (refusal == NULL)
    {
      deye_bus_sender_flush_set_until (flush, queue->n_put);
      g_queue_push_tail (&queue->flushes, flush);
      sender_queue_announce (queue);
    }
  g_mutex_unlock (&queue->senders->lock);
  if (refusal == NULL)
    return;
  deye_bus_sender_flush_end (flush, refusal);
  deye_bus_sender_flush_unref (flush);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-send-queue.h"

#include "deye-bus-error.h"

#include <glib/gi18n-lib.h>

void
deye_bus_send_queue_init (DeyeBusSendQueue *queue)
{
  *queue = (DeyeBusSendQueue){ 0 };
}

static gsize
waiting_cost (const DeyeBusWaiting *waiting)
{
  return waiting->head_len + (waiting->payload != NULL ? g_bytes_get_size (waiting->payload) : 0);
}

void
deye_bus_waiting_free (DeyeBusWaiting *waiting)
{
  g_clear_pointer (&waiting->pending, deye_bus_pending_unref);
  g_clear_pointer (&waiting->payload, g_bytes_unref);
  g_clear_pointer (&waiting->retained, deye_bus_retained_value_free);
  g_free (waiting);
}

/* @waiting is no longer in the queue of its class. */
static void
send_queue_forget (DeyeBusSendQueue *queue, DeyeBusWaiting *waiting)
{
  queue->waiting_bytes[waiting->credit_class] -= waiting_cost (waiting);
  if (waiting->pending != NULL)
    waiting->pending->waits = NULL;
}

void
deye_bus_send_queue_clear (DeyeBusSendQueue *queue)
{
  DeyeBusWaiting *waiting;

  for (guint i = 0; i < WIRE_N_CLASSES; i++)
    while ((waiting = g_queue_pop_head (&queue->waiting[i])) != NULL)
      {
        send_queue_forget (queue, waiting);
        deye_bus_waiting_free (waiting);
      }
}

void
deye_bus_send_queue_shut (DeyeBusSendQueue *queue)
{
  memset (queue->windows, 0, sizeof queue->windows);
}

gboolean
deye_bus_send_queue_is_open (const DeyeBusSendQueue *queue, WireClass credit_class)
{
  return credit_class == WIRE_CLASS_NONE || deye_bus_window_is_open (&queue->windows[credit_class]);
}

gboolean
deye_bus_send_queue_has_spare (const DeyeBusSendQueue *queue, WireClass credit_class)
{
  return deye_bus_send_queue_may_start (queue, credit_class)
         && (credit_class == WIRE_CLASS_NONE || deye_bus_window_is_half_open (&queue->windows[credit_class]));
}

void
deye_bus_send_queue_use (DeyeBusSendQueue *queue, WireClass credit_class, gsize bytes)
{
  if (credit_class != WIRE_CLASS_NONE)
    deye_bus_window_use (&queue->windows[credit_class], bytes);
}

static DeyeBusWaiting *
waiting_new (const DeyeBusEncodedCall *encoded, DeyeBusPending *pending, guint64 number)
{
  DeyeBusWaiting *waiting = g_malloc (sizeof *waiting + encoded->head_len);

  waiting->pending = pending != NULL ? deye_bus_pending_ref (pending) : NULL;
  waiting->payload = encoded->payload != NULL ? g_bytes_ref (encoded->payload) : NULL;
  waiting->number = number;
  waiting->after = (DeyeBusAfter){ 0 };
  waiting->retained = NULL;
  waiting->credit_class = encoded->credit_class;
  waiting->kind = encoded->kind;
  waiting->own_id = encoded->own ? encoded->envelope.id : 0;
  waiting->head_len = encoded->head_len;
  deye_bus_encoded_call_write_head (encoded, waiting->head);
  return waiting;
}

gboolean
deye_bus_send_queue_push (DeyeBusSendQueue *queue,
                          const DeyeBusEncodedCall *encoded,
                          DeyeBusPending *pending,
                          const DeyeBusAfter *after,
                          DeyeBusRetainedValue *retained,
                          GError **error)
{
  DeyeBusWaiting *waiting;
  GQueue *waiting_of_class = &queue->waiting[encoded->credit_class];
  gsize *waiting_bytes = &queue->waiting_bytes[encoded->credit_class];

  if (waiting_of_class->length >= DEYE_BUS_WAITING_MAX_CALLS || *waiting_bytes >= DEYE_BUS_WAITING_MAX_BYTES)
    {
      g_set_error_literal (error, DEYE_BUS_ERROR, DEYE_BUS_ERROR_WOULD_BLOCK,
                           _ ("Too many calls are waiting for credit: wait until some have completed"));
      return FALSE;
    }
  waiting = waiting_new (encoded, pending, ++queue->last_number);
  waiting->retained = retained;
  g_queue_push_tail (waiting_of_class, waiting);
  if (after != NULL)
    waiting->after = *after;
  if (pending != NULL)
    pending->waits = waiting_of_class->tail;
  *waiting_bytes += waiting_cost (waiting);
  return TRUE;
}

/* The call that @after names has certainly started if no call with the same or a smaller number waits in its class. The named
 * call may also have overtaken an older call of its class, which waits for a call of another class. Then this function returns
 * TRUE until the older call has started too. That cannot cause a deadlock, because a call only waits for older calls. */
gboolean
deye_bus_send_queue_waits (const DeyeBusSendQueue *queue, const DeyeBusAfter *after)
{
  const DeyeBusWaiting *oldest
      = queue->waiting[after->credit_class].length > 0 ? queue->waiting[after->credit_class].head->data : NULL;

  return after->number > 0 && oldest != NULL && oldest->number <= after->number;
}

static GList *
send_queue_first_that_may_start (const DeyeBusSendQueue *queue, WireClass credit_class)
{
  GList *link = queue->waiting[credit_class].head;

  while (link != NULL && deye_bus_send_queue_waits (queue, &((DeyeBusWaiting *) link->data)->after))
    link = link->next;
  return link;
}

DeyeBusWaiting *
deye_bus_send_queue_pop (DeyeBusSendQueue *queue, WireClass credit_class)
{
  GList *link;
  DeyeBusWaiting *waiting;

  if (queue->waiting[credit_class].length == 0 || !deye_bus_window_is_open (&queue->windows[credit_class]))
    return NULL;
  link = send_queue_first_that_may_start (queue, credit_class);
  if (link == NULL)
    return NULL;
  waiting = link->data;
  g_queue_delete_link (&queue->waiting[credit_class], link);
  send_queue_forget (queue, waiting);
  deye_bus_window_use (&queue->windows[credit_class], waiting_cost (waiting));
  return waiting;
}

DeyeBusWaiting *
deye_bus_send_queue_take (DeyeBusSendQueue *queue)
{
  DeyeBusWaiting *oldest = NULL;

  for (guint i = 0; i < WIRE_N_CLASSES; i++)
    {
      DeyeBusWaiting *first = g_queue_peek_head (&queue->waiting[i]);

      if (first != NULL && (oldest == NULL || first->number < oldest->number))
        oldest = first;
    }
  if (oldest == NULL)
    return NULL;
  g_queue_pop_head (&queue->waiting[oldest->credit_class]);
  send_queue_forget (queue, oldest);
  return oldest;
}

void
deye_bus_send_queue_drop (DeyeBusSendQueue *queue, DeyeBusPending *pending)
{
  GList *link = pending->waits;
  DeyeBusWaiting *waiting;

  if (link == NULL)
    return;
  waiting = link->data;
  g_queue_delete_link (&queue->waiting[waiting->credit_class], link);
  send_queue_forget (queue, waiting);
  deye_bus_waiting_free (waiting);
}

gboolean
deye_bus_send_queue_is_past (const DeyeBusSendQueue *queue, guint64 number)
{
  for (guint i = 0; i < WIRE_N_CLASSES; i++)
    {
      const DeyeBusWaiting *oldest = queue->waiting[i].length > 0 ? queue->waiting[i].head->data : NULL;

      if (oldest != NULL && oldest->number <= number)
        return FALSE;
    }
  return TRUE;
}

DeyeBusOutCount
deye_bus_send_queue_count_messages (const DeyeBusSendQueue *queue)
{
  DeyeBusOutCount count = { 0, 0 };

  for (guint i = 0; i < WIRE_N_CLASSES; i++)
    for (const GList *link = queue->waiting[i].head; link != NULL; link = link->next)
      {
        const DeyeBusWaiting *waiting = link->data;

        count.messages += waiting->own_id == 0 ? 1 : 0;
        count.unwatched += waiting->own_id == 0 && waiting->pending == NULL ? 1 : 0;
      }
  return count;
}

guint
deye_bus_send_queue_count (const DeyeBusSendQueue *queue)
{
  guint n = 0;

  for (guint i = 0; i < WIRE_N_CLASSES; i++)
    n += queue->waiting[i].length;
  return n;
}

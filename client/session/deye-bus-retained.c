/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-retained.h"

#include "wire-frame.h"

/* --- a value --- */

/* The value keeps the topic, payload and retention of the user's call, but not its flags, deadline, number or confirmation: it is
 * published again for all subscribers of the topic, by a call of the library that waits for an acknowledgement. */
DeyeBusRetainedValue *
deye_bus_retained_value_new (const DeyeBusEncodedCall *encoded, gint64 now_us)
{
  DeyeBusRetainedValue *value = g_new0 (DeyeBusRetainedValue, 1);
  DeyeBusEncodedCall again = *encoded;

  again.flags = WIRE_FLAG_RETAIN | WIRE_FLAG_WANT_ACK;
  again.envelope.deadline_us = 0;
  again.envelope.message_id = 0;
  again.envelope.want_hops = 0;
  again.envelope.delivery &= ~(WIRE_DELIVERY_AT_LEAST_ONCE | WIRE_DELIVERY_HOLD);
  value->message = deye_bus_kept_frame_new (&again, now_us);
  value->until_gone = (again.envelope.delivery & WIRE_DELIVERY_RETAIN_CONNECTED) != 0;
  value->id = encoded->envelope.id;
  value->link.data = value;
  return value;
}

void
deye_bus_retained_value_free (DeyeBusRetainedValue *value)
{
  deye_bus_kept_frame_free (value->message);
  g_free (value);
}

static gboolean
retained_is_empty (const DeyeBusRetainedValue *value)
{
  return value->message->payload == NULL;
}

/* --- the store --- */

static void
retained_remove (DeyeBusRetainedStore *store, DeyeBusRetainedValue *value)
{
  g_queue_unlink (&store->in_order, &value->link);
  store->bytes -= deye_bus_kept_frame_bytes (value->message);
  g_hash_table_remove (store->by_topic, value->message->topic);
}

static void
retained_forget_topic (DeyeBusRetainedStore *store, const char *topic)
{
  DeyeBusRetainedValue *value = store->by_topic != NULL ? g_hash_table_lookup (store->by_topic, topic) : NULL;

  if (value != NULL)
    retained_remove (store, value);
}

static void
retained_forget_oldest (DeyeBusRetainedStore *store)
{
  while (store->in_order.length > DEYE_BUS_RETAINED_MAX_VALUES || store->bytes > DEYE_BUS_RETAINED_MAX_BYTES)
    {
      retained_remove (store, store->in_order.head->data);
      store->forgotten++;
    }
}

void
deye_bus_retained_put (DeyeBusRetainedStore *store, DeyeBusRetainedValue *value)
{
  retained_forget_topic (store, value->message->topic);
  if (retained_is_empty (value))
    {
      deye_bus_retained_value_free (value);
      return;
    }
  if (store->by_topic == NULL)
    store->by_topic
        = g_hash_table_new_full (g_str_hash, g_str_equal, NULL, (GDestroyNotify) deye_bus_retained_value_free);
  g_hash_table_insert (store->by_topic, (gpointer) value->message->topic, value);
  g_queue_push_tail_link (&store->in_order, &value->link);
  store->bytes += deye_bus_kept_frame_bytes (value->message);
  retained_forget_oldest (store);
}

void
deye_bus_retained_refuse (DeyeBusRetainedStore *store, guint64 id)
{
  for (GList *link = store->in_order.tail; link != NULL; link = link->prev)
    if (((DeyeBusRetainedValue *) link->data)->id == id)
      {
        retained_remove (store, link->data);
        return;
      }
}

void
deye_bus_retained_age (DeyeBusRetainedStore *store, gint64 now_us)
{
  GList *next;

  for (GList *link = store->in_order.head; link != NULL; link = next)
    {
      DeyeBusRetainedValue *value = link->data;

      next = link->next;
      if (deye_bus_kept_frame_has_expired (value->message, now_us))
        retained_remove (store, value);
    }
}

void
deye_bus_retained_clear (DeyeBusRetainedStore *store)
{
  g_clear_pointer (&store->by_topic, g_hash_table_unref);
  *store = (DeyeBusRetainedStore){ 0 };
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-retain-store.h"

void
bus_retain_store_init (BusRetainStore *store)
{
  store->by_topic = g_hash_table_new (bus_key_hash, bus_key_equal);
  bus_retain_order_init (&store->order);
}

void
bus_retain_store_clear (BusRetainStore *store)
{
  g_assert (store->bytes == 0 && g_hash_table_size (store->by_topic) == 0);
  g_hash_table_unref (store->by_topic);
  bus_retain_order_clear (&store->order);
}

void
bus_retain_store_add (BusRetainStore *store, BusRetained *value)
{
  g_hash_table_insert (store->by_topic, &value->key, value);
  bus_retain_order_add (&store->order,
                        (BusRetainPlace){ value->message->accept_seq, value, value->message, value->is_public });
  store->bytes += value->size;
}

void
bus_retain_store_remove (BusRetainStore *store, BusRetained *value)
{
  g_hash_table_remove (store->by_topic, &value->key);
  bus_retain_order_remove (&store->order, value->message->accept_seq);
  store->bytes -= value->size;
}

BusRetained *
bus_retain_store_find (const BusRetainStore *store, guint64 seed, WireSpan topic)
{
  BusKey key = bus_key (seed, topic);

  return g_hash_table_lookup (store->by_topic, &key);
}

BusRetained *
bus_retain_store_next (const BusRetainStore *store, guint64 accept_seq)
{
  const BusRetainOrder *order = &store->order;
  guint at = bus_retain_order_after (order, accept_seq);

  while (at < order->end && order->places[at].value == NULL)
    at++;
  return at < order->end ? order->places[at].value : NULL;
}

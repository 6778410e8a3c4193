/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-retain-store.h"

static int
retain_store_compare (gconstpointer a, gconstpointer b, G_GNUC_UNUSED gpointer data)
{
  const guint64 *first = a;
  const guint64 *second = b;

  return (*first > *second) - (*first < *second);
}

void
bus_retain_store_init (BusRetainStore *store)
{
  store->by_topic = g_hash_table_new (bus_key_hash, bus_key_equal);
  store->by_order = g_tree_new_full (retain_store_compare, NULL, NULL, NULL);
}

void
bus_retain_store_clear (BusRetainStore *store)
{
  g_assert (store->bytes == 0 && g_hash_table_size (store->by_topic) == 0);
  g_hash_table_unref (store->by_topic);
  g_tree_unref (store->by_order);
}

/* Links the value at its place in the list; usually it is the newest one. */
static void
retain_store_link (BusRetainStore *store, BusRetained *value)
{
  const guint64 seq = value->message->accept_seq;

  value->newer
      = store->newest != NULL && store->newest->message->accept_seq > seq ? bus_retain_store_next (store, seq) : NULL;
  value->older = value->newer != NULL ? value->newer->older : store->newest;
  if (value->older != NULL)
    value->older->newer = value;
  if (value->newer != NULL)
    value->newer->older = value;
  else
    store->newest = value;
}

static void
retain_store_unlink (BusRetainStore *store, BusRetained *value)
{
  if (value->older != NULL)
    value->older->newer = value->newer;
  if (value->newer != NULL)
    value->newer->older = value->older;
  else
    store->newest = value->older;
  value->older = NULL;
  value->newer = NULL;
  store->removals++;
}

void
bus_retain_store_add (BusRetainStore *store, BusRetained *value)
{
  retain_store_link (store, value);
  g_hash_table_insert (store->by_topic, &value->key, value);
  g_tree_insert (store->by_order, &value->message->accept_seq, value);
  store->bytes += value->size;
}

void
bus_retain_store_remove (BusRetainStore *store, BusRetained *value)
{
  g_hash_table_remove (store->by_topic, &value->key);
  g_tree_remove (store->by_order, &value->message->accept_seq);
  retain_store_unlink (store, value);
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
  GTreeNode *node = g_tree_upper_bound (store->by_order, &accept_seq);

  return node != NULL ? g_tree_node_value (node) : NULL;
}

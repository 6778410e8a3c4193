/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-settled.h"

static guint
settled_hash (gconstpointer id)
{
  return (guint) ((const BusSettledId *) id)->hash;
}

static gboolean
settled_equal (gconstpointer a, gconstpointer b)
{
  const BusSettledId *first = a;
  const BusSettledId *second = b;

  return first->hash == second->hash && first->check == second->check;
}

/* The second hash has another seed, so keys that agree in the first hash very probably differ in the second one. */
static BusSettledId
settled_id (const BusKey *key)
{
  return (BusSettledId){ .hash = key->hash, .check = bus_hash (~key->hash, key->text) };
}

void
bus_settled_init (BusSettled *settled, guint max)
{
  settled->by_hash = g_hash_table_new (settled_hash, settled_equal);
  g_queue_init (&settled->ids);
  settled->max = max;
}

static void
settled_forget (BusSettled *settled, BusSettledId *id)
{
  g_hash_table_remove (settled->by_hash, id);
  g_queue_unlink (&settled->ids, &id->link);
  g_free (id);
}

void
bus_settled_clear (BusSettled *settled)
{
  while (settled->ids.head != NULL)
    settled_forget (settled, settled->ids.head->data);
  g_clear_pointer (&settled->by_hash, g_hash_table_unref);
}

void
bus_settled_add (BusSettled *settled, const BusKey *key, BusTaskState state)
{
  const BusSettledId wanted = settled_id (key);
  BusSettledId *id = g_hash_table_lookup (settled->by_hash, &wanted);

  if (id != NULL)
    settled_forget (settled, id);
  if (settled->ids.length >= settled->max)
    settled_forget (settled, settled->ids.head->data);
  id = g_memdup2 (&wanted, sizeof wanted);
  id->state = state;
  id->link.data = id;
  g_hash_table_add (settled->by_hash, id);
  g_queue_push_tail_link (&settled->ids, &id->link);
}

const BusSettledId *
bus_settled_find (const BusSettled *settled, const BusKey *key)
{
  const BusSettledId wanted = settled_id (key);

  return g_hash_table_lookup (settled->by_hash, &wanted);
}

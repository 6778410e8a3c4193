/* SPDX-License-Identifier: Apache-2.0 */
#include "index/bus-index.h"

#include "base/bus-key.h"
#include "index/bus-trie.h"

/* An item at its pattern: in the queue of its place, and in the set of all that are filed. */
typedef struct
{
  GList link;
  BusPlace *place;
  gpointer item;
  guint64 serial; /* order of adding */
} IndexFiled;

/* The place of a topic without wildcards, which needs no walk. */
typedef struct
{
  BusKey key; /* its bytes are behind the struct */
  BusPlace place;
} IndexExact;

struct BusIndex
{
  guint64 seed;
  guint64 last_serial;
  GHashTable *exact; /* BusKey -> IndexExact, none with an empty place */
  BusTrie *trie;
  GHashTable *filed; /* set of IndexFiled by place and item, so that taking one out of a long queue needs no search */
};

static guint
index_filed_hash (gconstpointer key)
{
  const IndexFiled *filed = key;

  return (guint) bus_hash_mix (GPOINTER_TO_SIZE (filed->item) ^ bus_hash_mix (GPOINTER_TO_SIZE (filed->place)));
}

static gboolean
index_filed_equal (gconstpointer a, gconstpointer b)
{
  const IndexFiled *first = a;
  const IndexFiled *second = b;

  return first->place == second->place && first->item == second->item;
}

BusIndex *
bus_index_new (guint64 seed)
{
  BusIndex *index = g_new0 (BusIndex, 1);

  index->seed = seed;
  index->exact = g_hash_table_new_full (bus_key_hash, bus_key_equal, NULL, g_free);
  index->trie = bus_trie_new (seed);
  index->filed = g_hash_table_new_full (index_filed_hash, index_filed_equal, g_free, NULL);
  return index;
}

void
bus_index_free (BusIndex *index)
{
  if (index == NULL)
    return;
  g_assert (g_hash_table_size (index->filed) == 0);
  g_assert (g_hash_table_size (index->exact) == 0);
  g_hash_table_unref (index->exact);
  bus_trie_free (index->trie);
  g_hash_table_unref (index->filed);
  g_free (index);
}

static gboolean
index_has_wildcard (WireSpan pattern)
{
  for (gsize i = 0; i < pattern.len; i++)
    if (pattern.data[i] == '+' || pattern.data[i] == '#')
      return TRUE;
  return FALSE;
}

static IndexExact *
index_exact_find (const BusIndex *index, WireSpan topic)
{
  BusKey key = bus_key (index->seed, topic);

  return g_hash_table_lookup (index->exact, &key);
}

static IndexExact *
index_exact_new (BusIndex *index, WireSpan topic)
{
  IndexExact *exact = g_malloc0 (sizeof (IndexExact) + topic.len); /* a valid topic, so short */
  guint8 *copy = (guint8 *) (exact + 1);

  memcpy (copy, topic.data, topic.len);
  exact->key = bus_key (index->seed, wire_span (copy, topic.len));
  g_queue_init (&exact->place.filed);
  g_hash_table_insert (index->exact, &exact->key, exact);
  return exact;
}

static BusPlace *
index_place_reach (BusIndex *index, WireSpan pattern)
{
  IndexExact *exact;

  if (index_has_wildcard (pattern))
    return bus_trie_reach (index->trie, pattern);
  exact = index_exact_find (index, pattern);
  return exact != NULL ? &exact->place : &index_exact_new (index, pattern)->place;
}

static BusPlace *
index_place_find (BusIndex *index, WireSpan pattern)
{
  IndexExact *exact;

  if (index_has_wildcard (pattern))
    return bus_trie_find (index->trie, pattern);
  exact = index_exact_find (index, pattern);
  return exact != NULL ? &exact->place : NULL;
}

static void
index_place_prune (BusIndex *index, BusPlace *place, WireSpan pattern)
{
  BusKey key;

  if (!g_queue_is_empty (&place->filed))
    return;
  if (place->node != NULL)
    {
      bus_trie_prune (index->trie, place);
      return;
    }
  key = bus_key (index->seed, pattern);
  g_hash_table_remove (index->exact, &key);
}

void
bus_index_add (BusIndex *index, WireSpan pattern, gpointer item)
{
  IndexFiled *filed = g_new0 (IndexFiled, 1);
  gboolean is_new;

  filed->link.data = filed;
  filed->place = index_place_reach (index, pattern);
  filed->item = item;
  filed->serial = ++index->last_serial;
  g_queue_push_tail_link (&filed->place->filed, &filed->link);
  is_new = g_hash_table_add (index->filed, filed);
  g_assert (is_new);
}

gboolean
bus_index_remove (BusIndex *index, WireSpan pattern, gpointer item)
{
  IndexFiled wanted = { .place = index_place_find (index, pattern), .item = item };
  IndexFiled *filed = wanted.place != NULL ? g_hash_table_lookup (index->filed, &wanted) : NULL;

  if (filed == NULL)
    return FALSE;
  g_queue_unlink (&wanted.place->filed, &filed->link);
  g_hash_table_remove (index->filed, filed);
  index_place_prune (index, wanted.place, pattern);
  return TRUE;
}

static void
index_append_filed (GPtrArray *items, const BusPlace *place)
{
  for (const GList *l = place->filed.head; l != NULL; l = l->next)
    g_ptr_array_add (items, l->data);
}

static gint
index_by_serial (gconstpointer a, gconstpointer b, G_GNUC_UNUSED gpointer data)
{
  const IndexFiled *const *first = a;
  const IndexFiled *const *second = b;

  return (*first)->serial < (*second)->serial ? -1 : 1;
}

void
bus_index_match (const BusIndex *index, WireSpan topic, GPtrArray *items)
{
  const IndexExact *exact = index_exact_find (index, topic);
  const guint start = items->len;
  guint n_places = 0;
  BusTrieWalk walk;
  BusPlace *place;

  if (exact != NULL)
    {
      index_append_filed (items, &exact->place);
      n_places++;
    }
  bus_trie_walk_init (&walk, index->trie, topic);
  while ((place = bus_trie_walk_next (&walk)) != NULL)
    {
      index_append_filed (items, place);
      n_places++;
    }

  /* Each place is in order by itself. */
  if (n_places > 1)
    g_qsort_with_data (items->pdata + start, (gint) (items->len - start), sizeof (gpointer), index_by_serial, NULL);
  for (guint i = start; i < items->len; i++)
    items->pdata[i] = ((const IndexFiled *) items->pdata[i])->item;
}

guint
bus_index_size (const BusIndex *index)
{
  return g_hash_table_size (index->filed);
}

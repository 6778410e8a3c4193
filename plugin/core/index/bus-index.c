/* SPDX-License-Identifier: Apache-2.0 */
#include "index/bus-index.h"

#include "base/bus-key.h"
#include "base/bus-table.h"
#include "index/bus-trie.h"

/* The items of one owner at one place. */
struct BusIndexEntry
{
  GList link; /* in the queue of its place */
  BusPlace *place;
  gconstpointer owner;
  GQueue filed; /* items, by the link of BusFiled, oldest first; never empty */
};

/* The place of a topic without wildcards, which needs no walk. */
typedef struct
{
  BusKey key; /* its bytes are stored behind the struct */
  BusPlace place;
} IndexExact;

struct BusIndex
{
  guint64 seed;
  guint64 changes; /* also the serial of the item that was added last */
  guint n_items;
  BusTable exact; /* IndexExact by the hash of its topic; none of them has an empty place */
  BusTrie *trie;
  GHashTable *entries; /* set of BusIndexEntry by place and owner */
};

static guint
index_entry_hash (gconstpointer key)
{
  const BusIndexEntry *entry = key;

  return (guint) bus_hash_mix (GPOINTER_TO_SIZE (entry->owner) ^ bus_hash_mix (GPOINTER_TO_SIZE (entry->place)));
}

static gboolean
index_entry_equal (gconstpointer a, gconstpointer b)
{
  const BusIndexEntry *first = a;
  const BusIndexEntry *second = b;

  return first->place == second->place && first->owner == second->owner;
}

BusIndex *
bus_index_new (guint64 seed)
{
  BusIndex *index = g_new0 (BusIndex, 1);

  index->seed = seed;
  bus_table_init (&index->exact);
  index->trie = bus_trie_new (seed);
  index->entries = g_hash_table_new_full (index_entry_hash, index_entry_equal, g_free, NULL);
  return index;
}

void
bus_index_free (BusIndex *index)
{
  if (index == NULL)
    return;
  g_assert (index->n_items == 0 && g_hash_table_size (index->entries) == 0);
  g_assert (bus_table_size (&index->exact) == 0);
  bus_table_clear (&index->exact);
  bus_trie_free (index->trie);
  g_hash_table_unref (index->entries);
  g_free (index);
}

/* --- places --- */

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
  const guint64 hash = bus_hash (index->seed, topic);
  IndexExact *exact;
  guint at;

  exact = bus_table_first (&index->exact, hash, &at);
  while (exact != NULL && !wire_span_equal (exact->key.text, topic))
    exact = bus_table_next (&index->exact, hash, &at);
  return exact;
}

static IndexExact *
index_exact_new (BusIndex *index, WireSpan topic)
{
  IndexExact *exact = g_malloc0 (sizeof (IndexExact) + topic.len); /* a valid topic, so short */
  guint8 *copy = (guint8 *) (exact + 1);

  memcpy (copy, topic.data, topic.len);
  exact->key = bus_key (index->seed, wire_span (copy, topic.len));
  g_queue_init (&exact->place.filed);
  bus_table_add (&index->exact, exact->key.hash, exact);
  return exact;
}

static void
index_exact_free (BusIndex *index, IndexExact *exact)
{
  bus_table_remove (&index->exact, exact->key.hash, exact);
  g_free (exact);
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

static void
index_place_prune (BusIndex *index, BusPlace *place)
{
  if (!g_queue_is_empty (&place->filed))
    return;
  if (place->node != NULL)
    bus_trie_prune (index->trie, place);
  else
    index_exact_free (index, (IndexExact *) (gpointer) ((guint8 *) place - G_STRUCT_OFFSET (IndexExact, place)));
}

/* --- items --- */

static BusIndexEntry *
index_entry_reach (BusIndex *index, BusPlace *place, gconstpointer owner)
{
  BusIndexEntry wanted = { .place = place, .owner = owner };
  BusIndexEntry *entry = g_hash_table_lookup (index->entries, &wanted);

  if (entry != NULL)
    return entry;
  entry = g_new0 (BusIndexEntry, 1);
  entry->link.data = entry;
  entry->place = place;
  entry->owner = owner;
  g_queue_push_tail_link (&place->filed, &entry->link);
  g_hash_table_add (index->entries, entry);
  return entry;
}

void
bus_index_add (BusIndex *index, WireSpan pattern, gconstpointer owner, BusFiled *filed, gpointer item)
{
  BusPlace *place = index_place_reach (index, pattern);

  g_assert (filed->entry == NULL);
  filed->link.data = item;
  filed->entry = index_entry_reach (index, place, owner);
  filed->serial = ++index->changes;
  g_queue_push_tail_link (&filed->entry->filed, &filed->link);
  place->changed = index->changes;
  index->n_items++;
}

void
bus_index_remove (BusIndex *index, BusFiled *filed)
{
  BusIndexEntry *entry = g_steal_pointer (&filed->entry);
  BusPlace *place = entry->place;

  g_queue_unlink (&entry->filed, &filed->link);
  place->changed = ++index->changes;
  index->n_items--;
  if (!g_queue_is_empty (&entry->filed))
    return;
  g_queue_unlink (&place->filed, &entry->link);
  g_hash_table_remove (index->entries, entry);
  index_place_prune (index, place);
}

/* --- matching --- */

/* @entries: (nullable) */
static void
index_visit (const BusPlace *place, BusIndexMark *mark, GPtrArray *entries)
{
  mark->n_places++;
  mark->changed = MAX (mark->changed, place->changed);
  if (entries == NULL)
    return;
  for (const GList *l = place->filed.head; l != NULL; l = l->next)
    g_ptr_array_add (entries, l->data);
}

BusIndexMark
bus_index_match (const BusIndex *index, WireSpan topic, GPtrArray *entries)
{
  const IndexExact *exact = index_exact_find (index, topic);
  BusIndexMark mark = { 0, 0 };
  BusTrieWalk walk;
  BusPlace *place;

  if (exact != NULL)
    index_visit (&exact->place, &mark, entries);
  bus_trie_walk_init (&walk, index->trie, topic);
  while ((place = bus_trie_walk_next (&walk)) != NULL)
    index_visit (place, &mark, entries);
  return mark;
}

BusIndexMark
bus_index_mark (const BusIndex *index, WireSpan topic)
{
  return bus_index_match (index, topic, NULL);
}

gconstpointer
bus_index_entry_owner (const BusIndexEntry *entry)
{
  return entry->owner;
}

guint
bus_index_entry_size (const BusIndexEntry *entry)
{
  return entry->filed.length;
}

static gint
index_by_serial (gconstpointer a, gconstpointer b, G_GNUC_UNUSED gpointer data)
{
  const BusFiled *const *first = a;
  const BusFiled *const *second = b;

  return (*first)->serial < (*second)->serial ? -1 : 1;
}

void
bus_index_append_items (GPtrArray *items, const GPtrArray *entries)
{
  const guint start = items->len;
  gboolean is_sorted = TRUE;
  guint64 last = 0;

  for (guint i = 0; i < entries->len; i++)
    for (GList *l = ((BusIndexEntry *) g_ptr_array_index (entries, i))->filed.head; l != NULL; l = l->next)
      {
        BusFiled *filed = (BusFiled *) l; /* its first field */

        is_sorted = is_sorted && filed->serial > last;
        last = filed->serial;
        g_ptr_array_add (items, filed);
      }
  if (!is_sorted)
    g_qsort_with_data (items->pdata + start, (gint) (items->len - start), sizeof (gpointer), index_by_serial, NULL);
  for (guint i = start; i < items->len; i++)
    items->pdata[i] = ((const BusFiled *) items->pdata[i])->link.data;
}

guint
bus_index_size (const BusIndex *index)
{
  return index->n_items;
}

guint
bus_index_count_entries (const BusIndex *index)
{
  return g_hash_table_size (index->entries);
}

const guint64 *
bus_index_changes (const BusIndex *index)
{
  return &index->changes;
}

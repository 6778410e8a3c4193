/* SPDX-License-Identifier: Apache-2.0 */
#include "index/bus-index.h"

#include "base/bus-key.h"
#include "base/bus-table.h"
#include "index/bus-trie.h"

/* A place with the items of few owners, as most have, is searched without a hash table. */
#define PLACE_SEARCHED_MAX 8u

/* The items of one owner at one place. */
struct BusIndexEntry
{
  GList link; /* the first member; in the queue of its place; the data is the owner */
  BusPlace *place;
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
  guint n_entries;
  GHashTable *entries; /* set of BusIndexEntry by place and owner: those of places with more than PLACE_SEARCHED_MAX */
};

static guint
index_entry_hash (gconstpointer key)
{
  const BusIndexEntry *entry = key;

  return (guint) bus_hash_mix (GPOINTER_TO_SIZE (entry->link.data) ^ bus_hash_mix (GPOINTER_TO_SIZE (entry->place)));
}

static gboolean
index_entry_equal (gconstpointer a, gconstpointer b)
{
  const BusIndexEntry *first = a;
  const BusIndexEntry *second = b;

  return first->place == second->place && first->link.data == second->link.data;
}

BusIndex *
bus_index_new (guint64 seed)
{
  BusIndex *index = g_new0 (BusIndex, 1);

  index->seed = seed;
  bus_table_init (&index->exact);
  index->trie = bus_trie_new (seed);
  index->entries = g_hash_table_new (index_entry_hash, index_entry_equal);
  return index;
}

void
bus_index_free (BusIndex *index)
{
  if (index == NULL)
    return;
  g_assert (index->n_items == 0 && index->n_entries == 0 && g_hash_table_size (index->entries) == 0);
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
index_entry_find (BusIndex *index, BusPlace *place, gpointer owner)
{
  const BusIndexEntry wanted = { .place = place, .link.data = owner };

  if (place->filed.length <= PLACE_SEARCHED_MAX)
    return (BusIndexEntry *) g_queue_find (&place->filed, owner);
  return g_hash_table_lookup (index->entries, &wanted);
}

/* After an entry was added to the place: adds it to the hash table, or all of them if the place has become too long for a
 * search. */
static void
index_place_hash (BusIndex *index, BusPlace *place)
{
  if (place->filed.length == PLACE_SEARCHED_MAX + 1)
    for (GList *link = place->filed.head; link != NULL; link = link->next)
      g_hash_table_add (index->entries, link);
  else if (place->filed.length > PLACE_SEARCHED_MAX)
    g_hash_table_add (index->entries, place->filed.tail);
}

/* Before an entry is removed from the place: removes it from the hash table, or all of them if a search suffices afterwards. */
static void
index_place_unhash (BusIndex *index, BusPlace *place, BusIndexEntry *entry)
{
  if (place->filed.length == PLACE_SEARCHED_MAX + 1)
    for (GList *link = place->filed.head; link != NULL; link = link->next)
      g_hash_table_remove (index->entries, link);
  else if (place->filed.length > PLACE_SEARCHED_MAX)
    g_hash_table_remove (index->entries, entry);
}

static BusIndexEntry *
index_entry_reach (BusIndex *index, BusPlace *place, gpointer owner)
{
  BusIndexEntry *entry = index_entry_find (index, place, owner);

  if (entry != NULL)
    return entry;
  entry = g_new0 (BusIndexEntry, 1);
  entry->link.data = owner;
  entry->place = place;
  g_queue_push_tail_link (&place->filed, &entry->link);
  index_place_hash (index, place);
  index->n_entries++;
  return entry;
}

void
bus_index_add (BusIndex *index, WireSpan pattern, gconstpointer owner, BusFiled *filed, gpointer item)
{
  BusPlace *place = index_place_reach (index, pattern);

  g_assert (filed->entry == NULL);
  filed->link.data = item;
  filed->entry = index_entry_reach (index, place, (gpointer) (gsize) owner);
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
  index_place_unhash (index, place, entry);
  g_queue_unlink (&place->filed, &entry->link);
  g_free (entry);
  index->n_entries--;
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
  for (GList *l = place->filed.head; l != NULL; l = l->next)
    g_ptr_array_add (entries, l); /* an entry begins with its link */
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
  return entry->link.data;
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
  return index->n_entries;
}

const guint64 *
bus_index_changes (const BusIndex *index)
{
  return &index->changes;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "index/bus-trie.h"

#include "base/bus-hash.h"

typedef struct
{
  const BusTrieNode *parent;
  guint64 hash; /* of parent and segment */
  WireSpan segment;
} Edge;

struct BusTrieNode
{
  BusTrieNode *parent; /* NULL: the root */
  Edge edge;           /* from the parent; its bytes are behind the struct */
  guint64 serial;      /* tells parents apart in the hash, as addresses would, but the same in each run */
  BusTrieNode *plus;   /* the child for +, not in the table of edges */
  guint n_named;       /* other children */
  BusPlace here;
  BusPlace rest;
};

struct BusTrie
{
  guint64 seed;
  guint64 last_serial;
  BusTrieNode root;
  GHashTable *edges; /* Edge -> the BusTrieNode it is in */
  guint n_nodes;
};

static guint
edge_hash (gconstpointer key)
{
  return (guint) ((const Edge *) key)->hash;
}

static gboolean
edge_equal (gconstpointer a, gconstpointer b)
{
  const Edge *first = a;
  const Edge *second = b;

  return first->parent == second->parent && first->hash == second->hash
         && wire_span_equal (first->segment, second->segment);
}

static Edge
edge (const BusTrieNode *parent, WireSpan segment, guint64 segment_hash)
{
  return (Edge){ parent, bus_hash_mix (segment_hash + parent->serial), segment };
}

static void
node_init (BusTrieNode *node)
{
  g_queue_init (&node->here.filed);
  g_queue_init (&node->rest.filed);
  node->here.node = node;
  node->rest.node = node;
}

static gboolean
is_plus (WireSpan segment)
{
  return wire_span_equal (segment, WIRE_SPAN_LITERAL ("+"));
}

static gboolean
is_hash (WireSpan segment)
{
  return wire_span_equal (segment, WIRE_SPAN_LITERAL ("#"));
}

static BusTrieNode *
named_child (const BusTrie *trie, const BusTrieNode *parent, WireSpan segment, guint64 segment_hash)
{
  Edge wanted = edge (parent, segment, segment_hash);

  return parent->n_named > 0 ? g_hash_table_lookup (trie->edges, &wanted) : NULL;
}

static BusTrieNode *
child (const BusTrie *trie, const BusTrieNode *parent, WireSpan segment)
{
  if (is_plus (segment))
    return parent->plus;
  return named_child (trie, parent, segment, bus_hash (trie->seed, segment));
}

static BusTrieNode *
child_new (BusTrie *trie, BusTrieNode *parent, WireSpan segment)
{
  BusTrieNode *node = g_malloc0 (sizeof (BusTrieNode) + segment.len); /* a valid segment, so short */
  guint8 *copy = (guint8 *) (node + 1);

  node_init (node);
  memcpy (copy, segment.data, segment.len);
  node->parent = parent;
  node->serial = ++trie->last_serial;
  node->edge = edge (parent, wire_span (copy, segment.len), bus_hash (trie->seed, segment));
  trie->n_nodes++;
  if (is_plus (segment))
    {
      parent->plus = node;
    }
  else
    {
      g_hash_table_insert (trie->edges, &node->edge, node);
      parent->n_named++;
    }
  return node;
}

static void
child_free (BusTrie *trie, BusTrieNode *node)
{
  if (node->parent->plus == node)
    {
      node->parent->plus = NULL;
    }
  else
    {
      g_hash_table_remove (trie->edges, &node->edge);
      node->parent->n_named--;
    }
  trie->n_nodes--;
  g_free (node);
}

BusTrie *
bus_trie_new (guint64 seed)
{
  BusTrie *trie = g_new0 (BusTrie, 1);

  trie->seed = seed;
  node_init (&trie->root);
  trie->edges = g_hash_table_new (edge_hash, edge_equal);
  return trie;
}

void
bus_trie_free (BusTrie *trie)
{
  if (trie == NULL)
    return;
  g_assert (trie->n_nodes == 0);
  g_assert (g_queue_is_empty (&trie->root.rest.filed));
  g_hash_table_unref (trie->edges);
  g_free (trie);
}

BusPlace *
bus_trie_reach (BusTrie *trie, WireSpan pattern)
{
  BusTrieNode *node = &trie->root;
  WireSegments segments;
  WireSpan segment;

  wire_segments_init (&segments, pattern);
  while (wire_segments_next (&segments, &segment))
    {
      BusTrieNode *next;

      if (is_hash (segment))
        return &node->rest;
      next = child (trie, node, segment);
      node = next != NULL ? next : child_new (trie, node, segment);
    }
  return &node->here;
}

BusPlace *
bus_trie_find (BusTrie *trie, WireSpan pattern)
{
  BusTrieNode *node = &trie->root;
  WireSegments segments;
  WireSpan segment;

  wire_segments_init (&segments, pattern);
  while (wire_segments_next (&segments, &segment))
    {
      if (is_hash (segment))
        return &node->rest;
      node = child (trie, node, segment);
      if (node == NULL)
        return NULL;
    }
  return &node->here;
}

void
bus_trie_prune (BusTrie *trie, BusPlace *place)
{
  BusTrieNode *node = place->node;

  while (node->parent != NULL && node->plus == NULL && node->n_named == 0 && g_queue_is_empty (&node->here.filed)
         && g_queue_is_empty (&node->rest.filed))
    {
      BusTrieNode *parent = node->parent;

      child_free (trie, node);
      node = parent;
    }
}

guint
bus_trie_size (const BusTrie *trie)
{
  return trie->n_nodes;
}

static void
push (BusTrieWalk *walk, BusTrieNode *node, guint level)
{
  if (node == NULL)
    return;
  g_assert (walk->n_stack < G_N_ELEMENTS (walk->stack));
  walk->stack[walk->n_stack].node = node;
  walk->stack[walk->n_stack].level = level;
  walk->n_stack++;
}

void
bus_trie_walk_init (BusTrieWalk *walk, const BusTrie *trie, WireSpan topic)
{
  WireSegments segments;
  WireSpan segment;

  walk->trie = trie;
  walk->n_segments = 0;
  walk->n_stack = 0;
  walk->second = NULL;

  wire_segments_init (&segments, topic);
  while (wire_segments_next (&segments, &segment))
    {
      /* No pattern is that long, but one with # would match: no valid topic comes here. */
      g_assert (walk->n_segments < WIRE_TOPIC_SEGMENTS_CEILING);
      walk->segments[walk->n_segments].text = segment;
      walk->segments[walk->n_segments].hash = bus_hash (trie->seed, segment);
      walk->n_segments++;
    }
  walk->by_name_only = walk->n_segments > 0 && wire_span_equal (walk->segments[0].text, WIRE_SPAN_LITERAL ("system"));
  push (walk, trie->root.here.node, 0);
}

/* Takes a node off the stack, its children on. */
static BusTrieNode *
step (BusTrieWalk *walk, gboolean *is_last, gboolean *takes_wildcards)
{
  BusTrieNode *node = walk->stack[--walk->n_stack].node;
  guint level = walk->stack[walk->n_stack].level;

  *is_last = level == walk->n_segments;
  *takes_wildcards = level > 0 || !walk->by_name_only;
  if (!*is_last)
    {
      const BusTrieSegment *segment = &walk->segments[level];

      if (*takes_wildcards)
        push (walk, node->plus, level + 1);
      push (walk, named_child (walk->trie, node, segment->text, segment->hash), level + 1);
    }
  return node;
}

BusPlace *
bus_trie_walk_next (BusTrieWalk *walk)
{
  if (walk->second != NULL)
    return g_steal_pointer (&walk->second);

  while (walk->n_stack > 0)
    {
      gboolean is_last, takes_wildcards;
      BusTrieNode *node = step (walk, &is_last, &takes_wildcards);
      BusPlace *rest = takes_wildcards && !g_queue_is_empty (&node->rest.filed) ? &node->rest : NULL;

      if (is_last && !g_queue_is_empty (&node->here.filed))
        {
          walk->second = rest;
          return &node->here;
        }
      if (rest != NULL)
        return rest;
    }
  return NULL;
}

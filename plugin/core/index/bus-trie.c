/* SPDX-License-Identifier: Apache-2.0 */
#include "index/bus-trie.h"

#include "base/bus-hash.h"
#include "base/bus-table.h"

struct BusTrieNode
{
  BusTrieNode *parent; /* NULL: the root */
  guint64 hash;        /* of the edge from the parent */
  guint64 serial;      /* identifies the parent in the hash of an edge; unlike an address it is the same in each run */
  BusTrieNode *plus;   /* the child for +, which is not in the table of edges */
  guint n_named;       /* number of other children */
  guint segment_bytes; /* length of the segment of the edge, which is stored behind the struct */
  BusPlace here;
  BusPlace rest;
};

struct BusTrie
{
  guint64 seed;
  guint64 last_serial;
  BusTrieNode root;
  BusTable edges; /* BusTrieNode by the hash of its edge */
  guint n_nodes;
};

/* The hash of the edge from @parent by a segment. */
static guint64
trie_edge_hash (const BusTrieNode *parent, guint64 segment_hash)
{
  return bus_hash_mix (segment_hash + parent->serial);
}

static WireSpan
trie_segment (const BusTrieNode *node)
{
  return wire_span ((const guint8 *) (node + 1), node->segment_bytes);
}

static void
trie_node_init (BusTrieNode *node)
{
  g_queue_init (&node->here.filed);
  g_queue_init (&node->rest.filed);
  node->here.node = node;
  node->rest.node = node;
}

static gboolean
trie_is_plus (WireSpan segment)
{
  return wire_span_equal (segment, WIRE_SPAN_LITERAL ("+"));
}

static gboolean
trie_is_hash (WireSpan segment)
{
  return wire_span_equal (segment, WIRE_SPAN_LITERAL ("#"));
}

static BusTrieNode *
trie_named_child (const BusTrie *trie, const BusTrieNode *parent, WireSpan segment, guint64 segment_hash)
{
  const guint64 hash = trie_edge_hash (parent, segment_hash);
  BusTrieNode *node;
  guint at;

  if (parent->n_named == 0)
    return NULL;
  node = bus_table_first (&trie->edges, hash, &at);
  while (node != NULL && (node->parent != parent || !wire_span_equal (trie_segment (node), segment)))
    node = bus_table_next (&trie->edges, hash, &at);
  return node;
}

static BusTrieNode *
trie_child (const BusTrie *trie, const BusTrieNode *parent, WireSpan segment)
{
  if (trie_is_plus (segment))
    return parent->plus;
  return trie_named_child (trie, parent, segment, bus_hash (trie->seed, segment));
}

static BusTrieNode *
trie_child_new (BusTrie *trie, BusTrieNode *parent, WireSpan segment)
{
  BusTrieNode *node = g_malloc0 (sizeof (BusTrieNode) + segment.len); /* a valid segment, so short */

  trie_node_init (node);
  memcpy (node + 1, segment.data, segment.len);
  node->parent = parent;
  node->serial = ++trie->last_serial;
  node->segment_bytes = (guint) segment.len;
  node->hash = trie_edge_hash (parent, bus_hash (trie->seed, segment));
  trie->n_nodes++;
  if (trie_is_plus (segment))
    {
      parent->plus = node;
    }
  else
    {
      bus_table_add (&trie->edges, node->hash, node);
      parent->n_named++;
    }
  return node;
}

static void
trie_child_free (BusTrie *trie, BusTrieNode *node)
{
  if (node->parent->plus == node)
    {
      node->parent->plus = NULL;
    }
  else
    {
      bus_table_remove (&trie->edges, node->hash, node);
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
  trie_node_init (&trie->root);
  bus_table_init (&trie->edges);
  return trie;
}

void
bus_trie_free (BusTrie *trie)
{
  if (trie == NULL)
    return;
  g_assert (trie->n_nodes == 0);
  g_assert (g_queue_is_empty (&trie->root.rest.filed));
  bus_table_clear (&trie->edges);
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

      if (trie_is_hash (segment))
        return &node->rest;
      next = trie_child (trie, node, segment);
      node = next != NULL ? next : trie_child_new (trie, node, segment);
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
      if (trie_is_hash (segment))
        return &node->rest;
      node = trie_child (trie, node, segment);
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

      trie_child_free (trie, node);
      node = parent;
    }
}

guint
bus_trie_size (const BusTrie *trie)
{
  return trie->n_nodes;
}

static void
trie_push (BusTrieWalk *walk, BusTrieNode *node, guint level)
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
      /* The arrays of the walk have no room for a longer topic; callers pass valid topics only, which are not longer. */
      g_assert (walk->n_segments < WIRE_TOPIC_SEGMENTS_CEILING);
      walk->segments[walk->n_segments].text = segment;
      walk->segments[walk->n_segments].hash = bus_hash (trie->seed, segment);
      walk->n_segments++;
    }
  walk->by_name_only = walk->n_segments > 0 && wire_span_equal (walk->segments[0].text, WIRE_SPAN_LITERAL ("system"));
  trie_push (walk, trie->root.here.node, 0);
}

/* Takes a node from the stack, and puts its children that match the next segment on it. */
static BusTrieNode *
trie_step (BusTrieWalk *walk, gboolean *is_last, gboolean *takes_wildcards)
{
  BusTrieNode *node = walk->stack[--walk->n_stack].node;
  guint level = walk->stack[walk->n_stack].level;

  *is_last = level == walk->n_segments;
  *takes_wildcards = level > 0 || !walk->by_name_only;
  if (!*is_last)
    {
      const BusTrieSegment *segment = &walk->segments[level];

      if (*takes_wildcards)
        trie_push (walk, node->plus, level + 1);
      trie_push (walk, trie_named_child (walk->trie, node, segment->text, segment->hash), level + 1);
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
      BusTrieNode *node = trie_step (walk, &is_last, &takes_wildcards);
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

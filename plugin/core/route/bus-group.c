/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-group.h"

#include "wire-topic.h"

/* --- keys --- */

static guint
group_hash (gconstpointer key)
{
  return (guint) ((const BusGroupKey *) key)->hash;
}

gboolean
bus_group_key_equal (gconstpointer a, gconstpointer b)
{
  const BusGroupKey *first = a;
  const BusGroupKey *second = b;

  return first->hash == second->hash && first->account == second->account && wire_span_equal (first->text, second->text)
         && wire_span_equal (first->type, second->type);
}

static gboolean
group_is_wildcard (WireSpan segment)
{
  return segment.len == 1 && (segment.data[0] == '+' || segment.data[0] == '#');
}

WireSpan
bus_group_type_of (WireSpan pattern)
{
  WireSegments segments;
  WireSpan first, type, rest;

  wire_segments_init (&segments, pattern);
  if (!wire_segments_next (&segments, &first) || !wire_span_equal (first, WIRE_SPAN_LITERAL ("tasks"))
      || !wire_segments_next (&segments, &type) || group_is_wildcard (type) || wire_segments_next (&segments, &rest))
    return wire_span (NULL, 0);
  return type;
}

static BusGroupKey
group_key (guint64 seed, WireSpan name, guint32 account, WireSpan pattern)
{
  WireSpan type = bus_group_type_of (pattern);
  BusGroupKey key = { .text = name, .account = type.len > 0 ? BUS_ALL_ACCOUNTS : account, .type = type };

  key.hash = bus_hash (seed, name) ^ bus_hash_mix (seed + key.account) ^ (type.len > 0 ? bus_hash (~seed, type) : 0);
  return key;
}

/* --- patterns --- */

static gboolean
group_segment_is (const WireSpan *segment, char wildcard)
{
  return segment->len == 1 && segment->data[0] == (guint8) wildcard;
}

/* TRUE if a topic can match both segments at this place. No wildcard matches a first segment `system`. */
static gboolean
group_segments_overlap (const WireSpan *one, const WireSpan *other, gboolean is_first)
{
  const WireSpan system = WIRE_SPAN_LITERAL ("system");

  if (is_first && wire_span_equal (*one, system) != wire_span_equal (*other, system))
    return FALSE;
  return group_segment_is (one, '+') || group_segment_is (other, '+') || wire_span_equal (*one, *other);
}

/* `#` matches zero or more segments at the end of a topic. */
gboolean
bus_group_overlaps (WireSpan one, WireSpan other)
{
  const WireSpan system = WIRE_SPAN_LITERAL ("system");
  gboolean is_first = TRUE;
  WireSegments left, right;
  WireSpan a, b;

  wire_segments_init (&left, one);
  wire_segments_init (&right, other);
  for (;; is_first = FALSE)
    {
      gboolean has_a = wire_segments_next (&left, &a);
      gboolean has_b = wire_segments_next (&right, &b);

      if (has_a && group_segment_is (&a, '#'))
        return !(is_first && has_b && wire_span_equal (b, system));
      if (has_b && group_segment_is (&b, '#'))
        return !(is_first && has_a && wire_span_equal (a, system));
      if (!has_a || !has_b)
        return has_a == has_b;
      if (!group_segments_overlap (&a, &b, is_first))
        return FALSE;
    }
}

gboolean
bus_group_matches_other_type (WireSpan pattern, WireSpan type)
{
  WireSegments segments;
  WireSpan segment;

  if (!bus_group_overlaps (pattern, WIRE_SPAN_LITERAL ("tasks.+")))
    return FALSE;
  wire_segments_init (&segments, pattern);
  wire_segments_next (&segments, &segment);
  return !wire_segments_next (&segments, &segment) || !wire_span_equal (segment, type);
}

/* --- the table --- */

GHashTable *
bus_group_table_new (void)
{
  return g_hash_table_new (group_hash, bus_group_key_equal);
}

void
bus_groups_init (BusGroups *groups, guint64 seed)
{
  *groups = (BusGroups){ .table = bus_group_table_new (), .seed = seed };
}

void
bus_groups_clear (BusGroups *groups)
{
  g_assert (g_hash_table_size (groups->table) == 0);
  g_clear_pointer (&groups->table, g_hash_table_unref);
  g_clear_pointer (&groups->rules, g_array_unref);
}

BusGroup *
bus_group_find (const BusGroups *groups, WireSpan name, guint32 account, WireSpan pattern)
{
  BusGroupKey key = group_key (groups->seed, name, account, pattern);

  return g_hash_table_lookup (groups->table, &key);
}

static WireSpan
group_copy_text (guint8 **at, WireSpan text)
{
  WireSpan copy = wire_span (*at, text.len);

  if (text.len > 0)
    memcpy (*at, text.data, text.len);
  *at += text.len;
  return copy;
}

/* A name is one segment, at most 64 bytes. */
static BusGroup *
group_new (BusGroups *groups, const BusGroupKey *key)
{
  BusGroup *group = g_malloc0 (sizeof (BusGroup) + key->text.len + key->type.len);
  guint8 *at = (guint8 *) (group + 1);

  group->key = *key;
  group->key.text = group_copy_text (&at, key->text);
  group->key.type = group_copy_text (&at, key->type);
  group->number = ++groups->last_number;
  group->rule = bus_group_rules_find (groups->rules, key->text);
  bus_balance_init (&group->balance, group->rule != NULL ? group->rule->strategy : BUS_STRATEGY_DEFAULT,
                    bus_hash_mix (key->hash ^ groups->seed));
  g_hash_table_insert (groups->table, &group->key, group);
  return group;
}

/* The first member that does not serve sets the pattern, and the strategy unless the configuration sets it. */
static void
group_set_first (BusGroup *group, WireSpan pattern, BusStrategy strategy)
{
  guint8 *copy = g_memdup2 (pattern.data, pattern.len); /* at most 512 bytes */

  group->pattern = wire_span (copy, pattern.len);
  if (group->balance.strategy == BUS_STRATEGY_DEFAULT)
    group->balance.strategy = strategy != BUS_STRATEGY_DEFAULT ? strategy : BUS_STRATEGY_ROUND_ROBIN;
}

void
bus_group_join (BusGroups *groups, WireSpan name, guint32 account, BusStrategy strategy, BusSubscription *member)
{
  WireSpan pattern = member->serves ? wire_span (NULL, 0) : bus_subscription_pattern (member);
  BusGroupKey key = group_key (groups->seed, name, account, pattern);
  BusGroup *group = g_hash_table_lookup (groups->table, &key);

  if (group == NULL)
    group = group_new (groups, &key);
  if (group->pattern.len == 0 && pattern.len > 0)
    group_set_first (group, pattern, strategy);
  member->group = group;
  g_queue_push_tail_link (&group->members, &bus_subscription_need_share (member)->group_link);
  if (!member->serves)
    bus_balance_join (&group->balance, member);
}

void
bus_group_leave (BusGroups *groups, BusSubscription *member)
{
  BusGroup *group = g_steal_pointer (&member->group);

  g_queue_unlink (&group->members, &bus_subscription_need_share (member)->group_link);
  if (!member->serves)
    bus_balance_leave (&group->balance, member);
  if (group->members.length > 0)
    return;
  g_hash_table_remove (groups->table, &group->key);
  g_free ((gpointer) (gsize) group->pattern.data);
  g_free (group);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-match.h"

#include "base/bus-hash.h"
#include "peer/bus-peer.h"

static void
match_empty (BusMatch *match)
{
  for (guint i = 0; i < match->n_receivers; i++)
    g_free (match->receivers[i].subscriptions);
  for (guint i = 0; i < match->n_groups; i++)
    {
      g_free (match->groups[i].candidates);
      g_free (match->groups[i].receivers);
    }
  g_clear_pointer (&match->receivers, g_free);
  g_clear_pointer (&match->groups, g_free);
  g_clear_pointer (&match->filtered, g_free);
  match->n_receivers = match->n_groups = match->n_filtered = 0;
}

static void
match_free (gpointer data)
{
  match_empty (data);
  g_free (data);
}

void
bus_match_cache_init (BusMatchCache *cache, const BusIndex *index, guint64 seed, guint64 max)
{
  cache->index = index;
  cache->changes = bus_index_changes (index);
  cache->seed = seed;
  cache->table = g_hash_table_new_full (bus_key_hash, bus_key_equal, NULL, match_free);
  cache->max = max;
}

void
bus_match_cache_clear (BusMatchCache *cache)
{
  g_clear_pointer (&cache->table, g_hash_table_unref);
}

static void
match_cache_forget (BusMatchCache *cache)
{
  cache->generation++;
  cache->bytes = 0;
  g_hash_table_remove_all (cache->table);
}

/* --- making --- */

/* A member peer of a group that matches. */
typedef struct
{
  const BusGroup *group;
  const BusPeer *peer;
} MatchMember;

static guint
match_member_hash (gconstpointer key)
{
  const MatchMember *member = key;

  return (guint) bus_hash_mix (GPOINTER_TO_SIZE (member->peer) ^ bus_hash_mix (GPOINTER_TO_SIZE (member->group)));
}

static gboolean
match_member_equal (gconstpointer a, gconstpointer b)
{
  const MatchMember *first = a;
  const MatchMember *second = b;

  return first->group == second->group && first->peer == second->peer;
}

/* The parts of a match while it is made. */
typedef struct
{
  GArray *receivers;   /* BusReceiver */
  GArray *groups;      /* BusGroupMatch */
  GArray *filtered;    /* BusFilteredMatch */
  GArray *room;        /* guint: candidates that each of the groups has room for */
  GPtrArray *found;    /* BusSubscription, in order, allowed ones */
  GHashTable *places;  /* BusPeer, BusGroup -> index + 1 in its array */
  GHashTable *members; /* set of MatchMember: the candidates of all groups */
  const BusPeer *last; /* the receiver of the last subscription; neighbours mostly have one owner */
  guint last_place;
} MatchDraft;

static guint
match_receiver_reach (MatchDraft *draft, BusPeer *peer)
{
  guint place = GPOINTER_TO_UINT (g_hash_table_lookup (draft->places, peer));
  BusReceiver receiver = { .peer = peer };

  if (place > 0)
    return place - 1;
  g_array_append_val (draft->receivers, receiver);
  g_hash_table_insert (draft->places, peer, GUINT_TO_POINTER (draft->receivers->len));
  return draft->receivers->len - 1;
}

static guint
match_receiver (MatchDraft *draft, BusPeer *peer)
{
  if (peer != draft->last)
    draft->last_place = match_receiver_reach (draft, peer);
  draft->last = peer;
  return draft->last_place;
}

static guint
match_group (MatchDraft *draft, BusGroup *group)
{
  guint place = GPOINTER_TO_UINT (g_hash_table_lookup (draft->places, group));
  BusGroupMatch match = { .group = group };
  guint room = 0;

  if (place > 0)
    return place - 1;
  g_array_append_val (draft->groups, match);
  g_array_append_val (draft->room, room);
  g_hash_table_insert (draft->places, group, GUINT_TO_POINTER (draft->groups->len));
  return draft->groups->len - 1;
}

/* Grows with the members that match: a peer may be in a thousand groups of one member. */
static void
match_append_candidate (BusGroupMatch *match, guint *room, BusSubscription *subscription, guint place)
{
  if (match->n == *room)
    {
      *room = MAX (2 * *room, 1);
      match->candidates = g_renew (BusSubscription *, match->candidates, *room);
      match->receivers = g_renew (guint, match->receivers, *room);
    }
  match->candidates[match->n] = subscription;
  match->receivers[match->n] = place;
  match->n++;
}

/* One candidate per member peer, however many of its patterns match. */
static void
match_add_candidate (MatchDraft *draft, BusSubscription *subscription)
{
  guint place = match_receiver (draft, subscription->owner);
  guint group = match_group (draft, subscription->group);
  BusGroupMatch *match = &g_array_index (draft->groups, BusGroupMatch, group);
  MatchMember *member = g_new (MatchMember, 1);

  *member = (MatchMember){ subscription->group, subscription->owner };
  if (!g_hash_table_add (draft->members, member))
    return; /* it has freed the new one */
  match_append_candidate (match, &g_array_index (draft->room, guint, group), subscription, place);
  g_array_index (draft->receivers, BusReceiver, place).n_now++;
}

static void
match_add_plain (MatchDraft *draft, BusSubscription *subscription)
{
  guint place = match_receiver (draft, subscription->owner); /* may move the array: first */

  g_array_index (draft->receivers, BusReceiver, place).n_plain++;
}

static void
match_add_filtered (MatchDraft *draft, BusSubscription *subscription)
{
  BusFilteredMatch filtered = { subscription, match_receiver (draft, subscription->owner) };

  g_array_append_val (draft->filtered, filtered);
  g_array_index (draft->receivers, BusReceiver, filtered.receiver).n_now++;
}

/* Room for the plain ones, for those with a filter, and for what may be picked of each group: n_now has the number until here. */
static void
match_fill_plain (MatchDraft *draft)
{
  for (guint i = 0; i < draft->receivers->len; i++)
    {
      BusReceiver *receiver = &g_array_index (draft->receivers, BusReceiver, i);

      receiver->subscriptions = g_new (BusSubscription *, receiver->n_plain + receiver->n_now);
      receiver->n_now = 0;
    }
  for (guint i = 0; i < draft->found->len; i++)
    {
      BusSubscription *subscription = g_ptr_array_index (draft->found, i);
      BusReceiver *receiver;
      guint place;

      if (subscription->group != NULL || subscription->filter != NULL)
        continue;
      place = match_receiver (draft, subscription->owner);
      receiver = &g_array_index (draft->receivers, BusReceiver, place);
      receiver->subscriptions[receiver->n_now++] = subscription;
    }
}

/* One right decides for all equal patterns of a peer. */
static void
match_drop_forbidden (GPtrArray *entries, WireSpan topic)
{
  guint kept = 0;

  for (guint i = 0; i < entries->len; i++)
    {
      BusIndexEntry *entry = g_ptr_array_index (entries, i);
      const BusPeer *owner = bus_index_entry_owner (entry);

      if (bus_policy_authorize (&owner->principal, BUS_OP_DELIVER, topic).allowed)
        g_ptr_array_index (entries, kept++) = entry;
    }
  g_ptr_array_set_size (entries, (gint) kept);
}

static void
match_draft (MatchDraft *draft)
{
  for (guint i = 0; i < draft->found->len; i++)
    {
      BusSubscription *subscription = g_ptr_array_index (draft->found, i);

      if (subscription->group != NULL)
        match_add_candidate (draft, subscription);
      else if (subscription->filter != NULL)
        match_add_filtered (draft, subscription);
      else
        match_add_plain (draft, subscription);
    }
  match_fill_plain (draft);
}

static void
match_take_draft (BusMatch *match, MatchDraft *draft)
{
  match->n_receivers = draft->receivers->len;
  match->n_groups = draft->groups->len;
  match->n_filtered = draft->filtered->len;
  match->receivers = (BusReceiver *) (void *) g_array_free (draft->receivers, FALSE);
  match->groups = (BusGroupMatch *) (void *) g_array_free (draft->groups, FALSE);
  match->filtered = (BusFilteredMatch *) (void *) g_array_free (draft->filtered, FALSE);
  match->size = sizeof (BusMatch) + match->key.text.len + match->n_receivers * sizeof (BusReceiver)
                + match->n_groups * sizeof (BusGroupMatch) + draft->found->len * sizeof (BusSubscription *)
                + g_hash_table_size (draft->members) * 2 * (sizeof (BusSubscription *) + sizeof (guint));
}

/* Makes an empty match. */
static void
match_make (BusMatchCache *cache, BusMatch *match)
{
  g_autoptr (GPtrArray) entries = g_ptr_array_new ();
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  g_autoptr (GHashTable) places = g_hash_table_new (NULL, NULL);
  g_autoptr (GHashTable) members = g_hash_table_new_full (match_member_hash, match_member_equal, g_free, NULL);
  g_autoptr (GArray) room = g_array_new (FALSE, FALSE, sizeof (guint));
  MatchDraft draft = { .receivers = g_array_new (FALSE, FALSE, sizeof (BusReceiver)),
                       .groups = g_array_new (FALSE, FALSE, sizeof (BusGroupMatch)),
                       .filtered = g_array_new (FALSE, FALSE, sizeof (BusFilteredMatch)),
                       .room = room,
                       .found = found,
                       .places = places,
                       .members = members };

  match->mark = bus_index_match (cache->index, match->key.text, entries);
  match_drop_forbidden (entries, match->key.text);
  bus_index_append_items (found, entries);
  match_draft (&draft);
  match_take_draft (match, &draft);
  match->checked = *cache->changes;
  cache->bytes += match->size;
  cache->made++;
}

static BusMatch *
match_new (BusKey key)
{
  BusMatch *match = g_malloc0 (sizeof (BusMatch) + key.text.len); /* a topic is at most 512 bytes */
  guint8 *copy = (guint8 *) (match + 1);

  memcpy (copy, key.text.data, key.text.len);
  match->key = (BusKey){ key.hash, wire_span (copy, key.text.len) };
  match->domain = bus_domain_of_topic (key.text);
  return match;
}

/* --- looking up --- */

static gboolean
match_cache_is_full (const BusMatchCache *cache)
{
  return g_hash_table_size (cache->table) >= cache->max || cache->bytes >= BUS_MATCH_CACHE_BYTES;
}

/* The index has changed. Makes the match again if that concerns its topic; the topic keeps its counter. */
static void
match_check (BusMatchCache *cache, BusMatch *match)
{
  if (bus_index_mark_equal (match->mark, bus_index_mark (cache->index, match->key.text)))
    {
      match->checked = *cache->changes;
      return;
    }
  cache->bytes -= match->size;
  match_empty (match);
  match_make (cache, match);
}

BusMatch *
bus_match_lookup (BusMatchCache *cache, WireSpan topic)
{
  BusKey key = bus_key (cache->seed, topic);
  BusMatch *match = g_hash_table_lookup (cache->table, &key);

  if (match != NULL && bus_match_is_current (cache, match))
    return match;
  if (match != NULL && cache->bytes < BUS_MATCH_CACHE_BYTES)
    {
      match_check (cache, match);
      return match;
    }
  if (match_cache_is_full (cache))
    match_cache_forget (cache);
  match = match_new (key);
  match_make (cache, match);
  g_hash_table_insert (cache->table, &match->key, match);
  return match;
}

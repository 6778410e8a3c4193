/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-match.h"

#include "peer/bus-peer.h"

static void
match_free (gpointer data)
{
  BusMatch *match = data;

  for (guint i = 0; i < match->n_receivers; i++)
    g_free (match->receivers[i].subscriptions);
  for (guint i = 0; i < match->n_groups; i++)
    {
      g_free (match->groups[i].candidates);
      g_free (match->groups[i].receivers);
    }
  g_free (match->receivers);
  g_free (match->groups);
  g_free (match->filtered);
  g_free (match);
}

void
bus_match_cache_init (BusMatchCache *cache, guint64 max)
{
  cache->table = g_hash_table_new_full (bus_key_hash, bus_key_equal, NULL, match_free);
  cache->max = max;
}

void
bus_match_cache_clear (BusMatchCache *cache)
{
  g_clear_pointer (&cache->table, g_hash_table_unref);
}

void
bus_match_cache_forget (BusMatchCache *cache)
{
  cache->generation++;
  cache->bytes = 0;
  if (g_hash_table_size (cache->table) > 0)
    g_hash_table_remove_all (cache->table);
}

/* The parts of a match while it is built. */
typedef struct
{
  GArray *receivers;  /* BusReceiver */
  GArray *groups;     /* BusGroupMatch */
  GArray *filtered;   /* BusFilteredMatch */
  GArray *room;       /* guint: candidates that each of the groups has room for */
  GPtrArray *found;   /* BusSubscription, in order, allowed ones */
  GHashTable *places; /* BusPeer, BusGroup -> index + 1 in its array */
} MatchDraft;

static guint
match_receiver (MatchDraft *draft, BusPeer *peer)
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

  for (guint i = 0; i < match->n; i++)
    if (match->receivers[i] == place)
      return;
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

static void
match_drop_forbidden (GPtrArray *found, WireSpan topic)
{
  guint kept = 0;

  for (guint i = 0; i < found->len; i++)
    {
      BusSubscription *subscription = g_ptr_array_index (found, i);

      if (bus_policy_authorize (&subscription->owner->principal, BUS_OP_DELIVER, topic).allowed)
        g_ptr_array_index (found, kept++) = subscription;
    }
  g_ptr_array_set_size (found, (gint) kept);
}

static BusMatch *
match_new (const BusIndex *index, BusKey key)
{
  g_autoptr (GPtrArray) found = g_ptr_array_new ();
  g_autoptr (GHashTable) places = g_hash_table_new (NULL, NULL);
  g_autoptr (GArray) room = g_array_new (FALSE, FALSE, sizeof (guint));
  MatchDraft draft = { .receivers = g_array_new (FALSE, FALSE, sizeof (BusReceiver)),
                       .groups = g_array_new (FALSE, FALSE, sizeof (BusGroupMatch)),
                       .filtered = g_array_new (FALSE, FALSE, sizeof (BusFilteredMatch)),
                       .room = room,
                       .found = found,
                       .places = places };
  BusMatch *match = g_malloc0 (sizeof (BusMatch) + key.text.len); /* a topic is at most 512 bytes */
  guint8 *copy = (guint8 *) (match + 1);

  bus_index_match (index, key.text, found);
  match_drop_forbidden (found, key.text);
  for (guint i = 0; i < found->len; i++)
    {
      BusSubscription *subscription = g_ptr_array_index (found, i);

      if (subscription->group != NULL)
        match_add_candidate (&draft, subscription);
      else if (subscription->filter != NULL)
        match_add_filtered (&draft, subscription);
      else
        match_add_plain (&draft, subscription);
    }
  match_fill_plain (&draft);

  memcpy (copy, key.text.data, key.text.len);
  match->key = (BusKey){ key.hash, wire_span (copy, key.text.len) };
  match->domain = bus_domain_of_topic (key.text);
  match->n_receivers = draft.receivers->len;
  match->n_groups = draft.groups->len;
  match->n_filtered = draft.filtered->len;
  match->receivers = (BusReceiver *) (void *) g_array_free (draft.receivers, FALSE);
  match->groups = (BusGroupMatch *) (void *) g_array_free (draft.groups, FALSE);
  match->filtered = (BusFilteredMatch *) (void *) g_array_free (draft.filtered, FALSE);
  match->size = sizeof (BusMatch) + key.text.len + match->n_receivers * sizeof (BusReceiver)
                + match->n_groups * sizeof (BusGroupMatch)
                + found->len * (sizeof (BusSubscription *) + 2 * (sizeof (BusSubscription *) + sizeof (guint)));
  return match;
}

BusMatch *
bus_match_lookup (BusMatchCache *cache, const BusIndex *index, guint64 seed, WireSpan topic)
{
  BusKey key = bus_key (seed, topic);
  BusMatch *match = g_hash_table_lookup (cache->table, &key);

  if (match != NULL)
    return match;
  if (g_hash_table_size (cache->table) >= cache->max || cache->bytes >= BUS_MATCH_CACHE_BYTES)
    bus_match_cache_forget (cache);
  match = match_new (index, key);
  cache->bytes += match->size;
  g_hash_table_insert (cache->table, &match->key, match);
  return match;
}

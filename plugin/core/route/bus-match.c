/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-match.h"

#include "base/bus-overflow.h"
#include "route/bus-match-make.h"

void
bus_match_cache_init (BusMatchCache *cache, const BusIndex *index, guint64 seed, guint64 max)
{
  cache->index = index;
  cache->changes = bus_index_changes (index);
  cache->seed = seed;
  bus_table_init (&cache->table);
  cache->matches = g_ptr_array_new ();
  cache->max = max;
  bus_match_scratch_init (&cache->scratch);
}

static void
match_free (BusMatch *match)
{
  g_free (match->block);
  g_free (match);
}

void
bus_match_cache_clear (BusMatchCache *cache)
{
  for (guint i = 0; i < cache->matches->len; i++)
    match_free (g_ptr_array_index (cache->matches, i));
  g_clear_pointer (&cache->matches, g_ptr_array_unref);
  bus_table_clear (&cache->table);
  bus_match_scratch_clear (&cache->scratch);
}

/* --- bounds --- */

guint64
bus_match_cache_topics_max (const BusMatchCache *cache)
{
  return cache->max + bus_index_size (cache->index);
}

gsize
bus_match_cache_bytes_max (const BusMatchCache *cache)
{
  return BUS_MATCH_CACHE_BYTES + (gsize) bus_index_size (cache->index) * BUS_MATCH_SUBSCRIPTION_BYTES;
}

/* The clock algorithm: returns the next match that was not looked up since the hand passed it, and clears the marks that it
 * passes. After one round all marks are cleared, so the search ends; each cleared mark was set by a look-up. */
static BusMatch *
match_cache_oldest (BusMatchCache *cache)
{
  for (;;)
    {
      BusMatch *match;

      cache->hand = cache->hand < cache->matches->len ? cache->hand : 0;
      match = g_ptr_array_index (cache->matches, cache->hand++);
      if (!match->is_recent)
        return match;
      match->is_recent = FALSE;
    }
}

/* The last match of the array takes its place. */
static void
match_cache_drop (BusMatchCache *cache, BusMatch *match)
{
  bus_table_remove (&cache->table, match->key.hash, match);
  cache->bytes -= bus_match_size (match);
  cache->generation++;
  g_ptr_array_remove_index_fast (cache->matches, match->place);
  if (match->place < cache->matches->len)
    ((BusMatch *) g_ptr_array_index (cache->matches, match->place))->place = match->place;
  match_free (match);
}

/* Drops matches until the cache is below its bound of bytes. @kept: (nullable): stays, because it is made again */
static void
match_cache_make_room (BusMatchCache *cache, const BusMatch *kept)
{
  const gsize bytes_max = bus_match_cache_bytes_max (cache);

  while (cache->bytes >= bytes_max && cache->matches->len > (kept != NULL ? 1u : 0u))
    {
      BusMatch *oldest = match_cache_oldest (cache);

      if (oldest != kept)
        match_cache_drop (cache, oldest);
    }
}

void
bus_match_cache_trim (BusMatchCache *cache)
{
  match_cache_make_room (cache, NULL);
  while (cache->matches->len > bus_match_cache_topics_max (cache))
    match_cache_drop (cache, match_cache_oldest (cache));
}

/* --- looking up --- */

static BusMatch *
match_cache_find (const BusMatchCache *cache, BusKey key)
{
  guint at;
  BusMatch *match = bus_table_first (&cache->table, key.hash, &at);

  while (match != NULL && !wire_span_equal (match->key.text, key.text))
    match = bus_table_next (&cache->table, key.hash, &at);
  return match;
}

static BusMatch *
match_cache_append (BusMatchCache *cache)
{
  BusMatch *match = g_new0 (BusMatch, 1);

  match->place = cache->matches->len;
  g_ptr_array_add (cache->matches, match);
  cache->bytes += bus_match_size (match);
  return match;
}

/* A match without a topic: a new one, or the oldest one if the cache is full. It is in no table. */
static BusMatch *
match_cache_take (BusMatchCache *cache)
{
  BusMatch *match;

  bus_match_cache_trim (cache);
  if (cache->matches->len < bus_match_cache_topics_max (cache))
    return match_cache_append (cache);
  match = match_cache_oldest (cache);
  bus_table_remove (&cache->table, match->key.hash, match);
  match->publisher = 0;
  match->counter = (BusTopicPlace){ 0, 0 };
  return match;
}

/* Makes the match from the present contents of the index. */
static void
match_cache_make (BusMatchCache *cache, BusMatch *match, BusKey key)
{
  const gsize before = match->room;

  bus_match_make (&cache->scratch, cache->index, match, key);
  match->checked = *cache->changes;
  cache->bytes = cache->bytes - before + match->room;
  cache->made++;
}

static BusMatch *
match_cache_add (BusMatchCache *cache, BusKey key)
{
  BusMatch *match = match_cache_take (cache);

  match->serial = ++cache->last_serial;
  match->domain = bus_domain_of_topic (key.text);
  match_cache_make (cache, match, key);
  bus_table_add (&cache->table, key.hash, match);
  return match;
}

/* Subscriptions were added or removed since the match was looked up last: makes it again if this concerns its topic.
 *
 * Dropping the whole cache at each change would be simple, but each subscribe would make the next message of every topic
 * expensive: while clients connect one after the other, most publishes would make a match again. Finding the matches of the
 * changed pattern would need a second index, from patterns to topics. So nothing is done at the change itself, except that the
 * index increases a counter, which bus_match_is_current() compares.
 *
 * At the next look-up the mark of the topic is computed again. That costs a walk through the places of the index to which the
 * topic leads (the exact topic and each matching pattern), but touches no subscription. The mark has the newest change of these
 * places and their number. Both are needed: a place whose last subscription ends is removed, with its change number, so only the
 * number of places shows that; and if another place appeared instead, its change is newer than that of all others.
 *
 * If the mark is the same, the match is still valid. Otherwise it is made again in the same struct, so its address stays valid; it
 * keeps the counter of its topic. */
static void
match_check (BusMatchCache *cache, BusMatch *match)
{
  if (bus_index_mark_equal (match->mark, bus_index_mark (cache->index, match->key.text)))
    {
      match->checked = *cache->changes;
      return;
    }
  match_cache_make_room (cache, match);
  match_cache_make (cache, match, match->key);
}

BusMatch *
bus_match_find (BusMatchCache *cache, BusKey topic)
{
  BusMatch *match = match_cache_find (cache, topic);

  if (match != NULL)
    match->is_recent = TRUE;
  return match;
}

BusMatch *
bus_match_lookup (BusMatchCache *cache, WireSpan topic)
{
  const BusKey key = bus_key (cache->seed, topic);
  BusMatch *match = match_cache_find (cache, key);

  if (match == NULL)
    return match_cache_add (cache, key);
  match->is_recent = TRUE;
  if (!bus_match_is_current (cache, match))
    match_check (cache, match);
  return match;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-match-make.h"

#include "peer/bus-peer.h"

#define MATCH_ALIGN sizeof (guint64)

typedef struct
{
  BusPeer *peer;
  guint n_plain;
  guint n_other; /* subscriptions with a filter, and members of groups */
} MatchReceiver;

typedef struct
{
  BusGroup *group;
  guint n; /* subscriptions; several may belong to one peer */
} MatchGroup;

typedef struct
{
  guint n_filtered;
  guint n_grouped;
} MatchCounts;

void
bus_match_scratch_init (BusMatchScratch *scratch)
{
  *scratch = (BusMatchScratch){ .entries = g_ptr_array_new (),
                                .found = g_ptr_array_new (),
                                .receivers = g_array_new (FALSE, FALSE, sizeof (MatchReceiver)),
                                .groups = g_array_new (FALSE, FALSE, sizeof (MatchGroup)) };
}

void
bus_match_scratch_clear (BusMatchScratch *scratch)
{
  g_clear_pointer (&scratch->entries, g_ptr_array_unref);
  g_clear_pointer (&scratch->found, g_ptr_array_unref);
  g_clear_pointer (&scratch->receivers, g_array_unref);
  g_clear_pointer (&scratch->groups, g_array_unref);
}

/* --- matching --- */

/* Removes entries whose owner may not receive the topic. One decision counts for all equal patterns of a peer. */
static void
match_drop_forbidden (GPtrArray *entries, WireSpan topic)
{
  guint kept = 0;

  if (bus_policy_lets_all_receive (topic))
    return;
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
match_find (BusMatchScratch *scratch, const BusIndex *index, BusMatch *match)
{
  g_ptr_array_set_size (scratch->entries, 0);
  g_ptr_array_set_size (scratch->found, 0);
  match->mark = bus_index_match (index, match->key.text, scratch->entries);
  if (scratch->entries->len == 0)
    return;
  match_drop_forbidden (scratch->entries, match->key.text);
  bus_index_append_items (scratch->found, scratch->entries);
}

/* --- numbers --- */

static MatchReceiver *
match_note_receiver (BusMatchScratch *scratch, BusPeer *peer)
{
  if (peer->match_note.stamp != scratch->stamp)
    {
      MatchReceiver receiver = { .peer = peer };

      peer->match_note.stamp = scratch->stamp;
      peer->match_note.place = scratch->receivers->len;
      g_array_append_val (scratch->receivers, receiver);
    }
  return &g_array_index (scratch->receivers, MatchReceiver, peer->match_note.place);
}

static MatchGroup *
match_note_group (BusMatchScratch *scratch, BusGroup *group)
{
  if (group->match_note.stamp != scratch->stamp)
    {
      MatchGroup noted = { .group = group };

      group->match_note.stamp = scratch->stamp;
      group->match_note.place = scratch->groups->len;
      g_array_append_val (scratch->groups, noted);
    }
  return &g_array_index (scratch->groups, MatchGroup, group->match_note.place);
}

static MatchCounts
match_count (BusMatchScratch *scratch)
{
  MatchCounts counts = { 0, 0 };

  scratch->stamp++;
  g_array_set_size (scratch->receivers, 0);
  g_array_set_size (scratch->groups, 0);
  for (guint i = 0; i < scratch->found->len; i++)
    {
      BusSubscription *subscription = g_ptr_array_index (scratch->found, i);
      MatchReceiver *receiver = match_note_receiver (scratch, subscription->owner);

      if (subscription->group == NULL && subscription->filter == NULL)
        {
          receiver->n_plain++;
          continue;
        }
      receiver->n_other++;
      if (subscription->group == NULL)
        {
          counts.n_filtered++;
          continue;
        }
      counts.n_grouped++;
      match_note_group (scratch, subscription->group)->n++;
    }
  return counts;
}

/* --- the block --- */

static gsize
match_text_room (gsize len)
{
  return (len + MATCH_ALIGN - 1) / MATCH_ALIGN * MATCH_ALIGN;
}

/* Makes the block large enough for the topic and @arrays bytes. It is used again unless it is more than four times too large. */
static void
match_reserve (BusMatch *match, gsize arrays)
{
  const gsize size = match_text_room (match->key.text.len) + arrays;
  const gboolean is_own = match->key.text.data == match->block;
  guint8 *block = match->block;

  if (match->room < size || match->room / 4 > size)
    block = g_malloc (size);
  if (!is_own || block != match->block)
    memcpy (block, match->key.text.data, match->key.text.len); /* a valid topic is not empty */
  if (block != match->block)
    {
      g_free (match->block);
      match->block = block;
      match->room = size;
    }
  match->key.text.data = block;
}

static gpointer
match_take (guint8 **at, gsize size)
{
  gpointer taken = *at;

  *at += size;
  return taken;
}

/* Divides the block into the arrays, and sets peers and groups. The arrays contain no subscriptions yet. */
static void
match_divide (const BusMatchScratch *scratch, BusMatch *match, const MatchCounts *counts)
{
  guint8 *at;

  match->n_receivers = scratch->receivers->len;
  match->n_groups = scratch->groups->len;
  match->n_filtered = 0;
  match_reserve (match, match->n_receivers * sizeof (BusReceiver) + match->n_groups * sizeof (BusGroupMatch)
                            + counts->n_filtered * sizeof (BusFilteredMatch)
                            + (scratch->found->len + counts->n_grouped) * sizeof (BusSubscription *)
                            + counts->n_grouped * sizeof (guint));
  at = match->block + match_text_room (match->key.text.len);
  match->receivers = match_take (&at, match->n_receivers * sizeof (BusReceiver));
  match->groups = match_take (&at, match->n_groups * sizeof (BusGroupMatch));
  match->filtered = match_take (&at, counts->n_filtered * sizeof (BusFilteredMatch));
  for (guint i = 0; i < match->n_receivers; i++)
    {
      const MatchReceiver *noted = &g_array_index (scratch->receivers, MatchReceiver, i);
      const gsize n = noted->n_plain + noted->n_other;

      match->receivers[i]
          = (BusReceiver){ .peer = noted->peer, .subscriptions = match_take (&at, n * sizeof (BusSubscription *)) };
    }
  for (guint i = 0; i < match->n_groups; i++)
    {
      const MatchGroup *noted = &g_array_index (scratch->groups, MatchGroup, i);

      match->groups[i] = (BusGroupMatch){ .group = noted->group,
                                          .candidates = match_take (&at, noted->n * sizeof (BusSubscription *)) };
    }
  for (guint i = 0; i < match->n_groups; i++)
    match->groups[i].receivers = match_take (&at, g_array_index (scratch->groups, MatchGroup, i).n * sizeof (guint));
}

/* --- filling --- */

static void
match_add (BusMatch *match, BusSubscription *subscription)
{
  const guint place = subscription->owner->match_note.place;
  BusReceiver *receiver = &match->receivers[place];
  BusGroupMatch *group;

  if (subscription->group == NULL && subscription->filter == NULL)
    {
      receiver->subscriptions[receiver->n_plain++] = subscription;
      match->first = subscription;
      return;
    }
  if (subscription->group == NULL)
    {
      match->filtered[match->n_filtered++] = (BusFilteredMatch){ subscription, place };
      return;
    }
  group = &match->groups[subscription->group->match_note.place];
  group->candidates[group->n] = subscription;
  group->receivers[group->n++] = place;
}

/* Keeps one candidate for each peer, the oldest, also if several patterns of the peer match. */
static void
match_drop_repeated (BusMatchScratch *scratch, BusGroupMatch *group)
{
  guint kept = 0;

  scratch->stamp++;
  for (guint i = 0; i < group->n; i++)
    {
      BusMatchNote *note = &group->candidates[i]->owner->match_note;

      if (note->member_stamp == scratch->stamp)
        continue;
      note->member_stamp = scratch->stamp;
      group->candidates[kept] = group->candidates[i];
      group->receivers[kept++] = group->receivers[i];
    }
  group->n = kept;
}

void
bus_match_make (BusMatchScratch *scratch, const BusIndex *index, BusMatch *match, BusKey key)
{
  MatchCounts counts;

  match->key = key;
  match->first = NULL;
  match_find (scratch, index, match);
  counts = match_count (scratch);
  match_divide (scratch, match, &counts);
  for (guint i = 0; i < scratch->found->len; i++)
    match_add (match, g_ptr_array_index (scratch->found, i));
  for (guint i = 0; i < match->n_groups; i++)
    match_drop_repeated (scratch, &match->groups[i]);
}

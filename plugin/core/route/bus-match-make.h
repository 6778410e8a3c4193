/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-match-set.h"

/*
 * Making a match: sorts the subscriptions that the index finds for a topic into receivers, groups and candidates.
 *
 * This takes two passes over the subscriptions: the first one numbers and counts peers and groups, the second one fills the
 * arrays. The numbers are stored in the peers and groups themselves (BusMatchNote), with a stamp that is new for each match, so no
 * hash table is needed. Topic and arrays are in one block of memory. A block that is large enough is used again, so a match that
 * takes the place of another one usually allocates nothing.
 *
 * Invariant: all arrays of a match are in its block.
 */

/* Arrays for the work on one match, kept for the next one. */
typedef struct
{
  GPtrArray *entries; /* BusIndexEntry that match */
  GPtrArray *found;   /* their BusSubscription, in order */
  GArray *receivers;
  GArray *groups;
  guint64 stamp; /* see BusMatchNote */
} BusMatchScratch;

void bus_match_scratch_init (BusMatchScratch *scratch);
void bus_match_scratch_clear (BusMatchScratch *scratch);

/* Fills @match for the topic of @key. The bytes of the topic are copied; they may be those in the block of @match. */
void bus_match_make (BusMatchScratch *scratch, const BusIndex *index, BusMatch *match, BusKey key);

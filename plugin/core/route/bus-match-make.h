/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-match-set.h"

/*
 * Making a match: from what the index finds to receivers, groups and candidates.
 *
 * The subscriptions are gone through twice: first peers and groups are numbered and counted, then the arrays are filled.
 * The numbers are noted in the peers and groups themselves (BusMatchNote), under a stamp that is new for each match, so no
 * table is needed. Topic and arrays lie in one block, and a block that is large enough is used again, so a match that
 * takes the place of another one mostly allocates nothing.
 *
 * Invariant: the arrays of a match lie in its block.
 */

/* Arrays that are used again for each match. */
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

/* Fills @match for the topic of @key, whose bytes are copied; they may be those of @match itself. */
void bus_match_make (BusMatchScratch *scratch, const BusIndex *index, BusMatch *match, BusKey key);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "index/bus-index.h"

/*
 * An oracle for the index: it splits text and compares the segments one by one, and shares no code with the index. This file also
 * has items that are filed in an index, and the comparison of the results of the index with those of the oracle.
 */

gboolean oracle_match (char *const *pattern, char *const *topic);

/* Many texts with their segments. */
typedef struct
{
  char *text;
  char **split;
} OracleLine;

GPtrArray *oracle_lines_new (void);

void oracle_lines_add (GPtrArray *lines, const char *text);

const OracleLine *oracle_line (const GPtrArray *lines, guint i);

/* Returns every text of 1 to @levels segments from @letters; the first segment is from @first. */
GPtrArray *oracle_enumerate (const char *const *first, const char *const *letters, guint n_letters, guint levels);

GPtrArray *oracle_topics (guint levels);

gboolean oracle_is_pattern (char *const *split);

GPtrArray *oracle_good_patterns (guint levels);

/* The oracle's index: the filed items, in order. Three owners share the items. */
typedef struct
{
  const OracleLine *pattern;
  gpointer item;
  BusFiled *filed;
} IndexEntry;

void index_assert_matches (const BusIndex *index, const GArray *entries, const OracleLine *topic);

void index_add_entry (BusIndex *index, GArray *entries, const OracleLine *pattern, gpointer item);

void index_remove_entry (BusIndex *index, GArray *entries, guint at);

void index_remove_all (BusIndex *index, GArray *entries);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-manifest.h"

#include "wire-span.h"

/*
 * A manifest: a list of the expected answers to one question, with the outcome (the class) of each.
 *
 * Invariant: the number of expected answers is the number of entries, and also the sum of the counts of all classes. A message
 * for which this is not true is refused.
 *
 * A manifest is one block with its entries and their texts. It does not change after deye_bus_manifest_read(). A reference to an
 * entry is a reference to the manifest.
 */

#define DEYE_BUS_N_ANSWER_CLASSES ((guint) DEYE_BUS_ANSWER_CLASS_NEVER_ASKED + 1)

struct _DeyeBusManifestEntry
{
  DeyeBusManifest *manifest; /* contains the entry */
  const char *id;            /* NULL: no collector had the shard */
  guint64 incarnation;
  guint shard;
  DeyeBusAnswerClass answer;
  DeyeBusNeverAsked never_asked;
  guint32 status;
  const char *text; /* NULL: none */
  guint attempts;
  guint64 bytes;
  guint64 elapsed_us;
  DeyeBusExtent *extent; /* NULL: not set */
  gboolean is_retryable;
};

struct _DeyeBusManifest
{
  gatomicrefcount refs;
  guint64 query_id;
  guint64 epoch;
  guint64 asked_time_us;
  guint64 elapsed_us;
  DeyeBusGatherVerdict verdict;
  gboolean is_met;
  guint counts[DEYE_BUS_N_ANSWER_CLASSES]; /* by class; the first element is not used */
  guint truncated;
  guint duplicates;
  guint late;
  guint joined_after;
  gboolean is_roster_sure;
  guint n_entries;
  DeyeBusManifestEntry entries[]; /* by index */
};

/* @packed: a Manifest. NULL: it cannot be read, contradicts itself, or has values that do not exist; or there is no memory. */
DeyeBusManifest *deye_bus_manifest_read (WireSpan packed);

static inline gboolean
deye_bus_manifest_entry_has_answer (const DeyeBusManifestEntry *entry)
{
  return entry->answer == DEYE_BUS_ANSWER_CLASS_ANSWERED || entry->answer == DEYE_BUS_ANSWER_CLASS_EMPTY;
}

/* A name of the entry for users: the id of its collector, or "shard 3". Transfer full. */
char *deye_bus_manifest_entry_name (const DeyeBusManifestEntry *entry);
/* The outcome of the entry, as "died" or "not registered", in the user's language. */
const char *deye_bus_manifest_entry_word (const DeyeBusManifestEntry *entry);
/* The error of a question whose requirement is not met. It names the collectors whose answers are missing, and the call to use.
 * Transfer full. */
GError *deye_bus_manifest_error (const DeyeBusManifest *manifest);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-manifest.h"

#include "gather.pb-c.h"

/*
 * A manifest: a list of the expected answers to one question, with the outcome (the class) of each.
 *
 * Invariant: the number of expected answers is the number of entries, and also the sum of the counts of all classes. A message
 * for which this is not true is refused.
 */

#define DEYE_BUS_N_ANSWER_CLASSES ((guint) DEYE_BUS_ANSWER_CLASS_NEVER_ASKED + 1)

struct _DeyeBusManifestEntry
{
  gatomicrefcount refs;
  char *id; /* NULL: no collector had the shard */
  guint64 incarnation;
  guint shard;
  DeyeBusAnswerClass answer;
  DeyeBusNeverAsked never_asked;
  guint32 status;
  char *text; /* NULL: none */
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
  GPtrArray *entries; /* of DeyeBusManifestEntry, by index */
};

/* NULL: the message contradicts itself, or has values that do not exist. */
DeyeBusManifest *deye_bus_manifest_new (const Daemoneye__Eventbus__V1__Manifest *message);

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

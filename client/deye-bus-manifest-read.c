/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-manifest-private.h"

#include "deye-bus-extent-private.h"
#include "gather.pb-c.h"
#include "wire-field.h"
#include "wire-guard-private.h"
#include "wire-guard-scan.h"

/*
 * Reads the packed message Manifest in place. The manifest, its entries and their texts are one block.
 *
 * Invariant: the size of the block is bounded like the memory of an unpacked message (wire_guard_budget()), and follows from the
 * bytes of the message, not from a number in it.
 */

#define MEMBERS 24u /* number of the field that has one element for each entry */

G_STATIC_ASSERT ((int) DEYE_BUS_ANSWER_CLASS_ANSWERED == (int) DAEMONEYE__EVENTBUS__V1__ANSWER_CLASS__ANSWER_ANSWERED);
G_STATIC_ASSERT ((int) DEYE_BUS_ANSWER_CLASS_NEVER_ASKED
                 == (int) DAEMONEYE__EVENTBUS__V1__ANSWER_CLASS__ANSWER_NEVER_ASKED);
G_STATIC_ASSERT ((int) DEYE_BUS_NEVER_ASKED_DENIED == (int) DAEMONEYE__EVENTBUS__V1__NEVER_ASKED__NEVER_ASKED_DENIED);
G_STATIC_ASSERT ((int) DEYE_BUS_GATHER_VERDICT_COMPLETE
                 == (int) DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_COMPLETE);
G_STATIC_ASSERT ((int) DEYE_BUS_GATHER_VERDICT_FAILED == (int) DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_FAILED);

/* The fields of ManifestMember. */
typedef struct
{
  guint64 index;
  WireSpan id;
  guint64 incarnation;
  guint64 shard;
  guint64 answer;
  guint64 never_asked;
  guint64 status;
  WireSpan text;
  guint64 attempts;
  guint64 bytes;
  guint64 elapsed_us;
  WireSpan extent;
  guint64 retryable;
} MemberFields;

/* The fields of Manifest, without its members. */
typedef struct
{
  guint64 query_id;
  guint64 epoch;
  guint64 asked_time_us;
  guint64 elapsed_us;
  guint64 verdict;
  guint64 is_met;
  guint64 expected;
  guint64 counts[DEYE_BUS_N_ANSWER_CLASSES];
  guint64 truncated;
  guint64 duplicates;
  guint64 late;
  guint64 joined_after;
  guint64 roster_is_sure;
} ManifestFields;

#define NUMBER(type, member) WIRE_FIELD_ROW (WIRE_FIELD_NUMBER, type, member)
#define SPAN(type, member)   WIRE_FIELD_ROW (WIRE_FIELD_SPAN, type, member)
#define COUNT(name)          NUMBER (ManifestFields, counts[DEYE_BUS_ANSWER_CLASS_##name])

static const WireFieldRow member_rows[] = {
  [1] = NUMBER (MemberFields, index),       [2] = SPAN (MemberFields, id),
  [3] = NUMBER (MemberFields, incarnation), [4] = NUMBER (MemberFields, shard),
  [5] = NUMBER (MemberFields, answer),      [6] = NUMBER (MemberFields, never_asked),
  [7] = NUMBER (MemberFields, status),      [8] = SPAN (MemberFields, text),
  [9] = NUMBER (MemberFields, attempts),    [10] = NUMBER (MemberFields, bytes),
  [11] = NUMBER (MemberFields, elapsed_us), [12] = SPAN (MemberFields, extent),
  [13] = NUMBER (MemberFields, retryable),
};

static const WireFieldRow manifest_rows[] = {
  [1] = NUMBER (ManifestFields, query_id),
  [2] = NUMBER (ManifestFields, epoch),
  [3] = NUMBER (ManifestFields, asked_time_us),
  [5] = NUMBER (ManifestFields, elapsed_us),
  [6] = NUMBER (ManifestFields, verdict),
  [9] = NUMBER (ManifestFields, is_met),
  [10] = NUMBER (ManifestFields, expected),
  [11] = COUNT (ANSWERED),
  [12] = COUNT (EMPTY),
  [13] = COUNT (FAILED),
  [14] = COUNT (TIMED_OUT),
  [15] = COUNT (DIED),
  [16] = COUNT (CANCELLED),
  [17] = COUNT (REFUSED),
  [18] = COUNT (NEVER_ASKED),
  [19] = NUMBER (ManifestFields, truncated),
  [20] = NUMBER (ManifestFields, duplicates),
  [21] = NUMBER (ManifestFields, late),
  [22] = NUMBER (ManifestFields, joined_after),
  [23] = NUMBER (ManifestFields, roster_is_sure),
};

/* --- entries --- */

/* Negative numbers of an enum are sign-extended, so they are large here. */
static gboolean
member_is_valid (const MemberFields *member, guint index)
{
  return member->index == index && member->answer >= DEYE_BUS_ANSWER_CLASS_ANSWERED
         && member->answer <= DEYE_BUS_ANSWER_CLASS_NEVER_ASKED && member->never_asked <= DEYE_BUS_NEVER_ASKED_DENIED;
}

static const char *
manifest_put_text (char **at, WireSpan text)
{
  return text.len > 0 ? wire_span_put_text (at, text) : NULL;
}

/* @at: where the texts of the entry are copied to */
static void
manifest_add_entry (DeyeBusManifest *self, const MemberFields *member, char **at)
{
  DeyeBusManifestEntry *entry = &self->entries[self->n_entries++];

  *entry = (DeyeBusManifestEntry){
    .manifest = self,
    .id = manifest_put_text (at, member->id),
    .incarnation = member->incarnation,
    .shard = (guint) member->shard,
    .answer = (DeyeBusAnswerClass) member->answer,
    .never_asked = (DeyeBusNeverAsked) member->never_asked,
    .status = (guint32) member->status,
    .text = manifest_put_text (at, member->text),
    .attempts = (guint) member->attempts,
    .bytes = member->bytes,
    .elapsed_us = member->elapsed_us,
    .extent = deye_bus_extent_read (member->extent),
    .is_retryable = !!member->retryable,
  };
  self->counts[entry->answer]++;
}

/* FALSE: an entry is not valid. */
static gboolean
manifest_add_entries (DeyeBusManifest *self, WireSpan packed, char *at)
{
  WireField field;

  while (wire_field_next (&packed, &field))
    {
      MemberFields member = { 0 };

      if (field.number != MEMBERS)
        continue;
      wire_field_read (field.bytes, member_rows, G_N_ELEMENTS (member_rows), &member);
      if (!member_is_valid (&member, self->n_entries))
        return FALSE;
      manifest_add_entry (self, &member, &at);
    }
  return TRUE;
}

/* --- the manifest --- */

/* TRUE if the counts of the message agree with its entries. */
static gboolean
manifest_counts_agree (const DeyeBusManifest *self, const ManifestFields *fields)
{
  for (guint i = 1; i < DEYE_BUS_N_ANSWER_CLASSES; i++)
    if (self->counts[i] != fields->counts[i])
      return FALSE;
  return fields->expected == self->n_entries;
}

static gboolean
manifest_is_complete (const DeyeBusManifest *self)
{
  return self->n_entries > 0 && self->is_roster_sure && self->truncated == 0
         && self->counts[DEYE_BUS_ANSWER_CLASS_ANSWERED] + self->counts[DEYE_BUS_ANSWER_CLASS_EMPTY] == self->n_entries;
}

static gboolean
manifest_verdict_is_valid (const DeyeBusManifest *self, guint64 verdict)
{
  return verdict >= DEYE_BUS_GATHER_VERDICT_COMPLETE && verdict <= DEYE_BUS_GATHER_VERDICT_FAILED
         && (verdict == DEYE_BUS_GATHER_VERDICT_COMPLETE) == manifest_is_complete (self);
}

static void
manifest_init (DeyeBusManifest *self, const ManifestFields *fields)
{
  *self = (DeyeBusManifest){
    .query_id = fields->query_id,
    .epoch = fields->epoch,
    .asked_time_us = fields->asked_time_us,
    .elapsed_us = fields->elapsed_us,
    .verdict = (DeyeBusGatherVerdict) fields->verdict,
    .is_met = !!fields->is_met,
    .truncated = (guint) fields->truncated,
    .duplicates = (guint) fields->duplicates,
    .late = (guint) fields->late,
    .joined_after = (guint) fields->joined_after,
    .is_roster_sure = !!fields->roster_is_sure,
  };
  g_atomic_ref_count_init (&self->refs);
}

/* Returns a block with room for the entries, and for their texts: a text with its NUL is shorter than its packed field. NULL: the
 * block would be too large, or there is no memory. @texts: (out) */
static DeyeBusManifest *
manifest_alloc (WireSpan packed, char **texts)
{
  const gsize most = wire_guard_budget (packed.len);
  gsize size = sizeof (DeyeBusManifest), text_size = 0;
  WireSpan rest = packed;
  WireField field;
  DeyeBusManifest *self;

  while (wire_field_next (&rest, &field))
    if (field.number == MEMBERS)
      {
        size += sizeof (DeyeBusManifestEntry);
        text_size += field.bytes.len;
      }
  self = size + text_size <= most ? g_try_malloc (size + text_size) : NULL;
  if (self != NULL)
    *texts = (char *) self + size;
  return self;
}

DeyeBusManifest *
deye_bus_manifest_read (WireSpan packed)
{
  g_autoptr (DeyeBusManifest) self = NULL;
  ManifestFields fields = { 0 };
  char *texts = NULL;

  if (wire_guard_scan (&daemoneye__eventbus__v1__manifest__descriptor, packed, 0, TRUE).status != WIRE_STATUS_OK)
    return NULL;
  self = manifest_alloc (packed, &texts);
  if (self == NULL)
    return NULL;
  wire_field_read (packed, manifest_rows, G_N_ELEMENTS (manifest_rows), &fields);
  manifest_init (self, &fields);
  if (!manifest_add_entries (self, packed, texts) || !manifest_counts_agree (self, &fields)
      || !manifest_verdict_is_valid (self, fields.verdict))
    return NULL;
  return g_steal_pointer (&self);
}

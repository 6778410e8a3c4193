/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-manifest-private.h"

#include "deye-bus-error-private.h"
#include "deye-bus-extent-private.h"
#include "wire-status.h"

/* Manifests and their entries: boxed values with a reference count. A message whose sums are wrong is refused. */

typedef Daemoneye__Eventbus__V1__Manifest Manifest;
typedef Daemoneye__Eventbus__V1__ManifestMember Member;

G_STATIC_ASSERT ((int) DEYE_BUS_ANSWER_CLASS_ANSWERED == (int) DAEMONEYE__EVENTBUS__V1__ANSWER_CLASS__ANSWER_ANSWERED);
G_STATIC_ASSERT ((int) DEYE_BUS_ANSWER_CLASS_NEVER_ASKED
                 == (int) DAEMONEYE__EVENTBUS__V1__ANSWER_CLASS__ANSWER_NEVER_ASKED);
G_STATIC_ASSERT ((int) DEYE_BUS_NEVER_ASKED_DENIED == (int) DAEMONEYE__EVENTBUS__V1__NEVER_ASKED__NEVER_ASKED_DENIED);
G_STATIC_ASSERT ((int) DEYE_BUS_GATHER_VERDICT_COMPLETE
                 == (int) DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_COMPLETE);
G_STATIC_ASSERT ((int) DEYE_BUS_GATHER_VERDICT_FAILED == (int) DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_FAILED);

G_DEFINE_BOXED_TYPE (DeyeBusManifestEntry,
                     deye_bus_manifest_entry,
                     deye_bus_manifest_entry_ref,
                     deye_bus_manifest_entry_unref)
G_DEFINE_BOXED_TYPE (DeyeBusManifest, deye_bus_manifest, deye_bus_manifest_ref, deye_bus_manifest_unref)

/* --- entries --- */

static char *
manifest_dup_text (const char *text)
{
  return *text != '\0' ? g_strdup (text) : NULL;
}

static gboolean
entry_is_valid (const Member *member, guint index)
{
  return member->index == index && (int) member->answer >= (int) DEYE_BUS_ANSWER_CLASS_ANSWERED
         && (int) member->answer <= (int) DEYE_BUS_ANSWER_CLASS_NEVER_ASKED
         && (int) member->never_asked >= (int) DEYE_BUS_NEVER_ASKED_NONE
         && (int) member->never_asked <= (int) DEYE_BUS_NEVER_ASKED_DENIED;
}

static DeyeBusManifestEntry *
entry_new (const Member *member)
{
  DeyeBusManifestEntry *entry = g_new0 (DeyeBusManifestEntry, 1);

  g_atomic_ref_count_init (&entry->refs);
  entry->id = manifest_dup_text (member->id);
  entry->incarnation = member->incarnation;
  entry->shard = member->shard;
  entry->answer = (DeyeBusAnswerClass) member->answer;
  entry->never_asked = (DeyeBusNeverAsked) member->never_asked;
  entry->status = member->status;
  entry->text = manifest_dup_text (member->text);
  entry->attempts = member->attempts;
  entry->bytes = member->bytes;
  entry->elapsed_us = member->elapsed_us;
  entry->extent = deye_bus_extent_new_from_message (member->extent);
  entry->is_retryable = !!member->retryable;
  return entry;
}

DeyeBusManifestEntry *
deye_bus_manifest_entry_ref (DeyeBusManifestEntry *entry)
{
  g_return_val_if_fail (entry != NULL, NULL);

  g_atomic_ref_count_inc (&entry->refs);
  return entry;
}

void
deye_bus_manifest_entry_unref (DeyeBusManifestEntry *entry)
{
  g_return_if_fail (entry != NULL);

  if (!g_atomic_ref_count_dec (&entry->refs))
    return;
  g_clear_pointer (&entry->extent, deye_bus_extent_unref);
  g_free (entry->id);
  g_free (entry->text);
  g_free (entry);
}

const char *
deye_bus_manifest_entry_get_id (const DeyeBusManifestEntry *entry)
{
  g_return_val_if_fail (entry != NULL, NULL);
  return entry->id;
}

guint64
deye_bus_manifest_entry_get_incarnation (const DeyeBusManifestEntry *entry)
{
  g_return_val_if_fail (entry != NULL, 0);
  return entry->incarnation;
}

guint
deye_bus_manifest_entry_get_shard (const DeyeBusManifestEntry *entry)
{
  g_return_val_if_fail (entry != NULL, 0);
  return entry->shard;
}

DeyeBusAnswerClass
deye_bus_manifest_entry_get_answer_class (const DeyeBusManifestEntry *entry)
{
  g_return_val_if_fail (entry != NULL, DEYE_BUS_ANSWER_CLASS_NEVER_ASKED);
  return entry->answer;
}

DeyeBusNeverAsked
deye_bus_manifest_entry_get_never_asked (const DeyeBusManifestEntry *entry)
{
  g_return_val_if_fail (entry != NULL, DEYE_BUS_NEVER_ASKED_NONE);
  return entry->never_asked;
}

const char *
deye_bus_manifest_entry_get_text (const DeyeBusManifestEntry *entry)
{
  g_return_val_if_fail (entry != NULL, NULL);
  return entry->text;
}

/* The status of each class, for entries without a status. */
static const guint32 class_statuses[DEYE_BUS_N_ANSWER_CLASSES] = {
  [DEYE_BUS_ANSWER_CLASS_FAILED] = WIRE_STATUS_FAILED,       [DEYE_BUS_ANSWER_CLASS_TIMED_OUT] = WIRE_STATUS_TIMEOUT,
  [DEYE_BUS_ANSWER_CLASS_DIED] = WIRE_STATUS_RESPONDER_GONE, [DEYE_BUS_ANSWER_CLASS_CANCELLED] = WIRE_STATUS_CANCELLED,
  [DEYE_BUS_ANSWER_CLASS_REFUSED] = WIRE_STATUS_LIMIT,       [DEYE_BUS_ANSWER_CLASS_NEVER_ASKED] = WIRE_STATUS_ABSENT,
};

gboolean
deye_bus_manifest_entry_check (const DeyeBusManifestEntry *entry, GError **error)
{
  WireEnvelope envelope;

  g_return_val_if_fail (entry != NULL, FALSE);

  if (deye_bus_manifest_entry_has_answer (entry))
    return TRUE;
  wire_envelope_init (&envelope);
  envelope.status = entry->status != WIRE_STATUS_OK ? entry->status : class_statuses[entry->answer];
  envelope.detail = wire_span_str (entry->text != NULL ? entry->text : "");
  g_propagate_error (error, deye_bus_error_from_envelope (&envelope));
  return FALSE;
}

guint
deye_bus_manifest_entry_get_attempts (const DeyeBusManifestEntry *entry)
{
  g_return_val_if_fail (entry != NULL, 0);
  return entry->attempts;
}

guint64
deye_bus_manifest_entry_get_bytes (const DeyeBusManifestEntry *entry)
{
  g_return_val_if_fail (entry != NULL, 0);
  return entry->bytes;
}

gint64
deye_bus_manifest_entry_get_elapsed (const DeyeBusManifestEntry *entry)
{
  g_return_val_if_fail (entry != NULL, 0);
  return (gint64) MIN (entry->elapsed_us, (guint64) G_MAXINT64);
}

DeyeBusExtent *
deye_bus_manifest_entry_dup_extent (const DeyeBusManifestEntry *entry)
{
  g_return_val_if_fail (entry != NULL, NULL);
  return entry->extent != NULL ? deye_bus_extent_ref (entry->extent) : NULL;
}

gboolean
deye_bus_manifest_entry_is_retryable (const DeyeBusManifestEntry *entry)
{
  g_return_val_if_fail (entry != NULL, FALSE);
  return entry->is_retryable;
}

/* --- the manifest --- */

/* TRUE if the counts of @message agree with its entries. */
static gboolean
manifest_counts_agree (const DeyeBusManifest *self, const Manifest *message)
{
  const guint32 message_counts[] = { 0,
                                     message->answered,
                                     message->empty,
                                     message->failed,
                                     message->timed_out,
                                     message->died,
                                     message->cancelled,
                                     message->refused,
                                     message->never_asked };

  G_STATIC_ASSERT (G_N_ELEMENTS (message_counts) == DEYE_BUS_N_ANSWER_CLASSES);
  for (guint i = 1; i < DEYE_BUS_N_ANSWER_CLASSES; i++)
    if (self->counts[i] != message_counts[i])
      return FALSE;
  return message->expected == self->entries->len;
}

static gboolean
manifest_is_complete (const DeyeBusManifest *self)
{
  return self->entries->len > 0 && self->is_roster_sure && self->truncated == 0
         && self->counts[DEYE_BUS_ANSWER_CLASS_ANSWERED] + self->counts[DEYE_BUS_ANSWER_CLASS_EMPTY]
                == self->entries->len;
}

/* FALSE: an entry is not valid. */
static gboolean
manifest_add_entries (DeyeBusManifest *self, const Manifest *message)
{
  for (guint i = 0; i < message->n_members; i++)
    {
      const Member *member = message->members[i];

      if (!entry_is_valid (member, i))
        return FALSE;
      self->counts[member->answer]++;
      g_ptr_array_add (self->entries, entry_new (member));
    }
  return TRUE;
}

static gboolean
manifest_verdict_is_valid (const DeyeBusManifest *self)
{
  return (int) self->verdict >= (int) DEYE_BUS_GATHER_VERDICT_COMPLETE
         && (int) self->verdict <= (int) DEYE_BUS_GATHER_VERDICT_FAILED
         && (self->verdict == DEYE_BUS_GATHER_VERDICT_COMPLETE) == manifest_is_complete (self);
}

DeyeBusManifest *
deye_bus_manifest_new (const Manifest *message)
{
  g_autoptr (DeyeBusManifest) self = g_new0 (DeyeBusManifest, 1);

  g_atomic_ref_count_init (&self->refs);
  self->query_id = message->query_id;
  self->epoch = message->epoch;
  self->asked_time_us = message->asked_time_us;
  self->elapsed_us = message->elapsed_us;
  self->verdict = (DeyeBusGatherVerdict) message->verdict;
  self->is_met = !!message->is_met;
  self->truncated = message->truncated;
  self->duplicates = message->duplicates;
  self->late = message->late_answers;
  self->joined_after = message->joined_after;
  self->is_roster_sure = !!message->roster_is_sure;
  self->entries = g_ptr_array_new_with_free_func ((GDestroyNotify) deye_bus_manifest_entry_unref);
  if (!manifest_add_entries (self, message) || !manifest_counts_agree (self, message)
      || !manifest_verdict_is_valid (self))
    return NULL;
  return g_steal_pointer (&self);
}

DeyeBusManifest *
deye_bus_manifest_ref (DeyeBusManifest *manifest)
{
  g_return_val_if_fail (manifest != NULL, NULL);

  g_atomic_ref_count_inc (&manifest->refs);
  return manifest;
}

void
deye_bus_manifest_unref (DeyeBusManifest *manifest)
{
  g_return_if_fail (manifest != NULL);

  if (!g_atomic_ref_count_dec (&manifest->refs))
    return;
  g_ptr_array_unref (manifest->entries);
  g_free (manifest);
}

DeyeBusGatherVerdict
deye_bus_manifest_get_verdict (const DeyeBusManifest *manifest)
{
  g_return_val_if_fail (manifest != NULL, DEYE_BUS_GATHER_VERDICT_FAILED);
  return manifest->verdict;
}

gboolean
deye_bus_manifest_is_met (const DeyeBusManifest *manifest)
{
  g_return_val_if_fail (manifest != NULL, FALSE);
  return manifest->is_met;
}

guint
deye_bus_manifest_get_expected (const DeyeBusManifest *manifest)
{
  g_return_val_if_fail (manifest != NULL, 0);
  return manifest->entries->len;
}

guint
deye_bus_manifest_get_count (const DeyeBusManifest *manifest, DeyeBusAnswerClass answer_class)
{
  g_return_val_if_fail (manifest != NULL, 0);
  return (guint) answer_class < DEYE_BUS_N_ANSWER_CLASSES ? manifest->counts[answer_class] : 0;
}

guint
deye_bus_manifest_get_truncated (const DeyeBusManifest *manifest)
{
  g_return_val_if_fail (manifest != NULL, 0);
  return manifest->truncated;
}

guint
deye_bus_manifest_get_duplicates (const DeyeBusManifest *manifest)
{
  g_return_val_if_fail (manifest != NULL, 0);
  return manifest->duplicates;
}

guint
deye_bus_manifest_get_late (const DeyeBusManifest *manifest)
{
  g_return_val_if_fail (manifest != NULL, 0);
  return manifest->late;
}

guint
deye_bus_manifest_get_joined_after (const DeyeBusManifest *manifest)
{
  g_return_val_if_fail (manifest != NULL, 0);
  return manifest->joined_after;
}

gboolean
deye_bus_manifest_is_roster_sure (const DeyeBusManifest *manifest)
{
  g_return_val_if_fail (manifest != NULL, FALSE);
  return manifest->is_roster_sure;
}

guint64
deye_bus_manifest_get_query_id (const DeyeBusManifest *manifest)
{
  g_return_val_if_fail (manifest != NULL, 0);
  return manifest->query_id;
}

guint64
deye_bus_manifest_get_epoch (const DeyeBusManifest *manifest)
{
  g_return_val_if_fail (manifest != NULL, 0);
  return manifest->epoch;
}

gint64
deye_bus_manifest_get_asked_time (const DeyeBusManifest *manifest)
{
  g_return_val_if_fail (manifest != NULL, 0);
  return (gint64) MIN (manifest->asked_time_us, (guint64) G_MAXINT64);
}

gint64
deye_bus_manifest_get_elapsed (const DeyeBusManifest *manifest)
{
  g_return_val_if_fail (manifest != NULL, 0);
  return (gint64) MIN (manifest->elapsed_us, (guint64) G_MAXINT64);
}

GList *
deye_bus_manifest_list_entries (const DeyeBusManifest *manifest)
{
  GList *entries = NULL;

  g_return_val_if_fail (manifest != NULL, NULL);

  for (guint i = manifest->entries->len; i > 0; i--)
    entries = g_list_prepend (entries, deye_bus_manifest_entry_ref (manifest->entries->pdata[i - 1]));
  return entries;
}

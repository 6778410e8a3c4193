/* SPDX-License-Identifier: Apache-2.0 */
#include "deye-bus-manifest-private.h"

#include "deye-bus-error-private.h"
#include "wire-status.h"

/* Manifests and their entries: boxed values. An entry is a part of its manifest, so both share one reference count. */

G_DEFINE_BOXED_TYPE (DeyeBusManifestEntry,
                     deye_bus_manifest_entry,
                     deye_bus_manifest_entry_ref,
                     deye_bus_manifest_entry_unref)
G_DEFINE_BOXED_TYPE (DeyeBusManifest, deye_bus_manifest, deye_bus_manifest_ref, deye_bus_manifest_unref)

/* --- entries --- */

DeyeBusManifestEntry *
deye_bus_manifest_entry_ref (DeyeBusManifestEntry *entry)
{
  g_return_val_if_fail (entry != NULL, NULL);

  deye_bus_manifest_ref (entry->manifest);
  return entry;
}

void
deye_bus_manifest_entry_unref (DeyeBusManifestEntry *entry)
{
  g_return_if_fail (entry != NULL);

  deye_bus_manifest_unref (entry->manifest);
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
  for (guint i = 0; i < manifest->n_entries; i++)
    g_clear_pointer (&manifest->entries[i].extent, deye_bus_extent_unref);
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
  return manifest->n_entries;
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

/* Transfer full, although the manifest is constant: its reference count is the only field that changes after it was read. */
static DeyeBusManifestEntry *
manifest_dup_entry (const DeyeBusManifest *manifest, guint index)
{
  return deye_bus_manifest_entry_ref ((DeyeBusManifestEntry *) (gsize) &manifest->entries[index]);
}

GList *
deye_bus_manifest_list_entries (const DeyeBusManifest *manifest)
{
  GList *entries = NULL;

  g_return_val_if_fail (manifest != NULL, NULL);

  for (guint i = manifest->n_entries; i > 0; i--)
    entries = g_list_prepend (entries, manifest_dup_entry (manifest, i - 1));
  return entries;
}

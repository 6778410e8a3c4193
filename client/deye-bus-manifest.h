/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-extent.h"

G_BEGIN_DECLS

/**
 * DeyeBusAnswerClass:
 * @DEYE_BUS_ANSWER_CLASS_ANSWERED: it has answered
 * @DEYE_BUS_ANSWER_CLASS_EMPTY: it searched and found nothing
 * @DEYE_BUS_ANSWER_CLASS_FAILED: it reported an error
 * @DEYE_BUS_ANSWER_CLASS_TIMED_OUT: it was asked, and did not answer in time
 * @DEYE_BUS_ANSWER_CLASS_DIED: its connection ended while it worked on the question
 * @DEYE_BUS_ANSWER_CLASS_CANCELLED: an administrator cancelled its part, or the collector stopped
 * @DEYE_BUS_ANSWER_CLASS_REFUSED: the broker did not accept its part, for example because of a limit
 * @DEYE_BUS_ANSWER_CLASS_NEVER_ASKED: it was not asked; see #DeyeBusNeverAsked
 *
 * The outcome of one expected answer. Each expected answer has exactly one class.
 *
 * Since: 0.1
 */
typedef enum
{
  DEYE_BUS_ANSWER_CLASS_ANSWERED = 1,
  DEYE_BUS_ANSWER_CLASS_EMPTY,
  DEYE_BUS_ANSWER_CLASS_FAILED,
  DEYE_BUS_ANSWER_CLASS_TIMED_OUT,
  DEYE_BUS_ANSWER_CLASS_DIED,
  DEYE_BUS_ANSWER_CLASS_CANCELLED,
  DEYE_BUS_ANSWER_CLASS_REFUSED,
  DEYE_BUS_ANSWER_CLASS_NEVER_ASKED,
} DeyeBusAnswerClass;

/**
 * DeyeBusNeverAsked:
 * @DEYE_BUS_NEVER_ASKED_NONE: it was asked
 * @DEYE_BUS_NEVER_ASKED_NOT_REGISTERED: it is not registered
 * @DEYE_BUS_NEVER_ASKED_DRAINING: it takes no more work
 * @DEYE_BUS_NEVER_ASKED_NO_CAPABILITY: it is registered without the operation, the tags or the priority
 * @DEYE_BUS_NEVER_ASKED_AT_CAPACITY: it was busy until the end
 * @DEYE_BUS_NEVER_ASKED_SET_ASIDE: it failed too often
 * @DEYE_BUS_NEVER_ASKED_SUSPECT: it did not answer heartbeats
 * @DEYE_BUS_NEVER_ASKED_PAUSED: the operation is paused, or its limit was reached
 * @DEYE_BUS_NEVER_ASKED_VERSION: its library is too old
 * @DEYE_BUS_NEVER_ASKED_DENIED: the requester may not ask it
 *
 * The reason for which a collector was not asked.
 *
 * Since: 0.1
 */
typedef enum
{
  DEYE_BUS_NEVER_ASKED_NONE,
  DEYE_BUS_NEVER_ASKED_NOT_REGISTERED,
  DEYE_BUS_NEVER_ASKED_DRAINING,
  DEYE_BUS_NEVER_ASKED_NO_CAPABILITY,
  DEYE_BUS_NEVER_ASKED_AT_CAPACITY,
  DEYE_BUS_NEVER_ASKED_SET_ASIDE,
  DEYE_BUS_NEVER_ASKED_SUSPECT,
  DEYE_BUS_NEVER_ASKED_PAUSED,
  DEYE_BUS_NEVER_ASKED_VERSION,
  DEYE_BUS_NEVER_ASKED_DENIED,
} DeyeBusNeverAsked;

/**
 * DeyeBusGatherVerdict:
 * @DEYE_BUS_GATHER_VERDICT_COMPLETE: every collector that is expected has answered, or found nothing, and no answer is truncated
 * @DEYE_BUS_GATHER_VERDICT_PARTIAL: some answers are missing or truncated
 * @DEYE_BUS_GATHER_VERDICT_NOBODY: no collector was expected, or none could be asked
 * @DEYE_BUS_GATHER_VERDICT_FAILED: collectors were asked, and none of them has answered
 *
 * The overall result of a question.
 *
 * Since: 0.1
 */
typedef enum
{
  DEYE_BUS_GATHER_VERDICT_COMPLETE = 1,
  DEYE_BUS_GATHER_VERDICT_PARTIAL,
  DEYE_BUS_GATHER_VERDICT_NOBODY,
  DEYE_BUS_GATHER_VERDICT_FAILED,
} DeyeBusGatherVerdict;

#define DEYE_BUS_TYPE_MANIFEST_ENTRY (deye_bus_manifest_entry_get_type ())

/**
 * DeyeBusManifestEntry:
 *
 * One entry of a manifest: a collector that is expected to answer, or one shard of the question. It is immutable, and its
 * reference count is atomic, so it can be used in any thread.
 *
 * Since: 0.1
 */
typedef struct _DeyeBusManifestEntry DeyeBusManifestEntry;

DEYE_BUS_API GType deye_bus_manifest_entry_get_type (void);

/**
 * deye_bus_manifest_entry_ref:
 * @entry: a #DeyeBusManifestEntry
 *
 * Increases the reference count of an entry.
 *
 * Returns: (transfer full): @entry
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusManifestEntry *deye_bus_manifest_entry_ref (DeyeBusManifestEntry *entry);

/**
 * deye_bus_manifest_entry_unref:
 * @entry: (transfer full): a #DeyeBusManifestEntry
 *
 * Decreases the reference count of an entry and frees it when the count reaches zero.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_manifest_entry_unref (DeyeBusManifestEntry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusManifestEntry, deye_bus_manifest_entry_unref)

/**
 * deye_bus_manifest_entry_get_id:
 * @entry: a #DeyeBusManifestEntry
 *
 * Gets the id of the expected collector, or of the last collector that had the shard.
 *
 * Returns: (transfer none) (nullable): the id, owned by @entry; %NULL if no collector had the shard
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_manifest_entry_get_id (const DeyeBusManifestEntry *entry);

/**
 * deye_bus_manifest_entry_get_incarnation:
 * @entry: a #DeyeBusManifestEntry
 *
 * Gets the incarnation of the collector's client; see deye_bus_peer_get_incarnation().
 *
 * Returns: the number; 0: it is not known
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_manifest_entry_get_incarnation (const DeyeBusManifestEntry *entry);

/**
 * deye_bus_manifest_entry_get_shard:
 * @entry: a #DeyeBusManifestEntry
 *
 * Gets the shard, if the question was divided.
 *
 * Returns: the shard, from 0
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_manifest_entry_get_shard (const DeyeBusManifestEntry *entry);

/**
 * deye_bus_manifest_entry_get_answer_class:
 * @entry: a #DeyeBusManifestEntry
 *
 * Gets the outcome of the entry.
 *
 * Returns: a #DeyeBusAnswerClass
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusAnswerClass deye_bus_manifest_entry_get_answer_class (const DeyeBusManifestEntry *entry);

/**
 * deye_bus_manifest_entry_get_never_asked:
 * @entry: a #DeyeBusManifestEntry
 *
 * Gets the reason for which the collector was not asked.
 *
 * Returns: a #DeyeBusNeverAsked; %DEYE_BUS_NEVER_ASKED_NONE if it was
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusNeverAsked deye_bus_manifest_entry_get_never_asked (const DeyeBusManifestEntry *entry);

/**
 * deye_bus_manifest_entry_get_text:
 * @entry: a #DeyeBusManifestEntry
 *
 * Gets a description of the outcome of the entry, for users, in English.
 *
 * Returns: (transfer none) (nullable): a sentence, owned by @entry; %NULL: none
 *
 * Since: 0.1
 */
DEYE_BUS_API const char *deye_bus_manifest_entry_get_text (const DeyeBusManifestEntry *entry);

/**
 * deye_bus_manifest_entry_check:
 * @entry: a #DeyeBusManifestEntry
 * @error: return location for a #GError, or %NULL
 *
 * Checks whether the entry has an answer.
 *
 * Returns: %TRUE if it has one, or the collector found nothing; otherwise %FALSE with the reason as an error, such as
 *   %DEYE_BUS_ERROR_TIMEOUT or %DEYE_BUS_ERROR_RESPONDER_GONE
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_manifest_entry_check (const DeyeBusManifestEntry *entry, GError **error);

/**
 * deye_bus_manifest_entry_get_attempts:
 * @entry: a #DeyeBusManifestEntry
 *
 * Gets how many times a collector had the question.
 *
 * Returns: the number; 0: none had it
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_manifest_entry_get_attempts (const DeyeBusManifestEntry *entry);

/**
 * deye_bus_manifest_entry_get_bytes:
 * @entry: a #DeyeBusManifestEntry
 *
 * Gets the size of the answer.
 *
 * Returns: the bytes of its payload
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_manifest_entry_get_bytes (const DeyeBusManifestEntry *entry);

/**
 * deye_bus_manifest_entry_get_elapsed:
 * @entry: a #DeyeBusManifestEntry
 *
 * Gets the time from the question to the end of this entry.
 *
 * Returns: the time in microseconds
 *
 * Since: 0.1
 */
DEYE_BUS_API gint64 deye_bus_manifest_entry_get_elapsed (const DeyeBusManifestEntry *entry);

/**
 * deye_bus_manifest_entry_dup_extent:
 * @entry: a #DeyeBusManifestEntry
 *
 * Gets the extent of the answer.
 *
 * Returns: (transfer full) (nullable): the extent; %NULL if there is no answer, or if the collector did not set it
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusExtent *deye_bus_manifest_entry_dup_extent (const DeyeBusManifestEntry *entry);

/**
 * deye_bus_manifest_entry_is_retryable:
 * @entry: a #DeyeBusManifestEntry
 *
 * Checks whether asking again may succeed.
 *
 * Returns: %TRUE if it may
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_manifest_entry_is_retryable (const DeyeBusManifestEntry *entry);

#define DEYE_BUS_TYPE_MANIFEST (deye_bus_manifest_get_type ())

/**
 * DeyeBusManifest:
 *
 * The manifest of a question to many collectors: a list of the expected answers, with the outcome of each. It is immutable, and
 * its reference count is atomic, so it can be used in any thread.
 *
 * deye_bus_manifest_get_expected() is always the sum of deye_bus_manifest_get_count() of all classes. The library refuses a
 * manifest for which that is not true.
 *
 * Since: 0.1
 */
typedef struct _DeyeBusManifest DeyeBusManifest;

DEYE_BUS_API GType deye_bus_manifest_get_type (void);

/**
 * deye_bus_manifest_ref:
 * @manifest: a #DeyeBusManifest
 *
 * Increases the reference count of a manifest.
 *
 * Returns: (transfer full): @manifest
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusManifest *deye_bus_manifest_ref (DeyeBusManifest *manifest);

/**
 * deye_bus_manifest_unref:
 * @manifest: (transfer full): a #DeyeBusManifest
 *
 * Decreases the reference count of a manifest and frees it when the count reaches zero.
 *
 * Since: 0.1
 */
DEYE_BUS_API void deye_bus_manifest_unref (DeyeBusManifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (DeyeBusManifest, deye_bus_manifest_unref)

/**
 * deye_bus_manifest_get_verdict:
 * @manifest: a #DeyeBusManifest
 *
 * Gets the overall result of the question.
 *
 * Returns: a #DeyeBusGatherVerdict
 *
 * Since: 0.1
 */
DEYE_BUS_API DeyeBusGatherVerdict deye_bus_manifest_get_verdict (const DeyeBusManifest *manifest);

/**
 * deye_bus_manifest_is_met:
 * @manifest: a #DeyeBusManifest
 *
 * Checks whether the answers meet the requirement of the question.
 *
 * Returns: %TRUE if they do
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_manifest_is_met (const DeyeBusManifest *manifest);

/**
 * deye_bus_manifest_get_expected:
 * @manifest: a #DeyeBusManifest
 *
 * Gets the number of answers that were expected. It is fixed when the question begins.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_manifest_get_expected (const DeyeBusManifest *manifest);

/**
 * deye_bus_manifest_get_count:
 * @manifest: a #DeyeBusManifest
 * @answer_class: the class
 *
 * Gets the number of expected answers with one class.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_manifest_get_count (const DeyeBusManifest *manifest, DeyeBusAnswerClass answer_class);

/**
 * deye_bus_manifest_get_truncated:
 * @manifest: a #DeyeBusManifest
 *
 * Gets the number of answers that are truncated.
 *
 * Returns: the number; these answers are also counted as %DEYE_BUS_ANSWER_CLASS_ANSWERED
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_manifest_get_truncated (const DeyeBusManifest *manifest);

/**
 * deye_bus_manifest_get_duplicates:
 * @manifest: a #DeyeBusManifest
 *
 * Gets the number of answers of attempts that were not the newest. They were ignored.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_manifest_get_duplicates (const DeyeBusManifest *manifest);

/**
 * deye_bus_manifest_get_late:
 * @manifest: a #DeyeBusManifest
 *
 * Gets the number of answers that arrived after the end of their entry. They were ignored.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_manifest_get_late (const DeyeBusManifest *manifest);

/**
 * deye_bus_manifest_get_joined_after:
 * @manifest: a #DeyeBusManifest
 *
 * Gets the number of collectors that could have answered, but registered after the question began.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
DEYE_BUS_API guint deye_bus_manifest_get_joined_after (const DeyeBusManifest *manifest);

/**
 * deye_bus_manifest_is_roster_sure:
 * @manifest: a #DeyeBusManifest
 *
 * Checks whether the broker knew which collectors to expect.
 *
 * Returns: %FALSE if it had been restarted so recently that not all collectors had reconnected; then the verdict is not
 *   %DEYE_BUS_GATHER_VERDICT_COMPLETE
 *
 * Since: 0.1
 */
DEYE_BUS_API gboolean deye_bus_manifest_is_roster_sure (const DeyeBusManifest *manifest);

/**
 * deye_bus_manifest_get_query_id:
 * @manifest: a #DeyeBusManifest
 *
 * Gets the number of the question, which one broker process never uses twice.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_manifest_get_query_id (const DeyeBusManifest *manifest);

/**
 * deye_bus_manifest_get_epoch:
 * @manifest: a #DeyeBusManifest
 *
 * Gets the number of the broker process, as #DeyeBusClient:broker-epoch.
 *
 * Returns: the number
 *
 * Since: 0.1
 */
DEYE_BUS_API guint64 deye_bus_manifest_get_epoch (const DeyeBusManifest *manifest);

/**
 * deye_bus_manifest_get_asked_time:
 * @manifest: a #DeyeBusManifest
 *
 * Gets when the question was asked.
 *
 * Returns: the time in microseconds since 1970
 *
 * Since: 0.1
 */
DEYE_BUS_API gint64 deye_bus_manifest_get_asked_time (const DeyeBusManifest *manifest);

/**
 * deye_bus_manifest_get_elapsed:
 * @manifest: a #DeyeBusManifest
 *
 * Gets how long the question took.
 *
 * Returns: the time in microseconds
 *
 * Since: 0.1
 */
DEYE_BUS_API gint64 deye_bus_manifest_get_elapsed (const DeyeBusManifest *manifest);

/**
 * deye_bus_manifest_list_entries:
 * @manifest: a #DeyeBusManifest
 *
 * Lists the entries: one for each answer that was expected.
 *
 * Returns: (transfer full) (element-type DeyeBusManifestEntry): the entries
 *
 * Since: 0.1
 */
DEYE_BUS_API GList *deye_bus_manifest_list_entries (const DeyeBusManifest *manifest);

/**
 * deye_bus_manifest_list_missing:
 * @manifest: a #DeyeBusManifest
 *
 * Lists the ids of the expected collectors that have not answered. A shard that no collector had is listed as, for example,
 * `shard 3`.
 *
 * Returns: (transfer full): the ids; free them with g_strfreev()
 *
 * Since: 0.1
 */
DEYE_BUS_API char **deye_bus_manifest_list_missing (const DeyeBusManifest *manifest);

/**
 * deye_bus_manifest_to_string:
 * @manifest: a #DeyeBusManifest
 *
 * Describes a manifest for users: a line with a summary, and a line for each entry that has no answer or a truncated one.
 *
 * Returns: (transfer full): the text, in the language of the user; text of peers is not escaped in it
 *
 * Since: 0.1
 */
DEYE_BUS_API char *deye_bus_manifest_to_string (const DeyeBusManifest *manifest);

G_END_DECLS

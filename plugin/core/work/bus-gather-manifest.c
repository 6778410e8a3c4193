/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-gather-manifest.h"

#include "peer/bus-state.h"
#include "gather.pb-c.h"

#define FIELD_MEMBERS   24u /* of Manifest: the last one */
#define FIELD_EXTENT    12u /* of ManifestMember; one field follows */
#define FIELD_RETRYABLE 13u

/* --- the verdict --- */

static guint
manifest_count_answers (const BusGather *gather)
{
  return gather->counts[BUS_FATE_ANSWERED] + gather->counts[BUS_FATE_EMPTY];
}

/* The verdict is a statement about the answers, independent of the requirement of the requester (bus_gather_is_met()).
 *
 * A requester that reads only the verdict must not take a part of the data for all of it. So COMPLETE needs more than an answer of
 * every entry:
 *  - no answer is truncated. An empty answer counts: the collector searched and found nothing;
 *  - the roster is sure. During the recovery window after a start of the broker, collectors of the previous broker may not have
 *    registered again. The roster need not contain them, so nothing in the manifest would show that they are missing.
 *
 * Of the other verdicts, NOBODY means that no task was made for any entry: the remedy is to start or register collectors. An entry
 * whose task the broker refused counts as asked, so the verdict is then FAILED. PARTIAL covers all remaining cases. */
static guint
manifest_verdict (const BusGather *gather)
{
  const guint n = gather->n_entries;

  if (gather->counts[BUS_FATE_NEVER_ASKED] == n)
    return DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_NOBODY;
  if (manifest_count_answers (gather) == 0)
    return DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_FAILED;
  if (manifest_count_answers (gather) == n && gather->n_truncated == 0 && gather->roster_is_sure)
    return DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_COMPLETE;
  return DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_PARTIAL;
}

gboolean
bus_gather_is_complete (const BusGather *gather)
{
  return manifest_verdict (gather) == DAEMONEYE__EVENTBUS__V1__GATHER_VERDICT__VERDICT_COMPLETE;
}

/* Truncated answers are also in the counts of answers, so AT_LEAST subtracts them. */
gboolean
bus_gather_is_met (const BusGather *gather)
{
  switch (gather->require)
    {
    case BUS_REQUIRE_ALL:
      return bus_gather_is_complete (gather);
    case BUS_REQUIRE_AT_LEAST:
      return manifest_count_answers (gather) - gather->n_truncated >= gather->require_n;
    case BUS_REQUIRE_ANY:
      break;
    }
  return TRUE;
}

/* --- one entry --- */

/* An entry as ManifestMember. It borrows the texts of the entry. */
typedef struct
{
  WireField fields[11]; /* those before the extent */
  WireField extent[BUS_GATHER_EXTENT_FIELDS];
  WireField retryable;
  gboolean has_extent;
  gsize extent_len;
} ManifestRow;

/* Returns the text of a failure; NULL: the collector gave none. */
static const char *
manifest_failure_text (const BusGatherEntry *entry)
{
  const BusTaskResult *result = entry->task != NULL ? entry->task->result : NULL;

  if (entry->fate.answer != BUS_FATE_FAILED || result == NULL)
    return NULL;
  if (result->error_text[0] != '\0')
    return result->error_text;
  return result->error_name[0] != '\0' ? result->error_name : NULL;
}

static const char *
manifest_text (const BusGatherEntry *entry)
{
  const char *failure = manifest_failure_text (entry);

  if (failure != NULL)
    return failure;
  if (entry->text[0] != '\0')
    return entry->text;
  return entry->fate.text != NULL ? entry->fate.text : "";
}

static void
manifest_fill_row (ManifestRow *row, const BusGatherEntry *entry)
{
  const BusGather *gather = entry->gather;
  const BusTaskResult *result = bus_fate_has_answer (entry->fate.answer) ? entry->task->result : NULL;
  const WireField fields[G_N_ELEMENTS (row->fields)] = {
    WIRE_PUT_NUMBER (1, entry->index),
    WIRE_PUT_SPAN (2, wire_span_str (entry->id)),
    WIRE_PUT_NUMBER (3, entry->incarnation),
    WIRE_PUT_NUMBER (4, gather->mode == BUS_GATHER_SHARDS ? entry->index : 0),
    WIRE_PUT_NUMBER (5, entry->fate.answer),
    WIRE_PUT_NUMBER (6, entry->fate.never_asked),
    WIRE_PUT_NUMBER (7, entry->fate.status),
    WIRE_PUT_SPAN (8, wire_span_str (manifest_text (entry))),
    WIRE_PUT_NUMBER (9, entry->attempts + (entry->task != NULL ? entry->task->attempt : 0)),
    WIRE_PUT_NUMBER (10, result != NULL ? result->payload_len : 0),
    WIRE_PUT_NUMBER (11, (guint64) (entry->ended_us - gather->asked_us)),
  };

  memcpy (row->fields, fields, sizeof fields);
  row->retryable = (WireField) WIRE_PUT_NUMBER (FIELD_RETRYABLE, entry->fate.retryable ? 1 : 0);
  row->has_extent = result != NULL && result->extent != NULL;
  row->extent_len = row->has_extent ? bus_gather_extent_fill (row->extent, result->extent) : 0;
}

static gsize
manifest_row_size (const ManifestRow *row)
{
  gsize size = wire_put_size (row->fields, G_N_ELEMENTS (row->fields)) + wire_put_size (&row->retryable, 1);

  if (row->has_extent)
    size += wire_put_head_size (FIELD_EXTENT, row->extent_len) + row->extent_len;
  return size;
}

static guint8 *
manifest_put_row (guint8 *to, const ManifestRow *row)
{
  to = wire_put_head (to, FIELD_MEMBERS, manifest_row_size (row));
  to = wire_put (to, row->fields, G_N_ELEMENTS (row->fields));
  if (row->has_extent)
    to = wire_put (wire_put_head (to, FIELD_EXTENT, row->extent_len), row->extent, G_N_ELEMENTS (row->extent));
  return wire_put (to, &row->retryable, 1);
}

/* --- the manifest --- */

static void
manifest_fill_fields (BusGatherManifest *manifest, const BusGather *gather)
{
  const guint *counts = gather->counts;
  const WireField fields[BUS_GATHER_MANIFEST_FIELDS] = {
    WIRE_PUT_NUMBER (1, gather->query_id),
    WIRE_PUT_NUMBER (2, gather->core->epoch),
    WIRE_PUT_NUMBER (3, (guint64) (gather->asked_us + gather->core->wall_us)),
    WIRE_PUT_NUMBER (4, (guint64) (gather->due_us - gather->asked_us)),
    WIRE_PUT_NUMBER (5, (guint64) (gather->over_us - gather->asked_us)),
    WIRE_PUT_NUMBER (6, manifest_verdict (gather)),
    WIRE_PUT_NUMBER (7, gather->require),
    WIRE_PUT_NUMBER (8, gather->require_n),
    WIRE_PUT_NUMBER (9, bus_gather_is_met (gather) ? 1 : 0),
    WIRE_PUT_NUMBER (10, gather->n_entries),
    WIRE_PUT_NUMBER (11, counts[BUS_FATE_ANSWERED]),
    WIRE_PUT_NUMBER (12, counts[BUS_FATE_EMPTY]),
    WIRE_PUT_NUMBER (13, counts[BUS_FATE_FAILED]),
    WIRE_PUT_NUMBER (14, counts[BUS_FATE_TIMED_OUT]),
    WIRE_PUT_NUMBER (15, counts[BUS_FATE_DIED]),
    WIRE_PUT_NUMBER (16, counts[BUS_FATE_CANCELLED]),
    WIRE_PUT_NUMBER (17, counts[BUS_FATE_REFUSED]),
    WIRE_PUT_NUMBER (18, counts[BUS_FATE_NEVER_ASKED]),
    WIRE_PUT_NUMBER (19, gather->n_truncated),
    WIRE_PUT_NUMBER (20, gather->n_duplicates),
    WIRE_PUT_NUMBER (21, gather->n_late),
    WIRE_PUT_NUMBER (22, gather->n_joined),
    WIRE_PUT_NUMBER (23, gather->roster_is_sure ? 1 : 0),
  };

  memcpy (manifest->fields, fields, sizeof fields);
}

gsize
bus_gather_manifest_fill (BusGatherManifest *manifest, const BusGather *gather)
{
  gsize size;

  manifest->gather = gather;
  manifest_fill_fields (manifest, gather);
  size = wire_put_size (manifest->fields, G_N_ELEMENTS (manifest->fields));
  for (guint i = 0; i < gather->n_entries; i++)
    {
      ManifestRow row;
      gsize row_size;

      manifest_fill_row (&row, &gather->entries[i]);
      row_size = manifest_row_size (&row);
      size += wire_put_head_size (FIELD_MEMBERS, row_size) + row_size;
    }
  return size;
}

gsize
bus_gather_manifest_pack (gconstpointer data, guint8 *to)
{
  const BusGatherManifest *manifest = data;
  const BusGather *gather = manifest->gather;
  guint8 *at = wire_put (to, manifest->fields, G_N_ELEMENTS (manifest->fields));

  for (guint i = 0; i < gather->n_entries; i++)
    {
      ManifestRow row;

      manifest_fill_row (&row, &gather->entries[i]);
      at = manifest_put_row (at, &row);
    }
  return (gsize) (at - to);
}

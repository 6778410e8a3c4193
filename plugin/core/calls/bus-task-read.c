/* SPDX-License-Identifier: Apache-2.0 */
#include "calls/bus-task-read.h"

#include "base/bus-text.h"
#include "coordination.pb-c.h"
#include "wire-extent.h"
#include "wire-field.h"

/* --- Outcome --- */

typedef struct
{
  WireSpan token;
  guint64 kind;
  WireSpan payload;
  WireSpan payload_type;
  WireSpan error_name;
  WireSpan error_text;
  guint64 retry_after_us;
  WireSpan extent;
} OutcomeFields;

#define NUMBER(type, member) WIRE_FIELD_ROW (WIRE_FIELD_NUMBER, type, member)
#define SPAN(type, member)   WIRE_FIELD_ROW (WIRE_FIELD_SPAN, type, member)

static const WireFieldRow outcome_rows[] = {
  [1] = SPAN (OutcomeFields, token),
  [2] = NUMBER (OutcomeFields, kind),
  [3] = SPAN (OutcomeFields, payload),
  [4] = SPAN (OutcomeFields, payload_type),
  [5] = SPAN (OutcomeFields, error_name),
  [6] = SPAN (OutcomeFields, error_text),
  [7] = NUMBER (OutcomeFields, retry_after_us),
  [8] = SPAN (OutcomeFields, extent),
};

static void
read_extent (BusTaskExtent *extent, WireSpan packed)
{
  WireExtent fields;
  WireSpan configuration;

  wire_extent_read (packed, &fields);
  *extent = (BusTaskExtent){ .rows = fields.rows,
                             .limit = fields.limit,
                             .from_time_us = fields.from_time_us,
                             .to_time_us = fields.to_time_us,
                             .age_us = fields.age_us,
                             .gaps = (guint) fields.gaps,
                             .share_permille = (guint) fields.share_permille,
                             .is_truncated = fields.is_truncated != 0,
                             .is_uncounted = fields.is_uncounted != 0 };
  configuration = bus_text_cut (fields.configuration, sizeof extent->configuration - 1);
  if (configuration.len > 0)
    memcpy (extent->configuration, configuration.data, configuration.len);
}

gboolean
bus_task_read_outcome (BusTaskOutcome *outcome, WireSpan packed, WireGuardError *error)
{
  OutcomeFields fields = { .kind = BUS_OUTCOME_UNSPECIFIED };

  *error = wire_guard_scan (&daemoneye__eventbus__v1__outcome__descriptor, packed, 0, FALSE);
  if (error->status != WIRE_STATUS_OK)
    return FALSE;
  wire_field_read (packed, outcome_rows, G_N_ELEMENTS (outcome_rows), &fields);
  if (fields.extent.data != NULL)
    read_extent (&outcome->extent, fields.extent);
  outcome->token = fields.token;
  outcome->answer = (BusTaskAnswer){
    .kind = fields.kind < BUS_N_OUTCOME_KINDS ? (BusOutcomeKind) fields.kind : BUS_OUTCOME_UNSPECIFIED,
    .payload = fields.payload,
    .payload_type = fields.payload_type,
    .error_name = fields.error_name,
    .error_text = fields.error_text,
    .retry_after_us = (gint64) MIN (fields.retry_after_us, G_MAXINT64 / 4),
    .extent = fields.extent.data != NULL ? &outcome->extent : NULL,
  };
  return TRUE;
}

/* --- Progress --- */

typedef struct
{
  WireSpan token;
  guint64 started;
  guint64 done;
  guint64 total;
  WireSpan text;
  WireSpan details;
} ProgressFields;

static const WireFieldRow progress_rows[] = {
  [1] = SPAN (ProgressFields, token),   [2] = NUMBER (ProgressFields, started), [3] = NUMBER (ProgressFields, done),
  [4] = NUMBER (ProgressFields, total), [5] = SPAN (ProgressFields, text),      [6] = SPAN (ProgressFields, details),
};

gboolean
bus_task_read_progress (BusTaskProgressReport *progress, WireSpan packed, WireGuardError *error)
{
  ProgressFields fields = { .started = 0 };

  *error = wire_guard_scan (&daemoneye__eventbus__v1__progress__descriptor, packed, 0, FALSE);
  if (error->status != WIRE_STATUS_OK)
    return FALSE;
  wire_field_read (packed, progress_rows, G_N_ELEMENTS (progress_rows), &fields);
  progress->token = fields.token;
  progress->report = (BusTaskReport){ .started = fields.started != 0,
                                      .done = fields.done,
                                      .total = fields.total,
                                      .text = fields.text,
                                      .details = fields.details };
  return TRUE;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-gather-answer.h"

#define FIELD_OUTCOME 5u /* of GatherAnswer: the last one */
#define FIELD_EXTENT  8u /* of Outcome: the last one */

gsize
bus_gather_extent_fill (WireField *to, const BusTaskExtent *extent)
{
  const WireField fields[BUS_GATHER_EXTENT_FIELDS] = {
    WIRE_PUT_NUMBER (1, extent->rows),
    WIRE_PUT_NUMBER (2, extent->is_truncated ? 1 : 0),
    WIRE_PUT_NUMBER (3, extent->limit),
    WIRE_PUT_NUMBER (4, extent->from_time_us),
    WIRE_PUT_NUMBER (5, extent->to_time_us),
    WIRE_PUT_NUMBER (6, extent->gaps),
    WIRE_PUT_NUMBER (7, extent->share_permille),
    WIRE_PUT_NUMBER (8, extent->age_us),
    WIRE_PUT_SPAN (9, wire_span_str (extent->configuration)),
    WIRE_PUT_NUMBER (10, extent->is_uncounted ? 1 : 0),
  };

  memcpy (to, fields, sizeof fields);
  return wire_put_size (fields, G_N_ELEMENTS (fields));
}

static WireSpan
answer_payload (const BusTaskResult *result)
{
  gsize len = 0;
  gconstpointer data = result->payload != NULL ? g_bytes_get_data (result->payload, &len) : NULL;

  return wire_span (data, len);
}

static void
answer_fill_outcome (BusGatherAnswer *answer, const BusTaskResult *result)
{
  const WireField fields[BUS_GATHER_OUTCOME_FIELDS] = {
    WIRE_PUT_NUMBER (2, result->kind),
    WIRE_PUT_SPAN (3, answer_payload (result)),
    WIRE_PUT_SPAN (4, wire_span_str (result->payload_type)),
    WIRE_PUT_SPAN (5, wire_span_str (result->error_name)),
    WIRE_PUT_SPAN (6, wire_span_str (result->error_text)),
  };

  memcpy (answer->outcome, fields, sizeof fields);
  answer->outcome_len = wire_put_size (fields, G_N_ELEMENTS (fields));
  answer->has_extent = result->extent != NULL;
  if (!answer->has_extent)
    return;
  answer->extent_len = bus_gather_extent_fill (answer->extent, result->extent);
  answer->outcome_len += wire_put_head_size (FIELD_EXTENT, answer->extent_len) + answer->extent_len;
}

gsize
bus_gather_answer_fill (BusGatherAnswer *answer, const BusGatherEntry *entry)
{
  const WireField fields[BUS_GATHER_ANSWER_FIELDS] = {
    WIRE_PUT_NUMBER (1, entry->index),
    WIRE_PUT_SPAN (2, wire_span_str (entry->id)),
    WIRE_PUT_NUMBER (3, entry->incarnation),
    WIRE_PUT_NUMBER (4, entry->task->attempt),
  };

  memcpy (answer->fields, fields, sizeof fields);
  answer_fill_outcome (answer, entry->task->result);
  return wire_put_size (fields, G_N_ELEMENTS (fields)) + wire_put_head_size (FIELD_OUTCOME, answer->outcome_len)
         + answer->outcome_len;
}

gsize
bus_gather_answer_pack (gconstpointer data, guint8 *to)
{
  const BusGatherAnswer *answer = data;
  guint8 *at = wire_put (to, answer->fields, G_N_ELEMENTS (answer->fields));

  at = wire_put_head (at, FIELD_OUTCOME, answer->outcome_len);
  at = wire_put (at, answer->outcome, G_N_ELEMENTS (answer->outcome));
  if (answer->has_extent)
    {
      at = wire_put_head (at, FIELD_EXTENT, answer->extent_len);
      at = wire_put (at, answer->extent, G_N_ELEMENTS (answer->extent));
    }
  return (gsize) (at - to);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-lineage.h"

BusLineageResult
bus_lineage_check (const BusTimeline *timeline, const WireEnvelope *envelope, guint64 most, guint32 *depth)
{
  WireSpan own = envelope->correlation_id;
  WireSpan ancestor = envelope->parent_id;
  guint64 deepest = envelope->depth;

  /* An ancestor `steps` away makes the message at least that deep, so the walk ends once the message is too deep. */
  for (guint64 steps = 1; ancestor.len > 0 && deepest <= most; steps++)
    {
      const BusRecord *record = bus_timeline_find (timeline, ancestor);

      if (wire_span_equal (ancestor, own))
        {
          *depth = (guint32) deepest;
          return BUS_LINEAGE_CIRCLE;
        }
      if (record == NULL)
        break;
      deepest = MAX (deepest, record->depth + steps);
      ancestor = record->parent_id;
    }
  *depth = (guint32) MIN (deepest, G_MAXUINT32);
  return deepest > most ? BUS_LINEAGE_TOO_DEEP : BUS_LINEAGE_FITS;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-timeline.h"

/*
 * Lineage: how many messages caused a message, one after the other, and whether it would cause itself.
 *
 * The depth of a message is the larger one of what its sender says and one more than its parent has in the timeline. A message
 * whose own id is that of one of its ancestors closes a circle. Both are known only as far as the timeline reaches: without a
 * record of the parent, the sender's word is all that counts.
 *
 * Invariant: no more than @most + 1 ancestors are looked up.
 */

typedef enum
{
  BUS_LINEAGE_FITS,
  BUS_LINEAGE_TOO_DEEP,
  BUS_LINEAGE_CIRCLE,
} BusLineageResult;

/* @most: cascade_depth. @depth: (out): as it is known */
BusLineageResult
bus_lineage_check (const BusTimeline *timeline, const WireEnvelope *envelope, guint64 most, guint32 *depth);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "route/bus-timeline.h"

/*
 * Lineage: the depth of a message in its chain of causes, and whether the message is among its own causes.
 *
 * The depth of a message is the number of messages that caused it, one after the other. It is the larger one of two numbers: the
 * depth that its sender states, and the depth of its parent in the timeline plus one. A message with the id of one of its
 * ancestors closes a circle. Ancestors are known only as far as the timeline has records: without a record of the parent, only the
 * sender's number counts.
 *
 * Example: a rule engine answers every alert with an alert. Each alert has the one before it as its parent, so its depth grows
 * until it exceeds cascade_depth, although each sender states 0.
 *
 * Invariant: no more than @most + 1 ancestors are looked up.
 */

typedef enum
{
  BUS_LINEAGE_FITS,
  BUS_LINEAGE_TOO_DEEP,
  BUS_LINEAGE_CIRCLE,
} BusLineageResult;

/* @most: the setting cascade_depth. @depth: (out): as far as it is known */
BusLineageResult
bus_lineage_check (const BusTimeline *timeline, const WireEnvelope *envelope, guint64 most, guint32 *depth);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-roster.h"
#include "work/bus-task.h"
#include "wire-status.h"

/*
 * Fates: the outcome of each answer that a question to many collectors expects.
 *
 * The fate is read from the history of the task that asked the question. The history is read backwards, and the first step in
 * which a collector began or ended its work decides: the collector still has the task (TIMED_OUT), its connection ended (DIED),
 * it reported a failure (FAILED), it stopped (CANCELLED). Steps without work, such as the end of a backoff, are skipped, and so is
 * an offer that was returned before the collector began. If no step is left, no collector was asked (NEVER_ASKED), and the reason
 * is the one for which the task waits. For example "offer to c1, c1 drains, offer to c2, connection of c2 ends" is DIED, and
 * "offer to c1, c1 drains" is NEVER_ASKED, because c1 is draining.
 *
 * An answer is EMPTY only if the collector says so, by an extent with 0 counted rows that is not truncated. A result without
 * an extent is ANSWERED, also when it has no bytes.
 *
 * This module changes nothing. For a task that has not ended it returns the fate that the task would have if the question ended
 * now.
 */

/* The numbers are those of AnswerClass on the wire. */
typedef enum
{
  BUS_FATE_OPEN,
  BUS_FATE_ANSWERED,
  BUS_FATE_EMPTY,
  BUS_FATE_FAILED,
  BUS_FATE_TIMED_OUT,
  BUS_FATE_DIED,
  BUS_FATE_CANCELLED,
  BUS_FATE_REFUSED,
  BUS_FATE_NEVER_ASKED,
} BusFateClass;
#define BUS_N_FATES 9u

typedef struct
{
  BusFateClass answer;
  BusNeverAsked never_asked;
  WireStatus status;
  gboolean retryable;
  const char *text; /* a static sentence; NULL: none */
} BusGatherFate;

/* Returns the fate of the answer. @target: (nullable): the collector that the task names, if it is registered */
BusGatherFate bus_fate_of (const BusTask *task, const BusMember *target);

/* The fate of a collector that was not asked, for that reason. */
BusGatherFate bus_fate_never_asked (BusNeverAsked reason);

/* TRUE if the task is QUEUED or DELAYED again because its collector lost it: this collector will not answer any more. */
gboolean bus_fate_is_lost (const BusTask *task);

static inline gboolean
bus_fate_has_answer (BusFateClass answer)
{
  return answer == BUS_FATE_ANSWERED || answer == BUS_FATE_EMPTY;
}

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "work/bus-roster.h"
#include "work/bus-task.h"
#include "wire-status.h"

/*
 * Fates: the outcome of an expected answer, read from the task that asked for it.
 *
 * The history of the task decides. Going back from its end, the first step that began or ended the work of a collector names the
 * class: the collector still has it (TIMED_OUT), its connection ended (DIED), it reported a failure (FAILED), it stopped
 * (CANCELLED). Steps that say nothing about the work, such as the end of a backoff, are passed over; so is an offer that came
 * back untouched. If no such step is left the collector was never asked, and the reason is the one for which the task waits.
 *
 * An answer is EMPTY only if its collector says so, by an extent of 0 counted rows that is not truncated. A result without an
 * extent is ANSWERED, whatever its size.
 *
 * This module changes nothing. It also answers for a task that has not ended, with the fate that it would have if the question
 * ended now.
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

/* @target: (nullable): the collector that the task names, if it is registered */
BusGatherFate bus_fate_of (const BusTask *task, const BusMember *target);

/* A collector that was not asked, for that reason. */
BusGatherFate bus_fate_never_asked (BusNeverAsked reason);

/* The collector has had the task and lost it, so that it will not answer: its task is QUEUED or DELAYED again. */
gboolean bus_fate_is_lost (const BusTask *task);

static inline gboolean
bus_fate_has_answer (BusFateClass answer)
{
  return answer == BUS_FATE_ANSWERED || answer == BUS_FATE_EMPTY;
}

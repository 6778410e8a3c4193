/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-pending.h"

/*
 * Steps: an operation that consists of several calls, one after the other, described by a table.
 *
 * Each step starts one call, and may have a function that reads its result. The steps do not wait: the caller waits for the
 * call, by polling in a synchronous operation or in a callback in an asynchronous one, and then advances to the next step. So
 * both kinds of operations use the same table, and a new step is a new row.
 *
 * Invariant: steps run in the order of the table, each at most once; none runs after one has failed.
 */

typedef struct
{
  const char *name; /* for the log */
  /* Starts the step. Returns the call to wait for (transfer full), which has not ended yet. NULL: the step is not needed, or it
   * failed, if @error is set. */
  DeyeBusPending *(*run) (gpointer owner, GError **error);
  /* Called when the step's call has ended, with success or with @pending->error. May clear that error, if the operation can do
   * without the step. (nullable) */
  void (*end) (gpointer owner, DeyeBusPending *pending);
} DeyeBusStep;

typedef enum
{
  DEYE_BUS_STEPS_WAIT,   /* for @pending; then advance again */
  DEYE_BUS_STEPS_DONE,   /* there is no further step */
  DEYE_BUS_STEPS_FAILED, /* @error is set */
} DeyeBusStepsResult;

typedef struct
{
  const DeyeBusStep *table; /* borrowed */
  guint n_steps;
  guint at;                /* the current step */
  DeyeBusPending *pending; /* the call of the current step; NULL: it has none */
  gpointer owner;
} DeyeBusSteps;

void deye_bus_steps_init (DeyeBusSteps *steps, const DeyeBusStep *table, guint n_steps, gpointer owner);
void deye_bus_steps_clear (DeyeBusSteps *steps);

/* Ends the current step, if there is one, and runs the next ones until one has a call to wait for. The call of the current step
 * must be done. */
DeyeBusStepsResult deye_bus_steps_advance (DeyeBusSteps *steps, GError **error);

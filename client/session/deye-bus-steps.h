/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "session/deye-bus-pending.h"

/*
 * Steps: an operation of several calls, one after the other, as a table.
 *
 * Each step starts one call and says what its end means. The steps do not wait: the caller does, by polling in a
 * synchronous operation or from a callback in an asynchronous one, and then asks for the next step. So both use one table,
 * and an operation grows by a row.
 *
 * Invariant: steps run in the order of the table, each at most once; none runs after one has failed.
 */

typedef struct
{
  const char *name; /* for the log */
  /* Starts the step. Returns the call to wait for (transfer full), which has not ended yet. NULL: the step is not needed;
   * with @error: it failed. */
  DeyeBusPending *(*run) (gpointer owner, GError **error);
  /* The step's call ended: @pending->error says how. May clear that error, if the operation can do without the step.
   * (nullable) */
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

/* Ends the current step, if one runs, and runs the next ones until there is something to wait for. The call of the
 * current step must be done. */
DeyeBusStepsResult deye_bus_steps_advance (DeyeBusSteps *steps, GError **error);

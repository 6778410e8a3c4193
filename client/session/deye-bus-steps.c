/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-steps.h"

void
deye_bus_steps_init (DeyeBusSteps *steps, const DeyeBusStep *table, guint n_steps, gpointer owner)
{
  *steps = (DeyeBusSteps){ .table = table, .n_steps = n_steps, .owner = owner };
}

void
deye_bus_steps_clear (DeyeBusSteps *steps)
{
  g_clear_pointer (&steps->pending, deye_bus_pending_unref);
  steps->at = steps->n_steps;
}

static gboolean
steps_end_current (DeyeBusSteps *steps, GError **error)
{
  g_autoptr (DeyeBusPending) pending = g_steal_pointer (&steps->pending);
  const DeyeBusStep *step = &steps->table[steps->at];

  g_assert (pending->done);

  if (step->end != NULL)
    step->end (steps->owner, pending);
  if (pending->error == NULL)
    return TRUE;
  g_propagate_error (error, g_steal_pointer (&pending->error));
  return FALSE;
}

static gboolean
steps_run_current (DeyeBusSteps *steps, GError **error)
{
  const DeyeBusStep *step = &steps->table[steps->at];
  GError *local = NULL;

  steps->pending = step->run (steps->owner, &local);
  g_debug ("step %s: %s", step->name, local != NULL ? "failed" : steps->pending != NULL ? "waits" : "not needed");
  if (local == NULL)
    return TRUE;
  g_propagate_error (error, local);
  return FALSE;
}

DeyeBusStepsResult
deye_bus_steps_advance (DeyeBusSteps *steps, GError **error)
{
  gboolean ok = TRUE;

  if (steps->pending != NULL)
    {
      ok = steps_end_current (steps, error);
      steps->at++;
    }
  for (; ok && steps->at < steps->n_steps; steps->at++)
    {
      ok = steps_run_current (steps, error);
      if (ok && steps->pending != NULL)
        return DEYE_BUS_STEPS_WAIT;
    }
  if (ok)
    return DEYE_BUS_STEPS_DONE;
  deye_bus_steps_clear (steps);
  return DEYE_BUS_STEPS_FAILED;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-health-state.h"

/* The table of the states of health: each cell has an entry, and the entries are the transitions that the documents describe. */

static void
test_complete (void)
{
  for (guint state = 0; state < BUS_HEALTH_N_STATES; state++)
    for (guint event = 0; event < BUS_HEALTH_N_EVENTS; event++)
      {
        const BusHealthStep *step = bus_health_step (state, event);

        if (step->kind == BUS_HEALTH_STEP_MISSING)
          g_test_message ("state %u, event %u has no entry", state, event);
        g_assert_cmpint (step->kind, !=, BUS_HEALTH_STEP_MISSING);
        g_assert_cmpuint (step->next, <, BUS_HEALTH_N_STATES);
        if (step->kind == BUS_HEALTH_STEP_NEXT)
          g_assert_cmpuint (step->next, !=, state); /* each step is a change that is published */
      }
}

static gboolean
leads_to (BusHealthState from, BusHealthState to)
{
  for (guint event = 0; event < BUS_HEALTH_N_EVENTS; event++)
    if (bus_health_step (from, event)->kind == BUS_HEALTH_STEP_NEXT && bus_health_step (from, event)->next == to)
      return TRUE;
  return FALSE;
}

/* The state changes one step at a time in both directions, except from FAILED to DEGRADED. */
static void
test_directions (void)
{
  /* from a row to a column: HEALTHY, DEGRADED, UNRESPONSIVE, FAILED, GONE */
  static const char *const expected[BUS_HEALTH_N_STATES] = {
    [BUS_HEALTH_HEALTHY] = ".x..x", [BUS_HEALTH_DEGRADED] = "x.x.x", [BUS_HEALTH_UNRESPONSIVE] = ".x.xx",
    [BUS_HEALTH_FAILED] = ".x..x",  [BUS_HEALTH_GONE] = ".....",
  };

  for (guint from = 0; from < BUS_HEALTH_N_STATES; from++)
    for (guint to = 0; to < BUS_HEALTH_N_STATES; to++)
      {
        if (leads_to (from, to) != (expected[from][to] == 'x'))
          g_test_message ("%s -> %s", bus_health_state_name (from), bus_health_state_name (to));
        g_assert_cmpint (leads_to (from, to), ==, expected[from][to] == 'x');
      }
}

/* Events for a worse state never lead to a better one, and events for a better state never lead to a worse one. */
static void
test_worse_and_better (void)
{
  static const BusHealthEvent worse[]
      = { BUS_HEALTH_ON_MISS, BUS_HEALTH_ON_SECOND_MISS, BUS_HEALTH_ON_THIRD_MISS, BUS_HEALTH_ON_COMPLAINT };
  static const BusHealthEvent better[] = { BUS_HEALTH_ON_SIGNS, BUS_HEALTH_ON_CALM };

  for (guint state = 0; state < BUS_HEALTH_GONE; state++)
    {
      for (guint i = 0; i < G_N_ELEMENTS (worse); i++)
        if (bus_health_step (state, worse[i])->kind == BUS_HEALTH_STEP_NEXT)
          g_assert_cmpuint (bus_health_step (state, worse[i])->next, ==, state + 1);
      for (guint i = 0; i < G_N_ELEMENTS (better); i++)
        if (bus_health_step (state, better[i])->kind == BUS_HEALTH_STEP_NEXT)
          g_assert_cmpuint (bus_health_step (state, better[i])->next, <, state);
      g_assert_cmpint (bus_health_step (state, BUS_HEALTH_ON_END)->next, ==, BUS_HEALTH_GONE);
    }
  g_assert_cmpint (bus_health_step (BUS_HEALTH_GONE, BUS_HEALTH_ON_END)->kind, ==, BUS_HEALTH_STEP_ERROR);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/health-state/complete", test_complete);
  g_test_add_func ("/core/health-state/M13-directions", test_directions);
  g_test_add_func ("/core/health-state/M13-worse-and-better", test_worse_and_better);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-member-state.h"

/* The table of states: each cell has an entry, and the entries are the transitions that the documents describe. */

static void
test_complete (void)
{
  for (guint state = 0; state < BUS_MEMBER_N_STATES; state++)
    for (guint event = 0; event < BUS_MEMBER_N_EVENTS; event++)
      {
        const BusMemberStep *step = bus_member_step (state, event);

        if (step->kind == BUS_MEMBER_STEP_MISSING)
          g_test_message ("state %u, event %u has no entry", state, event);
        g_assert_cmpint (step->kind, !=, BUS_MEMBER_STEP_MISSING);
        g_assert_cmpuint (step->next, <, BUS_MEMBER_N_STATES);
      }
}

static gboolean
leads_to (BusMemberState from, BusMemberState to)
{
  for (guint event = 0; event < BUS_MEMBER_N_EVENTS; event++)
    if (bus_member_step (from, event)->kind == BUS_MEMBER_STEP_NEXT && bus_member_step (from, event)->next == to)
      return TRUE;
  return FALSE;
}

static void
test_directions (void)
{
  /* from a row to a column: REGISTERED, READY, SUSPECT, SET_ASIDE, DRAINING, GONE */
  static const char *const expected[BUS_MEMBER_N_STATES] = {
    [BUS_MEMBER_REGISTERED] = "xx..xx", [BUS_MEMBER_READY] = "x.xxxx",    [BUS_MEMBER_SUSPECT] = "xx.xxx",
    [BUS_MEMBER_SET_ASIDE] = "xx.xxx",  [BUS_MEMBER_DRAINING] = "x....x", [BUS_MEMBER_GONE] = "......",
  };

  for (guint from = 0; from < BUS_MEMBER_N_STATES; from++)
    for (guint to = 0; to < BUS_MEMBER_N_STATES; to++)
      {
        if (leads_to (from, to) != (expected[from][to] == 'x'))
          g_test_message ("%s -> %s", bus_member_state_name (from), bus_member_state_name (to));
        g_assert_cmpint (leads_to (from, to), ==, expected[from][to] == 'x');
      }
}

/* Every registration ends once. A draining one changes only when it ends or when the member registers again. */
static void
test_ends (void)
{
  for (guint state = 0; state < BUS_MEMBER_GONE; state++)
    g_assert_cmpint (bus_member_step (state, BUS_MEMBER_ON_END)->next, ==, BUS_MEMBER_GONE);
  g_assert_cmpint (bus_member_step (BUS_MEMBER_GONE, BUS_MEMBER_ON_END)->kind, ==, BUS_MEMBER_STEP_ERROR);
  for (guint event = 0; event < BUS_MEMBER_N_EVENTS; event++)
    if (event != BUS_MEMBER_ON_END && event != BUS_MEMBER_ON_REGISTER)
      g_assert_cmpint (bus_member_step (BUS_MEMBER_DRAINING, event)->kind, ==, BUS_MEMBER_STEP_IGNORED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/member-state/complete", test_complete);
  g_test_add_func ("/core/member-state/directions", test_directions);
  g_test_add_func ("/core/member-state/K14-ends", test_ends);
  return g_test_run ();
}

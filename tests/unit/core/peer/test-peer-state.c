/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-peer-state.h"

#include <glib.h>

/* The table of states: each cell has an entry, and the entries are the transitions that the documents describe. */

static void
test_complete (void)
{
  for (guint state = 0; state < BUS_PEER_N_STATES; state++)
    for (guint event = 0; event < BUS_PEER_N_EVENTS; event++)
      {
        const BusPeerStep *step = bus_peer_step (state, event);

        if (step->kind == BUS_PEER_STEP_MISSING)
          g_test_message ("state %u, event %u has no entry", state, event);
        g_assert_cmpint (step->kind, !=, BUS_PEER_STEP_MISSING);
        g_assert_cmpuint (step->next, <, BUS_PEER_N_STATES);
      }
}

static gboolean
leads_to (BusPeerState from, BusPeerState to)
{
  for (guint event = 0; event < BUS_PEER_N_EVENTS; event++)
    if (bus_peer_step (from, event)->kind == BUS_PEER_STEP_NEXT && bus_peer_step (from, event)->next == to)
      return TRUE;
  return FALSE;
}

static void
test_directions (void)
{
  static const gboolean expected[BUS_PEER_N_STATES][BUS_PEER_N_STATES] = {
    [BUS_PEER_HELLO]
    = { [BUS_PEER_HELLO] = TRUE, [BUS_PEER_WAITING] = TRUE, [BUS_PEER_READY] = TRUE, [BUS_PEER_CLOSING] = TRUE },
    [BUS_PEER_WAITING] = { [BUS_PEER_WAITING] = TRUE, [BUS_PEER_READY] = TRUE, [BUS_PEER_CLOSING] = TRUE },
    [BUS_PEER_READY] = { [BUS_PEER_READY] = TRUE, [BUS_PEER_CLOSING] = TRUE },
  };

  for (guint from = 0; from < BUS_PEER_N_STATES; from++)
    for (guint to = 0; to < BUS_PEER_N_STATES; to++)
      g_assert_cmpint (leads_to (from, to), ==, expected[from][to]);
}

/* When the broker or the link ends the connection, every state but the last one changes; the last one never changes. */
static void
test_ends (void)
{
  static const BusPeerEvent ends[] = { BUS_PEER_ON_CLOSE, BUS_PEER_ON_END };

  for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
    {
      for (guint state = 0; state < BUS_PEER_CLOSING; state++)
        g_assert_cmpint (bus_peer_step (state, ends[i])->next, ==, BUS_PEER_CLOSING);
      g_assert_cmpint (bus_peer_step (BUS_PEER_CLOSING, ends[i])->kind, ==, BUS_PEER_STEP_IGNORED);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/peer-state/O09-complete", test_complete);
  g_test_add_func ("/core/peer-state/directions", test_directions);
  g_test_add_func ("/core/peer-state/O08-ends", test_ends);
  return g_test_run ();
}

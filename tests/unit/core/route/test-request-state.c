/* SPDX-License-Identifier: Apache-2.0 */
#include "route/bus-request-state.h"

/* The table of legal transitions of a request: each cell has an entry, and no entry contradicts the rules below. */

static void
test_every_cell (void)
{
  for (guint state = BUS_REQUEST_QUEUED; state < BUS_N_REQUEST_STATES; state++)
    for (guint event = 0; event < BUS_N_REQUEST_EVENTS; event++)
      {
        guint next = bus_request_transition (state, event);

        g_test_message ("%s, %s: %u", bus_request_state_name (state), bus_request_event_name (event), next);
        g_assert_cmpuint (next, >, 0);
        g_assert_cmpuint (next, <=, BUS_REQUEST_NEVER);
      }
}

/* No event changes a request that has ended, so a request ends once. */
static void
test_ended (void)
{
  for (guint event = 0; event < BUS_N_REQUEST_EVENTS; event++)
    g_assert_cmpuint (bus_request_transition (BUS_REQUEST_ENDED, event), >=, BUS_REQUEST_IGNORED);
}

/* No state returns to an earlier one: a sent request is not queued again, an answered one is not sent again. */
static void
test_forward (void)
{
  for (guint state = BUS_REQUEST_QUEUED; state < BUS_N_REQUEST_STATES; state++)
    for (guint event = 0; event < BUS_N_REQUEST_EVENTS; event++)
      {
        guint next = bus_request_transition (state, event);

        if (next < BUS_N_REQUEST_STATES)
          g_assert_cmpuint (next, >=, state);
      }
}

/* The end of either side, and the deadline, end each request that may still change. */
static void
test_ends (void)
{
  static const BusRequestEvent ends[] = { BUS_REQUEST_ON_CANCEL, BUS_REQUEST_ON_EXPIRED, BUS_REQUEST_ON_FULL };

  for (guint state = BUS_REQUEST_QUEUED; state < BUS_REQUEST_ENDED; state++)
    for (guint i = 0; i < G_N_ELEMENTS (ends); i++)
      g_assert_cmpuint (bus_request_transition (state, ends[i]), ==, BUS_REQUEST_ENDED);
  g_assert_cmpuint (bus_request_transition (BUS_REQUEST_QUEUED, BUS_REQUEST_ON_GONE), ==, BUS_REQUEST_ENDED);
  g_assert_cmpuint (bus_request_transition (BUS_REQUEST_SENT, BUS_REQUEST_ON_GONE), ==, BUS_REQUEST_ENDED);
}

static void
test_names (void)
{
  for (guint state = BUS_REQUEST_QUEUED; state < BUS_N_REQUEST_STATES; state++)
    g_assert_cmpstr (bus_request_state_name (state), !=, "unknown");
  for (guint event = 0; event < BUS_N_REQUEST_EVENTS; event++)
    g_assert_cmpstr (bus_request_event_name (event), !=, "unknown");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/request-state/O06-every-cell", test_every_cell);
  g_test_add_func ("/core/request-state/ended", test_ended);
  g_test_add_func ("/core/request-state/forward", test_forward);
  g_test_add_func ("/core/request-state/ends", test_ends);
  g_test_add_func ("/core/request-state/names", test_names);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "queue/bus-delivery-state.h"

/* The table of legal transitions of a delivery: each cell has an entry, and no entry contradicts the rules below. */

static void
test_every_cell (void)
{
  for (guint state = BUS_DELIVERY_OFFERED; state < BUS_N_DELIVERY_STATES; state++)
    for (guint event = 0; event < BUS_N_DELIVERY_EVENTS; event++)
      {
        guint next = bus_delivery_transition (state, event);

        g_test_message ("%s, %s: %u", bus_delivery_state_name (state), bus_delivery_event_name (event), next);
        g_assert_cmpuint (next, >, 0);
        g_assert_cmpuint (next, <=, BUS_DELIVERY_NEVER);
      }
}

/* A delivery does not leave a final state. */
static void
test_final (void)
{
  static const BusDeliveryState finals[] = { BUS_DELIVERY_SETTLED, BUS_DELIVERY_LOST, BUS_DELIVERY_UNKNOWN };

  for (guint i = 0; i < G_N_ELEMENTS (finals); i++)
    for (guint event = 0; event < BUS_N_DELIVERY_EVENTS; event++)
      g_assert_cmpuint (bus_delivery_transition (finals[i], event), ==, BUS_DELIVERY_NEVER);
}

/* No transition leads back, so each delivery ends. */
static void
test_forward (void)
{
  for (guint state = BUS_DELIVERY_OFFERED; state < BUS_DELIVERY_SETTLED; state++)
    for (guint event = 0; event < BUS_N_DELIVERY_EVENTS; event++)
      {
        guint next = bus_delivery_transition (state, event);

        if (next < BUS_N_DELIVERY_STATES)
          g_assert_cmpuint (next, >, state);
      }
}

/* A sent delivery is never reported as lost: its client may have it. */
static void
test_sent (void)
{
  g_assert_cmpuint (bus_delivery_transition (BUS_DELIVERY_SENT, BUS_DELIVERY_ON_LOSE), ==, BUS_DELIVERY_NEVER);
  g_assert_cmpint (bus_delivery_next (BUS_DELIVERY_SENT, BUS_DELIVERY_ON_END), ==, BUS_DELIVERY_UNKNOWN);
  g_assert_cmpint (bus_delivery_next (BUS_DELIVERY_WITHDRAWN, BUS_DELIVERY_ON_SETTLE), ==, BUS_DELIVERY_WITHDRAWN);
}

static void
test_names (void)
{
  for (guint state = BUS_DELIVERY_OFFERED; state < BUS_N_DELIVERY_STATES; state++)
    g_assert_cmpstr (bus_delivery_state_name (state), !=, "unknown");
  g_assert_cmpstr (bus_delivery_state_name (0), ==, "unknown");
  for (guint event = 0; event < BUS_N_DELIVERY_EVENTS; event++)
    g_assert_cmpstr (bus_delivery_event_name (event), !=, "unknown");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/core/delivery-state/O06-every-cell", test_every_cell);
  g_test_add_func ("/core/delivery-state/final", test_final);
  g_test_add_func ("/core/delivery-state/forward", test_forward);
  g_test_add_func ("/core/delivery-state/sent", test_sent);
  g_test_add_func ("/core/delivery-state/names", test_names);
  return g_test_run ();
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-connection.h"

/* The table of a client's states: every cell has an entry, and the transitions are the documented ones. */

static void
test_every_cell (void)
{
  for (guint state = 0; state < DEYE_BUS_CONNECTION_STATES; state++)
    for (guint event = 0; event < DEYE_BUS_CONNECTION_EVENTS; event++)
      {
        DeyeBusConnectionCell cell
            = deye_bus_connection_cell ((DeyeBusConnectionState) state, (DeyeBusConnectionEvent) event);

        g_test_message ("state %u, event %u: %u", state, event, cell.kind);
        g_assert_cmpint (cell.kind, !=, DEYE_BUS_CONNECTION_CELL_MISSING);
        g_assert_cmpint (cell.kind, <=, DEYE_BUS_CONNECTION_CELL_MOVES);
        if (cell.kind == DEYE_BUS_CONNECTION_CELL_MOVES)
          g_assert_cmpuint (cell.next, !=, state);
      }
}

static DeyeBusConnectionState
walk (DeyeBusConnectionState state, const DeyeBusConnectionEvent *events, guint n)
{
  for (guint i = 0; i < n; i++)
    {
      DeyeBusConnectionCell cell = deye_bus_connection_cell (state, events[i]);

      g_assert_cmpint (cell.kind, !=, DEYE_BUS_CONNECTION_CELL_FAULT);
      state = cell.kind == DEYE_BUS_CONNECTION_CELL_MOVES ? cell.next : state;
    }
  return state;
}

#define WALK(...)                                                                                                      \
  walk (DEYE_BUS_CONNECTION_IS_DISCONNECTED, (const DeyeBusConnectionEvent[]){ __VA_ARGS__ },                          \
        sizeof ((const DeyeBusConnectionEvent[]){ __VA_ARGS__ }) / sizeof (DeyeBusConnectionEvent))

static void
test_usual_sequences (void)
{
  g_assert_cmpint (WALK (DEYE_BUS_CONNECTION_DIAL, DEYE_BUS_CONNECTION_WELCOME, DEYE_BUS_CONNECTION_RESTORED), ==,
                   DEYE_BUS_CONNECTION_IS_READY);
  g_assert_cmpint (WALK (DEYE_BUS_CONNECTION_DIAL, DEYE_BUS_CONNECTION_WELCOME, DEYE_BUS_CONNECTION_RESTORED,
                         DEYE_BUS_CONNECTION_LOST, DEYE_BUS_CONNECTION_LOST, DEYE_BUS_CONNECTION_WELCOME),
                   ==, DEYE_BUS_CONNECTION_IS_CONNECTED);
  g_assert_cmpint (WALK (DEYE_BUS_CONNECTION_DIAL, DEYE_BUS_CONNECTION_ENDED, DEYE_BUS_CONNECTION_DIAL), ==,
                   DEYE_BUS_CONNECTION_IS_CONNECTING);
  g_assert_cmpint (WALK (DEYE_BUS_CONNECTION_CLOSE, DEYE_BUS_CONNECTION_CLOSE), ==, DEYE_BUS_CONNECTION_IS_CLOSED);
}

/* The state CLOSED is final, and it can be reached from every other state. */
static void
test_closed_is_the_end (void)
{
  for (guint event = 0; event < DEYE_BUS_CONNECTION_EVENTS; event++)
    g_assert_cmpint (deye_bus_connection_cell (DEYE_BUS_CONNECTION_IS_CLOSED, (DeyeBusConnectionEvent) event).kind, !=,
                     DEYE_BUS_CONNECTION_CELL_MOVES);
  for (guint state = 0; state < DEYE_BUS_CONNECTION_STATES; state++)
    g_assert_cmpint (
        walk ((DeyeBusConnectionState) state, (const DeyeBusConnectionEvent[]){ DEYE_BUS_CONNECTION_CLOSE }, 1), ==,
        DEYE_BUS_CONNECTION_IS_CLOSED);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/client/connection/M16-every-cell", test_every_cell);
  g_test_add_func ("/client/connection/M16-usual-sequences", test_usual_sequences);
  g_test_add_func ("/client/connection/closed-is-the-end", test_closed_is_the_end);
  return g_test_run ();
}

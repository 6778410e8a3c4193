/* SPDX-License-Identifier: Apache-2.0 */
#include "session/deye-bus-connection.h"

#define FAULT                                                                                                          \
  {                                                                                                                    \
    DEYE_BUS_CONNECTION_CELL_FAULT, 0                                                                                  \
  }
#define IGNORED                                                                                                        \
  {                                                                                                                    \
    DEYE_BUS_CONNECTION_CELL_IGNORED, 0                                                                                \
  }
#define MOVES(state)                                                                                                   \
  {                                                                                                                    \
    DEYE_BUS_CONNECTION_CELL_MOVES, DEYE_BUS_CONNECTION_IS_##state                                                     \
  }

/* clang-format off */
static const DeyeBusConnectionCell cells[DEYE_BUS_CONNECTION_STATES][DEYE_BUS_CONNECTION_EVENTS] = {
  [DEYE_BUS_CONNECTION_IS_DISCONNECTED] = {
    [DEYE_BUS_CONNECTION_DIAL]     = MOVES (CONNECTING),
    [DEYE_BUS_CONNECTION_WELCOME]  = FAULT,
    [DEYE_BUS_CONNECTION_RESTORED] = FAULT,
    [DEYE_BUS_CONNECTION_LOST]     = FAULT,
    [DEYE_BUS_CONNECTION_ENDED]    = FAULT,
    [DEYE_BUS_CONNECTION_CLOSE]    = MOVES (CLOSED),
  },
  [DEYE_BUS_CONNECTION_IS_CONNECTING] = {
    [DEYE_BUS_CONNECTION_DIAL]     = IGNORED,
    [DEYE_BUS_CONNECTION_WELCOME]  = MOVES (CONNECTED),
    [DEYE_BUS_CONNECTION_RESTORED] = FAULT,
    [DEYE_BUS_CONNECTION_LOST]     = IGNORED, /* the next attempt is in this state as well */
    [DEYE_BUS_CONNECTION_ENDED]    = MOVES (DISCONNECTED),
    [DEYE_BUS_CONNECTION_CLOSE]    = MOVES (CLOSED),
  },
  [DEYE_BUS_CONNECTION_IS_CONNECTED] = {
    [DEYE_BUS_CONNECTION_DIAL]     = IGNORED,
    [DEYE_BUS_CONNECTION_WELCOME]  = FAULT,
    [DEYE_BUS_CONNECTION_RESTORED] = MOVES (READY),
    [DEYE_BUS_CONNECTION_LOST]     = MOVES (CONNECTING),
    [DEYE_BUS_CONNECTION_ENDED]    = MOVES (DISCONNECTED),
    [DEYE_BUS_CONNECTION_CLOSE]    = MOVES (CLOSED),
  },
  [DEYE_BUS_CONNECTION_IS_CLOSED] = {
    [DEYE_BUS_CONNECTION_DIAL]     = FAULT,
    [DEYE_BUS_CONNECTION_WELCOME]  = FAULT,
    [DEYE_BUS_CONNECTION_RESTORED] = FAULT,
    [DEYE_BUS_CONNECTION_LOST]     = FAULT,
    [DEYE_BUS_CONNECTION_ENDED]    = FAULT,
    [DEYE_BUS_CONNECTION_CLOSE]    = IGNORED,
  },
  [DEYE_BUS_CONNECTION_IS_READY] = {
    [DEYE_BUS_CONNECTION_DIAL]     = IGNORED,
    [DEYE_BUS_CONNECTION_WELCOME]  = FAULT,
    [DEYE_BUS_CONNECTION_RESTORED] = FAULT,
    [DEYE_BUS_CONNECTION_LOST]     = MOVES (CONNECTING),
    [DEYE_BUS_CONNECTION_ENDED]    = MOVES (DISCONNECTED),
    [DEYE_BUS_CONNECTION_CLOSE]    = MOVES (CLOSED),
  },
};
/* clang-format on */

DeyeBusConnectionCell
deye_bus_connection_cell (DeyeBusConnectionState state, DeyeBusConnectionEvent event)
{
  return cells[state][event];
}

const char *
deye_bus_connection_state_name (DeyeBusConnectionState state)
{
  static const char *const names[] = { "disconnected", "connecting", "connected", "closed", "ready" };

  return names[state];
}

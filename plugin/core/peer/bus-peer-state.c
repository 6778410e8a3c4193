/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-peer-state.h"

#define TO(state)                                                                                                      \
  {                                                                                                                    \
    BUS_PEER_STEP_NEXT, BUS_PEER_##state                                                                               \
  }
#define IGNORED                                                                                                        \
  {                                                                                                                    \
    BUS_PEER_STEP_IGNORED, 0                                                                                           \
  }
#define ERROR                                                                                                          \
  {                                                                                                                    \
    BUS_PEER_STEP_ERROR, 0                                                                                             \
  }

/* clang-format off */
static const BusPeerStep steps[BUS_PEER_N_STATES][BUS_PEER_N_EVENTS] = {
  [BUS_PEER_HELLO] = {
    [BUS_PEER_ON_ACCEPT] = TO (READY),
    [BUS_PEER_ON_DEFER] = TO (WAITING),
    [BUS_PEER_ON_INPUT] = TO (HELLO),
    [BUS_PEER_ON_HELLO_DUE] = TO (CLOSING),
    [BUS_PEER_ON_FRAME_DUE] = ERROR,       /* the timer is the one for HELLO */
    [BUS_PEER_ON_TAKEOVER] = ERROR,        /* it has no id */
    [BUS_PEER_ON_CLOSE] = TO (CLOSING),
    [BUS_PEER_ON_END] = TO (CLOSING),
  },
  [BUS_PEER_WAITING] = {
    [BUS_PEER_ON_ACCEPT] = TO (READY),
    [BUS_PEER_ON_DEFER] = TO (WAITING),    /* another newcomer got the id first */
    [BUS_PEER_ON_INPUT] = TO (WAITING),    /* a complete frame closes it, see bus-core */
    [BUS_PEER_ON_HELLO_DUE] = TO (CLOSING),
    [BUS_PEER_ON_FRAME_DUE] = ERROR,
    [BUS_PEER_ON_TAKEOVER] = ERROR,
    [BUS_PEER_ON_CLOSE] = TO (CLOSING),
    [BUS_PEER_ON_END] = TO (CLOSING),
  },
  [BUS_PEER_READY] = {
    [BUS_PEER_ON_ACCEPT] = ERROR,          /* a second HELLO closes it before this */
    [BUS_PEER_ON_DEFER] = ERROR,
    [BUS_PEER_ON_INPUT] = TO (READY),
    [BUS_PEER_ON_HELLO_DUE] = ERROR,       /* the timer is the one for frames */
    [BUS_PEER_ON_FRAME_DUE] = TO (CLOSING),
    [BUS_PEER_ON_TAKEOVER] = TO (CLOSING),
    [BUS_PEER_ON_CLOSE] = TO (CLOSING),
    [BUS_PEER_ON_END] = TO (CLOSING),
  },
  [BUS_PEER_CLOSING] = {
    [BUS_PEER_ON_ACCEPT] = ERROR,
    [BUS_PEER_ON_DEFER] = ERROR,
    [BUS_PEER_ON_INPUT] = IGNORED,
    [BUS_PEER_ON_HELLO_DUE] = ERROR,       /* closing disarms the timer */
    [BUS_PEER_ON_FRAME_DUE] = ERROR,
    [BUS_PEER_ON_TAKEOVER] = IGNORED,      /* it is closing already, and keeps its reason */
    [BUS_PEER_ON_CLOSE] = IGNORED,
    [BUS_PEER_ON_END] = IGNORED,
  },
};
/* clang-format on */

const BusPeerStep *
bus_peer_step (BusPeerState state, BusPeerEvent event)
{
  g_assert (state < BUS_PEER_N_STATES && event < BUS_PEER_N_EVENTS);
  return &steps[state][event];
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "work/bus-member-state.h"

#define TO(state)                                                                                                      \
  {                                                                                                                    \
    BUS_MEMBER_STEP_NEXT, BUS_MEMBER_##state                                                                           \
  }
#define IGNORED                                                                                                        \
  {                                                                                                                    \
    BUS_MEMBER_STEP_IGNORED, 0                                                                                         \
  }
#define ERROR                                                                                                          \
  {                                                                                                                    \
    BUS_MEMBER_STEP_ERROR, 0                                                                                           \
  }

/* clang-format off */
static const BusMemberStep steps[BUS_MEMBER_N_STATES][BUS_MEMBER_N_EVENTS] = {
  [BUS_MEMBER_REGISTERED] = {
    [BUS_MEMBER_ON_REGISTER] = TO (REGISTERED),
    [BUS_MEMBER_ON_SERVE] = TO (READY),
    [BUS_MEMBER_ON_UNSERVE] = IGNORED,
    [BUS_MEMBER_ON_DOUBT] = IGNORED,       /* it gets no tasks; checked again when it serves */
    [BUS_MEMBER_ON_TRUST] = IGNORED,
    [BUS_MEMBER_ON_HOLD] = IGNORED,        /* the hold is checked again when it serves */
    [BUS_MEMBER_ON_HOLD_OVER] = IGNORED,
    [BUS_MEMBER_ON_DRAIN] = TO (DRAINING),
    [BUS_MEMBER_ON_END] = TO (GONE),
  },
  [BUS_MEMBER_READY] = {
    [BUS_MEMBER_ON_REGISTER] = TO (REGISTERED),
    [BUS_MEMBER_ON_SERVE] = IGNORED,       /* a second subscription serves it */
    [BUS_MEMBER_ON_UNSERVE] = TO (REGISTERED),
    [BUS_MEMBER_ON_DOUBT] = TO (SUSPECT),
    [BUS_MEMBER_ON_TRUST] = IGNORED,
    [BUS_MEMBER_ON_HOLD] = TO (SET_ASIDE),
    [BUS_MEMBER_ON_HOLD_OVER] = IGNORED,   /* it was probed until now */
    [BUS_MEMBER_ON_DRAIN] = TO (DRAINING),
    [BUS_MEMBER_ON_END] = TO (GONE),
  },
  [BUS_MEMBER_SUSPECT] = {
    [BUS_MEMBER_ON_REGISTER] = TO (REGISTERED),
    [BUS_MEMBER_ON_SERVE] = IGNORED,
    [BUS_MEMBER_ON_UNSERVE] = TO (REGISTERED),
    [BUS_MEMBER_ON_DOUBT] = IGNORED,       /* now both reasons apply */
    [BUS_MEMBER_ON_TRUST] = TO (READY),
    [BUS_MEMBER_ON_HOLD] = TO (SET_ASIDE),
    [BUS_MEMBER_ON_HOLD_OVER] = IGNORED,
    [BUS_MEMBER_ON_DRAIN] = TO (DRAINING),
    [BUS_MEMBER_ON_END] = TO (GONE),
  },
  [BUS_MEMBER_SET_ASIDE] = {
    [BUS_MEMBER_ON_REGISTER] = TO (REGISTERED), /* the hold belongs to the id, and continues */
    [BUS_MEMBER_ON_SERVE] = IGNORED,
    [BUS_MEMBER_ON_UNSERVE] = TO (REGISTERED),
    [BUS_MEMBER_ON_DOUBT] = IGNORED,       /* checked again when the time is over */
    [BUS_MEMBER_ON_TRUST] = IGNORED,
    [BUS_MEMBER_ON_HOLD] = TO (SET_ASIDE), /* a task that it still had has failed: a longer hold */
    [BUS_MEMBER_ON_HOLD_OVER] = TO (READY),
    [BUS_MEMBER_ON_DRAIN] = TO (DRAINING),
    [BUS_MEMBER_ON_END] = TO (GONE),
  },
  [BUS_MEMBER_DRAINING] = {
    [BUS_MEMBER_ON_REGISTER] = TO (REGISTERED),
    [BUS_MEMBER_ON_SERVE] = IGNORED,
    [BUS_MEMBER_ON_UNSERVE] = IGNORED,
    [BUS_MEMBER_ON_DOUBT] = IGNORED,
    [BUS_MEMBER_ON_TRUST] = IGNORED,
    [BUS_MEMBER_ON_HOLD] = IGNORED,
    [BUS_MEMBER_ON_HOLD_OVER] = IGNORED,
    [BUS_MEMBER_ON_DRAIN] = IGNORED,       /* its time to drain stays the first one */
    [BUS_MEMBER_ON_END] = TO (GONE),
  },
  [BUS_MEMBER_GONE] = {
    [BUS_MEMBER_ON_REGISTER] = ERROR,      /* a new registration is a new member */
    [BUS_MEMBER_ON_SERVE] = ERROR,
    [BUS_MEMBER_ON_UNSERVE] = ERROR,
    [BUS_MEMBER_ON_DOUBT] = IGNORED,       /* its last leases are being settled */
    [BUS_MEMBER_ON_TRUST] = IGNORED,
    [BUS_MEMBER_ON_HOLD] = IGNORED,        /* the hold belongs to the id */
    [BUS_MEMBER_ON_HOLD_OVER] = ERROR,     /* its timer was stopped */
    [BUS_MEMBER_ON_DRAIN] = ERROR,
    [BUS_MEMBER_ON_END] = ERROR,
  },
};
/* clang-format on */

const BusMemberStep *
bus_member_step (BusMemberState state, BusMemberEvent event)
{
  g_assert (state < BUS_MEMBER_N_STATES && event < BUS_MEMBER_N_EVENTS);
  return &steps[state][event];
}

const char *
bus_member_state_name (BusMemberState state)
{
  static const char *const names[] = {
    [BUS_MEMBER_REGISTERED] = "registered", [BUS_MEMBER_READY] = "ready",       [BUS_MEMBER_SUSPECT] = "suspect",
    [BUS_MEMBER_SET_ASIDE] = "set-aside",   [BUS_MEMBER_DRAINING] = "draining", [BUS_MEMBER_GONE] = "gone",
  };

  return names[state];
}

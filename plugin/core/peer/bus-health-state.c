/* SPDX-License-Identifier: Apache-2.0 */
#include "peer/bus-health-state.h"

#define TO(state)                                                                                                      \
  {                                                                                                                    \
    BUS_HEALTH_STEP_NEXT, BUS_HEALTH_##state                                                                           \
  }
#define IGNORED                                                                                                        \
  {                                                                                                                    \
    BUS_HEALTH_STEP_IGNORED, 0                                                                                         \
  }
#define ERROR                                                                                                          \
  {                                                                                                                    \
    BUS_HEALTH_STEP_ERROR, 0                                                                                           \
  }

/* A signal misses one sign at a time, and the peer is checked after each, so no event of a series is skipped. */
/* clang-format off */
static const BusHealthStep steps[BUS_HEALTH_N_STATES][BUS_HEALTH_N_EVENTS] = {
  [BUS_HEALTH_HEALTHY] = {
    [BUS_HEALTH_ON_MISS] = TO (DEGRADED),
    [BUS_HEALTH_ON_SECOND_MISS] = ERROR,
    [BUS_HEALTH_ON_THIRD_MISS] = ERROR,
    [BUS_HEALTH_ON_COMPLAINT] = TO (DEGRADED),
    [BUS_HEALTH_ON_SIGNS] = IGNORED,
    [BUS_HEALTH_ON_CALM] = ERROR,            /* only a DEGRADED peer is watched for it */
    [BUS_HEALTH_ON_END] = TO (GONE),
  },
  [BUS_HEALTH_DEGRADED] = {
    [BUS_HEALTH_ON_MISS] = IGNORED,          /* it is degraded already, for this or another reason */
    [BUS_HEALTH_ON_SECOND_MISS] = TO (UNRESPONSIVE),
    [BUS_HEALTH_ON_THIRD_MISS] = ERROR,
    [BUS_HEALTH_ON_COMPLAINT] = IGNORED,
    [BUS_HEALTH_ON_SIGNS] = IGNORED,         /* it is watched for some time first */
    [BUS_HEALTH_ON_CALM] = TO (HEALTHY),
    [BUS_HEALTH_ON_END] = TO (GONE),
  },
  [BUS_HEALTH_UNRESPONSIVE] = {
    [BUS_HEALTH_ON_MISS] = IGNORED,          /* some signals have signs again, but not all */
    [BUS_HEALTH_ON_SECOND_MISS] = IGNORED,
    [BUS_HEALTH_ON_THIRD_MISS] = TO (FAILED),
    [BUS_HEALTH_ON_COMPLAINT] = ERROR,       /* SIGNS precedes it */
    [BUS_HEALTH_ON_SIGNS] = TO (DEGRADED),
    [BUS_HEALTH_ON_CALM] = ERROR,
    [BUS_HEALTH_ON_END] = TO (GONE),
  },
  [BUS_HEALTH_FAILED] = {
    [BUS_HEALTH_ON_MISS] = IGNORED,
    [BUS_HEALTH_ON_SECOND_MISS] = IGNORED,
    [BUS_HEALTH_ON_THIRD_MISS] = IGNORED,
    [BUS_HEALTH_ON_COMPLAINT] = ERROR,
    [BUS_HEALTH_ON_SIGNS] = TO (DEGRADED),
    [BUS_HEALTH_ON_CALM] = ERROR,
    [BUS_HEALTH_ON_END] = TO (GONE),
  },
  [BUS_HEALTH_GONE] = {
    [BUS_HEALTH_ON_MISS] = ERROR,            /* its timer was stopped */
    [BUS_HEALTH_ON_SECOND_MISS] = ERROR,
    [BUS_HEALTH_ON_THIRD_MISS] = ERROR,
    [BUS_HEALTH_ON_COMPLAINT] = ERROR,
    [BUS_HEALTH_ON_SIGNS] = ERROR,
    [BUS_HEALTH_ON_CALM] = ERROR,
    [BUS_HEALTH_ON_END] = ERROR,
  },
};
/* clang-format on */

const BusHealthStep *
bus_health_step (BusHealthState state, BusHealthEvent event)
{
  g_assert (state < BUS_HEALTH_N_STATES && event < BUS_HEALTH_N_EVENTS);
  return &steps[state][event];
}

const char *
bus_health_state_name (BusHealthState state)
{
  static const char *const names[] = {
    [BUS_HEALTH_HEALTHY] = "healthy", [BUS_HEALTH_DEGRADED] = "degraded", [BUS_HEALTH_UNRESPONSIVE] = "unresponsive",
    [BUS_HEALTH_FAILED] = "failed",   [BUS_HEALTH_GONE] = "gone",
  };

  return names[state];
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "sim-reach.h"

const char *
sim_reach_name (SimReach reach)
{
#define SIM_REACH_NAME(name, path) path,
  static const char *const names[] = { SIM_REACH_TABLE (SIM_REACH_NAME) };
#undef SIM_REACH_NAME

  return names[reach];
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "coverage.h"

const char *
sim_coverage_name (SimSituation situation)
{
#define SIM_SITUATION_NAME(name, path) path,
  static const char *const names[] = { SIM_SITUATIONS (SIM_SITUATION_NAME) };
#undef SIM_SITUATION_NAME

  return names[situation];
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-coverage.h"

const char *
tasks_coverage_name (TasksSituation situation)
{
  static const char *const names[TASKS_N_SITUATIONS] = {
#define X(situation, name) [TASKS_COVER_##situation] = (name),
    TASKS_SITUATIONS (X)
#undef X
  };

  return names[situation];
}

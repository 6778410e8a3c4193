/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-coverage.h"

/*
 * The transitions of a task, written again from the description of the design, so that an error in the table of the core is found.
 */

#define IN(state) (1u << BUS_TASK_##state)
#define LIVE      (IN (QUEUED) | IN (DELAYED) | IN (OFFERED) | IN (RUNNING) | IN (CANCELLING))
#define UNSTARTED (IN (QUEUED) | IN (DELAYED) | IN (OFFERED))

typedef struct
{
  guint from; /* states */
  BusTaskEvent event;
  BusTaskState to;
} TasksRow;

/* clang-format off */
static const TasksRow rows[] = {
  { IN (QUEUED),                                BUS_TASK_ON_OFFER,         BUS_TASK_OFFERED },
  { IN (QUEUED) | IN (OFFERED),                 BUS_TASK_ON_STARTED,       BUS_TASK_RUNNING },
  { IN (OFFERED),                               BUS_TASK_ON_PROGRESS,      BUS_TASK_RUNNING },
  { IN (QUEUED) | IN (OFFERED) | IN (RUNNING) | IN (CANCELLING),
                                                BUS_TASK_ON_RESULT,        BUS_TASK_SUCCEEDED },
  { IN (OFFERED) | IN (RUNNING),                BUS_TASK_ON_FAILURE,       BUS_TASK_FAILED },
  { IN (OFFERED) | IN (RUNNING),                BUS_TASK_ON_RETRYABLE,     BUS_TASK_DELAYED },
  { IN (OFFERED) | IN (RUNNING),                BUS_TASK_ON_STOPPED,       BUS_TASK_DELAYED },
  { IN (OFFERED),                               BUS_TASK_ON_BUSY,          BUS_TASK_QUEUED },
  { IN (RUNNING),                               BUS_TASK_ON_BUSY,          BUS_TASK_DELAYED },
  { IN (CANCELLING),                            BUS_TASK_ON_FAILURE,       BUS_TASK_CANCELLED },
  { IN (CANCELLING),                            BUS_TASK_ON_RETRYABLE,     BUS_TASK_CANCELLED },
  { IN (CANCELLING),                            BUS_TASK_ON_STOPPED,       BUS_TASK_CANCELLED },
  { IN (CANCELLING),                            BUS_TASK_ON_BUSY,          BUS_TASK_CANCELLED },
  { IN (QUEUED) | IN (OFFERED),                 BUS_TASK_ON_CLAIM,         BUS_TASK_RUNNING },
  { IN (OFFERED) | IN (RUNNING),                BUS_TASK_ON_EOF,           BUS_TASK_QUEUED },
  { IN (OFFERED) | IN (RUNNING),                BUS_TASK_ON_CLOSED,        BUS_TASK_QUEUED },
  { IN (OFFERED) | IN (RUNNING),                BUS_TASK_ON_DEREGISTER,    BUS_TASK_QUEUED },
  { IN (CANCELLING),                            BUS_TASK_ON_EOF,           BUS_TASK_CANCELLED },
  { IN (CANCELLING),                            BUS_TASK_ON_CLOSED,        BUS_TASK_CANCELLED },
  { IN (CANCELLING),                            BUS_TASK_ON_DEREGISTER,    BUS_TASK_CANCELLED },
  { IN (OFFERED),                               BUS_TASK_ON_DRAIN,         BUS_TASK_QUEUED },
  { IN (OFFERED),                               BUS_TASK_ON_WITHDRAWN,     BUS_TASK_QUEUED },
  { IN (RUNNING),                               BUS_TASK_ON_DRAIN_OVER,    BUS_TASK_QUEUED },
  { IN (OFFERED),                               BUS_TASK_ON_SILENT,        BUS_TASK_QUEUED },
  { IN (RUNNING),                               BUS_TASK_ON_PROGRESS_OVER, BUS_TASK_QUEUED },
  { IN (RUNNING),                               BUS_TASK_ON_RUN_OVER,      BUS_TASK_QUEUED },
  { UNSTARTED | IN (RUNNING),                   BUS_TASK_ON_DEADLINE,      BUS_TASK_TIMED_OUT },
  { IN (CANCELLING),                            BUS_TASK_ON_DEADLINE,      BUS_TASK_CANCELLED },
  { IN (DELAYED),                               BUS_TASK_ON_DUE,           BUS_TASK_QUEUED },
  { IN (CANCELLING),                            BUS_TASK_ON_GRACE_OVER,    BUS_TASK_CANCELLED },
  { UNSTARTED,                                  BUS_TASK_ON_CANCEL,        BUS_TASK_CANCELLED },
  { IN (RUNNING),                               BUS_TASK_ON_CANCEL,        BUS_TASK_CANCELLING },
  { UNSTARTED,                                  BUS_TASK_ON_ALONE,         BUS_TASK_CANCELLED },
  { IN (RUNNING),                               BUS_TASK_ON_ALONE,         BUS_TASK_CANCELLING },
  { IN (QUARANTINED),                           BUS_TASK_ON_RELEASE,       BUS_TASK_QUEUED },
  { IN (QUARANTINED),                           BUS_TASK_ON_DROP,          BUS_TASK_FAILED },
  { IN (QUARANTINED),                           BUS_TASK_ON_STORE_OVER,    BUS_TASK_FAILED },
  { LIVE,                                       BUS_TASK_ON_EXHAUSTED,     BUS_TASK_QUARANTINED },
  { LIVE,                                       BUS_TASK_ON_POISON,        BUS_TASK_QUARANTINED },
  { IN (QUEUED),                                BUS_TASK_ON_UNSAFE,        BUS_TASK_QUARANTINED },
  { LIVE,                                       BUS_TASK_ON_GIVEN_UP,      BUS_TASK_FAILED },
};
/* clang-format on */

BusTaskState
tasks_table_next (BusTaskState state, BusTaskEvent event)
{
  for (guint i = 0; i < G_N_ELEMENTS (rows); i++)
    if (rows[i].event == event && (rows[i].from & 1u << state) != 0)
      return rows[i].to;
  return 0;
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "tasks-coverage.h"

/*
 * The unreachable cells of the state tables, each with its reason. Every other cell that the table of the core does not declare
 * impossible must occur regularly. If a cell of this list occurs, the list is out of date.
 */

#define IN(state)    (1u << BUS_TASK_##state)
#define MEMBER(name) (1u << BUS_MEMBER_##name)
#define TERMINAL     (IN (SUCCEEDED) | IN (FAILED) | IN (TIMED_OUT) | IN (CANCELLED) | IN (QUARANTINED))

typedef struct
{
  guint states;
  guint event;
} CellsRow;

/* clang-format off */
static const CellsRow unreached[] = {
  /* Only the newest lease is asked, and only while it is valid. */
  { IN (QUEUED) | TERMINAL,                     BUS_TASK_ON_DRAIN },
  { IN (QUEUED) | TERMINAL,                     BUS_TASK_ON_DRAIN_OVER },
  { IN (QUEUED) | TERMINAL,                     BUS_TASK_ON_WITHDRAWN },
  { IN (QUEUED) | IN (DELAYED) | TERMINAL,      BUS_TASK_ON_HELD },
  /* The final answer of the newest lease has ended the lease, and made the task SUCCEEDED or DELAYED. */
  { IN (SUCCEEDED) | IN (DELAYED),              BUS_TASK_ON_STARTED },
  { IN (SUCCEEDED) | IN (DELAYED),              BUS_TASK_ON_PROGRESS },
  { IN (SUCCEEDED) | IN (DELAYED),              BUS_TASK_ON_RESULT },
  { IN (SUCCEEDED) | IN (DELAYED),              BUS_TASK_ON_FAILURE },
  { IN (SUCCEEDED) | IN (DELAYED),              BUS_TASK_ON_RETRYABLE },
  { IN (SUCCEEDED) | IN (DELAYED),              BUS_TASK_ON_STOPPED },
  { IN (SUCCEEDED) | IN (DELAYED),              BUS_TASK_ON_BUSY },
  { IN (SUCCEEDED),                             BUS_TASK_ON_EOF },
  { IN (SUCCEEDED),                             BUS_TASK_ON_CLOSED },
  { IN (SUCCEEDED),                             BUS_TASK_ON_DEREGISTER },
  /* A task is not offered before its second death is counted. */
  { IN (DELAYED) | IN (OFFERED) | IN (RUNNING) | IN (CANCELLING),
                                                BUS_TASK_ON_POISON },
};

static const CellsRow unreached_members[] = {
  /* In each of these states it is already fixed whether the member serves its task topic. */
  { MEMBER (READY) | MEMBER (SUSPECT) | MEMBER (SET_ASIDE), BUS_MEMBER_ON_SERVE },
  { MEMBER (REGISTERED),                                    BUS_MEMBER_ON_UNSERVE },
  /* Only a READY member becomes SUSPECT, and only a SUSPECT member becomes READY this way. */
  { MEMBER (REGISTERED) | MEMBER (SUSPECT) | MEMBER (SET_ASIDE) | MEMBER (DRAINING) | MEMBER (GONE),
                                                            BUS_MEMBER_ON_DOUBT },
  { MEMBER (REGISTERED) | MEMBER (READY) | MEMBER (SET_ASIDE) | MEMBER (DRAINING) | MEMBER (GONE),
                                                            BUS_MEMBER_ON_TRUST },
  { MEMBER (GONE),                                          BUS_MEMBER_ON_HOLD },
  { MEMBER (REGISTERED) | MEMBER (READY) | MEMBER (SUSPECT) | MEMBER (DRAINING),
                                                            BUS_MEMBER_ON_HOLD_OVER },
};
/* clang-format on */

static gboolean
cells_has (const CellsRow *rows, guint n, guint state, guint event)
{
  for (guint i = 0; i < n; i++)
    if (rows[i].event == event && (rows[i].states & 1u << state) != 0)
      return TRUE;
  return FALSE;
}

gboolean
tasks_cells_has_task (BusTaskState state, BusTaskEvent event)
{
  return bus_task_transition (state, event) != BUS_TASK_NEVER
         && !cells_has (unreached, G_N_ELEMENTS (unreached), state, event);
}

gboolean
tasks_cells_has_member (BusMemberState state, BusMemberEvent event)
{
  return bus_member_step (state, event)->kind != BUS_MEMBER_STEP_ERROR
         && !cells_has (unreached_members, G_N_ELEMENTS (unreached_members), state, event);
}

const char *
tasks_cells_member_event (BusMemberEvent event)
{
  static const char *const names[BUS_MEMBER_N_EVENTS] = {
    [BUS_MEMBER_ON_REGISTER] = "register",   [BUS_MEMBER_ON_SERVE] = "serve", [BUS_MEMBER_ON_UNSERVE] = "unserve",
    [BUS_MEMBER_ON_DOUBT] = "doubt",         [BUS_MEMBER_ON_TRUST] = "trust", [BUS_MEMBER_ON_HOLD] = "hold",
    [BUS_MEMBER_ON_HOLD_OVER] = "hold-over", [BUS_MEMBER_ON_DRAIN] = "drain", [BUS_MEMBER_ON_END] = "end",
  };

  return names[event];
}

const char *
tasks_cells_health_event (BusHealthEvent event)
{
  static const char *const names[BUS_HEALTH_N_EVENTS] = {
    [BUS_HEALTH_ON_MISS] = "miss",
    [BUS_HEALTH_ON_SECOND_MISS] = "second-miss",
    [BUS_HEALTH_ON_THIRD_MISS] = "third-miss",
    [BUS_HEALTH_ON_COMPLAINT] = "complaint",
    [BUS_HEALTH_ON_SIGNS] = "signs",
    [BUS_HEALTH_ON_CALM] = "calm",
    [BUS_HEALTH_ON_END] = "end",
  };

  return names[event];
}

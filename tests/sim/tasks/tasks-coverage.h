/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "peer/bus-health-state.h"
#include "work/bus-member-state.h"
#include "work/bus-task-state.h"

/*
 * The coverage of the seeds: counts situations, and cells of the tables of states. A run in which one of the situations or
 * transitions never occurred fails, because it proves nothing about it.
 */

/* X (situation, name): rows and scenarios of coordination.md. */
#define TASKS_SITUATIONS(X)                                                                                            \
  X (LATE_RESULT, "M14-S01-result-of-an-expired-lease-is-accepted")                                                    \
  X (STALE_ANSWER, "K01-S02-answer-of-an-older-lease-is-refused")                                                      \
  X (FORGED_TOKEN, "K02-S03-answer-with-another-token-is-refused")                                                     \
  X (CANCEL_DONE, "S05-cancel-of-a-task-that-has-ended")                                                               \
  X (UNCONFIRMED, "S06-holder-ignores-a-cancel")                                                                       \
  X (ATTACHED, "S16-same-id-and-specification-again")                                                                  \
  X (ATTACH_FULL, "K08-no-room-for-another-submitter")                                                                 \
  X (DIFFERS, "S17-same-id-and-another-specification")                                                                 \
  X (UNKNOWN, "S18-submitted-again-after-the-window")                                                                  \
  X (DIED, "S08-holder-dies-while-it-runs")                                                                            \
  X (RETURNED, "K03-holder-registers-again-in-time")                                                                   \
  X (CLAIMED, "K01-claimed-task-adopted")                                                                              \
  X (CLAIMED_OVER, "M14-run-limit-over-before-the-claim")                                                              \
  X (KEPT_OVER, "M14-run-limit-over-after-an-adoption")                                                                \
  X (INTERRUPTED, "S11-announced-stop-while-running")                                                                  \
  X (ALL_ZOMBIES, "S07-every-slot-has-a-zombie")                                                                       \
  X (TARGETS_WAIT, "S08-holder-dies-and-tasks-for-it-wait")                                                            \
  X (SUSPECTS, "S09-holder-dies-with-several-tasks")                                                                   \
  X (POISON, "S10-K06-poison-task-quarantined")                                                                        \
  X (DRAIN_RETURNED, "S12-K14-drain-returns-an-offer")                                                                 \
  X (DRAIN_OVER, "S12-K14-drain-deadline")                                                                             \
  X (DRAIN_CANCEL, "S13-cancel-during-drain")                                                                          \
  X (HANGS, "S14-D04-run-limit-although-progress-is-reported")                                                         \
  X (ZOMBIE_OVER, "K04-D04-run-limit-of-a-zombie")                                                                     \
  X (NO_PROGRESS, "S15-long-work-without-progress")                                                                    \
  X (ADOPTED, "S19-adopted-by-a-new-broker-and-run-once")                                                              \
  X (CLAIMED_FINISHED, "S20-finished-meanwhile-and-accepted-once")                                                     \
  X (FENCED, "M14-claim-fenced")                                                                                       \
  X (RESUBMITTED, "M14-submitted-again-to-a-new-broker")                                                               \
  X (HOLD_OVER, "M14-holder-does-not-return")                                                                          \
  X (EVENT, "M11-event-of-a-task")                                                                                     \
  X (STALE_EVENT, "K05-event-of-a-stale-answer")                                                                       \
  X (MEMBER_EVENT, "M09-event-of-a-member")                                                                            \
  X (GET, "M11-record-of-one-task")                                                                                    \
  X (LIST, "M11-records-of-tasks")                                                                                     \
  X (MEMBERS, "M09-records-of-members")                                                                                \
  X (STANDING_SET, "M11-standing-tasks-change")                                                                        \
  X (STANDING_APPLY, "M11-standing-tasks-sent-to-a-new-registration")                                                  \
  X (STANDING_OVER, "M11-standing-tasks-expire")                                                                       \
  X (SUPERSEDED, "S21-K04-old-holder-is-superseded")                                                                   \
  X (GRACE, "S22-D02-grace-of-a-late-broker")                                                                          \
  X (BY_AGE, "S23-oldest-task-before-a-higher-priority")                                                               \
  X (TURN, "S23-turn-of-the-other-account")                                                                            \
  X (WITHDRAWN, "S24-operation-withdrawn-while-it-runs")                                                               \
  X (RETRY_AFTER, "S25-retryable-failure-with-a-time")                                                                 \
  X (NO_ATTEMPTS, "S25-zero-attempts-refused")                                                                         \
  X (DELIVERED, "M11-holder-may-forget-its-answer")                                                                    \
  X (DETAILS, "M11-details-for-the-next-attempt")                                                                      \
  X (RECOVERED, "M14-success-after-a-failed-attempt")                                                                  \
  X (HEALTH_LOOP, "M13-frames-without-an-answer-to-PING")                                                              \
  X (HEALTH_QUEUE, "M13-peer-reads-nothing")                                                                           \
  X (HEALTH_UNITS, "M13-unit-not-healthy")                                                                             \
  X (HEALTH_GRACE, "M13-D02-late-broker-counts-no-miss")                                                               \
  X (HEALTH_AGAIN, "M13-healthy-again")                                                                                \
  X (HEALTH_CLOSED, "M13-failed-connection-is-closed")

typedef enum
{
#define X(situation, name) TASKS_COVER_##situation,
  TASKS_SITUATIONS (X)
#undef X
  TASKS_N_SITUATIONS,
} TasksSituation;

typedef struct
{
  guint64 counts[TASKS_N_SITUATIONS];
  guint64 cells[BUS_N_TASK_STATES][BUS_N_TASK_EVENTS]; /* events that occurred, with or without an effect */
  guint64 members[BUS_MEMBER_N_STATES][BUS_MEMBER_N_EVENTS];
  guint64 health[BUS_HEALTH_N_STATES][BUS_HEALTH_N_EVENTS];
} TasksCoverage;

const char *tasks_coverage_name (TasksSituation situation);

/* Returns the state to which an event leads in the documents; 0: it changes nothing, or cannot occur. */
BusTaskState tasks_table_next (BusTaskState state, BusTaskEvent event);

/* TRUE if a correct core can reach the cell, so that the seeds have to reach it. */
gboolean tasks_cells_has_task (BusTaskState state, BusTaskEvent event);
gboolean tasks_cells_has_member (BusMemberState state, BusMemberEvent event);
const char *tasks_cells_member_event (BusMemberEvent event);
const char *tasks_cells_health_event (BusHealthEvent event);

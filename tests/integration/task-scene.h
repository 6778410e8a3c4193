/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-fixture.h"

#include "coordination.pb-c.h"

/*
 * A scene of tasks with real processes: the agent, one process for each collector (task-worker.c), and this process, which
 * submits. The configuration sets short timers; no function here waits for a fixed time.
 *
 * The outcome of a task is read from the agent (task_scene_record()) or from its DeyeBusTask; its runs are counted from the lines
 * that the collectors print.
 */

typedef struct
{
  BusFixture bus;                 /* first, for its functions */
  DeyeBusClient *submitter;       /* a tool that reconnects */
  const char *const *environment; /* of the collectors; the same as that of the agent */
} TaskScene;

typedef Daemoneye__Eventbus__V1__TaskRecord TaskRecord;
typedef Daemoneye__Eventbus__V1__CollectorRecord CollectorRecord;

void task_record_free (TaskRecord *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (TaskRecord, task_record_free)
void collector_record_free (CollectorRecord *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (CollectorRecord, collector_record_free)

/* @options: const BusFixtureOptions, with agent_program. */
void task_scene_set_up (TaskScene *scene, gconstpointer options);
void task_scene_tear_down (TaskScene *scene, gconstpointer options);

/* Kills the agent, and starts another one at the same address. */
void task_scene_restart_agent (TaskScene *scene, const BusFixtureOptions *options);

#define task_scene_wait(scene, condition) bus_fixture_wait (&(scene)->bus, condition)

/* --- collectors --- */

/* Starts a collector, and waits until it is registered and gets tasks. bus_fixture_end_worker() or the teardown ends it. */
TestProcess *task_scene_collector (TaskScene *scene, const char *id, guint slots);
/* The same, but each work executes @act instead of the acts in its payload. */
TestProcess *task_scene_collector_with (TaskScene *scene, const char *id, guint slots, const char *act);
/* The same, with a limit of progress for the operation "scan". */
TestProcess *task_scene_collector_impatient (TaskScene *scene, const char *id, guint slots, gint64 progress_us);
/* The same program, which has not registered yet. */
TestProcess *task_scene_collector_begin (TaskScene *scene, const char *id, guint slots);
/* Kills it with SIGKILL, and reaps it. */
void task_scene_kill (TaskScene *scene, TestProcess *collector);
/* Waits until the collector has ended by itself with an error. */
void task_scene_reap (TaskScene *scene, TestProcess *collector);
/* The number of runs of a task in its output that were not taken yet. */
guint task_scene_runs (TestProcess *collector, const char *task);
/* Waits until the collector has begun @attempt of a task while @beside other works run there, and the agent knows it. Takes the
 * line from its output. */
void task_scene_expect_run (TaskScene *scene, TestProcess *collector, const char *task, guint attempt, guint beside);
/* Waits until the handler of the first attempt of @task has begun, and the submitter knows its holder. Takes the line from the
 * output of the collector. That the task is RUNNING is not enough for a test that suspends the collector or ends its connection
 * then: if this happens between STARTED and the handler, the handler is not called. */
void task_scene_wait_begun (TaskScene *scene, TestProcess *collector, DeyeBusTask *task);
/* Ends one of its works with a result. */
void task_scene_succeed (TestProcess *collector, const char *task, const char *result);
/* The agent's record of it; NULL: it is not registered. */
CollectorRecord *task_scene_member (TaskScene *scene, const char *id);

/* --- tasks --- */

/* @acts: one for each attempt, see task-worker.c. @target: NULL: any collector. */
DeyeBusTaskSpec *task_scene_spec (const char *operation, const char *id, const char *acts, const char *target);
/* Submits @spec (transfer full), and waits until the agent has accepted or refused it. */
DeyeBusTask *task_scene_submit_spec (TaskScene *scene, DeyeBusTaskSpec *spec);
/* Submits a task of the operation "scan". */
DeyeBusTask *task_scene_submit (TaskScene *scene, const char *id, const char *acts, const char *target);
/* Lets the collector complete a task, so that it is proven. */
void task_scene_warm (TaskScene *scene, const char *collector);

/* The agent's present record of the task, with its history. */
TaskRecord *task_scene_record (TaskScene *scene, const char *id);
/* Asks the agent until @check is true for the record. */
typedef gboolean (*TaskSceneCheck) (const TaskRecord *record, guint value);
void task_scene_wait_record (TaskScene *scene, const char *id, TaskSceneCheck check, guint value);
gboolean task_scene_has_state (const TaskRecord *record, guint state);
gboolean task_scene_has_reason (const TaskRecord *record, guint reason);
gboolean task_scene_has_deaths (const TaskRecord *record, guint deaths);
gboolean task_scene_has_expiries (const TaskRecord *record, guint expiries);

/* Asserts the state and the result of a task that has ended. */
void task_scene_assert_result (DeyeBusTask *task, const char *result);
/* Cancels the task by a request. Returns the text in the answer of the agent: "", or for example "already done". */
char *task_scene_cancel (TaskScene *scene, const char *id);
/* Calls Drain of control.bus.collectors. @expect_exit: the call also announces the end of the collector. */
void task_scene_drain (TaskScene *scene, const char *collector, gboolean expect_exit);

/* A request to the agent. Returns the unpacked answer; free it with protobuf_c_message_free_unpacked(). */
ProtobufCMessage *task_scene_ask (TaskScene *scene,
                                  const char *topic,
                                  const char *method,
                                  const ProtobufCMessage *request,
                                  const ProtobufCMessageDescriptor *type);

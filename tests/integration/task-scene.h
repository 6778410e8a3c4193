/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-fixture.h"

#include "coordination.pb-c.h"

/*
 * A scene of tasks with real processes: the agent in one, each collector in one of its own (task-worker.c says what it can do), and
 * this one, which submits. Its timers are short because the configuration says so; nothing here waits for a time.
 *
 * The outcome of a task is asked of the agent (task_scene_record()), or seen in its DeyeBusTask; how often it ran is counted from the
 * lines that the collectors print.
 */

typedef struct
{
  BusFixture bus;                 /* first, for its functions */
  DeyeBusClient *submitter;       /* a tool that connects again */
  const char *const *environment; /* of the collectors; as that of the agent */
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

/* Kills the agent, and starts another one at the same place. */
void task_scene_restart_agent (TaskScene *scene, const BusFixtureOptions *options);

#define task_scene_wait(scene, condition) bus_fixture_wait (&(scene)->bus, condition)

/* --- collectors --- */

/* A collector that is registered and gets tasks. It ends with bus_fixture_end_worker(), or in the teardown. */
TestProcess *task_scene_collector (TaskScene *scene, const char *id, guint slots);
/* The same, whose works do that, whatever their tasks say. */
TestProcess *task_scene_collector_with (TaskScene *scene, const char *id, guint slots, const char *act);
/* The same, with a limit of progress for the operation "scan". */
TestProcess *task_scene_collector_impatient (TaskScene *scene, const char *id, guint slots, gint64 progress_us);
/* The same program, which has not registered yet. */
TestProcess *task_scene_collector_begin (TaskScene *scene, const char *id, guint slots);
/* kill -9, and reaps it. */
void task_scene_kill (TaskScene *scene, TestProcess *collector);
/* Waits until it has ended by itself, which is not a success. */
void task_scene_reap (TaskScene *scene, TestProcess *collector);
/* Runs of a task that it has printed and that were not taken from its output. */
guint task_scene_runs (TestProcess *collector, const char *task);
/* Waits until it has run @attempt of a task, beside @beside others, and the agent knows that; takes the line from its output. */
void task_scene_expect_run (TaskScene *scene, TestProcess *collector, const char *task, guint attempt, guint beside);
/* Ends a work of it with a result. */
void task_scene_succeed (TestProcess *collector, const char *task, const char *result);
/* As the agent sees it; NULL: it is not registered. */
CollectorRecord *task_scene_member (TaskScene *scene, const char *id);

/* --- tasks --- */

/* @acts: what each attempt does, as in task-worker.c. @target: NULL: any collector. */
DeyeBusTaskSpec *task_scene_spec (const char *operation, const char *id, const char *acts, const char *target);
/* Takes @spec. The agent has it, or has refused it, when this returns. */
DeyeBusTask *task_scene_submit_spec (TaskScene *scene, DeyeBusTaskSpec *spec);
/* Submits a task of the operation "scan". */
DeyeBusTask *task_scene_submit (TaskScene *scene, const char *id, const char *acts, const char *target);
/* Each collector is one that has completed a task since it registered. */
void task_scene_warm (TaskScene *scene, const char *collector);

/* As the agent sees it now, with its history. */
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
/* Cancels it by a request, and returns what the agent says of it: "", or for example "already done". */
char *task_scene_cancel (TaskScene *scene, const char *id);
/* control.bus.collectors Drain. @expect_exit: its end is announced by that. */
void task_scene_drain (TaskScene *scene, const char *collector, gboolean expect_exit);

/* A request to the agent. Returns its answer, which is unpacked by its type; free it by protobuf_c_message_free_unpacked(). */
ProtobufCMessage *task_scene_ask (TaskScene *scene,
                                  const char *topic,
                                  const char *method,
                                  const ProtobufCMessage *request,
                                  const ProtobufCMessageDescriptor *type);

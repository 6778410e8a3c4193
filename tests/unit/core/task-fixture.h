/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "core-fixture.h"

#include "work/bus-member.h"
#include "work/bus-task-store.h"
#include "coordination.pb-c.h"

/*
 * Submitters and members, for core-fixture. Requests and answers are those of the wire; the outcome of a task is
 * read from its record in the core.
 */

typedef Daemoneye__Eventbus__V1__TaskSpec TaskSpec;
typedef Daemoneye__Eventbus__V1__Execute Execute;
typedef Daemoneye__Eventbus__V1__SubmitVerdict SubmitVerdict;

/* A task that was sent to a member. */
typedef struct
{
  guint64 route;
  Execute *execute;
} Job;

/* The default limits, without heartbeats. */
void tasks_setup (Core *core, gconstpointer limits_or_null);
void tasks_limits (BusLimits *limits);
/* Disconnects every client, and starts another broker with another epoch. */
void tasks_restart (Core *core);

/* Advances the time; each timer expires when it is due. */
void tasks_advance (Core *core, gint64 us);

/* A registered collector with the operation "scan" that serves its task topic. */
Client *worker_ready (Core *core, const char *id, guint slots);
Client *worker_ready_with (Core *core, const char *id, guint slots, const char *operation, gboolean idempotent);
/* The same, which may be set aside. */
Client *worker_registered (Core *core, const char *id, guint slots);
Client *submitter_ready (Core *core);
/* (transfer none) NULL: it is not registered */
BusMember *worker_member (Client *worker);
void worker_register (Client *worker, const char *operation, guint slots, gboolean idempotent);
/* control.collector.registration, by method. */
void worker_call (Client *worker, const char *method, const ProtobufCMessage *request);

/* The claims of a collector that registers: it works on one job, or has finished one, or both. */
typedef struct
{
  const Job *running;  /* NULL: none */
  const Job *finished; /* NULL: none */
} Claims;

/* Registers with claims. Returns the number of claims that are fenced. */
guint worker_claim (Client *worker, guint slots, const Claims *claims);
/* A collector that connects and registers with claims. It does not serve its task topic yet. Its events arrive on the
 * subscription 2. */
Client *worker_back (Core *core, const char *id, guint slots, const Claims *claims, guint *n_fenced);
void worker_serve (Client *worker);
/* Returns the number of claims that are fenced by the next lifecycle event; 0: there is no event */
guint worker_take_fence (Client *worker);

/* Takes the next task that was sent to it; NULL: there is none. */
Job *worker_take (Client *worker);
/* The same; asserts that its id is @id. */
Job *worker_expect (Client *worker, const char *id);
void job_free (Job *job);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Job, job_free)

void worker_start (Client *worker, const Job *job);
void worker_progress (Client *worker, const Job *job, const char *details);
/* @kind: OutcomeKind */
void worker_finish (Client *worker, const Job *job, guint kind, const char *payload);
void worker_retry (Client *worker, const Job *job, guint64 retry_after_us);
/* Takes the next task, starts it and returns it. */
Job *worker_run (Client *worker, const char *id);
/* Asserts that a CANCEL with that status was sent for the job. */
void worker_expect_cancel (Client *worker, const Job *job, WireStatus status);
void worker_expect_stale (Client *worker);

void tasks_spec (TaskSpec *spec, const char *id);
/* The field is sent, also when it is 0. */
void tasks_spec_set_attempts (TaskSpec *spec, guint32 attempts);
/* Returns the status of the verdict. @verdict: (out) (nullable): owned by the caller */
guint32 tasks_submit_spec (Client *submitter, TaskSpec *spec, SubmitVerdict **verdict);
void tasks_submit (Client *submitter, const char *id);
/* control.bus.task, by method, about one id: its verdict; (transfer full) */
SubmitVerdict *tasks_ids (Client *asker, const char *method, const char *id, guint32 *status);

/* Cancels the task; returns the text of the verdict. (transfer full) */
char *tasks_cancel (Client *submitter, const char *id);
/* The payload of its result; valid until the next call. */
const char *tasks_result (Client *submitter, const char *id);
BusTask *tasks_find (Client *submitter, const char *id);
void tasks_assert_state (Client *submitter, const char *id, BusTaskState state);

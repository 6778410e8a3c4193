/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "deye-bus-task-spec-private.h"
#include "deye-bus-task.h"

/*
 * A task: the object of the submitter, and the fields that the client's table of tasks (deye-bus-tasks-private.h) uses.
 *
 * Its files share the fields: deye-bus-task.c is the object, -task-calls.c has the calls that need the client, -task-record.c
 * changes the task by the records of the broker. Changes are noted as bits, and a later dispatch reports them.
 *
 * Invariant: a task in a final state does not change any more, and has either a result or an error.
 */

/* Bits for the properties that have changed since the last dispatch; they are also the ids of the properties. */
typedef enum
{
  DEYE_BUS_TASK_PROP_ID = 1,
  DEYE_BUS_TASK_PROP_STATE,
  DEYE_BUS_TASK_PROP_WAIT_REASON,
  DEYE_BUS_TASK_PROP_CAUSE,
  DEYE_BUS_TASK_PROP_HOLDER,
  DEYE_BUS_TASK_PROP_ATTEMPT,
  DEYE_BUS_TASK_PROP_PROGRESS_DONE,
  DEYE_BUS_TASK_PROP_PROGRESS_TOTAL,
  DEYE_BUS_TASK_PROP_PROGRESS_TEXT,
  DEYE_BUS_TASK_PROP_LATE,
  DEYE_BUS_TASK_PROP_UNCONFIRMED,
  DEYE_BUS_TASK_N_PROPS
} DeyeBusTaskProperty;

typedef struct DeyeBusTaskHome DeyeBusTaskHome;

struct _DeyeBusTask
{
  GObject parent_instance;

  DeyeBusTaskHome *home; /* NULL: not made by submit() */
  DeyeBusTaskSpec *spec; /* does not change; NULL: not made by submit() */

  DeyeBusTaskState state;
  DeyeBusWaitReason wait_reason;
  char *cause;
  char *holder;
  guint attempt;
  guint64 progress_done;
  guint64 progress_total;
  char *progress_text;
  guint64 skipped;
  gboolean late;
  gboolean unconfirmed;
  GBytes *result;
  char *result_type;
  GError *error;

  guint changed;             /* bits, by DeyeBusTaskProperty */
  gboolean announced;        /* an event TASK_CHANGED is in the ring */
  gboolean finished_emitted; /* "finished" was emitted */
  GQueue waiters;            /* of wait_async() */

  /* Used by the client's table. */
  GList link;             /* in the order of the submits */
  guint lanes;            /* bits: lanes in which it waits, or has a request in progress */
  gint64 start_us;        /* its delay ends then; 0: no broker has accepted it */
  gint64 due_us;          /* its deadline; 0: not known */
  guint64 sent_epoch;     /* of the broker to which it was first submitted; 0: it was not submitted yet */
  gboolean accepted;      /* a broker has accepted it */
  gboolean cancel_wanted; /* cancel() was called */
  gboolean outcome_known; /* the program has the outcome */
};

static inline gboolean
deye_bus_task_state_is_final (DeyeBusTaskState state)
{
  return state >= DEYE_BUS_TASK_STATE_SUCCEEDED;
}

/* A weak reference to the client that all its tasks share. One for each task would be slow, because GObject searches the weak
 * references to an object one after the other. */
DeyeBusTaskHome *deye_bus_task_home_new (DeyeBusClient *client);
DeyeBusTaskHome *deye_bus_task_home_ref (DeyeBusTaskHome *home);
void deye_bus_task_home_unref (DeyeBusTaskHome *home);

/* @spec: must not change any more; a reference is taken. */
DeyeBusTask *deye_bus_task_new (DeyeBusTaskHome *home, DeyeBusTaskSpec *spec);

/* (transfer full) NULL: the client is gone, or there was none. */
DeyeBusClient *deye_bus_task_dup_client (DeyeBusTask *self);

/* Called by the dispatch of an event TASK_CHANGED: reports what has changed. */
void deye_bus_task_dispatch (DeyeBusTask *self);

/* --- calls.c --- */

/* The task has ended: the calls that wait for it return. */
void deye_bus_task_return_waiters (DeyeBusTask *self);

/* --- deye-bus-tasks.c --- */

/* The program has got the outcome, so the broker need not keep it. */
void deye_bus_task_obtained (DeyeBusTask *self);

/* --- record.c --- */

/* Sets the present state from the broker's record; @skipped earlier states were not sent. No effect on a task that has ended.
 * FALSE: the state does not exist. */
gboolean
deye_bus_task_take_record (DeyeBusTask *self, const Daemoneye__Eventbus__V1__TaskRecord *record, guint32 skipped);
/* The same with the answer to a submit, which has no outcome. */
void deye_bus_task_take_verdict (DeyeBusTask *self, const Daemoneye__Eventbus__V1__SubmitVerdict *verdict);
/* Ends the task in @state, without a result. Takes @error. */
void deye_bus_task_fail (DeyeBusTask *self, DeyeBusTaskState state, GError *error);

/* The error of @verdict: the broker refused a task, or a request about it. */
GError *deye_bus_task_error_of_verdict (const Daemoneye__Eventbus__V1__SubmitVerdict *verdict);
/* The error of the task of @record, which has ended. NULL: it succeeded, and its result is available. */
GError *deye_bus_task_error_of_record (const Daemoneye__Eventbus__V1__TaskRecord *record);

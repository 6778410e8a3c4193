/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tasks-world.h"

/*
 * The model of tasks: what may become of each, from what was sent and received.
 *
 * Before an input it works out which event of which task the input is. After it, it walks through the steps that the core added to
 * the history of each task, and asks of each: do the documents have this transition (tasks-table), and did something happen that
 * justifies it (tasks-justify)? It counts attempts, failures, expiries, deaths and interruptions by itself and compares. What an
 * input must have changed and did not is a failure as well.
 *
 * It knows a lease by the route and the token of its Execute. It reads both from the core when the offer is made, and never again,
 * so a core that accepts another token disagrees with it.
 */

/* A member that ended while it ran a task. */
typedef struct
{
  guint slot;
  guint64 incarnation;
  gboolean was_proven;
  gint64 due_us;
} TasksDeath;

typedef struct
{
  guint64 sequence; /* of the core's task: an id that is used again is another task */
  guint account;
  guint number;
  TasksSpec spec;
  gboolean is_other; /* it was submitted with the other specification */
  BusTaskState state;
  gint64 since_us; /* in that state */
  gint64 submitted_us;
  gint64 due_us;
  gint64 wait_us;       /* DELAYED: it waits at least so long */
  gint64 wait_most_us;  /* and at most so long */
  gint64 held_until_us; /* for a claim; 0: it is not */
  guint attempts;
  guint attempt;
  guint failures;
  guint expiries;
  guint n_deaths;
  guint interruptions;
  GArray *deaths; /* TasksDeath, not counted yet */
  guint died_on;  /* slot; TASKS_ANY_SLOT: none */
  gboolean died_on_two;
  gboolean died_on_proven;

  /* the newest lease */
  gboolean has_lease; /* its holder may answer */
  gboolean lease_started;
  guint64 route;
  guint8 token[BUS_TOKEN_LEN];
  guint holder;            /* slot */
  guint holder_connection; /* number */
  gboolean idempotent;
  gint64 run_limit_us;
  gint64 progress_limit_us;
  gint64 renewed_us;
  gint64 begun_us;
  gint64 alone_since_us; /* 0: a submitter is attached */

  guint attached[TASKS_SUBMITTERS];     /* number of the connection; 0: not attached */
  guint accepted_run;                   /* 0: none */
  BusTaskState shown[TASKS_SUBMITTERS]; /* that the submitter saw last; 0: none */
  guint n_results;
  guint n_finished; /* runs that came to a result, accepted or not */
  gboolean is_settled;
  gboolean is_forgotten; /* the core does not have it any more */
  guint64 seen;          /* input in which the core had it */
} TasksRecord;

struct TasksModel
{
  GPtrArray *records;                              /* TasksRecord, in the order of submission */
  TasksRecord *current[TASKS_ACCOUNTS][TASKS_IDS]; /* the newest of each id; NULL: none */
  GHashTable *tokens;                              /* GBytes of each lease -> its TasksRecord */
  guint64 last_sequence;
  guint64 n_inputs;

  /* of the input that is handled */
  TasksRecord *target; /* of the answer; NULL: it is of no newest lease */
  BusTaskEvent event;
  BusTaskState before; /* of the target */
  gboolean is_valid;
  guint n_steps; /* of the target */
};

/* One step of a task. */
typedef struct
{
  BusTaskEvent event;
  BusTaskState from;
  BusTaskState to;
} TasksStep;

TasksModel *tasks_model_new (void);
void tasks_model_free (TasksModel *model);
void tasks_model_before (TasksWorld *world, const TasksInput *input);
void tasks_model_after (TasksWorld *world, const TasksInput *input);
/* At rest. */
void tasks_model_finish (TasksWorld *world);

/* The task that an id of that account names now; NULL: there was none. */
TasksRecord *tasks_model_find (const TasksModel *model, guint account, guint number);
/* A submitter saw a record. @run: of its result; 0: none */
void tasks_model_shown (TasksWorld *world, const TasksClient *client, guint number, BusTaskState state, guint run);

static inline gboolean
tasks_record_is_live (const TasksRecord *record)
{
  return !record->is_forgotten && bus_task_state_is_live (record->state);
}

static inline guint
tasks_record_spent (const TasksRecord *record)
{
  return record->failures + record->expiries + record->n_deaths;
}

/* NULL: the step is justified; otherwise why it is not. */
const char *
tasks_justify (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tasks-world.h"

#include "work/bus-task.h"

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

/* A lease whose holder may still answer. */
typedef struct
{
  guint64 route;
  guint slot;
  guint connection;
  gboolean is_stopped; /* CANCEL is on its way */
} TasksLease;

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

  gboolean is_suspect;
  guint offers_lost;
  guint details;  /* of the newest report that had some; 0: none */
  GArray *leases; /* TasksLease, oldest first */

  /* the newest lease */
  gboolean has_lease; /* its holder may answer */
  gboolean lease_started;
  guint64 route;
  guint8 token[BUS_TOKEN_LEN];
  guint8 claimed_token[BUS_TOKEN_LEN]; /* that its holder has until it gets Execute{adopt}; otherwise the same */
  guint holder;                        /* slot */
  guint holder_connection;             /* number */
  gboolean idempotent;
  gboolean has_expired;
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
  GHashTable *stops;                               /* route -> WireStatus of the CANCEL that its holder has to get */
  GHashTable *details;                             /* route -> run whose details its Execute has to carry */
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
/* Submitters that read have seen how their tasks ended. */
void tasks_model_check_shown (TasksWorld *world);
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

/* The token by which a member claims its newest lease; NULL: it does not. */
static inline const guint8 *
tasks_record_claimed_token (const TasksRecord *record, const TasksClaims *claims)
{
  for (guint i = 0; i < claims->n; i++)
    if (memcmp (claims->tokens[i], record->token, BUS_TOKEN_LEN) == 0
        || memcmp (claims->tokens[i], record->claimed_token, BUS_TOKEN_LEN) == 0)
      return claims->tokens[i];
  return NULL;
}

/* A submitter is attached to it. */
static inline gboolean
tasks_record_is_attached (const TasksRecord *record)
{
  return record->attached[0] + record->attached[1] + record->attached[2] > 0;
}

/* --- tasks-steps: what a step of a task changes --- */

void tasks_steps_apply (TasksWorld *world, TasksRecord *record, const TasksInput *input, const TasksStep *step);

/* --- tasks-leases: the leases of a task, and what their holders are sent --- */

/* The newest lease was offered. */
void tasks_leases_add (TasksWorld *world, TasksRecord *record, const BusTask *task);
/* The holder of the newest one was sent CANCEL. */
gboolean tasks_leases_is_stopped (const TasksRecord *record);
/* Its holder has answered, or is gone. */
void tasks_leases_remove (TasksRecord *record, guint64 route);
void tasks_leases_remove_holder (TasksRecord *record, guint connection);
/* The broker gets a last answer. */
void tasks_leases_answered (TasksModel *model, const TasksClient *client, const TasksFrame *frame);
/* A step of the task: the holders that get CANCEL. */
void tasks_leases_stepped (TasksWorld *world, TasksRecord *record, const TasksStep *step);
/* What a holder got. */
void tasks_leases_got_cancel (TasksWorld *world, const TasksClient *client, guint64 route, guint32 status);
void tasks_leases_got_execute (TasksWorld *world, const TasksClient *client, guint64 route, guint details);
/* At rest. */
void tasks_leases_finish (TasksWorld *world);

/* --- tasks-time: timers that have not fired --- */

void tasks_time_check (TasksWorld *world);

/* --- tasks-members: tasks that wait although a member has room, and members that fail --- */

void tasks_members_check (TasksWorld *world);
/* A step of a task that is a failure of its holder. */
void tasks_members_struck (TasksWorld *world, guint slot);

/* NULL: the step is justified; otherwise why it is not. */
const char *
tasks_justify (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step);

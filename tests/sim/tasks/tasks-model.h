/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "tasks-world.h"

#include "wire-guard.h"
#include "work/bus-task.h"

/*
 * The model of tasks: the changes of each task that the documents permit, derived from the frames that were sent and received.
 *
 * Before an input it computes which event of which task the input is. After the input it takes the steps that the core added to
 * the history of each task, and checks for each step that the documents have this transition (tasks-table), and that some input
 * justifies it (tasks-justify). It counts attempts, failures, expiries, deaths and interruptions independently, and compares. A
 * required change that did not follow an input is a failure as well.
 *
 * It identifies a lease by the route and the token of its Execute. It reads both from the core when the offer is made, and
 * never again, so a core that accepts another token disagrees with the model.
 */

/* A lease whose holder may still answer. */
typedef struct
{
  guint64 route;
  guint slot;
  guint connection;
  gboolean is_stopped; /* CANCEL is in transit */
  gint64 run_due_us;   /* when it is stopped, because its progress was late; 0: never */
} TasksLease;

typedef Daemoneye__Eventbus__V1__TaskRecord TaskRecord;
typedef Daemoneye__Eventbus__V1__CollectorRecord CollectorRecord;

/* A system.task.* event that the operator has to get. */
typedef struct
{
  BusTaskEvent event;
  BusTaskState from;
  BusTaskState to;
  gint64 at_us;
  guint attempt;
  guint holder;   /* slot; TASKS_ANY_SLOT: not known */
  gint64 wait_us; /* DELAYED: it waits at least this long */
  gint64 wait_most_us;
  guint failures;
  guint expiries;
  guint deaths;
  guint n_died; /* deaths among these that may count after the step */
  guint interruptions;
  guint n_returned; /* the same for interruptions */
  guint n_steps;
} TasksNews;

/* A lease that the current input began. */
typedef struct
{
  const TasksRecord *record;
  const TasksClient *holder;
  guint64 age;
  gboolean runs_alone;
} TasksOffer;

/* The fairness of one operation: see tasks-fair. */
typedef struct
{
  const TasksRecord *oldest; /* the oldest task that waits; NULL: none */
  guint n_passed;            /* leases of other tasks that the oldest one could have had */
  guint n_since_aged;        /* leases since the last one by age */
  guint n_turns[TASKS_ACCOUNTS];
  guint64 n_leases; /* that the core has counted */
} TasksFairness;

/* A member that ended while it ran a task. */
typedef struct
{
  guint slot;
  guint64 incarnation;
  gboolean was_proven;
  gint64 due_us;
} TasksDeath;

struct TasksRecord
{
  guint64 sequence; /* number among all records: a reused id is another task */
  guint64 epoch;
  const BusTask *task; /* the task in the core, for its age, which the model does not predict; NULL: none */
  TasksRecord *origin; /* the first record of this work; a resubmission to a new broker makes another record */
  guint account;
  guint number;
  TasksSpec spec;
  gboolean is_other; /* it was submitted with the other specification */
  BusTaskState state;
  gint64 since_us; /* the time since which it has been in that state */
  gint64 submitted_us;
  gint64 due_us;
  gint64 wait_us;       /* DELAYED: it waits at least this long */
  gint64 wait_most_us;  /* and at most this long */
  gint64 held_until_us; /* end of the hold for a claim; 0: it is not held */
  guint awaits;         /* slot of the holder that its submitter named and that may claim it; 0: none */
  guint64 claimed_by;   /* connection whose claim holds it; 0: none */
  guint attempts;
  guint attempt;
  guint failures;
  guint expiries;
  guint n_deaths;
  guint interruptions;
  guint n_died;     /* deaths that this input counts, before or after a step that it causes */
  guint n_returned; /* the same for interruptions */
  GArray *deaths;   /* TasksDeath, not counted yet */
  guint died_on;    /* slot; TASKS_ANY_SLOT: none */
  gboolean died_on_two;
  gboolean died_on_proven;

  gboolean is_suspect;
  guint offers_lost;
  guint n_steps;
  GQueue news;    /* TasksNews that the operator has not got */
  guint details;  /* details of the newest report that had some; 0: none */
  GArray *leases; /* TasksLease, oldest first */

  /* the newest lease */
  gboolean was_leased;   /* there was one in this epoch */
  gboolean knows_holder; /* the holder was read from the core */
  gboolean has_lease;    /* its holder may answer */
  gboolean lease_started;
  guint64 route;
  guint8 token[BUS_TOKEN_LEN];
  guint8 claimed_token[BUS_TOKEN_LEN]; /* the token that the holder has; differs until it gets Execute{adopt} */
  guint holder;                        /* slot */
  guint holder_connection;             /* number */
  gboolean idempotent;
  gboolean has_expired;
  gint64 run_limit_us;
  gint64 progress_limit_us;
  gint64 renewed_us;
  gint64 begun_us;       /* the attempt has begun, or its holder got the task back */
  gint64 kept_due_us;    /* the limit that was left when its holder got the task back; G_MAXINT64: none */
  gint64 graced_due_us;  /* the limit after the grace of a late broker; 0: none since begun_us */
  gboolean is_over;      /* progress was late or the run limit over, since the task was RUNNING */
  gboolean was_finished; /* its holder got the task back as finished */
  gint64 alone_since_us; /* 0: a submitter is attached */

  guint attached[TASKS_SUBMITTERS];     /* number of the connection; 0: not attached */
  guint accepted_run;                   /* 0: none */
  BusTaskState shown[TASKS_SUBMITTERS]; /* state that the submitter saw last; 0: none */
  guint n_results;
  guint n_finished;     /* runs with a result, accepted or not; counted in the origin */
  guint last_finished;  /* number of the last of these runs; in the origin */
  guint taken_by;       /* number of the registration that last got the task back */
  gboolean is_adopted;  /* adopted by a new broker, and not offered again since */
  gboolean is_finished; /* its claim contains the outcome */
  gboolean is_settled;
  gboolean is_forgotten; /* the core does not have it any more */
  guint64 seen;          /* input in which the core had it */
};

struct TasksModel
{
  GPtrArray *records;                              /* TasksRecord, in the order of submission */
  TasksRecord *current[TASKS_ACCOUNTS][TASKS_IDS]; /* the newest of each id; NULL: none */
  GHashTable *stops;                               /* route -> WireStatus of the CANCEL that its holder has to get */
  GHashTable *details;                             /* route -> run whose details its Execute has to carry */
  GHashTable *given;                               /* routes of adopted leases */
  GHashTable *tokens;                              /* GBytes of each lease -> its TasksRecord */
  TasksRecord *earlier[TASKS_ACCOUNTS][TASKS_IDS]; /* the newest of each id in an epoch before; NULL: none */
  guint first;                                     /* index of the first record of this epoch */
  guint64 n_inputs;

  TasksFairness fairness[TASKS_OPERATIONS];

  /* the current input */
  GArray *offers;      /* TasksOffer */
  TasksRecord *target; /* the task of the answer; NULL: it has no newest lease */
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
/* Another broker has started. It has no task. */
void tasks_model_restart (TasksWorld *world);
void tasks_model_before (TasksWorld *world, const TasksInput *input);
void tasks_model_after (TasksWorld *world, const TasksInput *input);
/* Checks that submitters that read have seen the end of their tasks. */
void tasks_model_check_shown (TasksWorld *world);
/* At rest. */
void tasks_model_finish (TasksWorld *world);

/* Returns the newest task with that id of the account; NULL: there was none. */
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

/* The end of the run limit of the attempt. A limit that was over before the holder got the task back is over at that time. */
static inline gint64
tasks_record_run_due_us (const TasksRecord *record)
{
  if (record->graced_due_us != 0)
    return record->graced_due_us;
  return MAX (MIN (record->kept_due_us, record->begun_us + record->run_limit_us), record->begun_us);
}

/* TRUE if a submitter is attached to it. */
static inline gboolean
tasks_record_is_attached (const TasksRecord *record)
{
  return record->attached[0] + record->attached[1] + record->attached[2] > 0;
}

/* --- tasks-steps: the changes by a step of a task --- */

void tasks_steps_apply (TasksWorld *world, TasksRecord *record, const TasksInput *input, const TasksStep *step);

/* --- tasks-leases: the leases of a task, and the frames that their holders are sent --- */

/* The newest lease was offered. */
void tasks_leases_add (TasksWorld *world, TasksRecord *record, const BusTask *task);
/* TRUE if the holder of the newest lease was sent CANCEL. */
gboolean tasks_leases_is_stopped (const TasksRecord *record);
/* Removes a lease: its holder has answered, or is gone. */
void tasks_leases_remove (TasksRecord *record, guint64 route);
void tasks_leases_remove_holder (TasksRecord *record, guint connection);
/* The broker gets a final answer. */
void tasks_leases_answered (TasksModel *model, const TasksClient *client, const TasksFrame *frame);
/* Time passes: zombies whose run limit is over get CANCEL. */
void tasks_leases_due (TasksWorld *world, TasksRecord *record);
/* A step of the task: notes the holders that have to get CANCEL. */
void tasks_leases_stepped (TasksWorld *world, TasksRecord *record, const TasksStep *step);
/* A holder received a frame. */
void tasks_leases_got_cancel (TasksWorld *world, const TasksClient *client, guint64 route, guint32 status);
void tasks_leases_got_execute (TasksWorld *world,
                               const TasksClient *client,
                               guint64 route,
                               guint details,
                               gboolean is_adopted);
/* At rest. */
void tasks_leases_finish (TasksWorld *world);

/* --- tasks-fair: the order of leases --- */

void tasks_fair_offered (TasksWorld *world, const TasksRecord *record, const TasksClient *holder);
void tasks_fair_returned (TasksWorld *world, const TasksRecord *record);
/* At the end of an input. */
void tasks_fair_check (TasksWorld *world);
void tasks_fair_restart (TasksModel *model);

/* --- tasks-news --- */

void tasks_news_expect (TasksWorld *world, TasksRecord *record, const TasksStep *step);

/* --- tasks-shown: records in frames. The functions return the fault, or NULL --- */

/* Returns the task of a record; NULL: it was never submitted. */
TasksRecord *tasks_shown_find (const TasksWorld *world, const TaskRecord *shown);
/* Checks the fields that never change. @at_us: the time of the record; 0: not known */
const char *
tasks_shown_problem (const TasksWorld *world, const TasksRecord *record, const TaskRecord *shown, gint64 at_us);
/* Checks the whole record, against the present state. */
const char *
tasks_shown_task_problem (const TasksWorld *world, const TasksRecord *record, const TaskRecord *shown, gint64 at_us);
const char *tasks_shown_details_problem (const TasksRecord *record, const TaskRecord *shown);
const char *tasks_shown_member_problem (const TasksClient *client, const CollectorRecord *shown);

/* --- tasks-claims: tasks that wait for the claim of a holder --- */

/* Returns the task of a token; NULL: no lease had it. */
TasksRecord *tasks_claims_record_of (const TasksModel *model, const guint8 *token);
/* TRUE if the claim is about the newest lease, or agrees with the resubmission. */
gboolean tasks_claims_match (const TasksWorld *world,
                             const TasksRecord *record,
                             const TasksClient *client,
                             const TasksClaim *claim);
/* The holder of the newest lease has answered, and has nothing to claim. */
void tasks_claims_forget_token (TasksRecord *record);
/* The holder got the task back. TRUE: as finished */
gboolean tasks_claims_taken (TasksWorld *world, TasksRecord *record, TasksClient *holder);
/* The task does not wait for the member any more, for another reason: the member must receive a FENCE later. */
void tasks_claims_missed (TasksWorld *world, const TasksRecord *record, TasksClient *holder);
/* Returns a claim of the member that matches; NULL: none. */
TasksClaim *tasks_claims_find (const TasksWorld *world, const TasksRecord *record, TasksClient *client);
/* The member has registered. */
void tasks_claims_registered (TasksWorld *world, TasksClient *client);
/* The task was submitted again. */
void tasks_claims_resubmitted (TasksWorld *world, TasksRecord *record);
/* Time has passed. */
void tasks_claims_ticked (TasksWorld *world);
/* The member receives a FENCE. */
void tasks_claims_fenced (TasksWorld *world, TasksClient *client, const guint8 *token);
/* @attempt, @is_finished: of the Execute */
void
tasks_claims_given (TasksWorld *world, TasksClient *client, TasksRecord *record, guint32 attempt, gboolean is_finished);
/* Checks that no task waits for a holder without a reason. */
void tasks_claims_check (TasksWorld *world);
/* Checks the pools of all operations. */
void tasks_pools_check (TasksWorld *world);
/* At rest. */
void tasks_claims_finish (TasksWorld *world);

/* --- tasks-time: timers that have not fired --- */

void tasks_time_check (TasksWorld *world);

/* --- tasks-health --- */

void tasks_health_draw (TasksWorld *world);
void tasks_health_before (TasksWorld *world);
void tasks_health_after (TasksWorld *world, const TasksInput *input);
gboolean tasks_health_reads (const TasksClient *client);
/* Lets some clients hang, read nothing, or report bad health. */
void tasks_health_step (TasksWorld *world);
/* Ends all of this. */
void tasks_health_heal (TasksWorld *world);
void tasks_health_got_record (TasksWorld *world, const char *id, WireSpan payload);
/* Checks the records of health; called when everything that was sent has arrived. */
void tasks_health_check_shown (TasksWorld *world);

/* --- tasks-members: tasks that wait although a member has room, and members that fail --- */

void tasks_members_check (TasksWorld *world);
/* TRUE if the member is capable of the task, and has no older lease of it. */
gboolean tasks_members_can_take (const TasksRecord *record, const TasksClient *client);
/* A step of a task is a failure of its holder. */
void tasks_members_struck (TasksWorld *world, guint slot);

/* Returns the reason for which the step is not justified; NULL: it is. */
const char *
tasks_justify (const TasksWorld *world, const TasksRecord *record, const TasksInput *input, const TasksStep *step);

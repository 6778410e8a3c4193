/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"
#include "base/bus-timer.h"
#include "peer/bus-account.h"
#include "work/bus-task-place.h"
#include "work/bus-task-state.h"
#include "work/bus-token.h"

/*
 * A task: work that a submitter wants to have done, and the complete knowledge of the broker about it.
 *
 * A task belongs to the account of its submitter, and its id is unique there. It outlives the connection of its submitter, and
 * those of the members that work on it. bus-task-store has all tasks and charges them; bus-operation queues the tasks that
 * wait; bus-lease gives them to members. Only the table of bus-task-state decides which state follows, and only bus_task_on()
 * changes the state.
 *
 * A *lease* is the right of one member to execute the task. The newest token is kept here when its lease has ended, because a
 * result or a claim with this token may still arrive.
 *
 * Invariant: the charge of a task is the memory that it holds: the record, its texts, the ids of its holder and of the member
 * that died with it, payload, result, progress, history, attachments, leases, and its place among those that wait for a holder.
 */

#define BUS_TASK_ID_MAX       64u
#define BUS_TASK_TAGS_MAX     16u
#define BUS_TASK_HISTORY_MAX  16u
#define BUS_TASK_DETAILS_MAX  4096u /* of the details of a progress */
#define BUS_TASK_TEXT_MAX     256u  /* of a text of an error or a progress */
#define BUS_TASK_PRIORITY_MAX 255u
#define BUS_TASK_REVISION_MAX 64u /* of the configuration revision that an extent names */

/* Reasons why a task waits. The numbers are those of WaitReason on the wire. */
typedef enum
{
  BUS_WAIT_NONE,
  BUS_WAIT_NO_CAPABILITY,
  BUS_WAIT_ALL_BUSY,
  BUS_WAIT_ALL_DRAINING,
  BUS_WAIT_SET_ASIDE,
  BUS_WAIT_PAUSED,
  BUS_WAIT_ISOLATION,
  BUS_WAIT_BACKOFF,
  BUS_WAIT_NOT_BEFORE,
  BUS_WAIT_OPERATION_LIMIT,
  BUS_WAIT_TARGET_ABSENT,
  BUS_WAIT_ADOPTION_HOLD,
} BusWaitReason;
#define BUS_N_WAIT_REASONS 12u

/* The specification by the submitter. Borrowed; its texts and times have been checked. A duration of 0 is the default. */
typedef struct
{
  WireSpan id;
  WireSpan operation;
  WireSpan type; /* of the member; empty: any */
  WireSpan target;
  WireSpan payload;
  WireSpan payload_type;
  const WireSpan *tags;
  guint n_tags;
  guint priority;
  guint attempts;
  gint64 deadline_us;
  gint64 not_before_us;
  gint64 run_limit_us;
  gboolean exclusive;
  gboolean cancel_when_alone; /* the task is cancelled when no submitter is attached for too long */
  guint shard;
  guint shards; /* number of parts of the question that it belongs to; 0: none */
} BusTaskSpec;

/* Counters of attempts that ended without a result. failures + expiries + deaths <= attempts. */
typedef struct
{
  guint failures;
  guint expiries;
  guint deaths;
  guint interruptions; /* the member announced its end, or registered again: not a fault of the task */
} BusTaskCounts;

/* One step in the history of a task. */
typedef struct
{
  gint64 at_us;
  char *member; /* GRefString; NULL: none */
  guint32 attempt;
  guint8 state; /* the state that it reached */
  guint8 event; /* the event that led to it */
} BusTaskStep;

/* The kinds of final answers. The numbers are those of OutcomeKind on the wire. */
typedef enum
{
  BUS_OUTCOME_UNSPECIFIED,
  BUS_OUTCOME_SUCCEEDED,
  BUS_OUTCOME_FAILED,
  BUS_OUTCOME_RETRYABLE,
  BUS_OUTCOME_CANCELLED,
  BUS_OUTCOME_BUSY,
} BusOutcomeKind;
#define BUS_N_OUTCOME_KINDS 6u

/* The part of the data that the payload of a result covers, as its member judges it. */
typedef struct
{
  guint64 rows;
  guint64 limit;
  guint64 from_time_us;
  guint64 to_time_us;
  guint64 age_us;
  guint gaps;
  guint share_permille;
  gboolean is_truncated;
  gboolean is_uncounted; /* rows has no meaning */
  char configuration[BUS_TASK_REVISION_MAX + 1];
} BusTaskExtent;

/* A final answer, as it arrived. Borrowed. */
typedef struct
{
  BusOutcomeKind kind;
  WireSpan payload;
  WireSpan payload_type;
  WireSpan error_name;
  WireSpan error_text;
  gint64 retry_after_us;       /* 0: the broker decides */
  const BusTaskExtent *extent; /* NULL: the member does not say */
  GBytes *kept; /* the kept payload, if the caller has kept it already; NULL: it is copied from payload */
} BusTaskAnswer;

/* A report of progress, as it arrived. Borrowed. */
typedef struct
{
  gboolean started;
  guint64 done;
  guint64 total;
  WireSpan text;
  WireSpan details;
} BusTaskReport;

/* The last answer of a task, kept. */
typedef struct
{
  BusOutcomeKind kind;
  GBytes *payload; /* NULL: empty, or not kept any more */
  gsize payload_len;
  char *payload_type;
  char *error_name;
  char *error_text;
  BusTaskExtent *extent; /* NULL: the member did not say */
} BusTaskResult;

/* The newest progress of a task, kept. */
typedef struct
{
  guint64 done;
  guint64 total;
  char *text;
  GBytes *details; /* sent with the offer of the next attempt */
} BusTaskProgress;

typedef struct BusTask
{
  /* the request of the submitter */
  BusAccount *account; /* bus-task-store holds a reference */
  BusKey key;          /* number of the account (4 bytes), then the id; see bus_task_id() */
  BusKey operation;    /* its name */
  WireSpan type;       /* of the member; empty: any */
  WireSpan target;     /* id of the member; empty: any */
  WireSpan payload_type;
  GPtrArray *tags; /* char *, owned; NULL: none */
  GBytes *payload; /* NULL: empty, or not kept any more */
  gsize payload_len;
  guint64 payload_hash; /* to compare a payload when this one is not kept */
  guint64 sequence;     /* order of submission, from 1 */
  guint priority;       /* 0-255, higher is earlier */
  guint attempts;
  gint64 submitted_us;
  gint64 deadline_us;  /* the whole time that it was given */
  gint64 due_us;       /* time of its deadline */
  gint64 run_limit_us; /* 0: that of the operation */
  gboolean exclusive;  /* its member runs nothing else beside it */
  gboolean cancel_when_alone;
  guint shard;
  guint shards;                 /* 0: it is not a part of a question */
  struct BusGatherEntry *entry; /* bus-gather: the answer that it asks for; NULL: it was submitted */

  /* state: bus_task_on() */
  BusTaskState state;
  BusTaskCounts counts;
  BusTimer deadline_timer; /* live: due_us; ended: end of its time in the store */
  BusTimer
      timer; /* by state. QUEUED: a hold; DELAYED: DUE; OFFERED: SILENT; RUNNING: PROGRESS_OVER; CANCELLING: GRACE_OVER */
  BusTimer run_timer;    /* RUNNING: RUN_OVER */
  gint64 run_due_us;     /* end of the run limit of the newest lease and its adoptions; 0: its attempt has not begun */
  gboolean is_expired;   /* since the attempt was RUNNING last: a limit of it was over */
  gboolean was_finished; /* its holder has claimed to have finished it */
  GArray *history;       /* BusTaskStep, oldest first, at most BUS_TASK_HISTORY_MAX; NULL: none yet */

  /* the queue of its operation: bus-operation, bus-choice, bus-isolation */
  BusTaskPlace place;
  GPtrArray *avoids;         /* BusMember that hold a zombie of it; NULL: none */
  gint64 eligible_since_us;  /* since when it waits for a member; 0: it was never eligible */
  BusWaitReason wait_reason; /* only for HELD and LATER; see bus_operation_wait_reason() for the others */
  gboolean is_suspect;       /* it runs alone on its member */
  gboolean is_held;          /* it gets no offer: its deaths are provisional, or its last holder may register again */
  gboolean is_awaited;       /* its last holder may register again; in the table of bus-awaited, by awaited_link */
  guint64 claimed_by;        /* the registration whose claim holds it until it is adopted; 0: none */
  gboolean was_claimed;      /* a claim has held it since its newest lease; there is one such hold between two leases */
  GList awaited_link;

  /* leases: bus-lease */
  struct BusLease *lease;      /* the newest; NULL: its holder has answered, or is gone */
  GQueue leases;               /* BusLease, by their task_link: the newest, and zombies */
  char *holder;                /* GRefString: id of the member that has or had the newest lease; NULL: none yet */
  guint attempt;               /* number of the attempt that began last, from 1; 0: none */
  guint8 token[BUS_TOKEN_LEN]; /* token of the newest lease */
  guint8 claimed_token[BUS_TOKEN_LEN]; /* token of the claim that led to the newest lease; its own after an offer */
  gboolean is_answered;                /* the holder of the newest lease has answered, so it cannot claim the task */
  guint offers_lost;                   /* members whose connection ended with an offer of it, without announcement */
  GQueue deaths;                       /* BusDeath, by their task_link: provisional ones */
  char *died_on;                       /* GRefString: id of the first member that died with it */
  gboolean died_on_two;                /* it died on two members with different ids */
  gboolean died_on_proven;             /* it died on one that had completed a task since it registered */

  /* the outcome: bus-attempt */
  BusTaskProgress *progress;   /* the newest; NULL: none */
  BusTaskResult *result;       /* after its end; NULL: it ended without a result */
  guint64 result_route;        /* route of the request by which the last answer came; 0: none */
  guint64 result_registration; /* registration of the member that sent it */
  gboolean is_late;            /* the result came after the lease had expired */
  gboolean is_unconfirmed;     /* CANCELLED, and the holder did not answer */
  gboolean payload_dropped;    /* a payload or result was there, and is not kept any more */

  /* submitters: bus-push */
  GQueue attachments;    /* BusAttachment, by their task_link */
  gint64 alone_since_us; /* time since which no submitter is attached; 0: one is */
  BusTimer alone_timer;

  /* bus-task-store */
  GList all_link;   /* in order of submission */
  GList store_link; /* in the list of its shelf */
  guint shelf;      /* BusShelf */
  guint64 charged;
  char *text; /* key, operation, type, target and payload type */
  gsize text_len;
} BusTask;

/* State that all tasks of a broker share: their timers, and a counter for each cell of the table of states. */
typedef struct
{
  BusDeadlineSet *deadlines;
  guint64 reached[BUS_N_TASK_STATES][BUS_N_TASK_EVENTS];
  guint64 ignored;
  guint64 refused; /* for example a token that was not the newest */
} BusTaskRules;

/* Makes a task, with copies of all texts. Its state is QUEUED, or DELAYED if @spec has a not_before. No timer is armed. NULL:
 * no memory */
BusTask *bus_task_new (BusAccount *account, const BusTaskSpec *spec, guint64 seed, gint64 now_us);
/* Frees the task. Its timers are disarmed, and it is in no list. */
void bus_task_free (BusTask *task);

/* Returns the key of a task. Its text is written to @bytes, which has room for BUS_TASK_KEY_MAX. */
#define BUS_TASK_KEY_MAX (4u + BUS_TASK_ID_MAX)
BusKey bus_task_key (guint64 seed, guint32 account, WireSpan id, guint8 *bytes);

static inline WireSpan
bus_task_id (const BusTask *task)
{
  return wire_span (task->key.text.data + 4, task->key.text.len - 4);
}

/* Applies an event: the only function that changes the state of a task. Returns the new state, which may be the same, or a
 * verdict. @member: (nullable): GRefString, for the history
 *
 * A change stops the timers of the old state, and counts the attempt that it ends, so a report of the change contains the new
 * counters. */
guint bus_task_on (BusTaskRules *rules, BusTask *task, BusTaskEvent event, char *member, gint64 now_us);

/* Returns the name of the first field in which @spec differs from the task; NULL: none. Times are not compared: a client that
 * submits again may give the remaining times. */
const char *bus_task_difference (const BusTask *task, const BusTaskSpec *spec, guint64 seed);

/* Keeps a report of progress. */
void bus_task_set_progress (BusTask *task, const BusTaskReport *report);
/* Keeps the final answer. Without memory for its payload only the outcome is kept: payload_dropped. */
void bus_task_set_result (BusTask *task, const BusTaskAnswer *answer);
/* Frees the payload of the task, and that of its result. */
void bus_task_drop_payloads (BusTask *task);

/* The memory that other modules allocate for a task and that is charged to it: an attachment, a lease with its request, a place
 * in bus-awaited; and the overhead of a GRefString. */
#define BUS_ATTACHMENT_BYTES 128u
#define BUS_LEASE_BYTES      640u
#define BUS_AWAITED_BYTES    256u
#define BUS_TASK_REF_BYTES   16u

/* Returns the memory that the task holds. */
gsize bus_task_size (const BusTask *task);

/* Returns the number of attempts that are used up: failures + expiries + deaths. */
static inline guint
bus_task_spent (const BusTask *task)
{
  return task->counts.failures + task->counts.expiries + task->counts.deaths;
}

/* TRUE if it may still get a result. */
static inline gboolean
bus_task_is_live (const BusTask *task)
{
  return bus_task_state_is_live (task->state);
}

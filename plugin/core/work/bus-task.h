/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"
#include "base/bus-timer.h"
#include "peer/bus-account.h"
#include "work/bus-task-state.h"

/*
 * A task: work that a submitter wants to have done, and everything that the broker knows about it.
 *
 * A task belongs to the account of its submitter, and its id is unique there. It outlives the connection of its submitter, and
 * those of the members that work on it. bus-task-store has all tasks and pays for them; bus-operation queues those that wait;
 * bus-lease gives them to members. Only bus-task-state decides which state follows, and only bus_task_on() changes it.
 *
 * A *lease* is the right of one member to do the task. The newest token stays here when its lease has ended, because a result
 * or a claim may still come with it.
 *
 * Invariant: the charge of a task is the memory that it holds: the record, its texts, payload, result, progress, history and
 * attachments.
 */

typedef struct BusTask BusTask;
typedef struct BusTaskResult BusTaskResult;
typedef struct BusTaskProgress BusTaskProgress;

#define BUS_TASK_ID_MAX       64u
#define BUS_TASK_TAGS_MAX     16u
#define BUS_TASK_HISTORY_MAX  16u
#define BUS_TASK_DETAILS_MAX  4096u /* of a progress */
#define BUS_TASK_TEXT_MAX     256u  /* of an error, of a progress */
#define BUS_TASK_PRIORITY_MAX 255u
#define BUS_TASK_TOKEN_LEN    28u /* see bus-token.h */

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

/* What a submitter asks for. Borrowed; its texts and times have been checked. Durations of 0 stand for defaults. */
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
  gboolean cancel_when_alone; /* when no submitter is connected */
} BusTaskSpec;

/* Counters of attempts that ended without a result. failures + expiries + deaths <= attempts. */
typedef struct
{
  guint failures;
  guint expiries;
  guint deaths;
  guint interruptions; /* the member announced its end, or came back: not the fault of the task */
} BusTaskCounts;

/* One step in the life of a task. */
typedef struct
{
  gint64 at_us;
  char *member; /* GRefString; NULL: none */
  guint32 attempt;
  guint8 state; /* that it came into */
  guint8 event; /* that brought it there */
} BusTaskStep;

struct BusTask
{
  /* what the submitter asked for */
  BusAccount *account; /* held */
  BusKey key;          /* of its id, with the number of the account in the hash */
  BusKey operation;    /* name */
  WireSpan type;       /* of the member; empty: any */
  WireSpan target;     /* id of the member; empty: any */
  WireSpan payload_type;
  GPtrArray *tags;  /* const char *; NULL: none */
  GBytes *payload;  /* NULL: empty, or not kept any more */
  guint64 sequence; /* order of submission, from 1 */
  guint priority;   /* 0-255, higher is earlier */
  guint attempts;
  gint64 submitted_us;
  gint64 due_us;       /* of all of it */
  gint64 run_limit_us; /* 0: the operation's */
  gboolean exclusive;  /* its member runs nothing else beside it */
  gboolean cancel_when_alone;

  /* state: bus_task_on() */
  BusTaskState state;
  BusTaskCounts counts;
  BusTimer deadline_timer; /* live: due_us */
  BusTimer timer;  /* DELAYED: it is queued again; QUEUED with a hold: the hold ends; CANCELLING: the grace ends */
  GArray *history; /* BusTaskStep, the oldest are dropped; NULL: none yet */

  /* the queue of its operation: bus-operation, bus-choice, bus-isolation */
  struct BusOperation *waits_in; /* NULL: it does not wait */
  GList operation_link;
  gint64 eligible_since_us;  /* it waits for a member since then; 0: it was never eligible */
  BusWaitReason wait_reason; /* QUEUED, DELAYED */
  gboolean is_suspect;       /* it runs alone on its member */
  gboolean is_held;          /* it gets no offer: its deaths are not counted yet, or its last holder may come back */

  /* the newest lease: bus-lease */
  struct BusLease *lease; /* NULL: its holder has answered or is gone */
  char *holder;           /* GRefString: id of the member that has or had the newest lease; NULL: none yet */
  guint attempt;          /* that began last, from 1; 0: none */
  guint8 token[BUS_TASK_TOKEN_LEN];
  guint offers_lost;       /* members that disconnected with an offer of it */
  GQueue deaths;           /* bus-lease: BusTaskDeath that are provisional */
  char *died_on;           /* GRefString: id of the first member that died with it */
  gboolean died_on_two;    /* on members with different ids */
  gboolean died_on_proven; /* on one that had completed a task since it registered */

  /* what came out: bus-lease */
  BusTaskProgress *progress; /* the newest; NULL: none */
  BusTaskResult *result;     /* terminal; NULL: it ended without one */
  gboolean is_late;          /* the result came after the lease had expired */
  gboolean is_unconfirmed;   /* CANCELLED, and the holder did not answer */
  gboolean payload_dropped;  /* the result was there, and is not kept any more */

  /* submitters: bus-push */
  GQueue attachments;    /* BusAttachment by their task_link */
  gint64 alone_since_us; /* no submitter is attached; 0: one is */

  /* bus-task-store */
  GList store_link; /* in the list of what it is: live, in the window, quarantined */
  gsize charged;
  char *text; /* of the spans above */
};

/* States in which it can still come to a result. */
static inline gboolean
bus_task_is_live (const BusTask *task)
{
  return bus_task_state_is_live (task->state);
}

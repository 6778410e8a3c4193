/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "base/bus-key.h"
#include "base/bus-timer.h"
#include "peer/bus-account.h"
#include "work/bus-task-place.h"
#include "work/bus-task-state.h"
#include "work/bus-token.h"

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
 * Invariant: the charge of a task is the memory that it holds: the record, its texts, the ids of its holder and of the member
 * that died with it, payload, result, progress, history, attachments, leases, and its place among those that wait for a holder.
 */

#define BUS_TASK_ID_MAX       64u
#define BUS_TASK_TAGS_MAX     16u
#define BUS_TASK_HISTORY_MAX  16u
#define BUS_TASK_DETAILS_MAX  4096u /* of a progress */
#define BUS_TASK_TEXT_MAX     256u  /* of an error, of a progress */
#define BUS_TASK_PRIORITY_MAX 255u
#define BUS_TASK_REVISION_MAX 64u /* of the configuration that an extent names */

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

/* The specification of a submitter. Borrowed; its texts and times have been checked. Durations of 0 stand for defaults. */
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
  guint shard;
  guint shards; /* of the question that it is a part of; 0: of none */
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

/* The part of the data that the payload of a result covers, by the judgement of its member. */
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
  gboolean is_uncounted; /* rows means nothing */
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
  gint64 retry_after_us;       /* 0: the backoff of the broker */
  const BusTaskExtent *extent; /* NULL: the member does not say */
  GBytes *whole;               /* the payload, if it may be kept without a copy; else NULL */
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
  GBytes *details; /* handed to the next attempt */
} BusTaskProgress;

typedef struct BusTask
{
  /* what the submitter asked for */
  BusAccount *account; /* held by bus-task-store */
  BusKey key;          /* number of the account (4 bytes), then the id: bus_task_id() */
  BusKey operation;    /* name */
  WireSpan type;       /* of the member; empty: any */
  WireSpan target;     /* id of the member; empty: any */
  WireSpan payload_type;
  GPtrArray *tags; /* char *, owned; NULL: none */
  GBytes *payload; /* NULL: empty, or not kept any more */
  gsize payload_len;
  guint64 payload_hash; /* to compare with, when it is not kept */
  guint64 sequence;     /* order of submission, from 1 */
  guint priority;       /* 0-255, higher is earlier */
  guint attempts;
  gint64 submitted_us;
  gint64 deadline_us;  /* all that it was given */
  gint64 due_us;       /* its deadline */
  gint64 run_limit_us; /* 0: the operation's */
  gboolean exclusive;  /* its member runs nothing else beside it */
  gboolean cancel_when_alone;
  guint shard;
  guint shards;                 /* 0: it is no part of a question */
  struct BusGatherEntry *entry; /* bus-gather: it asks for this answer; NULL: it was submitted */

  /* state: bus_task_on() */
  BusTaskState state;
  BusTaskCounts counts;
  BusTimer deadline_timer; /* live: due_us; afterwards: the end of its time in the store */
  BusTimer
      timer; /* one per state. QUEUED: a hold; DELAYED: DUE; OFFERED: SILENT; RUNNING: PROGRESS_OVER; CANCELLING: GRACE_OVER */
  BusTimer run_timer; /* RUNNING: RUN_OVER */
  GArray *history;    /* BusTaskStep, oldest first, at most BUS_TASK_HISTORY_MAX; NULL: none yet */

  /* the queue of its operation: bus-operation, bus-choice, bus-isolation */
  BusTaskPlace place;
  GPtrArray *avoids;         /* BusMember that hold a zombie of it; NULL: none */
  gint64 eligible_since_us;  /* it waits for a member since then; 0: it was never eligible */
  BusWaitReason wait_reason; /* HELD or LATER; see bus_operation_wait_reason() for the others */
  gboolean is_suspect;       /* it runs alone on its member */
  gboolean is_held;          /* it gets no offer: its deaths are not counted yet, or its last holder may come back */
  gboolean is_awaited;       /* its last holder may come back: it is in the table of bus-awaited, by awaited_link */
  guint64 claimed_by;        /* the registration whose claim holds it until it is adopted; 0: none */
  gboolean was_claimed;      /* a claim has held it since its newest lease; there is one such hold between two leases */
  GList awaited_link;

  /* leases: bus-lease */
  struct BusLease *lease;      /* the newest; NULL: its holder has answered or is gone */
  GQueue leases;               /* BusLease by their task_link: the newest, and zombies */
  char *holder;                /* GRefString: id of the member that has or had the newest lease; NULL: none yet */
  guint attempt;               /* that began last, from 1; 0: none */
  guint8 token[BUS_TOKEN_LEN]; /* of the newest lease */
  guint8 claimed_token[BUS_TOKEN_LEN]; /* of the claim that led to the newest lease; its own token: it was an offer */
  gboolean is_answered;    /* the holder of the newest lease has given its final answer: it has nothing to claim */
  guint offers_lost;       /* members that disconnected with an offer of it */
  GQueue deaths;           /* BusDeath by their task_link: provisional */
  char *died_on;           /* GRefString: id of the first member that died with it */
  gboolean died_on_two;    /* on members with different ids */
  gboolean died_on_proven; /* on one that had completed a task since it registered */

  /* what came out: bus-lease */
  BusTaskProgress *progress;   /* the newest; NULL: none */
  BusTaskResult *result;       /* terminal; NULL: it ended without one */
  guint64 result_route;        /* route of the request that the last answer came by; 0: none */
  guint64 result_registration; /* of the member that it came from */
  gboolean is_late;            /* the result came after the lease had expired */
  gboolean is_unconfirmed;     /* CANCELLED, and the holder did not answer */
  gboolean payload_dropped;    /* payload or result were there, and are not kept any more */

  /* submitters: bus-push */
  GQueue attachments;    /* BusAttachment by their task_link */
  gint64 alone_since_us; /* no submitter is attached; 0: one is */
  BusTimer alone_timer;

  /* bus-task-store */
  GList all_link;   /* in the order of submission */
  GList store_link; /* in the list of its shelf */
  guint shelf;      /* BusShelf */
  guint64 charged;
  char *text; /* key, operation, type, target and payload type */
  gsize text_len;
} BusTask;

/* State that all tasks of a broker share: their timers, and counters of each cell of the table of states. */
typedef struct
{
  BusDeadlineSet *deadlines;
  guint64 reached[BUS_N_TASK_STATES][BUS_N_TASK_EVENTS];
  guint64 ignored;
  guint64 refused; /* a token that was not the newest, among others */
} BusTaskRules;

/* Texts are copied. Its state is QUEUED, or DELAYED when @spec has a not_before. No timer is armed. NULL: no memory */
BusTask *bus_task_new (BusAccount *account, const BusTaskSpec *spec, guint64 seed, gint64 now_us);
/* Its timers are disarmed, and nothing links it. */
void bus_task_free (BusTask *task);

/* The key of a task in @bytes, which has room for BUS_TASK_KEY_MAX. */
#define BUS_TASK_KEY_MAX (4u + BUS_TASK_ID_MAX)
BusKey bus_task_key (guint64 seed, guint32 account, WireSpan id, guint8 *bytes);

static inline WireSpan
bus_task_id (const BusTask *task)
{
  return wire_span (task->key.text.data + 4, task->key.text.len - 4);
}

/* Applies an event: the only function that changes the state. Leaving a state stops its timers, and counts the attempt that it
 * ends, so a report of the change contains the new counters. Returns the new state, which may be the same, or a verdict.
 * @member: (nullable): GRefString, for the history */
guint bus_task_on (BusTaskRules *rules, BusTask *task, BusTaskEvent event, char *member, gint64 now_us);

/* The name of the first field in which @spec differs from what the task was made of; NULL: none. Times are not compared: a
 * client that submits again may say what is left of them. */
const char *bus_task_difference (const BusTask *task, const BusTaskSpec *spec, guint64 seed);

void bus_task_set_progress (BusTask *task, const BusTaskReport *report);
/* Without memory for the payload only the outcome is kept: payload_dropped. */
void bus_task_set_result (BusTask *task, const BusTaskAnswer *answer);
void bus_task_drop_payloads (BusTask *task);

/* Bytes of an attachment, of a lease with its request, and of a place in bus-awaited: they are made for a task and count as its
 * own. And what a GRefString needs beside its text. */
#define BUS_ATTACHMENT_BYTES 128u
#define BUS_LEASE_BYTES      640u
#define BUS_AWAITED_BYTES    256u
#define BUS_TASK_REF_BYTES   16u

/* The memory that it holds. */
gsize bus_task_size (const BusTask *task);

/* failures + expiries + deaths. */
static inline guint
bus_task_spent (const BusTask *task)
{
  return task->counts.failures + task->counts.expiries + task->counts.deaths;
}

/* It can still come to a result. */
static inline gboolean
bus_task_is_live (const BusTask *task)
{
  return bus_task_state_is_live (task->state);
}

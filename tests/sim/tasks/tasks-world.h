/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-core.h"
#include "coordination.pb-c.h"
#include "sim-random.h"
#include "tasks-coverage.h"
#include "peer/bus-health.h"
#include "tasks-history.h"
#include "wire-envelope.h"
#include "wire-frame.h"
#include "work/bus-member-state.h"
#include "work/bus-task-state.h"
#include "work/bus-past.h"
#include "work/bus-token.h"

/*
 * The world of one seed of the family of tasks: a core, a clock that only the world moves, and clients that are streams of
 * bytes: submitters, collectors and tools.
 *
 * The family has a random stream of its own and shares no operation with the family of messages (sim-world.h), so the sequences
 * of one family do not depend on the other. Frames are passed to the core whole and in order; the other family splits them.
 *
 * In one of five seeds the broker restarts (tasks-restart): a new core, which has no state of the old one. The time of one
 * core is an *epoch*. These decisions have a random stream of their own (aside), so that the other seeds do not change.
 *
 * Each call of the core is an *input*, at a time of its own. tasks-model compares the tasks before and after it, tasks-check
 * checks the structs of the core between steps, tasks-history follows the results.
 *
 * Invariant: the same seed gives the same bytes out. A hash of all of them proves it.
 */

#define TASKS_CLIENTS 8u
#define TASKS_SUBMITTERS                                                                                               \
  3u /* the first clients: the agent, and two tools that submit as well; the rest are collectors */
#define TASKS_ACCOUNTS     2u    /* of submitters */
#define TASKS_IDS          40u   /* of each account */
#define TASKS_LARGE_RESULT 9000u /* bytes; larger than BUS_OUTQ_COPY_MAX */
#define TASKS_OPERATIONS   4u
#define TASKS_BATCH        4u /* tasks in one call */
#define TASKS_OLD_JOBS     6u /* jobs that a collector remembers after its answer */

#define TASKS_ANY_SLOT TASKS_CLIENTS
#define TASKS_WATCHER  (TASKS_CLIENTS + 1) /* slot of the operator, which is not one of the clients */

typedef struct TasksWorld TasksWorld;
typedef struct TasksModel TasksModel; /* see tasks-model.h */
typedef struct TasksRecord TasksRecord;

/* The specification of a task; the seed and the id determine it. */
typedef struct
{
  guint operation;
  guint type; /* 0: any; 1 procmond, 2 netmond */
  guint priority;
  guint attempts; /* 0: the default */
  guint target;   /* slot; TASKS_ANY_SLOT: any */
  gint64 deadline_us;
  gint64 not_before_us;
  gint64 run_limit_us;
  gboolean has_tag;
  gboolean exclusive;
  gboolean cancel_when_alone;
} TasksSpec;

/* One operation of a registration. */
typedef struct
{
  gboolean is_offered;
  gboolean idempotent;
  gint64 run_limit_us;
  gint64 progress_us; /* 0: without */
} TasksAbility;

/* The registration of a collector. */
typedef struct
{
  TasksAbility abilities[TASKS_OPERATIONS];
  guint slots;
  guint lowest;
  guint highest;
  gboolean has_tag;
} TasksRegistration;

typedef enum
{
  TASKS_FRAME_OTHER,
  TASKS_FRAME_HELLO,
  TASKS_FRAME_SERVE,
  TASKS_FRAME_UNSERVE,
  TASKS_FRAME_REGISTER,
  TASKS_FRAME_UPDATE,
  TASKS_FRAME_DEREGISTER,
  TASKS_FRAME_VERIFY,
  TASKS_FRAME_GOODBYE,
  TASKS_FRAME_REPORT,  /* progress of a job */
  TASKS_FRAME_ANSWER,  /* outcome of a job */
  TASKS_FRAME_DECLINE, /* the collector withdraws from the request */
  TASKS_FRAME_AWAIT,
  TASKS_FRAME_SUBMIT,
  TASKS_FRAME_CANCEL,
  TASKS_FRAME_SETTLE,
  TASKS_FRAME_RELEASE,
  TASKS_FRAME_DROP,
  TASKS_FRAME_RESULT,
  TASKS_FRAME_DRAIN,
  TASKS_FRAME_PAUSE, /* or resumes; see is_paused */
  TASKS_FRAME_LIMIT,
  TASKS_FRAME_GET,     /* of the operator; it sees the answer at once */
  TASKS_FRAME_LIST,    /* the same */
  TASKS_FRAME_MEMBERS, /* the same */
  TASKS_FRAME_STANDING_SET,
  TASKS_FRAME_STANDING_GET,
  TASKS_FRAME_STANDING_SERVE,
  TASKS_FRAME_APPLIED, /* standing tasks */
  TASKS_FRAME_PONG,
  TASKS_FRAME_BEAT,  /* heartbeat */
  TASKS_FRAME_UNITS, /* report of its health */
  TASKS_N_FRAMES,
} TasksFrameKind;

/* One task of a call. */
typedef struct
{
  guint number;         /* of its id */
  gboolean is_other;    /* SUBMIT: with another specification */
  gboolean is_repeated; /* SUBMIT: resubmit */
  gboolean has_none;    /* SUBMIT: 0 attempts */
  guint last_holder;    /* SUBMIT, resubmit: slot; 0: none is named */
  guint last_attempt;
  WireStatus expected; /* SUBMIT: of the verdict, when the broker got the call */
} TasksItem;

/* A task that a collector reports as running or finished. */
typedef struct
{
  const TasksRecord *record; /* the record of the token; NULL: none */
  guint number;              /* of the id */
  guint8 token[BUS_TOKEN_LEN];
  guint64 token_epoch;
  guint32 token_attempt;
  guint32 attempt;
  gboolean is_finished;
  gboolean is_settled;  /* it does not wait any more */
  gboolean is_answered; /* the collector was sent the task again, or a FENCE */
} TasksClaim;

typedef struct
{
  guint n;
  TasksClaim list[TASKS_OLD_JOBS];
} TasksClaims;

/* The meaning of a frame, for the model. */
typedef struct
{
  TasksFrameKind kind;
  gsize size;
  guint64 id; /* of the request */
  guint account;
  guint n_items;
  TasksItem items[TASKS_BATCH];
  guint operation;
  guint limit;
  guint state; /* LIST: 0: any */
  guint after; /* LIST: tasks after that one */
  gboolean is_paused;
  guint member;        /* STANDING_SET, STANDING_GET: slot */
  guint64 revision;    /* STANDING_SET, APPLIED */
  gint64 ttl_us;       /* STANDING_SET */
  gboolean is_refused; /* STANDING_SET, STANDING_GET */
  guint drained;       /* slot */
  gboolean expects_exit;
  gint64 drain_us;        /* 0: the default */
  gboolean drains;        /* UPDATE: it takes no more tasks */
  gboolean changes_slots; /* UPDATE */
  gboolean changes_operations;
  TasksRegistration registration;
  TasksClaims claims; /* REGISTER */
  guint64 route;
  guint8 token[BUS_TOKEN_LEN];
  gboolean started;     /* REPORT */
  guint outcome;        /* ANSWER: OutcomeKind */
  gboolean has_details; /* REPORT: the number of its run */
  guint run;            /* number of the run, which is its payload */
  gint64 retry_us;
  guint units; /* BEAT, UNITS: the health of three units, two bits of each; 0: none of them is bad */
} TasksFrame;

/* A task that a collector works on. */
typedef struct
{
  guint64 route;
  char id[16];
  guint32 attempt;
  guint8 token[BUS_TOKEN_LEN];
  guint run;
  gboolean is_started;
  gboolean is_stopped; /* it was sent CANCEL */
  gboolean is_answered;
  gboolean has_outcome; /* it keeps its answer until it is delivered */
  gboolean is_delivered;
  guint outcome; /* OutcomeKind */
} TasksJob;

/* The state of a submitter for one of its ids. */
typedef struct
{
  gboolean is_open; /* it awaits the end of that task */
  gboolean is_other;
  guint holder; /* slot; 0: it does not know one */
  guint attempt;
} TasksMemory;

/* The standing tasks of a collector. */
typedef struct
{
  gboolean exists;
  gboolean is_over; /* its time is over: it is empty */
  guint64 revision;
  guint64 observed;
  gint64 ttl_us;
  gint64 due_us;
  guint sent_to;        /* registration; 0: none has this set */
  gboolean in_flight;   /* sent, and not answered */
  gboolean is_underway; /* sent, and not arrived */
  guint64 sent_revision;
  guint n_sent;
  guint64 route;     /* of the Apply without an answer; 0: it has not arrived */
  guint64 old_route; /* of the last Apply that has arrived */
  guint n_withdrawn; /* withdrawn Applies that may still arrive */
} TasksStanding;

/* The kinds of seeds in which rare situations are frequent; see tasks-rare. */
typedef enum
{
  TASKS_RARE_NONE,
  TASKS_RARE_RESTLESS,
  TASKS_RARE_CROSSING,
  TASKS_RARE_DEADLY,
  TASKS_RARE_LAZY,
  TASKS_N_RARE,
} TasksRare;

/* The health of a connection: see tasks-health. */
typedef struct
{
  gboolean is_tracked;
  BusHealthState state;
  guint missed[BUS_HEALTH_N_SIGNALS];
  gint64 round_due_us;
  gint64 answered_us;
  gboolean is_asked;
  gboolean is_answered; /* in this round */
  gboolean has_frame;   /* likewise */
  gint64 queue_us;
  gboolean was_queued;
  gboolean is_taken;
  gint64 recovery_us; /* when it is healthy again; G_MAXINT64: it does not recover now */
  guint recovery_rounds;
  guint units; /* as in its frames */
  gboolean has_report;
  gsize queued; /* before the input */
} TasksHealth;

/* The kinds of collectors. */
typedef enum
{
  TASKS_HONEST,
  TASKS_SLOW,    /* often sends nothing for a long time */
  TASKS_KILLER,  /* dies at STARTED */
  TASKS_HOSTILE, /* forges tokens, repeats answers, claims tasks of others */
} TasksCharacter;

typedef struct
{
  TasksWorld *world;
  guint slot;
  guint number; /* of this connection, never used twice */
  gboolean is_collector;
  gboolean is_watcher;
  TasksCharacter character;
  char id[8];
  const char *type;
  guint account; /* of a submitter: 0 or 1 */
  guint32 uid;
  BusPeer *peer; /* NULL: not connected */
  guint64 incarnation;
  guint64 next_id;
  gboolean is_ready;
  gboolean is_frozen;
  gboolean is_late; /* the frames that it sends are delayed */
  gboolean is_writable;

  GByteArray *stream; /* to the core */
  GQueue frames;      /* TasksFrame, of the stream */
  WireFrameReader reader;

  TasksHealth health;
  BusHealthState health_shown; /* the state in the newest record that the operator got; GONE: none */
  guint health_units_shown;
  gint64 hangs_until_us; /* it answers no PING */
  gint64 stops_until_us; /* it reads nothing */
  gboolean owes_pong;

  /* collector */
  TasksRegistration registration; /* the registration that the broker has */
  TasksRegistration wanted;       /* the registration that was sent last */
  TasksClaims claims;             /* of that registration */
  gboolean is_registered;
  gboolean is_serving;
  gboolean is_draining;
  gboolean expects_exit;
  gboolean has_left; /* it sent GOODBYE */
  gint64 drain_until_us;
  guint64 registration_id;
  gint64 strikes_us[BUS_PAST_STRIKES]; /* of its id, of all connections; 0: none */
  guint n_holds;
  guint n_completed;       /* since it registered */
  guint most_slots;        /* of its registrations since it had no job */
  guint64 forgotten_route; /* newest route of the jobs that it has forgotten */
  GPtrArray *jobs;         /* TasksJob, oldest first */
  GPtrArray *old_jobs;     /* TasksJob, of connections before */
  BusMemberState shown;    /* the state in the newest record that the operator got */
  gboolean serves_standing;
  guint registrations; /* number of its last registration, counted for all clients */
  guint64 apply_route; /* of Apply that it has not answered; 0: none */
  guint64 applied;     /* revision of the last Apply */

  /* submitter */
  gboolean has_await;
  TasksMemory memory[TASKS_IDS];
  GHashTable *calls; /* id -> TasksFrame, not answered yet */
} TasksClient;

typedef enum
{
  TASKS_INPUT_CONNECT,
  TASKS_INPUT_FRAME,
  TASKS_INPUT_TICK,
  TASKS_INPUT_DISCONNECT,
  TASKS_INPUT_SENT,
} TasksInputKind;

/* One call of the core. */
typedef struct
{
  TasksInputKind kind;
  TasksClient *client;
  const TasksFrame *frame;
} TasksInput;

struct TasksWorld
{
  SimRandom random;
  SimRandom aside;         /* random stream of decisions that only some seeds need */
  SimRandom health_random; /* random stream of the health of clients */
  gboolean has_health;
  gint64 grace_before_us; /* time at which the core gave grace last, before the input */
  guint64 seed;
  gboolean restarts;       /* the broker restarts in this seed */
  gboolean keeps_outcomes; /* collectors keep outcomes, and claim the tasks that they have finished */
  guint restart_step;      /* step of the next restart; 0: none */
  guint n_restarts;
  TasksRare rare;
  gboolean has_little_room; /* for tasks: see tasks-rare */
  gboolean has_operator;
  gboolean has_standing;
  guint last_registration;
  TasksStanding standings[TASKS_CLIENTS];
  gint64 asked_us; /* time at which the operator sent its last frame */
  BusCore *core;
  BusCoreOptions options;
  TasksModel *model;
  TasksHistory *history;
  TasksCoverage *coverage;
  gint64 now_us;
  gint64 started_us;
  guint step;
  gint64 late_until_us; /* the time until which a late tick may have caused grace */
  gboolean is_late;     /* ticks of this seed are late */
  gboolean is_healing;
  gboolean is_paused[TASKS_OPERATIONS];
  guint limits[TASKS_OPERATIONS];
  guint last_run;
  guint last_connection;
  guint64 hash; /* of the bytes that came out */
  TasksClient clients[TASKS_CLIENTS];
  TasksClient watcher; /* the operator */
  char failure[256];
};

extern const char *const tasks_operations[TASKS_OPERATIONS];
extern const char *const tasks_types[3];

/* Prints each step of a task. */
extern gboolean tasks_trace;

void tasks_fail (TasksWorld *world, const char *format, ...) G_GNUC_PRINTF (2, 3);

static inline gboolean
tasks_failed (const TasksWorld *world)
{
  return world->failure[0] != '\0';
}

static inline void
tasks_cover (TasksWorld *world, TasksSituation situation)
{
  world->coverage->counts[situation]++;
}

/* --- tasks-world --- */

void tasks_world_connect (TasksWorld *world, TasksClient *client);
void tasks_world_disconnect (TasksWorld *world, TasksClient *client);
/* Passes one frame to the core. */
void tasks_world_feed (TasksWorld *world, TasksClient *client);
/* Takes out the bytes that the core wants to send. */
void tasks_world_drain (TasksWorld *world, TasksClient *client);
void tasks_world_advance (TasksWorld *world, gint64 us);

/* --- tasks-client: frames in and out of a client --- */

void tasks_client_init (TasksWorld *world, guint slot);
void tasks_client_init_streams (TasksWorld *world, TasksClient *client);
void tasks_client_reset (TasksClient *client);
void tasks_client_clear (TasksClient *client);
/* Appends a frame. @frame: its meaning; copied. Returns its id. */
guint64
tasks_client_put (TasksClient *client, guint8 kind, guint8 flags, WireEnvelope *envelope, const TasksFrame *frame);
/* An action of a client. The probability that it is drawn is proportional to @weight. */
typedef struct
{
  guint weight;
  void (*run) (TasksWorld *world, TasksClient *client);
} TasksAct;
void tasks_client_act (TasksClient *client, const TasksAct *acts, guint n_acts);
void tasks_client_hello (TasksClient *client);
void tasks_client_goodbye (TasksClient *client);
/* Calls a method of the broker. */
void tasks_client_call (TasksClient *client,
                        const char *topic,
                        const char *method,
                        const ProtobufCMessage *request,
                        const TasksFrame *frame);
void tasks_client_received (TasksClient *client, const guint8 *bytes, gsize len);

/* --- tasks-health --- */

/* The client answers, unless it hangs. */
void tasks_health_got_ping (TasksClient *client);

/* --- tasks-registration --- */

void tasks_registration_ready (TasksClient *client);
void tasks_registration_register (TasksClient *client);
void tasks_registration_serve (TasksClient *client);
void tasks_registration_unserve (TasksClient *client);
void tasks_registration_update (TasksWorld *world, TasksClient *client);
void tasks_registration_deregister (TasksWorld *world, TasksClient *client);
void tasks_registration_verify (TasksWorld *world, TasksClient *client);
void tasks_registration_got_reply (TasksClient *client, const TasksFrame *call, WireSpan payload);
/* A lifecycle event: some claims are fenced. */
void tasks_registration_got_lifecycle (TasksClient *client, WireSpan payload);
/* Forgets a job of an earlier connection, which the broker has given back or fenced. */
void tasks_registration_forget (TasksJob *job);

/* --- tasks-collector --- */

void tasks_collector_step (TasksWorld *world, TasksClient *client);
/* The collector registers, serves its topic and finishes its jobs. */
void tasks_collector_heal (TasksWorld *world, TasksClient *client);
void tasks_collector_got_execute (TasksClient *client, const WireEnvelope *envelope);
void tasks_collector_got_cancel (TasksClient *client, const WireEnvelope *envelope);
void tasks_collector_got_delivered (TasksClient *client, const WireEnvelope *envelope);
void tasks_collector_report (TasksClient *client, const TasksJob *job, gboolean started);
/* @outcome: OutcomeKind. The outcome is kept until its submitter has it. */
void tasks_collector_give (TasksClient *client, TasksJob *job, guint outcome);
/* The collector sends frames that only the broker may send. */
void tasks_collector_break_protocol (TasksClient *client);
/* The number of jobs that it has not answered. */
guint tasks_collector_count_jobs (const TasksClient *client);
gboolean tasks_collector_knows (const TasksClient *client, guint64 route);

/* --- tasks-submitter: also the calls of tools --- */

void tasks_spec (const TasksWorld *world, guint account, guint number, TasksSpec *spec);
void tasks_submitter_ready (TasksClient *client);
void tasks_submitter_step (TasksWorld *world, TasksClient *client);
/* @kind: RELEASE, DROP or CANCEL */
void tasks_submitter_call (TasksClient *client, TasksFrameKind kind, const TasksRecord *record);
void tasks_submitter_heal (TasksWorld *world, TasksClient *client);
void tasks_submitter_got_reply (TasksClient *client, const TasksFrame *call, gboolean is_final, WireSpan payload);

/* --- tasks-operator: a client that only reads --- */

void tasks_operator_init (TasksWorld *world);
void tasks_operator_connect (TasksWorld *world);
void tasks_operator_ready (TasksClient *client);
void tasks_operator_step (TasksWorld *world);
void tasks_operator_got_reply (TasksWorld *world, const TasksFrame *call, WireSpan payload);
void tasks_operator_got_error (TasksWorld *world, const TasksFrame *call, guint32 status);

/* --- tasks-standing --- */

/* For the model. */
void tasks_standing_registered (TasksWorld *world, TasksClient *client);
void tasks_standing_served (TasksWorld *world, TasksClient *client);
void tasks_standing_gone (TasksWorld *world, TasksClient *client);
void tasks_standing_set (TasksWorld *world, const TasksFrame *frame);
void tasks_standing_answered (TasksWorld *world, TasksClient *client, const TasksFrame *frame);
void tasks_standing_ticked (TasksWorld *world);
void tasks_standing_finish (TasksWorld *world);
/* For a collector. */
gboolean tasks_standing_got_cancel (TasksClient *client, guint64 route);
gboolean tasks_standing_is_apply (const WireEnvelope *envelope);
void tasks_standing_got_apply (TasksClient *client, const WireEnvelope *envelope);
void tasks_standing_work (TasksWorld *world, TasksClient *client);
/* For the operator. */
void tasks_standing_act (TasksWorld *world);
void tasks_standing_ask (TasksWorld *world);
void tasks_standing_heal (TasksWorld *world);
void tasks_standing_got_state (TasksWorld *world, const TasksFrame *call, WireSpan payload);
void tasks_standing_got_error (TasksWorld *world, const TasksFrame *call, guint32 status);

/* --- tasks-news: events, compared with those expected --- */

void tasks_news_got (TasksWorld *world, const WireEnvelope *envelope);
/* Checks that every expected event has arrived. */
void tasks_news_check (TasksWorld *world);

/* --- tasks-rare --- */

void tasks_rare_draw (TasksWorld *world);
void tasks_rare_set_limits (const TasksWorld *world, BusLimits *limits);
/* TRUE if the collectors of this seed perform only the rare actions; see tasks-rare.c. */
gboolean tasks_rare_is_quick (const TasksWorld *world);
/* The largest number of tasks in one call. */
guint tasks_rare_batch (const TasksWorld *world);
/* Called between two steps. */
void tasks_rare_step (TasksWorld *world);

/* --- tasks-restart --- */

void tasks_restart_draw (TasksWorld *world);
/* Called between two steps. */
void tasks_restart_step (TasksWorld *world);
/* Adds the states that the core has reached to the coverage. */
void tasks_restart_note_cells (TasksWorld *world);

/* --- tasks-check: the structs of the core --- */

void tasks_check_step (TasksWorld *world);

/* --- tasks-seed --- */

/* Runs one seed. Returns the failure; NULL: none. Transfer full. @hash: (out): of the bytes */
char *tasks_run (guint64 seed, guint steps, TasksCoverage *coverage, TasksSums *sums, guint64 *hash);

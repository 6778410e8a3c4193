/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-core.h"
#include "coordination.pb-c.h"
#include "gather.pb-c.h"
#include "sim-random.h"
#include "wire-envelope.h"
#include "wire-frame.h"
#include "work/bus-gather.h"

/*
 * The world of one seed of the family of questions to many collectors: a core, a clock that only the world moves, two askers,
 * collectors that work, hang, fail, drain and die, and one collector without the feature TASKS.
 *
 * Each call of the core is an *input*, with a meaning (GathersInput). Before an input gathers-compare reads from the core the
 * state of the task of each open entry. gathers-rules computes, from this and from the state of the collectors in the world,
 * the fates to which the input may lead. After the input the fates in the core, or those in the manifest that it sent, must be
 * among them. Also checked are the expected collectors of a question, the sum of the classes, the answers, the other counts,
 * the deadlines and the memory.
 *
 * The family has a random stream of its own, and shares no operation with the other families.
 */

#define GATHERS_ASKERS     2u /* the agent, and a tool of another account */
#define GATHERS_COLLECTORS 6u
#define GATHERS_OLD        (GATHERS_ASKERS + GATHERS_COLLECTORS) /* slot of a collector without TASKS */
#define GATHERS_CLIENTS    (GATHERS_OLD + 1u)
#define GATHERS_NAMES      (GATHERS_CLIENTS + 1u) /* the last one is an id without a collector */
#define GATHERS_QUESTIONS  8u                     /* open ones at a time */
#define GATHERS_ENTRIES    8u                     /* most entries of one question */
#define GATHERS_JOBS       64u                    /* jobs of a collector since it connected */
#define GATHERS_SLICE      (64u * 1024u)          /* bytes that may wait for an asker, not counting one frame */
#define GATHERS_LARGE      (40u * 1024u)          /* bytes of a large answer */

#define GATHERS_SITUATIONS(X)                                                                                          \
  X (ALL, "M12-mode-all")                                                                                              \
  X (SOME, "M12-mode-some")                                                                                            \
  X (SHARDS, "M12-mode-shards")                                                                                        \
  X (ANSWERED, "M12-answered")                                                                                         \
  X (EMPTY, "M12-empty")                                                                                               \
  X (FAILED, "M12-failed")                                                                                             \
  X (TIMED_OUT, "D05-timed-out")                                                                                       \
  X (DIED, "D07-died")                                                                                                 \
  X (CANCELLED, "D07-cancelled")                                                                                       \
  X (REFUSED, "M12-refused")                                                                                           \
  X (NEVER_ASKED, "M12-never-asked")                                                                                   \
  X (NOT_REGISTERED, "S26-not-registered")                                                                             \
  X (DRAINING, "D07-draining")                                                                                         \
  X (NO_CAPABILITY, "M12-no-capability")                                                                               \
  X (AT_CAPACITY, "M12-at-capacity")                                                                                   \
  X (SET_ASIDE, "M12-set-aside")                                                                                       \
  X (SUSPECT, "M12-suspect")                                                                                           \
  X (PAUSED, "M12-paused")                                                                                             \
  X (VERSION, "M12-version")                                                                                           \
  X (DENIED, "M12-denied")                                                                                             \
  X (COMPLETE, "M12-verdict-complete")                                                                                 \
  X (PARTIAL, "M12-verdict-partial")                                                                                   \
  X (NOBODY, "M12-verdict-no-collector")                                                                               \
  X (NONE_ANSWERED, "M12-verdict-failed")                                                                              \
  X (MET_ALL, "M12-requirement-all-met")                                                                               \
  X (MET_AT_LEAST, "M12-requirement-at-least-met")                                                                     \
  X (MET_ANY, "M12-requirement-any-met")                                                                               \
  X (UNMET, "M12-requirement-unmet")                                                                                   \
  X (TRUNCATED, "M12-truncated")                                                                                       \
  X (UNSURE, "S27-roster-unsure")                                                                                      \
  X (WAITED, "S27-waits-for-the-recovery-window")                                                                      \
  X (BACK, "M12-absent-collector-registers-in-time")                                                                   \
  X (REPLACED, "M12-another-collector-asked")                                                                          \
  X (FAILOVER, "M12-shard-asked-of-another-collector")                                                                 \
  X (DUPLICATE, "D06-answer-of-an-older-attempt")                                                                      \
  X (LATE, "D06-late-answer")                                                                                          \
  X (JOINED, "D07-collector-joined-later")                                                                             \
  X (STALLED, "D05-stalled")                                                                                           \
  X (DEADLINE, "D05-deadline")                                                                                         \
  X (SLOW, "M12-asker-does-not-read")                                                                                  \
  X (ASKER_CANCELS, "M12-asker-cancels")                                                                               \
  X (ASKER_GONE, "M12-asker-disconnected")                                                                             \
  X (LIMIT, "M12-above-a-limit")                                                                                       \
  X (RESTART, "M12-broker-restarts")

typedef enum
{
#define X(situation, name) GATHERS_COVER_##situation,
  GATHERS_SITUATIONS (X)
#undef X
  GATHERS_N_SITUATIONS,
} GathersSituation;

typedef struct
{
  guint64 counts[GATHERS_N_SITUATIONS];
} GathersCoverage;

/* The registration of a collector. */
typedef struct
{
  gboolean has_scan; /* the operation of most questions */
  gboolean has_hash;
  gboolean idempotent;
  gboolean has_tag;
  guint slots;
} GathersAbility;

/* A task that was sent to a collector. */
typedef struct
{
  guint64 route;
  guint8 token[32];
  gsize token_len;
  guint number; /* number of the run, which is its payload */
  gboolean is_started;
  gboolean is_stopped;
  gboolean is_answered;
} GathersJob;

typedef struct GathersWorld GathersWorld;

typedef struct
{
  GathersWorld *world;
  guint slot;
  char id[8];
  const char *type;
  guint32 uid;
  BusPeer *peer; /* NULL: not connected */
  guint64 incarnation;
  guint64 next_id;
  gboolean is_frozen; /* reads nothing, and does nothing */
  gboolean is_writable;
  WireFrameReader reader;

  /* only for a collector: the state that the broker must have for it */
  gboolean is_registered;
  gboolean is_draining;
  gboolean has_left; /* it sent GOODBYE, and its connection ends */
  GathersAbility ability;
  BusMemberState state; /* read from the core before the input */
  gint64 gone_us;       /* time of its disconnect without announcement; 0: there was none, or it has reconnected */
  GathersAbility past;  /* its abilities at that time */
  GathersJob jobs[GATHERS_JOBS];
  guint n_jobs;
} GathersClient;

typedef enum
{
  GATHERS_INPUT_OTHER, /* an input that no question depends on */
  GATHERS_INPUT_TICK,
  GATHERS_INPUT_EOF,
  GATHERS_INPUT_LEAVES, /* GOODBYE, or Deregister */
  GATHERS_INPUT_REGISTERS,
  GATHERS_INPUT_DRAINS,
  GATHERS_INPUT_STARTS,
  GATHERS_INPUT_ANSWERS,
  GATHERS_INPUT_STOPS_TASK, /* an operator cancels a task of a question */
  GATHERS_INPUT_OPERATES,   /* pause, resume, limit */
  GATHERS_INPUT_ASKS,
  GATHERS_INPUT_ENDS_QUESTION,
} GathersInputKind;

typedef struct
{
  GathersInputKind kind;
  GathersClient *client;                         /* NULL: TICK */
  const GathersJob *job;                         /* STARTS, ANSWERS */
  guint outcome;                                 /* ANSWERS: OutcomeKind */
  const Daemoneye__Eventbus__V1__Extent *extent; /* ANSWERS: (nullable) */
  guint64 query_id;                              /* STOPS_TASK, ENDS_QUESTION */
  guint index;                                   /* STOPS_TASK: of the entry */
} GathersInput;

/* One fate that is allowed: a class, with a reason if it is NEVER_ASKED. */
typedef struct
{
  guint classes; /* bits of BusFateClass; OPEN is one */
  guint reasons; /* bits of BusNeverAsked */
} GathersAllowed;

/* An expected answer, as the model has it. */
typedef struct
{
  BusFateClass answer; /* OPEN: not known yet */
  BusNeverAsked never_asked;
  GathersAllowed allowed; /* the question ended with this input: the fates that its manifest may contain */
  guint number;           /* number of the run that answered */
  gboolean is_truncated;
  gboolean was_sent; /* its GatherAnswer was received */

  /* read from the core before the input */
  BusTaskState state; /* 0: the task has ended */
  guint slot;         /* slot of its collector; GATHERS_NAMES: none */
  guint attempt;
  gboolean has_lease; /* a collector may still answer */
  gboolean is_target; /* the answer that arrives is one of its newest lease */

  /* its history */
  gboolean had_silence;
  gboolean had_eof;
  gboolean had_failure;
  gboolean had_stop;
} GathersEntry;

typedef struct
{
  gboolean is_used;
  gboolean is_over; /* the core has freed it; its manifest is in transit */
  GathersClient *asker;
  guint64 request_id;
  guint64 query_id; /* 0: not read yet */
  BusGatherMode mode;
  guint n;
  BusGatherRequire require;
  guint require_n;
  gboolean is_hash;
  guint type; /* 0: any */
  gboolean wants_tag;
  gint64 asked_us;
  gint64 due_us;
  gint64 stall_us;
  gboolean has_begun; /* its roster is fixed */
  gboolean is_sure;
  guint roster;               /* bits of slots, and of the id without a collector */
  guint unfit[GATHERS_NAMES]; /* BusNeverAsked of each of them */
  guint used;                 /* bits of slots that were asked */
  guint joined;               /* bits of slots that were counted as joined */
  guint n_joined;
  guint n_duplicates;
  guint n_late;
  gint64 progress_us; /* time of the last answer, or of the start */
  gint64 lacks_us;    /* when all open entries had lost their collectors; 0: some have a collector */
  guint n_entries;
  GathersEntry entries[GATHERS_ENTRIES];
} GathersQuestion;

struct GathersWorld
{
  SimRandom random;
  guint64 seed;
  GathersCoverage *coverage;
  BusCore *core;
  BusCoreOptions options;
  gint64 now_us;
  gint64 started_us; /* of the broker */
  guint step;
  guint restart_step; /* 0: none */
  gboolean is_healing;
  gboolean is_tight; /* the broker has room for few tasks of an account */
  gboolean is_paused;
  guint limit;                    /* of the operation */
  guint expected[GATHERS_ASKERS]; /* bits of the last Barrier of each */
  guint last_number;
  guint64 last_incarnation;
  guint64 hash;
  GathersClient clients[GATHERS_CLIENTS];
  GathersQuestion questions[GATHERS_QUESTIONS];
  char failure[300];
};

void gathers_fail (GathersWorld *world, const char *format, ...) G_GNUC_PRINTF (2, 3);

static inline gboolean
gathers_failed (const GathersWorld *world)
{
  return world->failure[0] != '\0';
}

static inline void
gathers_cover (GathersWorld *world, GathersSituation situation)
{
  world->coverage->counts[situation]++;
}

static inline gboolean
gathers_is_collector (const GathersClient *client)
{
  return client->slot >= GATHERS_ASKERS && client->slot < GATHERS_OLD;
}

/* Returns the id of a slot, or the id without a collector. */
const char *gathers_name (const GathersWorld *world, guint slot);
/* Returns the slot of an id; GATHERS_NAMES: none. @id: (nullable) */
guint gathers_slot_of (const GathersWorld *world, const char *id);

/* --- gathers-world: inputs --- */

void gathers_world_connect (GathersWorld *world, GathersClient *client);
/* Disconnects a client. For a collector this is the input EOF or LEAVES. */
void gathers_world_disconnect (GathersWorld *world, GathersClient *client);
/* Passes one frame to the core. @body: an envelope with its payload, or a message such as HELLO */
void gathers_world_put (GathersClient *client, guint8 kind, guint8 flags, WireSpan body, const GathersInput *input);
/* Returns the id of the frame. */
guint64 gathers_world_send (GathersClient *client,
                            guint8 kind,
                            guint8 flags,
                            WireEnvelope *envelope,
                            const GathersInput *input);
guint64 gathers_world_call (GathersClient *client,
                            const char *topic,
                            const char *method,
                            const ProtobufCMessage *request,
                            const GathersInput *input);
void gathers_world_drain (GathersWorld *world, GathersClient *client);
void gathers_world_advance (GathersWorld *world, gint64 us);
void gathers_world_restart (GathersWorld *world);

/* --- gathers-client: received frames --- */

void gathers_client_received (GathersClient *client, const guint8 *bytes, gsize len);
void gathers_client_reset (GathersClient *client);

/* --- gathers-collector --- */

void gathers_collector_got_execute (GathersClient *client, const WireEnvelope *envelope);
void gathers_collector_got_cancel (GathersClient *client, guint64 route);
void gathers_collector_begin (GathersClient *client);
void gathers_collector_step (GathersWorld *world, GathersClient *client);
void gathers_collector_heal (GathersClient *client);

/* --- gathers-asker: also the operator --- */

void gathers_asker_step (GathersWorld *world, GathersClient *client);
void gathers_asker_heal (GathersWorld *world);

/* --- gathers-compare: the questions of the core before and after an input --- */

void gathers_compare_before (GathersWorld *world, const GathersInput *input);
void gathers_compare_after (GathersWorld *world, const GathersInput *input);
/* Returns the question of the core; NULL: it has ended there. */
BusGather *gathers_compare_find (const GathersWorld *world, const GathersQuestion *question);

/* --- gathers-rules --- */

/* Returns the fates that @input permits for an open entry. */
GathersAllowed gathers_rules_of (const GathersWorld *world,
                                 const GathersQuestion *question,
                                 const GathersEntry *entry,
                                 const GathersInput *input);
gboolean gathers_rules_allow (GathersAllowed allowed, BusFateClass answer, BusNeverAsked never_asked);
/* TRUE if a registered collector is capable of the question. */
gboolean
gathers_rules_fits (const GathersQuestion *question, const GathersClient *client, const GathersAbility *ability);

/* --- gathers-model: rosters and manifests --- */

/* The question begins with the next input at the latest: computes its roster. */
void gathers_model_set_roster (GathersWorld *world, GathersQuestion *question);
void gathers_model_got_answer (GathersWorld *world, GathersClient *asker, const WireEnvelope *envelope);
void gathers_model_got_manifest (GathersWorld *world, GathersClient *asker, const WireEnvelope *envelope);
void gathers_model_got_error (GathersWorld *world, GathersClient *asker, const WireEnvelope *envelope);
GathersQuestion *gathers_model_find (GathersWorld *world, const GathersClient *asker, guint64 request_id);

/* Runs one seed. Returns the failure; NULL: none. Transfer full. @hash: (out): of the bytes */
char *gathers_run (guint64 seed, guint steps, GathersCoverage *coverage, guint64 *hash);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-core.h"
#include "queue/bus-subscription.h"
#include "sim-model.h"
#include "sim-random.h"
#include "sim-reach.h"
#include "wire-class.h"
#include "wire-envelope.h"
#include "wire-frame.h"

/*
 * The world of one seed: a core, a clock that only the world moves, clients made of bytes, and what is on the way between.
 *
 * A client's operation becomes a frame at the end of its stream; the world hands the stream to the core in pieces, late or
 * at once, and takes out what the core owes, or not (a frozen client). When the last byte of a frame goes in, the model is
 * told what it meant. What comes out is told to the model as well. sim-ops chooses operations, sim-check looks at the
 * core from inside after every step.
 *
 * Invariant: the same seed gives the same bytes out (their hash says so).
 */

#define SIM_CLIENTS 8u
#define SIM_GROUPS  2u
#define SIM_SUBS    6u /* at each client, at a time; the last place is for what it serves */

typedef enum
{
  SIM_FRAME_OTHER,
  SIM_FRAME_HELLO,
  SIM_FRAME_PUBLISH,
  SIM_FRAME_SUBSCRIBE,
  SIM_FRAME_UNSUBSCRIBE,
  SIM_FRAME_ADJUST,
  SIM_FRAME_REPLY,
  SIM_FRAME_CREDIT,
} SimFrameKind;

/* What a frame in a stream means, for the model. */
typedef struct
{
  SimFrameKind kind;
  gsize size;
  gsize left;  /* bytes that have not gone in */
  guint place; /* of the subscription at its client */
  guint32 subscription;
  guint64 number; /* PUBLISH; REPLY: its route */
  gsize payload_len;
  guint64 ttl_us;
  gboolean broadcast;
  gboolean roomy;
  gboolean serve;
  gboolean lazy;
  guint64 window_messages; /* SUBSCRIBE */
  guint64 window_bytes;
  SimPolicy policy;
  const char *topic; /* or pattern; static */
  const char *group; /* static; NULL: none */
  char target[16];   /* empty: none */
} SimFrame;

/* A subscription as its client sees it. */
typedef struct
{
  gboolean asked; /* to be made: on its way */
  gboolean exists;
  guint32 number; /* at the broker: never used twice, so that what comes late is known for what it is */
  gboolean lazy;  /* returns credit when the world says so */
  guint64 window_messages;
  guint64 window_bytes;
  guint64 got_messages;
  guint64 got_bytes;
  guint64 told_messages; /* returned, and told */
  guint64 told_bytes;
  gsize largest;         /* payload that came */
  guint64 said[8];       /* sim-check: what system.drop told of it, by reason */
  gint64 said_next_us;   /* when it may tell again */
  gint64 credit_us;      /* when credit came back to the broker */
  gboolean is_looked_at; /* sim-block: what was before */
  gboolean was_demoted;
  gint64 block_since_us;
  gint64 block_due_us;
} SimSub;

typedef struct SimWorld SimWorld;

typedef struct
{
  SimWorld *world;
  guint slot;
  guint number; /* of this connection, never used twice */
  SimRole role;
  char id[16];
  const char *type;
  BusPeer *peer; /* NULL: not connected */
  gboolean is_ready;
  gboolean is_frozen;
  gboolean is_late;
  gboolean is_writable;
  gboolean had_goodbye;

  GByteArray *stream; /* to the core */
  GQueue frames;      /* SimFrame, of the stream */
  WireFrameReader reader;

  guint64 next_id;
  guint32 next_subscription;
  guint64 granted_messages[WIRE_N_CLASSES];
  guint64 granted_bytes[WIRE_N_CLASSES];
  guint64 used_messages[WIRE_N_CLASSES];
  guint64 used_bytes[WIRE_N_CLASSES];
  SimSub subs[SIM_SUBS];
  GHashTable *asked;   /* ids of requests that wait for their end */
  GHashTable *refused; /* those of them that there is no room for an answer to */
  GHashTable *left;    /* id of an unsubscribe -> the subscription's number */
  GArray *routes;      /* of guint64: requests to be answered */
} SimClient;

struct SimWorld
{
  SimRandom random;
  BusCore *core;
  SimModel *model;
  SimReached *reached;
  gint64 now_us;
  guint step;
  SimClient clients[SIM_CLIENTS];
  guint next_client;
  guint64 next_payload;
  guint fail_allocations; /* the next ones */
  gboolean is_healing;
  gboolean is_tick_due; /* time moved, and the core was not told: its timers are late */
  gboolean was_demoted;
  guint64 hash; /* of everything that came out */
  char failure[SIM_FAILURE_MAX];
};

/* Runs one seed. The text of the failure, or NULL. Free with g_free(). @hash: (out) */
char *sim_world_run (guint64 seed, guint steps, SimReached *reached, guint64 *hash);

static inline void
sim_reach (SimWorld *world, SimReach reach)
{
  world->reached->counts[reach]++;
}

void sim_world_fail (SimWorld *world, const char *format, ...) G_GNUC_PRINTF (2, 3);
gboolean sim_world_failed (const SimWorld *world);

/* Steps of the world that operations may ask for. */
void sim_world_connect (SimWorld *world, SimClient *client);
void sim_world_disconnect (SimWorld *world, SimClient *client);
/* Hands up to @max bytes of the client's stream to the core. */
void sim_world_feed (SimWorld *world, SimClient *client, gsize max);
/* Takes out what the core owes; @whole: all of it. */
void sim_world_drain (SimWorld *world, SimClient *client, gboolean whole);
void sim_world_advance (SimWorld *world, gint64 us);

/* --- sim-client: frames in and out of a client --- */

void sim_client_init (SimClient *client, SimWorld *world, guint slot);
void sim_client_reset (SimClient *client);
void sim_client_clear (SimClient *client);
/* Puts a frame at the end of its stream. @frame: what it means; copied. An id of 0: the next one. */
guint64 sim_client_put (SimClient *client, guint8 kind, guint8 flags, WireEnvelope *envelope, const SimFrame *frame);
void sim_client_hello (SimClient *client);
/* Asks a call of the broker. */
void sim_client_call (SimClient *client, const char *topic, WireSpan payload, const SimFrame *frame);
gboolean sim_client_has_credit (const SimClient *client, WireClass credit_class);
/* Bytes that came from the broker. */
void sim_client_took (SimClient *client, const guint8 *bytes, gsize len);
/* Returns all that it got of the subscription at that place, or half of it. */
void sim_client_return_credit (SimClient *client, guint place, gboolean half);
/* No answer may come to that request. */
void sim_client_expect_refused (SimClient *client, guint64 id);

/* --- sim-ops --- */

extern const char *const sim_groups[SIM_GROUPS];

void sim_ops_one (SimWorld *world);
void sim_ops_limits (SimRandom *random, BusLimits *limits);

/* --- sim-check --- */

void sim_check (SimWorld *world);
/* Before a gather: what has to come first. */
void sim_check_lanes (SimWorld *world, const SimClient *client, const WireSpan *spans, guint n, gboolean was_between);
gboolean sim_check_is_between (const SimClient *client);
gboolean sim_check_has_subscription (const SimClient *client, guint32 subscription, gboolean *waits);
guint64 sim_check_accepted (const SimWorld *world);
/* Frames of this client that were looked at. */
guint64 sim_check_received (const SimClient *client);
/* Whether somebody is to be closed whom the world has not closed yet. */
gboolean sim_check_is_closing (const SimWorld *world);

/* A peer's queue; peer NULL: none. */
typedef struct
{
  const BusPeer *peer;
  guint64 bytes;
  guint64 messages;
  guint64 lost; /* for a limit */
  gboolean can_give;
} SimQueue;

/* A subscription that drops the oldest, alone at its peer; NULL: it has none. */
typedef struct
{
  const BusSubscription *subscription;
  guint64 oldest; /* sequence of the first that waits; 0: none does */
  guint64 others; /* bytes of the peer's queue that are not its own */
  guint64 lost;   /* for want of room */
} SimOldest;

/* A subscription whose policy alone decides what waits for it; NULL: none. */
typedef struct
{
  const BusSubscription *subscription;
  guint64 oldest; /* sequence of the first that waits; 0: none does */
  guint64 messages;
  guint64 bytes;
  guint64 missed;
  guint64 lost_full;
  guint64 lost_limit;
  gboolean fits_own; /* neither its own bounds nor those of its peer's queue are near */
} SimQueued;

/* A peer, and which of its bounds were reached. */
typedef struct
{
  const BusPeer *peer;
  guint64 missed;
  gboolean is_lane_full; /* the control lane */
  gboolean is_soft_over; /* above the soft limit for its time */
  SimQueued subs[SIM_SUBS];
} SimPressed;

/* What only one frame may do, looked at before and after it was handed in. */
typedef struct
{
  guint64 seq;                    /* PUBLISH: its own, when it is accepted */
  gboolean has_room[SIM_GROUPS];  /* PUBLISH: a member of that group could take it in */
  gboolean is_tight[SIM_GROUPS];  /* a member's peer is near its bounds */
  guint64 lost[SIM_GROUPS];       /* by its members, for want of room */
  guint64 waiting;                /* ADJUST: messages of the subscription */
  gboolean was_block;             /* ADJUST */
  gboolean is_taken[SIM_CLIENTS]; /* REPLY: something stands in the control lane */
  guint64 encoded[SIM_CLIENTS];
  SimOldest oldest[SIM_CLIENTS]; /* PUBLISH */
  SimQueue queues[SIM_CLIENTS];  /* PUBLISH */
  guint64 heritage;              /* UNSUBSCRIBE: messages that another member is to get */
  const BusGroup *heirs;
  guint64 rerouted;
  SimPressed pressed[SIM_CLIENTS]; /* PUBLISH */
  gboolean closes;                 /* who sends it does not read its answers */
  const BusPeer *full_asker;       /* REPLY: NULL: there is room for it */
  guint64 full_asked;
  guint64 full_lost;
} SimBefore;
void sim_check_before (const SimWorld *world, const SimClient *client, const SimFrame *frame, SimBefore *before);
void sim_check_after (SimWorld *world, const SimClient *client, const SimFrame *frame, const SimBefore *before);
/* At rest: what was counted is what came and was told. */
void sim_check_counters (SimWorld *world);

/* --- sim-block --- */

/* Around what may end a block of this client's, or a demotion. */
void sim_block_before (SimWorld *world, SimClient *client);
void sim_block_after (SimWorld *world, const SimClient *client);

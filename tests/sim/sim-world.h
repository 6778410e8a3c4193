/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "bus-core.h"
#include "coverage.h"
#include "sim-confirm.h"
#include "sim-model.h"
#include "sim-random.h"
#include "sim-requests.h"
#include "sim-resend.h"
#include "sim-retain.h"
#include "sim-wait.h"
#include "check-watch.h"
#include "wire-class.h"
#include "wire-envelope.h"
#include "wire-frame.h"

/*
 * The world of one seed: a core, a clock that only the world moves, clients, and the bytes in transit between them. No socket,
 * thread or real time is involved, so a failure can be repeated by its seed.
 *
 * A client is a stream of bytes: an operation appends a frame to it. The world passes the stream to the core, in pieces, late
 * or at once, and takes out the bytes that the core wants to send, unless the client is frozen. When the last byte of a frame
 * was passed in, the world reports the meaning of the frame to the model; it also reports the bytes that come out. sim-ops
 * selects the operations; the check-* files check the core from inside; sim-seed runs a seed from start to end.
 *
 * Invariant: the same seed gives the same bytes out. A hash of all of them proves it.
 */

#define SIM_CLIENTS 8u
#define SIM_RIVALS  2u

/* Incarnations of client objects are above this number. */
#define SIM_INCARNATIONS (G_GUINT64_CONSTANT (1) << 32)

#define SIM_ALLOCATIONS_OK 0u /* no allocation fails */

/* Accounts: one of agent and tools, two of collectors. */
#define SIM_AGENT_ACCOUNT      0u
#define SIM_COLLECTOR_ACCOUNT  1000u
#define SIM_COLLECTOR_ACCOUNTS 2u
#define SIM_GROUPS             2u
#define SIM_SUBS               6u /* of each client at a time; the last place is for the service that it offers */

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
  SIM_FRAME_CANCEL,  /* of a requester; number: its request */
  SIM_FRAME_DECLINE, /* of a responder */
  SIM_FRAME_CONFIRM, /* number: the route */
  SIM_FRAME_DRAIN,   /* asks that a client drains in a group, or takes part again */
  SIM_FRAME_WAIT,    /* waits for a client, or watches one or all */
  SIM_FRAME_UNWAIT,  /* number: the id of such a call */
  SIM_FRAME_VERIFY,  /* asks how many subscriptions the broker counts */
  SIM_FRAME_CLEAR,   /* clears retained messages; topic: the pattern */
  SIM_FRAME_WILL,    /* leaves a last message, or removes it */
  SIM_FRAME_PAGE,    /* asks for a page of the timeline */
  SIM_FRAME_LOST,    /* reports messages that its client could not send */
  SIM_FRAME_GOODBYE,
  SIM_FRAME_RESENT, /* a PUBLISH that the broker recognises, or refuses because it has no room for a window */
} SimFrameKind;

/* The meaning of a frame in a stream, for the model. */
typedef struct SimFrame
{
  SimFrameKind kind;
  gsize size;
  gsize left;      /* bytes that were not passed in yet */
  gint64 begun_us; /* when its first byte was passed in */
  guint place;     /* of the subscription at its client */
  guint32 subscription;
  guint64 number;    /* PUBLISH; REPLY: its route */
  gboolean is_later; /* REPLY: not the first one of its route */
  gsize payload_len;
  guint64 ttl_us;
  gboolean broadcast;
  gboolean at_least_once;
  gboolean is_retained;  /* PUBLISH */
  gboolean until_gone;   /* PUBLISH: retained until its sender disconnects */
  gboolean hold;         /* PUBLISH: for a group without members */
  gboolean is_confirmed; /* PUBLISH: its sender waits until it was handled */
  gboolean is_refused;   /* WILL: the broker has to refuse it */
  guint64 message_id;    /* PUBLISH; 0: none. WILL, LOST: id of the call */
  guint64 deadline_us;   /* PUBLISH; 0: none */
  guint drained_slot;    /* DRAIN: of the client that is to drain */
  guint watched_slot;    /* WAIT: of the client; SIM_WAIT_ALL: all */
  gboolean resumes;      /* DRAIN: it takes part again */
  gboolean watches;      /* WAIT: every change, not one answer */
  gboolean may_fail;     /* WAIT: allocations failed when it arrived */
  gboolean is_restored;  /* SUBSCRIBE: of a client that has reconnected */
  gboolean is_unbounded;
  gboolean serve;
  gboolean lazy;
  guint64 window_messages; /* SUBSCRIBE */
  guint64 window_bytes;
  SimPolicy policy;
  const char *topic;  /* or pattern; static */
  const char *group;  /* static; NULL: none */
  char target[16];    /* empty: none */
  SimLineage lineage; /* PUBLISH; SUBSCRIBE: the filter */
} SimFrame;

#define SIM_CALL_MAX 512u /* bytes of a call of the broker */

/* The SUBSCRIBE call of a subscription, for a client that reconnects. */
typedef struct
{
  struct SimFrame *frame; /* of the call; NULL: none */
  guint8 bytes[SIM_CALL_MAX];
  gsize len;
  gboolean is_wanted; /* to be restored by the next connection */
} SimSaved;

/* A message that its client may send again. */
typedef struct
{
  guint64 message_id;
  guint64 frame; /* connection and id of the frame that carried it last */
  const char *topic;
  gboolean is_confirmed;
  gboolean at_least_once;
  guint64 held_us; /* its time to live, if it may be held; 0: it may not */
} SimNumbered;

/* A subscription as its client sees it. */
typedef struct
{
  gboolean asked; /* the SUBSCRIBE call is in transit */
  gboolean exists;
  guint32 number; /* at the broker; never used twice, so a late frame is not mistaken for one of a newer subscription */
  gboolean lazy;  /* returns credit only by an operation */
  guint64 window_messages;
  guint64 window_bytes;
  guint64 got_messages;
  guint64 got_bytes;
  guint64 returned_messages;
  guint64 returned_bytes;
  gsize largest;       /* payload that was received */
  const char *pattern; /* static */
  guint64 begun_at;    /* accept sequence */

  /* Notices that it drains; see sim-drain.c. */
  guint noted_status;
  guint64 noted_value;

  /* Used by the check-* files only. */
  gboolean was_draining; /* it drained at the last check */
  guint64 offered;       /* messages that it had been offered when it began to drain */
  guint64 reported[8];   /* losses that system.drop reported, by reason */
  gint64 report_due_us;  /* when it may report again */
  gint64 credit_us;      /* when its credit last returned to the broker */
  gboolean is_observed;  /* the fields below are valid */
  gboolean was_demoted;
  gint64 block_since_us;
  gint64 block_due_us;
  gint64 demoted_us;
  gboolean was_held;    /* messages that were sent hold credit */
  guint64 transferable; /* messages that other members of its group take when it is demoted */
  guint64 rerouted;
  guint64 repeated;
  guint64 group_rerouted; /* by all members of its group, with repeats */
  guint64 delivered;
} SimSub;

typedef struct
{
  SimWorld *world;
  guint slot;
  guint number; /* of this connection, never used twice */
  SimRole role;
  char id[16];
  const char *type;
  BusPeer *peer; /* NULL: not connected */
  gint64 connected_us;
  guint64 begun_at; /* accept sequence at the time of its HELLO */
  gboolean is_ready;
  gboolean is_known;    /* the broker accepted its HELLO */
  gboolean has_streams; /* WELCOME granted them */
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
  GHashTable *asked;   /* ids of requests that are not answered yet */
  GHashTable *refused; /* requests for whose answer the queue has no room */
  guint64 verified;    /* id of the last call that asks how many subscriptions the broker counts; 0: none */
  guint n_verified;    /* the right answer when that call reached the broker */
  GHashTable *joining; /* id of a SUBSCRIBE call -> number of its subscription */
  GHashTable *left;    /* id of an UNSUBSCRIBE call -> number of its subscription */
  GArray *routes;      /* of guint64: requests to be answered */
  GArray *confirming;  /* of guint64: routes of messages that it has received */

  /* Of the client object, the same for all its connections. */
  guint64 incarnation;
  gboolean has_token; /* its HELLO has a launch token */
  guint64 next_message_id;
  guint64 last_known; /* the newest of its numbers with an ACK */
  GArray *numbered;   /* of SimNumbered */
  SimSaved saved[SIM_SUBS];
} SimClient;

/* The member that had the last turn of a group. */
typedef struct
{
  const struct BusSubscription *member; /* only compared, never dereferenced; NULL: not known */
  guint32 number;
  guint64 changes;
  guint64 members_hash; /* of the members of the group */
} SimLastTurn;

/* The groups of one name: of each account, and of a type of tasks. */
#define SIM_SCOPES (SIM_COLLECTOR_ACCOUNTS + 2u)

typedef struct SimStorm SimStorm; /* see sim-storm.c */
typedef struct SimLosts SimLosts; /* see sim-lost.h */
typedef struct SimPeers SimPeers; /* see sim-peers.h */
typedef struct SimHops SimHops;   /* see sim-hops.h */
typedef struct SimWills SimWills; /* see sim-will.h */
typedef struct SimPages SimPages; /* see sim-pages.h */

/* The frame that the core handles now. */
typedef struct
{
  SimClient *client;
  const SimFrame *frame; /* NULL: none */
  gboolean waited;
  gboolean may_wait;
  gboolean is_reported; /* to the model */
  guint64 seq;          /* the sequence of its message */
} SimPassing;

struct SimWorld
{
  guint strategy;            /* that members of groups ask for, less 1 */
  gboolean has_weights;      /* they ask for weights as well */
  gboolean has_large_groups; /* most of them join one group of each account, with one pattern */
  SimLastTurn last_turns[SIM_GROUPS * SIM_SCOPES];
  SimRandom random;
  SimRandom aside; /* for operations that must not change the other operations of a seed */
  BusCore *core;
  BusCoreOptions options; /* of the next core; the epoch of this one */
  gboolean restarts;      /* the broker restarts; clients that reconnect restore their subscriptions */
  SimModel *model;
  SimWatch *watch;
  SimRequests *requests;
  SimConfirms *confirms;
  SimResends *resends;
  GArray *drains; /* of SimDrain */
  SimRetains *retained;
  SimWills *wills;
  SimHops *hops;
  SimPages *pages;
  SimPeers *peers;
  SimLosts *losts;
  SimStorm *storm; /* within one step only */
  SimPassing passing;
  SimWaits *waits;
  SimCoverage *coverage;
  gint64 now_us;
  guint step;
  SimClient clients[SIM_CLIENTS];
  SimClient rivals[SIM_RIVALS]; /* see sim-rival.h; connected within one step only */
  guint next_client;
  guint64 next_payload;
  GArray *accepted_us;    /* gint64: when the message with that sequence was accepted */
  guint fail_allocations; /* this many of the next allocations fail */
  gboolean
      keeps; /* some messages are at-least-once; not in every seed, because only without them the sums of a group are exact */
  gboolean retains;           /* clients retain some of their messages */
  gboolean has_wills;         /* clients leave last messages, and send GOODBYE */
  gboolean holds;             /* clients let messages be held for groups without members */
  gboolean numbers;           /* clients number some of their messages */
  gboolean storms;            /* many connections come at once */
  gboolean loses;             /* clients report messages that they could not send */
  gboolean has_tags;          /* messages have tags, and filters want some of them */
  gboolean has_pairs;         /* two newcomers want the id of one client */
  gboolean asks_pages;        /* clients read the timeline */
  gboolean has_runs;          /* runs of messages reach the broker in one read */
  gboolean has_mutual;        /* publishers block each other */
  gboolean reads_at_once;     /* when faults have ended, clients read without pauses */
  gboolean traces;            /* clients ask for the stations of some of their messages */
  guint64 request_timeout_us; /* of a publisher that waits and names no deadline */
  gboolean is_healing;
  gboolean is_tick_due; /* time moved without a tick: the core's timers are late */
  gboolean was_demoted;
  guint64 lineage_refused; /* messages that their causes forbid */
  guint64 hash;            /* of all bytes that came out */
  char failure[SIM_FAILURE_MAX];
};

/* Runs one seed. Returns the text of its failure, or NULL. @hash: (out): of all bytes that came out */
char *sim_world_run (guint64 seed, guint steps, SimCoverage *coverage, guint64 *hash);

static inline guint32
sim_account_of (const SimClient *client)
{
  return client->role == SIM_COLLECTOR ? SIM_COLLECTOR_ACCOUNT + client->slot % SIM_COLLECTOR_ACCOUNTS
                                       : SIM_AGENT_ACCOUNT;
}

static inline void
sim_cover (SimWorld *world, SimSituation situation)
{
  world->coverage->counts[situation]++;
}

void sim_world_fail (SimWorld *world, const char *format, ...) G_GNUC_PRINTF (2, 3);
gboolean sim_world_failed (const SimWorld *world);

/* Steps of the world, for operations. */
void sim_world_connect (SimWorld *world, SimClient *client);
void sim_world_disconnect (SimWorld *world, SimClient *client);
/* Disconnects the peers that the broker wants to disconnect. */
void sim_world_close_peers (SimWorld *world);
/* Makes a core, with an epoch of its own, and empty models. */
void sim_world_begin (SimWorld *world);
/* Frees the models. The core has been freed. */
void sim_world_forget (SimWorld *world);
/* The broker has accepted the HELLO of the client. */
void sim_world_accepted_hello (SimWorld *world, SimClient *client, const SimFrame *frame);
/* A second connection wants the id of @client. */
void sim_rival_run (SimWorld *world, SimClient *client);
/* Last messages are published while the core handles a frame. Reports the effect of that frame to the model first. @ending: the
 * client whose connection ends */
void sim_world_report_passing (SimWorld *world, const SimClient *ending);
/* Notes the time at which the newest messages were accepted. */
void sim_world_note_accepted (SimWorld *world);
/* Passes the frames of the stream, which are whole messages, in one read. */
void sim_world_feed_at_once (SimWorld *world, SimClient *client);
/* Passes up to @max bytes of the client's stream to the core. */
void sim_world_feed (SimWorld *world, SimClient *client, gsize max);
/* Takes out the bytes that the core wants to send. @whole: all of them, not a random part */
void sim_world_drain (SimWorld *world, SimClient *client, gboolean whole);
void sim_world_advance (SimWorld *world, gint64 us);

/* Lets allocations fail as this world wants. NULL: none fails */
void sim_memory_use (SimWorld *world);

/* --- sim-client: frames in and out of a client --- */

void sim_client_init (SimClient *client, SimWorld *world, guint slot);
void sim_client_reset (SimClient *client);
void sim_client_clear (SimClient *client);
/* Appends a frame to the client's stream. @frame: its meaning; copied. Returns its id; an id of 0 becomes the next one. */
guint64 sim_client_put (SimClient *client, guint8 kind, guint8 flags, WireEnvelope *envelope, const SimFrame *frame);
void sim_client_hello (SimClient *client);
void sim_client_goodbye (SimClient *client);
/* Calls a method of the broker. */
void sim_client_call (SimClient *client, const char *topic, WireSpan payload, const SimFrame *frame);
gboolean sim_client_has_credit (const SimClient *client, WireClass credit_class);
/* The client received bytes from the broker. */
void sim_client_received (SimClient *client, const guint8 *bytes, gsize len);
/* Returns credit for all messages of the subscription at that place, or for half of them. */
void sim_client_return_credit (SimClient *client, guint place, gboolean half);
/* Returns credit for the replies to its requests. @all: also for requests whose credit only an operation returns. */
void sim_client_return_reply_credit (SimClient *client, gboolean all);
/* The request must not get a REPLY, because the queue had no room for it. */
void sim_client_expect_refused (SimClient *client, guint64 id);
/* Confirms a message that it has received. @at: place in confirming */
void sim_client_confirm (SimClient *client, guint at);

/* --- sim-publish: reports a frame that publishes to the models --- */

/* The state before the broker gets the frame. */
typedef struct
{
  guint matched;    /* subscriptions and groups that match in the model */
  guint n_groups;   /* of them */
  guint n_vacant;   /* further groups that match and have no member that takes part */
  guint n_held;     /* groups for which the broker has to hold the message */
  guint64 seq;      /* if it is accepted */
  guint64 accepted; /* messages that were accepted so far */
  guint64 received; /* frames of its client that the broker has processed so far */
  gboolean may_wait;
  gboolean is_full; /* its account or the broker has no room for its number */
  SimResendKind resend;
  guint64 first; /* of a message that the broker recognises: its number */
} SimPublish;

/* @frame: (inout): turned into SIM_FRAME_RESENT if the broker may not accept it as a new message. @ahead: frames in the same
 * read before this one */
void sim_publish_before (SimWorld *world, SimClient *client, SimFrame *frame, guint ahead, SimPublish *publish);
void sim_publish_after (SimWorld *world,
                        const SimClient *client,
                        const SimFrame *frame,
                        const SimPublish *publish,
                        gboolean is_forbidden);

/* --- sim-drain: members of groups that drain --- */

/* A call that waits until a member has drained. */
typedef struct
{
  guint asker; /* connection */
  guint64 id;
  guint member;         /* connection */
  char scope[48];       /* of the groups */
  guint32 subscription; /* that serves; 0: none */
} SimDrain;

/* An operation. */
void sim_drain_run (SimWorld *world, SimClient *client);
/* The call reaches the broker. @may_wait: the asker has room for one more answer */
void sim_drain_reached (SimWorld *world, const SimClient *client, const SimFrame *frame, gboolean may_wait);
/* A member received a notice. */
void sim_drain_noted (SimClient *client, const WireEnvelope *envelope);
/* At rest. */
void sim_drain_finish (SimWorld *world);

/* --- sim-waiting: calls that wait for clients --- */

/* Such a call reaches the broker. @is_granted: the asker may wait for one more answer */
void sim_waiting_reached (SimWorld *world, const SimClient *client, const SimFrame *frame, gboolean is_granted);
/* The client received an ERROR, or a REPLY, to any call. */
void sim_waiting_failed (const SimClient *client, const WireEnvelope *envelope);
void sim_waiting_replied (const SimClient *client, guint8 flags, const WireEnvelope *envelope);

/* --- sim-restart: the broker ends and starts again, and clients reconnect --- */

/* Operation: everything that the broker kept is lost. */
void sim_restart_run (SimWorld *world, SimClient *client);
/* The client has made this call. */
void sim_restart_save (SimClient *client, const SimFrame *frame, WireSpan call);
/* The connection of the client ends: its subscriptions are wanted again. */
void sim_restart_remember (SimClient *client);
/* The client object ends. */
void sim_restart_forget (SimClient *client);
/* The client is connected again: restores its subscriptions, and lets the broker count them. */
void sim_restart_restore (SimClient *client);
/* Asks how many subscriptions the broker counts. */
void sim_restart_verify (SimWorld *world, SimClient *client);
/* The client received a reply: compares the number, if it answers that call. */
void sim_restart_verified (SimClient *client, const WireEnvelope *envelope);

/* --- sim-ops --- */

extern const char *const sim_groups[SIM_GROUPS];

void sim_ops_one (SimWorld *world);
void sim_ops_limits (SimRandom *random, BusLimits *limits);

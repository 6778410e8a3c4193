/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "queue/bus-subscription.h"
#include "sim-world.h"

/*
 * Checks of the core's private state, as the world calls them. The model checks what clients can see: it compares the
 * messages that each subscriber received with those that it should have received. The check-* files check state that a client
 * cannot see, or cannot see yet: the sums of the core, its timers, and which message a policy dropped.
 *
 *   check-step     after every step: the checks below, in order
 *   check-sums     sums that the core keeps, counted again (I1, I2, I7, I12)
 *   check-slots    the entries that the FIFO of a subscription may contain (B04, B07, M08, R11)
 *   check-index    the receivers of a topic in the index and in the cache of matches (T07)
 *   check-timers   every timer has an owner (I15)
 *   check-reports  every loss is reported (I7)
 *   check-frame    the changes that one frame may cause (B01, B08, I4, M08, R04)
 *   check-groups   the member of a group that gets a message, and the ones that get the messages of a member that ends (M06, M08)
 *   check-strategy the decisions of the strategy of a group (M07)
 *   check-drain    a draining member gets nothing new, and the drain call is answered at the right time (M06)
 *   check-empty    the broker holds nothing when no client is connected (I3, I15, M16)
 *   check-ends     no message vanishes when a subscription ends or is demoted (I7)
 *   check-bounds   the changes that one frame may cause where a bound is reached (B09, R04)
 *   check-block    the times at which a block or a demotion may end (B04, I13)
 *   check-confirm  the frames that end a confirmation, and its end without a frame (O05)
 *   check-retain   the store of retained messages, and their place before other messages
 *   check-will     the time at which last messages are published
 *   check-hops     reports waiting messages to the model of stations (M24)
 *   check-lineage  the timeline, and the messages that are refused because of their causes (M24, M30)
 *   check-timeline the records that one message adds to the timeline (M24)
 *   check-pages    the page of the timeline that answers a call (M24)
 *   check-lanes    control is sent before data (I14)
 *   check-requests pending requests: the lists that contain them, and the outcomes of those that end (I4, I6, O06, B04)
 *   check-wait     the calls that wait for a client, and the clients that watchers know at rest (K11)
 *   check-replaced coverage: the contents of a connection whose id is taken over (K11)
 *   check-names    the connection that has an id, and the ones that wait for it (A01, F08)
 *
 * A check reports a violation with sim_world_fail (), which keeps the first one of a seed. No check changes the core.
 */

/* Coverage: the state of a connection whose id will be taken over; see check-replaced.c. */
void sim_check_cover_replaced (SimWorld *world, const SimClient *client);

/* --- after every step, and at rest --- */

void sim_check_step (SimWorld *world);
/* At rest: checks the clients that watchers know. */
void sim_check_waits_at_rest (SimWorld *world);
/* At rest: checks that each client received the messages that its subscription counted. */
void sim_check_counters (SimWorld *world);

/* Checks that the broker holds nothing after the last connection has ended. */
void sim_check_empty (SimWorld *world);

/* --- before and after everything that ends or demotes subscriptions --- */

typedef struct
{
  const SimClient *client; /* the client that ends, or whose subscription ends; NULL: none */
  guint32 subscription;    /* the subscription that ends; 0: all of the client */
  guint64 waiting;         /* messages of subscriptions that end */
  guint64 others;          /* messages that were offered to the other subscriptions */
  guint64 wills;           /* times that a last message was offered to the others */
  guint64 ended;           /* messages that were discarded or lost with their subscription */
  guint64 repeated;        /* messages that another member got again, so far */
  guint64 to_repeat;       /* messages that were sent and not settled, and that another member must get */
  gboolean is_closing;     /* a peer is being disconnected at the same time: the sums are not known */
} SimEnds;

void sim_check_before_end (const SimWorld *world, const SimClient *client, guint32 subscription, SimEnds *ends);
void sim_check_after_end (SimWorld *world, const SimEnds *ends);

/* --- before and after everything that ends requests --- */

typedef struct
{
  guint64 route;
  guint responder; /* number of its connection */
  gboolean is_queued;
  guint64 delivered; /* messages and requests that all peers were sent so far */
} SimRoute;

/* The pending requests. (element-type SimRoute); clear with g_array_unref() */
GArray *sim_check_before_requests (const SimWorld *world);
/* Checks that requests that have ended since then were removed from their queue, or are followed by CANCEL. @except: number of
 * a connection, a responder that ended its requests itself; 0: none. @routes: (transfer full) */
void sim_check_after_requests (SimWorld *world, GArray *routes, guint except);

/* --- before and after one frame --- */

/* The queue of a peer. peer NULL: there is none. */
typedef struct
{
  const BusPeer *peer;
  guint64 bytes;
  guint64 messages;
  guint64 lost;      /* for a limit */
  gboolean can_shed; /* it has messages that may be dropped for a limit */
} SimQueue;

/* The drop-oldest subscription of a peer that has only this one. subscription NULL: there is none. */
typedef struct
{
  const BusSubscription *subscription;
  guint64 oldest;        /* sequence of the oldest message; 0: none waits */
  guint64 others;        /* bytes of the peer's queue that are not its own */
  guint64 lost;          /* because it was full */
  gboolean is_lane_full; /* the control lane of its peer is full: messages there are dropped first */
} SimOldest;

/* A subscription whose queue depends on its policy only. subscription NULL: there is none. */
typedef struct
{
  const BusSubscription *subscription;
  guint64 oldest; /* sequence of the oldest message; 0: none waits */
  guint64 messages;
  guint64 bytes;
  guint64 missed;
  guint64 lost_full;
  guint64 lost_limit;
  gboolean fits; /* the frame is far below its bounds and those of its peer's queue */
} SimQueued;

/* A peer, and which of its bounds are reached. */
typedef struct
{
  const BusPeer *peer;
  guint64 missed;
  gboolean is_lane_full; /* the control lane */
  gboolean is_soft_over; /* above the soft limit for its time */
  SimQueued subs[SIM_SUBS];
} SimPressed;

/* A group, and the capacity of its members for a frame. */
typedef struct
{
  gboolean has_room;                           /* a member that is not demoted can take it */
  gboolean has_prompt_room;                    /* one of them that acknowledges promptly can take it */
  gboolean is_tight;                           /* the peer of a member is near its bounds */
  guint64 lost;                                /* by the members, because they were full */
  const BusSubscription *avoided[SIM_CLIENTS]; /* members that get it only if no other one has room */
  guint n_avoided;
  guint64 offered; /* to the avoided members */
} SimGroup;

/* A group before a message, and the data that its strategy uses, for each matching member in the order of joining. */
typedef struct
{
  const BusSubscription *member;
  guint64 offered;
  guint64 load;
  guint32 weight;
  guint32 owed;
  gboolean is_free;
} SimCandidate;

typedef struct
{
  const BusGroup *group; /* NULL: it does not exist */
  guint32 number;
  guint64 changes; /* messages that were handed on */
  SimCandidate members[SIM_CLIENTS];
  guint n;
  gboolean all;         /* every member matches */
  guint64 members_hash; /* a hash of the members */
} SimTurn;

/* The record that a message must leave in the timeline. */
typedef struct
{
  gboolean wants;
  char root[8];
  guint depth;      /* at least */
  guint64 newest;   /* number of the newest record so far; 0: none */
  guint64 accepted; /* messages that were accepted so far */
} SimRecorded;

/* A subscription that a call may let drain. */
typedef struct
{
  const BusSubscription *subscription; /* NULL: none, or it drains already */
  guint64 transferable;                /* messages that other members must get */
  guint64 rerouted;                    /* messages that were handed on so far */
} SimLeaving;

/* The core before a frame was handed in. */
typedef struct
{
  guint64 seq;                              /* PUBLISH: its sequence, if it is accepted */
  SimGroup groups[SIM_GROUPS * SIM_SCOPES]; /* PUBLISH */
  SimTurn turns[SIM_GROUPS * SIM_SCOPES];   /* PUBLISH */
  guint64 waiting;                          /* ADJUST: messages of the subscription */
  gboolean was_block;                       /* ADJUST: its policy was block */
  gboolean is_taken[SIM_CLIENTS];           /* REPLY: something waits in the control lane */
  guint64 encoded[SIM_CLIENTS];             /* REPLY: bytes of the control lane that are encoded */
  SimOldest oldest[SIM_CLIENTS];
  SimQueue queues[SIM_CLIENTS];
  guint64 transferable;            /* UNSUBSCRIBE: messages that another member must get */
  SimLeaving drained[SIM_SUBS];    /* DRAIN: of the member, by place */
  const BusGroup *receivers;       /* UNSUBSCRIBE: the group of the other members; NULL: there is none */
  guint64 rerouted;                /* UNSUBSCRIBE: messages that this group had handed on */
  SimEnds ends;                    /* UNSUBSCRIBE */
  SimPressed pressed[SIM_CLIENTS]; /* PUBLISH */
  gboolean closes;                 /* the sender of the frame does not read its answers */
  const BusPeer *full_asker;       /* REPLY: the peer that has no room for it; NULL: it has */
  guint64 full_asked;              /* REPLY: the request of that peer */
  guint64 full_missed;             /* REPLY: messages that this peer had missed */
  gboolean is_forbidden;           /* PUBLISH: the causes of the message forbid it */
  gboolean meets_tags;             /* PUBLISH with tags: a subscription wants some */
  guint64 filtered;                /* PUBLISH: subscriptions whose filter it does not pass */
  gpointer route;                  /* CONFIRM: the confirmed route; NULL: none */
  gboolean is_its_own;             /* CONFIRM: the message was sent to this client last */
  SimRecorded recorded;            /* PUBLISH */
  guint64 cascades;                /* PUBLISH: refused messages of the client that were not published yet */
} SimBefore;

void sim_check_before_frame (const SimWorld *world, const SimClient *client, const SimFrame *frame, SimBefore *before);
void sim_check_after_frame (SimWorld *world, const SimClient *client, const SimFrame *frame, const SimBefore *before);

void sim_check_before_confirm (SimWorld *world, const SimClient *client, const SimFrame *frame, SimBefore *before);
void sim_check_after_confirm (SimWorld *world, const SimClient *client, const SimFrame *frame, const SimBefore *before);

/* --- before and after everything that may end a block of this client's subscriptions, or a demotion --- */

void sim_check_before_block (SimWorld *world, SimClient *client);
void sim_check_after_block (SimWorld *world, SimClient *client);

/* --- after a frame that drains a member, or lets it take part again --- */

void sim_check_drain_called (SimWorld *world, SimClient *member);

/* --- before and after bytes are taken out --- */

/* TRUE if the client is between two turns, and control frames wait for it. */
gboolean sim_check_is_between_turns (const SimClient *client);
void sim_check_turn (SimWorld *world, const SimClient *client, const WireSpan *spans, guint n, gboolean was_between);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * The model: the messages that each subscriber should have received, in the simplest form, a list of all that matched.
 *
 * The model knows topics, patterns, rights and promises as the documents state them, and nothing of the broker: it includes no
 * header of the core. The world reports to it the messages that reached the broker, in order, and the frames that the broker sent
 * to each peer. The model keeps the first fault.
 *
 * For each plain subscription and lane: it receives the messages that matched, in order, none of them twice. A message that is
 * left out is counted by a gap, at its exact place. At the end delivered + missed = matched. A message to a group reaches at
 * most one of its members. A message that is published at least once may reach another member again, marked with the number of
 * the attempt; it is never lost to a group that it was accepted for, unless a member left or its time to live ended.
 */

#define SIM_FAILURE_MAX 400

typedef enum
{
  SIM_COLLECTOR = 1,
  SIM_TOOL = 2,
  SIM_AGENT = 3,
} SimRole;

typedef enum
{
  SIM_BLOCK = 1,
  SIM_DROP_OLDEST = 2,
  SIM_DROP_NEWEST = 3,
  SIM_ERROR = 4,
  SIM_CONFLATE = 5,
} SimPolicy;
#define SIM_N_POLICIES 6u

/* Reasons of gaps, with the numbers of the wire. */
#define SIM_REASON_LIMIT     23u
#define SIM_REASON_REFUSED   24u
#define SIM_REASON_NO_MEMORY 26u
#define SIM_REASON_EXPIRED   36u
#define SIM_REASON_FULL      40u

/* The ids that connect messages, as numbers; 0: not set. Ids and roots are of one kind. Of a filter only id, root, stage and tags
 * count. */
typedef struct
{
  guint id;
  guint parent;
  guint root;
  guint stage;
  guint depth;
  guint tags; /* bits: of sim_tags, of a filter those of sim_wanted_tags */
} SimLineage;

#define SIM_TAGS        5u
#define SIM_WANTED_TAGS 6u

/* TRUE if a message with this lineage passes the filter. */
gboolean sim_model_passes (const SimLineage *filter, const SimLineage *lineage);

extern const char *const sim_tags[SIM_TAGS];
extern const char *const sim_wanted_tags[SIM_WANTED_TAGS];

typedef struct SimModel SimModel;

SimModel *sim_model_new (void);
void sim_model_free (SimModel *model);

/* The first failure; empty: none so far. */
const char *sim_model_failure (const SimModel *model);

/* --- input of the broker --- */

/* The caller numbers peers: each connection has a new number. */
void sim_model_ready (SimModel *model, guint peer, SimRole role, guint32 account, const char *type, const char *id);
void sim_model_gone (SimModel *model, guint peer);
/* @filter: zeros: none. @is_unbounded: its bounds are above anything that the simulator sends. */
void sim_model_subscribe (SimModel *model,
                          guint peer,
                          guint32 subscription,
                          const char *pattern,
                          const char *group,
                          SimPolicy policy,
                          gboolean is_unbounded,
                          const SimLineage *filter);
void sim_model_unsubscribe (SimModel *model, guint peer, guint32 subscription);
void sim_model_adjust (SimModel *model, guint peer, guint32 subscription, SimPolicy policy);
/* The broker accepts a message as @seq. @number: in its payload. @target: (nullable): the only receiver. Returns how many
 * subscriptions and groups match. A direct message that matches none must not be accepted. */
guint sim_model_publish (SimModel *model,
                         guint peer,
                         const char *topic,
                         guint64 number,
                         gsize payload_len,
                         guint64 ttl_us,
                         gboolean broadcast,
                         gboolean at_least_once,
                         const char *target,
                         const SimLineage *lineage,
                         guint64 seq);
/* The message of the last call has to be held for the matching groups without members, or, if no group matches, for the first
 * one that begins. Returns the number of groups. */
guint sim_model_hold (SimModel *model, guint64 number);
/* Takes back a message: it was refused, or its publisher was disconnected. */
void sim_model_withdraw (SimModel *model, guint64 number);
/* The message was refused as a whole: no subscription gets it, and no member of a group counts it. */
void sim_model_refuse (SimModel *model, guint64 number);
/* The number of groups of the last call that get the message, each through one member. */
guint sim_model_count_groups (const SimModel *model, guint64 number);
/* The number of matching groups of which every member drains. */
guint sim_model_count_vacant (const SimModel *model, guint64 number);
/* The message is a last message: its publisher had left it with the broker. */
void sim_model_is_last (SimModel *model, guint64 number);
/* A peer was disconnected while the message was routed. */
void sim_model_unsure (SimModel *model, guint64 number);

/* --- output of the broker --- */

void sim_model_ack (SimModel *model, guint64 number, guint64 seq, guint matched, guint queued, guint refused);
void sim_model_deliver (SimModel *model,
                        guint peer,
                        guint32 subscription,
                        guint64 number,
                        gsize payload_len,
                        guint64 seq,
                        guint64 remaining_us,
                        const char *sender,
                        gsize sender_len,
                        guint attempt);
void sim_model_gap (SimModel *model,
                    guint peer,
                    guint32 subscription,
                    guint64 from,
                    guint64 to,
                    guint64 count,
                    guint32 reason);

/* The answer to UNSUBSCRIBE. */
void sim_model_left (SimModel *model,
                     guint peer,
                     guint32 subscription,
                     guint64 delivered,
                     guint64 missed,
                     guint64 discarded);
/* TRUE if the client may change settings of the group of the subscription. */
gboolean sim_model_may_adjust (const SimModel *model, guint peer, guint32 subscription);

/* Counts the messages that a subscription received, and those that gaps reported. */
void sim_model_received (const SimModel *model, guint peer, guint32 subscription, guint64 *delivered, guint64 *missed);

/* Checks the sums; called when no message waits any more. */
void sim_model_finish (SimModel *model);

/* The peer drains, or takes part again, in every group that @scope names: a name, or the scope of a subscription. Returns the
 * number of these subscriptions. */
guint sim_model_drain (SimModel *model, guint peer, const char *scope, gboolean drains);
/* Name and scope of the group of a subscription. NULL: none */
const char *sim_model_scope (const SimModel *model, guint peer, guint32 subscription);
/* TRUE when the subscription has begun and not ended. */
gboolean sim_model_is_alive (const SimModel *model, guint peer, guint32 subscription);
/* TRUE when the subscription gets nothing more. */
gboolean sim_model_drains (const SimModel *model, guint peer, guint32 subscription);
/* TRUE when @scope names its group. */
gboolean sim_model_is_in (const SimModel *model, guint peer, guint32 subscription, const char *scope);

/* The policy of a live subscription, for coverage. 0: there is none. */
SimPolicy sim_model_policy (const SimModel *model, guint peer, guint32 subscription);
gboolean sim_model_was_adjusted (const SimModel *model, guint peer, guint32 subscription);
/* TRUE if its peer has no other subscription, and never had one. */
gboolean sim_model_is_alone (const SimModel *model, guint peer, guint32 subscription);
/* TRUE if the message withholds no credit of a publisher: its own peer published it, or it is a last message. */
gboolean sim_model_withholds_no_credit (const SimModel *model, guint peer, guint32 subscription, guint64 seq);
/* The number of subscriptions that the broker should have. */
guint sim_model_count (const SimModel *model);

/* TRUE when the pattern matches: segment by segment, without an index. */
gboolean sim_model_matches (const char *pattern, const char *topic);

/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <glib.h>

/*
 * What each subscriber should have seen, in the simplest way: a list of everything that matched.
 *
 * The model knows topics, patterns, rights and promises as the documents state them, and nothing of the broker: no header
 * of the core is included here. It is told what reached the broker, in order, and what came out of it for each
 * peer, and says what is wrong.
 *
 * For each plain subscription and lane: what comes is what matched, in order; what is left out was told by gaps before,
 * at that place, with the exact count; nothing comes twice. In the end delivered + missed = matched. A message to a group
 * reaches one of its members at the most.
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

/* Reasons of gaps, as the wire has them. */
#define SIM_REASON_LIMIT     23u
#define SIM_REASON_REFUSED   24u
#define SIM_REASON_NO_MEMORY 26u
#define SIM_REASON_EXPIRED   36u
#define SIM_REASON_FULL      40u

typedef struct SimModel SimModel;

SimModel *sim_model_new (void);
void sim_model_free (SimModel *model);

/* What is wrong; empty: nothing so far. */
const char *sim_model_failure (const SimModel *model);

/* --- what reached the broker --- */

/* Peers are numbered by who calls, each connection anew. */
void sim_model_ready (SimModel *model, guint peer, SimRole role, const char *type, const char *id);
void sim_model_gone (SimModel *model, guint peer);
/* @roomy: its bounds are above anything that the simulator sends. */
void sim_model_subscribe (SimModel *model,
                          guint peer,
                          guint32 subscription,
                          const char *pattern,
                          const char *group,
                          SimPolicy policy,
                          gboolean roomy);
void sim_model_unsubscribe (SimModel *model, guint peer, guint32 subscription);
void sim_model_adjust (SimModel *model, guint peer, guint32 subscription, SimPolicy policy);
/* Accepted as @seq. @number: in its payload. @target: (nullable): only he gets it. Returns how many it matches; a direct
 * one that matches nobody is not to be accepted. */
guint sim_model_publish (SimModel *model,
                         guint peer,
                         const char *topic,
                         guint64 number,
                         gsize payload_len,
                         guint64 ttl_us,
                         gboolean broadcast,
                         const char *target,
                         guint64 seq);
/* It was not accepted after all: refused, or its publisher was closed instead. */
void sim_model_withdraw (SimModel *model, guint64 number);
/* Somebody was closed while it was routed. */
void sim_model_unsure (SimModel *model, guint64 number);

/* --- what came out --- */

void sim_model_ack (SimModel *model, guint64 number, guint64 seq, guint matched, guint queued, guint refused);
void sim_model_deliver (SimModel *model,
                        guint peer,
                        guint32 subscription,
                        guint64 number,
                        gsize payload_len,
                        guint64 seq,
                        guint64 remaining_us,
                        const char *sender,
                        gsize sender_len);
void sim_model_gap (SimModel *model,
                    guint peer,
                    guint32 subscription,
                    guint64 from,
                    guint64 to,
                    guint64 count,
                    guint32 reason);

/* What UNSUBSCRIBE said of it. */
void sim_model_left (SimModel *model,
                     guint peer,
                     guint32 subscription,
                     guint64 delivered,
                     guint64 missed,
                     guint64 discarded);
/* What came and was told of a subscription. */
void sim_model_told (const SimModel *model, guint peer, guint32 subscription, guint64 *delivered, guint64 *missed);

/* Everything that was owed was taken out: the sums. */
void sim_model_finish (SimModel *model);

/* Of a live subscription; for the reach table. 0: there is none. */
SimPolicy sim_model_policy (const SimModel *model, guint peer, guint32 subscription);
gboolean sim_model_was_adjusted (const SimModel *model, guint peer, guint32 subscription);
/* Its peer has no other one, and never had. */
gboolean sim_model_is_alone (const SimModel *model, guint peer, guint32 subscription);
/* Of what matched: whether its own peer published it. */
gboolean sim_model_is_own (const SimModel *model, guint peer, guint32 subscription, guint64 seq);
/* Live subscriptions, as the broker should have them. */
guint sim_model_count (const SimModel *model);

/* Segment by segment, without any index. */
gboolean sim_model_matches (const char *pattern, const char *topic);
